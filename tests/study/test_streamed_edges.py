"""Engine streamed at its edges: events that do not vary, lost readings, tables on disk."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

import eventstudy as es
from eventstudy.errors import StudyError
from eventstudy.sessions import exchange_sessions
from eventstudy.significance.parametric import Bmp

Floats = npt.NDArray[np.float64]
ASKED = {
    "benchmark": "SPY", "estimation": 60, "min_estimation": 40, "engine": "streamed",
}  # fmt: skip
DAYS = exchange_sessions("NYSE", dt.date(2020, 1, 2), dt.date(2020, 12, 31)).days


def drawn(seed: int, securities: int) -> Floats:
    """Return returns of securities and, last, their benchmark."""
    return np.random.default_rng(seed).normal(0, 0.02, (len(DAYS), securities + 1))


def priced(returns: Floats) -> pd.DataFrame:
    names = [*(f"T{i}" for i in range(returns.shape[1] - 1)), "SPY"]
    return pd.DataFrame(100 * np.cumprod(1 + returns, axis=0), pd.to_datetime(DAYS), names)


def dated(rows: list[tuple[str, int, str]]) -> es.EventCalendar:
    return es.read_events(
        pd.DataFrame(
            [
                {"event_id": f"e{i}", "date": str(DAYS[p]), "session": said, "tickers": ticker}
                for i, (ticker, p, said) in enumerate(rows)
            ]
        )
    )


def test_coinciding_events_on_series_that_are_alike_have_the_error_of_one() -> None:
    returns = drawn(1, 2)
    returns[:, 1] = returns[:, 0]
    events = dated([("T0", 120, "pre"), ("T1", 120, "pre")])
    study = es.event_study(
        events, priced(returns), model="market-adjusted", window=[(-1, 2)], tests=["bmp"], **ASKED
    )
    e = (returns[:, 0] - returns[:, 2])[50:110]
    s = np.sqrt((e @ e) / 60)
    effect = study.effects.set_index(["group", "window"]).loc[("all", "-1,2")]
    assert effect["n"] == 2
    assert effect["se"] == pytest.approx(2.0 * s, rel=1e-9)  # four days: sqrt(4) s
    reach = stats.t.ppf(0.975, 60)
    assert effect["hi"] - effect["caar"] == pytest.approx(reach * 2.0 * s, rel=1e-9)
    paths = study.paths[study.paths["group"] == "all"]
    np.testing.assert_allclose(paths["se"], s * np.sqrt([1, 2, 3, 4]), rtol=1e-9)


def test_the_path_of_one_event_has_the_forecast_error() -> None:
    import statsmodels.api as sm

    returns = drawn(2, 1)
    returns[80, 0] = 0.5
    study = es.event_study(
        dated([("T0", 120, "pre")]), priced(returns), window=[(-1, 1)], tests=["bmp"], **ASKED
    )
    x = sm.add_constant(returns[50:110, 1])
    fit = sm.OLS(returns[50:110, 0], x).fit()
    ahead = np.column_stack([np.ones(3), returns[119:122, 1]])
    v = fit.mse_resid * np.eye(3) + ahead @ fit.cov_params() @ ahead.T
    expected = [np.sqrt(v[:k, :k].sum()) for k in (1, 2, 3)]
    paths = study.paths[study.paths["group"] == "all"]
    np.testing.assert_allclose(paths["se"], expected, rtol=1e-9)


def test_a_day_without_a_spread_is_missing_from_the_ranks() -> None:
    """On days without trade every return is zero, and so is every market-adjusted one."""
    returns, dates = drawn(3, 5), (120, 150, 180)
    returns[list(dates)] = 0.0
    events = dated([(f"T{i}", p, "pre") for p in dates for i in range(5)])
    study = es.event_study(
        events, priced(returns), model="market-adjusted", window=[(-1, 1)],
        tests=["corrado_zivney", "cumrank", "grank_t"], **ASKED,
    )  # fmt: skip
    tests = study.group_tests.query("group == 'all'").set_index(["test", "window"])
    residuals, days = [], []
    for p in dates:
        ar = returns[:, :5] - returns[:, 5:]
        residuals.append(
            ar[p - 70 : p - 10].T / np.sqrt((ar[p - 70 : p - 10] ** 2).mean(axis=0))[:, None]
        )
        days.append(
            ar[[p - 1, p + 1]].T / np.sqrt((ar[p - 70 : p - 10] ** 2).mean(axis=0))[:, None]
        )
    event = np.vstack(days)
    rows = np.hstack([np.vstack(residuals), event / event.std(axis=0, ddof=1)])
    k = (stats.rankdata(rows, axis=1) / 63.0 - 0.5).sum(axis=0) / np.sqrt(15)  # 62 are ranked
    z = k[-2:] / np.sqrt((k**2).mean())
    found = tests["statistic"]["corrado_zivney"]
    np.testing.assert_allclose(found[["-1,-1", "1,1"]], z, rtol=1e-9)
    for name in ("corrado_zivney", "cumrank", "grank_t"):
        assert np.isnan(tests["statistic"][name, "0,0"])
        assert "no value" in tests["caveat"][name, "0,0"]
    assert np.isnan(found["-1,1"])
    assert np.isnan(tests["statistic"]["cumrank", "-1,1"])
    assert np.isfinite(tests["statistic"]["grank_t", "-1,1"])


def test_parts_have_the_readings_of_the_events_that_are_left(tmp_path: Path) -> None:
    returns = drawn(4, 3)
    returns[:, 0] = 0.0  # the one event with two readings has no variance
    events = dated([("T0", 120, "unknown"), ("T1", 121, "pre"), ("T2", 130, "pre")])
    study = es.event_study(
        events, priced(returns), window=[(0, 0), (-1, 1)], out=tmp_path, model="mean", **ASKED
    )
    assert study.alignments == ("stated",)
    cars = study.read().to_pandas()
    rows = sorted(zip(cars["event_id"], cars["alignment"], cars["window"], strict=True))
    assert rows == [(e, "stated", w) for e in ("e1", "e2") for w in ("-1,1", "0,0")]


def test_a_study_that_is_refused_leaves_the_tables_of_the_one_before(tmp_path: Path) -> None:
    prices = priced(drawn(5, 2))
    first, second = dated([("T0", 120, "pre")]), dated([("T1", 120, "pre"), ("T9", 120, "pre")])
    asked = {"window": [(0, 0)], "out": tmp_path, "tests": ["bmp"], **ASKED}
    before = es.event_study(first, prices, tables="abnormal", **asked)
    with pytest.raises(StudyError, match="strict: something was left out"):
        es.event_study(second, prices, tables=("abnormal",), strict=True, **asked)
    assert before.read("abnormal")["ticker"].to_pylist() == ["T0"]
    after = es.event_study(second, prices, tables=("cars",), **asked)
    assert after.read("cars")["ticker"].to_pylist() == ["T1"]
    with pytest.raises(StudyError, match="abnormal was not written: name it with tables="):
        after.read("abnormal")


def test_what_would_be_computed_otherwise_than_asked_is_refused() -> None:
    class Mine(Bmp):
        """A test of one's own under a shipped name."""

    prices, events = priced(drawn(6, 1)), dated([("T0", 120, "pre")])
    with pytest.raises(StudyError, match="tests bmp: objects of your own"):
        es.event_study(events, prices, tests=[Mine()], **ASKED)
    wide = {**ASKED, "window": [(0, 4000)], "min_estimation": 50}
    with pytest.raises(StudyError, match="rank 16000 numbers an event at most.* are 16065"):
        es.event_study(events, prices, **wide)
    with pytest.raises(StudyError, match="no event is left"):
        es.event_study(events, prices, tests=["bmp"], **wide)


