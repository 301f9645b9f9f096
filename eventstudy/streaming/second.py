"""Second pass over the events: ranks, which need the spread of all events first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.streaming.fits import Block
from eventstudy.streaming.pairs import PairSums
from eventstudy.streaming.parts import Part
from eventstudy.streaming.ranks import Pooled, Singles, rank_rows
from eventstudy.streaming.world import World, designs_of, sound_blocks, standardised

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ROWS = 250
"""Rows ranked at once: counts of them fit into a byte."""

POOLS: tuple[str, ...] = ("corrado", "corrado_zivney", "cumrank")
DAYS = "corrado_zivney"


@dataclass(frozen=True, slots=True)
class Spreads:
    """What event days and windows are divided by before they are ranked.

    Attributes
    ----------
    days : mapping of str to ndarray, shape (L,)
        By test of `POOLS`: standardised abnormal returns are divided by it. Not for
        ``corrado``, which ranks abnormal returns themselves; NaN where there is no spread.
    windows : ndarray, shape (W,)
        SCARs are divided by it for the generalised rank tests.
    """

    days: Mapping[str, Floats]
    windows: Floats


@dataclass(frozen=True, slots=True)
class SecondJob:
    """What the second pass is asked of a part.

    Attributes
    ----------
    part : Part
    pools : tuple of str
        Tests of `POOLS` that are asked for.
    singles : bool
        Whether the generalised rank tests are.
    spreads : mapping of str to Spreads
        By model.
    """

    part: Part
    pools: tuple[str, ...]
    singles: bool
    spreads: Mapping[str, Spreads]


@dataclass(frozen=True, eq=False)
class RankSums:
    """Sums of uniform scores over events, U = midrank / (1 + T_i) - 1/2.

    Attributes
    ----------
    n : int
    scores : mapping of str to ndarray, shape (M + L,)
        By test of `POOLS`; NaN for an event day without a spread.
    count : ndarray, shape (M,)
        Events that have a session of the estimation window.
    single : ndarray, shape (W, M + 1)
        Of the generalised rank tests, the window's own score last.
    single_variance : float
        Sum of (T_i - 1) / (12 (T_i + 1)).
    cumulated : ndarray, shape (K,)
        Sum of the variances of cumulated ranks over windows of each length.
    pairs : ndarray, shape (G, K)
        Sums over pairs g sessions apart of their rank correlation times the deviations of
        both cumulated ranks.
    """

    n: int
    scores: Mapping[str, Floats]
    count: Floats
    single: Floats
    single_variance: float
    cumulated: Floats
    pairs: Floats

    def __add__(self, other: RankSums) -> RankSums:
        """Return the sums of the events of both."""
        added = {
            field.name: getattr(self, field.name) + getattr(other, field.name)
            for field in fields(self)
            if field.name != "scores"
        }
        scores = {name: values + other.scores[name] for name, values in self.scores.items()}
        return RankSums(scores=scores, **added)


def second_pass(world: World, job: SecondJob) -> dict[str, RankSums]:
    """Rank the events of a part; return sums by model.

    Parameters
    ----------
    world : World
    job : SecondJob
    """
    designs = designs_of(world, job.part)
    adders = {name: _Ranks(world, job, name) for name in world.recipes}
    wanted = "cumrank" in job.pools
    for _, own, blocks, _ in sound_blocks(world, job.part, designs):
        if own or wanted:
            for name, block in blocks.items():
                adders[name].add(block, own)
    return {name: adder.sums() for name, adder in adders.items()}


class _Ranks:
    """Adds up the ranks of a part under one model."""

    def __init__(self, world: World, job: SecondJob, model: str) -> None:
        self.world, self.job, self.spreads = world, job, job.spreads[model]
        m, length = world.ground.frame.estimation, world.masks.shape[1]
        self.known = {
            name: np.isfinite(self.spreads.days.get(name, np.ones(length))) for name in job.pools
        }
        before = np.zeros(m)
        self.scores = {
            name: np.append(before, np.where(known, 0.0, np.nan))
            for name, known in self.known.items()
        }
        self.n, self.count = 0, np.zeros(m)
        self.single = np.zeros((len(world.masks), m + 1))
        self.single_variance = 0.0
        self.lengths = np.unique(world.lengths)
        self.cumulated = np.zeros(len(self.lengths))
        self.pairs = PairSums(world.reach, m, len(self.lengths), job.part.end)

    def add(self, block: Block, own: bool) -> None:
        """Add the events of whole dates."""
        if not len(block):
            return
        pieces = [
            self._rows(block, slice(a, min(a + ROWS, len(block))), own)
            for a in range(0, len(block), ROWS)
        ]
        if own:
            self.n += len(block)
        if "cumrank" in self.job.pools:
            self._add_pairs(block, np.concatenate(pieces), own)

    def _rows(self, block: Block, rows: slice, own: bool) -> Floats:
        """Rank some rows; return the scores of residuals that `cumrank` correlates."""
        residuals, sigma = block.residuals[rows], block.sigma[rows]
        length = block.ar.shape[1]
        pools, place = self._pools(block, rows)
        ones: Floats = np.empty((len(residuals), 0))
        pool: int | None = None
        if self.job.singles and own:
            scaled = standardised(block, self.world)[rows] / self.spreads.windows
            ones = np.nan_to_num(scaled * sigma[:, None])
            if DAYS in self.job.pools and self.known[DAYS].all():
                # The first windows are the days, and the same numbers stand in that pool.
                pool, ones = place[self.job.pools.index(DAYS)], ones[:, length:]
        found, singles = rank_rows(residuals, pools, ones, pool)
        count = block.count[rows]
        present = None if block.whole[rows].all() else np.isfinite(residuals)
        each = [_scored(pool, count, present) for pool in found]
        scores = [each[k] for k in place]
        if own:
            self._add_scores(scores, count, present)
            if self.job.singles:
                self._add_singles(singles, count, present)
        return scores[-1][0] if self.job.pools and self.job.pools[-1] == "cumrank" else ones

    def _pools(self, block: Block, rows: slice) -> tuple[list[Floats], list[int]]:
        """Return the sets of event days to be ranked, and which of them each test takes.

        A day without a spread has no standardised value: it is missing from its set.
        Two tests whose days are divided by the same have one set: it is ranked once, and equal
        numbers of two sets are not taken for ties.
        """
        sigma, length = block.sigma[rows, None], block.ar.shape[1]
        pools: list[Floats] = []
        place: list[int] = []
        known: dict[bytes, int] = {}
        for name in self.job.pools:
            by = self.spreads.days.get(name)
            key = b"" if by is None else by.tobytes()
            if key not in known:
                known[key] = len(pools)
                days = block.ar[rows] if by is None else block.scar[rows, :length] / by * sigma
                pools.append(days[:, self.known[name]])
            place.append(known[key])
        return pools, place

    def _add_scores(
        self, scores: list[tuple[Floats, Floats]], count: Ints, present: Bools | None
    ) -> None:
        m = len(self.count)
        for name, (residuals, values) in zip(self.job.pools, scores, strict=True):
            total = residuals.sum(axis=0) if present is None else np.nansum(residuals, axis=0)
            self.scores[name][:m] += total
            self.scores[name][m:][self.known[name]] += values.sum(axis=0)
        self.count += len(count) if present is None else present.sum(axis=0)

    def _add_singles(self, singles: Singles, count: Ints, present: Bools | None) -> None:
        """Add scores of residuals that one value has joined, and of the value."""
        m = len(self.count)
        share = 1.0 / (count + 2.0)  # T_i = M_i + 1
        there = np.ones((len(count), m)) if present is None else present.astype(float)
        base = (singles.low.astype(float) + singles.high + 1.0) / 2.0 * there
        self.single[:, :m] += share @ base - 0.5 * there.sum(axis=0)
        self.single[:, :m] += _above(singles, share, present)
        own = (singles.below.astype(float) + singles.upto) / 2.0 + 1.0
        self.single[:, m] += share @ own - 0.5 * len(count)
        self.single_variance += float((count / (12.0 * (count + 2.0))).sum())

    def _add_pairs(self, block: Block, scores: Floats, own: bool) -> None:
        lengths = self.lengths
        total = block.count[:, None] + float(self.known["cumrank"].sum())
        # Windows longer than all that is ranked hold days without a value, and have none.
        variance = lengths * np.maximum(total - lengths, 0.0) / (12.0 * (total + 1.0))
        if own:
            self.cumulated += variance.sum(axis=0)
        deviation = np.sqrt(variance)
        starts = np.flatnonzero(np.diff(block.positions, prepend=-1))
        for a, b in zip(starts, [*starts[1:], len(block)], strict=True):
            whole = bool(block.whole[a:b].all())
            self.pairs.add(int(block.positions[a]), scores[a:b], deviation[a:b], whole)

    def sums(self) -> RankSums:
        """Return what was added up."""
        return RankSums(
            self.n, self.scores, self.count, self.single, self.single_variance, self.cumulated,
            self.pairs.sums,
        )  # fmt: skip


def _scored(pool: Pooled, count: Ints, present: Bools | None) -> tuple[Floats, Floats]:
    """Return uniform scores of residuals, NaN where missing, and of event values."""
    share = 0.5 / (1.0 + count + pool.values.shape[1])[:, None]
    residuals = pool.residuals * share - 0.5
    if present is not None:
        residuals = np.where(present, residuals, np.nan)
    return residuals, pool.values * share - 0.5


def _above(singles: Singles, share: npt.NDArray[Any], present: Bools | None) -> Floats:
    """Return sums over events of share times the residuals' rise when a value joins, (W, M).

    A residual rises by one where the value is below it, by half where they are equal.
    """
    windows, m = singles.upto.shape[1], singles.low.shape[1]
    small = np.uint8 if m < 256 else np.int16
    low: npt.NDArray[Any] = singles.low.astype(small)
    bounds = [singles.upto] if not singles.tied else [singles.upto, singles.below]
    even = present is None and bool((share == share[0]).all())
    found = np.zeros((windows, m))
    for bound in bounds:
        limits: npt.NDArray[Any] = bound.astype(small)
        for w in range(windows):
            rises = low >= limits[:, w : w + 1]
            if even:
                added = np.add.reduce(rises.view(np.uint8), axis=0, dtype=np.uint8) * share[0]
            else:
                there = rises if present is None else rises & present
                added = share @ there
            found[w] += added
    return found / len(bounds)
