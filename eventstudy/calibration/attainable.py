"""The size that a discrete test attains at nominal 5%.

A test of counts cannot reject with probability 5% exactly. It is judged against the
probability that its own rule rejects where its null is exactly true: the largest at or below
5% for exact tests, on either side of it for one whose tails are normal.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from eventstudy.significance import Sample
from eventstudy.significance.rank import ranked_exactly

Floats = npt.NDArray[np.float64]

LEVEL = 0.05
SIDES = ("two-sided", "greater", "less")
Levels = tuple[float, float, float]
CONTINUOUS = (LEVEL, LEVEL, LEVEL)


def attainable_levels(test: str, sample: Sample, masks: Floats) -> Levels:
    """Return the level of a test in a sample: two-sided, greater, less; the mean over windows.

    Parameters
    ----------
    test : str
    sample : Sample
    masks : ndarray, shape (W, L)
    """
    if test not in DISCRETE:
        return CONTINUOUS
    each = [
        DISCRETE[test](part, car)
        for windows, part in sample.complete(masks)
        for car in part.cars(masks[windows])[0].T
    ]
    two_sided, greater, less = (float(np.mean(side)) for side in zip(*each, strict=True))
    return two_sided, greater, less


def _sign(_sample: Sample, car: Floats) -> Levels:
    return binomial_levels(int((car != 0).sum()))


def _wilcoxon(_sample: Sample, car: Floats) -> Levels:
    kept = car[car != 0]
    return signed_rank_levels(len(kept)) if ranked_exactly(kept) else CONTINUOUS


def _generalized_sign(sample: Sample, car: Floats) -> Levels:
    positive = (sample.residuals > 0).sum(axis=1)
    share = float((positive / np.isfinite(sample.residuals).sum(axis=1)).mean())
    return generalized_sign_levels(len(car), share)


DISCRETE = {"sign": _sign, "wilcoxon": _wilcoxon, "generalized_sign": _generalized_sign}


@lru_cache(maxsize=64)
def binomial_levels(n: int) -> Levels:
    """Return the levels of the exact binomial test at 1/2 of n signs."""
    return _exact_levels(binomial(n, 0.5))


@lru_cache(maxsize=64)
def signed_rank_levels(n: int) -> Levels:
    """Return the levels of the exact signed-rank test of n values without ties."""
    share = np.ones(1)
    for rank in range(1, n + 1):
        step = np.zeros(rank + 1)
        step[[0, -1]] = 0.5
        share = np.convolve(share, step)
    return _exact_levels(share)


def generalized_sign_levels(n: int, p: float) -> Levels:
    """Return the levels of Cowan's test where each of n CARs is positive with probability p.

    Its normal tails make them larger or smaller than 5%.
    """
    from scipy.special import ndtri

    share = binomial(n, p)
    z = (np.arange(n + 1) - n * p) / np.sqrt(n * p * (1.0 - p))
    one, two = -ndtri(LEVEL), -ndtri(LEVEL / 2.0)
    return (
        float(share[np.abs(z) >= two].sum()),
        float(share[z >= one].sum()),
        float(share[z <= -one].sum()),
    )


def binomial(n: int, p: float) -> Floats:
    """Return P(k successes of n), shape (n + 1,)."""
    from scipy.special import gammaln, xlogy

    k = np.arange(n + 1)
    log_choices = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    found: Floats = np.exp(log_choices + xlogy(k, p) + xlogy(n - k, 1.0 - p))
    return found


def _exact_levels(share: Floats) -> Levels:
    """Return the levels of a test whose p-values are tail sums; two-sided twice the smaller."""
    less = np.cumsum(share)
    greater = np.cumsum(share[::-1])[::-1]
    # A tail of exactly 5% rejects: rounding of the sums must not keep it out.
    limit = LEVEL * (1.0 + 1e-12)
    return (
        float(share[2.0 * np.minimum(greater, less) <= limit].sum()),
        float(share[greater <= limit].sum()),
        float(share[less <= limit].sum()),
    )
