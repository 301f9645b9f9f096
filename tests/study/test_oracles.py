"""Our numbers against what other programs print, by either engine.

R estudy2 0.10.0, R EventStudy 0.50.0 and StatsPAI 1.40.2 on 25 firms and one date; see
oracles/README.md. `reference` is a plain reading of the papers.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.cli import main

DAYS = range(-10, 11)
DAILY = [f"{d},{d}" for d in DAYS]
WINDOWS = [(-10, d) for d in DAYS]
RUNNING = ["-10,-10", *(f"-10,{d}" for d in range(-9, 11))]
MODELS = ("market", "market-adjusted", "mean")
COMPARED = (
    "cross_sectional", "time_series", "patell", "patell_adjusted", "bmp", "kolari_pynnonen",
    "generalized_sign", "sign", "corrado", "corrado_zivney", "wilcoxon", "skewness_adjusted",
    "grank_t", "grank_z", "calendar_portfolio",
)  # fmt: skip
Floats = npt.NDArray[np.float64]


class Tables(NamedTuple):
    """The tables that are compared."""

    tests: pd.DataFrame
    cars: pd.DataFrame
    abnormal: pd.DataFrame


@pytest.fixture(scope="module", params=["whole", "streamed"])
def tables(
    clustered: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> dict[str, Tables]:
    """Return the tables of one study a convention, by either engine.

    Of the second convention only the tests that sum standardised returns.
    """
    prices = es.load_prices(source=clustered[1])
    events = es.read_events(clustered[0], calendar="prices", prices=prices)
    asked = {"scar": (list(MODELS), list(COMPARED)), "sum_sar": (["market"], ["patell", "bmp"])}
    found = {}
    for convention, (models, tests) in asked.items():
        study = partial(
            es.event_study, events, prices, window=WINDOWS, benchmark="MKT", model=models,
            convention=convention, tests=tests,
        )  # fmt: skip
        if request.param == "whole":
            whole = study()
            found[convention] = Tables(whole.group_tests, whole.cars, whole.abnormal)
        else:
            out = tmp_path_factory.mktemp(convention)
            large = study(engine="streamed", out=out, tables=("cars", "abnormal"))
            each = (plain(large.read(name).to_pandas()) for name in ("cars", "abnormal"))
            found[convention] = Tables(large.group_tests, *each)
    return found


def plain(found: pd.DataFrame) -> pd.DataFrame:
    """Return labels of a table of parts as texts."""
    labels = found.select_dtypes("category").columns
    return found.astype(dict.fromkeys(labels, "str"))


def column(
    tables: Tables, test: str, windows: list[str], model: str = "market", value: str = "statistic"
) -> Floats:
    tests = tables.tests
    rows = tests[
        (tests["group"] == "all") & (tests["test"] == test) & (tests["model"] == model)
    ].set_index("window")
    assert set(rows["alignment"]) == {"stated"}
    return rows.loc[windows, value].to_numpy(dtype=float)


@pytest.fixture(scope="module")
def reference(oracles: Path) -> pd.DataFrame:
    return pd.read_csv(oracles / "A_clustered__reference.csv").set_index("rel").loc[list(DAYS)]


@pytest.fixture(scope="module")
def sipemu(oracles: Path) -> dict[str, pd.DataFrame]:
    names = {"market": "mm", "market-adjusted": "ma", "mean": "mean"}
    return {
        model: pd.read_csv(oracles / f"A_clustered__sipemu_{short}_aar_caar.csv")
        .set_index("relative_index")
        .loc[list(DAYS)]
        for model, short in names.items()
    }


@pytest.fixture(scope="module")
def estudy2(oracles: Path) -> dict[str, pd.DataFrame]:
    names = {"market": "sim", "market-adjusted": "mrkt_adj", "mean": "mean_adj"}
    return {
        model: pd.read_csv(oracles / f"A_clustered__estudy2_{short}_daily.csv")
        .set_index("rel")
        .loc[list(DAYS)]
        for model, short in names.items()
    }


@pytest.mark.parametrize(
    ("test", "theirs"),
    [
        ("cross_sectional", "t_cross"),
        ("time_series", "t_crude_BW85"),
        ("patell", "patell_z"),
        ("bmp", "bmp_t"),
        ("kolari_pynnonen", "kp_adj_bmp_t"),
        ("generalized_sign", "gsign_z"),
        ("corrado", "corrado_rank_t"),
        ("wilcoxon", "wilcoxon_Wplus"),
        ("patell_adjusted", "adj_patell_z"),
        ("corrado", "corrado_zivney_unstd"),
    ],
)
def test_event_days_agree_with_the_papers(
    tables: dict[str, Tables], reference: pd.DataFrame, test: str, theirs: str
) -> None:
    found = column(tables["scar"], test, DAILY)
    np.testing.assert_allclose(found, reference[theirs], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("convention", "test", "theirs"),
    [
        ("scar", "cross_sectional", "caar_t_cross"),
        ("scar", "time_series", "caar_t_crude"),
        ("sum_sar", "patell", "caar_patell_z"),
        ("scar", "bmp", "caar_bmp_t_SCAR"),
        ("sum_sar", "bmp", "caar_bmp_t_sumSAR"),
        ("scar", "kolari_pynnonen", "caar_kp_t_SCAR"),
        ("scar", "generalized_sign", "caar_gsign_z"),
        ("scar", "corrado", "caar_rank_cowan"),
        ("scar", "skewness_adjusted", "caar_skew_t_LBT"),
        ("scar", "grank_t", "grank_t"),
        ("scar", "grank_z", "grank_z"),
    ],
)
def test_windows_agree_with_the_papers(
    tables: dict[str, Tables], reference: pd.DataFrame, convention: str, test: str, theirs: str
) -> None:
    found = column(tables[convention], test, RUNNING)
    np.testing.assert_allclose(found, reference[theirs], rtol=0, atol=1e-9)


def test_corrado_zivney_is_the_references_but_for_one_degree_of_freedom(
    tables: dict[str, Tables], reference: pd.DataFrame
) -> None:
    """Exactly equal with its M - 1: tests/significance/test_printed_figures.py."""
    found = column(tables["scar"], "corrado_zivney", DAILY)
    assert np.abs(found - reference["corrado_zivney_std"]).max() < 0.004


def test_one_date_leaves_calendar_portfolios_of_a_day_without_a_number(
    tables: dict[str, Tables],
) -> None:
    assert np.isnan(column(tables["scar"], "calendar_portfolio", DAILY)).all()
    assert np.isfinite(column(tables["scar"], "calendar_portfolio", RUNNING)[1:]).all()


def test_wilcoxons_normal_form_agrees(tables: dict[str, Tables], reference: pd.DataFrame) -> None:
    w = column(tables["scar"], "wilcoxon", DAILY)
    z = (w - 25 * 26 / 4) / np.sqrt(25 * 26 * 51 / 24)
    np.testing.assert_allclose(z, reference["wilcoxon_z"], rtol=0, atol=1e-9)


def test_sign_counts_agree(tables: dict[str, Tables], reference: pd.DataFrame) -> None:
    """Their z is (w - N/2) / (sqrt(N) / 2); ours prints w itself."""
    for windows, theirs in ((DAILY, "sign_z"), (RUNNING, "caar_sign_z")):
        w = column(tables["scar"], "sign", windows)
        np.testing.assert_allclose((w - 12.5) / 2.5, reference[theirs], atol=1e-9)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("test", "theirs"),
    [
        ("cross_sectional", "t_test_stat"),
        ("time_series", "bw_1985_stat"),
        ("generalized_sign", "gsign_stat"),
        ("corrado", "rank_stat"),
        ("corrado", "mrank_stat"),
        ("wilcoxon", "wlcx_stat"),
    ],
)
def test_every_model_agrees_with_estudy2(
    tables: dict[str, Tables], estudy2: dict[str, pd.DataFrame], model: str, test: str, theirs: str
) -> None:
    found = column(tables["scar"], test, DAILY, model)
    np.testing.assert_allclose(found, estudy2[model][theirs], rtol=0, atol=1e-9)


@pytest.mark.parametrize("model", ["market", "mean"])
@pytest.mark.parametrize(
    ("test", "windows", "convention", "theirs"),
    [
        ("cross_sectional", DAILY, "scar", "aar_t"),
        ("cross_sectional", RUNNING, "scar", "caar_t"),
        ("patell", DAILY, "scar", "aar_z"),
        ("bmp", DAILY, "scar", "bmp_t"),
        ("bmp", RUNNING, "scar", "cbmp_t"),
        ("kolari_pynnonen", DAILY, "scar", "kp_t"),
        ("kolari_pynnonen", RUNNING, "scar", "ckp_t"),
        ("generalized_sign", DAILY, "scar", "gsign_z"),
        ("generalized_sign", RUNNING, "scar", "cgsign_z"),
    ],
)
def test_models_agree_with_eventstudy_for_r(
    tables: dict[str, Tables],
    sipemu: dict[str, pd.DataFrame],
    model: str,
    test: str,
    windows: list[str],
    convention: str,
    theirs: str,
) -> None:
    found = column(tables[convention], test, windows, model)
    np.testing.assert_allclose(found, sipemu[model][theirs], rtol=0, atol=1e-9)


def test_market_adjusted_standardises_by_the_mean_square(
    tables: dict[str, Tables], oracles: Path
) -> None:
    """R EventStudy takes the deviation about the mean there; nothing is estimated, so we don't."""
    returns = pd.read_csv(oracles / "A_clustered_returns.csv", index_col="date")
    zero = returns.index.get_loc("2019-02-07")
    excess = returns.drop(columns="MKT").sub(returns["MKT"], axis=0).to_numpy()
    s2 = (excess[zero - 260 : zero - 10] ** 2).mean(axis=0)
    z = (excess[zero] / np.sqrt(s2)).sum() / np.sqrt(25 * 250 / 248)
    assert column(tables["scar"], "patell", ["0,0"], "market-adjusted")[0] == pytest.approx(
        z, abs=1e-9
    )


