"""--export: what is written, what is listed, what is refused before the work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eventstudy.cli import main

FEW = ("event_id", "avgo-earnings-2024-12-12", "nvda-earnings-2024-11-20")
TESTS = ["--test", "kolari_pynnonen", "--test", "corrado", "--window", "0,0"]


@pytest.fixture(scope="module")
def few(root: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    lines = (root / "events.csv").read_text(encoding="utf-8").splitlines()
    path = tmp_path_factory.mktemp("few") / "few.csv"
    path.write_text("\n".join(line for line in lines if line.split(",")[0] in FEW) + "\n")
    return str(path)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main(list(arguments)))
    return int(ended.value.code or 0)


def test_exports_are_written_listed_and_sealed_with_the_run(
    few: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    exports = ["--export", "md", "--export", "xlsx", "--export", "tex", "--export", "json"]
    assert run("study", few, "--prices", "sample", *TESTS, "--out", str(out), *exports) == 0
    said = capsys.readouterr().out
    sealed = json.loads((out / "manifest.json").read_text())["files"]
    for name in ("report.md", "report.xlsx", "report.tex", "table-effects.tex", "report.json"):
        assert f"Export: {out / name}" in said
        assert sealed[name]["bytes"] == (out / name).stat().st_size > 1000
    assert "2 events on 2 dates" in (out / "report.md").read_text(encoding="utf-8")
    assert "Export: " + str(out / "cars.csv") not in said


def test_a_backtest_and_a_sweep_are_exported_too(few: str, tmp_path: Path) -> None:
    asked = [few, "--prices", "sample", "--strategy", "asic-gpu-rotation", "--export", "md"]
    assert run("backtest", *asked, "--out", str(tmp_path / "traded")) == 0
    text = (tmp_path / "traded" / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# A backtest around events")
    assert "### Strategies against holding" in text
    over = ["--over", "hold=2,5", "--jobs", "1", "--export", "tex", "--export", "xlsx"]
    assert run("sweep", *asked, *over, "--out", str(tmp_path / "swept")) == 0
    text = (tmp_path / "swept" / "sweep.md").read_text(encoding="utf-8")
    assert "# Sweep of asic-gpu-rotation" in text
    assert "### Variants that ran, the highest Sharpe ratio first" in text
    assert {"sweep.tex", "sweep.xlsx"} <= {p.name for p in (tmp_path / "swept").iterdir()}


@pytest.mark.parametrize("command", ["study", "backtest", "sweep"])
@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--export", "xls", "--out", "x"], "unknown format 'xls' (did you mean 'xlsx'?)"),
        (["--export", "md"], "--export md: where do the files go? Give --out DIR or --runs DIR"),
    ],
)
def test_mistakes_are_refused_before_the_work(
    few: str, command: str, given: list[str], told: str, capsys: pytest.CaptureFixture[str],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(command, few, "--prices", "nowhere", *given) == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_file_of_the_users_own_is_not_written_over(
    few: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.md").write_text("mine")
    asked = ["--prices", "sample", "--out", str(tmp_path), "--export", "md"]
    assert run("study", few, *asked, *TESTS) == 2
    assert "report.md" in capsys.readouterr().err
    assert (tmp_path / "report.md").read_text() == "mine"
