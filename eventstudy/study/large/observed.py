"""Who is observed, as arrays: every event on each of its tickers, at each of its readings.

The rules are those of `eventstudy.study.observed`, for securities only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.errors import StudyError
from eventstudy.events import EventCalendar
from eventstudy.events.event import ALIGNMENTS
from eventstudy.windows import Frame

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]

STATED, SAME, NEXT = 1, 2, 4
BITS = dict(zip(ALIGNMENTS, (STATED, SAME, NEXT), strict=True))
EVERY = STATED | SAME | NEXT

REASONS = ("out_of_span", "no_prices", "missing_returns", "short_estimation")


@dataclass(frozen=True, eq=False)
class Observed:
    """n observations: one event at one session 0 on one security.

    Attributes
    ----------
    event : ndarray, shape (n,), int
        Row among the study events.
    label : ndarray, shape (n,), int
        Row of `labels`.
    labels : tuple of str
        Tickers; those that the events list come first.
    column : ndarray, shape (n,), int
        Column of the price table.
    position : ndarray, shape (n,), int
        Row of session 0 in the grid.
    held : ndarray, shape (n,), uint8
        Alignments that hold the reading: `STATED`, `SAME`, `NEXT` added up.
    own, listed : ndarray, shape (n,), bool
        Whether the security is the event's own, and whether the event lists it.
    """

    event: Ints
    label: Ints
    labels: tuple[str, ...]
    column: Ints
    position: Ints
    held: npt.NDArray[np.uint8]
    own: Bools
    listed: Bools

    def __len__(self) -> int:
        return len(self.event)

    def take(self, rows: Bools | Ints) -> Observed:
        """Return some of the observations."""
        return Observed(
            self.event[rows], self.label[rows], self.labels, self.column[rows],
            self.position[rows], self.held[rows], self.own[rows], self.listed[rows],
        )  # fmt: skip

    @property
    def alignments(self) -> tuple[str, ...]:
        """The alignments in use: ``stated`` alone where no event is ambiguous."""
        if (self.held == EVERY).all():
            return ("stated",)
        return tuple(name for name in ALIGNMENTS if (self.held & BITS[name]).any())


@dataclass(frozen=True, eq=False)
class Lost:
    """Observations, or readings, that were left out for one reason.

    Attributes
    ----------
    reason : str
    event : ndarray, shape (n,), int
        Row among the study events.
    label : ndarray, shape (n,), int
        Row of the labels; -1 where the whole reading is lost.
    position : ndarray, shape (n,), int
        Row of session 0 in the grid; -1 outside it.
    detail : ndarray, shape (n,), int
        What the reason's sentence needs: a row of the grid, or of the calendar's sessions where
        that is the fault; a number of sessions; a study event.
    model : str
        Model or, of an overlap, alignment under which it was lost; empty for all.
    """

    reason: str
    event: Ints
    label: Ints
    position: Ints
    detail: Ints
    model: str = ""

    def __len__(self) -> int:
        return len(self.event)


def basket_faults(events: EventCalendar, observed: Sequence[str] | None) -> str:
    """Return where baskets are asked for, or an empty string: their members change by event."""
    frame = events.study.frame
    named = frame["event_id"][frame["tickers"].str.contains("@", regex=False)].tolist()
    baskets = [name for name in observed or () if name.startswith("@")]
    found = []
    if named:
        shown = ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")
        found.append(f"baskets are listed by {shown}")
    if baskets:
        found.append(f"observed holds {', '.join(baskets)}")
    if not found:
        return ""
    return (
        f"{' and '.join(found)}: it observes securities, no baskets; list tickers, or take engine "
        "whole"
    )


def observe(
    events: EventCalendar,
    tickers: tuple[str, ...],
    returns: Floats,
    days: Days,
    further: Sequence[str],
    frame: Frame,
) -> tuple[Observed, list[Lost]]:
    """Observe every study event on its tickers and on further ones.

    Parameters
    ----------
    events : EventCalendar
        Aligned.
    tickers : tuple of str, length N
    returns : ndarray, shape (S, N)
        Simple returns on the grid.
    days : ndarray, shape (S,), datetime64[D]
    further : sequence of str
        Tickers on which every event is observed.
    frame : Frame

    Returns
    -------
    Observed, list of Lost
        Those with full windows, in the order of the calendar; and the others.
    """
    event, held, session, own_code, names = _readings(events)
    if events.sessions is None:
        raise StudyError("the events are not aligned: read them with a calendar")
    position = np.append(_rows_in(days, events.sessions.days), -1)[session]
    first, last = frame.hull
    inside = (position >= max(0, -first)) & (position + last < len(days))
    outside = np.flatnonzero(~inside)
    none = np.full(len(outside), -1, dtype=np.int64)
    lost = [Lost("out_of_span", event[outside], none, position[outside], session[outside])]
    event, held, position = event[inside], held[inside], position[inside]
    found = _on_tickers(events, event, held, position, (own_code, names), tickers, further)
    reason, detail = _faults(found, returns, frame)
    for code, name in enumerate(REASONS[1:], start=1):
        rows = np.flatnonzero(reason == code)
        lost.append(
            Lost(name, found.event[rows], found.label[rows], found.position[rows], detail[rows])
        )
    return found.take(reason == 0), [part for part in lost if len(part)]


def _readings(
    events: EventCalendar,
) -> tuple[Ints, npt.NDArray[np.uint8], Ints, Ints, tuple[str, ...]]:
    """Return event, alignments and session of each reading, and the events' own entries.

    Sessions are rows of the calendar's; -1 is none of them.
    """
    columns = events.study.columns()
    twice = np.where(columns.ambiguous, 2, 1)
    event = np.repeat(np.arange(len(columns)), twice)
    second = np.concatenate([[False], event[1:] == event[:-1]]) if len(event) else event > 0
    ambiguous = columns.ambiguous[event]
    early = ambiguous & ~second
    session = np.where(early, columns.same[event], columns.next[event]).astype(np.int64)
    held = np.where(~ambiguous, EVERY, np.where(early, SAME, NEXT)).astype(np.uint8)
    return event, held, session, columns.main.astype(np.int64), columns.names


def _rows_in(days: Days, sessions: Days) -> Ints:
    """Return the row of each session among days, -1 where it is none of them."""
    at = np.minimum(np.searchsorted(days, sessions), len(days) - 1)
    return np.where(days[at] == sessions, at, -1).astype(np.int64)


def _on_tickers(
    events: EventCalendar,
    event: Ints,
    held: npt.NDArray[np.uint8],
    position: Ints,
    own: tuple[Ints, tuple[str, ...]],
    tickers: tuple[str, ...],
    further: Sequence[str],
) -> Observed:
    """Return each reading on its event's tickers, then on the further ones that it lacks."""
    listed = events.study.columns().listed
    labels = tuple(dict.fromkeys((*listed.labels, *further)))
    code = {label: i for i, label in enumerate(labels)}
    counts = np.diff(listed.starts)[event]
    reading = np.repeat(np.arange(len(event)), counts)
    within = np.arange(len(reading)) - np.repeat(np.cumsum(counts) - counts, counts)
    label = listed.codes[listed.starts[event][reading] + within].astype(np.int64)
    order, is_listed = within, np.ones(len(reading), dtype=bool)
    for k, name in enumerate(further):
        has = np.zeros(len(event), dtype=bool)
        has[reading[(label == code[name]) & is_listed]] = True
        new = np.flatnonzero(~has)
        reading = np.concatenate([reading, new])
        label = np.concatenate([label, np.full(len(new), code[name])])
        order = np.concatenate([order, np.full(len(new), 1_000_000 + k)])
        is_listed = np.concatenate([is_listed, np.zeros(len(new), dtype=bool)])
    if further:
        sort = np.lexsort((order, reading))
        reading, label, is_listed = reading[sort], label[sort], is_listed[sort]
    place = {ticker: i for i, ticker in enumerate(tickers)}
    column = np.array([place.get(name, -1) for name in labels], dtype=np.int64)
    own_code = np.array([code.get(name, -1) for name in own[1]], dtype=np.int64)[own[0]]
    at = event[reading]
    return Observed(
        at, label, labels, column[label], position[reading], held[reading],
        label == own_code[at], is_listed,
    )  # fmt: skip


