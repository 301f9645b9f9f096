"""Numbers as articles write them: ``24%``, ``4.324bn``; their last digit says how exact."""

from __future__ import annotations

import re
from dataclasses import dataclass

SCALES = {"": 1.0, "%": 0.01, "k": 1e3, "m": 1e6, "bn": 1e9, "tn": 1e12, "x": 1.0}
_FORM = re.compile(r"([+-]?)(\d+(?:,\d{3})*)(?:\.(\d+))?\s*(%|k|m|bn|tn|x)?")


@dataclass(frozen=True, slots=True)
class Stated:
    """A number with what rounding leaves open.

    Attributes
    ----------
    text : str
        As it was written.
    value : float
        Percent as a fraction.
    lo, hi : float
        Half a unit of the last digit on either side.
    """

    text: str
    value: float
    lo: float
    hi: float


def parse_stated(text: str) -> Stated:
    """Return the number that a text states: 24% is 0.24, between 0.235 and 0.245.

    Parameters
    ----------
    text : str
        Digits, grouped by commas or not, with ``%``, ``k``, ``m``, ``bn``, ``tn`` or ``x``
        (times) behind them or nothing. 0.8tn is exact to 0.05tn, 800bn to half a billion.

    Raises
    ------
    ValueError
        Where it is no such number.
    """
    found = _FORM.fullmatch(text.strip().replace("\N{MINUS SIGN}", "-"))
    if found is None:
        raise ValueError(
            f"{text!r} is no number such as '24%', '4.324bn' or '2x' "
            f"(units: {', '.join(name for name in SCALES if name)})"
        )
    sign, whole, decimals, unit = found.groups()
    scale = SCALES[unit or ""]
    digits = decimals or ""
    value = float(f"{sign}{whole.replace(',', '')}.{digits or '0'}") * scale
    half = 0.5 * 10.0 ** -len(digits) * scale
    return Stated(text.strip(), value, value - half, value + half)
