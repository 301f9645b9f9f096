"""`read_events`: from a file or a frame to a validated, aligned calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from os import PathLike
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from eventstudy.baskets import DEFAULT_BASKETS, Baskets
from eventstudy.errors import EventStudyError, InputError, UnknownNameError
from eventstudy.events.calendar import EventCalendar, contradiction, place, with_session_0
from eventstudy.events.checks import Checked, check_columns
from eventstudy.events.csvfile import TextTable, read_text_table
from eventstudy.events.frames import is_parquet, read_parquet_table, table_of_frame
from eventstudy.sessions import (
    Days,
    Sessions,
    exchange_reach,
    exchange_sessions,
    sessions_from_dates,
)

YEARS_BEFORE, YEARS_AFTER = 5, 2
"""Sessions asked for beyond the events: room for estimation and for long windows."""

WHEN = ("date", "time", "timezone", "session")


class DatedPrices(Protocol):
    """What the calendar needs of a price table."""

    @property
    def dates(self) -> Days:
        """All dates, ascending, datetime64[D]."""

    @property
    def tickers(self) -> tuple[str, ...]:
        """Every ticker of the table."""

    def dates_of(self, ticker: str) -> Days:
        """Return the dates on which a ticker has a price."""


def read_events(
    path: str | PathLike[str] | pd.DataFrame,
    *,
    calendar: str | Sessions | None = "XNYS",
    prices: DatedPrices | None = None,
    benchmark: str | None = None,
    baskets: Baskets | Mapping[str, Sequence[str] | Mapping[str, float]] = DEFAULT_BASKETS,
    assume_known: Mapping[str, int] | None = None,
) -> EventCalendar:
    """Read a calendar of events, validate it whole, and find session 0 of each event.

    Parameters
    ----------
    path : path or DataFrame
        A CSV or Parquet file with the contract's columns, or a frame with the same; rows of a
        frame or of Parquet are counted as if it had been written to a CSV file.
    calendar : str, Sessions or None
        A name of exchange_calendars; ``prices`` for the dates of `prices`, without a
        clock; None to leave the events unaligned (see `EventCalendar.align`).
    prices : PriceTable, optional
        Needed for ``calendar="prices"``; otherwise the sessions reach over its dates too.
    benchmark : str, optional
        With ``calendar="prices"``, the ticker whose dates are the sessions; without one
        they are the dates on which any ticker has a price.
    baskets : Baskets or mapping
        What ``@ASIC`` stands for; a plain mapping is added to the default baskets.
    assume_known : mapping of str to int, optional
        See `EventCalendar.assume_known`.

    Returns
    -------
    EventCalendar

    Raises
    ------
    InputError
        All the faults of the file at once, each with its row, column and value.
    UnknownNameError
        Where the calendar, the benchmark or a kind in `assume_known` does not exist.
    EventStudyError
        Where ``calendar="prices"`` comes without prices, or they are no price table.
    """
    if not isinstance(baskets, Baskets):
        baskets = DEFAULT_BASKETS.with_baskets(baskets)
    read = read_table(
        _text_table(path), calendar=calendar, prices=prices, benchmark=benchmark, baskets=baskets
    )
    return read.assume_known(assume_known) if assume_known else read


def read_table(
    table: TextTable,
    *,
    calendar: str | Sessions | None = "XNYS",
    prices: DatedPrices | None = None,
    benchmark: str | None = None,
    baskets: Baskets = DEFAULT_BASKETS,
) -> EventCalendar:
    """Validate and align columns of text; see `read_events`.

    Raises
    ------
    InputError, UnknownNameError, EventStudyError
        As `read_events` does.
    """
    checked = check_columns(table, baskets)
    sessions = _sessions(calendar, prices, benchmark, checked)
    frame = _placed(checked, sessions)
    notes = (*checked.notes, *_zone_notes(Path(table.file).name, frame, sessions))
    return EventCalendar(table.file, frame, baskets, sessions, notes)


def _text_table(given: str | PathLike[str] | pd.DataFrame) -> TextTable:
    if isinstance(given, pd.DataFrame):
        return table_of_frame(given)
    path = Path(given)
    return read_parquet_table(path) if is_parquet(path) else read_text_table(path)


def _placed(checked: Checked, sessions: Sessions | None) -> pd.DataFrame:
    """Align what can be read, so that contradictions are told with the other faults."""
    when = np.flatnonzero(checked.readable(*WHEN))
    if sessions is None or not len(when):
        if checked.faults:
            raise InputError(checked.in_order())
        return checked.frame
    frame = checked.frame if len(when) == len(checked.frame) else checked.frame.iloc[when]
    placed = place(frame, sessions)
    wrong = np.zeros(len(checked.frame), dtype=bool)
    wrong[when] = placed.contradicts

    def told(row: int) -> str:
        at = int(np.searchsorted(when, row))
        return contradiction(frame.iloc[at], placed, at, sessions)

    checked.blame("session", wrong, told, "the time says another session")
    if checked.faults:
        raise InputError(checked.in_order())
    return with_session_0(frame, placed, sessions)


def _zone_notes(file: str, frame: pd.DataFrame, sessions: Sessions | None) -> list[str]:
    """Say where a label may have been meant for another zone's day."""
    if sessions is None or not sessions.has_clock:
        return []
    abroad = (frame["timezone"] != sessions.timezone).to_numpy()
    if not abroad.any():
        return []
    labelled = (frame["time"] == "") & (frame["session"] != "unknown")
    ids = frame["event_id"][abroad & labelled].tolist()
    if not ids:
        return []
    shown = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
    note = (
        f"{file}: a zone other than {sessions.timezone} and no time: the session label is read "
        f"against the exchange's session of that date ({shown})"
    )
    return [note]


