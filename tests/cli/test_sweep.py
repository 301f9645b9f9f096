"""eventstudy sweep: files, JSON, mistakes, and going on after an interruption."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import eventstudy as es
from eventstudy.backtest import Costs, Limits
from eventstudy.backtest.sweep.kept import Kept
from eventstudy.backtest.sweep.work import Bench
from eventstudy.cli import main
from eventstudy.exports.frames import plain_kinds

Captured = pytest.CaptureFixture[str]
OVER = ("hold=2,5", "limit=0.01,none", "fill=close")


@pytest.fixture
def command(root: Path) -> Callable[..., list[str]]:
    def build(*more: str, over: tuple[str, ...] = ("hold=2,5", "gross=0.1,0.2")) -> list[str]:
        named = [part for text in over for part in ("--over", text)]
        return ["sweep", str(root / "events.csv"), "--prices", "sample", "--strategy",
                "asic-gpu-rotation", *named, "--jobs", "1", *more]  # fmt: skip

    return build


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    ran: list[int] = []
    own = Bench.ended

    def ended(self: Bench, number: int, given: object) -> object:
        ran.append(number)
        return own(self, number, given)  # type: ignore[arg-type]

    monkeypatch.setattr(Bench, "ended", ended)
    return ran


def test_files_hold_every_variant(
    command: Callable[..., list[str]], tmp_path: Path, capsys: Captured
) -> None:
    out = tmp_path / "out"
    assert main(command("--out", str(out), "--folds", "2", over=OVER)) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "4 variants, 2 of them failed" in said.out
    assert "2 x parameters of AsicGpuRotation: limit with fill=close" in said.out
    assert f"html: {out / 'sweep.html'}" in said.out
    assert sorted(p.name for p in out.iterdir()) == [
        "manifest.json", "sweep.csv", "sweep.html", "sweep_returns.csv", "walk.csv",
    ]  # fmt: skip
    table = pd.read_csv(out / "sweep.csv", keep_default_na=False)
    assert list(table.columns[:3]) == ["variant", "hold", "limit"]
    assert (table["error"] == "").tolist() == [False, True, False, True]
    returns = pd.read_csv(out / "sweep_returns.csv")
    assert list(returns.columns) == ["date", "1", "3"]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["sweep"]["over"] == {"hold": [2, 5], "limit": [0.01, None], "fill": ["close"]}
    assert manifest["findings"]["deflated"]["trials"] == 4
    assert manifest["configuration"]["events"] == "events.csv"
    assert manifest["files"]["sweep.csv"]["bytes"] == (out / "sweep.csv").stat().st_size
    assert str(tmp_path) not in (out / "manifest.json").read_text()
    folds = pd.read_csv(out / "walk.csv")
    assert len(folds) == 2


def test_the_verb_gives_what_the_command_writes(
    command: Callable[..., list[str]], root: Path, tmp_path: Path
) -> None:
    """Costs, limits and the rest come from study.toml, as for a backtest."""
    config = tmp_path / "study.toml"
    config.write_text(
        "capital = 500000\nrisk_free = 0.04\n[costs]\ncommission_bp = 7\nborrow_bp = 90\n"
        "[limits]\ngross = 1.5\n[shortable]\nAMD = false\n"
    )
    out = tmp_path / "out"
    assert main(command("--config", str(config), "--half-spread-bp", "3", "--out", str(out))) == 0
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(sorted(events.tickers | {"SPY"}), source="sample")
    result = es.sweep(
        events.study, prices, "asic-gpu-rotation", {"hold": [2, 5], "gross": [0.1, 0.2]}, jobs=1,
        costs=Costs(7, 3, 90), limits=Limits(gross=1.5), shortable={"AMD": False},
        capital=500_000, risk_free=0.04,
    )  # fmt: skip
    written = pd.read_csv(out / "sweep.csv", keep_default_na=False)
    for name in ("total_return", "sharpe", "max_drawdown", "events"):
        assert written[name].tolist() == pytest.approx(result.table[name].tolist(), rel=1e-12)
    plain = es.sweep(events.study, prices, "asic-gpu-rotation",
                     {"hold": [2, 5], "gross": [0.1, 0.2]}, jobs=1)  # fmt: skip
    assert plain.table["events"].tolist() != result.table["events"].tolist()


def test_the_same_command_writes_the_same_files(
    command: Callable[..., list[str]], tmp_path: Path
) -> None:
    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs:
        assert main(command("--random", "3", "--seed", "4", "--out", str(out),
                            over=("hold=2..9", "gross=0.05..0.3"))) == 0  # fmt: skip
    for name in ("sweep.csv", "sweep_returns.csv", "walk.csv", "sweep.html"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes(), name
    one, two = (json.loads((out / "manifest.json").read_text()) for out in outs)
    assert {k for k in one if one[k] != two[k]} <= {"started", "wall_time"}


def test_parquet_holds_the_same_tables(command: Callable[..., list[str]], tmp_path: Path) -> None:
    over = ("hold=2,5", "stop_loss=none,0.2,0.3")
    for fmt in ("csv", "parquet"):
        assert main(command("--out", str(tmp_path / fmt), "--format", fmt, over=over)) == 0
    one = pd.read_csv(tmp_path / "csv" / "sweep.csv", keep_default_na=False)
    other = pd.read_parquet(tmp_path / "parquet" / "sweep.parquet")
    assert one["sharpe"].replace("", "nan").astype(float).tolist() == pytest.approx(
        other["sharpe"].tolist(), nan_ok=True
    )
    assert other["stop_loss"].tolist()[:3] == pytest.approx([math.nan, 0.2, 0.3], nan_ok=True)


def test_columns_of_words_and_numbers_are_written_as_words() -> None:
    """An author's own parameter may be of any kind; parquet takes one kind a column."""
    frame = pd.DataFrame({"own": [None, 0.2, "x"], "hold": [1, 2, 3]})
    plain = plain_kinds(frame)
    assert plain["own"].tolist() == ["None", "0.2", "x"]
    assert plain["hold"].tolist() == [1, 2, 3]


