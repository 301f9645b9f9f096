"""Control firms: named by the user, or the nearest neighbours on data before the event.

References
----------
Barber, B. and Lyon, J. (1997). Detecting long-run abnormal stock returns. Journal of Financial
Economics 43, 341-372.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CHARACTERISTICS = ("beta", "volatility", "momentum")


def characteristics(returns: Floats, market: Floats) -> dict[str, Floats]:
    """Describe K securities by their returns over one estimation window.

    beta: slope on the market. volatility: standard deviation, ddof 1. momentum: compounded
    return. Sessions that a security misses are left out of its figures.

    Parameters
    ----------
    returns : ndarray, shape (M, K)
    market : ndarray, shape (M,)

    Returns
    -------
    dict of str to ndarray, shape (K,)
    """
    present = np.isfinite(returns)
    both = present & np.isfinite(market)[:, None]
    count = both.sum(axis=0)
    x = np.where(both, np.nan_to_num(market)[:, None], 0.0)
    y = np.where(both, returns, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_x, mean_y = x.sum(axis=0) / count, y.sum(axis=0) / count
        apart = np.where(both, x - mean_x, 0.0)
        beta = (apart * (y - mean_y)).sum(axis=0) / (apart**2).sum(axis=0)
        volatility = np.nanstd(np.where(present, returns, np.nan), axis=0, ddof=1)
    momentum = np.prod(np.where(present, 1.0 + returns, 1.0), axis=0) - 1.0
    return {"beta": beta, "volatility": volatility, "momentum": momentum}


def nearest(own: Floats, others: Floats, count: int) -> npt.NDArray[np.intp]:
    """Return the rows of the `count` nearest candidates, nearest first.

    Euclidean distance, each characteristic divided by its standard deviation (ddof 1) over
    the candidates; one on which they do not differ is left out.

    Parameters
    ----------
    own : ndarray, shape (C,)
    others : ndarray, shape (D, C)
    count : int

    Returns
    -------
    ndarray, shape (min(count, D),), int
        Ties keep the order of the candidates.
    """
    spread = others.std(axis=0, ddof=1) if len(others) > 1 else np.zeros(others.shape[1])
    varied = spread > 0
    apart = (others[:, varied] - own[varied]) / spread[varied]
    return np.argsort((apart**2).sum(axis=1), kind="stable")[:count]


def described(found: dict[str, Floats], names: Sequence[str]) -> Floats:
    """Stack characteristics in the order asked for, shape (K, C)."""
    return np.column_stack([found[name] for name in names])
