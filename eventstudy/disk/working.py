"""Working folders: where files are written before they are whole, known again by name."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Literal

from eventstudy.disk.lease import claimed

State = Literal["new", "old", "gone", "whole"]
"""Being written; an earlier run moved aside; one being removed; a new one being moved in."""

INSIDE = "eventstudy"
"""Stem of working folders that stand inside the place, not beside it."""

LONGEST_STEM = 200

HIDDEN = re.compile(r"\..+\.(?:new|old|gone|whole)-[0-9a-f]{16}")
"""Names of working folders."""


def stem_of(place: Path) -> str:
    """Return what the names of a place's working folders begin with; one stem, one place."""
    name = os.fsencode(place.name)
    return place.name if len(name) <= LONGEST_STEM else sha256(name).hexdigest()


def named(parent: Path, stem: str, state: State) -> Path:
    """Return a path for a working folder that no other has."""
    return parent / f".{stem}.{state}-{secrets.token_hex(8)}"


def left_in(parent: Path, stem: str, *states: State) -> list[Path]:
    """Return the working folders of a stem in these states."""
    pattern = re.compile(rf"\.{re.escape(stem)}\.({'|'.join(states)})-[0-9a-f]{{16}}")
    try:
        with os.scandir(parent) as entries:
            found = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [parent / name for name in sorted(found) if pattern.fullmatch(name)]


@contextmanager
def staged(parent: Path, stem: str) -> Iterator[Path]:
    """Make a working folder and hold it; what has not been renamed away goes with the end.

    Raises
    ------
    OSError
        Where no folder can be made there.
    """
    while True:
        path = named(parent, stem, "new")
        path.mkdir()
        with claimed(path, wait=True):
            # Another process may have taken it for a dead one's before it was claimed.
            if not path.is_dir():
                continue
            try:
                yield path
            finally:
                shutil.rmtree(path, ignore_errors=True)
            return


def clear_abandoned(parent: Path, stem: str) -> None:
    """Remove the working folders whose writers died."""
    for path in left_in(parent, stem, "new"):
        with claimed(path, wait=False) as mine:
            if mine:
                shutil.rmtree(path, ignore_errors=True)


def sync(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def may_write(folder: Path) -> bool:
    """Return whether this process may make files in a folder."""
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)


def read_only(folder: Path) -> bool:
    """Return whether a folder is on a file system that takes no files, where that can be told."""
    told = getattr(os, "statvfs", None)
    return told is not None and bool(told(folder).f_flag & os.ST_RDONLY)
