"""Abnormal volume: statsmodels for the regression, scipy for the tests, arithmetic by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from made_volume import PLACES, made_events, made_table
from scipy import stats

import eventstudy as es
from eventstudy.activity import ActivityResult, abnormal_volume
from eventstudy.activity.logs import first_autocorrelation, log_volume
from eventstudy.errors import StudyError, UnknownNameError


def logs_of(prices: es.PriceTable) -> pd.DataFrame:
    return pd.DataFrame(np.log(prices.volume), columns=list(prices.tickers))


@pytest.fixture(scope="module")
def found(volume_study: es.StudyResult) -> ActivityResult:
    return abnormal_volume(volume_study)


def own(found: ActivityResult, model: str, window: str) -> pd.DataFrame:
    """The rows of each event on its own ticker."""
    labels = {f"e{i}": ticker for i, (ticker, _) in enumerate(PLACES)}
    table = found.events.query("model == @model and window == @window")
    return table[table["ticker"] == table["event_id"].map(labels)].set_index("event_id")


def test_a_flood_of_volume_has_p_below_what_ranks_can_show(
    volume_study: es.StudyResult, volume_prices: es.PriceTable
) -> None:
    """200 sessions before: 2 / 201 by ranks at least; ninety times the volume is far beyond."""
    ticker, at = PLACES[1]
    volume = volume_prices.volume.copy()
    volume[at, volume_prices.column(ticker)] *= 90.0
    flooded = replace(volume_study, prices=replace(volume_prices, volume=volume))
    row = own(abnormal_volume(flooded), "mean", "0,0").loc["e1"]
    assert row["p_value"] < 1e-9
    assert row["caveat"].startswith("p is below 0.01, the smallest by ranks among 200 windows")
    calm = own(abnormal_volume(volume_study), "mean", "0,0")
    assert set(calm.loc[calm["p_value"] >= 2 / 201, "caveat"]) == {""}
    assert (calm["p_value"] >= 2 / 201).any()


def test_log_volume_leaves_sessions_without_trade_missing() -> None:
    assert log_volume(np.array([np.e, 1.0, 0.0, np.nan, -1.0]))[:2].tolist() == [1.0, 0.0]
    assert np.isnan(log_volume(np.array([0.0, np.nan, -1.0]))).all()


def test_first_autocorrelation_by_hand() -> None:
    """1, 2, -1: (2 - 2) / 6 = 0; 1, 1, hole, 1: one pair of neighbours, 1 / 3."""
    rows = np.array([[1.0, 2.0, -1.0, np.nan], [1.0, 1.0, np.nan, 1.0]])
    assert first_autocorrelation(rows) == pytest.approx([0.0, 1 / 3], abs=1e-15)


def test_the_mean_model_by_hand(found: ActivityResult, volume_prices: es.PriceTable) -> None:
    logs = logs_of(volume_prices)
    table = own(found, "mean", "-1,1")
    for i, (ticker, at) in enumerate(PLACES):
        window = logs[ticker].iloc[at - 210 : at - 10]
        total = (logs[ticker].iloc[at - 1 : at + 2] - window.mean()).sum()
        row = table.loc[f"e{i}"]
        assert row["abnormal"] == pytest.approx(total, abs=1e-10)
        assert row["multiple"] == pytest.approx(np.exp(total / 3), rel=1e-10)
        # 1'V1 = s^2 (3 + 9 / M).
        assert row["se"] == pytest.approx(window.std(ddof=1) * np.sqrt(3 + 9 / 200), rel=1e-10)
        assert row["n_estimation"] == 200
        e = (window - window.mean()).to_numpy()
        assert row["autocorrelation"] == pytest.approx((e[1:] @ e[:-1]) / (e @ e), rel=1e-9)


def test_the_market_model_agrees_with_statsmodels(
    found: ActivityResult, volume_prices: es.PriceTable
) -> None:
    """The market of an event leaves out its own tickers (e0 lists FF too) and the benchmark."""
    logs = logs_of(volume_prices)
    table = own(found, "market", "0,0")
    for i, (ticker, at) in enumerate(PLACES):
        barred = {"SPY", ticker} | ({"FF"} if i == 0 else set())
        market = logs[[c for c in logs.columns if c not in barred]].mean(axis=1)
        rows = slice(at - 210, at - 10)
        fit = sm.OLS(logs[ticker].iloc[rows].to_numpy(), sm.add_constant(market[rows])).fit()
        ahead = fit.get_prediction(np.array([[1.0, market[at]]]))
        row = table.loc[f"e{i}"]
        assert row["abnormal"] == pytest.approx(
            logs[ticker][at] - ahead.predicted_mean[0], abs=1e-9
        )
        assert row["se"] == pytest.approx(ahead.se_obs[0], rel=1e-9)
        p = 2 * stats.t.sf(abs(row["abnormal"] / ahead.se_obs[0]), 198)
        assert row["p_value"] == pytest.approx(p, rel=1e-8)


def test_one_named_market(volume_study: es.StudyResult, volume_prices: es.PriceTable) -> None:
    logs = logs_of(volume_prices)
    for named in ("SPY", ["SPY", "DD"]):
        table = own(abnormal_volume(volume_study, model="market", market=named), "market", "0,0")
        market = logs[[named] if isinstance(named, str) else named].mean(axis=1)
        rows = slice(95, 295)
        fit = sm.OLS(logs["BB"].iloc[rows].to_numpy(), sm.add_constant(market[rows])).fit()
        expected = logs["BB"][305] - fit.predict([[1.0, market[305]]])[0]
        assert table.loc["e1", "abnormal"] == pytest.approx(expected, abs=1e-9)


def test_the_notes_name_the_market(volume_study: es.StudyResult, found: ActivityResult) -> None:
    named = abnormal_volume(volume_study, model="market", market=["SPY", "DD"])
    assert "Market volume: mean log volume of SPY, DD." in named.notes
    assert any("of the other securities of the price table" in note for note in found.notes)


def test_the_first_session_of_the_table_is_itself(volume_prices: es.PriceTable) -> None:
    """Sessions -12 to -1 of an event on the thirteenth session are the table's first twelve."""
    events = made_events(volume_prices, [("BB", 12)]).select(["e0"])
    study = es.event_study(
        events, volume_prices, window=(0, 0), estimation=12, gap=0, min_estimation=11,
        model="mean", observed=[],
    )  # fmt: skip
    row = abnormal_volume(study, model="mean").events.set_index("ticker").loc["BB"]
    logs = logs_of(volume_prices)["BB"]
    assert row["n_estimation"] == 12
    assert row["abnormal"] == pytest.approx(logs[12] - logs[:12].mean(), abs=1e-12)


