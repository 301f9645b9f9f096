"""What is changed after a cut, and that nothing else is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.backtest.replay import changes
from eventstudy.prices.table import FIELDS, PriceTable

COUNT = 25
TICKERS = ("A", "B", "C")


def full_table(seed, flat=False):
    """Every field, with holes, a late listing, an early end, and a ticker of closes alone."""
    rng = np.random.default_rng(seed)
    shape = (COUNT, 5)
    steps = np.zeros(shape) if flat else rng.normal(0, 0.03, shape)
    close = 50 * np.exp(np.cumsum(steps, axis=0))
    opened = close * (1 if flat else np.exp(rng.normal(0, 0.01, shape)))
    high = np.maximum(opened, close) * (1 + rng.uniform(0, 0.02, shape))
    low = np.minimum(opened, close) / (1 + rng.uniform(0, 0.02, shape))
    gone = rng.random(shape) < 0.1
    gone[:10, 1] = True
    gone[18:, 2] = True
    for values in (close, opened, high, low):
        values[gone] = np.nan
    opened[:, 4] = high[:, 4] = low[:, 4] = np.nan
    paid = np.where(rng.random(shape) < 0.1, 0.5, 0.0)
    paid[:, 3] = np.nan
    return PriceTable(
        ("A", "B", "C", "D", "E"), np.datetime64("2024-01-01") + np.arange(COUNT), opened, high,
        low, close, close * 0.9, rng.uniform(1e5, 1e6, shape), paid, "made",
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), row=st.integers(0, COUNT - 1), flat=st.booleans())
def test_everything_later_is_another_and_nothing_else(seed, row, flat):
    table = full_table(seed, flat)
    kept = {name: getattr(table, name).copy() for name in FIELDS}
    other = changes.changed_table(table, row, np.random.default_rng(seed))
    later = slice(row + 1, None)
    for name in FIELDS:
        mine, theirs = getattr(table, name), getattr(other, name)
        np.testing.assert_array_equal(mine, kept[name])  # the input is left alone
        np.testing.assert_array_equal(mine[: row + 1], theirs[: row + 1])
        np.testing.assert_array_equal(np.isnan(mine), np.isnan(theirs))
        known = np.isfinite(mine[later])
        if name != "dividends":
            assert (mine[later][known] != theirs[later][known]).all()
    assert (other.dates == table.dates).all()
    o, h, l, c = (getattr(other, n)[later] for n in ("open", "high", "low", "close"))  # noqa: E741
    ranged = np.isfinite(h)
    assert (h >= np.fmax(o, c))[ranged].all()
    assert (l <= np.fmin(o, c))[ranged].all()
    assert (l[ranged] > 0).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), row=st.integers(0, COUNT - 2))
def test_what_rose_falls_and_what_fell_rises(seed, row):
    table = full_table(seed)
    other = changes.changed_table(table, row, np.random.default_rng(seed))
    for column in range(5):
        known = np.flatnonzero(np.isfinite(table.close[: row + 1, column]))
        if not len(known):
            continue
        level = table.close[known[-1], column]
        up = table.close[row + 1 :, column] > level
        there = np.isfinite(table.close[row + 1 :, column])
        assert ((other.close[row + 1 :, column] < level) == up)[there].all()
    opened = np.isfinite(table.open[row + 1 :])
    day_up = (table.close > table.open)[row + 1 :]
    assert ((other.close < other.open)[row + 1 :] == day_up)[opened].all()


def test_a_table_is_cut_by_copies(make_table, make_days):
    days = make_days(6)
    table = make_table(days, {"A": {"close": [1.0, 2, 3, 4, 5, 6]}})
    cut = changes.cut_table(table, 2)
    assert cut.dates.tolist() == days[:3].tolist()
    assert cut.close[:, 0].tolist() == [1, 2, 3]
    assert all(getattr(cut, name).base is None for name in FIELDS)


def test_a_pause_on_the_cut_stays_a_pause(make_table, make_days):
    """A trades on 0, 1 and 4; B ends after 1. On 2 only A is known to come back."""
    days, nan = make_days(6), np.nan
    a, b, spy = [7.0, 8, nan, nan, 9, 9], [5.0, 5, nan, nan, nan, nan], np.arange(6.0) + 1
    table = make_table(days, {"A": {"close": a}, "B": {"close": b}, "SPY": {"close": spy}})
    cut = changes.cut_table(table, 2)
    assert len(cut.dates) == 4
    np.testing.assert_array_equal(cut.close[3], [8, nan, nan])
    np.testing.assert_array_equal(cut.open[3], [8, nan, nan])
    np.testing.assert_array_equal(cut.close[:3], table.close[:3])
    assert len(changes.cut_table(table, 4).dates) == 5


@pytest.fixture
def calendar(make_event, make_days):
    days = make_days(20)
    at = {"past": 3, "today": 8, "dated": 12, "dark": 12, "told later": 15}
    known = {"dated": 8, "told later": 9, "today": 2}
    events = [
        make_event(
            name, str(days[row]), expects={"A": 1}, row=i, subject="A",
            known_on=str(days[known[name]]) if name in known else None,
        )
        for i, (name, row) in enumerate(at.items())
    ]  # fmt: skip
    return days, events


def test_the_calendar_at_a_close_holds_what_was_public(calendar):
    days, events = calendar
    found = {event.event_id: event for event in changes.cut_calendar(events, days[8])}
    assert list(found) == ["past", "today", "dated"]
    assert found["past"] == events[0]
    assert found["today"] == events[1]
    assert dict(found["dated"].expects) == {}
    assert (found["dated"].next, found["dated"].tickers) == (days[12], ("A", "B"))


def test_a_changed_calendar_changes_what_was_not(calendar):
    days, events = calendar
    day, seen = days[8], set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found = {e.event_id: e for e in changes.changed_calendar(events, day, days, TICKERS, rng)}
        assert found["past"] == events[0]
        assert found["today"] == events[1]
        dated = found["dated"]
        assert replace(dated, expects={}) == replace(events[2], expects={})
        assert dict(dated.expects) in ({}, {"A": -1})
        for name in ("dark", "told later"):
            if name not in found:
                seen.add("dropped")
                continue
            event, was = found[name], next(e for e in events if e.event_id == name)
            assert event.next > day
            assert event.known_on is None or np.datetime64(event.known_on) > day
            assert event.expects != was.expects
            seen.add("moved" if event.next != was.next else "stayed")
            seen.add("known" if event.known_on else "unknown")
            seen.add("subject" if event.subject != was.subject else "")
            seen.add("tickers" if event.tickers != was.tickers else "")
    assert seen >= {"dropped", "moved", "known", "unknown", "subject", "tickers"}


def test_rates_after_a_cut_are_others():
    rates = np.full(9, 1e-3)
    found = changes.changed_rates(rates, 3, np.random.default_rng(0))
    assert (found[:4] == 1e-3).all()
    assert (found[4:] < 5e-4).all()
    assert len(found) == 9
