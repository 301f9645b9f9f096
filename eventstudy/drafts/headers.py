"""Which column of a foreign file is which column of the calendar: as told, else guessed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from eventstudy.errors import Fault, did_you_mean

KNOWN: Mapping[str, tuple[str, ...]] = {
    "event_id": ("event id", "id"),
    "date": (
        "date", "announcement date", "announced", "announce date", "announced on", "report date",
        "reported date", "earnings date", "event date", "announcement", "datetime", "date time",
    ),
    "time": ("time", "announcement time", "report time", "earnings time", "event time", "hour"),
    "timezone": ("timezone", "time zone", "tz", "zone"),
    "session": ("session", "timing", "market session", "bmo amc", "amc bmo", "when", "call time"),
    "kind": ("kind", "type", "event type", "category"),
    "subject": ("subject", "issuer"),
    "tickers": ("tickers", "ticker", "symbol", "symbols", "ticker symbol", "stock symbol"),
    "expects": ("expects",),
    "known_on": ("known on",),
    "title": ("title", "headline", "description", "event name", "company", "company name"),
    "source": ("source", "url", "link"),
    "note": ("note", "notes", "comment", "comments"),
}  # fmt: skip
"""Headers that people give to the columns of the calendar, in small letters."""

SET = ("use", "confidence")
"""Columns that the import decides: a draft is a draft."""

NEEDED = ("date", "tickers")

PARTED = ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"))
"""What parts columns in files that are called CSV and are none."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One column of the source taken for one of the calendar.

    Attributes
    ----------
    column, header : str
        In the calendar, in the source.
    how : {"given", "guessed"}
    """

    column: str
    header: str
    how: str


def choose(
    header: Sequence[str], told: Mapping[str, str], file: str
) -> tuple[list[Choice], list[Fault]]:
    """Return which columns are taken for which, and every fault.

    Parameters
    ----------
    header : sequence of str
        Columns of the source.
    told : mapping of str to str
        Column of the calendar -> column of the source; an empty one forbids a guess.
    file : str
        The source, for faults.
    """
    parted = next((name for mark, name in PARTED if len(header) == 1 and mark in header[0]), None)
    if parted:
        problem = f"its columns are parted by {parted}: save it with commas"
        return [], [Fault(file, problem, row=1, value=header[0])]
    chosen, faults = _told(header, told, file)
    faults += [
        Fault(file, "this column is there twice", row=1, column=name)
        for name in dict.fromkeys(header)
        if name and header.count(name) > 1
    ]
    left = [name for name in header if name not in {c.header for c in chosen}]
    for column in KNOWN:
        if column in told:
            continue
        found = _guesses(column, left)
        if len(found) > 1:
            listed = " and ".join(map(repr, found))
            say = f"--map {shlex.quote(f'{column}={found[0]}')}"
            problem = f"{listed} look like {column}: say which, such as {say}"
            faults.append(Fault(file, problem, row=1))
        elif found:
            chosen.append(Choice(column, found[0], "guessed"))
            left.remove(found[0])
        elif column in NEEDED:
            problem = f"no column looks like {column}: say --map {column}=NAME"
            faults.append(Fault(file, f"{problem}; it has {', '.join(header)}", row=1))
    return chosen, faults


def _guesses(column: str, left: Sequence[str]) -> list[str]:
    """Return the columns that look like one of the calendar; misspelt ones where it must be."""
    names = KNOWN[column]
    found = [name for name in left if _plain(name) in names]
    if not found and column in NEEDED:
        found = [n for n in left if get_close_matches(_plain(n), names, n=1, cutoff=0.85)]
    return found


def _told(
    header: Sequence[str], told: Mapping[str, str], file: str
) -> tuple[list[Choice], list[Fault]]:
    chosen, faults = [], []
    folded = {name.casefold(): name for name in header}
    for column, name in told.items():
        setting = f"--map {column}={name}"
        if column in NEEDED and not name:
            problem = "a calendar needs this column"
            faults.append(Fault("command line", problem, setting=setting))
        elif column in SET:
            problem = "the import sets it: a draft is context with low confidence"
            faults.append(Fault("command line", problem, setting=setting))
        elif column not in KNOWN:
            near = did_you_mean(column, KNOWN)
            problem = f"no column of the calendar{near}; allowed: {', '.join(KNOWN)}"
            faults.append(Fault("command line", problem, value=column, setting=setting))
        elif name and name.casefold() not in folded:
            near = did_you_mean(name, header)
            problem = f"no column of {file}{near}; it has {', '.join(header)}"
            faults.append(Fault("command line", problem, value=name, setting=setting))
        elif name:
            chosen.append(Choice(column, folded[name.casefold()], "given"))
    return chosen, faults


def _plain(name: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", name.casefold()))
