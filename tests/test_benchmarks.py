"""The benchmark scripts run, and their page holds what they write."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eventstudy.calibration import Design


def test_a_section_is_written_in_its_place(script) -> None:
    sections = script("sections")
    page = "# Page\n\nWords.\n\n<!-- begin a -->\nold\n<!-- end -->\n\nMore.\n"
    once = sections.with_section(page, "a", "new \\1\n")
    assert once == page.replace("old", "new \\1")
    twice = sections.with_section(once, "b", "second")
    assert twice == once.rstrip() + "\n\n<!-- begin b -->\nsecond\n<!-- end -->\n"
    assert sections.with_section(twice, "b", "second") == twice


def test_engines_end_with_the_same_values(script, capsys: pytest.CaptureFixture[str]) -> None:
    speed = script("backtest_speed")
    speed.main(["--sessions", "80", "--events", "4", "--repeats", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == list(speed.ENGINES)
    assert all(re.search(r"\| 1\.0 \||\| \d+\.\d \|", line) for line in lines[2:])
    world = speed.make_world(80, 4)
    assert len(world.trade().trades) == 8


def test_an_engine_with_other_values_is_refused(script, monkeypatch: pytest.MonkeyPatch) -> None:
    speed = script("backtest_speed")
    other = speed.make_world(80, 4, seed=5)
    monkeypatch.setitem(speed.ENGINES, "wrong", lambda world: other.trade())
    with pytest.raises(SystemExit, match="wrong ends with other values"):
        speed.main(["--sessions", "80", "--events", "4", "--repeats", "1"])


def test_every_section_names_a_script_that_exists(root: Path) -> None:
    page = (root / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    sections = re.findall(r"<!-- begin ([\w-]+) -->\n(.*?)<!-- end -->", page, re.DOTALL)
    assert "backtest-speed" in [name for name, _ in sections]
    for name, text in sections:
        called = re.findall(r"`(?:[A-Z]+=\w+ )?python (benchmarks/\w+\.py)", text)
        assert called, name
        assert all((root / path).is_file() for path in called)


def test_every_way_to_sweep_gives_the_same_numbers(
    script, capsys: pytest.CaptureFixture[str]
) -> None:
    speed = script("sweep_speed")
    speed.main(["--repeats", "1", "--fast", "20", "--slow", "2", "--no-cluster"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| way | 20 variants, vectorised: wall time |")
    assert "| 2 variants, Cerebro: wall time |" in lines[0]
    assert lines[2] == "| one process | 1.00 | 1.00 | 1.00 | 1.00 |"
    assert [line.split(" | ")[0] for line in lines[3:]] == [
        "| one process, every variant asked anew", "| two processes",
    ]  # fmt: skip


def test_another_sweep_is_refused(script, monkeypatch: pytest.MonkeyPatch) -> None:
    speed = script("sweep_speed")
    world = speed.make_world(120, 6)
    with speed.ways_of(world, False) as ways:
        first = next(iter(ways.values()))
        wrong = {"one process": first, "wrong": lambda over: first({"hold": [1], "gross": [0.3]})}
        with pytest.raises(SystemExit, match="wrong gives other numbers than one process"):
            speed.measure(wrong, {"hold": [1], "gross": [0.2]}, 1)


def test_another_calibration_is_refused(script) -> None:
    speed = script("cluster_speed")
    ways = {"one": {"jobs": 1}, "other": {"jobs": 1, "seed": 3}}
    run = speed.partial(
        speed.calibrate, speed.made_prices(6, 230), window=(0, 0), estimation=120, samples=9,
        tests=["bmp"], designs=[Design("staggered", 10)],
    )  # fmt: skip
    with pytest.raises(SystemExit, match="other gives other numbers than one"):
        speed.measure(run, ways, 1)
    assert list(speed.measure(run, {"one": ways["one"]}, 1)) == ["one"]
    assert speed.payload_row("here", {"jobs": 1}, 2, 1)[:2] == ("here", "2")


def test_large_inputs_are_measured_row_by_row(
    script, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first reading in a process of its own, the others here, by the same text."""
    large = script("big_inputs")
    apart, readings = subprocess.run, []

    def here(command: list[str], **options: Any) -> Any:
        readings.append(command[3])
        if len(readings) == 1:
            return apart(command, **options)
        said = io.StringIO()
        monkeypatch.setattr(sys, "argv", command[2:])
        with contextlib.redirect_stdout(said):
            exec(compile(command[2], "READ", "exec"), {"__name__": "__main__"})  # noqa: S102
        return SimpleNamespace(stdout=said.getvalue())

    monkeypatch.setattr(large, "subprocess", SimpleNamespace(run=here))
    large.main(["--events", "--tickers", "4", "--sessions", "50", "--bad", "20000"])
    assert readings == ["prices"] * 3 + ["bad"] * 5
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| 200 ")]
    assert [line.split(" | ")[0] for line in lines] == [
        "| 200 rows, 4 tickers: all of it",
        "| 200 rows, 4 tickers: all, without quality checks",
        "| 200 rows, 4 tickers: two tickers",
    ]
