"""JSON, CSV and Parquet hold the same numbers, and the verbs refuse what is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from made_export import HOSTILE, Exported  # type: ignore[import-not-found]

import eventstudy as es
from eventstudy.errors import EventStudyError, UnknownNameError
from eventstudy.exports import FORMATS, document_of, export_files, export_names
from eventstudy.report import figures


@pytest.mark.parametrize("table", ["abnormal", "cars", "tests", "effects", "trades", "equity"])
def test_json_holds_the_numbers_of_the_csv(exported: Exported, table: str) -> None:
    found = json.loads(exported.text("report.json"))["data"][table]
    expected = exported.rows(table)
    assert found["columns"] == list(expected[0])
    assert len(found["rows"]) == len(expected)
    for row, wanted in zip(found["rows"], expected, strict=True):
        for value, text in zip(row, wanted.values(), strict=True):
            if isinstance(value, float):
                assert value == float(text)
            else:
                assert ("" if value is None else str(value)) == text


def test_parquet_holds_the_numbers_of_the_csv(exported: Exported) -> None:
    found = pd.read_parquet(exported.folder / "cars.parquet")
    assert found["car"].tolist() == [float(row["car"]) for row in exported.rows("cars")]


def test_json_holds_what_a_reader_sees(exported: Exported) -> None:
    found = json.loads(exported.text("report.json"))
    assert found["title"] == "A title & $5"
    headings = [section["heading"] for section in found["sections"]]
    assert headings[:2] == ["What was found", "The case: avgo-earnings-2024-12-12"]
    assert headings[-2:] == ["Trades", "Is it luck?"]
    assert found["sections"][0]["tables"][0]["notes"]


def test_hostile_texts_stand_in_json_as_they_were_given(hostile: Exported) -> None:
    sections = json.loads(hostile.text("report.json"))["sections"]
    calendar = next(t for s in sections for t in s["tables"] if t["name"] == "calendar")
    title = calendar["columns"].index("title")
    assert {row[0]: row[title] for row in calendar["rows"]} == {e: t for e, _, t in HOSTILE}


def test_the_same_results_give_the_same_bytes(exported: Exported, tmp_path: Path) -> None:
    """Written a second time, and in another order."""
    formats = ("parquet", "csv", "json", "xlsx", "tex", "md")
    written = es.export(
        exported.study, tmp_path, formats, backtest=exported.backtest, title="A title & $5"
    )
    assert sorted(path.name for path in written) == sorted(p.name for p in exported.written)
    for path in written:
        assert path.read_bytes() == (exported.folder / path.name).read_bytes(), path.name


def test_a_backtest_alone_can_be_exported(traded: es.BacktestResult) -> None:
    document = document_of(traded)
    files = export_files(document, ["md", "tex", "json", "csv"])
    assert {"report.md", "report.tex", "report.json", "trades.csv"} <= set(files)
    assert "table-effects.tex" not in files
    assert [section.heading for section in document.sections] == ["Trades", "Is it luck?"]


def test_every_file_has_a_name_that_was_announced(exported: Exported) -> None:
    formats = [name for name in FORMATS if name not in ("png", "svg", "pdf")]
    assert {path.name for path in exported.written} <= set(export_names(formats))
    document = document_of(exported.study, backtest=exported.backtest)
    shown = {figure.name for figure in document.figures}
    names = {f"figure-{name}.png" for name in shown}
    assert len(names) >= 9
    assert names <= set(export_names(["png"]))


def test_other_files_of_the_folder_stay(hostile_study: es.StudyResult, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    es.export(hostile_study, tmp_path, "json")
    es.export(hostile_study, tmp_path, "json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt", "report.json"]


def test_what_cannot_be_exported_is_refused(exported: Exported, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown format 'xls' .did you mean 'xlsx'"):
        es.export(exported.study, tmp_path, "xls")
    with pytest.raises(EventStudyError, match="DataFrame cannot be exported"):
        es.export(exported.study.cars, tmp_path, "md")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="unknown studied event 'nothing'"):
        es.export(exported.study, tmp_path, "md", case="nothing")
    figure = figures.effects_figure(exported.study)
    with pytest.raises(UnknownNameError, match="unknown format of a figure 'jpg'"):
        es.export_figure(figure, tmp_path / "effects.jpg")
    (tmp_path / "file").write_text("")
    with pytest.raises(EventStudyError, match="report.json: cannot be written: Not a dir"):
        es.export(exported.study, tmp_path / "file", "json")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
