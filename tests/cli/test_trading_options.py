"""study.toml's costs, limits and shortable: checked, carried through, and told in the results."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.backtest import Costs, Limits
from eventstudy.cli import main
from eventstudy.run.config import CostSettings, LimitSettings, RunConfig

FULL = """
strategy = "asic-gpu-rotation"
[costs]
commission_bp = 3
half_spread_bp = 4
borrow_bp = 60
borrow = { AMD = 750 }
day_count = 365
rebate = 0.8
debit_bp = 120
impact = 0
[limits]
gross = 1.5
net = 0.9
single = 0.7
cash = false
initial = 0.4
maintenance_long = 0.2
maintenance_short = 0.25
[shortable]
MRVL = false
"""


@pytest.fixture
def backtest(root: Path, tmp_path: Path):
    """Run the shipped calendar on the sample with a study.toml; return the exit code."""

    def go(text: str, *more: str) -> int:
        (tmp_path / "study.toml").write_text(text)
        given = ["backtest", str(root / "events.csv"), "--prices", "sample"]
        given += ["--config", str(tmp_path / "study.toml"), "--out", str(tmp_path / "out")]
        return main([*given, *more])

    return go


def test_what_was_tried_before_enters_the_deflation(backtest, tmp_path) -> None:
    plain = 'strategy = "asic-gpu-rotation"\n'
    pair = ("--strategy", "asic-gpu-rotation:hold=5", "--strategy", "asic-gpu-rotation")
    for given, trials in ((("--variants", "300"), 300), ((), 2)):
        assert backtest(plain, *pair, *given) == 0
        luck = pd.read_csv(tmp_path / "out" / "luck.csv")
        assert luck["trials"].tolist() == [trials, trials]
        assert manifest(tmp_path)["backtest"]["variants"] == trials


def test_fewer_variants_than_strategies_are_refused(backtest, capsys) -> None:
    pair = ("--strategy", "asic-gpu-rotation:hold=5", "--strategy", "asic-gpu-rotation")
    assert backtest("", *pair, "--variants", "1") == 2
    assert "variants is 1: give at least 2, the strategies of this run" in capsys.readouterr().err


def manifest(tmp_path: Path) -> dict:
    return json.loads((tmp_path / "out" / "manifest.json").read_text())


@pytest.mark.parametrize(("settings", "made"), [(CostSettings, Costs), (LimitSettings, Limits)])
def test_every_field_can_be_set_and_defaults_agree(settings, made) -> None:
    assert set(settings.model_fields) == {f.name for f in fields(made)}
    assert settings().model_dump() == asdict(made())


def test_all_of_it_arrives(backtest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest(FULL) == 0
    found = manifest(tmp_path)
    expected = {
        "commission_bp": 3, "half_spread_bp": 4, "borrow_bp": 60, "day_count": 365,
        "borrow": {"AMD": 750}, "rebate": 0.8, "debit_bp": 120, "impact": 0,
    }  # fmt: skip
    assert found["backtest"]["costs"] == expected == found["configuration"]["costs"]
    limits = {
        "gross": 1.5, "net": 0.9, "single": 0.7, "cash": False, "initial": 0.4,
        "maintenance_long": 0.2, "maintenance_short": 0.25,
    }  # fmt: skip
    assert found["backtest"]["limits"] == limits == found["configuration"]["limits"]
    assert found["backtest"]["shortable"] == {"MRVL": False} == found["configuration"]["shortable"]
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "Costs: commission 3 bp, half-spread 4 bp, borrow fee 60 bp a year (AMD 750), 120 bp a "
        "year over cash on borrowed money, short rebate 80% of the cash rate; yardsticks bear none."
    ) in said
    skipped = pd.read_csv(tmp_path / "out" / "skipped.csv")
    barred = skipped[skipped["reason"] == "not_shortable"]
    assert len(barred)
    assert set(barred["ticker"]) == {"MRVL"}


def test_limits_of_the_file_bind(backtest, tmp_path: Path) -> None:
    assert backtest('strategy = "asic-gpu-rotation"\n[limits]\ngross = 0.1\n') == 0
    orders = pd.read_csv(tmp_path / "out" / "orders.csv")
    assert set(orders["status"]) == {"rejected"}
    assert orders["reason"].str.contains("exposure would be").all()
    assert orders["reason"].str.endswith("limit 0.1").all()


def test_flags_of_costs_keep_the_rest_of_the_table(backtest, tmp_path: Path) -> None:
    assert backtest(FULL, "--commission-bp", "9") == 0
    costs = manifest(tmp_path)["backtest"]["costs"]
    assert (costs["commission_bp"], costs["half_spread_bp"]) == (9, 4)
    assert costs["borrow"] == {"AMD": 750}


MISTAKES = [
    ("[limits]\ngros = 2\n", "key limits.gros: unknown key (did you mean 'gross'?)"),
    ("[costs]\nimpct = 1\n", "key costs.impct: unknown key (did you mean 'impact'?)"),
    ("[costs]\nborow = { AMD = 1 }\n", "key costs.borow: unknown key (did you mean 'borrow'"),
    ("[limit]\ngross = 2\n", "key limit: unknown key (did you mean 'limits'?)"),
    ("[shortabel]\nAMD = false\n", "unknown key (did you mean 'shortable'?)"),
    ("[limits]\ngross = 0\n", "key limits.gross: '0': must be greater than 0"),
    ("[limits]\ngross = inf\n", "key limits.gross"),
    ("[limits]\ngross = true\n", "key limits.gross"),
    ("[limits]\ncash = 'yes'\n", "key limits.cash"),
    ("[limits]\ninitial = 1.5\n", "key limits.initial"),
    ("[limits]\nmaintenance_short = -0.1\n", "key limits.maintenance_short"),
    ("[costs]\nborrow = { AMD = -1 }\n", "key costs.borrow.AMD"),
    ("[costs]\nborrow = 50\n", "key costs.borrow"),
    ("[costs]\nrebate = 80\n", "key costs.rebate"),
    ("[costs]\ndebit_bp = '100'\n", "key costs.debit_bp"),
    ("[costs]\nimpact = -1\n", "key costs.impact"),
    ("[costs]\nday_count = 252\n", "key costs.day_count"),
    ("[shortable]\nAMD = 'no'\n", "key shortable.AMD"),
    ("[shortable]\nAMDD = false\n", "shortable: no prices of AMDD (did you mean 'AMD'?)"),
    ("[costs]\nborrow = { AVOG = 9 }\n", "borrow: no prices of AVOG (did you mean 'AVGO'?)"),
    ("[costs]\nimpact = 1\n", "too few volumes or closes of"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_named(
    backtest, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    assert backtest(text) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


def test_the_faults_of_all_tables_come_at_once(backtest, capsys) -> None:
    text = "[limits]\ngros = 2\n[costs]\nimpact = -1\n[shortable]\nAMD = 3\n"
    assert backtest(text) == 2
    said = capsys.readouterr().err
    for column in ("limits.gros", "costs.impact", "shortable.AMD"):
        assert f"key {column}" in said


def test_the_readme_shows_every_field(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8").split("```toml")[1].split("```")[0]
    for name in (*CostSettings.model_fields, *LimitSettings.model_fields):
        assert f"\n{name} = " in text or name in ("day_count", "cash"), name
    assert "[shortable]" in text
    assert {"costs", "limits", "shortable"} <= set(RunConfig.model_fields)
