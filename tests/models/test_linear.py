"""The forecasts against statsmodels' get_prediction, event by event."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eventstudy.models import MODELS, ModelTask, find_model
from eventstudy.models.linear import fit, forecast
from eventstudy.models.market import regression
from eventstudy.models.newey_west import default_lags

Floats = npt.NDArray[np.float64]


def world(seed: int, n: int = 6, m: int = 120, length: int = 7) -> ModelTask:
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0005, 0.01, (n, m + length))
    y = 0.0002 + 1.3 * market + rng.standard_t(4, (n, m + length)) * 0.015
    return ModelTask(y[:, :m], y[:, m:], market[:, :m], market[:, m:], np.ones(n))


def holed(task: ModelTask, seed: int) -> ModelTask:
    rng = np.random.default_rng(seed)
    y, market = task.y.copy(), task.market.copy()
    y[rng.random(y.shape) < 0.1] = np.nan
    market[rng.random(market.shape) < 0.03] = np.nan
    return ModelTask(y, task.y_event, market, task.market_event, task.net)


@pytest.mark.parametrize("with_holes", [False, True])
@pytest.mark.parametrize("name", ["mean", "market"])
def test_forecast_errors_equal_get_prediction(name: str, with_holes: bool) -> None:
    task = holed(world(1), 2) if with_holes else world(1)
    found = MODELS[name].fit(task)
    for i in range(len(task.y)):
        columns = [task.market[i]] if name == "market" else []
        x1 = np.column_stack([np.ones(task.y.shape[1]), *columns])
        used = np.isfinite(task.y[i]) & np.isfinite(x1).all(axis=1)
        x2 = np.column_stack(
            [np.ones(task.y_event.shape[1]), *([task.market_event[i]] if columns else [])]
        )
        ols = sm.OLS(task.y[i][used], x1[used]).fit()
        predicted = ols.get_prediction(x2)
        ar = task.y_event[i] - predicted.predicted_mean
        np.testing.assert_allclose(found.ar[i], ar, rtol=0, atol=1e-12)
        se = predicted.se_obs
        np.testing.assert_allclose(np.sqrt(np.diag(found.v[i])), se, rtol=1e-10)
        whole = ols.mse_resid * np.eye(len(x2)) + x2 @ ols.cov_params() @ x2.T
        np.testing.assert_allclose(found.v[i], whole, rtol=1e-10, atol=1e-16)
        assert found.dof[i] == ols.df_resid
        np.testing.assert_allclose(found.residuals[i][used], ols.resid, atol=1e-13)
        leverage = ols.get_influence().hat_matrix_diag
        np.testing.assert_allclose(found.leverage[i][used], leverage, rtol=1e-9)
        assert np.isnan(found.residuals[i][~used]).all()


def test_market_adjusted_estimates_nothing() -> None:
    task = world(3)
    found = MODELS["market-adjusted"].fit(task)
    np.testing.assert_array_equal(found.ar, task.y_event - task.market_event)
    e = task.y - task.market
    np.testing.assert_allclose(found.s2, (e**2).mean(axis=1), rtol=1e-14)
    np.testing.assert_allclose(found.v[2], found.s2[2] * np.eye(7), atol=1e-20)
    assert found.n_params == 0


def test_a_spread_has_no_benchmark_under_market_adjusted() -> None:
    task = world(3)
    spread = ModelTask(
        task.y, task.y_event, np.full_like(task.market, np.nan),
        np.full_like(task.market_event, np.nan), np.zeros(6),
    )  # fmt: skip
    np.testing.assert_array_equal(MODELS["market-adjusted"].fit(spread).ar, task.y_event)


def test_a_constant_regressor_is_singular_and_says_so() -> None:
    x = np.ones((1, 50, 2))
    found = fit(np.random.default_rng(0).normal(size=(1, 50)), x)
    assert np.isinf(found.condition[0])
    assert np.isnan(found.params).all()


@given(scale=st.floats(1e-8, 1e8), seed=st.integers(0, 2**16))
@settings(max_examples=40, deadline=None)
def test_scaling_returns_scales_abnormal_returns(scale: float, seed: int) -> None:
    task = world(seed)
    larger = ModelTask(
        task.y * scale, task.y_event * scale, task.market * scale, task.market_event * scale,
        task.net,
    )  # fmt: skip
    one, other = MODELS["market"].fit(task), MODELS["market"].fit(larger)
    np.testing.assert_allclose(other.ar, one.ar * scale, rtol=1e-9, atol=1e-12 * scale)
    np.testing.assert_allclose(other.v, one.v * scale**2, rtol=1e-8, atol=1e-16 * scale**2)


@given(shift=st.floats(-0.5, 0.5), seed=st.integers(0, 2**16))
@settings(max_examples=40, deadline=None)
def test_a_constant_added_to_returns_leaves_the_market_model_alone(shift: float, seed: int) -> None:
    task = world(seed)
    moved = ModelTask(
        task.y + shift, task.y_event + shift, task.market, task.market_event, task.net
    )
    one, other = MODELS["market"].fit(task), MODELS["market"].fit(moved)
    np.testing.assert_allclose(other.ar, one.ar, atol=1e-12)
    np.testing.assert_allclose(other.v, one.v, rtol=1e-9, atol=1e-14)


@given(y=arrays(float, (3, 20), elements=st.floats(-1, 1)))
@settings(max_examples=30, deadline=None)
def test_fit_and_forecast_keep_their_shapes(y: Floats) -> None:
    x = np.ones((3, 20, 1))
    ar, v = forecast(fit(y, x), y[:, :4], x[:, :4])
    assert ar.shape == (3, 4)
    assert v.shape == (3, 4, 4)
    np.testing.assert_allclose(v, np.swapaxes(v, 1, 2))


def test_unknown_model_names_the_choices() -> None:
    with pytest.raises(Exception, match=r"unknown model 'markt' \(did you mean 'market'\?\)"):
        find_model("markt")
    with pytest.raises(Exception, match="an object with"):
        find_model(3)  # type: ignore[arg-type]


def test_coefficients_stand_under_their_names() -> None:
    rng = np.random.default_rng(8)
    x = np.concatenate([np.ones((1, 60, 1)), rng.normal(0.0, 0.01, (1, 60, 2))], axis=2)
    y = 0.001 + x[:, :, 1] * 1.2 - x[:, :, 2] * 0.4 + rng.normal(0.0, 0.01, (1, 60))
    found = regression(y, x, y[:, :2], x[:, :2], ("alpha", "beta", "smb"))
    expected = sm.OLS(y[0], x[0]).fit().params
    assert found.alpha[0] == pytest.approx(expected[0], rel=1e-9)
    assert found.beta[0] == pytest.approx(expected[1], rel=1e-9)
    assert {name: value[0] for name, value in found.loadings.items()} == {
        "smb": pytest.approx(expected[2], rel=1e-9)
    }


@pytest.mark.parametrize(("count", "lags"), [(100, 4), (500, 5), (1000, 6), (10, 2)])
def test_lags_by_the_rule_of_newey_and_west(count: int, lags: int) -> None:
    """4 (T / 100)^(2/9) by hand: 4, 5.72, 6.67 and 2.40."""
    assert default_lags(count) == lags
