"""Sign tests and the signed-rank test over events."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import added
from eventstudy.significance.contract import (
    SignificanceTest,
    Verdict,
    normal,
    one_or_each,
    symmetric,
)
from eventstudy.significance.midranks import midranks
from eventstudy.significance.sample import Sample

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROUNDING = 1e-13
"""CARs closer than this share of their root mean square are tied."""
Tails = tuple[float, float, float, str]
LARGEST_EXACT = 50
"""Most CARs for which the signed-rank distribution is enumerated."""


class _NoZeros(SignificanceTest):
    """A test that leaves CARs of zero out, and says how many."""

    def caveat(self, sample: Sample, mask: Floats) -> str:
        """Say how many CARs are zero, and what else fails."""
        car = added(np.where(sample.missing, 0.0, sample.ar), mask[None, :])
        zeros = int((car == 0).sum())
        return "; ".join(filter(None, (zeros_said(zeros), super().caveat(sample, mask))))


def zeros_said(zeros: int) -> str:
    """Return how many CARs of zero are left out; empty for none."""
    return f"{zeros} CAR{'' if zeros == 1 else 's'} of zero left out" if zeros else ""


class Sign(_NoZeros):
    """Number of positive CARs, exact binomial at 1/2; CARs of zero are left out."""

    name = "sign"
    null = "a CAR is as often positive as negative"
    assumptions = "CARs independent across events, their median zero (no skewness)"
    source = "binomial test; Brown and Warner 1980"

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return the count of positive CARs for each window."""
        car = sample.cars(masks)[0]
        return self.of_counts((car > 0).sum(axis=0), (car != 0).sum(axis=0))

    @staticmethod
    def of_counts(above: Ints, trials: Ints) -> Verdict:
        """Return the tails of counts of positive CARs among trials, shapes (W,)."""
        from scipy.special import bdtr, bdtrc

        positive = above.astype(np.float64)
        greater = np.where(positive > 0, bdtrc(positive - 1, trials, 0.5), 1.0).astype(np.float64)
        less = bdtr(positive, trials, 0.5).astype(np.float64)
        named = one_or_each([f"binomial({n}, 1/2)" for n in trials])
        return symmetric(positive, greater, less, named)


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
        return normal(sign_z(positive, n, p))


def sign_z(positive: Ints, n: int, p: float) -> Floats:
    """Return (w - N p) / sqrt(N p (1 - p)), shape (W,)."""
    found: Floats = (positive - n * p) / np.sqrt(n * p * (1.0 - p))
    return found


class Wilcoxon(_NoZeros):
    """W+, the sum of the ranks of positive CARs; zeros are left out.

    Exact for up to 50 CARs without ties, else normal with the tie correction.
    """

    name = "wilcoxon"
    null = "CARs are symmetric about zero"
    assumptions = "CARs independent across events, of one symmetric distribution"
    source = "Wilcoxon 1945"

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return W+ for each window."""
        tails = [signed_rank(column[column != 0]) for column in sample.cars(masks)[0].T]
        w, greater, less = (np.array([tail[k] for tail in tails]) for k in range(3))
        return symmetric(w, greater, less, one_or_each([tail[3] for tail in tails]))


def magnitudes(car: Floats) -> Floats:
    """Return |CAR|, shape (n,); those that differ by rounding alone are made equal.

    Two series that are alike have one CAR, and where their rows stand in a product of matrices
    moves its last bits: the smallest of a run stands for all.
    """
    size = np.abs(car)
    if not len(size):
        return size
    order = np.argsort(size)
    ordered = size[order]
    begins = np.append(True, np.diff(ordered) > ROUNDING * np.sqrt((size**2).mean()))
    found = np.empty_like(size)
    found[order] = ordered[begins][np.cumsum(begins) - 1]
    return found


def ranked_exactly(car: Floats) -> bool:
    """Return whether the signed ranks of CARs that are not zero, shape (n,), are enumerated."""
    return len(car) <= LARGEST_EXACT and len(np.unique(magnitudes(car))) == len(car)


def signed_rank(car: Floats) -> Tails:
    """Return W+ of CARs that are not zero, both tails and their distribution."""
    from scipy.special import ndtr

    n = len(car)
    size = magnitudes(car)
    ranks = midranks(size[None, :])[0]
    w = float(ranks[car > 0].sum())
    if ranked_exactly(car):
        share = _signed_rank_distribution(n)
        at = round(w)
        exact = f"exact signed rank, N={n}"
        return w, float(share[at:].sum()), float(share[: at + 1].sum()), exact
    _, ties = np.unique(size, return_counts=True)
    variance = n * (n + 1) * (2 * n + 1) / 24.0 - (ties**3 - ties).sum() / 48.0
    z = (w - n * (n + 1) / 4.0) / np.sqrt(variance)
    return w, float(ndtr(-z)), float(ndtr(z)), f"normal with tie correction, N={n}"


@lru_cache(maxsize=64)
def _signed_rank_distribution(n: int) -> Floats:
    """Return P(W+ = k) for k = 0 .. n (n + 1) / 2 by adding one rank at a time."""
    share = np.zeros(n * (n + 1) // 2 + 1)
    share[0] = 1.0
    for rank in range(1, n + 1):
        moved = np.concatenate([np.zeros(rank), share[:-rank]])
        share = (share + moved) / 2.0
    return share
