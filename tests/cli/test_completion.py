"""Shell completion in bash itself: the generated script, COMP_WORDS as bash sets them."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
import typer

from eventstudy.cli import complete
from eventstudy.cli.app import app


@pytest.fixture(scope="module")
def place(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a calendar, a strategy of the user's, a kept run, and `eventstudy`."""
    folder = tmp_path_factory.mktemp("bash")
    shutil.copy(root / "events.csv", folder)
    (folder / "tools").mkdir()
    tool = folder / "tools" / "eventstudy"
    tool.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -c "from eventstudy.cli.app import script; '
        'import sys; sys.argv[0] = \'eventstudy\'; script()" "$@"\n'
    )
    tool.chmod(0o755)
    (folder / "mine").mkdir()
    (folder / "mine" / "idea.py").write_text(
        "from eventstudy.backtest import EventStrategy\n\n\n"
        "class MyIdea(EventStrategy):\n    def targets(self, event, history):\n        return {}\n"
    )
    run = folder / "eventstudy-runs" / "20241213T210005Z-0123abcd"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text("{}")
    done = bash(root, folder, "eventstudy --show-completion bash")
    (folder / "completion.sh").write_text(done.stdout)
    assert "complete -o default" in done.stdout
    return folder


def bash(root: Path, folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "PATH": f"{folder / 'tools'}:{os.environ['PATH']}",
        "PYTHONPATH": str(root),
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }
    return subprocess.run(
        ["bash", "--norc", "-c", script], cwd=folder, env=env, capture_output=True, text=True,
        check=True,
    )  # fmt: skip


def completed(root: Path, place: Path, line: str) -> list[str]:
    """Return what pressing the key behind a line offers."""
    words = line.split(" ")
    listed = " ".join(f"'{word}'" for word in words)
    script = (
        "source completion.sh\n"
        f"COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}\n"
        "_eventstudy_completion eventstudy\n"
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    return [text for text in bash(root, place, script).stdout.split("\n") if text]


OFFERS = [
    ("eventstudy ba", {"backtest"}),
    ("eventstudy events ", {"check", "import"}),
    ("eventstudy new str", {"strategy"}),
    ("eventstudy study --factor-", {"--factor-units"}),
    ("eventstudy run events.csv --strategy asic", {"asic-gpu-rotation"}),
    ("eventstudy run events.csv --strategies mine --strategy my", {"my-idea"}),
    ("eventstudy audit capex", {"capex-momentum"}),
    ("eventstudy study --model ff5", {"ff5", "ff5-mom"}),
    ("eventstudy study --test grank", {"grank_t", "grank_z"}),
    ("eventstudy calibrate --test pla", {"placebo"}),
    ("eventstudy run events.csv --assume-known ea", {"earnings="}),
    ("eventstudy run events.csv --assume-known c", {"capex=", "conference="}),
    ("eventstudy study events.csv --case avgo-earnings-2024-12", {"avgo-earnings-2024-12-12"}),
    ("eventstudy study events.csv --benchmark MRV", {"MRVL"}),
    ("eventstudy study --overlap keep", {"keep", "keep-first"}),
    ("eventstudy study --prices sa", {"sample"}),
    ("eventstudy study --prices mi", {"mine/"}),
    ("eventstudy list mod", {"models"}),
    ("eventstudy runs show 2024", {"20241213T210005Z-0123abcd"}),
    ("eventstudy events import --from ya", {"yahoo"}),
    ("eventstudy events import --from ev", {"events.csv", "eventstudy-runs/"}),
    ("eventstudy events import --map tick", {"tickers="}),
]
IN_BASH = ("ba", "--factor-", "my", "--prices mi", "ev", "tick", "2024", "avgo-earnings-2024-12")
"""A command, an option, names of modules, of folders and of files, and cells of a calendar."""


@pytest.mark.parametrize(("line", "expected"), OFFERS)
def test_the_program_offers_names(
    place: Path,
    line: str,
    expected: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What the script asks of the program, with the variables that the script sets."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("_EVENTSTUDY_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
    with pytest.raises(SystemExit) as ended:
        app(args=[], prog_name="eventstudy")
    assert ended.value.code == 0
    assert set(capsys.readouterr().out.split()) == expected


@pytest.mark.parametrize(("line", "expected"), [one for one in OFFERS if one[0].endswith(IN_BASH)])
def test_bash_offers_names(root: Path, place: Path, line: str, expected: set[str]) -> None:
    assert set(completed(root, place, line)) == expected


def test_models_of_other_packages_are_offered(root: Path, place: Path) -> None:
    about = place / "other-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[console_scripts]\nother = other:main\n\n[eventstudy.models]\nother-beta = other:Beta\n"
    )
    # The program runs where the package is on the path, as an installed one is.
    code = (
        "import sys; sys.path.insert(0, '.'); from importlib.metadata import entry_points; "
        "from eventstudy.cli.complete import models; "
        "names = [p.name for p in entry_points(group='eventstudy.models')]; "
        "assert 'other-beta' in names and set(names) <= set(models()), names"
    )
    env = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", code], cwd=place, env=env, check=True)


def taken(work: Callable[[], object]) -> float:
    """Return the seconds of processor time of what work starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.fixture(scope="module")
def heavy() -> float:
    """The seconds that the import of pandas alone takes."""
    pandas = (sys.executable, "-c", "import pandas")
    return min(taken(lambda: subprocess.run(pandas, check=True)) for _ in range(3))


@pytest.mark.parametrize(
    "line", ["eventstudy study --model ", "eventstudy run --strategy "],
)  # fmt: skip
def test_a_key_loads_nothing_heavy(root: Path, place: Path, line: str, heavy: float) -> None:
    """A key takes less processor time than the import of pandas alone, measured beside it."""
    assert any(taken(lambda: completed(root, place, line)) < heavy for _ in range(5))


def test_what_a_shell_would_evaluate_is_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """zsh evaluates what it is sent: a calendar of somebody else's must run nothing."""
    monkeypatch.chdir(tmp_path)
    hostile = ("\\$(touch ran)", "`touch ran`", "a';touch ran;'", 'b"c', "x\ny", "<b>", "d|e")
    rows = "".join(f'"{name.replace(chr(34), chr(34) * 2)}",k,AVGO\n' for name in hostile)
    Path("events.csv").write_text(f"event_id,kind,tickers\n{rows}plain-1,$(k),NVDA;$(t)\n")
    for name in ("good", "$(bad)"):
        (tmp_path / "eventstudy-runs" / name).mkdir(parents=True)
        (tmp_path / "eventstudy-runs" / name / "manifest.json").write_text("{}")
    (tmp_path / "$(x).csv").write_text("")
    context = typer.Context(click.Command("run"))
    assert complete.cases(context) == ["plain-1"]
    assert complete.kinds(context) == ["k="]
    assert complete.tickers(context) == ["AVGO", "NVDA"]
    assert complete.runs(context) == ["good"]
    assert complete.draft_sources("") == ["yahoo", "events.csv", "eventstudy-runs/"]
