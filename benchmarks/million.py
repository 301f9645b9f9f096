"""A million events: seconds, memory, factors, threads, and a Dask cluster.

A panel of 3,000 tickers and 5,040 sessions, single-firm events, 250 sessions of estimation,
hull [-10, 10]. Every line is a process of its own, so that its memory is its own.

    python benchmarks/million.py [--events 1000000] [--repeats 3] [--write]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from growth import peak_memory
from ours import Asked, Given, arrays_alone, given_of
from peer_environments import BENCHMARKS, own_environment
from sections import markdown_table, write_section
from study_work import make_work

import eventstudy as es

SESSIONS, TICKERS = 5_040, 3_000
WINDOWS = ((-10, 10), (-1, 1), (0, 2))
PATIENCE = 3_600.0


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes
    ----------
    what : str
    run : callable
        ``(Given, workers)``.
    workers : int
    share : float
        Of the events.
    """

    what: str
    run: Callable[[Given, int], Any]
    workers: int = 1
    share: float = 1.0


def arrays(model: str) -> Callable[[Given, int], Any]:
    """Return abnormal returns, CARs and errors as arrays."""
    return lambda given, workers: arrays_alone(given, Asked(model=model, workers=workers))


def studied(given: Given, **more: Any) -> es.LargeStudy:
    """Run the whole verb, every closed-form test over all days and three windows."""
    study = es.event_study(
        given.events, given.prices, benchmark="MKT", window=WINDOWS, engine="streamed",
        factors=given.factors, **more,
    )  # fmt: skip
    study.group_tests, study.effects  # noqa: B018 - made when first asked for
    return study


def in_files(given: Given, workers: int) -> es.LargeStudy:
    """Do the same and write the CARs of every event as Parquet."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return studied(given, jobs=workers, out=folder)


def over_dask(given: Given, workers: int) -> es.LargeStudy:
    """Do the same over a local Dask cluster that was started beforehand."""
    return studied(given, cluster=os.environ["CLUSTER"])


LINES: Mapping[str, Line] = {
    "arrays": Line("AR, CAR and exact errors as arrays, market model", arrays("market")),
    "arrays, 2": Line("the same, two threads", arrays("market"), 2),
    "five": Line("the same, Fama-French five factors, two threads", arrays("ff5"), 2),
    "tests": Line("event_study: 18 tests, 21 days, 3 windows", lambda g, w: studied(g, jobs=w)),
    "tests, 2": Line("the same, two threads", lambda g, w: studied(g, jobs=w), 2),
    "files": Line("the same, and CARs of every event as Parquet, two threads", in_files, 2),
    "dask": Line("event_study over two Dask workers", over_dask, 2),
}


def run_line(name: str, events: int, repeats: int) -> dict[str, Any]:
    """Run a line in this process."""
    line = LINES[name]
    given = given_of(make_work(SESSIONS, TICKERS, events))
    given.prices.returns  # noqa: B018 - arrays begin with returns
    before, spent, found = peak_memory(), [], None
    for _ in range(repeats):
        found = None
        began = time.perf_counter(), time.process_time()
        found = line.run(given, line.workers)
        spent.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    wall, processor = (statistics.median(part) for part in zip(*spent, strict=True))
    digest = ""
    if isinstance(found, es.LargeStudy):
        statistics_ = found.group_tests["statistic"].to_numpy()
        digest = hashlib.sha256(statistics_.tobytes()).hexdigest()
    return {"wall": wall, "processor": processor, "peak": peak_memory(), "before": before,
            "digest": digest}  # fmt: skip


def apart(name: str, events: int, repeats: int, **more: str) -> dict[str, Any]:
    """Run a line in a process of its own."""
    request = json.dumps([name, events, repeats])
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), "--line", request],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
        env={**own_environment(BENCHMARKS, BENCHMARKS.parent), **more},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def on_a_cluster(events: int, repeats: int) -> dict[str, Any]:
    """Run the line of Dask with a cluster of two workers started beforehand."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        return apart("dask", events, repeats, CLUSTER=cluster.scheduler_address)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the section where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--line", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.line:
        print(json.dumps(run_line(*json.loads(given.line))))
        return
    found = {}
    for name in LINES:
        run = on_a_cluster if name == "dask" else lambda *a, n=name: apart(n, *a)
        found[name] = run(given.events, given.repeats)
        print(f"{name}: {found[name]}", file=sys.stderr)
    text = section(found, given.events, given.repeats)
    print(text)
    if given.write:
        write_section("million", text)


def section(found: Mapping[str, Mapping[str, Any]], events: int, repeats: int) -> str:
    """Return the table and what it says."""
    rows = [
        (
            LINES[name].what, f"{row['wall']:.1f}", f"{row['processor']:.1f}",
            f"{events / row['wall']:,.0f}", f"{row['peak'] / 1024:.2f}",
            f"{(row['peak'] - row['before']) / 1024:.2f}",
        )
        for name, row in found.items()
    ]  # fmt: skip
    same = len({row["digest"] for row in found.values() if row["digest"]}) == 1
    factors = found["five"]["wall"] / found["arrays, 2"]["wall"]
    dask = found["dask"]["wall"] / found["tests, 2"]["wall"]
    header = ("what", "seconds", "processor", "events/s", "peak, GiB", "of the study, GiB")
    load = os.getloadavg()[1] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"## A million events\n\n{events:,} single-firm events on {TICKERS:,} tickers and "
        f"{SESSIONS:,} sessions, 250 sessions of estimation; each line a process of its own, "
        f"medians of {repeats} runs on {os.cpu_count()} processors (load {load:.1f}). The peak "
        "holds calendar and price table, made beforehand; processor time of Dask is that of the "
        f"caller. numpy {np.__version__}; `python benchmarks/million.py`.\n\n"
        f"{markdown_table(header, rows)}\n\n"
        f"Five factors take {factors:.2f} times the market model. Two Dask workers take {dask:.2f} "
        f"times what two threads take. The statistics of all lines with tests are "
        f"{'equal bit by bit' if same else 'NOT equal'}."
    )


if __name__ == "__main__":
    sys.exit(main())
