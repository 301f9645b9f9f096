"""Tests over events against scipy, brute force and arithmetic by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.significance import TESTS, Sample, find_tests
from eventstudy.significance.single import (
    empirical_tails,
    kind_tails,
    sq_tails,
)

Floats = npt.NDArray[np.float64]
CLOSED = [name for name in TESTS if name not in ("cluster_bootstrap", "placebo")]
"""Those that draw nothing."""


def sample(seed: int = 0, n: int = 20, m: int = 100, length: int = 5, spacing: int = 30) -> Sample:
    rng = np.random.default_rng(seed)
    positions = 400 + spacing * np.arange(n)
    return Sample(
        rng.normal(0.002, 0.02, (n, length)),
        np.broadcast_to(np.eye(length) * 0.0004, (n, length, length)).copy(),
        rng.normal(0, 0.02, (n, m)),
        positions[:, None] + np.arange(-10 - m, -10),
        positions,
        np.full(n, m - 2),
        2,
    )


MASKS = np.array([[1, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 1, 0]], dtype=float)


def test_cross_sectional_is_scipys_one_sample_t() -> None:
    s = sample()
    found = TESTS["cross_sectional"].evaluate(s, MASKS).verdict
    for w, mask in enumerate(MASKS):
        car = s.ar @ mask
        for side, p in (
            ("two-sided", found.two_sided), ("greater", found.greater), ("less", found.less)
        ):  # fmt: skip
            expected = scipy.stats.ttest_1samp(car, 0.0, alternative=side)
            assert found.statistic[w] == pytest.approx(expected.statistic, rel=1e-12)
            assert p[w] == pytest.approx(expected.pvalue, rel=1e-10)


@given(seed=st.integers(0, 2**20), n=st.integers(2, 50))
@settings(max_examples=60, deadline=None)
def test_wilcoxon_is_scipys_exact_test(seed: int, n: int) -> None:
    s = sample(seed, n=n)
    found = TESTS["wilcoxon"].evaluate(s, MASKS[:1]).verdict
    car = s.ar[:, 0]
    for side, p in (
        ("two-sided", found.two_sided), ("greater", found.greater), ("less", found.less)
    ):  # fmt: skip
        expected = scipy.stats.wilcoxon(car, alternative=side, method="exact")
        assert p[0] == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.statistic[0] == scipy.stats.wilcoxon(car, alternative="greater").statistic


def test_wilcoxon_with_ties_and_zeros_is_scipys_normal_approximation() -> None:
    s = sample(n=12)
    s.ar[:, 0] = [0.01, 0.01, -0.01, 0.02, -0.02, 0.03, 0.0, 0.04, 0.05, -0.05, 0.06, 0.07]
    found = TESTS["wilcoxon"].evaluate(s, MASKS[:1]).verdict
    expected = scipy.stats.wilcoxon(
        s.ar[:, 0], alternative="greater", method="approx", correction=False
    )
    assert found.statistic[0] == expected.statistic
    assert found.greater[0] == pytest.approx(expected.pvalue, rel=1e-9)


def test_sign_is_scipys_binomial_test() -> None:
    s = sample(3, n=17)
    found = TESTS["sign"].evaluate(s, MASKS[:1]).verdict
    positive = int((s.ar[:, 0] > 0).sum())
    for side, p in (
        ("greater", found.greater),
        ("less", found.less),
        ("two-sided", found.two_sided),
    ):
        expected = scipy.stats.binomtest(positive, 17, 0.5, alternative=side)
        assert p[0] == pytest.approx(expected.pvalue, rel=1e-12)


def test_zeros_leave_the_label_and_are_counted() -> None:
    """Six CARs, two of them zero: both tests are those of four. The other windows have six."""
    s = sample(4, n=6)
    s.ar[:, 0] = [0.01, 0.0, -0.02, 0.03, 0.0, 0.04]
    for name, four, six in (
        ("sign", "binomial(4, 1/2)", "binomial(6, 1/2)"),
        ("wilcoxon", "exact signed rank, N=4", "exact signed rank, N=6"),
    ):
        found = TESTS[name].evaluate(s, MASKS)
        assert found.verdict.distribution == (four, six, six)
        assert found.caveats[0] == "2 CARs of zero left out; only 6 events"
        assert found.caveats[1] == "only 6 events"
    assert TESTS["sign"].evaluate(s, MASKS).verdict.two_sided[0] == pytest.approx(
        scipy.stats.binomtest(3, 4, 0.5).pvalue
    )
    tied = sample(4, n=6)
    tied.ar[:, 0] = [0.01, 0.01, -0.02, 0.03, 0.0, 0.04]
    found = TESTS["wilcoxon"].evaluate(tied, MASKS[:1]).verdict
    assert found.distribution == "normal with tie correction, N=5"
    still = sample(4, n=6)
    still.ar[:, 0] = 0.0
    for name in ("sign", "wilcoxon"):
        assert TESTS[name].evaluate(still, MASKS[:1]).verdict.two_sided[0] == 1.0


def test_kolari_pynnonen_with_a_correlation_by_hand() -> None:
    """Two events on one date, residuals correlated by construction."""
    rng = np.random.default_rng(5)
    s = sample(n=4, m=200, spacing=0)
    common = rng.normal(size=200)
    s.residuals[:] = common + rng.normal(size=(4, 200))
    pairs = [np.corrcoef(s.residuals[i], s.residuals[j])[0, 1] for i in range(4) for j in range(i)]
    r = np.mean(pairs)
    bmp = TESTS["bmp"].evaluate(s, MASKS).verdict.statistic
    found = TESTS["kolari_pynnonen"].evaluate(s, MASKS).verdict.statistic
    np.testing.assert_allclose(found, bmp * np.sqrt((1 - r) / (1 + 3 * r)), rtol=1e-10)


def test_shared_estimation_sessions_alone_make_no_event_days_correlated() -> None:
    s = sample(n=6, m=100, length=5, spacing=20)
    assert s.correlations[0, 1] != 0.0
    np.testing.assert_array_equal(s.mean_correlation(MASKS), 0.0)


def test_partly_shared_windows_weigh_by_the_shared_part() -> None:
    """Windows of five sessions two apart share three of five; four apart one of five."""
    s = sample(n=3, m=100, length=5, spacing=2)
    c = s.correlations
    expected = (3 / 5 * (c[0, 1] + c[1, 2]) + 1 / 5 * c[0, 2]) / 3
    assert s.mean_correlation(np.ones((1, 5)))[0] == pytest.approx(expected, rel=1e-12)
    assert s.mean_correlation(MASKS[:1])[0] == 0.0


def test_correlations_pair_by_pair_over_shared_sessions_only() -> None:
    s = sample(7, n=3, m=100, spacing=25)
    s.residuals[1, 10:20] = np.nan
    for i in range(3):
        for j in range(3):
            a = dict(zip(s.estimation_rows[i], s.residuals[i], strict=True))
            b = dict(zip(s.estimation_rows[j], s.residuals[j], strict=True))
            both = [k for k in a if k in b and np.isfinite(a[k]) and np.isfinite(b[k])]
            expected = np.corrcoef([a[k] for k in both], [b[k] for k in both])[0, 1]
            assert s.correlations[i, j] == pytest.approx(expected, rel=1e-9)


def test_fewer_than_thirty_shared_sessions_count_as_no_correlation() -> None:
    assert sample(n=2, m=100, spacing=71).correlations[0, 1] == 0.0
    assert sample(n=2, m=100, spacing=70).correlations[0, 1] != 0.0


def test_date_clustered_by_hand() -> None:
    s = sample(n=4)
    s.positions[:] = [400, 400, 430, 460]
    scar = s.ar[:, 0] / 0.02
    dates = np.array([(scar[0] + scar[1]) / 2, scar[2], scar[3]])
    expected = scipy.stats.ttest_1samp(dates, 0.0)
    found = TESTS["date_clustered"].evaluate(s, MASKS[:1])
    assert found.verdict.statistic[0] == pytest.approx(expected.statistic, rel=1e-10)
    assert found.verdict.two_sided[0] == pytest.approx(expected.pvalue, rel=1e-10)
    assert found.verdict.distribution == "t(2)"


def test_corrado_with_missing_returns_by_a_plain_loop() -> None:
    s = sample(9, n=5, m=60)
    s.residuals[2, 5:25] = np.nan
    pooled = np.hstack([s.residuals, s.ar])
    u = np.full(pooled.shape, np.nan)
    for i, row in enumerate(pooled):
        there = np.isfinite(row)
        u[i, there] = scipy.stats.rankdata(row[there]) / (1 + there.sum()) - 0.5
    k = np.array([np.nansum(c) / np.sqrt(np.isfinite(c).sum()) for c in u.T])
    sd = np.sqrt(np.mean(k**2))
    found = TESTS["corrado"].evaluate(s, MASKS).verdict.statistic
    assert found[0] == pytest.approx(k[60] / sd, rel=1e-12)
    assert found[1] == pytest.approx(k[60:].sum() / (np.sqrt(5) * sd), rel=1e-12)


@pytest.mark.parametrize("name", ["cross_sectional", "bmp", "kolari_pynnonen", "wilcoxon", "sign"])
def test_one_event_has_no_cross_section_and_says_so(name: str) -> None:
    found = TESTS[name].evaluate(sample(n=1), MASKS)
    assert np.isnan(found.verdict.statistic).all()
    assert np.isnan(found.verdict.two_sided).all()
    assert found.verdict.distribution.startswith("undefined: 1 event")


def test_one_date_leaves_date_clustering_undefined() -> None:
    found = TESTS["date_clustered"].evaluate(sample(n=5, spacing=0), MASKS)
    assert found.verdict.distribution.startswith("undefined: 1 date")


def test_caveats_name_what_visibly_fails() -> None:
    clustered = TESTS["bmp"].evaluate(sample(n=12, spacing=0), MASKS).caveats
    assert "fall on 1 date" in clustered[0]
    near = TESTS["bmp"].evaluate(sample(n=12, spacing=3), MASKS).caveats
    assert near[0] == ""
    assert "windows overlap" in near[1]
    assert "only 4 events" in TESTS["bmp"].evaluate(sample(n=4), MASKS).caveats[0]


@given(seed=st.integers(0, 2**20))
@settings(max_examples=30, deadline=None)
def test_the_order_of_events_changes_nothing(seed: int) -> None:
    s = sample(seed, n=12, spacing=3)
    order = np.random.default_rng(seed).permutation(12)
    mixed = Sample(
        s.ar[order], s.v[order], s.residuals[order], s.estimation_rows[order],
        s.positions[order], s.dof[order], 2,
    )  # fmt: skip
    for test in find_tests(CLOSED):
        one, other = test.evaluate(s, MASKS).verdict, test.evaluate(mixed, MASKS).verdict
        np.testing.assert_allclose(one.statistic, other.statistic, rtol=1e-9, atol=1e-12)


@given(seed=st.integers(0, 2**20))
@settings(max_examples=30, deadline=None)
def test_tails_are_probabilities_and_turn_with_the_sign(seed: int) -> None:
    s = sample(seed, n=12)
    turned = Sample(-s.ar, s.v, -s.residuals, s.estimation_rows, s.positions, s.dof, 2)
    for test in find_tests(CLOSED):
        one, other = test.evaluate(s, MASKS).verdict, test.evaluate(turned, MASKS).verdict
        for p in (one.two_sided, one.greater, one.less):
            assert ((p >= 0) & (p <= 1)).all()
        np.testing.assert_allclose(one.greater, other.less, rtol=1e-9, atol=1e-12)


def test_sq_by_a_plain_loop() -> None:
    rng = np.random.default_rng(2)
    residuals = rng.normal(size=(2, 40))
    residuals[1, 7] = np.nan
    leverage = np.full((2, 40), 0.05)
    car = np.array([1.5, -2.0])
    found = sq_tails(car, residuals, leverage, 3)
    for i in range(2):
        e = residuals[i][np.isfinite(residuals[i])] / np.sqrt(0.95)
        sums = [e[k] + e[k + 1] + e[k + 2] for k in range(len(e) - 2)]
        assert found.draws[i] == len(sums) == (38 if i == 0 else 37)
        greater = (1 + sum(x >= car[i] for x in sums)) / (len(sums) + 1)
        less = (1 + sum(x <= car[i] for x in sums)) / (len(sums) + 1)
        assert found.greater[i] == pytest.approx(greater)
        assert found.two_sided[i] == pytest.approx(min(1, 2 * min(greater, less)))


def test_sq_without_enough_residuals_has_no_value() -> None:
    found = sq_tails(np.array([1.0]), np.ones((1, 3)), np.zeros((1, 3)), 5)
    assert np.isnan(found.two_sided).all()


def test_the_largest_of_nine_earnings_days() -> None:
    scar = np.array([11.5, 1, -2, 0.5, 3, -1, 0.2, 2.2, -4])
    found = kind_tails(scar, np.zeros(9, dtype=np.int64))
    assert found.two_sided[0] == pytest.approx(1 / 9)
    assert found.two_sided[8] == pytest.approx(2 / 9)
    assert found.two_sided[6] == pytest.approx(1.0)
    assert np.isnan(kind_tails(scar, np.arange(9)).two_sided).all()


def test_ranks_within_kinds_by_a_plain_loop() -> None:
    """With ties, gaps, kinds of one and in no order."""
    rng = np.random.default_rng(5)
    scar = np.round(rng.normal(0, 1, 60), 1)
    scar[[3, 17, 40]] = np.nan, np.inf, np.nan
    kinds = rng.integers(0, 6, 60)
    kinds[11] = 9
    found = kind_tails(scar, kinds)
    for i in range(60):
        others = [abs(scar[j]) for j in range(60) if j != i and kinds[j] == kinds[i]]
        others = [size for size in others if np.isfinite(size)]
        assert found.draws[i] == len(others)
        if not others or not np.isfinite(scar[i]):
            assert np.isnan(found.two_sided[i])
            continue
        larger = sum(size >= abs(scar[i]) for size in others)
        assert found.two_sided[i] == pytest.approx((1 + larger) / (1 + len(others)))


def test_empirical_tails_never_give_zero() -> None:
    found = empirical_tails(np.array([10.0]), np.arange(9.0)[None, :])
    assert found.greater[0] == pytest.approx(0.1)
    assert found.less[0] == pytest.approx(1.0)


def test_unknown_test_names_the_choices() -> None:
    with pytest.raises(Exception, match=r"unknown test 'patel' \(did you mean 'patell'\?\)"):
        find_tests(["patel"])
