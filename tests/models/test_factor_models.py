"""Factor models, references and the two-sided mean against statsmodels and arithmetic by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.factors import load_factors
from eventstudy.models.adjusted import (
    ComparisonPeriodMean,
    ReferenceAdjusted,
    ReferenceModel,
    reference_model,
)
from eventstudy.models.contract import (
    ModelFit,
    ModelTask,
    Needs,
    Recipe,
    ReturnModel,
    looks_ahead,
    needs_of,
    recipe_of,
)
from eventstudy.models.factor import FACTOR_MODELS, FactorModel, factor_model
from eventstudy.models.market import ConstantMean, MarketModel
from eventstudy.prices import load_prices

Floats = npt.NDArray[np.float64]

REGRESSORS = {
    "capm": ["mkt_rf"],
    "ff3": ["mkt_rf", "smb", "hml"],
    "carhart": ["mkt_rf", "smb", "hml", "mom"],
    "ff5": ["mkt_rf", "smb", "hml", "rmw", "cma"],
    "ff5-mom": ["mkt_rf", "smb", "hml", "rmw", "cma", "mom"],
}


def none(n: int, sessions: int) -> Floats:
    return np.full((n, sessions), np.nan)


def factor_world(seed: int, k: int, n: int = 5, m: int = 140, length: int = 6) -> ModelTask:
    """n series on k factors and a riskless rate, which stands last."""
    rng = np.random.default_rng(seed)
    f = rng.normal(0.0003, 0.009, (n, m + length, k + 1))
    f[:, :, -1] = rng.uniform(0.0, 0.0003, (n, m + length))
    slopes = rng.normal(0.6, 0.5, (n, k))
    noise = rng.standard_t(5, (n, m + length)) * 0.012
    y = f[:, :, -1] + 0.0004 + np.einsum("ntk,nk->nt", f[:, :, :k], slopes) + noise
    return ModelTask(
        y[:, :m], y[:, m:], none(n, m), none(n, length), np.ones(n),
        factors=f[:, :m], factors_event=f[:, m:],
    )  # fmt: skip


def holed(task: ModelTask, seed: int) -> ModelTask:
    rng = np.random.default_rng(seed)
    y, f = task.y.copy(), task.factors.copy()
    y[rng.random(y.shape) < 0.1] = np.nan
    f[rng.random(f.shape) < 0.02] = np.nan
    return replace(task, y=y, factors=f)


def assert_is_ols(
    found: ModelFit, i: int, y: Floats, x: Floats, y_event: Floats, x_event: Floats
) -> None:
    """Compare one observation with statsmodels; X without its ones."""
    used = np.isfinite(y) & np.isfinite(x).all(axis=1)
    x1 = np.column_stack([np.ones(used.sum()), x[used]])
    x2 = np.column_stack([np.ones(len(y_event)), x_event])
    ols = sm.OLS(y[used], x1).fit()
    predicted = ols.get_prediction(x2)
    np.testing.assert_allclose(found.ar[i], y_event - predicted.predicted_mean, atol=1e-12)
    whole = ols.mse_resid * (np.eye(len(x2)) + x2 @ np.linalg.inv(x1.T @ x1) @ x2.T)
    np.testing.assert_allclose(found.v[i], whole, rtol=1e-10, atol=1e-17)
    np.testing.assert_allclose(np.sqrt(np.diag(found.v[i])), predicted.se_obs, rtol=1e-10)
    np.testing.assert_allclose(found.residuals[i][used], ols.resid, atol=1e-13)
    assert np.isnan(found.residuals[i][~used]).all()
    np.testing.assert_allclose(
        found.leverage[i][used], ols.get_influence().hat_matrix_diag, rtol=1e-9
    )
    np.testing.assert_allclose(found.s2[i], ols.mse_resid, rtol=1e-11)
    assert found.dof[i] == ols.df_resid
    assert found.n_params == x1.shape[1]
    np.testing.assert_allclose(found.alpha[i], ols.params[0], atol=1e-13)


@pytest.mark.parametrize("with_holes", [False, True])
@pytest.mark.parametrize("name", REGRESSORS)
def test_factor_models_are_ols_on_excess_returns(name: str, with_holes: bool) -> None:
    names = REGRESSORS[name]
    k = len(names)
    task = factor_world(7, k)
    task = holed(task, 8) if with_holes else task
    model = FACTOR_MODELS[name]
    assert model.needs == Needs(benchmark=False, factors=(*names, "rf"))
    found = model.fit(task)
    for i in range(len(task.y)):
        x, x_event = task.factors[i], task.factors_event[i]
        assert_is_ols(
            found, i,
            task.y[i] - x[:, k], np.where(np.isnan(x[:, [k]]), np.nan, x[:, :k]),
            task.y_event[i] - x_event[:, k], x_event[:, :k],
        )  # fmt: skip
        used = np.isfinite(task.y[i]) & np.isfinite(x).all(axis=1)
        slopes = np.linalg.lstsq(
            np.column_stack([np.ones(used.sum()), x[used, :k]]),
            task.y[i][used] - x[used, k],
            rcond=None,
        )[0]
        np.testing.assert_allclose(
            [found.loadings[n][i] for n in ("alpha", *names)], slopes, rtol=0, atol=1e-12
        )
        assert found.beta[i] == pytest.approx(slopes[1], abs=1e-12)
    assert list(found.loadings) == ["alpha", *names]
    assert found.covariance == "exact"


def test_own_factors_without_a_riskless_rate_leave_returns_whole() -> None:
    task = factor_world(3, 1)  # two columns, none of them taken off
    model = factor_model("factors:oil,VIX-change")
    assert model.needs == Needs(benchmark=False, factors=("oil", "vix_change"))
    found = model.fit(task)
    for i in range(len(task.y)):
        assert_is_ols(
            found, i, task.y[i], task.factors[i], task.y_event[i], task.factors_event[i]
        )  # fmt: skip
    assert np.isnan(found.beta).all()
    assert list(found.loadings) == ["alpha", "oil", "vix_change"]


def test_a_spread_ties_up_no_capital_and_pays_no_riskless_rate() -> None:
    task = replace(factor_world(4, 1), net=np.array([1.0, 0.0, 0.0, 1.0, 1.0]))
    found = FACTOR_MODELS["capm"].fit(task)
    for i, rate in [(0, 1.0), (1, 0.0), (2, 0.0), (3, 1.0)]:
        f, g = task.factors[i], task.factors_event[i]
        assert_is_ols(
            found, i, task.y[i] - rate * f[:, 1], f[:, :1], task.y_event[i] - rate * g[:, 1],
            g[:, :1],
        )  # fmt: skip


def test_a_spread_needs_no_riskless_rate_at_all() -> None:
    task = factor_world(4, 1)
    f, g = task.factors.copy(), task.factors_event.copy()
    f[:, :, 1], g[:, :, 1] = np.nan, np.nan
    spread = replace(task, net=np.zeros(5), factors=f, factors_event=g)
    assert np.isfinite(FACTOR_MODELS["capm"].fit(spread).ar).all()
    assert np.isnan(FACTOR_MODELS["capm"].fit(replace(spread, net=np.ones(5))).ar).all()


def test_a_factor_missing_in_the_event_window_leaves_no_abnormal_return_there() -> None:
    task = factor_world(5, 3)
    gaps = task.factors_event.copy()
    gaps[0, 2, 1] = np.nan  # smb of the first series on its third session
    gaps[1, 4, 3] = np.nan  # rf of the second on its fifth
    whole = FACTOR_MODELS["ff3"].fit(task)
    found = FACTOR_MODELS["ff3"].fit(replace(task, factors_event=gaps))
    expected = np.zeros((5, 6), dtype=bool)
    expected[0, 2] = expected[1, 4] = True
    np.testing.assert_array_equal(np.isnan(found.ar), expected)
    np.testing.assert_array_equal(found.ar[~expected], whole.ar[~expected])


def test_the_riskless_rate_by_hand() -> None:
    # y - rf = 1% + 2 x exactly; in the event window rf is 3% and x 4%, so E[R] = 3 + 1 + 8 = 12%.
    x, rf = np.array([0.01, -0.01, 0.02, 0.0]), np.array([0.001, 0.002, 0.003, 0.004])
    y = rf + 0.01 + 2 * x
    task = ModelTask(
        y[None], np.array([[0.2]]), none(1, 4), none(1, 1), np.ones(1),
        factors=np.stack([x, rf], axis=1)[None], factors_event=np.array([[[0.04, 0.03]]]),
    )  # fmt: skip
    found = FACTOR_MODELS["capm"].fit(task)
    assert found.ar[0, 0] == pytest.approx(0.08, abs=1e-14)
    assert (found.alpha[0], found.beta[0]) == pytest.approx((0.01, 2.0), abs=1e-13)


@given(scale=st.floats(1e-6, 1e6), seed=st.integers(0, 2**16))
@settings(max_examples=30, deadline=None)
def test_scaling_returns_and_factors_scales_abnormal_returns(scale: float, seed: int) -> None:
    task = holed(factor_world(seed, 3), seed + 1)
    larger = replace(
        task,
        y=task.y * scale,
        y_event=task.y_event * scale,
        factors=task.factors * scale,
        factors_event=task.factors_event * scale,
    )
    one, other = FACTOR_MODELS["ff3"].fit(task), FACTOR_MODELS["ff3"].fit(larger)
    np.testing.assert_allclose(other.ar, one.ar * scale, rtol=1e-9, atol=1e-13 * scale)
    np.testing.assert_allclose(other.v, one.v * scale**2, rtol=1e-8, atol=1e-17 * scale**2)
    np.testing.assert_allclose(other.loadings["hml"], one.loadings["hml"], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other.alpha, one.alpha * scale, rtol=1e-7, atol=1e-12 * scale)


@given(seed=st.integers(0, 2**16))
@settings(max_examples=20, deadline=None)
def test_other_names_for_the_same_span_change_no_forecast(seed: int) -> None:
    """Factors f1, f2 and f1 + f2, f1 - f2 span one space: AR and V are the same."""
    task = factor_world(seed, 2)
    turn = np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [0.0, 0.0, 1.0]])
    turned = replace(task, factors=task.factors @ turn, factors_event=task.factors_event @ turn)
    model = FactorModel("two", ("a", "b"))
    one, other = model.fit(task), model.fit(turned)
    np.testing.assert_allclose(other.ar, one.ar, atol=1e-12)
    np.testing.assert_allclose(other.v, one.v, rtol=1e-9, atol=1e-16)


def test_a_nearly_collinear_factor_shows_in_the_condition_number() -> None:
    task = factor_world(9, 2)
    for away in (1e-2, 1e-5):
        f = task.factors.copy()
        f[:, :, 1] = f[:, :, 0] + away * f[:, :, 1]
        found = FactorModel("two", ("a", "b")).fit(replace(task, factors=f))
        x = np.column_stack([np.ones(140), f[0, :, :2]])
        scaled = x / np.linalg.norm(x, axis=0)
        assert found.condition[0] == pytest.approx(np.linalg.cond(scaled), rel=1e-6)
        assert found.condition[0] > 1.0 / away
    f[:, :, 1] = f[:, :, 0]
    found = FactorModel("two", ("a", "b")).fit(replace(task, factors=f))
    assert np.isinf(found.condition).all()
    assert np.isnan(found.ar).all()


@pytest.mark.parametrize("spec", ["FF5-Mom", " ff5-mom ", "factors:Mkt-RF,SMB,HML,RMW,CMA,Mom,RF"])
def test_a_spec_and_a_name_are_one_model(spec: str) -> None:
    task = factor_world(2, 6)
    found, known = factor_model(spec).fit(task), FACTOR_MODELS["ff5-mom"].fit(task)
    np.testing.assert_array_equal(found.ar, known.ar)
    assert factor_model(spec).needs == FACTOR_MODELS["ff5-mom"].needs


def test_riskless_may_stand_anywhere_in_a_spec() -> None:
    model = factor_model("factors:rf, mkt_rf ,smb")
    assert model.name == "factors:rf,mkt_rf,smb"
    assert (model.factors, model.excess) == (("mkt_rf", "smb"), True)
    assert model.needs.factors == ("mkt_rf", "smb", "rf")


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("factors:", "no factor to regress on; name columns"),
        ("factors:rf", "rf alone is none"),
        ("factors:smb,hml,SMB", "factor smb stands twice"),
        ("factors:mkt rf", "'mkt rf' is no name of a factor"),
        ("factors:smb,beta", "may not be called beta"),
    ],
)
def test_a_list_of_factors_that_is_none(spec: str, problem: str) -> None:
    with pytest.raises(StudyError, match=problem):
        factor_model(spec)


def test_wrong_names_and_wrong_tasks_say_so() -> None:
    with pytest.raises(UnknownNameError, match=r"'ff4' \(did you mean 'ff[35]'\?\)"):
        factor_model("ff4")
    with pytest.raises(StudyError, match="rf is listed, but excess=False"):
        FactorModel("x", ("smb", "rf"), excess=False)
    task = factor_world(1, 2)
    with pytest.raises(StudyError, match=r"needs 4 factors \(mkt_rf, smb, hml, rf\)"):
        FACTOR_MODELS["ff3"].fit(task)
    with pytest.raises(StudyError, match="adjusted:SMH needs the reference's returns"):
        ReferenceAdjusted("SMH").fit(task)
    with pytest.raises(StudyError, match="comparison-mean needs the returns after"):
        ComparisonPeriodMean().fit(task)


@pytest.mark.parametrize(
    "model",
    [*FACTOR_MODELS.values(), ComparisonPeriodMean(), ReferenceAdjusted("A"), ReferenceModel("A")],
    ids=lambda m: m.name,
)
def test_they_keep_the_contract(model: ReturnModel) -> None:
    assert isinstance(model, ReturnModel)
    assert not model.needs_benchmark
    assert not needs_of(model).benchmark


def two_sided(seed: int, after: int = 60) -> ModelTask:
    rng = np.random.default_rng(seed)
    y = rng.normal(0.001, 0.02, (4, 120 + 5 + after))
    y[rng.random(y.shape) < 0.07] = np.nan
    y[:, 120:125] = rng.normal(0.01, 0.02, (4, 5))
    return ModelTask(
        y[:, :120], y[:, 120:125], none(4, 120), none(4, 5), np.ones(4), y_after=y[:, 125:]
    )


def test_comparison_mean_is_the_mean_of_both_sides() -> None:
    task = two_sided(5)
    found = ComparisonPeriodMean().fit(task)
    for i in range(4):
        used = np.concatenate([task.y[i], task.y_after[i]])
        used = used[np.isfinite(used)]
        mean, variance, m = used.mean(), used.var(ddof=1), len(used)
        np.testing.assert_allclose(found.ar[i], task.y_event[i] - mean, atol=1e-15)
        np.testing.assert_allclose(found.s2[i], variance, rtol=1e-12)
        expected = variance * (np.eye(5) + np.ones((5, 5)) / m)
        np.testing.assert_allclose(found.v[i], expected, rtol=1e-10)
        assert found.dof[i] == m - 1
        np.testing.assert_allclose(found.residuals[i], task.y[i] - mean, atol=1e-15)
        seen = np.isfinite(task.y[i])
        np.testing.assert_allclose(found.leverage[i][seen], 1 / m, rtol=1e-12)
        assert found.loadings["sessions_after"][i] == np.isfinite(task.y_after[i]).sum()
        assert found.alpha[i] == pytest.approx(mean, abs=1e-16)
    assert found.residuals.shape == (4, 120)
    assert found.n_params == 1


def test_comparison_mean_by_hand() -> None:
    # Before 1% and 3%, after 5% and 7%: mean 4%, s^2 = (9 + 1 + 1 + 9) / 3 squared per cent.
    task = ModelTask(
        np.array([[0.01, 0.03]]), np.array([[0.10]]), none(1, 2), none(1, 1), np.ones(1),
        y_after=np.array([[0.05, 0.07, np.nan]]),
    )  # fmt: skip
    found = ComparisonPeriodMean().fit(task)
    assert found.ar[0, 0] == pytest.approx(0.06)
    assert found.s2[0] == pytest.approx(20 / 3 * 1e-4)
    assert found.v[0, 0, 0] == pytest.approx(20 / 3 * 1e-4 * 1.25)


def test_comparison_mean_says_that_it_looks_ahead() -> None:
    assert looks_ahead(ComparisonPeriodMean())
    assert not looks_ahead(ConstantMean())
    assert ComparisonPeriodMean.needs.after
    assert not needs_of(FACTOR_MODELS["ff3"]).after
    # Later returns do move it: the same estimation window, another future.
    task = two_sided(5)
    other = replace(task, y_after=task.y_after + 0.01)
    assert (ComparisonPeriodMean().fit(other).ar < ComparisonPeriodMean().fit(task).ar).all()


def test_without_a_later_session_it_is_the_constant_mean() -> None:
    task = replace(two_sided(6), y_after=np.full((4, 3), np.nan))
    found, plain = ComparisonPeriodMean().fit(task), ConstantMean().fit(task)
    np.testing.assert_allclose(found.ar, plain.ar, atol=1e-16)
    np.testing.assert_allclose(found.v, plain.v, rtol=1e-12)
    assert (found.loadings["sessions_after"] == 0).all()


def reference_world(seed: int, net: float = 1.0) -> ModelTask:
    rng = np.random.default_rng(seed)
    r = rng.normal(0.0, 0.015, (4, 130))
    y = 0.0005 + 1.1 * r + rng.normal(0, 0.01, (4, 130))
    y[:, :120][rng.random((4, 120)) < 0.05] = np.nan
    r[:, :120][rng.random((4, 120)) < 0.05] = np.nan
    return ModelTask(
        y[:, :120], y[:, 120:], none(4, 120), none(4, 10), np.full(4, net),
        reference=r[:, :120], reference_event=r[:, 120:],
    )  # fmt: skip


def test_reference_adjusted_takes_the_reference_off_and_estimates_nothing() -> None:
    task = reference_world(1)
    found = ReferenceAdjusted("@GPU").fit(task)
    np.testing.assert_array_equal(found.ar, task.y_event - task.reference_event)
    e = task.y - task.reference
    np.testing.assert_allclose(found.s2, np.nanmean(e**2, axis=1), rtol=1e-13)
    np.testing.assert_array_equal(found.dof, np.isfinite(e).sum(axis=1))
    np.testing.assert_allclose(found.v[1], found.s2[1] * np.eye(10), rtol=1e-14)
    assert found.n_params == 0
    assert np.isnan(found.alpha).all()
    assert np.isnan(found.beta).all()


def test_a_spread_has_no_reference() -> None:
    task = reference_world(1, net=0.0)
    bare = replace(task, reference=none(4, 120), reference_event=none(4, 10))
    found = ReferenceAdjusted("SMH").fit(bare)
    np.testing.assert_array_equal(found.ar, task.y_event)
    np.testing.assert_allclose(found.s2, np.nanmean(task.y**2, axis=1), rtol=1e-13)


def test_industry_is_the_market_model_on_the_reference() -> None:
    task = reference_world(2)
    found = ReferenceModel("SMH").fit(task)
    for i in range(4):
        assert_is_ols(
            found, i, task.y[i], task.reference[i][:, None], task.y_event[i],
            task.reference_event[i][:, None],
        )  # fmt: skip
    plain = MarketModel().fit(
        replace(task, market=task.reference, market_event=task.reference_event)
    )
    np.testing.assert_array_equal(found.beta, plain.beta)
    assert found.loadings == plain.loadings == {}


def test_reference_specs() -> None:
    adjusted, industry = reference_model("adjusted:SMH"), reference_model(" Industry:@GPU ")
    assert isinstance(adjusted, ReferenceAdjusted)
    assert isinstance(industry, ReferenceModel)
    assert (adjusted.name, industry.name) == ("adjusted:SMH", "industry:@GPU")
    assert adjusted.needs == Needs(benchmark=False, reference="SMH")
    assert industry.needs == Needs(benchmark=False, reference="@GPU")
    for spec in ("adjusted:", "industry:@ASIC-@GPU", "adjusted:SMH SOXX", "adjusted:a,b"):
        with pytest.raises(StudyError, match="is neither a ticker nor a basket"):
            reference_model(spec)
    with pytest.raises(UnknownNameError, match="unknown reference model 'relative:SMH'"):
        reference_model("relative:SMH")


@pytest.mark.vendor
@pytest.mark.parametrize("name", ["capm", "ff3", "ff5-mom"])
def test_real_factors_against_statsmodels(name: str, vendor: Path) -> None:
    path = vendor.parent / "factors" / "ff5_mom_daily.csv"
    if not path.is_file():
        pytest.skip("the folder of real factors, ../shared/factors, is missing")
    import pandas as pd

    tickers = ("AVGO", "NVDA", "SPY")
    prices = load_prices(tickers, source=vendor)
    table = load_factors(path, units="percent")
    model = FACTOR_MODELS[name]
    on_grid = table.on_sessions(prices.dates, model.needs.factors)
    at = int(np.searchsorted(prices.dates, np.datetime64("2024-12-13")))
    before, event = np.arange(at - 260, at - 10), np.arange(at - 5, at + 6)
    task = ModelTask(
        prices.returns[before].T, prices.returns[event].T, none(3, 250), none(3, 11), np.ones(3),
        factors=np.repeat(on_grid[None, before], 3, axis=0),
        factors_event=np.repeat(on_grid[None, event], 3, axis=0),
    )  # fmt: skip
    found = model.fit(task)
    # The file read anew by pandas, its per cent made decimals here.
    raw = pd.read_csv(path, parse_dates=["date"]).set_index("date") / 100
    raw = raw.reindex(pd.DatetimeIndex(prices.dates.astype("datetime64[ns]")))
    for i in range(3):
        assert_is_ols(
            found, i,
            task.y[i] - raw["rf"].to_numpy()[before], raw[REGRESSORS[name]].to_numpy()[before],
            task.y_event[i] - raw["rf"].to_numpy()[event],
            raw[REGRESSORS[name]].to_numpy()[event],
        )  # fmt: skip
    # SPY is the market, so units, dates and the riskless rate are right or this fails.
    assert found.loadings["mkt_rf"][2] == pytest.approx(1.0, abs=0.06)
    excess = task.y[2] - raw["rf"].to_numpy()[before]
    assert found.s2[2] < 0.03 * excess.var()
    assert (found.condition < 5).all()


def test_the_recipe_of_a_factor_model_names_what_its_fit_has() -> None:
    found = recipe_of(FACTOR_MODELS["ff3"])
    assert found == Recipe(("alpha", "mkt_rf", "smb", "hml"), True, ("mkt_rf", "smb", "hml"), "rf")
