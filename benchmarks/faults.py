"""Faults while files are written: kills, full disks, forbidden folders, clocks, several at once.

The long form of tests/faults. Real commands run in processes that are forked from a warm one
and are killed, left without space, started together or given another clock; then every file is
read, and the same command run once more has to end as one to which nothing happened. Exit 1 where
anything is wrong.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
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

from fault_clocks import fetch_by_the_clock, library, shifted, under_a_made_clock
from fault_kills import AT_ONCE, SHORTLY, killed_often
from fault_space import Refused, forbidden, full_disk, longest_file, may_mount
from fault_together import at_once
from fault_writers import few_events, named, serve, warm

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


def _refusals(asked: argparse.Namespace, writer: object, base: Path) -> list[Refused]:
    found = [longest_file(writer, base, 1024)]
    if may_mount():
        found += [
            full_disk(writer, base, max(2, asked.tries // 8), asked.seed),
            forbidden(writer, base, "read-only file system"),
            forbidden(writer, base, "no right to write"),
        ]
    return found


def together(asked: argparse.Namespace, base: Path) -> Told:
    """Start each writer in two and in four processes at once."""
    rows, wrong = [], []
    for writer in named(asked.writer):
        for processes in (2, 4):
            rounds = max(2, asked.tries * writer.tries // 16)
            found = at_once(writer, base, processes, rounds)
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
        if writer.once or "import" in writer.name:  # drafts say on which day they were made
            continue
        if writer.name.startswith("prices"):
            writer = replace(writer, prepare=few_events, work=fetch_by_the_clock())
        found = shifted(writer, base)
        figures = (found.pairs, found.equal, found.told, found.after)
        rows.append([writer.name, *map(str, figures)])
        wrong += [f"{writer.name}: {line}" for line in found.wrong]
        print(rows[-1], *found.wrong[:5], sep="\n", flush=True)
    header = [
        "writer", "pairs of runs with the clock set between", "second runs as clean ones",
        "second runs that ask for the clock to be set", "third runs, by the right clock, clean",
    ]  # fmt: skip
    return markdown_table(header, rows), wrong


PARTS = {"kills": kills, "space": space, "together": together, "clock": clock}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts asked for, print their tables, and write them into a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument(
        "--tries", type=int, default=40, help="a writer; quick ones get up to five times"
    )
    parser.add_argument("--writer", action="append", default=[], help="a part of its name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where it writes (default /dev/shm)")
    parser.add_argument("--write", type=Path, help="the page that takes the tables")
    asked = parser.parse_args(arguments)
    fast = Path("/dev/shm")  # noqa: S108
    parts = asked.part or [part for part in PARTS if part != "clock"]
    if "clock" in parts:
        if library() is None or parts != ["clock"]:
            parser.error("--part clock stands alone and needs libfaketime (apt install faketime)")
        under_a_made_clock(sys.argv, Path(tempfile.gettempdir()) / f"clock-{os.getpid()}")
    base = Path(tempfile.mkdtemp(dir=asked.folder or (fast if fast.is_dir() else None)))
    warm()
    server, os.environ["EVENTSTUDY_CHARTS"] = serve()
    failed = False
    try:
        for part in parts:
            began = time.monotonic()
            table, wrong = PARTS[part](asked, base)
            failed |= bool(wrong)
            command = f"python benchmarks/faults.py --part {part} --tries {asked.tries}"
            text = f"`{command} --seed {asked.seed}`: {len(wrong)} wrong.\n\n{table}"
            print(text, *wrong, f"{time.monotonic() - began:.0f} s", sep="\n")
            if asked.write is not None:
                write_section(f"faults-{part}", text, asked.write)
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)
        shutil.rmtree(base, ignore_errors=True)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