def test_volume_that_never_varies_is_dropped_and_the_others_keep_their_numbers(
    volume_study: es.StudyResult, volume_prices: es.PriceTable, found: ActivityResult
) -> None:
    volume = volume_prices.volume.copy()
    volume[:, volume_prices.column("BB")] = 1000.0
    flat = replace(volume_study, prices=replace(volume_prices, volume=volume))
    left = abnormal_volume(flat, model="mean")
    said = left.dropped.set_index("event_id").loc["e1"]
    assert (said["ticker"], said["reason"]) == ("BB", "no_variance")
    assert said["detail"] == "log volume of BB, or of its market, does not vary"
    before, after = (own(table, "mean", "0,0") for table in (found, left))
    assert list(after.index) == ["e0", "e2", "e3"]
    for name in ("abnormal", "se", "p_sq", "autocorrelation"):
        assert after[name].tolist() == before.loc[after.index, name].tolist()
    with pytest.raises(StudyError, match="8 no_variance.* e0 AA: log volume of AA, or of its"):
        abnormal_volume(flat, model="market", market="BB")


def test_the_rank_among_sums_of_residuals(
    found: ActivityResult, volume_prices: es.PriceTable
) -> None:
    """The mean model's residuals have leverage 1/M each; 198 sums of three."""
    logs = logs_of(volume_prices)["CC"]
    window = logs.iloc[130:330] - logs.iloc[130:330].mean()
    scaled = (window / np.sqrt(1 - 1 / 200)).to_numpy()
    sums = [scaled[i : i + 3].sum() for i in range(198)]
    row = own(found, "mean", "-1,1").loc["e2"]
    greater = (1 + sum(s >= row["abnormal"] for s in sums)) / 199
    less = (1 + sum(s <= row["abnormal"] for s in sums)) / 199
    assert row["p_sq_greater"] == pytest.approx(greater, abs=1e-15)
    assert row["p_sq"] == pytest.approx(min(1, 2 * min(greater, less)), abs=1e-15)


def test_the_tests_are_those_of_returns_on_another_measure(found: ActivityResult) -> None:
    table = own(found, "mean", "-1,1")
    rows = found.tests.query("group == 'all' and model == 'mean' and window == '-1,1'")
    tests = rows.set_index("test")
    plain = stats.ttest_1samp(table["abnormal"], 0.0)
    scaled = stats.ttest_1samp(table["abnormal"] / table["se"], 0.0)
    assert tests.loc["cross_sectional", "statistic"] == pytest.approx(plain.statistic, rel=1e-10)
    assert tests.loc["bmp", "statistic"] == pytest.approx(scaled.statistic, rel=1e-10)
    assert tests.loc["bmp", "p_value"] == pytest.approx(scaled.pvalue, rel=1e-9)
    means = found.means.query("group == 'all' and model == 'mean' and window == '-1,1'").iloc[0]
    assert means["mean_abnormal"] == pytest.approx(table["abnormal"].mean(), rel=1e-12)
    assert means["multiple"] == pytest.approx(np.exp(table["abnormal"].mean() / 3), rel=1e-12)


