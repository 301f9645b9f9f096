"""How large inputs read: calendars of events and Parquet price sets of growing size.

Events are of single firms over twenty years, a quarter of them with a time of day, the others
with a label or neither, in three time zones' spelling; prices are opens to volume of random walks
in one long Parquet file. Each case is read in a process of its own: seconds are those of the verb,
libraries imported before; memory is the most that the process held, beyond what it held before.

    python benchmarks/big_inputs.py [--events 10000 100000 1000000] [--tickers 100 500 3000]
                                    [--sessions 5040] [--bad 1000000] [--repeats 1] [--write]

Files of --bad rows have one bad cell, in the last row: the error has to name it. --write puts the
tables into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from sections import markdown_table, write_section

READ = """
import json, sys, time
import exchange_calendars, pandas, pyarrow.csv, pyarrow.dataset, pyarrow.parquet
import eventstudy as es

def held():
    lines = open("/proc/self/status").read().splitlines()
    return max(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

what, path, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
es.load_prices(["SPY"])
es.read_events(pandas.DataFrame({"event_id": ["a"], "date": ["2020-01-02"], "tickers": ["A"]}))
before, began = held(), time.perf_counter()
if what == "bad":
    from eventstudy.errors import EventStudyError
    verbs = {"events": es.read_events, "prices": lambda p: es.load_prices(source=p),
             "factors": lambda p: es.load_factors(p, units="percent")}
    try:
        verbs[options["verb"]](path)
        count = 0
    except EventStudyError as error:
        count = str(error)
elif what == "events":
    found = es.read_events(path)
    count = len(found)
elif what == "columns":
    count = len(es.read_events(path).columns())
else:
    found = es.load_prices(options.pop("tickers", None), source="parquet:" + path, **options)
    count = int((found.close > 0).sum())
print(json.dumps({"seconds": time.perf_counter() - began, "mb": (held() - before) / 1024,
                  "rows": count}))
"""


def write_events(folder: Path, n: int) -> dict[str, Path]:
    """Write a calendar of n events as CSV and as Parquet."""
    chance = np.random.default_rng(1)
    days = np.datetime64("2005-01-03") + np.sort(chance.integers(0, 7300, n))
    clock = np.array([f"{m // 60:02d}:{m % 60:02d}" for m in range(240, 1440)])
    timed = chance.integers(0, 4, n) == 0

    def some(*texts: str) -> np.ndarray:
        return np.array(texts)[chance.integers(0, len(texts), n)]

    table = pa.table(
        {
            "event_id": [f"E{i:07d}" for i in range(n)],
            "date": days.astype(str),
            "time": np.where(timed, clock[chance.integers(0, len(clock), n)], ""),
            "timezone": some("", "America/New_York", "Europe/London"),
            "session": np.where(timed, "", some("pre", "post", "unknown", "")),
            "kind": some("earnings", "guidance", "dividend", "merger"),
            "tickers": np.array([f"T{i:04d}" for i in range(3000)])[chance.integers(0, 3000, n)],
        }
    )
    paths = {"CSV": folder / f"{n}.csv", "Parquet": folder / f"{n}.parquet"}
    pa_csv.write_csv(table, paths["CSV"])
    pq.write_table(table, paths["Parquet"])
    return paths


def write_prices(folder: Path, tickers: int, sessions: int) -> Path:
    """Write a long Parquet file of prices, a hundred tickers at a time."""
    path, chance = folder / f"{tickers}.parquet", np.random.default_rng(2)
    days = np.datetime64("2005-01-03") + np.arange(2 * sessions)
    days = days[np.is_busday(days)][:sessions]
    writer = None
    for begin in range(0, tickers, 100):
        names = np.array([f"T{i:04d}" for i in range(begin, min(begin + 100, tickers))])
        n = len(names) * sessions
        steps = chance.normal(0.0, 0.02, size=(len(names), sessions))
        close = (50 * np.exp(np.cumsum(steps, axis=1))).ravel()
        table = pa.table(
            {
                "date": np.tile(days, len(names)),
                "ticker": np.repeat(names, sessions),
                "open": close * chance.uniform(0.99, 1.01, n),
                "high": close * 1.02,
                "low": close * 0.98,
                "close": close,
                "adj_close": close,
                "volume": chance.integers(1000, 100_000, n).astype(float),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=131_072)
    assert writer is not None
    writer.close()
    return path


def measured(what: str, path: Path, repeats: int, **options: object) -> dict[str, float]:
    """Return median seconds, most memory and rows of a reading, each in its own process."""
    found = []
    for _ in range(repeats):
        command = [sys.executable, "-c", READ, what, str(path), json.dumps(options)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return {
        "seconds": statistics.median(each["seconds"] for each in found),
        "mb": max(each["mb"] for each in found),
        "rows": found[0]["rows"],
    }


def rows_of_events(folder: Path, counts: Sequence[int], repeats: int) -> list[list[str]]:
    rows = []
    for n in counts:
        paths = write_events(folder, n)
        for name, path in paths.items():
            found = measured("events", path, repeats)
            if found["rows"] != n:
                raise SystemExit(f"{path.name}: {found['rows']} of {n} events were read")
            rows.append([f"{n:,} events, {name}", *_figures(found)])
            path.unlink()
    return rows


def write_bad(folder: Path, n: int) -> dict[str, tuple[str, Path, str]]:
    """Write files of n rows with one bad cell, in the last row.

    Returns
    -------
    dict
        By what is read: the verb, the file, and what the error has to say.
    """
    last, found = n + 1, {}
    for kind, path in write_events(folder, n).items():
        table = pa_csv.read_csv(path) if kind == "CSV" else pq.read_table(path)
        dates = table["date"].cast(pa.string()).to_pylist()
        dates[-1] = "2024-02-30"
        bad = table.set_column(table.column_names.index("date"), "date", pa.array(dates))
        (pa_csv.write_csv if kind == "CSV" else pq.write_table)(bad, path)
        found[f"events, {kind}"] = ("events", path, f"row {last}, column date: '2024-02-30'")
    days = (np.datetime64("1900-01-01") + np.arange(-(-n // 100))).astype(str)
    dates = np.repeat(days, 100)[:n]
    close = np.full(n, "10.5", dtype="U6")
    close[-1] = "ten"
    tickers = np.array([f"T{i:02d}" for i in range(100)])[np.arange(n) % 100]
    long = pa.table({"date": dates, "ticker": tickers, "close": close})
    path = folder / "long.csv"
    pa_csv.write_csv(long, path)
    found["rows of a long file of prices, CSV"] = (
        "prices", path, f"row {last}, column close: 'ten'"
    )  # fmt: skip
    figures = np.where(close == "ten", "-1", close).astype(float)
    path = folder / "bad-long.parquet"
    whole = pa.table({"date": dates, "ticker": tickers, "close": figures})
    pq.write_table(whole, path, row_group_size=131_072)
    found["rows of a long file of prices, Parquet"] = (
        "prices", path, f"row {last}, column close: '-1.0'"
    )  # fmt: skip
    path = folder / "factors.csv"
    pa_csv.write_csv(pa.table({"date": dates, "mkt_rf": close}), path)
    found["rows of a file of factors, CSV"] = (
        "factors", path, f"row {last}, column mkt_rf: 'ten'"
    )  # fmt: skip
    return found


def rows_of_bad(folder: Path, n: int, repeats: int) -> list[list[str]]:
    rows = []
    for name, (verb, path, said) in write_bad(folder, n).items():
        found = measured("bad", path, repeats, verb=verb)
        if said not in str(found["rows"]):
            raise SystemExit(f"{name}: {said!r} is not in the error:\n{str(found['rows'])[:2000]}")
        rows.append([f"{n:,} {name}", *_figures(found)])
        path.unlink()
    return rows


def rows_of_prices(
    folder: Path, counts: Sequence[int], sessions: int, repeats: int
) -> list[list[str]]:
    rows = []
    for tickers in counts:
        path = write_prices(folder, tickers, sessions)
        n = tickers * sessions
        slices: dict[str, tuple[dict[str, object], int]] = {
            "all of it": ({}, n),
            "all, without quality checks": ({"check": False}, n),
            "two tickers": ({"tickers": ["T0003", f"T{tickers - 2:04d}"]}, 2 * sessions),
        }
        for name, (options, expected) in slices.items():
            found = measured("prices", path, repeats, **options)
            if found["rows"] != expected:
                raise SystemExit(f"{path.name}, {name}: {found['rows']} of {expected} closes")
            rows.append([f"{n:,} rows, {tickers:,} tickers: {name}", *_figures(found)])
        path.unlink()
    return rows


def _figures(found: dict[str, float]) -> list[str]:
    return [f"{found['seconds']:.2f}", f"{found['mb']:,.0f}"]


def section_of(arguments: argparse.Namespace) -> str:
    """Measure everything and return the text of the section."""
    header = ["read", "seconds", "memory, MB"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events = rows_of_events(folder, arguments.events, arguments.repeats)
        prices = rows_of_prices(folder, arguments.tickers, arguments.sessions, arguments.repeats)
        bad = rows_of_bad(folder, arguments.bad, arguments.repeats) if arguments.bad else []
    return "\n\n".join(
        [
            "## Large inputs",
            "`python benchmarks/big_inputs.py`: a calendar validated and aligned to XNYS, and a "
            "Parquet file of daily bars read into a price table. Memory is the most that was held "
            "beyond the imported libraries; a price table itself takes 56 bytes a ticker and "
            "session.",
            markdown_table(header, events),
            markdown_table(header, prices),
            *(
                [
                    "One bad cell, in the last row: read until the error, which names the row.",
                    markdown_table(header, bad),
                ]
                if bad
                else []
            ),
        ]
    )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--tickers", type=int, nargs="*", default=[100, 500, 3000])
    parser.add_argument("--sessions", type=int, default=5040)
    parser.add_argument("--bad", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args(given)
    text = section_of(arguments)
    print(text)
    if arguments.write:
        write_section("big-inputs", text)


if __name__ == "__main__":
    main()
