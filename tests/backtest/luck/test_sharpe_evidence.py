"""Sharpe ratios against figures printed in the papers, scipy's moments and simulation."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eventstudy.backtest.luck import (
    expected_max_sharpe,
    judge_sharpe,
    min_track_record,
    period_sharpe,
    probabilistic_sharpe,
)
from eventstudy.backtest.luck.sharpe import (
    FEWEST_PERIODS,
    sharpe_variance,
    skewness_and_kurtosis,
)
from eventstudy.errors import BacktestError


def returns(n: int = 250, seed: int = 0, mean: float = 0.001) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.01, n)


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, eventstudy.backtest.luck; "
        "print([m for m in ('backtrader', 'arch', 'scipy', 'pandas') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


# ------------------------------------------------------------------ figures printed in papers


def test_the_example_of_the_deflated_sharpe_paper() -> None:
    # SR 2.5 a year (250 days), 1,250 days, skewness -3, kurtosis 10; 100 trials whose annual
    # ratios have variance 1/2: SR0 is 0.1132 a day and the deflated ratio 0.9004.
    spread = math.sqrt(0.5 / 250)
    sr0 = expected_max_sharpe(spread, 100)
    assert sr0 == pytest.approx(0.1132, abs=5e-5)
    ratio = 2.5 / math.sqrt(250)
    found = probabilistic_sharpe(ratio, 1250, benchmark=sr0, skewness=-3, kurtosis=10)
    assert found == pytest.approx(0.9004, abs=1e-4)


@pytest.mark.parametrize(("trials", "skewness", "kurtosis"), [(46, -3, 10), (88, 0, 3)])
def test_how_many_trials_leave_95_percent_in_the_same_example(trials, skewness, kurtosis) -> None:
    sr0 = expected_max_sharpe(math.sqrt(0.5 / 250), trials)
    found = probabilistic_sharpe(
        2.5 / math.sqrt(250), 1250, benchmark=sr0, skewness=skewness, kurtosis=kurtosis
    )
    assert found == pytest.approx(0.9505, abs=1e-4)


def test_the_example_of_the_probabilistic_sharpe_paper() -> None:
    # 24 months, 0.458 a month (1.59 a year): 0.982 if normal, 0.913 with the moments found.
    assert probabilistic_sharpe(0.458, 24) == pytest.approx(0.982, abs=5e-4)
    found = probabilistic_sharpe(0.458, 24, skewness=-2.448, kurtosis=10.164)
    assert found == pytest.approx(0.913, abs=5e-4)


@pytest.mark.parametrize(("year", "years"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_years_to_tell_a_ratio_of_two_from_one(year: int, years: float) -> None:
    root = math.sqrt(year)
    found = min_track_record(2 / root, benchmark=1 / root)
    assert found / year == pytest.approx(years, abs=5e-3)


def test_the_expected_maximum_is_near_the_exact_one_of_normal_draws() -> None:
    # Mean of the largest of n standard normals, from tables of order statistics.
    for n, exact in [(5, 1.16296), (10, 1.53875), (100, 2.50759), (1000, 3.24144)]:
        assert expected_max_sharpe(1.0, n) == pytest.approx(exact, rel=0.03)


# --------------------------------------------------------------------------- other sources


def test_moments_are_scipys() -> None:
    x = np.random.default_rng(3).exponential(size=400)
    skewness, kurtosis = skewness_and_kurtosis(x)
    assert skewness == pytest.approx(stats.skew(x))
    assert kurtosis == pytest.approx(stats.kurtosis(x, fisher=False))


def test_the_ratio_per_period_by_hand() -> None:
    # Mean 5/300, squares of deviations 1950/90000 over 2.
    found = period_sharpe(np.array([0.10, -0.10, 0.05]))
    assert found == pytest.approx((5 / 300) / math.sqrt(1950 / 90_000 / 2))
    assert period_sharpe(np.array([0.2, 0.0])) == pytest.approx(1 / math.sqrt(2))
    assert math.isnan(period_sharpe(np.array([0.2])))


def test_the_probability_is_that_of_a_normal_by_scipy() -> None:
    x = returns()
    found = judge_sharpe(x)
    ratio = x.mean() / x.std(ddof=1)
    g3, g4 = stats.skew(x), stats.kurtosis(x, fisher=False)
    z = ratio * math.sqrt(249) / math.sqrt(1 - g3 * ratio + (g4 - 1) / 4 * ratio**2)
    assert found.probabilistic == pytest.approx(stats.norm.cdf(z))
    assert found.p_value == pytest.approx(stats.norm.sf(z))


def test_the_variance_holds_for_skewed_returns() -> None:
    # Exponential returns shifted to a true ratio of 0.2: without the moments the spread of
    # the estimate is taken 22% too wide and 95.6%, not 90%, would lie in the middle.
    rng = np.random.default_rng(11)
    middle = 0
    for _ in range(1500):
        x = rng.exponential(size=1000) - 0.8
        skewness, kurtosis = skewness_and_kurtosis(x)
        p = probabilistic_sharpe(
            period_sharpe(x), 1000, benchmark=0.2, skewness=skewness, kurtosis=kurtosis
        )
        middle += 0.05 < p < 0.95
    assert middle / 1500 == pytest.approx(0.9, abs=4 * math.sqrt(0.09 / 1500))


def test_p_is_uniform_where_there_is_no_edge() -> None:
    p = [judge_sharpe(returns(120, seed, 0.0)).p_value for seed in range(1000)]
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_the_best_of_noise_passes_as_rarely_as_it_should() -> None:
    # Twenty trials without an edge: the best one alone looks significant most of the time.
    plain = deflated = 0
    for seed in range(300):
        x = np.random.default_rng(seed).normal(0, 0.01, (250, 20))
        ratios = x.mean(axis=0) / x.std(axis=0, ddof=1)
        found = judge_sharpe(x[:, ratios.argmax()], ratios)
        plain += found.probabilistic > 0.95
        deflated += found.deflated > 0.95
    assert plain / 300 == pytest.approx(1 - 0.95**20, abs=0.1)
    assert deflated / 300 < 0.05


# ------------------------------------------------------------------------------ properties


@given(st.floats(0.01, 0.5), st.floats(-2, 2), st.floats(6, 30), st.floats(0.55, 0.999))
def test_a_track_record_of_the_least_length_is_just_certain_enough(
    ratio: float, skewness: float, kurtosis: float, confidence: float
) -> None:
    needed = min_track_record(ratio, skewness=skewness, kurtosis=kurtosis, confidence=confidence)
    # The probability at n periods depends on n - 1 alone: scale from an n that is whole.
    z = stats.norm.ppf(probabilistic_sharpe(ratio, 101, skewness=skewness, kurtosis=kurtosis))
    if abs(z) < 7:
        assert z * math.sqrt((needed - 1) / 100) == pytest.approx(
            stats.norm.ppf(confidence), rel=1e-5
        )


@given(st.integers(2, 5000), st.floats(0.001, 0.2))
def test_more_trials_raise_the_bar(trials: int, spread: float) -> None:
    fewer, more = expected_max_sharpe(spread, trials), expected_max_sharpe(spread, trials + 1)
    assert 0 < fewer < more


# ---------------------------------------------------------------------- what has no number


def test_one_trial_deflates_nothing() -> None:
    found = judge_sharpe(returns())
    assert (found.trials, found.expected_max) == (1, 0.0)
    assert found.deflated == found.probabilistic
    assert found.why == ""


def test_runs_that_failed_count_as_trials_but_not_in_the_spread() -> None:
    found = judge_sharpe(returns(), [0.1, -0.1, math.nan, 0.0])
    assert found.trials == 4
    assert found.trials_spread == pytest.approx(0.1)
    assert found.expected_max == pytest.approx(expected_max_sharpe(0.1, 4))
    assert judge_sharpe(returns(), [0.1, -0.1], trials=50).trials == 50


def test_a_search_of_unknown_spread_has_no_deflated_ratio() -> None:
    found = judge_sharpe(returns(), trials=9)
    assert math.isnan(found.deflated)
    assert not math.isnan(found.probabilistic)
    assert "9 trials, of which 0" in found.why


def test_short_or_still_paths_have_no_number() -> None:
    short = judge_sharpe(returns(FEWEST_PERIODS - 1))
    assert math.isnan(short.sharpe)
    assert f"needs {FEWEST_PERIODS}" in short.why
    for still in (np.zeros(100), np.full(100, 0.01), np.full(100, 1e-17) * returns(100)):
        found = judge_sharpe(still)
        assert math.isnan(found.probabilistic)
        assert found.why == "the returns do not vary"


def test_a_loser_never_has_a_track_record_long_enough() -> None:
    assert math.isinf(min_track_record(-0.1))
    assert math.isinf(min_track_record(0.1, benchmark=0.1))


def test_moments_that_cannot_be_of_one_sample_give_no_variance() -> None:
    assert math.isnan(sharpe_variance(1.0, skewness=3.0, kurtosis=3.0))


def test_users_mistakes_are_named() -> None:
    with pytest.raises(BacktestError, match="trials 1, but 2 ratios"):
        judge_sharpe(returns(), [0.1, 0.2], trials=1)
    with pytest.raises(BacktestError, match="trials 0"):
        expected_max_sharpe(0.1, 0)
    with pytest.raises(BacktestError, match="confidence 95"):
        min_track_record(0.1, confidence=95)
    with pytest.raises(BacktestError, match="1 of 250 are not finite"):
        judge_sharpe(np.where(np.arange(250) == 7, np.nan, returns()))
    with pytest.raises(BacktestError, match="2 dimensions"):
        judge_sharpe(np.zeros((40, 2)))