def _faults(found: Observed, returns: Floats, frame: Frame) -> tuple[Ints, Ints]:
    """Return why an observation has no full window (a row of `REASONS`, or 0), and a detail."""
    usable = np.zeros((len(returns) + 1, returns.shape[1]), dtype=np.int32)
    np.cumsum(np.isfinite(returns), axis=0, out=usable[1:])
    reason, detail = (np.zeros(len(found), dtype=np.int64) for _ in range(2))
    known = found.column >= 0
    reason[~known] = 1
    rows = np.flatnonzero(known)
    column, position = found.column[rows], found.position[rows]
    first, last = frame.hull
    start, end = position + first, position + last + 1
    holes = usable[end, column] - usable[start, column] < end - start
    span = start[holes][:, None] + np.arange(last - first + 1)
    gone = ~np.isfinite(returns[span, column[holes][:, None]])
    reason[rows[holes]] = 2
    detail[rows[holes]] = start[holes] + np.argmax(gone, axis=1)
    until = np.maximum(position - frame.gap, 0)
    count = usable[until, column] - usable[np.maximum(until - frame.estimation, 0), column]
    short = ~holes & (count < frame.min_estimation)
    reason[rows[short]], detail[rows[short]] = 3, count[short]
    return reason, detail


def counted(rows: Ints, found: Observed) -> tuple[Ints, Ints, Ints]:
    """Return the rows that count once each, and those that coincide with one of them.

    Parameters
    ----------
    rows : ndarray, shape (n,), int
        Ascending: of coinciding observations the first stands for all.
    found : Observed

    Returns
    -------
    kept, left, stands : ndarray, int
        `stands` is, for each of `left`, the row that stands for it.
    """
    if not len(rows):
        return rows, rows, rows
    wide = int(found.position.max()) + 1
    key = found.column[rows] * wide + found.position[rows]
    _, index, inverse = np.unique(key, return_index=True, return_inverse=True)
    standing = rows[index][inverse.ravel()]
    alone = standing == rows
    return rows[alone], rows[~alone], standing[~alone]


