"""Faults while files are written: kills, full disks, forbidden folders, clocks, several at once.

The long form of tests/faults. Real commands run in processes that are forked from a warm one
and are killed, left without space, started together or given another clock; then every file is
read, and the same command run once more has to end as one to which nothing happened. Exit 1 where
anything is wrong.

All parts run one after the other; the clock's in a process of its own, where libfaketime is.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sections import markdown_table, write_section

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process that is forked has one thread
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "faults"))

from fault_clocks import FILE, fetch_by_the_clock, library, shifted, under_a_made_clock
from fault_kills import AT_ONCE, SHORTLY, killed_often, settle
from fault_space import Refused, forbidden, full_disk, longest_file, may_mount
from fault_together import at_once
from fault_writers import Writer, few_events, named, serve, warm

Told = tuple[str, list[str]]


def kills(asked: argparse.Namespace, base: Path) -> Told:
    """Kill each writer; return the table and what is wrong."""
    rows, wrong, sums = [], [], [0] * 6
    for writer in named(asked.writer):
        tries = max(1, asked.tries * writer.tries // 4)
        found = killed_often(writer, base, tries, asked.seed)
        figures = [found.kills[AT_ONCE], found.kills[SHORTLY], found.ended, found.whole, found.left]
        figures.append(found.following)
        sums = [a + b for a, b in zip(sums, figures, strict=True)]
        rows.append([writer.name, *(f"{n:,}" for n in figures)])
        wrong += found.wrong
        print(rows[-1], *found.wrong[:5], sep="\n", flush=True)
    rows.append(["all", *(f"{n:,}" for n in sums)])
    header = [
        "writer", f"killed {AT_ONCE}", f"killed {SHORTLY}", "done before",
        "files found after, each whole", "kills that left something behind",
        "next runs with the files of a clean run, and nothing left",
    ]  # fmt: skip
    return markdown_table(header, rows), wrong


def space(asked: argparse.Namespace, base: Path) -> Told:
    """Leave each writer without space or right; return the table and what is wrong."""
    rows, wrong = [], []
    for writer in named(asked.writer):
        for found in _refusals(asked, writer, base):
            said = f"`{found.said}`".replace(str(base / "place"), "...") if found.said else ""
            figures = (found.told, found.done, found.following)
            rows.append([writer.name, found.fault, said, *map(str, figures)])
            wrong += [f"{writer.name}: {line}" for line in found.wrong]
            print(rows[-1], *found.wrong[:5], sep="\n", flush=True)
    header = ["writer", "fault", "line", "told by it, code 2", "ended in peace", "next runs clean"]
    return markdown_table(header, rows, words=3), wrong


def _refusals(asked: argparse.Namespace, writer: Writer, base: Path) -> list[Refused]:
    clean = settle(writer, base)
    found = [longest_file(writer, clean, 1024)]
    if may_mount():
        found += [
            full_disk(writer, clean, max(2, asked.tries // 10), asked.seed),
            forbidden(writer, clean, "read-only file system"),
            forbidden(writer, clean, "no right to write"),
        ]
    return found


def together(asked: argparse.Namespace, base: Path) -> Told:
    """Start each writer in two and in four processes at once."""
    rows, wrong = [], []
    for writer in named(asked.writer):
        clean = settle(writer, base)
        for processes in (2, 4):
            rounds = max(2, asked.tries * writer.tries // 32)
            found = at_once(writer, clean, processes, rounds)
            figures = (processes, found.rounds, found.ended, found.equal, found.runs)
            rows.append([writer.name, *map(str, figures)])
            wrong += [f"{writer.name}, {processes} at once: {line}" for line in found.wrong]
            print(rows[-1], *found.wrong[:5], sep="\n", flush=True)
    header = [
        "writer", "processes at once", "rounds", "processes that ended with code 0",
        "rounds with the files of a clean run", "kept runs, each whole",
    ]  # fmt: skip
    return markdown_table(header, rows), wrong


def clock(asked: argparse.Namespace, base: Path) -> Told:
    """Set the clock a day and a year back and forward between two runs."""
    rows, wrong = [], []
    for writer in named(asked.writer):
        if writer.name.startswith("prices"):
            writer = replace(writer, prepare=few_events, work=fetch_by_the_clock())
        found = shifted(writer, base)
        figures = (found.pairs, found.equal, found.told, found.after)
        rows.append([writer.name, *map(str, figures)])
        wrong += [f"{writer.name}: {line}" for line in found.wrong]
        print(rows[-1], *found.wrong[:5], sep="\n", flush=True)
    header = [
        "writer", "pairs of runs with the clock set between", "second runs as clean ones",
        "second runs that ask for the clock to be set",
        "third runs, by the right clock, as clean ones",
    ]  # fmt: skip
    return markdown_table(header, rows), wrong


PARTS = {"kills": kills, "space": space, "together": together, "clock": clock}


def options() -> argparse.ArgumentParser:
    """Return what reads the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, action="append", help="default all")
    parser.add_argument(
        "--tries", type=int, default=32, help="a writer; quick ones get six times as many"
    )
    parser.add_argument("--writer", action="append", default=[], help="a part of its name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where it writes (default /dev/shm)")
    parser.add_argument("--write", type=Path, help="the page that takes the tables")
    return parser


