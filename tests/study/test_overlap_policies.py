"""Overlapping events: kept, dropped, first kept, or estimated together; clean estimation windows.

Worlds are made on the sessions of the shipped sample; expected values come from arithmetic in
the test, or from a plain dummy regression in statsmodels.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

import eventstudy as es
from eventstudy.errors import StudyError
from eventstudy.study.join import study_of
from eventstudy.study.observed import Observation, readings
from eventstudy.study.overlapping import apply_policy, staying
from eventstudy.windows import Frame, make_frame

DAYS = es.load_prices({"SPY"}, source="sample").dates[:230]
SETTINGS = {"estimation": 60, "gap": 5, "min_estimation": 30, "observed": []}


def closes(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 100.0 * np.cumprod(1.0 + rng.standard_t(4, len(DAYS)) * 0.01)


@pytest.fixture(scope="module")
def prices() -> es.PriceTable:
    frame = {name: closes(i) for i, name in enumerate(("AAA", "BBB", "SPY"))}
    return es.load_prices(pd.DataFrame(frame, index=pd.DatetimeIndex(DAYS)))


def events(*rows: tuple[str, int, str] | tuple[str, int, str, dict[str, str]]) -> es.EventCalendar:
    """One row an event: name, session, tickers, further columns."""
    made = []
    for name, at, tickers, *more in rows:
        row = {"event_id": name, "date": str(DAYS[at]), "session": "pre", "tickers": tickers}
        made.append(row | {"use": "study"} | (more[0] if more else {}))
    return es.read_events(pd.DataFrame(made))


UNKNOWN = {"session": "unknown"}
"""Session 0 is the day itself under `same` and the one after it under `next`."""


def held(study: es.StudyResult) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(o.reading.event.event_id, o.label): o.reading.alignments for o in study.observations}


def overlap_drops(study: es.StudyResult) -> dict[str, str]:
    found = study.dropped[study.dropped["reason"] == "overlap"]
    return dict(zip(found["event_id"], found["detail"], strict=True))


# a, b and c hang together; d is clear of them (window 0,2: three sessions).
CHAIN = (("a", 150, "AAA"), ("b", 152, "AAA"), ("c", 154, "AAA"), ("d", 157, "AAA"))


def test_drop_takes_every_event_that_overlaps(prices: es.PriceTable) -> None:
    study = es.event_study(events(*CHAIN), prices, window=(0, 2), overlap="drop", **SETTINGS)
    assert study.studied == ("d",)
    assert overlap_drops(study) == {
        "a": f"shares 1 session ({DAYS[152]}) with b",
        "b": f"shares 1 session ({DAYS[152]}) with a, and 1 more",
        "c": f"shares 1 session ({DAYS[154]}) with b",
    }


def test_keep_first_walks_in_time(prices: es.PriceTable) -> None:
    """b overlaps a, which stays; c is clear of a, so it stays though it overlaps b."""
    rows = (CHAIN[2], CHAIN[0], CHAIN[3], CHAIN[1])
    study = es.event_study(events(*rows), prices, window=(-1, 2), overlap="keep-first", **SETTINGS)
    assert set(study.studied) == {"a", "c"}
    assert overlap_drops(study) == {
        "b": f"shares 2 sessions ({DAYS[151]} to {DAYS[152]}) with a",
        "d": f"shares 1 session ({DAYS[156]}) with c",
    }


def test_series_are_judged_one_by_one(prices: es.PriceTable) -> None:
    calendar = events(("a", 150, "AAA"), ("b", 151, "BBB"), ("c", 152, "AAA;BBB"))
    study = es.event_study(calendar, prices, window=(0, 1), overlap="drop", **SETTINGS)
    assert set(held(study)) == {("a", "AAA"), ("c", "AAA")}


def test_coinciding_events_are_one_effect_under_the_first_name(prices: es.PriceTable) -> None:
    calendar = events(("z", 150, "AAA"), ("a", 150, "AAA"))
    first = es.event_study(calendar, prices, window=0, overlap="keep-first", **SETTINGS)
    assert first.studied == ("z",)
    assert overlap_drops(first) == {
        "a": f"has the session 0 of z, {DAYS[150]}: their effect is one"
    }
    with pytest.raises(StudyError, match="no event is left to study:\n.*overlap: has the session"):
        es.event_study(calendar, prices, window=0, overlap="drop", **SETTINGS)


def test_what_leaves_one_alignment_stays_in_the_others(prices: es.PriceTable) -> None:
    """u has a's session under `same` and the next one under `next`."""
    calendar = events(("a", 150, "AAA"), ("u", 150, "AAA", UNKNOWN), ("z", 170, "AAA"))
    study = es.event_study(calendar, prices, window=0, overlap="drop", **SETTINGS)
    assert held(study) == {
        ("a", "AAA"): ("stated", "next"),
        ("u", "AAA"): ("next",),
        ("z", "AAA"): ("stated", "same", "next"),
    }
    assert study.alignments == ("stated", "same", "next")
    ids = study.cars.groupby("alignment")["event_id"].agg(set).to_dict()
    assert ids == {"stated": {"a", "z"}, "same": {"z"}, "next": {"a", "u", "z"}}
    said = f"{DAYS[150]}: their effect is one, under same"
    assert overlap_drops(study) == {
        "a": f"has the session 0 of u, {said}",
        "u": f"has the session 0 of a, {said}",
    }


