"""Intervals, attainable sizes and verdicts against scipy.stats and arithmetic by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from eventstudy.calibration.attainable import (
    attainable_levels,
    binomial_levels,
    generalized_sign_levels,
    signed_rank_levels,
)
from eventstudy.calibration.rates import exact_interval, size_verdict
from eventstudy.significance import Sample


@pytest.mark.parametrize(("x", "n"), [(0, 50), (1, 50), (5, 100), (50, 1000), (20, 20)])
def test_the_interval_is_that_of_clopper_and_pearson(x: int, n: int) -> None:
    lo, hi = exact_interval([x], [n])
    expected = stats.binomtest(x, n).proportion_ci(confidence_level=0.99, method="exact")
    assert (lo[0], hi[0]) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_no_trial_has_no_interval() -> None:
    lo, hi = exact_interval([0], [0])
    assert np.isnan(lo[0])
    assert np.isnan(hi[0])


def test_the_sign_test_of_15_attains_what_pascals_triangle_says() -> None:
    """P(X <= 3) = (1 + 15 + 105 + 455) / 2^15; four would be 1941 / 2^15 = 5.9% a side."""
    two, greater, less = binomial_levels(15)
    assert two == pytest.approx(2 * 576 / 2**15, rel=1e-12)
    assert greater == pytest.approx(576 / 2**15, rel=1e-12)
    assert less == pytest.approx(576 / 2**15, rel=1e-12)


@pytest.mark.parametrize("n", [6, 15, 50, 61])
def test_the_sign_test_attains_what_its_p_values_say(n: int) -> None:
    p = [stats.binomtest(k, n).pvalue for k in range(n + 1)]
    share = stats.binom.pmf(np.arange(n + 1), n, 0.5)
    expected = share[np.array(p) <= 0.05].sum()
    assert binomial_levels(n)[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", [5, 6, 8, 10])
def test_the_signed_rank_test_attains_the_share_of_sign_patterns_that_it_rejects(n: int) -> None:
    ranks = np.arange(1, n + 1)
    signs = np.array(list(itertools.product([-1, 1], repeat=n)))
    for side, name in enumerate(["two-sided", "greater", "less"]):
        p = stats.wilcoxon(signs * ranks, axis=1, alternative=name, method="exact").pvalue
        assert signed_rank_levels(n)[side] == pytest.approx((p <= 0.05).mean(), abs=1e-12)


@pytest.mark.parametrize(("n", "p"), [(50, 0.5), (50, 0.48), (15, 0.49)])
def test_the_generalized_sign_test_attains_a_sum_of_binomial_shares(n: int, p: float) -> None:
    z = (np.arange(n + 1) - n * p) / np.sqrt(n * p * (1 - p))
    share = stats.binom.pmf(np.arange(n + 1), n, p)
    expected = (
        share[2 * stats.norm.sf(np.abs(z)) <= 0.05].sum(),
        share[stats.norm.sf(z) <= 0.05].sum(),
        share[stats.norm.cdf(z) <= 0.05].sum(),
    )
    assert generalized_sign_levels(n, p) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("lo", "hi", "attainable", "undefined", "expected"),
    [
        (0.045, 0.055, 0.05, 0.0, "holds"),
        (0.064, 0.080, 0.05, 0.0, "holds"),
        (0.066, 0.080, 0.05, 0.0, "over-rejects"),
        (0.020, 0.034, 0.05, 0.0, "under-rejects"),
        (0.020, 0.036, 0.05, 0.0, "holds"),
        (0.010, 0.120, 0.05, 0.0, "cannot say"),
        (0.030, 0.034, 0.0352, 0.0, "holds"),
        (0.047, 0.055, 0.0352, 0.0, "over-rejects"),
        (0.045, 0.055, 0.05, 0.6, "cannot say"),
        (np.nan, np.nan, 0.05, 1.0, "undefined"),
    ],
)
def test_a_size_is_judged_by_whether_its_interval_meets_the_band(
    lo: float, hi: float, attainable: float, undefined: float, expected: str
) -> None:
    """The band is 3.5% to 6.5%, and the same multiples of what a discrete test attains."""
    assert size_verdict(lo, hi, attainable, undefined) == expected


def test_a_sample_with_zeros_attains_what_the_others_can() -> None:
    """Ten events, four CARs of zero on the first day: six signs there, ten on the second.

    Six signs reject where all are alike: 2 / 64; ten where at most one differs: 22 / 1024.
    The ranks of six likewise 2 / 64; of ten as scipy counts them; with a tie the normal is
    taken for continuous.
    """
    rng = np.random.default_rng(3)
    ar = rng.normal(size=(10, 2))
    ar[:4, 0] = 0.0
    at = 500 * np.arange(1, 11)
    made = Sample(
        ar, np.tile(np.eye(2), (10, 1, 1)), rng.normal(size=(10, 50)),
        at[:, None] + np.arange(-60, -10), at, np.full(10, 48), 2,
    )  # fmt: skip
    days = np.eye(2)
    found = attainable_levels("sign", made, days[:1])
    assert found == pytest.approx((2 / 64, 1 / 64, 1 / 64), rel=1e-12)
    both = attainable_levels("sign", made, days)
    assert both[0] == pytest.approx((2 / 64 + 22 / 1024) / 2, rel=1e-12)
    assert attainable_levels("wilcoxon", made, days[:1])[0] == pytest.approx(2 / 64, rel=1e-12)
    patterns = np.array(list(itertools.product([-1, 1], repeat=10))) * np.arange(1, 11)
    p = stats.wilcoxon(patterns, axis=1, method="exact").pvalue
    ten = attainable_levels("wilcoxon", made, days[1:])[0]
    assert ten == pytest.approx((p <= 0.05).mean(), abs=1e-12)
    ar[9, 1] = -ar[8, 1]
    tied = Sample(ar, made.v, made.residuals, made.estimation_rows, at, made.dof, 2)
    assert attainable_levels("wilcoxon", tied, days[1:]) == (0.05, 0.05, 0.05)
    assert attainable_levels("bmp", made, days) == (0.05, 0.05, 0.05)
