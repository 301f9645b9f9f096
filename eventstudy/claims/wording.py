"""How the numbers of claims are written for a reader."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventstudy.claims.contract import Number

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
SIGNED = ("return", "growth")
SCALES = ((1e12, "tn"), (1e9, "bn"), (1e6, "m"))


def shown(value: float, unit: str) -> str:
    """Return a number with its unit: ``+24.43%``, ``1,049.8bn``, ``1.89x``; a dash for none."""
    if not math.isfinite(value):
        return DASH
    if unit in SIGNED:
        text = f"{100 * value:+.2f}%"
    elif unit == "share":
        text = f"{100 * value:.1f}%"
    elif unit == "ratio":
        text = f"{value:.2f}x"
    elif unit in ("USD", "shares"):
        text = _scaled(value)
    else:
        text = f"{value:,.0f}"
    return text.replace("-", MINUS)


def _scaled(value: float) -> str:
    for scale, name in SCALES:
        if abs(value) >= scale:
            return f"{value / scale:,.4g}{name}"
    return f"{value:,.2f}"


def range_of(lo: float, hi: float, unit: str) -> str:
    """Return ``a to b``, or nothing where there is none or both are written alike."""
    if not (math.isfinite(lo) and math.isfinite(hi)):
        return ""
    ends = shown(lo, unit), shown(hi, unit)
    return "" if ends[0] == ends[1] else " to ".join(ends)


def p_text(value: float) -> str:
    """Return a p-value; never smaller than ``<0.001``."""
    if not math.isfinite(value):
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def counted(count: int, noun: str) -> str:
    """Return ``1 event`` or ``2 events``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def told(number: Number) -> str:
    """Return ``what +1.55% (-0.69% to +3.79%), p 0.141, N 7``, as far as there is any of it."""
    text = f"{number.what} {shown(number.value, number.unit)}"
    between = range_of(number.lo, number.hi, number.unit)
    text += f" ({between})" if between else ""
    if math.isfinite(number.p_value):
        text += f", p {p_text(number.p_value)}" + (f", N {number.n}" if number.n > 1 else "")
    return text
