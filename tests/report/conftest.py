"""The page of the shipped sample, and one made of hostile texts."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_page import HOSTILE, Made  # type: ignore[import-not-found]

import eventstudy as es

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of pages."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS
        )
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def made(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    study = es.event_study(events, prices, window=[(0, 0), (0, 1), (2, 10)])
    traded = es.backtest(events, prices, ["asic-gpu-rotation"])
    path = tmp_path_factory.mktemp("page") / "new" / "report.html"
    es.write_report(study, path, backtest=traded)
    return Made(study, traded, path.read_text(encoding="utf-8"), path)


@pytest.fixture(scope="session")
def small_prices() -> es.PriceTable:
    rng = np.random.default_rng(5)
    days = pd.bdate_range("2023-01-02", periods=400)
    names = ["SPY", "X1", "=CMD", "<b>Y</b>\u202e"]
    paths = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (400, 4)), axis=0))
    return es.load_prices(pd.DataFrame(paths, index=days, columns=names))


@pytest.fixture(scope="session")
def small_study(
    small_prices: es.PriceTable, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., es.StudyResult]:
    """Return a maker of studies of plain rows (event_id, tickers, title, source)."""
    folder = tmp_path_factory.mktemp("small")

    def make(rows: tuple[tuple[str, ...], ...] = HOSTILE, **asked: object) -> es.StudyResult:
        dates = ("2024-05-01", "2024-06-03", "2024-06-20", "2024-03-04")
        with (folder / "events.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(
                ["event_id", "date", "session", "tickers", "kind", "subject", "title", "source"]
            )
            for (event_id, tickers, title, source), day in zip(rows, dates, strict=False):
                writer.writerow([event_id, day, "pre", tickers, "<k>", "X1", title, source])
        events = es.read_events(folder / "events.csv", calendar="prices", prices=small_prices)
        return es.event_study(events, small_prices, **({"observed": ()} | asked))  # type: ignore[arg-type]

    return make
