"""Writers killed over and over: every file is whole or absent, the next run as a clean one."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from fault_deaths import Death, End, run
from fault_files import TornError, contents, left_over, room_of, whole_run
from fault_writers import NOTES, Writer, fresh_copy

AT_ONCE, SHORTLY = "before a change", "shortly after one"


@dataclass
class Killed:
    """What came of killing one writer many times.

    Attributes
    ----------
    writer : str
    kills : dict of str to int
        By kind of moment.
    ended : int
        Tries in which the process was done before its death came.
    whole : int
        Files found after kills, each of them whole.
    left : int
        Kills that left something of what was being written.
    following : int
        Next runs that succeeded, with the files of a clean run and nothing left over.
    wrong : list of str
        What must not be.
    """

    writer: str
    kills: dict[str, int] = field(default_factory=lambda: {AT_ONCE: 0, SHORTLY: 0})
    ended: int = 0
    whole: int = 0
    left: int = 0
    following: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Clean:
    """What a writer finds and makes where nothing happens to it.

    Attributes
    ----------
    template, place : Path
        A copy of what it finds, and where it works.
    before, after : dict of str to str
        See `contents`.
    room : int
        Bytes that all of it takes afterwards.
    changes : int
        Of files and folders, that it makes.
    """

    template: Path
    place: Path
    before: dict[str, str]
    after: dict[str, str]
    room: int
    changes: int


def settle(writer: Writer, base: Path) -> Clean:
    """Make what was there before, run the writer once in peace and keep both."""
    template, place = base / "template", base / "place"
    for folder in (template, place):
        shutil.rmtree(folder, ignore_errors=True)
    place.mkdir(parents=True)
    use_cache_of(place)
    writer.prepare(place)
    shutil.copytree(place, template, symlinks=True)
    before = contents(place)
    end = run(writer.work, place)
    if end.code or left_over(place):
        raise RuntimeError(
            f"{writer.name} fails by itself: {end.code} {left_over(place)} {end.said}"
        )
    return Clean(template, place, before, contents(place), room_of(place), end.changes)


def use_cache_of(place: Path) -> None:
    """Have what is started from here keep its cache in a folder of this place."""
    os.environ["EVENTSTUDY_CACHE"] = str(place / "cache")
    os.environ.pop("EVENTSTUDY_FRESH", None)


def drawn(chance: random.Random, changes: int) -> tuple[str, Death]:
    """Draw a moment: before one of the changes, or up to 3 ms after it began."""
    event = chance.randint(1, changes)
    if chance.random() < 0.5:
        return AT_ONCE, Death(event)
    return SHORTLY, Death(event, chance.uniform(0.0, 0.003))


def killed_often(writer: Writer, base: Path, tries: int, seed: int) -> Killed:
    """Kill a writer at drawn moments, from the same start each time."""
    chance = random.Random(f"{seed} {writer.name}")  # noqa: S311
    report = Killed(writer.name)
    clean = settle(writer, base)
    for number in range(tries):
        # Each change is met once, where there are tries enough; the rest by chance.
        kind, death = drawn(chance, clean.changes)
        if number < clean.changes <= tries // 2:
            kind, death = AT_ONCE, Death(number + 1)
        fresh_copy(clean.template, clean.place)
        end = run(writer.work, clean.place, death)
        if end.killed:
            report.kills[kind] += 1
        else:
            report.ended += 1
        told = _after(writer, clean, end, report)
        report.wrong += [f"{writer.name}, {kind} {death.event}/{clean.changes}: {t}" for t in told]
    return report


def _after(writer: Writer, clean: Clean, end: End, report: Killed) -> list[str]:
    """Return what is wrong after a kill, and after the run that follows it."""
    place = clean.place
    wrong = [] if end.killed or end.code == 0 else [f"ended with {end.code}: {end.said[-300:]}"]
    try:
        found = contents(place)
    except TornError as error:
        return [*wrong, f"torn: {error}"]
    report.whole += len(found)
    report.left += bool(left_over(place))
    # Parts of a sweep that goes on are whole, and of as many variants as were done.
    strange = [
        name
        for name, digest in found.items()
        if digest not in (clean.before.get(name), clean.after.get(name)) and ".parts" not in name
    ]
    wrong += [f"{name} is neither the old nor the new" for name in strange]
    if not writer.shared:
        runs = [p.parent for p in place.rglob("manifest.json") if not _hidden(p, place)]
        wrong += [f"{run.name} is a run in part" for run in runs if not whole_run(run)]
    again = run(writer.work, place)
    if again.code and not refused(writer, again):
        return [*wrong, f"the next run ended with {again.code}: {again.said[-300:]}"]
    try:
        after = contents(place)
    except TornError as error:
        return [*wrong, f"torn after the next run: {error}"]
    bad = sorted(n for n in {*after, *clean.after} if after.get(n) != clean.after.get(n))
    if left_over(place):
        bad += left_over(place)
    if (notes := place / "out" / "notes.md").exists() and notes.read_text() != NOTES:
        bad.append("notes.md")
    report.following += not bad
    return wrong + [f"after the next run {name} is not as after a clean one" for name in bad]


def refused(writer: Writer, end: End) -> bool:
    """Whether a run was refused because its files are there; `contents` tells if all are."""
    return writer.once and end.code == 2 and "is there already" in end.said


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)
