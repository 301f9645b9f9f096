"""A made market for long-run studies: eight firms, one index, a calendar without a clock."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import eventstudy as es

FIRMS = ["AA", "BB", "CC", "DD", "EE", "FF", "GG", "HH"]


@pytest.fixture(scope="session")
def made_returns() -> pd.DataFrame:
    """Returns by date and ticker, 600 business days; the first row is none."""
    rng = np.random.default_rng(7)
    market = rng.normal(0.0004, 0.01, 600)
    betas = np.linspace(0.5, 1.9, len(FIRMS))
    noise = rng.normal(0.0, 0.015, (600, len(FIRMS)))
    table = np.column_stack([market, market[:, None] * betas + noise])
    days = pd.bdate_range("2021-01-04", periods=600)
    return pd.DataFrame(table, index=days, columns=["SPY", *FIRMS])


@pytest.fixture(scope="session")
def made_prices(made_returns: pd.DataFrame) -> es.PriceTable:
    closes = 100.0 * (1.0 + made_returns.iloc[1:]).cumprod()
    first = pd.DataFrame(100.0, index=made_returns.index[:1], columns=closes.columns)
    return es.load_prices(pd.concat([first, closes]))
