"""Drafts from a CSV with headers of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from eventstudy.baskets import DEFAULT_BASKETS, Baskets
from eventstudy.drafts.headers import Choice, choose
from eventstudy.drafts.result import CONFIDENCE, USE, Drafts, draft_note, event_id
from eventstudy.drafts.values import (
    ORDERS,
    Moment,
    date_order,
    moved,
    read_date,
    read_moment,
    read_tickers,
)
from eventstudy.errors import Fault, InputError, UnknownNameError, did_you_mean
from eventstudy.events import COLUMNS, DEFAULT_TIMEZONE, TextTable, read_table, read_text_table
from eventstudy.events.cells import CellError, parse_timezone

MADE = {"session": "time", "timezone": "time", "time": "date"}
"""Where a cell came from that the source has no column for."""


def file_drafts(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    order: str | None = None,
    timezone: str = DEFAULT_TIMEZONE,
    kind: str = "",
    calendar: str | None = "XNYS",
    baskets: Baskets = DEFAULT_BASKETS,
    today: date | None = None,
) -> Drafts:
    """Read rows for a calendar from a CSV whose columns are called otherwise.

    Parameters
    ----------
    path : str or Path
    columns : mapping of str to str, optional
        Column of the calendar -> column of the file; others are guessed by their names.
    order : {"mdy", "dmy"}, optional
        How ``03/04/2025`` is read; by default as the other dates of the column allow.
    timezone : str
        IANA name, for rows that have none.
    kind : str
        For rows that have none.
    calendar : str or None
        Exchange against whose hours time and session are held.
    baskets : Baskets
    today : date, optional
        For the note.

    Raises
    ------
    InputError
        With every fault of the file at once: row, column as the file calls it, value.
    """
    table = read_text_table(Path(path))
    chosen, faults = choose(table.header, columns or {}, table.file)
    faults += _settings(order, timezone)
    if faults:
        raise InputError([*table.faults, *faults])
    header = {choice.column: choice.header for choice in chosen}
    raw = {column: table.columns[name].tolist() for column, name in header.items()}
    reader = _Reader(table, header, raw, timezone, order)
    cells = reader.read()
    note = draft_note(Path(path).name, today or date.today())
    rows = [_row(cell, kind, note) for cell in cells]
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")
    _check(table, frame, header, raw, reader.faults, calendar, baskets)
    frame["row"] = table.rows
    unused = tuple(name for name in table.header if name not in header.values())
    told = tuple((c.column, c.header, c.how) for c in chosen)
    return Drafts(str(path), frame, told, unused, tuple(_notes(chosen, cells)))


def _settings(order: str | None, timezone: str) -> list[Fault]:
    faults = []
    if order is not None and order not in ORDERS:
        problem = f"allowed are {', '.join(ORDERS)}{did_you_mean(order, ORDERS)}"
        faults.append(Fault("command line", problem, value=order, setting="--dates"))
    try:
        parse_timezone(timezone)
    except CellError as error:
        faults.append(Fault("command line", str(error), value=timezone, setting="--timezone"))
    return faults


class _Reader:
    """The cells of a foreign file, row by row; faults are gathered."""

    def __init__(
        self,
        table: TextTable,
        header: Mapping[str, str],
        raw: Mapping[str, list[str]],
        timezone: str,
        order: str | None,
    ) -> None:
        self.table, self.header, self.raw, self.timezone = table, header, raw, timezone
        self.faults = list(table.faults)
        self.order = order or self._order()

    def _order(self) -> str:
        found = date_order(self.raw["date"])
        if found is None:
            first = next(t for t in self.raw["date"] if "/" in t or t.count("-") == 2)
            problem = (
                "the dates of this column can be read month first and day first, or are mixed: "
                "say --dates mdy or --dates dmy"
            )
            self.faults.append(
                Fault(self.table.file, problem, column=self.header["date"], value=first)
            )
        return found or "mdy"

    def read(self) -> list[dict[str, str]]:
        """Return the columns of the calendar of each row."""
        return [self._read(i) for i in range(len(self.table.rows))]

    def _read(self, i: int) -> dict[str, str]:
        cell = {column: texts[i] for column, texts in self.raw.items()}
        day, behind = self._date(i)
        hour = self._moment("time" if cell.get("time") else "date", i, cell.get("time") or behind)
        label = self._moment("session", i, cell.get("session", ""))
        if label.clock and not hour.clock:
            hour = replace(label, session=hour.session)
        zone = cell.get("timezone") or self.timezone
        clock = hour.clock
        if hour.zone.startswith(("+", "-")) or hour.zone == "Z":
            day, clock = self._moved(i, day, hour, zone)
        else:
            zone = hour.zone or zone
        made = {
            "date": day, "time": clock, "timezone": zone, "session": label.session or hour.session,
            "tickers": read_tickers(cell["tickers"]),
        }  # fmt: skip
        return {**cell, **made}

    def _moved(self, i: int, day: str, hour: Moment, zone: str) -> tuple[str, str]:
        """Return date and time in a zone; as they stand where one of them is a fault already."""
        try:
            date.fromisoformat(day)
            parse_timezone(zone)
        except (CellError, ValueError):
            return day, hour.clock
        try:
            return moved(day, hour, zone)
        except CellError as error:
            self._blame("time" if self.raw.get("time", [""] * (i + 1))[i] else "date", i, error)
            return day, hour.clock

    def _date(self, i: int) -> tuple[str, str]:
        text = self.raw["date"][i]
        try:
            return read_date(text, self.order) if text else ("", "")
        except CellError as error:
            self._blame("date", i, error)
            return text, ""

    def _moment(self, column: str, i: int, text: str) -> Moment:
        try:
            return read_moment(text)
        except CellError as error:
            self._blame(column, i, error)
            return Moment()

    def _blame(self, column: str, i: int, error: CellError) -> None:
        row, header = int(self.table.rows[i]), self.header[column]
        value = self.raw[column][i]
        self.faults.append(Fault(self.table.file, str(error), row, header, value))


def _row(cell: Mapping[str, str], kind: str, note: str) -> dict[str, str]:
    """Return one row of the calendar, marked as a draft."""
    first = cell["tickers"].split(";")[0]
    subject = cell.get("subject") or ("" if first.startswith("@") else first)
    of_kind = cell.get("kind") or kind
    own = cell.get("note", "")
    made = {
        "event_id": cell.get("event_id") or event_id(subject or first, of_kind, cell["date"]),
        "kind": of_kind,
        "subject": subject,
        "use": USE,
        "confidence": CONFIDENCE,
        "note": f"{note}; {own}" if own else note,
    }
    return {**dict.fromkeys(COLUMNS, ""), **cell, **made}


def _check(
    table: TextTable,
    frame: pd.DataFrame,
    header: Mapping[str, str],
    raw: Mapping[str, list[str]],
    faults: list[Fault],
    calendar: str | None,
    baskets: Baskets,
) -> None:
    """Hold the rows against the calendar's own rules; faults name the file's own columns."""
    found = list(faults)
    seen = {(fault.row, fault.column) for fault in faults}
    # Ids that were made here are told apart later; two of the file's own are a fault.
    ids = frame["event_id"]
    if "event_id" not in header:
        ids = pd.Series([f"{i}" for i in np.arange(len(frame))], dtype="str")
    at = {int(row): i for i, row in enumerate(table.rows)}
    given = TextTable(table.file, COLUMNS, frame.assign(event_id=ids), table.rows, ())
    try:
        read_table(given, calendar=calendar, baskets=baskets)
    except InputError as error:
        for fault in error.faults:
            column = fault.column or ""
            told = header.get(column) or header.get(MADE.get(column, "")) or column or None
            if (fault.row, told) not in seen:
                source = column if column in raw else MADE.get(column, "")
                known = source in raw and fault.row in at
                value = raw[source][at[fault.row or 0]] if known else fault.value
                found.append(replace(fault, column=told, value=value))
    except UnknownNameError as error:
        found.append(Fault("command line", str(error), setting="--calendar"))
    if found:
        raise InputError(sorted(found, key=lambda fault: fault.row or 0))


def _notes(chosen: list[Choice], cells: list[dict[str, str]]) -> list[str]:
    hourless = sum(not c["time"] and c["session"] in ("", "unknown") for c in cells)
    notes = []
    if hourless:
        notes.append(
            f"{hourless} of {len(cells)} rows have neither time nor session: their hour is "
            "unknown, and both readings will be run"
        )
    if not any(choice.column == "timezone" for choice in chosen):
        zones = sorted({c["timezone"] for c in cells if c["time"]})
        if zones:
            notes.append(f"times are read in {', '.join(zones)}")
    return notes
