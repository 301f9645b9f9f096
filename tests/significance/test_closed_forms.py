"""Tests over events against plain loops, scipy and arithmetic by hand."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eventstudy.significance import TESTS, Sample, find_tests
from eventstudy.significance.contract import Significance
from eventstudy.significance.cumrank import Cumrank
from eventstudy.significance.midranks import midranks
from eventstudy.significance.portfolio import standardised_portfolio
from eventstudy.significance.sample import spread

Floats = npt.NDArray[np.float64]
MASKS = np.array([[1, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 1, 0]], dtype=float)
DRAWN = ("cluster_bootstrap", "placebo")
CLOSED = [name for name in TESTS if name not in DRAWN]
SPREADS = ("hall", "corrado_zivney", "grank_t", "grank_z", "cumrank")
NEEDS_V = {
    "patell", "patell_adjusted", "bmp", "kolari_pynnonen", "date_clustered", "corrado_zivney",
    "grank_t", "grank_z", "cumrank",
}  # fmt: skip


def sample(
    seed: int = 0, n: int = 20, m: int = 100, length: int = 5, spacing: int = 30, common: float = 0
) -> Sample:
    """Return events of unequal variance; V holds an error of estimation, unequal by event."""
    rng = np.random.default_rng(seed)
    positions = 400 + spacing * np.arange(n)
    rows = positions[:, None] + np.arange(-10 - m, length)
    market = common * rng.normal(size=int(rows.max()) + 1)
    scale = rng.uniform(0.01, 0.03, n)[:, None]
    returns = scale * (market[rows] + rng.normal(size=rows.shape))
    residuals = returns[:, :m] - returns[:, :m].mean(axis=1, keepdims=True)
    ar = returns[:, m + 10 :] - returns[:, :m].mean(axis=1, keepdims=True) + 0.004
    s2 = (residuals**2).sum(axis=1) / (m - 1)
    error = rng.uniform(1 / m, 20 / m, n)[:, None, None]
    v = s2[:, None, None] * (np.eye(length) + error)
    return Sample(ar, v, residuals, rows[:, :m], positions, np.full(n, m - 1), 1)


def found(name: str, s: Sample, masks: Floats = MASKS) -> Significance:
    return TESTS[name].evaluate(s, masks)


def holed(s: Sample, *holes: tuple[int, int]) -> Sample:
    ar = s.ar.copy()
    for event, day in holes:
        ar[event, day] = np.nan
    return replace(s, ar=ar)


def kept(s: Sample, rows: list[int]) -> Sample:
    return replace(
        s, ar=s.ar[rows], v=s.v[rows], residuals=s.residuals[rows],
        estimation_rows=s.estimation_rows[rows], positions=s.positions[rows], dof=s.dof[rows],
    )  # fmt: skip


# Ranks ----------------------------------------------------------------------------------------


@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 6), st.integers(1, 40)),
        elements=st.one_of(st.integers(-4, 4).map(float), st.floats(-1, 1), st.just(float("nan"))),
    )
)
@settings(max_examples=80, deadline=None)
def test_midranks_are_those_of_pandas(values: Floats) -> None:
    np.testing.assert_array_equal(midranks(values), pd.DataFrame(values).rank(axis=1).to_numpy())


def test_scores_by_hand() -> None:
    """Four values of which two tie: ranks 1, 2.5, 2.5, 4 over 5."""
    s = Sample(
        np.array([[0.2]]), np.ones((1, 1, 1)), np.array([[0.1, 0.2, np.nan, 0.5]]),
        np.arange(4)[None, :], np.array([9]), np.array([2]), 1,
    )  # fmt: skip
    np.testing.assert_allclose(s.scores, [[-0.3, 0.0, np.nan, 0.3, 0.0]], atol=1e-15)


# Parametric -----------------------------------------------------------------------------------


def test_patell_adjusted_by_a_plain_loop_with_unequal_estimation_windows() -> None:
    s = sample(n=6, m=80, spacing=3, common=1.0)
    s.residuals[2, :20] = np.nan
    s.dof[2] = 59
    for w, mask in enumerate(MASKS):
        days = np.flatnonzero(mask)
        z = sum(
            s.ar[i, days].sum() / np.sqrt(s.v[i][np.ix_(days, days)].sum()) for i in range(6)
        ) / np.sqrt(sum(d / (d - 2) for d in s.dof))
        total = 0.0
        for i in range(6):
            for j in range(i):
                a = pd.Series(s.residuals[i], s.estimation_rows[i])
                b = pd.Series(s.residuals[j], s.estimation_rows[j])
                shared = set(s.positions[i] + days) & set(s.positions[j] + days)
                total += len(shared) / len(days) * a.corr(b)
        r = total * 2 / 30
        assert found("patell", s).verdict.statistic[w] == pytest.approx(z, rel=1e-10)
        assert found("patell_adjusted", s).verdict.statistic[w] == pytest.approx(
            z / np.sqrt(1 + 5 * r), rel=1e-9
        )


def test_patell_needs_a_finite_variance() -> None:
    s = replace(sample(n=4), dof=np.array([2, 50, 50, 50]))
    assert found("patell", s).verdict.distribution == "undefined: an event has M - d of 2 or fewer"
    finite = replace(s, dof=np.array([3, 50, 50, 50]))
    day = MASKS[:1]
    scars = (s.ar @ day[0]) / np.sqrt(np.einsum("l,nlk,k->n", day[0], s.v, day[0]))
    expected = scars.sum() / np.sqrt(3 / 1 + 3 * 50 / 48)
    assert found("patell", finite, day).verdict.statistic == pytest.approx([expected], rel=1e-10)


def test_one_value_and_none_have_no_spread_and_no_warning() -> None:
    values = np.array([[1.0, 1.0, np.nan], [3.0, np.nan, np.nan]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spreads = spread(values)
    np.testing.assert_array_equal(spreads, [math.sqrt(2), np.nan, np.nan])


def test_events_overlap_from_the_first_session_that_they_share() -> None:
    assert not sample(n=3, spacing=5).overlapping(5)
    assert sample(n=3, spacing=4).overlapping(5)
    assert sample(n=3, spacing=0).overlapping(1)


@pytest.mark.parametrize("name", ["patell_adjusted", "kolari_pynnonen"])
def test_a_negative_mean_correlation_may_leave_no_value(name: str) -> None:
    """Two events whose residuals mirror each other: r = -1, 1 + (N - 1) r = 0."""
    s = sample(n=2, spacing=0)
    s.residuals[1] = -s.residuals[0]
    assert found(name, s).verdict.distribution == "undefined: 1 + (N - 1) r is not positive"


# Skewness -------------------------------------------------------------------------------------


def test_skewness_adjusted_and_hall_by_hand() -> None:
    """CARs 1, 2, 3, 6: mean 3, s^2 = 14/3, mean cubed deviation (-8 - 1 + 0 + 27) / 4 = 4.5."""
    s = Sample(
        np.array([[1.0], [2.0], [3.0], [6.0]]), np.ones((4, 1, 1)), np.ones((4, 5)),
        np.tile(np.arange(5), (4, 1)), np.array([10, 20, 30, 40]), np.full(4, 4), 1,
    )  # fmt: skip
    sd = np.sqrt(14 / 3)
    share, g = 3 / sd, 4.5 / sd**3
    johnson = 2 * (share + g * share**2 / 3 + g / 24)
    one = found("skewness_adjusted", s, np.ones((1, 1))).verdict
    assert one.statistic[0] == pytest.approx(johnson, rel=1e-12)
    assert one.greater[0] == pytest.approx(scipy.stats.t.sf(johnson, 3), rel=1e-10)
    assert one.distribution == "t(3)"
    hall = johnson + 2 * g**2 * share**3 / 27
    other = TESTS["hall"].verdict(s, np.ones((1, 1)))
    assert other.statistic[0] == pytest.approx(hall, rel=1e-12)
    assert other.greater[0] == pytest.approx(scipy.stats.norm.sf(hall), rel=1e-10)


def test_halls_transformation_is_the_cube_that_completes_johnsons() -> None:
    """((1 + g S / 3)^3 - 1) / g + g / (6 N), another way of writing it."""
    s = sample(3, n=15)
    car = s.ar @ MASKS.T
    share = car.mean(axis=0) / car.std(axis=0, ddof=1)
    g = scipy.stats.skew(car, axis=0) * (14 / 15) ** 1.5
    cube = ((1 + g * share / 3) ** 3 - 1) / g + g / 90
    np.testing.assert_allclose(found("hall", s).verdict.statistic, np.sqrt(15) * cube, rtol=1e-9)


# Ranks over events ----------------------------------------------------------------------------


def scaled_pool(s: Sample, divisor: Floats | float = 1.0) -> Floats:
    """Standardised residuals and event days over their spread, by plain formulas."""
    sigma = np.sqrt(np.nansum(s.residuals**2, axis=1) / s.dof)
    sar = s.ar / np.sqrt(np.array([np.diag(v) for v in s.v]))
    return np.hstack([s.residuals / sigma[:, None], sar / np.nanstd(sar, axis=0, ddof=1) * divisor])


def plain_scores(pool: Floats) -> Floats:
    u = np.full(pool.shape, np.nan)
    for i, row in enumerate(pool):
        there = np.isfinite(row)
        u[i, there] = scipy.stats.rankdata(row[there]) / (1 + there.sum()) - 0.5
    return u


def test_corrado_zivney_with_missing_returns_by_a_plain_loop() -> None:
    s = sample(9, n=11, m=60)
    s.residuals[2, 5:25] = np.nan
    s.dof[2] -= 20
    u = plain_scores(scaled_pool(s))
    k = np.array([np.nansum(c) / np.sqrt(np.isfinite(c).sum()) for c in u.T])
    sd = np.sqrt(np.mean(k**2))
    z = found("corrado_zivney", s).verdict.statistic
    assert z[0] == pytest.approx(k[60] / sd, rel=1e-12)
    assert z[1] == pytest.approx(k[60:].sum() / (np.sqrt(5) * sd), rel=1e-12)


def test_event_induced_variance_moves_corrado_and_not_corrado_zivney() -> None:
    s = sample(4, n=12)
    louder = replace(s, ar=3.0 * s.ar)
    same = [found("corrado_zivney", x).verdict.statistic for x in (s, louder)]
    np.testing.assert_allclose(*same, rtol=1e-12)
    moved = [found("corrado", x).verdict.statistic for x in (s, louder)]
    assert (np.abs(moved[0] - moved[1]) > 1e-3).all()


def test_grank_with_missing_residuals_by_a_plain_loop() -> None:
    s = sample(11, n=12, m=60)
    s.residuals[5, :15] = np.nan
    s.dof[5] -= 15
    sigma = np.sqrt(np.nansum(s.residuals**2, axis=1) / s.dof)
    t, z = (found(name, s).verdict for name in ("grank_t", "grank_z"))
    for w, mask in enumerate(MASKS):
        days = np.flatnonzero(mask)
        scar = np.array(
            [s.ar[i, days].sum() / np.sqrt(s.v[i][np.ix_(days, days)].sum()) for i in range(12)]
        )
        u = plain_scores(np.column_stack([s.residuals / sigma[:, None], scar / scar.std(ddof=1)]))
        count = np.isfinite(u).sum(axis=0)
        mean = np.nanmean(u, axis=0)
        big_t = 61
        ratio = mean[-1] / np.sqrt(
            sum(c / 12 * x**2 for c, x in zip(count, mean, strict=True)) / big_t
        )
        expected = ratio * np.sqrt((big_t - 2) / (big_t - 1 - ratio**2))
        assert t.statistic[w] == pytest.approx(expected, rel=1e-12)
        assert t.greater[w] == pytest.approx(scipy.stats.t.sf(expected, 59), rel=1e-9)
        own = [61] * 12
        own[5] = 46
        error = np.sqrt(sum((x - 1) / (12 * (x + 1)) for x in own))
        assert z.statistic[w] == pytest.approx(u[:, -1].sum() / error, rel=1e-12)


def test_grank_z_with_equal_windows_is_the_papers_closed_form() -> None:
    s = sample(2, n=11, m=70)
    mean = found("grank_z", s).verdict.statistic / np.sqrt(12 * 11 * 72 / 70)
    assert (np.abs(mean) < 0.5).all()
    ranks = (mean * 11 + 5.5) * 72
    np.testing.assert_allclose(ranks * 2, np.round(ranks * 2), atol=1e-8)


def test_one_extreme_rank_of_grank_t_by_hand() -> None:
    """Two events, four residuals: event ranks 5 and 5 of 5, residual ranks (1..4), (4..1).

    U = rank / 6 - 1/2. Means of residual columns are 2.5 / 6 - 1/2 = -1/12 each, of the event
    1/3; s^2 = (4/144 + 1/9) / 5 = 1/36, Z = 2, t = 2 sqrt(3 / (4 - 4)): every residual column
    alike leaves no room, so t is infinite.
    """
    s = Sample(
        np.array([[10.0], [20.0]]), np.ones((2, 1, 1)),
        np.array([[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]]),
        np.tile(np.arange(4), (2, 1)), np.array([10, 10]), np.array([3, 3]), 1,
    )  # fmt: skip
    verdict = TESTS["grank_t"].verdict(s, np.ones((1, 1)))
    assert verdict.statistic[0] > 1e6
    assert verdict.two_sided[0] < 1e-6
    assert verdict.distribution == "t(3)"


def test_cumrank_of_separate_windows_has_the_variance_of_draws_without_replacement() -> None:
    s = sample(6, n=12, m=60)
    u = plain_scores(scaled_pool(s))
    for w, mask in enumerate(MASKS):
        days = 60 + np.flatnonzero(mask)
        length = len(days)
        # The variance of a sum of L of the numbers 1..T, from scipy's rank-sum distribution.
        rank_sum_sd = np.sqrt(length * (65 - length) * 66 / 12)
        expected = u[:, days].sum() * 66 / (np.sqrt(12) * rank_sum_sd)
        assert found("cumrank", s).verdict.statistic[w] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("spacing", [0, 2])
def test_cumrank_of_shared_windows_by_a_plain_loop(spacing: int) -> None:
    s = sample(6, n=10, m=60, spacing=spacing, common=1.0)
    pairs = [(i, j) for i in range(10) for j in range(i)]
    r = [
        pd.Series(s.residuals[i], s.estimation_rows[i]).corr(
            pd.Series(s.residuals[j], s.estimation_rows[j])
        )
        for i, j in pairs
    ]
    at = s.positions
    day = sum(x for x, (i, j) in zip(r, pairs, strict=True) if at[i] == at[j]) / 45
    u = plain_scores(scaled_pool(s, np.sqrt(1 - day)))
    for w, mask in enumerate(MASKS):
        days = np.flatnonzero(mask)
        length = len(days)
        own = length * (65 - length) / (12 * 66)
        variance = 10 * own
        for i, j in pairs:
            shared = set(s.positions[i] + days) & set(s.positions[j] + days)
            q = pd.Series(u[i, :60], s.estimation_rows[i]).corr(
                pd.Series(u[j, :60], s.estimation_rows[j])
            )
            variance += 2 * len(shared) / length * q * own
        expected = u[:, 60 + days].sum() / np.sqrt(variance)
        assert found("cumrank", s).verdict.statistic[w] == pytest.approx(expected, rel=1e-9)


def test_cumrank_keeps_its_size_where_windows_overlap_and_corrado_does_not() -> None:
    """Twenty events two sessions apart, windows of eleven, a common factor: nominal 5%."""
    rejected = {"cumrank": 0, "corrado": 0}
    whole = np.ones((1, 11))
    for seed in range(200):
        s = sample(seed, n=20, m=60, length=11, spacing=2, common=0.8)
        s = replace(s, ar=s.ar - 0.004)
        for name in rejected:
            rejected[name] += TESTS[name].evaluate(s, whole).verdict.two_sided[0] < 0.05
    assert rejected["cumrank"] < 28  # 5% of 200 is 10; 28 is 14%
    assert rejected["corrado"] > 28


def test_cumrank_without_correlation_left_to_divide_by_has_no_value() -> None:
    s = sample(n=10, spacing=0)
    s.residuals[1:] = s.residuals[0]
    result = found("cumrank", s)
    assert np.isnan(result.verdict.statistic).all()
    assert Cumrank.no_value in result.caveats[0]


# Calendar portfolio ---------------------------------------------------------------------------


def portfolio_by_sessions(s: Sample, mask: Floats) -> list[float]:
    """Walk over calendar sessions, firm by firm."""
    days = np.flatnonzero(mask)
    held: dict[int, list[tuple[int, float]]] = {}
    for i, position in enumerate(s.positions):
        for day in days:
            held.setdefault(int(position + day), []).append((i, s.ar[i, day]))
    z = []
    for session in sorted(held):
        members = [i for i, _ in held[session]]
        series = [dict(zip(s.estimation_rows[i], s.residuals[i], strict=True)) for i in members]
        shared = [
            d for d in series[0] if all(d in x and np.isfinite(x[d]) for x in series)
        ]  # fmt: skip
        if len(shared) < 30:
            continue
        e = [np.mean([x[d] for x in series]) for d in shared]
        sd = np.sqrt(sum(x * x for x in e) / (len(e) - s.n_params))
        z.append(float(np.mean([ar for _, ar in held[session]]) / sd))
    return z


@pytest.mark.parametrize("spacing", [0, 2, 30])
def test_calendar_portfolio_session_by_session(spacing: int) -> None:
    s = sample(8, n=7, m=80, spacing=spacing, common=1.0)
    s.residuals[3, 10:14] = np.nan
    s.dof[3] -= 4
    verdict = found("calendar_portfolio", s).verdict
    for w, mask in enumerate(MASKS):
        z = portfolio_by_sessions(s, mask)
        np.testing.assert_allclose(standardised_portfolio(s, mask), z, rtol=1e-10)
        if len(z) < 2:
            assert np.isnan(verdict.statistic[w])
            continue
        expected = scipy.stats.ttest_1samp(z, 0.0)
        assert verdict.statistic[w] == pytest.approx(expected.statistic, rel=1e-10)
        assert verdict.two_sided[w] == pytest.approx(expected.pvalue, rel=1e-9)


def test_one_calendar_session_has_no_number_and_says_so() -> None:
    result = found("calendar_portfolio", sample(n=12, spacing=0))
    assert np.isnan(result.verdict.statistic[0])
    assert "fewer than two calendar sessions" in result.caveats[0]
    assert np.isfinite(result.verdict.statistic[1])
    assert "only 5 calendar sessions" in result.caveats[1]
    assert result.verdict.distribution == ("t(1)", "t(4)", "t(1)")


def test_sessions_whose_events_share_too_few_estimation_sessions_are_counted_out() -> None:
    """Windows of 5, sessions 0 two apart, estimation windows of 31: two events share 29."""
    s = sample(n=3, m=31, spacing=2)
    result = found("calendar_portfolio", s, np.ones((1, 5)))
    assert len(portfolio_by_sessions(s, np.ones(5))) == 4
    assert "5 of 9 calendar sessions left out" in result.caveats[0]
    assert result.verdict.distribution == "t(3)"


def test_two_events_of_one_firm_in_one_window_are_two_holdings() -> None:
    """The same returns twice: the portfolio of both is the portfolio of one."""
    one = sample(5, n=6)
    twice = kept(one, [0, 0, 1, 2, 3, 4, 5])
    for mask in MASKS:
        np.testing.assert_allclose(
            standardised_portfolio(twice, mask), standardised_portfolio(one, mask), rtol=1e-12
        )


# The sample -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLOSED)
def test_a_missing_event_day_takes_the_event_from_the_windows_that_hold_it(name: str) -> None:
    s = sample(1, n=12, spacing=2, common=0.5)
    hole = holed(s, (3, 0), (7, 4))
    result = found(name, hole)
    np.testing.assert_array_equal(result.n, [11, 10, 12])
    np.testing.assert_array_equal(result.n_dates, [11, 10, 12])
    assert "1 event left out: a day of this window is missing" in result.caveats[0]
    assert "2 events left out" in result.caveats[1]
    assert "left out: a day" not in result.caveats[2]
    for w, rows in enumerate(
        ([i for i in range(12) if i != 3], [i for i in range(12) if i not in (3, 7)], range(12))
    ):
        alone = TESTS[name].evaluate(kept(hole, list(rows)), MASKS[w : w + 1]).verdict
        assert np.isfinite(alone.statistic[0])
        assert result.verdict.statistic[w] == alone.statistic[0]
        text = result.verdict.distribution
        assert (text if isinstance(text, str) else text[w]) == alone.distribution


@pytest.mark.parametrize("convention", ["scar", "sum_sar"])
@pytest.mark.parametrize(
    "name", [n for n in CLOSED if n not in ("corrado", "corrado_zivney", "cumrank")]
)
def test_a_missing_day_outside_a_window_changes_nothing_there(name: str, convention: str) -> None:
    """The rank tests over days lose one day of their pool, the others nothing."""
    s = replace(sample(1, n=12), convention=convention)
    whole, hole = found(name, s).verdict, found(name, holed(s, (3, 0))).verdict
    assert hole.statistic[2] == pytest.approx(whole.statistic[2], rel=1e-12)
    assert hole.statistic[0] != pytest.approx(whole.statistic[0], rel=1e-6)


def test_a_missing_day_outside_a_window_is_out_of_the_pool_of_corrado() -> None:
    s = holed(sample(9, n=5, m=60), (2, 0))
    u = plain_scores(np.hstack([s.residuals, s.ar]))
    k = np.array([np.nansum(c) / np.sqrt(np.isfinite(c).sum()) for c in u.T])
    z = found("corrado", s).verdict.statistic[2]
    expected = k[62:64].sum() / np.sqrt(2 * np.mean(k**2))
    assert z == pytest.approx(expected, rel=1e-12)


def test_too_few_events_in_one_window_leave_the_others_alone() -> None:
    s = holed(sample(n=3), (0, 0), (1, 0))
    result = found("cross_sectional", s)
    assert np.isnan(result.verdict.statistic[0])
    assert result.verdict.distribution == (
        "undefined: 1 event, at least 2 needed", "undefined: 1 event, at least 2 needed", "t(2)"
    )  # fmt: skip
    assert result.verdict.statistic[2] == pytest.approx(
        scipy.stats.ttest_1samp(s.ar[:, 2:4].sum(axis=1), 0.0).statistic
    )


def test_degrees_of_freedom_stay_with_their_window_where_events_leave_some() -> None:
    """Six events two apart hold 6, 15 and 12 sessions; without the third, 5 days of 5 events."""
    s = holed(sample(n=6, spacing=2), (2, 1))
    found_for = found("calendar_portfolio", s).verdict.distribution
    assert found_for == ("t(5)", "t(14)", "t(11)")


def test_every_event_missing_is_no_event() -> None:
    s = holed(sample(n=3), *((i, 0) for i in range(3)))
    result = found("bmp", s)
    assert result.n[0] == 0
    assert result.n_dates[0] == 0
    assert "3 events left out" in result.caveats[0]


def test_cars_of_a_window_with_a_missing_day_are_missing() -> None:
    s = holed(sample(n=3), (1, 2))
    car, se = s.cars(MASKS)
    np.testing.assert_array_equal(np.isnan(car), [[False] * 3, [False, True, True], [False] * 3])
    np.testing.assert_array_equal(np.isnan(se), np.isnan(car))
    np.testing.assert_array_equal(
        np.isnan(replace(s, convention="sum_sar").scars(MASKS)), np.isnan(car)
    )


@pytest.mark.parametrize("name", CLOSED)
def test_models_without_a_forecast_covariance(name: str) -> None:
    s = sample(n=12)
    blank = replace(s, v=np.full_like(s.v, np.nan), covariance="none")
    result = found(name, blank)
    if name in NEEDS_V:
        assert result.verdict.distribution == "undefined: the model gives no forecast covariance"
        assert np.isnan(result.verdict.statistic).all()
        assert np.isnan(result.verdict.greater).all()
    else:
        np.testing.assert_array_equal(result.verdict.statistic, found(name, s).verdict.statistic)
    rough = found(name, replace(s, covariance="approximate"))
    said = ["forecast covariance is approximate" in caveat for caveat in rough.caveats]
    assert said == [name in NEEDS_V] * 3
    np.testing.assert_array_equal(rough.verdict.statistic, found(name, s).verdict.statistic)


@pytest.mark.parametrize("name", CLOSED)
def test_several_events_of_one_firm_are_several_rows(name: str) -> None:
    """Firm A twice and firm B once is three observations, not two."""
    s = sample(13, n=12, spacing=40)
    result = found(name, s)
    np.testing.assert_array_equal(result.n, 12)
    twice = kept(s, [0, *range(12)])
    assert (found(name, twice).n == 13).all()
    apart = replace(twice, positions=np.concatenate([[9000], s.positions]))
    assert (found(name, apart).n_dates == 13).all()
    assert (found(name, twice).n_dates == 12).all()


def test_two_events_of_one_firm_weigh_as_two_in_the_mean() -> None:
    s = sample(13, n=5)
    twice = kept(s, [0, 0, 1, 2, 3, 4])
    car = s.ar[[0, 0, 1, 2, 3, 4], 0]
    expected = scipy.stats.ttest_1samp(car, 0.0).statistic
    assert found("cross_sectional", twice).verdict.statistic[0] == pytest.approx(expected)


def test_caveats_name_what_fails_of_the_newer_tests() -> None:
    clustered, near = sample(n=24, spacing=0, common=1.0), sample(n=24, spacing=3)
    for name in ("skewness_adjusted", "hall", "grank_z"):
        assert "fall on 1 date" in found(name, clustered).caveats[0]
        assert "windows overlap" in found(name, near).caveats[1]
    for name in ("patell_adjusted", "cumrank", "corrado_zivney"):
        assert found(name, clustered).caveats[0] == ""
    assert "event days as independent" in found("corrado_zivney", near).caveats[1]
    for name in ("patell_adjusted", "cumrank", "calendar_portfolio"):
        assert found(name, near).caveats[1] == ""
    assert "events of one date correlate" in found("grank_t", clustered).caveats[0]
    assert "overlap in part" in found("grank_t", near).caveats[1]
    assert found("grank_t", near).caveats[0] == ""
    side_by_side = sample(n=24, spacing=5)
    for name in ("hall", "grank_t", "corrado_zivney", "date_clustered"):
        assert found(name, side_by_side).caveats[1] == ""
    assert found("skewness_adjusted", sample(n=12)).caveats[0] == "only 12 events"


@pytest.mark.parametrize("name", SPREADS)
def test_a_spread_of_few_events_gives_no_number_and_one_of_some_a_caveat(name: str) -> None:
    few = found(name, sample(n=9))
    assert np.isnan(few.verdict.statistic).all()
    assert few.verdict.distribution == "undefined: 9 events, at least 10 needed"
    said = "only 19 events, whose spread is itself estimated: it rejects too often"
    assert found(name, sample(n=19)).caveats[0] == said
    assert found(name, sample(n=20)).caveats[0] == ""


def test_how_often_a_spread_of_few_events_rejects() -> None:
    """Independent normal returns at nominal 5%: bearable with 10 events, not with 3."""
    rate = {}
    for n in (3, 10):
        count = dict.fromkeys(SPREADS, 0)
        rng = np.random.default_rng(n)
        positions = 1000 * np.arange(1, n + 1)
        for _ in range(600):
            s = Sample(
                rng.normal(size=(n, 1)), np.ones((n, 1, 1)), rng.normal(size=(n, 250)),
                positions[:, None] + np.arange(-260, -10), positions, np.full(n, 248), 2,
            )  # fmt: skip
            for name in SPREADS:
                count[name] += TESTS[name].verdict(s, np.ones((1, 1))).two_sided[0] <= 0.05
        rate[n] = np.array([count[name] / 600 for name in SPREADS])
    assert (rate[3] > 0.12).all(), rate
    assert (rate[10] < 0.10).all(), rate
    assert (rate[10] > 0.05).all(), rate


@pytest.mark.parametrize("name", CLOSED)
def test_coinciding_events_on_one_series_give_no_number_or_a_finite_one(name: str) -> None:
    """Equal rows: tests that divide by the spread over events have nothing to divide by."""
    s = sample(n=12, spacing=0)
    alike = kept(s, [0] * 12)
    verdict = found(name, alike).verdict
    if name in (
        "cross_sectional", "skewness_adjusted", "hall", "bmp", "corrado_zivney", "grank_t",
        "grank_z", "cumrank", "date_clustered",
    ):  # fmt: skip
        assert np.isnan(verdict.statistic).all()
        assert np.isnan(verdict.two_sided).all()
    for p in (verdict.greater, verdict.less, verdict.two_sided):
        assert ((p >= 0) & (p <= 1) | np.isnan(p)).all()


def test_every_test_states_what_it_needs() -> None:
    for test in find_tests(CLOSED):
        for text in (test.null, test.assumptions, test.source):
            assert text
        assert test.__doc__
    assert {t.name for t in find_tests(CLOSED) if t.standardised or t.needs_covariance} == NEEDS_V
    assert len(CLOSED) == 18


@pytest.mark.parametrize("name", CLOSED)
def test_what_is_kept_for_one_set_of_windows_is_not_given_for_another(name: str) -> None:
    s = sample(n=12, spacing=2)
    together = found(name, s).verdict.statistic
    for w in range(3):
        fresh = found(name, kept(s, list(range(12))), MASKS[w : w + 1]).verdict.statistic
        again = found(name, s, MASKS[w : w + 1]).verdict.statistic
        np.testing.assert_allclose(again, fresh, rtol=1e-12)
        np.testing.assert_allclose(together[w : w + 1], fresh, rtol=1e-12)
