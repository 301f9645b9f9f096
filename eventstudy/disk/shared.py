"""A run in a folder that keeps its identity: it holds other files, or someone works in it.

The new files are written whole into a working folder inside, which one renaming then declares
``whole``; only after that are the files of the earlier run taken away and the new ones moved in,
the manifest last. A kill on the way is made good by the next run, which finishes the moving.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from eventstudy.disk.lease import claimed
from eventstudy.disk.seal import in_order, own_names
from eventstudy.disk.working import INSIDE, left_in, may_write, named, sync


def must_stay(place: Path) -> bool:
    """Return whether a folder cannot be replaced as a whole.

    It holds what no run of ours wrote, is the folder that this process works in or above it,
    is mounted, or may not be moved.
    """
    if not place.is_dir():
        return False
    return bool(
        strangers(place)
        or left_in(place, INSIDE, "new", "whole")
        or _holds_us(place)
        or os.path.ismount(place)
        or not may_write(place.parent)
        or not may_write(place)
    )


def strangers(place: Path) -> set[str]:
    """Return the names in a folder that no run of ours wrote."""
    ours = {path.name for path in left_in(place, INSIDE, "new", "whole")}
    with os.scandir(place) as entries:
        files = {e.name: not e.is_dir(follow_symlinks=False) for e in entries}
    written = {name for name in own_names(place) or () if files.get(name)}
    return set(files) - written - ours


def discard(path: Path) -> None:
    """Remove a file that a run wrote; a folder of its name is none."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)


def _holds_us(place: Path) -> bool:
    try:
        return Path.cwd().resolve().is_relative_to(place)
    except OSError:
        return False


def refuse_strangers(place: Path, names: set[str]) -> None:
    """Refuse to write over files that no run of ours wrote.

    Raises
    ------
    FileExistsError
        With their names.
    """
    lost = sorted(strangers(place) & names)
    if lost:
        raise FileExistsError(
            errno.EEXIST,
            f"no run of eventstudy wrote the {', '.join(lost)} that stands there and would be "
            "lost; name another folder, or move it away",
        )


def merge(stage: Path, place: Path) -> None:
    """Move the files of a working folder into a place, instead of an earlier run's.

    Raises
    ------
    FileExistsError
        Where a file of the user's own would be lost.
    OSError
        Where the place cannot be written to.
    """
    with claimed(place, wait=True):
        _finish_all(place)
        refuse_strangers(place, set(own_names(stage) or ()))
        whole = named(place, INSIDE, "whole")
        stage.rename(whole)
        sync(place)
        _finish_all(place)


def finish(place: Path) -> None:
    """Finish what killed runs began to move into a place."""
    if left_in(place, INSIDE, "whole"):
        with claimed(place, wait=True):
            _finish_all(place)


def _finish_all(place: Path) -> None:
    for whole in left_in(place, INSIDE, "whole"):
        # The manifest comes last: until then both lists are there, whenever the kill came.
        new = own_names(whole) or frozenset()
        refuse_strangers(place, {name for name in new if (whole / name).exists()})
        if new:
            for name in (own_names(place) or frozenset()) - new:
                discard(place / name)
        for name in in_order(new):
            with contextlib.suppress(FileNotFoundError):
                (whole / name).replace(place / name)
        with contextlib.suppress(OSError):
            whole.rmdir()
        sync(place)
