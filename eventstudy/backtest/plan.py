"""Which events can be traded, and on which sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.decisions import Appointment, Skip
from eventstudy.errors import BacktestError
from eventstudy.events.event import Event
from eventstudy.prices.table import PriceTable
from eventstudy.sessions import Sessions, exchange_sessions

Days = npt.NDArray[np.datetime64]


def trading_days(sessions: Sessions | None, prices: PriceTable, benchmark: str) -> Days:
    """Return the sessions of a run: the calendar's, over the span of the prices.

    Parameters
    ----------
    sessions : Sessions or None
        Of the calendar of events. Without a clock, or None: the benchmark's dates.
    prices : PriceTable
    benchmark : str

    Returns
    -------
    ndarray, shape (S,), datetime64[D]
    """
    if not len(prices.dates):
        raise BacktestError("the price table is empty")
    first, last = prices.dates[0], prices.dates[-1]
    if sessions is None or not sessions.has_clock:
        return prices.dates_of(benchmark)
    if sessions.days[0] <= first and sessions.days[-1] >= last:
        return sessions.between(first, last).days
    return exchange_sessions(sessions.name, first.item(), last.item()).days


def appointments(
    events: Iterable[Event], days: Days, parameters: Mapping[str, Any]
) -> tuple[list[Appointment], list[Skip]]:
    """Return the events to decide on, in order of session 0, and those that cannot be.

    Parameters
    ----------
    events : iterable of Event
    days : ndarray, shape (S,)
        Sessions of the run.
    parameters : mapping
        `entry` and `hold` of the strategy.
    """
    found: list[Appointment] = []
    skipped: list[Skip] = []
    lag, hold = parameters["entry"], parameters["hold"]
    placed = [(_row(event.session_0("next"), days), event) for event in events]
    for zero, event in sorted(placed, key=lambda pair: (pair[0], pair[1].row)):
        decision = zero + lag - 1
        if zero < 0 or not 0 <= decision < len(days):
            skipped.append(Skip(event.event_id, "out_of_span", _span(event, lag, days)))
        elif lag < 1 and not _known(event, days[decision]):
            skipped.append(Skip(event.event_id, "not_known", _unknown(event, days[decision])))
        else:
            found.append(Appointment(event, decision, zero + lag + hold, len(found)))
    return found, skipped


def summed_up(skips: Iterable[Skip]) -> str:
    """Return each reason once: the first event's words, and how many events share it."""
    by_reason: dict[str, dict[str, str]] = {}
    for skip in skips:
        by_reason.setdefault(skip.reason, {}).setdefault(skip.event_id, skip.detail)
    said = []
    for reason, details in by_reason.items():
        event_id, detail = next(iter(details.items()))
        more = f" and {len(details) - 1} more" if len(details) > 1 else ""
        said.append(f"{detail} ({event_id}{more})")
        if reason == "not_known":
            said.append("known_on tells when a date was public; --assume-known KIND=14d fills it")
    return "; ".join(said)


def calendar_gaps(days: Days) -> npt.NDArray[np.int64]:
    """Return calendar days since the session before, shape (S,); zero in the first row."""
    numbers = np.asarray(days.astype(np.int64))
    gaps = np.zeros(len(numbers), dtype=np.int64)
    gaps[1:] = numbers[1:] - numbers[:-1]
    return gaps


def _row(day: np.datetime64, days: Days) -> int:
    """Return the row of a session, or -1 where it is none of the run's."""
    if np.isnat(day):
        return -1
    at = int(np.searchsorted(days, day))
    return at if at < len(days) and days[at] == day else -1


def _known(event: Event, decision: np.datetime64) -> bool:
    return event.known_on is not None and bool(np.datetime64(event.known_on, "D") <= decision)


def _span(event: Event, lag: int, days: Days) -> str:
    day = event.session_0("next")
    when = "an unknown session" if np.isnat(day) else str(day)
    moved = "" if lag == 1 else f", entry {lag}"
    return f"session 0 is {when}{moved}; prices run from {days[0]} to {days[-1]}"


def _unknown(event: Event, decision: np.datetime64) -> str:
    known = event.known_on.isoformat() if event.known_on else "never before the event"
    return f"a decision on {decision} comes before the date was known ({known})"
