"""Cells of a price file: CSV or Parquet in, columns of text or numbers out, faults kept."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.disk.text import text_fault
from eventstudy.disk.unpacking import refuse_bomb
from eventstudy.errors import Fault
from eventstudy.prices.contract import PriceInputError
from eventstudy.prices.table import Days, Floats

EMPTY = frozenset({"", "nan", "na", "n/a", "null", "none"})
SUFFIXES = (".csv", ".parquet", ".pq")

# A clock and a zone may follow the date; the date as written is the exchange's own, so the
# rest is left alone: to move it to UTC would move Taipei's sessions to the day before.
_DATE = re.compile(
    r"(\d{4}-\d{2}-\d{2})"
    r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?)?",
    re.ASCII,
)

Text = Sequence[str]


SHOWN_OF_A_KIND = 20

FIRST_DAY, LAST_DAY = np.datetime64("1800-01-01", "D"), np.datetime64("2200-12-31", "D")
OTHER_YEARS = "the year must be from 1800 to 2200"
LEAST_PRICE, LARGEST = 1e-15, 1e18
"""No price lies below the one, no figure above the other: what does is a slip of the keyboard, and
ratios of two such figures are beyond what a float holds."""


@dataclass(frozen=True, eq=False)
class Raw:
    """A file as it stands, before anything is believed.

    Attributes
    ----------
    name : str
        The file, as faults name it.
    header : tuple of str, length C
    columns : mapping of int to a sequence of text or an array, length R
        By position; those asked for only.
    lines : ndarray, shape (R,), int
        Line of each row in the file, the header being line 1.
    faults : list of Fault
        Grows while the cells are read.
    """

    name: str
    header: tuple[str, ...]
    columns: dict[int, Text | npt.NDArray[Any]]
    lines: npt.NDArray[np.int64]
    faults: list[Fault] = field(default_factory=list)
    _counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    _further: dict[tuple[int, str], int] = field(default_factory=dict)

    def fault(self, row: int, column: int, problem: str, day: object = None) -> None:
        """Note what is wrong with one cell; from the 21st of a kind on they are counted."""
        kind = (column, problem)
        self._counts[kind] += 1
        further = self._counts[kind] - SHOWN_OF_A_KIND
        if further > 0:
            text = f"{problem} ({further} more rows)"
            told = Fault(self.name, text, column=self.header[column], count=further)
            if kind in self._further:
                self.faults[self._further[kind]] = told
            else:
                self._further[kind] = len(self.faults)
                self.faults.append(told)
            return
        value = str(self.columns[column][row])
        line = int(self.lines[row])
        dated = problem if day is None or str(day) == "NaT" else f"{problem} ({day})"
        self.faults.append(Fault(self.name, dated, line, self.header[column], value))

    def numbers(self, column: int) -> Floats:
        """Return a column as float64, NaN for empty cells; faults for all other text."""
        cells = self.columns[column]
        if isinstance(cells, np.ndarray):
            return self._numeric(column, cells)
        try:
            if "_" not in "".join(cells):  # float() would take 1_000 for 1000
                return np.array(list(map(float, cells)), dtype=np.float64)
        except ValueError:
            pass
        return np.array([self._number(row, column, cell) for row, cell in enumerate(cells)])

    def _number(self, row: int, column: int, cell: str) -> float:
        text = cell.strip()
        if text.casefold() in EMPTY:
            return np.nan
        try:
            if "_" in text:
                raise ValueError
            return float(text)
        except ValueError:
            self.fault(row, column, "not a number; write 1234.5, or nothing where it is missing")
            return np.nan

    def _numeric(self, column: int, cells: npt.NDArray[Any]) -> Floats:
        if cells.dtype.kind in "fiu":
            return cells.astype(np.float64)
        problem = f"a column of {cells.dtype} where numbers are needed"
        self.faults.append(Fault(self.name, problem, column=self.header[column]))
        return np.full(len(cells), np.nan)

    def dates(self, column: int) -> Days:
        """Return a column as tz-naive dates of the exchange, NaT where a cell is faulty."""
        cells = self.columns[column]
        if isinstance(cells, np.ndarray):
            return self._stamps(column, cells)
        found = [_DATE.fullmatch(cell.strip()) for cell in cells]
        try:
            texts = [match[1] if match else "" for match in found]
            days = np.array(texts, dtype="datetime64[D]")
        except ValueError:
            days = np.array([_day(text) for text in texts], dtype="datetime64[D]")
        for row in np.flatnonzero(np.isnat(days)):
            known = "no such day in the calendar" if found[row] else "not a date; write YYYY-MM-DD"
            self.fault(int(row), column, known)
        return self._within_years(column, days)

    def _within_years(self, column: int, days: Days) -> Days:
        """Return dates, NaT and a fault where the year is none that prices are of."""
        far = (days < FIRST_DAY) | (days > LAST_DAY)
        for row in np.flatnonzero(far):
            self.fault(int(row), column, OTHER_YEARS)
        return np.where(far, np.datetime64("NaT", "D"), days) if far.any() else days

    def _stamps(self, column: int, cells: npt.NDArray[Any]) -> Days:
        if cells.dtype.kind != "M":
            found = "numbers" if cells.dtype.kind in "fiu" else str(cells.dtype)
            problem = f"a column of {found} where dates are needed"
            self.faults.append(Fault(self.name, problem, column=self.header[column]))
            return np.full(len(cells), np.datetime64("NaT"), dtype="datetime64[D]")
        days = cells.astype("datetime64[D]")
        for row in np.flatnonzero(np.isnat(days)):
            self.fault(int(row), column, "no date")
        return self._within_years(column, days)


def beyond(values: Floats, price: bool) -> npt.NDArray[np.bool_]:
    """Return which figures are out of any range, infinite ones included.

    Parameters
    ----------
    values : ndarray
    price : bool
        Whether they are prices; volumes and dividends may be as small as they like.
    """
    far = np.abs(values) > LARGEST
    return np.asarray(far | ((np.abs(values) < LEAST_PRICE) & (values != 0)) if price else far)


def day_of(text: str) -> np.datetime64:
    """Return the date that a cell begins with, NaT where it is none; a clock may follow it."""
    match = _DATE.fullmatch(text)
    return _day(match[1]) if match else np.datetime64("NaT", "D")


def _day(text: str) -> np.datetime64:
    try:
        return np.datetime64(text, "D")
    except ValueError:
        return np.datetime64("NaT", "D")


def read_header(path: Path, name: str) -> tuple[str, ...]:
    """Return the column names of a file; nothing else of it is read.

    Raises
    ------
    PriceInputError
        Where the file cannot be read or is empty.
    """
    if path.suffix.lower() == ".csv":
        with _Readable(name, path), path.open(newline="", encoding="utf-8-sig") as lines:
            for _, row in _records(lines, path, name):
                if row:
                    return tuple(cell.strip() for cell in row)
        raise PriceInputError([Fault(name, "an empty file; the header line is missing")])
    import pyarrow.parquet as pq

    with _Readable(name, path):
        return tuple(str(column).strip() for column in pq.read_schema(path).names)


def read_raw(path: Path, name: str, columns: Iterable[int]) -> Raw:
    """Return the cells of a file in these columns.

    Parameters
    ----------
    path : Path
    name : str
        What faults call the file.
    columns : iterable of int
        Positions in the header.

    Raises
    ------
    PriceInputError
        Where the file cannot be read at all.
    """
    wanted = sorted(set(columns))
    if path.suffix.lower() == ".csv":
        return _read_csv(path, name, wanted)
    return _read_parquet(path, name, wanted)


def _read_csv(path: Path, name: str, wanted: list[int]) -> Raw:
    header = read_header(path, name)
    faults: list[Fault] = []
    rows, numbers, odd = [], [], 0
    with _Readable(name, path), path.open(newline="", encoding="utf-8-sig") as lines:
        records = _records(lines, path, name)
        next(row for _, row in records if row)
        for begins, row in records:
            if len(row) == len(header):
                rows.append(row)
                numbers.append(begins)
            elif row:
                odd += 1
                if odd <= SHOWN_OF_A_KIND:
                    problem = f"{len(row)} cells where the header has {len(header)}"
                    faults.append(Fault(name, problem, begins))
    if odd > SHOWN_OF_A_KIND:
        further = odd - SHOWN_OF_A_KIND
        problem = f"not {len(header)} cells, as the header has ({further:,} more rows)"
        faults.append(Fault(name, problem, count=further))
    by_column = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    cells: dict[int, Text | npt.NDArray[Any]] = {at: by_column[at] for at in wanted}
    return Raw(name, header, cells, np.array(numbers, dtype=np.int64), faults)


def _records(lines: Iterable[str], path: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record of a CSV file begins, and its cells.

    Raises
    ------
    PriceInputError
        Where a cell cannot be read, or a line holds a zero byte: no text does.
    """
    reader = csv.reader(_without_zeros(lines, path, name), strict=True)
    begins = 1
    try:
        for row in reader:
            yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        problem = f"cannot be read as CSV ({error}): is a quote left open in this row?"
        raise PriceInputError([Fault(name, problem, begins)]) from None


