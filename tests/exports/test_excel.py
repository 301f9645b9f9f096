"""The workbook, read by openpyxl and opened by LibreOffice."""

from __future__ import annotations

import csv
import math
import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from made_export import HOSTILE, Exported  # type: ignore[import-not-found]

from eventstudy.exports.excel import sheet_names

COMPARED = ("cars", "effects", "multiple", "trades", "metrics", "sensitivity", "luck")


@pytest.fixture(scope="module")
def book(exported: Exported) -> Any:
    return openpyxl.load_workbook(exported.folder / "report.xlsx")


@pytest.fixture(scope="module")
def hostile_book(hostile: Exported) -> Any:
    return openpyxl.load_workbook(hostile.folder / "report.xlsx")


def same(cell: object, text: str) -> bool:
    """Return whether a cell says what a CSV file says, to its last digit."""
    if cell is None:
        return text == ""
    if isinstance(cell, bool):
        return text == str(cell)
    if isinstance(cell, int | float):
        return float(f"{float(text):.16g}") == cell  # what XlsxWriter keeps; Excel shows 15 digits
    if isinstance(cell, datetime):
        return text[:10] == f"{cell:%Y-%m-%d}"
    return str(cell) == text


@pytest.mark.parametrize("table", COMPARED)
def test_every_number_is_that_of_the_csv(book: Any, exported: Exported, table: str) -> None:
    sheet, expected = book[table], exported.rows(table)
    heads = [cell.value for cell in sheet[1]]
    assert heads == list(expected[0])
    assert sheet.max_row == len(expected) + 1
    for row, wanted in zip(sheet.iter_rows(min_row=2, values_only=True), expected, strict=True):
        for name, cell in zip(heads, row, strict=True):
            assert same(cell, wanted[name]), (table, name, cell, wanted[name])


def test_numbers_are_numbers_with_formats(book: Any) -> None:
    heads = {cell.value: cell.column for cell in book["cars"][1]}
    car, p = (book["cars"].cell(2, heads[name]) for name in ("car", "p_value"))
    assert (car.data_type, car.number_format) == ("n", "0.00%")
    assert (p.data_type, p.number_format) == ("n", "0.0000")
    day = book["abnormal"].cell(2, 6)
    assert isinstance(day.value, datetime)
    assert day.number_format == "yyyy-mm-dd"


def test_headers_are_frozen_and_columns_wide_enough(book: Any) -> None:
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes == "A2", sheet.title
        assert sheet["A1"].font.bold, sheet.title
    assert book["calendar"].column_dimensions["A"].width >= len("avgo-earnings-2024-12-12")


def test_the_first_sheet_says_what_was_asked_and_the_cautions(
    book: Any, exported: Exported
) -> None:
    first = book.worksheets[0]
    told = "\n".join(str(row[0]) for row in first.iter_rows(values_only=True) if row[0])
    assert first.title == "About"
    assert told.startswith("A title & $5")
    assert "Did ASIC versus GPU news move the shares" in told
    assert "were set by someone who knew later prices" in told
    assert "20 events on 19 dates" in told
    for sheet in book.sheetnames[1:]:
        assert sheet in told


def test_no_cell_is_a_formula_and_what_looks_like_one_is_marked_as_text(hostile_book: Any) -> None:
    marked = set()
    for sheet in hostile_book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (sheet.title, cell.coordinate)
                if isinstance(cell.value, str) and cell.value.startswith(tuple("=+-@\t\r")):
                    assert cell.quotePrefix, (sheet.title, cell.coordinate, cell.value)
                    marked.add(cell.value)
    assert {"=CMD", '=cmd()|"q"', "-1+1", "@SUM(A1)", "+1-800"} <= marked


def test_hostile_texts_stand_as_they_were_given(hostile_book: Any) -> None:
    rows = {row[0]: row for row in hostile_book["calendar"].iter_rows(min_row=2, values_only=True)}
    title = [cell.value for cell in hostile_book["calendar"][1]].index("title")
    for event_id, _, text in HOSTILE:
        assert rows[event_id][title] == text


def test_names_of_sheets_are_valid_and_unlike() -> None:
    given = ["a/b:c*[d]?\\e", "x" * 40, "X" * 40, "'quoted'", "history", "", "A b c  d  e"]
    found = sheet_names(given)
    assert found == [
        "a b c  d   e", "x" * 31, "X" * 29 + " 2", "quoted", "history of", "Sheet", "A b c  d  e",
    ]  # fmt: skip
    for name in found:
        assert 0 < len(name) <= 31
        assert not set(name) & set("[]:*?/\\")


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice) is not here")
def test_libreoffice_reads_the_same(hostile: Exported, tmp_path: Path) -> None:
    every_sheet = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
    subprocess.run(
        [
            "soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless",
            "--convert-to", every_sheet, "--outdir", str(tmp_path),
            str(hostile.folder / "report.xlsx"),
        ],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    for table in ("cars", "effects"):
        with (tmp_path / f"report-{table}.csv").open(newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        expected = hostile.rows(table)
        assert len(found) == len(expected) > 0
        for row, wanted in zip(found, expected, strict=True):
            for name, marked in wanted.items():
                # An apostrophe keeps a text of a CSV from being run; a workbook needs none.
                text = re.sub("^'(?=[=@])", "", marked)
                assert alike(row[name], text), (table, name, row[name], text)
    with (tmp_path / "report-calendar.csv").open(newline="", encoding="utf-8") as file:
        titles = {row["event"]: row["title"] for row in csv.DictReader(file)}
    assert titles == {event_id: title for event_id, _, title in HOSTILE}


def alike(shown: str, text: str) -> bool:
    """Return whether LibreOffice's number, of 15 digits, is that of the CSV file."""
    try:
        number = float(shown.removesuffix("%")) / (100 if shown.endswith("%") else 1)
        return math.isclose(number, float(text), rel_tol=1e-12, abs_tol=1e-18)
    except ValueError:
        return shown == text
