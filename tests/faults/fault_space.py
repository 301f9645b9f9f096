"""A disk that is full, a folder that may not be written: one line, and the next run succeeds."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fault_deaths import End, run
from fault_files import BLOCK, TornError, contents, left_over, room_of
from fault_kills import Clean, refused
from fault_writers import NOTES, Writer, fresh_copy

NOBODY = 65534


@dataclass
class Refused:
    """What came of a writer that was given no space, or no right.

    Attributes
    ----------
    writer, fault : str
    told : int
        Tries that ended with one line that names a file and the cause, exit code 2.
    done : int
        Tries that ended in peace: what they could not keep is no result of theirs.
    following : int
        Next runs, with space or right given back, whose files are those of a clean run.
    said : str
        One such line.
    wrong : list of str
    """

    writer: str
    fault: str
    told: int = 0
    done: int = 0
    following: int = 0
    said: str = ""
    wrong: list[str] = field(default_factory=list)


CAUSES = {
    "full disk": "No space left on device",
    "read-only file system": "Read-only file system",
    "no right to write": "Permission denied",
    "longest file": "File too large",
}


def judged(report: Refused, end: End, clean: Clean) -> None:
    """Note what a try ended with, and what lies there."""
    wrong = report.wrong
    if end.code == 0:
        report.done += 1
    elif end.code == 2 and _one_line(end.said, CAUSES[report.fault]):
        report.told += 1
        report.said = report.said or end.said.strip().splitlines()[-1]
    else:
        wrong.append(f"{report.fault}: ended with {end.code}: {end.said[-400:]}")
    try:
        found = contents(clean.place)
    except TornError as error:
        wrong.append(f"{report.fault}: torn: {error}")
        return
    known = (clean.before, clean.after)
    strange = [n for n, d in found.items() if d not in [k.get(n) for k in known]]
    wrong += [
        f"{report.fault}: {name} is neither old nor new" for name in strange if ".parts" not in name
    ]


def _one_line(said: str, cause: str) -> bool:
    """Whether the complaint is of one line, names a file and says why."""
    complaint = said[said.rindex("eventstudy: ") :] if "eventstudy: " in said else ""
    lines = [line for line in complaint.strip().splitlines() if line]
    named = re.search(r"(\S*/)?[\w.-]+", complaint.removeprefix("eventstudy: ")) is not None
    # A list of tickers has a line each, with a file and the cause in each.
    alike = len(lines) == 1 or all(cause in line for line in lines[1:])
    return alike and named and cause in complaint and "Traceback" not in said


def follow(report: Refused, writer: Writer, clean: Clean) -> None:
    """Run the writer once more, where nothing is in its way."""
    place = clean.place
    again = run(writer.work, place)
    if again.code and not refused(writer, again):
        report.wrong.append(f"the run after {report.fault} ended with {again.code}: {again.said}")
        return
    after = contents(place)
    bad = sorted(n for n in {*after, *clean.after} if after.get(n) != clean.after.get(n))
    bad += left_over(place)
    if (notes := place / "out" / "notes.md").exists() and notes.read_text() != NOTES:
        bad.append("notes.md")
    report.wrong += [f"after {report.fault} and a next run: {name}" for name in bad]
    report.following += not bad


@contextlib.contextmanager
def small_disk(place: Path, size: int) -> Iterator[None]:
    """Mount a file system of so many bytes; for root alone."""
    place.mkdir(parents=True, exist_ok=True)
    given = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)]
    subprocess.run(given, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)


@contextlib.contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Bind a folder onto itself so that nothing in it can be written; for root alone."""
    for given in (["--bind", str(place)], ["-o", "remount,ro,bind", str(place)]):
        target = [str(place)] if given[0] == "--bind" else []
        subprocess.run(["mount", *given, *target], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)


def may_mount() -> bool:
    """Whether this process may mount file systems."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with contextlib.suppress(subprocess.CalledProcessError, OSError):
        place = Path(os.environ.get("TMPDIR", "/tmp")) / f"fault-mount-{os.getpid()}"  # noqa: S108
        with small_disk(place, BLOCK):
            pass
        place.rmdir()
        return True
    return False


def full_disk(writer: Writer, clean: Clean, tries: int, seed: int) -> Refused:
    """Leave a writer less than it needs, from nothing to all but a block."""
    report, place = Refused(writer.name, "full disk"), clean.place
    chance = random.Random(f"{seed} {writer.name}")  # noqa: S311
    shutil.rmtree(place)
    with small_disk(place, 2 * clean.room + room_of(clean.template) + 64 * BLOCK):
        for number in range(tries):
            _emptied(place)
            shutil.copytree(clean.template, place, symlinks=True, dirs_exist_ok=True)
            room = 0 if number == 0 else chance.randrange(0, clean.room, BLOCK)
            _fill(place / "filler", room)
            end = run(writer.work, place)
            (place / "filler").unlink()
            judged(report, end, clean)
            follow(report, writer, clean)
    return report


def _emptied(place: Path) -> None:
    for path in place.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _fill(filler: Path, room: int) -> None:
    """Take all space but so much."""
    about = os.statvfs(filler.parent)
    with filler.open("wb") as file:
        file.write(b"x" * max(about.f_bavail * about.f_frsize - room, 0))


def forbidden(writer: Writer, clean: Clean, fault: str) -> Refused:
    """Let a writer meet a folder that takes nothing; at the first try all, then what it has."""
    report, place = Refused(writer.name, fault), clean.place
    for inside in ("", "cache", "out", "export"):
        fresh_copy(clean.template, place)
        folder = place / inside
        if not folder.is_dir():
            continue
        if fault == "read-only file system":
            with read_only(folder):
                end = run(writer.work, place)
        else:
            end = _as_nobody(writer, place, folder)
        judged(report, end, clean)
        follow(report, writer, clean)
    return report


def _as_nobody(writer: Writer, place: Path, forbidden: Path) -> End:
    """Run without root's right to write anywhere, where one folder is another user's."""
    for path in (forbidden, *forbidden.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    try:
        return run(writer.work, place, before=_without_power)
    finally:
        for path in (forbidden, *forbidden.rglob("*")):
            os.chown(path, 0, 0, follow_symlinks=False)


def _without_power() -> None:
    """Give up the capabilities by which root passes over permissions."""
    import ctypes

    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    data = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable, twice: none
    if ctypes.CDLL(None, use_errno=True).capset(header, data):
        raise OSError(ctypes.get_errno(), "capabilities cannot be given up")


def longest_file(writer: Writer, clean: Clean, most: int) -> Refused:
    """Let no file of a process grow beyond so many bytes: for who may not mount."""
    import resource
    import signal

    report = Refused(writer.name, "longest file")

    def limited() -> Any:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    fresh_copy(clean.template, clean.place)
    judged(report, run(writer.work, clean.place, before=limited), clean)
    follow(report, writer, clean)
    return report
