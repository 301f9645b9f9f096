"""Files that are being written under a name of their own, and those whose writers died."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from eventstudy.disk.lease import file_claimed, is_old

WRITING = ".writing-"
"""What the names of such files begin with; no reader looks at them."""

_NAME = re.compile(re.escape(WRITING) + "[a-z0-9_]{8}")


def begun(folder: Path) -> tuple[int, str]:
    """Make a file to write in a folder, locked as long as it is open.

    What killed writers left there is removed, once a process.

    Returns
    -------
    (int, str)
        The open handle, and the path.

    Raises
    ------
    OSError
        Where no file can be made there.
    """
    _cleared_once(os.fspath(folder), os.getpid())
    while True:
        handle, name = tempfile.mkstemp(prefix=WRITING, dir=folder)
        # Another process may have taken it for a dead one's before it was locked.
        if file_claimed(handle) is not False and os.fstat(handle).st_nlink:
            return handle, name
        os.close(handle)
        with contextlib.suppress(OSError):
            os.unlink(name)


def clear_unfinished(folder: str | Path) -> None:
    """Remove the files of a folder whose writers died."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for path in [entry.path for entry in entries if _NAME.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):
                _remove_dead(path)


@lru_cache(maxsize=256)
def _cleared_once(folder: str, process: int) -> None:
    """Clear a folder; a process that was forked looks for itself."""
    clear_unfinished(folder)


def _remove_dead(path: str) -> None:
    # A name that leads elsewhere, or a pipe, is none of ours and must not be waited for.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, os.O_RDONLY | flags)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return
        mine = file_claimed(handle)
        dead = is_old(Path(path)) if mine is None else mine
        if dead and sys.platform != "win32":
            os.unlink(path)
    finally:
        os.close(handle)
    if dead and sys.platform == "win32":  # where an open file cannot be removed
        os.unlink(path)
