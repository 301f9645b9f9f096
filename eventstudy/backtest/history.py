"""What a strategy may see when it decides: the event, and prices up to that close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from eventstudy.baskets import Baskets
from eventstudy.errors import UnknownNameError
from eventstudy.events.event import Event
from eventstudy.prices.table import ByTicker, PriceTable, total_returns

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class History(ByTicker):
    """Prices up to the session of the decision, and not one row more.

    The arrays are read-only copies: no later row can be reached through them.

    Attributes
    ----------
    tickers : tuple of str, length N
    dates : ndarray, shape (S,), datetime64[D]
        The last one is the session after whose close the strategy decides.
    open, high, low, close : ndarray, shape (S, N)
        Split-adjusted prices; NaN where a ticker has no bar or its source lacks the field.
    returns : ndarray, shape (S, N)
        Simple total returns per session, dividends included.
    benchmark : str
        The run's benchmark, one of the tickers.
    """

    tickers: tuple[str, ...]
    dates: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    returns: Floats
    benchmark: str

    def __len__(self) -> int:
        return len(self.dates)

    def returns_of(self, ticker: str) -> Floats:
        """Return the total returns of one ticker, shape (S,)."""
        return self.returns[:, self.column(ticker)]

    def closes_of(self, ticker: str) -> Floats:
        """Return the closes of one ticker, shape (S,)."""
        return self.close[:, self.column(ticker)]

    def row_of(self, day: np.datetime64) -> int:
        """Return the row of a session; ``len(self)`` where it is not in the past."""
        return int(np.searchsorted(self.dates, day))


def cut(table: PriceTable, last: int, benchmark: str) -> History:
    """Return the history up to row `last`, included.

    Total returns are computed after the cut: whether a ticker has adjusted closes at all is
    itself something that only the rows so far may tell.
    """
    end = last + 1
    returns = total_returns(table.close[:end], table.adj_close[:end], table.dividends[:end])
    return History(
        tickers=table.tickers,
        dates=_frozen(table.dates[:end]),
        open=_frozen(table.open[:end]),
        high=_frozen(table.high[:end]),
        low=_frozen(table.low[:end]),
        close=_frozen(table.close[:end]),
        returns=_frozen(returns),
        benchmark=benchmark,
    )


def _frozen(values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    copied = np.array(values, copy=True)
    copied.setflags(write=False)
    return copied


@dataclass(frozen=True)
class StrategyEvent:
    """An event as a strategy sees it.

    Attributes
    ----------
    id, kind, subject : str
    session_0 : datetime64[D]
        First session on which the news could be traded; ambiguous events at the later one.
    expects : mapping of str to int
        Ticker or basket -> +1 or -1. Empty where the strategy decides before session 0: only
        the date of the event was known then, not its content.
    tickers : tuple of str
        The event's tickers in order, baskets replaced by their members.
    baskets : mapping of str to tuple of str
        Members that have a price at the decision, by basket name with ``@``.
    weights : mapping of str to mapping of str to float
        Their weights in the basket, scaled to sum to one.
    known_on : date or None
        When the date of the event became public.
    ambiguous : bool
        Whether the news may have been out one session before `session_0`.
    number : int
        How many events the strategy was asked about before this one: 0 for the first.
    """

    id: str
    kind: str
    subject: str
    session_0: np.datetime64
    expects: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    tickers: tuple[str, ...] = ()
    baskets: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: MappingProxyType({}))
    known_on: date | None = None
    ambiguous: bool = False
    number: int = 0

    @property
    def main(self) -> str:
        """The ticker that stands for the event: its subject, else its first ticker.

        The subject may be a person or a body, and then is none of the tickers.
        """
        return self.subject if self.subject in self.tickers else self.tickers[0]

    def sign(self, name: str) -> int:
        """Return +1, -1 or 0: what the news means for a ticker or basket.

        Raises
        ------
        UnknownNameError
            For a basket that does not exist.
        """
        if name.startswith("@") and self.weights and name not in {**self.weights, **self.expects}:
            raise UnknownNameError("basket", name, self.weights)
        return self.expects.get(name, 0)

    def spread_sign(self, first: str, second: str) -> int:
        """Return +1 where the news favours `first` over `second`, -1 the other way round.

        Zero where it favours neither, or both alike.
        """
        return int(np.sign(self.sign(first) - self.sign(second)))

    def basket(self, name: str) -> Mapping[str, float]:
        """Return the weights of a basket's members; they sum to one.

        Raises
        ------
        UnknownNameError
            Where there is no such basket.
        """
        if name not in self.weights:
            raise UnknownNameError("basket", name, self.weights)
        return self.weights[name]


def seen_event(
    event: Event,
    baskets: Baskets,
    priced: frozenset[str],
    decision: np.datetime64,
    number: int = 0,
) -> StrategyEvent:
    """Return what may be known of an event at a decision.

    Parameters
    ----------
    event : Event
    baskets : Baskets
    priced : frozenset of str
        Tickers with a bar on the session of the decision.
    decision : datetime64[D]
    number : int
        Place among the events that the strategy is asked about, from 0.
    """
    weights = {name: _available(members, priced) for name, members in baskets.items()}
    session_0 = event.session_0("next")
    return StrategyEvent(
        id=event.event_id,
        kind=event.kind,
        subject=event.subject,
        session_0=session_0,
        expects=MappingProxyType(dict(event.expects) if decision >= session_0 else {}),
        tickers=baskets.resolve(event.tickers),
        baskets=MappingProxyType({name: tuple(w) for name, w in weights.items()}),
        weights=MappingProxyType(weights),
        known_on=event.known_on,
        ambiguous=event.ambiguous,
        number=number,
    )


def _available(members: Mapping[str, float], priced: frozenset[str]) -> Mapping[str, float]:
    kept = {ticker: weight for ticker, weight in members.items() if ticker in priced}
    total = sum(kept.values())
    return MappingProxyType({ticker: weight / total for ticker, weight in kept.items()})
