"""Tickers that are paths, devices or formulas, from prices and cache to page and exports."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.errors import InputError
from eventstudy.prices.cache import Cached, file_name, read_cached, write_cached

LISTED = ("CON", "BRK.B", "^GSPC", "3661.TW", "=SUM")
OTHERS = ("../../etc/passwd", "博通", "<b>x</b>", "-1+1", "x" * 300)
"""No calendar names these; a price file may, and a benchmark is called so."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with events and prices in which a study is written to ``deep/out``."""
    folder = tmp_path_factory.mktemp("names")
    days = pd.bdate_range("2023-01-02", periods=320)
    names = [*LISTED, *OTHERS]
    steps = np.random.default_rng(3).normal(0.0, 0.01, (len(days), len(names)))
    frame = pd.DataFrame(100 * np.exp(steps.cumsum(axis=0)), index=days, columns=names)
    frame.to_csv(folder / "wide.csv", index_label="date")
    rows = [(f"e{i}", days[300 + i].date(), name) for i, name in enumerate(LISTED)]
    with (folder / "events.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("event_id", "date", "tickers"), *rows])
    return folder


@pytest.mark.parametrize("benchmark", ["../../etc/passwd", "<b>x</b>"])
def test_nothing_leaves_its_folder_and_nothing_is_run(place: Path, benchmark: str) -> None:
    prices = es.load_prices(source=place / "wide.csv")
    assert set(prices.tickers) == {*LISTED, *OTHERS}
    events = es.read_events(place / "events.csv", calendar="prices", prices=prices)
    study = es.event_study(
        events, prices, benchmark=benchmark, window=(0, 0), observed=(), tests=["patell"]
    )
    out = place / "deep" / "out"
    out.mkdir(parents=True, exist_ok=True)
    before = {path for path in place.rglob("*") if out not in path.parents}
    es.write_report(study, out / "report.html")
    es.export(study, out, ("md", "xlsx", "tex", "csv"))
    assert {path for path in place.rglob("*") if out not in path.parents} == before
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<b>x</b>" not in page
    assert "=SUM" in page
    book = openpyxl.load_workbook(out / "report.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    found = [cell for cell in cells if cell.value == "=SUM"]
    assert found
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in found)
    assert not any(cell.data_type == "f" for cell in cells)


@pytest.mark.parametrize(
    "ticker", [*LISTED, *OTHERS, "..", "\u202eOGVA", "A\u200bVGO", "nul", "a/b", "C:\\x"]
)
def test_a_cached_file_stays_in_its_folder(tmp_path: Path, ticker: str) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    path = folder / file_name(ticker)
    days = np.array(["2024-03-01"], dtype="datetime64[D]")
    write_cached(path, Cached(days, {"close": np.array([1.5])}, {"ticker": ticker}))
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]
    assert path.parent.resolve() == folder.resolve()
    assert path.name.isascii()
    assert path.name.split(".")[0].upper() not in {"CON", "NUL"}
    found, trouble = read_cached(path)
    assert not trouble
    assert found is not None
    assert found.about["ticker"] == ticker


def test_a_calendar_has_no_such_tickers(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    for name in OTHERS[:3]:
        path.write_text(f"event_id,date,tickers\na,2024-03-01,{name}\n", encoding="utf-8")
        with pytest.raises(InputError, match="row 2, column tickers"):
            es.read_events(path)
