"""The same work over and over for an hour: does memory stay flat, are all handles given back?

A calendar of made events is spread over the prices; each event is observed on every ticker but
the benchmark. A round studies all of them, with the whole engine and the streamed one in turn,
trades one of the strategies that ship with the project, and now and then writes the report; that of
the whole engine is of 200 events, since its placebo draws hold every window of every session. After
each round rubbish is collected, free pages go back to the system, and the round is written down:
bytes that are allocated and not freed (the C heap, Python's own heap, Arrow's pool), resident
memory, live Python objects, open files, threads, files in the temporary folder, seconds. Live bytes
tell whether anything is kept; resident memory holds as well the pages that one live object keeps
from the system. pandas keeps up to 500 dead weak references a block; it is told to drop them.

The slope is of least squares over the rounds after the warm-up, with a level of its own for each
engine and for rounds with a report, and with its standard error (Newey-West, as one round's
memory is like the last one's). A figure grows where the slope is more than two standard errors
above zero and adds more than 2% of the median over the rounds that were measured.

    python benchmarks/soak.py [--prices ../shared/prices] [--minutes 60] [--events 10000]
                              [--csv rounds.csv] [--read rounds.csv] [--write]

Without --prices the sample is taken. With PYTHONMALLOC=malloc in the environment Python has no
arenas of its own, of which one live object keeps a whole one: what is resident is then what is
alive. The file of rounds begins with a comment that holds the settings of the run, so that --read
tells the verdict under them. --write puts it into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import ctypes
import gc
import json
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TextIO
from weakref import ReferenceType

import numpy as np
import pandas as pd
from pandas._libs.internals import BlockValuesRefs
from sections import markdown_table, write_section

import eventstudy as es
from eventstudy.backtest import bundled_strategies

BENCHMARK = "SPY"
ESTIMATION = 120
TESTS = ("cross_sectional", "bmp", "kolari_pynnonen")
ENGINES = ("streamed", "whole")
STRATEGY = "post-event-drift"
WARM_UP = 0.25
"""Share of the rounds before the slope is taken, four at least."""
FEW = 200
"""Events of the whole engine's report."""
FEWEST = 6
"""Rounds that a slope is taken of."""
READING = (
    "Live bytes are those allocated and not freed, in the C heap, Python's and Arrow's; resident "
    "memory is taken after free pages were given back. Slopes are of least squares over the rounds "
    "after the first quarter, levels by engine and report taken out, errors by Newey and West."
)
UNTOLD = "Rounds of a file that does not hold the settings of its run"
ALLOWED = 0.02
"""Growth over the measured rounds, relative to the median, that counts as none."""


@dataclass(frozen=True)
class Round:
    """What was seen after one round.

    Attributes
    ----------
    number : int
    engine : str
    seconds : float
        Of the round.
    minute : float
        Since the start.
    reported : int
        1 in a round that wrote the report.
    live, rss : float
        Bytes allocated and not freed, and resident memory, in MiB, after collection.
    arenas : float
        MiB that Python's allocator of small objects holds; one live object holds a whole one.
    peak : float
        The most MiB that were resident in the round: what the work needs.
    objects : int
        Live objects that the collector knows of, without what this script wrote down.
    weak : int
        Weak references to what is no more.
    handles, threads, files : int
        Open file descriptors, threads, files in the temporary folder.
    """

    number: int
    engine: str
    seconds: float
    minute: float
    reported: int
    live: float
    rss: float
    arenas: float
    peak: float
    objects: int
    weak: int
    handles: int
    threads: int
    files: int


@dataclass(frozen=True)
class Settings:
    """What a run was asked for, and where it ran.

    Attributes
    ----------
    command : str
        That runs it again.
    events, tickers, sessions : int
        Of its inputs.
    python : str
        The version.
    processors : int or None
    """

    command: str
    events: int
    tickers: int
    sessions: int
    python: str
    processors: int | None

    def __str__(self) -> str:
        pairs = self.events * (self.tickers - 1)
        return (
            f"`{self.command}`: {self.events:,} events on {self.tickers} tickers ({pairs:,} pairs) "
            f"of {self.sessions:,} sessions; Python {self.python}, {self.processors} processors"
        )


