"""Buy-and-hold abnormal returns and the tests of their mean.

BHAR_i = prod(1 + R_i) - prod(1 + R_b). Long-run returns are skewed to the right, and the mean
of skewed numbers is not normal in samples of the usual size: hence the adjusted statistics.

References
----------
Johnson, N. J. (1978). Modified t tests and confidence intervals for asymmetrical populations.
Journal of the American Statistical Association 73, 536-544.
Lyon, J., Barber, B. and Tsai, C.-L. (1999). Improved methods for tests of long-run abnormal
stock returns. Journal of Finance 54, 165-201.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.significance.contract import Verdict, student, undefined
from eventstudy.significance.parametric import mean_t
from eventstudy.significance.skewness import johnson_t

Floats = npt.NDArray[np.float64]

SHARE = 4
"""Resamples have n / 4 events, as Lyon, Barber and Tsai draw them."""
FEWEST_RESAMPLED = 5
"""Fewest events in a resample; a third moment of fewer says nothing."""
NO_VARIATION = "undefined: the BHARs do not vary"


def buy_and_hold(returns: Floats, weights: Floats) -> Floats:
    """Return the buy-and-hold return of a portfolio that is never rebalanced.

    ``sum_k w_k (prod_t (1 + R_tk) - 1)``: the weighted mean of the members' compounded
    returns, what an investor earns who buys once.

    Parameters
    ----------
    returns : ndarray, shape (..., L, K)
    weights : ndarray, shape (K,)
        Summing to one.

    Returns
    -------
    ndarray, shape (...,)
    """
    held: Floats = (np.prod(1.0 + returns, axis=-2) - 1.0) @ weights
    return held


def rebalanced(returns: Floats, weights: Floats) -> Floats:
    """Return the compounded return of a portfolio brought back to its weights each session.

    ``prod_t (1 + sum_k w_k R_tk) - 1``. Compounding daily portfolio returns buys past losers
    each session, and no investor holds it for the cost of one purchase.

    Parameters
    ----------
    returns : ndarray, shape (..., L, K)
    weights : ndarray, shape (K,)

    Returns
    -------
    ndarray, shape (...,)
    """
    compounded: Floats = np.prod(1.0 + returns @ weights, axis=-1) - 1.0
    return compounded


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The bootstrap distribution of the skewness-adjusted t.

    Attributes
    ----------
    statistic : float
        Of the sample.
    draws : ndarray, shape (B,)
        Of the resamples, about the sample's mean; resamples without spread left out.
    size : int
        Events in a resample.
    """

    statistic: float
    draws: Floats
    size: int


def bootstrap_t(values: Floats, *, draws: int = 1000, seed: int = 0) -> Bootstrap:
    """Resample the skewness-adjusted t under the null that the mean is what was observed.

    Each resample has n / 4 events, rounded down, drawn with replacement, and its statistic is
    taken about the mean of the sample.

    Parameters
    ----------
    values : ndarray, shape (n,)
    draws : int
    seed : int

    Returns
    -------
    Bootstrap

    References
    ----------
    Lyon, Barber and Tsai (1999), section II.C.
    """
    size = len(values) // SHARE
    chosen = np.random.default_rng(seed).integers(0, len(values), size=(draws, size))
    found = johnson_t(values[chosen].T, float(values.mean()))
    own = float(johnson_t(values[:, None])[0])
    return Bootstrap(own, found[np.isfinite(found)], size)


def mean_verdicts(values: Floats, *, draws: int, seed: int) -> dict[str, Verdict]:
    """Test that the mean of n BHARs is zero, in three ways.

    Parameters
    ----------
    values : ndarray, shape (n,)
    draws : int
        Resamples of the bootstrap.
    seed : int

    Returns
    -------
    dict of str to Verdict
        ``t``, ``skewness_adjusted_t`` and ``bootstrapped_skewness_adjusted_t``; each of one
        value, and without a number where the sample is too small.
    """
    return {
        "t": _by_student(mean_t, values, fewest=2),
        # The skewness of two numbers is zero whatever they are.
        "skewness_adjusted_t": _by_student(johnson_t, values, fewest=3),
        "bootstrapped_skewness_adjusted_t": _bootstrapped(values, draws, seed),
    }


def _by_student(statistic: Callable[[Floats], Floats], values: Floats, fewest: int) -> Verdict:
    n = len(values)
    if n < fewest:
        return undefined(1, f"undefined: {_counted(n)}, at least {fewest} needed")
    t = statistic(values[:, None])
    return student(t, n - 1) if np.isfinite(t[0]) else undefined(1, NO_VARIATION)


def _counted(n: int) -> str:
    return f"{n} event{'' if n == 1 else 's'}"


def _bootstrapped(values: Floats, draws: int, seed: int) -> Verdict:
    """Return equal-tailed probabilities: p_greater = (1 + #{t_b >= t}) / (B + 1)."""
    fewest = SHARE * FEWEST_RESAMPLED
    if len(values) < fewest:
        return undefined(
            1,
            f"undefined: {_counted(len(values))}, at least {fewest} needed for resamples of n / 4",
        )
    found = bootstrap_t(values, draws=draws, seed=seed)
    count = len(found.draws)
    if not np.isfinite(found.statistic) or not count:
        return undefined(1, NO_VARIATION)
    greater = (1.0 + (found.draws >= found.statistic).sum()) / (count + 1.0)
    less = (1.0 + (found.draws <= found.statistic).sum()) / (count + 1.0)
    return Verdict(
        np.array([found.statistic]),
        np.array([greater]),
        np.array([less]),
        np.array([min(1.0, 2.0 * min(greater, less))]),
        f"bootstrap, {count} resamples of {found.size} events",
    )