def _sessions(
    calendar: str | Sessions | None,
    prices: DatedPrices | None,
    benchmark: str | None,
    checked: Checked,
) -> Sessions | None:
    _require_dates(prices)
    if calendar is None or isinstance(calendar, Sessions):
        return calendar
    if calendar == "prices":
        return price_sessions(prices, benchmark)
    days = checked.frame["date"][checked.readable("date")].to_numpy()
    days = np.array([*days[days != ""]], dtype="datetime64[D]")
    if not len(days):
        return None
    ends = np.array([days.min(), days.max()])
    if prices is not None and len(prices.dates):
        ends = np.array([min(ends[0], prices.dates[0]), max(ends[1], prices.dates[-1])])
    return spanning_sessions(calendar, ends[0], ends[1])


def _require_dates(prices: object) -> None:
    """Refuse prices that are no price table, such as a frame."""
    if prices is not None and not callable(getattr(prices, "dates_of", None)):
        raise EventStudyError(
            f"prices is a {type(prices).__name__}: give what load_prices returns; it takes a wide "
            "frame of adjusted closes, load_prices(frame)"
        )


def price_sessions(prices: DatedPrices | None, benchmark: str | None = None) -> Sessions:
    """Return the calendar ``prices``: the benchmark's dates, else those of any ticker.

    Raises
    ------
    EventStudyError
        Without prices, or where they have no dates.
    UnknownNameError
        Where the prices do not hold the benchmark.
    """
    if prices is None:
        raise EventStudyError('calendar "prices" needs the prices: read_events(..., prices=prices)')
    if benchmark is not None:
        days = prices.dates_of(benchmark)
    else:
        dates = [prices.dates_of(ticker) for ticker in prices.tickers]
        days = np.concatenate(dates) if dates else np.empty(0, dtype="datetime64[D]")
    if not len(days):
        raise EventStudyError('calendar "prices": the prices hold no dates')
    return sessions_from_dates(days)


def spanning_sessions(name: str, first: np.datetime64, last: np.datetime64) -> Sessions:
    """Return an exchange's sessions from years before `first` to years after `last`.

    The margins end where the exchange's own calendar does.
    """
    start, end = first.astype(date).year - YEARS_BEFORE, last.astype(date).year + YEARS_AFTER
    try:
        return exchange_sessions(name, date(start, 1, 1), date(end, 12, 31))
    except UnknownNameError:
        raise
    except EventStudyError:  # beyond what the calendar knows
        earliest, latest = exchange_reach(name)
    if earliest is not None:
        start = max(start, earliest)
    if latest is not None:
        end = min(end, latest)
    return exchange_sessions(name, date(start, 1, 1), date(max(start, end), 12, 31))
