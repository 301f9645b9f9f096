"""Text files of factors: a plain CSV, or the layout of Kenneth French's data library.

The library's layout: lines of prose; a header whose first cell is empty (``,Mkt-RF,SMB``);
rows of yyyymmdd and figures in per cent, -99.99 or -999 where missing; a blank line; a line
of copyright, or a further table under a title of its own.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from eventstudy.disk.text import WIDE, text_fault
from eventstudy.errors import Fault
from eventstudy.factors.table import Days, Floats

EMPTY = frozenset({"", "nan", "na", "n/a", "null", "none"})
MISSING_CODES = frozenset({-99.99, -999.0})
LARGEST = 64 * 1024 * 1024
"""Bytes; the library's longest daily files have about two million."""

_DAY = re.compile(r"(?a)(\d{4})-?(\d{2})-?(\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
FIRST_DAY, LAST_DAY = np.datetime64("1800-01-01", "D"), np.datetime64("2200-12-31", "D")
_BREAK = re.compile(r"\r\n|\n|\r")
_PERIODS = {6: "monthly", 4: "annual"}


SHOWN_OF_A_KIND = 20
"""Faults of one kind that are told with their row; the others are counted."""


@dataclass(eq=False)
class Told:
    """Faults by kind: the first with their row, the others as one with their number.

    Attributes
    ----------
    file : str
    faults : list of Fault
    counts : dict of (str, str or None) to int
        By kind and column.
    """

    file: str
    faults: list[Fault] = field(default_factory=list)
    counts: dict[tuple[str, str | None], int] = field(default_factory=dict)

    def add(self, kind: str, problem: str, row: int, column: str | None, value: str | None) -> None:
        """Note a fault of a row."""
        key = (kind, column)
        self.counts[key] = self.counts.get(key, 0) + 1
        if self.counts[key] <= SHOWN_OF_A_KIND:
            self.faults.append(Fault(self.file, problem, row, column, value))

    def all(self) -> list[Fault]:
        """Return the faults, and the number of those that are not told one by one."""
        further = {key: n - SHOWN_OF_A_KIND for key, n in self.counts.items()}
        return [
            *self.faults,
            *(
                Fault(self.file, f"{kind} ({n:,} more rows)", column=column, count=n)
                for (kind, column), n in further.items()
                if n > 0
            ),
        ]


@dataclass(frozen=True, eq=False)
class Cells:
    """A file of factors as it stands, in its own units.

    Attributes
    ----------
    file : str
        As the user named it.
    header : tuple of str, length F
        Columns as the file names them.
    rows : ndarray, shape (R,), int
        Line of each row in the file, the header of a plain file being line 1.
    dates : ndarray, shape (R,), datetime64[D]
        NaT where a cell is no date.
    values : ndarray, shape (R, F)
        NaN where missing or faulty.
    from_library : bool
        Whether it has the layout of French's library, and so is in per cent.
    faults : list of Fault
    notes : list of str
    """

    file: str
    header: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    dates: Days
    values: Floats
    from_library: bool = False
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def no_cells(file: str, problem: str, row: int | None = None, value: str | None = None) -> Cells:
    """Return a file of which nothing can be read, and why."""
    empty = np.empty(0, dtype=np.int64)
    fault = Fault(file, problem, row, None, value)
    return Cells(file, (), empty, empty.astype("datetime64[D]"), np.empty((0, 0)), faults=[fault])


def read_content(content: bytes, file: str) -> Cells:
    """Return the cells of a file's bytes, a zip archive of one CSV file included."""
    if content[:4] == b"PK\x03\x04" or file.casefold().endswith(".zip"):
        inner, problem = unzipped(content)
        if problem:
            return no_cells(file, problem)
        content = inner
    fault = text_fault(content, file) if content.startswith(WIDE) or b"\x00" in content else None
    if fault is not None:
        return no_cells(file, fault.problem, fault.row)
    try:
        text, fault = content.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        # The library's copyright sign comes in UTF-8 or in Latin-1.
        text, fault = content.decode("latin-1"), text_fault(content, file)
    cells = read_text(text, file)
    if fault is not None and not cells.from_library:
        return no_cells(file, fault.problem, fault.row)
    return cells


def unzipped(content: bytes) -> tuple[bytes, str]:
    """Return the one CSV file of an archive, or what is wrong with it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [
                info.filename
                for info in archive.infolist()
                if info.filename.casefold().endswith((".csv", ".txt"))
                and not info.filename.startswith("__MACOSX/")
            ]
            if len(names) != 1:
                held = ", ".join(names) or "none"
                return b"", f"one CSV file is needed in the archive; it holds {held}"
            with archive.open(names[0]) as inner:
                data = inner.read(LARGEST + 1)
    except Exception as error:
        # Errors of zlib, of zipfile and of a password share no base class.
        return b"", f"not a zip archive that can be unpacked: {error}"
    if len(data) > LARGEST:
        return b"", f"the archive unpacks to more than {LARGEST} bytes: no file of factors"
    return data, ""


def read_text(text: str, file: str) -> Cells:
    """Return the cells of a text in either layout."""
    lines = _BREAK.split(text)
    filled = [i for i, line in enumerate(lines) if line.strip(" ,")]
    if not filled:
        return no_cells(file, "the file is empty")
    first = _cells(lines[filled[0]])
    if "date" in (cell.strip('"').casefold() for cell in first):
        return _read_plain(text, file)
    at = _library_header(lines)
    if at is not None:
        return _read_library(lines, at, file)
    return no_cells(
        file,
        "no header was found: a plain CSV has a column 'date' and commas between its cells; a "
        "file of French's library has a line such as ',Mkt-RF,SMB,HML,RF' above yyyymmdd",
        filled[0] + 1,
        lines[filled[0]],
    )


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split(",")]


def _without_tail(header: list[str]) -> list[str]:
    """Return column names without the empty ones that commas at the end of a line make."""
    end = len(header)
    while end and not header[end - 1]:
        end -= 1
    return header[:end]


def _library_header(lines: Sequence[str], start: int = 0) -> int | None:
    """Return the first line with an empty first cell above a row that begins with figures."""
    headed: int | None = None
    for i in range(start, len(lines)):
        cells = _cells(lines[i])
        if not any(cells):
            continue
        if headed is not None and re.match(r"\s*\d{4}(?!-)", lines[i]):
            return headed
        headed = None if cells[0] else i
    return None


def _read_library(lines: Sequence[str], at: int, file: str) -> Cells:
    """Read the first table under a header of French's library."""
    header = _without_tail(_cells(lines[at])[1:])
    end = _table_end(lines, at + 1)
    table = [(i + 1, _cells(lines[i])) for i in range(at + 1, end)]
    lengths = {len(cells[0]) for _, cells in table if cells[0].isdigit()}
    for length in lengths & set(_PERIODS):
        if 8 not in lengths:
            return no_cells(
                file,
                f"{_PERIODS[length]} figures (dates of {length} digits): figures per session "
                "are needed; the names of the library's daily files end in _daily",
                table[0][0],
                table[0][1][0],
            )
    found = read_rows(file, header, table, from_library=True)
    _note_codes(found)
    _check_rest(lines, end, found)
    return found


def _table_end(lines: Sequence[str], start: int) -> int:
    """Return the first line after a table: blank, or prose without a comma, or a copyright."""
    for i in range(start, len(lines)):
        cells = _cells(lines[i])
        prose = not cells[0][:1].isdigit() and not any(cells[1:])
        if prose or cells[0].casefold().startswith("copyright"):
            return i
    return len(lines)


def _check_rest(lines: Sequence[str], end: int, found: Cells) -> None:
    """Note a further table; rows without a header of their own are faults."""
    following = _library_header(lines, end)
    for i in range(end, len(lines) if following is None else following):
        first = _cells(lines[i])[0]
        if re.fullmatch(r"\d{6,8}", first) and "," in lines[i]:
            problem = f"a row after the end of the table (line {end + 1}); join them, or leave out"
            found.faults.append(Fault(found.file, problem, i + 1, "date", first))
    if following is not None:
        title = next((t.strip() for t in reversed(lines[end:following]) if t.strip(" ,")), "")
        named = f" ({title})" if title else ""
        found.notes.append(
            f"{found.file}: only the first table is read; the one from line {following + 1} "
            f"on{named} is left out."
        )


def _note_codes(found: Cells) -> None:
    """Turn the library's codes for a missing figure into NaN, and count them."""
    coded = np.isin(found.values, list(MISSING_CODES))
    found.values[coded] = np.nan
    for name, count in zip(found.header, coded.sum(axis=0), strict=True):
        if count:
            found.notes.append(f"{found.file}: {count} figures of {name} are coded as missing.")


def _read_plain(text: str, file: str) -> Cells:
    """Read a CSV file with a column ``date``."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    table, begins = [], 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                table.append((begins, row))
            begins = reader.line_num + 1
    except csv.Error as error:
        return no_cells(file, f"cannot be read as CSV ({error}): is a quote left open?", begins)
    header = _without_tail([cell.strip() for cell in table.pop(0)[1]])
    at = next((i for i, name in enumerate(header) if name.casefold() == "date"), 0)
    rows = [(line, [*row[at : at + 1], *row[:at], *row[at + 1 :]]) for line, row in table]
    return read_rows(file, [*header[:at], *header[at + 1 :]], rows)


def read_rows(
    file: str,
    header: Sequence[str],
    table: Iterable[tuple[int, Sequence[str]]],
    from_library: bool = False,
) -> Cells:
    """Turn rows of text, the date first, into dates and numbers."""
    faults = Told(file)
    width, lines, days = len(header), [], []
    values: list[list[float]] = []
    for line, row in table:
        end = len(row)
        while end > width + 1 and not row[end - 1].strip():
            end -= 1
        row = row[:end]
        if len(row) != width + 1:
            problem = f"{len(row)} cells where the header has {width + 1}"
            faults.add(f"not {width + 1} cells, as the header has", problem, line, None, None)
            continue
        lines.append(line)
        days.append(_day(row[0], line, faults, from_library))
        values.append(_numbers(row[1:], header, line, faults))
    return Cells(
        file,
        tuple(header),
        np.array(lines, dtype=np.int64),
        np.array(days, dtype="datetime64[D]"),
        np.array(values, dtype=np.float64).reshape(len(lines), width),
        from_library,
        faults.all(),
    )


def _day(text: str, line: int, faults: Told, from_library: bool = False) -> np.datetime64:
    shape = "yyyymmdd" if from_library else "YYYY-MM-DD"
    match = _DAY.fullmatch(text.strip())
    problem = f"not a date; write {shape}"
    if match:
        try:
            day = np.datetime64("-".join(match.groups()), "D")
        except ValueError:
            problem = "no such day in the calendar"
        else:
            if FIRST_DAY <= day <= LAST_DAY:
                return day
            problem = "the year must be from 1800 to 2200"
    faults.add(problem, problem, line, "date", text)
    return np.datetime64("NaT", "D")


def _numbers(cells: Sequence[str], header: Sequence[str], line: int, faults: Told) -> list[float]:
    found = []
    for name, cell in zip(header, cells, strict=True):
        value = _number(cell)
        if value is None:
            problem = "not a number; write -0.12, or nothing where it is missing"
            faults.add(problem, problem, line, name, cell)
        found.append(np.nan if value is None else value)
    return found


def _number(cell: str) -> float | None:
    """Return a cell as a number, NaN where it is empty, None where it is neither."""
    text = cell.strip()
    if text.casefold() in EMPTY:
        return np.nan
    try:
        value = float(text)
    except ValueError:
        return None
    # float() would take 1_000 for 1000, and infinity for a return.
    return value if np.isfinite(value) and "_" not in text else None
