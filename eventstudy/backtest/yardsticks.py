"""What doing nothing clever would have earned: the benchmark held, each basket held."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from eventstudy.prices.table import PriceTable

Floats = npt.NDArray[np.float64]


def held_value(table: PriceTable, weights: Mapping[str, float], capital: float) -> Floats:
    """Return the value of a portfolio held over all sessions of a table, shape (S,).

    Total returns at fixed weights, rebalanced each session, without costs. A session
    without a price returns zero; the whole return since the last price follows.

    Parameters
    ----------
    table : PriceTable
        The window: its first row is worth `capital`.
    weights : mapping of str to float
        Summing to one.
    capital : float
    """
    columns = [table.column(ticker) for ticker in weights]
    returns = np.nan_to_num(table.returns[:, columns], nan=0.0)
    returns[:1] = 0.0
    return capital * np.cumprod(1.0 + returns @ np.array(list(weights.values())))


def full_members(table: PriceTable, weights: Mapping[str, float]) -> dict[str, float]:
    """Return the members with a price on the first and on the last session, scaled to one."""
    has = np.isfinite(table.close) | np.isfinite(table.adj_close)
    kept = {
        ticker: weight
        for ticker, weight in weights.items()
        if ticker in table and has[[0, -1], table.column(ticker)].all()
    }
    total = sum(kept.values())
    return {ticker: weight / total for ticker, weight in kept.items()}
