"""The sample as a study, and claims written as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import eventstudy as es
from eventstudy.claims import Claims


@pytest.fixture(scope="session")
def case_study(root: Path) -> es.StudyResult:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    return es.event_study(
        events, prices, window=[(0, 0), (0, 1)], tests=["kolari_pynnonen", "corrado"]
    )


@pytest.fixture(scope="session")
def closes(root: Path) -> pd.DataFrame:
    """The shipped closes, read by pandas alone: a column a ticker."""
    data = root / "eventstudy" / "prices" / "data" / "prices_2024_2025.csv"
    frame = pd.read_csv(data, parse_dates=["date"], index_col="date")
    frame = frame[[c for c in frame.columns if c.endswith("_close")]]
    frame.columns = [c.removesuffix("_close").upper() for c in frame.columns]
    return frame


@pytest.fixture(scope="session")
def totals(root: Path, closes: pd.DataFrame) -> pd.DataFrame:
    """Total returns by pandas alone: (P + D) / P before - 1."""
    data = root / "eventstudy" / "prices" / "data" / "dividends_2024_2025.csv"
    cash = pd.DataFrame(0.0, index=closes.index, columns=closes.columns)
    for row in pd.read_csv(data, parse_dates=["ex_date"]).to_dict("records"):
        cash.loc[row["ex_date"], row["ticker"]] += row["amount"]
    return (closes + cash) / closes.shift() - 1.0


@pytest.fixture
def claims_of(tmp_path: Path) -> Callable[[str], Claims]:
    """Return a reader of claims that are written in a test."""

    def read(text: str) -> Claims:
        path = tmp_path / "claims.toml"
        path.write_text(text, encoding="utf-8")
        return es.read_claims(path)

    return read
