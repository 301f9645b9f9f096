"""Whether the best of many variants beats the benchmark, the search allowed for.

References
----------
White, H. (2000). A reality check for data snooping. Econometrica 68, 1097-1126.
Hansen, P. R. (2005). A test for superior predictive ability. Journal of Business and Economic
Statistics 23, 365-380.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.luck.bootstrap import (
    active_periods,
    block_length,
    require_draws,
    too_short,
)
from eventstudy.backtest.luck.sharpe import moving, require_finite
from eventstudy.errors import BacktestError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DRAWS = 999
FEWEST_PERIODS = 100
"""Ten blocks of ten sessions: with fewer the maximum over variants hangs on one or two blocks."""
FEWEST_VARIANTS = 2
"""Of one variant nothing was selected: `stationary_interval` has its p-value."""


@dataclass(frozen=True, slots=True)
class RealityCheck:
    """White's reality check and Hansen's test of superior predictive ability.

    Attributes
    ----------
    n, active : int
        Periods, and in how many any variant differs from the benchmark.
    variants, live : int
        Columns given, and how many of them vary against the benchmark.
    best : int
        Column with the highest mean; -1 without a verdict.
    best_mean : float
        Its mean return per period less the benchmark's.
    best_studentised : int
        Column with the highest mean over its standard error: what Hansen's test looks at.
    best_t : float
        That ratio.
    white : float
        p of White's reality check: the maximum of means, each variant recentred on its own.
    lower, consistent, upper : float
        p of Hansen's studentised test. A variant worse than the benchmark keeps its negative
        mean in the draws (lower), keeps it where it is worse by more than
        sqrt(2 ln ln T) standard errors (consistent), or is recentred like the others (upper).
        The consistent one is the test; the others bound it.
    block : int
        Mean length of a block in periods; 0 without a verdict.
    draws : int
        B; no p-value is below 1 / (B + 1).
    why : str
        Why there is no number; empty where there is one.
    """

    n: int
    active: int
    variants: int
    live: int
    best: int = -1
    best_mean: float = math.nan
    best_studentised: int = -1
    best_t: float = math.nan
    white: float = math.nan
    lower: float = math.nan
    consistent: float = math.nan
    upper: float = math.nan
    block: int = 0
    draws: int = 0
    why: str = ""


def reality_check(
    returns: Floats,
    benchmark: Floats | float = 0.0,
    *,
    draws: int = DRAWS,
    block: int | None = None,
    seed: int = 0,
) -> RealityCheck:
    """Test that no variant has a higher mean return than the benchmark.

    Library: ``arch.bootstrap.SPA``, which takes losses: it is given the differences with the
    sign turned. Its ``studentize`` sets a threshold but leaves the statistic in units of
    return, so that for Hansen's test the differences are divided by their standard error
    (`long_run_spread`) beforehand. Its share # / B becomes (1 + #) / (B + 1). Where no variant
    is above the benchmark Hansen's statistic is zero and his p-values are 1.

    Parameters
    ----------
    returns : ndarray, shape (T, K)
        Per period, of every variant run.
    benchmark : ndarray, shape (T,), or float
        Per period: of holding the benchmark, or zero for returns over cash.
    draws : int
        B.
    block : int, optional
        Mean length of a block in periods; by default the median of the automatic lengths of
        the variants.
    seed : int
        One set of resamples serves both tests.

    Returns
    -------
    RealityCheck
        Without numbers and with `why` below `FEWEST_PERIODS` periods, `FEWEST_VARIANTS`
        variants that vary against the benchmark, or 20 periods in which any of them differs.

    Raises
    ------
    BacktestError
        For returns that are not finite or not a matrix, a benchmark of another length, draws
        or block out of range.
    """
    returns = require_finite(returns, 2)
    n, variants = returns.shape
    differences = returns - _column(benchmark, n)
    require_draws(draws, block, max(n, 1))
    active = active_periods(differences)
    live = varying(differences)
    why = too_short(n, active, FEWEST_PERIODS)
    if not why and len(live) < FEWEST_VARIANTS:
        why = f"{len(live)} variants that vary against the benchmark; needs {FEWEST_VARIANTS}"
    found = RealityCheck(n, active, variants, len(live), why=why)
    if why:
        return found
    used = differences[:, live]
    length = block_length(used) if block is None else block
    return replace(found, **_tested(used, live, length, draws, seed))


def varying(returns: Floats) -> Ints:
    """Return which columns of returns, shape (T, K), vary."""
    if not len(returns):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(moving(returns.mean(axis=0), returns.std(axis=0)))


def _tested(used: Floats, live: Ints, block: int, draws: int, seed: int) -> dict[str, Any]:
    """Return the figures of a verdict on differences that all vary."""
    scaled = used / long_run_spread(used, block)
    mean, t = used.mean(axis=0), scaled.mean(axis=0) * math.sqrt(len(used))
    tails = (1.0, 1.0, 1.0) if t.max() <= 0 else snooping_tails(scaled, block, draws, seed)
    return {
        "best": int(live[mean.argmax()]),
        "best_mean": float(mean.max()),
        "best_studentised": int(live[t.argmax()]),
        "best_t": float(t.max()),
        "white": snooping_tails(used, block, draws, seed)[2],
        "lower": tails[0],
        "consistent": tails[1],
        "upper": tails[2],
        "block": block,
        "draws": draws,
    }


def _column(benchmark: Floats | float, n: int) -> Floats:
    """Return a benchmark as a column, shape (T, 1) or (1, 1)."""
    given = np.atleast_1d(np.asarray(benchmark, dtype=np.float64))
    if given.ndim > 1 or len(given) not in {1, n}:
        raise BacktestError(f"benchmark of shape {given.shape}; allowed: one return, or {n}")
    return require_finite(given)[:, None]


def long_run_spread(differences: Floats, block: int) -> Floats:
    """Return the root of T times the variance of the mean under the stationary bootstrap.

    ``w^2 = c_0 + 2 sum_{i=1}^{T-1} (1 - i/T) (1 - 1/b)^i c_i``, with c_i the autocovariance
    on the circle (period T is followed by period 1), which is the exact variance for blocks
    of mean length b.

    Parameters
    ----------
    differences : ndarray, shape (T, K)
    block : int
        b.

    Returns
    -------
    ndarray, shape (K,)

    References
    ----------
    Politis and Romano (1994), lemma 1; Hansen (2005).
    """
    n = len(differences)
    spectrum = np.abs(np.fft.rfft(differences - differences.mean(axis=0), axis=0)) ** 2
    circular = np.fft.irfft(spectrum, n, axis=0) / n
    lags = np.arange(n)
    weights = 2.0 * (1.0 - lags / n) * (1.0 - 1.0 / block) ** lags
    weights[0] = 1.0
    return np.sqrt(weights @ circular)


def snooping_tails(
    differences: Floats, block: int, draws: int, seed: int
) -> tuple[float, float, float]:
    """Return p of the maximal mean difference, recentred in Hansen's three ways.

    Parameters
    ----------
    differences : ndarray, shape (T, K)
        Returns less the benchmark's, in the units in which the maximum is taken.
    block, draws, seed : int

    Returns
    -------
    tuple of float
        Lower, consistent and upper, each (1 + #) / (B + 1).
    """
    from arch.bootstrap import SPA

    none = np.zeros(len(differences))
    found = SPA(none, -differences, block, draws, studentize=False, seed=seed)
    found.compute()
    shares = found.pvalues
    lower, consistent, upper = (
        (1.0 + round(float(shares[name]) * draws)) / (draws + 1.0)
        for name in ("lower", "consistent", "upper")
    )
    return lower, consistent, upper
