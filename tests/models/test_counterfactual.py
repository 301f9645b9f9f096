"""Synthetic control by hand, by quadratic programming and by its optimality conditions;
the elastic net by statsmodels and a plain coordinate descent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from warm import warm_processes  # noqa: F401

from eventstudy.models.contract import ModelTask, iterates, needs_of
from eventstudy.models.counterfactual import (
    ElasticNet,
    SyntheticControl,
    contiguous_folds,
    simplex_weights,
)

Floats = npt.NDArray[np.float64]


def world(seed: int, n: int = 3, m: int = 100, d: int = 7, length: int = 3) -> ModelTask:
    """Returns that load on a common factor and on the first two donors."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 0.01, (n, m + length, 1))
    donors = rng.uniform(0.5, 1.5, (n, 1, d)) * common + rng.normal(0, 0.01, (n, m + length, d))
    own = rng.normal(0, 0.01, (n, m + length))
    y = 0.0003 + 0.6 * donors[:, :, 0] + 0.3 * donors[:, :, 1] + own
    blank = np.full((n, m + length), np.nan)
    return ModelTask(
        y[:, :m], y[:, m:], blank[:, :m], blank[:, m:], np.ones(n),
        donors=donors[:, :m], donors_event=donors[:, m:],
    )  # fmt: skip


def loss(w: Floats, y: Floats, x: Floats) -> float:
    return float(((y - x @ w) ** 2).sum())


def test_two_donors_by_hand() -> None:
    # y - x2 = 2 -1 1 and x1 - x2 = 2 1 1, so the free weight of x1 is (4-1+1)/(4+1+1) = 2/3.
    x2 = np.array([1.0, 0.0, -1.0])
    y, x1 = x2 + np.array([2.0, -1.0, 1.0]), x2 + np.array([2.0, 1.0, 1.0])
    w = simplex_weights(y, np.column_stack([x1, x2]))
    np.testing.assert_allclose(w, [2 / 3, 1 / 3], rtol=1e-12)
    # With y - x2 = 4 1 1 the free weight is (8+1+1)/6 > 1: all on x1. With -2 -1 -1: none.
    for gap, wanted in (([4.0, 1.0, 1.0], [1.0, 0.0]), ([-2.0, -1.0, -1.0], [0.0, 1.0])):
        w = simplex_weights(x2 + np.array(gap), np.column_stack([x1, x2]))
        np.testing.assert_allclose(w, wanted, atol=1e-14)


@pytest.mark.parametrize("seed", range(6))
def test_weights_equal_quadratic_programming(seed: int) -> None:
    task = world(seed, n=1, d=12)
    y, x = task.y[0], task.donors[0]
    scale = float(y @ y)
    found = minimize(
        lambda w: loss(w, y, x) / scale,
        np.full(12, 1 / 12),
        jac=lambda w: -2 * x.T @ (y - x @ w) / scale,
        method="SLSQP",
        bounds=[(0, 1)] * 12,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(12)},
        options={"ftol": 1e-16, "maxiter": 1000},
    )
    w = simplex_weights(y, x)
    np.testing.assert_allclose(w, found.x, atol=2e-6)
    assert loss(w, y, x) <= loss(found.x, y, x) * (1 + 1e-10)


@pytest.mark.parametrize("seed", range(6))
def test_weights_keep_the_optimality_conditions(seed: int) -> None:
    # Karush, Kuhn, Tucker: the gradient is the same for every donor that is held and no
    # smaller for any that is not.
    task = world(seed, n=1, d=30)
    y, x = task.y[0], task.donors[0]
    w = simplex_weights(y, x)
    assert w.sum() == pytest.approx(1.0, abs=1e-14)
    assert (w >= 0).all()
    gradient = -x.T @ (y - x @ w) / (y @ y)
    held = w > 0
    assert 1 < held.sum() < 30
    level = gradient[held].mean()
    np.testing.assert_allclose(gradient[held], level, atol=1e-12)
    assert (gradient[~held] > level).all()


