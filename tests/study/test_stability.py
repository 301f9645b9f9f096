"""Numbers at the edge: tiny and huge returns, regressors that repeat each other, still prices.

Theory says what must come out: abnormal returns scale with returns and t does not move, rounding
aside; a design that is nearly singular gets its condition number told, one that is singular an
error; and nothing gives a number that looks right and is rounding.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eventstudy as es
from eventstudy.abnormal import varies
from eventstudy.errors import StudyError
from eventstudy.models import MODELS, find_model
from eventstudy.models.contract import ModelTask, Needs, needs_of
from eventstudy.models.garch import scale_of
from eventstudy.models.linear import DOUBTFUL_CONDITION, LARGEST_CONDITION
from eventstudy.significance.single import sq_tails

SPECS = ("adjusted:SMH", "industry:SMH", "dimson:2", "factors:mkt_rf,smb")
VARIANCE = ("garch", "egarch")
ROWS, LENGTH, DONORS = 120, 4, 4
S = 260
DAYS = pd.bdate_range("2022-01-03", periods=S)
ENGINES = pytest.mark.parametrize("engine", ["whole", "streamed"])


def task(seed: int, c: float, needs: Needs, n: int = 4) -> ModelTask:
    """Return a task whose returns are all multiplied by c."""
    rng = np.random.default_rng(seed)
    shape = (n, ROWS + LENGTH)
    market = 0.01 * rng.standard_t(5, shape)
    y = 0.0003 + 0.8 * market + 0.015 * rng.standard_t(5, shape)
    factors = rng.normal(0.0, 0.006, (*shape, max(len(needs.factors), 1)))
    factors[:, :, 0] = market
    around = np.pad(market, ((0, 0), (needs.reach, needs.reach)), mode="wrap")
    steps = [around[:, k : k + shape[1]] for k in range(2 * needs.reach + 1)]
    given: dict[str, Any] = {
        "y": y, "market": market, "factors": factors, "shifted": np.stack(steps, axis=2),
        "reference": market + rng.normal(0.0, 0.01, shape),
        "donors": market[:, :, None] + rng.normal(0.0, 0.012, (*shape, DONORS)),
    }  # fmt: skip
    parts = {name: c * values[:, :ROWS] for name, values in given.items()}
    parts |= {f"{name}_event": c * values[:, ROWS:] for name, values in given.items()}
    return ModelTask(**parts, net=np.ones(n), y_after=c * rng.normal(0.0, 0.015, (n, 40)), ahead=11)


@pytest.mark.parametrize("name", [*(n for n in MODELS if n not in VARIANCE), *SPECS])
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**16), power=st.integers(-8, 8))
def test_abnormal_returns_scale_and_t_does_not_move(name: str, seed: int, power: int) -> None:
    model, c = find_model(name), 10.0**power
    one, other = (model.fit(task(seed, k, needs_of(model))) for k in (1.0, c))
    np.testing.assert_allclose(other.ar, c * one.ar, rtol=1e-9, atol=1e-13 * c)
    np.testing.assert_allclose(other.s2, c * c * one.s2, rtol=1e-9)
    np.testing.assert_allclose(other.beta, one.beta, rtol=1e-8)
    np.testing.assert_allclose(other.condition, one.condition, rtol=1e-6)
    with np.errstate(invalid="ignore"):
        t = [f.ar / np.sqrt(np.einsum("nll->nl", f.v)) for f in (one, other)]
    np.testing.assert_allclose(t[1], t[0], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("power", [-8, -3, 5])
def test_variance_models_are_fitted_on_any_unit(power: int) -> None:
    """The optimiser ends within its own tolerance of the same fit, where clusters are plain."""
    rng = np.random.default_rng(4)
    h, e = 1e-4, np.empty(504)
    for t in range(len(e)):
        e[t] = np.sqrt(h) * rng.normal()
        h = 2e-5 + 0.3 * e[t] ** 2 + 0.5 * h
    market = rng.normal(0.0, 0.01, len(e))
    y = 0.9 * market + e
    fits = []
    for c in (1.0, 10.0**power):
        given = {"y": y, "market": market}
        parts = {name: c * values[None, :500] for name, values in given.items()}
        parts |= {f"{name}_event": c * values[None, 500:] for name, values in given.items()}
        fits.append(find_model("garch").fit(ModelTask(**parts, net=np.ones(1), ahead=1)))
    one, other = fits
    c = 10.0**power
    np.testing.assert_allclose(other.ar, c * one.ar, atol=1e-4 * c * float(np.sqrt(one.s2[0])))
    np.testing.assert_allclose(np.sqrt(other.v), c * np.sqrt(one.v), rtol=0.01)
    np.testing.assert_allclose(other.loadings["omega"], c * c * one.loadings["omega"], rtol=0.05)
    np.testing.assert_allclose(other.loadings["garch"], one.loadings["garch"], rtol=0.05)


def test_ordinary_returns_are_worked_on_in_percent() -> None:
    assert scale_of(0.015) == scale_of(0.0011) == scale_of(0.099) == 100.0
    assert [scale_of(1e-10), scale_of(15.0)] == [1e10, 0.1]


def test_where_an_omega_goes_with_its_unit() -> None:
    """ln h = w + b ln h': of h times k, w + (1 - b) ln k; of GARCH, w times k."""
    k = 2.5
    egarch = find_model("egarch").in_percent(np.array([0.1, 0.2, -0.1, 0.9]), k)
    np.testing.assert_allclose(egarch, [0.1 + 0.1 * np.log(k), 0.2, -0.1, 0.9], rtol=1e-14)
    garch = find_model("garch").in_percent(np.array([0.4, 0.1, 0.8]), k)
    np.testing.assert_allclose(garch, [1.0, 0.1, 0.8], rtol=1e-14)


