"""How numbers are written for a reader."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

EXACT = 22
"""Powers of ten up to this one are floats without an error."""

FEW = 40
"""Below this many numbers arrays do not pay."""

MINUS = "\N{MINUS SIGN}"


def percent(value: float, digits: int = 2, *, signed: bool = True) -> str:
    """Return a fraction as percent, ``+24.52%``; a dash where there is none."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    text = f"{100 * value:{'+' if signed else ''}.{digits}f}%"
    return text.replace("-", MINUS)


def decimal(value: float, digits: int = 2) -> str:
    """Return a number with grouped thousands; a dash where there is none."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    return f"{value:,.{digits}f}".replace("-", MINUS)


def probability(value: float) -> str:
    """Return a p-value; never smaller than ``<0.001``, where no test here resolves it."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def p_clause(value: float) -> str:
    """Return ``p 0.017``, ``p <0.001`` or ``undefined``."""
    return f"p {probability(value)}" if math.isfinite(value) else "undefined"


def interval(lo: float, hi: float) -> str:
    """Return ``95% interval a to b``."""
    if not (math.isfinite(lo) and math.isfinite(hi)):
        return "no interval"
    return f"95% interval {percent(lo)} to {percent(hi)}"


def window_text(window: str) -> str:
    """Return ``day 0`` for ``0,0`` and ``days 2 to 10`` for ``2,10``."""
    first, last = (int(part) for part in window.split(","))
    if first == last:
        return f"day {_day(first)}"
    return f"days {_day(first)} to {_day(last)}"


def _day(day: int) -> str:
    return f"{day:+d}".replace("-", MINUS) if day else "0"


def counted(count: int, noun: str) -> str:
    """Return ``1 event`` or ``2 events``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def significant(values: Sequence[float] | np.ndarray[Any, Any], digits: int) -> list[float | None]:
    """Return plain floats to significant digits, None for what is not finite.

    A power of ten that is a float without an error leaves the float nearest to the decimal,
    which is written with as few digits; others go through text.
    """
    given = np.asarray(values, dtype=float)
    if len(given) < FEW:
        return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in given.tolist()]
    size = np.abs(given)
    plain = np.isfinite(given) & (size > 0)
    shift = np.zeros(given.shape, dtype=int)
    shift[plain] = digits - 1 - np.floor(np.log10(size[plain])).astype(int)
    near = plain & (np.abs(shift) <= EXACT)
    power = 10.0 ** np.abs(np.where(near, shift, 0))
    scaled = np.where(near, given, 0.0)
    down = np.round(scaled * power) / power
    up = np.round(scaled / power) * power
    found: list[float | None] = np.where(shift >= 0, down, up).tolist()
    for i in np.flatnonzero(~near & (size != 0)):
        found[i] = float(f"{given[i]:.{digits}g}") if plain[i] else None
    return found
