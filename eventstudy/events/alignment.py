"""Session 0: the first session on which the news could be traded.

Numbers in, numbers out. A session is named by its row in `Sessions.days`; -1 stands for
before the first one known and ``len(sessions)`` for after the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.sessions import Days, Instants, Sessions

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

UNKNOWN, PRE, REGULAR, POST = 0, 1, 2, 3
LABELS = ("unknown", "pre", "regular", "post")

LAST_QUARTER = np.timedelta64(15 * 60, "s")
"""Regular news this close before the close may have come too late to be traded on."""

# How session 0 was decided: the labels' own numbers, then these.
NO_SESSION, ANY_HOUR, QUARTER, NO_CLOCK, BEFORE, AFTER = 4, 5, 6, 7, 8, 9


@dataclass(frozen=True, eq=False)
class Alignment:
    """Session 0 of n events under both readings.

    Attributes
    ----------
    same, next : ndarray, shape (n,), int64
        Rows of `Sessions.days`; -1 before the first, ``len(sessions)`` after the last.
    placed : ndarray, shape (n,), int8
        `UNKNOWN`, `PRE`, `REGULAR` or `POST`: by the time where there is one.
    rule : ndarray, shape (n,), int8
        How session 0 was decided; see `explain`.
    day : ndarray, shape (n,), datetime64[D]
        The exchange's day of the announcement.
    contradicts : ndarray, shape (n,), bool
        Whether label and time disagree.
    """

    same: Rows
    next: Rows
    placed: npt.NDArray[np.int8]
    rule: npt.NDArray[np.int8]
    day: Days
    contradicts: Mask

    @property
    def ambiguous(self) -> Mask:
        """Whether the two readings lead to different sessions."""
        return np.asarray(self.same != self.next)


def local_instants(dates: pd.Series, times: pd.Series) -> Instants:
    """Return wall-clock instants, datetime64[ns], NaT where there is no time.

    Parameters
    ----------
    dates, times : Series of str, length n
        ISO dates; ``HH:MM`` or ``HH:MM:SS``, blank for none.
    """
    at, days = pd.factorize(dates)
    of, clocks = pd.factorize(times)
    midnight = np.array([*days], dtype="datetime64[ns]")
    clock_time = np.array([_seconds(text) for text in clocks], dtype="timedelta64[s]")
    return np.asarray(midnight[at] + clock_time[of], dtype="datetime64[ns]")


def _seconds(text: str) -> np.timedelta64:
    if not text:
        return np.timedelta64("NaT", "s")
    hours, minutes, *rest = (int(part) for part in text.split(":"))
    return np.timedelta64(hours * 3600 + minutes * 60 + sum(rest), "s")


def utc_instants(
    local: Instants, zones: pd.Series, *, skipped: Literal["NaT", "shift_forward"] = "NaT"
) -> Instants:
    """Return wall-clock instants as UTC, zone by zone.

    A time that a clock change repeats is read as the later of the two: by then the news
    was out for certain. One that a clock change skips is NaT, or, with
    ``skipped="shift_forward"``, the first instant after the gap.

    Parameters
    ----------
    local : ndarray, shape (n,), datetime64[ns]
        NaT is kept.
    zones : Series of str, length n
        IANA names.
    """
    utc = np.full(len(local), np.datetime64("NaT"), dtype="datetime64[ns]")
    codes, names = pd.factorize(zones)
    for code, name in enumerate(names):
        mine = np.flatnonzero(codes == code)
        # "Not daylight time" is the later reading of a repeated hour.
        aware = pd.DatetimeIndex(local[mine]).tz_localize(
            name, ambiguous=np.zeros(len(mine), dtype=bool), nonexistent=skipped
        )
        utc[mine] = aware.tz_convert("UTC").tz_localize(None).to_numpy()
    return utc


def align_events(
    dates: Days, local: Instants, zones: pd.Series, labels: npt.NDArray[np.int8], sessions: Sessions
) -> Alignment:
    """Return session 0 of n events under both readings.

    A time decides, as the first session whose close is after it: news at the close itself
    is late. From fifteen minutes before the close on, both readings stand. Without a time
    the label, relative to the exchange's session of `date`, decides. Without either, any
    hour of `date` in its zone is possible: the readings are the session of its first and of
    its last instant. On a calendar without a clock only the label counts.

    Parameters
    ----------
    dates : ndarray, shape (n,), datetime64[D]
        Of the announcement, in its zone.
    local : ndarray, shape (n,), datetime64[ns]
        Date and time of day in its zone; NaT without a time.
    zones : Series of str, length n
        IANA names.
    labels : ndarray, shape (n,), int8
        `UNKNOWN` (or none given), `PRE`, `REGULAR` or `POST`.
    sessions : Sessions
        At least one.
    """
    if not sessions.has_clock:
        return _by_label(dates, ~np.isnat(local), labels, sessions)
    timed = ~np.isnat(local)
    hourless = ~timed & (labels == UNKNOWN)
    labelled = ~timed & ~hourless
    parts = []
    if timed.any():
        found = _by_time(dates[timed], local[timed], zones[timed], labels[timed], sessions)
        parts.append((timed, found))
    if hourless.any():
        parts.append((hourless, _by_any_hour(dates[hourless], zones[hourless], sessions)))
    if labelled.any() or not parts:
        found = _by_label(dates[labelled], timed[labelled], labels[labelled], sessions)
        parts.append((labelled, found))
    return parts[0][1] if len(parts) == 1 else _merged(parts, len(dates))


def _merged(parts: Sequence[tuple[Mask, Alignment]], n: int) -> Alignment:
    """Return the parts of n events, each at the places of its mask, as one."""
    merged = {}
    for name in Alignment.__dataclass_fields__:
        merged[name] = np.empty(n, dtype=getattr(parts[0][1], name).dtype)
        for mask, part in parts:
            merged[name][mask] = getattr(part, name)
    return Alignment(**merged)


def _by_time(
    dates: Days, local: Instants, zones: pd.Series, labels: npt.NDArray[np.int8], sessions: Sessions
) -> Alignment:
    instant = utc_instants(local, zones)
    day = exchange_days(instant, sessions)
    same = _first_closing_after(instant, day, sessions)
    reading = _reading(instant, sessions.position(day), sessions)
    late = (reading == REGULAR) & (instant >= _closes(same, sessions) - LAST_QUARTER)
    rule = np.where(reading == UNKNOWN, NO_SESSION, np.where(late, QUARTER, reading))
    # A day without a session is, like the evening before it, too late for the last close.
    placed = np.where(reading == UNKNOWN, np.where(labels == UNKNOWN, POST, labels), reading)
    of_date = _reading(instant, sessions.position(dates), sessions)
    contradicts = (
        (labels != UNKNOWN) & (reading != UNKNOWN) & (labels != reading) & (labels != of_date)
    )
    return _finished(same, np.where(late, same + 1, same), placed, rule, day, contradicts, sessions)


def _by_label(
    dates: Days, timed: Mask, labels: npt.NDArray[np.int8], sessions: Sessions
) -> Alignment:
    on_or_after = np.searchsorted(sessions.days, dates, "left")
    after = np.searchsorted(sessions.days, dates, "right")
    same = np.where(labels == POST, after, on_or_after)
    later = np.where((labels == PRE) | (labels == REGULAR), on_or_after, after)
    rule = np.where((labels == UNKNOWN) & timed, NO_CLOCK, labels)
    rule = np.where(on_or_after == after, NO_SESSION, rule)
    before = dates < sessions.days[0]
    same, later = np.where(before, -1, same), np.where(before, -1, later)
    return _finished(same, later, labels, rule, dates, np.zeros(len(dates), dtype=bool), sessions)


def _by_any_hour(dates: Days, zones: pd.Series, sessions: Sessions) -> Alignment:
    midnight: Instants = np.asarray(dates, dtype="datetime64[ns]")
    first = utc_instants(midnight, zones, skipped="shift_forward")
    tomorrow: Instants = np.asarray(dates + np.timedelta64(1, "D"), dtype="datetime64[ns]")
    end = utc_instants(tomorrow, zones, skipped="shift_forward")
    last = end - np.timedelta64(1, "ns")
    same = _first_closing_after(first, exchange_days(first, sessions), sessions)
    later = _first_closing_after(last, exchange_days(last, sessions), sessions)
    open_day = sessions.position(dates) >= 0
    rule = np.where(same != later, UNKNOWN, np.where(open_day, ANY_HOUR, NO_SESSION))
    placed = np.full(len(dates), UNKNOWN)
    return _finished(same, later, placed, rule, dates, np.zeros(len(dates), dtype=bool), sessions)


def _finished(
    same: npt.NDArray[np.integer],
    later: npt.NDArray[np.integer],
    placed: npt.NDArray[np.integer],
    rule: npt.NDArray[np.integer],
    day: Days,
    contradicts: Mask,
    sessions: Sessions,
) -> Alignment:
    rule = np.where(later < 0, BEFORE, np.where(same >= len(sessions), AFTER, rule))
    return Alignment(
        same.astype(np.int64),
        later.astype(np.int64),
        placed.astype(np.int8),
        rule.astype(np.int8),
        day.astype("datetime64[D]"),
        contradicts,
    )


def exchange_days(instant: Instants, sessions: Sessions) -> Days:
    """Return the exchange's date of UTC instants, shape (n,), datetime64[D]."""
    return _wall_clock(instant, sessions).astype("datetime64[D]")


