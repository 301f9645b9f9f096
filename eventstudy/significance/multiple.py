"""p-values adjusted for the number of tests.

References
----------
Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal
of Statistics 6, 65-70.
Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the
Royal Statistical Society B 57, 289-300.
Romano, J. and Wolf, M. (2005). Stepwise multiple testing as formalized data snooping.
Econometrica 73, 1237-1282.
Romano, J. and Wolf, M. (2016). Efficient computation of adjusted p-values for resampling-based
stepdown multiple testing. Statistics and Probability Letters 113, 38-40.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from eventstudy.significance.sample import TIE

Floats = npt.NDArray[np.float64]


def holm(p: Floats) -> Floats:
    """Adjust so that the probability of any false rejection is held.

    In ascending order ``p~_k = max_{j <= k} min(1, (m - j + 1) p_j)``; any dependence.

    Parameters
    ----------
    p : ndarray, shape (H,)
        NaN where there was no test: it stays NaN and counts for nothing.

    Returns
    -------
    ndarray, shape (H,)
    """
    return _adjusted(p, _holm)


def benjamini_hochberg(p: Floats) -> Floats:
    """Adjust so that the expected share of false ones among the rejections is held.

    In ascending order ``p~_k = min_{j >= k} min(1, m p_j / j)``; independent or positively
    dependent tests.

    Parameters
    ----------
    p : ndarray, shape (H,)
        NaN where there was no test: it stays NaN and counts for nothing.

    Returns
    -------
    ndarray, shape (H,)
    """
    return _adjusted(p, _benjamini_hochberg)


def romano_wolf(t: Floats, drawn: Floats) -> Floats:
    """Adjust by the largest statistic of joint draws, step-down.

    In descending order of |t|, ``p_k = (1 + #{max_{j >= k} |t*_j| >= |t_k|}) / (B + 1)``,
    made non-decreasing: the largest is held against the largest of all, the next against the
    largest of those that are left.

    Parameters
    ----------
    t : ndarray, shape (H,)
        Statistics of one scale, such as studentised means; NaN where there is none.
    drawn : ndarray, shape (B, H)
        Of draws under the null, made jointly for all hypotheses.

    Returns
    -------
    ndarray, shape (H,)
        Two-sided; NaN where `t` is.
    """
    found = np.full(len(t), np.nan)
    tested = np.flatnonzero(np.isfinite(t))
    order = tested[np.argsort(-np.abs(t[tested]), kind="stable")]
    size = np.abs(drawn[:, order])
    # From the last column to the first: the largest of a hypothesis and those after it.
    largest = np.maximum.accumulate(size[:, ::-1], axis=1)[:, ::-1]
    exceeding = (largest >= np.abs(t[order]) * (1.0 - TIE)).sum(axis=0)
    found[order] = np.maximum.accumulate((1.0 + exceeding) / (len(drawn) + 1.0))
    return found


def _adjusted(p: Floats, adjust: Callable[[Floats], Floats]) -> Floats:
    """Apply an adjustment of ascending p-values to those that there are."""
    found = np.full(len(p), np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    found[order] = np.minimum(1.0, adjust(p[order])) if len(order) else p[order]
    return found


def _holm(p: Floats) -> Floats:
    found: Floats = np.maximum.accumulate(p * np.arange(len(p), 0, -1))
    return found


def _benjamini_hochberg(p: Floats) -> Floats:
    raw = p * len(p) / np.arange(1, len(p) + 1)
    found: Floats = np.minimum.accumulate(raw[::-1])[::-1]
    return found