def test_alignments_show_even_where_no_ambiguous_event_is_left(prices: es.PriceTable) -> None:
    calendar = events(("a", 150, "AAA"), ("u", 150, "AAA", UNKNOWN), ("z", 170, "AAA"))
    study = es.event_study(calendar, prices, window=(0, 1), overlap="drop", **SETTINGS)
    assert held(study) == {
        ("a", "AAA"): ("stated",),
        ("z", "AAA"): ("stated", "same", "next"),
    }
    assert study.alignments == ("stated", "same", "next")


def test_survivors_are_counted_whatever_the_policy(prices: es.PriceTable) -> None:
    calendar = events(*CHAIN, ("u", 157, "BBB;AAA", UNKNOWN))
    found = [
        es.event_study(calendar, prices, window=(0, 2), overlap=policy, **SETTINGS).survivors
        for policy in ("keep", "keep-first")
    ]
    pd.testing.assert_frame_equal(*found)
    table = found[0].set_index(["policy", "alignment", "label"])[["kept", "of"]]
    counts = {key: tuple(row) for key, row in zip(table.index, table.to_numpy(), strict=True)}
    # stated: 150 152 154 157; same adds 157, next adds 158.
    assert counts["keep", "stated", "AAA"] == counts["joint", "stated", "AAA"] == (4, 4)
    assert counts["keep", "next", "AAA"] == (5, 5)
    assert counts["drop", "stated", "AAA"] == (1, 4)
    assert counts["drop", "same", "AAA"] == (0, 5)
    assert counts["drop", "next", "AAA"] == (0, 5)
    assert counts["keep-first", "stated", "AAA"] == (3, 4)
    assert counts["keep-first", "next", "AAA"] == (3, 5)
    assert counts["drop", "next", "BBB"] == (1, 1)
    assert ("drop", "stated", "BBB") not in counts


def test_the_summary_says_how_many_would_survive(prices: es.PriceTable) -> None:
    said = es.event_study(events(*CHAIN), prices, window=(0, 2), **SETTINGS).summary()
    assert (
        "Overlap (keep: all stay): 1 of 4 observations on all series share no session with "
        "another event's window (drop would leave these), keep-first would leave 3." in said
    )
    alone = es.event_study(events(CHAIN[0]), prices, window=(0, 2), **SETTINGS)
    assert "Overlap" not in alone.summary()


def test_strict_takes_no_offence_at_a_policy(prices: es.PriceTable) -> None:
    options = {"window": (0, 2), "overlap": "drop", "strict": True, **SETTINGS}
    assert es.event_study(events(*CHAIN), prices, **options).studied == ("d",)
    with pytest.raises(StudyError, match="strict: something was left out:\n  e CCC: no_prices"):
        es.event_study(events(*CHAIN, ("e", 170, "CCC")), prices, **options)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12), st.integers(1, 8))
def test_no_two_that_stay_overlap(positions: list[int], length: int) -> None:
    at = np.sort(np.array(positions))
    for policy in ("drop", "keep-first"):
        stays = staying(policy, at, length)
        assert (np.diff(at[stays]) >= length).all()
        for lost in at[~stays]:
            near = np.abs(at - lost) < length
            assert near.sum() > 1
            assert policy == "drop" or near[stays].any()
    if (np.diff(at) >= length).all():
        assert staying("drop", at, length).all()
        assert staying("keep-first", at, length).all()
    assert staying("keep-first", at, length)[0]


BASE = events(("e", 150, "AAA")).study.events[0]


