"""SECURITY.md names tests, files and folders that are there, and the places that run code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest


@pytest.fixture
def text(root: Path) -> str:
    return (root / "SECURITY.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_is_there(root: Path, text: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 35
    lost = []
    for file, test in named:
        path = root / file
        defined = {
            node.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef)
        }
        if test and test not in defined:
            lost.append(f"{file}::{test}")
    assert lost == []


def test_every_test_of_security_is_named(root: Path, text: str) -> None:
    """But for those of single functions, and of this page."""
    own = {"test_what_is_harmless_stays"}
    for path in (root / "tests" / "security").glob("test_hostile_*.py"):
        tests = set(re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M))
        assert {test for test in tests - own if f"{path.name}::{test}`" not in text} == set()


def test_every_file_that_is_named_is_there(root: Path, text: str) -> None:
    named = set(re.findall(r"`(eventstudy/[\w/.]+)`", text))
    assert len(named) > 10
    assert [name for name in named if not (root / name).exists()] == []


def test_every_exemption_says_why(root: Path) -> None:
    """Of ruff's security rules and of bandit: a word after the number, and none for whole files."""
    found = [
        f"{path.relative_to(root)}:{number}"
        for folder in ("eventstudy", "strategies")
        for path in (root / folder).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"#\s*noqa(?!:)|#\s*ruff: noqa|#\s*nosec(?! B\d{3} # \w)", line)
        or re.search(r"#\s*noqa: S\d{3}\s*$", line)
    ]
    assert found == []


def test_bandit_is_asked_by_make_lint_and_nothing_is_skipped(root: Path) -> None:
    make = (root / "Makefile").read_text(encoding="utf-8")
    assert "bandit --quiet --recursive eventstudy strategies" in make
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert "[tool.bandit]" not in project
    assert not (root / ".bandit").exists()
