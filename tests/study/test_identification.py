"""What daily data cannot tell apart, and what depends on the reading of an uncertain time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import statsmodels.api as sm

import eventstudy as es

DAYS = es.load_prices({"SPY"}, source="sample").dates[:230]
TICKERS = ("AVGO", "MRVL", "NVDA", "AMD", "SPY")
SETTINGS = {"estimation": 60, "gap": 5, "min_estimation": 30}
JUMP = 0.2


@pytest.fixture(scope="module")
def prices() -> es.PriceTable:
    """Independent walks; AVGO gains 20% on session 150 and hardly moves on the next."""
    rng = np.random.default_rng(11)
    returns = rng.standard_t(4, (len(DAYS), len(TICKERS))) * 0.01
    returns[150:152, 0] = JUMP, 0.001
    closes = 100.0 * np.cumprod(1.0 + returns, axis=0)
    return es.load_prices(pd.DataFrame(closes, pd.DatetimeIndex(DAYS), list(TICKERS)))


def events(*rows: dict[str, object]) -> es.EventCalendar:
    base = {"session": "pre", "tickers": "AVGO", "subject": "", "expects": "", "kind": ""}
    made = [base | row | {"date": str(DAYS[row["date"]])} for row in rows]  # type: ignore[call-overload]
    return es.read_events(pd.DataFrame(made))


A = {"event_id": "a", "date": 150, "subject": "AVGO", "expects": "@ASIC+"}
B = {"event_id": "b", "date": 150, "subject": "OpenAI", "expects": "@ASIC+"}
C = {"event_id": "c", "date": 170, "subject": "NVDA", "tickers": "NVDA", "expects": "@GPU+"}
LEAD = "@ASIC-@GPU:ex"


def n_of(study: es.StudyResult, alignment: str = "stated") -> dict[str, tuple[int, int]]:
    rows = study.effects[(study.effects["alignment"] == alignment)]
    rows = rows[rows["window"] == "0,0"]
    return {g: (n, d) for g, n, d in zip(rows["group"], rows["n"], rows["n_dates"], strict=True)}


def sums(study: es.StudyResult, label: str) -> dict[str, float]:
    rows = study.cars[(study.cars["ticker"] == label) & (study.cars["window"] == "0,0")]
    return dict(zip(rows["event_id"], rows["car"], strict=True))


def caar(study: es.StudyResult, group: str) -> float:
    rows = study.effects[(study.effects["group"] == group) & (study.effects["window"] == "0,0")]
    assert len(rows) == 1
    return float(rows["caar"].iloc[0])


def test_the_joint_effect_stands_under_both_names(prices: es.PriceTable) -> None:
    """By hand: market model by statsmodels, interval by t with 60 - 2 degrees of freedom."""
    study = es.event_study(events(A, B, C), prices, window=[(0, 0), (0, 1)], **SETTINGS)
    found = study.identification
    assert set(found["kind"]) == {"coincide"}
    avgo = found[(found["series"] == "AVGO") & (found["window"] == "0,1")]
    assert list(avgo["event_id"]) == ["a", "b"]
    assert list(avgo["other_ids"]) == ["b", "a"]
    assert set(avgo["session_0"]) == {pd.Timestamp(DAYS[150])}
    r = prices.returns
    x = sm.add_constant(r[:, prices.column("SPY")])
    fitted = sm.OLS(r[85:145, prices.column("AVGO")], x[85:145]).fit()
    car = (r[[150, 151], prices.column("AVGO")] - x[[150, 151]] @ fitted.params).sum()
    ahead = x[[150, 151]].sum(axis=0)
    se = np.sqrt(2 * fitted.mse_resid + ahead @ fitted.cov_params() @ ahead)
    reach = scipy.stats.t.ppf(0.975, 58) * se
    for column, value in (("car", car), ("se", se), ("lo", car - reach), ("hi", car + reach)):
        np.testing.assert_allclose(avgo[column], value, rtol=1e-10)
    assert set(avgo["statement"]) == {
        f"a and b have the same session 0, {DAYS[150]}: daily data cannot separate them; what is "
        "measured is their joint effect, shown under each name"
    }
    spread = found[(found["series"] == LEAD) & (found["window"] == "0,0")]
    assert dict(zip(spread["event_id"], spread["car"], strict=True)) == {
        name: sums(study, LEAD)[name] for name in ("a", "b")
    }
    assert (
        spread["statement"]
        .str.endswith(f"on {LEAD} each name leaves out its own subject only")
        .all()
    )


def test_coinciding_events_are_one_observation_of_a_group(prices: es.PriceTable) -> None:
    """On the spread that leads, a stands for both: its series is without the reporter."""
    for rows in ((B, A, C), (A, B, C)):
        study = es.event_study(events(*rows), prices, window=0, **SETTINGS)
        found = n_of(study)
        assert found["directional"] == found[LEAD] == found["@ASIC"] == found["all"] == (2, 2)
        assert found["asic+"] == found["gpu+"] == (1, 1)
        spread = sums(study, LEAD)
        assert caar(study, "asic+") == pytest.approx(spread["a"], abs=1e-15)
        assert caar(study, "directional") == pytest.approx((spread["a"] - spread["c"]) / 2)
        tests = study.tests[study.tests["group"] == "directional"]
        assert set(tests["n"]) == {2}
    left = study.merged[study.merged["group"] == "asic+"]
    assert left.to_numpy().tolist() == [
        ["asic+", "stated", "b", LEAD, "coincides",
         f"session 0 {DAYS[150]}: one effect with a, which stands for it"],
    ]  # fmt: skip
    assert "1 event: one effect with an event of the same session 0" in study.summary()


def test_equal_series_stand_under_the_first_row(prices: es.PriceTable) -> None:
    study = es.event_study(events(B, A), prices, window=0, **SETTINGS)
    held = study.merged.set_index("group")["event_id"]
    assert held["@ASIC"] == "a"
    assert held[LEAD] == "b"


def test_different_series_of_one_date_stay_apart(prices: es.PriceTable) -> None:
    """On their own tickers two firms that report on one date are two observations."""
    nvda = C | {"date": 150}
    found = n_of(es.event_study(events(A, nvda), prices, window=0, **SETTINGS))
    assert found["all"] == (2, 1)
    assert found["@ASIC"] == found[LEAD] == (1, 1)


def test_news_that_contradicts_itself_has_no_expected_side(prices: es.PriceTable) -> None:
    against = B | {"expects": "@GPU+"}
    with_d = C | {"event_id": "d", "date": 190, "expects": "@ASIC+"}
    study = es.event_study(events(A, against, C, with_d), prices, window=0, **SETTINGS)
    found = n_of(study)
    assert found["directional"] == (2, 2)
    assert found["asic+"] == found["gpu+"] == (1, 1)
    assert found[LEAD] == (3, 3)
    spread = sums(study, LEAD)
    assert caar(study, "directional") == pytest.approx((spread["d"] - spread["c"]) / 2)
    assert caar(study, "asic+") == pytest.approx(spread["d"])
    rows = study.merged[study.merged["reason"] == "contradicts"]
    assert list(zip(rows["group"], rows["event_id"], strict=True)) == [
        ("directional", "a"), ("directional", "b"), ("asic+", "a"), ("gpu+", "b"),
    ]  # fmt: skip
    assert (
        rows["detail"].iloc[0]
        == f"session 0 {DAYS[150]}: expects the opposite of b: no expected side"
    )
    assert "2 events: news of opposite signs on one session 0" in study.summary()


def test_a_group_that_contradicts_itself_throughout_is_not_tested(prices: es.PriceTable) -> None:
    study = es.event_study(events(A, B | {"expects": "@GPU+"}), prices, window=0, **SETTINGS)
    assert not {"directional", "asic+", "gpu+"} & set(study.effects["group"])
    assert not {"directional", "asic+", "gpu+"} & {group.name for group in study.groups}
    assert "directional" not in study.summary().split("Prices:")[1].split("\n\n")[1]


U = {"event_id": "u", "date": 150, "session": "unknown", "expects": "@ASIC+"}


def test_each_reading_merges_by_itself(prices: es.PriceTable) -> None:
    """u shares the session of a under `same`, and has its own under `next`."""
    study = es.event_study(events(A, U, C), prices, window=0, **SETTINGS)
    assert n_of(study, "stated")["asic+"] == (1, 1)
    assert n_of(study, "same")["asic+"] == (1, 1)
    assert n_of(study, "next")["asic+"] == (2, 2)
    found = study.identification
    assert set(found["alignment"]) == {"same"}
    assert found["statement"].str.contains("under the reading 'same': daily data").all()


def sq_by_hand(prices: es.PriceTable, at: int, ticker: str = "AVGO") -> tuple[float, float]:
    """Abnormal return and two-sided rank among the residuals over sqrt(1 - h)."""
    r = prices.returns
    x = sm.add_constant(r[:, prices.column("SPY")])
    before = slice(at - 65, at - 5)
    fitted = sm.OLS(r[before, prices.column(ticker)], x[before]).fit()
    car = float(r[at, prices.column(ticker)] - x[at] @ fitted.params)
    draws = fitted.resid / np.sqrt(1 - fitted.get_influence().hat_matrix_diag)
    greater, less = ((1 + k.sum()) / 61 for k in (draws >= car, draws <= car))
    return car, min(1.0, 2 * min(greater, less))


def test_a_conclusion_that_hangs_on_the_reading_is_named(prices: es.PriceTable) -> None:
    """AVGO jumps on session 150: news of that day under `same`, of the day before under `next`."""
    study = es.event_study(events(U, C), prices, window=0, **SETTINGS)
    found = study.reading_verdicts.set_index("group")
    row = found.loc["u/AVGO"]
    by_hand = [sq_by_hand(prices, at) for at in (150, 151)]
    assert [row["effect_same"], row["effect_next"]] == pytest.approx([c for c, _ in by_hand])
    assert [row["p_same"], row["p_next"]] == pytest.approx([p for _, p in by_hand], rel=1e-12)
    assert row["p_same"] == pytest.approx(2 / 61)
    assert row["p_next"] > 0.05
    assert row["conclusion_changes"]
    assert row["sign_changes"] == (by_hand[1][0] < 0)
    assert row["test_same"] == row["test_next"] == "sq"
    assert row["statement"].startswith(
        f"u/AVGO [0,0]: {100 * by_hand[0][0]:+.2f}% (p 0.033) under same, "
    )
    assert "the conclusion at 5% depends on the reading" in row["statement"]
    assert {"u/AVGO", f"u/{LEAD}", "directional", "asic+", "all", "@GPU"} <= set(found.index)
    assert not found.index.str.startswith("c/").any()
    assert "The conclusion at 5% depends on the reading in" in study.summary()
    gpu = found.loc["gpu+"]
    assert not gpu["conclusion_changes"]
    assert not gpu["sign_changes"]
    assert gpu["effect_same"] == gpu["effect_next"]


def test_single_events_are_ranked_among_residuals_over_their_leverage(
    prices: es.PriceTable,
) -> None:
    """By hand; without the leverage some of these ranks are others."""
    listed = ";".join(TICKERS[:4])
    rows = [U | {"event_id": f"u{at}", "date": at, "tickers": listed} for at in range(90, 190, 10)]
    study = es.event_study(events(*rows), prices, window=0, observed=[], **SETTINGS)
    found = study.reading_verdicts.set_index("group")
    for at in range(90, 190, 10):
        for ticker in TICKERS[:4]:
            row = found.loc[f"u{at}/{ticker}"]
            by_hand = [sq_by_hand(prices, at + later, ticker)[1] for later in (0, 1)]
            assert [row["p_same"], row["p_next"]] == pytest.approx(by_hand, rel=1e-12)


def test_groups_of_several_are_judged_by_the_test_of_the_tables(prices: es.PriceTable) -> None:
    study = es.event_study(
        events(U, C, A | {"date": 190}), prices, window=[(0, 0), (0, 1)], **SETTINGS
    )
    tests = study.group_tests[study.group_tests["test"] == "kolari_pynnonen"]
    tests = tests.set_index(["group", "alignment", "window"])
    effects = study.effects.set_index(["group", "alignment", "window"])
    verdicts = study.reading_verdicts
    several = verdicts[verdicts["test_same"] == "kolari_pynnonen"]
    assert {"directional", "asic+", "@ASIC", "all"} <= set(several["group"])
    for row in several.itertuples():
        for reading in ("same", "next"):
            key = (row.group, reading, row.window)
            assert getattr(row, f"p_{reading}") == tests.loc[key, "p_value"]
            assert getattr(row, f"effect_{reading}") == pytest.approx(effects.loc[key, "caar"])
            assert getattr(row, f"n_{reading}") == effects.loc[key, "n"]


def test_without_uncertain_times_there_is_nothing_to_judge(prices: es.PriceTable) -> None:
    study = es.event_study(events(A, C), prices, window=0, **SETTINGS)
    assert study.reading_verdicts.empty
    assert study.identification.empty
    assert study.merged.empty


def test_a_reading_outside_the_prices_is_said_to_be_missing(prices: es.PriceTable) -> None:
    late = U | {"date": 229}
    study = es.event_study(events(late, A), prices, window=0, **SETTINGS)
    row = study.reading_verdicts.set_index("group").loc["u/AVGO"]
    assert (row["n_same"], row["n_next"]) == (1, 0)
    assert np.isnan(row["p_next"])
    assert "not measured under next: only one reading can be measured" in row["statement"]


def test_shared_sessions_of_joint_regressions_are_flagged(prices: es.PriceTable) -> None:
    """a covers 150-153, c 152-155: 152 and 153 are days 2,3 of a and 0,1 of c."""
    rows = (A | {"subject": "", "tickers": "AVGO"}, A | {"event_id": "c", "date": 152})
    study = es.event_study(
        events(*rows), prices, window=(0, 3), overlap="joint", observed=[], **SETTINGS
    )
    found = study.identification.set_index("event_id")
    assert found["kind"].tolist() == ["shared", "shared"]
    assert found["window"].to_dict() == {"a": "2,3", "c": "0,1"}
    assert found["other_ids"].to_dict() == {"a": "c", "c": "a"}
    assert found.loc["a", "car"] == pytest.approx(found.loc["c", "car"], rel=1e-12)
    r = prices.returns
    x = sm.add_constant(r[:, prices.column("SPY")])
    before = np.r_[85:147]
    b = sm.OLS(r[before, prices.column("AVGO")], x[before]).fit().params
    by_hand = (r[[152, 153], prices.column("AVGO")] - x[[152, 153]] @ b).sum()
    assert found.loc["a", "car"] == pytest.approx(by_hand, rel=1e-10)
    assert "one dummy each, which belongs to both" in found.loc["a", "statement"]
    kept = es.event_study(events(*rows), prices, window=(0, 3), observed=[], **SETTINGS)
    assert kept.identification.empty
