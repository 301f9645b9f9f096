"""Ranks against scipy, sums over pairs against numpy's own correlations, moments against scipy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eventstudy.streaming.moments import Moments, moments
from eventstudy.streaming.pairs import PairSums, mean_correlations, shares
from eventstudy.streaming.ranks import rank_rows

Floats = npt.NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)


def close(a: Floats, b: Floats, rtol: float = 1e-11, atol: float = 1e-12) -> None:
    np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


@given(SEEDS, st.integers(1, 40), st.integers(0, 8))
@settings(max_examples=60, deadline=None)
def test_moments_of_parts_are_those_of_the_whole(seed: int, n: int, cuts: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.standard_t(3, (n, 3)) * 10.0 ** rng.integers(-8, 9, 3)
    edges = np.sort(rng.integers(0, n + 1, cuts))
    found = Moments(0, np.zeros(3), np.zeros(3), np.zeros(3))
    for part in np.split(values, edges):
        found = found + moments(part)
    assert found.n == n
    close(found.mean, values.mean(axis=0), atol=0)
    if n > 2:
        close(found.deviation, values.std(axis=0, ddof=1), atol=0)
        skew = found.third / n / (found.second / n) ** 1.5
        close(skew, stats.skew(values, axis=0), rtol=1e-8, atol=1e-8)


def test_rows_that_are_equal_have_no_deviation() -> None:
    assert np.isnan(moments(np.full((5, 1), 0.1)).deviation).all()
    assert np.isnan(moments(np.full((1, 1), 0.1)).deviation).all()


@given(SEEDS, st.sampled_from(["distinct", "tied", "near", "signs"]), st.booleans())
@settings(max_examples=80, deadline=None)
def test_ranks_are_scipys(seed: int, kind: str, gaps: bool) -> None:
    rng = np.random.default_rng(seed)
    residuals, one, two = rng.normal(size=(7, 40)), rng.normal(size=(7, 5)), rng.normal(size=(7, 5))
    singles = rng.normal(size=(7, 3))
    if kind == "tied":
        residuals, one, two, singles = (np.round(x, 1) for x in (residuals, one, two, singles))
    if kind == "near":  # equal but for the last bits of a double
        residuals[:, 1] = np.nextafter(residuals[:, 0], 1.0)
        one[:, 0] = np.nextafter(residuals[:, 0], -1.0)
        singles[:, 0] = residuals[:, 0]
    if kind == "signs":
        residuals[:, :3] = [0.0, -0.0, 0.0]
        one[:, 0] = -0.0
    if gaps:
        residuals[rng.random(residuals.shape) < 0.2] = np.nan
    pools, found = rank_rows(residuals, [one, two], singles, 1)
    there = np.isfinite(residuals)
    for i in range(len(residuals)):
        own = residuals[i][there[i]]
        for pool, values in zip(pools, (one[i], two[i]), strict=True):
            expected = stats.rankdata(np.concatenate([own, values]))
            close(pool.residuals[i][there[i]] / 2.0, expected[: len(own)])
            close(pool.values[i] / 2.0, expected[len(own) :])
        for w, value in enumerate([*two[i], *singles[i]]):
            low = found.low[i][there[i]]
            above = (low >= found.upto[i, w]).astype(float) + (low >= found.below[i, w])
            ranks = (low + found.high[i][there[i]] + 1.0) / 2.0 + above / 2.0
            own_rank = (float(found.below[i, w]) + found.upto[i, w]) / 2.0 + 1.0
            expected = stats.rankdata([*own, value])
            close(np.append(ranks, own_rank), expected)


def by_hand(dates: list[tuple[int, Floats]], weights: list[Floats], reach: int, end: int) -> Floats:
    """Return sums over pairs of numpy's correlation of the sessions that both have."""
    found = np.zeros((reach, weights[0].shape[1]))
    series = [
        (position, row, weight)
        for (position, rows), held in zip(dates, weights, strict=True)
        for row, weight in zip(rows, held, strict=True)
    ]
    for i, (p, a, s) in enumerate(series):
        for q, b, t in series[i + 1 :]:
            g = q - p
            if p >= end or g >= reach:
                continue
            left, right = a[g:], b[: len(b) - g]
            both = np.isfinite(left) & np.isfinite(right)
            if both.sum() < 30:
                continue
            r = np.corrcoef(left[both], right[both])[0, 1]
            found[g] += s * t * r
    return found


@given(SEEDS, st.booleans(), st.integers(2, 12), st.booleans())
@settings(max_examples=40, deadline=None)
def test_sums_over_pairs_are_those_of_pairs(seed: int, gaps: bool, reach: int, ends: bool) -> None:
    rng = np.random.default_rng(seed)
    m = 40
    positions = np.unique(rng.integers(0, 14, 6))
    end = int(positions[len(positions) // 2]) + 1 if ends else 100
    dates, weights = [], []
    adder = PairSums(reach, m, 2, end)
    for position in positions:
        rows = rng.normal(size=(int(rng.integers(1, 5)), m)) + rng.normal(size=m)
        held = np.tile(rng.uniform(0.5, 2.0, 2), (len(rows), 1))
        if gaps:
            rows[rng.random(rows.shape) < rng.choice([0.0, 0.03, 0.2])] = np.nan
            lacking = np.isnan(rows).any(axis=1)
            held[lacking] = rng.uniform(0.5, 2.0, (int(lacking.sum()), 2))
        dates.append((int(position), rows))
        weights.append(held)
        adder.add(int(position), rows, held, not np.isnan(rows).any())
    close(adder.sums, by_hand(dates, weights, reach, end), rtol=1e-9, atol=1e-10)


def test_few_shared_sessions_count_for_nothing() -> None:
    rng = np.random.default_rng(5)
    adder = PairSums(20, 35, 1, 100)
    for position in (0, 4, 12):
        adder.add(position, rng.normal(size=(2, 35)), np.ones((2, 1)), True)
    assert adder.sums[4] != 0.0
    assert adder.sums[8] == adder.sums[12] == 0.0


def test_a_pair_on_one_date_by_hand() -> None:
    values = np.array([[1.0, 2.0, 3.0] * 12, [1.0, 2.0, 2.0] * 12])
    adder = PairSums(1, 36, 1, 10)
    adder.add(3, values, np.ones((2, 1)), True)
    # Deviations -1, 0, 1 and -2/3, 1/3, 1/3: product 1, squares 2 and 2/3.
    assert adder.sums[0, 0] == pytest.approx(1.0 / np.sqrt(2.0 * 2.0 / 3.0))
    r = mean_correlations(adder.sums[:, 0], 2, np.array([1.0]))
    assert r[0] == pytest.approx(np.sqrt(0.75))


def test_shares_of_windows() -> None:
    assert shares(np.array([1.0, 3.0]), 4).tolist() == [
        [1.0, 0.0, 0.0, 0.0],
        [1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0],
    ]
