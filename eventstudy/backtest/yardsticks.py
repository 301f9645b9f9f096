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
    without a price returns zero; the whole return since the last price follows. A member
    whose prices end goes on as cash: whoever holds it cannot know beforehand.

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


def first_members(table: PriceTable, weights: Mapping[str, float]) -> dict[str, float]:
    """Return the members with a price on the first session, scaled to one.

    What becomes of a member later decides nothing: those that end would be missing from a
    basket of survivors alone.
    """
    has = _priced(table)[0]
    kept = {t: w for t, w in weights.items() if t in table and has[table.column(t)]}
    total = sum(kept.values())
    return {ticker: weight / total for ticker, weight in kept.items()}


def ended_members(table: PriceTable, weights: Mapping[str, float]) -> dict[str, str]:
    """Return the last date with a price of each member that has none on the last session."""
    has = _priced(table)
    columns = {ticker: table.column(ticker) for ticker in weights}
    return {
        ticker: str(table.dates[np.flatnonzero(has[:, at])[-1]])
        for ticker, at in columns.items()
        if not has[-1, at]
    }


def _priced(table: PriceTable) -> npt.NDArray[np.bool_]:
    return np.isfinite(table.close) | np.isfinite(table.adj_close)
