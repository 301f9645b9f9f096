"""Our own entries of peers.py and growth.py: a list in one place, another engine is one entry.

An entry of `STUDIES` is asked for one study of made work and says how its output is read; an
entry of `BACKTESTS` runs the pair trades of `trade_work`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from backtest_speed import Pair, World
from study_work import FACTORS, WINDOW, Work
from trade_work import CAPITAL, COMMISSION
from vectorised_speed import prepare

import eventstudy as es
from eventstudy.backtest import Costs, backtest
from eventstudy.events import EventCalendar
from eventstudy.factors.table import FactorTable
from eventstudy.prices.table import PriceTable

MARKET = "MKT"
HULL = (int(WINDOW[0]), int(WINDOW[-1]))
SAME_TESTS = {
    "cross_sectional": "cross_sectional",
    "patell": "patell",
    "bmp": "bmp",
    "patell_adjusted": "adj_patell",
    "kolari_pynnonen": "kp",
    "grank_t": "grank",
    "wilcoxon": "sign_rank",
}
"""Our names of StatsPAI's tests."""
FACTOR_NAMES = ("mkt_rf", "smb", "hml", "rmw", "cma", "mom")


@dataclass(frozen=True)
class Given:
    """Inputs in the form that the project takes; making them is not timed."""

    events: EventCalendar
    prices: PriceTable
    factors: FactorTable


@dataclass(frozen=True)
class Asked:
    """What one study is to compute.

    Attributes
    ----------
    model : str
    tests : tuple of str
        Over the group of all events; none by default.
    workers : int
        For engines that have workers.
    """

    model: str = "market"
    tests: tuple[str, ...] = ()
    workers: int = 1


@dataclass(frozen=True)
class StudyEntry:
    """One way to run our study.

    Attributes
    ----------
    what : str
        What it computes, for a reader.
    run : callable
        ``(Given, Asked)`` to its result, with all that `read` reads computed: timed.
    read : callable
        The result and what was asked to arrays ``ar`` (N, 21), ``car``, ``se`` (N,), and
        ``test_NAME`` and ``p_NAME`` by StatsPAI's names where tests were asked for.
    sizes : tuple of int
        Numbers of events tried against peers.
    most : int
        Events that it takes on a machine of 8 GB.
    workers : bool
        Whether `Asked.workers` changes anything.
    """

    what: str
    run: Callable[[Given, Asked], Any]
    read: Callable[[Any, Asked], dict[str, np.ndarray]]
    sizes: tuple[int, ...]
    most: int
    workers: bool = False


def given_of(work: Work, count: int | None = None) -> Given:
    """Return a calendar, prices and factors of made work."""
    names = tuple(f"T{k:05d}" for k in range(work.returns.shape[1]))
    returns = np.column_stack([work.returns, work.market])
    close = 100.0 * np.vstack([np.ones(returns.shape[1]), np.cumprod(1.0 + returns, axis=0)])
    days = np.concatenate([[np.busday_offset(work.days[0], -1)], work.days])
    none = np.full_like(close, np.nan)
    prices = PriceTable(
        tickers=(*names, MARKET), dates=days, open=none, high=none, low=none, close=close,
        adj_close=close, volume=none, dividends=np.zeros_like(close), source="made",
    )  # fmt: skip
    count = len(work.rows) if count is None else count
    frame = pd.DataFrame(
        {
            "event_id": [f"e{i:07d}" for i in range(count)],
            "date": work.days[work.rows[:count]].astype(str),
            "session": "regular",
            "tickers": np.array(names)[work.columns[:count]],
        }
    )
    events = es.read_events(frame, calendar="prices", prices=prices)
    values = np.column_stack([work.factors, np.zeros(len(work.days))])
    rest = np.random.default_rng(0).normal(0, 0.006, (len(work.days), 6 - FACTORS))
    values = np.column_stack([values[:, :FACTORS], rest, values[:, FACTORS:]])
    factors = FactorTable(work.days, (*FACTOR_NAMES, "rf"), values, "made")
    return Given(events, prices, factors)


def whole_engine(given: Given, asked: Asked) -> Any:
    """Run the study that holds every event in memory, and make its tables."""
    study = es.event_study(
        given.events, given.prices, model=asked.model, benchmark=MARKET, window=HULL,
        observed=[], tests=asked.tests, factors=given.factors,
    )  # fmt: skip
    tests = study.group_tests if asked.tests else None
    return SimpleNamespace(abnormal=study.abnormal, cars=study.cars, tests=tests)


def read_whole(found: Any, asked: Asked) -> dict[str, np.ndarray]:
    """Read the tables of `whole_engine`."""
    window = f"{HULL[0]},{HULL[1]}"
    cars = found.cars[found.cars["window"] == window]
    arrays = {
        "ar": found.abnormal["ar"].to_numpy().reshape(-1, len(WINDOW)),
        "car": cars["car"].to_numpy(),
        "se": cars["se"].to_numpy(),
    }
    if found.tests is not None:
        rows = found.tests.query("group == 'all' and window == @window").set_index("test")
        for own, theirs in SAME_TESTS.items():
            arrays[f"test_{theirs}"] = rows.loc[own, "statistic"]
            arrays[f"p_{theirs}"] = rows.loc[own, "p_value"]
    return arrays


STUDIES: Mapping[str, StudyEntry] = {
    "eventstudy-backtester, whole engine": StudyEntry(
        what="tables of AR and of CAR with exact error, t, p and BHAR",
        run=whole_engine,
        read=read_whole,
        sizes=(1_000, 10_000, 30_000),
        most=100_000,
    ),
}
"""Another engine is added here."""

COSTS = Costs(commission_bp=1e4 * COMMISSION, half_spread_bp=0, borrow_bp=0)


def run_backtest(world: World, engine: str) -> float:
    """Return the final value of one whole call."""
    found = backtest(world.events, world.prices, Pair, costs=COSTS, capital=CAPITAL, engine=engine)
    return float(found.equity["value"].iloc[-1])


def _call_of(engine: str) -> Callable[[World], Callable[[], float]]:
    return lambda world: lambda: run_backtest(world, engine)


def path_alone(world: World) -> Callable[[], float]:
    """Return the vectorised account over decisions that were made and prices that were stacked."""
    made = prepare(world, COSTS, capital=CAPITAL)
    return lambda: float(made.account()[-1])


BACKTESTS: Mapping[str, tuple[str, Callable[[World], Callable[[], float]]]] = {
    "eventstudy-backtester, Cerebro": (
        "whole call: strategy asked, orders, limits, attribution", _call_of("cerebro")
    ),
    "eventstudy-backtester, vectorised": (
        "whole call, same result", _call_of("vectorised")
    ),
    "eventstudy-backtester, account alone": (
        "account, margin and limits; decided beforehand", path_alone
    ),
}  # fmt: skip
"""Name to what is timed, and a function that prepares a world and returns what is run."""
