"""The schema of the calendar: columns of text in, columns of normalised text and faults out.

Every parser runs once per distinct value, so a million rows cost what their distinct cells
cost; of the rows with a fault, the first of each kind are looked at one by one, the others
counted.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.baskets import Baskets
from eventstudy.errors import Fault
from eventstudy.events import cells
from eventstudy.events.alignment import local_instants, utc_instants
from eventstudy.events.csvfile import SHOWN_OF_A_KIND, TextTable, further_rows, told_of

REQUIRED = ("event_id", "date", "tickers")
COLUMNS = (
    "event_id",
    "date",
    "time",
    "timezone",
    "session",
    "kind",
    "subject",
    "tickers",
    "expects",
    "use",
    "known_on",
    "title",
    "source",
    "confidence",
    "note",
)
ADDED = ("row", "placed", "same", "next", "ambiguous", "why")
"""What reading and alignment add to the file's columns."""

SESSIONS = ("pre", "regular", "post", "unknown")
USES = ("study", "context")
CONFIDENCES = ("high", "medium", "low")
DEFAULT_TIMEZONE = "America/New_York"

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.intp]


OPTIONAL = tuple(name for name in COLUMNS if name not in REQUIRED)
ALIASES = {
    "tz": "timezone",
    "zone": "timezone",
    "time zone": "timezone",
    "direction": "expects",
    "known": "known_on",
}
"""Names that people give to contract columns and that no spelling check would find."""


@dataclass(eq=False)
class Checked:
    """A calendar's columns after validation.

    Attributes
    ----------
    file : str
    frame : DataFrame
        Contract columns in their order, normalised, then unknown extra columns, then `row`.
        Cells with a fault hold their text as found.
    faults : list of Fault
    notes : list of str
        What a reader should look at and is no fault.
    further : list of Fault
        Counts of faults beyond those in `faults`, by column and kind.
    bad : dict of str to ndarray of bool, shape (n,)
        By column, the rows with a fault there; columns without faults may be missing.
    """

    file: str
    frame: pd.DataFrame
    faults: list[Fault]
    notes: list[str] = field(default_factory=list)
    further: list[Fault] = field(default_factory=list)
    bad: dict[str, Mask] = field(default_factory=dict)

    def readable(self, *columns: str) -> Mask:
        """Return the rows without a fault in any of these columns."""
        fine = np.ones(len(self.frame), dtype=bool)
        for column in columns:
            if column in self.bad:
                fine &= ~self.bad[column]
        return fine

    def in_order(self) -> list[Fault]:
        """Return the faults by their line in the file, then the counts of further ones."""
        told = sorted(self.faults, key=lambda fault: (fault.count > 1, fault.row or 0))
        return [*told, *self.further]

    def blame(self, column: str, where: Mask, problem: Callable[[int], str], kind: str) -> None:
        """Record the faults of one kind in a column.

        Parameters
        ----------
        column : str
        where : ndarray of bool, shape (n,)
        problem : callable
            What is wrong with a row; asked for the first ones only.
        kind : str
            What is wrong with all of them, for the count of the others.
        """
        self.bad[column] = self.bad.get(column, np.zeros(len(self.frame), dtype=bool)) | where
        rows = np.flatnonzero(where)
        told = told_of(len(rows))
        for i in rows[:told]:
            value = str(self.frame[column].iloc[i])
            row = int(self.frame["row"].iloc[i])
            self.faults.append(Fault(self.file, problem(int(i)), row, column, value))
        if told < len(rows):
            further, first = len(rows) - told, int(self.frame["row"].iloc[rows[told]])
            text = further_rows(kind, further, first)
            self.further.append(Fault(self.file, text, column=column, count=further))


def check_columns(table: TextTable, baskets: Baskets) -> Checked:
    """Validate every column of a calendar; all the faults of the file come back at once."""
    frame, notes = _complete(table)
    checked = Checked(table.file, frame, [*table.faults, *_header_faults(table)], notes)
    if not len(frame) and not checked.faults:
        checked.faults.append(Fault(table.file, "the calendar is empty: there are no rows"))
    if "event_id" in table.columns:
        _check_ids(checked)
    for column, parse in _parsers(baskets, frame).items():
        if column in table.columns:
            _check_cells(checked, column, parse)
    _fill_defaults(frame)
    if "date" in table.columns:
        _check_gap(checked)
        _check_known_on(checked)
    _check_expects(checked, baskets)
    _note_lower_case(checked)
    return checked


