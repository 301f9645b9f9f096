"""The study on the shipped sample and on worlds made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eventstudy as es
from eventstudy.study.groups import direction, lead_spread

AVGO = "avgo-earnings-2024-12-12"
TALK = "sutskever-neurips-2024"


def car(study: es.StudyResult, event: str, ticker: str, model: str, window: str = "0,0",
        alignment: str = "next") -> pd.Series:  # fmt: skip
    rows = study.cars
    found = rows[
        (rows["event_id"] == event) & (rows["ticker"] == ticker) & (rows["model"] == model)
        & (rows["window"] == window) & (rows["alignment"] == alignment)
    ]  # fmt: skip
    assert len(found) == 1
    return found.iloc[0]


def test_broadcoms_day_by_hand(sample_study: es.StudyResult) -> None:
    """AVGO 180.66 -> 224.80 and NVDA 137.34 -> 134.25 on 2024-12-13, SPY 604.33 -> 604.21."""
    found = car(sample_study, AVGO, "AVGO", "market-adjusted")
    assert found["car"] == pytest.approx(224.80 / 180.66 - 604.21 / 604.33, abs=1e-12)
    nvidia = car(sample_study, AVGO, "NVDA", "market-adjusted")
    assert nvidia["car"] == pytest.approx(134.25 / 137.34 - 604.21 / 604.33, abs=1e-12)


def test_broadcoms_jump_stands_out_and_nvidias_fall_does_not(
    sample_study: es.StudyResult,
) -> None:
    assert car(sample_study, AVGO, "AVGO", "market")["car"] == pytest.approx(0.245, abs=0.005)
    assert car(sample_study, AVGO, "AVGO", "market")["t"] > 8
    assert abs(car(sample_study, AVGO, "NVDA", "market")["t"]) < 1.96


def test_a_spread_is_the_difference_of_its_baskets(sample_study: es.StudyResult) -> None:
    for model in ("market", "market-adjusted", "mean"):
        asic = car(sample_study, AVGO, "@ASIC", model)
        gpu = car(sample_study, AVGO, "@GPU", model)
        spread = car(sample_study, AVGO, "@ASIC-@GPU", model)
        assert spread["car"] == pytest.approx(asic["car"] - gpu["car"], abs=1e-12)


def test_ex_subject_leaves_the_reporter_out(sample_study: es.StudyResult) -> None:
    found = car(sample_study, AVGO, "@ASIC-@GPU:ex", "market")
    marvell = car(sample_study, AVGO, "MRVL", "market")
    gpu = car(sample_study, AVGO, "@GPU", "market")
    assert found["car"] == pytest.approx(marvell["car"] - gpu["car"], abs=1e-12)


def test_the_talk_is_run_both_ways(sample_study: es.StudyResult) -> None:
    rows = sample_study.abnormal
    talk = rows[(rows["event_id"] == TALK) & (rows["ticker"] == "NVDA") & (rows["day"] == 0)]
    dates = talk.groupby("alignment")["date"].unique().map(lambda d: str(d[0])[:10]).to_dict()
    assert dates == {"same": "2024-12-13", "next": "2024-12-16"}
    assert sample_study.alignments == ("stated", "same", "next")


def test_the_talk_and_the_release_coincide_under_one_reading(
    sample_study: es.StudyResult,
) -> None:
    rows = sample_study.overlaps
    pair = rows[
        (rows[["event_id", "other_id"]].isin([AVGO, TALK]).all(axis=1))
        & (rows["kind"] == "coincide")
    ]
    assert set(pair["ticker"]) == {"AVGO", "NVDA", "MRVL", "@ASIC-@GPU:ex"}
    assert np.allclose(
        car(sample_study, AVGO, "NVDA", "market")["car"],
        car(sample_study, TALK, "NVDA", "market", alignment="same")["car"],
        atol=0,
    )


def test_alignments_hold_what_the_contract_says(sample_study: es.StudyResult) -> None:
    ids = sample_study.abnormal.groupby("alignment")["event_id"].agg(set)
    assert ids["stated"] < ids["same"] == ids["next"]
    assert TALK in ids["same"] - ids["stated"]


def test_the_estimation_window_shrinks_and_says_so(sample_study: es.StudyResult) -> None:
    """The sample's first return is of its second session, so row t has t - 10 before the gap."""
    sessions = sample_study.days
    position = int(np.flatnonzero(sessions == np.datetime64("2024-12-13"))[0])
    assert car(sample_study, AVGO, "AVGO", "market")["n_estimation"] == position - 10 - 1


