"""How much trading may cost before nothing is left."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.errors import BacktestError

Floats = npt.NDArray[np.float64]
BASIS = 1e4


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The cost at which the total profit is zero.

    Attributes
    ----------
    cost_bp : float
        One way: basis points of every value bought or sold.
    gross : float
        Profit before costs, cash.
    traded : float
        Value bought and sold, cash.
    trades : int
    why : str
        Why there is no cost; empty where there is one.
    """

    cost_bp: float
    gross: float
    traded: float
    trades: int
    why: str = ""


def break_even_cost(gross: npt.ArrayLike, traded: npt.ArrayLike) -> BreakEven:
    """Return the one-way cost in basis points that takes the whole gross profit.

    ``10,000 x sum gross / sum traded``: a cost of c bp on all values traded, the same trades
    in the same sizes. Borrow fees and dividends belong to gross profit.

    Parameters
    ----------
    gross : array_like, shape (N,)
        Profit of each trade before commission and slippage, cash.
    traded : array_like, shape (N,)
        Absolute values bought plus sold by each trade, cash: entry and exit.

    Returns
    -------
    BreakEven
        NaN and `why` where gross profit is negative or nothing was traded.

    Raises
    ------
    BacktestError
        Where the two differ in length, a value is not finite, or a traded value is negative.
    """
    profits = np.atleast_1d(np.asarray(gross, dtype=np.float64))
    values = np.atleast_1d(np.asarray(traded, dtype=np.float64))
    _require_trades(profits, values)
    earned, moved = float(profits.sum()), float(values.sum())
    why = ""
    if not moved:
        why = "nothing was traded"
    elif earned < 0:
        why = f"gross profit is {earned:,.2f}: it loses before any cost"
    cost = math.nan if why else BASIS * earned / moved
    return BreakEven(cost, earned, moved, len(profits), why)


def _require_trades(profits: Floats, values: Floats) -> None:
    """Refuse what is no list of trades."""
    faults = []
    if profits.ndim > 1 or profits.shape != values.shape:
        faults.append(
            f"gross of shape {profits.shape}, traded of shape {values.shape}; "
            "allowed: one value a trade in both"
        )
    bad = int((~np.isfinite(profits)).sum() + (~np.isfinite(values)).sum())
    if bad:
        faults.append(f"{bad} values are not finite; allowed: cash amounts")
    if (values < 0).any():
        faults.append(f"traded value {values[values < 0][0]:g}; allowed: 0 or more")
    if faults:
        raise BacktestError("; ".join(faults))
