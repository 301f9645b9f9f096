"""Log volume: what is normal for a security, and what the market's volume explains.

References
----------
Ajinkya, B. and Jain, P. (1989). The behavior of daily stock market trading volume. Journal of
Accounting and Economics 11, 331-359.
Campbell, C. and Wasley, C. (1996). Measuring abnormal daily trading volume for samples of
NYSE/ASE and NASDAQ securities. Review of Quantitative Finance and Accounting 6, 309-326.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def log_volume(volume: Floats) -> Floats:
    """Return the natural logarithm of shares traded; NaN where none were.

    The usual log turnover differs from it by the log of the shares outstanding, which an
    intercept takes up as long as they do not change; the usual small constant, there to keep
    zeros, would make a figure depend on the unit. A session of no volume is missing instead.

    Parameters
    ----------
    volume : ndarray, any shape, shares, adjusted for splits

    Returns
    -------
    ndarray, the same shape
    """
    traded = np.isfinite(volume) & (volume > 0)
    return np.where(traded, np.log(np.where(traded, volume, 1.0)), np.nan)


def first_autocorrelation(residuals: Floats) -> Floats:
    """Return the first-order autocorrelation of each row.

    ``sum e_t e_(t-1) / sum e_t^2``, over pairs of neighbours that are both present.

    Parameters
    ----------
    residuals : ndarray, shape (n, M)
        NaN where missing.

    Returns
    -------
    ndarray, shape (n,)
    """
    present = np.where(np.isfinite(residuals), residuals, 0.0)
    with np.errstate(invalid="ignore"):
        found: Floats = (present[:, 1:] * present[:, :-1]).sum(axis=1) / (present**2).sum(axis=1)
    return found
