"""BHARs and the tests of their mean: arithmetic by hand, and an independent slow loop."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eventstudy.longrun.bhar import (
    bootstrap_t,
    buy_and_hold,
    mean_verdicts,
    rebalanced,
)
from eventstudy.longrun.matching import characteristics, described, nearest
from eventstudy.significance.parametric import mean_t
from eventstudy.significance.skewness import johnson_t

TWO = np.array([[0.10, -0.20], [0.50, 0.25], [-0.10, 0.00]])
"""Two firms over three sessions: 1.1 x 1.5 x 0.9 = 1.485 and 0.8 x 1.25 x 1 = 1."""


def test_bought_once_and_rebalanced_differ_as_by_hand() -> None:
    half = np.array([0.5, 0.5])
    assert buy_and_hold(TWO, half) == pytest.approx((0.485 + 0.0) / 2, abs=1e-15)
    # Session means -0.05, 0.375, -0.05: 0.95 x 1.375 x 0.95.
    assert rebalanced(TWO, half) == pytest.approx(0.95 * 1.375 * 0.95 - 1, abs=1e-15)


def test_unequal_weights_and_a_total_loss_by_hand() -> None:
    gone = np.array([[0.2, -1.0], [0.1, 3.0]])
    assert buy_and_hold(gone, np.array([0.75, 0.25])) == pytest.approx(0.75 * 0.32 - 0.25)


def johnson(x: list[float], centre: float) -> float:
    """Lyon, Barber and Tsai's equation 5, written again with the standard library."""
    n, mean, s = len(x), statistics.fmean(x), statistics.stdev(x)
    shift = (mean - centre) / s
    g = math.fsum((v - mean) ** 3 for v in x) / (n * s**3)
    return math.sqrt(n) * (shift + g * shift**2 / 3 + g / (6 * n))


def test_skewness_adjusted_t_worked_by_hand() -> None:
    """x = 0, 0, 0, 4: mean 1, s = 2, g = (3 (-1) + 27) / (4 x 8) = 0.75, S = 0.5."""
    x = np.array([0.0, 0.0, 0.0, 4.0])
    assert mean_t(x[:, None])[0] == pytest.approx(1.0, abs=1e-15)
    assert johnson_t(x[:, None])[0] == pytest.approx(2 * (0.5 + 0.0625 + 0.03125), abs=1e-15)


@given(
    arrays(np.float64, st.integers(3, 30), elements=st.floats(-0.9, 5.0).map(lambda v: round(v, 4)))
)
def test_skewness_adjusted_t_agrees_with_the_standard_library(x: np.ndarray) -> None:
    if np.ptp(x) < 1e-3:
        return
    assert johnson_t(x[:, None], 0.1)[0] == pytest.approx(johnson(x.tolist(), 0.1), rel=1e-8)


def test_plain_t_agrees_with_scipy() -> None:
    from scipy.stats import ttest_1samp

    x = np.random.default_rng(2).lognormal(0, 0.5, 40) - 1.0
    ours = mean_verdicts(x, draws=200, seed=0)["t"]
    theirs = ttest_1samp(x, 0.0)
    assert ours.statistic[0] == pytest.approx(theirs.statistic, rel=1e-12)
    assert ours.two_sided[0] == pytest.approx(theirs.pvalue, rel=1e-10)
    assert ours.distribution == "t(39)"


def test_the_bootstrap_agrees_with_a_slow_loop() -> None:
    """The same draws of indices, each resample of 10 of 41 events worked with plain Python."""
    x = np.random.default_rng(5).lognormal(0.05, 0.6, 41) - 1.0
    found = bootstrap_t(x, draws=300, seed=11)
    chosen = np.random.default_rng(11).integers(0, 41, size=(300, 10))
    centre = statistics.fmean(x.tolist())
    slow = [johnson([float(x[i]) for i in row], centre) for row in chosen]
    assert found.size == 10
    np.testing.assert_allclose(found.draws, slow, rtol=1e-9, atol=1e-12)
    own = johnson(x.tolist(), 0.0)
    verdict = mean_verdicts(x, draws=300, seed=11)["bootstrapped_skewness_adjusted_t"]
    greater = (1 + sum(t >= own for t in slow)) / 301
    less = (1 + sum(t <= own for t in slow)) / 301
    assert verdict.statistic[0] == pytest.approx(own, rel=1e-12)
    assert verdict.greater[0] == pytest.approx(greater, abs=1e-15)
    assert verdict.less[0] == pytest.approx(less, abs=1e-15)
    assert verdict.two_sided[0] == pytest.approx(min(1.0, 2 * min(greater, less)), abs=1e-15)
    assert verdict.distribution == "bootstrap, 300 resamples of 10 events"


