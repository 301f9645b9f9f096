"""Variance ratios: exact F by Monte Carlo and by hand, Patell's U by his own formula."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from made_volume import PLACES, made_events
from scipy import stats

import eventstudy as es
from eventstudy.activity import ActivityResult, variance_ratio
from eventstudy.activity.ratios import (
    dispersion,
    excess_kurtosis,
    f_tails,
    moving_means,
    patell_u,
    variance_ratios,
)
from eventstudy.errors import StudyError
from eventstudy.models import ModelTask, find_model


def test_the_ratio_of_one_event_by_hand() -> None:
    """V = [[2, 1], [1, 2]], AR = (3, 0): V^-1 = [[2, -1], [-1, 2]] / 3, so 18 / 3 / 2 = 3."""
    ar, v = np.array([[3.0, 0.0]]), np.array([[[2.0, 1.0], [1.0, 2.0]]])
    masks = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    assert variance_ratios(ar, v, masks) == pytest.approx(np.array([[3.0, 4.5, 0.0]]), abs=1e-14)


def test_a_missing_day_leaves_the_windows_that_hold_it() -> None:
    ar = np.array([[3.0, np.nan], [1.0, 1.0]])
    found = variance_ratios(ar, np.stack([np.eye(2)] * 2), np.array([[1.0, 1.0], [1.0, 0.0]]))
    np.testing.assert_allclose(found, [[np.nan, 9.0], [1.0, 1.0]])


def test_f_tails_agree_with_scipy_stats() -> None:
    ratio, dof = np.array([0.2, 1.0, 60.0]), np.array([98, 248, 248])
    greater, less, both = f_tails(ratio, 3, dof)
    np.testing.assert_allclose(greater, stats.f.sf(ratio, 3, dof), rtol=1e-10)
    np.testing.assert_allclose(less, stats.f.cdf(ratio, 3, dof), rtol=1e-10)
    np.testing.assert_allclose(both, np.minimum(1, 2 * np.minimum(greater, less)), rtol=1e-14)


def test_the_ratio_is_exactly_f_even_where_the_estimation_window_is_short() -> None:
    """4000 normal events, M = 12, L = 5, market model: Kolmogorov-Smirnov against F(5, 10).

    The same ratios without the shared forecast error are far from it.
    """
    rng = np.random.default_rng(1)
    n, m, length = 4000, 12, 5
    market = rng.normal(0, 1, (n, m + length))
    market[:, m:] *= 2.0
    y = 0.3 + 1.5 * market + rng.normal(0, 0.7, (n, m + length))
    task = ModelTask(y[:, :m], y[:, m:], market[:, :m], market[:, m:], np.ones(n))
    fit = find_model("market").fit(task)
    ratio = variance_ratios(fit.ar, fit.v, np.ones((1, length)))[:, 0]
    assert stats.kstest(ratio, "f", args=(length, m - 2)).pvalue > 0.01
    naive = (fit.ar**2).mean(axis=1) / fit.s2
    assert stats.kstest(naive, "f", args=(length, m - 2)).pvalue < 1e-6


def test_patell_u_of_one_day_is_patells_own_formula() -> None:
    """T sessions, two estimated coefficients: U (T-4)/(T-2) has mean 1, variance 2(T-3)/(T-6)."""
    sessions = np.array([60, 100, 250])
    u = np.array([1.7, 0.4, 3.0])
    excess = u * (sessions - 4) / (sessions - 2) - 1
    z = excess.sum() / math.sqrt((2 * (sessions - 3) / (sessions - 6)).sum())
    found = patell_u(u[:, None], np.array([1.0]), sessions - 2)
    assert found.statistic[0] == pytest.approx(z, rel=1e-13)
    assert found.greater[0] == pytest.approx(stats.norm.sf(z), rel=1e-12)


def test_patell_u_has_the_moments_of_f_at_any_length() -> None:
    for length, dof in ((1, 20), (3, 98), (11, 248)):
        mean, variance = (float(x) for x in stats.f.stats(length, dof, moments="mv"))
        at = patell_u(np.full((1, 1), mean), np.array([length]), np.array([dof]))
        assert at.statistic[0] == pytest.approx(0.0, abs=1e-10)
        above = patell_u(
            np.full((1, 1), mean + math.sqrt(variance)), np.array([length]), np.array([dof])
        )
        assert above.statistic[0] == pytest.approx(1.0, rel=1e-10)


def test_dispersion_takes_the_mean_effect_out() -> None:
    scar = np.array([[10.0], [12.0], [14.0]])
    dof = np.array([98, 98, 98])
    assert dispersion(scar, dof)[0] == pytest.approx(4 / (98 / 96), rel=1e-14)
    assert np.isnan(dispersion(scar[:1], dof[:1])[0])


def test_excess_kurtosis_by_hand() -> None:
    """1, -1, 1, -1: 1 - 3; and 2, 0, 0, -2 with a hole: (32 / 4) / (8 / 4)^2 - 3 = -1."""
    rows = np.array([[1.0, -1.0, 1.0, -1.0, np.nan], [2.0, 0.0, 0.0, -2.0, np.nan]])
    assert excess_kurtosis(rows) == pytest.approx([-2.0, -1.0], abs=1e-14)


def test_moving_means_close_holes_up() -> None:
    found = moving_means(np.array([[1.0, np.nan, 3.0, 5.0]]), 2)
    np.testing.assert_allclose(found, [[2.0, 4.0, np.nan]])
    assert np.isnan(moving_means(np.array([[1.0]]), 2)).all()


@pytest.fixture(scope="module")
def found(volume_study: es.StudyResult) -> ActivityResult:
    return variance_ratio(volume_study)


def regression(prices: es.PriceTable, ticker: str, at: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Abnormal returns of days -1..1 and residuals over their own errors, by statsmodels."""
    r = pd.DataFrame(prices.returns, columns=list(prices.tickers))
    rows = slice(at - 210, at - 10)
    x = sm.add_constant(r["SPY"])
    fit = sm.OLS(r[ticker][rows], x[rows]).fit()
    x2 = x.iloc[at - 1 : at + 2].to_numpy()
    ar = r[ticker].iloc[at - 1 : at + 2].to_numpy() - x2 @ fit.params.to_numpy()
    v = fit.mse_resid * np.eye(3) + x2 @ fit.cov_params().to_numpy() @ x2.T
    return ar @ np.linalg.inv(v) @ ar / 3, fit.get_influence().resid_studentized_internal, v