def test_what_falls_out_is_listed_with_its_reason(sample_study: es.StudyResult) -> None:
    dropped = sample_study.dropped.set_index("event_id")
    assert dropped.loc["h20-resume-2025", "reason"] == "out_of_span"
    assert (sample_study.dropped["reason"] == "no_prices").any()
    googl = sample_study.dropped[
        (sample_study.dropped["event_id"] == AVGO) & (sample_study.dropped["ticker"] == "GOOGL")
    ]
    assert list(googl["reason"]) == ["no_prices"]
    studied = {o.reading.event.event_id for o in sample_study.observations}
    fully_lost = set(sample_study.dropped["event_id"]) - studied
    assert studied | fully_lost == {e.event_id for e in sample_study.events.study}


def test_directional_groups_are_signed(sample_study: es.StudyResult) -> None:
    """gpu+ tests minus the spread: its CAAR is minus the mean of the spread's CARs."""
    rows = sample_study.effects
    gpu = rows[
        (rows["group"] == "gpu+") & (rows["alignment"] == "next") & (rows["model"] == "market")
        & (rows["window"] == "0,0")
    ].iloc[0]  # fmt: skip
    lead = lead_spread(sample_study.config.observed, sample_study.events.baskets)
    assert lead is not None
    ids = [e.event_id for e in sample_study.events.study if direction(e, lead) == ("gpu+", -1)]
    cars = sample_study.cars
    mine = cars[
        cars["event_id"].isin(ids) & (cars["ticker"] == "@ASIC-@GPU:ex")
        & (cars["alignment"] == "next") & (cars["model"] == "market") & (cars["window"] == "0,0")
    ]  # fmt: skip
    assert gpu["n"] == len(mine) > 0
    assert gpu["caar"] == pytest.approx(-mine["car"].mean(), abs=1e-14)


def test_both_signed_news_is_two_sided_only(sample_study: es.StudyResult) -> None:
    rows = sample_study.group_tests
    both = rows[rows["group"] == "both+"]
    assert len(both)
    assert both[["p_greater", "p_less"]].isna().all(axis=None)
    assert both.loc[both["test"] == "cross_sectional", "p_value"].notna().all()


def test_groups_of_the_contract_are_there(sample_study: es.StudyResult) -> None:
    groups = set(sample_study.group_tests["group"])
    assert {
        "all", "earnings", "research", "peer:NVDA", "peer:AVGO", "@ASIC", "@GPU", "@ASIC-@GPU",
        "@ASIC-@GPU:ex", "asic+", "gpu+", "both+", "both-", "directional",
    } <= groups  # fmt: skip


def test_one_row_an_event_in_group_all(sample_study: es.StudyResult) -> None:
    group = next(g for g in sample_study.groups if g.name == "all")
    readings = [sample_study.observations[i].reading for i in group.rows]
    assert len(readings) == len({(r.event.event_id, r.session_0) for r in readings})


def test_effects_of_one_event_use_the_forecast_error(sample_study: es.StudyResult) -> None:
    effects = sample_study.effects
    single = effects[(effects["n"] == 1) & (effects["window"] == "0,0")]
    assert len(single)
    row = single[(single["model"] == "market")].iloc[0]
    # hi - lo is twice t_0.975 times the standard error; with some 150 degrees of freedom
    # that is between 3.9 and 4.0 standard errors.
    assert 3.9 < (row["hi"] - row["lo"]) / row["se"] < 4.0
    assert 2.79 < row["mde"] / row["se"] < 2.85


