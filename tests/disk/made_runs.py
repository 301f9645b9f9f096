"""Writes small runs, dies on purpose, and tells in JSON what is found afterwards.

Run as a program, so that the processes that die are forked from one without threads.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eventstudy.disk import keep_folder, recover, write_folder
from eventstudy.provenance import DISTRIBUTION

ABOUT = {"versions": {DISTRIBUTION: "0"}}
CHANGES = ("mkdir", "rename", "replace", "unlink", "rmdir")
NOTES = "a file of the user's own"


def files_of(tag: str) -> dict[str, Callable[[Any], object]]:
    """Two files that every run has, and one that only this one has."""
    names = ("cars.csv", "tests.csv", f"only-{tag}.csv")
    return {n: (lambda file, n=n: file.write(f"{tag} {n}\n".encode() * 500)) for n in names}


def write(target: Path, tag: str) -> None:
    write_folder(target, files_of(tag), {**ABOUT, "tag": tag})


def state_of(folder: Path) -> str:
    """The tag of a whole run, ``absent``, or what is wrong; told without the library."""
    if not folder.exists():
        return "absent"
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except FileNotFoundError:
        return "no run"
    tag = manifest["tag"]
    if sorted(manifest["files"]) != sorted(files_of(tag)):
        return f"{tag} lists {sorted(manifest['files'])}"
    for name, about in manifest["files"].items():
        path = folder / name
        content = path.read_bytes() if path.is_file() else b""
        if content != f"{tag} {name}\n".encode() * 500:
            return f"{tag} has another {name}"
        if about != {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}:
            return f"{tag} lists another {name}"
    others = {p.name for p in folder.iterdir() if p.name.startswith("only-")} - set(files_of(tag))
    return f"{tag} beside {sorted(others)}" if others else tag


def hidden_in(folder: Path) -> list[str]:
    inside = folder.iterdir() if folder.is_dir() else ()
    return sorted(p.name for p in (*folder.parent.iterdir(), *inside) if p.name.startswith("."))


def found(target: Path) -> dict[str, Any]:
    aside = [p for p in target.parent.iterdir() if ".old-" in p.name]
    notes = target / "notes.md"
    return {
        "state": state_of(target),
        "aside": [state_of(p) for p in aside],
        "hidden": hidden_in(target),
        "notes": notes.read_text() if notes.is_file() else None,
    }


def prepare(target: Path, kind: str) -> None:
    """An earlier run, beside a file of the user's for ``shared``; for ``first``, nothing."""
    for path in (target, *target.parent.glob(".*")):
        if path.is_dir():
            for inside in path.rglob("*"):
                if not inside.is_dir():
                    inside.unlink()
            for inside in sorted(path.rglob("*"), reverse=True):
                inside.rmdir()
            path.rmdir()
    if kind != "first":
        write(target, "old")
    if kind == "shared":
        (target / "notes.md").write_text(NOTES)


def in_child(work: Callable[[], None]) -> int:
    """Do something in a child process; return its wait status."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def dying_at(n: int) -> None:
    """Make this process kill itself before its n-th change of a folder."""
    calls = 0

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == n:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*args, **options)

        return wrapped

    for name in CHANGES:
        setattr(os, name, counted(getattr(os, name)))


def at_every_change(target: Path, kind: str) -> list[dict[str, Any]]:
    """Kill a writer before its first change, its second ... until it ends in peace."""
    report, n, status = [], 0, signal.SIGKILL
    while status:
        n += 1
        prepare(target, kind)

        def work(n: int = n) -> None:
            dying_at(n)
            write(target, "new")

        status = in_child(work)
        before = found(target)
        recover(target)
        after = found(target)
        write(target, "next")
        report.append({"before": before, "after": after, "next": found(target)})
    return report


def at_random(target: Path, kind: str, rounds: int) -> list[dict[str, Any]]:
    """Kill a process that writes without a pause, at random moments."""
    chance = random.Random(7)  # noqa: S311
    report = []
    for _ in range(rounds):
        prepare(target, kind)
        child = os.fork()
        if child == 0:
            while True:
                write(target, "new")
                write(target, "old")
        time.sleep(chance.uniform(0.0, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        before = found(target)
        recover(target)
        report.append({"before": before, "after": found(target)})
    return report


def kept(target: Path) -> list[dict[str, Any]]:
    """Kill one who keeps a run before each of its changes; then keep another."""
    report, n, status = [], 0, signal.SIGKILL
    while status:
        n += 1

        def work(n: int = n) -> None:
            dying_at(n)
            keep_folder(target, f"run-{n}", files_of("new"), {**ABOUT, "tag": "new"})

        status = in_child(work)
        state = state_of(target / f"run-{n}")
        keep_folder(target, f"run-{n}-after", files_of("next"), {**ABOUT, "tag": "next"})
        report.append({"state": state, "hidden": hidden_in(target)})
    return report


def put_parts(place: Path, count: int) -> None:
    """Write one table in parts over and over, as the streamed engine does."""
    from eventstudy.disk.parts import PartWriter

    for _ in range(count):
        with PartWriter(place, "cars") as writer:
            writer.write({"event_id": ["a", "b"], "car": [0.1, 0.2]})


if __name__ == "__main__":
    job, place, kind, count = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    if job != "random":
        # A kill, unlike a power failure, loses nothing that was handed to the system.
        os.fsync = lambda _: None
    if job == "changes":
        print(json.dumps(at_every_change(place, kind)))
    elif job == "random":
        print(json.dumps(at_random(place, kind, count)))
    elif job == "kept":
        print(json.dumps(kept(place)))
    elif job == "write":
        for _ in range(count):
            write(place, kind)
    elif job == "parts":
        put_parts(place, count)
    elif job == "keep":
        for _ in range(count):
            keep_folder(place, "run", files_of(kind), {**ABOUT, "tag": kind})
