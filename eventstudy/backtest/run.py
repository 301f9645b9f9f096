"""`backtest`: events and prices through strategies, one Cerebro each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.backtest import tables
from eventstudy.backtest.costs import Costs, interest_rates
from eventstudy.backtest.desk import Desk
from eventstudy.backtest.library import Strategy, resolve_strategies
from eventstudy.backtest.limits import Limits
from eventstudy.backtest.market import Market, has_bar
from eventstudy.backtest.plan import appointments, calendar_gaps, trading_days
from eventstudy.backtest.result import BacktestResult
from eventstudy.backtest.terms import Terms
from eventstudy.backtest.yardsticks import full_members, held_value
from eventstudy.baskets import DEFAULT_BASKETS, Baskets
from eventstudy.errors import BacktestError, did_you_mean
from eventstudy.events.event import Event
from eventstudy.prices.table import PriceTable

if TYPE_CHECKING:
    from eventstudy.backtest.strategy import EventStrategy

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


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
) -> BacktestResult:
    """Trade strategies around events on backtrader and return every trade and its costs.

    Events with ``use = study`` are traded, ambiguous ones at the later session 0. Decisions
    fall after a close, fills at the next open.

    Parameters
    ----------
    events : EventCalendar or iterable of Event
    prices : PriceTable
        Needs opens and closes of what is traded, and the benchmark.
    strategies : str, class, (name or class, parameters), or a list of these
        Names are kebab-case, overrides may follow: ``asic-gpu-rotation:hold=5``.
    costs : Costs, optional
        Default: 1 bp commission, 2 bp half-spread, 50 bp a year borrow fee.
    capital : float
        Initial cash, in the currency of the prices.
    benchmark : str
        Held as a yardstick.
    baskets : Baskets, optional
        Default: those of the calendar.
    risk_free : float, Series or ndarray, optional
        A constant annual rate, or the simple return on cash per session: a Series by date,
        or an array with one row for each of ``prices.dates``. Idle cash earns it, and Sharpe
        ratios are over it. Cash that secures short positions earns nothing.
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
        Number of variants tried to arrive at these, for the record; default: those given.

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
    costs, limits = costs or Costs(), limits or Limits()
    market, study, rates = grounds(
        events, prices, costs, capital, benchmark, baskets, risk_free, shortable
    )
    table, days, known_baskets = market.table, market.table.dates, market.baskets
    desks = _desks(chosen, study, market, costs, limits)
    for desk, strategy in zip(desks, chosen, strict=True):
        run_cerebro(desk, strategy, rates, seed)
    _check_something_tradable(desks)
    window = _window(desks)
    return _result(
        desks, table, rates, window, known_baskets, benchmark, variants or len(chosen),
        _asked(chosen, costs, limits, capital, benchmark, risk_free, seed, prices, days)
        | {"shortable": dict(shortable or {})},
    )  # fmt: skip


def grounds(
    events: Iterable[Event],
    prices: PriceTable,
    costs: Costs,
    capital: float,
    benchmark: str,
    baskets: Baskets | None,
    risk_free: float | pd.Series | Floats | None,
    shortable: Mapping[str, bool] | None,
) -> tuple[Market, list[Event], Floats]:
    """Return what all strategies of a run share: market, events to trade, rates on cash.

    The parameters are those of `backtest`.

    Raises
    ------
    BacktestError
        Where prices, benchmark, capital or rates are at fault, or no event is for trading.
    """
    _check_input(prices, capital, benchmark)
    known_baskets = baskets or getattr(events, "baskets", None) or DEFAULT_BASKETS
    days = trading_days(getattr(events, "sessions", None), prices, benchmark)
    rates = session_rates(risk_free, days, prices.dates, costs.day_count)
    study = [event for event in events if event.use == "study"]
    if not study:
        raise BacktestError("no event to trade: the calendar has none with use = study")
    _check_shortable(shortable or {}, prices)
    table = prices.on_sessions(days)
    return Market(table, known_baskets, benchmark, capital, dict(shortable or {})), study, rates