# ---------------------------------------------------------------- studies at the edge


def returns_of(**changed: np.ndarray) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    market = rng.normal(0.0, 0.01, S)
    found = {
        "AAA": 0.9 * market + rng.normal(0.0, 0.012, S),
        "BBB": 1.1 * market + rng.normal(0.0, 0.012, S),
        "CCC": market + rng.normal(0.0, 0.015, S),
        "SPY": market,
    }
    return {**found, **changed}


def closes(returns: dict[str, np.ndarray], level: float = 100.0) -> pd.DataFrame:
    return pd.DataFrame({t: level * np.cumprod(1.0 + r) for t, r in returns.items()}, index=DAYS)


def cars_of(
    tmp_path: Path, frame: pd.DataFrame, engine: str, **asked: Any
) -> tuple[Any, pd.DataFrame]:
    """Return a study and its CARs by event, security and window."""
    prices = es.load_prices(frame)
    rows = [
        {"event_id": f"e{row}", "date": f"{DAYS[row]:%Y-%m-%d}", "session": "pre", "tickers": t}
        for row, t in ((150, "AAA"), (180, "BBB"), (200, "CCC"), (220, "AAA"))
    ]  # fmt: skip
    events = es.read_events(pd.DataFrame(rows), calendar="prices", prices=prices)
    options = {
        "window": [(0, 0), (-1, 2)], "estimation": 100, "min_estimation": 60, "observed": (),
        "tests": ("bmp",), **asked,
    }  # fmt: skip
    if engine == "streamed":
        study = es.event_study(events, prices, engine="streamed", out=tmp_path, **options)
        table = study.read().to_pandas()
    else:
        study = es.event_study(events, prices, **options)
        table = study.cars
    return study, table.astype({"window": str}).set_index(["event_id", "ticker", "window"])


def factors(**changed: np.ndarray) -> es.FactorTable:
    rng = np.random.default_rng(1)
    market = returns_of()["SPY"]
    made = {"mkt_rf": market, "smb": rng.normal(0.0, 0.006, S), "hml": rng.normal(0.0, 0.006, S)}
    return es.load_factors(pd.DataFrame({**made, **changed}, index=DAYS), units="decimal")


