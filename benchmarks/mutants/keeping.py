"""Which mutants are drawn, what became of them, and what is known of those that live."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from mutants.making import Mutant
from mutants.trying import Outcome


@dataclass(frozen=True)
class Tried:
    """A mutant and what became of it.

    Attributes
    ----------
    group, key, path, function, line, change : as in ``Group`` and ``Mutant``
    what, test, asked : as in ``Outcome``
    basis : str
        Digest of the tests that were asked: a survivor is tried again when they change.
    """

    group: str
    key: str
    path: str
    function: str
    line: int
    change: str
    what: str
    test: str
    asked: int
    basis: str

    @property
    def fell(self) -> bool:
        """Whether the tests noticed."""
        return self.what in ("killed", "timed out")


class Results:
    """The file of results: a line of JSON for each mutant; the last of a key counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept: dict[str, Tried] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                tried = Tried(**json.loads(line))
                self.kept[tried.key] = tried

    def add(self, group: str, mutant: Mutant, outcome: Outcome, basis: str) -> Tried:
        """Keep what became of a mutant; it is on the disk when this returns."""
        tried = Tried(
            group, mutant.key, mutant.path, mutant.function, mutant.lines[0], mutant.change,
            outcome.what, outcome.test, outcome.asked, basis,
        )  # fmt: skip
        self.kept[tried.key] = tried
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(tried)) + "\n")
        return tried

    def known(self, mutant: Mutant, basis: str, tests: Iterable[str]) -> Tried | None:
        """Return what is known of a mutant and still holds.

        A killed one stays killed as long as its function and the test that killed it are there.
        """
        tried = self.kept.get(mutant.key)
        if tried is None or (tried.fell and tried.test not in tests):
            return None
        return tried if tried.fell or tried.basis == basis else None


def rank(seed: int, mutant: Mutant) -> str:
    """Return where a mutant stands in the random order of a seed."""
    return hashlib.sha256(f"{seed}|{mutant.key}".encode()).hexdigest()


def drawn(
    by_file: dict[str, list[Mutant]],
    sample: int,
    seed: int,
    holds: Callable[[Mutant], bool] = lambda _: True,
) -> list[Mutant]:
    """Return a sample of mutants, each file in proportion to how many it has.

    Parameters
    ----------
    by_file : dict of str to list of Mutant
    sample : int
        How many; 0 for all.
    seed : int
        Of the order within a file. A function that changes does not move the others.
    holds : callable
        Whether a mutant is Python at all.
    """
    total = sum(map(len, by_file.values()))
    sizes = shares({path: len(made) for path, made in by_file.items()}, min(sample or total, total))
    found = []
    for path, made in by_file.items():
        kept: list[Mutant] = []
        for mutant in sorted(made, key=lambda one: rank(seed, one)):
            if len(kept) == sizes[path]:
                break
            if holds(mutant):
                kept.append(mutant)
        found += sorted(kept, key=lambda one: one.span)
    return found


def shares(sizes: dict[str, int], count: int) -> dict[str, int]:
    """Divide `count` in proportion to sizes, by largest remainders."""
    total = sum(sizes.values()) or 1
    exact = {name: count * size / total for name, size in sizes.items()}
    given = {name: int(share) for name, share in exact.items()}
    order = sorted(sizes, key=lambda name: (given[name] - exact[name], name))
    for name in order[: count - sum(given.values())]:
        given[name] += 1
    return given


def wilson(hits: int, count: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return the 95% interval of a share by Wilson."""
    if count == 0:
        return 0.0, 1.0
    share, part = hits / count, z * z / count
    middle = (share + part / 2) / (1 + part)
    half = z * (share * (1 - share) / count + part / (4 * count)) ** 0.5 / (1 + part)
    return middle - half, middle + half


Place = tuple[str, str, str]


def reasons(path: Path) -> dict[Place, str]:
    """Return why survivors change nothing, by file, function and change."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (r["module"], r["function"], r["change"]): r["reason"] for r in csv.DictReader(file)
        }


def reason_of(tried: Tried, known: dict[Place, str]) -> str:
    """Return why a survivor changes nothing; empty where nothing is said."""
    return known.get((tried.path, tried.function, tried.change), "")
