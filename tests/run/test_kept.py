"""Kept runs: names by time and inputs, and how they are found."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from eventstudy.errors import EventStudyError
from eventstudy.provenance import DISTRIBUTION
from eventstudy.run.kept import Target, find_run, fingerprint, kept_name, kept_runs

MANIFEST = {
    "configuration": {"model": ["market"], "seed": 0},
    "events": {"sha256": "1"},
    "prices": {"tickers": {"AVGO": "2", "SPY": "3"}},
    "versions": {DISTRIBUTION: "0.1.0"},
    "started": "2024-12-13T21:00:05Z",
    "wall_time": 1.5,
}
IDS = ("20241213T210005Z-aaaa1111", "20241213T210006Z-bbbb2222", "20250102T000000Z-bbbb2222-2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i, name in enumerate(IDS):
        (tmp_path / name).mkdir()
        started = f"2024-12-13T21:00:0{i}Z"
        text = json.dumps({**MANIFEST, "started": started, "files": {}})
        (tmp_path / name / "manifest.json").write_text(text)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "manifest.json").write_text('{"name": "of another program"}')
    (tmp_path / ".eventstudy.new-0123456789abcdef").mkdir()
    return tmp_path


def test_a_name_tells_time_and_inputs() -> None:
    assert re.fullmatch(r"20241213T210005Z-[0-9a-f]{8}", kept_name(MANIFEST))
    assert kept_name(MANIFEST).endswith(fingerprint(MANIFEST)[:8])


@pytest.mark.parametrize(
    "clock", [{"started": "2025-01-01T00:00:00Z"}, {"wall_time": 9.0}, {"versions": {}}]
)
def test_time_and_versions_are_not_in_the_hash(clock: dict[str, object]) -> None:
    assert fingerprint({**MANIFEST, **clock}) == fingerprint(MANIFEST)


@pytest.mark.parametrize(
    "other",
    [
        {"configuration": {"model": ["mean"], "seed": 0}},
        {"events": {"sha256": "4"}},
        {"prices": {"tickers": {"AVGO": "2", "SPY": "4"}}},
        {"backtest": {"strategies": {"mine": {"sha256": "5"}}}},
    ],
)
def test_configuration_and_inputs_are_in_the_hash(other: dict[str, object]) -> None:
    assert fingerprint({**MANIFEST, **other}) != fingerprint(MANIFEST)


def test_the_order_of_keys_is_not_in_the_hash() -> None:
    assert fingerprint(dict(reversed(MANIFEST.items()))) == fingerprint(MANIFEST)


def test_only_runs_are_listed(folder: Path) -> None:
    assert [run.id for run in kept_runs(folder)] == list(IDS)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (IDS[0], 0), (IDS[1], 1), ("20241213T210005", 0), ("2025", 2), ("aaaa", 0),
        ("20241213T210006Z-b", 1),
    ],
)  # fmt: skip
def test_a_unique_beginning_is_enough(folder: Path, given: str, found: int) -> None:
    assert find_run(given, folder).id == IDS[found]


def test_a_folder_is_a_run_too(folder: Path, tmp_path: Path) -> None:
    assert find_run(str(folder / IDS[1]), tmp_path / "nowhere").id == IDS[1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("2024", f"stands for several: {IDS[0]}, {IDS[1]}"),
        ("bbbb", f"stands for several: {IDS[1]}, {IDS[2]}"),
        ("20241213T210005Z-aaaa1112", f"did you mean '{IDS[0]}'"),
        ("aaaa1112", "did you mean 'aaaa1111'"),
        ("notes", "unknown run 'notes'"),
        ("", "unknown run ''"),
        (".", "is a folder without a manifest.json: no run wrote it"),
    ],
)
def test_what_is_not_one_run_is_said(folder: Path, given: str, said: str) -> None:
    with pytest.raises(EventStudyError, match=re.escape(said)):
        find_run(given, folder)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(EventStudyError, match="--runs .*none keeps one there"):
        kept_runs(tmp_path / "none")


def test_a_run_goes_to_one_place(tmp_path: Path) -> None:
    with pytest.raises(EventStudyError, match="written to one place"):
        Target("out", "runs")
    assert Target().write({}, MANIFEST) == []
    twice = [Target(runs=str(tmp_path)).write({}, MANIFEST)[0].parent.name for _ in range(2)]
    assert twice == [kept_name(MANIFEST), f"{kept_name(MANIFEST)}-2"]
