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
    """Return where a ticker's bar has a high and a low, shape (S, N)."""
    return has_bar(table) & np.isfinite(table.high) & np.isfinite(table.low)


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
    """

    table: PriceTable
    baskets: Baskets
    benchmark: str
    capital: float
    shortable: Mapping[str, bool] = field(default_factory=dict)

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
        """Where a ticker has had a high and a low on every bar so far, shape (S, N).

        Only bars up to a session tell what is known then: one that lacks its range later
        must not change an earlier decision.
        """
        known = has_range(self.table)
        whole = np.logical_and.accumulate(known | ~self.bars, axis=0)
        return np.asarray(whole & np.logical_or.accumulate(known, axis=0))

    def priced(self, row: int) -> frozenset[str]:
        """Return the tickers with a bar on a session."""
        return frozenset(np.array(self.table.tickers)[self.bars[row]].tolist())

    def close(self, ticker: str, row: int) -> float:
        """Return a ticker's close on a session."""
        return float(self.table.close[row, self.table.column(ticker)])
