"""Row groups of Parquet files: which have to be read, and their cells as arrays."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.errors import Fault
from eventstudy.prices.address import StoredFile
from eventstudy.prices.cells import FIRST_DAY, LAST_DAY, OTHER_YEARS, SHOWN_OF_A_KIND, day_of
from eventstudy.prices.contract import PriceInputError
from eventstudy.prices.footer import decoded, stated_bounds
from eventstudy.prices.layout import Layout, read_layout
from eventstudy.prices.table import Floats

Ints = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

MOST_CELLS = 1 << 29
"""Of one row group: 4 GB of figures, which a file of a few bytes could ask for."""
NO_DAY = np.int32(-(2**31))
_FIRST, _LAST = (int(day.astype(int)) for day in (FIRST_DAY, LAST_DAY))

# Read as codes and labels, so that millions of cells cost what their distinct texts do.
_CODED = {form(name) for name in ("ticker", "symbol") for form in (str, str.title, str.upper)}


@dataclass(eq=False)
class FaultCounts:
    """Faults of cells: the first of a kind with row and value, the others counted."""

    faults: list[Fault] = field(default_factory=list)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(
        self,
        where: str,
        first_row: int,
        column: str,
        rows: npt.NDArray[Any],
        values: Sequence[Any],
        problem: str,
    ) -> None:
        """Note a problem of some rows of a row group.

        Parameters
        ----------
        where : str
            File and row group.
        first_row : int
            Line of the group's first row in its file, the first row of a file being line 2.
        column : str
        rows : ndarray of int
            Rows of the group.
        values : sequence, one a row
            What stands there.
        problem : str
        """
        kind = (column, problem)
        room = max(SHOWN_OF_A_KIND - self.counts.get(kind, 0), 0)
        self.counts[kind] = self.counts.get(kind, 0) + len(rows)
        for row, value in zip(rows[:room].tolist(), values[:room], strict=True):
            text = "" if value is None else str(value)
            self.faults.append(Fault(where, problem, first_row + row, column, text))

    def all(self, label: str) -> list[Fault]:
        """Return the faults, and what is beyond those shown as one fault a kind."""
        further = [
            Fault(label, f"{problem} ({n - SHOWN_OF_A_KIND:,} more rows)", column=column,
                  count=n - SHOWN_OF_A_KIND)
            for (column, problem), n in self.counts.items() if n > SHOWN_OF_A_KIND
        ]  # fmt: skip
        return [*self.faults, *further]


@dataclass(frozen=True, eq=False)
class PriceFile:
    """A Parquet file with what its header means.

    Attributes
    ----------
    stored : StoredFile
    fragment : pyarrow.dataset.ParquetFileFragment
    header : tuple of str
    layout : Layout
    """

    stored: StoredFile
    fragment: Any
    header: tuple[str, ...]
    layout: Layout

    @cached_property
    def metadata(self) -> Any:
        """Footer of the file; nothing else of it is read."""
        return self.fragment.metadata

    @cached_property
    def _leaves(self) -> dict[str, int]:
        """Position of each column in the footer, which counts the leaves of nested ones too."""
        schema = self.metadata.schema
        return {schema.column(i).path: i for i in range(len(schema))}

    @cached_property
    def _stated(self) -> list[list[tuple[int, bytes, bytes] | None]]:
        return stated_bounds(self.metadata)

    def first_row(self, group: int) -> int:
        """Return the line of a row group's first row, the first row of the file being line 2."""
        before: int = sum(self.metadata.row_group(i).num_rows for i in range(group))
        return 2 + before

    def where(self, group: int) -> str:
        """Return what faults call a row group; it is counted from zero, as in the file."""
        return f"{self.stored.shown}, row group {group}"

    def bounds(self, group: int, column: int) -> tuple[Any, Any] | None:
        """Return the least and the greatest value of a row group; None where it does not say."""
        leaf = self._leaves.get(self.header[column])
        if leaf is None:
            return None
        stated = self._stated
        if group >= len(stated) or leaf >= len(stated[group]):
            return None
        return decoded(stated[group][leaf], self.fragment.physical_schema.field(column).type)

    def _refuse_bomb(self, group: int, columns: int) -> None:
        rows = self.metadata.row_group(group).num_rows
        if rows * columns > MOST_CELLS:
            raise ValueError(f"{rows:,} rows in one row group; {MOST_CELLS:,} cells are allowed")

    def read(self, group: int, columns: Sequence[int]) -> dict[int, Any]:
        """Return columns of a row group as Arrow arrays, by position in the header."""
        names = [self.header[at] for at in columns]
        try:
            self._refuse_bomb(group, len(names))
            table = self.fragment.subset(row_group_ids=[group]).to_table(columns=names)
            stated = self.metadata.row_group(group).num_rows
            if table.num_rows != stated:
                raise ValueError(f"{table.num_rows:,} rows where the footer says {stated:,}")
        except (OSError, ValueError, TypeError, NotImplementedError) as error:
            problem = f"cannot be read: {error}"
            raise PriceInputError([Fault(self.where(group), problem)]) from None
        return {
            at: table.column(name).combine_chunks() for at, name in zip(columns, names, strict=True)
        }