def test_autocorrelation_is_said_where_it_matters(volume_study: es.StudyResult) -> None:
    found = abnormal_volume(volume_study, tests=["corrado", "bmp", "patell"])
    rows = found.tests.query("group == 'all' and model == 'mean'").set_index(["test", "window"])
    rho = found.means.query("group == 'all' and model == 'mean'")["autocorrelation"].iloc[0]
    assert rho > 0.1
    said = f"takes sessions as independent, but log volume has autocorrelation {rho:.2f}"
    assert said in rows.loc[("corrado", "-1,1"), "caveat"]
    assert said in rows.loc[("patell", "-1,1"), "caveat"]
    assert said not in rows.loc[("corrado", "0,0"), "caveat"]
    assert "autocorrelation" not in rows.loc[("bmp", "-1,1"), "caveat"]


def test_the_rank_test_measures_sums_on_sums(
    found: ActivityResult, volume_prices: es.PriceTable
) -> None:
    """Scores pooled by event with scipy, K over events, sums of three by a loop."""
    logs = logs_of(volume_prices)
    scores = []
    for ticker, at in PLACES:
        window = logs[ticker].iloc[at - 210 : at - 10]
        pooled = np.concatenate([window, logs[ticker].iloc[at - 1 : at + 2]])
        scores.append(stats.rankdata(pooled) / 204 - 0.5)
    k = np.sum(scores, axis=0) / 2
    sums = [k[i : i + 3].sum() for i in range(198)]
    z = k[200:].sum() / np.sqrt(np.mean(np.square(sums)))
    rows = found.tests.query("group == 'all' and model == 'mean' and test == 'corrado_serial'")
    row = rows.set_index("window").loc["-1,1"]
    assert row["statistic"] == pytest.approx(z, rel=1e-10)
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)
    day = rows.set_index("window").loc["1,1", "statistic"]
    assert day == pytest.approx(k[202] / np.sqrt(np.mean(k[:200] ** 2)), rel=1e-10)


def test_the_rank_test_is_asked_for_by_name(volume_study: es.StudyResult) -> None:
    named = abnormal_volume(volume_study, model="mean", tests=["corrado_serial", "sign"])
    assert list(dict.fromkeys(named.tests["test"])) == ["corrado_serial", "sign"]


def test_baskets_are_means_of_logs_and_spreads_are_left_aside(
    found: ActivityResult, volume_prices: es.PriceTable
) -> None:
    logs = logs_of(volume_prices)
    pair = 0.75 * logs["DD"] + 0.25 * logs["EE"]
    row = found.events.query("ticker == '@PAIR' and model == 'mean' and window == '0,0'").iloc[1]
    assert row["event_id"] == "e1"
    assert row["abnormal"] == pytest.approx(pair[305] - pair[95:295].mean(), abs=1e-10)
    assert set(found.events["ticker"]) == {"AA", "BB", "CC", "FF", "@PAIR"}
    assert "@PAIR-@SOLO" not in set(found.means["group"])
    assert any("Spreads have no volume: @PAIR-@SOLO" in note for note in found.notes)


@settings(deadline=None, max_examples=6)
@given(st.lists(st.floats(1e-3, 1e3), min_size=7, max_size=7))
def test_the_unit_of_volume_does_not_matter(factors: list[float]) -> None:
    prices = made_table(5)
    scaled = replace(prices, volume=prices.volume * np.array(factors))
    results = [
        abnormal_volume(
            es.event_study(made_events(p, PLACES[:2]), p, window=(0, 1), observed=[])
        ).events
        for p in (prices, scaled)
    ]
    for name in ("abnormal", "se", "p_sq", "autocorrelation"):
        np.testing.assert_allclose(results[0][name], results[1][name], rtol=1e-7, atol=1e-9)


def test_more_volume_on_the_day_is_found(volume_prices: es.PriceTable) -> None:
    """Five times the shares on session 0 of every event: log 5 more, and nothing on the eve."""
    volume = volume_prices.volume.copy()
    for ticker, at in PLACES[:3]:
        volume[at, volume_prices.column(ticker)] *= 5
    results = []
    for v in (volume_prices.volume, volume):
        prices = replace(volume_prices, volume=v)
        study = es.event_study(made_events(prices, PLACES[:3]), prices, window=(-1, 1), observed=[])
        results.append(abnormal_volume(study, model="mean").events)
    change = results[1].assign(change=results[1]["abnormal"] - results[0]["abnormal"])
    labels = {f"e{i}": ticker for i, (ticker, _) in enumerate(PLACES[:3])}
    change = change[change["ticker"] == change["event_id"].map(labels)]
    by = change.groupby("window")["change"]
    assert by.min()["0,0"] == pytest.approx(np.log(5), abs=1e-9)
    assert by.max()["-1,-1"] == pytest.approx(0.0, abs=1e-9)
    assert by.min()["-1,1"] == pytest.approx(np.log(5), abs=1e-9)


