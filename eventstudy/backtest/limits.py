"""Limits on exposure and cash: backtrader asks no margin of a short sale, so we do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.errors import BacktestError

Floats = npt.NDArray[np.float64]
SLACK = 1e-9
"""Relative room for rounding: a position of exactly the limit passes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest exposures as multiples of equity, tested when a position is opened.

    Positions of all events are netted by ticker first, as the broker holds them. Exits are
    never refused. A group of legs that would break a limit is refused as a whole.

    Attributes
    ----------
    gross : float
        Sum of absolute market values.
    net : float
        Absolute sum of signed market values.
    single : float
        Largest absolute market value of one ticker.
    cash : bool
        Whether cash, proceeds of short sales included, must stay at or above zero.
    initial : float
        Margin that opening takes: share of gross market value that equity must cover; 0.5
        is Regulation T.
    maintenance_long, maintenance_short : float
        Share of long and of short market value that equity must cover at every close (25%
        and 30% are the exchanges' minimum); below it sleeves are closed at the next open.
        Those that leave there anyway are counted out first, then the largest go until equity
        suffices; a leg that is halted goes on asking for its margin.
    """

    gross: float = 2.0
    net: float = 1.0
    single: float = 1.0
    cash: bool = True
    initial: float = 0.5
    maintenance_long: float = 0.25
    maintenance_short: float = 0.30

    def __post_init__(self) -> None:
        faults = [
            f"{name} is {value!r}: give a positive number"
            for name, value in (("gross", self.gross), ("net", self.net), ("single", self.single))
            if not (_is_number(value) and value > 0)
        ]
        faults += [
            f"{name} is {value!r}: give a number from 0 to 1"
            for name in ("initial", "maintenance_long", "maintenance_short")
            if not (_is_number(value := getattr(self, name)) and 0 <= value <= 1)
        ]
        cash: object = self.cash
        if not isinstance(cash, bool):
            faults.append(f"cash is {self.cash!r}: give true or false")
        if faults:
            raise BacktestError("limits: " + "; ".join(faults))


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and not math.isnan(value)  # type: ignore[arg-type]


def breach(
    limits: Limits,
    equity: float,
    before: Floats,
    after: Floats,
    cash_before: float,
    cash_after: float,
) -> str | None:
    """Return which limit a trade would break, or None.

    A trade that lessens an exposure passes even where the exposure stays above its limit.

    Parameters
    ----------
    limits : Limits
    equity : float
        Cash plus positions, at the prices at which the trade would fill.
    before, after : ndarray, shape (N,)
        Signed market values by ticker.
    cash_before, cash_after : float
    """
    if equity <= 0:
        return f"equity is {equity:,.2f}: nothing can be opened"
    # Of single names the one that grows: another, above the limit already, excuses nothing.
    grown = np.abs(after) > np.abs(before)
    largest = np.abs(after[grown]).max(initial=0.0)
    measures = (
        ("gross", limits.gross, np.abs(before).sum(), np.abs(after).sum()),
        ("net", limits.net, abs(before.sum()), abs(after.sum())),
        ("single-name", limits.single, 0.0, largest),
    )
    for name, allowed, was, would in measures:
        if would > allowed * equity * (1 + SLACK) and would > was:
            return f"{name} exposure would be {would / equity:.3f} of equity, limit {allowed:g}"
    needed, had = limits.initial * np.abs(after).sum(), limits.initial * np.abs(before).sum()
    if needed > equity * (1 + SLACK) and needed > had:
        return f"initial margin would be {needed:,.2f}, equity {equity:,.2f}"
    if limits.cash and cash_after < -SLACK * equity and cash_after < cash_before:
        return f"cash would be {cash_after:,.2f}"
    return None


def maintenance(limits: Limits, held: Floats) -> float:
    """Return the equity that positions require at a close.

    ``maintenance_long x long value + maintenance_short x short value``.

    Parameters
    ----------
    limits : Limits
    held : ndarray, shape (N,)
        Signed market values, netted by ticker.
    """
    long, short = np.maximum(held, 0.0).sum(), np.maximum(-held, 0.0).sum()
    return float(limits.maintenance_long * long + limits.maintenance_short * short)


def called(
    limits: Limits, equity: float, sleeves: Floats, fixed: Floats | None = None
) -> list[int]:
    """Return which sleeves a margin call closes: the largest first, until equity suffices.

    Of two of one size the older goes first.

    Parameters
    ----------
    limits : Limits
    equity : float
        At the close; closing a sleeve at the close leaves it as it is.
    sleeves : ndarray, shape (K, N)
        Signed market values by sleeve and ticker.
    fixed : ndarray, shape (N,), optional
        What is held besides and cannot be closed now.

    Returns
    -------
    list of int
        Rows of `sleeves`; empty where no call is due.
    """
    left = list(range(len(sleeves)))
    closed: list[int] = []
    size = np.abs(sleeves).sum(axis=1)
    rest = np.zeros(sleeves.shape[1]) if fixed is None else fixed
    while left and equity < maintenance(limits, sleeves[left].sum(axis=0) + rest):
        worst = max(left, key=lambda k: (size[k], -k))
        left.remove(worst)
        closed.append(worst)
    return closed