def open_file(system: Any, stored: StoredFile) -> PriceFile:
    """Return a Parquet file by its footer.

    Raises
    ------
    PriceInputError
        Where it cannot be read, or its columns are no prices.
    """
    import pyarrow.dataset as ds

    options = ds.ParquetReadOptions(dictionary_columns=_CODED)
    try:
        fragment = ds.ParquetFileFormat(read_options=options).make_fragment(stored.path, system)
        header = tuple(fragment.physical_schema.names)
    except (OSError, ValueError, TypeError, NotImplementedError) as error:
        raise PriceInputError([Fault(stored.shown, f"cannot be read: {error}")]) from None
    return PriceFile(stored, fragment, header, read_layout(stored.shown, header))


def may_hold_names(bounds: tuple[Any, Any] | None, names: Sequence[str]) -> bool:
    """Return whether one of these names, sorted, can lie within the bounds of a row group."""
    if bounds is None or not all(isinstance(bound, str) for bound in bounds):
        return True
    return bisect_left(names, bounds[0]) < bisect_right(names, bounds[1])


def may_hold_days(bounds: tuple[Any, Any] | None, first: date | None, last: date | None) -> bool:
    """Return whether a day from `first` to `last` can lie within the bounds of a row group."""
    if bounds is None:
        return True
    low, high = (_day_bound(bound) for bound in bounds)
    # A stamp with a zone may be of the day before or after in its own.
    return not (
        (last is not None and low is not None and low > np.datetime64(last, "D") + 1)
        or (first is not None and high is not None and high < np.datetime64(first, "D") - 1)
    )


def _day_bound(bound: Any) -> np.datetime64 | None:
    if isinstance(bound, datetime):
        bound = bound.date()
    if isinstance(bound, date | str):
        day = day_of(str(bound)[:10])
        return None if np.isnat(day) else day
    return None


def day_numbers(file: PriceFile, group: int, column: Any, faults: FaultCounts) -> Ints:
    """Return a column as days since 1970, `NO_DAY` where it holds none; the faults are noted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    name, kind = file.header[file.layout.date], column.type
    where, first = file.where(group), file.first_row(group)
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        days = _days_of_text(column)
        problem = "not a date, or no such day in the calendar; write YYYY-MM-DD"
    elif pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        local = pc.local_timestamp(column) if pa.types.is_timestamp(kind) and kind.tz else column
        numbers = local.cast(pa.date32()).cast(pa.int32())
        days, problem = _filled(numbers, NO_DAY, np.int32), "no date"
    else:
        problem = f"a column of {kind} where dates are needed"
        faults.faults.append(Fault(file.stored.shown, problem, column=name))
        return np.full(len(column), NO_DAY, dtype=np.int32)
    lost = np.flatnonzero(days == NO_DAY)
    if len(lost):
        faults.add(where, first, name, lost, column.take(pa.array(lost)).to_pylist(), problem)
    far = np.flatnonzero((days != NO_DAY) & ((days < _FIRST) | (days > _LAST)))
    if len(far):
        # As days, not as Python's dates: those have no year beyond 9999.
        values = days[far].astype("datetime64[D]").astype(str).tolist()
        faults.add(where, first, name, far, values, OTHER_YEARS)
        days = np.where((days < _FIRST) | (days > _LAST), NO_DAY, days)
    return days


def _days_of_text(column: Any) -> Ints:
    import pyarrow as pa

    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    labels = [str(label or "").strip() for label in coded.dictionary.to_pylist()]
    days = np.array([day_of(label) for label in labels] + ["NaT"], dtype="datetime64[D]")
    numbers = np.where(np.isnat(days), int(NO_DAY), days.astype(np.int64)).astype(np.int32)
    return np.asarray(numbers[_filled(coded.indices, -1, np.int64)])


def labels_of(file: PriceFile, at: int, column: Any) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return a column of text as codes, -1 for none, and its distinct labels, stripped.

    Raises
    ------
    PriceInputError
        Where it is no column of text or whole numbers.
    """
    import pyarrow as pa

    kind = column.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (text or pa.types.is_dictionary(kind) or pa.types.is_integer(kind)):
        problem = f"a column of {kind} where tickers are needed"
        raise PriceInputError([Fault(file.stored.shown, problem, column=file.header[at])])
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    labels = ["" if label is None else str(label).strip() for label in coded.dictionary.to_pylist()]
    codes = _filled(coded.indices, -1, np.int64)
    blank = np.array([not label for label in labels] + [True])
    return np.where(blank[codes], -1, codes), labels


def numbers_of(file: PriceFile, at: int, column: Any, faults: FaultCounts) -> Floats:
    """Return a column as float64, NaN where it holds none; other types are a fault."""
    import pyarrow as pa

    kind = column.type
    if (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
    ):
        return _filled(column.cast(pa.float64()), np.nan, np.float64)
    problem = f"a column of {kind} where numbers are needed"
    told = Fault(file.stored.shown, problem, column=file.header[at])
    if told not in faults.faults:
        faults.faults.append(told)
    return np.full(len(column), np.nan)


def _filled(column: Any, empty: Any, kind: Any) -> npt.NDArray[Any]:
    import pyarrow.compute as pc

    if column.null_count:
        column = pc.fill_null(
            column, np.asarray(empty).astype(column.type.to_pandas_dtype()).item()
        )
    return np.asarray(column.to_numpy(zero_copy_only=False)).astype(kind, copy=False)