@given(
    st.lists(st.tuples(st.integers(60, 100), st.booleans()), min_size=1, max_size=8),
    st.sampled_from(["drop", "keep-first"]),
)
def test_no_alignment_holds_two_that_overlap(rows: list[tuple[int, bool]], policy: str) -> None:
    made = [
        replace(BASE, event_id=f"e{i}", same=DAYS[at], next=DAYS[at + open_], ambiguous=bool(open_))
        for i, (at, open_) in enumerate(rows)
    ]
    frame = make_frame((-1, 1))
    found, _ = readings(made, DAYS, frame)
    whole = [Observation(reading, "AAA", (("AAA", 1.0),)) for reading in found]
    kept, drops = apply_policy(whole, policy, frame, DAYS)
    for alignment in ("stated", "same", "next"):
        there = [o.reading.position for o in kept if alignment in o.reading.alignments]
        assert (np.diff(np.sort(there)) >= 3).all()
        assert not whole or policy == "drop" or there or alignment == "stated"
    gone = {o.reading.event.event_id for o in whole} - {o.reading.event.event_id for o in kept}
    assert gone <= {d.event_id for d in drops}


@pytest.mark.parametrize("policy", ["drop", "keep-first", "joint"])
def test_nothing_changes_where_nothing_overlaps(prices: es.PriceTable, policy: str) -> None:
    calendar = events(("a", 150, "AAA;BBB"), ("b", 153, "AAA"), ("u", 160, "BBB", UNKNOWN))
    one, other = (
        es.event_study(calendar, prices, window=[(0, 2), (0, 0)], overlap=name, **SETTINGS)
        for name in ("keep", policy)
    )
    for table in ("cars", "abnormal", "tests", "effects", "dropped"):
        pd.testing.assert_frame_equal(getattr(one, table), getattr(other, table))


def by_dummies(
    y: np.ndarray, x: np.ndarray, chain: list[int], frame: Frame
) -> tuple[object, np.ndarray, dict[int, int]]:
    """Return a regression with one dummy an event session, its sessions and its dummies."""
    windows = {p + d for p in chain for d in range(frame.hull[0], frame.hull[1] + 1)}
    before = {p + d for p in chain for d in range(-frame.gap - frame.estimation, -frame.gap)}
    rows = np.array(sorted(s for s in windows | before if np.isfinite(y[s])))
    dummies = np.array([[float(s == w) for w in sorted(windows)] for s in rows])
    fitted = sm.OLS(y[rows], np.column_stack([x[rows], dummies])).fit()
    return fitted, rows, {w: x.shape[1] + k for k, w in enumerate(sorted(windows))}


