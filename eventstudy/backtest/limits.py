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
    """

    gross: float = 2.0
    net: float = 1.0
    single: float = 1.0
    cash: bool = True

    def __post_init__(self) -> None:
        faults = [
            f"{name} is {value!r}: give a positive number"
            for name, value in (("gross", self.gross), ("net", self.net), ("single", self.single))
            if not (isinstance(value, int | float) and value > 0 and not math.isnan(value))
        ]
        if faults:
            raise BacktestError("limits: " + "; ".join(faults))


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
    measures = (
        ("gross", limits.gross, np.abs(before).sum(), np.abs(after).sum()),
        ("net", limits.net, abs(before.sum()), abs(after.sum())),
        ("single-name", limits.single, np.abs(before).max(), np.abs(after).max()),
    )
    for name, allowed, was, would in measures:
        if would > allowed * equity * (1 + SLACK) and would > was:
            return f"{name} exposure would be {would / equity:.3f} of equity, limit {allowed:g}"
    if limits.cash and cash_after < -SLACK * equity and cash_after < cash_before:
        return f"cash would be {cash_after:,.2f}"
    return None