def test_json_is_json(command: Callable[..., list[str]], capsys: Captured) -> None:
    assert main(command("--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["findings"]["variants"] == 4
    assert len(found["variants"]) == 4
    assert found["files"] == []
    assert found["failed"] == []


def test_an_interrupted_sweep_goes_on(
    command: Callable[..., list[str]], tmp_path: Path, capsys: Captured, counted: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    out = tmp_path / "out"
    own = Bench.ended

    def interrupted(self: Bench, number: int, given: object) -> object:
        if number == 2 and len(counted) == 2:
            raise KeyboardInterrupt
        return own(self, number, given)  # type: ignore[arg-type]

    monkeypatch.setattr(Bench, "ended", interrupted)
    assert main(command("--out", str(out))) == 130
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"eventstudy: interrupted; what has been run is kept in {out / '.parts'}: the same command "
        "goes on from there\n"
    )
    assert counted == [0, 1]
    assert [p.name for p in out.iterdir()] == [".parts"]
    monkeypatch.setattr(Bench, "ended", own)
    assert main(command("--out", str(out))) == 0
    assert counted == [0, 1, 2, 3]
    assert f"2 of 4 variants were found in {out / '.parts'}" in capsys.readouterr().out
    assert not (out / ".parts").exists()
    whole = tmp_path / "whole"
    assert main(command("--out", str(whole))) == 0
    for name in ("sweep.csv", "sweep_returns.csv", "walk.csv", "sweep.html"):
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name


def test_without_a_folder_an_interruption_says_what_is_lost(
    command: Callable[..., list[str]], capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bench, "ended", interrupted)
    assert main(command()) == 130
    assert "what has been run is lost; with --out it would be kept" in capsys.readouterr().err


def test_parts_of_another_sweep_are_left_and_told(
    command: Callable[..., list[str]], tmp_path: Path, capsys: Captured
) -> None:
    parts = tmp_path / "out" / ".parts"
    from eventstudy.backtest.sweep.work import Ended

    with Kept(parts, "0" * 64) as kept:
        kept.add([Ended.failed(0, "another")])
    assert main(command("--out", str(tmp_path / "out"))) == 0
    assert "still holds parts of another sweep" in capsys.readouterr().err
    assert len(list(parts.iterdir())) == 1


def test_sweeps_are_kept_and_listed(
    command: Callable[..., list[str]], tmp_path: Path, capsys: Captured
) -> None:
    runs = tmp_path / "runs"
    assert main(command("--runs", str(runs))) == 0
    assert main(command("--runs", str(runs), "--commission-bp", "9")) == 0
    assert not (runs / ".parts").exists()
    capsys.readouterr()
    assert main(["runs", "list", "--runs", str(runs), "--json"]) == 0
    one, two = json.loads(capsys.readouterr().out)
    assert (one["what"], one["whole"]) == (["sweep"], True)
    assert list(one["sharpe"]) == ["asic-gpu-rotation, best of 4"]
    assert main(["runs", "compare", one["id"], two["id"], "--runs", str(runs)]) == 0
    said = capsys.readouterr().out
    assert "configuration: 1" in said
    assert "sweep.csv: 4 rows in A, 4 in B" in said or "sweep: 4 rows in A, 4 in B" in said


@pytest.mark.parametrize(
    ("more", "over", "said"),
    [
        ([], (), "no parameter is varied"),
        ([], ("hol=5",), "unknown parameter of asic-gpu-rotation 'hol' (did you mean 'hold'?)"),
        ([], ("hold=5..10",), "hold is the range 5..10: a grid needs its values"),
        ([], ("hold=", "gross", "k=2..1"), "'hold=': write NAME=VALUE"),
        ([], ("hold=5,5",), "hold has 5 twice"),
        (
            [],
            ("hold=0,-3",),
            "hold is 0: give at least 1 session; hold is -3: give at least 1 session",
        ),
        (["--random", "0"], ("hold=5,6",), "random 0; allowed: 1 or more"),
        (["--folds", "1"], ("hold=5",), "folds 1; allowed: 2 or more"),
        (["--jobs", "0"], ("hold=5",), "jobs 0; allowed: 1 or more"),
        (["--strategy", "asic-gpu-rotaton"], ("hold=5",), "did you mean 'asic-gpu-rotation'"),
        (["--benchmark", "none"], ("hold=5",), "a backtest needs a benchmark"),
        (["--format", "xls"], ("hold=5",), "unknown format 'xls'"),
        (["--scheduler", "nowhere:x"], ("hold=5",), "no Dask scheduler answers at 'nowhere:x'"),
        (["--cluster", "nowhere:x"], ("hold=5",), "no Dask scheduler answers at 'nowhere:x'"),
        (["--out", "a", "--runs", "b"], ("hold=5",), "a run is written to one place"),
    ],
)
def test_a_mistake_exits_2_with_one_paragraph(
    command: Callable[..., list[str]], more: list[str], over: tuple[str, ...], said: str,
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("eventstudy.workers.cluster.ANSWER", 1.0)
    assert main(command(*more, over=over)) == 2
    found = capsys.readouterr()
    assert said in found.err
    assert found.err.count("\n") == 1
    assert "Traceback" not in found.err
    assert found.out == ""
    assert list(tmp_path.iterdir()) == []


def test_which_strategy_has_to_be_said(root: Path, tmp_path: Path, capsys: Captured) -> None:
    assert main(["sweep", str(root / "events.csv"), "--prices", "sample", "--over", "hold=5"]) == 2
    assert "which strategy? Name one with --strategy: asic-gpu-rotation" in capsys.readouterr().err
    config = tmp_path / "study.toml"
    config.write_text('strategy = ["asic-gpu-rotation", "post-event-drift"]\n')
    assert main(["sweep", str(root / "events.csv"), "--prices", "sample", "--over", "hold=5",
                 "--config", str(config)]) == 2  # fmt: skip
    assert "a sweep runs one strategy; asic-gpu-rotation, post-event-drift" in (
        capsys.readouterr().err
    )


def test_a_folder_of_the_users_own_runs_with_two_processes(
    root: Path, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "s.py").write_text(
        "from eventstudy.backtest import EventStrategy\n\n\n"
        "class BuyTheSubject(EventStrategy):\n    hold: int = 5\n\n"
        "    def targets(self, event, history):\n"
        "        return {event.subject: 1.0} if event.subject in history else {}\n"
    )
    assert main(["sweep", str(root / "events.csv"), "--prices", "sample", "--strategies",
                 str(tmp_path / "mine"), "--strategy", "buy-the-subject", "--over",
                 "hold=1,2,3,4", "--jobs", "2"]) == 0  # fmt: skip
    assert "4 variants, 0 of them failed" in capsys.readouterr().out


def test_a_sweep_of_which_nothing_ran_exits_2(
    command: Callable[..., list[str]], capsys: Captured
) -> None:
    assert main(command("--folds", "2", over=("first=@NONE,@NOTHING",))) == 2
    said = capsys.readouterr()
    assert "2 variants failed" in said.out
    assert said.err == "eventstudy: every variant failed\n"
