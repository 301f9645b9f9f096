"""Random shapes, missing data and ties, each number by another program.

What else is checked against other programs stands in docs/methods, figure by figure. More
examples: EVENTSTUDY_DIFFERENTIAL=500 python -m pytest tests/test_differential.py
"""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
import scipy.optimize
import scipy.stats
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from eventstudy.activity.ratios import f_tails, variance_ratios
from eventstudy.backtest import metrics
from eventstudy.backtest.luck.sharpe import expected_max_sharpe, judge_sharpe
from eventstudy.backtest.relative import benchmark_line
from eventstudy.models.contract import ModelTask
from eventstudy.models.counterfactual import ElasticNet, simplex_weights
from eventstudy.models.iterated import OneTask
from eventstudy.models.market import regression
from eventstudy.models.newey_west import newey_west
from eventstudy.models.robust import Huber
from eventstudy.significance import TESTS, Sample
from eventstudy.significance.multiple import benjamini_hochberg, holm
from eventstudy.significance.single import sq_tails
from eventstudy.study.effects import group_effects

EXAMPLES = int(os.environ.get("EVENTSTUDY_DIFFERENTIAL", "6"))
SEED = st.integers(0, 2**32 - 1)
random = settings(max_examples=EXAMPLES, deadline=None)


# ---------------------------------------------------------------- models


def regressions(seed: int, d: int, length: int, holes: float) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    n, m = 3, int(rng.integers(25, 90))
    x = rng.standard_t(4, (n, m + length, d)) * 10.0 ** rng.uniform(-3, 0, d)
    x[:, :, :1] = 1.0
    y = x @ rng.normal(0.0, 1.0, d) + 10.0 ** rng.uniform(-4, 0) * rng.standard_t(
        5, (n, m + length)
    )
    y[:, :m][rng.random((n, m)) < holes] = np.nan
    x[:, :m, 1:][rng.random((n, m, d - 1)) < holes / 2] = np.nan
    return y[:, :m], x[:, :m], y[:, m:], x[:, m:]


@random
@given(
    seed=SEED, d=st.integers(1, 7), length=st.integers(1, 6), holes=st.sampled_from([0.0, 0.1, 0.3])
)
def test_linear_models_by_statsmodels(seed: int, d: int, length: int, holes: float) -> None:
    """Fit, leverage, and the whole covariance of the forecast errors."""
    y, x, y_event, x_event = regressions(seed, d, length, holes)
    names = ("alpha", *(f"f{k}" for k in range(1, d)))
    found = regression(y, x, y_event, x_event, names)
    for i in range(len(y)):
        used = np.isfinite(y[i]) & np.isfinite(x[i]).all(axis=1)
        if used.sum() < d + 3:
            continue
        other = sm.OLS(y[i][used], x[i][used]).fit()
        ar = y_event[i] - other.predict(x_event[i])
        v = x_event[i] @ other.cov_params() @ x_event[i].T + other.mse_resid * np.eye(length)
        size = np.sqrt(other.mse_resid)
        np.testing.assert_allclose(found.ar[i], ar, atol=1e-8 * size)
        np.testing.assert_allclose(found.v[i], v, rtol=1e-7, atol=1e-9 * size**2)
        np.testing.assert_allclose(found.residuals[i][used], other.resid, atol=1e-8 * size)
        influence = other.get_influence().hat_matrix_diag
        np.testing.assert_allclose(found.leverage[i][used], influence, atol=1e-9)
        assert np.isnan(found.residuals[i][~used]).all()
        assert found.dof[i] == other.df_resid
        assert found.s2[i] == pytest.approx(other.mse_resid, rel=1e-9)