def test_events_agree_with_statsmodels(found: ActivityResult, volume_prices: es.PriceTable) -> None:
    table = found.events.query("model == 'market' and window == '-1,1'")
    table = table.set_index(["event_id", "ticker"])
    for i, (ticker, at) in enumerate(PLACES):
        ratio, studentised, _ = regression(volume_prices, ticker, at)
        row = table.loc[(f"e{i}", ticker)]
        assert row["ratio"] == pytest.approx(ratio, rel=1e-9)
        assert row["p_greater"] == pytest.approx(stats.f.sf(ratio, 3, 198), rel=1e-8)
        assert row["distribution"] == "F(3,198)"
        means = [(studentised[k : k + 3] ** 2).mean() for k in range(198)]
        rank = (1 + sum(m >= ratio for m in means)) / 199
        assert row["p_sq_greater"] == pytest.approx(rank, abs=1e-15)


def test_the_rank_test_worked_again(found: ActivityResult, volume_prices: es.PriceTable) -> None:
    """Ranks of |studentised residuals| and |SAR| pooled by event, sums over sums."""
    scores = []
    for ticker, at in PLACES:
        r = pd.DataFrame(volume_prices.returns, columns=list(volume_prices.tickers))
        x = sm.add_constant(r["SPY"])
        rows = slice(at - 210, at - 10)
        fit = sm.OLS(r[ticker][rows], x[rows]).fit()
        ahead = fit.get_prediction(x.iloc[at - 1 : at + 2])
        sar = (r[ticker].iloc[at - 1 : at + 2] - ahead.predicted_mean) / ahead.se_obs
        pooled = np.abs(np.concatenate([fit.get_influence().resid_studentized_internal, sar]))
        scores.append(stats.rankdata(pooled) / 204 - 0.5)
    k = np.sum(scores, axis=0) / 2
    sums = np.array([k[i : i + 3].sum() for i in range(198)])
    rows = found.tests.query("group == 'all' and model == 'market' and test == 'rank_absolute'")
    table = rows.set_index("window")["statistic"]
    assert table["0,0"] == pytest.approx(k[201] / np.sqrt((k[:200] ** 2).mean()), rel=1e-9)
    assert table["-1,1"] == pytest.approx(k[200:].sum() / np.sqrt((sums**2).mean()), rel=1e-9)


