"""Our statistics against what other programs print, sample by sample.

A_clustered: 25 firms on one date; R estudy2, R EventStudy, StatsPAI and a plain reading of the
papers. stata_estudy: Stata 18 estudy, 12 firms on 12 dates. tests/oracles/README.md says which
program stands behind which figure. The samples are made here by least squares; the whole way
through the command line is in tests/study/test_oracles.py.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import scipy.stats

from eventstudy.models import find_model
from eventstudy.models.contract import ModelFit, ModelTask
from eventstudy.significance import TESTS, Sample

Floats = npt.NDArray[np.float64]
pytestmark = pytest.mark.oracles

LENGTH = 21
DAILY, RUNNING = np.eye(LENGTH), np.tril(np.ones((LENGTH, LENGTH)))
CLOSE = {"rtol": 0.0, "atol": 1e-9}


def clustered(oracles: Path, model: str = "market", convention: str = "scar") -> Sample:
    """Return the sample of a model; market-adjusted is standardised about its mean there."""
    returns = pd.read_csv(oracles / "A_clustered_returns.csv", index_col="date")
    zero = int(returns.index.get_loc("2019-02-07"))
    estimation, event = np.arange(zero - 260, zero - 10), np.arange(zero - 10, zero + 11)
    firms, market = returns.drop(columns="MKT").to_numpy(), returns["MKT"].to_numpy()
    n = firms.shape[1]
    x = np.column_stack([np.ones(len(market)), market])[:, : 2 if model == "market" else 1]
    if model == "market_adjusted":
        firms = firms - market[:, None]
        x = np.empty((len(market), 0))
    b = np.linalg.lstsq(x[estimation], firms[estimation], rcond=None)[0]
    e, ar = (firms[estimation] - x[estimation] @ b).T, (firms[event] - x[event] @ b).T
    d = max(x.shape[1], 1)
    x1, x2 = x[estimation], x[event]
    shape = np.eye(LENGTH) + x2 @ np.linalg.pinv(x1.T @ x1) @ x2.T
    s2 = e.var(axis=1, ddof=d)  # the residuals of the other models have mean zero
    rows = np.broadcast_to(estimation, (n, 250))
    v = s2[:, None, None] * shape
    return Sample(ar, v, e, rows, np.full(n, zero), np.full(n, 250 - d), d, convention)


def statistic(sample: Sample, test: str, masks: Floats) -> Floats:
    return TESTS[test].evaluate(sample, masks).verdict.statistic


@pytest.fixture(scope="module")
def reference(oracles: Path) -> pd.DataFrame:
    return pd.read_csv(oracles / "A_clustered__reference.csv").set_index("rel")


@pytest.mark.parametrize(
    ("test", "windows", "convention", "theirs"),
    [
        ("patell_adjusted", DAILY, "scar", "adj_patell_z"),
        ("patell_adjusted", DAILY, "sum_sar", "adj_patell_z"),
        ("skewness_adjusted", RUNNING, "scar", "caar_skew_t_LBT"),
        ("grank_t", RUNNING, "scar", "grank_t"),
        ("grank_z", RUNNING, "scar", "grank_z"),
        ("corrado", DAILY, "scar", "corrado_zivney_unstd"),
    ],
)
def test_columns_of_the_reference(
    oracles: Path,
    reference: pd.DataFrame,
    test: str,
    windows: Floats,
    convention: str,
    theirs: str,
) -> None:
    found = statistic(clustered(oracles, convention=convention), test, windows)
    np.testing.assert_allclose(found, reference[theirs], **CLOSE)


def test_corrado_zivney_with_the_references_degrees_of_freedom(
    oracles: Path, reference: pd.DataFrame
) -> None:
    """It divides residuals by sqrt(e'e / (M - 1)); ours by the s of every other test, M - d.

    The divisor cancels from the event days, which are over their own spread.
    """
    s = clustered(oracles)
    theirs = reference["corrado_zivney_std"]
    assert np.abs(statistic(s, "corrado_zivney", DAILY) - theirs).max() < 0.004
    wider = replace(s, dof=s.dof + 1)
    np.testing.assert_allclose(statistic(wider, "corrado_zivney", DAILY), theirs, **CLOSE)


def test_the_other_variants_of_the_reference_are_ours_but_for_a_known_factor(
    oracles: Path, reference: pd.DataFrame
) -> None:
    s = clustered(oracles)
    r = float(pd.read_json(oracles / "A_clustered__reference_scalars.json", typ="series")["rbar"])
    np.testing.assert_allclose(s.mean_correlation(DAILY), r, rtol=1e-12)
    z = statistic(s, "patell_adjusted", DAILY) * np.sqrt(1 - r)
    np.testing.assert_allclose(z, reference["adj_patell_z_KPfactor"], **CLOSE)
    # Skewness with its small-sample factor n^2 / ((n - 1) (n - 2)); ours is without.
    car = np.cumsum(s.ar, axis=1)
    share = car.mean(axis=0) / car.std(axis=0, ddof=1)
    g = scipy.stats.skew(car, axis=0) * (24 / 25) ** 1.5
    np.testing.assert_allclose(
        statistic(s, "skewness_adjusted", RUNNING),
        5 * (share + g * share**2 / 3 + g / 150),
        **CLOSE,
    )
    wide = g * 25**2 / (24 * 23)
    np.testing.assert_allclose(
        5 * (share + wide * share**2 / 3 + wide / 150), reference["caar_skew_t_unbiased"], **CLOSE
    )


def test_grank_without_day_0_in_the_spread_is_eventstudy2s(
    oracles: Path, reference: pd.DataFrame
) -> None:
    """The paper's s_U is over all T = 251; theirs is over the 250 residuals, and T with it."""
    s = clustered(oracles)
    t = statistic(s, "grank_t", RUNNING)
    z = t * np.sqrt(250 / (249 + t**2))
    scar = s.ar.cumsum(axis=1) / np.sqrt(np.einsum("wl,nlk,wk->nw", RUNNING, s.v, RUNNING))
    scaled = s.residuals / np.sqrt((s.residuals**2).sum(axis=1, keepdims=True) / 248)
    for w in range(LENGTH):
        pool = np.column_stack([scaled, scar[:, w] / scar[:, w].std(ddof=1)])
        mean = (scipy.stats.rankdata(pool, axis=1) / 252 - 0.5).mean(axis=0)
        assert z[w] == pytest.approx(mean[-1] / np.sqrt((mean**2).mean()), abs=1e-9)
        other = mean[-1] / np.sqrt((mean[:-1] ** 2).mean())
        theirs = reference["grank_t_ev2variant_excl0"].iloc[w]
        assert other * np.sqrt(248 / (249 - other**2)) == pytest.approx(theirs, abs=1e-9)


OURS = {
    "cross_sectional": "cross_sectional",
    "patell": "patell",
    "bmp": "bmp",
    "adj_patell": "patell_adjusted",
    "kp": "kolari_pynnonen",
    "grank": "grank_t",
    "sign_rank": "wilcoxon",
}
STUDENT = {"cross_sectional", "grank"}
"""Where StatsPAI's reference distribution is ours; it takes BMP and KP as normal."""


@pytest.mark.parametrize("correlation", ["calendar", "event"])
@pytest.mark.parametrize("model", ["market", "mean_adjusted", "market_adjusted"])
@pytest.mark.parametrize("name", list(OURS))
def test_every_row_of_statspai(oracles: Path, model: str, correlation: str, name: str) -> None:
    theirs = pd.read_csv(oracles / "A_clustered__statspai.csv")
    rows = theirs[
        (theirs["model"] == model)
        & (theirs["correlation"] == correlation)
        & (theirs["test"] == name)
    ]
    assert len(rows) == 4
    s = clustered(oracles, model)
    if model == "market_adjusted" and name == "grank":  # residuals about zero over s about the mean
        s = replace(s, dof=(s.residuals**2).sum(axis=1) / s.v[:, 0, 0])
    for row in rows.itertuples():
        mask = np.zeros((1, LENGTH))
        mask[0, 10 + row.w0 : 11 + row.w1] = 1.0
        found = TESTS[OURS[name]].evaluate(s, mask).verdict
        z = found.statistic[0]
        if name == "sign_rank":
            z = (z - 25 * 26 / 4) / np.sqrt(25 * 26 * 51 / 24)
        assert z == pytest.approx(row.statistic, abs=1e-9)
        if name in ("patell", "adj_patell", *STUDENT):
            assert found.two_sided[0] == pytest.approx(row.pvalue, rel=1e-9)


@pytest.mark.parametrize("model", ["market", "mean_adjusted"])
def test_further_columns_of_two_r_packages(oracles: Path, model: str) -> None:
    s = clustered(oracles, model)
    short = {"market": ("mm", "sim"), "mean_adjusted": ("mean", "mean_adj")}[model]
    days = list(range(-10, 11))
    one = pd.read_csv(oracles / f"A_clustered__sipemu_{short[0]}_aar_caar.csv")
    one = one.set_index("relative_index").loc[days]
    two = pd.read_csv(oracles / f"A_clustered__estudy2_{short[1]}_daily.csv")
    two = two.set_index("rel").loc[days]
    np.testing.assert_allclose(s.ar.mean(axis=0), one["aar"], **CLOSE)
    np.testing.assert_allclose(np.cumsum(s.ar.mean(axis=0)), one["caar"], **CLOSE)
    np.testing.assert_allclose(s.ar.mean(axis=0), two["mean"], **CLOSE)
    np.testing.assert_allclose(s.scores[:, 250:].mean(axis=0), one["mean_rank"], **CLOSE)
    naive = s.ar / s.sigma[:, None]  # their SAR leaves the forecast error out
    np.testing.assert_allclose(naive.mean(axis=0), one["mean_sar"], **CLOSE)
    np.testing.assert_allclose(naive.std(axis=0, ddof=1), one["sd_sar"], **CLOSE)
    for test, windows, theirs in (
        ("bmp", RUNNING, one["cbmp_t"]),
        ("kolari_pynnonen", RUNNING, one["ckp_t"]),
        ("cross_sectional", RUNNING, one["caar_t"]),
        ("generalized_sign", DAILY, one["gsign_z"]),
        ("corrado", DAILY, two["mrank_stat"]),
    ):
        np.testing.assert_allclose(statistic(s, test, windows), theirs, **CLOSE)
    for windows, theirs in ((DAILY, one["sign_z"]), (RUNNING, one["csign_z"])):
        np.testing.assert_allclose((statistic(s, "sign", windows) - 12.5) / 2.5, theirs, **CLOSE)


def test_whole_window_tests_of_estudy2(oracles: Path) -> None:
    s, whole = clustered(oracles), np.ones((1, LENGTH))
    rank = pd.read_csv(oracles / "A_clustered__estudy2_sim_car_cn.csv").set_index("name")
    crude = pd.read_csv(oracles / "A_clustered__estudy2_sim_car_cp.csv").set_index("name")
    assert statistic(s, "corrado", whole)[0] == pytest.approx(
        rank.loc["car_rank_test", "statistic"], abs=1e-9
    )
    assert statistic(s, "time_series", whole)[0] == pytest.approx(
        crude.loc["car_brown_warner_1985", "statistic"], abs=1e-9
    )


# Stata's estudy -------------------------------------------------------------------------------

BEFORE, AROUND = np.arange(-200, -10), np.arange(-5, 6)
WINDOWS = {"m1_p1": (-1, 1), "0_0": (0, 0), "m5_p5": (-5, 5)}


def aligned(oracles: Path) -> tuple[ModelTask, list[str]]:
    """Return the aligned returns of the 12 securities and their names."""
    returns = pd.read_csv(oracles / "stata_estudy" / "event_study_returns.csv")
    events = pd.read_csv(oracles / "stata_estudy" / "event_study_events.csv")
    wide = returns.pivot_table(index="date", columns="id", values="ret", dropna=False)
    market = returns.drop_duplicates("date").set_index("date")["mkt"].loc[wide.index].to_numpy()
    zero = wide.index.get_indexer(events["event_date"])
    assert (zero > 200).all()
    y = wide[events["id"]].to_numpy().T
    before, around = zero[:, None] + BEFORE, zero[:, None] + AROUND
    row = np.arange(len(zero))[:, None]
    task = ModelTask(
        y=y[row, before], y_event=y[row, around], market=market[before],
        market_event=market[around], net=np.ones(len(zero)),
    )  # fmt: skip
    return task, list(events["id"])


@pytest.fixture(scope="module")
def stata(oracles: Path) -> tuple[ModelTask, ModelFit, pd.DataFrame, pd.DataFrame]:
    task, names = aligned(oracles)
    rows = pd.read_csv(oracles / "stata_estudy" / "expected_stata18_estudy_SIM.csv")
    group = pd.read_csv(oracles / "stata_estudy" / "expected_stata18_estudy_SIM_group.csv")
    rows["security"] = pd.Categorical(rows["security"], names)
    rows = rows.sort_values("security").set_index("window")
    return task, find_model("market").fit(task), rows, group.set_index(["test", "window"])


def mask_of(window: str) -> Floats:
    first, last = WINDOWS[window]
    return ((first <= AROUND) & (last >= AROUND)).astype(float)[None, :]


def event_time(fit: ModelFit, ar: Floats, v: Floats) -> Sample:
    """Return a sample that pairs residuals by event day, as estudy does."""
    n = len(ar)
    return Sample(
        ar, v, fit.residuals, np.broadcast_to(BEFORE + 1000, (n, len(BEFORE))),
        np.full(n, 1000), fit.dof, fit.n_params,
    )  # fmt: skip


@pytest.mark.parametrize("window", list(WINDOWS))
def test_cars_of_each_security_agree_with_stata(
    stata: tuple[ModelTask, ModelFit, pd.DataFrame, pd.DataFrame], window: str
) -> None:
    """Stata keeps its working variables in single precision."""
    _, fit, rows, _ = stata
    car = event_time(fit, fit.ar, fit.v).cars(mask_of(window))[0][:, 0]
    np.testing.assert_allclose(car, rows.loc[window, "car"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("window", list(WINDOWS))
def test_forecast_errors_are_statas_but_for_its_degrees_of_freedom(
    stata: tuple[ModelTask, ModelFit, pd.DataFrame, pd.DataFrame], window: str
) -> None:
    """estudy has n - 1 for n - 2 and n Var(x) for Sxx, over every day where one is missing."""
    task, fit, rows, _ = stata
    mask = mask_of(window)
    se = event_time(fit, fit.ar, fit.v).cars(mask)[1][:, 0]
    length = mask.sum()
    n = np.isfinite(task.y).sum(axis=1)
    assert sorted(n) == [189] + [190] * 11
    used = np.where(np.isfinite(task.y), task.market, np.nan)
    s2 = (np.nansum(fit.residuals**2, axis=1)) / (n - 2)
    centred = task.market_event @ mask[0] - length * np.nanmean(used, axis=1)
    exact = length + length**2 / n + centred**2 / (n * np.nanvar(used, axis=1))
    np.testing.assert_allclose(se, np.sqrt(s2 * exact), rtol=1e-10)
    every = task.market_event @ mask[0] - length * task.market.mean(axis=1)
    theirs = length + length**2 / n + every**2 / (190 * task.market.var(axis=1, ddof=1))
    np.testing.assert_allclose(
        np.sqrt(s2 * (n - 2) / (n - 1) * theirs), rows.loc[window, "sd"], rtol=0, atol=1e-8
    )


@pytest.mark.parametrize("window", list(WINDOWS))
def test_patell_and_its_adjustment_agree_with_stata_given_its_scars(
    stata: tuple[ModelTask, ModelFit, pd.DataFrame, pd.DataFrame], window: str
) -> None:
    _, fit, rows, group = stata
    car, sd = (rows.loc[window, name].to_numpy(dtype=float)[:, None] for name in ("car", "sd"))
    s = event_time(fit, car, (sd**2)[:, :, None])
    for test, theirs, close in (("patell", "Patell", 1e-9), ("patell_adjusted", "ADJPatell", 1e-7)):
        found = TESTS[test].evaluate(s, np.ones((1, 1))).verdict
        expected = group.loc[(theirs, window)]
        assert found.statistic[0] == pytest.approx(expected["stat"], rel=close)
        assert found.two_sided[0] == pytest.approx(expected["pv"], rel=10 * close)


def test_single_securities_have_statas_tails(
    stata: tuple[ModelTask, ModelFit, pd.DataFrame, pd.DataFrame],
) -> None:
    from eventstudy.significance.contract import student

    _, fit, rows, _ = stata
    for window in WINDOWS:
        found = student(rows.loc[window, "stat"].to_numpy(dtype=float), fit.dof)
        np.testing.assert_allclose(found.two_sided, rows.loc[window, "pv"], rtol=1e-9)


def test_the_mean_log_car_of_stata_is_rebuilt_from_our_abnormal_returns(
    stata: tuple[ModelTask, ModelFit, pd.DataFrame, pd.DataFrame],
) -> None:
    """Its group row sums log mean exp(AR) over days; ours is the mean CAR."""
    _, fit, _, group = stata
    for window in WINDOWS:
        days = np.log(np.exp(fit.ar).mean(axis=0))
        theirs = group.loc[("Patell", window), "caar_loggroup"]
        assert float(days @ mask_of(window)[0]) == pytest.approx(theirs, abs=1e-6)
