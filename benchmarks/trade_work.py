"""Made prices and pair trades that every backtester is given.

The world of backtest_speed.py: random walks, and events spread evenly over them. Each event
is long one ticker and short another, half of a sleeve of 20% of the initial capital each, sized
at the close of session 0, filled at the next open and held for ten sessions; commission of 1 bp,
no other cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from backtest_speed import World

CAPITAL = 1e6
COMMISSION = 1e-4
HOLD = 10
LEG = 0.1
"""Of the initial capital, in each leg."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trades:
    """Prices and the orders that a strategy would send.

    Attributes
    ----------
    opens, high, low, close : ndarray, shape (T, K)
    days : ndarray, shape (T,), datetime64[D]
    long, short : ndarray, shape (N,), int
        Tickers of each event.
    rows : ndarray, shape (N,), int
        Session 0.
    """

    opens: Floats
    high: Floats
    low: Floats
    close: Floats
    days: npt.NDArray[np.datetime64]
    long: Ints
    short: Ints
    rows: Ints


def trades_of(world: World) -> Trades:
    """Return the arrays of a world of backtest_speed.py, without its benchmark."""
    prices = world.prices
    names = prices.tickers[:-1]
    return Trades(
        *(getattr(prices, field)[:, :-1].copy() for field in ("open", "high", "low", "close")),
        days=prices.dates.astype("datetime64[D]"),
        long=np.array([names.index(event.tickers[0]) for event in world.events]),
        short=np.array([names.index(event.tickers[1]) for event in world.events]),
        rows=np.searchsorted(prices.dates, [event.next for event in world.events]),
    )


def plain_value(trades: Trades) -> float:
    """Return the final value by arithmetic: gains of each leg less its two commissions."""
    value = CAPITAL
    for sign, tickers in ((1.0, trades.long), (-1.0, trades.short)):
        for k, row in zip(tickers.tolist(), trades.rows.tolist(), strict=True):
            size = sign * LEG * CAPITAL / trades.close[row, k]
            begin, end = trades.opens[row + 1, k], trades.opens[row + 1 + HOLD, k]
            value += size * (end - begin) - COMMISSION * abs(size) * (begin + end)
    return value
