"""What trading costs: pure functions of sizes, prices and rates.

Every engine of the project charges by these functions, so a ledger written by hand checks
them all. Rates are in basis points (1 bp = 0.0001); sizes are shares, short is negative;
money is in the currency of the prices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.errors import BacktestError

Floats = npt.NDArray[np.float64]
BP = 1e-4
MOST_A_YEAR = 100_000
"""Basis points: fees on stock that is hard to borrow have passed 100% a year."""
RATES = ("commission_bp", "half_spread_bp", "borrow_bp", "debit_bp")


@dataclass(frozen=True, slots=True)
class Costs:
    """Rates charged on every trade and on every day of a short position.

    Attributes
    ----------
    commission_bp : float
        Of the traded value, each way.
    half_spread_bp : float
        Slippage: a buy fills above the quoted price by this much and a sale below it. It is
        not clipped to the bar's high and low: crossing a spread costs on a flat bar too.
    borrow_bp : float
        Fee for borrowed stock, a year, on the market value at the last close.
    day_count : int
        Days in the year of the borrow fee and of interest: 360 as in US stock loans and
        money markets, or 365.
    borrow : mapping of str to float
        Fee by ticker where it differs from `borrow_bp`: a stock that is hard to borrow.
    rebate : float
        Share of the cash rate that the collateral of short positions earns, 0 to 1.
    debit_bp : float
        Charged a year, above the cash rate, on money borrowed from the broker.
    impact : float
        Coefficient of the square-root law, see `liquidity.square_root_impact`; zero leaves
        impact out. Needs volumes.
    """

    commission_bp: float = 1.0
    half_spread_bp: float = 2.0
    borrow_bp: float = 50.0
    day_count: int = 360
    # A plain dict: a mapping proxy cannot be pickled, and workers are sent costs.
    borrow: Mapping[str, float] = field(default_factory=dict)
    rebate: float = 0.0
    debit_bp: float = 100.0
    impact: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.borrow, Mapping):
            raise BacktestError(f"costs: borrow is {self.borrow!r}: give basis points by ticker")
        # A copy of our own: what is charged must not change under a run.
        object.__setattr__(self, "borrow", dict(self.borrow))
        rates = {name: getattr(self, name) for name in RATES}
        rates.update({f"borrow of {ticker}": rate for ticker, rate in self.borrow.items()})
        faults = [
            f"{name} is {value!r}: give a number from 0 to {most(name)}"
            for name, value in rates.items()
            if not (_is_rate(value) and value <= most(name))
        ]
        faults += [
            f"{name} is {value!r}: give a number from 0 to {top}"
            for name, value, top in (("rebate", self.rebate, 1), ("impact", self.impact, 100))
            if not (_is_rate(value) and value <= top)
        ]
        if self.day_count not in (360, 365):
            faults.append(f"day_count is {self.day_count!r}: give 360 or 365")
        if faults:
            raise BacktestError("costs: " + "; ".join(faults))

    def borrow_of(self, ticker: str) -> float:
        """Return the borrow fee of a ticker, basis points a year."""
        return self.borrow.get(ticker, self.borrow_bp)


def times(costs: Costs, level: float) -> Costs:
    """Return costs whose commission, half-spread and borrow fees are `level` times as high.

    For comparisons: a multiple may lie beyond what `Costs` lets a user ask for.
    """
    found = copy(costs)
    for name in ("commission_bp", "half_spread_bp", "borrow_bp"):
        object.__setattr__(found, name, getattr(costs, name) * level)
    borrow = {ticker: rate * level for ticker, rate in costs.borrow.items()}
    object.__setattr__(found, "borrow", borrow)
    return found


def _is_rate(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 <= value <= MOST_A_YEAR  # type: ignore[operator, arg-type]


def most(name: str) -> int:
    """Return the largest rate, basis points: 100% of a trade, or 1,000% a year of a loan."""
    return MOST_A_YEAR if name.startswith(("borrow", "debit")) else 10_000


def cost_words(costs: Mapping[str, Any]) -> str:
    """Return what is charged, in words: rates of zero are left out.

    Parameters
    ----------
    costs : mapping
        Fields of `Costs` by name.
    """
    own = ", ".join(f"{ticker} {rate:g}" for ticker, rate in sorted(costs["borrow"].items()))
    borrow = f"borrow fee {costs['borrow_bp']:g} bp a year" + (f" ({own})" if own else "")
    parts = [
        (costs["commission_bp"], f"commission {costs['commission_bp']:g} bp"),
        (costs["half_spread_bp"], f"half-spread {costs['half_spread_bp']:g} bp"),
        (costs["borrow_bp"] or own, borrow),
        (costs["impact"], f"impact {costs['impact']:g} x volatility x sqrt(share of volume)"),
        (costs["debit_bp"], f"{costs['debit_bp']:g} bp a year over cash on borrowed money"),
        (costs["rebate"], f"short rebate {100 * costs['rebate']:g}% of the cash rate"),
    ]
    return ", ".join(words for value, words in parts if value) or "none"


FREE = Costs(commission_bp=0.0, half_spread_bp=0.0, borrow_bp=0.0, debit_bp=0.0)
"""No cost at all: for comparisons, never for a claim."""


def fill_price(quote: float, size: float, half_spread_bp: float, impact: float = 0.0) -> float:
    """Return the price paid for `size` shares: ``quote (1 + s)`` bought, ``(1 - s)`` sold.

    `s` is the half-spread plus `impact`, a fraction of the price.
    """
    return slipped(quote, size, half_spread_bp * BP + impact)


def slipped(quote: float, size: float, slip: float) -> float:
    """Return a price that is worse by the fraction `slip`; a sale never costs money."""
    return quote * (1 + slip) if size > 0 else quote * max(1 - slip, 0.0)


def slippage_paid(quote: float, price: float, size: float) -> float:
    """Return what spread and impact took: ``size (price - quote)``, never negative."""
    return size * (price - quote)


def commission_paid(size: float, price: float, commission_bp: float) -> float:
    """Return ``|size| price c``."""
    return abs(size) * (commission_bp * BP) * price


def borrow_fee(size: float, close: float, days: int, rate_bp: float, day_count: int) -> float:
    """Return the fee for `days` calendar days on a position of `size` shares.

    ``|size| close days / day_count x rate`` for a short position, otherwise zero; `close` is
    the last close before the days are charged. From Friday to Monday three days are due.
    """
    if size >= 0:
        return 0.0
    return -size * close * (days / day_count) * (rate_bp * BP)


def cash_interest(cash: float, short_value: float, rate: float, days: int, costs: Costs) -> float:
    """Return the interest of one session, negative where money is owed.

    The balance is cash less the market value of the shorts: proceeds of short sales are
    collateral with the lender, marked to market each day. A positive balance earns the cash
    rate; a negative one is borrowed and pays that rate plus `debit_bp`. The collateral earns
    the share `rebate` of the cash rate.

    Parameters
    ----------
    cash : float
        Broker's cash, proceeds of short sales included.
    short_value : float
        Market value of all short positions, positive.
    rate : float
        Return on cash of the session.
    days : int
        Calendar days since the session before.
    costs : Costs
    """
    balance = cash - short_value
    spread = 0.0 if balance >= 0 else costs.debit_bp * BP * days / costs.day_count
    return balance * (rate + spread) + short_value * rate * costs.rebate


def interest_rates(annual: float, days: npt.NDArray[np.int64], day_count: int) -> Floats:
    """Return simple interest per session for a constant annual rate.

    ``annual x calendar days since the last session / day_count``.

    Parameters
    ----------
    annual : float
        Such as 0.05 for 5%.
    days : ndarray, shape (S,), int
        Calendar days since the session before; zero in the first row.
    day_count : int
    """
    return annual * days / day_count