def test_placebo_time_by_a_plain_loop(root: Path) -> None:
    """Refit at every session by numpy.polyfit and rank the CAR among windows clear of events."""
    events = es.read_events(root / "events.csv").select([AVGO])
    prices = es.load_prices({"AVGO", "NVDA", "MRVL", "AMD", "SPY"}, source="sample")
    study = es.event_study(events, prices, window=(0, 1), min_estimation=100)
    returns = pd.DataFrame(study.returns, columns=list(study.grid_tickers))
    y, x = returns["NVDA"].to_numpy(), returns["SPY"].to_numpy()
    zero = int(np.flatnonzero(study.days == np.datetime64("2024-12-13"))[0])
    draws, own = [], None
    for t in range(len(y) - 1):
        before = slice(max(1, t - 260), max(1, t - 10))
        if before.stop - before.start < 100:
            continue
        beta, alpha = np.polyfit(x[before], y[before], 1)
        value = sum(y[t + k] - alpha - beta * x[t + k] for k in (0, 1))
        if t == zero:
            own = value
        if not {t, t + 1} & {zero, zero + 1}:
            draws.append(value)
    assert own is not None
    greater = (1 + sum(d >= own for d in draws)) / (1 + len(draws))
    less = (1 + sum(d <= own for d in draws)) / (1 + len(draws))
    rows = study.single_tests
    found = rows[(rows["group"] == f"{AVGO}/NVDA") & (rows["test"] == "placebo_time")].iloc[0]
    assert found["statistic"] == pytest.approx(own, abs=1e-12)
    assert found["distribution"].startswith(f"ranks among {len(draws)},")
    assert found["p_greater"] == pytest.approx(greater, abs=1e-12)
    assert found["p_value"] == pytest.approx(min(1, 2 * min(greater, less)), abs=1e-12)


def test_the_largest_earnings_day_of_its_kind(sample_study: es.StudyResult) -> None:
    """AVGO has two earnings days in the sample that can be studied; December's is the larger."""
    rows = sample_study.single_tests
    found = rows[
        (rows["group"] == f"{AVGO}/AVGO") & (rows["test"] == "placebo_kind")
        & (rows["model"] == "market") & (rows["window"] == "0,0")
    ].iloc[0]  # fmt: skip
    assert found["p_value"] == pytest.approx(1 / 2)
    assert found["distribution"].startswith("ranks among 1,")
    assert found["caveat"] == "few draws"


