"""Our own entries of peers.py and growth.py: a list in one place, another engine is one entry.

An entry of `STUDIES` is asked for one study of made work and says how its output is read; an
entry of `BACKTESTS` runs the pair trades of `trade_work`.
"""

from __future__ import annotations

import shutil
import tempfile
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
from eventstudy.models import find_model
from eventstudy.models.contract import BENCHMARK, recipe_of
from eventstudy.prices.table import PriceTable
from eventstudy.streaming import world as streaming
from eventstudy.streaming.engine import abnormal
from eventstudy.streaming.ground import lay_ground
from eventstudy.windows import make_frame
from eventstudy.workers import crew

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
    tests : bool
        Whether it has tests.
    """

    what: str
    run: Callable[[Given, Asked], Any]
    read: Callable[[Any, Asked], dict[str, np.ndarray]]
    sizes: tuple[int, ...]
    most: int
    workers: bool = False
    tests: bool = True


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
    return arrays | _read_tests(found.tests)


def _read_tests(tests: pd.DataFrame | None) -> dict[str, np.ndarray]:
    """Return statistics and p-values of the window by the peer's names."""
    if tests is None or not len(tests):
        return {}
    window = f"{HULL[0]},{HULL[1]}"
    rows = tests[(tests["group"] == "all") & (tests["window"] == window)].set_index("test")
    return {
        f"{kind}_{theirs}": rows.loc[own, column]
        for own, theirs in SAME_TESTS.items()
        for kind, column in (("test", "statistic"), ("p", "p_value"))
    }


def streamed_engine(given: Given, asked: Asked) -> Any:
    """Go over the events part by part; tables of single events as Parquet, or tests alone."""
    folder = None if asked.tests else tempfile.mkdtemp()
    study = es.event_study(
        given.events, given.prices, model=asked.model, benchmark=MARKET, window=HULL,
        tests=asked.tests, factors=given.factors, engine="streamed", out=folder,
        tables=("cars", "abnormal"), jobs=asked.workers,
    )  # fmt: skip
    return SimpleNamespace(study=study, folder=folder, tests=study.group_tests)


def read_streamed(found: Any, asked: Asked) -> dict[str, np.ndarray]:
    """Read the tables of `streamed_engine`."""
    arrays = {}
    if found.folder is not None:
        cars, abnormal = (
            found.study.read(name).to_pandas().astype({"event_id": "str"})
            for name in ("cars", "abnormal")
        )
        cars = cars.sort_values("event_id")
        abnormal = abnormal.sort_values(["event_id", "day"])
        arrays = {
            "ar": abnormal["ar"].to_numpy().reshape(-1, len(WINDOW)),
            "car": cars["car"].to_numpy(),
            "se": cars["se"].to_numpy(),
        }
        shutil.rmtree(found.folder)
    return arrays | _read_tests(found.tests)


def arrays_alone(given: Given, asked: Asked) -> Any:
    """Return abnormal returns, CARs and exact errors as arrays, from returns as arrays."""
    events, prices = given.events.columns(), given.prices
    place = {ticker: i for i, ticker in enumerate(prices.tickers)}
    column = np.array([place[name] for name in events.names])[events.main].astype(np.int64)
    returns, frame, model = prices.returns, make_frame([HULL]), find_model(asked.model)
    values = given.factors.on_sessions(prices.dates)
    common = dict(zip(given.factors.names, values.T, strict=True))
    common[BENCHMARK] = returns[:, place[MARKET]]
    recipe = recipe_of(model)
    if recipe is None:
        raise ValueError(f"{model.name} has no recipe")
    ground = lay_ground(returns, common, frame)
    world = streaming.World(ground, {model.name: recipe}, frame.masks(frame.all_windows))
    with crew(world, jobs=asked.workers, threads=True) as hands:
        return abnormal(hands, column, events.next.astype(np.int64))[model.name]


def read_arrays(found: Any, asked: Asked) -> dict[str, np.ndarray]:
    """Read what `arrays_alone` gives."""
    return {"ar": found.ar, "car": found.car[:, 0], "se": found.se[:, 0]}


STUDIES: Mapping[str, StudyEntry] = {
    "eventstudy-backtester, arrays": StudyEntry(
        what="AR, CAR and exact errors as arrays, from returns as arrays",
        run=arrays_alone,
        read=read_arrays,
        sizes=(10_000, 100_000),
        most=10_000_000,
        workers=True,
        tests=False,
    ),
    "eventstudy-backtester, streamed engine": StudyEntry(
        what="the same tables as Parquet files; tests from sums",
        run=streamed_engine,
        read=read_streamed,
        sizes=(10_000, 100_000),
        most=10_000_000,
        workers=True,
    ),
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
