"""The vectorised engine against Cerebro, engines alone, and ten thousand placebo calendars.

The world is that of backtest_speed.py. Decisions are made beforehand for the vectorised engine
and prices are stacked; what is timed is the account's path with the tests of margin and limits.
Cerebro is timed from its feeds to its last bar, decisions included. Times are processor seconds.

    python benchmarks/vectorised_speed.py [--repeats 15] [--draws 9999] [--write]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from backtest_speed import COSTS, Pair, World, make_world
from sections import markdown_table, write_section

from eventstudy.backtest import Costs, backtest
from eventstudy.backtest.desk import Desk
from eventstudy.backtest.engines import run_cerebro
from eventstudy.backtest.fastpath import decisions_of, legs_of
from eventstudy.backtest.library import Strategy, resolve_strategies
from eventstudy.backtest.paths import account_path, keeps_margin, stacked, surely_within
from eventstudy.backtest.setup import Setup, desk_of, first_row, plans_of, set_up

ROUNDS = 200
"""Runs of the vectorised engine that are timed together: one is shorter than the clock's tick."""


def seconds_of(run: Callable[[], object], rounds: int = 1) -> float:
    """Return processor seconds of one run."""
    began = time.process_time()
    for _ in range(rounds):
        run()
    return (time.process_time() - began) / rounds


@dataclass(frozen=True)
class Prepared:
    """A run with its decisions made and its prices stacked.

    Attributes
    ----------
    setup : Setup
    strategy : Strategy
    desk : callable
        Makes the books of a run through Cerebro.
    account : callable
        The vectorised engine: the account's value by session.
    """

    setup: Setup
    strategy: Strategy
    desk: Callable[[], Desk]
    account: Callable[[], np.ndarray]


def prepare(world: World, costs: Costs, **options: float) -> Prepared:
    """Decide and stack beforehand; `options` are those of `set_up`."""
    setup = set_up(world.events, world.prices, costs=costs, **options)
    (strategy,) = resolve_strategies(Pair)
    plans = plans_of(setup, [strategy])
    first = first_row(plans)

    def desk() -> Desk:
        return desk_of(setup, strategy, plans[0], first)

    books = desk()
    records = [books.entries(k, d) for k, d in enumerate(decisions_of(books, strategy, 0))]
    stack = stacked(setup.market.table, first, setup.rates)
    legs, _ = legs_of(books, records, len(stack.gaps))
    fees = np.array([costs.borrow_of(t) for t in setup.market.table.tickers])

    def account() -> np.ndarray:
        path = account_path(stack, legs, costs, fees, setup.market.capital, "open")
        assert keeps_margin(path, setup.limits)
        assert surely_within(stack, legs, path, setup.limits, "open")
        return path.value

    return Prepared(setup, strategy, desk, account)


def engines(repeats: int) -> tuple[list[float], list[float], float]:
    """Return seconds of Cerebro and of the vectorised engine, and how far their values differ."""
    made = prepare(make_world(750, 24), COSTS)
    slow, quick = [], []
    for repeat in range(repeats + 1):
        ran = made.desk()
        spent = seconds_of(lambda ran=ran: run_cerebro(ran, made.strategy, made.setup.rates, 0))
        if repeat:
            slow.append(spent)
            quick.append(seconds_of(made.account, ROUNDS))
    values = np.array([day.value for day in ran.days])
    apart = float(np.abs(values - made.account()).max() / made.setup.market.capital)
    return slow, quick, apart


def placebo_seconds(draws: int) -> float:
    """Return seconds of the evidence of one run that come with placebo calendars."""
    world = make_world(1500, 60)
    days = world.prices.dates
    rows = np.sort(np.random.default_rng(1).choice(np.arange(400, 1000), 60, replace=False))
    events = [
        replace(event, date=day.item(), same=day, next=day)
        for event, day in zip(world.events, days[rows], strict=True)
    ]
    run = backtest(events, world.prices, Pair, costs=COSTS)
    run.gather(draws=1)  # imports
    few = seconds_of(lambda: run.gather(draws=1))
    return seconds_of(lambda: run.gather(draws=draws)) - few


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the section where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--draws", type=int, default=9_999)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    slow, quick, apart = engines(given.repeats)
    base, fast = statistics.median(slow), statistics.median(quick)
    spent = placebo_seconds(given.draws)
    rows = [
        ("Cerebro on the array feed", f"{1000 * base:.1f}", "1", ""),
        ("vectorised, prices stacked", f"{1000 * fast:.3f}", f"{base / fast:,.0f}", f"{apart:.0e}"),
    ]
    header = ("engine alone", "median, ms", "times as fast", "difference of values")
    table = markdown_table(header, rows)
    text = (
        "## Engines alone\n\n10 tickers and a benchmark, 750 sessions, 24 pair events; processor "
        f"time, median of {given.repeats}. `python benchmarks/vectorised_speed.py`.\n\n{table}\n\n"
        f"{given.draws:,} placebo calendars of 60 pair events over 1,500 sessions, every decision "
        f"asked anew at every date that is drawn: {spent:.1f} s."
    )
    print(text)
    if given.write:
        write_section("vectorised-speed", text)


if __name__ == "__main__":
    main()
