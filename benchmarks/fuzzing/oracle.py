"""What every answer must be, said without the code that gave it: by the csv module and by eye."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from eventstudy.errors import EventStudyError, Fault, InputError

SLOW = 10.0
"""Seconds of processor time that no file of these sizes may take."""

LONGEST_TEXT = 40_000
"""Letters of an error: it is read on a terminal."""

EMPTY = frozenset({"", "nan", "na", "n/a", "null", "none"})


class PromiseError(AssertionError):
    """An answer that breaks what is promised of every answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one input got.

    Attributes
    ----------
    kind : {"result", "error"}
    words : str
        The kinds of its faults, without names and numbers; how many rows a result has.
    """

    kind: str
    words: tuple[str, ...]


def promise(kept: bool, what: str) -> None:
    """Raise where something that was promised is not so."""
    if not kept:
        raise PromiseError(what)


def records_of(data: bytes) -> dict[int, list[str]] | None:
    """Return the cells of a CSV file by the line on which a record begins; None where it has none.

    Parameters
    ----------
    data : bytes
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    reader = csv.reader(io.StringIO(text, newline=""))
    found, begins = {}, 1
    try:
        for cells in reader:
            found[begins] = cells
            begins = reader.line_num + 1
    except csv.Error:
        return None
    return found


def filled_rows(records: dict[int, list[str]]) -> int:
    """Return how many rows under the header have something in them."""
    rows = [cells for cells in records.values() if cells]
    return sum(any(cell.strip() for cell in cells) for cells in rows[1:])


def lines_of(data: bytes) -> int:
    """Return the most lines that a file can be said to have."""
    return len(re.findall(rb"\r\n|\r|\n", data)) + 1


def answered(run: Callable[[], int], names: tuple[str, ...], data: bytes, rows: bool) -> Answer:
    """Return what a call answers, after holding an error to its promises.

    Parameters
    ----------
    run : callable
        Returns how many rows its result has.
    names : tuple of str
        Files, one of which an error must name.
    data : bytes
        The file.
    rows : bool
        Whether its records are rows of CSV, so that rows and values of faults can be looked up.

    Raises
    ------
    PromiseError
    Exception
        Whatever else the call raises: each is a finding.
    """
    try:
        count = run()
    except EventStudyError as error:
        check_error(error, names, data, rows)
        return Answer("error", tuple(sorted(set(_kinds(error)))))
    return Answer("result", (f"{min(count, 9)} rows",))


def check_error(
    error: EventStudyError, names: tuple[str, ...], data: bytes, rows: bool = False
) -> None:
    """Hold an error to its promises: it names the file, its rows are there, it can be printed."""
    text = str(error)
    promise(any(name in text for name in names), f"names no file of {names}: {text[:300]}")
    promise(len(text) <= LONGEST_TEXT, f"{len(text)} letters long")
    promise("Traceback" not in text, "holds a traceback")
    wild = [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs")]
    promise(not wild, f"holds letters that change a terminal: {wild[:3]}")
    if not isinstance(error, InputError) or not rows:
        return
    records, lines = records_of(data), lines_of(data)
    for fault in error.faults:
        _check_fault(fault, records, lines)


def _check_fault(fault: Fault, records: dict[int, list[str]] | None, lines: int) -> None:
    if fault.row is None:
        return
    promise(1 <= fault.row <= lines, f"there is no row {fault.row}")
    if records is None or fault.value is None or fault.column is None:
        return
    promise(fault.row in records, f"no record begins in row {fault.row}: {fault}")
    cells = {cell.strip() for cell in records[fault.row]}
    value = fault.value.strip()
    promise(value in cells or _number_in(value, cells), f"row {fault.row} has no {value[:80]!r}")


def _number_in(value: str, cells: set[str]) -> bool:
    """Return whether a number or a date stands among cells in another spelling."""
    try:
        return any(float(value) == float(c) for c in cells if c and c.casefold() not in EMPTY)
    except ValueError:
        return value.replace("-", "") in {re.sub(r"\D", "", c)[:8] for c in cells}


def _kinds(error: EventStudyError) -> Iterator[str]:
    if not isinstance(error, InputError):
        yield _plain(str(error))
        return
    for fault in error.faults:
        where = "row" if fault.row is not None else "file"
        yield f"{where}: {_plain(fault.problem)}"


def _plain(text: str) -> str:
    """Return a sentence without what differs from file to file."""
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "'...'", text.split("\n")[0][:300])
    return re.sub(r"\d+(?:[.,]\d+)*", "N", text)[:80]