def test_cumulative_patell_agrees_with_eventstudy_for_r(
    tables: dict[str, Tables], sipemu: dict[str, pd.DataFrame]
) -> None:
    found = column(tables["sum_sar"], "patell", RUNNING)
    np.testing.assert_allclose(found, sipemu["market"]["caar_z"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("engine", ["whole", "streamed"])
def test_windows_agree_with_statspai(
    clustered: tuple[Path, Path], oracles: Path, tmp_path: Path, engine: str
) -> None:
    """Through the command line, with all tests of the engine."""
    theirs = pd.read_csv(oracles / "A_clustered__statspai.csv")
    theirs = theirs[(theirs["model"] == "market") & (theirs["correlation"] == "calendar")]
    windows = ["--window", "-10,10", "--window", "-1,1", "--window", "-10,0", "--window", "0,0"]
    arguments = [
        "study", str(clustered[0]), "--prices", str(clustered[1]), "--calendar", "prices",
        "--benchmark", "MKT", *windows, "--engine", engine, "--out", str(tmp_path),
    ]  # fmt: skip
    assert main(arguments) == 0
    written = Tables(pd.read_csv(tmp_path / "tests.csv"), pd.DataFrame(), pd.DataFrame())
    for w0, w1 in ((-1, 1), (-10, 0), (-10, 10), (0, 0)):
        rows = theirs[(theirs["w0"] == w0) & (theirs["w1"] == w1)].set_index("test")
        for ours, name in (
            ("cross_sectional", "cross_sectional"), ("bmp", "bmp"), ("kolari_pynnonen", "kp"),
            ("patell", "patell"), ("patell_adjusted", "adj_patell"), ("grank_t", "grank"),
        ):  # fmt: skip
            found = column(written, ours, [f"{w0},{w1}"])[0]
            assert found == pytest.approx(rows.loc[name, "statistic"], abs=1e-9)
        w = column(written, "wilcoxon", [f"{w0},{w1}"])[0]
        z = (w - 25 * 26 / 4) / np.sqrt(25 * 26 * 51 / 24)
        assert z == pytest.approx(rows.loc["sign_rank", "statistic"], abs=1e-9)


def test_the_command_line_takes_a_convention_and_a_model(
    clustered: tuple[Path, Path], tables: dict[str, Tables], tmp_path: Path
) -> None:
    """`tables` are held against the programs above; the other convention has other numbers."""
    arguments = [
        "study", str(clustered[0]), "--prices", str(clustered[1]), "--calendar", "prices",
        "--benchmark", "MKT", "--window", "-10,10", "--convention", "sum_sar", "--model", "market",
        "--test", "patell", "--test", "bmp", "--out", str(tmp_path),
    ]  # fmt: skip
    assert main(arguments) == 0
    written = Tables(pd.read_csv(tmp_path / "tests.csv"), pd.DataFrame(), pd.DataFrame())
    for test in ("patell", "bmp"):
        found = column(written, test, ["-10,10"])
        expected = column(tables["sum_sar"], test, ["-10,10"])
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert abs(found / column(tables["scar"], test, ["-10,10"]) - 1.0) > 1e-6


def test_event_by_event_regressions_agree(tables: dict[str, Tables], oracles: Path) -> None:
    cars = tables["scar"].cars
    cars = cars[(cars["model"] == "market") & (cars["window"] == "-10,-10")]
    theirs = pd.read_csv(oracles / "A_clustered__reference_events.csv")
    for ours, name in (("alpha", "alpha"), ("beta", "beta"), ("sigma", "s")):
        np.testing.assert_allclose(cars[ours], theirs[name], rtol=1e-9)
    coefficients = pd.read_csv(oracles / "A_clustered__sipemu_mm_coef.csv")
    for name in ("alpha", "beta", "sigma"):
        np.testing.assert_allclose(cars[name], coefficients[name], rtol=1e-9)
    abnormal = tables["scar"].abnormal
    zero = abnormal[(abnormal["model"] == "market") & (abnormal["day"] == 0)]
    np.testing.assert_allclose(zero["ar"], theirs["ar0"], atol=1e-12)
    np.testing.assert_allclose(zero["ar"] / zero["ar_se"], theirs["ar_t_fe"], atol=1e-9)


def test_abnormal_returns_agree_with_two_programs(tables: dict[str, Tables], oracles: Path) -> None:
    abnormal = tables["scar"].abnormal
    ours = abnormal[abnormal["model"] == "market"].pivot_table(
        index="day", columns="ticker", values="ar"
    )
    r = pd.read_csv(oracles / "A_clustered__estudy2_sim_AR.csv").set_index("rel")
    np.testing.assert_allclose(ours, r.loc[ours.index, ours.columns], atol=1e-12)
    other = pd.read_csv(oracles / "A_clustered__sipemu_mm_ar_car.csv").pivot_table(
        index="rel", columns="symbol", values="ar"
    )
    np.testing.assert_allclose(ours, other.loc[ours.index, ours.columns], atol=1e-12)
