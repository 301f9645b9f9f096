"""Worlds for studies: the published oracle inputs and the shipped sample."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import eventstudy as es


@pytest.fixture(scope="session")
def clustered(oracles: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return (events.csv, price folder): the A_clustered returns as a wide table of prices."""
    folder = tmp_path_factory.mktemp("clustered")
    returns = pd.read_csv(oracles / "A_clustered_returns.csv", index_col="date")
    before = (pd.Timestamp(returns.index[0]) - pd.Timedelta(days=1)).date().isoformat()
    base = pd.DataFrame(100.0, index=pd.Index([before], name="date"), columns=returns.columns)
    prices = pd.concat([base, 100.0 * (1.0 + returns).cumprod()])
    (folder / "prices").mkdir()
    prices.to_csv(folder / "prices" / "wide.csv", index_label="date", float_format="%.17g")
    events = pd.read_csv(oracles / "A_clustered_events.csv")
    frame = pd.DataFrame(
        {
            "event_id": [f"e{i:02d}" for i in events["event_id"]],
            "date": events["event_date"],
            "session": "regular",
            "tickers": events["symbol"],
        }
    )
    frame.to_csv(folder / "events.csv", index=False)
    return folder / "events.csv", folder / "prices"


@pytest.fixture(scope="session")
def sample_study(root: Path) -> es.StudyResult:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    windows = [(0, 0), (-1, 1), (2, 10)]
    return es.event_study(
        events, prices, model=["market", "market-adjusted", "mean"], window=windows
    )
