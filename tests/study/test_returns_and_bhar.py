"""Log returns, and buy-and-hold abnormal returns of a model, by regressions worked apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import eventstudy as es
from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.study.observed import combined

DAYS = pd.bdate_range("2021-01-04", periods=220)
BASKETS = {"@LONG": {"AA": 3.0, "BB": 1.0}, "@SHORT": ["CC", "DD"]}
AT = 150
BEFORE = slice(AT - 105, AT - 5)
DURING = slice(AT - 1, AT + 3)
"""Windows -1,2: four sessions."""


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    """Prices of four firms and the market that move a lot, so that logs differ."""
    rng = np.random.default_rng(21)
    market = rng.normal(0, 0.02, len(DAYS))
    made = {"SPY": market}
    for k, name in enumerate(("AA", "BB", "CC", "DD")):
        made[name] = (0.7 + 0.2 * k) * market + 0.03 * rng.standard_t(5, len(DAYS))
    made["AA"][AT] += 0.15
    return 100.0 * (1.0 + pd.DataFrame(made, index=DAYS)).cumprod()


def studied(prices: pd.DataFrame, **asked: object) -> es.StudyResult:
    table = es.load_prices(prices)
    row = {"event_id": "e", "date": DAYS[AT].date().isoformat(), "session": "pre", "tickers": "AA"}
    events = es.read_events(pd.DataFrame([row]), calendar="prices", prices=table, baskets=BASKETS)
    options = {"observed": ["@LONG", "@LONG-@SHORT"], "window": [(-1, 2), (0, 0)]} | asked
    return es.event_study(
        events, table, estimation=100, gap=5, min_estimation=50, **options,  # type: ignore[arg-type]
    )  # fmt: skip


def car_of(study: es.StudyResult, label: str, window: str = "-1,2") -> pd.Series:
    found = study.cars[(study.cars["ticker"] == label) & (study.cars["window"] == window)]
    assert len(found) == 1
    return found.iloc[0]


def basket(prices: pd.DataFrame, shares: dict[str, float]) -> pd.Series:
    """Simple returns of a portfolio brought back to its shares each session."""
    simple = prices.pct_change()
    return sum(share * simple[name] for name, share in shares.items())  # type: ignore[return-value]


LONG, SHORT = {"AA": 0.75, "BB": 0.25}, {"CC": 0.5, "DD": 0.5}


def test_the_market_model_on_logs_of_prices(prices: pd.DataFrame) -> None:
    """A regression of differences of ln(price); a basket is worth what its holder has."""
    logs = np.log(prices).diff()
    worth = np.log((1.0 + basket(prices, LONG)).cumprod()).diff()
    other = np.log((1.0 + basket(prices, SHORT)).cumprod()).diff()
    study = studied(prices, returns="log")
    x = sm.add_constant(logs["SPY"])
    for label, y in (("AA", logs["AA"]), ("@LONG", worth), ("@LONG-@SHORT", worth - other)):
        fit = sm.OLS(y[BEFORE], x[BEFORE]).fit()
        expected = (y[DURING] - fit.predict(x[DURING])).sum()
        found = car_of(study, label)
        assert found["car"] == pytest.approx(expected, abs=1e-12)
        assert found["sigma"] == pytest.approx(np.sqrt(fit.mse_resid), rel=1e-9)
    simple = studied(prices)
    assert abs(car_of(simple, "AA")["car"] - car_of(study, "AA")["car"]) > 1e-3


def test_the_mean_model_on_logs_adds_up_to_the_ratio_of_prices(prices: pd.DataFrame) -> None:
    study = studied(prices, returns="log", model="mean", benchmark=None)
    mean = np.log(prices["AA"].iloc[AT - 6] / prices["AA"].iloc[AT - 106]) / 100
    total = np.log(prices["AA"].iloc[AT + 2] / prices["AA"].iloc[AT - 2])
    assert car_of(study, "AA")["car"] == pytest.approx(total - 4 * mean, abs=1e-12)


@pytest.mark.parametrize("model", ["adjusted:@SHORT", "industry:@SHORT", "adjusted:CC"])
def test_references_are_logs_too(prices: pd.DataFrame, model: str) -> None:
    shares = {"CC": 1.0} if model.endswith("CC") else SHORT
    reference = np.log1p(basket(prices, shares))
    y = np.log(prices["AA"]).diff()
    expected = (y - reference)[DURING].sum()
    if model.startswith("industry"):
        x = sm.add_constant(reference.rename("r"))
        fit = sm.OLS(y[BEFORE], x[BEFORE]).fit()
        expected = (y[DURING] - fit.predict(x[DURING])).sum()
    study = studied(prices, returns="log", model=model, observed=[])
    assert car_of(study, "AA")["car"] == pytest.approx(expected, abs=1e-12)


def test_donors_are_logs_too(prices: pd.DataFrame) -> None:
    study = studied(prices, returns="log", donors=["BB", "CC"], observed=[])
    logs = np.log(prices).diff()
    np.testing.assert_allclose(
        study.panel.donors[1:], logs[["BB", "CC"]].to_numpy()[1:], atol=1e-14
    )


def test_a_portfolio_of_logs_by_hand() -> None:
    """+50% and -50% in halves stand still; a spread of +100% over -50% is ln 2 - ln 0.5."""
    halves = np.array([[0.5, -0.5], [np.nan, 0.1]])
    found = combined(halves, np.array([0.5, 0.5]), "log")
    assert found[0] == 0.0
    assert np.isnan(found[1])
    spread = combined(np.array([[1.0, -0.5]]), np.array([1.0, -1.0]), "log")
    assert spread[0] == pytest.approx(2 * np.log(2.0))
    assert combined(np.array([[1.0, -0.5]]), np.array([1.0, -1.0]), "simple")[0] == 1.5


def test_log_returns_are_said_and_recorded(prices: pd.DataFrame, tmp_path: Path) -> None:
    study = studied(prices, returns="log", tests=["bmp"])
    assert "Log returns, ln(1 + R): a CAR adds logs" in study.summary()
    assert study.config.as_dict()["returns"] == "log"
    page = es.write_report(study, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Log returns, ln(1 + R)" in page
    plain = studied(prices, tests=["bmp"])
    assert "Log returns" not in plain.summary()
    assert plain.config.as_dict()["returns"] == "simple"


def test_what_cannot_be_a_log_is_refused(prices: pd.DataFrame) -> None:
    with pytest.raises(UnknownNameError, match="returns 'logs'.*did you mean 'log'"):
        studied(prices, returns="logs")
    with pytest.raises(StudyError, match="returns log: capm would set log returns beside factors"):
        studied(prices, returns="log", model=["market", "capm"])


@pytest.mark.parametrize("returns", ["simple", "log"])
def test_bhar_compounds_what_was_earned_and_what_the_model_expected(
    prices: pd.DataFrame, returns: str
) -> None:
    """prod(1 + R) - prod(1 + E[R]); with logs E[R] is the exponential of the forecast."""
    simple = prices.pct_change()
    series = {"AA": simple["AA"], "@LONG": basket(prices, LONG)}
    study = studied(prices, returns=returns)
    turned = np.log1p if returns == "log" else np.asarray
    for label, r in series.items():
        y, x = turned(r), sm.add_constant(np.asarray(turned(simple["SPY"])))
        fit = sm.OLS(np.asarray(y)[BEFORE], x[BEFORE]).fit()
        for window, days in (("-1,2", range(AT - 1, AT + 3)), ("0,0", [AT])):
            held = expected = 1.0
            for t in days:
                held *= 1.0 + r.iloc[t]
                ahead = fit.params @ x[t]
                expected *= np.exp(ahead) if returns == "log" else 1.0 + ahead
            found = car_of(study, label, window)
            assert found["bhar"] == pytest.approx(held - expected, abs=1e-12)
    assert np.isnan(car_of(study, "@LONG-@SHORT")["bhar"])


def test_bhar_of_one_day_is_its_abnormal_return(prices: pd.DataFrame) -> None:
    found = car_of(studied(prices), "AA", "0,0")
    assert found["bhar"] == pytest.approx(found["car"], abs=1e-14)


def test_bhar_of_joint_estimation_is_that_of_its_abnormal_returns(prices: pd.DataFrame) -> None:
    """Two events two days apart; E[R] is the return less what their dummies take up."""
    table = es.load_prices(prices)
    rows = [
        {"event_id": n, "date": DAYS[at].date().isoformat(), "session": "pre", "tickers": "AA"}
        for n, at in (("a", AT), ("b", AT + 2))
    ]
    events = es.read_events(pd.DataFrame(rows), calendar="prices", prices=table)
    study = es.event_study(
        events, table, model="mean", benchmark=None, window=(0, 3), overlap="joint",
        estimation=100, gap=5, min_estimation=50, observed=[],
    )  # fmt: skip
    r = prices["AA"].pct_change().to_numpy()
    # The chain's sessions: those before either event, without both windows.
    mean = r[AT - 105 : AT - 3].mean()
    expected = np.prod(1 + r[AT : AT + 4]) - (1 + mean) ** 4
    assert study.cars.iloc[0]["bhar"] == pytest.approx(expected, abs=1e-12)
