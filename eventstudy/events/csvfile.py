"""A CSV file as columns of text, with the line of each row and the faults of its shape."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.errors import Fault, InputError, did_you_mean

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
    text = _decode(_read_bytes(path), file)
    if not text.strip():
        raise InputError([Fault(file, "the file is empty: a header line is needed")])
    return _read_plain(text, file) or _read_any(text, file)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except IsADirectoryError:
        problem = "this is a folder, a CSV file is needed"
    except FileNotFoundError:
        problem = f"no such file{_neighbour(path)}"
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
    raise InputError([Fault(str(path), problem)])


def _neighbour(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except OSError:
        return f": the folder {str(path.parent)!r} does not exist"
    return did_you_mean(path.name, names)


def _decode(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        byte = f"0x{data[error.start]:02x}"
        problem = f"not UTF-8 (byte {byte}): save the file as UTF-8"
        raise InputError([Fault(file, problem, row=row)]) from None


def _read_plain(text: str, file: str) -> TextTable | None:
    """Read a regular file at the speed of Arrow; None where it is not regular.

    Regular: every row as long as the header, no blank lines, all quotes closed. Then the
    line of each row follows from the line breaks inside the cells before it.
    """
    first = text.partition("\n")[0]
    closed = text.count('"') % 2 == 0 and first.count('"') % 2 == 0
    if not closed or text.count("\r") != text.count("\r\n"):
        return None
    header = _strip(next(csv.reader([first]), []))
    table = _arrow(text.encode(), len(header)) if header else None
    if table is None:
        return None
    cells = [pd.Series(table.column(i).to_pandas(), dtype="str") for i in range(len(header))]
    breaks = np.zeros(table.num_rows, dtype=np.int64)
    lines = text.count("\n") + (not text.endswith("\n")) - 1
    if table.num_rows != lines:
        breaks += sum(column.str.count("\n").to_numpy(dtype=np.int64) for column in cells)
    if table.num_rows + breaks.sum() != lines:
        return None
    columns = {name: cells[i].str.strip() for i, name in reversed(list(enumerate(header)))}
    frame = pd.DataFrame(columns)[list(dict.fromkeys(header))]
    rows = np.arange(2, table.num_rows + 2) + np.cumsum(breaks) - breaks
    return TextTable(file, header, frame, rows.astype(np.int64), ())


def _arrow(data: bytes, width: int) -> Any:
    """Return an Arrow table of text with `width` columns; None where a row is not as long."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = [str(i) for i in range(width)]
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(column_names=names, skip_rows=1, block_size=1 << 24),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None


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
    whole = []
    for row, cells in records[1:]:
        if len(cells) == len(header):
            whole.append((row, cells))
        else:
            problem = f"{len(cells)} cells where the header has {len(header)}"
            hint = ": put quotes around text with commas" if len(cells) > len(header) else ""
            faults.append(Fault(file, problem + hint, row=row))
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