def _header_faults(table: TextTable) -> list[Fault]:
    faults = []
    strangers = [name for name in table.header if name and name not in COLUMNS]
    for name in REQUIRED:
        if name not in table.header:
            near = _nearest(name, strangers, 0.6)
            hint = f": {near!r} looks like it, rename it" if near else ""
            faults.append(Fault(table.file, f"column {name!r} is missing{hint}", row=1))
    for name in strangers:
        near = ALIASES.get(name.casefold()) or _nearest(name, OPTIONAL, 0.8)
        if near and near not in table.header:
            problem = f"looks like {near!r}, which is missing: rename it, or name it less alike"
            faults.append(Fault(table.file, problem, row=1, column=name))
    if len(table.header) == 1 and set(table.header[0]) & {";", "\t", "|"}:
        faults.append(
            Fault(table.file, "cells must be separated by commas", row=1, value=table.header[0])
        )
    seen: set[str] = set()
    for place, name in enumerate(table.header, start=1):
        if not name:
            faults.append(Fault(table.file, f"column number {place} has no name", row=1))
        elif name in seen:
            faults.append(Fault(table.file, "this column is there twice", row=1, column=name))
        seen.add(name)
    return faults


def _nearest(name: str, choices: Iterable[str], cutoff: float) -> str | None:
    folded = {choice.casefold(): choice for choice in choices}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=cutoff)
    return folded[near[0]] if near else None


def _complete(table: TextTable) -> tuple[pd.DataFrame, list[str]]:
    """Return all contract columns, extras and `row`, and notes on the extras.

    Rows whose cells are all blank, which spreadsheets leave behind, count as blank lines.
    """
    notes = []
    given = {str(name): column.array for name, column in table.columns.items()}
    blank = pd.array([""], dtype="str").take(np.zeros(len(table.rows), dtype=np.int64))
    made = {name: given.get(name, blank) for name in COLUMNS}
    for name in given:
        if name in COLUMNS or not name:
            continue
        kept = f"{name} (file)" if name in ADDED else name
        if kept != name:
            notes.append(f"{table.file}: extra column {name!r} is kept as {kept!r}")
        made[kept] = given[name]
    frame = pd.DataFrame({**made, "row": table.rows})
    keep = ~(_is(frame, "event_id", "") & _is(frame, "date", ""))
    if keep.all():
        return frame, notes
    suspect = np.flatnonzero(~keep)
    keep[suspect] = (frame.iloc[suspect].drop(columns="row") != "").any(axis=1).to_numpy()
    return frame[keep].reset_index(drop=True), notes


def _parsers(baskets: Baskets, frame: pd.DataFrame) -> dict[str, Callable[[str], str]]:
    return {
        "date": cells.parse_date,
        "time": cells.parse_time,
        "timezone": cells.timezone_parser(frame["timezone"].nunique()),
        "session": cells.one_of("session", SESSIONS),
        "tickers": cells.tickers_parser(baskets),
        "use": cells.one_of("use", USES),
        "known_on": cells.parse_date,
        "confidence": cells.one_of("confidence", CONFIDENCES),
    }


def _check_ids(checked: Checked) -> None:
    ids, blank = checked.frame["event_id"], _is(checked.frame, "event_id", "")
    checked.blame("event_id", blank, lambda _: "an id is needed", "an id is needed")
    again = ids.duplicated().to_numpy() & ~blank
    rows = checked.frame["row"]
    checked.blame(
        "event_id",
        again,
        lambda i: f"this id is there already, in row {rows[(ids == ids.iloc[i]).idxmax()]}",
        "this id is there already",
    )


def _check_cells(checked: Checked, column: str, parse: Callable[[str], str]) -> None:
    """Replace a column by its normalised text; blank cells stay blank."""
    codes, values = pd.factorize(checked.frame[column])
    normal, problems = [], _Problems()
    for code, value in enumerate(values.tolist()):
        normal.append(value)
        try:
            normal[code] = parse(value) if value else ""
        except cells.CellError as error:
            problems.add(code, error)
        if column in REQUIRED and not value:
            problems.add(code, cells.CellError("a value is needed"))
    _blame_codes(checked, column, codes, problems)
    checked.frame[column] = pd.array(normal, dtype="str").take(codes)


