"""Drafts: rows of a calendar that nobody has confirmed yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

MARK = "draft"
"""How the note of every draft begins."""

USE, CONFIDENCE = "context", "low"
"""What a draft is until someone confirms it: shown, neither tested nor traded."""


@dataclass(frozen=True, eq=False)
class Drafts:
    """Rows that may be added to a calendar.

    Attributes
    ----------
    source : str
        A file, or ``yahoo``.
    frame : DataFrame, n rows
        The contract's columns as text, and `row`: the line in the source, 0 where it has none.
    columns : tuple of (str, str, str)
        Column of the calendar, column of the source, and ``given`` or ``guessed``.
    unused : tuple of str
        Columns of the source that are not taken over.
    notes : tuple of str
        What a reader should know.
    """

    source: str
    frame: pd.DataFrame
    columns: tuple[tuple[str, str, str], ...] = ()
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def draft_note(source: str, today: date, more: str = "") -> str:
    """Return the note of a draft: from where and when it is, and what is to be done."""
    text = f"{MARK} from {source} of {today}: to be confirmed"
    return f"{text}; {more}" if more else text


def event_id(main: str, kind: str, day: str) -> str:
    """Return an id such as ``avgo-earnings-2024-12-12``."""
    parts = (re.sub(r"[^a-z0-9]+", "-", part.casefold()).strip("-") for part in (main, kind))
    return "-".join(part for part in (*parts, day) if part)
