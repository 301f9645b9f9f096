"""Who is observed: each event on its own tickers and on every basket and spread.

A reading is one event at one session 0; an ambiguous event has two. An observation is one
reading on one series. The members of a basket are fixed per reading: those with a full
window. What falls out on the way is listed with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.baskets import Baskets, Spread, parse_spread
from eventstudy.events.event import Event
from eventstudy.windows import Frame

Floats = npt.NDArray[np.float64]
Weights = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One event at one session 0.

    Attributes
    ----------
    event : Event
    session_0 : datetime64[D]
    position : int
        Row of session 0 in the grid of sessions.
    alignments : tuple of str
        The alignments that hold this reading.
    """

    event: Event
    session_0: np.datetime64
    position: int
    alignments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """One reading on one series.

    Attributes
    ----------
    reading : Reading
    label : str
        Ticker, basket or spread.
    weights : tuple of (ticker, weight)
        The series: a security has one weight of 1; a spread's weights sum to 0.
    """

    reading: Reading
    label: str
    weights: Weights


@dataclass(frozen=True, slots=True)
class Drop:
    """Something left out, and why."""

    event_id: str
    ticker: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which tickers have a full window at which session.

    Attributes
    ----------
    tickers : tuple of str, length N
    usable : ndarray, shape (S + 1, N)
        Running count of sessions with a return.
    days : ndarray, shape (S,), datetime64[D]
    """

    tickers: tuple[str, ...]
    usable: npt.NDArray[np.int64]
    days: npt.NDArray[np.datetime64]

    def fault(self, ticker: str, position: int, frame: Frame) -> tuple[str, str] | None:
        """Return (reason, detail) where a ticker has no full window, else None."""
        if ticker not in self.tickers:
            return "no_prices", f"{ticker} is not in the price table"
        counts = self.usable[:, self.tickers.index(ticker)]
        first, last = (position + day for day in frame.hull)
        if counts[last + 1] - counts[first] < last + 1 - first:
            steps = np.diff(counts[first : last + 2])
            day = self.days[first + int(np.argmin(steps))]
            return "missing_returns", f"{ticker} has no return on {day}"
        end = max(position - frame.gap, 0)
        found = int(counts[end] - counts[max(end - frame.estimation, 0)])
        if found < frame.min_estimation:
            return (
                "short_estimation",
                f"{ticker} has {found} usable sessions before {self.days[position]}, "
                f"{frame.min_estimation} are needed",
            )
        return None


def coverage(
    tickers: tuple[str, ...], returns: Floats, days: npt.NDArray[np.datetime64]
) -> Coverage:
    """Count usable returns, shape (S, N), once for all events."""
    counts = np.zeros((len(returns) + 1, len(tickers)), dtype=np.int64)
    np.cumsum(np.isfinite(returns), axis=0, out=counts[1:])
    return Coverage(tickers, counts, days)


def readings(
    events: Iterable[Event], days: npt.NDArray[np.datetime64], frame: Frame
) -> tuple[list[Reading], list[Drop]]:
    """Return each event at its session 0, twice where it is ambiguous.

    Parameters
    ----------
    events : iterable of Event
    days : ndarray, shape (S,), datetime64[D]
        The grid of sessions.
    frame : Frame

    Returns
    -------
    list of Reading, list of Drop
        Events whose windows lie outside the grid are dropped as ``out_of_span``.
    """
    found: list[Reading] = []
    dropped: list[Drop] = []
    for event in events:
        for session, alignments in _session_readings(event):
            position = _position(days, session)
            if position is None or not _inside(position, len(days), frame):
                dropped.append(Drop(event.event_id, "", "out_of_span", _span(event, session, days)))
                continue
            found.append(Reading(event, session, position, alignments))
    return found, dropped


def _session_readings(event: Event) -> list[tuple[np.datetime64, tuple[str, ...]]]:
    if event.ambiguous:
        return [(event.same, ("same",)), (event.next, ("next",))]
    return [(event.next, ("stated", "same", "next"))]


def _position(days: npt.NDArray[np.datetime64], session: np.datetime64) -> int | None:
    if np.isnat(session):
        return None
    at = int(np.searchsorted(days, session))
    return at if at < len(days) and days[at] == session else None


def _inside(position: int, count: int, frame: Frame) -> bool:
    first, last = frame.hull
    return position + first >= 0 and position + last < count


def _span(event: Event, session: np.datetime64, days: npt.NDArray[np.datetime64]) -> str:
    if np.isnat(session):
        return event.why
    if not len(days):
        return "the price table is empty"
    return f"session 0 is {session}; prices run from {days[0]} to {days[-1]}"


def observations(
    found: Sequence[Reading],
    observed: Sequence[str],
    baskets: Baskets,
    covered: Coverage,
    frame: Frame,
) -> tuple[list[Observation], list[Drop]]:
    """Observe each reading on its tickers and on every basket and spread.

    Parameters
    ----------
    found : sequence of Reading
    observed : sequence of str
        Names of baskets and spreads, or of further tickers.
    baskets : Baskets
    covered : Coverage
    frame : Frame

    Returns
    -------
    list of Observation, list of Drop
    """
    spreads = {
        name: parse_spread(name, baskets)
        for name in observed
        if name.startswith("@") and "-" in name
    }
    kept: list[Observation] = []
    dropped: list[Drop] = []
    for reading in found:
        for label in dict.fromkeys((*reading.event.tickers, *observed)):
            weights, drops = _weigh(label, reading, spreads, baskets, covered, frame)
            dropped += drops
            if weights:
                kept.append(Observation(reading, label, weights))
    return kept, list(dict.fromkeys(dropped))


def _weigh(
    label: str,
    reading: Reading,
    spreads: dict[str, Spread],
    baskets: Baskets,
    covered: Coverage,
    frame: Frame,
) -> tuple[Weights, list[Drop]]:
    """Return the weights of a label at a reading, empty where it cannot be observed."""
    event_id = reading.event.event_id
    if label in spreads:
        spread = spreads[label]
        without = reading.event.subject if spread.ex_subject else None
        long, drops = _members(label, baskets[spread.long], without, reading, covered, frame)
        short, more = _members(label, baskets[spread.short], without, reading, covered, frame)
        if long and short:
            return (*long, *((t, -w) for t, w in short)), drops + more
        side = spread.short if long else spread.long
        return (), [*drops, *more, Drop(event_id, label, "empty_basket", f"nothing left in {side}")]
    if label.startswith("@"):
        weights, drops = _members(label, baskets[label], None, reading, covered, frame)
        if not weights:
            drops.append(Drop(event_id, label, "empty_basket", f"nothing left in {label}"))
        return weights, drops
    fault = covered.fault(label, reading.position, frame)
    return ((), [Drop(event_id, label, *fault)]) if fault else (((label, 1.0),), [])


def _members(
    label: str,
    basket: Iterable[str],
    without: str | None,
    reading: Reading,
    covered: Coverage,
    frame: Frame,
) -> tuple[Weights, list[Drop]]:
    """Return the members with a full window, weights scaled to one, and those left out."""
    weights = dict(basket.items()) if hasattr(basket, "items") else dict.fromkeys(basket, 1.0)
    faults = {
        ticker: fault
        for ticker in weights
        if ticker != without and (fault := covered.fault(ticker, reading.position, frame))
    }
    drops = [
        Drop(reading.event.event_id, label, f"member_{reason}", detail)
        for reason, detail in faults.values()
    ]
    kept = {t: w for t, w in weights.items() if t != without and t not in faults}
    total = sum(kept.values())
    return tuple((t, w / total) for t, w in kept.items()), drops


def series_of(
    kept: Sequence[Observation], tickers: tuple[str, ...], returns: Floats, kind: str = "simple"
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Build each distinct series once.

    Parameters
    ----------
    kept : sequence of Observation, length n
    tickers : tuple of str, length N
    returns : ndarray, shape (S, N)
        Simple returns.
    kind : {"simple", "log"}
        Of the series.

    Returns
    -------
    series : ndarray, shape (S, K)
        A session on which one member has no return is NaN.
    columns : ndarray, shape (n,), int
        The series of each observation.
    """
    place = {ticker: i for i, ticker in enumerate(tickers)}
    distinct: dict[Weights, int] = {}
    columns = np.array(
        [distinct.setdefault(o.weights, len(distinct)) for o in kept], dtype=np.int64
    )
    series = np.empty((len(returns), len(distinct)))
    for weights, k in distinct.items():
        take = [place[t] for t, _ in weights]
        series[:, k] = combined(returns[:, take], np.array([w for _, w in weights]), kind)
    return series, columns


def combined(returns: Floats, weights: Floats, kind: str) -> Floats:
    """Return the return of a portfolio brought back to its weights each session, shape (S,).

    A log return is that of the portfolio, ln(1 + sum w R), not the weighted mean of its
    members'; a spread's is the log return of its long side less that of its short side.

    Parameters
    ----------
    returns : ndarray, shape (S, K)
        Simple returns; NaN = missing.
    weights : ndarray, shape (K,)
        Each side summing to one.
    kind : {"simple", "log"}
    """
    if kind == "simple":
        plain: Floats = returns @ weights
        return plain
    long, short = np.maximum(weights, 0.0), np.maximum(-weights, 0.0)
    found: Floats = np.log1p(returns @ long) - np.log1p(returns @ short)
    return found
