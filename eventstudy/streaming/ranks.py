"""Ranks of residuals and event days, from one sort a row.

A row holds the residuals of one event and all that is to be ranked among them. Its numbers
are sorted with their place in the row written into their last bits, which is several times
as fast as an indirect sort. Rows whose numbers are not told apart without those bits (equal
returns, or nearly) are ranked again in full, ties averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int16]
Bools = npt.NDArray[np.bool_]

LAST = 1e300
"""Stands for a missing residual, times one to two: it sorts after everything."""
WIDEST = 16_000
"""Most numbers of a row: twice a rank is kept in 16 bits."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """Twice the ranks of one set of event values, pooled with the residuals, of n rows.

    Attributes
    ----------
    residuals : ndarray, shape (n, M), int16
        2 for the smallest; of missing residuals they say nothing.
    values : ndarray, shape (n, L), int16
    """

    residuals: Shorts
    values: Shorts


@dataclass(frozen=True, slots=True)
class Singles:
    """Where W values stand, each by itself, among the residuals of n rows.

    Attributes
    ----------
    low, high : ndarray, shapes (n, M), int16
        Residuals below each residual, and not above it.
    below, upto : ndarray, shapes (n, W), int16
        Residuals below each value, and not above it.
    tied : bool
        Whether any two numbers of a row are equal.
    """

    low: Shorts
    high: Shorts
    below: Shorts
    upto: Shorts
    tied: bool


def rank_rows(
    residuals: Floats, pools: list[Floats], singles: Floats, first: int | None = None
) -> tuple[list[Pooled], Singles]:
    """Rank sets of event values among residuals.

    Parameters
    ----------
    residuals : ndarray, shape (n, M)
        NaN where missing.
    pools : list of ndarray, shape (n, L)
        Sets of values, each pooled with the residuals by itself; none missing.
    singles : ndarray, shape (n, W)
        Values that join the residuals one at a time; none missing.
    first : int, optional
        Pool whose values are the first singles, too.
    """
    m = residuals.shape[1]
    last = LAST * (1.0 + np.arange(m) / m)
    filled = np.where(np.isnan(residuals), last, residuals)
    row = np.concatenate([filled, *pools, singles], axis=1)
    order, tied = _sorted_places(row)
    exact = bool(tied.any())
    if exact:
        order[tied] = np.argsort(row[tied], axis=1, kind="stable").astype(np.int16)
    found, low, high = _ranked(row, order, m, pools, exact=exact)
    own = list(range(m + sum(pool.shape[1] for pool in pools), row.shape[1]))
    if first is not None:
        start = m + sum(pool.shape[1] for pool in pools[:first])
        own = [*range(start, start + pools[first].shape[1]), *own]
    below = low if exact else high
    at_residual = low if exact else high - np.int16(1)
    return found, Singles(at_residual[:, :m], high[:, :m], below[:, own], high[:, own], exact)


def _sorted_places(row: Floats) -> tuple[Shorts, Bools]:
    """Return the order of each row, and which rows have numbers too close for it."""
    width = row.shape[1]
    bits = int(width - 1).bit_length()
    keys = row + 0.0  # one zero, not two
    whole = keys.view(np.int64)
    whole &= ~np.int64((1 << bits) - 1)
    whole |= np.arange(width)
    keys.sort(axis=1)
    order = (whole & ((1 << bits) - 1)).astype(np.int16)
    whole >>= bits
    equal = whole[:, 1:] == whole[:, :-1]
    return order, equal.any(axis=1)


def _ranked(
    row: Floats, order: Shorts, m: int, pools: list[Floats], *, exact: bool
) -> tuple[list[Pooled], Shorts, Shorts]:
    """Return the ranks of each pool, and the residuals below each number and not above it."""
    n, width = row.shape
    at = (np.arange(n) * width)[:, None] + order
    runs = _runs(row.ravel()[at]) if exact else None
    base = np.cumsum(order < m, axis=1, dtype=np.int16)
    found, start = [], m
    for pool in pools:
        end = start + pool.shape[1]
        inside = np.cumsum((order >= start) & (order < end), axis=1, dtype=np.int16)
        inside += base
        less, upto = _below(inside, runs)
        # The mean place of a run of equal numbers; without ties simply the place.
        twice = less + upto + np.int16(1) if exact else upto + upto
        places = _back(twice, at)
        found.append(Pooled(places[:, :m], places[:, start:end]))
        start = end
    low, high = _below(base, runs)
    high = _back(high, at)
    return found, _back(low, at) if exact else high, high


def _runs(ordered: Floats) -> tuple[Ints, Ints]:
    """Return where the run of equal numbers of each place begins and ends, shape (n, T)."""
    n, width = ordered.shape
    begins = np.ones((n, width), dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=begins[:, 1:])
    place = np.arange(width)
    first = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    ends = np.ones((n, width), dtype=bool)
    ends[:, :-1] = begins[:, 1:]
    last = np.minimum.accumulate(np.where(ends, place, width)[:, ::-1], axis=1)[:, ::-1]
    return first, last


def _below(count: Shorts, runs: tuple[Ints, Ints] | None) -> tuple[Shorts, Shorts]:
    """Return how many counted numbers are below each, and not above it, in sorted order."""
    if runs is None:
        return count, count
    first, last = runs
    before = np.concatenate([np.zeros((len(count), 1), dtype=np.int16), count[:, :-1]], axis=1)
    return np.take_along_axis(before, first, axis=1), np.take_along_axis(count, last, axis=1)


def _back(values: Shorts, at: Ints) -> Shorts:
    """Return sorted values in the order of the row."""
    found = np.empty(values.shape, dtype=np.int16)
    found.ravel()[at] = values
    return found
