"""A CSV file as columns of text, with the line of each row and the faults of its shape."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.disk.text import text_fault
from eventstudy.errors import Fault, InputError, did_you_mean

SHOWN_OF_A_KIND = 20
"""Faults of one kind that are told with their row; the others are counted."""

_END = "\x00end of file\x00"


@dataclass(frozen=True, eq=False)
class TextTable:
    """Cells as text, before anything is known about their meaning.

    Attributes
    ----------
    file : str
        As the user named it.
    header : tuple of str
        Stripped names, all of them, repeated or not.
    columns : DataFrame
        Stripped text, one column per distinct name.
    rows : ndarray, shape (n,), int64
        Line of each row in the file, the header being line 1; where a quoted cell holds
        line breaks, the line on which the row begins.
    faults : tuple of Fault
        Rows with too many or too few cells (left out of `columns`), an unclosed quote.
    """

    file: str
    header: tuple[str, ...]
    columns: pd.DataFrame
    rows: npt.NDArray[np.int64]
    faults: tuple[Fault, ...]


def read_text_table(path: Path) -> TextTable:
    """Read a CSV file; commas, double quotes, UTF-8 with or without a byte order mark.

    Raises
    ------
    InputError
        Where there is no such file, it is a folder, not UTF-8, or has no header.
    """
    file = str(path)
    data = _bytes_of(path).removeprefix(b"\xef\xbb\xbf")
    if not data or data.isspace():
        raise InputError([Fault(file, "the file is empty: a header line is needed")])
    fault = text_fault(data, file)
    if fault is not None:
        raise InputError([fault])
    return _read_plain(data, file) or _read_any(data.decode(), file)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file of events to read.

    Raises
    ------
    InputError
        Where there is no such file, it is a folder, or may not be read.
    """
    if "\x00" in str(path):
        raise InputError([Fault(str(path), "no such file: its name holds a zero byte")])
    try:
        with path.open("rb") as file:
            yield file
        return
    except IsADirectoryError:
        problem = "this is a folder, a file is needed"
    except FileNotFoundError:
        problem = f"no such file{_neighbour(path)}"
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
    raise InputError([Fault(str(path), problem)])


def _bytes_of(path: Path) -> bytes:
    with opened(path) as file:
        return file.read()


