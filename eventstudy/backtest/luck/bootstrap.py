"""The stationary bootstrap of a path of returns: intervals and a p-value without normality.

References
----------
Politis, D. and Romano, J. (1994). The stationary bootstrap. Journal of the American
Statistical Association 89, 1303-1313.
Politis, D. and White, H. (2004). Automatic block-length selection for the dependent bootstrap.
Econometric Reviews 23, 53-70; correction by Patton, Politis and White (2009), 28, 372-375.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.luck.blocks import optimal_block, stationary_rows
from eventstudy.backtest.luck.sharpe import STILL, moving, ratio_or_zero, require_finite
from eventstudy.backtest.metrics import YEAR
from eventstudy.errors import BacktestError

Floats = npt.NDArray[np.float64]

DRAWS = 1999
FEWEST_PERIODS = 50
"""Blocks are drawn from the path itself: of fewer periods there are too few different ones."""
FEWEST_ACTIVE = 20
"""Periods with a return other than cash: below, a resample is a lottery over a few sessions."""
TIE = 1e-10
"""Means closer than this share are one value."""


@dataclass(frozen=True, slots=True)
class BootstrapInterval:
    """The mean and the Sharpe ratio of a path, each with its interval.

    Attributes
    ----------
    n, active : int
        Periods, and how many of them have a return other than cash.
    mean, mean_low, mean_high : float
        Excess return per period.
    sharpe, sharpe_low, sharpe_high : float
        A year: per session times the root of 252.
    p_value : float
        Of a mean above zero, one-sided: (1 + #) / (B + 1), never below 1 / (B + 1).
    level : float
        Coverage of the intervals, 0.95 for 95%.
    block : int
        Mean length of a block in periods; 0 without an interval.
    draws : int
        B.
    why : str
        Why there is no number; empty where there is one.
    """

    n: int
    active: int
    mean: float = math.nan
    mean_low: float = math.nan
    mean_high: float = math.nan
    sharpe: float = math.nan
    sharpe_low: float = math.nan
    sharpe_high: float = math.nan
    p_value: float = math.nan
    level: float = 0.95
    block: int = 0
    draws: int = 0
    why: str = ""


def block_length(returns: Floats) -> int:
    """Return the mean block length for the stationary bootstrap, at least 1 period.

    The automatic choice of Politis and White, rounded; for several columns the median of
    those that move; 1 where none does.

    Parameters
    ----------
    returns : ndarray, shape (T,) or (T, K)
    """
    columns = returns.reshape(len(returns), -1)
    columns = columns[:, moving(columns.mean(axis=0), columns.std(axis=0))]
    if not columns.shape[1]:
        return 1
    lengths = np.array([optimal_block(column) for column in columns.T])
    kept = lengths[np.isfinite(lengths)]
    found = float(np.median(kept)) if len(kept) else math.nan
    return max(1, round(found)) if math.isfinite(found) else 1


def require_draws(draws: int, block: int | None, n: int) -> None:
    """Refuse a number of draws or a block length that has no meaning.

    Raises
    ------
    BacktestError
        For draws below 1 or a block outside 1 to n, both at once.
    """
    faults = []
    if draws < 1:
        faults.append(f"draws {draws}; allowed: 1 or more")
    if block is not None and not 1 <= block <= n:
        faults.append(f"block {block} periods; allowed: 1 to {n}, the length of the path")
    if faults:
        raise BacktestError("; ".join(faults))


def active_periods(returns: Floats) -> int:
    """Return in how many periods any column of returns, shape (T,) or (T, K), is not zero."""
    held = np.abs(returns) > STILL
    return int((held if held.ndim == 1 else held.any(axis=1)).sum())


def too_short(n: int, active: int, fewest: int) -> str:
    """Return why a path cannot be resampled; empty where it can."""
    if n < fewest:
        return f"{n} periods; needs {fewest} or more"
    if active < FEWEST_ACTIVE:
        return f"{active} periods with a return other than cash; needs {FEWEST_ACTIVE} or more"
    return ""


def stationary_interval(
    excess: Floats,
    *,
    draws: int = DRAWS,
    block: int | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> BootstrapInterval:
    """Return percentile intervals of the mean and the Sharpe ratio, and p for a mean above 0.

    Blocks of geometric length keep the dependence of near sessions. The p-value recentres:
    the share of draws with ``m* - m >= m``. A resample without variation has Sharpe 0.
    The draws are those of ``arch.bootstrap.StationaryBootstrap``.

    Parameters
    ----------
    excess : ndarray, shape (T,)
        Returns over cash, per session.
    draws : int
        B.
    block : int, optional
        Mean length of a block in periods; by default `block_length` of the path.
    level : float
        Coverage of the intervals.
    seed : int

    Returns
    -------
    BootstrapInterval
        Without numbers and with `why` below `FEWEST_PERIODS` periods, or `FEWEST_ACTIVE`
        periods with a return, or without variation.

    Raises
    ------
    BacktestError
        For returns that are not finite, draws, block or level out of range.
    """
    excess = require_finite(excess)
    n, active = len(excess), active_periods(excess)
    require_draws(draws, block, max(n, 1))
    if not 0.0 < level < 1.0:
        raise BacktestError(f"level {level:g}; allowed: above 0 and below 1")
    why = too_short(n, active, FEWEST_PERIODS)
    if not why and not moving(excess.mean(), excess.std()):
        why = "the returns do not vary"
    if why:
        return BootstrapInterval(n, active, level=level, why=why)
    length = block_length(excess) if block is None else block
    parts = [_mean_and_spread(excess[rows]) for rows in stationary_rows(n, length, draws, seed)]
    drawn = np.concatenate(parts)
    return _interval(excess, drawn, active, level, length)


def _mean_and_spread(samples: Floats) -> Floats:
    """Return mean and standard deviation of each row, shape (B, 2)."""
    return np.column_stack([samples.mean(axis=1), samples.std(axis=1, ddof=1)])


def _interval(
    excess: Floats, drawn: Floats, active: int, level: float, length: int
) -> BootstrapInterval:
    """Return the result of draws of mean and spread, shape (B, 2)."""
    mean, spread = excess.mean(), excess.std(ddof=1)
    means = drawn[:, 0]
    ratios = ratio_or_zero(means, drawn[:, 1]) * math.sqrt(YEAR)
    tails = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
    mean_low, mean_high = np.quantile(means, tails)
    sharpe_low, sharpe_high = np.quantile(ratios, tails)
    as_high = int((means - mean >= mean - TIE * abs(mean)).sum())
    return BootstrapInterval(
        n=len(excess),
        active=active,
        mean=float(mean),
        mean_low=float(mean_low),
        mean_high=float(mean_high),
        sharpe=float(mean / spread * math.sqrt(YEAR)),
        sharpe_low=float(sharpe_low),
        sharpe_high=float(sharpe_high),
        p_value=(1 + as_high) / (len(drawn) + 1),
        level=level,
        block=length,
        draws=len(drawn),
    )
