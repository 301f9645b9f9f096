"""Who is at work on a folder: a lock that the system takes back when its holder dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PATIENCE = 10.0
"""Seconds to wait for another holder; what needs a lock takes milliseconds."""

ABANDONED = 24 * 3600.0
"""Seconds after which what was being written counts as left behind where there are no locks."""


@contextmanager
def claimed(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Hold a folder against other processes that claim it.

    The lock is on the folder itself, so that no file of its own is left over, and it ends with
    the process, however that ends. Windows and some network drives have no such locks: there,
    who waits is let in at once, and who does not gets only what is a day old.

    Parameters
    ----------
    folder : Path
    wait : bool
        Whether to wait for another holder to finish: `PATIENCE`, then go on without. Renaming
        is safe by itself, and the holder may be the very shell that started this process
        (``flock . eventstudy run ...``).

    Yields
    ------
    bool
        False where the folder is another's or does not exist; never where `wait` is set and
        the folder exists.
    """
    if sys.platform == "win32":
        yield wait or is_old(folder)
        return
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        # A folder that may be entered and not read cannot be locked.
        yield wait and folder.is_dir()
        return
    try:
        held = _locked(handle, wait)
        yield (wait or is_old(folder)) if held is None else held
    finally:
        os.close(handle)


if sys.platform != "win32":

    def _locked(handle: int, wait: bool) -> bool | None:
        """Lock an open folder; None where that cannot be, or took too long."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if not wait:
                    return False
                if time.monotonic() > end:
                    return None
                time.sleep(0.002)
            except OSError:
                return None


def file_claimed(handle: int) -> bool | None:
    """Hold an open file against other processes that claim it, until it is closed.

    Parameters
    ----------
    handle : int
        Of the system.

    Returns
    -------
    bool or None
        False where another has it; None where there are no such locks.
    """
    return None if sys.platform == "win32" else _locked(handle, False)


def is_old(path: Path) -> bool:
    """Return whether a file or folder was last changed longer than `ABANDONED` ago.

    One that is dated in the future is not: a clock that was set back tells nothing of its age.
    """
    try:
        return time.time() - path.stat().st_mtime > ABANDONED
    except OSError:
        return False