def _neighbour(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except OSError:
        return f": the folder {str(path.parent)!r} does not exist"
    return did_you_mean(path.name, names)


def _read_plain(data: bytes, file: str) -> TextTable | None:
    """Read a file at the speed of Arrow; None where the line of a row could not be told.

    It can where all quotes are closed: then it follows from the line breaks inside the cells
    of the rows before it, those of the wrong length included.
    """
    first = data[: data.find(b"\n")] if b"\n" in data else data
    closed = data.count(b'"') % 2 == 0 and first.count(b'"') % 2 == 0
    if not closed or data.count(b"\r") != data.count(b"\r\n"):
        return None
    try:
        header = _strip(next(csv.reader([first.decode()]), []))
    except csv.Error:  # a cell longer than the reader takes
        return None
    for uneven in (False, True) if header else ():
        parsed = _arrow(data, len(header), uneven=uneven)
        found = _plain_table(parsed, data, header, file) if parsed else None
        if found is not None:
            return found
    return None


@dataclass(frozen=True, eq=False)
class _Parsed:
    """What Arrow made of a file: rows as long as the header, and the others as text.

    Attributes
    ----------
    table : pyarrow.Table
    uneven : list of (int, int, str)
        Number (the header is 1), cells and text of each row of another length.
    """

    table: Any
    uneven: list[tuple[int, int, str]]


def _arrow(data: bytes, width: int, *, uneven: bool = False) -> _Parsed | None:
    """Parse cells of text; None where a row is not `width` cells long, unless `uneven`.

    Blank lines are told from the rest with `uneven` alone: they are rows of blank cells then.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = [str(i) for i in range(width)]
    odd: list[tuple[int, int, str]] = []

    def note(row: Any) -> str:
        odd.append((row.number, row.actual_columns, row.text))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(
                column_names=names, skip_rows=1, block_size=1 << 24, use_threads=not uneven
            ),
            parse_options=arrow_csv.ParseOptions(
                newlines_in_values=True,
                ignore_empty_lines=not uneven,
                invalid_row_handler=note if uneven else None,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    return _Parsed(table, odd)


def _plain_table(
    found: _Parsed, data: bytes, header: tuple[str, ...], file: str
) -> TextTable | None:
    """Return parsed cells with the line of each row; None where lines do not add up."""
    cells = [pd.Series(found.table.column(i).to_pandas(), dtype="str") for i in range(len(header))]
    breaks = np.zeros(found.table.num_rows + len(found.uneven), dtype=np.int64)
    odd = np.array([number - 2 for number, _, _ in found.uneven], dtype=np.int64)
    even = np.delete(np.arange(len(breaks)), odd)
    lines = data.count(b"\n") + (not data.endswith(b"\n")) - 1
    if len(breaks) != lines:
        breaks[even] = sum(column.str.count("\n").to_numpy(dtype=np.int64) for column in cells)
        breaks[odd] = [text.count("\n") for _, _, text in found.uneven]
    if len(breaks) + breaks.sum() != lines:
        return None
    columns = {name: cells[i].str.strip() for i, name in reversed(list(enumerate(header)))}
    frame = pd.DataFrame(columns)[list(dict.fromkeys(header))]
    rows = np.arange(2, len(breaks) + 2) + np.cumsum(breaks) - breaks
    faults = _length_faults(
        file, rows[odd].tolist(), [count for _, count, _ in found.uneven], len(header)
    )
    if found.uneven or b"\n\n" in data or b"\n\r\n" in data:
        full = ~_blank_lines(data, rows[even], (frame == "").all(axis=1).to_numpy())
        frame, even = frame[full].reset_index(drop=True), even[full]
    return TextTable(file, header, frame, rows[even].astype(np.int64), tuple(faults))


def _blank_lines(
    data: bytes, rows: npt.NDArray[np.int64], suspect: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return which rows are lines with nothing on them, not even commas, of those suspected."""
    blank = np.zeros(len(rows), dtype=bool)
    if suspect.any():
        letters = np.frombuffer(data + b"\n", dtype=np.uint8)
        begins = np.flatnonzero(letters == ord("\n"))[rows[suspect] - 2] + 1
        blank[suspect] = np.isin(letters[begins], (ord("\n"), ord("\r")))
    return blank


def _length_faults(
    file: str, rows: Sequence[int], counts: Sequence[int], width: int
) -> list[Fault]:
    """Return the faults of rows with too many or too few cells, from the 21st on as a number."""
    faults = []
    told = told_of(len(rows))
    for row, count in zip(rows[:told], counts[:told], strict=True):
        problem = f"{count} cells where the header has {width}"
        hint = ": put quotes around text with commas" if count > width else ""
        faults.append(Fault(file, problem + hint, row=row))
    if told < len(rows):
        further = len(rows) - told
        text = further_rows(f"not {width} cells, as the header has", further, rows[told])
        faults.append(Fault(file, text, count=further))
    return faults


def told_of(n: int) -> int:
    """Return how many of n faults of a kind are told one by one; one more is not counted."""
    return n if n <= SHOWN_OF_A_KIND + 1 else SHOWN_OF_A_KIND


def further_rows(kind: str, further: int, first: int) -> str:
    """Return a kind of faults with the number of rows that are not told one by one."""
    return f"{kind} ({further:,} more rows, from row {first} on)"


def _read_any(text: str, file: str) -> TextTable:
    """Read any CSV text: quoted line breaks, blank lines, rows of the wrong length."""
    records = list(_records(text, file))
    faults = []
    if records[-1][1] != [_END]:
        problem = "a quote is opened in this row and never closed"
        faults.append(Fault(file, problem, row=records[-1][0]))
    *records, _ = records
    records = [(row, cells) for row, cells in records if cells]
    if not records:
        raise InputError([*faults, Fault(file, "there is no header line")])
    header = _strip(records[0][1])
    whole = [(row, cells) for row, cells in records[1:] if len(cells) == len(header)]
    odd = [(row, len(cells)) for row, cells in records[1:] if len(cells) != len(header)]
    faults += _length_faults(file, [row for row, _ in odd], [n for _, n in odd], len(header))
    frame = pd.DataFrame([cells for _, cells in whole], columns=list(header), dtype="str")
    frame = frame.loc[:, ~frame.columns.duplicated()]
    frame = frame.apply(lambda column: column.str.strip())
    rows = np.array([row for row, _ in whole], dtype=np.int64)
    return TextTable(file, header, frame, rows, tuple(faults))


def _records(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line on which it begins, then the mark of the end.

    An unclosed quote swallows the rest of the file: then the mark is not on its own.
    """
    lines = io.StringIO(text if text.endswith(("\n", "\r")) else text + "\n", newline="")
    reader = csv.reader(chain(lines, [_END]))
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        problem = f"cannot be read as CSV ({error}): is a quote left open in this row?"
        raise InputError([Fault(file, problem, row=begins)]) from None


def _strip(cells: list[str]) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in cells)
