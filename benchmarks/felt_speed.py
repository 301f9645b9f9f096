"""What a user waits for: import, --help, the demo, a first and a second run, the report.

Every row is a process of its own, from its start to its end, as a shell would run it; a result
cache of its own begins empty. `first` computes, `second` is the same command once more, which
reads calendar and prices and takes the results, and `--fresh` computes although it could take
them. The files of all three are compared byte by byte: they must be the same but for the clock in
manifest.json.

    python benchmarks/felt_speed.py [--repeats 3] [--prices DIR] [--write]

--prices DIR adds runs on a folder of quotes, and on the same quotes as yahoo's cache holds them.
--write puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from report_speed import results, written
from sections import markdown_table, write_section

import eventstudy as es
from eventstudy.prices.cache import Cached, file_name, write_cached

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = (sys.executable, "-m", "eventstudy")
EVENTS = str(ROOT / "events.csv")
WINDOWS = ("--window", "0,0", "--window", "0,1", "--window", "2,10")
KNOWN = ("--assume-known", "earnings=14d")
CLOCK = "manifest.json"
FIELDS = ("open", "high", "low", "close", "adj_close", "volume", "dividends")


@dataclass(frozen=True)
class Took:
    """Seconds of one process."""

    wall: float
    processor: float


def timed(command: Sequence[str], **environment: str) -> Took:
    """Run a command to its end; it must not fail."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    plain = {k: v for k, v in os.environ.items() if k != "EVENTSTUDY_FRESH"}
    plain["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, env=plain | environment, capture_output=True, text=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(wall, used)


def middle(took: Sequence[Took]) -> Took:
    """Return the medians."""
    return Took(
        statistics.median(one.wall for one in took),
        statistics.median(one.processor for one in took),
    )


def repeated(command: Sequence[str], repeats: int) -> Took:
    """Return the medians of a command that was run once before, so that files are at hand."""
    timed(command)
    return middle([timed(command) for _ in range(repeats)])


def fill_yahoo(prices: str, cache: Path) -> None:
    """Put the quotes of a folder where downloads from yahoo are kept."""
    events = es.read_events(EVENTS)
    table = es.load_prices(events.tickers | {"SPY"}, source=prices)
    about = {
        "timezone": "America/New_York", "close": "16:00", "complete_through": "2999-12-31",
        "weekends": "yes", "fetched_at": "2026-01-01T00:00:00+00:00", "yfinance": "none",
    }  # fmt: skip
    for i, ticker in enumerate(table.tickers):
        fields = {name: getattr(table, name)[:, i] for name in FIELDS}
        write_cached(cache / "yahoo" / file_name(ticker), Cached(table.dates, fields, about))


def same_files(one: Path, other: Path) -> None:
    """Refuse results that differ in anything but the clock."""
    names = [sorted(p.name for p in folder.iterdir()) for folder in (one, other)]
    if names[0] != names[1]:
        raise SystemExit(f"{one} and {other} hold other files")
    for name in names[0]:
        if name != CLOCK and (one / name).read_bytes() != (other / name).read_bytes():
            raise SystemExit(f"{name} of {one} and {other} differ")


def taken(command: Sequence[str], place: Path, repeats: int) -> dict[str, Took]:
    """Return the seconds of a command that computes, takes, and computes again."""
    home = {"EVENTSTUDY_CACHE": str(place)}
    out = {name: place / name for name in ("first", "second", "fresh")}
    call = {name: [*command, "--out", str(folder)] for name, folder in out.items()}
    found = {"first": timed(call["first"], **home)}
    second = [timed(call["second"], **home) for _ in range(repeats)]
    found["second"] = middle(second)
    found["second, --fresh"] = timed([*call["fresh"], "--fresh"], **home)
    same_files(out["first"], out["second"])
    same_files(out["first"], out["fresh"])
    return found


def commands(prices: str | None) -> dict[str, list[str]]:
    """Return what is run twice, by the words of its row."""
    found = {"`demo`": [*PROGRAM, "demo"]}
    for name, source in (("folder", prices), ("yahoo, cached", "yahoo")):
        if prices is not None:
            rest = [EVENTS, "--prices", str(source), *WINDOWS]
            found[f"`run`, 103 events, {name}"] = [*PROGRAM, "run", *rest, *KNOWN]
            found[f"`study`, 103 events, {name}"] = [*PROGRAM, "study", *rest]
    return found


def report_rows(prices: str | None, repeats: int) -> list[list[str]]:
    """Return the rows of writing a report from results that are there."""
    rows = []
    for name, source in (("sample", "sample"), ("real quotes", prices)):
        if source is not None:
            with tempfile.TemporaryDirectory() as folder:
                spent = written(*results(source), Path(folder, "report.html"), repeats)
            rows.append([f"writing the report, {name}", "", f"{spent:.2f}", "2"])
    return rows


def measured(prices: str | None, repeats: int) -> list[list[str]]:
    """Return the rows of the table."""
    plain = repeated([sys.executable, "-c", "pass"], repeats)
    loaded = repeated([sys.executable, "-c", "import eventstudy"], repeats)
    more = Took(max(loaded.wall - plain.wall, 0), max(loaded.processor - plain.processor, 0))
    rows = [
        _row("`import eventstudy`, beyond the interpreter", more, "0.3"),
        _row("`eventstudy --help`", repeated([*PROGRAM, "--help"], repeats), "0.4"),
    ]
    for words, command in commands(prices).items():
        with tempfile.TemporaryDirectory() as place:
            if prices is not None and "yahoo" in words:
                fill_yahoo(prices, Path(place))
            for which, took in taken(command, Path(place), repeats).items():
                aim = {"second": "3", "first": "10" if "demo" in words else ""}.get(which, "")
                rows.append(_row(f"{words}: {which}", took, aim))
    return [*rows, *report_rows(prices, repeats)]


def _row(words: str, took: Took, aim: str) -> list[str]:
    return [words, f"{took.wall:.2f}", f"{took.processor:.2f}", aim]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write where that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--prices", metavar="DIR")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    prices = None if given.prices is None else str(Path(given.prices).resolve())
    rows = measured(prices, given.repeats)
    table = markdown_table(["what", "wall, s", "processor, s", "aim, s"], rows)
    print(table)
    if given.write:
        load = os.getloadavg()[0]
        write_section(
            "felt-speed",
            "## What a user waits for\n\n"
            "Whole processes, medians of "
            f"{given.repeats} where a row can be repeated, on {os.cpu_count()} processors that "
            f"other work shared (load {load:.1f}: read processor seconds, and wall seconds as an "
            "upper bound). A second run reads calendar and prices and takes the results of the "
            "first, byte for byte the same; `--fresh` computes again. `python "
            f"benchmarks/felt_speed.py`.\n\n{table}",
        )


if __name__ == "__main__":
    main()
