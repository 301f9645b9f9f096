"""A small market by hand: 320 sessions, five chip makers, one other share and the benchmark."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from eventstudy.events import read_events
from eventstudy.prices.table import PriceTable

COUNT, NEWS = 320, 300
DAYS = np.busday_offset(np.datetime64("2023-01-02"), np.arange(COUNT))
TICKERS = ("AVGO", "MRVL", "NVDA", "AMD", "MSFT", "SPY")


class Market:
    """Each share returns 1% and -1% in turns, the benchmark other numbers; plus jumps.

    The residual of the market model is 1% by construction. A session opens where the one
    before closed.
    """

    days, news = DAYS, NEWS

    def prices(self, jumps: dict[str, dict[int, float]] | None = None) -> PriceTable:
        market = np.random.default_rng(3).normal(0, 0.01, COUNT)
        wave = np.where(np.arange(COUNT) % 2, 0.01, -0.01)
        returns = np.column_stack([wave] * (len(TICKERS) - 1) + [market])
        for ticker, moves in (jumps or {}).items():
            for row, move in moves.items():
                returns[row, TICKERS.index(ticker)] = move
        close = 100 * np.cumprod(1 + returns, axis=0)
        opens = np.vstack([close[:1], close[:-1]])
        none = np.full_like(close, np.nan)
        return PriceTable(TICKERS, DAYS, opens, none, none, close, none, none, none * 0, "by hand")


@pytest.fixture(scope="session")
def market() -> Market:
    return Market()


@pytest.fixture
def calendar(tmp_path, market) -> Callable:
    """`calendar(prices, "kind=capex,expects=...", ...)`: one event each, on the news session."""

    def build(prices, *rows, **options):
        columns = ("date", "session", "kind", "subject", "tickers", "expects", "known_on")
        lines = ["event_id," + ",".join(columns)]
        for number, text in enumerate(rows):
            given = {"date": str(DAYS[NEWS]), "session": "pre", "tickers": "AVGO;NVDA"}
            given |= dict(part.split("=") for part in filter(None, text.split(",")))
            lines.append(f"e{number}," + ",".join(given.get(name, "") for name in columns))
        (tmp_path / "events.csv").write_text("\n".join(lines) + "\n")
        return read_events(tmp_path / "events.csv", calendar="prices", prices=prices, **options)

    return build
