"""Data flow one way: a lower room never imports a higher one."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "eventstudy"

HEIGHT = {
    "errors": 0, "later": 0, "letters": 0, "provenance": 0,
    "told": 1, "disk": 1, "sessions": 1, "baskets": 1, "windows": 1, "workers": 1,
    "events": 2, "prices": 2, "factors": 2, "models": 2,
    "abnormal": 3, "drafts": 3,
    "significance": 4,
    "streaming": 5,
    "study": 6, "backtest": 6,
    "activity": 7, "longrun": 7, "calibration": 7, "claims": 7,
    "report": 8,
    "exports": 9,
    "run": 10,
    "cli": 11, "__main__": 12,
}  # fmt: skip


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


BY_ROOM = {own: [path for path in modules() if room(path) == own] for own in HEIGHT}


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in nodes(path):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "eventstudy":
                names = [f"eventstudy.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("eventstudy.")}
    return found


def test_every_room_has_a_height() -> None:
    assert {room(p) for p in modules()} - {"bundle"} == set(HEIGHT)


@pytest.mark.parametrize("own", HEIGHT)
def test_no_import_goes_up(own: str) -> None:
    assert BY_ROOM[own]
    up = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path in BY_ROOM[own]
        for other in imported_rooms(path) - {own}
        if HEIGHT[other] >= HEIGHT[own]
    ]
    assert not up


def test_backtrader_stays_behind_its_door() -> None:
    line = re.compile(r"^\s*(import|from) backtrader", re.M)
    found = {room(path): path for path in modules() if line.search(path.read_text())}
    assert set(found) == {"backtest"}, found


def test_no_room_is_a_drawer() -> None:
    names = {p.stem for p in PACKAGE.rglob("*.py")} | {p.name for p in PACKAGE.rglob("*")}
    assert not names & {"utils", "core", "common", "helpers", "manager"}


def test_nothing_in_the_library_looks_like_a_test() -> None:
    for path in modules():
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert not re.match(r"test_|Test", node.name), f"{path}: {node.name}"
