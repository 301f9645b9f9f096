"""The calendar of events: one row an event, with its session 0 once it is aligned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from eventstudy.baskets import Baskets
from eventstudy.errors import EventStudyError, Fault, InputError, UnknownNameError
from eventstudy.events import overview
from eventstudy.events.alignment import (
    LABELS,
    Alignment,
    align_events,
    clock,
    explain,
    local_instants,
    session_days,
)
from eventstudy.events.cells import split_expects, split_tickers
from eventstudy.events.columns import EventColumns, columns_of, listed_tickers
from eventstudy.events.event import Event
from eventstudy.sessions import Days, Sessions

TEXTS = (
    "event_id",
    "timezone",
    "kind",
    "subject",
    "use",
    "title",
    "source",
    "confidence",
    "note",
)
"""Fields of an event that are the text of their cell."""


@dataclass(frozen=True, eq=False)
class EventCalendar:
    """Events, validated and, where `sessions` is given, aligned.

    Made by `read_events`; every method returns a new calendar.

    Attributes
    ----------
    file : str
        Where the events were read from, as the user named it.
    frame : DataFrame, n rows
        The contract's columns as normalised text (blank = not given), extra columns of the
        file, `row` (its line in the file), and, once aligned, `placed` (session decided by
        the time where there is one), `same` and `next` (session 0 under the two readings,
        datetime64, NaT outside the sessions known), `ambiguous` and `why`.
    baskets : Baskets
        What ``@ASIC`` stands for.
    sessions : Sessions or None
        None before alignment.
    notes : tuple of str
        Found on reading: not faults, and worth a look.
    assumptions : tuple of str
        What was filled in by `assume_known`.
    """

    file: str
    frame: pd.DataFrame
    baskets: Baskets
    sessions: Sessions | None = None
    notes: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __contains__(self, event_id: object) -> bool:
        return event_id in self._rows

    def __getitem__(self, event_id: str) -> Event:
        """Return one event.

        Raises
        ------
        UnknownNameError
            Where there is no such id.
        """
        return events_of(self.frame.iloc[[self._row(event_id)]])[0]

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """All events, in the order of the file."""
        return events_of(self.frame)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.frame["event_id"])}

    def _row(self, event_id: str) -> int:
        try:
            return self._rows[event_id]
        except KeyError:
            raise UnknownNameError("event", event_id, self._rows) from None

    @cached_property
    def tickers(self) -> frozenset[str]:
        """Every ticker named, members of every basket named included; no basket names."""
        return frozenset(self.baskets.resolve(self._named))

    @cached_property
    def _named(self) -> tuple[str, ...]:
        """Tickers and baskets named in `tickers` and `expects`, without repeats."""
        named = dict.fromkeys(
            t for text in self.frame["tickers"].unique() for t in split_tickers(text)
        )
        named |= dict.fromkeys(
            t for text in self.frame["expects"].unique() for t in split_expects(text)
        )
        return tuple(named)

    @cached_property
    def study(self) -> EventCalendar:
        """The events that are tested and traded."""
        return self._where(self.frame["use"] == "study")

    @cached_property
    def context(self) -> EventCalendar:
        """The events that are shown, not tested and not traded."""
        return self._where(self.frame["use"] == "context")

    @property
    def aligned(self) -> bool:
        """Whether session 0 is known."""
        return self.sessions is not None

    def _where(self, keep: pd.Series) -> EventCalendar:
        return replace(self, frame=self.frame[keep].reset_index(drop=True))

    def select(self, event_ids: Iterable[str]) -> EventCalendar:
        """Return the calendar of these events, in this order.

        Raises
        ------
        UnknownNameError
            Where one of them does not exist.
        """
        rows = [self._row(name) for name in dict.fromkeys(event_ids)]
        return replace(self, frame=self.frame.iloc[rows].reset_index(drop=True))

    def align(self, sessions: Sessions) -> EventCalendar:
        """Return the calendar with session 0 of every event on these sessions.

        Raises
        ------
        InputError
            Where a time contradicts its session label.
        EventStudyError
            Where there are no sessions.
        """
        placed = place(self.frame, sessions)
        faults = [
            Fault(
                self.file,
                contradiction(self.frame.iloc[i], placed, int(i), sessions),
                int(self.frame["row"].iloc[i]),
                "session",
                str(self.frame["session"].iloc[i]),
            )
            for i in np.flatnonzero(placed.contradicts)
        ]
        if faults:
            raise InputError(faults)
        return replace(self, frame=with_session_0(self.frame, placed, sessions), sessions=sessions)

    def with_baskets(self, baskets: Baskets) -> EventCalendar:
        """Return the calendar with other baskets.

        Raises
        ------
        UnknownNameError
            Where a basket that an event names is not among them.
        """
        baskets.resolve(self._named)
        return replace(self, baskets=baskets)

    def assume_known(self, days: Mapping[str, int]) -> EventCalendar:
        """Fill blank `known_on` of whole kinds: the date of the event minus n days.

        Parameters
        ----------
        days : mapping of str to int
            By kind, calendar days: ``{"earnings": 14}``.

        Raises
        ------
        UnknownNameError
            Where no event is of a kind.
        EventStudyError
            Where a number of days is not a whole number from 0 to 3650.
        """
        frame, assumptions = self.frame.copy(), list(self.assumptions)
        for kind, count in days.items():
            if kind not in set(frame["kind"]):
                raise UnknownNameError("kind of event", kind, set(frame["kind"]) - {""})
            if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= 3650:
                raise EventStudyError(
                    f"assume_known {kind}={count!r}: days must be a whole number from 0 to 3650"
                )
            blank = (frame["kind"] == kind) & (frame["known_on"] == "")
            known = pd.to_datetime(frame.loc[blank, "date"]) - pd.Timedelta(days=count)
            frame.loc[blank, "known_on"] = known.dt.strftime("%Y-%m-%d").astype("str")
            assumptions.append(
                f"{kind}: date taken as known {overview.counted(count, 'day')} before the event "
                f"({overview.counted(int(blank.sum()), 'event')})"
            )
        return replace(self, frame=frame, assumptions=tuple(assumptions))

    def by_ticker(self) -> pd.DataFrame:
        """Return one row per event and ticker, baskets resolved, in the order of the file.

        Returns
        -------
        DataFrame
            event_id, ticker, and once aligned same, next and ambiguous.
        """
        found = listed_tickers(self.frame["tickers"], self.baskets)
        columns = [n for n in ("event_id", "same", "next", "ambiguous") if n in self.frame]
        listed = self.frame[columns].iloc[np.repeat(np.arange(len(self)), np.diff(found.starts))]
        listed = listed.reset_index(drop=True)
        tickers = pd.array([*found.labels], dtype="str").take(found.codes)
        listed.insert(1, "ticker", pd.Series(tickers))
        return listed

    def columns(self) -> EventColumns:
        """Return what an engine needs of the events as arrays, without an object an event.

        Raises
        ------
        EventStudyError
            Where the calendar is not aligned.
        """
        if self.sessions is None:
            raise EventStudyError("the calendar is not aligned to sessions: align it first")
        return columns_of(self.frame, self.baskets, self.sessions)

    def summary_frame(self) -> pd.DataFrame:
        """Return one row per event: what a reader needs to see of the calendar."""
        return overview.summary_frame(self)

    def summary(self) -> str:
        """Return the calendar in a few lines of text."""
        return overview.summary_text(self)

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return overview.summary_html(self)


def place(frame: pd.DataFrame, sessions: Sessions) -> Alignment:
    """Return session 0 of the rows of a normalised frame, contradictions marked.

    Raises
    ------
    EventStudyError
        Where there are no sessions.
    """
    if not len(sessions):
        raise EventStudyError(f"calendar {sessions.name} has no sessions to align events to")
    codes, names = pd.factorize(frame["session"])
    labels = np.array([LABELS.index(name or "unknown") for name in names], dtype=np.int8)
    return align_events(
        np.array(frame["date"].tolist(), dtype="datetime64[D]"),
        local_instants(frame["date"], frame["time"]),
        frame["timezone"],
        labels[codes],
        sessions,
    )


def with_session_0(frame: pd.DataFrame, placed: Alignment, sessions: Sessions) -> pd.DataFrame:
    """Return the frame with the columns of alignment."""
    return frame.assign(
        placed=pd.array([*LABELS], dtype="str").take(placed.placed),
        same=session_days(placed.same, sessions).astype("datetime64[s]"),
        next=session_days(placed.next, sessions).astype("datetime64[s]"),
        ambiguous=placed.ambiguous,
        why=explain(placed, sessions),
    )


def contradiction(row: pd.Series, placed: Alignment, i: int, sessions: Sessions) -> str:
    """Return the sentence on a time that says another session than the label."""
    at = sessions.position(placed.day[[i]])[0]
    opens, closes = clock(sessions)
    hours = pd.DatetimeIndex([opens[at], closes[at]]).tz_localize("UTC")
    begin, end = hours.tz_convert(sessions.timezone).strftime("%H:%M")
    return (
        f"the time {row['time']} {row['timezone']} says {LABELS[placed.placed[i]]}: the session "
        f"of {placed.day[i]} is {begin} to {end} {sessions.timezone}; mend one or leave "
        "session blank"
    )


def events_of(frame: pd.DataFrame) -> tuple[Event, ...]:
    """Return the rows of a normalised frame as events; NaT for session 0 before alignment."""
    n = len(frame)
    aligned = "same" in frame
    never = np.full(n, np.datetime64("NaT", "D"))
    stated = frame["placed"] if aligned else frame["session"].replace("", "unknown")
    columns: dict[str, Iterable[Any]] = {
        **{name: frame[name].tolist() for name in TEXTS},
        "session": stated.tolist(),
        "date": _read(frame["date"], date.fromisoformat),
        "time": _read(frame["time"], time.fromisoformat),
        "known_on": _read(frame["known_on"], date.fromisoformat),
        "tickers": _read(frame["tickers"], split_tickers),
        "expects": _read(frame["expects"], _directions, blank=_directions("")),
        "same": _days(frame["same"]) if aligned else never,
        "next": _days(frame["next"]) if aligned else never,
        "ambiguous": frame["ambiguous"].tolist() if aligned else [False] * n,
        "why": frame["why"].tolist() if aligned else ["not aligned to sessions yet"] * n,
        "row": frame["row"].tolist(),
    }
    names = tuple(columns)
    rows = zip(*columns.values(), strict=True)
    return tuple(Event(**dict(zip(names, row, strict=True))) for row in rows)


def _read(column: pd.Series, parse: Callable[[str], object], blank: object = None) -> list[object]:
    """Parse each distinct text once; blank cells become `blank`."""
    codes, values = pd.factorize(column)
    parsed = [parse(value) if value else blank for value in values]
    return [parsed[code] for code in codes]


def _directions(text: str) -> Mapping[str, int]:
    return MappingProxyType(split_expects(text))


def _days(column: pd.Series) -> Days:
    return np.asarray(column.to_numpy(), dtype="datetime64[D]")
