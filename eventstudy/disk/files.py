"""Files: written whole or not at all, and where downloads are kept."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from eventstudy.disk.unfinished import begun


def cache_folder() -> Path:
    """Return where downloads are kept.

    ``EVENTSTUDY_CACHE``, else ``eventstudy`` under ``XDG_CACHE_HOME`` or the platform's own
    place for caches.
    """
    own = os.environ.get("EVENTSTUDY_CACHE")
    if own:
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return Path(base).expanduser() / "eventstudy"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "eventstudy"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "eventstudy"
    return Path.home() / ".cache" / "eventstudy"


def write_whole(path: Path, write: Callable[[BinaryIO], object], *, mode: int = 0o644) -> Path:
    """Write a file beside its place and move it there: a reader sees all of it or none.

    Its content is on the disk before it has the name, so that a power failure leaves the file
    that was there or this one. What a killed writer left in the folder is removed.

    Parameters
    ----------
    path : Path
        Missing folders on the way are made.
    write : callable
        Given the open file.
    mode : int
        Permissions of the file.

    Returns
    -------
    Path

    Raises
    ------
    OSError
        Where the folder cannot be written to.
    """
    _make_folder(path.parent)
    handle, name = begun(path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if sys.platform == "win32":
                file.close()  # elsewhere it stays open, and with it locked, until it has its name
            os.chmod(name, mode)
            os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    return path


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        # A file stands where a folder should: that it exists is not what is wrong with it.
        why = os.strerror(errno.ENOTDIR)
        raise NotADirectoryError(errno.ENOTDIR, why, error.filename) from None


def content_of(write: Callable[[BinaryIO], object]) -> bytes:
    """Return what a writer writes."""
    file = BytesIO()
    write(file)
    return file.getvalue()
