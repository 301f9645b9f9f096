"""Sums of correlations over pairs of events, without a matrix of pairs.

The correlation of two series over the sessions that both have is the product of the two,
each centred and scaled over those sessions. Two events with complete data, g sessions apart,
share all but the first g sessions of the later window and all but the last g of the earlier:
the sum over all pairs of two dates is the product of two sums, one a date. Pairs with an
event that lacks sessions are correlated one by one, a date against a date.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.significance.sample import FEWEST_SHARED

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

FLAT = 1e-12
"""A series whose variance is less than this share of its mean square does not vary."""


@dataclass(frozen=True, eq=False)
class _Date:
    """Events of one date that may meet events of later ones.

    Attributes
    ----------
    position : int
    values : ndarray, shape (n, M)
        Scaled; those that lack sessions first, zero where missing.
    used : ndarray, shape (n, M), or None
        1 where a value is there; None where all are.
    weights : ndarray, shape (n, K)
    gaps : int
        Events that lack sessions.
    """

    position: int
    values: Floats
    used: Floats | None
    weights: Floats
    gaps: int

    def part(self, rows: slice, sessions: slice) -> tuple[Floats, Floats]:
        """Return values of some events and sessions, and 1 where they are there."""
        values = self.values[rows, sessions]
        return values, np.ones_like(values) if self.used is None else self.used[rows, sessions]


class PairSums:
    """Adds up r_ij s_i s_j over pairs of events by the sessions between them.

    Dates are given in order; those at or beyond `end` only as the later one of a pair.

    Parameters
    ----------
    reach : int
        Pairs this many sessions apart or more are not asked for.
    sessions : int
        M, sessions of a series.
    kinds : int
        K, weights of an event; those of events with complete data are alike on a date.
    end : int
        Position from which on a date belongs to another part.

    Attributes
    ----------
    sums : ndarray, shape (G, K)
        Over pairs g sessions apart, each pair once; `reach` long, zero where fewer than 30
        sessions are shared.
    """

    def __init__(self, reach: int, sessions: int, kinds: int, end: int) -> None:
        self.reach = max(0, min(reach, sessions - FEWEST_SHARED + 1))
        self.sums: Floats = np.zeros((reach, kinds))
        self.end = end
        self._held: deque[_Date] = deque()
        self._lacking = 0
        g = self.reach
        apart, column = np.arange(g)[:, None], np.arange(sessions)
        self._kept = (column >= apart).astype(float)
        self._before = (np.arange(g - 1)[:, None] < np.arange(g)).astype(float)
        # By position modulo G: sums over complete events of series that are centred and scaled
        # over all but their first g sessions; their weights; and whose they are.
        self._early = np.zeros((g, g, sessions))
        self._weight = np.zeros((g, kinds))
        self._owner = np.full(g, -g - 1)
        self._late = np.zeros((g, sessions + 1))

    def add(self, position: int, values: Floats, weights: Floats, whole: bool) -> None:
        """Take in the events of one date.

        Parameters
        ----------
        position : int
            Above those given before.
        values : ndarray, shape (n, M)
            NaN where missing.
        weights : ndarray, shape (n, K)
        whole : bool
            Whether no value is missing.
        """
        if not self.reach:
            return
        while self._held and position - self._held[0].position >= self.reach:
            self._lacking -= self._held.popleft().gaps
        new = _date(position, values, weights, whole)
        if new.gaps < len(new.values):
            self._complete(new)
        if new.gaps or self._lacking:
            self._incomplete(new)
        if position < self.end:
            self._held.append(new)
            self._lacking += new.gaps

    def _complete(self, new: _Date) -> None:
        """Add pairs of complete events, and keep their sums for later dates."""
        g, position = self.reach, new.position
        early, late, number = _summed(new.values[new.gaps :], self._kept, self._before)
        weight = new.weights[new.gaps]
        self._late[:, :-1] = late
        # Row g of the flat array, cut M long instead of M + 1, begins g sessions later: the
        # series on the sessions of a window that ends g sessions before.
        moved = self._late.ravel()[: late.size].reshape(late.shape)
        slots = (position - np.arange(1, g)) % g
        there = self._owner[slots] == position - np.arange(1, g)
        products = np.einsum("gm,gm->g", self._early[slots, np.arange(1, g)], moved[1:])
        self.sums[1:g] += np.where(there, products, 0.0)[:, None] * self._weight[slots] * weight
        if position < self.end:
            self.sums[0] += (early[0] @ early[0] - number) / 2.0 * weight**2
            slot = position % g
            self._early[slot], self._weight[slot], self._owner[slot] = early, weight, position

    def _incomplete(self, new: _Date) -> None:
        """Add pairs with an event that lacks sessions."""
        every = slice(None)
        if new.gaps and new.position < self.end:
            r = _correlations(*new.part(slice(new.gaps), every), *new.part(every, every))
            # Two events with gaps meet twice, and an event does not meet itself.
            r[:, : new.gaps] = np.triu(r[:, : new.gaps], 1)
            self.sums[0] += _weighted(new.weights[: new.gaps], r, new.weights)
        for old in self._held:
            if old.gaps:
                self._between(old, slice(old.gaps), new, every)
            if new.gaps:
                self._between(old, slice(old.gaps, None), new, slice(new.gaps))

    def _between(self, old: _Date, a: slice, new: _Date, b: slice) -> None:
        g = new.position - old.position
        m = old.values.shape[1] - g
        r = _correlations(*old.part(a, slice(g, None)), *new.part(b, slice(m)))
        self.sums[g] += _weighted(old.weights[a], r, new.weights[b])


def _date(position: int, values: Floats, weights: Floats, whole: bool) -> _Date:
    if whole:
        return _Date(position, values, None, weights, 0)
    missing = np.isnan(values)
    lacking = missing.any(axis=1)
    order = np.argsort(~lacking, kind="stable")
    missing, weights = missing[order], weights[order]
    values = np.where(missing, 0.0, values[order])
    used = (~missing).astype(float)
    # Scaled by row, so that sums of squares lose no digits; a correlation does not notice.
    count = np.maximum(used.sum(axis=1), 1.0)
    size = np.sqrt(np.einsum("nm,nm->n", values, values) / count)
    values = values / np.where(size > 0, size, 1.0)[:, None]
    return _Date(position, values, used, weights, int(lacking.sum()))


def _summed(values: Floats, kept: Floats, before: Floats) -> tuple[Floats, Floats, int]:
    """Return sums of series, each centred and scaled over a part of its sessions.

    Parameters
    ----------
    values : ndarray, shape (n, M)
        Complete.
    kept : ndarray, shape (G, M)
        1 for all but the first g sessions.
    before : ndarray, shape (G - 1, G)
        1 where a session is among the first g.

    Returns
    -------
    early, late : ndarray, shape (G, M)
        Over all but the first, and all but the last, g sessions; zero in those g.
    number : int
        Series that vary over all sessions.
    """
    (n, m), g = values.shape, len(kept)
    total, square = values.sum(axis=1)[:, None], np.einsum("nm,nm->n", values, values)[:, None]
    edges = np.stack([values[:, : g - 1], values[:, : m - g : -1]])
    left = total - edges @ before
    mean = left / (m - np.arange(g))
    left_square = square - (edges * edges) @ before
    spread = left_square - left * mean
    varies = spread > FLAT * left_square
    scale = np.where(varies, 1.0 / np.sqrt(np.where(varies, spread, 1.0)), 0.0)
    shift = np.einsum("kng,kng->kg", scale, mean)
    sums = (scale.transpose(0, 2, 1).reshape(2 * g, n) @ values).reshape(2, g, m)
    sums -= shift[:, :, None]
    sums[0] *= kept
    sums[1] *= kept[:, ::-1]
    return sums[0], sums[1], int(varies[0, :, 0].sum())


def _correlations(a: Floats, used_a: Floats, b: Floats, used_b: Floats) -> Floats:
    """Correlate two sets of series over the sessions that both have, shape (n, m)."""
    count = used_a @ used_b.T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_a, mean_b = (a @ used_b.T) / count, (used_a @ b.T) / count
        square_a = (a * a) @ used_b.T / count - mean_a**2
        square_b = used_a @ (b * b).T / count - mean_b**2
        r = ((a @ b.T) / count - mean_a * mean_b) / np.sqrt(square_a * square_b)
    return np.where((count >= FEWEST_SHARED) & np.isfinite(r), np.clip(r, -1.0, 1.0), 0.0)


def _weighted(left: Floats, r: Floats, right: Floats) -> Floats:
    """Return sum_ij s_i r_ij s_j for each of K weights, shape (K,)."""
    found: Floats = np.einsum("ik,ik->k", left, r @ right)
    return found


def mean_correlations(sums: Floats, n: int, lengths: Floats) -> Floats:
    """Return r of Kolari and Pynnonen for windows of these lengths, shape (W,).

    ``(2 / (N (N-1))) sum_{i<j} w_ij r_ij``, w_ij the share of the window's sessions that two
    events g sessions apart have in common.

    Parameters
    ----------
    sums : ndarray, shape (G,)
        Over pairs g sessions apart, G at least the longest window.
    n : int
    lengths : ndarray, shape (W,)
    """
    if n < 2:
        return np.zeros(len(lengths))
    found: Floats = shares(lengths, len(sums)) @ sums * (2.0 / (n * (n - 1.0)))
    return found


def shares(lengths: Floats, reach: int) -> Floats:
    """Return the share of a window that events g sessions apart have in common, (W, G)."""
    apart = np.arange(reach)
    found: Floats = np.maximum(0.0, lengths[:, None] - apart) / lengths[:, None]
    return found
