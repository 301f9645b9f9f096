"""The stationary bootstrap against arch called directly, normal theory and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.backtest.luck import stationary_interval
from eventstudy.backtest.luck.blocks import optimal_block, stationary_rows
from eventstudy.backtest.luck.bootstrap import FEWEST_ACTIVE, FEWEST_PERIODS, block_length
from eventstudy.errors import BacktestError


def path(n: int = 250, seed: int = 0, mean: float = 0.001, follow: float = 0.0) -> np.ndarray:
    """Normal returns; `follow` is the first-order autocorrelation."""
    noise = np.random.default_rng(seed).normal(0, 0.01, n)
    for t in range(1, n):
        noise[t] += follow * noise[t - 1]
    return mean + noise


def annual(x: np.ndarray) -> float:
    return float(x.mean() / x.std(ddof=1) * math.sqrt(252))


def test_intervals_are_archs_percentile_intervals() -> None:
    x = path()
    found = stationary_interval(x, draws=300, block=4, level=0.9, seed=5)
    ratio = StationaryBootstrap(4, x, seed=5).conf_int(
        annual, reps=300, method="percentile", size=0.9
    )
    mean = StationaryBootstrap(4, x, seed=5).conf_int(
        np.mean, reps=300, method="percentile", size=0.9
    )
    assert [found.sharpe_low, found.sharpe_high] == pytest.approx(ratio[:, 0])
    assert [found.mean_low, found.mean_high] == pytest.approx(mean[:, 0])
    assert (found.sharpe, found.mean) == pytest.approx((annual(x), x.mean()))


def test_p_is_counted_by_hand() -> None:
    x = path()
    drawn = [data[0][0].mean() for data in StationaryBootstrap(4, x, seed=5).bootstrap(300)]
    count = sum(1 for m in drawn if m - x.mean() >= x.mean())
    assert count > 0
    found = stationary_interval(x, draws=300, block=4, seed=5)
    assert found.p_value == pytest.approx((1 + count) / 301)


def test_the_block_is_that_of_politis_and_white() -> None:
    x = path(800, follow=0.6)
    expected = round(float(optimal_block_length(x)["stationary"].iloc[0]))
    assert expected > 3
    assert stationary_interval(x, draws=9).block == expected
    assert block_length(np.column_stack([x, x, path(800), np.zeros(800)])) == expected
    assert block_length(np.zeros((100, 2))) == 1


def test_independent_returns_give_the_interval_of_normal_theory() -> None:
    x = path(1000)
    found = stationary_interval(x, block=1, draws=4000)
    half = 1.96 * x.std(ddof=1) / math.sqrt(1000)
    assert found.mean_low == pytest.approx(x.mean() - half, abs=0.1 * half)
    assert found.mean_high == pytest.approx(x.mean() + half, abs=0.1 * half)
    # Lo (2002): the error of an annual ratio near 1 over n sessions is about sqrt(252 / n).
    width = found.sharpe_high - found.sharpe_low
    assert width == pytest.approx(2 * 1.96 * math.sqrt(252 / 1000), rel=0.1)


def test_returns_that_follow_each_other_widen_the_interval() -> None:
    # Autocorrelation 0.5: the mean has (1 + 0.5) / (1 - 0.5) = 3 times the variance.
    x = path(4000, follow=0.5)
    blocks, single = (stationary_interval(x, block=b, draws=800) for b in (40, 1))
    wider = (blocks.mean_high - blocks.mean_low) / (single.mean_high - single.mean_low)
    assert wider == pytest.approx(math.sqrt(3), rel=0.15)


def test_p_holds_its_size_where_there_is_no_edge() -> None:
    sims = 250
    p = [
        stationary_interval(path(100, seed, 0.0), draws=99, block=2, seed=seed).p_value
        for seed in range(sims)
    ]
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / sims))
    assert np.mean(p) == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12 / sims))


def test_p_never_falls_below_its_floor() -> None:
    found = stationary_interval(path(mean=0.02), draws=199)
    assert found.p_value == 1 / 200


def test_the_seed_decides() -> None:
    one, same, other = (stationary_interval(path(), draws=99, seed=s) for s in (1, 1, 2))
    assert one == same
    assert one.sharpe_low != other.sharpe_low


def test_few_trading_sessions_still_have_a_finite_interval() -> None:
    x = np.zeros(400)
    x[:FEWEST_ACTIVE] = path(FEWEST_ACTIVE, mean=0.01)
    found = stationary_interval(x, block=40, draws=999)
    # Many resamples hold no trade at all: Sharpe 0, not NaN.
    assert found.sharpe_low == 0.0
    assert math.isfinite(found.sharpe_high)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (path(FEWEST_PERIODS - 1), f"49 periods; needs {FEWEST_PERIODS}"),
        (np.where(np.arange(300) < 19, 0.01, 0.0), "19 periods with a return other than cash"),
        (np.full(300, 0.01), "do not vary"),
        (np.empty(0), "0 periods"),
    ],
)
def test_no_number_without_enough_to_resample(given: np.ndarray, why: str) -> None:
    found = stationary_interval(given)
    assert why in found.why
    assert math.isnan(found.sharpe_low)
    assert math.isnan(found.p_value)
    assert found.draws == 0


def test_users_mistakes_are_named_all_at_once() -> None:
    with pytest.raises(BacktestError, match=r"draws 0.*block 251 periods; allowed: 1 to 250"):
        stationary_interval(path(), draws=0, block=251)
    with pytest.raises(BacktestError, match="level 95"):
        stationary_interval(path(), level=95)
    with pytest.raises(BacktestError, match="not finite"):
        stationary_interval(np.full(100, np.inf))


@pytest.mark.parametrize(
    ("n", "block", "draws", "seed"), [(50, 1, 7, 0), (251, 4, 40, 5), (3001, 30, 90, 9)]
)
def test_the_rows_are_those_that_arch_draws(n: int, block: int, draws: int, seed: int) -> None:
    rows = np.concatenate(list(stationary_rows(n, block, draws, seed)))
    theirs = StationaryBootstrap(block, np.arange(n), seed=seed).bootstrap(draws)
    np.testing.assert_array_equal(rows, [data[0][0] for data in theirs])


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(50, 900),
    seed=st.integers(0, 10_000),
    follow=st.floats(-0.9, 0.95),
    idle=st.floats(0.0, 0.95),
)
def test_the_length_is_archs_for_any_path(n: int, seed: int, follow: float, idle: float) -> None:
    x = path(n, seed, follow=follow)
    x[np.random.default_rng(seed).random(n) < idle] = 0.0
    expected = float(optimal_block_length(x)["stationary"].iloc[0]) if x.any() else math.nan
    assert not x.any() or optimal_block(x) == pytest.approx(expected, rel=1e-9)


def test_a_short_wave_is_quiet_only_at_its_last_lags() -> None:
    """The autocorrelations within the bounds are the last that are looked at."""
    rng = np.random.default_rng(124)
    x = 3.0 * np.sin(2.0 * np.pi * np.arange(30) / rng.integers(3, 30)) + rng.normal(0, 0.3, 30)
    expected = float(optimal_block_length(x)["stationary"].iloc[0])
    assert optimal_block(x) == pytest.approx(expected, rel=1e-9)
