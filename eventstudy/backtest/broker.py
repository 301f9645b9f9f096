"""backtrader's broker, made fit for legs that belong together.

Differences from `bt.brokers.BackBroker`, each because of a trap that a test reproduces:

- A group of entry legs fills as a whole or not at all: where one leg has no bar of the
  session, or the group would break a limit, every leg is cancelled with the reason.
- A session runs in the order of the day: carry, the opening auction, the range, the
  closing auction. In each, exits come before entries and sales before purchases; nothing is
  tested at the close of the day before, and an exit is never refused.
- Prices of fills come from the project's own pure functions, so that spread and impact are
  paid on a flat bar too and no fill looks at a later bar.
- Dividends, borrow fees and interest are booked before fills, leg by leg: a purchase on the
  ex-date earns no dividend, and a halted ticker goes on costing its fee.
- A leg whose prices have ended is settled at its last close when its exit falls due, free
  of commission and slippage, and flagged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.costs import (
    BP,
    borrow_fee,
    cash_interest,
    commission_paid,
    fill_price,
    slippage_paid,
)
from eventstudy.backtest.desk import Desk
from eventstudy.backtest.feeds import day_numbers
from eventstudy.backtest.fills import limit_fill, limit_quote
from eventstudy.backtest.ledger import FROZEN, OrderRecord
from eventstudy.backtest.limits import breach
from eventstudy.backtest.plan import calendar_gaps
from eventstudy.backtest.stock import bt

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


class BasisPoints(bt.CommInfoBase):  # type: ignore[misc]
    """Commission as a share of the traded value, from the project's own function."""

    params = (
        ("commission_bp", 0.0),
        ("stocklike", True),
        ("commtype", bt.CommInfoBase.COMM_PERC),
        ("percabs", True),
    )

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        return commission_paid(size, price, self.p.commission_bp)


