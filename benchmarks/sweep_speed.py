"""How a sweep scales: one process, two processes, a local Dask cluster of two workers.

The world is that of backtest_speed.py with 80 events. `post-event-drift` is swept over
parameters that the vectorised engine takes, and over stops, which Cerebro takes. All ways give
the same numbers, or the script fails. Processes and cluster are started, and the first round is
run, before anything is timed; the ways take turns, and medians count. How much faster two workers
are hangs on what else the machine does, the processor time of all processes together much less.

    python benchmarks/sweep_speed.py [--repeats 5] [--fast 1000] [--slow 24] [--no-cluster]
                                     [--write]

--write puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
from backtest_speed import World, make_world
from sections import markdown_table, write_section

from eventstudy.backtest.sweep import SweepResult, sweep
from eventstudy.backtest.sweep import run as sweep_run

STRATEGY = "post-event-drift"
PAUSE = 0.5
"""Seconds between runs, in which the processes of the one before come to rest."""
Way = Callable[..., SweepResult]


def fast_space(count: int) -> dict[str, list[Any]]:
    """Return a grid of about `count` variants that the vectorised engine takes."""
    return {"hold": list(range(1, 1 + max(1, count // 20))), "gross": grid_of(0.01, 5),
            "k": [1.0, 1.5, 2.0, 2.5]}  # fmt: skip


def slow_space(count: int) -> dict[str, list[Any]]:
    """Return a grid of about `count` variants with a stop, for Cerebro."""
    return {"hold": list(range(5, 5 + max(1, count // 2))), "stop_loss": [0.05, 0.1]}


def grid_of(step: float, count: int) -> list[float]:
    """Return equal steps from the first."""
    return [round(step * (k + 1), 10) for k in range(count)]


@contextlib.contextmanager
def ways_of(world: World, cluster: bool) -> Iterator[dict[str, Way]]:
    """Yield every way to run a sweep over a world, by name."""
    run = partial(sweep, world.events, world.prices, STRATEGY)
    found: dict[str, Way] = {
        "one process": partial(run, jobs=1),
        "one process, every variant asked anew": partial(_anew, run),
        "two processes": partial(run, jobs=2),
    }
    if not cluster:
        yield found
        return
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True,
        silence_logs=logging.CRITICAL,
    ) as workers:  # fmt: skip
        found["Dask, two workers"] = partial(run, scheduler=workers.scheduler_address)
        yield found


def _anew(run: Way, over: dict[str, list[Any]]) -> SweepResult:
    """Run in one process without remembering a strategy's answers."""
    with patch.object(sweep_run, "Bench", partial(sweep_run.Bench, recall=None)):
        return run(over, jobs=1)


def spent() -> float:
    """Return the processor seconds of this process and of all that it has started."""
    import psutil

    own = psutil.Process()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = ended.ru_utime + ended.ru_stime
    for process in (own, *own.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def measure(
    ways: dict[str, Way], over: dict[str, list[Any]], repeats: int
) -> dict[str, list[tuple[float, float]]]:
    """Return wall and processor seconds of each way; ways take turns, the first is not counted.

    Raises
    ------
    SystemExit
        Where two ways give different numbers.
    """
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    first: SweepResult | None = None
    for repeat in range(repeats + 1):
        for name, way in ways.items():
            time.sleep(PAUSE)
            before, began = spent(), time.perf_counter()
            result = way(over)
            wall, processor = time.perf_counter() - began, spent() - before
            if repeat:
                seconds[name].append((wall, processor))
            first = first or result
            same = np.array_equal(first.excess, result.excess)
            if not same or not result.table.equals(first.table):
                raise SystemExit(f"{name} gives other numbers than {next(iter(ways))}")
    return seconds


def table_of(found: dict[str, dict[str, list[tuple[float, float]]]]) -> str:
    """Return wall and processor time as shares of those of one process, two columns a grid."""
    names = list(next(iter(found.values())))
    rows = []
    for name in names:
        cells = []
        for seconds in found.values():
            for part in (0, 1):
                base, own = (
                    statistics.median(times[part] for times in seconds[way])
                    for way in (names[0], name)
                )
                cells.append(f"{own / base:.2f}")
        rows.append((name, *cells))
    header = [f"{grid}: {what}" for grid in found for what in ("wall time", "processor time")]
    return markdown_table(("way", *header), rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the section where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--fast", type=int, default=1000)
    parser.add_argument("--slow", type=int, default=24)
    parser.add_argument("--no-cluster", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    spaces = fast_space(given.fast), slow_space(given.slow)
    with ways_of(make_world(750, 80), not given.no_cluster) as ways:
        for engine, over in zip(("vectorised", "Cerebro"), spaces, strict=True):
            count = int(np.prod([len(values) for values in over.values()]))
            found[f"{count} variants, {engine}"] = measure(ways, over, given.repeats)
    table = table_of(found)
    print(table)
    if given.write:
        text = (
            f"## A sweep\n\n`{STRATEGY}`, 10 tickers and a benchmark, 750 sessions, 80 events; "
            f"shares of what one process takes, medians of {given.repeats} runs in turns on "
            f"{os.cpu_count()} processors, which other work shared: two workers can come down to "
            "half the wall time where nothing else runs. Processor time is that of all processes "
            "together. Processes and cluster were started beforehand. All ways give the same "
            f"numbers, bit by bit; `python benchmarks/sweep_speed.py`.\n\n{table}"
        )
        write_section("sweep-speed", text)


if __name__ == "__main__":
    main()
