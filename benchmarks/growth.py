"""Seconds and peak memory of our event study by events, tickers, sessions, factors, workers.

Every point runs in a process of its own, so that its peak memory (the largest resident set) is
its own; inputs are made there beforehand, and what they take is in the peak and also told apart
from it. One axis moves at a time, the others stay at the base. The slope is that of a straight
line through logarithms of seconds: 1 is linear, 0 does not grow.

    python benchmarks/growth.py [--engine NAME] [--axis events] [--repeats 3] [--limit 60]
                                [--most-events N] [--write]

--write puts the table into docs/benchmarks.md and the figure beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from ours import STUDIES, Asked, given_of
from peer_environments import BENCHMARKS, own_environment
from sections import PAGE, markdown_table, write_section
from study_work import make_work

FIGURE = PAGE.parent / "_static" / "growth.svg"
MODELS: Mapping[int, str] = {
    1: "market",
    3: "ff3",
    5: "ff5",
    6: "factors:mkt_rf,smb,hml,rmw,cma,mom,rf",
}
"""By number of regressors."""
PATIENCE = 900.0


@dataclass(frozen=True)
class Point:
    """One study.

    Attributes
    ----------
    events, tickers, sessions, factors, workers : int
    """

    events: int = 3_000
    tickers: int = 500
    sessions: int = 2_520
    factors: int = 1
    workers: int = 1


AXES: Mapping[str, tuple[int, ...]] = {
    "events": (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
    "tickers": (100, 500, 1_000, 3_000),
    "sessions": (1_260, 2_520, 5_040, 10_080),
    "factors": tuple(MODELS),
    "workers": (1, 2),
}


@dataclass(frozen=True)
class Grown:
    """What one point took.

    Attributes
    ----------
    wall, processor : float
        Seconds, medians.
    peak, before : float
        Largest resident set in MiB: in all, and before the first study.
    """

    wall: float
    processor: float
    peak: float
    before: float

    @property
    def added(self) -> float:
        """What the study added to the largest resident set, MiB."""
        return self.peak - self.before


def peak_memory() -> float:
    """Return the largest resident set of this process so far, MiB.

    Linux lets a process inherit the figure of getrusage from the one that started it; the
    high-water mark in /proc is its own.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def run_point(engine: str, point: Point, repeats: int) -> Grown:
    """Run a point in this process."""
    entry = STUDIES[engine]
    asked = Asked(model=MODELS[point.factors], workers=point.workers)
    given = given_of(make_work(point.sessions, point.tickers, point.events))
    few = given_of(make_work(600, 20, 20))
    entry.run(few, asked)  # imports
    before, spent = peak_memory(), []
    for _ in range(repeats):
        # What a price table remembers of its returns is made anew.
        fresh = replace(given, prices=replace(given.prices))
        wall, processor = time.perf_counter(), time.process_time()
        entry.run(fresh, asked)
        spent.append((time.perf_counter() - wall, time.process_time() - processor))
    wall, processor = (statistics.median(part) for part in zip(*spent, strict=True))
    return Grown(wall, processor, peak_memory(), before)


def apart(engine: str, point: Point, repeats: int) -> Grown | str:
    """Run a point in a process of its own; the last line of its error where it fails."""
    request = json.dumps({"engine": engine, "point": asdict(point), "repeats": repeats})
    try:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), "--point", request],
            capture_output=True, text=True, timeout=PATIENCE,
            env=own_environment(BENCHMARKS, BENCHMARKS.parent),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"more than {PATIENCE:.0f} s"
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return said[-1].strip() if said else f"ended with {done.returncode}"
    return Grown(**json.loads(done.stdout))


def points(axis: str, base: Point, most: int) -> Iterator[tuple[int, Point]]:
    """Yield the values of an axis and their points, events up to `most`."""
    for value in AXES[axis]:
        if axis != "events" or value <= most:
            yield value, replace(base, **{axis: value})