def test_what_the_whole_engine_refuses_is_refused(tmp_path: Path) -> None:
    prices, events = priced(drawn(7, 1)), dated([("T0", 120, "pre")])
    rows = {"date": DAYS.astype(str), "mkt_rf": 1.0, "smb": 0.5, "hml": 0.1, "rf": 0.0}
    pd.DataFrame(rows).to_csv(tmp_path / "factors.csv", index=False)
    factors = es.load_factors(tmp_path / "factors.csv", units="percent")
    with pytest.raises(StudyError, match="returns log: ff3 would set log returns beside factors"):
        es.event_study(events, prices, model="ff3", factors=factors, returns="log", **ASKED)
    with pytest.raises(StudyError, match="donors: engine streamed has no"):
        es.event_study(events, prices, donors=["T0"], **ASKED)
    with pytest.raises(StudyError, match="model is empty"):
        es.event_study(events, prices, model=[], **ASKED)


def test_a_name_given_twice_or_alone_counts_once() -> None:
    prices, events = priced(drawn(8, 2)), dated([("T0", 120, "pre"), ("T0", 150, "pre")])
    asked = {"window": [(0, 0)], "tests": ["bmp"], **ASKED}
    study = es.event_study(events, prices, model=["market", "market"], observed="T1", **asked)
    found = study.effects[["group", "model", "window", "n"]].to_numpy().tolist()
    assert found == [["T1", "market", "0,0", 2], ["all", "market", "0,0", 2]]


