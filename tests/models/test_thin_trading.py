"""Scholes-Williams and Dimson: by hand, against statsmodels, and on prices that lag."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.errors import StudyError
from eventstudy.models.contract import ModelTask, needs_of
from eventstudy.models.thin import Dimson, ScholesWilliams

Floats = npt.NDArray[np.float64]


def shifted(market: Floats, k: int) -> Floats:
    """Returns of t - k .. t + k for every session that has them; k sessions go on each side."""
    width = market.shape[1] - 2 * k
    return np.stack([market[:, step : step + width] for step in range(2 * k + 1)], axis=2)


def task_of(y: Floats, market: Floats, k: int, length: int) -> ModelTask:
    """A task of returns (n, T) and market returns (n, T + 2k); the last sessions are the event."""
    around = shifted(market, k)
    split = y.shape[1] - length
    return ModelTask(
        y[:, :split], y[:, split:],
        around[:, :split, k], around[:, split:, k],
        np.ones(len(y)),
        shifted=around[:, :split], shifted_event=around[:, split:],
    )  # fmt: skip


def world(seed: int, k: int, n: int = 5, m: int = 90, length: int = 4) -> ModelTask:
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0005, 0.01, (n, m + length + 2 * k))
    y = 0.0002 + 1.3 * market[:, k : k + m + length] + rng.standard_t(4, (n, m + length)) * 0.015
    return task_of(y, market, k, length)


def holed(task: ModelTask) -> ModelTask:
    rng = np.random.default_rng(5)
    y, around = task.y.copy(), task.shifted.copy()
    y[rng.random(y.shape) < 0.08] = np.nan
    around[rng.random(around.shape) < 0.02] = np.nan
    return replace(task, y=y, shifted=around)


# Market, percent: sessions 1 .. 7 are 1 2 3 0 -1 1 2; the estimation window is 2 .. 6, with
# returns 3 4 0 -3 1; the event session has a return of 5 and a market return of 2.
# Every mean is 1. Deviations: lag 0 1 2 -1 -2, same 1 2 -1 -2 0, lead 2 -1 -2 0 1, returns
# 2 3 -1 -4 0; every sum of squares of the market is 10.
HAND = ModelTask(
    np.array([[3.0, 4.0, 0.0, -3.0, 1.0]]) / 100, np.array([[5.0, 5.0]]) / 100,
    np.array([[2.0, 3.0, 0.0, -1.0, 1.0]]) / 100, np.array([[2.0, 2.0]]) / 100,
    np.ones(1),
    shifted=np.array([[[1, 2, 3], [2, 3, 0], [3, 0, -1], [0, -1, 1], [-1, 1, 2]]]) / 100,
    shifted_event=np.array([[[9, 2, 9], [9, 2, 9]]]) / 100,
)  # fmt: skip


def test_scholes_williams_by_hand() -> None:
    # Cross products with the returns: lag 0+3-2+4+0 = 5, same 2+6+1+8+0 = 17, lead
    # 4-3+2+0+0 = 3, so the slopes are 0.5, 1.7, 0.3. Same x lag: 0+2-2+2+0 = 2, rho = 0.2.
    # beta = 2.5 / 1.4 = 25/14, alpha = 1 - 25/14 = -11/14 percent.
    # Residuals x 14: 28-25, 42-50, -14+25, -56+50, 0 = 3 -8 11 -6 0, squares 230,
    # s^2 = 230/196/3. AR = 5 + 11/14 - 50/14 = 31/14.
    found = ScholesWilliams().fit(HAND)
    assert found.loadings["lag1"][0] == pytest.approx(0.5, rel=1e-12)
    assert found.loadings["same"][0] == pytest.approx(1.7, rel=1e-12)
    assert found.loadings["lead1"][0] == pytest.approx(0.3, rel=1e-12)
    assert found.loadings["rho"][0] == pytest.approx(0.2, rel=1e-12)
    assert found.beta[0] == pytest.approx(25 / 14, rel=1e-12)
    assert found.alpha[0] == pytest.approx(-0.11 / 14, rel=1e-12)
    np.testing.assert_allclose(found.residuals[0], np.array([3, -8, 11, -6, 0]) / 1400, atol=1e-15)
    np.testing.assert_allclose(found.ar[0], [0.31 / 14, 0.31 / 14], rtol=1e-12)
    s2 = 230 / 196 / 3 * 1e-4
    assert found.s2[0] == pytest.approx(s2, rel=1e-12)
    np.testing.assert_allclose(found.v[0], [[1.2 * s2, 0.2 * s2], [0.2 * s2, 1.2 * s2]], rtol=1e-12)
    assert found.dof[0] == 3
    assert found.n_params == 2
    assert found.covariance == "approximate"


def test_dimson_by_hand() -> None:
    # Products of the market's deviations: lag x same = 2, same x lead = 2, lag x lead = -7.
    # 10 a + 2 b - 7 c = 5, 2 a + 10 b + 2 c = 17, -7 a + 2 b + 10 c = 3. With s = a + c:
    # 3 s + 4 b = 8 and 2 s + 10 b = 17, so s = 6/11, b = 35/22, beta = 47/22.
    # alpha = 1 - 47/22 = -25/22 percent; residuals x 22: 44-47, 66-94, -22+47, -88+94, 0 =
    # -3 -28 25 6 0, squares 1454, s^2 = 1454/484/3. AR = 5 + 25/22 - 94/22 = 41/22.
    found = Dimson().fit(HAND)
    assert found.beta[0] == pytest.approx(47 / 22, rel=1e-12)
    assert found.loadings["same"][0] == pytest.approx(35 / 22, rel=1e-12)
    assert found.loadings["lag1"][0] + found.loadings["lead1"][0] == pytest.approx(6 / 11)
    assert found.alpha[0] == pytest.approx(-0.25 / 22, rel=1e-12)
    np.testing.assert_allclose(found.ar[0], [0.41 / 22, 0.41 / 22], rtol=1e-12)
    s2 = 1454 / 484 / 3 * 1e-4
    assert found.s2[0] == pytest.approx(s2, rel=1e-12)
    np.testing.assert_allclose(found.v[0], [[1.2 * s2, 0.2 * s2], [0.2 * s2, 1.2 * s2]], rtol=1e-12)
    assert found.dof[0] == 3
    assert found.covariance == "approximate"


@pytest.mark.parametrize("with_holes", [False, True])
def test_scholes_williams_against_three_regressions(with_holes: bool) -> None:
    task = holed(world(1, 1)) if with_holes else world(1, 1)
    found = ScholesWilliams().fit(task)
    for i, y in enumerate(task.y):
        used = np.isfinite(y) & np.isfinite(task.shifted[i]).all(axis=1)
        assert with_holes == (not used.all())
        around = task.shifted[i][used]
        slopes = [sm.OLS(y[used], sm.add_constant(x)).fit().params[1] for x in around.T]
        rho = np.corrcoef(around[:, 0], around[:, 1])[0, 1]
        beta = sum(slopes) / (1 + 2 * rho)
        alpha = y[used].mean() - beta * around[:, 1].mean()
        check_forecast(task, found, i, used, alpha, beta)


@pytest.mark.parametrize("with_holes", [False, True])
@pytest.mark.parametrize("k", [1, 2, 4])
def test_dimson_against_one_regression(k: int, with_holes: bool) -> None:
    task = holed(world(2, k)) if with_holes else world(2, k)
    found = Dimson(k).fit(task)
    for i, y in enumerate(task.y):
        used = np.isfinite(y) & np.isfinite(task.shifted[i]).all(axis=1)
        around = task.shifted[i][used]
        slopes = sm.OLS(y[used], sm.add_constant(around)).fit().params[1:]
        names = [f"lag{j}" for j in range(k, 0, -1)] + ["same"]
        names += [f"lead{j}" for j in range(1, k + 1)]
        assert list(found.loadings) == names
        np.testing.assert_allclose([found.loadings[name][i] for name in names], slopes, rtol=1e-9)
        beta = slopes.sum()
        alpha = y[used].mean() - beta * around[:, k].mean()
        check_forecast(task, found, i, used, alpha, beta)


def check_forecast(task, found, i, used, alpha, beta) -> None:  # type: ignore[no-untyped-def]
    k = task.shifted.shape[2] // 2
    assert found.beta[i] == pytest.approx(beta, rel=1e-9)
    assert found.alpha[i] == pytest.approx(alpha, rel=1e-8, abs=1e-12)
    e = task.y[i] - alpha - beta * task.shifted[i][:, k]
    np.testing.assert_allclose(found.residuals[i][used], e[used], atol=1e-12)
    assert np.isnan(found.residuals[i][~used]).all()
    count = used.sum()
    s2 = (e[used] ** 2).sum() / (count - 2)
    length = task.y_event.shape[1]
    np.testing.assert_allclose(
        found.v[i], s2 * (np.eye(length) + np.ones((length, length)) / count), rtol=1e-9
    )
    np.testing.assert_allclose(
        found.ar[i], task.y_event[i] - alpha - beta * task.market_event[i], atol=1e-12
    )
    np.testing.assert_allclose(found.leverage[i][used], 1 / count)
    assert found.dof[i] == count - 2
    assert found.reasons[i] == ""


def test_both_find_the_beta_of_prices_that_lag() -> None:
    # 60% of the market's move is priced at once and 40% a session later: true beta 1.5.
    rng = np.random.default_rng(8)
    market = rng.normal(0, 0.01, (1, 20_006))
    y = 1.5 * (0.6 * market[:, 1:-1] + 0.4 * market[:, :-2])
    task = task_of(y, market, 1, 4)
    simple = sm.OLS(task.y[0], sm.add_constant(task.market[0])).fit().params[1]
    assert simple == pytest.approx(0.9, abs=0.03)
    assert Dimson().fit(task).beta[0] == pytest.approx(1.5, rel=1e-10)
    assert ScholesWilliams().fit(task).beta[0] == pytest.approx(1.5, abs=0.03)


def test_scholes_williams_stays_right_where_the_index_itself_lags() -> None:
    # The observed index is a moving average of the true market, so it is autocorrelated by
    # 0.36/0.68; the security trades at once. True beta 1; Dimson's plain sum is not.
    rng = np.random.default_rng(9)
    true = rng.normal(0, 0.01, (1, 60_003))
    index = 0.5 * true[:, 1:] + 0.5 * true[:, :-1]
    task = task_of(true[:, 2:-1], index, 1, 4)
    assert ScholesWilliams().fit(task).beta[0] == pytest.approx(1.0, abs=0.02)
    assert ScholesWilliams().fit(task).loadings["rho"][0] == pytest.approx(0.5, abs=0.02)


def test_a_market_that_alternates_is_refused_with_a_reason() -> None:
    market = 0.01 * np.where(np.arange(66) % 2, 1.0, -1.0)[None, :]
    rng = np.random.default_rng(0)
    task = task_of(rng.normal(0, 0.01, (1, 64)), market + rng.normal(0, 1e-3, (1, 66)), 1, 4)
    found = ScholesWilliams().fit(task)
    assert np.isinf(found.condition[0])
    assert np.isnan(found.ar).all()
    assert "1 + 2 rho is not positive" in found.reasons[0]


@pytest.mark.parametrize("model", [ScholesWilliams(), Dimson()], ids=lambda m: m.name)
def test_a_market_that_stands_still_or_is_missing(model: ScholesWilliams | Dimson) -> None:
    task = world(3, 1)
    flat = task.shifted.copy()
    flat[0], flat[1] = 0.0, np.nan
    found = model.fit(replace(task, shifted=flat))
    assert np.isinf(found.condition[:2]).all()
    assert np.isnan(found.ar[:2]).all()
    assert found.dof[1] == -2
    assert np.isfinite(found.ar[2:]).all()


@pytest.mark.parametrize("model", [ScholesWilliams(), Dimson(2)], ids=lambda m: m.name)
def test_an_observation_does_not_feel_its_company(model: ScholesWilliams | Dimson) -> None:
    task = holed(world(4, needs_of(model).reach))
    whole = model.fit(task)
    alone = model.fit(
        replace(
            task,
            y=task.y[2:3],
            y_event=task.y_event[2:3],
            market=task.market[2:3],
            market_event=task.market_event[2:3],
            net=task.net[2:3],
            shifted=task.shifted[2:3],
            shifted_event=task.shifted_event[2:3],
        )
    )
    np.testing.assert_allclose(alone.ar[0], whole.ar[2], rtol=1e-13)
    np.testing.assert_allclose(alone.v[0], whole.v[2], rtol=1e-13)


@given(scale=st.floats(1e-4, 1e4), shift=st.floats(-0.1, 0.1), seed=st.integers(0, 2**16))
@settings(max_examples=25, deadline=None)
def test_units_and_constants(scale: float, shift: float, seed: int) -> None:
    task = world(seed, 1, n=2)
    moved = replace(
        task, y=task.y * scale + shift, y_event=task.y_event * scale + shift,
        market=task.market * scale, market_event=task.market_event * scale,
        shifted=task.shifted * scale, shifted_event=task.shifted_event * scale,
    )  # fmt: skip
    for model in (ScholesWilliams(), Dimson()):
        one, other = model.fit(task), model.fit(moved)
        np.testing.assert_allclose(other.beta, one.beta, rtol=1e-6)
        np.testing.assert_allclose(other.ar, one.ar * scale, rtol=1e-6, atol=1e-7 * scale)


@pytest.mark.parametrize("k", [0, 11, -1, 1.5, True])
def test_reach_out_of_range(k: int) -> None:
    with pytest.raises(StudyError, match="whole number from 1 to 10"):
        Dimson(k)


def test_names_and_needs() -> None:
    assert Dimson().name == "dimson"
    assert Dimson(3).name == "dimson:3"
    assert needs_of(Dimson(3)).reach == 3
    assert needs_of(ScholesWilliams()).reach == 1
    assert Dimson.parse("2").name == "dimson:2"
    for text in ("", "x", "-1", "1.5", "99"):
        with pytest.raises(StudyError, match="dimson"):
            Dimson.parse(text)
