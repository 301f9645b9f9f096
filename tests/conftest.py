"""Paths and skips that all tests share."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

# Workers of pytest-xdist inherit what readline tells of a terminal; tests write to none.
os.environ.pop("COLUMNS", None)

ROOT = Path(__file__).resolve().parents[1]
VENDOR = ROOT.parent / "shared" / "prices"
ORACLES = Path(__file__).resolve().parent / "oracles"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if VENDOR.is_dir():
        return
    skip = pytest.mark.skip(reason="the folder of real vendor quotes, ../shared/prices, is missing")
    for item in items:
        if "vendor" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def vendor() -> Path:
    return VENDOR


@pytest.fixture(scope="session")
def oracles() -> Path:
    return ORACLES


@pytest.fixture
def script(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a function that imports a script of benchmarks/ by its name."""

    def load(name: str) -> ModuleType:
        monkeypatch.syspath_prepend(str(root / "benchmarks"))
        return importlib.import_module(name)

    return load
