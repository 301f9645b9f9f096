"""Runs that are kept: names, where they go, and how they are found again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventstudy.disk import Writer, check_place, keep_folder, read_seal, write_folder
from eventstudy.errors import EventStudyError, did_you_mean

FOLDER = "eventstudy-runs"
"""Where the commands look for kept runs unless told otherwise."""

OF_THE_CLOCK = ("started", "wall_time", "reused")
"""Keys of the manifest that differ between two runs with the same inputs; no others do."""

NOT_ASKED = (*OF_THE_CLOCK, "files", "headline", "findings", "notes", "not_measured", "versions")
KEPT = re.compile(r"\d{8}T\d{6}Z-([0-9a-f]{8})(?:-\d+)?")
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Target:
    """Where a command puts its files: a folder, a new one among kept runs, or nowhere.

    Attributes
    ----------
    out : str or None
        Folder that holds the files themselves.
    runs : str or None
        Folder of kept runs.
    """

    out: str | None = None
    runs: str | None = None

    def __post_init__(self) -> None:
        if self.out is not None and self.runs is not None:
            raise EventStudyError(
                f"--out {self.out} and --runs {self.runs}: a run is written to one place; give one"
            )

    @property
    def wanted(self) -> bool:
        """Whether files are to be written at all."""
        return self.out is not None or self.runs is not None

    def check(self, names: Collection[str]) -> None:
        """Refuse early, before the work, a place that cannot take files of these names.

        Raises
        ------
        EventStudyError
        """
        if self.out is not None:
            check_place(self.out, names)
        if self.runs is not None:
            check_place(self.runs, None)

    def write(self, files: Mapping[str, Writer], manifest: Mapping[str, object]) -> list[Path]:
        """Write the files, all or none; see `eventstudy.disk.write_folder`.

        Returns
        -------
        list of Path
            Empty where nothing is to be written.
        """
        if self.runs is not None:
            folder = keep_folder(self.runs, kept_name(manifest), files, manifest)
            return [folder / name for name in (*files, "manifest.json")]
        return [] if self.out is None else write_folder(self.out, files, manifest)


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A folder with the files of a run.

    Attributes
    ----------
    id : str
        Name of the folder.
    folder : Path
    manifest : mapping
    """

    id: str
    folder: Path
    manifest: Mapping[str, Any]


def fingerprint(manifest: Mapping[str, object]) -> str:
    """Return the SHA-256 of configuration and inputs, whatever the clock or the versions.

    Parameters
    ----------
    manifest : mapping

    Returns
    -------
    str
        In hexadecimal.
    """
    asked = {key: value for key, value in manifest.items() if key not in NOT_ASKED}
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def kept_name(manifest: Mapping[str, object]) -> str:
    """Return the name of a kept run: when it started, UTC, and 8 digits of its fingerprint."""
    stamp = str(manifest["started"]).replace("-", "").replace(":", "")
    return f"{stamp}-{fingerprint(manifest)[:8]}"


def kept_runs(folder: str | Path) -> list[KeptRun]:
    """Return the runs in a folder, the earliest first.

    Raises
    ------
    EventStudyError
        Where the folder is not there or cannot be listed.
    """
    try:
        inside = sorted(p for p in Path(folder).iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise EventStudyError(
            f"{folder}: kept runs cannot be listed: {error.strerror or error}; "
            f"eventstudy run --runs {folder} keeps one there"
        ) from None
    found = [KeptRun(p.name, p, manifest) for p in inside if (manifest := read_seal(p))]
    return sorted(found, key=lambda run: (str(run.manifest.get("started", "")), run.id))


def find_run(given: str, folder: str | Path = FOLDER) -> KeptRun:
    """Return the run of an ID, of its beginning, of its hash's beginning, or of a path.

    Parameters
    ----------
    given : str
    folder : str or Path
        Of kept runs; need not be there where a path is given.

    Raises
    ------
    EventStudyError
        Where no run or more than one answers to it.
    """
    runs = kept_runs(folder) if Path(folder).is_dir() else []
    found = [run for run in runs if run.id == given] or [r for r in runs if _answers(r, given)]
    if len(found) == 1:
        return found[0]
    if found:
        raise EventStudyError(f"run {given!r} stands for several: {_listed(found)}")
    manifest = read_seal(Path(given))
    if manifest is not None:
        return KeptRun(Path(given).resolve().name, Path(given), manifest)
    if given and Path(given).is_dir():
        raise EventStudyError(f"{given} is a folder without a manifest.json: no run wrote it")
    near = did_you_mean(given, [run.id for run in runs] + [h for r in runs for h in _hash(r)])
    if not Path(folder).is_dir():
        raise EventStudyError(
            f"unknown run {given!r}: no folder of a run, and there are no kept runs in {folder}"
        )
    raise EventStudyError(
        f"unknown run {given!r}{near}; kept in {folder}: {_listed(runs) or 'none'}"
    )


def _answers(run: KeptRun, given: str) -> bool:
    return bool(given) and any(part.startswith(given) for part in (run.id, *_hash(run)))


def _hash(run: KeptRun) -> list[str]:
    """Return the hash in a run's ID, where it is the ID of a kept one."""
    found = KEPT.fullmatch(run.id)
    return [found[1]] if found else []


def _listed(runs: list[KeptRun]) -> str:
    names = [run.id for run in runs[-SHOWN:]]
    return ", ".join((["..."] if len(runs) > SHOWN else []) + names)
