"""What the models of a study may draw on: series, benchmark, factors, references, donors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import Panel, Places
from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.models.contract import needs_of
from eventstudy.study.groups import own_label
from eventstudy.study.observed import Observation, Weights, combined, series_of

if TYPE_CHECKING:
    from eventstudy.events import EventCalendar
    from eventstudy.prices.table import PriceTable
    from eventstudy.study.config import StudyConfig

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FUNDS = frozenset({
    "SPY", "QQQ", "SMH", "SOXX", "IVV", "VOO", "VTI", "DIA", "IWM", "XLK", "XLF", "XLE",
    "XLV", "XLI", "XLP", "XLY", "XLU", "XLB", "XLC", "XLRE", "VGT", "IYW", "IGV", "XSD",
    "PSI", "EEM", "EFA", "VEA", "VWO", "AGG", "BND", "TLT", "GLD", "SLV", "ARKK", "RSP",
    "MDY",
})  # fmt: skip
"""Exchange-traded funds: no donor, for a fund holds the very shares that the event moves."""

EXCLUDES = ("none", "own_events")


def donor_tickers(
    asked: Sequence[str] | None, prices: PriceTable, benchmark: str | None
) -> tuple[str, ...]:
    """Return the securities that may stand in for others: all but funds and the benchmark.

    Raises
    ------
    UnknownNameError
        Where one that was asked for has no prices.
    """
    for ticker in asked or ():
        if ticker not in prices:
            raise UnknownNameError("donor", ticker, prices.tickers)
    if asked is not None:
        return tuple(dict.fromkeys(asked))
    return tuple(
        t for t in prices.tickers if t not in FUNDS and t != benchmark and not t.startswith("^")
    )


def make_panel(
    kept: Sequence[Observation],
    table: PriceTable,
    events: EventCalendar,
    config: StudyConfig,
) -> tuple[Panel, Places]:
    """Build the panel of a study and say where each observation stands in it.

    Parameters
    ----------
    kept : sequence of Observation, length n
    table : PriceTable
        On the grid of sessions.
    events : EventCalendar
    config : StudyConfig
    """
    series, columns = series_of(kept, table.tickers, table.returns, config.returns)
    distinct = _distinct_weights(kept, columns)
    missing = np.full(len(series), np.nan)
    own = config.returns
    market = missing if config.benchmark is None else _returns(table, config.benchmark, own)
    needs = [needs_of(model) for model in config.models]
    factors = {name for need in needs for name in need.factors}
    references = {need.reference for need in needs if need.reference is not None}
    panel = Panel(
        series=series,
        net=np.array([float(round(sum(w for _, w in weights))) for weights in distinct]),
        market=market,
        blocked=_blocked(distinct, table.dates, events, config),
        factors=factor_series(sorted(factors), table.dates, config),
        references={
            name: _reference(name, distinct, table, events, own) for name in sorted(references)
        },
        donors=np.column_stack([_returns(table, t, own) for t in config.donors])
        if config.donors
        else np.empty((len(series), 0)),
    )
    positions = np.array([o.reading.position for o in kept], dtype=np.int64)
    return panel, Places(columns, positions, _allowed_donors(kept, events, config))


def _returns(table: PriceTable, ticker: str, kind: str) -> Floats:
    return combined(table.returns[:, [table.column(ticker)]], np.ones(1), kind)


def _distinct_weights(kept: Sequence[Observation], columns: npt.NDArray[np.int64]) -> list[Weights]:
    """Return the weights of each series, in the order of the columns."""
    found: dict[int, Weights] = {}
    for o, column in zip(kept, columns, strict=True):
        found.setdefault(int(column), o.weights)
    return [found[k] for k in sorted(found)]


def factor_series(
    names: Sequence[str], days: npt.NDArray[np.datetime64], config: StudyConfig
) -> dict[str, Floats]:
    """Return the factors that the models name, on the grid.

    Raises
    ------
    StudyError
        Where there is no factor table.
    UnknownNameError
        Where it lacks one of them.
    """
    if not names:
        return {}
    if config.factors is None:
        users = [m.name for m in config.models if needs_of(m).factors]
        raise StudyError(
            f"model {users[0]} needs factors ({', '.join(names)}): give a file of factor returns "
            "with factors=, or --factors on the command line"
        )
    for name in names:
        if name not in config.factors.names:
            raise UnknownNameError("factor", name, config.factors.names)
    values = config.factors.on_sessions(days)
    return {name: values[:, config.factors.names.index(name)] for name in names}


def _reference(
    name: str, distinct: Sequence[Weights], table: PriceTable, events: EventCalendar, kind: str
) -> Floats:
    """Return a reference's returns for each series, without the series' own tickers."""
    members = dict(events.baskets[name]) if name.startswith("@") else {name: 1.0}
    for ticker in members:
        if ticker not in table:
            raise UnknownNameError(f"reference {name}: ticker", ticker, table.tickers)
    found = np.full((len(table.dates), len(distinct)), np.nan)
    for k, weights in enumerate(distinct):
        own = {t for t, _ in weights}
        others = {t: w for t, w in members.items() if t not in own}
        if others:
            take = [table.column(ticker) for ticker in others]
            shares = np.array(list(others.values())) / sum(others.values())
            found[:, k] = combined(table.returns[:, take], shares, kind)
    return found


def _blocked(
    distinct: Sequence[Weights],
    days: npt.NDArray[np.datetime64],
    events: EventCalendar,
    config: StudyConfig,
) -> Bools:
    """Return the sessions that each series' estimation windows leave out.

    With ``own_events``: session 0 of the events whose own ticker is in the series, under
    every reading, and one session on either side. Context rows count.
    """
    blocked = np.zeros((len(days), len(distinct)), dtype=bool)
    if config.estimation_excludes == "none":
        return blocked
    for event in events:
        if not event.tickers:
            continue
        hit = np.isin(days, [event.same, event.next])
        near = hit.copy()
        near[1:] |= hit[:-1]
        near[:-1] |= hit[1:]
        own = own_label(event)
        for k, weights in enumerate(distinct):
            if own in {t for t, _ in weights}:
                blocked[:, k] |= near
    return blocked


def _allowed_donors(
    kept: Sequence[Observation], events: EventCalendar, config: StudyConfig
) -> Bools:
    """Return which donors each observation may use: none that its event lists or it holds."""
    allowed = np.ones((len(kept), len(config.donors)), dtype=bool)
    place = {ticker: i for i, ticker in enumerate(config.donors)}
    for i, o in enumerate(kept):
        listed = events.baskets.resolve(o.reading.event.tickers)
        for ticker in (*listed, *(t for t, _ in o.weights)):
            if ticker in place:
                allowed[i, place[ticker]] = False
    return allowed