class SleeveBroker(bt.brokers.BackBroker):  # type: ignore[misc]
    """A broker that keeps the ledger of a run; see the module's text.

    Call `prepare` before Cerebro runs.
    """

    def prepare(
        self, desk: Desk, days: Days, dividends: Mapping[str, Floats], rates: Floats
    ) -> None:
        """Hand over what the broker books and by which rules.

        Parameters
        ----------
        desk : Desk
            With its feeds.
        days : ndarray, shape (S,)
            Sessions of the run.
        dividends : mapping of str to ndarray, shape (S,)
            Cash per share on the ex-date, by ticker.
        rates : ndarray, shape (S,)
            Return on cash per session.
        """
        self.desk, self.ledger, self.costs, self.limits = desk, desk.ledger, desk.costs, desk.limits
        self.days, self.feeds = days, dict(desk.feeds)
        self.dividends, self.rates = dividends, rates
        self.gaps = calendar_gaps(days)
        self.numbers = day_numbers(days).tolist()
        self.row = -1
        self.set_checksubmit(False)
        self.addcommissioninfo(BasisPoints(commission_bp=self.costs.commission_bp))

    def next(self) -> None:
        """Run one session: carry, the open, the range, the close, then the value at it."""
        self.row += 1
        self._carry()
        self._auction("open")
        for order, price, quote in self.desk.touches(entered=False):
            self._fill(order, price, quote)
        self._auction("range")
        for order, price, quote in self.desk.touches(entered=True):
            self._fill(order, price, quote)
        self._auction("close")
        super().next()

    def _auction(self, when: str) -> None:
        """Fill what waits for one moment of the session: exits, then entries by group."""
        waiting = [o for o in self.pending if o.info["record"].when == when]
        for order in sorted(
            (o for o in waiting if not o.info["record"].opens), key=lambda o: o.isbuy()
        ):
            self._exit(order)
        groups: dict[str, list[Any]] = {}
        for order in waiting:
            if order.info["record"].opens:
                groups.setdefault(order.info["group"], []).append(order)
        for orders in groups.values():
            self._enter(sorted(orders, key=lambda o: o.isbuy()))

    def market_values(self, ticker_prices: Mapping[str, float] | None = None) -> Floats:
        """Return signed market values of net positions, shape (N,), in the order of feeds.

        Valued at `ticker_prices` where given, otherwise at the last close.
        """
        legs = self.ledger.by_ticker()
        found = np.zeros(len(self.feeds))
        for place, (ticker, feed) in enumerate(self.feeds.items()):
            if ticker in legs:
                price = feed.close[0] if ticker_prices is None else ticker_prices[ticker]
                found[place] = sum(leg.size for leg in legs[ticker]) * price
        return found

    def _carry(self) -> None:
        """Book dividends, borrow fees and interest on what was held at the last close."""
        short_value = 0.0
        received = 0.0
        gap = int(self.gaps[self.row])
        for ticker, legs in self.ledger.by_ticker().items():
            net = sum(leg.size for leg in legs)
            close = self._last_close(self.feeds[ticker])
            short_value += max(-net, 0.0) * close
            amount = float(self.dividends[ticker][self.row])
            if amount:
                received += self.ledger.pay_dividend(ticker, amount)
            rate = self.costs.borrow_of(ticker)
            fee = borrow_fee(net, close, gap, rate, self.costs.day_count)
            if fee:
                self.ledger.pay_borrow(ticker, fee)
                received -= fee
        earned = cash_interest(self.cash, short_value, float(self.rates[self.row]), gap, self.costs)
        self.ledger.interest.append(earned)
        self.cash += received + earned

    def _has_bar(self, feed: Any) -> bool:
        """Whether the feed's current bar is dated now; a stale one must not fill orders."""
        return len(feed) > 0 and feed.datetime[0] == self.numbers[self.row]

    def _has_ended(self, feed: Any) -> bool:
        return len(feed) >= feed.buflen() and not self._has_bar(feed)

    def _last_close(self, feed: Any) -> float:
        """Return the close before this session's bar."""
        if not len(feed):
            return float("nan")
        return float(feed.close[-1] if self._has_bar(feed) and len(feed) > 1 else feed.close[0])

    def _exit(self, order: Any) -> None:
        record: OrderRecord = order.info["record"]
        if not self.ledger.legs[record.event, record.ticker].size:
            self._drop(order, "cancelled", "the leg was closed earlier in the session")
        elif self._has_bar(order.data):
            self._fill_at_quote(order)
        elif self._has_ended(order.data):
            record.reason = FROZEN
            self._settle(order)
        else:
            self._drop(order, "cancelled", self._no_bar(record.ticker) + "; sent again")

    def _enter(self, orders: list[Any]) -> None:
        missing = [o.info["record"].ticker for o in orders if not self._has_bar(o.data)]
        if missing:
            reason = self._no_bar(", ".join(sorted(missing))) + ": no leg was traded"
            for order in orders:
                self._drop(order, "cancelled", reason)
            return
        prices = [self._entry_price(order) for order in orders]
        if np.isnan(prices).any():
            for order in orders:
                limit = order.info["record"].limit
                self._drop(order, "cancelled", f"the limit {limit:.4f} was not reached")
            return
        broken = self._breach(orders, prices)
        for order, price in zip(orders, prices, strict=True):
            if broken is None:
                self._fill(order, price, self._quote(order))
            else:
                self._drop(order, "rejected", broken)

    def _no_bar(self, tickers: str) -> str:
        return f"no bar of {tickers} on {self.days[self.row]}"

    def _quote(self, order: Any) -> float:
        """Return the price at the order's moment, before spread and impact."""
        record: OrderRecord = order.info["record"]
        if record.when == "close":
            return float(order.data.close[0])
        opened = float(order.data.open[0])
        return opened if record.when == "open" else limit_quote(record.size, record.limit, opened)

    def _entry_price(self, order: Any) -> float:
        """Return the price at which an entry fills; NaN for a limit that is not reached."""
        record: OrderRecord = order.info["record"]
        if record.when != "range":
            quote = self._quote(order)
            return fill_price(quote, record.size, self.costs.half_spread_bp, record.impact)
        data = order.data
        slip = self.costs.half_spread_bp * BP + record.impact
        bar = float(data.open[0]), float(data.high[0]), float(data.low[0])
        return limit_fill(record.size, record.limit, *bar, slip)

    def _breach(self, orders: list[Any], prices: list[float]) -> str | None:
        """Test a group at the prices of its moment: a later one is not known yet."""
        at_close = orders[0].info["record"].when == "close"
        quotes = {ticker: self._known(feed, at_close) for ticker, feed in self.feeds.items()}
        quotes |= {order.info["record"].ticker: self._quote(order) for order in orders}
        before = self.market_values(quotes)
        after = before.copy()
        cash = self.cash
        places = {ticker: i for i, ticker in enumerate(self.feeds)}
        for order, price in zip(orders, prices, strict=True):
            record: OrderRecord = order.info["record"]
            after[places[record.ticker]] += record.size * quotes[record.ticker]
            cash -= record.size * price
            cash -= commission_paid(record.size, price, self.costs.commission_bp)
        equity = self.cash + float(before.sum())
        return breach(self.limits, equity, before, after, self.cash, cash)

    def _known(self, feed: Any, at_close: bool) -> float:
        if not len(feed):
            return 0.0
        return float(feed.close[0] if at_close or not self._has_bar(feed) else feed.open[0])

    def _fill_at_quote(self, order: Any) -> None:
        record: OrderRecord = order.info["record"]
        quote = self._quote(order)
        price = fill_price(quote, record.size, self.costs.half_spread_bp, record.impact)
        self._fill(order, price, quote)

    def _fill(self, order: Any, price: float, quote: float) -> None:
        """Execute a whole order at `price`; what lies between it and `quote` is slippage.

        backtrader refuses the opening part of an order when cash runs short; with positions
        netted by ticker that could be the exit of a leg. Cash was tested before, by `breach`.
        """
        record: OrderRecord = order.info["record"]
        self.pending.remove(order)
        commission = self.getcommissioninfo(order.data).getcommission(record.size, price)
        slippage = slippage_paid(quote, price, record.size)
        self._book(order, price, commission)
        self.ledger.fill(record, self.days[self.row], price, commission, slippage)

    def _settle(self, order: Any) -> None:
        """Close a leg at the last close there is, without commission or slippage."""
        record: OrderRecord = order.info["record"]
        price = float(order.data.close[0])
        self.pending.remove(order)
        self._book(order, price, 0.0)
        self.ledger.fill(record, self.days[self.row], price, 0.0, 0.0)
        record.status = "settled"

    def _drop(self, order: Any, status: str, reason: str) -> None:
        self.pending.remove(order)
        if status == "rejected":
            order.reject(self)
        else:
            order.cancel()
        self.notify(order)
        order.info["record"].refuse(status, reason)

    def _book(self, order: Any, price: float, commission: float) -> None:
        size, data = order.executed.remsize, order.data
        info = self.getcommissioninfo(data)
        position = self.positions[data]
        paid = position.price
        when = data.datetime.datetime(0)
        held, average, opened, closed = position.update(size, price, when)
        profit = info.profitandloss(-closed, paid, price)
        self.cash -= size * price + commission
        share = closed / size
        order.execute(
            data.datetime[0], size, price,
            closed, -closed * paid, commission * share,
            opened, opened * price, commission * (1.0 - share),
            info.margin, profit, held, average,
        )  # fmt: skip
        order.addcomminfo(info)
        self.notify(order)
        self._ococheck(order)