@ENGINES
@pytest.mark.parametrize("noise", [1e-6, 1e-10])
def test_nearly_collinear_factors_are_told_with_their_condition_number(
    engine: str, noise: float, tmp_path: Path
) -> None:
    """Abnormal returns and errors: those of statsmodels on an orthogonal basis of the factors."""
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    market, apart = returns_of()["SPY"], rng.normal(0.0, 1.0, S)
    table = factors(smb=2.0 * market + noise * apart)
    study, cars = cars_of(
        tmp_path, closes(returns_of()), engine, model="factors:mkt_rf,smb,hml", factors=table
    )
    lines = study.caution_lines() if engine == "streamed" else study.summary().splitlines()
    told = "".join(line for line in lines if "collinear" in line)
    hml = table.values[:, table.names.index("hml")]
    smb = table.values[:, table.names.index("smb")]
    largest = 0.0
    for row, ticker in ((150, "AAA"), (180, "BBB")):
        before = slice(row - 110, row - 10)
        x = np.column_stack([np.ones(S), market, smb, hml])
        unit = x[before] / np.linalg.norm(x[before], axis=0)
        largest = max(largest, float(np.linalg.cond(unit)))
        # The same space: (smb - 2 mkt) / noise is the factor that noise has left of smb.
        basis = np.column_stack([np.ones(S), market, (smb - 2.0 * market) / noise, hml])
        y = returns_of()[ticker]
        fitted = sm.OLS(y[before], basis[before]).fit()
        found = fitted.get_prediction(basis[row : row + 1])
        own = cars.loc[(f"e{row}", ticker, "0,0")]
        assert own["car"] == pytest.approx(y[row] - found.predicted_mean[0], rel=1e-5, abs=1e-9)
        assert own["se"] == pytest.approx(found.se_obs[0], rel=1e-5)
    assert "condition number in parentheses: factors:mkt_rf,smb,hml (" in told
    said = float(told.split("hml (")[1].split(")")[0])
    assert said >= 0.99 * largest > DOUBTFUL_CONDITION


@ENGINES
@pytest.mark.parametrize("kind", ["twice", "a constant", "rounding apart"])
def test_a_factor_that_says_nothing_new_is_an_error_with_the_condition_number(
    engine: str, kind: str, tmp_path: Path
) -> None:
    market = returns_of()["SPY"]
    noise = np.random.default_rng(3).normal(0.0, 1e-16, S)
    other = {
        "twice": market, "a constant": np.full(S, 1e-3), "rounding apart": 2.0 * market + noise,
    }  # fmt: skip
    with pytest.raises(StudyError, match=r"singular_design: .*condition number above 1e\+12"):
        cars_of(
            tmp_path, closes(returns_of()), engine, model="factors:mkt_rf,smb,hml",
            factors=factors(smb=other[kind]),
        )  # fmt: skip
    assert LARGEST_CONDITION == 1e12


@ENGINES
@pytest.mark.parametrize("drift", [0.0, 1e-3])
def test_a_benchmark_that_stands_still_or_grows_evenly_is_an_error(
    engine: str, drift: float, tmp_path: Path
) -> None:
    still = closes(returns_of(SPY=np.full(S, drift)))
    with pytest.raises(StudyError, match="singular_design"):
        cars_of(tmp_path, still, engine)


@ENGINES
def test_a_security_that_is_the_benchmark_has_nothing_to_say(engine: str, tmp_path: Path) -> None:
    study, cars = cars_of(tmp_path, closes(returns_of()), engine, benchmark="AAA")
    assert set(cars.index.get_level_values("ticker")) == {"BBB", "CCC"}
    assert set(study.dropped["reason"]) == {"no_variance"}