def test_no_room_for_signed_ranks_is_told(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    prices, events = priced(drawn(9, 1)), dated([("T0", 120, "pre"), ("T0", 150, "pre")])
    asked = {"window": [(0, 0)], "model": "mean", **ASKED}
    with pytest.raises(es.EventStudyError, match=r"16 bytes, which cannot be written: No such"):
        es.event_study(events, prices, tests=["wilcoxon"], **asked)
    assert es.event_study(events, prices, tests=["bmp"], **asked).observed == 2


@pytest.mark.parametrize(
    ("days", "shared"),
    [((120, 120), True), ((120, 121), True), ((120, 122), False)],
    ids=["one date", "in part", "apart"],
)
def test_shared_sessions_are_told(days: tuple[int, int], shared: bool) -> None:
    events = dated([("T0", days[0], "pre"), ("T1", days[1], "pre")])
    study = es.event_study(
        events, priced(drawn(10, 2)), model="mean", window=[(0, 1)], tests=["bmp"], **ASKED
    )
    assert any("share sessions" in line for line in study.caution_lines()) is shared


def test_baskets_of_ones_own_that_are_not_observed_are_told() -> None:
    events = es.read_events(
        pd.DataFrame(
            [{"event_id": "a", "date": str(DAYS[120]), "session": "pre", "tickers": "T0"}]
        ),
        baskets={"@MINE": ["T0", "T1"]},
    )
    study = es.event_study(
        events, priced(drawn(11, 2)), model="mean", window=[(0, 1)], tests=["bmp"], **ASKED
    )
    assert "Not observed: @MINE: engine streamed observes securities" in str(study)


@pytest.mark.parametrize("overlap", ["keep", "drop", "keep-first"])
def test_nothing_to_observe_is_told_under_every_policy(overlap: str) -> None:
    """Thirty events with two readings each: one line for both, where both are lost alike."""
    events = dated([("ZZ", 120 + i, "unknown") for i in range(30)])
    said = r"no event is left to study:\n  e0 ZZ: no_prices.*\n(.*\n){19}  \.\.\. and 10 more$"
    with pytest.raises(StudyError, match=said):
        es.event_study(events, priced(drawn(12, 1)), overlap=overlap, **ASKED)


def test_strict_takes_a_reference_that_no_event_lists_for_no_loss() -> None:
    events, prices = dated([("T0", 120, "pre"), ("T1", 20, "pre")]), priced(drawn(13, 2))
    asked = {"model": "adjusted:T1", "window": [(0, 0)], "tests": ["bmp"], **ASKED}
    whole = es.event_study(events, prices, **asked)  # T1 has too short a history of its own
    assert whole.dropped["event_id"].tolist() == ["e1"]
    with pytest.raises(StudyError, match=r"left out:\n  e1 T1: short_estimation"):
        es.event_study(events, prices, strict=True, **asked)
    only = dated([("T0", 120, "pre"), ("T0", 150, "pre")])
    assert es.event_study(only, prices, strict=True, **asked).observed == 2


@pytest.mark.parametrize("n", [12, 60])
def test_signed_ranks_take_equal_cars_for_ties_whatever_their_last_bits(n: int) -> None:
    from eventstudy.significance.rank import ranked_exactly, signed_rank

    rng = np.random.default_rng(n)
    car = rng.normal(0, 0.05, n)
    car[1], car[4:7] = -car[0], car[3]
    expected = stats.wilcoxon(car, alternative="greater", method="approx", correction=False)
    moved = car.copy()
    moved[1] = np.nextafter(moved[1], 1.0)
    moved[5] += 2e-17
    assert not ranked_exactly(moved)
    w, greater, _, named = signed_rank(moved)
    assert named == f"normal with tie correction, N={n}"
    assert w == pytest.approx(expected.statistic, abs=1e-9)
    assert greater == pytest.approx(expected.pvalue, rel=1e-9)