@random
@given(seed=SEED, holes=st.sampled_from([0.0, 0.2]))
def test_the_robust_model_by_statsmodels(seed: int, holes: float) -> None:
    rng = np.random.default_rng(seed)
    market = rng.standard_t(4, (1, 84)) * 0.01
    y = 0.9 * market + rng.standard_t(2, market.shape) * 0.01
    y[:, :80][rng.random((1, 80)) < holes] = np.nan
    parts = (y[:, :80], y[:, 80:], market[:, :80], market[:, 80:])
    found = Huber().fit(ModelTask(*parts, net=np.ones(1)))
    used = np.isfinite(y[0, :80])
    x = sm.add_constant(market[0, :80][used])
    other = sm.RLM(y[0, :80][used], x, M=sm.robust.norms.HuberT(1.345)).fit(
        maxiter=500, tol=1e-13, scale_est=sm.robust.scale.mad
    )
    # statsmodels centres its scale at the median residual, ours at zero: same weights, near scale.
    ours = np.array([found.alpha[0], found.beta[0]])
    assert np.abs(ours - other.params).max() < 0.5 * other.bse.max()
    scale = np.sqrt(found.s2[0])
    residuals = y[0, :80][used] - x @ ours
    assert scale == pytest.approx(np.median(np.abs(residuals)) / scipy.stats.norm.ppf(0.75))
    # The estimating equations of an M-estimator, solved by nobody: they must vanish.
    psi = np.clip(residuals / scale, -1.345, 1.345)
    np.testing.assert_allclose(psi @ x, 0.0, atol=1e-9 * len(psi))


