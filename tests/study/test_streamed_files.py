"""Files of the streamed engine: all of a run or none, tables of single events among them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import eventstudy.disk.folders
import eventstudy.disk.parts
from eventstudy.cli import main


@pytest.fixture
def asked(root: Path, tmp_path: Path) -> list[str]:
    """A command of the streamed engine on a few events, in a folder of its own."""
    events = pd.read_csv(root / "events.csv", dtype=str, keep_default_na=False)
    events = events[~events["tickers"].str.contains("@")].assign(expects="")
    events[events["date"].str.startswith("2024-1")].to_csv(tmp_path / "events.csv", index=False)
    return [
        "study", str(tmp_path / "events.csv"), "--prices", "sample", "--engine", "streamed",
        "--jobs", "1", "--out", str(tmp_path / "out"),
    ]  # fmt: skip


def manifest_of(out: Path) -> dict[str, Any]:
    return json.loads((out / "manifest.json").read_text())


def fits(out: Path) -> bool:
    """Whether a folder holds what its manifest lists, and nothing else."""
    listed = manifest_of(out)["files"]
    there = {p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file()}
    del there["manifest.json"]
    digests = {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in there.items()}
    return digests == {name: about["sha256"] for name, about in listed.items()}


def test_tables_of_single_events_are_files_of_the_run(asked: list[str], tmp_path: Path) -> None:
    assert main(asked) == 0
    assert "cars/part-00000.parquet" in manifest_of(tmp_path / "out")["files"]
    assert fits(tmp_path / "out")


@pytest.mark.parametrize("at", ["effects.csv", "report.html", "manifest.json"])
def test_what_fails_after_the_single_events_leaves_the_run_before(
    asked: list[str], tmp_path: Path, capsys, monkeypatch, at: str
) -> None:
    out = tmp_path / "out"
    assert main([*asked, "--window", "0,0"]) == 0
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    real = eventstudy.disk.folders.write_whole

    def full(path: Path, write, **more) -> Path:
        if path.name == at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, write, **more)

    with monkeypatch.context() as patched:
        patched.setattr(eventstudy.disk.folders, "write_whole", full)
        assert main(asked) == 2
    said = capsys.readouterr().err
    assert said.endswith(f"{out / at}: cannot be written: No space left on device\n")
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["events.csv", "out"]
    assert main(asked) == 0
    assert fits(out)


def test_a_full_disk_is_told_by_the_table_and_no_working_folder(
    asked: list[str], tmp_path: Path, capsys, monkeypatch
) -> None:
    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(eventstudy.disk.parts, "begun", full)
    assert main(asked) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said == f"eventstudy: {tmp_path}/out/cars: cannot be written: No space left on device"
    assert [p.name for p in tmp_path.iterdir()] == ["events.csv"]


def test_parts_of_runs_whose_manifests_did_not_list_them_are_replaced(
    asked: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert main([*asked, "--each", "abnormal"]) == 0
    (out / "abnormal" / "part-00000.parquet").rename(out / "abnormal" / "part-00001.parquet")
    manifest = manifest_of(out)
    del manifest["files"]["abnormal/part-00000.parquet"]
    (out / "manifest.json").write_text(json.dumps(manifest))
    assert main(asked) == 0
    assert sorted(p.name for p in out.iterdir() if p.is_dir()) == ["cars"]
    assert fits(out)


@pytest.mark.parametrize("name", ["notes.md", "part-00000.parquet"])
def test_parts_that_no_run_wrote_are_refused(
    asked: list[str], tmp_path: Path, capsys, name: str
) -> None:
    (tmp_path / "out" / "cars").mkdir(parents=True)
    (tmp_path / "out" / "cars" / name).write_text("mine")
    assert main(asked) == 2
    assert "no run of eventstudy wrote the cars that stands there" in capsys.readouterr().err
    assert (tmp_path / "out" / "cars" / name).read_text() == "mine"
