"""Figures about a path of daily values: pure functions, outside the engine.

Simple returns per session; 252 sessions a year.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
YEAR = 252
STILL = 1e-12
"""A deviation or drawdown below this is the rounding of an account that stands still."""


def value_returns(values: Floats) -> Floats:
    """Return ``V[t] / V[t-1] - 1``, shape (S-1,), for values of shape (S,).

    Zero after a value of zero or less: that account is gone, and a ratio to it means nothing.
    """
    alive = values[:-1] > 0
    return np.where(alive, values[1:] / np.where(alive, values[:-1], 1.0) - 1.0, 0.0)


def total_return(values: Floats) -> float:
    """Return ``V[-1] / V[0] - 1``; NaN for an empty path."""
    return float(values[-1] / values[0] - 1.0) if len(values) else math.nan


def annual_return(values: Floats) -> float:
    """Return the constant yearly growth that leads from the first value to the last.

    ``(V[-1] / V[0]) ** (252 / n) - 1`` over n sessions; NaN for n = 0 and -1 where nothing
    or less than nothing is left.
    """
    n = len(values) - 1
    if n < 1:
        return math.nan
    growth = values[-1] / values[0]
    return float(growth ** (YEAR / n) - 1.0) if growth > 0 else -1.0


def volatility(returns: Floats) -> float:
    """Return the standard deviation (ddof 1) a year; NaN for fewer than two returns."""
    return float(returns.std(ddof=1) * math.sqrt(YEAR)) if len(returns) > 1 else math.nan


def sharpe(excess: Floats) -> float:
    """Return ``mean / s x sqrt 252`` of returns over cash, s with ddof 1.

    NaN for fewer than two returns or no variation.
    """
    if len(excess) < 2:
        return math.nan
    spread = float(excess.std(ddof=1))
    return float(excess.mean()) / spread * math.sqrt(YEAR) if spread > STILL else math.nan


def sharpe_error(annual_sharpe: float, n: int) -> float:
    """Return the standard error of an annual Sharpe ratio over n sessions.

    ``sqrt((1 + SR^2 / 2) / n) x sqrt 252`` with SR per session: returns independent and
    identically distributed.

    References
    ----------
    Lo, A. (2002). The statistics of Sharpe ratios. Financial Analysts Journal 58(4), 36-52.
    """
    if n < 2 or math.isnan(annual_sharpe):
        return math.nan
    each = annual_sharpe / math.sqrt(YEAR)
    return math.sqrt((1.0 + 0.5 * each**2) / n) * math.sqrt(YEAR)


def sortino(excess: Floats) -> float:
    """Return ``mean / d x sqrt 252`` of returns over cash, d their downside deviation.

    ``d = sqrt(sum min(r - r_f, 0)^2 / n)`` over all n sessions, those above cash included: it
    is the deviation below the target of earning what cash earns.

    Parameters
    ----------
    excess : ndarray, shape (n,)
        Per session.

    Returns
    -------
    float
        NaN for fewer than two returns, or where none lies below cash.

    References
    ----------
    Sortino, F. and Price, L. (1994). Performance measurement in a downside risk framework.
    Journal of Investing 3(3), 59-64.
    """
    if len(excess) < 2:
        return math.nan
    downside = math.sqrt(float(np.mean(np.minimum(excess, 0.0) ** 2)))
    return float(excess.mean()) / downside * math.sqrt(YEAR) if downside > STILL else math.nan


def skewness(returns: Floats) -> float:
    """Return ``m3 / m2^(3/2)``, central moments with divisor n; a normal has 0.

    NaN for fewer than two returns or no variation.
    """
    return _standard_moment(returns, 3)


def kurtosis(returns: Floats) -> float:
    """Return ``m4 / m2^2``, central moments with divisor n: not in excess, a normal has 3.

    NaN for fewer than two returns or no variation.
    """
    return _standard_moment(returns, 4)


def _standard_moment(returns: Floats, order: int) -> float:
    if len(returns) < 2:
        return math.nan
    apart = returns - returns.mean()
    spread = math.sqrt(float(np.mean(apart**2)))
    return float(np.mean((apart / spread) ** order)) if spread > STILL else math.nan


def worst_day(returns: Floats) -> float:
    """Return the lowest return of a session; NaN without one."""
    return float(returns.min()) if len(returns) else math.nan


def drawdowns(values: Floats) -> Floats:
    """Return ``V / highest V so far - 1``, shape (S,): zero or negative."""
    return values / np.maximum.accumulate(values) - 1.0


def max_drawdown(values: Floats) -> float:
    """Return the deepest drawdown, zero or negative; NaN for an empty path."""
    return float(drawdowns(values).min()) if len(values) else math.nan


def calmar(values: Floats) -> float:
    """Return the annual return over the depth of the deepest drawdown, all sessions.

    NaN without a drawdown.

    References
    ----------
    Young, T. (1991). Calmar ratio: a smoother tool. Futures 20(1), 40 (over 36 months there).
    """
    depth = -max_drawdown(values)
    return annual_return(values) / depth if depth > STILL else math.nan


@dataclass(frozen=True, slots=True)
class Spell:
    """A time under water, as rows of a path.

    Attributes
    ----------
    start : int
        Last session at the high.
    trough : int
        Session of the lowest value.
    end : int
        First session back at the high, or the last one of the path.
    recovered : bool
        Whether the high was reached again.
    """

    start: int
    trough: int
    end: int
    recovered: bool

    @property
    def sessions(self) -> int:
        """Sessions from the high until it was reached again, or until the path ends."""
        return self.end - self.start


def longest_drawdown(values: Floats) -> Spell | None:
    """Return the drawdown of the most sessions, the first of those alike; None without one.

    It need not be the deepest.

    Parameters
    ----------
    values : ndarray, shape (S,)
    """
    depth = drawdowns(values) if len(values) else values
    under = np.concatenate([[False], depth < -STILL, [False]])
    edges = np.flatnonzero(under[1:] != under[:-1])
    if not len(edges):
        return None
    starts, ends = edges[::2] - 1, edges[1::2]
    last = len(values) - 1
    longest = int(np.argmax(np.minimum(ends, last) - starts))
    start, end = int(starts[longest]), int(ends[longest])
    trough = start + 1 + int(np.argmin(values[start + 1 : end]))
    return Spell(start, trough, min(end, last), end <= last)


def hit_rate(profits: Floats, capital: float) -> float:
    """Return the share of events with a profit; NaN where none was traded.

    A profit below `STILL` of the capital is the rounding of one that is zero.
    """
    return float((profits > STILL * capital).mean()) if len(profits) else math.nan


def turnover(traded: float, values: Floats) -> float:
    """Return traded value a year, bought and sold, as a multiple of the mean value.

    NaN where that mean is not above zero.

    Parameters
    ----------
    traded : float
        Sum of absolute traded values over the path.
    values : ndarray, shape (S,)
    """
    n, mean = len(values) - 1, values.mean()
    return float(traded / mean * YEAR / n) if n > 0 and mean > 0 else math.nan


def path_metrics(values: Floats, rates: Floats) -> dict[str, float]:
    """Return the figures that need nothing but the path.

    Parameters
    ----------
    values : ndarray, shape (S,)
        At the closes, the first one before anything was traded.
    rates : ndarray, shape (S-1,)
        Return on cash per session.
    """
    returns = value_returns(values)
    ratio = sharpe(returns - rates)
    return {
        "total_return": total_return(values),
        "annual_return": annual_return(values),
        "volatility": volatility(returns),
        "sharpe": ratio,
        "sharpe_se": sharpe_error(ratio, len(returns)),
        "max_drawdown": max_drawdown(values),
        "sortino": sortino(returns - rates),
        "calmar": calmar(values),
        "skewness": skewness(returns),
        "kurtosis": kurtosis(returns),
        "worst_day": worst_day(returns),
    }
