"""GARCH and EGARCH market models against arch called directly, and forecasts against integrals."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from arch import arch_model
from scipy import stats
from scipy.integrate import quad
from threadpoolctl import threadpool_limits
from warm import warm_processes  # noqa: F401

from eventstudy.errors import StudyError
from eventstudy.models import garch
from eventstudy.models.contract import ModelTask, iterates
from eventstudy.models.garch import Egarch, Garch, VarianceFit, egarch_path, garch_path

Floats = npt.NDArray[np.float64]


def world(seed: int, n: int = 2, m: int = 250, length: int = 3, ahead: int = 10) -> ModelTask:
    """A market model whose errors are GARCH with a = 0.15 and b = 0.75, daily s.d. 2%."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0005, 0.01, (n, m + length))
    h, e = np.full(n, 4e-4), np.zeros((n, m + length))
    for t in range(m + length):
        e[:, t] = np.sqrt(h) * rng.normal(size=n)
        h = 0.1 * 4e-4 + 0.15 * e[:, t] ** 2 + 0.75 * h
    y = 0.0002 + 1.3 * market + e
    return ModelTask(y[:, :m], y[:, m:], market[:, :m], market[:, m:], np.ones(n), ahead=ahead)


def holed(task: ModelTask, last: int) -> ModelTask:
    """Without a tenth of the sessions, and without the last few."""
    rng = np.random.default_rng(1)
    y, market = task.y.copy(), task.market.copy()
    y[rng.random(y.shape) < 0.1] = np.nan
    market[:, 40] = np.nan
    y[:, -last - 1] = 0.01
    y[:, y.shape[1] - last :] = np.nan
    return replace(task, y=y, market=market)


def direct(task: ModelTask, i: int, vol: Any) -> Any:
    """Return arch's own fit of one observation, in percent."""
    used = np.isfinite(task.y[i]) & np.isfinite(task.market[i])
    o = 1 if vol == "EGARCH" else 0
    model = arch_model(
        100 * task.y[i][used], x=100 * task.market[i][used][:, None],
        mean="LS", vol=vol, p=1, o=o, q=1, rescale=False,
    )  # fmt: skip
    # On one thread, as the library does: threads change the last digits of a sum, and the
    # optimiser carries that to the eighth digit of an abnormal return.
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore")
        return model.fit(disp="off", show_warning=False)


@pytest.mark.parametrize("missing_at_end", [None, 0, 3])
def test_garch_equals_arch(missing_at_end: int | None) -> None:
    task = world(1) if missing_at_end is None else holed(world(1), missing_at_end)
    found = Garch().fit(task)
    for i in range(len(task.y)):
        fitted = direct(task, i, "GARCH")
        assert fitted.convergence_flag == 0
        # The event window begins `ahead` sessions after the last one of the estimation
        # window, more where that is missing.
        first = 10 + (missing_at_end or 0)
        x = np.zeros((1, first + 2))
        x[0, first - 1 :] = 100 * task.market_event[i]
        ahead = fitted.forecast(horizon=first + 2, x=x, reindex=False)
        ar = task.y_event[i] - ahead.mean.to_numpy()[0, first - 1 :] / 100
        np.testing.assert_allclose(found.ar[i], ar, rtol=0, atol=1e-10)
        h = ahead.residual_variance.to_numpy()[0, first - 1 :] / 1e4
        np.testing.assert_allclose(found.v[i], np.diag(h), rtol=1e-8)
        used = np.isfinite(task.y[i]) & np.isfinite(task.market[i])
        np.testing.assert_allclose(found.residuals[i][used], fitted.resid / 100, atol=1e-12)
        assert np.isnan(found.residuals[i][~used]).all()
        params = fitted.params.to_numpy()
        assert found.alpha[i] == pytest.approx(params[0] / 100, rel=1e-8)
        assert found.beta[i] == pytest.approx(params[1], rel=1e-8)
        own = [found.loadings[name][i] for name in ("omega", "arch", "garch")]
        np.testing.assert_allclose(own, params[2:], rtol=1e-8)
        assert found.dof[i] == used.sum() - 2
        s2 = (fitted.resid**2).sum() / (used.sum() - 2) / 1e4
        assert found.s2[i] == pytest.approx(s2, rel=1e-8)
    assert found.reasons == ("", "")
    assert found.covariance == "approximate"
    assert (found.leverage[np.isfinite(found.residuals)] == 0).all()