def test_a_session_of_no_volume_drops_the_pair_and_says_so(
    volume_prices: es.PriceTable,
) -> None:
    volume = volume_prices.volume.copy()
    volume[305, volume_prices.column("BB")] = 0
    prices = replace(volume_prices, volume=volume)
    study = es.event_study(made_events(prices, PLACES), prices, window=(-1, 1), observed=[])
    found = abnormal_volume(study)
    assert "e1" not in set(found.events["event_id"])
    assert list(found.dropped["event_id"]) == ["e1"]
    assert list(found.dropped) == ["event_id", "ticker", "reason", "detail"]
    assert found.dropped["reason"].iloc[0] == "no_volume"
    assert "BB has no volume at session +0 from" in found.dropped["detail"].iloc[0]
    assert "1 sessions of zero volume" in found.summary()


def test_without_other_volume_the_market_model_says_so(volume_prices: es.PriceTable) -> None:
    prices = volume_prices.select(["AA", "SPY"])
    events = made_events(volume_prices, PLACES).select(["e3"])
    study = es.event_study(events, prices, observed=[])
    found = abnormal_volume(study)
    assert set(found.events["model"]) == {"mean"}
    assert list(found.dropped["reason"]) == ["no_market_volume"]


def test_prices_without_volume_are_refused(sample: es.StudyResult) -> None:
    with pytest.raises(StudyError, match="has volume: [0-9]+ no_volume, such as .*AVGO has no"):
        abnormal_volume(sample)


@pytest.fixture(scope="module")
def sample() -> es.StudyResult:
    prices = es.load_prices(["AVGO", "SPY"], source="sample")
    row = {"event_id": "e", "date": "2024-12-13", "session": "pre", "tickers": "AVGO"}
    return es.event_study(es.read_events(pd.DataFrame([row])), prices)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "capm"}, "unknown volume model 'capm'.*known: market, mean"),
        ({"market": "SPX"}, "unknown ticker 'SPX'"),
        ({"tests": ["corado"]}, "did you mean 'corrado'"),
    ],
)
def test_unknown_names(
    options: dict[str, object], message: str, volume_study: es.StudyResult
) -> None:
    with pytest.raises(UnknownNameError, match=message):
        abnormal_volume(volume_study, **options)  # type: ignore[arg-type]


def test_the_summary_of_volume(found: ActivityResult) -> None:
    frame = found.summary_frame()
    assert set(frame["window"]) == {"0,0", "-1,1"}
    row = frame.query("group == 'all' and model == 'market' and window == '0,0'").iloc[0]
    test = found.tests.query(
        "group == 'all' and model == 'market' and window == '0,0' and test == 'wilcoxon'"
    ).iloc[0]
    assert row["p_wilcoxon"] == test["p_value"]
    assert "Abnormal log volume" in str(found)
    assert "ActivityResult(volume, 4 events" in repr(found)
    assert "<table" in found._repr_html_()


@pytest.mark.vendor
def test_volume_of_avgo_on_its_real_day(root, vendor) -> None:  # type: ignore[no-untyped-def]
    """2024-12-13: AVGO trades 4.5 times its usual volume, NVDA less than its own."""
    calendar = es.read_events(root / "events.csv").select(["avgo-earnings-2024-12-12"])
    prices = es.load_prices(["AVGO", "NVDA", "MRVL", "GOOGL", "SPY"], source=str(vendor))
    study = es.event_study(calendar, prices, window=(0, 0), observed=[])
    found = abnormal_volume(study, model="mean").events.set_index("ticker")
    for ticker, multiple in (("AVGO", 4.49), ("NVDA", 0.63)):
        logs = np.log(pd.read_csv(vendor / f"{ticker}.csv", index_col="date")["volume"])
        at = logs.index.get_loc("2024-12-13")
        expected = logs.iloc[at] - logs.iloc[at - 260 : at - 10].mean()
        assert found.loc[ticker, "abnormal"] == pytest.approx(expected, abs=1e-10)
        assert found.loc[ticker, "multiple"] == pytest.approx(multiple, abs=0.005)
    assert found.loc["AVGO", "p_sq_greater"] == pytest.approx(1 / 251, abs=1e-12)
