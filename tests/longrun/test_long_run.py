"""long_run() on a made market: figures by hand with numpy, and what is refused, left out, said."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

import eventstudy as es
from eventstudy.errors import InputError, PriceError, StudyError, UnknownNameError
from eventstudy.longrun import LongRunResult, long_run
from eventstudy.longrun.config import OVERLAPS
from eventstudy.longrun.outcomes import overlapping
from eventstudy.longrun.result import _worded
from eventstudy.longrun.tables import shared_pairs
from eventstudy.study.overlapping import OVERLAPS as STUDY_OVERLAPS


def calendar(prices: es.PriceTable, rows: list[dict[str, str]]) -> es.EventCalendar:
    filled = [{"event_id": f"e{i}", "session": "pre", **row} for i, row in enumerate(rows)]
    return es.read_events(pd.DataFrame(filled), calendar="prices", prices=prices)


def day(returns: pd.DataFrame, position: int) -> str:
    return str(returns.index[position].date())


def compounded(returns: pd.DataFrame, ticker: str, first: int, last: int) -> float:
    return math.prod(1 + r for r in returns[ticker].iloc[first : last + 1]) - 1


@pytest.fixture(scope="module")
def events(made_prices: es.PriceTable, made_returns: pd.DataFrame) -> es.EventCalendar:
    places = [("AA", 300), ("BB", 320), ("AA", 330), ("CC", 420), ("DD", 590)]
    rows = [
        {"date": day(made_returns, at), "tickers": f"{t};EE", "subject": t, "kind": "news"}
        for t, at in places
    ]
    return calendar(made_prices, rows)


@pytest.fixture(scope="module")
def plain(events: es.EventCalendar, made_prices: es.PriceTable) -> LongRunResult:
    return long_run(events, made_prices, horizon=[(1, 40), (0, 20)])


def test_bhars_by_hand(plain: LongRunResult, made_returns: pd.DataFrame) -> None:
    table = plain.bhar.set_index(["event_id", "horizon"])["bhar"]
    for event, ticker, at in (("e0", "AA", 300), ("e1", "BB", 320), ("e3", "CC", 420)):
        for name, first, last in (("1,40", 1, 40), ("0,20", 0, 20)):
            own = compounded(made_returns, ticker, at + first, at + last)
            market = compounded(made_returns, "SPY", at + first, at + last)
            assert table[(event, name)] == pytest.approx(own - market, abs=1e-12)
    row = plain.bhar.query("event_id == 'e0' and horizon == '1,40'").iloc[0]
    assert str(row["start"].date()) == day(made_returns, 301)
    assert str(row["end"].date()) == day(made_returns, 340)


@pytest.mark.parametrize("asked", [40, "40", " 40 ", (1, 40), "1,40", [40], ["40"], [np.int64(40)]])
def test_one_number_is_the_end_of_a_horizon(
    asked: object, events: es.EventCalendar, made_prices: es.PriceTable, plain: LongRunResult
) -> None:
    """A month is asked for, not the one session a month later."""
    found = long_run(events, made_prices, horizon=asked)  # type: ignore[arg-type]
    assert found.config.horizons == ((1, 40),)
    expected = plain.bhar.query("horizon == '1,40'")["bhar"].tolist()
    assert found.bhar["bhar"].tolist() == expected


def test_two_numbers_are_one_horizon_and_one_session_can_be_asked_for(
    events: es.EventCalendar, made_prices: es.PriceTable
) -> None:
    found = long_run(events, made_prices, horizon=[20, "40,40", (1, 5)])
    assert found.config.horizons == ((1, 20), (40, 40), (1, 5))
    assert long_run(events, made_prices, horizon=[20, 40]).config.horizons == ((20, 40),)


def test_the_event_that_ends_after_the_prices_is_dropped_with_its_reason(
    plain: LongRunResult,
) -> None:
    assert "e4" not in set(plain.bhar["event_id"])
    lost = plain.dropped[plain.dropped["event_id"] == "e4"]
    assert set(lost["horizon"]) == {"1,40", "0,20"}
    assert set(lost["reason"]) == {"out_of_span"}
    assert set(lost["part"]) == {"bhar"}, "calendar time holds it to the end of the table"


def test_overlapping_horizons_of_one_firm_are_counted(plain: LongRunResult) -> None:
    """AA at 300 and 330: 40 sessions overlap, 21 do not."""
    counts = plain.bhar.set_index(["event_id", "horizon"])["overlapping"]
    assert counts["e0", "1,40"] == 1
    assert counts["e2", "1,40"] == 1
    assert counts["e1", "1,40"] == 0
    assert counts["e0", "0,20"] == 0


@pytest.mark.parametrize(
    ("rule", "left", "lost"),
    [
        ("keep", "e0 e1 e2 e3", ""), ("keep-first", "e0 e1 e3", "e2"),
        ("drop", "e1 e3", "e0 e2"), ("joint", "e0 e1 e2 e3", ""),
    ],
)  # fmt: skip
def test_the_rules_on_overlap(
    rule: str, left: str, lost: str, events: es.EventCalendar, made_prices: es.PriceTable
) -> None:
    found = long_run(events, made_prices, horizon=(1, 40), overlap=rule)
    assert " ".join(found.bhar["event_id"]) == left
    dropped = found.dropped[found.dropped["reason"] == "overlapping_horizon"]
    assert " ".join(sorted(dropped["event_id"])) == lost
    assert (found.bhar["overlapping"] > 0).any() == (rule in ("keep", "joint"))
    said = next(line for line in found.asked() if line.startswith("Horizons of one firm"))
    assert f"({rule}): " in said
    assert ("has no counterpart here" in said) == (rule == "joint")
    assert said in found.summary()


def test_the_rules_have_the_names_of_a_study() -> None:
    assert set(OVERLAPS) == set(STUDY_OVERLAPS)


def test_no_event_left_after_the_rule_is_said_as_such(
    made_prices: es.PriceTable, made_returns: pd.DataFrame
) -> None:
    rows = [{"date": day(made_returns, at), "tickers": "AA", "subject": "AA"} for at in (300, 310)]
    with pytest.raises(StudyError, match="no event is left to hold:\n.*overlapping_horizon"):
        long_run(calendar(made_prices, rows), made_prices, horizon=40, overlap="drop")


def test_the_mean_and_its_moments(plain: LongRunResult) -> None:
    values = plain.bhar.query("horizon == '1,40'")["bhar"].tolist()
    row = plain.means.query("horizon == '1,40' and group == 'all'").iloc[0]
    mean = math.fsum(values) / 4
    sd = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / 3)
    assert row["mean_bhar"] == pytest.approx(mean, abs=1e-15)
    assert row["sd"] == pytest.approx(sd, rel=1e-12)
    cubed = math.fsum((v - mean) ** 3 for v in values) / 4 / sd**3
    assert row["skewness"] == pytest.approx(cubed, rel=1e-10)
    assert (row["n"], row["n_dates"], row["overlapping"]) == (4, 4, 2)
    tests = plain.tests.query("horizon == '1,40' and group == 'all'").set_index("test")
    assert tests.loc["t", "statistic"] == pytest.approx(mean / sd * 2, rel=1e-12)
    # Sessions 301-340, 321-360, 331-370, 421-460: three of the six pairs share sessions.
    assert "3 of 6 pairs of horizons share sessions" in tests.loc["t", "caveat"]
    assert "2 of 4 events overlap another horizon of their own firm" in tests.loc["t", "caveat"]


def test_two_events_have_a_spread_and_no_skewness(
    events: es.EventCalendar, made_prices: es.PriceTable
) -> None:
    found = long_run(events.select(["e0", "e1"]), made_prices, horizon=40)
    one, two = found.bhar["bhar"]
    row = found.means.iloc[0]
    assert row["sd"] == pytest.approx(abs(one - two) / math.sqrt(2), rel=1e-12)
    assert math.isnan(row["skewness"])


def test_a_p_value_is_worded_as_below_only_where_it_is() -> None:
    assert [_worded(p) for p in (0.00099, 0.001, 0.0456, math.nan)] == [
        "<0.001", "0.001", "0.046", "-",
    ]  # fmt: skip


def test_named_controls_bought_once_and_rebalanced(
    events: es.EventCalendar, made_prices: es.PriceTable, made_returns: pd.DataFrame
) -> None:
    """By ticker, and by event before ticker; e1 and e3 have none and say so."""
    matched = {"AA": ["FF", "GG"], "e2": "HH"}
    found = {
        rule: long_run(events, made_prices, horizon=(1, 40), matched=matched, rebalance=rule)
        for rule in ("never", "session")
    }
    table = {
        rule: r.bhar[r.bhar["against"] == "matched"].set_index("event_id")
        for rule, r in found.items()
    }
    assert list(table["never"].index) == ["e0", "e2"]
    assert table["never"].loc["e0", "controls"] == "FF;GG"
    assert table["never"].loc["e2", "controls"] == "HH"
    once = (compounded(made_returns, "FF", 301, 340) + compounded(made_returns, "GG", 301, 340)) / 2
    pair = made_returns[["FF", "GG"]].mean(axis=1).iloc[301:341]
    daily = math.prod(1 + r for r in pair) - 1
    assert table["never"].loc["e0", "bh_expected"] == pytest.approx(once, abs=1e-12)
    assert table["session"].loc["e0", "bh_expected"] == pytest.approx(daily, abs=1e-12)
    said = {rule: r.asked()[-1] for rule, r in found.items()}
    assert said["never"].endswith("named firms, bought once (mean of compounded returns)")
    assert said["session"].endswith("firms, rebalanced each session (compounded mean return)")
    lost = found["never"].dropped.query("reason == 'no_controls'")
    assert list(lost["event_id"]) == ["e1", "e3"]


def test_a_control_whose_prices_end_is_left_out_and_told(
    events: es.EventCalendar, made_returns: pd.DataFrame
) -> None:
    closes = 100.0 * (1.0 + made_returns.iloc[1:]).cumprod()
    closes.loc[closes.index > day(made_returns, 320), "FF"] = np.nan
    matched = {"AA": ["FF", "GG"]}
    found = long_run(events.select(["e0"]), closes, horizon=(1, 40), matched=matched)
    row = found.bhar.query("against == 'matched'").iloc[0]
    assert row["controls"] == "GG"
    market = compounded(made_returns, "GG", 301, 340)
    assert row["bh_expected"] == pytest.approx(market, abs=1e-12)
    lost = found.dropped.set_index("event_id").loc["e0"]
    assert (lost["ticker"], lost["reason"]) == ("AA", "control_missing_returns")
    assert lost["detail"].startswith("FF")


def test_the_manifest_holds_every_choice(
    events: es.EventCalendar, made_prices: es.PriceTable
) -> None:
    found = long_run(
        events, made_prices, horizon=40, matched=["FF", "GG", "HH"], neighbours=2,
        match_on=["beta", "momentum"], rebalance="session", overlap="keep-first", min_firms=2,
        lags=3, draws=150, estimation=120, gap=5, min_estimation=60, seed=11,
    )  # fmt: skip
    assert found.manifest()["long_run"] == {
        "benchmark": "SPY", "on": "own", "horizons": ["1,40"], "estimation": 120, "gap": 5,
        "min_estimation": 60, "controls": {}, "candidates": ["FF", "GG", "HH"], "neighbours": 2,
        "match_on": ["beta", "momentum"], "rebalance": "session", "weights": ["equal"],
        "overlap": "keep-first", "min_firms": 2, "lags": 3, "draws": 150, "seed": 11,
    }  # fmt: skip
    named = long_run(events, made_prices, horizon=40, matched={"AA": ["FF"]})
    assert named.config.as_dict()["controls"] == {"AA": ["FF"]}


def test_neighbours_know_only_what_came_before(
    events: es.EventCalendar, made_prices: es.PriceTable, made_returns: pd.DataFrame
) -> None:
    """Nearest in beta of the 100 sessions that end 11 before the event, worked with polyfit."""
    found = long_run(
        events,
        made_prices,
        horizon=(1, 40),
        matched=["EE", "CC", "BB", "FF", "AA", "SPY"],
        neighbours=1,
        match_on=["beta"],
        estimation=100,
    )
    table = found.bhar[found.bhar["against"] == "matched"].set_index("event_id")["controls"]
    for event, own, at in (("e0", "AA", 300), ("e1", "BB", 320), ("e3", "CC", 420)):
        window = made_returns.iloc[at - 110 : at - 10]
        beta = {t: np.polyfit(window["SPY"], window[t], 1)[0] for t in window.columns}
        allowed = {"CC", "BB", "FF", "AA"} - {own}
        nearest = min(allowed, key=lambda t: abs(beta[t] - beta[own]))
        assert table[event] == nearest
    shuffled = made_returns.copy()
    shuffled.iloc[291:] = shuffled.iloc[291:].sample(frac=1, random_state=1).to_numpy()
    closes = 100.0 * (1.0 + shuffled.iloc[1:]).cumprod()
    first = pd.DataFrame(100.0, index=shuffled.index[:1], columns=closes.columns)
    other = long_run(
        events.select(["e0"]),
        es.load_prices(pd.concat([first, closes])),
        horizon=(1, 40),
        matched=["EE", "CC", "BB", "FF"],
        neighbours=2,
    )
    again = long_run(
        events.select(["e0"]),
        made_prices,
        horizon=(1, 40),
        matched=["EE", "CC", "BB", "FF"],
        neighbours=2,
    )
    pick = [r.bhar.query("against == 'matched'")["controls"].iloc[0] for r in (other, again)]
    assert pick[0] == pick[1]


def held_by_hand(returns: pd.DataFrame, first: int, last: int) -> pd.Series:
    """The equally weighted portfolio of the five events, session by session."""
    places = [("AA", 300), ("BB", 320), ("AA", 330), ("CC", 420), ("DD", 590)]
    found = {}
    for at, date in enumerate(returns.index):
        held = sorted({t for t, p in places if first <= at - p <= last})
        if held:
            found[date] = returns[held].iloc[at].mean()
    return pd.Series(found)


def test_calendar_time_alpha_agrees_with_statsmodels(
    plain: LongRunResult, made_returns: pd.DataFrame
) -> None:
    y = held_by_hand(made_returns, 1, 40)
    x = sm.add_constant(made_returns["SPY"].loc[y.index].to_numpy())
    lags = math.floor(4 * (len(y) / 100) ** (2 / 9))
    theirs = sm.OLS(y.to_numpy(), x).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True
    )
    row = plain.calendar_time.query("horizon == '1,40' and group == 'all'").iloc[0]
    # AA is held from 301 to 370, BB to 360, CC 421 to 460, DD from 591 to the end: 119 sessions.
    assert row["n"] == len(y) == 70 + 40 + 9
    assert row["lags"] == lags
    assert row["alpha"] == pytest.approx(theirs.params[0], rel=1e-9)
    assert row["se"] == pytest.approx(theirs.bse[0], rel=1e-9)
    assert row["statistic"] == pytest.approx(theirs.tvalues[0], rel=1e-9)
    assert row["p_value"] == pytest.approx(theirs.pvalues[0], rel=1e-8)
    assert row["mean_firms"] == pytest.approx((70 + 40 + 40 + 9) / 119)
    assert (row["n_events"], row["n_firms"], row["most_firms"]) == (5, 4, 2)
    assert "no risk-free rate given: taken as zero" in row["caveat"]
    assert "2 holes in the series closed up" in row["caveat"]
    series = plain.portfolios.query("horizon == '1,40' and group == 'all'")
    np.testing.assert_allclose(series["return"], y, atol=1e-12)


def test_factors_and_the_risk_free_rate_enter_the_regression(
    events: es.EventCalendar, made_prices: es.PriceTable, made_returns: pd.DataFrame
) -> None:
    rng = np.random.default_rng(9)
    factors = pd.DataFrame(
        rng.normal(0, 0.005, (600, 2)), index=made_returns.index, columns=["Mkt-RF", "SMB"]
    ).assign(RF=0.0001)
    found = long_run(events, made_prices, horizon=(1, 40), factors=factors)
    y = held_by_hand(made_returns, 1, 40) - 0.0001
    x = sm.add_constant(factors[["Mkt-RF", "SMB"]].loc[y.index].to_numpy())
    theirs = sm.OLS(y.to_numpy(), x).fit()
    row = found.calendar_time.iloc[0]
    assert row["model"] == "mkt_rf smb"
    assert row["alpha"] == pytest.approx(theirs.params[0], rel=1e-9)
    assert "risk-free" not in row["caveat"]
    loadings = dict(pair.split("=") for pair in row["loadings"].split())
    assert float(loadings["smb"]) == pytest.approx(theirs.params[2], rel=1e-4)
    alone = long_run(events, made_prices, horizon=(1, 40), factors=factors, factor_names=[])
    x = sm.add_constant(made_returns["SPY"].loc[y.index].to_numpy() - 0.0001)
    row = alone.calendar_time.iloc[0]
    assert row["model"] == "SPY"
    assert row["alpha"] == pytest.approx(sm.OLS(y.to_numpy(), x).fit().params[0], rel=1e-9)


def test_an_alpha_that_cannot_be_had_says_why(
    events: es.EventCalendar, made_prices: es.PriceTable, made_returns: pd.DataFrame
) -> None:
    """Two sessions for two coefficients; a factor that stands still."""
    one = events.select(["e0"])
    short = long_run(one, made_prices, horizon=(1, 2)).calendar_time.iloc[0]
    assert short["distribution"] == "undefined: 2 sessions, 2 coefficients"
    flat = pd.DataFrame({"SMB": 0.001, "RF": 0.0}, index=made_returns.index)
    still = long_run(one, made_prices, horizon=40, factors=flat).calendar_time.iloc[0]
    assert still["distribution"] == "undefined: the factors do not vary"
    for row, n in ((short, 2), (still, 40)):
        assert (row["n"], row["lags"], row["n_firms"]) == (n, 0, 1)
        assert row[["alpha", "se", "statistic", "p_value", "r2"]].isna().all()


def test_value_weights_are_those_of_the_session_before(
    events: es.EventCalendar, made_prices: es.PriceTable, made_returns: pd.DataFrame
) -> None:
    caps = pd.DataFrame({"AA": 1.0, "BB": 3.0, "CC": 1.0, "DD": 1.0}, index=made_returns.index)
    caps.loc[caps.index >= made_returns.index[340], "BB"] = 9.0
    found = long_run(events, made_prices, horizon=(1, 40), weights=["equal", "value"], caps=caps)
    series = found.portfolios.query("group == 'all' and weights == 'value'").set_index("date")
    r = made_returns
    for at, share in ((325, 0.75), (340, 0.75), (341, 0.9)):
        expected = (1 - share) * r["AA"].iloc[at] + share * r["BB"].iloc[at]
        assert series["return"][r.index[at]] == pytest.approx(expected, abs=1e-12)
    assert set(found.calendar_time["weights"]) == {"equal", "value"}


def test_a_least_number_of_firms(events: es.EventCalendar, made_prices: es.PriceTable) -> None:
    found = long_run(events, made_prices, horizon=(1, 40), min_firms=2)
    row = found.calendar_time.iloc[0]
    assert (row["n"], row["least_firms"]) == (40, 2)
    assert "79 sessions with fewer than 2 firms left out" in row["caveat"]


def test_an_ambiguous_event_is_run_both_ways_and_next_leads(
    made_prices: es.PriceTable, made_returns: pd.DataFrame
) -> None:
    rows = [
        {"date": day(made_returns, 300), "tickers": "AA", "session": "unknown"},
        {"date": day(made_returns, 320), "tickers": "BB"},
    ]
    found = long_run(calendar(made_prices, rows), made_prices, horizon=(1, 40))
    assert found.alignments == ("stated", "same", "next")
    table = found.bhar.set_index(["event_id", "alignment"])["bhar"]
    for alignment, at in (("same", 300), ("next", 301)):
        own = compounded(made_returns, "AA", at + 1, at + 40)
        market = compounded(made_returns, "SPY", at + 1, at + 40)
        assert table["e0", alignment] == pytest.approx(own - market, abs=1e-12)
    assert ("e0", "stated") not in table.index
    assert "alignment next" in found.summary()
    assert "uncertain session 0" in found.summary()


def test_every_event_on_one_basket_bought_once(
    events: es.EventCalendar, made_prices: es.PriceTable, made_returns: pd.DataFrame
) -> None:
    with_pair = events.with_baskets(es.make_baskets({"PAIR": {"FF": 3, "GG": 1}}))
    found = long_run(with_pair, made_prices, horizon=(1, 40), on="@PAIR")
    row = found.bhar[found.bhar["event_id"] == "e1"].iloc[0]
    own = 0.75 * compounded(made_returns, "FF", 321, 360) + 0.25 * compounded(
        made_returns, "GG", 321, 360
    )
    assert row["ticker"] == "@PAIR"
    assert row["bh_return"] == pytest.approx(own, abs=1e-12)


def test_context_rows_are_left_aside(
    made_prices: es.PriceTable, made_returns: pd.DataFrame
) -> None:
    rows = [
        {"date": day(made_returns, 300), "tickers": "AA", "use": "study"},
        {"date": day(made_returns, 310), "tickers": "BB", "use": "context"},
    ]
    found = long_run(calendar(made_prices, rows), made_prices, horizon=(1, 40))
    assert list(found.bhar["event_id"]) == ["e0"]
    assert found.calendar_time.iloc[0]["n_firms"] == 1


def test_the_summary_joins_means_tests_and_alpha(plain: LongRunResult) -> None:
    frame = plain.summary_frame()
    assert len(frame) == 4  # two horizons, `all` and `news`
    row = frame.query("group == 'all' and horizon == '1,40'").iloc[0]
    test = plain.tests.query("group == 'all' and horizon == '1,40' and test == 't'").iloc[0]
    assert row["p_t"] == test["p_value"]
    alpha = plain.calendar_time.query("group == 'all' and horizon == '1,40'").iloc[0]
    assert (row["alpha"], row["p_alpha"]) == (alpha["alpha"], alpha["p_value"])
    assert math.isnan(row["p_bootstrapped"])
    text = str(plain)
    assert "horizons [1,40], [0,20]" in text
    assert "leans towards survivors" in text
    assert "LongRunResult(4 events" in repr(plain)
    assert "<table" in plain._repr_html_()
    assert plain.manifest()["long_run"]["horizons"] == ["1,40", "0,20"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "value"}, "market capitalisations, which prices do not hold.*dollar_volume"),
        ({"weights": "cap", "overlap": "all"}, "weights 'cap'.*overlap 'all': known are keep"),
        ({"overlap": "first"}, "overlap 'first': known are .*did you mean 'keep-first'"),
        ({"caps": "no-such.csv", "weights": "value"}, "no-such.csv: no such file"),
        ({"weights": "dollar_volume"}, "need closes and volume, which are missing for AA, BB"),
        ({"neighbours": 0, "draws": 5}, "neighbours 0: must be 1 or more; draws 5"),
        ({"lags": -1, "min_firms": 0}, "^min_firms 0: must be 1 or more; lags -1: must be 0 or m"),
        ({"matched": []}, "the list of candidates is empty"),
        ({"matched": "FF"}, "give control firms by ticker or event"),
        ({"matched": {"AA": []}}, "no control firm for AA"),
        ({"matched": {"AA": ["AA"]}}, "given as its own control"),
        ({"matched": {"XX": ["AA"]}}, "unknown event or ticker in matched 'XX'"),
        ({"matched": ["XX"]}, "unknown ticker 'XX'"),
        ({"benchmark": "SPX"}, "unknown benchmark 'SPX'.*did you mean 'SPY'"),
        ({"on": "@ASIC-@GPU"}, "a spread has no buy-and-hold return"),
        ({"on": "@NONE"}, "unknown basket '@NONE'"),
        ({"horizon": (5, 1)}, "window 5,1 ends before it starts"),
        ({"horizon": 0}, "horizon 0: one number is the last session.*write 0,0"),
        ({"horizon": ["-5"]}, "horizon -5: one number is the last session.*write -5,-5"),
        ({"horizon": "half a year"}, "write a,b in sessions"),
        ({"horizon": None}, "window None: give two whole numbers"),
        ({"horizon": (1, 5000)}, "no event has a full horizon.*\n  e0 .*out_of_span"),
        ({"horizon": (1, 40), "strict": True}, "strict: something was left out"),
        ({"factor_names": ["smb"]}, "factor_names are given without factors"),
    ],
)
def test_mistakes_are_named(
    options: dict[str, object],
    message: str,
    events: es.EventCalendar,
    made_prices: es.PriceTable,
) -> None:
    with pytest.raises((StudyError, UnknownNameError, PriceError), match=message):
        long_run(events, made_prices, **options)  # type: ignore[arg-type]


def test_caps_without_a_firm_and_a_broken_index_are_refused(
    events: es.EventCalendar, made_prices: es.PriceTable, made_returns: pd.DataFrame
) -> None:
    caps = pd.DataFrame({"AA": 1.0}, index=made_returns.index)
    with pytest.raises(StudyError, match="caps hold no figure for BB, CC, DD"):
        long_run(events, made_prices, horizon=(1, 40), weights="value", caps=caps)
    with pytest.raises(StudyError, match="dates are needed"):
        long_run(
            events, made_prices, horizon=(1, 40), weights="value", caps=caps.reset_index(drop=True)
        )


def test_caps_of_a_file_are_those_of_a_frame(
    events: es.EventCalendar, made_prices: es.PriceTable, made_returns: pd.DataFrame, tmp_path: Path
) -> None:
    months = made_returns.index[::21]
    caps = pd.DataFrame(
        {
            t: (k + 1.0) * 1e9 + np.arange(len(months)) * 1e8
            for k, t in enumerate(made_returns.columns[1:])
        },
        index=pd.Index(months, name="date"),
    )
    path = tmp_path / "caps.csv"
    caps.to_csv(path)
    asked = {"horizon": 40, "weights": "value"}
    frame, file = (long_run(events, made_prices, caps=c, **asked) for c in (caps, path))  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(file.portfolios, frame.portfolios)
    path.write_text("date,AA,BB\n2021-02-01,x,5\n2021-03-01,1,-5\n")
    with pytest.raises(InputError) as told:
        long_run(events, made_prices, caps=path, **asked)  # type: ignore[arg-type]
    assert "caps.csv, row 2, column AA: 'x': not a number" in str(told.value)
    assert "row 3, column BB: '-5': a capitalisation must be above zero" in str(told.value)


@pytest.mark.vendor
def test_real_prices_of_avgo_and_nvda(root, vendor) -> None:  # type: ignore[no-untyped-def]
    """The fourteen earnings events with 126 sessions after them; one BHAR straight from the file.

    AVGO from its close of 2024-12-13 to that of 2025-06-18, 126 sessions later.
    """
    calendar = es.read_events(root / "events.csv")
    ids = [
        e.event_id for e in calendar.study if e.kind == "earnings" and e.subject in ("AVGO", "NVDA")
    ]
    prices = es.load_prices(["AVGO", "NVDA", "SPY"], source=str(vendor))
    found = long_run(calendar.select(ids), prices, weights=["equal", "dollar_volume"])
    row = found.bhar.set_index("event_id").loc["avgo-earnings-2024-12-12"]
    total = {}
    for ticker in ("AVGO", "SPY"):
        file = pd.read_csv(vendor / f"{ticker}.csv", index_col="date")["adj_close"]
        start = file.index.get_loc("2024-12-13")
        total[ticker] = file.iloc[start + 126] / file.iloc[start] - 1
    assert row["bhar"] == pytest.approx(total["AVGO"] - total["SPY"], abs=1e-12)
    assert found.means.iloc[0]["n"] == 14
    assert set(found.bhar["overlapping"] > 0) == {True}
    assert found.calendar_time["p_value"].between(0.05, 0.3).all()


@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from("AB")), min_size=1, max_size=9),
    st.integers(0, 30),
)
def test_shared_sessions_agree_with_sets_of_sessions(
    events: list[tuple[int, str]], length: int
) -> None:
    held = [
        SimpleNamespace(label=firm, horizon=(1, 1 + length), reading=SimpleNamespace(position=at))
        for at, firm in events
    ]
    sessions = [set(range(at + 1, at + length + 2)) for at, _ in events]
    count = range(len(events))
    pairs = [(i, j) for i in count for j in count if i < j]
    assert shared_pairs(held) == (  # type: ignore[arg-type]
        sum(bool(sessions[i] & sessions[j]) for i, j in pairs),
        len(pairs),
    )
    own = [
        sum(bool(sessions[i] & sessions[j]) for j in count if j != i and held[j].label == firm)
        for i, (_, firm) in enumerate(events)
    ]
    assert overlapping(held).tolist() == own  # type: ignore[arg-type]
