"""Blocks of a path: how long they should be, and the rows that a stationary bootstrap draws.

Both are those of `arch.bootstrap`, to the same random numbers; arch itself takes seconds to
import, which every run would pay for.

References
----------
Politis, D. and Romano, J. (1994). The stationary bootstrap. Journal of the American
Statistical Association 89, 1303-1313.
Politis, D. and White, H. (2004). Automatic block-length selection for the dependent bootstrap.
Econometric Reviews 23, 53-70; correction by Patton, Politis and White (2009), 28, 372-375.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CELLS = 250_000
"""Numbers that are drawn before they are used."""


def optimal_block(x: Floats) -> float:
    """Return the mean block length for the stationary bootstrap, not rounded.

    ``(g^2 n / s^4)^(1/3)``, at most ``min(3 sqrt(n), n / 3)``, with flat-top weights of the
    autocovariances up to m: ``g = sum h |k| c_k``, ``s^2 = sum h c_k``. m is twice the lag from
    which `k` autocorrelations in a row lie within ``2 sqrt(log10(n) / n)``.

    Parameters
    ----------
    x : ndarray, shape (T,)

    Returns
    -------
    float
        NaN where the autocovariances cancel out.
    """
    n, error = len(x), x - x.mean(0)
    run = max(5, int(np.log10(n)))
    most = int(np.ceil(np.sqrt(n))) + run
    covariance, correlation = _autocovariances(error, most)
    inside = correlation < 2.0 * np.sqrt(np.log10(n) / n)
    quiet = (i for i in range(most + 1 - run) if inside[i : i + run].all())
    first = next(quiet, None)
    m = most if first is None else min(2 * max(first, 1), most)
    lags = np.arange(1, m + 1)
    weights = np.where(lags / m <= 0.5, 1.0, 2.0 * (1.0 - lags / m))
    g = float((2.0 * weights * lags * covariance[1 : m + 1]).sum())
    long_run = covariance[0] + float((2.0 * weights * covariance[1 : m + 1]).sum())
    if not long_run:
        return math.nan
    found: float = (g**2 / long_run**2) ** (1.0 / 3.0) * n ** (1.0 / 3.0)
    return min(found, float(np.ceil(min(3.0 * np.sqrt(n), n / 3.0))))


def _autocovariances(error: Floats, most: int) -> tuple[Floats, Floats]:
    """Return autocovariances and the sizes of autocorrelations of lags 0 to `most`."""
    n = len(error)
    covariance, correlation = np.zeros(most + 1), np.zeros(most + 1)
    for lag in range(most + 1):
        product = error[lag:] @ error[: n - lag]
        late, early = error[lag + 1 :], error[: -(lag + 1)]
        covariance[lag] = product / n
        with np.errstate(invalid="ignore", divide="ignore"):
            correlation[lag] = np.abs(product) / np.sqrt((late @ late) * (early @ early))
    return covariance, correlation


def stationary_rows(n: int, block: int, draws: int, seed: int) -> Iterator[Ints]:
    """Yield the rows of resamples of a path by blocks of geometric length, round its end.

    Parameters
    ----------
    n : int
        Length of the path.
    block : int
        Mean length of a block.
    draws, seed : int

    Yields
    ------
    ndarray, shape (B', n), int
        Of some draws at a time, `draws` in all.
    """
    rng = np.random.default_rng(seed)
    step = max(1, CELLS // n)
    for begin in range(0, draws, step):
        count = min(step, draws - begin)
        starts, chance = np.empty((count, n), dtype=np.int64), np.empty((count, n))
        for k in range(count):
            starts[k] = rng.integers(n, size=n)
            chance[k] = rng.random(n)
        begins = chance <= 1.0 / block
        begins[:, 0] = True
        at = np.arange(n)
        last = np.maximum.accumulate(np.where(begins, at, 0), axis=1)
        yield (np.take_along_axis(starts, last, axis=1) + at - last) % n