def test_means_and_u_over_events(found: ActivityResult, volume_prices: es.PriceTable) -> None:
    ratios = [regression(volume_prices, ticker, at)[0] for ticker, at in PLACES]
    row = found.means.query("group == 'all' and model == 'market' and window == '-1,1'").iloc[0]
    assert row["mean_ratio"] == pytest.approx(np.mean(ratios), rel=1e-9)
    assert row["median_ratio"] == pytest.approx(np.median(ratios), rel=1e-9)
    assert (row["n"], row["n_dates"]) == (4, 4)
    mean, variance = (float(x) for x in stats.f.stats(3, 198, moments="mv"))
    z = (np.sum(ratios) - 4 * mean) / math.sqrt(4 * variance)
    tests = found.tests.query("group == 'all' and model == 'market' and window == '-1,1'")
    said = tests.set_index("test").loc["patell_u"]
    assert said["statistic"] == pytest.approx(z, rel=1e-8)
    assert "only 4 events" in said["caveat"]


def test_event_days_of_three_times_the_spread_are_found_by_both() -> None:
    """25 events, session 0 drawn with thrice the residual spread and no mean."""
    rng = np.random.default_rng(8)
    days = pd.bdate_range("2021-01-04", periods=520)
    names = [f"F{i}" for i in range(25)]
    market = rng.normal(0, 0.01, 520)
    noise = rng.standard_t(5, (520, 25)) * 0.01
    places = 300 + 8 * np.arange(25)
    noise[places, np.arange(25)] = rng.normal(0, 0.04, 25)
    table = np.column_stack([market, market[:, None] + noise])
    table[0] = 0.0
    closes = pd.DataFrame(100 * (1 + table).cumprod(axis=0), index=days, columns=["SPY", *names])
    rows = [
        {"event_id": n, "date": str(days[p].date()), "session": "pre", "tickers": n}
        for n, p in zip(names, places, strict=True)
    ]
    prices = es.load_prices(closes)
    events = es.read_events(pd.DataFrame(rows), calendar="prices", prices=prices)
    found = variance_ratio(es.event_study(events, prices, window=(-1, 1), observed=[]))
    p = found.tests[found.tests["group"] == "all"].pivot_table(
        index="window", columns="test", values="p_greater"
    )
    assert (p.loc["0,0"] < 1e-4).all()
    assert p.loc["1,1", "rank_absolute"] > 0.05
    said = found.tests.query("group == 'all' and test == 'patell_u'")["caveat"]
    assert said.str.contains("residuals have excess kurtosis [2-9]").all()
    # One fat-tailed draw among 25 ordinary days is enough for U: what its assumptions warn of.
    assert p.loc["1,1", "patell_u"] < 0.01
    spread = found.means.query("group == 'all' and window == '0,0'").iloc[0]["dispersion"]
    assert 5 < spread < 20