def groups(
    found: Observed, observed: Sequence[str], kind: Ints, kinds: tuple[str, ...]
) -> Iterator[tuple[str, str, Ints]]:
    """Yield (name, what, rows) of every group, in the order of `eventstudy.study.groups`.

    Parameters
    ----------
    found : Observed
    observed : sequence of str
    kind : ndarray, shape (events,), int
        Rows of `kinds`, by study event.
    kinds : tuple of str
    """
    code = {label: i for i, label in enumerate(found.labels)}
    for name in observed:
        yield name, f"every event on {name}", np.flatnonzero(found.label == code.get(name, -1))
    yield "all", "each event on its own ticker", np.flatnonzero(found.own)
    taken = {*observed, "all"}
    of_kind = np.where(found.own, kind[found.event], -1)
    for name in sorted(kinds):
        if name:
            clash = name in taken or name.startswith("peer:")
            rows = np.flatnonzero(of_kind == kinds.index(name))
            what = f"events of kind {name} on their own tickers"
            yield (f"kind:{name}" if clash else name), what, rows
    peers = found.listed & ~found.own
    for label in sorted({found.labels[i] for i in np.unique(found.label[peers])}):
        rows = np.flatnonzero(peers & (found.label == code[label]))
        yield f"peer:{label}", f"{label} on events of others", rows
