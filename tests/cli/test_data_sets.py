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

QUESTION = ("study", "events.csv", "--window", "0,0", "--window", "-1,1")


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


@pytest.fixture(scope="module")
def on_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("csv")
    assert main([*QUESTION, "--prices", "sample", "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize("how", ["parquet:{}", "file://{}", "{}"])
def test_a_study_on_a_data_set_is_the_study_on_its_files(
    sample_set: Path, on_csv: Path, tmp_path: Path, how: str
) -> None:
    prices = how.format(sample_set)
    assert main([*QUESTION, "--prices", prices, "--out", str(tmp_path / "out")]) == 0
    for name in ("cars.csv", "abnormal.csv", "tests.csv", "dropped.csv"):
        assert (tmp_path / "out" / name).read_text() == (on_csv / name).read_text()
    about = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert about["prices"]["source"] == about["configuration"]["prices"] == sample_set.name


def test_prices_check_takes_an_address(
    sample_set: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prices", "check", "--prices", f"parquet:{sample_set}"]) == 0
    told = capsys.readouterr().out
    assert all(ticker in told for ticker in ("AVGO", "MRVL", "NVDA", "AMD", "SPY"))
    assert main(["prices", "check", "--prices", f"parquet:{sample_set}x"]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_an_address_in_study_toml_is_not_taken_for_a_path(
    sample_set: Path, tmp_path: Path, root: Path
) -> None:
    for prices in (f"file://{sample_set}", f"parquet:{sample_set}", "parquet:beside"):
        (tmp_path / "beside").unlink(missing_ok=True)
        (tmp_path / "beside").symlink_to(sample_set)
        events = json.dumps(str(root / "events.csv"))
        text = f'events = {events}\nprices = "{prices}"\nwindow = ["0,0"]\n'
        (tmp_path / "study.toml").write_text(text)
        assert main(["study", "--config", str(tmp_path / "study.toml")]) == 0


def test_long_tables_are_written_by_parts_with_the_figures_of_csv(
    on_csv: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(frames, "ROWS_OF_A_PART", 100)
    out = tmp_path / "out"
    asked = [*QUESTION, "--prices", "sample", "--format", "parquet", "--out", str(out)]
    for _ in range(2):  # the second run replaces the first
        assert main(asked) == 0
    for name in ("abnormal", "cars"):
        expected = pd.read_csv(on_csv / f"{name}.csv", keep_default_na=False, na_values=[""])
        assert len(part_files(out, f"{name}.parquet")) == -(-len(expected) // 100) > 1
        found = pd.read_parquet(out / f"{name}.parquet")
        assert list(found.columns) == list(expected.columns)
        for column in expected.columns:
            if expected[column].dtype.kind == "f":
                np.testing.assert_array_equal(found[column], expected[column])
            else:
                texts = found[column].astype("str").tolist()
                assert texts == expected[column].astype("str").tolist()
    assert (out / "dropped.parquet").is_file()
    listed = json.loads((out / "manifest.json").read_text())["files"]
    assert "cars.parquet/part-00001.parquet" in listed
    capsys.readouterr()
    assert main(["runs", "compare", str(on_csv), str(out)]) == 0
    told = capsys.readouterr().out
    assert "cars" not in [line.split(":")[0] for line in told.splitlines() if "differs" in line]
