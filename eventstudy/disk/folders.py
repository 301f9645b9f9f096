"""A folder put in place whole, so that a kill at any moment leaves the old one or the new.

The files are written into a working folder beside the place. Where the place is free, empty or
nothing but an earlier run, the working folder takes it by renaming, the earlier run having been
moved aside; a kill between the two renames leaves the earlier run under its name aside, from
where `recover` brings it back. A place that holds anything else is never moved: see
`eventstudy.disk.shared`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

from eventstudy.disk.files import write_whole
from eventstudy.disk.lease import claimed
from eventstudy.disk.seal import (
    SEAL,
    described,
    in_order,
    own_names,
    sealed_text,
    stays_inside,
)
from eventstudy.disk.shared import (
    discard,
    finish,
    merge,
    must_stay,
    refuse_strangers,
    strangers,
)
from eventstudy.disk.working import (
    INSIDE,
    clear_abandoned,
    left_in,
    may_write,
    named,
    read_only,
    staged,
    stem_of,
    sync,
)
from eventstudy.errors import EventStudyError

Writer = Callable[[BinaryIO], object]


class FolderWriter(ABC):
    """A writer whose file may as well be a folder of files, such as a table in parts."""

    @abstractmethod
    def __call__(self, file: BinaryIO) -> object:
        """Write all of it into one open file."""

    @abstractmethod
    def into(self, folder: Path, name: str) -> object:
        """Write files, no folders, into ``folder/name``."""


@dataclass(frozen=True)
class MadeFolder(FolderWriter):
    """A folder that was made in a `workshop` and is moved from there.

    Attributes
    ----------
    made : Path
    """

    made: Path

    def __call__(self, file: BinaryIO) -> object:
        """Refuse: a folder does not go into a file."""
        raise TypeError(f"{self.made.name} is a folder")

    def into(self, folder: Path, name: str) -> object:
        """Move it to ``folder/name``."""
        return self.made.rename(folder / name)


TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
IMMOVABLE = (errno.EPERM, errno.EACCES, errno.EBUSY, errno.EXDEV)


def write_folder(
    target: str | Path, files: Mapping[str, Writer], manifest: Mapping[str, object]
) -> list[Path]:
    """Put a run's files into a folder, all of them or none.

    An earlier run in the folder is replaced; files that no run wrote are kept.

    Parameters
    ----------
    target : str or Path
        The folder; missing ones on the way are made.
    files : mapping of str to callable
        By file name, what writes the open file it is given; a `FolderWriter` makes a folder.
    manifest : mapping
        Written as manifest.json, with names, sizes and hashes of the files.

    Returns
    -------
    list of Path
        Of the files, the manifest last.

    Raises
    ------
    EventStudyError
        Where the folder cannot be written, or a file of the user's own would be lost.
    """
    with _told(target):
        place = _resolved(target)
        with contextlib.ExitStack() as work:
            stage, stays = _begun(place, work)
            _fill(stage, files, manifest)
            if stays or not _swap(stage, place):
                merge(stage, place)
    return [Path(target) / name for name in (*files, SEAL)]


@contextmanager
def workshop(target: str | Path) -> Iterator[Path]:
    """Make a working folder for what `write_folder` is to put into a folder later.

    It is gone with the end, and removed by the next run where this one is killed. Errors that
    name a file in it name the one that would have been in the folder.

    Parameters
    ----------
    target : str or Path
        The folder; missing ones on the way are made.

    Raises
    ------
    EventStudyError
        Where none can be made.
    """
    with contextlib.ExitStack() as work:
        with _told(target):
            stage, _ = _begun(_resolved(target), work)
        try:
            yield stage
        except EventStudyError as error:
            if str(stage) not in str(error):
                raise
            said = str(error).replace(str(stage), os.fspath(target))
            raise EventStudyError(said) from None


def _begun(place: Path, work: contextlib.ExitStack) -> tuple[Path, bool]:
    """Return a working folder that lasts as long as the work, and whether the place must stay."""
    place.parent.mkdir(parents=True, exist_ok=True)
    # The working folder is made under the lock: whoever looks next sees that it lives.
    with claimed(place.parent, wait=True):
        _recover(place)
        stays = must_stay(place)
        where = (place, INSIDE) if stays else (place.parent, stem_of(place))
        return work.enter_context(staged(*where)), stays


def keep_folder(
    parent: str | Path, name: str, files: Mapping[str, Writer], manifest: Mapping[str, object]
) -> Path:
    """Put a run's files into a folder of its own among others; see `write_folder`.

    Returns
    -------
    Path
        ``parent/name``, or ``parent/name-2`` and so on where that is taken.
    """
    with _told(parent):
        place = _resolved(parent)
        place.mkdir(parents=True, exist_ok=True)
        clear_abandoned(place, INSIDE)
        with staged(place, INSIDE) as stage:
            _fill(stage, files, manifest)
            for n in count(1):
                free = name if n == 1 else f"{name}-{n}"
                if not os.path.lexists(place / free) and _moved(stage, place / free):
                    break
        sync(place)
    return Path(parent) / free


def check_place(target: str | Path, names: Collection[str] | None) -> None:
    """Refuse early what `write_folder` would refuse after the work; mend what a kill left.

    Parameters
    ----------
    target : str or Path
    names : collection of str or None
        Files that may be written; None for a folder that takes kept runs.

    Raises
    ------
    EventStudyError
        Where the folder is a file, cannot be written, or holds files of these names that no
        run wrote.
    """
    with _told(target):
        place = _resolved(target)
        near = next(p for p in (place, *place.parents) if os.path.lexists(p))
        if not near.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{near.name} is a file, not a folder")
        if not may_write(near):
            why = errno.EROFS if read_only(near) else errno.EACCES
            raise OSError(why, os.strerror(why))
        if names is None:
            return
        recover(place)
        if place.is_dir():
            refuse_strangers(place, {*names, SEAL})


def recover(target: str | Path) -> None:
    """Bring a place into order after a run that was killed while it wrote there.

    Raises
    ------
    OSError
        Where it cannot be written to.
    """
    place = _resolved(target)
    if place.parent.is_dir():
        with claimed(place.parent, wait=True):
            _recover(place)


def _recover(place: Path) -> None:
    for aside in left_in(place.parent, stem_of(place), "old"):
        # What is in the place may be the user's: only a run there makes the old one needless.
        if not _moved(aside, place) and own_names(place) is not None:
            _condemn(aside, place)
    for gone in left_in(place.parent, stem_of(place), "gone"):
        _remove_run(gone, place)
    clear_abandoned(place.parent, stem_of(place))
    if place.is_dir():
        finish(place)
        clear_abandoned(place, INSIDE)


def _fill(stage: Path, files: Mapping[str, Writer], manifest: Mapping[str, object]) -> None:
    for name, write in files.items():
        if not stays_inside(name):
            raise ValueError(f"{name!r} is no name of a file in a folder")
        with _named(name):
            if isinstance(write, FolderWriter):
                write.into(stage, name)
                sync(stage / name)
            else:
                write_whole(stage / name, write)
    text = sealed_text(manifest, described(stage, files))
    with _named(SEAL):
        write_whole(stage / SEAL, lambda file: file.write(text.encode()))
    sync(stage)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Name the file that cannot be written as the user knows it: no working folder's."""
    try:
        yield
    except OSError as error:
        error.filename = name
        raise
    except EventStudyError as error:
        if isinstance(error.__context__, OSError):  # of a table in parts
            raise OSError(error.__context__.errno, error.__context__.strerror, name) from None
        raise


