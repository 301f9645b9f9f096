"""A made market with volume: prices, shares traded, and events without a clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

import eventstudy as es

TICKERS = ["SPY", "AA", "BB", "CC", "DD", "EE", "FF"]
PLACES = [("AA", 300), ("BB", 305), ("CC", 340), ("AA", 390)]


def made_table(seed: int = 3) -> es.PriceTable:
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0, 0.01, 420)
    table = np.column_stack([market, market[:, None] + rng.normal(0, 0.02, (420, 6))])
    table[0] = 0.0
    days = pd.bdate_range("2021-01-04", periods=420)
    closes = pd.DataFrame(100.0 * (1.0 + table).cumprod(axis=0), index=days, columns=TICKERS)
    common = np.cumsum(rng.normal(0, 0.1, 420)) * 0.3
    logs = 15.0 + common[:, None] + rng.normal(0, 0.4, (420, 7))
    prices = es.load_prices(closes)
    volume = np.empty((420, 7))
    for i, ticker in enumerate(prices.tickers):
        volume[:, i] = np.round(np.exp(logs[:, TICKERS.index(ticker)]))
    return replace(prices, volume=volume)


def made_events(prices: es.PriceTable, places: list[tuple[str, int]]) -> es.EventCalendar:
    rows = [
        {
            "event_id": f"e{i}",
            "date": str(prices.dates[at]),
            "session": "pre",
            "tickers": f"{ticker};FF" if i == 0 else ticker,
            "subject": ticker,
            "kind": "news",
        }
        for i, (ticker, at) in enumerate(places)
    ]
    return es.read_events(pd.DataFrame(rows), calendar="prices", prices=prices)
