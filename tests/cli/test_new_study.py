"""`eventstudy new DIR`: a study that runs word for word as its README says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eventstudy.cli import main
from eventstudy.disk import plant
from eventstudy.errors import EventStudyError
from eventstudy.events import read_events
from eventstudy.run.config import read_config

BLOCK = re.compile(r"```console\n(.*?)```", re.S)
FILES = [
    ".gitignore", "README.md", "events.csv", "strategies/first_move.py",
    "strategies/test_first_move.py", "study.toml",
]  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def shell(root: Path, folder: Path, lines: list[str]) -> subprocess.CompletedProcess[str]:
    """Run lines in bash, where `eventstudy` and `python` are those of this environment."""
    tools = folder / ".tools"
    tools.mkdir(exist_ok=True)
    for name, words in {"eventstudy": "-m eventstudy", "python": ""}.items():
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (tools / name).chmod(0o755)
    path = {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(root)}
    # A user's pytest has no plugins but those of the user; ours take a second to load.
    path["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        cwd=folder,
        env={**os.environ, **path, "PYTEST_ADDOPTS": "-p no:cacheprovider"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_from_nothing_to_the_report_in_three_commands(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands are those of docs/first-steps.md, then those of the folder's own README."""
    first = BLOCK.findall((root / "docs" / "first-steps.md").read_text())[0].splitlines()
    assert len(first) == 3
    done = shell(root, tmp_path, first)
    assert done.returncode == 0, done.stderr
    study = tmp_path / "my-study"
    assert (study / "out" / "report.html").stat().st_size > 100_000
    own = BLOCK.findall((study / "README.md").read_text())
    assert len(own[0].splitlines()) == 3
    again = shell(root, study, own[0].splitlines()[2:])
    assert again.returncode == 0, again.stderr
    assert "4 passed" in again.stdout
    audit = [line for block in own for line in block.splitlines() if " audit " in line]
    monkeypatch.chdir(study)
    for line in [own[0].splitlines()[0], *[f"{line} --cuts 2 --jobs 1" for line in audit]]:
        assert main(line.split()[1:]) == 0, line


def test_every_other_command_of_the_readme_runs(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["new", str(tmp_path / "s")]) == 0
    monkeypatch.chdir(tmp_path / "s")
    (tmp_path / "s" / "other.csv").write_text("Ticker,Date\nAVGO,2024-06-12\n")
    own = BLOCK.findall((tmp_path / "s" / "README.md").read_text())
    lines = [line for block in own[1:] for line in block.splitlines()]
    assert len(lines) == 4
    for line in lines:
        if "yahoo" not in line and " audit " not in line:
            assert main(line.split()[1:]) == 0, line
    assert (tmp_path / "s" / "strategies" / "my_idea.py").is_file()


def test_what_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", str(tmp_path / "my-study"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert sorted(contents(tmp_path / "my-study")) == FILES
    assert sorted(said["files"]) == [str(tmp_path / "my-study" / name) for name in FILES]
    config = read_config(str(tmp_path / "my-study" / "study.toml"), {})
    assert (config.prices, config.window) == ("sample", ("0,0", "-1,1"))
    events = read_events(tmp_path / "my-study" / "events.csv")
    assert len(events) == 22
    text = b"".join(contents(tmp_path / "my-study").values())
    assert b"$strategy" not in text
    assert b"$file" not in text


def test_the_longer_and_the_shorter_command_make_the_same(tmp_path: Path) -> None:
    assert main(["new", str(tmp_path / "a" / "x")]) == 0
    assert main(["new", "study", str(tmp_path / "b" / "x")]) == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_folder_may_be_called_as_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "./strategy"]) == 0
    assert main(["new", "study", "study"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["strategy", "study"]
    assert main(["new", "strategy"]) == 2
    assert "./strategy" in capsys.readouterr().err
    assert main(["new", "strateg", "my-idea"]) == 2
    assert "did you mean 'strategy'?" in " ".join(capsys.readouterr().err.replace("│", "").split())


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", str(tmp_path / "s"), "--dry-run"]) == 0
    assert main(["new", "strategy", "my-idea", "--dir", str(tmp_path / "t"), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "study.toml" in said
    assert "test_my_idea.py" in said
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "study.toml").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    before = contents(tmp_path)
    for more in ([], ["--dry-run"]):
        assert main(["new", str(tmp_path), *more]) == 2
        assert f"{tmp_path / 'study.toml'} is there already" in capsys.readouterr().err
        assert contents(tmp_path) == before
    assert main(["new", str(tmp_path), "--force"]) == 0
    after = contents(tmp_path)
    assert after["notes.txt"] == b"mine"
    assert after["study.toml"] != b"mine"
    assert sorted(after) == sorted([*FILES, "notes.txt"])


def test_a_folder_with_other_files_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["new", str(tmp_path)]) == 0
    assert sorted(contents(tmp_path)) == sorted([*FILES, "notes.txt"])


def test_into_the_folder_one_works_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "."]) == 0
    assert sorted(p.name for p in Path.cwd().iterdir()) == sorted({f.split("/")[0] for f in FILES})


@pytest.mark.parametrize("blocked", ["strategies", "README.md"])
def test_all_or_nothing(tmp_path: Path, blocked: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file where a folder has to be, and a folder where a file has to be."""
    if blocked == "strategies":
        (tmp_path / blocked).write_text("a file")
    else:
        (tmp_path / blocked).mkdir()
    before = contents(tmp_path)
    for more in ([], ["--force"]):
        assert main(["new", str(tmp_path), *more]) == 2
        assert str(tmp_path / blocked) in capsys.readouterr().err
        assert contents(tmp_path) == before
        assert [p.name for p in tmp_path.iterdir()] == [blocked]


def test_files_moved_before_a_failure_are_taken_back(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("old")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub").chmod(0o500)
    if os.access(tmp_path / "sub", os.W_OK):
        (tmp_path / "sub").rmdir()
        (tmp_path / "sub").write_text("a file, because root may write everywhere")
    before = contents(tmp_path)
    files = {"kept.txt": b"new", "fresh/x.txt": b"x", "sub/y.txt": b"y"}
    with pytest.raises(EventStudyError, match="sub"):
        plant(tmp_path, files, overwrite=True)
    assert contents(tmp_path) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept.txt", "sub"]
    (tmp_path / "sub").chmod(0o700)


def test_beneath_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    for place in ("file", "file/below"):
        assert main(["new", str(tmp_path / place)]) == 2
        assert f"{tmp_path / 'file'} is no folder" in capsys.readouterr().err