def _wall_clock(instant: Instants, sessions: Sessions) -> Instants:
    """Return UTC instants by the exchange's own clock, shape (n,), datetime64[ns]."""
    local = pd.DatetimeIndex(instant).tz_localize("UTC").tz_convert(sessions.timezone)
    return np.asarray(local.tz_localize(None).to_numpy(), dtype="datetime64[ns]")


def clock(sessions: Sessions) -> tuple[Instants, Instants]:
    """Return opens and closes, UTC, of a calendar that has them.

    Raises
    ------
    ValueError
        For one made from price dates.
    """
    if sessions.opens is None or sessions.closes is None:
        raise ValueError(f"calendar {sessions.name} has no clock")
    return sessions.opens, sessions.closes


def _first_closing_after(instant: Instants, day: Days, sessions: Sessions) -> Rows:
    found = np.searchsorted(clock(sessions)[1], instant, "right")
    return np.where(day < sessions.days[0], -1, found).astype(np.int64)


def _closes(rows: Rows, sessions: Sessions) -> Instants:
    return clock(sessions)[1][np.clip(rows, 0, len(sessions) - 1)]


def _reading(instant: Instants, row: Rows, sessions: Sessions) -> npt.NDArray[np.int8]:
    """Return where an instant lies relative to a session; `UNKNOWN` where row is -1."""
    early = instant < clock(sessions)[0][np.maximum(row, 0)]
    late = instant >= _closes(row, sessions)
    reading = np.where(early, PRE, np.where(late, POST, REGULAR))
    return np.where(row < 0, UNKNOWN, reading).astype(np.int8)


