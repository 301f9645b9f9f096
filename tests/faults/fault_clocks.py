"""A clock that is set back or forward between two runs, by libfaketime in every process.

The program that imports this runs with libfaketime preloaded; see `under_a_made_clock`.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fault_deaths import End, run
from fault_files import TornError, contents, left_over
from fault_kills import refused, use_cache_of
from fault_writers import AT, TICKERS, Work, Writer, fresh_copy, point_at

DAY = 86_400.0
SHIFTS = (-365, -1, 1, 365)
"""Days."""
FILE = "EVENTSTUDY_MADE_CLOCK"
LIBRARIES = ("/usr/lib", "/usr/local/lib", "/opt/homebrew/lib", "/usr/lib64")


@dataclass
class Shifted:
    """What came of a writer whose clock was set.

    Attributes
    ----------
    writer : str
    pairs : int
        Pairs of runs with the clock set in between.
    equal : int
        Second runs that left what a clean run does, and ended with code 0, or refused to write
        over it where nothing is ever written over.
    told : int
        Second runs that refused in one line, naming the clock.
    after : int
        Third runs, by the right clock, that left the same.
    wrong : list of str
    """

    writer: str
    pairs: int = 0
    equal: int = 0
    told: int = 0
    after: int = 0
    wrong: list[str] = field(default_factory=list)


def library() -> str | None:
    """Where libfaketime is, of the package faketime of Debian and others."""
    for folder in LIBRARIES:
        found = sorted(Path(folder).glob("**/libfaketime.so.1"))
        if found:
            return str(found[0])
    return None


def under_a_made_clock(arguments: Sequence[str], clock: Path) -> None:
    """Start this program anew with libfaketime, unless it runs with it; does not return then."""
    if FILE in os.environ:
        return
    clock.write_text("+0\n")
    os.environ.update({
        FILE: str(clock), "LD_PRELOAD": str(library()), "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        "FAKE_UTIME": "0",
    })  # fmt: skip
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606


def set_clock(days: float) -> None:
    """Set the clock of this process and those that it forks: so many days from `AT`."""
    clock = Path(os.environ[FILE])
    clock.write_text("+0\n")
    now = time.time()
    wanted = AT.timestamp() + days * DAY
    clock.write_text(f"{wanted - now:+.3f}\n")
    if abs(time.time() - wanted) > 60:
        raise RuntimeError("the clock does not obey")


def fetch_by_the_clock() -> Work:
    """Return what fetches prices, and takes what is today from the system."""

    def work() -> int:
        from eventstudy.errors import EventStudyError
        from eventstudy.prices import YahooSource

        point_at(os.environ["EVENTSTUDY_CHARTS"] + "/later")
        source = YahooSource(sleep=lambda _: None, progress=False, attempts=2)
        try:
            table = source.load(list(TICKERS), None, None)
        except EventStudyError as error:
            print(f"eventstudy: {error}", file=sys.stderr)
            return 2
        return 0 if len(table.tickers) == len(TICKERS) else 1

    return work


def shifted(writer: Writer, base: Path) -> Shifted:
    """Run a writer twice with the clock set in between, then once more by the right one."""
    report, place, template = Shifted(writer.name), base / "place", base / "template"
    shutil.rmtree(template, ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    use_cache_of(place)
    set_clock(0)
    writer.prepare(place)
    shutil.copytree(place, template, symlinks=True)
    clean = {0: _clean(writer, template, place, 0)}
    for days in SHIFTS:
        # What was written on a day keeps it, whatever the clock says later.
        clean[days] = _clean(writer, template, place, days) if writer.dated else clean[0]
        for before, then in ((0, days), (days, 0)):
            fresh_copy(template, place)
            report.pairs += 1
            _pair(writer, place, clean[before], (before, then), report)
    if writer.dated and len({tuple(found.items()) for found in clean.values()}) == 1:
        report.wrong.append("no file says on which day it was made")
    return report


def _clean(writer: Writer, template: Path, place: Path, days: float) -> dict[str, str]:
    """Return what a single run leaves by a clock."""
    fresh_copy(template, place)
    set_clock(days)
    end = run(writer.work, place)
    if end.code:
        raise RuntimeError(f"{writer.name} fails by itself: {end.said}")
    return contents(place)


def _pair(
    writer: Writer, place: Path, clean: dict[str, str], clocks: tuple[int, int], report: Shifted
) -> None:
    for days in clocks:
        set_clock(days)
        end = run(writer.work, place)
        _dated(place, AT.timestamp() + days * DAY)
    _judged(writer, place, clean, end, clocks, report)
    set_clock(0)
    last = run(writer.work, place)
    bad = _differing(place, clean)
    if bad or (last.code and not refused(writer, last)):
        report.wrong.append(f"{clocks}, by the right clock: {last.code} {bad} {last.said[-300:]}")
    else:
        report.after += 1


def _judged(
    writer: Writer,
    place: Path,
    clean: dict[str, str],
    end: End,
    clocks: tuple[int, int],
    report: Shifted,
) -> None:
    bad = _differing(place, clean)
    if not bad and (end.code == 0 or refused(writer, end)):
        report.equal += 1
    elif end.code == 2 and "clock" in end.said and "Traceback" not in end.said:
        report.told += 1
    else:
        report.wrong.append(f"{clocks}: {end.code} {bad} {end.said[-300:]}")


def _differing(place: Path, clean: dict[str, str]) -> list[str]:
    try:
        found = contents(place)
    except TornError as error:
        return [f"torn: {error}"]
    names = {*found, *clean}
    return sorted(n for n in names if found.get(n) != clean.get(n)) + left_over(place)


def _dated(place: Path, when: float) -> None:
    """Date what was written as the clock of then did: libfaketime leaves the disk its own."""
    for path in place.rglob("*"):
        # What was dated before was dated no later than a made clock can be.
        if path.is_file() and path.stat().st_mtime > AT.timestamp() + 400 * DAY:
            os.utime(path, (when, when))