def test_egarch_equals_arch_one_session_ahead() -> None:
    task = world(2, ahead=1, length=1)
    found = Egarch().fit(task)
    for i in range(2):
        fitted = direct(task, i, "EGARCH")
        assert fitted.convergence_flag == 0
        params = fitted.params.to_numpy()
        own = [found.loadings[name][i] for name in ("omega", "arch", "asymmetry", "garch")]
        np.testing.assert_allclose(own, params[2:], rtol=1e-8)
        x = 100 * task.market_event[i][None, :]
        ahead = fitted.forecast(horizon=1, x=x, reindex=False)
        h = ahead.residual_variance.to_numpy()[0] / 1e4
        np.testing.assert_allclose(np.diag(found.v[i]), h, rtol=1e-8)
        np.testing.assert_allclose(
            found.ar[i], task.y_event[i] - ahead.mean.to_numpy()[0] / 100, atol=1e-10
        )


def test_egarch_forecast_agrees_with_arch_simulating_it() -> None:
    task = world(3, n=1, length=3, ahead=10)
    fitted = direct(task, 0, "EGARCH")
    assert fitted.convergence_flag == 0
    ahead = fitted.forecast(
        horizon=12, x=np.zeros((1, 12)), reindex=False, method="simulation",
        simulations=40_000, rng=np.random.default_rng(0).standard_normal,
    )  # fmt: skip
    simulated = ahead.residual_variance.to_numpy()[0, 9:] / 1e4
    found = Egarch().fit(task)
    # s.d. of h over the draws is below its mean, so the error is below 0.5%: four of them.
    np.testing.assert_allclose(np.diag(found.v[0]), simulated, rtol=0.02)


def test_garch_path_by_hand() -> None:
    # omega 1, a 0.1, b 0.8, e 2, h 5: 1 + 0.4 + 4 = 5.4; 1 + 0.9 x 5.4 = 5.86; 6.274.
    found = garch_path(np.array([1.0, 0.1, 0.8]), 2.0, 5.0, np.array([1, 2, 3]))
    np.testing.assert_allclose(found, [5.4, 5.86, 6.274], rtol=1e-14)
    np.testing.assert_allclose(
        garch_path(np.array([1.0, 0.1, 0.8]), 2.0, 5.0, np.array([3])), [6.274], rtol=1e-14
    )


def test_egarch_path_against_integrals() -> None:
    omega, a, g, b = 0.1, 0.3, -0.2, 0.9
    e, h = -2.0, 3.0
    mean = np.sqrt(2 / np.pi)

    def news(z: float) -> float:
        return a * (abs(z) - mean) + g * z

    def expected(weight: float) -> float:
        """E[exp(weight g(z))] by quadrature, the kink at zero given."""
        density = lambda z: np.exp(weight * news(z) - z * z / 2) / np.sqrt(2 * np.pi)  # noqa: E731
        return float(quad(density, -20, 0)[0] + quad(density, 0, 20)[0])

    first = omega + news(e / np.sqrt(h)) + b * np.log(h)
    second = omega + b * first
    third = omega + b * second
    wanted = [
        np.exp(first),
        np.exp(second) * expected(1.0),
        np.exp(third) * expected(b) * expected(1.0),
    ]
    found = egarch_path(np.array([omega, a, g, b]), e, h, np.array([1, 2, 3]))
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_after_a_storm_the_forecast_calms_with_distance() -> None:
    task = world(4, n=1, m=500)
    wild = task.y.copy()
    wild[0, -1] += 0.12
    near, far = (Garch().fit(replace(task, y=wild, ahead=k)) for k in (1, 40))
    assert near.v[0, 0, 0] > 2 * far.v[0, 0, 0]
    assert near.v[0, 0, 0] > near.v[0, 1, 1] > near.v[0, 2, 2]
    np.testing.assert_array_equal(near.ar, far.ar)
    assert far.v[0, 0, 0] == pytest.approx(near.s2[0], rel=0.3)