@random
@given(seed=SEED, donors=st.integers(1, 12), sessions=st.integers(15, 80))
def test_synthetic_weights_by_another_optimiser(seed: int, donors: int, sessions: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(0.0, 0.01, (sessions, donors)) + rng.normal(0.0, 0.01, (sessions, 1))
    y = x[:, 0] * 0.6 + rng.normal(0.0, 0.004, sessions)
    w = simplex_weights(y, x)
    assert w.min() >= 0
    assert w.sum() == pytest.approx(1.0, abs=1e-12)
    other = scipy.optimize.minimize(
        lambda v: 1e4 * ((y - x @ v) ** 2).sum(), np.full(donors, 1.0 / donors), method="SLSQP",
        bounds=[(0.0, 1.0)] * donors, tol=1e-12, options={"maxiter": 1000},
        constraints={"type": "eq", "fun": lambda v: v.sum() - 1.0},
    )  # fmt: skip
    ours = 1e4 * ((y - x @ w) ** 2).sum()
    assert ours <= other.fun * (1.0 + 1e-9) + 1e-12
    # Optimal: no donor has a steeper slope than those that are used.
    slope = -2.0 * x.T @ (y - x @ w)
    assert slope.min() >= slope[w > 1e-9].max() - 1e-9


@settings(max_examples=max(1, EXAMPLES // 3), deadline=None)
@given(seed=SEED)
def test_the_elastic_net_is_optimal_at_its_own_penalty(seed: int) -> None:
    """Subgradients of the standardised problem, by hand."""
    rng = np.random.default_rng(seed)
    donors = rng.normal(0.0, 0.01, (84, 5)) + rng.normal(0.0, 0.008, (84, 1))
    y = 0.5 * donors[:, 0] + 0.3 * donors[:, 1] + rng.normal(0.0, 0.004, 84)
    one = OneTask(y[:80], y[80:], y[:80], y[80:], 1.0, 11, donors[:80], donors[80:])
    found = ElasticNet().fit_one(one)
    z = (donors[:80] - donors[:80].mean(axis=0)) / donors[:80].std(axis=0)
    r = found.residuals / y[:80].std()
    # The fit is a + X b: coefficients follow from the fitted values, which donors span.
    fitted = y[:80] - found.residuals - found.alpha
    slopes = np.linalg.lstsq(donors[:80], fitted, rcond=None)[0]
    b = slopes * donors[:80].std(axis=0) / y[:80].std()
    penalty, mixing = found.loadings["penalty"], found.loadings["mixing"]
    pull = z.T @ r / 80 - penalty * (1.0 - mixing) * b
    used = np.abs(b) > 1e-7
    np.testing.assert_allclose(pull[used], penalty * mixing * np.sign(b[used]), atol=1e-5)
    assert (np.abs(pull[~used]) <= penalty * mixing + 1e-5).all()
    np.testing.assert_allclose(found.ar, y[80:] - found.alpha - donors[80:] @ slopes, atol=1e-10)


# ---------------------------------------------------------------- tests over events

MASKS = np.array([[1, 0, 0], [0, 0, 1], [1, 1, 1]], dtype=float)


def sample(seed: int, n: int, *, ties: bool = False, holes: float = 0.0, apart: int = 40) -> Sample:
    """Events apart from each other, or several a date where `apart` is 0."""
    rng = np.random.default_rng(seed)
    m, length = int(rng.integers(35, 70)), 3
    scale = rng.uniform(0.005, 0.05, (n, 1))
    residuals, ar = scale * rng.standard_t(4, (n, m)), scale * rng.standard_t(4, (n, length))
    if ties:
        residuals, ar = residuals.round(2), ar.round(2)
        residuals[:, 0] += 1e-3  # no event stands still
    residuals[rng.random(residuals.shape) < holes] = np.nan
    ar[1:][rng.random((n - 1, length)) < holes / 2] = np.nan
    positions = 300 + (apart * np.arange(n) if apart else rng.choice([0, 50, 90, 200], n))
    dof = np.isfinite(residuals).sum(axis=1) - 2
    root = rng.normal(0.0, 0.3, (n, length, length))
    v = scale[:, :, None] ** 2 * (np.eye(length) + root @ root.transpose(0, 2, 1))
    rows = positions[:, None] + np.arange(-5 - m, -5)
    return Sample(ar, v, residuals, rows, positions, dof, 2)


def window(s: Sample, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return CARs, their errors and the rows of the events that have every day of a window."""
    days = mask > 0
    rows = np.flatnonzero(np.isfinite(s.ar[:, days]).all(axis=1))
    car = s.ar[rows][:, days].sum(axis=1)
    se = np.sqrt(s.v[rows][:, days][:, :, days].sum(axis=(1, 2)))
    return car, se, rows


SAMPLES = {"seed": SEED, "n": st.integers(4, 60), "holes": st.sampled_from([0.0, 0.2])}


@random
@given(**SAMPLES)
def test_parametric_tests_by_scipy(seed: int, n: int, holes: float) -> None:
    s = sample(seed, n, holes=holes)
    found = {
        name: TESTS[name].evaluate(s, MASKS)
        for name in ("cross_sectional", "bmp", "patell", "time_series")
    }
    aar = pd.DataFrame(s.residuals).mean(axis=0).dropna()
    for w, mask in enumerate(MASKS):
        car, se, rows = window(s, mask)
        if len(rows) < 2:
            continue
        for name, values in (("cross_sectional", car), ("bmp", car / se)):
            other = scipy.stats.ttest_1samp(values, 0.0)
            assert found[name].verdict.statistic[w] == pytest.approx(other.statistic, rel=1e-9)
            assert found[name].verdict.two_sided[w] == pytest.approx(other.pvalue, rel=1e-8)
        z = (car / se).sum() / np.sqrt(scipy.stats.t.var(s.dof[rows]).sum())
        assert found["patell"].verdict.statistic[w] == pytest.approx(z, rel=1e-9)
        assert found["patell"].verdict.greater[w] == pytest.approx(scipy.stats.norm.sf(z), rel=1e-8)
        if not holes:
            t = car.mean() / (np.sqrt(mask.sum()) * aar.std())
            assert found["time_series"].verdict.statistic[w] == pytest.approx(t, rel=1e-9)
            p = scipy.stats.t.sf(t, len(aar) - 1)
            assert found["time_series"].verdict.greater[w] == pytest.approx(p, rel=1e-8)


@random
@given(**SAMPLES)
def test_counts_and_ranks_of_cars_by_scipy(seed: int, n: int, holes: float) -> None:
    """Ties and zeros included: returns are rounded to whole percents."""
    s = sample(seed, n, ties=True, holes=holes)
    sign, wilcoxon = (TESTS[name].evaluate(s, MASKS) for name in ("sign", "wilcoxon"))
    general = TESTS["generalized_sign"].evaluate(s, MASKS).verdict
    for w, mask in enumerate(MASKS):
        car = window(s, mask)[0].round(9)
        moved = car[car != 0]
        if len(moved) < 4:
            continue
        for side, p, q in (
            ("greater", sign.verdict.greater[w], wilcoxon.verdict.greater[w]),
            ("less", sign.verdict.less[w], wilcoxon.verdict.less[w]),
        ):
            other = scipy.stats.binomtest(int((moved > 0).sum()), len(moved), alternative=side)
            assert p == pytest.approx(other.pvalue, rel=1e-9)
            exact = len(np.unique(np.abs(moved))) == len(moved) <= 50
            method = {"method": "exact"} if exact else {"method": "approx", "correction": False}
            ranked = scipy.stats.wilcoxon(moved, alternative=side, **method)
            assert q == pytest.approx(ranked.pvalue, rel=1e-8)
        rows = window(s, mask)[2]
        share = pd.DataFrame(s.residuals[rows])
        up = ((share > 0).sum(axis=1) / share.notna().sum(axis=1)).mean()
        by_hand = ((car > 0).sum() - len(car) * up) / np.sqrt(len(car) * up * (1.0 - up))
        assert general.statistic[w] == pytest.approx(by_hand, rel=1e-9, abs=1e-12)
        assert general.less[w] == pytest.approx(scipy.stats.norm.cdf(by_hand), rel=1e-8)


@random
@given(seed=SEED, n=st.integers(4, 25), ties=st.booleans(), holes=st.sampled_from([0.0, 0.15]))
def test_corrados_ranks_by_scipy(seed: int, n: int, ties: bool, holes: float) -> None:
    s = sample(seed, n, ties=ties, holes=0.0)
    s.residuals[np.random.default_rng(seed).random(s.residuals.shape) < holes] = np.nan
    found = TESTS["corrado"].evaluate(s, MASKS).verdict
    pool = np.hstack([s.residuals, s.ar])
    ranks = scipy.stats.rankdata(pool, axis=1, nan_policy="omit")
    u = ranks / (1.0 + np.isfinite(pool).sum(axis=1, keepdims=True)) - 0.5
    count = np.isfinite(pool).sum(axis=0)
    k = np.nansum(u, axis=0)[count > 0] / np.sqrt(count[count > 0])
    for w, mask in enumerate(MASKS):
        z = (k[-3:] @ mask) / np.sqrt(mask.sum() * np.mean(k**2))
        assert found.statistic[w] == pytest.approx(z, rel=1e-8, abs=1e-11)
        assert found.two_sided[w] == pytest.approx(2.0 * scipy.stats.norm.sf(abs(z)), rel=1e-8)


@random
@given(seed=SEED, n=st.integers(6, 40))
def test_dates_by_pandas_and_scipy(seed: int, n: int) -> None:
    s = sample(seed, n, apart=0)
    found = TESTS["date_clustered"].evaluate(s, MASKS).verdict
    for w, mask in enumerate(MASKS):
        car, se, _ = window(s, mask)
        means = pd.Series(car / se).groupby(s.positions).mean()
        if len(means) > 1:
            other = scipy.stats.ttest_1samp(means, 0.0)
            assert found.statistic[w] == pytest.approx(other.statistic, rel=1e-9)
            assert found.two_sided[w] == pytest.approx(other.pvalue, rel=1e-8)


@random
@given(seed=SEED, n=st.integers(4, 60))
def test_intervals_and_power_by_scipy(seed: int, n: int) -> None:
    s = sample(seed, n)
    found = group_effects(s, MASKS)
    for w, mask in enumerate(MASKS):
        car = window(s, mask)[0]
        error = scipy.stats.sem(car)
        low, high = scipy.stats.t.interval(0.95, n - 1, loc=car.mean(), scale=error)
        assert (found.lo[w], found.hi[w]) == pytest.approx((low, high), rel=1e-9, abs=1e-12)
        reach = scipy.stats.t.ppf(0.975, n - 1) + scipy.stats.t.ppf(0.8, n - 1)
        assert found.mde[w] == pytest.approx(reach * error, rel=1e-9)


@random
@given(seed=SEED, d=st.integers(1, 4), length=st.integers(1, 5), holes=st.sampled_from([0.0, 0.2]))
def test_variance_ratios_are_the_f_test_of_dummies_in_statsmodels(
    seed: int, d: int, length: int, holes: float
) -> None:
    """One regression over both windows with a dummy an event day: all of them zero."""
    y, x, y_event, x_event = regressions(seed, d, length, holes)
    fit = regression(y, x, y_event, x_event, ("alpha", *(f"f{k}" for k in range(1, d))))
    ratio = variance_ratios(fit.ar, fit.v, np.ones((1, length)))[:, 0]
    greater = f_tails(ratio, length, fit.dof)[0]
    for i in range(len(y)):
        used = np.isfinite(y[i]) & np.isfinite(x[i]).all(axis=1)
        if used.sum() < d + 3:
            continue
        dummies = np.vstack([np.zeros((used.sum(), length)), np.eye(length)])
        whole = np.hstack([np.vstack([x[i][used], x_event[i]]), dummies])
        other = sm.OLS(np.append(y[i][used], y_event[i]), whole).fit()
        tested = other.f_test(np.hstack([np.zeros((length, d)), np.eye(length)]))
        assert ratio[i] == pytest.approx(float(tested.fvalue), rel=1e-6)
        assert greater[i] == pytest.approx(float(tested.pvalue), rel=1e-5, abs=1e-300)


@random
@given(seed=SEED, length=st.integers(1, 6))
def test_ranks_among_residuals_by_a_plain_loop(seed: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    residuals, leverage = rng.normal(0.0, 0.01, (2, 40)).round(3), rng.uniform(0.0, 0.4, (2, 40))
    residuals[rng.random((2, 40)) < 0.1] = np.nan
    car = rng.normal(0.0, 0.02, 2)
    found = sq_tails(car, residuals, leverage, length)
    for i in range(2):
        known = pd.Series(residuals[i] / np.sqrt(1.0 - leverage[i])).dropna()
        sums = known.rolling(length).apply(lambda x: sum(x.tolist())).dropna()
        assert found.draws[i] == len(sums)
        above = scipy.stats.percentileofscore(-sums, -car[i], kind="weak") / 100.0 * len(sums)
        assert found.greater[i] == pytest.approx((1.0 + above) / (1.0 + len(sums)), rel=1e-9)


@random
@given(
    p=st.lists(
        st.one_of(st.floats(0, 1), st.sampled_from([0.01, 0.05]), st.just(np.nan)), min_size=1,
        max_size=20,
    )
)  # fmt: skip
def test_several_hypotheses_with_ties_and_gaps_by_statsmodels(p: list[float]) -> None:
    values = np.array(p)
    known = np.isfinite(values)
    for ours, theirs in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        found = ours(values)
        assert np.isnan(found[~known]).all()
        if known.any():
            other = multipletests(values[known], method=theirs)[1]
            np.testing.assert_allclose(found[known], other, rtol=1e-12, atol=1e-300)


# ---------------------------------------------------------------- time series of an account


@random
@given(seed=SEED, count=st.integers(12, 300), k=st.integers(1, 4), lags=st.integers(0, 9))
def test_newey_west_by_statsmodels(seed: int, count: int, k: int, lags: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(count), rng.normal(0.0, 0.01, (count, k))])
    y = x @ rng.normal(0.0, 1.0, k + 1) + rng.standard_t(4, count) * (1.0 + np.abs(x[:, 1]) * 50)
    found = newey_west(y, x, lags)
    other = sm.OLS(y, x).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    np.testing.assert_allclose(found.params, other.params, rtol=1e-8)
    np.testing.assert_allclose(found.se, other.bse, rtol=1e-7)
    assert found.r2 == pytest.approx(other.rsquared, abs=1e-10)


@random
@given(seed=SEED, count=st.integers(5, 400))
def test_an_account_against_its_benchmark_by_statsmodels(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0003, 0.01, count)
    r = 0.4 * market + rng.standard_t(4, count) * 0.005
    found = benchmark_line(r, market)
    other = sm.OLS(r, sm.add_constant(market)).fit()
    assert found.alpha == pytest.approx(252 * other.params[0], rel=1e-8)
    assert (found.alpha_se, found.beta_se) == pytest.approx(
        (252 * other.bse[0], other.bse[1]), rel=1e-8
    )
    assert found.beta == pytest.approx(other.params[1], rel=1e-8)


@random
@given(seed=SEED, count=st.integers(30, 400), trials=st.integers(2, 500))
def test_deflated_sharpe_ratios_by_scipy(seed: int, count: int, trials: int) -> None:
    rng = np.random.default_rng(seed)
    r = rng.normal(0.0005, 0.01, count) + 0.01 * (rng.gamma(2.0, 1.0, count) - 2.0)
    others = rng.normal(0.0, 0.05, trials - 1)
    ratio = r.mean() / r.std(ddof=1)
    found = judge_sharpe(r, np.append(others, ratio))
    spread = np.append(others, ratio).std(ddof=1)
    normal, e = scipy.stats.norm, np.e
    best = spread * (
        (1.0 - np.euler_gamma) * normal.ppf(1.0 - 1.0 / trials)
        + np.euler_gamma * normal.ppf(1.0 - 1.0 / (trials * e))
    )
    skewed, fat = scipy.stats.skew(r), scipy.stats.kurtosis(r, fisher=False)
    error = np.sqrt((1.0 - skewed * ratio + (fat - 1.0) / 4.0 * ratio**2) / (count - 1))
    assert expected_max_sharpe(spread, trials) == pytest.approx(best, rel=1e-10)
    assert found.sharpe == pytest.approx(ratio, rel=1e-10)
    assert found.deflated == pytest.approx(normal.cdf((ratio - best) / error), rel=1e-8)
    assert found.p_value == pytest.approx(normal.sf(ratio / error), rel=1e-8)


@random
@given(seed=SEED, count=st.integers(3, 300))
def test_figures_of_a_path_by_pandas_and_scipy(seed: int, count: int) -> None:
    r = pd.Series(np.random.default_rng(seed).standard_t(4, count) * 0.01)
    values = 1e6 * np.append(1.0, (1.0 + r).cumprod())
    path = pd.Series(values)
    assert metrics.max_drawdown(values) == pytest.approx((path / path.cummax() - 1.0).min())
    assert metrics.skewness(r.to_numpy()) == pytest.approx(scipy.stats.skew(r), rel=1e-9)
    fat = scipy.stats.kurtosis(r, fisher=False)
    assert metrics.kurtosis(r.to_numpy()) == pytest.approx(fat, rel=1e-9)
    assert metrics.volatility(r.to_numpy()) == pytest.approx(r.std() * np.sqrt(252), rel=1e-10)
    assert metrics.annual_return(values) == pytest.approx(
        scipy.stats.gmean(1.0 + r) ** 252 - 1.0, rel=1e-8
    )
