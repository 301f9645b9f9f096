"""What a strategy may see when it decides: the event, and prices up to that close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from eventstudy.errors import UnknownNameError
from eventstudy.events.event import Event
from eventstudy.prices.table import ByTicker, PriceTable

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class History(ByTicker):
    """Prices up to the session of the decision, and not one row more.

    The arrays are read-only copies, made when they are asked for: no later row can be
    reached through them.

    Attributes
    ----------
    tickers : tuple of str, length N
    dates : ndarray, shape (S,), datetime64[D]
        The last one is the session after whose close the strategy decides.
    open, high, low, close, volume : ndarray, shape (S, N)
        Split-adjusted prices, shares; NaN where a ticker has no bar or its source lacks the
        field.
    returns : ndarray, shape (S, N)
        Simple total returns per session, dividends included.
    benchmark : str
        The run's benchmark, one of the tickers.
    """

    tickers: tuple[str, ...]
    benchmark: str
    _table: PriceTable = field(repr=False)
    _end: int = field(repr=False)

    def __len__(self) -> int:
        return self._end

    @property
    def _columns(self) -> dict[str, int]:
        return self._table._columns

    @cached_property
    def dates(self) -> Days:
        """Sessions, shape (S,)."""
        return _frozen(self._table.dates[: self._end])

    @cached_property
    def open(self) -> Floats:
        """Opening prices, shape (S, N)."""
        return _frozen(self._table.open[: len(self)])

    @cached_property
    def high(self) -> Floats:
        """Highest prices, shape (S, N)."""
        return _frozen(self._table.high[: len(self)])

    @cached_property
    def low(self) -> Floats:
        """Lowest prices, shape (S, N)."""
        return _frozen(self._table.low[: len(self)])

    @cached_property
    def close(self) -> Floats:
        """Closing prices, shape (S, N)."""
        return _frozen(self._table.close[: len(self)])

    @cached_property
    def volume(self) -> Floats:
        """Shares traded, shape (S, N)."""
        return _frozen(self._table.volume[: len(self)])

    @cached_property
    def returns(self) -> Floats:
        """Simple total returns, shape (S, N)."""
        return _frozen(self._table.returns[: len(self)])

    def returns_of(self, ticker: str) -> Floats:
        """Return the total returns of one ticker, shape (S,)."""
        return _frozen(self._table.returns[: len(self), self.column(ticker)])

    def closes_of(self, ticker: str) -> Floats:
        """Return the closes of one ticker, shape (S,)."""
        return _frozen(self._table.close[: len(self), self.column(ticker)])

    def row_of(self, day: np.datetime64) -> int:
        """Return the row of a session; ``len(self)`` where it is not in the past."""
        return int(self._table.dates[: self._end].searchsorted(day))


def cut(table: PriceTable, last: int, benchmark: str) -> History:
    """Return the history up to row `last`, included.

    A total return rests on no later row, so those of the whole table may be cut.
    """
    return History(table.tickers, benchmark, table, last + 1)


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
    tickers: tuple[str, ...],
    weights: Mapping[str, Mapping[str, float]],
    decision: np.datetime64,
    number: int = 0,
) -> StrategyEvent:
    """Return what may be known of an event at a decision.

    Parameters
    ----------
    event : Event
    tickers : tuple of str
        Those of the event, baskets replaced by their members.
    weights : mapping of str to mapping of str to float
        Of each basket's members with a bar on the session of the decision.
    decision : datetime64[D]
    number : int
        Place among the events that the strategy is asked about, from 0.
    """
    session_0 = event.session_0("next")
    return StrategyEvent(
        id=event.event_id,
        kind=event.kind,
        subject=event.subject,
        session_0=session_0,
        expects=MappingProxyType(dict(event.expects) if decision >= session_0 else {}),
        tickers=tickers,
        baskets=MappingProxyType({name: tuple(w) for name, w in weights.items()}),
        weights=weights,
        known_on=event.known_on,
        ambiguous=event.ambiguous,
        number=number,
    )


def placed_event(
    seen: StrategyEvent,
    session_0: np.datetime64,
    weights: Mapping[str, Mapping[str, float]],
    known_on: date | None,
) -> StrategyEvent:
    """Return an event as it would be seen with its session 0 on another day, its hour certain.

    Parameters
    ----------
    seen : StrategyEvent
        On some session; what the strategy sees of `expects` is the same on any.
    session_0 : datetime64[D]
    weights : mapping of str to mapping of str to float
        Of each basket's members with a bar on the session of the decision.
    known_on : date or None
    """
    found = object.__new__(StrategyEvent)  # dataclasses.replace costs more than the decision
    vars(found).update(
        vars(seen),
        session_0=session_0,
        baskets=MappingProxyType({name: tuple(w) for name, w in weights.items()}),
        weights=weights,
        known_on=known_on,
        ambiguous=False,
    )
    return found
