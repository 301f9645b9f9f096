"""The sample's study and backtest, exported, and a study made of hostile texts."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_export import HOSTILE, Exported  # type: ignore[import-not-found]

import eventstudy as es


@pytest.fixture(scope="session")
def study(root: Path) -> es.StudyResult:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    return es.event_study(
        events, prices, window=[(0, 0), (2, 10)], tests=["kolari_pynnonen", "corrado", "hall"]
    )


@pytest.fixture(scope="session")
def traded(root: Path) -> es.BacktestResult:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    return es.backtest(events, prices, ["asic-gpu-rotation"])


@pytest.fixture(scope="session")
def exported(
    study: es.StudyResult, traded: es.BacktestResult, tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    folder = tmp_path_factory.mktemp("exported") / "new"
    formats = ("md", "tex", "xlsx", "json", "csv", "parquet")
    written = es.export(study, folder, formats, backtest=traded, title="A title & $5")
    return Exported(study, traded, folder, tuple(written))


@pytest.fixture(scope="session")
def hostile_study(tmp_path_factory: pytest.TempPathFactory) -> es.StudyResult:
    folder = tmp_path_factory.mktemp("hostile")
    rng = np.random.default_rng(5)
    days = pd.bdate_range("2023-01-02", periods=400)
    names = ["SPY", "X1", "=CMD", "^A_B=C-1"]
    paths = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (400, len(names))), axis=0))
    prices = es.load_prices(pd.DataFrame(paths, index=days, columns=names))
    dates = ("2024-05-01", "2024-06-03", "2024-06-20", "2024-03-04", "2024-04-09", "2024-05-21")
    with (folder / "events.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["event_id", "date", "session", "tickers", "kind", "subject", "title"])
        for (event_id, tickers, title), day in zip(HOSTILE, dates, strict=True):
            writer.writerow([event_id, day, "pre", tickers, "<k>", "X1", title])
    events = es.read_events(folder / "events.csv", calendar="prices", prices=prices)
    return es.event_study(events, prices, observed=(), tests=["kolari_pynnonen", "corrado"])


@pytest.fixture(scope="session")
def hostile(hostile_study: es.StudyResult, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("hostile-exports")
    written = es.export(hostile_study, folder, ("md", "tex", "xlsx", "json", "csv"))
    return Exported(hostile_study, None, folder, tuple(written))