def walk(
    engine: str, axis: str, base: Point, repeats: int, limit: float, most: int
) -> dict[int, Grown | str]:
    """Measure along one axis; a point that would take longer than the limit is left out."""
    found: dict[int, Grown | str] = {}
    last: tuple[int, Grown] | None = None
    for value, point in points(axis, base, most):
        if last is not None and last[1].wall * value / last[0] > limit:
            break
        grown = apart(engine, point, repeats)
        found[value] = grown
        print(f"{engine}, {axis} {value:,}: {grown}", file=sys.stderr)
        if isinstance(grown, str):
            break
        last = value, grown
    return found


def slope(found: Mapping[int, Grown | str], what: str) -> float:
    """Return the slope of the logarithm of a field over that of the axis; NaN below two points."""
    held = [(v, max(getattr(g, what), 1e-3)) for v, g in found.items() if isinstance(g, Grown)]
    if len(held) < 2:
        return float("nan")
    x, y = np.log(np.array(held, dtype=float)).T
    return float(np.polyfit(x, y, 1)[0])


Walks = dict[tuple[str, str], dict[int, Grown | str]]


def table_of(walks: Walks) -> str:
    """Return one row a point and, below each walk, its slope."""
    rows: list[tuple[str, ...]] = []
    for (engine, axis), found in walks.items():
        for value, grown in found.items():
            if isinstance(grown, str):
                rows.append((engine, f"{axis} {value:,}", grown, "", "", ""))
                continue
            cells = [f"{grown.wall:.3g}", f"{grown.processor:.3g}"]
            cells += [f"{grown.peak:,.0f}", f"{grown.added:,.0f}"]
            rows.append((engine, f"{axis} {value:,}", *cells))
        ends = dict(list(found.items())[-2:])
        cells = [_slopes(found, ends, what) for what in ("wall", "processor", "peak", "added")]
        rows.append((engine, f"**slope in {axis}**", *cells))
    header = ("engine", "point", "seconds", "processor", "peak, MiB", "of the study, MiB")
    return markdown_table(header, rows, 2)


def _slopes(found: Mapping[int, Grown | str], ends: Mapping[int, Grown | str], what: str) -> str:
    parts = slope(found, what), slope(ends, what)
    return ", ".join(f"{part:.2f}" if np.isfinite(part) else "-" for part in parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the section and the figure where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", choices=tuple(STUDIES), action="append")
    parser.add_argument("--axis", choices=tuple(AXES), action="append")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60.0)
    parser.add_argument("--most-events", type=int)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.point:
        asked = json.loads(given.point)
        grown = run_point(asked["engine"], Point(**asked["point"]), asked["repeats"])
        print(json.dumps(asdict(grown)))
        return
    base, walks = Point(), Walks()
    for engine in given.engine or STUDIES:
        entry = STUDIES[engine]
        most = given.most_events or entry.most
        for axis in given.axis or AXES:
            if axis != "workers" or entry.workers:
                walks[engine, axis] = walk(engine, axis, base, given.repeats, given.limit, most)
    table = table_of(walks)
    print(table)
    if given.write:
        from growth_figure import draw

        FIGURE.parent.mkdir(exist_ok=True)
        draw(walks, FIGURE)
        write_section("growth", _section(base, given.repeats, table))


def _section(base: Point, repeats: int, table: str) -> str:
    whole = asdict(base).items()
    said = ", ".join(f"{value:,} {name if value != 1 else name[:-1]}" for name, value in whole)
    return (
        f"## Growth\n\nOur event study, window [-10, 10], 250 sessions of estimation. The base is "
        f"{said}; one of them moves at a time. Each point in its own process, medians of {repeats} "
        f"runs on {os.cpu_count()} processors that other work shared; peak is the largest resident "
        "set of the process, inputs included, and beside it what the study added. Slopes are of "
        "logarithms, over all points and between the last two: 1 is linear, 0 does not grow. "
        "`python benchmarks/growth.py`.\n\n"
        f"![Seconds and peak memory by events, tickers, sessions and factors](_static/growth.svg)"
        f"\n\n{table}"
    )


if __name__ == "__main__":
    main()
