"""Kept runs on the command line: kept, listed, shown and compared."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.cli import main

FEW = ("avgo-earnings-2024-12-12", "nvda-earnings-2024-11-20", "amd-earnings-2025-02-04")
SHORT = ["--window", "0,0", "--test", "bmp", "--test", "corrado"]


def few_events(root: Path, to: Path) -> Path:
    lines = (root / "events.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.split(",")[0] in ("event_id", *FEW)]
    assert len(kept) == 4
    to.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return to


@pytest.fixture(scope="module")
def kept(
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
    without_page: Callable[[], AbstractContextManager[None]],
) -> Path:
    """Two studies that differ in a window and a format, and a backtest."""
    place = tmp_path_factory.mktemp("kept")
    events = str(few_events(root, place / "few.csv"))
    runs = ["--runs", str(place / "runs")]
    study = ["study", events, "--prices", "sample", *SHORT, *runs]
    with without_page():
        assert main(study) == 0
        assert main([*study, "--estimation", "150", "--format", "parquet"]) == 0
    backtest = ["backtest", events, "--prices", "sample", "--strategy", "asic-gpu-rotation"]
    assert main([*backtest, *runs]) == 0
    return place / "runs"


@pytest.fixture
def ids(kept: Path) -> list[str]:
    """The IDs: first study, second study, backtest."""
    found = {}
    for folder in kept.iterdir():
        asked = json.loads((folder / "manifest.json").read_text())
        study = asked["configuration"]["estimation"] if "study" in asked else 0
        found[study] = folder.name
    return [found[250], found[150], found[0]]


def said_by(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def test_a_kept_run_is_named_by_time_and_inputs(kept: Path) -> None:
    names = [folder.name for folder in kept.iterdir()]
    assert len(names) == 3
    assert all(re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", name) for name in names)
    assert len({name.split("-")[1] for name in names}) == 3


def test_list(kept: Path, ids: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = said_by(["runs", "list", "--runs", str(kept)], capsys)
    lines = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    assert "3 runs in" in said
    effects = pd.read_csv(kept / ids[0] / "effects.csv")
    row = effects[(effects["group"] == "directional") & (effects["window"] == "0,0")].iloc[0]
    mean, lo, hi = row["caar"], row["lo"], row["hi"]
    assert f"directional [0,0] {mean:+.2%} ({lo:+.2%} to {hi:+.2%})" in lines[ids[0]]
    assert "few.csv" in lines[ids[0]]
    sharpe = pd.read_csv(kept / ids[2] / "metrics.csv").set_index("strategy")["sharpe"]
    assert f"asic-gpu-rotation {sharpe['asic-gpu-rotation']:.2f}" in lines[ids[2]]
    assert all(lines[name].rstrip().endswith("yes") for name in ids)


def test_list_as_json(kept: Path, ids: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said_by(["runs", "list", "--runs", str(kept), "--json"], capsys))
    by = {one["id"]: one for one in found}
    assert set(by) == set(ids)
    assert [by[name]["what"] for name in ids] == [["study"], ["study"], ["backtest"]]
    effect = by[ids[0]]["effect"]
    assert (effect["group"], effect["window"], effect["n"]) == ("directional", "0,0", 1)
    assert list(by[ids[2]]["sharpe"]) == ["asic-gpu-rotation"]
    assert all(one["whole"] for one in found)
    started = [one["started"] for one in found]
    assert started == sorted(started)


def test_show(kept: Path, ids: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = said_by(["runs", "show", ids[1].split("-")[1][:6], "--runs", str(kept)], capsys)
    manifest = json.loads((kept / ids[1] / "manifest.json").read_text())
    for part in (
        ids[1], "estimation: 150", manifest["prices"]["tickers"]["AVGO"],
        manifest["events"]["sha256"], "backtrader: 1.9.78.123", "directional [0,0]",
        "cars.parquet", "every file is as it was written",
    ):  # fmt: skip
        assert part in said, part


def test_show_tells_what_is_missing(
    kept: Path, ids: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(kept / ids[0], tmp_path / "copy")
    (tmp_path / "copy" / "cars.csv").unlink()
    report = tmp_path / "copy" / "report.html"
    report.write_bytes(report.read_bytes().replace(b"<html>", b"<HTML>"))
    said = said_by(["runs", "show", str(tmp_path / "copy")], capsys)
    assert "not whole:\n  cars.csv is missing\n  report.html was changed\n" in said
    found = json.loads(said_by(["runs", "show", str(tmp_path / "copy"), "--json"], capsys))
    assert found["whole"] is False
    assert found["damage"] == ["cars.csv is missing", "report.html was changed"]
    assert "no" in said_by(["runs", "list", "--runs", str(tmp_path)], capsys).splitlines()[-2]


def test_compare(kept: Path, ids: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    compare = ["runs", "compare", ids[0], ids[1], "--runs", str(kept)]
    said = said_by(compare, capsys)
    assert "estimation: 250 -> 150" in said
    assert "inputs: identical" in said
    assert "versions: identical" in said
    assert "dropped: same values" in said
    assert re.search(r"\n  beta: \d+ rows differ by at most 0\.\d+ \(", said)
    found = json.loads(said_by([*compare, "--json"], capsys))
    assert found["identical"] is False
    changed = {change["key"]: (change["a"], change["b"]) for change in found["configuration"]}
    assert changed == {"configuration.estimation": (250, 150)}


def test_compare_with_itself_and_with_another_kind(
    kept: Path, ids: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--runs", str(kept)]
    same = said_by(["runs", "compare", ids[0], ids[0], *place], capsys)
    assert "Identical" in same
    assert "cars: identical" in same
    other = said_by(["runs", "compare", ids[0], ids[2], *place], capsys)
    assert "cars: only in A" in other
    assert "trades: only in B" in other
    assert "report.html: only in A" in other


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["runs", "list", "--runs", "nowhere"], "nowhere: kept runs cannot be listed"),
        (["runs", "show", "zzz"], "unknown run 'zzz'; kept in"),
        (["runs", "show", "20"], "stands for several"),
        (["runs", "compare", "ID", "IDx"], "did you mean"),
        (["study", "few.csv", "--out", "a", "--runs", "b"], "written to one place; give one"),
        (["study", "few.csv", "--runs", "few.csv"], "few.csv is a file, not a folder"),
        (["run", "few.csv", "--out", "mine"], "no run of eventstudy wrote the cars.csv"),
        (["calibrate", "--prices", "sample", "--out", "few.csv"], "cannot be written"),
    ],
)
def test_a_mistake_is_one_paragraph(
    kept: Path,
    ids: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(kept.parent)
    Path("mine").mkdir(exist_ok=True)
    Path("mine", "cars.csv").write_text("mine")
    given = [a.replace("ID", ids[0]) for a in arguments]
    if given[0] == "runs" and "--runs" not in given:
        given += ["--runs", str(kept)]
    assert main(given) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert Path("mine", "cars.csv").read_text() == "mine"


def test_an_empty_folder_has_no_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No runs in" in said_by(["runs", "list", "--runs", str(tmp_path)], capsys)
    assert json.loads(said_by(["runs", "list", "--runs", str(tmp_path), "--json"], capsys)) == []


def test_a_calibration_is_kept_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "calibrate", "--prices", "sample", "--samples", "10", "--jobs", "1", "--window", "0,0",
        "--test", "sign", "--effects", "0", "--runs", str(tmp_path),
    ]  # fmt: skip
    for _ in range(2):
        said_by(arguments, capsys)
    first, second = sorted(path.name for path in tmp_path.iterdir())
    assert first.split("-")[1] == second.split("-")[1]
    listed = json.loads(said_by(["runs", "list", "--runs", str(tmp_path), "--json"], capsys))
    assert [one["what"] for one in listed] == [["calibration"]] * 2
    said = said_by(["runs", "compare", first, second, "--runs", str(tmp_path)], capsys)
    assert "Identical" in said
    assert "calibration.html: identical" in said


def test_the_library_and_the_command_look_in_one_place() -> None:
    from eventstudy.cli.runs_command import DEFAULT
    from eventstudy.run.kept import FOLDER

    assert DEFAULT == FOLDER
