"""Placebo calendars against enumeration, and accounts against a plain walk through sessions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eventstudy.backtest import metrics
from eventstudy.backtest.luck import calendar_profits, draw_calendars, placebo, placebo_dates
from eventstudy.backtest.luck.calendars import arrangements
from eventstudy.errors import BacktestError

# ------------------------------------------------------------------------------- calendars


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=15, unique=True),
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(0, 1000),
)
def test_gaps_are_permuted_and_stay_in_the_range(
    sessions: list[int], before: int, after: int, seed: int
) -> None:
    rows = np.sort(sessions)
    low, high = int(rows[0]) - before, int(rows[-1]) + 1 + after
    found = draw_calendars(rows, low, high, draws=20, seed=seed)
    assert found.starts == before + after + 1
    if found.possible == 1:
        assert found.why
        return
    assert found.rows.shape == (20, len(rows))
    assert found.rows.min() >= low
    assert found.rows.max() < high
    for drawn in found.rows:
        assert sorted(np.diff(drawn)) == sorted(np.diff(rows))
    assert found.distinct == len({tuple(drawn) for drawn in found.rows})
    assert 1 <= found.distinct <= min(20, found.possible)


def test_every_calendar_there_is_comes_up_equally_often() -> None:
    rows, low, high = [4, 6, 9, 11], 2, 13  # Gaps 2, 3, 2; span 7; starts 2 to 5.
    expected = {
        tuple(np.cumsum([start, *gaps]))
        for start in range(2, 6)
        for gaps in set(itertools.permutations([2, 3, 2]))
    }
    found = draw_calendars(rows, low, high, draws=12_000, seed=3)
    drawn, counts = np.unique(found.rows, axis=0, return_counts=True)
    assert {tuple(row) for row in drawn} == expected
    assert (found.starts, found.possible, found.distinct) == (4, 12, 12)
    assert found.note == "there are only 12 calendars"
    assert stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("gaps", [[], [5], [1, 2, 3], [1, 1, 2, 2, 2], [4, 4, 4]])
def test_orders_of_gaps_are_counted_as_by_enumeration(gaps: list[int]) -> None:
    assert arrangements(gaps) == len(set(itertools.permutations(gaps)))


def test_a_calendar_that_does_not_fit_or_cannot_move_says_so() -> None:
    wide = draw_calendars([0, 50, 100], 20, 100)
    assert wide.why == "the calendar spans 101 sessions and only 80 can be traded"
    assert wide.rows.shape == (0, 3)
    even = draw_calendars([0, 5, 10], 0, 11)
    assert "no other calendar" in even.why
    assert even.possible == 1
    filled = draw_calendars([0, 3, 10], 0, 11, draws=50)
    assert "no free start" in filled.note
    assert {tuple(row) for row in filled.rows} == {(0, 3, 10), (0, 7, 10)}


def test_the_seed_decides() -> None:
    one, same, other = (draw_calendars([5, 9, 30], 0, 200, draws=9, seed=s).rows for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


# -------------------------------------------------------------------------------- accounts


def sleeves(events: int, table: int, horizon: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(5, 60, (events, table, horizon))


def walk(
    profit: np.ndarray, rows: np.ndarray, capital: float, sessions: int
) -> tuple[float, float, int]:
    """Return total, Sharpe ratio and events left out, session by session."""
    start, untraded = min(rows), 0
    earned = dict.fromkeys(range(sessions), 0.0)
    for e, row in enumerate(rows):
        if any(math.isnan(v) for v in profit[e, row]):
            untraded += 1
            continue
        for h, cash in enumerate(profit[e, row]):
            earned[row - start + h] += cash
    values = [capital]
    for t in range(sessions):
        values.append(values[-1] + earned[t])
    ratio = metrics.sharpe(metrics.value_returns(np.array(values)))
    return values[-1] - capital, ratio, untraded


@pytest.mark.parametrize("chunk", [1, 500, 10**6])
def test_accounts_are_those_of_a_plain_walk(chunk: int, monkeypatch) -> None:
    monkeypatch.setattr(placebo, "CHUNK", chunk)
    profit = sleeves(5, 60, 4)
    profit[1, 10:30] = np.nan
    profit[3, 20, 2] = np.nan
    rows = np.random.default_rng(1).integers(5, 50, (40, 5))
    rows[0] = [20, 20, 20, 20, 20]
    found = calendar_profits(profit, rows, 10_000.0, sessions=55)
    slow = [walk(profit, row, 10_000.0, 55) for row in rows]
    assert found.total == pytest.approx([s[0] for s in slow])
    assert found.sharpe == pytest.approx([s[1] for s in slow])
    assert list(found.untraded) == [s[2] for s in slow]
    assert found.untraded[0] == 2
    assert set(found.untraded) >= {0, 1, 2}


def test_the_account_lasts_as_long_as_its_longest_calendar() -> None:
    profit = sleeves(2, 30, 3)
    rows = np.array([[4, 10], [20, 2]])  # Spans 6 and 18: 18 + 3 sessions for both.
    found = calendar_profits(profit, rows, 1e4)
    assert found.sharpe == pytest.approx([walk(profit, row, 1e4, 21)[1] for row in rows])
    with pytest.raises(BacktestError, match="sessions 20; allowed: 21"):
        calendar_profits(profit, rows, 1e4, sessions=20)


def test_ruin_is_the_worst_and_no_trade_is_nothing() -> None:
    profit = np.zeros((1, 3, 2))
    profit[0, 0] = [-100.0, 500.0]
    profit[0, 1] = np.nan
    found = calendar_profits(profit, np.array([[0], [1], [2]]), 100.0)
    assert list(found.sharpe) == [-math.inf, 0.0, 0.0]
    assert list(found.total) == [400.0, 0.0, 0.0]
    assert list(found.untraded) == [0, 1, 0]


# ----------------------------------------------------------------------------- the verdict


def test_events_of_one_session_move_together_in_any_order() -> None:
    # Each sleeve pays its row: 1 for event 0, 1,000 for event 2, both on session 12.
    profit = np.zeros((3, 100, 1))
    profit[0, :, 0] = np.arange(100)
    profit[2, :, 0] = 1000.0 * np.arange(100)
    found = placebo_dates(profit, [12, 40, 12], 0, 100, capital=1e9, draws=400, seed=2)
    rows = draw_calendars([12, 40], 0, 100, draws=400, seed=2).rows[:, 0]
    assert found.drawn_total == pytest.approx(1001.0 * rows)
    assert (rows == 12).any()  # A draw of the true session does as well as it.
    assert found.total == 12_012.0
    assert found.p_total == (1 + sum(rows >= 12)) / 401
    assert (found.starts, found.possible) == (72, 72)


def test_an_edge_on_the_true_dates_alone_reaches_the_floor() -> None:
    rng = np.random.default_rng(0)
    profit = rng.normal(0, 10, (12, 400, 5))
    rows = np.sort(rng.choice(np.arange(20, 300), 12, replace=False))
    profit[np.arange(12), rows] += 40.0
    found = placebo_dates(profit, rows, 0, 396, capital=1e5, draws=999)
    assert (found.p_total, found.p_sharpe) == (0.001, 0.001)
    assert (found.draws, found.untraded, found.ruined, found.note) == (999, 0, 0, "")


def test_p_holds_its_size_where_dates_do_not_matter() -> None:
    sims, rejected = 300, np.zeros(2)
    for seed in range(sims):
        rng = np.random.default_rng(seed)
        profit = rng.standard_t(4, (8, 150, 3)) * 50
        rows = np.sort(rng.choice(np.arange(10, 130), 8, replace=False))
        found = placebo_dates(profit, rows, 0, 148, capital=1e5, draws=99, seed=seed)
        rejected += [found.p_total <= 0.1, found.p_sharpe <= 0.1]
    assert rejected / sims == pytest.approx([0.1, 0.1], abs=4 * math.sqrt(0.09 / sims))


def test_draws_that_lose_events_are_counted_and_told() -> None:
    profit = sleeves(4, 80, 2)
    profit[:, 40:] = np.nan
    found = placebo_dates(profit, [1, 5, 12, 20], 0, 80, capital=1e5, draws=400, seed=1)
    drawn = draw_calendars([1, 5, 12, 20], 0, 80, draws=400, seed=1).rows
    assert found.untraded_mean == pytest.approx((drawn >= 40).sum(axis=1).mean())
    assert found.untraded == 0
    assert "of 4 events untraded, the true dates 0" in found.note


def test_no_p_value_where_nothing_can_be_drawn() -> None:
    profit = sleeves(2, 30, 2)
    found = placebo_dates(profit, [2, 25], 5, 20, capital=1e5)
    assert "spans 24 sessions and only 15" in found.why
    assert math.isnan(found.p_total)
    assert math.isnan(found.p_sharpe)
    assert math.isnan(found.untraded_mean)
    assert found.total == pytest.approx(profit[0, 2].sum() + profit[1, 25].sum())
    assert found.draws == 0


def test_users_mistakes_are_named() -> None:
    profit = sleeves(2, 30, 2)
    with pytest.raises(BacktestError, match="rows 7, 7; allowed: distinct"):
        draw_calendars([6, 7, 7], 0, 30)
    with pytest.raises(BacktestError, match=r"allowed: one or more event sessions; draws 0"):
        draw_calendars([], 0, 30, draws=0)
    with pytest.raises(BacktestError, match=r"rows from 3 to 30; allowed: 0 to 29; capital 0"):
        calendar_profits(profit, np.array([[3, 30]]), 0.0)
    with pytest.raises(BacktestError, match=r"rows of shape \(1, 3\); allowed: \(draws, 2\)"):
        calendar_profits(profit, np.array([[3, 4, 5]]), 1.0)
    with pytest.raises(BacktestError, match=r"profit of shape \(2, 30\)"):
        calendar_profits(profit[:, :, 0], np.array([[3, 4]]), 1.0)
    with pytest.raises(BacktestError, match="range 0 to 31; allowed: within 0 to 30"):
        placebo_dates(profit, [3, 9], 0, 31, capital=1.0)


def test_calendars_are_counted_in_parts_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sleeve of one session a calendar: what was earned on its own row, part after part."""
    profit = np.array([[[1.0], [2.0], [4.0], [8.0], [np.nan]]])
    together = calendar_profits(np.ones((4, 2, 1)), np.array([[0] * 4, [1] * 4]), 100.0)
    assert together.total.tolist() == [4.0, 4.0]
    monkeypatch.setattr("eventstudy.backtest.luck.placebo.CHUNK", 2)
    found = calendar_profits(profit, np.array([[3], [0], [4], [2], [1]]), 100.0)
    assert found.total.tolist() == [8.0, 1.0, 0.0, 4.0, 2.0]
    assert found.untraded.tolist() == [0, 0, 1, 0, 0]