@dataclass(frozen=True)
class World:
    """Inputs of every round."""

    events: es.EventCalendar
    few: es.EventCalendar
    prices: es.PriceTable
    reports: int
    folder: Path

    def study(self, engine: str, few: bool = False) -> es.StudyResult | es.LargeStudy:
        """Study all events and make the tables; the streamed one writes CARs to disk."""
        where = {"out": self.folder / "out"} if engine == "streamed" else {}
        events = self.few if few else self.events
        study = es.event_study(
            events, self.prices, benchmark=BENCHMARK, window=[(0, 0), (-1, 1)],
            estimation=ESTIMATION, tests=TESTS, observed=(), engine=engine, **where,
        )  # fmt: skip
        study.group_tests, study.effects  # noqa: B018 - made when first asked for
        return study


def make_world(prices: es.PriceTable, count: int, reports: int, folder: Path) -> World:
    """Return events spread at random over the sessions that leave room for the windows."""
    rng = np.random.default_rng(11)
    others = [ticker for ticker in prices.tickers if ticker != BENCHMARK]
    rows = np.sort(rng.integers(ESTIMATION + 12, len(prices.dates) - 12, count))
    frame = pd.DataFrame(
        {
            "event_id": [f"e{i:06d}" for i in range(count)],
            "date": prices.dates[rows].astype(str),
            "session": "regular",
            "subject": rng.choice(others, count),
            "tickers": ";".join(others),
        }
    )
    events, few = (
        es.read_events(part, calendar="prices", prices=prices)
        for part in (frame, frame.iloc[:: max(1, count // FEW)])
    )
    return World(events, few, prices, reports, folder)


def work(world: World, number: int) -> tuple[str, bool]:
    """Do one round; return its engine, and whether it wrote the report."""
    engine = ENGINES[number % len(ENGINES)]
    study = world.study(engine)
    traded = es.backtest(
        world.events.study,
        world.prices,
        bundled_strategies()[STRATEGY],
        benchmark=BENCHMARK,
    )
    traded.metrics  # noqa: B018
    reported = bool(world.reports) and number % world.reports < len(ENGINES)
    if reported:
        beside = {} if engine == "streamed" else {"backtest": traded}
        shown = study if engine == "streamed" else world.study(engine, few=True)
        es.write_report(shown, world.folder / "out" / "report.html", **beside)
    return engine, reported


def seen(world: World, number: int, done: tuple[str, bool], seconds: float, began: float) -> Round:
    """Collect rubbish and look at this process."""
    gc.collect()
    objects, weak = live_objects()
    _trim()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return Round(
        number=number,
        engine=done[0],
        seconds=round(seconds, 2),
        minute=round((time.perf_counter() - began) / 60, 3),
        reported=int(done[1]),
        live=live_bytes() / 2**20,
        arenas=_python_heap()[1] / 2**20,
        rss=int(status["VmRSS"].split()[0]) / 1024,
        peak=int(status["VmHWM"].split()[0]) / 1024,
        objects=objects - number,  # one object for each round before
        weak=weak,
        handles=len(os.listdir("/proc/self/fd")),
        threads=int(status["Threads"]),
        files=sum(len(names) for _, _, names in os.walk(world.folder)),
    )


def live_objects() -> tuple[int, int]:
    """Return how many objects the collector knows of, and how many weak references are dead.

    Live weak references are counted in neither.
    """
    for one in gc.get_objects():
        if type(one) is BlockValuesRefs:
            one.has_reference()  # drops the dead ones
    objects = gc.get_objects()
    weak = [one for one in objects if type(one) is ReferenceType]
    return len(objects) - len(weak), sum(one() is None for one in weak)


class _HeapUse(ctypes.Structure):
    """What glibc's mallinfo2 returns."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


def live_bytes() -> int:
    """Return bytes allocated and not freed: C heap of all arenas, Python's heap, Arrow's pool."""
    import pyarrow as pa

    total = pa.total_allocated_bytes() + _python_heap()[0]
    with contextlib.suppress(OSError, AttributeError):
        ask = ctypes.CDLL(None).mallinfo2
        ask.restype = _HeapUse
        heap = ask()
        total += heap.uordblks + heap.hblkhd
    return int(total)


def _python_heap() -> tuple[int, int]:
    """Return bytes of live small objects and of their arenas; CPython tells on stderr only."""
    sys.stderr.flush()
    before = os.dup(2)
    try:
        with tempfile.TemporaryFile() as told:
            os.dup2(told.fileno(), 2)
            try:
                sys._debugmallocstats()
            finally:
                os.dup2(before, 2)
            told.seek(0)
            text = told.read().decode()
    finally:
        os.close(before)
    live = re.search(r"# bytes in allocated blocks\s*=\s*([\d,]+)", text)
    arenas = re.search(r"arenas \* \d+ bytes/arena\s*=\s*([\d,]+)", text)
    return tuple(int(found[1].replace(",", "")) if found else 0 for found in (live, arenas))


def _trim() -> None:
    """Give free pages back to the system: what the allocators keep for later is no leak."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _forget_peak() -> None:
    """Have the system count the most that is resident anew."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def soak(world: World, minutes: float, most: int | None, told: TextIO) -> list[Round]:
    """Work until the time or the rounds are over, and write each round down as it ends."""
    table = csv.DictWriter(told, [field.name for field in fields(Round)])
    table.writeheader()
    began, rounds = time.perf_counter(), list[Round]()
    while time.perf_counter() - began < minutes * 60 and (most is None or len(rounds) < most):
        _forget_peak()
        start = time.perf_counter()
        done = work(world, len(rounds))
        rounds.append(seen(world, len(rounds), done, time.perf_counter() - start, began))
        table.writerow(asdict(rounds[-1]))
        told.flush()
    return rounds


@dataclass(frozen=True)
class Growth:
    """How a figure moves from round to round.

    Attributes
    ----------
    median : float
        Over the measured rounds.
    slope, error : float
        A round, and its standard error.
    rounds : int
        That were measured.
    """

    median: float
    slope: float
    error: float
    rounds: int

    @property
    def share(self) -> float:
        """Growth over all measured rounds, relative to the median."""
        if self.median == 0:
            return float("inf") if self.slope > 0 else 0.0
        return self.slope * self.rounds / self.median

    @property
    def grows(self) -> bool:
        """Whether it grows beyond chance and beyond what counts as none."""
        return self.slope > 2 * self.error and self.share > ALLOWED


def growth_of(rounds: Sequence[Round], what: str) -> Growth:
    """Return the growth of one figure after the warm-up.

    Raises
    ------
    SystemExit
        Where fewer than `FEWEST` rounds are left.
    """
    kept = rounds[max(4, int(WARM_UP * len(rounds))) :]
    if len(kept) < FEWEST:
        raise SystemExit(f"{len(rounds)} rounds are too few for a slope; give more --minutes")
    values = np.array([getattr(one, what) for one in kept], float)
    if np.ptp(values) == 0:
        return Growth(float(values[0]), 0.0, 0.0, len(kept))
    sorts = [(one.engine, one.reported) for one in kept]
    levels = [np.array([one == sort for one in sorts], float) for sort in sorted(set(sorts))]
    numbers = np.array([one.number for one in kept], float)
    slope, error = trend(values, np.column_stack([numbers - numbers.mean(), *levels]))
    return Growth(float(np.median(values)), slope, error, len(kept))


def trend(values: np.ndarray, design: np.ndarray) -> tuple[float, float]:
    """Return the first coefficient of least squares and its standard error by Newey and West.

    Parameters
    ----------
    values : ndarray, shape (N,)
    design : ndarray, shape (N, K)
    """
    count, width = design.shape
    inverse = np.linalg.pinv(design.T @ design)
    found = inverse @ design.T @ values
    scores = design * (values - design @ found)[:, None]
    lags = int(4 * (count / 100) ** (2 / 9))
    middle = scores.T @ scores
    for lag in range(1, lags + 1):
        part = scores[lag:].T @ scores[:-lag]
        middle += (1 - lag / (lags + 1)) * (part + part.T)
    spread = inverse @ middle @ inverse * count / max(count - width, 1)
    return float(found[0]), float(np.sqrt(max(spread[0, 0], 0.0)))


def rows_of(rounds: Sequence[Round]) -> list[list[str]]:
    """Return the verdict as rows: figure, median, slope with error, growth, word."""
    rows = []
    names = (
        ("live", "live bytes, MiB"), ("rss", "resident memory, MiB"),
        ("arenas", "of these, arenas of Python's allocator, MiB"),
        ("peak", "most resident within a round, MiB"),
        ("objects", "live Python objects"), ("weak", "dead weak references"),
        ("handles", "open file descriptors"), ("threads", "threads"),
        ("files", "files in the temporary folder"),
    )  # fmt: skip
    for what, words in names:
        one = growth_of(rounds, what)
        rows.append(
            [
                words, f"{one.median:,.0f}",
                f"{one.slope:+.4f} ± {one.error:.4f}", f"{one.share:+.2%}",
                "grows" if one.grows else "flat",
            ]
        )  # fmt: skip
    return rows


def verdict_of(rounds: Sequence[Round]) -> str:
    """Return the table of the verdict."""
    header = ["figure", "median", "slope a round ± standard error", "over the run", "verdict"]
    return markdown_table(header, rows_of(rounds))


@contextlib.contextmanager
def own_folders() -> Iterator[Path]:
    """Yield a folder that temporary files of this process and its cache go to."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        before, told = tempfile.tempdir, os.environ.get("EVENTSTUDY_CACHE")
        tempfile.tempdir = name
        os.environ["EVENTSTUDY_CACHE"] = str(Path(name) / "cache")
        try:
            yield Path(name)
        finally:
            tempfile.tempdir = before
            os.environ.pop("EVENTSTUDY_CACHE")
            if told is not None:
                os.environ["EVENTSTUDY_CACHE"] = told


def settings_of(asked: argparse.Namespace, prices: es.PriceTable) -> Settings:
    """Return the settings of a run; the command names those that are not the default."""
    flags = ("prices", "minutes", "events", "rounds", "report")
    chosen = [(flag, getattr(asked, flag)) for flag in flags]
    words = [f"--{f} {value}" for f, value in chosen if value != _parser().get_default(f)]
    allocator = os.environ.get("PYTHONMALLOC")
    first = f"PYTHONMALLOC={allocator} python" if allocator else "python"
    return Settings(
        " ".join([first, "benchmarks/soak.py", *words]), asked.events, len(prices.tickers),
        len(prices.dates), platform.python_version(), os.cpu_count(),
    )  # fmt: skip


def run(asked: argparse.Namespace) -> tuple[Settings, list[Round]]:
    """Soak as the arguments say; settings and rounds are written where they say."""
    prices = es.load_prices(None, source=asked.prices)
    settings = settings_of(asked, prices)
    with own_folders() as folder, contextlib.ExitStack() as stack:
        told = stack.enter_context(asked.csv.open("w", newline="")) if asked.csv else sys.stdout
        told.write(f"# {json.dumps(asdict(settings))}\n")
        world = make_world(prices, asked.events, asked.report, folder)
        return settings, soak(world, asked.minutes, asked.rounds, told)


def read_rounds(path: Path) -> tuple[Settings | None, list[Round]]:
    """Return what --csv wrote: settings, None in a file that is older than they are, and rounds.

    Raises
    ------
    SystemExit
        Where the file lacks a figure that is counted now.
    """
    kinds = {"str": str, "int": int, "float": float}
    with path.open(newline="") as told:
        first = told.readline()
        settings = Settings(**json.loads(first[1:])) if first.startswith("#") else None
        if settings is None:
            told.seek(0)
        table = csv.DictReader(told)
        lacking = {f.name for f in fields(Round)} - set(table.fieldnames or ())
        if lacking:
            raise SystemExit(f"{path} lacks {', '.join(sorted(lacking))}: soak anew")
        return settings, [
            Round(**{f.name: kinds[str(f.type)](line[f.name]) for f in fields(Round)})
            for line in table
        ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prices", default="sample")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, help="at most")
    parser.add_argument("--report", type=int, default=6, help="every N rounds; 0: none")
    parser.add_argument("--csv", type=Path, help="where the rounds are written; default: stdout")
    parser.add_argument("--read", type=Path, help="tell the verdict on rounds that --csv wrote")
    parser.add_argument("--write", action="store_true")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak, tell the verdict; 1 where anything grows."""
    asked = _parser().parse_args(arguments)
    settings, rounds = read_rounds(asked.read) if asked.read else run(asked)
    text = (
        f"## The same work for an hour\n\n{settings or UNTOLD}; {len(rounds)} rounds in "
        f"{rounds[-1].minute:.0f} minutes. {READING}\n\n{verdict_of(rounds)}"
    )
    print(text)
    if asked.write:
        write_section("soak", text)
    return int(any(row[-1] == "grows" for row in rows_of(rounds)))


if __name__ == "__main__":
    sys.exit(main())
