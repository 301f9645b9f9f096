"""Sign tests and the signed-rank test over events."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from eventstudy.significance.contract import SignificanceTest, Verdict, normal, symmetric
from eventstudy.significance.midranks import midranks
from eventstudy.significance.sample import Sample

Floats = npt.NDArray[np.float64]

LARGEST_EXACT = 50
"""Largest N for which the signed-rank distribution is enumerated."""


class Sign(SignificanceTest):
    """Number of positive CARs, exact binomial at 1/2; CARs of zero are left out."""

    name = "sign"
    null = "a CAR is as often positive as negative"
    assumptions = "CARs independent across events, their median zero (no skewness)"
    source = "binomial test; Brown and Warner 1980"

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return the count of positive CARs for each window."""
        from scipy.special import bdtr, bdtrc

        car = sample.cars(masks)[0]
        positive = (car > 0).sum(axis=0).astype(float)
        trials = (car != 0).sum(axis=0)
        greater = np.where(positive > 0, bdtrc(positive - 1, trials, 0.5), 1.0)
        less = bdtr(positive, trials, 0.5)
        return symmetric(positive, greater, less, f"binomial({len(sample)}, 1/2)")


class GeneralizedSign(SignificanceTest):
    """(w - N p) / sqrt(N p (1 - p)), w the number of positive CARs.

    p is the share of positive daily estimation residuals, averaged over events.
    """

    name = "generalized_sign"
    null = "a CAR is as often positive as a daily residual of the estimation window"
    assumptions = "CARs independent across events"
    source = "Cowan 1992"

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return z for each window."""
        n = len(sample)
        present = np.isfinite(sample.residuals)
        p = ((sample.residuals > 0).sum(axis=1) / present.sum(axis=1)).mean()
        positive = (sample.cars(masks)[0] > 0).sum(axis=0)
        return normal((positive - n * p) / np.sqrt(n * p * (1.0 - p)))


class Wilcoxon(SignificanceTest):
    """W+, the sum of the ranks of positive CARs; zeros are left out.

    Exact for N up to 50 without ties, else normal with the tie correction.
    """

    name = "wilcoxon"
    null = "CARs are symmetric about zero"
    assumptions = "CARs independent across events, of one symmetric distribution"
    source = "Wilcoxon 1945"

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return W+ for each window."""
        tails = [_signed_rank(column) for column in sample.cars(masks)[0].T]
        statistic, greater, less, exact = (np.array(column) for column in zip(*tails, strict=True))
        if exact.all():
            distribution = f"exact signed rank, N={len(sample)}"
        elif not exact.any():
            distribution = "normal with tie correction"
        else:
            distribution = "exact signed rank; normal with tie correction where tied"
        return symmetric(statistic, greater, less, distribution)


def _signed_rank(car: Floats) -> tuple[float, float, float, bool]:
    """Return W+, both tails and whether they are exact."""
    from scipy.special import ndtr

    kept = car[car != 0]
    n = len(kept)
    if n == 0:
        return 0.0, 1.0, 1.0, False
    ranks = midranks(np.abs(kept)[None, :])[0]
    w = float(ranks[kept > 0].sum())
    _, ties = np.unique(np.abs(kept), return_counts=True)
    if n <= LARGEST_EXACT and (ties == 1).all():
        share = _signed_rank_distribution(n)
        at = round(w)
        return w, float(share[at:].sum()), float(share[: at + 1].sum()), True
    variance = n * (n + 1) * (2 * n + 1) / 24.0 - (ties**3 - ties).sum() / 48.0
    z = (w - n * (n + 1) / 4.0) / np.sqrt(variance)
    return w, float(ndtr(-z)), float(ndtr(z)), False


@lru_cache(maxsize=64)
def _signed_rank_distribution(n: int) -> Floats:
    """Return P(W+ = k) for k = 0 .. n (n + 1) / 2 by adding one rank at a time."""
    share = np.zeros(n * (n + 1) // 2 + 1)
    share[0] = 1.0
    for rank in range(1, n + 1):
        moved = np.concatenate([np.zeros(rank), share[:-rank]])
        share = (share + moved) / 2.0
    return share
