"""The market that decisions are made in: prices by session, baskets, what can be borrowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from eventstudy.baskets import Baskets
from eventstudy.prices.table import PriceTable


def has_bar(table: PriceTable) -> npt.NDArray[np.bool_]:
    """Return where a ticker can be traded, shape (S, N): both open and close are there."""
    return np.isfinite(table.open) & np.isfinite(table.close)


def has_range(table: PriceTable) -> npt.NDArray[np.bool_]:
    """Return which tickers have a high and a low on every bar, shape (N,)."""
    known = np.isfinite(table.high) & np.isfinite(table.low)
    return np.asarray((known | ~has_bar(table)).all(axis=0) & known.any(axis=0))


@dataclass(frozen=True, eq=False)
class Market:
    """What decisions are made in: prices, baskets, what may be sold short.

    Attributes
    ----------
    table : PriceTable
        On the sessions of the whole run; row numbers refer to it.
    baskets : Baskets
    benchmark : str
    capital : float
        Initial; sizes refer to it.
    shortable : mapping of str to bool
        Tickers that are not named can be borrowed.
    impact : float
        Coefficient of the square-root law, see `liquidity.square_root_impact`.
    """

    table: PriceTable
    baskets: Baskets
    benchmark: str
    capital: float
    shortable: Mapping[str, bool] = field(default_factory=dict)
    impact: float = 0.0

    @cached_property
    def bars(self) -> npt.NDArray[np.bool_]:
        """Where a ticker can be traded, shape (S, N)."""
        return has_bar(self.table)

    @cached_property
    def opens(self) -> npt.NDArray[np.bool_]:
        """Which tickers have opening prices at all, shape (N,)."""
        return np.asarray(np.isfinite(self.table.open).any(axis=0))

    @cached_property
    def ranges(self) -> npt.NDArray[np.bool_]:
        """Which tickers have highs and lows on every bar, shape (N,)."""
        return has_range(self.table)

    def priced(self, row: int) -> frozenset[str]:
        """Return the tickers with a bar on a session."""
        return frozenset(np.array(self.table.tickers)[self.bars[row]].tolist())

    def close(self, ticker: str, row: int) -> float:
        """Return a ticker's close on a session."""
        return float(self.table.close[row, self.table.column(ticker)])
