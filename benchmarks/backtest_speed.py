"""How long a backtest takes: backtrader on PandasData, and on the project's array feed.

The world is made: random walks of 10 tickers and a benchmark over 750 sessions, and 24 events
that each trade a pair for ten sessions, with all costs. Every engine runs the same strategy and
must end with the same values; the engines take turns, and the median over the repetitions
counts. Times are processor seconds of the process, so that other work on the machine disturbs
them little.

    python benchmarks/backtest_speed.py [--repeats 15] [--sessions 750] [--events 24] [--write]

--write puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from unittest.mock import patch

import numpy as np
import pandas as pd
from sections import markdown_table, write_section

from eventstudy.backtest import BacktestResult, Costs, EventStrategy, backtest, feeds
from eventstudy.backtest.stock import bt
from eventstudy.events.event import Event
from eventstudy.prices.table import PriceTable

TICKERS = tuple(f"T{k}" for k in range(10))
COSTS = Costs(commission_bp=1, half_spread_bp=2, borrow_bp=50)
SAME = 1e-12
"""Largest difference of value between engines, relative to the capital."""


class Pair(EventStrategy):
    """Long the event's first ticker, short its second."""

    def targets(self, event, history):
        return {event.tickers[0]: 0.5, event.tickers[1]: -0.5}


@dataclass(frozen=True)
class World:
    """Events and prices."""

    events: tuple[Event, ...]
    prices: PriceTable

    def trade(self) -> BacktestResult:
        """Run the pair strategy over the world, through Cerebro."""
        return backtest(self.events, self.prices, Pair, costs=COSTS, engine="cerebro")


def make_world(sessions: int, count: int, seed: int = 4) -> World:
    """Return random walks, and events spread evenly over them."""
    rng = np.random.default_rng(seed)
    days = np.busday_offset("2021-01-04", np.arange(sessions), roll="forward")
    names = (*TICKERS, "SPY")
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (sessions, len(names))), axis=0))
    opens = close * np.exp(rng.normal(0, 0.005, close.shape))
    none = np.full(close.shape, np.nan)
    prices = PriceTable(
        tickers=names, dates=days, open=opens, high=np.fmax(opens, close) * 1.003,
        low=np.fmin(opens, close) * 0.997, close=close, adj_close=none,
        volume=np.full(close.shape, 1e6), dividends=np.zeros(close.shape), source="made",
    )  # fmt: skip
    rows = np.linspace(20, sessions - 20, count).astype(int)
    return World(tuple(_event(k, days[row]) for k, row in enumerate(rows)), prices)


def _event(number: int, day: np.datetime64) -> Event:
    pair = TICKERS[number % 10], TICKERS[(number + 3) % 10]
    return Event(
        event_id=f"e{number}", date=day.item(), tickers=pair, time=None,
        timezone="America/New_York", session="pre", kind="made", subject="", expects={},
        use="study", known_on=None, title="", source="", confidence="", note="", same=day, next=day,
        ambiguous=False, why="made", row=number,
    )  # fmt: skip


def on_array_feed(world: World) -> BacktestResult:
    """Run through Cerebro as the project does."""
    return world.trade()


def on_pandas_data(world: World) -> BacktestResult:
    """Run through the same Cerebro and broker, fed by backtrader's own PandasData."""
    with _pandas_feeds():
        return world.trade()


@contextmanager
def _pandas_feeds() -> Iterator[None]:
    made = feeds.feed_of

    def feed(table: PriceTable, ticker: str) -> bt.feeds.PandasData:
        given = made(table, ticker).p
        frame = pd.DataFrame(given.bars, index=pd.DatetimeIndex(given.days.astype("<M8[ns]")))
        return bt.feeds.PandasData(dataname=frame, name=ticker)

    with patch.object(feeds, "feed_of", feed):
        yield


ENGINES: dict[str, Callable[[World], BacktestResult]] = {
    "Cerebro on PandasData": on_pandas_data,
    "Cerebro on the array feed": on_array_feed,
}
"""By name, the first one being the measure of the others. Another engine is added here."""


def measure(world: World, repeats: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return processor seconds of each run, and how far each engine's values are off the first's.

    The first round is not counted: imports and caches.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ENGINES}
    values: dict[str, np.ndarray] = {}
    for repeat in range(repeats + 1):
        for name, engine in ENGINES.items():
            began = time.process_time()
            result = engine(world)
            spent = time.process_time() - began
            if repeat:
                seconds[name].append(spent)
            values[name] = result.equity["value"].to_numpy()
    first = next(iter(values.values()))
    return seconds, {n: float(np.abs(v - first).max() / first[0]) for n, v in values.items()}


def table_of(seconds: dict[str, list[float]], apart: dict[str, float]) -> str:
    """Return the table: median, range, ratio of medians, difference of values."""
    base = statistics.median(next(iter(seconds.values())))
    rows = []
    for name, times in seconds.items():
        median = statistics.median(times)
        spread = f"{1000 * min(times):.0f} to {1000 * max(times):.0f}"
        rows.append(
            (name, f"{1000 * median:.0f}", spread, f"{base / median:.1f}", f"{apart[name]:.0e}")
        )
    header = ("engine", "median, ms", "range, ms", "times as fast", "difference of values")
    return markdown_table(header, rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the section where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--sessions", type=int, default=750)
    parser.add_argument("--events", type=int, default=24)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    seconds, apart = measure(make_world(given.sessions, given.events), given.repeats)
    worst = max(apart, key=lambda name: apart[name])
    if apart[worst] > SAME:
        raise SystemExit(f"{worst} ends with other values: {apart[worst]:.1e} of the capital")
    table = table_of(seconds, apart)
    print(table)
    if given.write:
        text = (
            f"## One backtest\n\n10 tickers and a benchmark, {given.sessions} sessions, "
            f"{given.events} pair events, all costs; processor time of the whole call, median of "
            f"{given.repeats} runs in turns. Python {platform.python_version()}, backtrader "
            f"{version('backtrader')}, numpy {version('numpy')}, pandas {version('pandas')}; "
            f"`python benchmarks/backtest_speed.py`.\n\n{table}"
        )
        write_section("backtest-speed", text)


if __name__ == "__main__":
    main()