def session_days(rows: Rows, sessions: Sessions) -> Days:
    """Return the dates of sessions, shape (n,), datetime64[D]; NaT outside the list."""
    inside = (rows >= 0) & (rows < len(sessions))
    days = sessions.days[np.where(inside, rows, 0)]
    return np.where(inside, days, np.datetime64("NaT", "D"))


def early_closes(sessions: Sessions) -> Mask:
    """Return the sessions that close earlier than a neighbour, by the exchange's clock."""
    return _closing_early(np.arange(len(sessions)), sessions)


def _closing_early(rows: Rows, sessions: Sessions) -> Mask:
    """Return whether each of some sessions closes early; not where a row is -1."""
    if sessions.closes is None or not len(rows):
        return np.zeros(len(rows), dtype=bool)
    around = np.clip(rows + np.array([[-1], [0], [1]]), 0, len(sessions) - 1)
    local = _wall_clock(sessions.closes[around].ravel(), sessions).reshape(around.shape)
    before, own, after = local - local.astype("datetime64[D]")
    return np.asarray((own < np.maximum(before, after)) & (rows >= 0))


def explain(alignment: Alignment, sessions: Sessions) -> pd.api.extensions.ExtensionArray:
    """Return one short sentence per event on how session 0 was decided, text of shape (n,).

    Each distinct sentence is made once.
    """
    codes, first = _distinct(
        alignment.rule, alignment.day.astype("int64"), alignment.same, alignment.next
    )
    days = alignment.day[first]
    early = _closing_early(sessions.position(days), sessions)
    readings = [session_days(rows[first], sessions) for rows in (alignment.same, alignment.next)]
    columns = (alignment.rule[first], days, early, *readings)
    sentences = [
        _sentence(rule, day, either, sessions, "early close" if short else "close")
        for rule, day, short, *either in zip(*(c.tolist() for c in columns), strict=True)
    ]
    return pd.array(sentences, dtype="str").take(codes)


def _distinct(*columns: npt.NDArray[np.integer]) -> tuple[Rows, Rows]:
    """Return each row's number among the distinct rows, and where each of those is first."""
    codes: Rows = np.zeros(len(columns[0]), dtype=np.int64)
    count = 1
    for column in columns:
        own, values = pd.factorize(column)
        codes, pairs = pd.factorize(codes * max(len(values), 1) + own)
        count = len(pairs)
    first: Rows = np.zeros(count, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return codes.astype(np.int64), first


def _sentence(
    rule: int, day: date, readings: list[date | None], sessions: Sessions, close: str
) -> str:
    either = " or ".join(str(reading or "a session outside the list") for reading in readings)
    if rule in (BEFORE, AFTER):
        return (
            f"before the first session known, {sessions.days[0]}"
            if rule == BEFORE
            else f"after the last session known, {sessions.days[-1]}"
        )
    first = readings[0] or "NaT"
    return {
        PRE: f"pre: before the open of {day}",
        REGULAR: f"regular: during the session of {day}",
        POST: f"post: after the {close} of {day}",
        UNKNOWN: f"unknown hour: {either}",
        NO_SESSION: f"no session on {day}: next is {first}",
        ANY_HOUR: f"unknown hour, every hour leads to {first}",
        QUARTER: f"within 15 minutes of the {close} of {day}: {either}",
        NO_CLOCK: f"a time, and a calendar without a clock: {either}",
    }[rule]