def test_six_lines_of_the_design(root: Path, tmp_path: Path) -> None:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    study = es.event_study(events, prices, model="market", benchmark="SPY", window=(-1, 1))
    assert "events on" in study.summary()
    assert str(study) == study.summary()
    assert "<table" in study._repr_html_()
    es.write_report(study, tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size > 100_000


def test_a_frame_of_adjusted_closes_gives_the_same_study(sample_study: es.StudyResult) -> None:
    """Total returns chained into adjusted closes carry the same study."""
    table = sample_study.prices
    growth = np.cumprod(np.vstack([np.ones(len(table.tickers)), 1 + table.returns[1:]]), axis=0)
    frame = pd.DataFrame(growth * 50, index=pd.DatetimeIndex(table.dates), columns=table.tickers)
    other = es.event_study(
        sample_study.events, es.load_prices(frame), window=[(0, 0), (-1, 1), (2, 10)]
    )
    mine = sample_study.cars[sample_study.cars["model"] == "market"].reset_index(drop=True)
    np.testing.assert_allclose(other.cars["car"], mine["car"], atol=1e-12)
    np.testing.assert_allclose(other.cars["se"], mine["se"], rtol=1e-9)


@pytest.fixture(scope="module")
def five() -> es.PriceTable:
    return es.load_prices({"AVGO", "NVDA", "MRVL", "AMD", "SPY"}, source="sample")


@pytest.fixture(scope="module")
def unchanged(root: Path, five: es.PriceTable) -> es.StudyResult:
    """The study of two releases on adjusted closes that end as they did."""
    events = es.read_events(root / "events.csv").select([AVGO, "avgo-earnings-2024-09-05"])
    return es.event_study(events, es.load_prices(closes(five)), window=(0, 1))


def closes(prices: es.PriceTable) -> pd.DataFrame:
    return pd.DataFrame(prices.close, index=pd.DatetimeIndex(prices.dates), columns=prices.tickers)


@given(seed=st.integers(0, 2**16))
@settings(max_examples=8, deadline=None)
def test_returns_after_the_window_change_nothing_before(
    five: es.PriceTable, unchanged: es.StudyResult, seed: int
) -> None:
    changed = closes(five)
    later = changed.index > "2024-12-16"
    noise = np.random.default_rng(seed).lognormal(0, 0.1, (int(later.sum()), 5))
    changed.loc[later] *= noise
    other = es.event_study(unchanged.events, es.load_prices(changed), window=(0, 1))
    pd.testing.assert_frame_equal(unchanged.cars, other.cars)


@pytest.fixture(scope="module")
def autumn(root: Path) -> pd.DataFrame:
    frame = pd.read_csv(root / "events.csv", dtype=str, keep_default_na=False)
    return frame[frame["date"].between("2024-09-01", "2025-02-01")]


@pytest.fixture(scope="module")
def in_order(autumn: pd.DataFrame, five: es.PriceTable) -> es.StudyResult:
    return es.event_study(es.read_events(autumn), five, window=(0, 1))


@given(seed=st.integers(0, 2**16))
@settings(max_examples=3, deadline=None)
def test_the_order_of_rows_changes_nothing(
    autumn: pd.DataFrame, in_order: es.StudyResult, five: es.PriceTable, seed: int
) -> None:
    mixed = es.read_events(autumn.sample(frac=1.0, random_state=seed))
    keys = ["event_id", "ticker", "alignment", "window"]
    one, other = in_order, es.event_study(mixed, five, window=(0, 1))
    pd.testing.assert_frame_equal(
        one.cars.sort_values(keys, ignore_index=True),
        other.cars.sort_values(keys, ignore_index=True),
    )
    tests = ["group", "alignment", "window", "test"]
    a, b = (s.group_tests.sort_values(tests, ignore_index=True) for s in (one, other))
    np.testing.assert_allclose(a["statistic"], b["statistic"], rtol=1e-9, atol=1e-12)


@pytest.mark.vendor
def test_the_real_prices(root: Path, vendor: Path) -> None:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source=vendor)
    study = es.event_study(events, prices, window=[(0, 0), (0, 1), (2, 10)])
    avgo = car(study, AVGO, "AVGO", "market")
    nvda = car(study, AVGO, "NVDA", "market")
    assert avgo["car"] == pytest.approx(0.245, abs=0.001)
    assert avgo["n_estimation"] == 250
    assert abs(nvda["t"]) < 1.96
    rows = study.single_tests
    found = rows[
        (rows["group"] == f"{AVGO}/AVGO")
        & (rows["test"] == "placebo_kind")
        & (rows["window"] == "0,0")
    ]
    assert list(found["p_value"]) == pytest.approx([1 / 9])


def test_overlaps_are_those_of_the_studied_events(sample_study: es.StudyResult) -> None:
    rows = sample_study.overlaps
    studied = set(sample_study.studied)
    assert set(rows["event_id"]) | set(rows["other_id"]) <= studied
    lead = rows[rows["ticker"] == "@ASIC-@GPU:ex"]
    sessions = {
        (o.reading.event.event_id, o.reading.position)
        for o in sample_study.observations
        if o.label == "@ASIC-@GPU:ex"
    }
    length = len(sample_study.config.frame.days)
    expected = {
        frozenset((a, b))
        for a, i in sessions
        for b, j in sessions
        if a != b and abs(i - j) < length
    }
    assert {
        frozenset(p) for p in lead[["event_id", "other_id"]].itertuples(index=False)
    } == expected


def test_tiny_p_values_are_never_printed_as_zero(sample_study: es.StudyResult) -> None:
    assert " 0.000" not in sample_study.summary()


def test_tests_can_be_watched(in_order: es.StudyResult) -> None:
    told: list[tuple[str, int, int]] = []
    again = replace(in_order)
    found = again.compute_tests(lambda *said: told.append(said))
    pd.testing.assert_frame_equal(found, in_order.tests)
    assert found is again.tests
    assert [done for _, done, _ in told] == list(range(len(told)))
    groups = len(in_order.group_tests[["group", "alignment", "model"]].drop_duplicates())
    assert len(told) == groups <= told[0][2]
