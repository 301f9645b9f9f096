"""What tells two runs apart: configuration, inputs, versions, then the numbers."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eventstudy.disk.seal import stays_inside
from eventstudy.errors import EventStudyError
from eventstudy.run.kept import OF_THE_CLOCK, KeptRun
from eventstudy.run.overview import lead_words
from eventstudy.run.table_compare import TableDifference, compare_files

ABSENT = "(absent)"
INPUTS = (
    "calendar", "events.*", "prices.*", "study.factors.*", "backtest.price_source",
    "backtest.strategies.*.file", "backtest.strategies.*.sha256", "sweep.price_source",
    "sweep.prices.*", "sweep.file", "sweep.sha256",
)  # fmt: skip
APART = (*OF_THE_CLOCK, "files", "headline")
LONGEST = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of two manifests that differs; `ABSENT` where one has none."""

    key: str
    a: Any
    b: Any

    def __str__(self) -> str:
        return f"{self.key}: {_short(self.a)} -> {_short(self.b)}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, side by side.

    Attributes
    ----------
    a, b : str
        Their IDs.
    configuration, inputs, versions, resolved : tuple of Change
        What was asked; hashes and spans of events, prices, factors and strategies; versions;
        and what followed from them, such as parameters of strategies and notes.
    tables : tuple of TableDifference
    pages : mapping of str to str
        By name of a file that is no table: ``identical``, ``differs``, ``only in A`` ...
    headlines : tuple of str
        What each leads with, in words.
    """

    a: str
    b: str
    configuration: tuple[Change, ...]
    inputs: tuple[Change, ...]
    versions: tuple[Change, ...]
    resolved: tuple[Change, ...]
    tables: tuple[TableDifference, ...]
    pages: Mapping[str, str]
    headlines: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether nothing but the clock tells them apart."""
        changes = (*self.configuration, *self.inputs, *self.versions, *self.resolved)
        same_pages = all(state == "identical" for state in self.pages.values())
        return not changes and same_pages and all(t.state == "identical" for t in self.tables)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"identical": self.identical, **asdict(self)}

    def summary(self) -> str:
        """Return the comparison in words."""
        lines = [f"A: {self.a}", f"B: {self.b}", *self.headlines]
        if self.identical:
            lines.append("Identical, but for the time of day and how long they took.")
        for name in ("configuration", "inputs", "versions", "resolved"):
            changes = getattr(self, name)
            lines.append(f"{name}: {_count(len(changes))}")
            lines += [f"  {change}".replace(f"  {name}.", "  ", 1) for change in changes]
        for table in self.tables:
            lines += table.lines()
        lines += [f"{name}: {state}" for name, state in self.pages.items()]
        return "\n".join(lines)


def compare_runs(a: KeptRun, b: KeptRun) -> Comparison:
    """Compare two runs.

    Parameters
    ----------
    a, b : KeptRun

    Returns
    -------
    Comparison

    Raises
    ------
    EventStudyError
        Where a table cannot be read.
    """
    changes: dict[str, list[Change]] = {
        "configuration": [], "inputs": [], "versions": [], "resolved": [],
    }  # fmt: skip
    for change in changes_of(_entries(a.manifest), _entries(b.manifest)):
        changes[_kind(change.key)].append(change)
    tables, pages = compare_files(a.folder, b.folder, *(_names(run) for run in (a, b)))
    leads = (("A", lead_words(a)), ("B", lead_words(b)))
    return Comparison(
        a.id,
        b.id,
        **{k: tuple(v) for k, v in changes.items()},
        tables=tables,
        pages=pages,
        headlines=tuple(f"{side} leads with {lead}" for side, lead in leads if lead),
    )


def changes_of(a: Mapping[str, Any], b: Mapping[str, Any], within: str = "") -> list[Change]:
    """Return the entries of two nested mappings that differ, by dotted key.

    What only one of them has is one entry, however much is in it.
    """
    found: list[Change] = []
    for key in dict.fromkeys((*a, *b)):
        x, y = a.get(key, ABSENT), b.get(key, ABSENT)
        if isinstance(x, Mapping) and isinstance(y, Mapping):
            found += changes_of(x, y, f"{within}{key}.")
        elif x != y:
            found.append(Change(f"{within}{key}", x, y))
    return found


def _entries(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in manifest.items() if key not in APART}


def _kind(key: str) -> str:
    if any(fnmatch.fnmatchcase(key, pattern) for pattern in INPUTS):
        return "inputs"
    first = key.split(".")[0]
    return first if first in ("configuration", "versions") else "resolved"


def _names(run: KeptRun) -> list[str]:
    """Return the files of a run that are there, a table in parts once."""
    listed = run.manifest.get("files")
    given = map(str, listed) if isinstance(listed, Mapping) else ()
    names = dict.fromkeys(name.partition("/")[0] for name in given if stays_inside(name))
    there = [name for name in names if (run.folder / name).exists()]
    strange = [name for name in there if not _is_plain(run.folder / name)]
    if strange:
        raise EventStudyError(
            f"{run.folder}: {', '.join(strange)}: neither files nor folders of files; no run "
            "writes links or pipes, and none is read"
        )
    return there


def _is_plain(path: Path) -> bool:
    """Return whether a path is a file, or a folder of files, and no link."""
    inside = path.iterdir() if path.is_dir() and not path.is_symlink() else (path,)
    return all(part.is_file() and not part.is_symlink() for part in inside)


def _count(number: int) -> str:
    if number == 0:
        return "identical"
    return f"{number} difference{'s' if number != 1 else ''}"


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
