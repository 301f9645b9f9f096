"""What writes files: real commands, each with what was there before."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "events.csv"
NOTES = "a file of the user's own\n"
STUDY = ("study", "events.csv", "--prices", "sample")
TICKERS = ("AAA", "BBB", "CCC")
AT = datetime(2024, 12, 27, 23, 0, tzinfo=UTC)

Work = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Writer:
    """One way to write files.

    Attributes
    ----------
    name : str
    prepare : callable
        Given the folder it stands in, makes what was there before.
    work : callable
        Writes, in the folder that the process stands in; returns an exit code.
    tries : int
        How many kills go to it where a hundred go to all: the quick ones get more.
    once : bool
        Whether it refuses to write where its files are.
    shared : bool
        Whether a kill may leave files of the old run beside those of the new one, until the
        next run: a folder with files of the user's own is never moved away.
    dated : bool
        Whether its files say on which day they were made.
    """

    name: str
    prepare: Callable[[Path], None]
    work: Work
    tries: int = 4
    once: bool = False
    shared: bool = False
    dated: bool = False


def command(*arguments: str) -> Work:
    """Return what runs a command of the command line."""

    def work() -> int:
        from eventstudy.cli.app import main

        return main(list(arguments))

    return work


def _as_command(work: Work) -> Work:
    """Return what ends as a command does where the library complains."""

    def told() -> int:
        from eventstudy.errors import EventStudyError

        try:
            return work()
        except EventStudyError as error:
            print(f"eventstudy: {error}", file=sys.stderr)
            return 2

    return told


def _all(*works: Work) -> Callable[[Path], None]:
    """Return what does one after the other in a folder, in processes of their own."""

    def prepare(folder: Path) -> None:
        from fault_deaths import run

        few_events(folder)
        for work in works:
            end = run(work, folder)
            if end.hung:
                end = run(work, folder)
            if end.code:
                raise RuntimeError(f"what should be there before cannot be made: {end.said}")

    return prepare


def few_events(folder: Path, most: int = 4) -> None:
    """Write a calendar of the first events that the shipped sample has prices for."""
    lines = EVENTS.read_text(encoding="utf-8").splitlines(keepends=True)
    head, rows = lines[0], [line for line in lines[1:] if ",2024-1" in line]
    (folder / "events.csv").write_text(head + "".join(rows[:most]), encoding="utf-8")


def _beside_notes(out: str, *works: Work) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        _all(*works)(folder)
        (folder / out).mkdir(exist_ok=True)
        (folder / out / "notes.md").write_text(NOTES)

    return prepare


def _sweep() -> int:
    from eventstudy.backtest.sweep.kept import Kept
    from eventstudy.cli.app import main

    # A part with every variant instead of one every two seconds.
    Kept.__init__.__defaults__ = (0.0,)
    return main([
        "sweep", "events.csv", "--prices", "sample", "--strategy", "post-event-drift",
        "--over", "hold=1,2,3,4", "--out", "out", "--jobs", "1",
    ])  # fmt: skip


@lru_cache(maxsize=1)
def small_study() -> Any:
    """A study for writers of the Python face; made once, before processes are forked."""
    import eventstudy as es

    with tempfile.TemporaryDirectory() as folder:
        few_events(Path(folder))
        events = es.read_events(Path(folder) / "events.csv")
    study = es.event_study(events, es.load_prices(source="sample"), window=(-1, 1))
    study.compute_tests()
    return study


def _report(title: str) -> Work:
    def work() -> int:
        import eventstudy as es

        es.write_report(small_study(), "report.html", title=title)
        return 0

    return _as_command(work)


def _export(title: str) -> Work:
    def work() -> int:
        import eventstudy as es

        es.export(small_study(), "export", formats=["json", "md"], title=title)
        return 0

    return _as_command(work)


def _header_only(folder: Path) -> None:
    few_events(folder)
    text = "Announced,Title,Ticker\n" + "".join(
        f"2024-11-{d:02d},deal {d},AVGO\n" for d in range(4, 9)
    )
    (folder / "deals.csv").write_text(text)


def histories(later: bool) -> dict[str, str]:
    """Answers of the chart service by ticker: a year of days; `later`, a week more and a split."""
    sys.path.insert(0, str(ROOT / "tests" / "prices"))
    from chart_service import chart_body

    first = np.arange("2024-01-02", "2024-12-28" if later else "2024-12-20", dtype="datetime64[D]")
    days = [str(day) for day in first[np.is_busday(first)]]
    scale = 0.5 if later else 1.0
    return {
        ticker: chart_body(days, [scale * (100.0 + 10 * k + i) for i in range(len(days))])
        for k, ticker in enumerate(TICKERS)
    }


def fetch(later: bool = True) -> Work:
    """Return what fetches prices from the service that stands in `EVENTSTUDY_CHARTS`."""

    def work() -> int:
        from eventstudy.prices import YahooSource

        point_at(os.environ["EVENTSTUDY_CHARTS"] + ("/later" if later else "/earlier"))
        at = AT if later else datetime(2024, 12, 19, 23, 0, tzinfo=UTC)
        source = YahooSource(now=lambda: at, sleep=lambda _: None, progress=False, attempts=2)
        table = source.load(list(TICKERS), None, None)
        ends = "2024-12-27" if later else "2024-12-19"
        return 0 if str(table.dates[-1]) == ends and len(table.tickers) == len(TICKERS) else 1

    return work


def point_at(url: str) -> None:
    """Point every address of yfinance in this process at a service; its code stays its own."""
    import yfinance.cache
    import yfinance.data

    hosts = ("https://query1.finance.yahoo.com", "https://query2.finance.yahoo.com")
    for name, module in list(sys.modules.items()):
        if name == "yfinance" or name.startswith("yfinance."):
            for key, value in list(vars(module).items()):
                host = isinstance(value, str) and next((h for h in hosts if h in value), None)
                if host:
                    setattr(module, key, value.replace(host, url))
    yfinance.data.YfData._get_cookie_and_crumb = lambda self, timeout=30: (None, "basic")
    yfinance.cache._TzCacheManager._tz_cache = yfinance.cache._TzCacheDummy()


def french_zip(factors: tuple[str, ...]) -> bytes:
    """An archive as French's library distributes them."""
    head = "This file was made for a test\n\n," + ",".join(factors) + "\n"
    days = np.arange("2024-01-02", "2024-03-01", dtype="datetime64[D]")
    rows = "".join(
        f"{str(day).replace('-', '')},"
        + ",".join(f"{0.3 * (i % 7 - 3) if name != 'RF' else 0.02:.2f}" for name in factors)
        + "\n"
        for i, day in enumerate(days[np.is_busday(days)])
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("factors.csv", head + rows)
    return buffer.getvalue()


def _french() -> int:
    from eventstudy.factors import load_factors

    table = load_factors("french-3", base_url=os.environ["EVENTSTUDY_CHARTS"] + "/french")
    return 0 if len(table.dates) == 43 else 1


def _nothing(folder: Path) -> None:
    few_events(folder)


OUT = ("--out", "out")
TAKEN = command(*STUDY, "--out", "first")
"""Computes what the same study elsewhere then takes from the cache."""
EARLIER = command(*STUDY, "--window", "0,0", *OUT)
STREAMED = (*STUDY, "--engine", "streamed", "--jobs", "1", *OUT)
WRITERS: tuple[Writer, ...] = (
    Writer("study --out, computed and kept in the cache", _nothing, command(*STUDY, *OUT), 1),
    Writer("study --out, taken from the cache", _all(TAKEN), command(*STUDY, *OUT), 5),
    Writer("study --out over an earlier run", _all(TAKEN, EARLIER), command(*STUDY, *OUT), 6),
    Writer(
        "study --out beside files of the user's own",
        _beside_notes("out", TAKEN, EARLIER),
        command(*STUDY, *OUT),
        6,
        shared=True,
    ),
    Writer("study --runs", _all(TAKEN), command(*STUDY, "--runs", "runs"), 5),
    Writer(
        "study --engine streamed over an earlier run",
        _all(command(*STREAMED, "--window", "0,0")),
        command(*STREAMED),
        2,
    ),
    Writer("sweep --out, kept in parts", _nothing, _sweep, 2),
    Writer("prices: the cache, over an earlier one", _all(fetch(later=False)), fetch(), 24),
    Writer("factors: French's library", _nothing, _french, 24),
    Writer("write_report over an earlier page", _all(_report("one")), _report("two"), 1),
    Writer("export over earlier files", _all(_export("one")), _export("two"), 2),
    Writer(
        "events import, into the calendar",
        _header_only,
        command("events", "import", "--from", "deals.csv", "--kind", "deal"),
        8,
        dated=True,
    ),
    Writer("new", _nothing, command("new", "my-study"), 10, once=True),
)


def warm() -> None:
    """Import, before processes are forked, all that the writers import."""
    import pyarrow
    import pyarrow.parquet
    import yfinance.data

    import eventstudy.cli.app
    import eventstudy.exports
    import eventstudy.prices
    import eventstudy.report
    import eventstudy.study.large

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    del pyarrow, yfinance, eventstudy
    study = small_study()
    study.summary()


def serve() -> tuple[int, str]:
    """Start a process that answers as the chart service and as French's library; its id, address.

    ``/earlier`` and ``/later`` have the histories of one date and another.
    """
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    answers = {"earlier": histories(False), "later": histories(True)}
    archives = {
        "F-F_Research_Data_Factors_daily_CSV.zip": french_zip(("Mkt-RF", "SMB", "HML", "RF")),
        "F-F_Momentum_Factor_daily_CSV.zip": french_zip(("Mom",)),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = self.path.partition("?")[0].strip("/").split("/")
            found = answers.get(parts[0], {}).get(parts[-1])
            content = archives.get(parts[-1]) if found is None else found.encode()
            missing = json.dumps({"chart": {"result": None, "error": None}}).encode()
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or missing)))
            self.end_headers()
            self.wfile.write(content or missing)

        def log_message(self, *given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    child = os.fork()
    if child == 0:
        server.serve_forever()
        os._exit(0)
    server.server_close()
    return child, f"http://127.0.0.1:{server.server_port}"


def fresh_copy(template: Path, place: Path) -> None:
    """Put a folder's content, links and times with it, in the place of another's."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template, place, symlinks=True)


def named(names: Sequence[str]) -> tuple[Writer, ...]:
    """The writers whose names hold one of these texts; all where none is given."""
    return tuple(w for w in WRITERS if not names or any(n in w.name for n in names))
