"""eventstudy audit: exit codes, files, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.cli import main

PEEKING = Path(__file__).resolve().parents[1] / "backtest" / "audit" / "peeking"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options for a small world: three events on 30 sessions, sessions from the prices."""
    folder = tmp_path_factory.mktemp("world")
    rng = np.random.default_rng(3)
    days = pd.bdate_range("2024-01-02", periods=30)
    (folder / "prices").mkdir()
    for name in ("A", "B", "SPY"):
        close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 30)))
        frame = pd.DataFrame({"date": days, "open": close * 1.001, "close": close})
        frame.to_csv(folder / "prices" / f"{name}.csv", index=False)
    rows = [
        f"{name},{days[at].date()},pre,A;B,A{sign},{days[at - 4].date()}"
        for name, at, sign in (("first", 5, "+"), ("second", 12, "-"), ("third", 20, "+"))
    ]
    header = "event_id,date,session,tickers,expects,known_on"
    (folder / "events.csv").write_text("\n".join([header, *rows, ""]))
    return [
        "--events", str(folder / "events.csv"), "--prices", str(folder / "prices"),
        "--calendar", "prices", "--strategies", str(PEEKING), "--jobs", "1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["seeded"], 0),
        (["early", "learner"], 0),
        (["future-bar"], 3),
        (["full-sample"], 3),
        (["fill-session"], 3),
        (["insider"], 3),
        (["seeded", "later-event:hold=2"], 3),
        (["unseeded", "future-bar"], 3),
        (["unseeded"], 2),
        (["none-such"], 2),
    ],
)
def test_the_exit_code_is_the_verdict(
    inputs: list[str], names: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", *names, *inputs]) == code
    said = capsys.readouterr()
    if "none-such" in names:
        assert "unknown strategy 'none-such'" in said.err
        assert said.out == ""
    else:
        assert said.err == ""
        assert "What the audit cannot see" in said.out


def test_all_strategies_of_the_folder_are_asked_by_default(
    inputs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["audit", *inputs, "--seed", "4", "--out", str(out), "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert not told["clean"]
    peeks = {
        "future-bar", "full-sample", "fill-session", "desk", "behind-history", "insider",
        "later-event",
    }  # fmt: skip
    assert {n for n, verdict in told["verdicts"].items() if verdict == "peek"} == peeks
    assert told["verdicts"]["unseeded"] == "not reproducible"
    firsts = {row["strategy"]: row["first_event"] for row in told["first_differences"]}
    assert {firsts[name] for name in peeks} == {"second"}
    text = (PEEKING / "peekers.py").read_text().splitlines()
    line = 1 + next(i for i, code in enumerate(text) if "self.data1.close[1]" in code)
    asked = f"event.id (peekers.py, line {line - 2})"
    assert told["sources"]["fill-session"] == [asked, f"self.data1 (peekers.py, line {line})"]
    assert told["sources"]["seeded"] == []
    assert sorted(p.name for p in out.iterdir()) == ["audit.csv", "manifest.json"]
    checks = pd.read_csv(out / "audit.csv")
    assert set(checks["strategy"]) == set(told["verdicts"])
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["seed"], manifest["cuts"], manifest["draws"]) == (4, "all", 1)
    assert manifest["verdicts"] == told["verdicts"]
    assert len(manifest["prices"]["A"]) == 64
    assert manifest["events"]["second"] == "2024-01-18"  # twelve weekdays after 2 January
    assert manifest["strategies"]["seeded"]["parameters"]["hold"] == 3


def test_an_audit_can_be_kept_and_is_the_same_twice(
    inputs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    assert main(["audit", "seeded", *inputs, "--runs", str(kept)]) == 0
    assert main(["audit", "seeded", *inputs, "--out", str(tmp_path / "out")]) == 0
    (run,) = kept.iterdir()
    for file in (run, tmp_path / "out"):
        assert sorted(p.name for p in file.iterdir()) == ["audit.csv", "manifest.json"]
    assert (run / "audit.csv").read_bytes() == (tmp_path / "out" / "audit.csv").read_bytes()
    one, two = (json.loads((f / "manifest.json").read_text()) for f in (run, tmp_path / "out"))
    assert {k for k in one if one[k] != two[k]} <= {"started", "wall_time"}
    capsys.readouterr()
    assert main(["runs", "list", "--runs", str(kept)]) == 0
    assert run.name in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--cuts", "0"], "cuts is 0: give at least 1"),
        (["--draws", "0", "--jobs", "0"], "draws is 0: give at least 1; jobs is 0"),
        (["--benchmark", "none"], "a backtest needs a benchmark"),
        (["--capital", "-1"], "capital"),
        (["--prices", "nowhere"], "nowhere"),
        (["--out", "/dev/null/x"], "cannot be written"),
    ],
)
def test_a_mistake_is_one_paragraph_and_code_2(
    inputs: list[str], options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "seeded", *inputs, *options]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert "Traceback" not in said.err


def test_a_calendar_has_to_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "asic-gpu-rotation", "--prices", "sample"]) == 2
    assert "which events? Name a file" in capsys.readouterr().err
