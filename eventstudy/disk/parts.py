"""A table of any length as a folder of Parquet files: ``NAME/part-00000.parquet`` and so on.

Rows are handed over in pieces and leave memory with the part that they fill. A part is written
beside its place and moved there, so that a reader never meets half of one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from eventstudy.disk.columns import as_arrow, cast, compact
from eventstudy.disk.lease import claimed
from eventstudy.disk.reading import PART
from eventstudy.disk.unfinished import WRITING, begun
from eventstudy.disk.working import (
    HIDDEN,
    clear_abandoned,
    left_in,
    named,
    staged,
    stem_of,
    sync,
)
from eventstudy.errors import EventStudyError

ROWS_OF_A_PART = 1_000_000
ROWS_OF_A_GROUP = 131_072


class PartWriter:
    """Write one table of results to a folder of Parquet files, part by part.

    Used with ``with``. On its own it has the whole set: parts gather in a working folder beside
    the place, which takes the place at the end; an earlier set there is replaced, and after an
    error it stands as it was. With `first`, or through ``write(..., part=)``, it is one of
    several that fill one set: each part goes straight to its place, whole or not at all, one of
    the same number is replaced (a worker that tries again writes the same part), and after an
    error the parts that this writer made are taken away.

    Parameters
    ----------
    folder : str or Path
        Missing folders on the way are made.
    name : str
        Of the table, such as ``abnormal``: the parts are ``folder/name/part-00000.parquet``.
    schema : pyarrow.Schema, optional
        Columns and types; by default those of the first rows that are written.
    first : int, optional
        Number of the first part, for one of several writers.
    step : int
        From one part's number to the next: writer k of n takes ``first=k, step=n``.
    rows : int
        Of a part. What is held in memory is a row group, `ROWS_OF_A_GROUP` rows at most,
        beside the rows handed over.

    Raises
    ------
    EventStudyError
        Where the folder cannot be written, or holds in the place what is no set of parts.

    Examples
    --------
    >>> with PartWriter("out", "abnormal") as writer:  # doctest: +SKIP
    ...     for chunk in chunks:
    ...         writer.write({"event_id": ids[chunk], "day": days[chunk], "ar": ar[chunk]})
    """

    def __init__(
        self,
        folder: str | Path,
        name: str,
        schema: Any = None,
        *,
        first: int | None = None,
        step: int = 1,
        rows: int = ROWS_OF_A_PART,
    ) -> None:
        self.place = Path(os.path.realpath(folder)) / name
        self.schema = schema
        self.rows_written = 0
        self._shared = first is not None
        self._next, self._step, self._rows = first or 0, step, rows
        self._held: list[Any] = []
        self._held_rows = 0
        self._looked = False
        self._open: _OpenPart | None = None
        self._made: list[Path] = []
        self._work = contextlib.ExitStack()
        self._stage: Path | None = None

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    @property
    def parts(self) -> tuple[Path, ...]:
        """The parts that this writer finished, in the order in which it did."""
        return tuple(self.place / path.name for path in self._made)

    def write(self, table: Any, *, part: int | None = None) -> None:
        """Add rows.

        Parameters
        ----------
        table : pyarrow.Table, DataFrame, or mapping of str to array-like of length n
            Text is stored as codes of its distinct labels; NaN is stored as null. Columns of
            codes and labels may be handed over as a pandas Categorical or a
            pyarrow.DictionaryArray, which costs least.
        part : int, optional
            Make these rows the whole of this part, in a set that several writers fill. Without
            it they follow those before them.

        Raises
        ------
        EventStudyError
            Where columns differ from those before, or the disk takes no more.
        """
        rows = self._fitted(table)
        self.rows_written += rows.num_rows
        if part is not None:
            if not self._shared and self._stage is not None:
                raise EventStudyError(
                    f"{self.place.name}: rows without a part number came before part {part}; "
                    "number all of them, or give first="
                )
            self._shared = True
            self._whole_part(rows, part)
            return
        while rows.num_rows:
            fits = min(rows.num_rows, self._room())
            self._add(rows.slice(0, fits))
            rows = rows.slice(fits)

    def close(self) -> None:
        """Finish the last part and put the set into its place."""
        try:
            self._finish_part()
            if not self._shared:
                self._stage_for_schema()
                self._take_place()
        except BaseException:
            self.abandon()
            raise
        self._work.close()

    def abandon(self) -> None:
        """Take away what this writer wrote; what was there before it stays."""
        if self._open is not None:
            self._open.discard()
            self._open = None
        self._held, self._held_rows = [], 0
        if self._shared:
            for path in self._made:
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self.place.rmdir()
        self._made = []
        self._work.close()

    def _fitted(self, table: Any) -> Any:
        """Return rows as an Arrow table of this set's columns."""
        import pyarrow as pa

        try:
            given = as_arrow(table)
            if self.schema is None:
                self.schema = given.schema
            if given.schema.equals(self.schema):
                return given
            if sorted(given.column_names) != sorted(self.schema.names):
                raise ValueError(f"{given.column_names} instead of {self.schema.names}")
            ordered = given.select(self.schema.names)
            columns = [
                cast(ordered.column(field.name), field.type).combine_chunks()
                for field in self.schema
            ]
            return pa.Table.from_arrays(columns, schema=self.schema)
        except (ValueError, TypeError, NotImplementedError) as error:
            # Arrow's own errors derive from these.
            raise EventStudyError(
                f"{self.place.name}: these rows cannot be written beside those before: {error}"
            ) from None

    def _room(self) -> int:
        """Return how many rows the part at work still takes."""
        return self._rows - self._held_rows - (self._open.rows if self._open else 0)

    def _add(self, rows: Any) -> None:
        self._held.append(rows)
        self._held_rows += rows.num_rows
        full = not self._room()
        if full or self._held_rows >= ROWS_OF_A_GROUP:
            self._flush()
        if full:
            self._finish_part()

    def _flush(self) -> None:
        """Write what is held as row groups of the part at work."""
        if not self._held:
            return
        import pyarrow as pa

        table = pa.concat_tables(self._held)
        self._held, self._held_rows = [], 0
        with _told(self.place):
            if self._open is None:
                self._open = _OpenPart(self._here(), self.schema)
            self._open.add(table)

    def _finish_part(self) -> None:
        self._flush()
        if self._open is None:
            return
        with _told(self.place):
            self._made.append(self._open.finish(_part_name(self._next)))
        self._open = None
        self._next += self._step

    def _whole_part(self, rows: Any, number: int) -> None:
        with _told(self.place):
            self._open = _OpenPart(self._here(), self.schema)
            self._open.add(rows)
            self._made.append(self._open.finish(_part_name(number)))
        self._open = None

    def _here(self) -> Path:
        """Return the folder that parts are written into, made where it is not there."""
        if self._shared:
            if not self._looked:
                _refuse_others(self.place)
                self.place.mkdir(parents=True, exist_ok=True)
                self._looked = True
            return self.place
        if self._stage is None:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            with _held(self.place):
                _recover(self.place)
                _refuse_others(self.place)
                stem = stem_of(self.place)
                clear_abandoned(self.place.parent, stem)
                self._stage = self._work.enter_context(staged(self.place.parent, stem))
        return self._stage

    def _stage_for_schema(self) -> None:
        """Give a set without rows a part without rows, so that its columns are known."""
        if self._made or self.schema is None:
            return
        with _told(self.place):
            self._open = _OpenPart(self._here(), self.schema)
        self._finish_part()

    def _take_place(self) -> None:
        if self._stage is None:
            return
        with _told(self.place):
            sync(self._stage)
            aside = None
            with _held(self.place):
                if self.place.is_dir():
                    aside = named(self.place.parent, stem_of(self.place), "old")
                    self.place.rename(aside)
                try:
                    self._stage.rename(self.place)
                except BaseException:
                    if aside is not None:
                        aside.rename(self.place)
                    raise
                sync(self.place.parent)
            if aside is not None:
                shutil.rmtree(aside, ignore_errors=True)


