"""Trading sessions: the days on which news can be traded, and their clock.

The one list that the calendar of events, the quality checks of prices, the study and
the backtest share. Days are tz-naive dates of the exchange; opens and closes are UTC.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.errors import EventStudyError, UnknownNameError

Days = npt.NDArray[np.datetime64]
Instants = npt.NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Sessions:
    """Sessions in order, with their clock where the calendar has one.

    Attributes
    ----------
    name : str
        Calendar name, such as ``XNYS``, or ``prices``.
    days : ndarray, shape (S,), datetime64[D]
        Ascending, unique.
    opens, closes : ndarray, shape (S,), datetime64[ns], UTC, or None
        None for a calendar made from price dates: it has no clock.
    timezone : str or None
        IANA name of the exchange's zone; None without a clock.
    """

    name: str
    days: Days
    opens: Instants | None = None
    closes: Instants | None = None
    timezone: str | None = None

    @property
    def has_clock(self) -> bool:
        """Whether opens and closes are known."""
        return self.closes is not None

    def __len__(self) -> int:
        return len(self.days)

    def between(self, start: np.datetime64, end: np.datetime64) -> Sessions:
        """Return the sessions from `start` to `end`, both included."""
        keep = slice(
            int(np.searchsorted(self.days, start, "left")),
            int(np.searchsorted(self.days, end, "right")),
        )
        return Sessions(
            self.name,
            self.days[keep],
            None if self.opens is None else self.opens[keep],
            None if self.closes is None else self.closes[keep],
            self.timezone,
        )

    def position(self, days: Days) -> npt.NDArray[np.int64]:
        """Return the row of each day, -1 where it is no session."""
        at = np.searchsorted(self.days, days)
        inside = at < len(self.days)
        hit = np.zeros(len(at), dtype=bool)
        hit[inside] = self.days[at[inside]] == days[inside]
        return np.where(hit, at, -1).astype(np.int64)


def exchange_sessions(name: str, start: date, end: date) -> Sessions:
    """Return the sessions of an exchange from `start` to `end`.

    Parameters
    ----------
    name : str
        A name of exchange_calendars, such as ``XNYS``.
    start, end : date
        Both included. The start is always passed on: the library's own default
        reaches back twenty years only.

    Raises
    ------
    UnknownNameError
        Where exchange_calendars has no such calendar.
    EventStudyError
        Where the calendar does not reach that far.
    """
    whole = _whole_years(name, start.year, end.year)
    return whole.between(np.datetime64(start, "D"), np.datetime64(end, "D"))


def exchange_reach(name: str) -> tuple[int | None, int | None]:
    """Return the first and last whole year for which an exchange's sessions are known.

    None where the library sets no bound, as for ``XNYS``.

    Raises
    ------
    UnknownNameError
        Where exchange_calendars has no such calendar.
    """
    calendar = _exchange_calendar(name, 2023, 2024)
    first, last = calendar.bound_min(), calendar.bound_max()
    return (
        None if first is None else first.year + (first.day_of_year > 1),
        None if last is None else last.year,
    )


_BUILT: dict[str, tuple[int, int, Sessions]] = {}
"""First year, last year and sessions of each calendar built: a build takes a fifth of a second."""


def _whole_years(name: str, first: int, last: int) -> Sessions:
    """Return the sessions of whole years, maybe of more of them than asked for."""
    known = _BUILT.get(name)
    if known is None or first < known[0] or last > known[1]:
        calendar = _exchange_calendar(name, first, last)
        schedule = calendar.schedule
        days = schedule.index.to_numpy().astype("datetime64[D]")
        opens, closes = _utc(schedule["open"]), _utc(schedule["close"])
        known = first, last, Sessions(name, days, opens, closes, str(calendar.tz))
        _BUILT[name] = known
    return known[2]


@lru_cache(maxsize=8)
def _exchange_calendar(name: str, first_year: int, last_year: int) -> Any:
    """Build the calendar of whole years once; years keep the number of builds small."""
    import exchange_calendars as xcals
    from exchange_calendars.errors import InvalidCalendarName

    try:
        with warnings.catch_warnings():
            # The library uses what the newest pandas deprecates; its users cannot mend that.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            return xcals.get_calendar(name, start=f"{first_year}-01-01", end=f"{last_year}-12-31")
    except InvalidCalendarName:
        choices = [*xcals.get_calendar_names(include_aliases=False), "prices"]
        raise UnknownNameError("calendar", name, choices) from None
    except ValueError as error:
        raise EventStudyError(
            f"calendar {name} cannot be built from {first_year} to {last_year}: {error}"
        ) from None


def _utc(column: Any) -> Instants:
    """Return a tz-aware pandas column as naive UTC instants."""
    naive = column.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(naive.to_numpy(), dtype="datetime64[ns]")


def sessions_from_dates(days: Days) -> Sessions:
    """Return the calendar named ``prices``: these dates and no clock.

    Parameters
    ----------
    days : ndarray, datetime64[D]
        The benchmark's dates, or the union of the tickers' where there is none.
    """
    return Sessions("prices", np.unique(np.asarray(days, dtype="datetime64[D]")))
