"""What trading costs: pure functions of sizes, prices and rates.

Every engine of the project charges by these functions, so a ledger written by hand checks
them all. Rates are in basis points (1 bp = 0.0001); sizes are shares, short is negative;
money is in the currency of the prices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from eventstudy.errors import BacktestError

Floats = npt.NDArray[np.float64]
BP = 1e-4


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
        Days in the year of the borrow fee and of a constant interest rate: 360 as in US
        stock loans and money markets, or 365.
    """

    commission_bp: float = 1.0
    half_spread_bp: float = 2.0
    borrow_bp: float = 50.0
    day_count: int = 360

    def __post_init__(self) -> None:
        faults = [
            f"{f.name} is {value!r}: give a number from 0 to 10000"
            for f in fields(self)
            if f.name != "day_count" and not _is_rate(value := getattr(self, f.name))
        ]
        if self.day_count not in (360, 365):
            faults.append(f"day_count is {self.day_count!r}: give 360 or 365")
        if faults:
            raise BacktestError("costs: " + "; ".join(faults))


def _is_rate(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 <= value <= 10_000  # type: ignore[operator, arg-type]


FREE = Costs(commission_bp=0.0, half_spread_bp=0.0, borrow_bp=0.0)
"""No cost at all: for comparisons, never for a claim."""


def fill_price(quote: float, size: float, half_spread_bp: float) -> float:
    """Return the price paid for `size` shares: ``quote (1 + s)`` bought, ``(1 - s)`` sold."""
    slip = half_spread_bp * BP
    return quote * (1 + slip) if size > 0 else quote * (1 - slip)


def slippage_paid(quote: float, price: float, size: float) -> float:
    """Return what the spread took: ``size (price - quote)``, never negative."""
    return size * (price - quote)


def commission_paid(size: float, price: float, commission_bp: float) -> float:
    """Return ``|size| price c``."""
    return abs(size) * (commission_bp * BP) * price


def borrow_fee(size: float, close: float, days: int, costs: Costs) -> float:
    """Return the fee for `days` calendar days on a position of `size` shares.

    ``|size| close days / day_count x rate`` for a short position, otherwise zero; `close` is
    the last close before the days are charged. From Friday to Monday three days are due.
    """
    if size >= 0:
        return 0.0
    return -size * close * (days / costs.day_count) * (costs.borrow_bp * BP)


def idle_cash(cash: float, short_value: float) -> float:
    """Return the cash that earns interest.

    Cash less the market value of the shorts: proceeds of short sales are collateral with the
    lender, marked to market each day, and earn nothing here. Negative cash counts as zero:
    it is not charged, and the cash limit keeps it from arising at entry.

    Parameters
    ----------
    cash : float
        Broker's cash, proceeds of short sales included.
    short_value : float
        Market value of all short positions, positive.
    """
    return max(cash - short_value, 0.0)


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
