"""The market that decisions are made in: prices by session, baskets, what can be borrowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

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
    impact : float
        Coefficient of the square-root law, see `liquidity.square_root_impact`.
    """

    table: PriceTable
    baskets: Baskets
    benchmark: str
    capital: float
    shortable: Mapping[str, bool] = field(default_factory=dict)
    impact: float = 0.0
    _priced: dict[bytes, frozenset[str]] = field(default_factory=dict)
    _available: dict[frozenset[str], Mapping[str, Mapping[str, float]]] = field(
        default_factory=dict
    )
    _resolved: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def bars(self) -> npt.NDArray[np.bool_]:
        """Where a ticker can be traded, shape (S, N)."""
        return has_bar(self.table)

    @cached_property
    def opens(self) -> npt.NDArray[np.bool_]:
        """Where a ticker has had an open, or no close yet, shape (S, N).

        Only bars up to a session tell what is known then, as of `ranges`.
        """
        opened, closed = np.isfinite(self.table.open), np.isfinite(self.table.close)
        none_yet = ~np.logical_or.accumulate(closed, axis=0)
        return np.asarray(np.logical_or.accumulate(opened, axis=0) | none_yet)

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
        here = self.bars[row]
        key = here.tobytes()
        if key not in self._priced:
            self._priced[key] = frozenset(np.array(self.table.tickers)[here].tolist())
        return self._priced[key]

    def available(self, row: int) -> Mapping[str, Mapping[str, float]]:
        """Return the weights of each basket's members with a bar, scaled to sum to one."""
        priced = self.priced(row)
        if priced not in self._available:
            found = {name: _scaled(members, priced) for name, members in self.baskets.items()}
            self._available[priced] = MappingProxyType(found)
        return self._available[priced]

    def resolved(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return tickers with baskets replaced by their members."""
        if names not in self._resolved:
            self._resolved[names] = self.baskets.resolve(names)
        return self._resolved[names]

    def close(self, ticker: str, row: int) -> float:
        """Return a ticker's close on a session."""
        return float(self.table.close[row, self.table.column(ticker)])


def _scaled(members: Mapping[str, float], priced: frozenset[str]) -> Mapping[str, float]:
    kept = {ticker: weight for ticker, weight in members.items() if ticker in priced}
    total = sum(kept.values())
    return MappingProxyType({ticker: weight / total for ticker, weight in kept.items()})