@pytest.mark.usefixtures("warm_processes")
@pytest.mark.parametrize("model", [Garch, Egarch])
def test_workers_change_nothing(model: type[Garch] | type[Egarch]) -> None:
    task = world(5, n=6, m=120)
    told: list[tuple[str, int, int]] = []
    watched = replace(task, progress=lambda *what: told.append(what))
    serial, parallel = model(jobs=1), model(jobs=2)
    parallel.parallel_from = 1
    one, two = serial.fit(task), parallel.fit(watched)
    for name in ("ar", "v", "residuals", "s2", "alpha", "beta", "condition"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert one.reasons == two.reasons
    assert told == [(f"{serial.name} model", i, 6) for i in range(1, 7)]
    # Nor does company.
    alone = serial.fit(
        ModelTask(task.y[3:4], task.y_event[3:4], task.market[3:4], task.market_event[3:4],
                task.net[3:4], ahead=task.ahead)
    )  # fmt: skip
    np.testing.assert_array_equal(alone.v[0], one.v[3])


def test_what_cannot_be_fitted_says_why() -> None:
    task = world(6, n=4, m=120)
    y, market = task.y.copy(), task.market.copy()
    y[0, :70] = np.nan
    market[1] = 0.001
    y[2] = 0.5 * market[2]
    found = Garch().fit(replace(task, y=y, market=market))
    assert np.isinf(found.condition[0])
    assert "50 usable sessions; 60 are needed" in found.reasons[0]
    assert np.isinf(found.condition[1])
    for i in (0, 1, 2):
        assert np.isnan(found.ar[i]).all() or found.s2[i] < 1e-30
        assert np.isnan(found.v[i]).all() or found.s2[i] < 1e-30
    assert np.isfinite(found.v[3]).all()
    assert found.dof.tolist() == [48, 118, 118, 118]


def test_a_task_that_does_not_say_how_far_ahead() -> None:
    task = world(7)
    with pytest.raises(StudyError, match="how many sessions lie between"):
        Garch().fit(replace(task, ahead=None))


def failing(fault: str, good_start: int) -> Any:
    """Return an arch fit that is spoilt from every starting value but one."""
    genuine = garch._arch_fit
    calls = {"number": 0}

    def fit(model: Any, start: Floats | None) -> VarianceFit:
        found = genuine(model, start)
        calls["number"] = 1 if start is None else calls["number"] + 1
        if calls["number"] - 1 == good_start:
            return found
        if fault == "flag":
            return replace(found, converged=False)
        if fault == "likelihood":
            return replace(found, likelihood=found.likelihood - 1e6)
        if fault == "exploding":
            return replace(found, process=found.process * np.array([1e4, 1, 1]))
        return replace(found, process=np.array([1e-9, 0.0, 0.0]))

    return fit


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("flag", "did not converge"),
        ("likelihood", "less likely than a constant variance"),
        ("exploding", "explodes"),
        ("vanishing", "vanishes"),
    ],
)
def test_a_fit_that_failed_is_never_used(
    fault: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = world(8, n=1)
    monkeypatch.setattr(garch, "_arch_fit", failing(fault, good_start=99))
    found = Garch().fit(task)
    assert said in found.reasons[0]
    assert np.isinf(found.condition[0])
    for values in (found.ar, found.v, found.residuals, found.s2, found.beta):
        assert np.isnan(values).all()
    assert found.dof[0] == 248


@pytest.mark.parametrize("fault", ["flag", "likelihood"])
def test_further_starting_values_find_the_same_fit(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = world(8, n=1)
    usual = Garch().fit(task)
    monkeypatch.setattr(garch, "_arch_fit", failing(fault, good_start=2))
    again = Garch().fit(task)
    assert again.reasons == ("",)
    np.testing.assert_allclose(again.ar, usual.ar, atol=2e-5)
    np.testing.assert_allclose(again.v, usual.v, rtol=0.02)


def test_the_likeliest_of_the_further_fits_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    task = world(9, n=1)
    genuine = garch._arch_fit
    marks = iter([None, 0.0, 5.0, 2.0, 1.0, 3.0])

    def fit(model: Any, start: Floats | None) -> VarianceFit:
        found, mark = genuine(model, None), next(marks)
        if mark is None:
            return replace(found, converged=False)
        return replace(found, likelihood=found.likelihood + mark, beta=mark)

    monkeypatch.setattr(garch, "_arch_fit", fit)
    assert Garch().fit(task).beta[0] == 5.0


def test_they_say_that_they_iterate() -> None:
    assert iterates(Garch())
    assert iterates(Egarch())
    assert Garch().needs_benchmark


@pytest.mark.vendor
def test_real_windows_are_fitted_where_arch_alone_fails(vendor: Path) -> None:
    import pandas as pd

    prices = {
        t: pd.read_csv(vendor / f"{t}.csv", index_col=0, parse_dates=True)["adj_close"]
        for t in ("META", "SPY")
    }
    returns = pd.DataFrame(prices).pct_change(fill_method=None).to_numpy()
    rows = np.array([376, 817, 943, 1069])[:, None]
    before, during = rows + np.arange(-250, 0), rows + np.arange(10, 13)
    task = ModelTask(
        returns[before, 0], returns[during, 0], returns[before, 1], returns[during, 1],
        np.ones(4), ahead=11,
    )  # fmt: skip
    found = Egarch().fit(task)
    assert any(direct(task, i, "EGARCH").convergence_flag != 0 for i in range(4))
    assert found.reasons == ("",) * 4
    ratio = np.einsum("nll->nl", found.v) / found.s2[:, None]
    assert ((ratio > 0.1) & (ratio < 10)).all()


@pytest.mark.parametrize(("below", "expected"), [(0.5, ""), (2.0, "less likely")])
def test_a_fit_is_held_against_a_constant_variance(below: float, expected: str) -> None:
    """Normal errors of one variance, the likelihood summed by scipy."""
    e = np.random.default_rng(4).normal(0.0, 1.3, 60)
    constant = float(stats.norm.logpdf(e, scale=np.sqrt((e**2).mean())).sum())
    flat = np.full(60, (e**2).mean())
    # omega + (a + b) h is h: with a = b = 0 the variance stays where it is.
    process = np.array([flat[0], 0.0, 0.0])
    found = VarianceFit(0.0, 1.0, process, e, flat, constant - below * garch.WORSE_BY, True)
    fault = Garch()._fault(found, e, np.array([1, 2]))
    assert fault.startswith(expected)
    assert bool(fault) == bool(expected)


def test_the_constant_of_egarch_by_hand() -> None:
    assert Egarch().constant(2.5, (0.1, -0.2, 0.9)) == pytest.approx(0.1 * np.log(2.5))


def test_a_fit_from_other_values_may_take_more_steps_and_one_that_stumbles_is_none() -> None:
    told: list[dict[str, Any]] = []

    class Stumbling:
        def fit(self, **given: Any) -> Any:
            told.append(given)
            raise ValueError("a matrix that is not positive")

    first = garch._arch_fit(Stumbling(), None)
    assert not first.converged
    assert first.likelihood == -np.inf
    for part in (first.process, first.residuals, first.variance):
        assert np.isnan(part).all()
    garch._arch_fit(Stumbling(), np.array([1.0, 2.0]))
    assert [given["options"] for given in told] == [None, {"maxiter": garch.MORE_ITERATIONS}]
