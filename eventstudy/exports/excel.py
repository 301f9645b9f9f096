"""Excel: a sheet that tells what was asked, then one a table, numbers to 16 digits."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, Any

from eventstudy.disk import Writer
from eventstudy.exports.contract import bytes_writer, text_of
from eventstudy.exports.number_formats import DATE, format_of
from eventstudy.report.tables import Link, Table

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.exports.contract import Document

MOST_ROWS, MOST_LETTERS = 1_048_576, 32_767
"""Of a sheet and of a cell; the program's own limits."""

FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With these a spreadsheet would start to compute where a text is typed anew."""

FIRST = "About"
ACROSS, LINE_POINTS = 105, 15
"""Letters a line on the first sheet, and its height."""

NARROWEST, WIDEST = 8, 60
LOOKED_AT = 400
"""Rows by which the width of a column is set."""

MADE = datetime(2000, 1, 1)
"""Date in every file: a file tells what it shows, not when it was made."""


class Excel:
    """Writes ``report.xlsx``."""

    what = "a workbook: a sheet a table, numbers to 16 digits"

    def check(self) -> None:
        """Nothing can be missing."""

    def files(self, document: Document, beside: Collection[str]) -> dict[str, Writer]:
        """Return what writes the workbook."""
        return {f"{document.stem}.xlsx": bytes_writer(workbook(document))}

    def names(self, stem: str, tables: Collection[str], figures: Collection[str]) -> list[str]:
        """Return the name of the workbook."""
        return [f"{stem}.xlsx"]


def workbook(document: Document) -> bytes:
    """Return a document as a workbook; the same for the same document."""
    import xlsxwriter

    file = BytesIO()
    book = xlsxwriter.Workbook(
        file,
        {
            "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
            "strings_to_numbers": False, "nan_inf_to_errors": False,
        },
    )  # fmt: skip
    book.set_properties({"title": document.title[:255], "created": MADE})
    styles = Styles(book)
    sheets: dict[str, Table | pd.DataFrame] = {**document.frames}
    sheets |= {table.name.removesuffix("-table"): table for table in document.texts}
    names = sheet_names([FIRST, *sheets])
    called = dict(zip(sheets, names[1:], strict=True))
    _about(book.add_worksheet(names[0]), document, called, styles)
    for name, content in sheets.items():
        sheet = book.add_worksheet(called[name])
        if isinstance(content, Table):
            _write_table(sheet, content, styles)
        else:
            _write_frame(sheet, name, content, styles)
    book.close()
    return file.getvalue()


class Styles:
    """Formats of a workbook's cells, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}
        self.head = self.of(bold=True, bottom=1, bg_color="#e3e7ed", text_wrap=True, valign="top")
        self.title = self.of(bold=True, font_size=14)
        self.bold = self.of(bold=True)

    def of(self, **properties: Any) -> Any:
        """Return a format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(properties)
        return self._made[key]

    def text(self, text: str, *, wrap: bool = False) -> Any:
        """Return the format of a text; one that looks like a formula is marked as text."""
        quoted = {"quote_prefix": True, "num_format": "@"} if text.startswith(FORMULA_START) else {}
        wrapped = {"text_wrap": True, "valign": "top"} if wrap else {}
        return self.of(**quoted, **wrapped) if quoted or wrapped else None


def sheet_names(names: Iterable[str]) -> list[str]:
    """Return names that are valid for sheets: at most 31 letters, no two alike.

    Parameters
    ----------
    names : iterable of str
    """
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", name).strip(" '")[:31] or "Sheet"
        if plain.casefold() == "history":  # kept by Excel for itself
            plain = "history of"
        free, number = plain, 2
        while free.casefold() in {other.casefold() for other in found}:
            free = f"{plain[: 31 - len(f' {number}')]} {number}"
            number += 1
        found.append(free)
    return found


def _about(sheet: Any, document: Document, sheets: Mapping[str, str], styles: Styles) -> None:
    """Write what was asked, the cautions and which sheets there are."""
    sheet.set_column(0, 0, ACROSS + 5)
    sheet.fit_to_pages(1, 0)
    sheet.hide_gridlines(2)
    lines: list[tuple[str, Any]] = [(document.title, styles.title), ("", None)]
    lines += [("What was asked", styles.bold), *((line, None) for line in document.asked)]
    lines += [("", None), ("Cautions", styles.bold), *((line, None) for line in document.cautions)]
    lines += [("", None), ("Sheets", styles.bold), (", ".join(sheets.values()), None)]
    texts = {t.name.removesuffix("-table"): t.caption for t in document.texts}
    lines += [(f"{sheets[name]}: {caption}", None) for name, caption in texts.items()]
    lines.append((UNITS, None))
    for row, (line, style) in enumerate(lines):
        sheet.write_string(row, 0, _cut(line), style or styles.text(line, wrap=True))
        # Not every program fits rows to wrapped text by itself.
        sheet.set_row(row, LINE_POINTS * max(1, -(-len(line) // ACROSS)) if style is None else None)


UNITS = (
    "Returns, errors and intervals are fractions shown as percent; p-values are not adjusted "
    "unless their column says so. Columns are those of the files of a run of the same names."
)


def _cut(text: str) -> str:
    if len(text) <= MOST_LETTERS:
        return text
    note = f" [... cut from {len(text):,} characters]"
    return text[: MOST_LETTERS - len(note)] + note


def _write_table(sheet: Any, table: Table, styles: Styles) -> None:
    """Write a table of words; of a link the address, as text."""
    heads = [label for label, _ in table.columns]
    cells = [[c.href if isinstance(c, Link) else text_of(c) for c in row]
             for row in table.rows]  # fmt: skip
    _head(sheet, heads, len(cells), styles)
    for column, label in enumerate(heads):
        _width(sheet, column, label, (row[column] for row in cells))
    for number, row in enumerate(cells, 1):
        for column, text in enumerate(row):
            sheet.write_string(number, column, _cut(text), styles.text(text))


def _write_frame(sheet: Any, frame_name: str, frame: pd.DataFrame, styles: Styles) -> None:
    shown = frame.head(MOST_ROWS - 1)
    _head(sheet, [str(name) for name in frame.columns], len(shown), styles)
    for column, name in enumerate(map(str, frame.columns)):
        form = format_of(frame_name, name, shown.iloc[:, column])
        style = styles.of(num_format=form) if form else None
        values = shown.iloc[:, column].tolist()
        _width(sheet, column, name, map(str, values) if form is None else (), form)
        for number, value in enumerate(values, 1):
            _write(sheet, number, column, value, style, styles)


def _write(sheet: Any, row: int, column: int, value: Any, style: Any, styles: Styles) -> None:
    """Write a value as what it is: number, truth, date or text; nothing where it is missing."""
    import pandas as pd

    if value is None or value is pd.NaT or value is pd.NA:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        if math.isfinite(value):
            sheet.write_number(row, column, value, style)
        elif math.isinf(value):
            sheet.write_string(row, column, str(value))
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value.replace(tzinfo=None), styles.of(num_format=DATE))
    else:
        text = str(value)
        sheet.write_string(row, column, _cut(text), styles.text(text))


def _head(sheet: Any, heads: Sequence[str], rows: int, styles: Styles) -> None:
    for column, label in enumerate(heads):
        sheet.write_string(0, column, _cut(label), styles.head)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    if heads and rows:
        sheet.autofilter(0, 0, rows, len(heads) - 1)


def _width(
    sheet: Any, column: int, label: str, texts: Iterable[str], form: str | None = None
) -> None:
    longest = max((len(text) for text in islice(texts, LOOKED_AT)), default=0)
    if form is not None:
        longest = max(longest, 11)
    sheet.set_column(column, column, min(max(longest, len(label) + 3, NARROWEST), WIDEST) + 1)
