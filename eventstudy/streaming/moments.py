"""Moments of columns that are added up part by part.

References
----------
Chan, T., Golub, G. and LeVeque, R. (1983). Algorithms for computing the sample variance.
The American Statistician 37, 242-247.
Pebay, P. (2008). Formulas for robust, one-pass parallel computation of covariances and
arbitrary-order statistical moments. Sandia report SAND2008-6212.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.significance.sample import NO_SPREAD

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and central sums of W columns.

    Attributes
    ----------
    n : int
        Rows.
    mean : ndarray, shape (W,)
    second, third : ndarray, shape (W,)
        Sums of squared and cubed deviations from the mean.
    """

    n: int
    mean: Floats
    second: Floats
    third: Floats

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of the rows of both."""
        if not self.n or not other.n:
            return other if not self.n else self
        n = self.n + other.n
        apart = other.mean - self.mean
        both = self.n * other.n / n
        mean = self.mean + apart * (other.n / n)
        second = self.second + other.second + apart**2 * both
        third = (
            self.third
            + other.third
            + apart**3 * both * (self.n - other.n) / n
            + 3.0 * apart * (self.n * other.second - other.n * self.second) / n
        )
        return Moments(n, mean, second, third)

    @property
    def total(self) -> Floats:
        """Sums of the columns, shape (W,)."""
        return self.n * self.mean

    @property
    def deviation(self) -> Floats:
        """Standard deviations, ddof 1, shape (W,); NaN where rows are equal but for rounding."""
        if self.n < 2:
            return np.full_like(self.mean, np.nan)
        found = np.sqrt(self.second / (self.n - 1))
        size = np.sqrt(self.second / self.n + self.mean**2)
        return np.where(found > NO_SPREAD * size, found, np.nan)


def moments(values: Floats) -> Moments:
    """Return the moments of the columns of an (n, W) array."""
    if not len(values):
        blank = np.zeros(values.shape[1])
        return Moments(0, blank, blank, blank)
    mean = values.mean(axis=0)
    off = values - mean
    square = off * off
    return Moments(len(values), mean, square.sum(axis=0), (square * off).sum(axis=0))
