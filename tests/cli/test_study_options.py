"""Options of a study: models, tests, overlap, estimation windows, factors, donors, horizons."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.cli import main

EVENTS, SAMPLE = "events.csv", ("--prices", "sample", "--window", "0,0")


@pytest.fixture(scope="module")
def written(
    tmp_path_factory: pytest.TempPathFactory,
    without_page: Callable[[], AbstractContextManager[None]],
) -> Path:
    out = tmp_path_factory.mktemp("options")
    arguments = [
        "study", EVENTS, *SAMPLE, "--window", "2,10", "--overlap", "keep-first",
        "--estimation-excludes", "own_events", "--test", "bmp", "--test", "kolari_pynnonen",
        "--model", "market", "--model", "dimson:2", "--donors", "AMD", "--donors", "MRVL",
        "--horizon", "1,20", "--returns", "log", "--out", str(out),
    ]  # fmt: skip
    with without_page():
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


@pytest.mark.usefixtures("no_page")
def test_every_table_that_the_summary_names_is_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its own name, or by the one that stands in parentheses behind it."""
    few = ("--test", "kolari_pynnonen", "--test", "corrado")
    assert main(["study", EVENTS, *SAMPLE, *few, "--horizon", "20", "--out", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    files = {path.stem for path in tmp_path.glob("*.csv")}
    elsewhere = r"(?: \(in a run's files: (\w+)\))?"
    found = re.findall(rf"(?:see|reason in) (\w+(?:, \w+)*){elsewhere}", said)
    named = [(name, file) for names, file in found for name in names.split(", ")]
    expected = {"effects", "tests", "reading_verdicts", "merged", "identification", "dropped"}
    assert expected | {"multiple", "calendar_time"} <= {name for name, _ in named}
    assert ("dropped", "bhar_dropped") in named
    assert ("dropped", "") in named
    for name, file in named:
        assert (file or name) in files, name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--returns", "logs"], "returns"),
        (["--overlap", "jont"], "command line, --overlap: 'jont': allowed are keep, drop, "),
        (["--overlap", "jont"], "(did you mean 'joint'?)"),
        (["--estimation-excludes", "own"], "--estimation-excludes: 'own'"),
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


ONE = ("--test", "bmp", "--observed", "AVGO")
LATER = ("study", EVENTS, *SAMPLE, "--horizon", "20", *ONE)


def later(out: Path) -> dict[str, object]:
    found = json.loads((out / "manifest.json").read_text())["long_run"]
    assert isinstance(found, dict)
    return found


@pytest.mark.usefixtures("no_page")
def test_overlap_reaches_the_long_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The firm of a row of bhar.csv has no two horizons that share sessions."""
    assert main([*LATER, "--overlap", "keep-first", "--out", str(tmp_path)]) == 0
    assert later(tmp_path)["overlap"] == "keep-first"
    assert "(keep-first): the first of them stays" in " ".join(capsys.readouterr().out.split())
    frame = pd.read_csv(tmp_path / "bhar.csv", parse_dates=["start", "end"])
    assert len(frame)
    for _, rows in frame.groupby(["ticker", "alignment", "against"]):
        rows = rows.sort_values("start")
        assert (rows["start"].iloc[1:].to_numpy() > rows["end"].iloc[:-1].to_numpy()).all()


@pytest.mark.usefixtures("no_page")
def test_horizons_may_have_a_rule_of_their_own(tmp_path: Path) -> None:
    arguments = [*LATER, "--overlap", "keep-first", "--horizon-overlap", "keep"]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    assert later(tmp_path)["overlap"] == "keep"
    assert json.loads((tmp_path / "manifest.json").read_text())["study"]["overlap"] == "keep-first"


@pytest.mark.usefixtures("no_page")
def test_portfolios_of_the_long_run_from_the_command_line(tmp_path: Path) -> None:
    tickers = ["AVGO", "MRVL", "NVDA", "AMD"]
    caps = pd.DataFrame([[7e11, 6e10, 3e12, 2e11]], columns=tickers, index=["2024-03-01"])
    caps.to_csv(tmp_path / "caps.csv", index_label="date")
    arguments = [
        *LATER, "--overlap", "joint", "--weights", "equal", "--weights", "value",
        "--caps", str(tmp_path / "caps.csv"), "--min-firms", "2", "--lags", "3",
        "--matched", "AMD", "--matched", "NVDA", "--rebalance", "session",
    ]  # fmt: skip
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    asked = later(tmp_path / "out")
    assert asked["weights"] == ["equal", "value"]
    assert asked["rebalance"] == "session"
    assert asked["overlap"] == "joint"
    frame = pd.read_csv(tmp_path / "out" / "calendar_time.csv").dropna(subset="alpha")
    assert set(frame["weights"]) == {"equal", "value"}
    assert set(frame["lags"]) == {3}
    assert frame["least_firms"].min() == 2
    alpha = frame.pivot_table(index=["group", "alignment"], columns="weights", values="alpha")
    assert (alpha["equal"] != alpha["value"]).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--weights", "value"], "--weights: of the long run, which needs --horizon"),
        (["--caps", "c.csv", "--lags", "3"], "--caps, --lags: of the long run"),
        (["--horizon", "20", "--weights", "cap"], "--weights: 'cap': allowed are equal, value, "),
        (["--horizon", "20", "--weights", "value"], "give caps (--caps FILE)"),
        (["--horizon", "20", "--min-firms", "0"], "--min-firms: '0': must be"),
        (["--horizon", "20", "--horizon-overlap", "joint"], "--horizon-overlap: 'joint'"),
    ],
)
def test_a_mistake_about_the_long_run(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", EVENTS, *SAMPLE, *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_fault_is_told_where_the_user_made_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "study.toml"
    config.write_text('overlap = "jont"\nseed = -1\nwindw = "0,1"\n[costs]\nborrow_bp = -1\n')
    assert main(["study", EVENTS, *SAMPLE, "--config", str(config), "--seed", "-2"]) == 2
    said = capsys.readouterr().err
    assert "4 faults" in said
    assert f"{config}, row 1, key overlap: 'jont': allowed are keep" in said
    assert f"{config}, row 5, key costs.borrow_bp: '-1': must be" in said
    assert f"{config}, row 3, key windw: unknown key (did you mean 'window'?)" in said
    assert "command line, --seed: '-2': must be" in said
    assert "column" not in said


@pytest.mark.parametrize("asked", [["--donors"], ["--horizon", "1,20", "--matched"]])
@pytest.mark.parametrize("folder", [True, False])
def test_an_unknown_ticker_is_told_all_that_there_are(
    folder: bool, asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Naming one donor, others than those of the calendar are not loaded; they are there."""
    given = "sample"
    if folder:
        held = es.load_prices(source="sample")
        wide = pd.DataFrame(held.close, index=pd.Index(held.dates, name="date"))
        wide.columns = list(held.tickers)
        wide.assign(QCOM=wide["AMD"]).to_csv(tmp_path / "wide.csv")
        given = str(tmp_path)
    named = "QCOMM" if folder else "AMDD"
    assert main(["study", EVENTS, "--prices", given, "--window", "0,0", *asked, named]) == 2
    said = capsys.readouterr().err
    assert f"{named!r} (did you mean {named[:-1]!r}?); known: AMD, AVGO, MRVL, NVDA, " in said
    assert ("QCOM" in said.partition("known:")[2]) == folder


def test_factors_need_their_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "factors.csv"
    days = pd.bdate_range("2024-01-02", "2025-06-30")
    frame = pd.DataFrame({"date": days, "mkt_rf": 0.5, "rf": 0.01})
    frame.loc[::2, "mkt_rf"] = -0.4
    frame.to_csv(path, index=False)
    arguments = ["study", EVENTS, *SAMPLE, *ONE, "--model", "capm", "--factors", str(path)]
    assert main(arguments) == 2
    assert "(--factor-units percent) where 0.25 means 0.25%" in capsys.readouterr().err
    assert main([*arguments, "--factor-units", "percent"]) == 0


def test_joint_estimation_through_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", EVENTS, *SAMPLE, *ONE, "--overlap", "joint"]) == 0
    assert "joint" in capsys.readouterr().out