def _without_zeros(lines: Iterable[str], path: Path, name: str) -> Iterator[str]:
    for line in lines:
        if "\x00" in line:
            fault = text_fault(path.read_bytes(), name)
            raise PriceInputError([fault or Fault(name, "a zero byte, which no text has")])
        yield line


def _read_parquet(path: Path, name: str, wanted: list[int]) -> Raw:
    import pyarrow.parquet as pq

    header = read_header(path, name)
    with _Readable(name, path):
        file = pq.ParquetFile(path)
        footer = file.metadata
        refuse_bomb(footer.num_rows, footer.num_columns, path.stat().st_size)
        table = file.read(columns=[pq.read_schema(path).names[i] for i in wanted])
        cells = {at: _plain(table.column(k)) for k, at in enumerate(wanted)}
    return Raw(name, header, cells, np.arange(2, table.num_rows + 2))


def _plain(column: Any) -> Text | npt.NDArray[Any]:
    """Return an Arrow column as text, as local dates or as a NumPy array."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return [cell or "" for cell in column.to_pylist()]
    if pa.types.is_timestamp(kind):
        local = column if kind.tz is None else pc.local_timestamp(column)
        return np.asarray(local.to_numpy(), dtype="datetime64[D]")
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        column = column.cast(pa.float64())
    return np.asarray(column.to_numpy())


class _Readable:
    """Turn what goes wrong with a whole file into one fault that names it."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, PriceInputError):
            return
        if isinstance(error, UnicodeDecodeError):
            fault = text_fault(self.path.read_bytes(), self.name)
            raise PriceInputError([fault or Fault(self.name, "not UTF-8 text")]) from None
        if isinstance(error, FileNotFoundError):
            problem = "no such file"
        elif isinstance(error, PermissionError):
            problem = "may not be read: permission denied"
        elif isinstance(error, OSError | ValueError | TypeError | NotImplementedError):
            # Arrow's own errors derive from these.
            problem = f"cannot be read: {error}"
        else:
            return
        raise PriceInputError([Fault(self.name, problem)]) from None
