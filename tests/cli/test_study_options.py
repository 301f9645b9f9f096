"""Options of a study: models, tests, overlap, estimation windows, factors, donors, horizons."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.cli import main

EVENTS, SAMPLE = "events.csv", ("--prices", "sample", "--window", "0,0")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("options")
    arguments = [
        "study", EVENTS, *SAMPLE, "--window", "2,10", "--overlap", "keep-first",
        "--estimation-excludes", "own_events", "--test", "bmp", "--test", "kolari_pynnonen",
        "--model", "market", "--model", "dimson:2", "--donors", "AMD", "--donors", "MRVL",
        "--horizon", "1,20", "--returns", "log", "--out", str(out),
    ]  # fmt: skip
    assert main(arguments) == 0
    return out


def test_every_choice_stands_in_the_manifest(written: Path) -> None:
    study = json.loads((written / "manifest.json").read_text())["study"]
    assert study["overlap"] == "keep-first"
    assert study["estimation_excludes"] == "own_events"
    assert study["models"] == ["market", "dimson:2"]
    assert study["donors"] == ["AMD", "MRVL"]
    assert study["hull"] == "0,10"
    assert study["returns"] == "log"


def test_cars_end_with_bhar_and_caveat(written: Path) -> None:
    cars = pd.read_csv(written / "cars.csv")
    assert list(cars.columns[-3:]) == ["sigma", "bhar", "caveat"]
    assert (cars["bhar"].isna() == cars["ticker"].str.contains("-", regex=False)).all()
    # With log returns one day's BHAR is exp(r) - exp(r - AR): not the AR, but of its sign.
    day = cars[(cars["window"] == "0,0") & cars["bhar"].notna()]
    assert (np.sign(day["bhar"]) == np.sign(day["car"])).all()
    assert (day["bhar"] - day["car"]).abs().max() > 1e-4


def test_the_tests_asked_for_are_the_tests_run(written: Path) -> None:
    tests = pd.read_csv(written / "tests.csv")
    group = tests[~tests["group"].str.contains("/")]
    assert set(group["test"]) == {"bmp", "kolari_pynnonen"}
    assert set(tests["model"]) == {"market", "dimson:2"}


def test_what_the_policy_dropped_is_listed(written: Path) -> None:
    dropped = pd.read_csv(written / "dropped.csv")
    overlap = dropped[dropped["reason"] == "overlap"]
    assert len(overlap)
    assert overlap["detail"].str.contains("shares|has the session 0 of", regex=True).all()


def test_files_beside_the_contract_are_written(written: Path) -> None:
    for name in (
        "multiple", "readings", "survivors", "sensitivity", "variance",
        "activity_tests", "bhar", "bhar_tests", "calendar_time",
    ):  # fmt: skip
        assert len(pd.read_csv(written / f"{name}.csv")), name
    # First of each chain kept: no two events are left on one session.
    assert len(pd.read_csv(written / "identification.csv")) == 0
    assert not (written / "volume.csv").exists()
    manifest = json.loads((written / "manifest.json").read_text())
    assert "volume" in manifest["not_measured"][0]
    assert manifest["long_run"]["horizons"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--overlap", "kepp"], "overlap"),
        (["--returns", "logs"], "returns"),
        (["--estimation-excludes", "own"], "estimation_excludes"),
        (["--test", "bpm"], "did you mean 'bmp'"),
        (["--model", "marked"], "did you mean 'market'"),
        (["--model", "dimson:x"], "dimson"),
        (["--model", "ff5"], "needs factors"),
        (["--model", "adjusted:NOPE"], "NOPE"),
        (["--donors", "NOPE"], "NOPE"),
        (["--factors", "no-such-file.csv"], "no-such-file.csv"),
        (["--horizon", "5,1"], "5,1"),
        (["--horizon", "1,20", "--matched", "NOPE"], "NOPE"),
        (["--overlap", "joint", "--model", "robust"], "robust"),
    ],
)
def test_a_mistake_is_one_paragraph(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", EVENTS, *SAMPLE, *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_factors_need_their_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "factors.csv"
    days = pd.bdate_range("2024-01-02", "2025-06-30")
    frame = pd.DataFrame({"date": days, "mkt_rf": 0.5, "rf": 0.01})
    frame.loc[::2, "mkt_rf"] = -0.4
    frame.to_csv(path, index=False)
    arguments = ["study", EVENTS, *SAMPLE, "--model", "capm", "--factors", str(path)]
    assert main(arguments) == 2
    assert "units" in capsys.readouterr().err
    assert main([*arguments, "--factor-units", "percent"]) == 0


def test_joint_estimation_through_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", EVENTS, *SAMPLE, "--overlap", "joint"]) == 0
    assert "joint" in capsys.readouterr().out
