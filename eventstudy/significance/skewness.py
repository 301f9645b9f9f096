"""Tests of a mean CAR that allow for skewness."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eventstudy.significance.contract import SignificanceTest, SpreadTest, Verdict, normal, student
from eventstudy.significance.sample import Sample, spread

Floats = npt.NDArray[np.float64]

ASSUMPTIONS = "CARs independent across events, of one distribution, which may be skewed"


class SkewnessAdjusted(SignificanceTest):
    """sqrt(N) (S + g S^2 / 3 + g / (6 N)), t with N - 1 degrees of freedom.

    S = CAAR / s_CAR (ddof 1), g = mean cubed deviation / s_CAR^3. Not monotone in S: for
    skewed CARs and a large S the sign may turn, which `hall` mends.

    References
    ----------
    Johnson, N. J. (1978). Modified t tests and confidence intervals for asymmetrical
    populations. Journal of the American Statistical Association 73, 536-544.
    Lyon, J., Barber, B. and Tsai, C.-L. (1999). Journal of Finance 54, 165-201.
    """

    name = "skewness_adjusted"
    assumptions = ASSUMPTIONS
    source = "Johnson 1978; Lyon, Barber and Tsai 1999"
    fewest = 3
    comfortable = 20

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return t for each window."""
        return student(johnson_t(sample.cars(masks)[0]), len(sample) - 1)


class Hall(SpreadTest):
    """sqrt(N) (S + g S^2 / 3 + g^2 S^3 / 27 + g / (6 N)), standard normal.

    The cubic term makes the transformation of S monotone.

    References
    ----------
    Hall, P. (1992). On the removal of skewness by transformation. Journal of the Royal
    Statistical Society B 54, 221-228.
    """

    name = "hall"
    assumptions = ASSUMPTIONS
    source = "Hall 1992"

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return z for each window."""
        return normal(hall_z(*share_and_skewness(sample.cars(masks)[0]), len(sample)))


def johnson_t(values: Floats, centre: float = 0.0) -> Floats:
    """Return sqrt(N) (S + g S^2 / 3 + g / (6 N)), S = (mean - centre) / s, of each column.

    Parameters
    ----------
    values : ndarray, shape (N, W)
    centre : float
        Mean under the null.

    Returns
    -------
    ndarray, shape (W,)
        NaN where the values do not vary.

    References
    ----------
    Johnson (1978); Lyon, Barber and Tsai (1999), equation 5.
    """
    return skewed_t(*share_and_skewness(values, centre), len(values))


def skewed_t(s: Floats, g: Floats, n: int) -> Floats:
    """Return sqrt(N) (S + g S^2 / 3 + g / (6 N)), shape (W,)."""
    found: Floats = np.sqrt(n) * (s + g * s**2 / 3.0 + g / (6.0 * n))
    return found


def hall_z(s: Floats, g: Floats, n: int) -> Floats:
    """Return sqrt(N) (S + g S^2 / 3 + g^2 S^3 / 27 + g / (6 N)), shape (W,)."""
    found: Floats = np.sqrt(n) * (s + g * s**2 / 3.0 + g**2 * s**3 / 27.0 + g / (6.0 * n))
    return found


def share_and_skewness(values: Floats, centre: float = 0.0) -> tuple[Floats, Floats]:
    """Return (mean - centre) / s and mean cubed deviation / s^3, s of ddof 1, shapes (W,)."""
    mean, s = values.mean(axis=0), spread(values)
    return (mean - centre) / s, ((values - mean) ** 3).mean(axis=0) / s**3
