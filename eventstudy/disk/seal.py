"""The manifest of a folder: its last file, by which it is known as ours and as whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eventstudy.disk.reading import PART
from eventstudy.provenance import DISTRIBUTION

SEAL = "manifest.json"

LARGEST = 64_000_000
"""Bytes of a manifest that is read; a table in ten thousand parts makes two million."""

_UNLISTED = frozenset(
    f"{name}.{ending}"
    for ending in ("csv", "parquet", "html")
    for name in (
        "abnormal", "cars", "tests", "effects", "dropped", "overlaps", "multiple",
        "identification", "readings", "survivors", "sensitivity", "volume", "variance",
        "activity_tests", "bhar", "bhar_tests", "calendar_time", "trades", "orders", "equity",
        "metrics", "skipped", "report", "calibration",
    )
)  # fmt: skip
"""Files of runs from before manifests listed them."""


def read_seal(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a folder; None where there is none, or not one of ours."""
    try:
        path = folder / SEAL
        # Not of a pipe, which would be waited for, nor of a file that would fill the memory.
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    versions = found.get("versions") if isinstance(found, dict) else None
    return found if isinstance(versions, dict) and DISTRIBUTION in versions else None


def own_names(folder: Path) -> frozenset[str] | None:
    """Return the names of the files that a run wrote in a folder, there or not.

    A name that would lead out of the folder is not believed. None where the folder is no run.
    """
    found = read_seal(folder)
    if found is None:
        return None
    listed = found.get("files")
    names = _UNLISTED if not isinstance(listed, dict) else frozenset(map(str, listed))
    names |= _unlisted_parts(folder, found, names)
    return frozenset(n for n in names if stays_inside(n)) | {SEAL}


def _unlisted_parts(folder: Path, found: dict[str, Any], listed: Iterable[str]) -> set[str]:
    """Return the parts of single events of a run from before manifests listed them."""
    named = found.get("single_events")
    tables = {"cars", "abnormal"}.intersection(named if isinstance(named, list) else ())
    tables.difference_update(name.partition("/")[0] for name in listed)
    return {
        f"{table}/{path.name}"
        for table in tables
        for path in (folder / table).glob("part-*.parquet")
        if PART.fullmatch(path.name)
    }


def stays_inside(name: str) -> bool:
    """Return whether a name is of a file in a folder, or of a part of a table in it."""
    parts = name.split("/")
    plain = all(Path(part).name == part and part not in ("", ".", "..") for part in parts)
    return plain and len(parts) <= 2


def leads_away(folder: Path, name: str) -> bool:
    """Return whether a file, or the folder of a table's parts, is a link; no run writes one."""
    path = folder / name
    return any(place.is_symlink() for place in (path, path.parent) if place != folder)


def in_order(names: Iterable[str]) -> list[str]:
    """Return names in order, the manifest last: while it is there, the others can be told."""
    return sorted(names, key=lambda name: (name == SEAL, name))


def described(folder: Path, names: Iterable[str]) -> dict[str, dict[str, object]]:
    """Return size and SHA-256 of files, by name; of a table in parts, of each part."""
    files = [file for name in names for file in _files_of(folder, name)]
    return {
        name: {"bytes": (folder / name).stat().st_size, "sha256": _digest(folder / name)}
        for name in files
    }


def _files_of(folder: Path, name: str) -> list[str]:
    if not (folder / name).is_dir():
        return [name]
    return sorted(f"{name}/{path.name}" for path in (folder / name).iterdir())


def sealed_text(manifest: Mapping[str, object], files: Mapping[str, object]) -> str:
    """Return the manifest as it is written, with the files of the folder."""
    whole = {**manifest, "files": dict(files)}
    return json.dumps(whole, indent=2, ensure_ascii=False, default=str) + "\n"


def damage_of(folder: Path, manifest: Mapping[str, Any], *, digests: bool) -> list[str]:
    """Return what keeps the files of a folder from being those that its manifest lists.

    Parameters
    ----------
    folder : Path
    manifest : mapping
    digests : bool
        Whether to read each file and compare its SHA-256, beyond its size.

    Returns
    -------
    list of str
        One line a file; empty where the folder is whole.
    """
    listed = manifest.get("files")
    if not isinstance(listed, dict):
        return ["its manifest lists no files: it is from an earlier version"]
    lines = []
    for name, given in listed.items():
        if not stays_inside(str(name)):
            lines.append(f"{name} is no name of a file in it")
            continue
        path, about = folder / str(name), given if isinstance(given, dict) else {}
        if leads_away(folder, str(name)):
            lines.append(f"{name} is a link to elsewhere")
        elif not path.is_file():
            lines.append(f"{name} is missing")
        elif path.stat().st_size != about.get("bytes"):
            lines.append(f"{name} has {path.stat().st_size} bytes, not {about.get('bytes')}")
        elif digests and _digest(path) != about.get("sha256"):
            lines.append(f"{name} was changed")
    return lines


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
