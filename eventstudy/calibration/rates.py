"""From counts of rejections to rates, their Monte Carlo intervals, and what they say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CONFIDENCE = 0.99
BAND = (0.7, 1.3)
"""A test holds its size within these multiples of what it can attain: 3.5% to 6.5% of 5%."""
WIDEST = 2.0
"""An interval wider than this many bands says nothing either way."""
OFTEN = 0.5
"""A test without a value in a larger share of samples has no size to speak of."""

HOLDS = "holds"
OVER = "over-rejects"
UNDER = "under-rejects"
UNSURE = "cannot say"
UNDEFINED = "undefined"


def exact_interval(
    successes: npt.ArrayLike, trials: npt.ArrayLike, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Return the exact interval of a share; it covers at least as often as it says.

    Parameters
    ----------
    successes, trials : array_like of int, one shape
    confidence : float

    Returns
    -------
    lo, hi : ndarray
        NaN where there is no trial.

    References
    ----------
    Clopper, C. and Pearson, E. (1934). The use of confidence or fiducial limits illustrated
    in the case of the binomial. Biometrika 26, 404-413.
    """
    from scipy.special import betaincinv

    x, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    tail = (1.0 - confidence) / 2.0
    # The beta distribution needs positive parameters; the ends are put in by hand.
    lo = np.where(x > 0, betaincinv(np.maximum(x, 1.0), n - x + 1.0, tail), 0.0)
    hi = np.where(x < n, betaincinv(x + 1.0, np.maximum(n - x, 1.0), 1.0 - tail), 1.0)
    return np.where(n > 0, lo, np.nan), np.where(n > 0, hi, np.nan)


def size_verdict(lo: float, hi: float, attainable: float, undefined: float) -> str:
    """Say whether a test holds its size.

    Parameters
    ----------
    lo, hi : float
        Interval of its rejection rate under the null.
    attainable : float
        The level that it can attain.
    undefined : float
        Share of samples without a value.

    Returns
    -------
    {"holds", "over-rejects", "under-rejects", "cannot say", "undefined"}
        ``holds`` where the interval meets the band.
    """
    if undefined == 1.0:
        return UNDEFINED
    low, high = BAND[0] * attainable, BAND[1] * attainable
    if lo > high:
        return OVER
    if hi < low:
        return UNDER
    if hi - lo > WIDEST * (high - low) or undefined > OFTEN:
        return UNSURE
    return HOLDS
