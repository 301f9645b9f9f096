"""Who is held, and what it returned: events at their horizons, benchmark and controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.baskets import Baskets
from eventstudy.events.event import Event
from eventstudy.longrun.bhar import buy_and_hold, rebalanced
from eventstudy.longrun.config import LongRunConfig
from eventstudy.longrun.matching import characteristics, described, nearest
from eventstudy.study.groups import own_label
from eventstudy.study.observed import (
    Coverage,
    Drop,
    Observation,
    Reading,
    coverage,
    observations,
    readings,
)
from eventstudy.windows import Frame, Window

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Market:
    """Returns on the grid of sessions.

    Attributes
    ----------
    tickers : tuple of str, length N
    days : ndarray, shape (S,), datetime64[D]
    returns : ndarray, shape (S, N)
    benchmark : ndarray, shape (S,)
    """

    tickers: tuple[str, ...]
    days: Days
    returns: Floats
    benchmark: Floats

    def over(self, names: Sequence[str], position: int, window: Window) -> Floats:
        """Return the returns of these tickers over a window, shape (L, K)."""
        take = [self.tickers.index(name) for name in names]
        return self.returns[position + window[0] : position + window[1] + 1, take]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One event at one horizon against one yardstick.

    Attributes
    ----------
    observation : Observation
    horizon : (int, int)
    against : str
        The benchmark's ticker, or ``matched``.
    held, expected : float
        Buy-and-hold returns of the event's security and of the yardstick.
    controls : tuple of str
    """

    observation: Observation
    horizon: Window
    against: str
    held: float
    expected: float
    controls: tuple[str, ...] = ()

    @property
    def bhar(self) -> float:
        """Buy-and-hold abnormal return."""
        return self.held - self.expected

    @property
    def label(self) -> str:
        """Ticker or basket."""
        return self.observation.label

    @property
    def reading(self) -> Reading:
        """The event at its session 0."""
        return self.observation.reading


def observed_events(
    events: Sequence[Event], horizon: Window, market: Market, baskets: Baskets, on: str
) -> tuple[list[Observation], list[Drop]]:
    """Observe each event on its own ticker, or on the one named, over a horizon.

    Parameters
    ----------
    events : sequence of Event
    horizon : (int, int)
    market : Market
    baskets : Baskets
    on : str
        ``own``, a ticker or a basket.

    Returns
    -------
    list of Observation, list of Drop
        No estimation window is asked for: a buy-and-hold return needs none.
    """
    frame = Frame((horizon,), estimation=0, gap=0, min_estimation=0)
    found, lost = readings(events, market.days, frame)
    covered = coverage(market.tickers, market.returns, market.days)
    asked = () if on == "own" else (on,)
    kept, dropped = observations(found, asked, baskets, covered, frame)
    labels = {e.event_id: own_label(e) if on == "own" else on for e in events}
    return (
        [o for o in kept if o.label == labels[o.reading.event.event_id]],
        [*lost, *(d for d in dropped if d.ticker == labels[d.event_id])],
    )


def against_benchmark(
    kept: Sequence[Observation], horizon: Window, market: Market, name: str
) -> tuple[list[Outcome], list[Drop]]:
    """Return each observation's buy-and-hold return beside the benchmark's."""
    found, dropped = [], []
    for o in kept:
        at = o.reading.position
        yardstick = market.benchmark[at + horizon[0] : at + horizon[1] + 1, None]
        if np.isfinite(yardstick).all():
            expected = float(buy_and_hold(yardstick, np.ones(1)))
            found.append(Outcome(o, horizon, name, _held(o, horizon, market), expected))
        else:
            detail = f"the benchmark has no return at a session of the horizon from {_from(o)}"
            dropped.append(Drop(o.reading.event.event_id, o.label, "missing_benchmark", detail))
    return found, dropped


def against_matched(
    kept: Sequence[Observation],
    horizon: Window,
    market: Market,
    baskets: Baskets,
    config: LongRunConfig,
) -> tuple[list[Outcome], list[Drop]]:
    """Return each observation's buy-and-hold return beside its control firms'.

    The control portfolio is equally weighted at the start of the horizon.
    """
    covered = coverage(market.tickers, market.returns, market.days)
    compound = buy_and_hold if config.rebalance == "never" else rebalanced
    found, dropped = [], []
    for o in kept:
        controls, drops = _controls(o, horizon, market, baskets, covered, config)
        dropped += drops
        if controls:
            returns = market.over(controls, o.reading.position, horizon)
            expected = float(compound(returns, np.full(len(controls), 1.0 / len(controls))))
            held = _held(o, horizon, market)
            found.append(Outcome(o, horizon, "matched", held, expected, controls))
    return found, dropped


