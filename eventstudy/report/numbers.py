"""How numbers are written for a reader."""

from __future__ import annotations

import math

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
