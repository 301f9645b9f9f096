"""Kills, full disks and doubled runs of the quick writers; `benchmarks/faults.py` has them all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")


@pytest.fixture(scope="module")
def found(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of all of it, in one process for all tests."""
    base = tmp_path_factory.mktemp("faults")
    script = root / "tests" / "faults" / "fault_short.py"
    done = subprocess.run(
        [sys.executable, str(script), str(base), "3"],
        capture_output=True, text=True, check=False, cwd=root, timeout=240,
        # With PYTHONSAFEPATH a program's own folder is not on its path.
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests/faults'}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_after_a_kill_every_file_is_whole_and_the_next_run_as_a_clean_one(
    found: dict[str, Any],
) -> None:
    for one in found["kills"]:
        assert one["wrong"] == []
        tries = sum(one["kills"].values()) + one["ended"]
        assert one["following"] == tries
        assert sum(one["kills"].values()) >= tries // 3
    # Kills came while something was being written, not only before and after.
    assert sum(one["left"] for one in found["kills"]) >= 3


def test_a_full_disk_is_told_in_one_line_or_costs_the_cache_alone(found: dict[str, Any]) -> None:
    for one in found["space"]:
        assert one["wrong"] == []
        assert one["following"] == 1
    ends = {one["writer"]: (one["told"], one["done"]) for one in found["space"]}
    assert ends["new"] == (1, 0)
    assert ends["events import, into the calendar"] == (1, 0)
    assert ends["factors: French's library"] == (0, 1)  # figures are given, and not kept


def test_two_at_once_both_succeed(found: dict[str, Any]) -> None:
    for one in found["together"]:
        assert one["wrong"] == []
        assert one["equal"] == one["rounds"] == 1
        assert one["ended"] == 2


def test_what_is_not_written_so_is_seen(found: dict[str, Any]) -> None:
    assert any("torn: page.json" in line for line in found["torn"]["wrong"])
    assert any("torn: page.json" in line for line in found["cut"]["wrong"])
    assert any("page.json is neither the old" in line for line in found["changed"]["wrong"])