def command(asked: argparse.Namespace, part: str) -> list[str]:
    """Return the arguments that make one table."""
    given = ["--part", part, "--tries", str(asked.tries), "--seed", str(asked.seed)]
    return given + [word for name in asked.writer for word in ("--writer", name)]


def section(asked: argparse.Namespace, part: str, found: Told) -> str:
    """Return a section of the page: the command, what is wrong, and the table."""
    table, wrong = found
    line = f"`python benchmarks/faults.py {shlex.join(command(asked, part))}`"
    return f"{line}: {f'{len(wrong):,}' if wrong else 'nothing'} wrong.\n\n{table}"


def under_their_own_clock(asked: argparse.Namespace) -> bool:
    """Run the clock's part in another process; return whether it failed."""
    places = {"--folder": asked.folder, "--write": asked.write}
    given = [word for key, path in places.items() if path for word in (key, str(path))]
    line = [sys.executable, __file__, *command(asked, "clock"), *given]
    return subprocess.run(line, check=False).returncode != 0


def run_all(asked: argparse.Namespace, parts: Sequence[str], base: Path) -> bool:
    """Run parts, print their tables and write them into a page; return whether any failed."""
    failed = False
    for part in parts:
        began = time.monotonic()
        found = PARTS[part](asked, base)
        text = section(asked, part, found)
        print(text, *found[1], f"{time.monotonic() - began:.0f} s", sep="\n", flush=True)
        failed |= bool(found[1])
        if asked.write is not None:
            write_section(f"faults-{part}", text, asked.write)
    return failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts asked for."""
    parser = options()
    asked = parser.parse_args(arguments)
    parts = asked.part or list(PARTS)
    if "clock" in parts and library() is None:
        parser.error("the clock's part needs libfaketime (apt install faketime)")
    if parts == ["clock"]:
        under_a_made_clock(sys.argv, Path(tempfile.gettempdir()) / f"clock-{os.getpid()}")
    fast = Path("/dev/shm")  # noqa: S108
    base = Path(tempfile.mkdtemp(dir=asked.folder or (fast if fast.is_dir() else None)))
    warm()
    server, os.environ["EVENTSTUDY_CHARTS"] = serve()
    here = [part for part in parts if part != "clock" or FILE in os.environ]
    try:
        failed = run_all(asked, here, base)
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)
        shutil.rmtree(base, ignore_errors=True)
        Path(os.environ.get(FILE, base)).unlink(missing_ok=True)
    return int((here != parts and under_their_own_clock(asked)) or failed)


if __name__ == "__main__":
    raise SystemExit(main())
