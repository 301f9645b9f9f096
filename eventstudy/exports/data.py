"""CSV, Parquet and JSON: all numbers in full precision, for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from eventstudy.disk import Writer
from eventstudy.exports.contract import Noted, bytes_writer, text_of
from eventstudy.exports.frames import writer_of
from eventstudy.report.tables import Link, Table

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.exports.contract import Document, Section

OF_A_RUN = ("summary",)
"""Frames that a run keeps in other files: effects and tests hold them."""


class Frames:
    """Writes one file a table.

    Parameters
    ----------
    ending : {"csv", "parquet"}
    what : str
    """

    def __init__(self, ending: str, what: str) -> None:
        self.ending, self.what = ending, what

    def check(self) -> None:
        """Nothing can be missing."""

    def files(self, document: Document, beside: Collection[str]) -> dict[str, Writer]:
        """Return what writes each table."""
        return {
            f"{name}.{self.ending}": writer_of(frame, self.ending)
            for name, frame in document.frames.items()
            if name not in OF_A_RUN
        }

    def names(self, stem: str, tables: Collection[str], figures: Collection[str]) -> list[str]:
        """Return the names of all tables that there may be."""
        return [f"{name}.{self.ending}" for name in tables]


class Json:
    """Writes ``report.json``."""

    what = "words, tables and all numbers in one file"

    def check(self) -> None:
        """Nothing can be missing."""

    def files(self, document: Document, beside: Collection[str]) -> dict[str, Writer]:
        """Return what writes the one file."""
        text = json.dumps(as_plain(document), allow_nan=False, separators=(",", ":")) + "\n"
        return {f"{document.stem}.json": bytes_writer(text.encode())}

    def names(self, stem: str, tables: Collection[str], figures: Collection[str]) -> list[str]:
        """Return the name of the one file."""
        return [f"{stem}.json"]


def as_plain(document: Document) -> dict[str, Any]:
    """Return a document as dicts, lists, texts and numbers; None for what has no value.

    ``sections`` is what a reader sees, ``data`` all numbers by name of table: ``columns`` and
    ``rows``.
    """
    return {
        "title": document.title,
        "asked": list(document.asked),
        "cautions": list(document.cautions),
        "sections": [_section(section) for section in document.sections],
        "data": {name: _frame(frame) for name, frame in document.frames.items()},
    }


def _section(section: Section) -> Mapping[str, Any]:
    return {
        "heading": section.heading,
        "lines": list(section.lines),
        "tables": [_table(table) for table in section.tables],
        "figures": [
            {"name": f.name, "title": f.title, "caption": f.caption, "alternative": f.alternative}
            for f in section.figures
        ],
    }


def _table(given: Table | Noted) -> Mapping[str, Any]:
    table = given.table if isinstance(given, Noted) else given
    return {
        "name": table.name,
        "caption": table.caption,
        "columns": [label for label, _ in table.columns],
        "rows": [
            [cell.href if isinstance(cell, Link) else text_of(cell) for cell in row]
            for row in table.rows
        ],
        "notes": list(given.notes) if isinstance(given, Noted) else [],
    }


def _frame(frame: pd.DataFrame) -> Mapping[str, Any]:
    columns = [[_value(v) for v in frame.iloc[:, i].tolist()] for i in range(frame.shape[1])]
    return {"columns": [str(c) for c in frame.columns], "rows": [list(r) for r in zip(*columns)]}  # noqa: B905 all are of one length


def _value(value: Any) -> Any:
    import pandas as pd

    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bool | int | str):
        return value
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else str(value)
