"""Digests of what a result rests on: the program, the settings, the files, the inputs as read."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.run.places import PACKAGE

if TYPE_CHECKING:
    from eventstudy.events import EventCalendar

PLAIN = (bool, int, float, str, bytes, date, time, np.generic, type(None))
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
PLUGIN = "[eventstudy."
"""Beginning of a section of entry points by which another package brings models or sizings."""


def digest_of(*values: Any) -> str:
    """Return the SHA-256 of plain values, arrays, mappings, sequences and dataclasses of them.

    Types count: 1, 1.0 and True have three digests.

    Raises
    ------
    TypeError
        For anything else: what cannot be told apart must not be taken for the same.
    """
    found = hashlib.sha256()
    for part in _parts(values):
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    """Yield a value in pieces that together determine it."""
    yield type(value).__qualname__.encode()
    if isinstance(value, PLAIN):
        yield repr(value).encode()
    elif isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            yield from _parts(value.tolist())
        else:
            yield repr((value.dtype.str, value.shape)).encode()
            yield value.tobytes()
    elif isinstance(value, Mapping):
        yield len(value).to_bytes(8, "big")
        for key, held in value.items():
            yield from _parts(key)
            yield from _parts(held)
    elif isinstance(value, tuple | list):
        yield len(value).to_bytes(8, "big")
        for held in value:
            yield from _parts(held)
    elif is_dataclass(value):
        for field in fields(value):
            yield field.name.encode()
            yield from _parts(getattr(value, field.name))
    else:
        raise TypeError(f"{type(value).__name__} has no digest")


def calendar_digest(events: EventCalendar) -> str:
    """Return the digest of a calendar as it was read and aligned."""
    from pandas.util import hash_pandas_object

    frame = events.frame
    rows = hash_pandas_object(frame).to_numpy()
    columns = [(str(name), str(frame[name].dtype)) for name in frame]
    said = (events.file, tuple(events.notes), tuple(events.assumptions))
    return digest_of(rows, columns, dict(events.baskets.items()), events.sessions, *said)


def file_digest(path: str | Path) -> str:
    """Return the SHA-256 of a file.

    Raises
    ------
    OSError
    """
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def program_digest() -> str | None:
    """Return the digest of all that makes numbers beside the inputs.

    Every file of this package and every shipped strategy, the names and versions of all
    installed distributions, the interpreter, the machine, and the threads of BLAS. None where
    another package brings models or sizings: nobody knows what those rest on.
    """
    found = hashlib.sha256()
    for folder in (PACKAGE, PACKAGE.parent / "strategies"):
        for path in sorted(_files(folder)):
            name = path[len(str(folder)) :].replace(os.sep, "/").encode()
            with open(path, "rb") as file:
                found.update(name + b"\0" + hashlib.sha256(file.read()).digest())
    installed = sorted(_distributions())
    if any(_is_plugin(path) for path in installed):
        return None
    machine = (sys.version, platform.machine(), platform.node(), os.cpu_count())
    threads = [os.environ.get(name) for name in THREADS]
    return digest_of(found.hexdigest(), [path.name for path in installed], machine, threads)


def _files(folder: Path) -> Iterator[str]:
    for place, inside, names in os.walk(folder):
        inside[:] = [name for name in inside if name != "__pycache__"]
        yield from (os.path.join(place, name) for name in names if not name.endswith(".pyc"))


def _distributions() -> Iterator[Path]:
    """Yield the folders that say which distributions are installed, in which versions."""
    for place in dict.fromkeys(sys.path):
        try:
            names = os.listdir(place or ".")
        except OSError:
            continue
        yield from (Path(place, n) for n in names if n.endswith((".dist-info", ".egg-info")))


def _is_plugin(path: Path) -> bool:
    try:
        return PLUGIN in (path / "entry_points.txt").read_text(encoding="utf-8")
    except OSError:
        return False
