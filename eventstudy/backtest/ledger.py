"""The ledger: who holds what, event by event, and what became of every order.

backtrader nets positions by ticker. Two events may hold one ticker in opposite directions,
so each (event, ticker) has its own leg here; fills, dividends and borrow fees are booked on
legs, and their sum is the change of the account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

OPEN_AT_END = "open at end of data"
FROZEN = "frozen at last price"
MARGIN = "margin call"


@dataclass(slots=True)
class Leg:
    """One ticker of one event, from entry to exit.

    Attributes
    ----------
    event : int
        Row of the event in the run's agenda.
    ticker : str
    size : float
        Shares held now, short negative; zero once closed.
    entry_size, entry_price : float
        Signed shares at entry, and the price paid, slippage included.
    entry_date, exit_date : datetime64[D]
    exit_price : float
        NaN while open.
    cash : float
        Sum of all cash flows of the leg: its profit once closed.
    commission, slippage, borrow : float
        Paid, positive. Slippage is inside the prices, and thus inside `cash` already.
    entry_commission : float
        The part of `commission` paid at entry.
    dividends : float
        Received less paid.
    traded : float
        Sum of absolute traded values.
    exit_reason : str
    impact : float
        Of the entry, as a fraction of the price.
    """

    event: int
    ticker: str
    size: float
    entry_size: float
    entry_price: float
    entry_date: np.datetime64
    exit_date: np.datetime64 = field(default_factory=lambda: np.datetime64("NaT", "D"))
    exit_price: float = float("nan")
    cash: float = 0.0
    commission: float = 0.0
    entry_commission: float = 0.0
    slippage: float = 0.0
    borrow: float = 0.0
    dividends: float = 0.0
    traded: float = 0.0
    exit_reason: str = ""
    impact: float = 0.0

    def pay_trade(self, size: float, price: float, commission: float, slippage: float) -> None:
        """Book the cash and costs of `size` shares traded at `price`."""
        self.cash -= size * price + commission
        self.commission += commission
        self.slippage += slippage
        self.traded += abs(size) * price

    def value(self, close: float) -> float:
        """Return the profit so far, the shares held valued at `close`."""
        return self.cash + self.size * close


@dataclass(slots=True)
class OrderRecord:
    """One order and its fate.

    Attributes
    ----------
    event : int
        Row of the event in the run's agenda.
    ticker, group : str
    opens : bool
        Whether it opens a leg rather than closes it.
    size : float
        Signed shares.
    created, executed : datetime64[D]
    price : float
        Of the fill; NaN without one.
    status : str
        ``sent``, ``filled``, ``settled``, ``cancelled``, ``rejected`` or ``lost``.
    reason : str
        Why it was sent, or why it was not filled.
    when : str
        ``open``, ``close``, or ``range``: within the session, at a limit or a stop.
    limit : float
        Worst price of a limit order; NaN otherwise.
    impact : float
        By what fraction of the price the order moves it against itself.
    """

    event: int
    ticker: str
    group: str
    opens: bool
    size: float
    created: np.datetime64
    executed: np.datetime64 = field(default_factory=lambda: np.datetime64("NaT", "D"))
    price: float = float("nan")
    status: str = "sent"
    reason: str = ""
    when: str = "open"
    limit: float = float("nan")
    impact: float = 0.0

    def refuse(self, status: str, reason: str) -> None:
        """Close the record without a fill."""
        self.status, self.reason = status, reason


@dataclass(slots=True)
class Ledger:
    """All legs and orders of one strategy's run.

    Attributes
    ----------
    legs : dict of (int, str) to Leg
        By event and ticker, in the order of entry.
    orders : list of OrderRecord
    interest : list of float
        Earned on cash and collateral less paid on borrowed money, one a session so far.
    """

    legs: dict[tuple[int, str], Leg] = field(default_factory=dict)
    orders: list[OrderRecord] = field(default_factory=list)
    interest: list[float] = field(default_factory=list)

    def fill(
        self,
        record: OrderRecord,
        day: np.datetime64,
        price: float,
        commission: float,
        slippage: float,
    ) -> None:
        """Book a fill of a whole order."""
        record.executed, record.price = day, price
        record.status = "filled"
        key = (record.event, record.ticker)
        if record.opens:
            size = record.size
            self.legs[key] = Leg(
                record.event, record.ticker, size, size, price, day, impact=record.impact
            )
        leg = self.legs[key]
        leg.pay_trade(record.size, price, commission, slippage)
        if record.opens:
            leg.entry_commission = commission
        else:
            leg.size = 0.0
            leg.exit_date, leg.exit_price, leg.exit_reason = day, price, record.reason

    def held(self, event: int | None = None) -> Iterator[Leg]:
        """Yield the legs that are open, of one event or of all."""
        for leg in self.legs.values():
            if leg.size != 0.0 and (event is None or leg.event == event):
                yield leg

    def by_ticker(self) -> dict[str, list[Leg]]:
        """Return the open legs of each ticker."""
        found: dict[str, list[Leg]] = {}
        for leg in self.held():
            found.setdefault(leg.ticker, []).append(leg)
        return found

    def pay_dividend(self, ticker: str, amount: float) -> float:
        """Book `amount` a share on every open leg of a ticker; return the cash received."""
        received = 0.0
        for leg in self.by_ticker().get(ticker, ()):
            cash = leg.size * amount
            leg.dividends += cash
            leg.cash += cash
            received += cash
        return received

    def pay_borrow(self, ticker: str, fee: float) -> None:
        """Share a fee on the net short position among the short legs, by size."""
        short = [leg for leg in self.by_ticker().get(ticker, ()) if leg.size < 0]
        total = sum(leg.size for leg in short)
        for leg in short:
            part = fee * (leg.size / total)
            leg.borrow += part
            leg.cash -= part
