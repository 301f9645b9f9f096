"""Data flow one way: a lower room never imports a higher one."""

from __future__ import annotations

import ast
import re
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


def imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
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


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_import_goes_up(path: Path) -> None:
    own = room(path)
    for other in imported_rooms(path) - {own}:
        allowed = HEIGHT[other] < HEIGHT[own]
        assert allowed, f"{path.name} of {own} imports {other}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_backtrader_stays_behind_its_door(path: Path) -> None:
    if room(path) != "backtest":
        assert not re.search(r"^\s*(import|from) backtrader", path.read_text(), re.M)


def test_no_room_is_a_drawer() -> None:
    names = {p.stem for p in PACKAGE.rglob("*.py")} | {p.name for p in PACKAGE.rglob("*")}
    assert not names & {"utils", "core", "common", "helpers", "manager"}


def test_nothing_in_the_library_looks_like_a_test() -> None:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert not re.match(r"test_|Test", node.name), f"{path}: {node.name}"
