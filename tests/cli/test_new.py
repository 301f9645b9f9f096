"""`eventstudy new strategy`: what it writes runs as written, and nothing is overwritten."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from eventstudy.backtest import load_strategies
from eventstudy.cli import main


def outside(root: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder of the user's, where the project is only installed."""
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        # A user's pytest has no plugins but those of the user; ours take a second to load.
        env={**os.environ, "PYTHONPATH": str(root), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_test_it_writes_passes_outside_the_repository(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "strategy", "MyIdea"]) == 0
    command = next(line for line in capsys.readouterr().out.splitlines() if "pytest" in line)
    words = shlex.split(command.partition("python ")[2])
    done = outside(root, tmp_path, *words, "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_the_test_it_writes_can_fail(root: Path, tmp_path: Path) -> None:
    """A strategy that trades the wrong way round breaks it."""
    assert main(["new", "strategy", "my-idea", "--dir", str(tmp_path / "mine")]) == 0
    file = tmp_path / "mine" / "my_idea.py"
    text = file.read_text()
    assert text.count("if move > 0 else -1.0") == 1
    file.write_text(text.replace("if move > 0 else -1.0", "if move < 0 else -1.0"))
    done = outside(root, tmp_path, "-m", "pytest", "mine", "-p", "no:cacheprovider")
    assert done.returncode == 1
    assert "2 failed, 2 passed" in done.stdout


def test_the_command_it_prints_runs(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.csv").write_bytes((root / "events.csv").read_bytes())
    assert main(["new", "strategy", "my idea", "--dir", "my ideas"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[:2] == ["my ideas/my_idea.py", "my ideas/test_my_idea.py"]
    command = next(line for line in said.splitlines() if "eventstudy backtest" in line)
    assert main(shlex.split(command.partition("eventstudy ")[2])) == 0
    assert "my-idea" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "name"),
    [("my-idea", "my-idea"), ("my_idea", "my-idea"), ("MyIdea", "my-idea"), ("dip2", "dip2"),
     ("CAPMDrift", "capm-drift"), ("buy-2-dips", "buy2-dips")],
)  # fmt: skip
def test_a_name_in_any_spelling(tmp_path: Path, given: str, name: str) -> None:
    assert main(["new", "strategy", given, "--dir", str(tmp_path)]) == 0
    found = load_strategies(tmp_path)
    assert list(found) == [name]
    file = name.replace("-", "_")
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{file}.py", f"test_{file}.py"]
    shown = (tmp_path / f"{file}.py").read_text() + (tmp_path / f"test_{file}.py").read_text()
    assert "$" not in shown


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("9lives", "letters and digits that begin with a letter"),
        ("my--idea", "letters and digits that begin with a letter"),
        ("../idea", "letters and digits that begin with a letter"),
        ("idée", "letters and digits that begin with a letter"),
        ("", "letters and digits that begin with a letter"),
        ("none", "None already means something else"),
        ("event-strategy", "EventStrategy already means something else"),
        ("test-idea", "files called test_idea.py are not looked at"),
        ("conftest", "files called conftest.py are not looked at"),
        ("BuyAndHold", "buy-and-hold is the name of a shipped strategy"),
    ],
)
def test_names_that_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str, words: str
) -> None:
    assert main(["new", "strategy", given, "--dir", str(tmp_path / "new")]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["my_idea.py", "test_my_idea.py"])
def test_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / name).write_text("mine")
    assert main(["new", "strategy", "my-idea", "--dir", str(tmp_path)]) == 2
    assert f"{tmp_path / name} is there already" in capsys.readouterr().err
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(name, "mine")]


def test_a_folder_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    for place in ("file", "file/below"):
        assert main(["new", "strategy", "my-idea", "--dir", str(tmp_path / place)]) == 2
        assert str(tmp_path / "file") in capsys.readouterr().err


def test_what_runs_tests_is_named_where_it_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["new", "strategy", "my-idea", "--dir", str(tmp_path)]) == 0
    assert "python -m pip install pytest" in capsys.readouterr().out
