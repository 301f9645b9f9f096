"""Placebo calendars: the same events around other dates.

Events keep their order; the gaps between distinct event sessions are permuted, from a random
start. Events on one session stay on one session.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.errors import BacktestError

Ints = npt.NDArray[np.int64]

DRAWS = 9_999


@dataclass(frozen=True, slots=True)
class PlaceboCalendars:
    """Drawn calendars.

    Attributes
    ----------
    rows : ndarray, shape (B, G), int
        Session rows of the G distinct event sessions in each draw, ascending; B = 0 where
        there is nothing to draw.
    starts : int
        Rows on which a calendar of this span can begin.
    possible : int
        Different calendars there are: starts times the different orders of the gaps; the true
        one is among them where it lies in the range.
    distinct : int
        Different calendars among the draws.
    why : str
        Why there is no draw; empty where there are draws.
    note : str
        What limits the draws; empty where nothing does.
    """

    rows: Ints
    starts: int
    possible: int
    distinct: int
    why: str = ""
    note: str = ""


def draw_calendars(
    rows: npt.ArrayLike, low: int, high: int, *, draws: int = DRAWS, seed: int = 0
) -> PlaceboCalendars:
    """Draw placebo calendars.

    True dates are not kept out: a draw may hold some of them, which makes p larger.

    Parameters
    ----------
    rows : array_like, shape (G,), int
        Session rows of the distinct event sessions, ascending.
    low, high : int
        Sessions may fall on rows low to high - 1.
    draws : int
        B.
    seed : int

    Returns
    -------
    PlaceboCalendars
        Without draws and with `why` where the calendar's span does not fit into the range,
        or where the true calendar is the only one; with a `note` where every draw has the
        same start, or where there are fewer calendars than draws.

    Raises
    ------
    BacktestError
        For no rows, rows that do not ascend, or draws below 1.
    """
    at = np.asarray(rows, dtype=np.int64)
    gaps = _gaps(at, draws)
    starts = high - low - int(gaps.sum())
    none = np.empty((0, len(at)), dtype=np.int64)
    if starts < 1:
        span, room = int(gaps.sum()) + 1, max(0, high - low)
        why = f"the calendar spans {span} sessions and only {room} can be traded"
        return PlaceboCalendars(none, 0, 0, 0, why=why)
    possible = starts * arrangements(gaps)
    if possible == 1:
        why = "no other calendar: one start, and gaps that are all equal"
        return PlaceboCalendars(none, starts, possible, 0, why=why)
    rng = np.random.default_rng(seed)
    drawn = np.empty((draws, len(at)), dtype=np.int64)
    drawn[:, 0] = rng.integers(low, low + starts, draws)
    drawn[:, 1:] = rng.permuted(np.broadcast_to(gaps, (draws, len(gaps))), axis=1)
    drawn = drawn.cumsum(axis=1)
    note = ""
    if starts == 1:
        note = "no free start: the calendar fills the range, only gaps are permuted"
    elif possible <= draws:
        note = f"there are only {possible} calendars"
    distinct = len(np.unique(drawn, axis=0))
    return PlaceboCalendars(drawn, starts, possible, distinct, note=note)


def _gaps(rows: Ints, draws: int) -> Ints:
    """Return the gaps between event sessions, shape (G-1,)."""
    gaps = np.diff(rows)
    faults = []
    if not rows.size or rows.ndim > 1:
        faults.append(f"rows of shape {rows.shape}; allowed: one or more event sessions")
    elif (gaps <= 0).any():
        at = int(np.flatnonzero(gaps <= 0)[0])
        faults.append(
            f"rows {rows[at]}, {rows[at + 1]}; allowed: distinct event sessions, ascending"
        )
    if draws < 1:
        faults.append(f"draws {draws}; allowed: 1 or more")
    if faults:
        raise BacktestError("; ".join(faults))
    return gaps


def arrangements(gaps: npt.ArrayLike) -> int:
    """Return in how many different orders gaps can stand: n! over the factorials of equals."""
    counts = np.unique(np.asarray(gaps), return_counts=True)[1]
    return math.factorial(int(counts.sum())) // math.prod(math.factorial(int(c)) for c in counts)
