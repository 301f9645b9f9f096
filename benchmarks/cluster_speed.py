"""How a calibration scales: one process, two processes, a local Dask cluster of two workers.

Prices are made: 40 securities and a benchmark, independent normal returns. All ways give the same
rates, or the script fails. Processes and cluster are started, and the first round is run, before
anything is timed; the ways take turns, and medians count. A second table has what it costs to
give workers a payload: an array of that size, summed by tasks that find it at each worker.

    python benchmarks/cluster_speed.py [--repeats 5] [--samples 100 1000] [--payload 100 300]
                                       [--no-cluster] [--write]

--write puts the tables into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sections import markdown_table, write_section
from sweep_speed import PAUSE, spent, table_of

import eventstudy as es
from eventstudy.calibration import CalibrationResult, calibrate
from eventstudy.workers import crew

Way = dict[str, Any]
TESTS = ("cross_sectional", "patell", "bmp", "kolari_pynnonen", "corrado", "sign")


def made_prices(securities: int = 40, sessions: int = 600, seed: int = 5) -> es.PriceTable:
    """Return prices of securities that follow a market, with independent normal residuals."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0003, 0.01, sessions)
    own = rng.normal(0.0, 0.02, (sessions, securities))
    returns = market[:, None] * rng.uniform(0.5, 1.5, securities) + own
    names = [f"S{i:02d}" for i in range(securities)]
    days = pd.bdate_range("2018-01-01", periods=sessions, name="date")
    values = 100.0 * np.cumprod(1.0 + np.column_stack([returns, market]), axis=0)
    return es.load_prices(pd.DataFrame(values, index=days, columns=[*names, "SPY"]))


@contextlib.contextmanager
def ways_of(cluster: bool) -> Iterator[dict[str, Way]]:
    """Yield where the work can be done, by name."""
    found: dict[str, Way] = {"one process": {"jobs": 1}, "two processes": {"jobs": 2}}
    if not cluster:
        yield found
        return
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True,
        silence_logs=logging.CRITICAL,
    ) as workers:  # fmt: skip
        yield found | {"Dask, two workers": {"cluster": workers.scheduler_address}}


def measure(
    run: Callable[..., CalibrationResult], ways: dict[str, Way], repeats: int
) -> dict[str, list[tuple[float, float]]]:
    """Return wall and processor seconds of each way; ways take turns, the first is not counted.

    Raises
    ------
    SystemExit
        Where two ways give different numbers.
    """
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    first: CalibrationResult | None = None
    for repeat in range(repeats + 1):
        for name, way in ways.items():
            time.sleep(PAUSE)
            before, began = spent(), time.perf_counter()
            result = run(**way)
            wall, processor = time.perf_counter() - began, spent() - before
            if repeat:
                seconds[name].append((wall, processor))
            first = first or result
            if not result.rates.equals(first.rates):
                raise SystemExit(f"{name} gives other numbers than {next(iter(ways))}")
    return seconds


def summed(payload: np.ndarray, _task: int) -> tuple[int, float, float]:
    """Return process, sum of the payload, and the MB that are this process's alone."""
    import psutil

    found = float(payload.sum())
    time.sleep(0.2)
    return os.getpid(), found, psutil.Process().memory_full_info().uss / 2**20


def payload_row(name: str, way: Way, megabytes: int, repeats: int) -> tuple[str, ...]:
    """Return the seconds until both workers have summed a payload, and the memory they add.

    Raises
    ------
    SystemExit
        Where a worker has another sum.
    """
    small, large = (
        np.random.default_rng(1).normal(size=size * 2**20 // 8) for size in (1, megabytes)
    )
    seconds, memory = [], []
    for _ in range(repeats):
        _, bare = asked(way, small)
        began = time.perf_counter()
        sums, full = asked(way, large)
        seconds.append(time.perf_counter() - began)
        memory.append(full - bare)
        if sums != {float(large.sum())}:
            raise SystemExit(f"{name}: a worker has another sum")
    return (
        name,
        f"{megabytes}",
        f"{statistics.median(seconds):.1f}",
        f"{statistics.median(memory):.0f}",
    )


def asked(way: Way, payload: np.ndarray) -> tuple[set[float], float]:
    """Return the sums that workers found, and the MB of the one that has most for itself."""
    with crew(payload, **way) as hands:
        found = [result for _, result in hands.run(summed, range(8))]
    # What arrived is let go a moment after it was put in place: the least of each process counts.
    least = {pid: min(own for other, _, own in found if other == pid) for pid, *_ in found}
    return {total for _, total, _ in found}, max(least.values())


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the section where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--samples", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--payload", type=int, nargs="*", default=[100, 300])
    parser.add_argument("--no-cluster", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    run = partial(
        calibrate, made_prices(), window=[(0, 0), (-1, 1)], estimation=120, tests=TESTS,
        effects=[0.01],
    )  # fmt: skip
    with ways_of(not given.no_cluster) as ways:
        found = {
            f"{samples} samples a design": measure(
                partial(run, samples=samples), ways, given.repeats
            )
            for samples in given.samples
        }
        rows = [
            payload_row(name, way, megabytes, given.repeats)
            for megabytes in given.payload
            for name, way in ways.items()
            if name != "one process"
        ]
    table = table_of(found)
    header = ("way", "payload, MB", "seconds", "own memory of a worker, MB more")
    payload = markdown_table(header, rows)
    print(table, payload, sep="\n\n")
    if given.write:
        write_section("cluster-speed", text_of(table, payload, given.repeats))


def text_of(table: str, payload: str, repeats: int) -> str:
    """Return the section."""
    tests, processors = len(TESTS), os.cpu_count()
    return f"""## Calibration past one process

Forty made securities, 600 sessions, four designs, {tests} tests, two windows, one effect; shares \
of what one process takes, medians of {repeats} runs in turns on {processors} processors, which \
other work shared. The model is fitted in the calling process in all of them. Processor time is \
that of all processes together. Processes and cluster were started beforehand. All ways give the \
same rates, bit by bit; `python benchmarks/cluster_speed.py`.

{table}

What it costs to give two workers one array, from the call to the sums: processes of this machine \
map one file and share its pages, workers of a cluster hold a copy each.

{payload}
"""


if __name__ == "__main__":
    main()
