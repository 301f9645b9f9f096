"""The desk: turns events into orders, session by session, and keeps the books."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.feeds import has_bar
from eventstudy.backtest.history import StrategyEvent, cut, seen_event
from eventstudy.backtest.ledger import FROZEN, OPEN_AT_END, Ledger, OrderRecord
from eventstudy.baskets import Baskets
from eventstudy.errors import BacktestError, EventStudyError, did_you_mean
from eventstudy.events.event import Event
from eventstudy.prices.table import PriceTable

if TYPE_CHECKING:
    from eventstudy.backtest.strategy import EventStrategy

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Appointment:
    """One event with the sessions on which it is acted upon, as rows of the price table.

    Attributes
    ----------
    event : Event
    decision : int
        After this close the strategy decides.
    exit : int
        At this open the legs are closed.
    """

    event: Event
    decision: int
    exit: int


@dataclass(frozen=True, slots=True)
class Skip:
    """An event, or one ticker of it, that was not traded, and why."""

    event_id: str
    reason: str
    detail: str
    ticker: str = ""


@dataclass(slots=True)
class Day:
    """Account at one close: value, and gross and net exposure as fractions of it."""

    value: float
    gross: float
    net: float


@dataclass(slots=True)
class Desk:
    """State of one strategy's run.

    Attributes
    ----------
    name : str
        Of the strategy, as results print it.
    table : PriceTable
        On the sessions of the whole run; row numbers refer to it.
    first : int
        Row on which backtrader starts.
    agenda : list of Appointment
    baskets : Baskets
    benchmark : str
    capital : float
        Initial; sizes refer to it.
    gross, stop_loss, take_profit
        The strategy's parameters.
    feeds : mapping of str to feed
        By ticker; tickers without opens have none.
    """

    name: str
    table: PriceTable
    first: int
    agenda: list[Appointment]
    baskets: Baskets
    benchmark: str
    capital: float
    gross: float
    stop_loss: float | None
    take_profit: float | None
    feeds: Mapping[str, Any] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    skipped: list[Skip] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)
    reason: str = ""
    _due: dict[int, list[int]] = field(default_factory=dict)
    _leaving: dict[int, str] = field(default_factory=dict)
    _bars: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))

    def __post_init__(self) -> None:
        self._bars = has_bar(self.table)
        for number, item in enumerate(self.agenda):
            self._due.setdefault(item.decision, []).append(number)

    def note(self, reason: str) -> None:
        """Remember why the event at hand is not traded."""
        self.reason = reason

    def after_close(self, strategy: EventStrategy) -> None:
        """Record the account, send exits that are due, then decide on today's events."""
        row = self.first + len(self.days)
        self._record(strategy)
        for number in sorted({leg.event for leg in self.ledger.held()}):
            reason = self._exit_reason(number, row)
            if reason:
                self._send_exits(strategy, number, row, reason)
        for number in self._due.get(row, ()):
            self._decide(strategy, number, row)

    def _record(self, strategy: EventStrategy) -> None:
        value = float(strategy.broker.getvalue())
        held = strategy.broker.market_values()
        self.days.append(Day(value, np.abs(held).sum() / value, held.sum() / value))

    def _exit_reason(self, number: int, row: int) -> str:
        """Return why an event's legs have to be closed at the next open, or nothing."""
        if row + 1 >= self.agenda[number].exit:
            return "time"
        if self.stop_loss is None and self.take_profit is None:
            return ""
        if number in self._leaving:
            return self._leaving[number]
        legs = [leg for leg in self.ledger.legs.values() if leg.event == number]
        profit = sum(leg.value(self._close(leg.ticker)) for leg in legs)
        staked = sum(abs(leg.entry_size) * leg.entry_price for leg in legs)
        if self.stop_loss is not None and profit <= -self.stop_loss * staked:
            return "stop"
        if self.take_profit is not None and profit >= self.take_profit * staked:
            return "target"
        return ""

    def _close(self, ticker: str) -> float:
        return float(self.feeds[ticker].close[0])

    def _send_exits(self, strategy: EventStrategy, number: int, row: int, why: str) -> None:
        self._leaving.setdefault(number, why)
        group = f"{self.agenda[number].event.event_id}:exit"
        for leg in list(self.ledger.held(number)):
            self._send(
                strategy,
                OrderRecord(
                    number, leg.ticker, group, False, -leg.size, self.table.dates[row], reason=why
                ),
            )

    def _send(self, strategy: EventStrategy, record: OrderRecord) -> None:
        self.ledger.orders.append(record)
        send = strategy.buy if record.size > 0 else strategy.sell
        send(
            data=self.feeds[record.ticker],
            size=abs(record.size),
            tradeid=record.event + 1,
            group=record.group,
            record=record,
        )

    def _decide(self, strategy: EventStrategy, number: int, row: int) -> None:
        event = self.agenda[number].event
        day = self.table.dates[row]
        priced = frozenset(np.array(self.table.tickers)[self._bars[row]].tolist())
        seen = seen_event(event, self.baskets, priced, day)
        self.reason = ""
        weights = self._asked(strategy, seen, row)
        if not weights:
            detail = self.reason or "targets returned no weights"
            self.skipped.append(Skip(event.event_id, "no_position", detail))
            return
        if self._refused(event, weights, priced, day):
            return
        self._note_missing_members(event, weights, priced, day)
        group = f"{event.event_id}:entry"
        for ticker, weight in weights.items():
            size = weight * self.gross * self.capital / self._close(ticker)
            self._send(strategy, OrderRecord(number, ticker, group, True, size, day))

    def _asked(self, strategy: EventStrategy, seen: StrategyEvent, row: int) -> dict[str, float]:
        """Ask the author's code; its failures are the author's to read."""
        try:
            answer = strategy.targets(seen, cut(self.table, row, self.benchmark))
        except Exception as error:
            where = _line_of(error)
            kind = "" if isinstance(error, EventStudyError) else f"{type(error).__name__}: "
            raise BacktestError(
                f"strategy {self.name}, event {seen.id}: targets failed{where}: {kind}{error}"
            ) from error
        return self._checked(answer, seen.id)

    def _checked(self, answer: Any, event_id: str) -> dict[str, float]:
        """Return the weights that are not zero, all of them finite and of known tickers."""
        start = f"strategy {self.name}, event {event_id}: targets returned "
        if not isinstance(answer, Mapping):
            raise BacktestError(f"{start}{answer!r}: give weights by ticker, or {{}} for no trade")
        faults = []
        for ticker, weight in answer.items():
            number = isinstance(weight, int | float | np.integer | np.floating)
            if not number or isinstance(weight, bool) or not math.isfinite(weight):
                faults.append(f"weight {weight!r} of {ticker}: give a finite number")
            elif ticker not in self.table:
                near = did_you_mean(str(ticker), self.table.tickers)
                faults.append(f"a weight for {ticker!r}, which has no prices{near}")
        if faults:
            raise BacktestError(start + "; ".join(faults))
        return {ticker: float(weight) for ticker, weight in answer.items() if weight != 0}

    def _refused(
        self, event: Event, weights: Mapping[str, float], priced: frozenset[str], day: np.datetime64
    ) -> bool:
        """Note the tickers that cannot be bought at all; one is enough to skip the event."""
        found = []
        for ticker in weights:
            if not np.isfinite(self.table.open[:, self.table.column(ticker)]).any():
                found.append(("study_only", f"{ticker} has no opening prices: study-only", ticker))
            elif ticker not in priced:
                found.append(("no_price", f"no bar of {ticker} on {day}, the decision", ticker))
        self.skipped += [Skip(event.event_id, *what) for what in found]
        return bool(found)

    def _note_missing_members(
        self, event: Event, weights: Mapping[str, float], priced: frozenset[str], day: np.datetime64
    ) -> None:
        for name, members in self.baskets.items():
            traded = any(ticker in weights for ticker in members)
            for ticker in members:
                if traded and ticker not in priced:
                    detail = f"left out of {name}: no bar on {day}"
                    self.skipped.append(Skip(event.event_id, "member", detail, ticker))

    def close_books(self) -> None:
        """Mark orders and positions that the end of the data has overtaken."""
        for record in self.ledger.orders:
            if record.status == "sent":
                record.refuse("lost", "end of data")
        for leg in self.ledger.held():
            leg.exit_date = self.table.dates[-1]
            leg.exit_price = self._close(leg.ticker)
            ended = not self._bars[-1, self.table.column(leg.ticker)]
            leg.exit_reason = FROZEN if ended else OPEN_AT_END
        entered = {leg.event for leg in self.ledger.legs.values()}
        fates = {o.event: o for o in self.ledger.orders if o.opens and o.event not in entered}
        for number, record in fates.items():
            event_id = self.agenda[number].event.event_id
            self.skipped.append(Skip(event_id, record.status, record.reason))


def _line_of(error: BaseException) -> str:
    """Return `` (FILE, line N)`` of the author's line that failed."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    if not frames:
        return ""
    name = error.__traceback__.tb_next.tb_frame.f_code.co_filename  # type: ignore[union-attr]
    own = [frame for frame in frames if frame.filename == name]
    return f" ({own[-1].filename}, line {own[-1].lineno})"
