"""Sizing against arithmetic by hand, statsmodels, and the weighted series of returns."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.backtest import FREE, EventStrategy, backtest, sizing
from eventstudy.backtest.estimation import market_betas, rows_before, standardised_jump
from eventstudy.backtest.history import History, StrategyEvent, cut
from eventstudy.backtest.sizing import LEVERAGE, SIZINGS, Sized, find_sizing
from eventstudy.errors import BacktestError, UnknownNameError
from eventstudy.prices.table import PriceTable

COUNT, ZERO = 320, 300
DAYS = np.busday_offset(np.datetime64("2023-01-02"), np.arange(COUNT))
EVENT = StrategyEvent("e", "test", "A", DAYS[ZERO], tickers=("A",))
WINDOW = slice(ZERO - 260, ZERO - 10)  # sessions -260 to -11


def history_of(returns: dict[str, np.ndarray], last: int = ZERO) -> History:
    """Closes that grow by these returns, none where one is NaN; it ends at row `last`."""
    grown = np.column_stack(list(returns.values()))
    close = np.where(np.isnan(grown), np.nan, 100 * np.cumprod(1 + np.nan_to_num(grown), axis=0))
    none = np.full_like(close, np.nan)
    table = PriceTable(tuple(returns), DAYS, close, none, none, close, none, none, none * 0, "made")
    return cut(table, last, "SPY")


def noisy(seed: int = 5, noise: float = 0.01) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    market = rng.normal(0, 0.01, COUNT)
    return {
        "A": 1.8 * market + rng.normal(0, noise, COUNT),
        "B": 0.7 * market + rng.normal(0, noise, COUNT),
        "C": 1.2 * market + rng.normal(0, noise, COUNT),
        "SPY": market,
    }


def sized(name, weights, history, target=0.1, event=EVENT) -> dict[str, float]:
    found = SIZINGS[name](weights, event, history, target)
    assert isinstance(found, Sized), found
    return dict(found.weights)


def test_dollar_neutral_by_hand():
    """0.8 long and 0.2 short: the sides are scaled by 0.625 and 2.5 to half of 1.0 each."""
    found = sized("dollar-neutral", {"A": 0.6, "B": 0.2, "C": -0.2}, history_of(noisy()))
    assert found == pytest.approx({"A": 0.375, "B": 0.125, "C": -0.5}, abs=1e-15)
    said = SIZINGS["dollar-neutral"]({"A": 0.8, "B": -0.2}, EVENT, history_of(noisy()), 0.1)
    assert said.note == "dollar-neutral: long side x 0.625, short side x 2.500"


def test_beta_neutral_by_hand():
    """Betas of 2 and 1 without noise: one unit of A against two of B, and 1.0 in all."""
    market = noisy()["SPY"]
    history = history_of({"A": 2 * market, "B": market, "SPY": market})
    found = sized("beta-neutral", {"A": 0.5, "B": -0.5}, history)
    assert found == pytest.approx({"A": 1 / 3, "B": -2 / 3}, rel=1e-9)
    against_market = sized("beta-neutral", {"A": -0.5, "SPY": 0.5}, history)
    assert against_market == pytest.approx({"A": -1 / 3, "SPY": 2 / 3}, rel=1e-9)


def test_betas_are_those_of_statsmodels_with_returns_missing():
    import statsmodels.api as sm

    returns = noisy()
    returns["A"][[60, 61, 120, 200]] = np.nan
    returns["SPY"][150] = np.nan
    history = history_of(returns)
    found = market_betas(history, ["A", "B", "C"], rows_before(history, EVENT.session_0))
    for column, beta in enumerate(found):
        y, x = history.returns[WINDOW, column], sm.add_constant(history.returns[WINDOW, 3])
        fitted = sm.OLS(y, x, missing="drop").fit()
        assert fitted.nobs < 250
        assert beta == pytest.approx(fitted.params[1], rel=1e-10)


def test_beta_neutral_balances_the_betas_of_statsmodels():
    import statsmodels.api as sm

    history, weights = history_of(noisy()), {"A": 0.6, "B": 0.2, "C": -0.9}
    found = sized("beta-neutral", weights, history)
    y, x = history.returns[WINDOW], sm.add_constant(history.returns[WINDOW, 3])
    betas = {t: sm.OLS(y[:, i], x).fit().params[1] for i, t in enumerate("ABC")}
    assert sum(w * betas[t] for t, w in found.items()) == pytest.approx(0, abs=1e-12)
    assert sum(map(abs, found.values())) == pytest.approx(1.7)
    assert found["A"] / found["B"] == pytest.approx(3)
    assert found["A"] > 0 > found["C"]


def test_volatility_is_that_of_the_weighted_returns():
    history, weights = history_of(noisy()), {"A": 0.5, "B": -0.3, "C": -0.2}
    found = sized("volatility", weights, history, target=0.08)
    path = sum(w * history.returns_of(t)[WINDOW] for t, w in found.items())
    assert np.std(path, ddof=1) * math.sqrt(252) == pytest.approx(0.08, rel=1e-10)
    assert found["A"] / found["B"] == pytest.approx(-5 / 3)


def test_volatility_stops_at_the_stated_leverage():
    history = history_of(noisy(noise=0.001))
    weights = {"A": 0.14, "B": -0.36}  # of betas 1.8 and 0.7: hardly any risk is left
    found = SIZINGS["volatility"](weights, EVENT, history, 1.0)
    assert sum(map(abs, found.weights.values())) == pytest.approx(LEVERAGE)
    assert f"held at {LEVERAGE:g} times the sleeve" in found.note
    assert "held at" not in SIZINGS["volatility"](weights, EVENT, history, 0.001).note


def test_one_ticker_has_a_volatility_too():
    history = history_of(noisy())
    found = sized("volatility", {"A": -1.0}, history, target=0.2)
    risk = np.std(history.returns_of("A")[WINDOW], ddof=1) * math.sqrt(252)
    assert found == pytest.approx({"A": -0.2 / risk})


REFUSED = [
    ("dollar-neutral", {"A": 0.5, "B": 0.5}, "needs a long and a short side, and A, B is all long"),
    ("beta-neutral", {"A": -0.5}, "needs a long and a short side, and A is all short"),
    ("beta-neutral", {"A": 0.5, "D": -0.5}, "no beta of D, which takes 100 returns"),
    ("beta-neutral", {"A": 0.5, "E": -0.5}, "short side (-1.00) cannot be balanced"),
    ("volatility", {"A": 0.5, "D": -0.5}, "fewer than 100 sessions before the event"),
    ("volatility", {"F": 1.0}, "F did not move before the event"),
]


@pytest.mark.parametrize(("name", "weights", "words"), REFUSED)
def test_what_cannot_be_sized_is_told(name, weights, words):
    returns = noisy()
    late = np.full(COUNT, np.nan)
    late[200:] = returns["B"][200:]  # 89 returns up to session -11
    more = {"D": late, "E": -returns["SPY"], "F": np.zeros(COUNT)}
    found = SIZINGS[name](weights, EVENT, history_of({**more, **returns}), 0.1)
    assert isinstance(found, str)
    assert words in found


def test_99_returns_are_too_few_and_100_are_enough():
    returns = noisy()
    for first, enough in ((ZERO - 111, True), (ZERO - 110, False)):
        late = returns["A"].copy()
        late[:first] = np.nan  # the first close has no return yet: it begins one session later
        history = history_of({**returns, "A": late})
        assert np.isfinite(history.returns_of("A")[WINDOW]).sum() == (100 if enough else 99)
        for name in ("beta-neutral", "volatility"):
            found = SIZINGS[name]({"A": 0.5, "B": -0.5}, EVENT, history, 0.1)
            assert isinstance(found, Sized) == enough


@pytest.mark.parametrize("name", ["dollar-neutral", "beta-neutral", "volatility"])
@pytest.mark.parametrize("last", [ZERO, ZERO + 15])
def test_only_sessions_before_the_event_count(name, last):
    """Later returns change nothing, whenever the decision falls; earlier ones do."""
    weights = {"A": 0.5, "B": -0.4}
    before = sized(name, weights, history_of(noisy(), last))
    for first, same in ((ZERO - 10, True), (ZERO - 11, name == "dollar-neutral")):
        returns = noisy()
        for ticker in returns:
            returns[ticker][first:] = np.random.default_rng(9).normal(0, 0.05, COUNT - first)
        after = sized(name, weights, history_of(returns, last))
        assert (after == before) == same


def test_a_decision_before_the_event_uses_what_it_has():
    """Six sessions ahead: the window ends 10 sessions before the session after the decision."""
    event, last = StrategyEvent("e", "test", "A", DAYS[ZERO], tickers=("A",)), ZERO - 6
    assert rows_before(history_of(noisy(), last), event.session_0) == slice(
        last + 1 - 260, last + 1 - 10
    )


@settings(max_examples=60, deadline=None)
@given(
    weights=st.dictionaries(
        st.sampled_from("ABC"), st.floats(0.01, 2).map(lambda x: round(x, 4)), min_size=2
    ),
    short=st.integers(0, 2),
    name=st.sampled_from(["dollar-neutral", "beta-neutral"]),
)
def test_neutral_sizings_keep_signs_sums_and_shares(weights, short, name):
    history = history_of(noisy())
    loser = sorted(weights)[short % len(weights)]
    weights = {t: -w if t == loser else w for t, w in weights.items()}
    found = sized(name, weights, history)
    loads = dict.fromkeys("ABC", 1.0)
    if name == "beta-neutral":
        market = history.returns_of("SPY")[WINDOW]
        slopes = {t: np.polyfit(market, history.returns_of(t)[WINDOW], 1)[0] for t in "ABC"}
        loads = {t: float(slope) for t, slope in slopes.items()}
    assert sum(w * loads[t] for t, w in found.items()) == pytest.approx(0, abs=1e-9)
    assert sum(map(abs, found.values())) == pytest.approx(sum(map(abs, weights.values())))
    assert {t: w > 0 for t, w in found.items()} == {t: w > 0 for t, w in weights.items()}
    kept = {round(found[t] / w, 9) for t, w in weights.items() if w > 0}
    assert len(kept) == 1


class Pair(EventStrategy):
    """Long A against B."""

    hold: int = 2

    def targets(self, event, history):
        return {"A": 0.6, "B": -0.4}


@pytest.fixture
def world(make_event, make_table):
    returns = noisy()
    close = {t: 100 * np.cumprod(1 + r) for t, r in returns.items()}
    prices = {t: {"close": c, "open": c} for t, c in close.items()}
    events = [make_event("early", str(DAYS[50])), make_event("news", str(DAYS[ZERO]), row=3)]
    return events, make_table(DAYS, prices), close


def test_a_backtest_trades_the_sized_weights_and_says_what_was_done(world):
    events, table, close = world
    result = backtest(events, table, (Pair, {"sizing": "dollar-neutral"}), costs=FREE)
    orders = result.orders[result.orders["group"] == "news:entry"].set_index("ticker")
    stakes = {t: orders.loc[t, "size"] * close[t][ZERO] for t in ("A", "B")}
    assert stakes == pytest.approx({"A": 100_000.0, "B": 100_000.0})  # half of 20% of a million
    assert orders["side"].to_dict() == {"A": "buy", "B": "sell"}
    told = "dollar-neutral: long side x 0.833, short side x 1.250"
    assert orders["reason"].unique().tolist() == [told]


def test_an_event_that_cannot_be_sized_is_skipped_with_the_sentence(world):
    events, table, _ = world
    result = backtest(events, table, (Pair, {"sizing": "beta-neutral"}), costs=FREE)
    assert set(result.trades["event_id"]) == {"news"}
    row = result.skipped.set_index("event_id").loc["early"]
    assert row["reason"] == "not_sized"
    assert row["detail"].startswith("beta-neutral: no beta of A, B, which takes 100 returns")


def test_an_unknown_sizing_offers_the_nearest(world):
    events, table, _ = world
    words = r"unknown sizing 'beta-natural' \(did you mean 'beta-neutral'"
    with pytest.raises(BacktestError, match=words):
        backtest(events, table, (Pair, {"sizing": "beta-natural"}))
    with pytest.raises(UnknownNameError, match="known: beta-neutral, dollar-neutral, given, vol"):
        find_sizing("x")


class Package:
    """Stands in for the entry point of another package."""

    name, value = "halved", "other:halved"

    def __init__(self, answer):
        self.answer = answer

    def load(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return lambda weights, event, history, target: self.answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"A": 0.1}, r"sizing halved, event early: returned \{'A': 0.1\}: give Sized"),
        (Sized({"A": float("nan")}), "sizing halved, event early: returned weight nan of A"),
        (Sized({"Z": 1.0}), "a weight for 'Z', which has no prices"),
        (
            ImportError("no such thing"),
            "'halved' of entry point other:halved: ImportError: no such",
        ),
    ],
)
def test_faults_of_another_packages_sizing_name_it(world, monkeypatch, answer, words):
    monkeypatch.setattr(sizing, "_other_packages", lambda: {"halved": Package(answer)})
    with pytest.raises(BacktestError, match=words):
        backtest(*world[:2], (Pair, {"sizing": "halved"}))


def test_another_packages_sizing_is_used(world, monkeypatch):
    monkeypatch.setattr(
        sizing, "_other_packages", lambda: {"halved": Package(Sized({"A": 0.3}, "halved"))}
    )
    result = backtest(*world[:2], (Pair, {"sizing": "halved"}), costs=FREE)
    assert set(result.trades["ticker"]) == {"A"}
    assert result.orders["reason"].iloc[0] == "halved"
    nothing = {"halved": Package(Sized({"A": 0.0}))}
    monkeypatch.setattr(sizing, "_other_packages", lambda: nothing)
    skipped = backtest(*world[:2], (Pair, {"sizing": "halved"})).skipped
    assert skipped["detail"].tolist() == ["halved left no weight"] * 2


def test_a_jump_is_the_forecast_t_of_statsmodels_for_any_window():
    import statsmodels.api as sm

    history = history_of(noisy())
    for sessions, gap in ((250, 10), (120, 30)):
        found = standardised_jump(history, "A", EVENT.session_0, sessions=sessions, gap=gap)
        rows = slice(ZERO - gap - sessions, ZERO - gap)
        y, x = history.returns_of("A"), history.returns_of("SPY")
        model = sm.OLS(y[rows], sm.add_constant(x[rows])).fit()
        day = model.get_prediction([[1.0, x[ZERO]]])
        assert found == pytest.approx((y[ZERO] - day.predicted_mean[0]) / day.se_obs[0], rel=1e-9)
    assert standardised_jump(history, "A", EVENT.session_0, minimum=251) is None
    assert standardised_jump(history_of(noisy(), ZERO - 1), "A", EVENT.session_0) is None


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), gone=st.floats(0.0, 0.5), sessions=st.integers(110, 250))
def test_jumps_of_many_sessions_are_those_of_each_alone(seed, gone, sessions):
    """Once 16 were asked for, the rest of a ticker are fitted together, windows cut short too."""
    returns = noisy(seed)
    returns["A"][np.random.default_rng(seed).random(COUNT) < gone] = np.nan
    table = history_of(returns)._table
    how = {"sessions": sessions, "minimum": 60}
    for name in ("A", "B"):
        days = np.random.default_rng(seed).permutation(np.arange(40, COUNT))
        many = [standardised_jump(cut(table, d, "SPY"), name, DAYS[d], **how) for d in days]
        alone = [standardised_jump(history_of(returns, d), name, DAYS[d], **how) for d in days[::9]]
        assert [jump is None for jump in alone] == [jump is None for jump in many[::9]]
        assert [j for j in many[::9] if j] == pytest.approx([j for j in alone if j], rel=1e-11)


def test_a_jump_is_against_the_benchmark_of_its_own_history():
    table = history_of(noisy())._table
    against_spy = standardised_jump(cut(table, ZERO, "SPY"), "A", EVENT.session_0)
    other = standardised_jump(cut(table, ZERO, "B"), "A", EVENT.session_0)
    fresh = standardised_jump(cut(history_of(noisy())._table, ZERO, "B"), "A", EVENT.session_0)
    assert other == fresh != against_spy