class _OpenPart:
    """A part that is being written, under a name that no reader looks at."""

    def __init__(self, folder: Path, schema: Any) -> None:
        import pyarrow.parquet as pq

        self.rows = 0
        handle, name = begun(folder)
        self._path = Path(name)
        self._file = os.fdopen(handle, "wb")
        # Measured figures seldom repeat: to look for repeats among them costs a third of the time.
        repeats = [f.name for f in schema if not str(f.type).startswith(("double", "float"))]
        self._writer = pq.ParquetWriter(self._file, schema, use_dictionary=repeats)

    def add(self, table: Any) -> None:
        """Write rows as groups, each with the labels that it uses and no others."""
        for begin in range(0, table.num_rows, ROWS_OF_A_GROUP):
            group = table.slice(begin, ROWS_OF_A_GROUP)
            self._writer.write_table(compact(group), row_group_size=group.num_rows)
        self.rows += table.num_rows

    def finish(self, name: str) -> Path:
        """Put the part into its place and return that."""
        try:
            self._writer.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            if sys.platform == "win32":
                self._file.close()  # elsewhere it stays open, and with it locked
            os.chmod(self._path, 0o644)
            place = self._path.with_name(name)
            os.replace(self._path, place)
            self._file.close()
        except BaseException:
            self.discard()
            raise
        return place

    def discard(self) -> None:
        with contextlib.suppress(Exception):
            self._writer.close()
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink()


def _part_name(number: int) -> str:
    return f"part-{number:05d}.parquet"


def _refuse_others(place: Path) -> None:
    """Refuse a place that holds anything but parts: it would be lost."""
    if not os.path.lexists(place):
        return
    if not place.is_dir():
        raise EventStudyError(f"{place}: is a file, where a folder of parts is to be")
    strange = sorted(
        path.name
        for path in place.iterdir()
        if not PART.fullmatch(path.name) and not path.name.startswith(WRITING)
    )
    if strange:
        shown = ", ".join(strange[:5]) + (", ..." if len(strange) > 5 else "")
        raise EventStudyError(
            f"{place}: holds {shown}, which is no part of a table and would be lost; name "
            "another folder, or move it away"
        )


@contextlib.contextmanager
def _held(place: Path) -> Iterator[None]:
    """Keep others from moving sets of parts in a folder; in a working folder there are none."""
    if HIDDEN.fullmatch(place.parent.name):
        yield
        return
    with claimed(place.parent, wait=True):
        yield


def _recover(place: Path) -> None:
    """Bring back an earlier set where a kill came between its moving aside and the new one."""
    for aside in left_in(place.parent, stem_of(place), "old"):
        if place.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.rename(place)


@contextlib.contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise EventStudyError(f"{place}: cannot be written: {why}") from None