def check_chain(study: es.StudyResult, model: str, rows: list[int], y: np.ndarray, x: np.ndarray,
                tolerance: float) -> None:  # fmt: skip
    """Compare every event of a chain with the dummy regression."""
    frame, fit = study.config.frame, study.fits[model].fit
    chain = [study.observations[i].reading.position for i in rows]
    fitted, sessions, place = by_dummies(y, x, chain, frame)
    residual = dict(zip(sessions.tolist(), fitted.resid, strict=True))
    covered = {p + d for p in chain for d in range(frame.hull[0], frame.hull[1] + 1)}
    for i, position in zip(rows, chain, strict=True):
        k = [place[position + int(d)] for d in frame.days]
        np.testing.assert_allclose(fit.ar[i], fitted.params[k], rtol=0, atol=tolerance)
        np.testing.assert_allclose(
            fit.v[i], fitted.cov_params()[np.ix_(k, k)], rtol=0, atol=1e-10 * fit.s2[i]
        )
        assert fit.dof[i] == fitted.df_resid
        assert fit.s2[i] == pytest.approx(fitted.mse_resid, rel=1e-10)
        own = position + frame.estimation_days
        expected = [np.nan if s in covered else residual.get(int(s), np.nan) for s in own]
        np.testing.assert_allclose(fit.residuals[i], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("window", [(0, 2), (-2, 6), (2, 9)])
@pytest.mark.parametrize("model", ["market", "mean", "market-adjusted"])
def test_joint_is_a_dummy_regression(
    prices: es.PriceTable, model: str, window: tuple[int, int]
) -> None:
    calendar = events(*CHAIN[:3], ("far", 190, "AAA"))
    study = es.event_study(
        calendar, prices, model=model, window=window, overlap="joint", **SETTINGS
    )
    r = {t: prices.returns[:, prices.column(t)] for t in ("AAA", "SPY")}
    ones = np.ones_like(r["SPY"])
    y, x = {
        "market": (r["AAA"], np.column_stack([ones, r["SPY"]])),
        "mean": (r["AAA"], ones[:, None]),
        "market-adjusted": (r["AAA"] - r["SPY"], np.empty((len(ones), 0))),
    }[model]
    check_chain(study, model, [0, 1, 2], y, x, 1e-12)
    alone = es.event_study(calendar, prices, model=model, window=window, **SETTINGS)
    np.testing.assert_array_equal(study.fits[model].fit.ar[3], alone.fits[model].fit.ar[3])


def test_a_chain_reaches_back_by_its_first_event_and_forward_by_its_last(
    prices: es.PriceTable,
) -> None:
    """By hand: windows 0,2 at 150, 152, 154 cover 150-156; estimation ends at 144, 146, 148."""
    study = es.event_study(events(*CHAIN[:3]), prices, window=(0, 2), overlap="joint", **SETTINGS)
    assert set(study.cars["n_estimation"]) == {148 - 85 + 1}
    inside = np.isfinite(study.fits["market"].fit.residuals).sum(axis=1)
    np.testing.assert_array_equal(inside, [60, 60, 60])


def test_joint_windows_leave_own_events_out_too(prices: es.PriceTable) -> None:
    """The chain's 64 estimation sessions, 85 to 148, lose those of x and its neighbours."""
    calendar = events(("x", 100, "AAA", {"use": "context"}), *CHAIN[:3])
    options = {"overlap": "joint", "estimation_excludes": "own_events", **SETTINGS}
    study = es.event_study(calendar, prices, window=(0, 2), **options)
    assert set(study.cars["n_estimation"]) == {64 - 3}


def test_each_alignment_has_its_own_chains(prices: es.PriceTable) -> None:
    """u overlaps a under `same` only: a is estimated with it there and by itself elsewhere."""
    calendar = events(("a", 150, "AAA"), ("u", 152, "AAA", UNKNOWN))
    joint, keep = (
        es.event_study(calendar, prices, window=(0, 2), overlap=name, **SETTINGS)
        for name in ("joint", "keep")
    )
    assert [(o.reading.event.event_id, o.reading.alignments) for o in joint.observations] == [
        ("a", ("stated", "next")),
        ("a", ("same",)),
        ("u", ("same",)),
        ("u", ("next",)),
    ]
    columns = ["event_id", "alignment", "car", "se", "n_estimation"]
    one, other = (study.cars[columns] for study in (joint, keep))
    same = one["alignment"] == "same"
    pd.testing.assert_frame_equal(one[~same], other[~same])
    assert set(one.loc[same, "n_estimation"]) == {62}
    assert (one.loc[same, "car"] != other.loc[same, "car"]).all()
    y, x = prices.returns[:, prices.column("AAA")], prices.returns[:, prices.column("SPY")]
    check_chain(joint, "market", [1, 2], y, sm.add_constant(x), 1e-12)


def test_coinciding_events_need_no_joint_regression(prices: es.PriceTable) -> None:
    calendar = events(("a", 150, "AAA"), ("b", 150, "AAA"))
    one, other = (
        es.event_study(calendar, prices, window=(0, 2), overlap=name, **SETTINGS).cars
        for name in ("joint", "keep")
    )
    pd.testing.assert_frame_equal(one, other)


def test_joint_refuses_models_without_dummies(prices: es.PriceTable) -> None:
    options = {"overlap": "joint", **SETTINGS}
    with pytest.raises(StudyError, match="needs a linear model, and robust, dimson are none"):
        es.event_study(events(*CHAIN), prices, model=["market", "robust", "dimson"], **options)
    calendar = events(*CHAIN)
    config = es.event_study(calendar, prices, model="robust", **SETTINGS).config
    with pytest.raises(StudyError, match="needs a linear model, and robust is none"):
        study_of(calendar, prices, replace(config, overlap="joint"), ())


@pytest.mark.vendor
def test_joint_on_real_prices(root: Path, vendor: Path) -> None:
    """Every chain on two tickers that most events list, windows 0,10."""
    calendar = es.read_events(root / "events.csv")
    table = es.load_prices(calendar.tickers | {"SPY"}, source=str(vendor), missing="drop")
    study = es.event_study(calendar, table, window=[(0, 0), (2, 10)], overlap="joint")
    r = study.returns
    market = r[:, study.grid_tickers.index("SPY")]
    x = np.column_stack([np.ones_like(market), market])
    checked = 0
    for label in ("NVDA", "AVGO"):
        rows = [
            i for i, o in enumerate(study.observations)
            if o.label == label and "next" in o.reading.alignments
        ]  # fmt: skip
        rows.sort(key=lambda i: study.observations[i].reading.position)
        at = np.array([study.observations[i].reading.position for i in rows])
        for part in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(at) >= 11) + 1):
            if len(part) > 1:
                chain = [rows[k] for k in part]
                y = r[:, study.grid_tickers.index(label)]
                check_chain(study, "market", chain, y, x, 1e-10)
                checked += len(part)
    assert checked > 40


