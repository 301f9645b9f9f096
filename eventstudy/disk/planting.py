"""Files of the user's own put into a folder: all of them or none, nothing lost unasked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eventstudy.disk.files import write_whole
from eventstudy.disk.lease import claimed
from eventstudy.disk.working import HIDDEN, INSIDE, clear_abandoned, staged, stem_of
from eventstudy.errors import EventStudyError


@dataclass(frozen=True, slots=True)
class Planted:
    """What was written, or would be.

    Attributes
    ----------
    files : tuple of Path
        All of them.
    replaced : tuple of Path
        Those that were there before.
    """

    files: tuple[Path, ...]
    replaced: tuple[Path, ...]


def plant(
    target: str | Path,
    files: Mapping[str, bytes],
    *,
    overwrite: bool = False,
    dry_run: bool = False,
) -> Planted:
    """Put files into a folder that is the user's from then on.

    A place that is free gets the folder whole, by one renaming. Into a folder that holds other
    files each file is moved; where one cannot be, those before it are taken back.

    Parameters
    ----------
    target : str or Path
        Missing folders on the way are made.
    files : mapping of str to bytes
        By name, which may lead through folders: ``strategies/idea.py``.
    overwrite : bool
        Whether files of these names may be replaced.
    dry_run : bool
        Whether to look only: what would be refused is refused, nothing is written.

    Raises
    ------
    EventStudyError
        Where files of such names are there, all of them named, or the folder cannot be
        written.
    """
    paths = tuple(Path(target) / name for name in files)
    there = tuple(path for path in paths if os.path.lexists(path))
    _refuse(target, there, overwrite)
    if dry_run:
        return Planted(paths, there)
    place = Path(os.path.realpath(target))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        inside = place.is_dir() and (any(place.iterdir()) or place == Path.cwd())
        where = (place, INSIDE) if inside else (place.parent, stem_of(place))
        clear_abandoned(*where)
        with staged(*where) as stage:
            for name, content in files.items():
                with _named(place / name):
                    _write(stage / name, content)
            if inside:
                _move(stage, place, list(files))
            else:
                stage.rename(place)
    except OSError as error:
        raise EventStudyError(
            f"{_shown(error, target)}: cannot be written: {error.strerror or error}"
        ) from None
    return Planted(paths, there)


def _refuse(target: str | Path, there: tuple[Path, ...], overwrite: bool) -> None:
    """Refuse, with every reason, to lose what is there."""
    path = Path(target)
    near = next(p for p in (path, *path.parents) if os.path.lexists(p) or p == p.parent)
    faults = [] if near.is_dir() or not os.path.lexists(near) else [f"{near} is no folder"]
    faults += [f"{p} is a folder" for p in there if p.is_dir()]
    if not overwrite:
        faults += [f"{p} is there already" for p in there if not p.is_dir()]
    if faults:
        hint = "" if overwrite or not there else "; --force replaces files of these names"
        raise EventStudyError("; ".join(faults) + f": nothing is written{hint}")


def _shown(error: OSError, target: str | Path) -> str:
    """Return the file that an error is about; a working folder is none of the user's."""
    names = [f for f in (error.filename2, error.filename) if isinstance(f, str)]
    own = [f for f in names if not any(HIDDEN.fullmatch(part) for part in Path(f).parts)]
    return own[0] if own else os.fspath(target)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = os.fspath(path)
        raise


def _write(path: Path, content: bytes) -> None:
    write_whole(path, lambda file: file.write(content))


def _move(stage: Path, place: Path, names: list[str]) -> None:
    """Move files into a folder; after a failure it is as it was before."""
    undo: list[tuple[Path, bytes | None]] = []
    made: list[Path] = []
    try:
        for name in names:
            file = place / name
            made += _folders(file.parent)
            before = file.read_bytes() if file.is_file() else None
            (stage / name).replace(file)
            undo.append((file, before))
    except BaseException:
        for file, before in reversed(undo):
            if before is None:
                file.unlink(missing_ok=True)
            else:
                _write(file, before)
        for folder in reversed(made):
            folder.rmdir()
        raise


def _folders(folder: Path) -> list[Path]:
    """Make a folder; return those that were not there, the outermost first."""
    missing = [p for p in (folder, *folder.parents) if not os.path.lexists(p)]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Keep other processes of ours from writing files of a folder until the work is done."""
    with claimed(folder, wait=True):
        yield