@given(seed=st.integers(0, 2**20), m=st.integers(3, 40), d=st.integers(1, 25))
@settings(max_examples=80, deadline=None)
def test_no_feasible_move_lowers_the_loss(seed: int, m: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    y, x = rng.normal(size=m), rng.normal(size=(m, d))
    w = simplex_weights(y, x)
    assert w.sum() == pytest.approx(1.0, abs=1e-12)
    assert (w >= 0).all()
    # The simplex is the hull of its corners and the loss is convex: no move towards a
    # corner lowers it, so no move does.
    gradient = -x.T @ (y - x @ w)
    assert (gradient - gradient @ w).min() >= -1e-9 * max(1.0, float(y @ y))
    best = loss(w, y, x)
    for other in rng.dirichlet(np.full(d, 0.5), size=20):
        assert best <= loss(other, y, x) * (1 + 1e-12) + 1e-12
        assert best <= loss(w + 1e-3 * (other - w), y, x) * (1 + 1e-12) + 1e-12


def test_a_series_made_of_donors_is_found_again() -> None:
    task = world(3, n=1)
    made = np.array([0.25, 0, 0, 0.6, 0, 0.15, 0])
    jump = np.array([[0.0, 0.08, -0.01]])
    task = replace(task, y=task.donors @ made, y_event=task.donors_event @ made + jump)
    found = SyntheticControl().fit(task)
    np.testing.assert_allclose(found.ar, jump, atol=1e-13)
    np.testing.assert_allclose(found.residuals, 0, atol=1e-14)
    assert found.loadings["donors"][0] == 3
    assert found.loadings["largest"][0] == pytest.approx(0.6, abs=1e-12)


def test_abnormal_returns_and_scale() -> None:
    task = world(4)
    found = SyntheticControl().fit(task)
    for i in range(3):
        w = simplex_weights(task.y[i], task.donors[i])
        np.testing.assert_allclose(found.ar[i], task.y_event[i] - task.donors_event[i] @ w)
        e = task.y[i] - task.donors[i] @ w
        np.testing.assert_allclose(found.residuals[i], e, atol=1e-16)
        assert found.loadings["rmspe"][i] == pytest.approx(np.sqrt((e**2).mean()))
        assert found.s2[i] == pytest.approx((e**2).mean())
        assert found.loadings["donors"][i] == (w > 1e-6).sum()
    assert found.covariance == "none"
    assert np.isnan(found.v).all()
    assert np.isnan(found.beta).all()
    assert found.dof.tolist() == [100] * 3
    assert (found.leverage == 0).all()
    assert np.isfinite(found.condition).all()


@pytest.mark.parametrize("model", [SyntheticControl(), ElasticNet()], ids=lambda m: m.name)
def test_a_donor_with_a_hole_is_left_out(model: SyntheticControl | ElasticNet) -> None:
    task = world(5, n=2)
    donors, event = task.donors.copy(), task.donors_event.copy()
    donors[0, 17, 0] = np.nan
    event[0, 2, 3] = np.nan
    # A hole where the series has one too does not matter.
    y = task.y.copy()
    y[0, 60] = np.nan
    donors[0, 60, 5] = np.nan
    found = model.fit(replace(task, y=y, donors=donors, donors_event=event))
    keep = [1, 2, 4, 5, 6]
    rows = np.arange(100) != 60
    wanted = model.fit(
        ModelTask(
            task.y[:1, rows], task.y_event[:1], task.market[:1, rows], task.market_event[:1],
            np.ones(1), donors=task.donors[:1][:, rows][:, :, keep],
            donors_event=task.donors_event[:1][:, :, keep],
        )
    )  # fmt: skip
    np.testing.assert_allclose(found.ar[0], wanted.ar[0], rtol=1e-12)
    assert found.loadings["pool"].tolist() == [5, 7]
    assert np.isnan(found.residuals[0, 60])
    assert found.dof[0] + found.n_params == 99


@pytest.mark.parametrize("model", [SyntheticControl(), ElasticNet()], ids=lambda m: m.name)
def test_a_session_on_which_nobody_has_a_return(model: SyntheticControl | ElasticNet) -> None:
    task = world(6, n=1)
    donors = task.donors.copy()
    donors[0, 30] = np.nan
    found = model.fit(replace(task, donors=donors))
    assert found.loadings["pool"][0] == 7
    assert found.dof[0] + found.n_params == 99
    assert np.isfinite(found.ar).all()


@pytest.mark.parametrize("model", [SyntheticControl(), ElasticNet()], ids=lambda m: m.name)
def test_without_donors(model: SyntheticControl | ElasticNet) -> None:
    task = world(7, n=2)
    donors = task.donors.copy()
    donors[1] = np.nan
    for given_task, bad in (
        (replace(task, donors=donors), [1]),
        (replace(task, donors=np.empty((2, 100, 0)), donors_event=np.empty((2, 3, 0))), [0, 1]),
    ):
        found = model.fit(given_task)
        for i in bad:
            assert np.isinf(found.condition[i])
            assert np.isnan(found.ar[i]).all()
            assert found.reasons[i]
        assert sum(bool(reason) for reason in found.reasons) == len(bad)


def test_a_spread_has_no_synthetic_control_but_an_elastic_net() -> None:
    task = replace(world(8, n=2), net=np.array([0.0, 1.0]))
    found = SyntheticControl().fit(task)
    assert "a spread has no synthetic control" in found.reasons[0]
    assert np.isinf(found.condition[0])
    assert np.isnan(found.ar[0]).all()
    assert found.reasons[1] == ""
    assert np.isfinite(ElasticNet().fit(task).ar).all()


def test_linearly_dependent_donors_are_no_singular_design() -> None:
    task = world(9, n=1, d=3)
    donors = task.donors.copy()
    donors[:, :, 2] = donors[:, :, 0] + donors[:, :, 1]
    y = donors @ np.array([0.3, 0.3, 0.4])
    found = SyntheticControl().fit(replace(task, y=y, donors=donors))
    assert found.condition[0] < 1e3


@given(scale=st.floats(1e-4, 1e4), seed=st.integers(0, 2**16))
@settings(max_examples=15, deadline=None)
def test_units_do_not_matter_to_the_control(scale: float, seed: int) -> None:
    task = world(seed, n=1)
    larger = replace(
        task, y=task.y * scale, y_event=task.y_event * scale,
        donors=task.donors * scale, donors_event=task.donors_event * scale,
    )  # fmt: skip
    one, other = SyntheticControl().fit(task), SyntheticControl().fit(larger)
    np.testing.assert_allclose(other.ar, one.ar * scale, rtol=1e-9, atol=1e-12 * scale)


def net_by_descent(y: Floats, z: Floats, penalty: float, mixing: float) -> tuple[float, Floats]:
    """Elastic net by plain coordinate descent: |y - a - Zb|^2 / 2n + penalty (...)."""
    n, d = z.shape
    center, level = z.mean(axis=0), y.mean()
    z, y = z - center, y - level
    b, r = np.zeros(d), y.copy()
    norms = (z**2).sum(axis=0) / n
    for _ in range(5000):
        before = b.copy()
        for j in range(d):
            rho = z[:, j] @ r / n + norms[j] * b[j]
            new = np.sign(rho) * max(abs(rho) - penalty * mixing, 0.0)
            new /= norms[j] + penalty * (1 - mixing)
            r -= z[:, j] * (new - b[j])
            b[j] = new
        if np.abs(b - before).max() < 1e-14:
            break
    return float(level - center @ b), b


def held_out(y: Floats, z: Floats, penalty: float, mixing: float) -> float:
    """Mean over five contiguous blocks of the mean squared error held out."""
    errors = []
    for first in range(0, 100, 20):
        out = np.zeros(100, dtype=bool)
        out[first : first + 20] = True
        a, b = net_by_descent(y[~out], z[~out], penalty, mixing)
        errors.append(((y[out] - a - z[out] @ b) ** 2).mean())
    return float(np.mean(errors))


def test_elastic_net_has_the_coefficients_of_statsmodels() -> None:
    task = world(10)
    found = ElasticNet().fit(task)
    for i in range(3):
        y, x = task.y[i], task.donors[i]
        z = (x - x.mean(axis=0)) / x.std(axis=0)
        penalty, mixing = found.loadings["penalty"][i], found.loadings["mixing"][i]
        unit = y.std()
        # The penalty is that of returns at unit variance.
        net = sm.OLS((y - y.mean()) / unit, z).fit_regularized(
            alpha=penalty, L1_wt=mixing, cnvrg_tol=1e-12, zero_tol=0, maxiter=5000
        )
        slopes = net.params * unit / x.std(axis=0)
        alpha = y.mean() - x.mean(axis=0) @ slopes
        ar = task.y_event[i] - alpha - task.donors_event[i] @ slopes
        np.testing.assert_allclose(found.ar[i], ar, atol=1e-8)
        assert found.alpha[i] == pytest.approx(alpha, abs=1e-9)
        e = y - alpha - x @ slopes
        np.testing.assert_allclose(found.residuals[i], e, atol=1e-8)
        assert found.s2[i] == pytest.approx((e**2).sum() / 99, rel=1e-6)
        assert found.loadings["donors"][i] == (np.abs(slopes) > 1e-9).sum()
    assert found.covariance == "none"
    assert np.isnan(found.v).all()


def test_elastic_net_takes_the_smallest_error_held_out() -> None:
    task = world(20, n=2)
    found = ElasticNet().fit(task)
    # Both a mixture and the pure lasso are chosen somewhere.
    assert set(found.loadings["mixing"]) == {0.1, 1.0}
    for i in range(2):
        y, x = task.y[i], task.donors[i]
        z = (x - x.mean(axis=0)) / x.std(axis=0)
        unit = y.std()
        penalty, mixing = found.loadings["penalty"][i], found.loadings["mixing"][i]
        best = held_out(y / unit, z, penalty, mixing)
        assert found.loadings["held_out"][i] == pytest.approx(np.sqrt(best) * unit, rel=1e-6)
        # The grid of penalties falls from the one that leaves no donor to a thousandth of it.
        for other in (0.1, 0.5, 0.9, 1.0):
            top = np.abs(z.T @ (y - y.mean())).max() / 100 / unit / other
            grid = top * 1e-3 ** (np.arange(30) / 29)
            if other == mixing:
                assert np.abs(np.log(grid / penalty)).min() < 1e-9
            for step in range(0, 30, 4):
                assert held_out(y / unit, z, grid[step], other) >= best * (1 - 1e-9)


def test_elastic_net_does_not_depend_on_units() -> None:
    task = world(12, n=2)
    larger = replace(
        task, y=task.y * 100, y_event=task.y_event * 100,
        donors=task.donors * 100, donors_event=task.donors_event * 100,
    )  # fmt: skip
    one, other = ElasticNet().fit(task), ElasticNet().fit(larger)
    np.testing.assert_allclose(other.ar, 100 * one.ar, rtol=1e-8)
    np.testing.assert_allclose(other.loadings["held_out"], 100 * one.loadings["held_out"])
    np.testing.assert_allclose(other.loadings["penalty"], one.loadings["penalty"], rtol=1e-9)


def test_a_donor_that_stands_still_is_no_donor_for_the_net() -> None:
    task = world(13, n=1)
    donors = task.donors.copy()
    donors[:, :, 2] = 0.001
    found = ElasticNet().fit(replace(task, donors=donors))
    assert found.loadings["pool"][0] == 6
    assert np.isfinite(found.ar).all()


def test_elastic_net_with_few_sessions_or_no_movement() -> None:
    task = world(14, n=2)
    y = task.y.copy()
    y[0, :60] = np.nan
    y[1] = 0.001
    found = ElasticNet().fit(replace(task, y=y))
    assert "40 usable sessions; 50 are needed" in found.reasons[0]
    assert found.reasons[1]
    assert np.isnan(found.ar).all()
    assert np.isinf(found.condition).all()


def test_folds_are_contiguous_and_disjoint() -> None:
    folds = contiguous_folds(103)
    held = [block for _, block in folds]
    np.testing.assert_array_equal(np.concatenate(held), np.arange(103))
    for fitted, block in folds:
        assert (np.diff(block) == 1).all()
        np.testing.assert_array_equal(np.sort(np.r_[fitted, block]), np.arange(103))
    assert sorted(len(block) for block in held) == [20, 20, 21, 21, 21]


@pytest.mark.usefixtures("warm_processes")
def test_workers_change_nothing() -> None:
    task = world(15, n=4)
    parallel = ElasticNet(jobs=2)
    parallel.parallel_from = 1
    one, two = ElasticNet(jobs=1).fit(task), parallel.fit(task)
    np.testing.assert_array_equal(one.ar, two.ar)
    np.testing.assert_array_equal(one.loadings["penalty"], two.loadings["penalty"])


def test_what_they_ask_for() -> None:
    for model in (SyntheticControl(), ElasticNet()):
        assert needs_of(model).donors
        assert not needs_of(model).benchmark
        assert iterates(model)
