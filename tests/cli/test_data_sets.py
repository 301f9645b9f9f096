"""Runs on a data set of Parquet, and runs whose tables are written by parts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eventstudy.cli import main
from eventstudy.exports import frames
from eventstudy.exports.parts import part_files
from eventstudy.prices import load_prices
from eventstudy.prices.table import FIELDS
from eventstudy.run.config import RunConfig, read_config
from eventstudy.run.execute import Outcome, execute
from eventstudy.run.files import write_files
from eventstudy.run.table_compare import compare_files


@pytest.fixture(scope="module")
def sample_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the shipped sample as a data set in folders by ticker."""
    folder = tmp_path_factory.mktemp("sample")
    table = load_prices(source="sample")
    for i, ticker in enumerate(table.tickers):
        columns = {name: getattr(table, name)[:, i] for name in FIELDS}
        given = {name: v for name, v in columns.items() if not np.isnan(v).all()}
        place = folder / f"ticker={ticker}"
        place.mkdir()
        pq.write_table(pa.table({"date": table.dates, **given}), place / "part-0.parquet")
    return folder


def studied(root: Path, prices: str) -> Outcome:
    asked = {"events": str(root / "events.csv"), "prices": prices, "window": ("0,0", "-1,1")}
    return execute(RunConfig(**asked, test=("bmp",)), trade=False)


@pytest.fixture(scope="module")
def on_sample(root: Path) -> Outcome:
    return studied(root, "sample")


def test_a_study_on_a_data_set_is_the_study_on_its_files(
    root: Path, sample_set: Path, on_sample: Outcome
) -> None:
    found = studied(root, f"file://{sample_set}").study
    assert found is not None
    assert on_sample.study is not None
    pd.testing.assert_frame_equal(found.cars, on_sample.study.cars, check_exact=True)
    pd.testing.assert_frame_equal(found.abnormal, on_sample.study.abnormal, check_exact=True)
    assert found.prices.source == sample_set.name
    assert found.prices.digest("AVGO") == on_sample.prices.digest("AVGO")


def test_prices_check_takes_an_address(
    sample_set: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prices", "check", "--prices", f"parquet:{sample_set}"]) == 0
    told = capsys.readouterr().out
    assert all(ticker in told for ticker in ("AVGO", "MRVL", "NVDA", "AMD", "SPY"))
    assert main(["prices", "check", "--prices", f"parquet:{sample_set}x"]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_an_address_in_study_toml_is_not_taken_for_a_path(tmp_path: Path) -> None:
    for given, meant in (
        ("s3://bucket/prices", "s3://bucket/prices"),
        ("parquet:prices", f"parquet:{tmp_path}/prices"),
        ("prices", f"{tmp_path}/prices"),
    ):
        (tmp_path / "study.toml").write_text(f'prices = "{given}"\n')
        assert read_config(str(tmp_path / "study.toml"), {}).prices == meant


def test_long_tables_are_written_by_parts_with_the_figures_of_csv(
    on_sample: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "ROWS_OF_A_PART", 300)
    write_files(on_sample, tmp_path / "csv", report=False)
    for _ in range(2):  # the second run replaces the first
        write_files(on_sample, tmp_path / "out", "parquet", report=False)
    for name in ("abnormal", "cars"):
        expected = pd.read_csv(tmp_path / "csv" / f"{name}.csv", dtype=str, keep_default_na=False)
        assert len(part_files(tmp_path / "out", f"{name}.parquet")) == -(-len(expected) // 300) > 1
        found = pd.read_parquet(tmp_path / "out" / f"{name}.parquet")
        assert list(found.columns) == list(expected.columns)
        # Written as CSV, the parts are the CSV to the last letter.
        assert found.to_csv(index=False) == (tmp_path / "csv" / f"{name}.csv").read_text()
    assert (tmp_path / "out" / "identification.parquet").is_file()
    listed = json.loads((tmp_path / "out" / "manifest.json").read_text())["files"]
    assert "cars.parquet/part-00001.parquet" in listed
    names = [["cars.csv", "abnormal.csv"], ["cars.parquet", "abnormal.parquet"]]
    tables, _ = compare_files(tmp_path / "csv", tmp_path / "out", *names)
    assert [table.state for table in tables] == ["same values", "same values"]