def _check_expects(checked: Checked, baskets: Baskets) -> None:
    """Directions are read with the tickers of their row, once per distinct pair."""
    frame = checked.frame
    parse = cells.expects_parser(baskets)
    directions, texts = pd.factorize(frame["expects"])
    # Where tickers have a fault of their own, directions cannot be held against them.
    fine = checked.readable("tickers")
    tickers = frame["tickers"] if fine.all() else frame["tickers"].where(fine, "")
    listed, lists = pd.factorize(tickers)
    codes, pairs = pd.factorize(directions * max(len(lists), 1) + listed)
    normal, problems = [], _Problems()
    for code, pair in enumerate(pairs.tolist()):
        text = texts[pair // len(lists)]
        normal.append(text)
        try:
            normal[code] = parse(text, lists[pair % len(lists)])
        except cells.CellError as error:
            problems.add(code, error)
    _blame_codes(checked, "expects", codes, problems)
    frame["expects"] = pd.array(normal, dtype="str").take(codes)


def _check_gap(checked: Checked) -> None:
    """Find times that a clock change skips: 02:30 on the day on which 02:00 becomes 03:00."""
    frame = checked.frame
    at = np.flatnonzero(checked.readable("date", "time", "timezone") & ~_is(frame, "time", ""))
    if not len(at):
        return
    local = local_instants(frame["date"].iloc[at], frame["time"].iloc[at])
    skipped = np.zeros(len(frame), dtype=bool)
    skipped[at] = np.isnat(utc_instants(local, frame["timezone"].iloc[at]))
    checked.blame(
        "time",
        skipped,
        lambda i: (
            f"this time does not exist on {frame['date'].iloc[i]} in "
            f"{frame['timezone'].iloc[i]}: clocks go forward over it"
        ),
        "this time does not exist on its day: clocks go forward over it",
    )


def _check_known_on(checked: Checked) -> None:
    frame = checked.frame
    late = checked.readable("date", "known_on") & ~_is(frame, "known_on", "")
    if late.any():  # ISO dates sort as text
        late &= (frame["known_on"] > frame["date"]).to_numpy()
    checked.blame(
        "known_on",
        late,
        lambda i: f"a date cannot become public after the event itself, {frame['date'].iloc[i]}",
        "a date cannot become public after the event itself",
    )


def _note_lower_case(checked: Checked) -> None:
    lists = checked.frame["tickers"].array[checked.readable("tickers")].unique()
    tokens = {token for text in lists for token in cells.split_tickers(text)}
    lower = sorted(t for t in tokens if t != t.upper() and not t.startswith("@"))
    if lower:
        shown = ", ".join(lower[:10]) + (", ..." if len(lower) > 10 else "")
        name = Path(checked.file).name
        checked.notes.append(
            f"{name}: tickers with lower-case letters are taken as written: {shown}"
        )


def _fill_defaults(frame: pd.DataFrame) -> None:
    blank = {name: _is(frame, name, "") for name in ("timezone", "use", "session", "time")}
    _fill(frame, "timezone", blank["timezone"], DEFAULT_TIMEZONE)
    _fill(frame, "use", blank["use"], "study")
    _fill(frame, "session", blank["session"] & blank["time"], "unknown")


def _fill(frame: pd.DataFrame, column: str, where: Mask, text: str) -> None:
    if where.any():
        cells = frame[column].array.copy()
        cells[where] = text
        frame[column] = cells


def _is(frame: pd.DataFrame, column: str, text: str) -> Mask:
    """Return where a column of text is this one."""
    return np.asarray(frame[column].array == text, dtype=bool)


@dataclass(eq=False)
class _Problems:
    """Which codes of a column cannot be read, by kind, and the errors of the first of them.

    Codes are numbered as their texts first appear, so that the first rows of a kind are of its
    first codes: the errors of the others, up to one a row, need not be kept.
    """

    codes: dict[str, list[int]] = field(default_factory=dict)
    errors: dict[int, cells.CellError] = field(default_factory=dict)

    def add(self, code: int, error: cells.CellError) -> None:
        own = self.codes.setdefault(error.kind, [])
        own.append(code)
        if len(own) <= SHOWN_OF_A_KIND + 1:
            self.errors[code] = error


def _blame_codes(checked: Checked, column: str, codes: Codes, problems: _Problems) -> None:
    """Record the faults of the rows whose text has a problem, kind by kind."""
    for kind, wrong in problems.codes.items():
        found = np.zeros(int(codes.max()) + 1, dtype=bool)
        found[wrong] = True
        checked.blame(column, found[codes], lambda i: str(problems.errors[int(codes[i])]), kind)
