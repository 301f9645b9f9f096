"""What has changed between two downloads of one ticker's history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventstudy.prices.table import Days, Floats

LEVEL = 1e-5
"""Relative difference of a price beyond which it was adjusted: services round to seven digits."""
RETURN = 1e-4
"""Difference of a return beyond which it is another one."""


@dataclass(frozen=True, slots=True, eq=False)
class Revision:
    """A fresh history against an earlier one, on the sessions that both have prices for.

    Attributes
    ----------
    held : int
        Sessions with a price in the earlier one.
    lost : ndarray, shape (L,), datetime64[D]
        Those of them that the fresh one has no price for.
    split : float
        What closes of the last shared session were multiplied by; 1 where no split came since.
    adjustment : float
        The same of adjusted closes, which dividends move too.
    revised : ndarray, shape (R,), datetime64[D]
        Sessions whose return, since the shared session before, is another one.
    largest : float
        The largest difference of a return; 0 where there is none.
    """

    held: int
    lost: Days
    split: float
    adjustment: float
    revised: Days
    largest: float

    @property
    def adjusted(self) -> bool:
        """Whether prices that both have stand on another level, or were revised."""
        factors = np.array([self.split, self.adjustment])
        return bool((np.abs(factors - 1.0) > LEVEL).any() or len(self.revised) or len(self.lost))


def revision(
    dates: Days, fields: Mapping[str, Floats], new_dates: Days, new_fields: Mapping[str, Floats]
) -> Revision:
    """Compare two histories of one ticker; dates ascend and are unique.

    Parameters
    ----------
    dates, new_dates : ndarray, shape (T,) and (N,), datetime64[D]
    fields, new_fields : mapping of str to ndarray
        ``close``, ``adj_close`` or both; NaN where there is no price.
    """
    old, new = _priced(dates, fields), _priced(new_dates, new_fields)
    lost = np.setdiff1d(dates[old], new_dates[new], assume_unique=True)
    both, here, there = np.intersect1d(
        dates[old], new_dates[new], assume_unique=True, return_indices=True
    )
    names = [n for n in ("close", "adj_close") if n in fields and n in new_fields]
    before = {n: fields[n][old][here] for n in names}
    after = {n: new_fields[n][new][there] for n in names}
    factors = {n: _last_factor(before[n], after[n]) for n in names}
    # Adjusted closes give total returns, which no split and no dividend changes.
    best = names[-1] if names else ""
    differ = _differences(before[best], after[best]) if best else np.empty(0)
    return Revision(
        held=int(old.sum()),
        lost=lost,
        split=factors.get("close", 1.0),
        adjustment=factors.get("adj_close", 1.0),
        revised=both[1:][differ > RETURN] if len(differ) else both[:0],
        largest=float(differ.max(initial=0.0)),
    )


def _priced(dates: Days, fields: Mapping[str, Floats]) -> np.ndarray:
    """Return where there is any price, shape (T,), bool."""
    found = np.zeros(len(dates), dtype=bool)
    for name in ("close", "adj_close"):
        if name in fields:
            found |= np.isfinite(fields[name])
    return found


def _last_factor(before: Floats, after: Floats) -> float:
    known = np.flatnonzero(np.isfinite(before) & np.isfinite(after) & (before > 0))
    return float(after[known[-1]] / before[known[-1]]) if len(known) else 1.0


def _differences(before: Floats, after: Floats) -> Floats:
    """Return how far returns differ, shape (T - 1,); 0 where one of them is not known."""
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(after[1:] / after[:-1] - before[1:] / before[:-1])
    found: Floats = np.where(np.isfinite(apart), apart, 0.0)
    return found