def _check_input(prices: PriceTable, capital: float, benchmark: str) -> None:
    if not (math.isfinite(capital) and capital > 0):
        raise BacktestError(f"capital is {capital!r}: give a positive amount")
    if benchmark not in prices:
        near = did_you_mean(benchmark, prices.tickers)
        raise BacktestError(
            f"benchmark {benchmark!r} has no prices{near}; there are {', '.join(prices.tickers)}"
        )
    opens = np.isfinite(prices.open).any(axis=0)
    if not opens.any():
        raise BacktestError(
            "a backtest fills at opening prices, and these prices have none for "
            f"{', '.join(prices.tickers)}: they are good for a study only"
        )


def session_rates(
    given: float | pd.Series | Floats | None, days: Days, dates: Days, day_count: int
) -> Floats:
    """Return the simple return on cash of each session, shape (S,).

    Parameters
    ----------
    given : float, Series, ndarray or None
        See `backtest`.
    days : ndarray, shape (S,)
        Sessions of the run.
    dates : ndarray, shape (P,)
        Dates that an array is for.
    day_count : int
        For a constant annual rate.

    Raises
    ------
    BacktestError
        Where a session has no finite rate.
    """
    if given is None:
        return np.zeros(len(days))
    if isinstance(given, int | float):
        values = interest_rates(float(given), calendar_gaps(days), day_count)
    else:
        if not isinstance(given, pd.Series):
            if np.shape(given) != (len(dates),):
                raise BacktestError(
                    f"risk_free has shape {np.shape(given)}: give one rate for each of the "
                    f"{len(dates)} dates of the prices"
                )
            given = pd.Series(np.asarray(given, dtype=np.float64), index=pd.DatetimeIndex(dates))
        series = given.astype(np.float64)
        if series.index.has_duplicates:
            twice = series.index[series.index.duplicated()][0]
            raise BacktestError(f"risk_free: {twice} appears twice")
        values = np.array(series.reindex(pd.DatetimeIndex(days)), dtype=np.float64)
        values[:1] = np.nan_to_num(values[:1])
    missing = days[~np.isfinite(values)]
    if len(missing):
        raise BacktestError(
            f"risk_free: no finite rate on {len(missing)} of {len(days)} sessions, the first "
            f"is {missing[0]}"
        )
    return values


def _check_shortable(shortable: Mapping[str, bool], prices: PriceTable) -> None:
    unknown = [t for t in shortable if t not in prices]
    if unknown:
        near = did_you_mean(unknown[0], prices.tickers)
        raise BacktestError(f"shortable: no prices of {', '.join(unknown)}{near}")


def _desks(
    chosen: tuple[Strategy, ...],
    study: list[Event],
    market: Market,
    costs: Costs,
    limits: Limits,
) -> list[Desk]:
    plans = [appointments(study, market.table.dates, s.parameters) for s in chosen]
    decisions = [item.decision for agenda, _ in plans for item in agenda]
    if not decisions:
        reasons = "; ".join(dict.fromkeys(s.detail for _, skips in plans for s in skips))
        raise BacktestError(f"no event can be traded: {reasons}")
    first = min(decisions)
    return [
        Desk(
            name=s.name,
            market=market,
            terms=Terms.of(s.parameters),
            first=first,
            agenda=agenda,
            costs=costs,
            limits=limits,
            skipped=list(skips),
        )
        for s, (agenda, skips) in zip(chosen, plans, strict=True)
    ]


def run_cerebro(desk: Desk, strategy: Strategy, rates: Floats, seed: int) -> None:
    """Run one strategy through Cerebro; the desk holds what happened."""
    from eventstudy.backtest.broker import SleeveBroker
    from eventstudy.backtest.feeds import clock_of, feed_of
    from eventstudy.backtest.stock import bt

    table, first = desk.market.table, desk.first
    days = table.dates[first:]
    cerebro = bt.Cerebro(stdstats=False, preload=True, runonce=True)
    cerebro.adddata(clock_of(days), name="sessions")
    live = table.on_sessions(days)
    traded = np.array(table.tickers)[has_bar(live).any(axis=0)].tolist()
    desk.feeds = {ticker: cerebro.adddata(feed_of(live, ticker), name=ticker) for ticker in traded}
    broker = SleeveBroker()
    broker.setcash(desk.market.capital)
    dividends = table.cash_dividends[first:]
    broker.prepare(
        desk,
        days,
        {t: dividends[:, table.column(t)] for t in traded},
        np.concatenate([np.zeros(1), rates[first + 1 :]]),
    )
    cerebro.setbroker(broker)
    cerebro.addstrategy(strategy.cls, desk=desk, values=strategy.parameters, seed=seed)
    cerebro.run()


