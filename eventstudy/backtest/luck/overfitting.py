"""The probability that picking the best variant picks noise: PBO by CSCV.

Combinatorially symmetric cross-validation: the path is cut into S blocks; every choice of
S/2 blocks is one training half, the rest its testing half. The best variant of the training
half is looked up among all variants in the testing half.

References
----------
Bailey, D., Borwein, J., Lopez de Prado, M. and Zhu, Q. J. (2017). The probability of backtest
overfitting. Journal of Computational Finance 20(4), 39-69.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.luck.sharpe import moving, ratio_or_zero, require_finite
from eventstudy.errors import BacktestError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCKS = 16
MOST_BLOCKS = 20
"""184,756 combinations; each further pair of blocks makes them nearly four times as many."""
FEWEST_IN_BLOCK = 10
"""A trade lasts about ten sessions: in shorter blocks each would lie in both halves."""
FEWEST_VARIANTS = 10
"""Different variants that move: a rank among fewer comes in steps above a tenth."""
TIE = 1e-9
"""Sharpe ratios per period closer than this are one value."""
CHUNK = 2_000_000
"""Most values of one array in memory: combinations times variants."""

_NONE: Floats = np.empty(0)


@dataclass(frozen=True, slots=True)
class Overfitting:
    """What selection by in-sample Sharpe ratio is worth out of sample.

    Attributes
    ----------
    n, variants, distinct, blocks : int
        Periods, columns given, different columns that move, S.
    pbo : float
        Share of combinations with a logit of zero or below: the variant picked in one half is
        no better than the median in the other. One half where all variants are noise, and
        that with a wide error: the combinations share their data.
    loss : float
        Share of combinations in which the variant picked has a Sharpe ratio below zero out of
        sample.
    slope : float
        Of the out-of-sample on the in-sample ratio of the variant picked, least squares over
        combinations. Negative even for noise, since the halves of one path share its mean.
    logits : ndarray, shape (N,)
        N = C(S, S/2), in the order of `itertools.combinations`.
    trained, tested : ndarray, shape (N,)
        Sharpe ratios per period of the variant picked, in and out of sample.
    picked : ndarray, shape (N,), int
        Its column; of equals the first.
    why : str
        Why there is no number; empty where there is one.
    """

    n: int
    variants: int
    distinct: int
    blocks: int
    pbo: float = math.nan
    loss: float = math.nan
    slope: float = math.nan
    logits: Floats = field(default_factory=_NONE.copy)
    trained: Floats = field(default_factory=_NONE.copy)
    tested: Floats = field(default_factory=_NONE.copy)
    picked: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    why: str = ""


def cscv(returns: Floats, *, blocks: int = BLOCKS) -> Overfitting:
    """Return the probability of backtest overfitting of a sweep.

    The rank r of the picked variant among K in the testing half (mid-rank for equals) gives
    the logit ``ln(w / (1 - w))``, w = r / (K + 1). Where T is no multiple of S the first
    blocks are one period longer: no period is left out. A half without trades, or without
    variation, has Sharpe 0.

    Parameters
    ----------
    returns : ndarray, shape (T, K)
        Excess returns per period of every variant run, also of those that never traded.
    blocks : int
        S, even, 4 to 20.

    Returns
    -------
    Overfitting
        Without numbers and with `why` below S x `FEWEST_IN_BLOCK` periods or below
        `FEWEST_VARIANTS` different variants that move.

    Raises
    ------
    BacktestError
        For returns that are not finite or not a matrix, and for other S.
    """
    returns = require_finite(returns, 2)
    if blocks % 2 or not 4 <= blocks <= MOST_BLOCKS:
        raise BacktestError(f"blocks {blocks}; allowed: an even number from 4 to {MOST_BLOCKS}")
    (n, variants), distinct = returns.shape, distinct_variants(returns)
    why = ""
    if n < blocks * FEWEST_IN_BLOCK:
        why = f"{n} periods; {blocks} blocks need {blocks * FEWEST_IN_BLOCK} or more"
    elif distinct < FEWEST_VARIANTS:
        why = f"{distinct} different variants that trade; needs {FEWEST_VARIANTS} or more"
    if why:
        return Overfitting(n, variants, distinct, blocks, why=why)
    trained, tested, logits, picked = cross_validated(returns, blocks)
    return Overfitting(
        n,
        variants,
        distinct,
        blocks,
        pbo=float((logits <= 0).mean()),
        loss=float((tested < -TIE).mean()),
        slope=_slope(trained, tested),
        logits=logits,
        trained=trained,
        tested=tested,
        picked=picked,
    )


def distinct_variants(returns: Floats) -> int:
    """Return how many different columns of returns, shape (T, K), vary at all."""
    if not len(returns):
        return 0
    live = returns[:, moving(returns.mean(axis=0), returns.std(axis=0))]
    return len({column.tobytes() for column in live.T})


def cross_validated(returns: Floats, blocks: int) -> tuple[Floats, Floats, Floats, Ints]:
    """Return in-sample and out-of-sample ratio, logit and column of each pick, shape (N,).

    Parameters
    ----------
    returns : ndarray, shape (T, K)
    blocks : int
        S.
    """
    halves = training_halves(blocks)
    edges = block_edges(len(returns), blocks)
    counts = np.diff(np.append(edges, len(returns))).astype(float)
    sums = np.add.reduceat(returns, edges, axis=0)
    squares = np.add.reduceat(returns**2, edges, axis=0)
    step = max(1, CHUNK // returns.shape[1])
    forward, backward = [], []
    # The mirror image of combination i is N - 1 - i: each half serves to train and to test.
    for begin in range(0, len(halves) // 2, step):
        chosen = halves[: len(halves) // 2][begin : begin + step]
        one = half_sharpes(chosen, counts, sums, squares)
        other = half_sharpes(1.0 - chosen, counts, sums, squares)
        forward.append(_picks(one, other))
        backward.append(tuple(part[::-1] for part in _picks(other, one)))
    parts = zip(*forward, *reversed(backward), strict=True)
    trained, tested, logits, picked = (np.concatenate(part) for part in parts)
    return trained, tested, logits, picked


def training_halves(blocks: int) -> Floats:
    """Return 1 where a block trains and 0 where it tests, shape (N, S)."""
    chosen = np.array(list(itertools.combinations(range(blocks), blocks // 2)))
    halves = np.zeros((len(chosen), blocks))
    np.put_along_axis(halves, chosen, 1.0, axis=1)
    return halves


def block_edges(n: int, blocks: int) -> Ints:
    """Return the first period of each block, shape (S,): lengths differ by one at most."""
    lengths = np.full(blocks, n // blocks, dtype=np.int64)
    lengths[: n % blocks] += 1
    return np.append(0, np.cumsum(lengths)[:-1])


def half_sharpes(halves: Floats, counts: Floats, sums: Floats, squares: Floats) -> Floats:
    """Return the Sharpe ratio per period (ddof 1) of each variant in each half, shape (N, K).

    Parameters
    ----------
    halves : ndarray, shape (N, S)
        1 where a block belongs to the half.
    counts : ndarray, shape (S,)
        Periods of a block.
    sums, squares : ndarray, shape (S, K)
        Of returns and of their squares over a block.
    """
    n = (halves @ counts)[:, None]
    mean = halves @ sums / n
    variance = (halves @ squares - n * mean**2) / (n - 1.0)
    return ratio_or_zero(mean, np.sqrt(np.maximum(variance, 0.0)))


def _picks(trained: Floats, tested: Floats) -> tuple[Floats, Floats, Floats, Ints]:
    """Return ratios in and out of sample, logit and column of the best of each row."""
    best = trained.max(axis=1, keepdims=True)
    picked = (trained >= best - TIE).argmax(axis=1)
    rows = np.arange(len(picked))
    own = tested[rows, picked][:, None]
    below = (tested < own - TIE).sum(axis=1)
    equal = (np.abs(tested - own) <= TIE).sum(axis=1)
    rank = below + (equal + 1.0) / 2.0
    logits = np.log(rank / (tested.shape[1] + 1.0 - rank))
    return trained[rows, picked], own[:, 0], logits, picked


def _slope(x: Floats, y: Floats) -> float:
    """Return the least-squares slope of y on x; NaN where x does not vary."""
    deviations = x - x.mean()
    square = float(deviations @ deviations)
    return float(deviations @ y) / square if square > TIE**2 * len(x) else math.nan
