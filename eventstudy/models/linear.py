"""Linear expected-return models, fitted for many events at once.

AR = y2 - X2 b, s^2 = e'e / (M - d), V = s^2 (I + X2 (X1'X1)^-1 X2'): the exact covariance
of the forecast errors of one event's days, which share one estimated alpha and beta.

References
----------
Salinger, M. (1992). Value event studies. Review of Economics and Statistics 74, 671-677.
Belsley, D., Kuh, E. and Welsch, R. (1980). Regression Diagnostics, ch. 3.
Campbell, J., Lo, A. and MacKinlay, A. C. (1997). The Econometrics of Financial Markets, ch. 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LARGEST_CONDITION = 1e12
"""Condition number from which a design counts as singular: rounding alone gives no more."""
DOUBTFUL_CONDITION = 100.0
"""Condition number from which a reader is told: strong by Belsley, Kuh and Welsch (1980)."""


@dataclass(frozen=True, slots=True)
class LinearFit:
    """Ordinary least squares of n regressions at once.

    Attributes
    ----------
    params : ndarray, shape (n, d)
        Coefficients, the intercept first where there is one.
    gram_inverse : ndarray, shape (n, d, d)
        ``(X1'X1)^-1``.
    r_inverse : ndarray, shape (n, d, d)
        Its root, from X1 = Q R: forecasts square it last, and so keep twice the digits.
    s2 : ndarray, shape (n,)
        Residual variance on `dof` degrees of freedom, return units squared.
    dof : ndarray, shape (n,), int
        M - d, M being the usable sessions of each regression.
    residuals : ndarray, shape (n, M)
        NaN where a session was not usable.
    leverage : ndarray, shape (n, M)
        Diagonal of the hat matrix; NaN where a session was not usable.
    condition : ndarray, shape (n,)
        Condition number of X1 with its columns scaled to unit length; inf where singular.
    """

    params: Floats
    gram_inverse: Floats
    r_inverse: Floats
    s2: Floats
    dof: npt.NDArray[np.int64]
    residuals: Floats
    leverage: Floats
    condition: Floats


def fit(y: Floats, x: Floats) -> LinearFit:
    """Fit n regressions by a batched QR decomposition, missing sessions left out of each.

    Parameters
    ----------
    y : ndarray, shape (n, M)
        Returns of the estimation window; NaN = missing.
    x : ndarray, shape (n, M, d)
        Design; a row with a NaN is missing. ``d = 0`` is allowed: nothing is estimated.

    Returns
    -------
    LinearFit
        Parameters are NaN where X1 has not full rank.
    """
    n, m, d = x.shape
    used = np.isfinite(y) & np.isfinite(x).all(axis=2)
    y0 = np.where(used, y, 0.0)
    x0 = np.where(used[:, :, None], x, 0.0)
    dof = used.sum(axis=1) - d
    if d == 0:
        params, r_inverse = np.zeros((n, 0)), np.zeros((n, 0, 0))
        leverage, condition = np.zeros((n, m)), np.ones(n)
    else:
        params, r_inverse, leverage, condition = _least_squares(y0, x0, dof)
    residuals = y0 - np.einsum("nmd,nd->nm", x0, params)
    with np.errstate(invalid="ignore", divide="ignore"):
        s2 = np.where(dof > 0, (residuals**2).sum(axis=1) / dof, np.nan)
    return LinearFit(
        params,
        r_inverse @ np.swapaxes(r_inverse, 1, 2),
        r_inverse,
        s2,
        dof.astype(np.int64),
        np.where(used, residuals, np.nan),
        np.where(used, leverage, np.nan),
        condition,
    )


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Thin QR of n designs, columns scaled to unit length: X1 = Q R.

    Attributes
    ----------
    q : ndarray, shape (n, M, d)
        Orthonormal columns.
    r_inverse : ndarray, shape (n, d, d)
        NaN where X1 has not full rank.
    condition : ndarray, shape (n,)
        Of X1 with its columns scaled to unit length; inf where it has not full rank.
    """

    q: Floats
    r_inverse: Floats
    condition: Floats


def decompose(x: Floats, dof: npt.NDArray[np.int64]) -> Decomposition:
    """Decompose n designs; rows of zeros stand for missing sessions and change nothing.

    Parameters
    ----------
    x : ndarray, shape (n, M, d)
        ``d`` of at least 1.
    dof : ndarray, shape (n,), int
        M_i - d; a negative one has no solution.

    Returns
    -------
    Decomposition
    """
    length = np.linalg.norm(x, axis=1)
    scale = np.where(length > 0, length, 1.0)
    q, r = np.linalg.qr(x / scale[:, None, :])
    singular_values = np.linalg.svd(r, compute_uv=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        condition = singular_values[:, 0] / singular_values[:, -1]
    # A column that repeats others but for rounding does not pass.
    solvable = (dof >= 0) & (condition < LARGEST_CONDITION)
    r_safe = np.where(solvable[:, None, None], r, np.eye(x.shape[2]))
    r_inverse = np.linalg.inv(r_safe) / scale[:, :, None]
    r_inverse[~solvable] = np.nan
    return Decomposition(q, r_inverse, np.where(solvable, condition, np.inf))


def _least_squares(
    y: Floats, x: Floats, dof: npt.NDArray[np.int64]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return coefficients, R^-1, leverage and condition."""
    found = decompose(x, dof)
    params = np.einsum("nij,nj->ni", found.r_inverse, np.einsum("nmd,nm->nd", found.q, y))
    return params, found.r_inverse, (found.q**2).sum(axis=2), found.condition


def forecast(fitted: LinearFit, y: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Return abnormal returns and the covariance of their forecast errors.

    Parameters
    ----------
    fitted : LinearFit
        Of n regressions.
    y : ndarray, shape (n, L)
        Returns of the event window.
    x : ndarray, shape (n, L, d)
        Design of the event window.

    Returns
    -------
    ar : ndarray, shape (n, L)
    v : ndarray, shape (n, L, L)
    """
    ar = y - np.einsum("nld,nd->nl", x, fitted.params)
    root = x @ fitted.r_inverse
    shared = root @ np.swapaxes(root, 1, 2)
    v = fitted.s2[:, None, None] * (np.eye(y.shape[1]) + shared)
    return ar, v
