"""Drafts added to a calendar: rows that are there are never touched."""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from eventstudy.baskets import DEFAULT_BASKETS, Baskets
from eventstudy.disk import locked_folder, write_whole
from eventstudy.drafts.result import Drafts
from eventstudy.errors import EventStudyError, Fault, InputError
from eventstudy.events import COLUMNS, EventCalendar, read_events

OUT, IN = "left out", "added"


@dataclass(frozen=True, eq=False)
class Added:
    """What was added to a calendar, or would be.

    Attributes
    ----------
    file : Path
    created : bool
        Whether the calendar is a new file.
    rows : DataFrame
        The contract's columns of the rows added, with ids that nothing else has.
    duplicates : DataFrame
        event_id, date, ticker, other, what: drafts that share ticker and date with a row of the
        calendar, or with another draft. `what` tells which were left out.
    """

    file: Path
    created: bool
    rows: pd.DataFrame
    duplicates: pd.DataFrame


@dataclass(frozen=True, slots=True)
class _Known:
    """What tells one event from another: id, date, main ticker, all tickers."""

    event_id: str
    day: str
    main: str
    tickers: frozenset[str]


def add_drafts(
    drafts: Drafts,
    path: str | Path,
    *,
    keep_duplicates: bool = False,
    baskets: Baskets = DEFAULT_BASKETS,
    dry_run: bool = False,
) -> Added:
    """Append drafts to a calendar, or begin one; all rows or none.

    A draft about a company that has a row on that very date is left out and listed, so that
    the same import can be run again; one that merely shares a ticker and a date is listed and
    added.

    Parameters
    ----------
    drafts : Drafts
    path : str or Path
        The calendar; a new one gets the contract's columns.
    keep_duplicates : bool
        Whether to add the same company and date again.
    baskets : Baskets
        What the calendar may name.
    dry_run : bool
        Whether to find what would be added, and write nothing.

    Raises
    ------
    InputError
        Where the calendar has faults, lacks a column that the drafts need, or where an id of
        the source is in it already.
    EventStudyError
        Where the calendar cannot be written.
    """
    # A link is followed: the file that it stands for is written, not the link.
    place = Path(os.path.realpath(path))
    with locked_folder(place.parent):
        old = place.read_bytes() if place.is_file() else b""
        created = not os.path.lexists(place) or not old.strip()
        known = [] if created else _known_of(read_events(path, calendar=None, baskets=baskets))
        header = list(COLUMNS) if created else _header(old)
        rows, duplicates = _sorted_out(drafts, known, keep_duplicates)
        _refuse(drafts, rows, known, header, str(path))
        if len(rows) and not dry_run:
            _append(place, old, header, rows, created)
    return Added(Path(path), created, rows[list(COLUMNS)], duplicates)


def _known_of(calendar: EventCalendar) -> list[_Known]:
    return [_known(row) for row in calendar.frame.to_dict("records")]


def _known(row: Mapping[Hashable, Any]) -> _Known:
    tickers = row["tickers"].split(";")
    main = row["subject"] if row["subject"] in tickers else tickers[0]
    return _Known(row["event_id"], row["date"], main, frozenset(tickers))


def _sorted_out(
    drafts: Drafts, known: list[_Known], keep_all: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows to add, with ids of their own, and the list of duplicates."""
    own_ids = any(column == "event_id" for column, *_ in drafts.columns)
    by_day: dict[str, list[_Known]] = {}
    for one in known:
        by_day.setdefault(one.day, []).append(one)
    ids = {one.event_id for one in known}
    kept, listed = [], []
    for row in drafts.frame.to_dict("records"):
        mine = _known(row)
        others = [other for other in by_day.get(mine.day, []) if other.tickers & mine.tickers]
        same = [other for other in others if other.main == mine.main]
        out = bool(same) and not keep_all
        for other in others:
            shared = ";".join(sorted(other.tickers & mine.tickers))
            listed.append((mine.event_id, mine.day, shared, other.event_id, OUT if out else IN))
        if out:
            continue
        if not own_ids:
            row["event_id"] = _free(mine.event_id, ids)
            ids.add(row["event_id"])
        kept.append(row)
        by_day.setdefault(mine.day, []).append(_known(row))
    names = ["event_id", "date", "ticker", "other", "what"]
    frame = pd.DataFrame(kept, columns=drafts.frame.columns)
    return frame, pd.DataFrame(listed, columns=names)


def _free(wanted: str, ids: set[str]) -> str:
    """Return an id that no event has."""
    free, n = wanted, 1
    while free in ids:
        n += 1
        free = f"{wanted}-{n}"
    return free


def _refuse(
    drafts: Drafts, rows: pd.DataFrame, known: Iterable[_Known], header: list[str], calendar: str
) -> None:
    """Refuse ids that are taken, and columns that the calendar lacks."""
    name = next((source for column, source, _ in drafts.columns if column == "event_id"), None)
    taken = {one.event_id for one in known}
    faults = [
        Fault(drafts.source, f"this id is in {calendar} already", int(row), name, event_id)
        for event_id, row in zip(rows["event_id"], rows["row"], strict=True)
        if event_id in taken
    ]
    for column in COLUMNS:
        if column not in header and (rows[column] != "").any():
            problem = f"column {column!r} is missing, and the drafts need it: add it to the header"
            faults.append(Fault(calendar, problem, row=1))
    if faults:
        raise InputError(faults)


def _header(content: bytes) -> list[str]:
    text = content.decode("utf-8-sig")
    return [name.strip() for name in next(csv.reader(io.StringIO(text, newline="")))]


def _append(place: Path, old: bytes, header: list[str], rows: pd.DataFrame, created: bool) -> None:
    """Write the calendar with rows behind those it has, byte for byte what they were."""
    end = "\r\n" if b"\r\n" in old else "\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    if created:
        writer.writerow(header)
    elif not old.endswith((b"\n", b"\r")):
        text.write(end)
    for row in rows.to_dict("records"):
        writer.writerow([row.get(name, "") for name in header])
    content = (b"" if created else old) + text.getvalue().encode()
    try:
        mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else 0o644
        write_whole(place, lambda file: file.write(content), mode=mode)
    except OSError as error:
        raise EventStudyError(f"{place}: cannot be written: {error.strerror or error}") from None