def _check_something_tradable(desks: list[Desk]) -> None:
    """Refuse the run where every event was lost to prices without opens."""
    if any(desk.ledger.orders for desk in desks):
        return
    details = {s.detail for desk in desks for s in desk.skipped if s.reason == "study_only"}
    if details:
        raise BacktestError("nothing could be traded: " + "; ".join(sorted(details)))


def _window(desks: list[Desk]) -> int:
    """Return how many sessions, from the first decision, lead to the last exit of all."""
    days = desks[0].market.table.dates[desks[0].first :]
    ends = [leg.exit_date for desk in desks for leg in desk.ledger.legs.values()]
    decided = [desk.market.table.dates[a.decision] for desk in desks for a in desk.agenda]
    last = max(ends + decided)
    return int(np.searchsorted(days, last)) + 1


def _asked(
    chosen: tuple[Strategy, ...],
    costs: Costs,
    limits: Limits,
    capital: float,
    benchmark: str,
    risk_free: object,
    seed: int,
    prices: PriceTable,
    days: Days,
) -> dict[str, Any]:
    if risk_free is None:
        cash = "earns nothing (no risk-free rate given)"
    elif isinstance(risk_free, int | float):
        cash = f"idle cash earns {100 * risk_free:g}% a year, actual/{costs.day_count}"
    else:
        cash = "idle cash earns the rate given for each session"
    half = np.isfinite(prices.close) & ~np.isfinite(prices.open)
    return {
        "capital": capital,
        "benchmark": benchmark,
        "costs": asdict(costs),
        "limits": asdict(limits),
        "risk_free": cash,
        "seed": seed,
        "price_source": prices.source,
        "bars_without_open": {
            t: int(n) for t, n in zip(prices.tickers, half.sum(axis=0), strict=True) if n
        },
        "dates_off_calendar": int((~np.isin(prices.dates, days)).sum()),
        "strategies": {
            s.name: {
                "class": s.cls.__name__,
                "idea": s.idea,
                "file": s.file,
                "sha256": s.digest if s.source else "",
                "parameters": dict(s.parameters),
            }
            for s in chosen
        },
    }


def _result(
    desks: list[Desk],
    table: PriceTable,
    rates: Floats,
    window: int,
    baskets: Baskets,
    benchmark: str,
    variants: int,
    asked: dict[str, Any],
) -> BacktestResult:
    first = desks[0].first
    days = table.dates[first : first + window]
    cash = rates[first + 1 : first + window]
    held = _held(table.on_sessions(days), baskets, benchmark, asked["capital"])
    rows = [tables.strategy_metrics(desk, window, cash, variants) for desk in desks]
    rows += [tables.yardstick_metrics(name, values, cash) for name, values in held.items()]
    ones = np.ones(window)
    config = {
        **asked,
        "start": str(days[0]),
        "end": str(days[-1]),
        "sessions": window,
        "variants": variants,
        "yardsticks": list(held),
    }
    return BacktestResult(
        trades=tables.trades_table(desks),
        orders=tables.orders_table(desks),
        equity=pd.concat([tables.desk_equity(d, days) for d in desks], ignore_index=True),
        yardsticks=pd.concat(
            [tables.equity_rows(name, days, v, ones, ones) for name, v in held.items()],
            ignore_index=True,
        ),
        metrics=pd.DataFrame(rows, columns=list(tables.METRICS)),
        skipped=tables.skipped_table(desks),
        attribution=tables.attribution_table(desks),
        config=MappingProxyType(config),
    )


def _held(table: PriceTable, baskets: Baskets, benchmark: str, capital: float) -> dict[str, Floats]:
    """Return the paths of the yardsticks by name; baskets without a full member are left out."""
    found = {f"hold {benchmark}": held_value(table, {benchmark: 1.0}, capital)}
    for name, weights in baskets.items():
        members = full_members(table, weights)
        if members:
            missing = len(weights) - len(members)
            label = f"hold {name}" + (f" ({missing} without prices)" if missing else "")
            found[label] = held_value(table, members, capital)
    return found