# Estimation windows without a firm's own events: e at 150 looks back on 40 to 139.
CLEAN = {"estimation": 100, "gap": 10, "min_estimation": 30, "observed": [], "window": 0}
OWN = (
    ("b", 120, "AAA"),
    ("c", 110, "AAA", {"use": "context"}),
    ("u", 100, "AAA", UNKNOWN),
    ("other", 90, "BBB;AAA"),
    ("e", 150, "AAA"),
)
LEFT_OUT = {119, 120, 121, 109, 110, 111, 99, 100, 101, 102}
"""b and the context row c with a session on either side, u under both readings; AAA is only
listed by other, whose subject is BBB."""


def of_e(study: es.StudyResult) -> int:
    found = [i for i, o in enumerate(study.observations) if o.reading.event.event_id == "e"]
    assert len(found) == 1
    return found[0]


def test_own_events_leave_the_estimation_window(prices: es.PriceTable) -> None:
    for excludes, left_out in (("none", set()), ("own_events", LEFT_OUT)):
        study = es.event_study(events(*OWN), prices, estimation_excludes=excludes, **CLEAN)
        row = of_e(study)
        sessions = [s for s in range(40, 140) if s not in left_out]
        car = study.cars[study.cars["event_id"] == "e"].iloc[0]
        assert car["n_estimation"] == len(sessions) == 100 - len(left_out)
        used = np.flatnonzero(np.isfinite(study.fits["market"].fit.residuals[row])) + 40
        assert used.tolist() == sessions
        r = prices.returns
        x = sm.add_constant(r[:, prices.column("SPY")])
        fitted = sm.OLS(r[sessions, prices.column("AAA")], x[sessions]).fit()
        expected = r[150, prices.column("AAA")] - x[150] @ fitted.params
        assert car["car"] == pytest.approx(expected, abs=1e-14)


def test_own_events_at_the_ends_of_the_table_block_their_own_end_only(
    prices: es.PriceTable,
) -> None:
    """Sessions 0 and 229 are the table's ends; each has one neighbour."""
    rows = (("first", 0, "AAA", {"use": "context"}), ("e", 150, "AAA"))
    last = ("last", len(DAYS) - 1, "AAA", {"use": "context"})
    for calendar, expected in (
        (events(*rows), [0, 1, 149, 150, 151]),
        (events(*rows[1:], last), [149, 150, 151, 228, 229]),
    ):
        study = es.event_study(calendar, prices, estimation_excludes="own_events", **CLEAN)
        column = study.places.columns[of_e(study)]
        assert np.flatnonzero(study.panel.blocked[:, column]).tolist() == expected


def pools(study: es.StudyResult, test: str) -> int:
    found = study.single_tests
    rows = found[(found["group"] == "e/AAA") & (found["test"] == test)]
    return int(rows.iloc[0]["distribution"].split("ranks among ")[1].split(",")[0])


def test_own_events_leave_the_pool_of_sq(prices: es.PriceTable) -> None:
    """With windows of one session the pool is the estimation window's M residuals."""
    calendar = events(*OWN)
    assert pools(es.event_study(calendar, prices, **CLEAN), "sq") == 100
    clean = es.event_study(calendar, prices, estimation_excludes="own_events", **CLEAN)
    assert pools(clean, "sq") == 90


def test_own_events_leave_the_pool_of_placebo_time(prices: es.PriceTable) -> None:
    """Every session with 30 usable ones before it, but for the sessions of events.

    Session 0 of every event that lists AAA is out in any case; with own events excluded the
    sessions beside AAA's own are out too.
    """
    calendar = events(*OWN)
    listed = {120, 110, 100, 101, 90, 150}
    own = LEFT_OUT | {149, 150, 151}
    for excludes, blocked, expected_out in (
        ("none", set(), listed),
        ("own_events", own, listed | own),
    ):
        usable = [
            p
            for p in range(len(DAYS))
            if sum(s >= 1 and s not in blocked for s in range(p - 110, p - 10)) >= 30
        ]
        study = es.event_study(calendar, prices, estimation_excludes=excludes, **CLEAN)
        assert pools(study, "placebo_time") == len([p for p in usable if p not in expected_out])
