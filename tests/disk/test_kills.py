"""A writer that is killed leaves the old run or the new one, whole, or the old one aside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_runs import NOTES, hidden_in, state_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")


def told(root: Path, *arguments: object) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.disk.made_runs", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=root, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_a_run_replaced_is_never_lost(root: Path, tmp_path: Path) -> None:
    rounds = told(root, "changes", tmp_path / "out", "run", 0)
    states = [one["before"]["state"] for one in rounds]
    # Three files and a manifest written, two renames, as many removed.
    assert len(rounds) > 10
    assert set(states) == {"old", "absent", "new"}
    for one in rounds:
        assert set(one["before"]["aside"]) <= {"old"}
        if one["before"]["state"] == "absent":
            assert one["before"]["aside"] == ["old"]
        assert one["after"]["state"] in ("old", "new")
        assert one["after"]["hidden"] == []
        assert one["next"] == {"state": "next", "aside": [], "hidden": [], "notes": None}
    assert states[-1] == "new"
    assert states.count("absent") == 1


def test_a_first_run_is_there_whole_or_not_at_all(root: Path, tmp_path: Path) -> None:
    rounds = told(root, "changes", tmp_path / "out", "first", 0)
    assert {one["before"]["state"] for one in rounds} == {"absent", "new"}
    for one in rounds:
        assert one["after"]["state"] == one["before"]["state"]
        assert one["after"]["hidden"] == []
        assert one["next"]["state"] == "next"


def test_a_folder_with_other_files_is_finished_by_the_next(root: Path, tmp_path: Path) -> None:
    rounds = told(root, "changes", tmp_path / "out", "shared", 0)
    after = [one["after"]["state"] for one in rounds]
    assert set(after) == {"old", "new"}
    assert after == sorted(after, reverse=True)
    # The moving itself was interrupted too, not only what comes before and after.
    assert any(one["before"]["state"] not in ("old", "new") for one in rounds)
    for one in rounds:
        assert one["after"]["hidden"] == []
        assert {one[when]["notes"] for when in ("before", "after", "next")} == {NOTES}
        assert one["next"]["state"] == "next"


@pytest.mark.parametrize("kind", ["run", "shared"])
def test_kills_at_random_moments(root: Path, tmp_path: Path, kind: str) -> None:
    rounds = told(root, "random", tmp_path / "out", kind, 10)
    assert len(rounds) == 10
    for one in rounds:
        assert one["after"]["state"] in ("old", "new"), one
        assert one["after"]["hidden"] == []
        if kind == "run":
            whole = [one["before"]["state"], *one["before"]["aside"]]
            assert {"old", "new"} & set(whole), one


def test_a_kept_run_is_whole_and_what_a_killed_one_left_is_removed(
    root: Path, tmp_path: Path
) -> None:
    rounds = told(root, "kept", tmp_path / "runs", "run", 0)
    assert {one["state"] for one in rounds} == {"absent", "new"}
    assert all(one["hidden"] == [] for one in rounds)


def test_two_at_once_both_end_and_one_wins(root: Path, tmp_path: Path) -> None:

    for kind in ("run", "shared"):
        target = tmp_path / kind / "out"
        target.mkdir(parents=True)
        if kind == "shared":
            (target / "notes.md").write_text(NOTES)
        command = [sys.executable, "-m", "tests.disk.made_runs", "write", str(target)]
        writers = [
            subprocess.Popen([*command, tag, "50"], cwd=root, stderr=subprocess.PIPE)
            for tag in ("a", "b")
        ]
        ends = [(writer.communicate(timeout=120)[1], writer.returncode) for writer in writers]
        assert ends == [(b"", 0), (b"", 0)]
        assert state_of(target) in ("a", "b")
        assert hidden_in(target) == []
        assert (target / "notes.md").exists() == (kind == "shared")


def test_two_that_keep_at_once_lose_nothing(root: Path, tmp_path: Path) -> None:

    command = [sys.executable, "-m", "tests.disk.made_runs", "keep", str(tmp_path)]
    writers = [subprocess.Popen([*command, tag, "10"], cwd=root) for tag in ("a", "b")]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    states = sorted(state_of(folder) for folder in tmp_path.iterdir())
    assert states == ["a"] * 10 + ["b"] * 10


def test_three_that_put_parts_at_once_all_end(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.disk.made_runs", "parts", str(tmp_path), "-", "60"]
    writers = [
        subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    ends = [(writer.communicate(timeout=120)[1], writer.returncode) for writer in writers]
    assert ends == [("", 0)] * 3
    assert [path.name for path in tmp_path.iterdir()] == ["cars"]
    assert [path.name for path in (tmp_path / "cars").iterdir()] == ["part-00000.parquet"]
