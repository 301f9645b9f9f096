"""What a variance process expects of the sessions to come.

References
----------
Bollerslev, T. (1986). Generalized autoregressive conditional heteroskedasticity. Journal of
Econometrics 31, 307-327.
Nelson, D. B. (1991). Conditional heteroskedasticity in asset returns: a new approach.
Econometrica 59, 347-370.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def garch_path(process: Floats, e: float, h: float, steps: Ints) -> Floats:
    """Return expected GARCH(1,1) variances.

    Parameters
    ----------
    process : ndarray, shape (3,)
        omega, a, b.
    e, h : float
        Last error and its variance.
    steps : ndarray, shape (L,), int
        Sessions ahead, 1 or more.

    Returns
    -------
    ndarray, shape (L,)

    References
    ----------
    Bollerslev, T. (1986). Journal of Econometrics 31, 307-327.
    """
    omega, a, b = process
    path = np.empty(int(steps.max()))
    path[0] = omega + a * e**2 + b * h
    for k in range(1, len(path)):
        path[k] = omega + (a + b) * path[k - 1]
    return path[steps - 1]


def egarch_path(process: Floats, e: float, h: float, steps: Ints) -> Floats:
    """Return expected EGARCH(1,1,1) variances under normal errors.

    ln h_{T+k} = omega (1 + b + .. + b^{k-2}) + b^{k-1} ln h_{T+1} + sum_j b^j g(z_j), the sum
    over j = 0 .. k-2 of independent terms, so that E[h_{T+k}] is the exponential of the
    known part times the product of E[exp(b^j g(z))], g(z) = a (|z| - sqrt(2/pi)) + g z.

    Parameters
    ----------
    process : ndarray, shape (4,)
        omega, a, g, b.
    e, h : float
        Last error and its variance.
    steps : ndarray, shape (L,), int
        Sessions ahead, 1 or more.

    Returns
    -------
    ndarray, shape (L,)
        Infinite where the expectation overflows.

    References
    ----------
    Nelson, D. B. (1991). Econometrica 59, 347-370.
    """
    omega, a, g, b = process
    z = e / np.sqrt(h)
    path = np.empty(int(steps.max()))
    known = omega + a * (abs(z) - np.sqrt(2.0 / np.pi)) + g * z + b * np.log(h)
    moments = 0.0
    path[0] = known
    for k in range(1, len(path)):
        known = omega + b * known
        moments += _log_moment(b ** (k - 1) * a, b ** (k - 1) * g)
        path[k] = known + moments
    with np.errstate(over="ignore"):
        expected: Floats = np.exp(path)[steps - 1]
    return expected


def _log_moment(a: float, g: float) -> float:
    """Return ln E[exp(a (|z| - sqrt(2/pi)) + g z)] of a standard normal z."""
    from scipy.special import log_ndtr

    up, down = a + g, a - g
    terms = (0.5 * up**2 + log_ndtr(up), 0.5 * down**2 + log_ndtr(down))
    return float(np.logaddexp(*terms)) - a * float(np.sqrt(2.0 / np.pi))
