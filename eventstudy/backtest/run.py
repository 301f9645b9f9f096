"""`backtest`: events and prices through strategies, one Cerebro each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.backtest import tables
from eventstudy.backtest.costs import Costs
from eventstudy.backtest.desk import Desk
from eventstudy.backtest.engines import ENGINES, run_desk
from eventstudy.backtest.evidence import gather
from eventstudy.backtest.frictions import Ran
from eventstudy.backtest.library import Strategy, resolve_strategies
from eventstudy.backtest.limits import Limits
from eventstudy.backtest.result import BacktestResult
from eventstudy.backtest.setup import Setup, desk_of, first_row, plans_of, set_up
from eventstudy.backtest.yardsticks import ended_members, first_members, held_value
from eventstudy.baskets import Baskets
from eventstudy.errors import BacktestError, UnknownNameError
from eventstudy.events.event import Event
from eventstudy.prices.table import PriceTable

if TYPE_CHECKING:
    from eventstudy.backtest.strategy import EventStrategy

Floats = npt.NDArray[np.float64]
LACKING = ("study_only", "no_range")
"""Reasons of a skip that lie in fields which the prices do not have."""


def backtest(
    events: Iterable[Event],
    prices: PriceTable,
    strategies: str
    | type[EventStrategy]
    | Strategy
    | tuple[str | type[EventStrategy], Mapping[str, Any]]
    | Iterable[Any],
    *,
    costs: Costs | None = None,
    capital: float = 1_000_000.0,
    benchmark: str = "SPY",
    baskets: Baskets | None = None,
    risk_free: float | pd.Series | Floats | None = None,
    limits: Limits | None = None,
    shortable: Mapping[str, bool] | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    variants: int | None = None,
    engine: str = "auto",
) -> BacktestResult:
    """Trade strategies around events on backtrader and return every trade and its costs.

    Events with ``use = study`` are traded, ambiguous ones at the later session 0. Decisions
    fall after a close, fills at the next open or as the strategy's parameters say.

    Parameters
    ----------
    events : EventCalendar or iterable of Event
    prices : PriceTable
        Needs opens and closes of what is traded, and the benchmark; highs and lows for
        limits, leg stops and leg targets; volumes for participation and impact.
    strategies : str, class, (name or class, parameters), or a list of these
        Names are kebab-case, overrides may follow: ``asic-gpu-rotation:hold=5``.
    costs : Costs, optional
        Default: 1 bp commission, 2 bp half-spread, 50 bp a year borrow fee, 100 bp a year
        above the cash rate on borrowed money.
    capital : float
        Initial cash, in the currency of the prices.
    benchmark : str
        Held as a yardstick.
    baskets : Baskets, optional
        Default: those of the calendar.
    risk_free : float, Series or ndarray, optional
        A constant annual rate, or the simple return on cash per session: a Series by date,
        or an array with one row for each of ``prices.dates``. Idle cash earns it, and Sharpe
        ratios are over it. Cash that secures short positions earns `Costs.rebate` of it.
    limits : Limits, optional
        Default: gross 2, net 1, single name 1 times equity, no negative cash; margin of
        Regulation T (50% to open, 25% of longs and 30% of shorts to hold).
    shortable : mapping of str to bool, optional
        False for a ticker that cannot be borrowed: events that would sell it short are
        skipped. Tickers that are not named can be.
    seed : int
        Of each strategy's ``rng``.
    folder : path, optional
        A folder of strategies, searched before the shipped ones.
    variants : int, optional
        Number of variants tried to arrive at these, those of sweeps included: it is kept and
        enters the deflated Sharpe ratio; default, and least: those given.
    engine : str
        ``auto``: vectorised where that engine's domain holds the run, otherwise Cerebro, and
        the result says which and why. ``cerebro`` or ``vectorised``: that one alone.

    Returns
    -------
    BacktestResult

    Raises
    ------
    BacktestError
        Where nothing can be traded, or a strategy, parameter or price is at fault.
    UnknownNameError
        For a strategy or parameter that does not exist.
    """
    chosen = resolve_strategies(strategies, folder)
    if engine not in ENGINES:
        raise UnknownNameError("engine", engine, ENGINES)
    _check_variants(variants, chosen)
    setup = set_up(
        events, prices, costs=costs, capital=capital, benchmark=benchmark, baskets=baskets,
        risk_free=risk_free, limits=limits, shortable=shortable, seed=seed,
    )  # fmt: skip
    plans = plans_of(setup, chosen)
    first = first_row(plans)
    desks = [desk_of(setup, s, plan, first) for s, plan in zip(chosen, plans, strict=True)]
    for desk, strategy in zip(desks, chosen, strict=True):
        run_desk(desk, strategy, setup.rates, seed, engine)
    _check_something_tradable(desks)
    return _result(setup, chosen, desks, variants or len(chosen))


def _check_variants(variants: int | None, chosen: tuple[Strategy, ...]) -> None:
    """Refuse a number of variants that cannot be: those of the run were tried, too."""
    if variants is not None and variants < len(chosen):
        raise BacktestError(
            f"variants is {variants}: give at least {len(chosen)}, the strategies of this run"
        )


def _check_something_tradable(desks: list[Desk]) -> None:
    """Refuse the run where events were lost to fields that the prices lack, and none is left."""
    if any(desk.ledger.orders for desk in desks):
        return
    volumes = np.nan_to_num(desks[0].market.table.volume) > 0
    lacking = LACKING if volumes.any() else (*LACKING, "no_volume")
    details = {s.detail for desk in desks for s in desk.skipped if s.reason in lacking}
    if details:
        raise BacktestError("nothing could be traded: " + "; ".join(sorted(details)))


def _window(desks: list[Desk]) -> int:
    """Return how many sessions, from the first decision, lead to the last exit of all."""
    days = desks[0].market.table.dates[desks[0].first :]
    ends = [leg.exit_date for desk in desks for leg in desk.ledger.legs.values()]
    decided = [desk.market.table.dates[a.decision] for desk in desks for a in desk.agenda]
    last = max(ends + decided)
    return int(np.searchsorted(days, last)) + 1


def _result(
    setup: Setup, chosen: tuple[Strategy, ...], desks: list[Desk], variants: int
) -> BacktestResult:
    first, window = desks[0].first, _window(desks)
    table, market = setup.market.table, setup.market
    days = table.dates[first : first + window]
    cash = setup.rates[first + 1 : first + window]
    held, ended = _held(table.on_sessions(days), market.baskets, market.benchmark, market.capital)
    yard = held[f"hold {market.benchmark}"]
    rows = [tables.strategy_metrics(desk, days, cash, yard, variants) for desk in desks]
    rows += [tables.yardstick_metrics(name, v, days, cash, yard) for name, v in held.items()]
    ones = np.ones(window)
    config = {
        **setup.told,
        "strategies": {s.name: _described(s) for s in chosen},
        "start": str(days[0]),
        "end": str(days[-1]),
        "sessions": window,
        "following": next(map(str, table.dates[first + window :]), None),
        "variants": variants,
        "yardsticks": list(held),
        "yardsticks_ended": ended,
        "engine": {d.name: d.engine for d in desks},
        "why_cerebro": {d.name: d.why_cerebro for d in desks if d.why_cerebro},
    }
    return BacktestResult(
        trades=tables.trades_table(desks, table),
        orders=tables.orders_table(desks),
        equity=pd.concat([tables.desk_equity(d, days) for d in desks], ignore_index=True),
        yardsticks=pd.concat(
            [tables.equity_rows(name, days, v, ones, ones) for name, v in held.items()],
            ignore_index=True,
        ),
        metrics=tables.metrics_table(rows),
        skipped=tables.skipped_table(desks),
        attribution=tables.attribution_table(desks, table),
        closes=tables.closes_table(desks, table, days),
        config=MappingProxyType(config),
        _gather=partial(
            gather,
            setup,
            [Ran(s, desk, window) for s, desk in zip(chosen, desks, strict=True)],
            variants,
        ),
    )


def _described(strategy: Strategy) -> dict[str, Any]:
    return {
        "class": strategy.cls.__name__,
        "idea": strategy.idea,
        "file": strategy.file,
        "sha256": strategy.digest if strategy.source else "",
        "parameters": dict(strategy.parameters),
    }


def _held(
    table: PriceTable, baskets: Baskets, benchmark: str, capital: float
) -> tuple[dict[str, Floats], dict[str, dict[str, str]]]:
    """Return the paths of the yardsticks by name, and by name which members end and when.

    Baskets without a member that has a price on the first session are left out.
    """
    found = {f"hold {benchmark}": held_value(table, {benchmark: 1.0}, capital)}
    ended: dict[str, dict[str, str]] = {}
    for name, weights in baskets.items():
        members = first_members(table, weights)
        if members:
            missing = len(weights) - len(members)
            label = f"hold {name}" + (f" ({missing} without prices)" if missing else "")
            found[label] = held_value(table, members, capital)
            if gone := ended_members(table, members):
                ended[label] = gone
    return found, ended