@ENGINES
@pytest.mark.parametrize("drift", [0.0, 1e-9, 1e-3])
@pytest.mark.parametrize("model", ["mean", "market"])
def test_prices_that_stand_still_or_grow_evenly_have_no_variance(
    engine: str, drift: float, model: str, tmp_path: Path
) -> None:
    study, cars = cars_of(tmp_path, closes(returns_of(AAA=np.full(S, drift))), engine, model=model)
    assert set(cars.index.get_level_values("ticker")) == {"BBB", "CCC"}
    assert set(study.dropped["reason"]) == {"no_variance"}


@ENGINES
@pytest.mark.parametrize("level", [1e-6, 1e9])
def test_the_level_of_prices_does_not_matter(engine: str, level: float, tmp_path: Path) -> None:
    _, plain = cars_of(tmp_path / "a", closes(returns_of()), engine)
    _, other = cars_of(tmp_path / "b", closes(returns_of(), level), engine)
    numbers = plain.select_dtypes("number").columns
    np.testing.assert_allclose(other[numbers], plain[numbers], rtol=1e-8, atol=1e-11)


@ENGINES
def test_returns_that_are_tiny_beside_others_are_no_rounding(engine: str, tmp_path: Path) -> None:
    """A security that moves by 1e-10 a session, beside one of which a price is off by 1e9."""
    rng = np.random.default_rng(5)
    tiny = closes(returns_of(AAA=rng.normal(0.0, 1e-10, S)))
    tiny.loc[DAYS[240] :, "CCC"] *= 1e9
    study, cars = cars_of(tmp_path, tiny, engine, model="mean")
    assert not len(study.dropped)
    r = tiny["AAA"].to_numpy()[1:] / tiny["AAA"].to_numpy()[:-1] - 1.0
    own = cars.loc[("e150", "AAA", "0,0")]
    # Returns of prices are known to 1e-16: a millionth of these.
    assert own["car"] == pytest.approx(r[149] - r[39:139].mean(), rel=1e-6)


@ENGINES
def test_a_column_without_a_price_is_dropped_and_said(engine: str, tmp_path: Path) -> None:
    frame = closes(returns_of())
    frame["AAA"] = np.nan
    study, cars = cars_of(tmp_path, frame, engine)
    assert set(cars.index.get_level_values("ticker")) == {"BBB", "CCC"}
    assert set(study.dropped["reason"]) == {"no_prices"}


@ENGINES
@pytest.mark.parametrize("asked", [(4, 3), (2, 2), (1, 1)])
def test_an_estimation_window_shorter_than_its_parameters_is_refused(
    engine: str, asked: tuple[int, int], tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match="at least 10 sessions are needed"):
        cars_of(
            tmp_path, closes(returns_of()), engine, estimation=asked[0], min_estimation=asked[1]
        )


def test_one_price_change_leaves_the_robust_model_without_a_scale(tmp_path: Path) -> None:
    moved = np.zeros(S)
    moved[120] = 0.05
    study, cars = cars_of(tmp_path, closes(returns_of(AAA=moved)), "whole", model="robust")
    assert set(cars.index.get_level_values("ticker")) == {"BBB", "CCC"}
    assert study.dropped["detail"].str.contains("half of the residuals vanish").all()


def test_what_varies_is_told_from_rounding() -> None:
    s2 = np.array([0.0, 1e-34, 1e-29, 1e-20, np.nan])
    assert varies(s2, np.array([0.0, 1e-4, 1e-18, 1e-20, 1.0])).tolist() == [
        False, False, True, True, False,
    ]  # fmt: skip


def test_a_session_that_the_fit_goes_through_is_no_draw() -> None:
    """Of five residuals one has leverage 1: four sums of one are left."""
    residuals = np.array([[0.01, -0.02, 0.0, 0.03, -0.01]])
    leverage = np.array([[0.1, 0.1, 1.0, 0.1, 0.1]])
    tails = sq_tails(np.array([0.05]), residuals, leverage, 1)
    assert (tails.draws[0], tails.greater[0]) == (4, 1 / 5)
