"""Paths and skips that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Workers of pytest-xdist inherit what readline tells of a terminal; tests write to none.
os.environ.pop("COLUMNS", None)
# A test asks what the program does now, not what a run before it has found.
os.environ["EVENTSTUDY_FRESH"] = "1"

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
