"""The desk: turns decisions into orders, session by session, and keeps the books."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.costs import BP, Costs
from eventstudy.backtest.decisions import Appointment, Decision, Notebook, Skip, decide
from eventstudy.backtest.fills import exit_levels, limit_price, limit_quote, touched
from eventstudy.backtest.ledger import FROZEN, MARGIN, OPEN_AT_END, Ledger, Leg, OrderRecord
from eventstudy.backtest.limits import Limits, called
from eventstudy.backtest.liquidity import impact_before
from eventstudy.backtest.market import Market
from eventstudy.backtest.terms import Terms

if TYPE_CHECKING:
    from eventstudy.backtest.recall import Recall
    from eventstudy.backtest.strategy import EventStrategy

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Day:
    """Account at one close: value, and gross and net exposure as fractions of it.

    NaN stands for the fractions where something is held on a value of zero or less.
    """

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
    market : Market
        Prices on the sessions of the whole run; row numbers refer to them.
    terms : Terms
    first : int
        Row on which backtrader starts.
    agenda : list of Appointment
    costs : Costs
    limits : Limits
    feeds : mapping of str to feed
        By ticker; tickers without opens have none.
    ledger : Ledger
    skipped : list of Skip
    days : list of Day
        One a session so far.
    notebook : Notebook
    engine : str
        ``vectorised`` or ``cerebro``: which one filled the books.
    why_cerebro : str
        What the vectorised engine refused; empty where it was not asked.
    recall : Recall or None
        Answers of the strategy that the vectorised engine need not ask for again.
    """

    name: str
    market: Market
    terms: Terms
    first: int
    agenda: list[Appointment]
    costs: Costs
    limits: Limits
    feeds: Mapping[str, Any] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    skipped: list[Skip] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)
    notebook: Notebook = field(default_factory=Notebook)
    engine: str = "cerebro"
    why_cerebro: str = ""
    recall: Recall | None = None
    _due: dict[int, list[int]] = field(default_factory=dict)
    _leaving: dict[int, str] = field(default_factory=dict)
    _author: Any = None

    def __post_init__(self) -> None:
        for number, item in enumerate(self.agenda):
            self._due.setdefault(item.decision, []).append(number)

    @property
    def row(self) -> int:
        """Row of the session whose close comes next."""
        return self.first + len(self.days)

    def after_close(self, strategy: EventStrategy) -> None:
        """Record the account, send exits that are due, then decide on today's events."""
        row = self.row
        self._author = strategy
        value = self._record(strategy)
        numbers = sorted({leg.event for leg in self.ledger.held()})
        reasons = {number: self._exit_reason(number, row) for number in numbers}
        for number in self._called(value, row, reasons):
            reasons[number] = MARGIN
        for number, why in reasons.items():
            if why:
                self._send_exits(strategy, number, row, why)
        for number in self._due.get(row, ()):
            self._decide(strategy, number, row, value)

    def _record(self, strategy: EventStrategy) -> float:
        value = float(strategy.broker.getvalue())
        held = strategy.broker.market_values()
        gross, net = float(np.abs(held).sum()), float(held.sum())
        over = value if value > 0 else math.nan
        self.days.append(Day(value, gross / over, net / over) if gross else Day(value, 0.0, 0.0))
        return value

    def _called(self, value: float, row: int, reasons: Mapping[int, str]) -> list[int]:
        """Return the sleeves that a margin call closes at the next open.

        Those that leave there anyway come first. A leg without a bar of this session counts
        as staying: an order would not get it out.
        """
        staying = [n for n, why in reasons.items() if not why or self._when(why) != "open"]
        if not staying:
            return []
        places = {ticker: i for i, ticker in enumerate(self.feeds)}
        held = np.zeros((len(staying) + 1, len(self.feeds)))
        for leg in self.ledger.held():
            at = places[leg.ticker]
            halted = not self.market.bars[row, self.market.table.column(leg.ticker)]
            if halted or leg.event in staying:
                k = -1 if halted else staying.index(leg.event)
                held[k, at] += leg.size * self._close(leg.ticker)
        return [staying[k] for k in called(self.limits, value, held[:-1], held[-1])]

    def _exit_reason(self, number: int, row: int) -> str:
        """Return why an event's legs have to be closed on the next session, or nothing."""
        if number in self._leaving:
            return self._leaving[number]
        if row + 1 >= self.agenda[number].exit:
            return "time"
        terms = self.terms
        if terms.stop_loss is None and terms.take_profit is None:
            return ""
        legs = [leg for leg in self.ledger.legs.values() if leg.event == number]
        profit = sum(leg.value(self._close(leg.ticker)) for leg in legs)
        staked = sum(abs(leg.entry_size) * leg.entry_price for leg in legs)
        if terms.stop_loss is not None and profit <= -terms.stop_loss * staked:
            return "stop"
        if terms.take_profit is not None and profit >= terms.take_profit * staked:
            return "target"
        return ""

    def _close(self, ticker: str) -> float:
        return float(self.feeds[ticker].close[0])

    def _send_exits(self, strategy: EventStrategy, number: int, row: int, why: str) -> None:
        self._leaving[number] = why
        group = f"{self.agenda[number].event.event_id}:exit"
        for leg in list(self.ledger.held(number)):
            self._send(
                strategy,
                OrderRecord(
                    number, leg.ticker, group, False, -leg.size, self.market.table.dates[row],
                    reason=why, when=self._when(why), impact=self._impact(leg, row),
                ),
            )  # fmt: skip

    def _when(self, why: str) -> str:
        """Return the auction of an exit: a time exit may wait for the close, others do not."""
        return self.terms.fill if why == "time" else "open"

    def _impact(self, leg: Leg, row: int) -> float:
        """Return the impact of closing a leg; that of its entry where volumes have ended."""
        found = impact_before(self.market.table, row, leg.ticker, leg.size, self.market.impact)
        return leg.impact if np.isnan(found) else found

    def _send(self, strategy: EventStrategy, record: OrderRecord) -> Any:
        self.ledger.orders.append(record)
        send = strategy.buy if record.size > 0 else strategy.sell
        return send(
            data=self.feeds[record.ticker],
            size=abs(record.size),
            tradeid=record.event + 1,
            group=record.group,
            record=record,
        )

    def _decide(self, strategy: EventStrategy, number: int, row: int, value: float) -> None:
        item = self.agenda[number]
        found = decide(strategy, self.notebook, self.name, item, self.market, self.terms, value)
        self.skipped += found.skipped
        for record in self.entries(number, found):
            self._send(strategy, record)

    def entries(self, number: int, found: Decision) -> list[OrderRecord]:
        """Return the orders that open the legs of a decision, in its order."""
        item, limit = self.agenda[number], self.terms.limit
        row, day = item.decision, self.market.table.dates[item.decision]
        return [
            OrderRecord(
                number, ticker, f"{item.event.event_id}:entry", True, size, day,
                reason=found.note,
                when=self.terms.fill if limit is None else "range",
                limit=float("nan")
                if limit is None
                else limit_price(self.market.close(ticker, row), size, limit),
                impact=found.impacts[ticker],
            )
            for ticker, size in found.sizes.items()
        ]  # fmt: skip

    def touches(self, *, entered: bool) -> Iterator[tuple[Any, float, float]]:
        """Yield order, price and quote of every leg that this session's range takes out.

        The rest of its sleeve leaves at the next open.

        Parameters
        ----------
        entered : bool
            Whether to judge the legs that a limit has let in within this session, rather
            than those held before.
        """
        terms, row = self.terms, self.row
        if terms.leg_stop is None and terms.leg_target is None:
            return
        for leg in list(self.ledger.held()):
            fresh = terms.limit is not None and leg.entry_date == self.market.table.dates[row]
            found = self._touched(leg, row, fresh) if fresh == entered else None
            if found is None:
                continue
            quote, price, why = found
            self._leaving[leg.event] = f"{why} of {leg.ticker}"
            group = f"{self.agenda[leg.event].event.event_id}:exit"
            record = OrderRecord(
                leg.event, leg.ticker, group, False, -leg.size,
                self.market.table.dates[row - 1], reason=why, when="range",
            )  # fmt: skip
            yield self._send(self._author, record), price, quote

    def _touched(self, leg: Leg, row: int, fresh: bool) -> tuple[float, float, str] | None:
        """Judge a leg by the bar of a session; `fresh` where a limit let it in just now.

        What came before such an entry is no exit: the low that went through a limit to buy
        came with or after it, the high may have come before.
        """
        if not self.market.bars[row, self.market.table.column(leg.ticker)]:
            return None
        feed, terms = self.feeds[leg.ticker], self.terms
        opened = float(feed.open[0])
        stop, target = exit_levels(leg.size, leg.entry_price, terms.leg_stop, terms.leg_target)
        if fresh and terms.limit is not None:
            limit = limit_price(self.market.close(leg.ticker, row - 1), leg.size, terms.limit)
            if limit_quote(leg.size, limit, opened) != opened:
                target = math.copysign(math.inf, leg.size)
        slip = self.costs.half_spread_bp * BP + self._impact(leg, row - 1)
        return touched(
            leg.size, stop, target, (opened, float(feed.high[0]), float(feed.low[0])), slip
        )

    def close_books(self) -> None:
        """Mark orders and positions that the end of the data has overtaken."""
        table = self.market.table
        for record in self.ledger.orders:
            if record.status == "sent":
                record.refuse("lost", "end of data")
        for leg in self.ledger.held():
            column = table.column(leg.ticker)
            traded = np.flatnonzero(self.market.bars[:, column])
            leg.exit_date = table.dates[-1]
            leg.exit_price = float(table.close[traded[-1], column])
            leg.exit_reason = OPEN_AT_END if self.market.bars[-1, column] else FROZEN
        entered = {leg.event for leg in self.ledger.legs.values()}
        fates = {o.event: o for o in self.ledger.orders if o.opens and o.event not in entered}
        for number, record in fates.items():
            event_id = self.agenda[number].event.event_id
            self.skipped.append(Skip(event_id, record.status, record.reason))
