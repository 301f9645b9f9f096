"""Studies of worlds made by hand: what is refused, what is left out, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.errors import EventStudyError, StudyError, UnknownNameError
from eventstudy.windows import make_frame, parse_window

AVGO = "avgo-earnings-2024-12-12"


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
        assert "at least 2 needed" in tests.loc[name, "distribution"]
        assert tests.loc[name, "n"] == 1
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
    assert "1 event on 1 date," in study.summary()
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