def _held(o: Observation, horizon: Window, market: Market) -> float:
    names = [ticker for ticker, _ in o.weights]
    returns = market.over(names, o.reading.position, horizon)
    return float(buy_and_hold(returns, np.array([w for _, w in o.weights])))


def _from(o: Observation) -> str:
    return str(o.reading.session_0)


def _controls(
    o: Observation,
    horizon: Window,
    market: Market,
    baskets: Baskets,
    covered: Coverage,
    config: LongRunConfig,
) -> tuple[tuple[str, ...], list[Drop]]:
    """Return an observation's control firms and what was left out on the way."""
    event_id = o.reading.event.event_id
    if config.candidates:
        frame = Frame(
            (horizon,), config.frame.estimation, config.frame.gap, config.frame.min_estimation
        )
        own = {ticker for ticker, _ in o.weights}
        for ticker in sorted(own):
            fault = covered.fault(ticker, o.reading.position, frame)
            if fault:
                return (), [Drop(event_id, o.label, f"unmatched_{fault[0]}", fault[1])]
        barred = own | {config.benchmark, *baskets.resolve(o.reading.event.tickers)}
        asked = tuple(t for t in config.candidates if t not in barred)
    else:
        frame = Frame((horizon,), estimation=0, gap=0, min_estimation=0)
        asked = config.controls.get(event_id) or config.controls.get(o.label) or ()
    faults = {t: f for t in asked if (f := covered.fault(t, o.reading.position, frame))}
    drops = [Drop(event_id, o.label, f"control_{r}", detail) for r, detail in faults.values()]
    usable = tuple(t for t in asked if t not in faults)
    if not usable:
        detail = f"no control firm with prices over the horizon from {_from(o)}"
        return (), [*drops, Drop(event_id, o.label, "no_controls", detail)]
    if config.candidates:
        usable = _neighbours(o, usable, market, config, frame)
    return usable, drops


def _neighbours(
    o: Observation,
    candidates: tuple[str, ...],
    market: Market,
    config: LongRunConfig,
    frame: Frame,
) -> tuple[str, ...]:
    """Return the candidates nearest to an observation on its estimation window."""
    at = o.reading.position
    rows = at + frame.estimation_days
    rows = rows[rows >= 0]
    take = [market.tickers.index(t) for t in candidates]
    own = [market.tickers.index(t) for t, _ in o.weights]
    series = market.returns[rows][:, own] @ np.array([w for _, w in o.weights])
    returns = np.column_stack([series, market.returns[rows][:, take]])
    table = described(characteristics(returns, market.benchmark[rows]), config.match_on)
    chosen = nearest(table[0], table[1:], config.neighbours)
    return tuple(candidates[i] for i in chosen)


def overlapping(outcomes: Sequence[Outcome]) -> npt.NDArray[np.int64]:
    """Count, for each outcome, the others of its firm whose horizons share sessions.

    All of one alignment, horizon and yardstick.

    Returns
    -------
    ndarray, shape (n,), int
    """
    return np.array([len(near) for near in _near(outcomes)], dtype=np.int64)


def _near(outcomes: Sequence[Outcome]) -> list[list[int]]:
    """Return, for each outcome, the others of its firm whose horizons share sessions."""
    by_firm: dict[str, list[int]] = {}
    for i, outcome in enumerate(outcomes):
        by_firm.setdefault(outcome.label, []).append(i)
    at = [outcome.reading.position for outcome in outcomes]
    return [
        [
            j
            for j in by_firm[outcome.label]
            if j != i and abs(at[i] - at[j]) <= outcome.horizon[1] - outcome.horizon[0]
        ]
        for i, outcome in enumerate(outcomes)
    ]


def without_overlaps(
    outcomes: Sequence[Outcome], rule: str
) -> tuple[list[Outcome], list[tuple[Outcome, Outcome]]]:
    """Apply the rule on overlapping horizons of one firm.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Of one alignment, horizon and yardstick.
    rule : {"keep", "drop", "keep-first", "joint"}
        ``drop``: none of an overlapping pair stays. ``keep-first``: in order of time, an event
        stays where no earlier one that stayed overlaps it. ``keep`` and ``joint``: all stay.

    Returns
    -------
    list of Outcome
    list of (Outcome, Outcome)
        What fell out, and an event that it overlaps.
    """
    near: Mapping[int, list[int]] = dict(enumerate(_near(outcomes)))
    if rule in ("keep", "joint"):
        return list(outcomes), []
    order = sorted(near, key=lambda i: outcomes[i].reading.position)
    stays: set[int] = set()
    lost: dict[int, int] = {}
    for i in order:
        clash = [j for j in near[i] if rule == "drop" or j in stays]
        if clash:
            lost[i] = clash[0]
        else:
            stays.add(i)
    return (
        [outcomes[i] for i in sorted(stays)],
        [(outcomes[i], outcomes[j]) for i, j in lost.items()],
    )
