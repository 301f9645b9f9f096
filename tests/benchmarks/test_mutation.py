"""Mutants of a toy module: what a test can tell apart falls, what none can stays alive."""

from __future__ import annotations

import ast
import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

TOY = """
def above(x):
    return x > 3

def untested(x):
    return x / 2

def doubled(x):
    return x * 2

def drained(x):
    while x > 0:
        x -= 1
    return x

def gone(x):
    return x + 1

del gone
"""
TESTS = """
from toy import above, doubled, drained

def test_above():
    assert not above(3) and above(4)

def test_doubled_of_nothing():
    assert doubled(0) == 0

def test_drained():
    assert drained(3) == 0

def test_that_fails_anyway():
    assert doubled(1) == 3
"""
RUN = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from mutants.covering import Cache
from mutants.making import of_file
from mutants.trying import Effort, Runner, session

root, found = Path(sys.argv[2]), []
def work(runner):
    for mutant in of_file(root, "toy.py"):
        found.append((mutant.function, mutant.change, runner.try_out(mutant).what))
cache, effort = Cache(root / "kept" / "coverage.json", root), Effort(grace=0.1)
runner = Runner(root, ["toy"], ["toy.py"], cache, work, effort)
assert session(runner, ("test_toy.py", "test_beside.py"), root / "scratch") == 0
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """Function, change and what became of it, of each mutant."""
    for needed in ("mutmut", "coverage"):
        pytest.importorskip(needed)
    root = tmp_path_factory.mktemp("toy")
    (root / "toy.py").write_text(TOY)
    (root / "test_toy.py").write_text(TESTS)
    # As the conftest of this project does: frozen, a function is not among the collector's objects.
    frozen = "import gc\n\ndef pytest_collection_finish():\n    gc.collect()\n    gc.freeze()\n"
    (root / "conftest.py").write_text(frozen)
    (root / "test_beside.py").write_text("def test_of_something_else():\n    assert 1 + 1 == 2\n")
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(BENCHMARKS), str(root)],
        cwd=root, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "fails without a mutant: test_toy.py::test_that_fails_anyway" in run.stdout
    return [tuple(row) for row in json.loads(run.stdout.splitlines()[-1])]


def test_what_a_test_can_tell_apart_falls(tried: list[tuple[str, str, str]]) -> None:
    found = {(change, what) for name, change, what in tried if name == "above"}
    assert found == {("return x {> => >=} 3", "killed"), ("return x > {3 => 4}", "killed")}


def test_what_none_can_tell_apart_stays_alive(tried: list[tuple[str, str, str]]) -> None:
    """0 / 2 is 0 too, and 0 * 3; nothing runs the other function."""
    found = {(name, change, what) for name, change, what in tried}
    assert ("doubled", "return x {* => /} 2", "survived") in found
    assert ("doubled", "return x * {2 => 3}", "survived") in found
    assert {what for name, _, what in found if name == "untested"} == {"no test"}


def test_what_is_not_there_to_be_changed_is_not_called_alive(
    tried: list[tuple[str, str, str]],
) -> None:
    assert {what for name, _, what in tried if name == "gone"} == {"unbuilt"}


def test_what_never_ends_is_stopped(tried: list[tuple[str, str, str]]) -> None:
    found = {change: what for name, change, what in tried if name == "drained"}
    assert found["x {-= => +=} 1"] == "timed out"
    assert found["while x {> => >=} 0:"] == "killed"


def test_reasons_are_of_functions_that_are_there() -> None:
    with (BENCHMARKS / "mutation_survivors.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({(r["module"], r["function"], r["change"]) for r in rows}) == len(rows)
    for row in rows:
        assert row["reason"].strip(), row
        body: list[ast.stmt] = ast.parse((BENCHMARKS.parent / row["module"]).read_text()).body
        for name in row["function"].split("."):
            held = [n for n in body if isinstance(n, ast.ClassDef | ast.FunctionDef)]
            named = [node for node in held if node.name == name]
            assert named, row
            body = named[0].body
