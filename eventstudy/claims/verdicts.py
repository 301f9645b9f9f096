"""The rules by which a claim is judged; the same for every kind, fixed before any number.

A number that is read off (a close, a sum of stated figures) supports a stated one where the two
agree to the last digit that was stated, and contradicts it otherwise. An estimate supports a
direction where its 95% interval lies on that side of zero and every p-value that the kind names is
at most 5%, after Holm's correction where one claim is tested several times; it contradicts it
where the same holds on the other side; in every other case it cannot be said. An estimate that
was not found is never a contradiction.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eventstudy.claims.contract import CANNOT_BE_SAID, CONTRADICTED, SUPPORTED, Number
from eventstudy.claims.stated import Stated

LEVEL = 0.05
"""Two-sided level of every verdict."""

ROUNDING = 1e-9
"""Relative slack for decimals that binary numbers cannot hold."""

RULE = (
    "A number that is read off supports the stated one where both agree to the last digit stated, "
    "and contradicts it otherwise. An estimate supports a direction where its 95% interval lies "
    "on that side of zero and every p-value of its test is at most 5% (after Holm where one claim "
    "is tested several times), contradicts it where both hold on the other side, and leaves it "
    "open otherwise: what was not found is no contradiction. A claim of several parts is "
    "supported where all are, contradicted where one is and none is supported, or where a fact "
    "it states is wrong."
)


def agrees(stated: Stated, lo: float, hi: float) -> str:
    """Judge a stated number against the range in which the true one lies.

    Parameters
    ----------
    stated : Stated
    lo, hi : float
        Equal where the number is known exactly.
    """
    if not (np.isfinite(lo) and np.isfinite(hi)):
        return CANNOT_BE_SAID
    slack = ROUNDING * max(abs(stated.value), abs(hi), abs(lo))
    apart = hi < stated.lo - slack or lo > stated.hi + slack
    return CONTRADICTED if apart else SUPPORTED


def sided(side: int, lo: float, hi: float, p_values: Sequence[float]) -> str:
    """Judge a claimed direction: 1 for a rise, -1 for a fall.

    Parameters
    ----------
    side : int
    lo, hi : float
        95% interval of the effect.
    p_values : sequence of float
        Two-sided, all of which have to be at most 5%; NaN never is.
    """
    shown = [p for p in p_values if np.isfinite(p) and p <= LEVEL]
    if len(shown) < len(p_values) or not p_values or not (np.isfinite(lo) and np.isfinite(hi)):
        return CANNOT_BE_SAID
    if lo <= 0.0 <= hi:
        return CANNOT_BE_SAID
    return SUPPORTED if (lo > 0.0) == (side > 0) else CONTRADICTED


def together(verdicts: Sequence[str]) -> str:
    """Return the verdict on a claim whose parts all have to hold."""
    if not verdicts:
        return CANNOT_BE_SAID
    if all(v == SUPPORTED for v in verdicts):
        return SUPPORTED
    if CONTRADICTED in verdicts and SUPPORTED not in verdicts:
        return CONTRADICTED
    return CANNOT_BE_SAID


def facts(verdicts: Sequence[str]) -> str:
    """Return the verdict on facts that are all stated: one that is wrong makes the claim wrong."""
    return CONTRADICTED if CONTRADICTED in verdicts else together(verdicts)


def judged(numbers: Sequence[Number]) -> list[str]:
    """Return the verdicts of the numbers that carry one."""
    return [number.verdict for number in numbers if number.verdict]
