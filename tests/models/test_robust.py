"""Huber's regression against statsmodels' RLM."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.models.contract import ModelTask, iterates
from eventstudy.models.robust import Huber, huber_weights, median_scale, weighted_lines

Floats = npt.NDArray[np.float64]


def world(seed: int, n: int = 12, m: int = 121, length: int = 3) -> ModelTask:
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0005, 0.01, (n, m + length))
    y = 0.0002 + 1.3 * market + rng.standard_t(2, (n, m + length)) * 0.01
    return ModelTask(y[:, :m], y[:, m:], market[:, :m], market[:, m:], np.ones(n))


def holed(task: ModelTask) -> ModelTask:
    rng = np.random.default_rng(3)
    y, market = task.y.copy(), task.market.copy()
    y[rng.random(y.shape) < 0.1] = np.nan
    market[rng.random(market.shape) < 0.03] = np.nan
    return replace(task, y=y, market=market)


@pytest.mark.parametrize("with_holes", [False, True])
def test_equals_statsmodels_rlm(with_holes: bool) -> None:
    task = holed(world(1)) if with_holes else world(1)
    found = Huber().fit(task)
    counts = set()
    for i, (y, market) in enumerate(zip(task.y, task.market, strict=True)):
        used = np.isfinite(y) & np.isfinite(market)
        counts.add(int(used.sum()) % 2)
        rlm = sm.RLM(y[used], sm.add_constant(market[used]), M=sm.robust.norms.HuberT()).fit(
            conv="coefs", tol=1e-13, maxiter=2000
        )
        np.testing.assert_allclose([found.alpha[i], found.beta[i]], rlm.params, rtol=1e-8)
        assert found.s2[i] == pytest.approx(rlm.scale**2, rel=1e-8)
        np.testing.assert_allclose(found.residuals[i][used], rlm.resid, atol=1e-10)
        assert np.isnan(found.residuals[i][~used]).all()
        ar = task.y_event[i] - rlm.predict(sm.add_constant(task.market_event[i]))
        np.testing.assert_allclose(found.ar[i], ar, atol=1e-10)
        share = (rlm.weights < 1).mean()
        assert found.loadings["downweighted"][i] == pytest.approx(share)
        assert found.dof[i] == used.sum() - 2
    assert counts == ({0, 1} if with_holes else {1})
    assert not any(found.reasons)


def test_there_is_no_covariance() -> None:
    found = Huber().fit(world(2))
    assert np.isnan(found.v).all()
    assert found.v.shape == (12, 3, 3)
    assert found.covariance == "none"
    assert (found.leverage == 0).all()
    assert not iterates(Huber())


def test_wild_sessions_do_not_move_the_line() -> None:
    task = world(4, n=1)
    wild = task.y.copy()
    wild[0, :6] += 5.0
    one, other = Huber().fit(task), Huber().fit(replace(task, y=wild))
    assert abs(other.alpha[0] - one.alpha[0]) < 0.001
    assert abs(wild.mean() - task.y.mean()) > 0.2


def test_half_of_the_sessions_without_a_residual() -> None:
    market = np.random.default_rng(0).normal(0, 0.01, (1, 60))
    y = np.zeros((1, 60))
    y[0, ::2] = 0.0
    found = Huber().fit(ModelTask(y, y[:, :3], market, market[:, :3], np.ones(1)))
    assert np.isinf(found.condition[0])
    assert np.isnan(found.ar).all()
    assert "residuals vanish" in found.reasons[0]


def test_a_market_that_stands_still() -> None:
    task = world(5)
    still = task.market.copy()
    still[3] = 0.001  # rounding leaves a condition number of 3e15 here
    found = Huber().fit(replace(task, market=still))
    assert np.isinf(found.condition[3])
    assert np.isnan(found.ar[3]).all()
    assert np.isfinite(np.delete(found.ar, 3, axis=0)).all()


def test_no_usable_session() -> None:
    task = world(6)
    empty = task.y.copy()
    empty[0] = np.nan
    found = Huber().fit(replace(task, y=empty))
    assert found.dof[0] == -2
    assert np.isnan(found.ar[0]).all()


def test_an_observation_does_not_feel_its_company() -> None:
    task = holed(world(7))
    whole = Huber().fit(task)
    alone = Huber().fit(
        ModelTask(task.y[4:5], task.y_event[4:5], task.market[4:5], task.market_event[4:5],
                  task.net[4:5])
    )  # fmt: skip
    np.testing.assert_allclose(alone.ar[0], whole.ar[4], rtol=1e-13)


@given(scale=st.floats(1e-6, 1e6), seed=st.integers(0, 2**16))
@settings(max_examples=25, deadline=None)
def test_scaling_returns_scales_abnormal_returns(scale: float, seed: int) -> None:
    task = world(seed, n=2)
    larger = ModelTask(
        task.y * scale, task.y_event * scale, task.market * scale, task.market_event * scale,
        task.net,
    )  # fmt: skip
    one, other = Huber().fit(task), Huber().fit(larger)
    np.testing.assert_allclose(other.ar, one.ar * scale, rtol=1e-7, atol=1e-10 * scale)
    np.testing.assert_allclose(other.s2, one.s2 * scale**2, rtol=1e-7)


def test_pieces_by_hand() -> None:
    np.testing.assert_allclose(huber_weights(np.array([0.0, -1.0, 1.345, 2.69])), [1, 1, 1, 0.5])
    # |residuals| 1 2 4 9: median 3; without the 9: 2.
    e = np.array([[-1.0, 2.0, -4.0, 9.0], [-1.0, 2.0, -4.0, 9.0]])
    used = np.array([[True] * 4, [True, True, True, False]])
    np.testing.assert_allclose(median_scale(e, used), np.array([3, 2]) / 0.6744897501960817)
    # Points (0, 0), (1, 2) and, with weight zero, (5, 99): the line y = 2x.
    alpha, beta = weighted_lines(
        np.array([[0.0, 2.0, 99.0]]), np.array([[0.0, 1.0, 5.0]]), np.array([[1.0, 3.0, 0.0]])
    )
    np.testing.assert_allclose([alpha[0], beta[0]], [0.0, 2.0], atol=1e-15)