def test_one_event_has_no_test_over_events(volume_prices: es.PriceTable) -> None:
    events = made_events(volume_prices, PLACES).select(["e1"])
    found = variance_ratio(es.event_study(events, volume_prices, observed=[]))
    rows = found.tests[found.tests["group"] == "all"]
    assert rows["statistic"].isna().all()
    assert set(rows["distribution"]) == {"undefined: 1 event, at least 2 needed"}
    assert found.events.query("ticker == 'BB'")["p_greater"].notna().all()
    assert found.means["dispersion"].isna().all()


def test_a_model_without_covariance_is_left_out_and_said(
    volume_study: es.StudyResult,
) -> None:
    from dataclasses import replace

    fits = dict(volume_study.fits)
    mean = fits["mean"]
    fits["mean"] = replace(mean, fit=replace(mean.fit, covariance="none"))
    found = variance_ratio(replace(volume_study, fits=fits))
    assert set(found.events["model"]) == {"market"}
    assert "Model mean has no covariance of forecast errors: left out." in found.notes
    with pytest.raises(StudyError, match="Model mean has no covariance"):
        variance_ratio(replace(volume_study, fits={"mean": fits["mean"]}))


def test_an_approximate_covariance_is_said(volume_study: es.StudyResult) -> None:
    from dataclasses import replace

    mean = volume_study.fits["mean"]
    fits = {"mean": replace(mean, fit=replace(mean.fit, covariance="approximate"))}
    found = variance_ratio(replace(volume_study, fits=fits))
    said = "Model mean: approximate covariance, so that F is approximate."
    assert said in found.notes
    exact = variance_ratio(replace(volume_study, fits={"mean": mean}))
    assert said not in exact.notes


def test_the_summary_of_variance(found: ActivityResult) -> None:
    frame = found.summary_frame()
    row = frame.query("group == 'all' and model == 'market' and window == '0,0'").iloc[0]
    test = found.tests.query(
        "group == 'all' and model == 'market' and window == '0,0' and test == 'rank_absolute'"
    ).iloc[0]
    assert row["p_rank_absolute_greater"] == test["p_greater"]
    assert "Variance of event days" in str(found)


@pytest.mark.vendor
def test_variance_of_avgo_on_its_real_day(root, vendor) -> None:  # type: ignore[no-untyped-def]
    """2024-12-13: the largest of 251 days for AVGO, an ordinary one for NVDA."""
    calendar = es.read_events(root / "events.csv").select(["avgo-earnings-2024-12-12"])
    prices = es.load_prices(["AVGO", "NVDA", "MRVL", "GOOGL", "SPY"], source=str(vendor))
    study = es.event_study(calendar, prices, window=(0, 0), observed=[])
    table = variance_ratio(study).events.set_index("ticker")
    cars = study.cars.set_index("ticker")
    for ticker in ("AVGO", "NVDA"):
        file = {
            t: pd.read_csv(vendor / f"{t}.csv", index_col="date")["adj_close"].pct_change()
            for t in (ticker, "SPY")
        }
        at = file[ticker].index.get_loc("2024-12-13")
        x = sm.add_constant(file["SPY"].iloc[at - 260 : at - 10].to_numpy())
        fit = sm.OLS(file[ticker].iloc[at - 260 : at - 10].to_numpy(), x).fit()
        ahead = fit.get_prediction(np.array([[1.0, file["SPY"].iloc[at]]]))
        u = ((file[ticker].iloc[at] - ahead.predicted_mean[0]) / ahead.se_obs[0]) ** 2
        assert table.loc[ticker, "ratio"] == pytest.approx(u, rel=1e-8)
        assert table.loc[ticker, "ratio"] == pytest.approx(cars.loc[ticker, "t"] ** 2, rel=1e-9)
    assert table.loc["AVGO", "p_sq_greater"] == pytest.approx(1 / 251, abs=1e-12)
    assert table.loc["NVDA", "p_sq_greater"] > 0.2
