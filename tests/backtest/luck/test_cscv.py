"""PBO against a plain loop over halves, made-up sweeps whose answer is known, and noise."""

from __future__ import annotations

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.backtest.luck import cscv, overfitting
from eventstudy.errors import BacktestError


def noise(n: int, variants: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.01, (n, variants))


def slow_ratio(values: list[float]) -> float:
    if len(set(values)) == 1:
        return 0.0
    return statistics.fmean(values) / statistics.stdev(values)


def slow_cscv(returns: np.ndarray, blocks: int) -> list[tuple[float, float, float, int]]:
    """Return in and out of sample ratio, logit and pick of each half, one value at a time."""
    pieces = [list(map(int, piece)) for piece in np.array_split(range(len(returns)), blocks)]
    variants = returns.shape[1]
    found = []
    for half in itertools.combinations(range(blocks), blocks // 2):
        inside = [t for b in half for t in pieces[b]]
        outside = [t for b in range(blocks) if b not in half for t in pieces[b]]
        trained = [slow_ratio([float(returns[t, k]) for t in inside]) for k in range(variants)]
        tested = [slow_ratio([float(returns[t, k]) for t in outside]) for k in range(variants)]
        best = max(range(variants), key=lambda k: trained[k])
        lower = sum(1 for v in tested if v < tested[best] - 1e-9)
        same = sum(1 for v in tested if abs(v - tested[best]) <= 1e-9)
        omega = (lower + (same + 1) / 2) / (variants + 1)
        found.append((trained[best], tested[best], math.log(omega / (1 - omega)), best))
    return found


@pytest.mark.parametrize("sparse", [False, True], ids=["always in the market", "seldom"])
def test_every_half_is_that_of_a_plain_loop(sparse: bool) -> None:
    returns = noise(63, 11, 4)  # 63 periods in 6 blocks: three of 11, three of 10.
    if sparse:  # Trades in one block only: most halves of a variant have none.
        for k in range(11):
            keep = slice(10 * (k % 6), 10 * (k % 6) + 6)
            held = returns[keep, k].copy()
            returns[:, k] = 0.0
            returns[keep, k] = held
    found, slow = cscv(returns, blocks=6), slow_cscv(returns, 6)
    trained, tested, logits, picked = zip(*slow, strict=True)
    assert found.trained == pytest.approx(trained, abs=1e-12)
    assert found.tested == pytest.approx(tested, abs=1e-12)
    assert found.logits == pytest.approx(logits)
    assert list(found.picked) == list(picked)
    assert 0.0 in logits  # The median counts as no better than the median.
    assert found.pbo == pytest.approx(sum(v <= 0 for v in logits) / 20)
    assert found.loss == pytest.approx(sum(v < -1e-9 for v in tested) / 20)
    assert found.slope == pytest.approx(np.polyfit(trained, tested, 1)[0])


def test_sixteen_blocks_have_12870_halves_and_chunks_change_nothing(monkeypatch) -> None:
    returns = noise(165, 10)
    whole = cscv(returns)
    monkeypatch.setattr(overfitting, "CHUNK", 777)
    parts = cscv(returns)
    assert len(whole.logits) == math.comb(16, 8) == 12_870
    for name in ("trained", "tested", "logits", "picked"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=1e-12)


def test_noise_is_no_better_than_the_median_half_of_the_time() -> None:
    found = [cscv(noise(160, 40, seed), blocks=8) for seed in range(150)]
    pbo = np.array([f.pbo for f in found])
    error = pbo.std(ddof=1) / math.sqrt(len(pbo))
    assert error < 0.02
    assert pbo.mean() == pytest.approx(0.5, abs=4 * error)
    assert np.mean([f.slope for f in found]) < 0


def test_one_variant_with_an_edge_is_picked_and_stays_best() -> None:
    returns = noise(320, 20)
    returns[:, 7] += 0.02
    found = cscv(returns, blocks=8)
    assert (found.pbo, found.loss) == (0.0, 0.0)
    assert set(found.picked) == {7}
    assert found.logits == pytest.approx([math.log(20)] * 70)  # Rank 20 of 20: 20 / 1.


def test_what_one_half_gains_the_other_loses() -> None:
    # Means by block that sum to zero, the same noise in each block: out of sample is minus
    # in sample for every variant, and the best becomes the worst. Means so small that they do
    # not add to the risk.
    rng = np.random.default_rng(2)
    means = rng.normal(0, 1e-5, (8, 15))
    means -= means.mean(axis=0)
    wave = np.tile([0.01, -0.01], 10)
    returns = np.concatenate([wave[:, None] + means[b] for b in range(8)])
    found = cscv(returns, blocks=8)
    assert (found.pbo, found.loss) == (1.0, 1.0)
    assert found.tested == pytest.approx(-found.trained, rel=1e-3)
    assert found.slope == pytest.approx(-1.0, abs=1e-3)
    assert found.logits == pytest.approx([-math.log(15)] * 70)


def test_equals_share_a_rank_and_the_first_is_picked() -> None:
    returns = noise(160, 12)
    returns[:, 3] += 0.05
    doubled = np.column_stack([returns, returns[:, 3]])
    found = cscv(doubled, blocks=4)
    assert set(found.picked) == {3}
    # Best of 13 with one equal: rank 12.5 of 14.
    assert found.logits == pytest.approx([math.log(12.5 / 1.5)] * 6)
    assert (found.variants, found.distinct) == (13, 12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 50), st.integers(10, 30))
def test_leverage_and_the_order_of_variants_do_not_matter(
    seed: int, leverage: float, variants: int
) -> None:
    returns = noise(80, variants, seed)
    one = cscv(returns, blocks=4)
    order = np.random.default_rng(seed).permutation(variants)
    other = cscv(leverage * returns[:, order], blocks=4)
    assert other.pbo == one.pbo
    assert other.logits == pytest.approx(one.logits)
    assert list(order[other.picked]) == list(one.picked)


def test_no_verdict_on_few_periods_or_few_variants() -> None:
    short = cscv(noise(159, 50))
    assert "159 periods; 16 blocks need 160" in short.why
    assert math.isnan(short.pbo)
    assert short.logits.size == 0
    few = noise(200, 9)
    same_and_idle = np.column_stack([few, few, np.zeros((200, 30))])
    found = cscv(same_and_idle)
    assert "9 different variants that trade; needs 10" in found.why
    assert (found.variants, found.distinct) == (48, 9)
    assert math.isnan(found.loss)
    assert cscv(np.empty((0, 20))).why


def test_users_mistakes_are_named() -> None:
    for blocks in (7, 2, 22):
        with pytest.raises(BacktestError, match=f"blocks {blocks}; allowed: an even number"):
            cscv(noise(400, 20), blocks=blocks)
    with pytest.raises(BacktestError, match="1 dimensions"):
        cscv(noise(400, 1)[:, 0])