def test_the_bootstrap_keeps_its_size_where_the_plain_t_does_not() -> None:
    """Lognormal returns of mean zero, N = 60: too many rejections of the lower tail by t.

    400 samples, nominal 5%: the plain t's lower tail rejects far above it (Lyon, Barber and
    Tsai 1999, table II, say the same), the bootstrapped one stays below 8.5%.
    """
    rng = np.random.default_rng(3)
    x = rng.lognormal(-0.5, 1.0, (400, 60)) - 1.0
    found = [mean_verdicts(row, draws=200, seed=i) for i, row in enumerate(x)]
    low = {name: np.mean([f[name].less[0] <= 0.05 for f in found]) for name in found[0]}
    assert low["t"] > 0.11
    assert low["bootstrapped_skewness_adjusted_t"] < 0.085


@pytest.mark.parametrize(
    ("n", "valued"),
    [(1, set()), (2, {"t"}), (19, {"t", "skewness_adjusted_t"})],
)
def test_small_samples_say_so_and_print_no_number(n: int, valued: set[str]) -> None:
    x = np.random.default_rng(1).normal(size=n)
    for name, verdict in mean_verdicts(x, draws=100, seed=0).items():
        assert np.isfinite(verdict.statistic[0]) == (name in valued), name
        if name not in valued:
            assert verdict.distribution.startswith(f"undefined: {n} event")
            assert np.isnan([verdict.greater[0], verdict.less[0], verdict.two_sided[0]]).all()


def test_bhars_that_do_not_vary_have_no_test() -> None:
    found = mean_verdicts(np.full(24, 0.1), draws=100, seed=0)
    assert {v.distribution for v in found.values()} == {"undefined: the BHARs do not vary"}


def test_characteristics_by_hand_and_by_numpy() -> None:
    rng = np.random.default_rng(4)
    market = rng.normal(0, 0.01, 120)
    returns = rng.normal(0, 0.02, (120, 3)) + market[:, None]
    returns[5, 1] = np.nan
    found = characteristics(returns, market)
    for k in range(3):
        used = np.isfinite(returns[:, k])
        y, x = returns[used, k], market[used]
        assert found["beta"][k] == pytest.approx(np.polyfit(x, y, 1)[0], rel=1e-9)
        assert found["volatility"][k] == pytest.approx(statistics.stdev(y.tolist()), rel=1e-12)
        assert found["momentum"][k] == pytest.approx(math.prod(1 + v for v in y) - 1, rel=1e-10)


def test_nearest_scales_each_characteristic() -> None:
    """Unscaled, row 1 is nearest (distance 1); by standard deviations row 0 is."""
    own = np.array([0.0, 0.0])
    others = np.array([[10.0, 0.0], [0.0, 1.0], [-40.0, 0.1], [30.0, -0.2]])
    spread = [statistics.stdev(column) for column in others.T.tolist()]
    assert 10 / spread[0] < 1 / spread[1]
    assert nearest(own, others, 1).tolist() == [0]
    assert nearest(own, others, 9).tolist() != []
    assert len(nearest(own, others, 9)) == 4
    alike = {"beta": np.array([1.0, 1.0]), "momentum": np.array([0.2, 0.3])}
    assert described(alike, ["momentum"]).tolist() == [[0.2], [0.3]]
    assert nearest(np.array([1.0, 0.3]), described(alike, ["beta", "momentum"]), 1).tolist() == [1]