def _swap(stage: Path, place: Path) -> bool:
    """Give a place to a working folder; False where the place has to stay as it is."""
    with claimed(place.parent, wait=True):
        if place.is_dir():
            shutil.copymode(place, stage)
        while not _moved(stage, place):
            if must_stay(place):
                return False
            aside = named(place.parent, stem_of(place), "old")
            try:
                place.rename(aside)
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno in IMMOVABLE:
                    return False
                raise
            try:
                moved = _moved(stage, place)
            except BaseException:
                with contextlib.suppress(OSError):
                    aside.rename(place)
                raise
            _condemn(aside, place)
            if moved:
                break
        sync(place.parent)
    return True


def _moved(folder: Path, place: Path) -> bool:
    """Rename a folder; False where something else has the place."""
    try:
        folder.rename(place)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True


def _condemn(aside: Path, place: Path) -> None:
    """Remove a run that was moved aside and is not needed any more."""
    sync(place.parent)
    gone = named(place.parent, stem_of(place), "gone")
    aside.rename(gone)
    _remove_run(gone, place)


def _remove_run(gone: Path, place: Path) -> None:
    """Remove a run's own files and its folder; what else is there goes to the place."""
    for name in in_order(own_names(gone) or ()):
        discard(gone, name)
    for name in strangers(gone):
        if not os.path.lexists(place / name):
            (gone / name).rename(place / name)
    with contextlib.suppress(OSError):
        gone.rmdir()


def _resolved(target: str | Path) -> Path:
    """Return the place itself where a link stands for it."""
    return Path(os.path.realpath(target))


@contextmanager
def _told(target: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why, name = error.strerror or error, error.filename
        # Names of the run's own files stand alone; those of working folders are whole paths.
        inside = isinstance(name, str) and bool(name) and not os.path.isabs(name)
        file = os.path.join(target, name) if inside else os.fspath(target)
        raise EventStudyError(f"{file}: cannot be written: {why}") from None
