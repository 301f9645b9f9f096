"""Calendar-time portfolios: every session hold the firms that had an event of late.

The portfolio's own time series carries the correlation across firms that BHARs of overlapping
horizons share, so its alpha needs no independence of events.

References
----------
Jaffe, J. (1974). Special information and insider trading. Journal of Business 47, 410-428.
Fama, E. (1998). Market efficiency, long-term returns, and behavioral finance. Journal of
Financial Economics 49, 283-306.
Mitchell, M. and Stafford, E. (2000). Managerial decisions and long-term stock price
performance. Journal of Business 73, 287-329.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def held_sessions(
    positions: Ints, firms: Ints, horizon: tuple[int, int], shape: tuple[int, int]
) -> Bools:
    """Return which firms are held at which session.

    A firm is held at every session of any of its events' horizons, and once: events of one
    firm whose horizons overlap do not give it more weight.

    Parameters
    ----------
    positions : ndarray, shape (n,), int
        Row of session 0 of each event.
    firms : ndarray, shape (n,), int
        Column of each event's firm.
    horizon : (int, int)
        First and last session held, from session 0.
    shape : (S, K)

    Returns
    -------
    ndarray, shape (S, K), bool
    """
    held = np.zeros(shape, dtype=bool)
    for at, firm in zip(positions, firms, strict=True):
        held[max(at + horizon[0], 0) : max(at + horizon[1] + 1, 0), firm] = True
    return held


def portfolio_returns(
    held: Bools, returns: Floats, weights: Floats | None = None
) -> tuple[Floats, Ints]:
    """Return the portfolio's return and number of firms at each session.

    Parameters
    ----------
    held : ndarray, shape (S, K), bool
    returns : ndarray, shape (S, K)
    weights : ndarray, shape (S, K), optional
        Known before the session; scaled to sum to one over the firms held. Equal without.

    Returns
    -------
    returns : ndarray, shape (S,)
        NaN where no firm with a return and a weight is held.
    firms : ndarray, shape (S,), int
    """
    size = np.ones_like(returns) if weights is None else weights
    usable = held & np.isfinite(returns) & np.isfinite(size) & (np.nan_to_num(size) > 0)
    share = np.where(usable, size, 0.0)
    total = share.sum(axis=1)
    with np.errstate(invalid="ignore"):
        found = (share * np.where(usable, returns, 0.0)).sum(axis=1) / total
    return np.where(total > 0, found, np.nan), usable.sum(axis=1).astype(np.int64)


def lagged(values: Floats) -> Floats:
    """Return the last known value on or before the session before, shape (S, K).

    What a weight may look at: nothing of the session whose return it weighs.
    """
    rows = np.arange(len(values))[:, None]
    seen = np.maximum.accumulate(np.where(np.isfinite(values), rows, -1), axis=0)
    last = np.where(seen >= 0, np.take_along_axis(values, np.maximum(seen, 0), axis=0), np.nan)
    return np.vstack([np.full((1, values.shape[1]), np.nan), last[:-1]])


def trailing_mean(values: Floats, length: int) -> Floats:
    """Return the mean of the last `length` sessions, missing ones left out, shape (S, K)."""
    present = np.isfinite(values)
    total = np.cumsum(np.where(present, values, 0.0), axis=0)
    count = np.cumsum(present, axis=0)
    total[length:] = total[length:] - total[:-length].copy()
    count[length:] = count[length:] - count[:-length].copy()
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
