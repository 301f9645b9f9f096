"""The study on the shipped sample and on worlds made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eventstudy as es
from eventstudy.errors import EventStudyError, StudyError, UnknownNameError
from eventstudy.study.groups import direction, lead_spread
from eventstudy.windows import make_frame, parse_window

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


@given(seed=st.integers(0, 2**16))
@settings(max_examples=8, deadline=None)
def test_returns_after_the_window_change_nothing_before(root: Path, seed: int) -> None:
    events = es.read_events(root / "events.csv").select([AVGO, "avgo-earnings-2024-09-05"])
    prices = es.load_prices({"AVGO", "NVDA", "MRVL", "AMD", "SPY"}, source="sample")
    frame = pd.DataFrame(prices.close, index=pd.DatetimeIndex(prices.dates), columns=prices.tickers)
    later = frame.index > "2024-12-16"
    changed = frame.copy()
    noise = np.random.default_rng(seed).lognormal(0, 0.1, (int(later.sum()), 5))
    changed.loc[later] *= noise
    one, other = (
        es.event_study(events, es.load_prices(f), window=(0, 1)).cars for f in (frame, changed)
    )
    pd.testing.assert_frame_equal(one, other)


@given(seed=st.integers(0, 2**16))
@settings(max_examples=8, deadline=None)
def test_the_order_of_rows_changes_nothing(root: Path, seed: int) -> None:
    frame = pd.read_csv(root / "events.csv", dtype=str, keep_default_na=False)
    frame = frame[frame["date"].between("2024-09-01", "2025-02-01")]
    mixed = frame.sample(frac=1.0, random_state=seed)
    prices = es.load_prices({"AVGO", "NVDA", "MRVL", "AMD", "SPY"}, source="sample")
    keys = ["event_id", "ticker", "alignment", "window"]
    one, other = (es.event_study(es.read_events(f), prices, window=(0, 1)) for f in (frame, mixed))
    pd.testing.assert_frame_equal(
        one.cars.sort_values(keys, ignore_index=True),
        other.cars.sort_values(keys, ignore_index=True),
    )
    tests = ["group", "alignment", "window", "test"]
    a, b = (s.group_tests.sort_values(tests, ignore_index=True) for s in (one, other))
    np.testing.assert_allclose(a["statistic"], b["statistic"], rtol=1e-9, atol=1e-12)


def small(closes: dict[str, list[float]], start: str = "2024-03-01") -> es.PriceTable:
    sessions = pd.DatetimeIndex(es.load_prices({"SPY"}, source="sample").dates)
    length = len(next(iter(closes.values())))
    return es.load_prices(pd.DataFrame(closes, index=sessions[:length]))


def walk(seed: int, length: int = 200) -> list[float]:
    rng = np.random.default_rng(seed)
    return list(100 * np.cumprod(1 + rng.normal(0, 0.01, length)))


def calendar(**row: str) -> es.EventCalendar:
    values = {"event_id": "e", "date": "2024-10-01", "session": "pre", "tickers": "AVGO"} | row
    return es.read_events(pd.DataFrame([values]))


def test_constant_returns_drop_the_pair_and_say_so() -> None:
    prices = small({"AVGO": [100.0] * 200, "SPY": walk(1)})
    with pytest.raises(StudyError, match="e AVGO: no_variance: returns of AVGO do not vary"):
        es.event_study(calendar(), prices, model="mean")


def test_a_benchmark_that_does_not_vary_says_so() -> None:
    prices = small({"AVGO": walk(1), "SPY": [100.0] * 200})
    with pytest.raises(StudyError, match="singular_design.*the benchmark does not vary"):
        es.event_study(calendar(), prices)


def test_too_short_an_estimation_window_says_how_short() -> None:
    """2024-07-15 is session 92 from 0; returns 1 to 81 end eleven sessions before it."""
    prices = small({"AVGO": walk(1), "SPY": walk(2)})
    with pytest.raises(StudyError, match="AVGO has 81 usable sessions before 2024-07-15"):
        es.event_study(calendar(date="2024-07-15"), prices)


def test_prices_that_stop_before_the_event_say_so() -> None:
    prices = small({"AVGO": walk(1), "SPY": walk(2)})
    with pytest.raises(StudyError, match="out_of_span: session 0 is 2025-01-10; prices run from"):
        es.event_study(calendar(date="2025-01-10"), prices)


def test_a_missing_return_in_the_window_names_its_date() -> None:
    closes = walk(1)
    table = small({"AVGO": closes, "SPY": walk(2)})
    hole = int(np.flatnonzero(table.dates == np.datetime64("2024-10-01"))[0])
    closes[hole] = np.nan
    with pytest.raises(StudyError, match="missing_returns: AVGO has no return on 2024-10-01"):
        es.event_study(calendar(), small({"AVGO": closes, "SPY": walk(2)}))


def test_basket_members_without_a_full_window_leave_it_and_are_listed() -> None:
    prices = small({"AVGO": walk(1), "NVDA": walk(3), "AMD": walk(4), "SPY": walk(2)})
    study = es.event_study(calendar(), prices)
    asic = next(o for o in study.observations if o.label == "@ASIC")
    assert asic.weights == (("AVGO", 1.0),)
    left = study.dropped[study.dropped["ticker"] == "@ASIC"]
    assert list(left["reason"]) == ["member_no_prices"]


def test_strict_fails_at_any_loss() -> None:
    prices = small({"AVGO": walk(1), "NVDA": walk(3), "AMD": walk(4), "SPY": walk(2)})
    with pytest.raises(StudyError, match="strict: something was left out"):
        es.event_study(calendar(), prices, strict=True)


def test_weighted_baskets_by_hand() -> None:
    prices = small({"AVGO": walk(1), "MRVL": walk(3), "SPY": walk(2)})
    baskets = es.make_baskets({"ASIC": {"AVGO": 3, "MRVL": 1}, "GPU": ["NVDA"]})
    events = calendar().with_baskets(baskets)
    study = es.event_study(
        events, prices, model="market-adjusted", observed=["@ASIC"], window=(0, 0)
    )
    t = int(np.flatnonzero(prices.dates == np.datetime64("2024-10-01"))[0])
    r = prices.adj_close[t] / prices.adj_close[t - 1] - 1
    by = dict(zip(prices.tickers, r, strict=True))
    basket = study.cars[study.cars["ticker"] == "@ASIC"].iloc[0]
    expected = 0.75 * by["AVGO"] + 0.25 * by["MRVL"] - by["SPY"]
    assert basket["car"] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": (3, 1)}, "window 3,1 ends before it starts"),
        ({"window": (-20, 1)}, "window -20,1 overlaps the estimation window, which ends at -11"),
        ({"window": "one"}, "window 'one': write a,b"),
        ({"gap": -1}, "gap -1"),
        ({"estimation": 50}, "estimation 50 is shorter than min_estimation 100"),
        ({"model": "markt"}, "did you mean 'market'"),
        ({"benchmark": "SPX"}, "unknown benchmark 'SPX'.*did you mean 'SPY'"),
        ({"benchmark": None}, "model market needs a benchmark"),
        ({"observed": ["@ASIK"]}, "unknown basket '@ASIK'.*did you mean '@ASIC'"),
        ({"observed": ["@ASIC-@GPUS"]}, "unknown basket '@GPUS'"),
        ({"observed": ["@ASIC-GPU"]}, "is no spread"),
        ({"tests": ["corado"]}, "did you mean 'corrado'"),
        ({"convention": "sar"}, "unknown convention 'sar'"),
    ],
)
def test_a_mistake_gets_an_error_that_says_what_is_allowed(
    root: Path, options: dict[str, object], message: str
) -> None:
    events = es.read_events(root / "events.csv").select([AVGO])
    prices = es.load_prices({"AVGO", "NVDA", "MRVL", "AMD", "SPY"}, source="sample")
    with pytest.raises(EventStudyError, match=message):
        es.event_study(events, prices, **options)  # type: ignore[arg-type]


def test_all_faults_of_the_windows_at_once() -> None:
    with pytest.raises(StudyError, match="ends before it starts; window -30,0 overlaps"):
        make_frame([(2, 1), (-30, 0)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("-1,1", (-1, 1)), ("0", (0, 0)), ("[-5, 5]", (-5, 5)), ("+2:+10", (2, 10))],
)
def test_windows_parse(text: str, expected: tuple[int, int]) -> None:
    assert parse_window(text) == expected


def test_events_without_alignment_are_refused() -> None:
    events = es.read_events(
        pd.DataFrame([{"event_id": "e", "date": "2024-10-01", "tickers": "AVGO"}]), calendar=None
    )
    with pytest.raises(StudyError, match="not aligned"):
        es.event_study(events, es.load_prices({"AVGO", "SPY"}, source="sample"))


def test_a_user_model_is_accepted_wherever_a_name_is(root: Path) -> None:
    from eventstudy.models import LinearModel

    class Zero(LinearModel):
        """Expected return of nothing."""

        name = "zero"
        needs_benchmark = False

        def design(self, market: np.ndarray) -> np.ndarray:
            return np.empty((*market.shape, 0))

    events = es.read_events(root / "events.csv").select([AVGO])
    prices = es.load_prices({"AVGO", "NVDA", "MRVL", "AMD", "SPY"}, source="sample")
    found = es.event_study(events, prices, model=Zero(), benchmark=None, window=(0, 0)).cars
    avgo = found[found["ticker"] == "AVGO"].iloc[0]
    assert avgo["car"] == pytest.approx(224.80 / 180.66 - 1, abs=1e-12)


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


def test_unknown_benchmark_is_a_user_error(root: Path) -> None:
    with pytest.raises(UnknownNameError):
        es.event_study(
            es.read_events(root / "events.csv"),
            es.load_prices({"AVGO"}, source="sample"),
        )


def twins() -> es.StudyResult:
    """Two ids of one session: on NVDA and on every basket they are one observation."""
    rows = [
        {
            "event_id": "a",
            "date": "2024-12-13",
            "session": "pre",
            "tickers": "AVGO;NVDA",
            "kind": "k",
        },
        {
            "event_id": "b",
            "date": "2024-12-13",
            "session": "pre",
            "tickers": "AMD;NVDA",
            "kind": "",
        },
    ]
    prices = es.load_prices({"AVGO", "NVDA", "MRVL", "AMD", "SPY"}, source="sample")
    return es.event_study(es.read_events(pd.DataFrame(rows)), prices, window=(0, 0))


def test_coinciding_events_on_one_series_are_one_observation() -> None:
    study = twins()
    tests = study.group_tests[study.group_tests["group"] == "peer:NVDA"].set_index("test")
    for name in ("cross_sectional", "bmp", "kolari_pynnonen"):
        assert np.isnan(tests.loc[name, "statistic"])
        assert np.isnan(tests.loc[name, "p_value"])
        assert "no value" in tests.loc[name, "caveat"]
    effect = study.effects[study.effects["group"] == "peer:NVDA"].iloc[0]
    own = study.cars[(study.cars["event_id"] == "a") & (study.cars["ticker"] == "NVDA")].iloc[0]
    assert effect["se"] == pytest.approx(own["se"], rel=1e-12)
    assert effect["lo"] < effect["caar"] < effect["hi"]


def test_a_group_of_one_event_prints_no_group_test() -> None:
    tests = twins().group_tests
    alone = tests[tests["n"] == 1]
    assert len(alone)
    assert alone["p_value"].isna().all()


def test_sessions_without_a_benchmark_count_against_the_estimation_window() -> None:
    market = walk(2)
    market[: len(market) - 70] = [np.nan] * (len(market) - 70)
    prices = small({"AVGO": walk(1), "SPY": market})
    with pytest.raises(StudyError, match="AVGO has .* sessions usable with the market model"):
        es.event_study(calendar(date="2024-12-02"), prices)


def test_an_ambiguous_event_of_which_only_one_reading_fits(root: Path) -> None:
    """On the last session of the sample the reading `next` lies outside the prices."""
    events = calendar(date="2025-02-28", session="unknown")
    prices = es.load_prices({"AVGO", "NVDA", "MRVL", "AMD", "SPY"}, source="sample")
    study = es.event_study(events, prices, window=(0, 0))
    assert study.alignments == ("same",)
    assert "1 events on 1 dates" in study.summary()
    assert list(study.dropped["reason"]) == ["out_of_span"]


def test_a_kind_may_be_called_like_a_group() -> None:
    rows = [
        {"event_id": "a", "date": "2024-12-13", "tickers": "AVGO", "kind": "@ASIC"},
        {"event_id": "b", "date": "2024-12-16", "tickers": "AVGO", "kind": "all"},
    ]
    frame = pd.DataFrame(rows).assign(session="pre")
    prices = es.load_prices({"AVGO", "NVDA", "MRVL", "AMD", "SPY"}, source="sample")
    study = es.event_study(es.read_events(frame), prices, window=(0, 0))
    assert {"kind:@ASIC", "kind:all", "all", "@ASIC"} <= set(study.effects["group"])
    assert not study.summary_frame().duplicated(["group", "window", "alignment"]).any()


def test_overlapping_windows_show_in_the_caveats_of_time_series_and_corrado() -> None:
    rows = [
        {"event_id": e, "date": d, "tickers": "AVGO", "session": "pre"}
        for e, d in (("a", "2024-12-10"), ("b", "2024-12-12"), ("c", "2024-10-01"))
    ]
    prices = es.load_prices({"AVGO", "NVDA", "MRVL", "AMD", "SPY"}, source="sample")
    study = es.event_study(es.read_events(pd.DataFrame(rows)), prices, window=(0, 4))
    tests = study.group_tests[study.group_tests["group"] == "all"]
    for name in ("corrado", "time_series"):
        by = tests[tests["test"] == name].set_index("window")["caveat"]
        assert "windows overlap" in by["0,4"]
        assert "windows overlap" not in by["0,0"]


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


def test_baskets_that_the_calendar_is_not_about_are_left_out_with_a_note() -> None:
    prices = small({"MU": walk(1), "AVGO": walk(3), "NVDA": walk(4), "SPY": walk(2)})
    study = es.event_study(calendar(tickers="MU"), prices)
    assert study.config.observed == ()
    assert {o.label for o in study.observations} == {"MU"}
    assert study.notes == (
        "Not observed: @ASIC, @GPU, @ASIC-@GPU, @ASIC-@GPU:ex: "
        "no event names it or lists a member.",
    )


def test_baskets_of_ones_own_are_observed_and_lead() -> None:
    prices = small({"MU": walk(1), "TSM": walk(3), "AVGO": walk(4), "SPY": walk(2)})
    baskets = es.DEFAULT_BASKETS.with_baskets({"MEM": ["MU"], "FAB": ["TSM"]})
    events = calendar(tickers="MU", expects="").with_baskets(baskets)
    study = es.event_study(events, prices)
    assert study.config.observed == ("@MEM", "@FAB", "@MEM-@FAB", "@MEM-@FAB:ex")
    assert study.config.lead == "@MEM-@FAB:ex"


def test_a_frame_of_adjusted_closes_is_taken_as_prices() -> None:
    table = small({"AVGO": walk(1), "SPY": walk(2)})
    frame = pd.DataFrame(
        table.adj_close, index=pd.DatetimeIndex(table.dates), columns=list(table.tickers)
    )
    one, other = (es.event_study(calendar(), p, window=0).cars for p in (table, frame))
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize(
    ("events", "prices", "message"),
    [
        ("events.csv", None, "events is a str: give what read_events returns"),
        (None, [1.0], "prices is a list: give what load_prices returns"),
    ],
)
def test_other_things_are_refused_with_a_hint(events: object, prices: object, message: str) -> None:
    table = small({"AVGO": walk(1), "SPY": walk(2)})
    with pytest.raises(StudyError, match=message):
        es.event_study(events or calendar(), prices or table)  # type: ignore[arg-type]


@pytest.mark.parametrize("window", [3.5, [(0, 1, 2)], None])
def test_a_window_that_is_none_is_refused(window: object) -> None:
    with pytest.raises(StudyError, match="window"):
        make_frame(window)
