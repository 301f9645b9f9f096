"""Least squares with errors that allow for autocorrelation and changing variance.

References
----------
Newey, W. and West, K. (1987). A simple, positive semi-definite, heteroskedasticity and
autocorrelation consistent covariance matrix. Econometrica 55, 703-708.
Newey, W. and West, K. (1994). Automatic lag selection in covariance matrix estimation. Review
of Economic Studies 61, 631-653 (the rule for the number of lags).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HacFit:
    """Least squares with errors that allow for autocorrelation and changing variance.

    Attributes
    ----------
    params, se : ndarray, shape (k,)
    dof : int
        T - k.
    lags : int
    r2 : float
    """

    params: Floats
    se: Floats
    dof: int
    lags: int
    r2: float


def default_lags(count: int) -> int:
    """Return floor(4 (T / 100)^(2/9)), the rule of Newey and West (1994)."""
    return int(np.floor(4.0 * (count / 100.0) ** (2.0 / 9.0)))


def newey_west(y: Floats, x: Floats, lags: int) -> HacFit:
    """Regress y on x with Newey-West errors.

    ``T / (T - k) (X'X)^-1 [G_0 + sum_l (1 - l / (lags + 1)) (G_l + G_l')] (X'X)^-1`` with
    ``G_l = sum_t e_t e_(t-l) x_t x_(t-l)'``: Bartlett weights, the small-sample factor of
    common practice.

    Parameters
    ----------
    y : ndarray, shape (T,)
    x : ndarray, shape (T, k)
        The intercept included.
    lags : int

    Returns
    -------
    HacFit
    """
    count, k = x.shape
    q, r = np.linalg.qr(x)
    r_inverse = np.linalg.inv(r)
    params = r_inverse @ (q.T @ y)
    residuals = y - x @ params
    scores = x * residuals[:, None]
    middle = scores.T @ scores
    for lag in range(1, min(lags, count - 1) + 1):
        product = scores[lag:].T @ scores[:-lag]
        middle += (1.0 - lag / (lags + 1.0)) * (product + product.T)
    bread = r_inverse @ r_inverse.T
    covariance = bread @ middle @ bread * count / (count - k)
    apart = y - y.mean()
    total = float(apart @ apart)
    r2 = 1.0 - float(residuals @ residuals) / total if total > 0 else np.nan
    return HacFit(params, np.sqrt(np.diag(covariance)), count - k, lags, r2)
