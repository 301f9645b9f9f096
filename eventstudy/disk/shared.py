"""A run in a folder that keeps its identity: it holds other files, or someone works in it.

The new files are written whole into a working folder inside, which one renaming then declares
``whole``; only after that are the files of the earlier run taken away and the new ones moved in,
the manifest last. A kill on the way is made good by the next run, which finishes the moving.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Collection
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
    """Return the names in a folder that no run of ours wrote.

    A folder of a table's parts is ours where nothing else is in it.
    """
    ours = {path.name for path in left_in(place, INSIDE, "new", "whole")}
    with os.scandir(place) as entries:
        names = {e.name: e.is_dir(follow_symlinks=False) for e in entries}
    own = own_names(place) or frozenset()
    written = {
        n for n, folder in names.items() if (_all_own(place, n, own) if folder else n in own)
    }
    return set(names) - written - ours


def _all_own(place: Path, name: str, own: Collection[str]) -> bool:
    """Return whether a folder holds files that a run wrote there and nothing else."""
    if not any(file.startswith(f"{name}/") for file in own):
        return False
    try:
        with os.scandir(place / name) as entries:
            inside = [(f"{name}/{e.name}", e.is_dir(follow_symlinks=False)) for e in entries]
    except FileNotFoundError:
        return False
    return bool(inside) and all(file in own and not folder for file, folder in inside)


def discard(place: Path, name: str) -> None:
    """Remove a file that a run wrote, and its folder with the last part of a table.

    A folder of the file's name is none.
    """
    path = place / name
    if path.is_symlink() or not path.is_dir():
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
    if "/" in name:
        with contextlib.suppress(OSError):
            path.parent.rmdir()


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
    own = own_names(place) or frozenset()
    firsts = {name.partition("/")[0] for name in names}
    lost = sorted(
        name
        for name in names | firsts
        if os.path.lexists(place / name) and not _is_ours(place, name, names, own)
    )
    if lost:
        raise FileExistsError(
            errno.EEXIST,
            f"no run of eventstudy wrote the {', '.join(lost)} that stands there and would be "
            "lost; name another folder, or move it away",
        )


def _is_ours(place: Path, name: str, names: set[str], own: Collection[str]) -> bool:
    """Return whether what stands under a name may go, or is a folder that parts may come into."""
    path = place / name
    if path.is_symlink() or not path.is_dir():
        return name in own
    return name not in names or _all_own(place, name, own)


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
                discard(place, name)
        for name in in_order(new):
            with contextlib.suppress(FileNotFoundError):
                _move(whole, place, name)
        with contextlib.suppress(OSError):
            whole.rmdir()
        sync(place)


def _move(whole: Path, place: Path, name: str) -> None:
    """Move a file from a working folder to its place, and with the last part its folder away."""
    source = whole / name
    if "/" in name and source.is_file():
        (place / name).parent.mkdir(exist_ok=True)
    source.replace(place / name)
    if "/" in name:
        with contextlib.suppress(OSError):
            source.parent.rmdir()
