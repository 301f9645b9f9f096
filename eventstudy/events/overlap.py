"""Which events daily data cannot keep apart: same session, shared windows, dirty estimation.

Pairs are judged per ticker, baskets resolved, among the study events.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.errors import EventStudyError
from eventstudy.sessions import Sessions

if TYPE_CHECKING:
    from eventstudy.events.calendar import EventCalendar

Rows = npt.NDArray[np.int64]

KINDS = ("coincide", "overlap", "estimation")


def overlaps(
    calendar: EventCalendar, *, hull: tuple[int, int], estimation: tuple[int, int]
) -> pd.DataFrame:
    """Return the pairs of study events that share a ticker and sessions.

    Judged under each reading of ambiguous events (all at `same`, then all at `next`); rows
    of both readings are united, the larger `sessions` kept.

    Parameters
    ----------
    calendar : EventCalendar
        Aligned; events without a session 0 are in no pair.
    hull : tuple of int
        First and last event day of all requested windows together, such as (-1, 1).
    estimation : tuple of int
        First and last event day of the estimation window, such as (-260, -11).

    Returns
    -------
    DataFrame
        event_id, other_id, ticker, kind, sessions. `coincide`: one session 0; sessions =
        the length of the hull. `overlap`: hulls share that many sessions. Of these two,
        one row per pair, the earlier event first. `estimation`: session 0 of other_id lies
        in the estimation window of event_id; sessions = how many of the three sessions
        around it do.

    Raises
    ------
    EventStudyError
        Where the calendar is not aligned, or a window ends before it begins.
    """
    for name, (first, last) in {"hull": hull, "estimation": estimation}.items():
        if first > last:
            raise EventStudyError(f"{name} {first},{last}: a window cannot end before it begins")
    listed = _ranked(calendar)
    # A window never reaches from one ticker's stretch of sessions into the next one's.
    stride = len(_sessions_of(calendar)) + 2 + max(map(abs, hull + estimation)) * 2
    found = [_pairs(listed, reading, stride, hull, estimation) for reading in ("same", "next")]
    keys = ["first", "second", "ticker", "kind"]
    largest = pd.concat(found).groupby(keys, sort=True)["sessions"].max()
    pairs: pd.DataFrame = largest.reset_index()
    ids = listed.drop_duplicates("rank").sort_values("rank")["event_id"].array
    tickers = listed.drop_duplicates("code").sort_values("code")["ticker"].array
    return pd.DataFrame(
        {
            "event_id": ids.take(pairs["first"].to_numpy()),
            "other_id": ids.take(pairs["second"].to_numpy()),
            "ticker": tickers.take(pairs["ticker"].to_numpy()),
            "kind": pd.array(KINDS, dtype="str").take(pairs["kind"].to_numpy()),
            "sessions": pairs["sessions"],
        }
    )


def _ranked(calendar: EventCalendar) -> pd.DataFrame:
    """Return study events by ticker: rows of session 0, and a rank in time that ids settle."""
    sessions = _sessions_of(calendar)
    listed = calendar.study.by_ticker()
    order = calendar.study.frame.sort_values(["date", "time", "event_id"])["event_id"]
    rank = pd.Series(np.arange(len(order)), index=pd.Index(order))
    return listed.assign(
        rank=listed["event_id"].map(rank).astype("int64"),
        code=pd.factorize(listed["ticker"], sort=True)[0],
        same=_session_rows(listed["same"], sessions),
        next=_session_rows(listed["next"], sessions),
    )


def _sessions_of(calendar: EventCalendar) -> Sessions:
    if calendar.sessions is None:
        raise EventStudyError("the calendar is not aligned to sessions: align it first")
    return calendar.sessions


def _session_rows(column: pd.Series, sessions: Sessions) -> Rows:
    days = np.asarray(column.to_numpy(), dtype="datetime64[D]")
    return sessions.position(days)


def _pairs(
    listed: pd.DataFrame,
    reading: str,
    stride: int,
    hull: tuple[int, int],
    estimation: tuple[int, int],
) -> pd.DataFrame:
    """Return the pairs under one reading: by rank, ticker code and number of kind."""
    known = listed[listed[reading] >= 0].sort_values(["code", reading, "rank"])
    rank, code = known["rank"].to_numpy(), known["code"].to_numpy()
    at = known[reading].to_numpy() + code * stride
    length = hull[1] - hull[0] + 1
    first, second = _neighbours(at, at, at + length)
    forward = second > first
    first, second = first[forward], second[forward]
    apart = at[second] - at[first]
    low, high = at + estimation[0], at + estimation[1]
    event, other = _neighbours(at, low, high + 1)
    event, other = event[event != other], other[event != other]
    inside = np.minimum(at[other] + 1, high[event]) - np.maximum(at[other] - 1, low[event]) + 1
    kind = np.concatenate([np.where(apart == 0, 0, 1), np.full(len(event), 2)])
    left, right = np.concatenate([first, event]), np.concatenate([second, other])
    return pd.DataFrame(
        {
            "first": rank[left],
            "second": rank[right],
            "ticker": code[left],
            "kind": kind,
            "sessions": np.concatenate([length - apart, inside]),
        }
    )


def _neighbours(at: Rows, low: Rows, high: Rows) -> tuple[Rows, Rows]:
    """Return all (i, j) with low[i] <= at[j] < high[i]; `at` ascending.

    Parameters
    ----------
    at, low, high : ndarray, shape (n,), int64
        Session rows.

    Returns
    -------
    i, j : ndarray, shape (number of pairs,), int64
    """
    begin = np.searchsorted(at, low, "left")
    counts = np.maximum(np.searchsorted(at, high, "left") - begin, 0)
    i = np.repeat(np.arange(len(at)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return i, np.repeat(begin, counts) + within


def coincidences(calendar: EventCalendar) -> pd.DataFrame:
    """Return the sessions that are session 0 of more than one study event.

    Returns
    -------
    DataFrame
        alignment (`both`: so under either reading; `same`, `next`: under that one),
        session_0, n, event_ids (tuple of str, sorted), tickers (tuple of str: those that
        more than one of the events names, sorted).

    Raises
    ------
    EventStudyError
        Where the calendar is not aligned.
    """
    _sessions_of(calendar)
    study = calendar.study
    groups = {reading: _together(study, reading) for reading in ("same", "next")}
    rows = []
    for reading, other in (("same", "next"), ("next", "same")):
        shared = _shared_tickers(study, reading)
        for session, ids in groups[reading].items():
            both = groups[other].get(session) == ids
            if not (both and reading == "next"):
                alignment = "both" if both else reading
                rows.append((alignment, session, len(ids), ids, shared.get(session, ())))
    columns = ["alignment", "session_0", "n", "event_ids", "tickers"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["session_0", "alignment"], ignore_index=True)


def _together(study: EventCalendar, reading: str) -> dict[object, tuple[str, ...]]:
    """Return the ids of each session that is session 0 of more than one event."""
    frame = study.frame[study.frame[reading].notna()]
    crowded = frame[frame[reading].duplicated(keep=False)]
    return {session: tuple(sorted(ids)) for session, ids in crowded.groupby(reading)["event_id"]}


def _shared_tickers(study: EventCalendar, reading: str) -> dict[object, tuple[str, ...]]:
    """Return the tickers that more than one event of a session names."""
    listed = study.by_ticker()
    crowded = listed[listed.duplicated([reading, "ticker"], keep=False)]
    return {
        session: tuple(sorted(set(tickers)))
        for session, tickers in crowded.groupby(reading)["ticker"]
    }


def separation_note(event_ids: Sequence[str], session_0: np.datetime64, alignment: str) -> str:
    """Return the sentence that a study owes its reader about events of one session.

    Parameters
    ----------
    event_ids : sequence of str
        Two or more.
    session_0 : datetime64[D]
        The session that they share.
    alignment : str
        `both`, or the one reading under which they share it.
    """
    names = ", ".join(event_ids[:-1]) + " and " + event_ids[-1]
    reading = "" if alignment == "both" else f" under the reading {alignment!r}"
    return (
        f"{names} have the same session 0, {session_0}{reading}: daily data "
        "cannot separate them; what is measured is their joint effect, shown under each name"
    )


def separation_notes(calendar: EventCalendar) -> tuple[str, ...]:
    """Return one sentence per row of `coincidences`."""
    found = coincidences(calendar)
    days = found["session_0"].to_numpy().astype("datetime64[D]")
    rows = zip(found["event_ids"], days, found["alignment"], strict=True)
    return tuple(separation_note(ids, day, alignment) for ids, day, alignment in rows)
