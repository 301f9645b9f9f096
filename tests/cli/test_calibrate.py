"""eventstudy calibrate: files, JSON, exit codes, silence where nobody watches."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.cli import main

QUICK = [
    "calibrate", "--prices", "sample", "--samples", "12", "--jobs", "1", "--window", "0,0",
    "--test", "corrado", "--test", "sign",
]  # fmt: skip


def test_files_are_written_and_say_what_was_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*QUICK, "--out", str(tmp_path), "--seed", "3"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "4 securities, 139 sessions from 2024-08-09 to 2025-02-28" in said.out
    assert "Hold in every design" in said.out
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "calibration.csv", "calibration.html", "manifest.json",
    ]  # fmt: skip
    rates = pd.read_csv(tmp_path / "calibration.csv")
    # four designs, four effects, one window, two tests, three sides
    assert len(rates) == 4 * 4 * 2 * 3
    assert sorted(set(rates["effect"])) == [0.0, 0.005, 0.01, 0.02]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["seed"], manifest["samples"], manifest["windows"]) == (3, 12, ["0,0"])
    assert len(manifest["prices"]["tickers"]["AVGO"]) == 64
    assert manifest["designs"]["one-date"] == ("4 distinct random securities on one random session")
    assert (tmp_path / "calibration.html").read_text().startswith("<!doctype html>")


def test_the_same_seed_writes_the_same_figures(tmp_path: Path) -> None:
    for name in ("a", "b"):
        main([*QUICK, "--effects", "2", "--out", str(tmp_path / name)])
    first, second = (tmp_path / name / "calibration.csv" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_json_holds_rates_and_recommendations(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["test"] for row in found["rates"]} == {"corrado", "sign"}
    assert set(found["recommended"]) == {
        "staggered", "one-date", "event-variance", "thin-trading",
    }  # fmt: skip
    # 12 samples give intervals too wide for any verdict that a test holds.
    assert found["recommended"]["staggered"] == []
    assert found["cannot_say"]["staggered"] == ["corrado", "sign"]
    assert found["files"] == []


def test_a_calendar_gives_the_study_at_hand(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, str(root / "events.csv")]) == 0
    said = capsys.readouterr().out
    assert "its sessions moved as one block" in said
    assert "have prices for a study of their own tickers" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["calibrate"], "where do prices come from"),
        (["calibrate", "--prices", "yahoo"], "which securities? yahoo"),
        ([*QUICK, "--test", "corado"], "unknown test 'corado' (did you mean 'corrado'?)"),
        ([*QUICK, "--model", "mean", "--model", "market"], "a calibration takes one at a time"),
        ([*QUICK, "--model", "ff3"], "model ff3 needs factors (hml, mkt_rf, rf, smb)"),
        ([*QUICK, "--effects", "1;2"], "effects '1;2': write percents"),
        ([*QUICK, "--samples", "0"], "samples 0: at least 1"),
        ([*QUICK, "--min-estimation", "240"], "have full windows, on 0 sessions"),
        ([*QUICK, "--benchmark", "QQQ"], "unknown benchmark 'QQQ'"),
    ],
)
def test_a_mistake_exits_2_with_one_paragraph(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main([*QUICK, "--out", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
