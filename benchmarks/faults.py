"""Faults while files are written: kills, full disks, forbidden folders, clocks, several at once.

The long form of tests/faults. Real commands run in processes that are forked from a warm one and
are killed, or left without space, or started together; then every file is read, and the same command
run once more has to end as one to which nothing happened. Exit 1 where anything is wrong.
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
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "ARROW_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # a process that is forked has one thread

from sections import markdown_table, write_section

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "faults")]

from fault_kills import AT_ONCE, SHORTLY, killed_often
from fault_space import Refused, forbidden, full_disk, longest_file, may_mount
from fault_writers import named, serve, warm

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


PARTS = {"kills": kills, "space": space}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts asked for, print their tables, and write them into a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--tries", type=int, default=40, help="a writer; quick ones get four times")
    parser.add_argument("--writer", action="append", default=[], help="a part of its name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where it writes (default /dev/shm)")
    parser.add_argument("--write", type=Path, help="the page that takes the tables")
    asked = parser.parse_args(arguments)
    fast = Path("/dev/shm")  # noqa: S108
    base = Path(tempfile.mkdtemp(dir=asked.folder or (fast if fast.is_dir() else None)))
    warm()
    server, os.environ["EVENTSTUDY_CHARTS"] = serve()
    failed = False
    try:
        for part in asked.part or PARTS:
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
