"""Walk-forward: by a plain loop over events, and what must not count as past."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.backtest.sweep import sweep
from eventstudy.backtest.sweep.walk import walk_forward
from eventstudy.errors import BacktestError


def plainly(rows, names, earned, closed, folds, lead):
    """The same, one event and one variant after another."""
    events = [i for i in range(len(rows)) if any(c >= 0 for c in closed[i])]
    days = sorted({rows[i] for i in events})
    each, more = divmod(len(days), folds + 1)
    blocks, start = [], 0
    for b in range(folds + 1):
        size = each + (b < more)
        blocks.append(days[start : start + size])
        start += size
    found = []
    for block in blocks[1:]:
        best, choice, seen = -math.inf, -1, set()
        for k in range(len(earned[0])):
            past = [i for i in events if 0 <= closed[i][k] < block[0] + lead]
            seen |= set(past)
            profits = [float(earned[i][k]) for i in past]
            if len(profits) < 5 or statistics.pstdev(profits) == 0:
                continue
            score = statistics.mean(profits) / (statistics.stdev(profits) / math.sqrt(len(profits)))
            if score > best + 1e-12 * abs(score):
                best, choice = score, k
        tested = [i for i in events if rows[i] in block]
        profits = [float(earned[i][choice]) for i in tested if choice >= 0]
        totals = [sum(earned[i][k] for i in tested) for k in range(len(earned[0]))]
        found.append((choice, best, len(seen), [names[i] for i in tested], profits, max(totals)))
    return found


@st.composite
def worlds(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    e, k = draw(st.integers(8, 60)), draw(st.integers(1, 6))
    rows = np.sort(rng.integers(0, 200, e))
    traded = rng.random((e, k)) < draw(st.sampled_from([0.2, 0.8, 1.0]))
    earned = np.where(traded, rng.normal(10, 100, (e, k)).round(2), 0.0)
    closed = np.where(traded, rows[:, None] + rng.integers(1, 25, (e, k)), -1)
    return rows, earned, closed, draw(st.integers(2, 5)), draw(st.integers(-4, 2))


@settings(deadline=None, max_examples=80)
@given(worlds())
def test_it_is_what_a_plain_loop_gives(world) -> None:
    rows, earned, closed, folds, lead = world
    names = [f"e{i}" for i in range(len(rows))]
    used = (closed >= 0).any(axis=1)
    if len(np.unique(rows[used])) <= folds:
        with pytest.raises(BacktestError, match=f"folds {folds}"):
            walk_forward(rows, names, earned, closed, folds, lead)
        return
    walk = walk_forward(rows, names, earned, closed, folds, lead)
    expected = plainly(rows.tolist(), names, earned.tolist(), closed.tolist(), folds, lead)
    assert walk.folds["column"].tolist() == [f[0] for f in expected]
    assert walk.folds["train_events"].tolist() == [f[2] for f in expected]
    assert walk.event_ids == tuple(name for f in expected if f[0] >= 0 for name in f[3])
    np.testing.assert_allclose(walk.earned, [p for f in expected for p in f[4]], atol=1e-9)
    np.testing.assert_allclose(walk.folds["hindsight"], [f[5] for f in expected], atol=1e-6)
    scores = [f[1] if f[0] >= 0 else math.nan for f in expected]
    np.testing.assert_allclose(walk.folds["trained"], scores, rtol=1e-9)
    assert walk.total == pytest.approx(sum(p for f in expected for p in f[4]))
    assert walk.total <= walk.hindsight + 1e-6


def ladder(k=2):
    """30 events on every tenth row, each closed five rows later."""
    rows = np.arange(30) * 10
    earned = np.tile(np.array([1.0, -1.0, 2.0, 0.5, 1.5]), 6)[:, None] * np.ones((1, k))
    closed = np.repeat(rows[:, None] + 5, k, axis=1)
    return rows, [f"e{i}" for i in range(30)], earned, closed


def test_what_comes_later_changes_no_choice_before_it() -> None:
    rows, names, earned, closed = ladder()
    rng = np.random.default_rng(0)
    earned = rng.normal(0, 1, earned.shape)
    one = walk_forward(rows, names, earned, closed, 4)
    for fold in range(4):
        later = earned.copy()
        first = one.folds["first"][fold]
        later[rows >= first] = rng.normal(5, 50, later[rows >= first].shape)
        other = walk_forward(rows, names, later, closed, 4)
        assert (
            other.folds["column"][: fold + 1].tolist() == one.folds["column"][: fold + 1].tolist()
        )


@pytest.mark.parametrize(
    ("closes_before", "lead", "counts"),
    [(1, 0, True), (0, 0, False), (1, -1, False), (2, -1, True), (0, 1, True)],
)
def test_a_trade_counts_once_it_is_closed(closes_before, lead, counts) -> None:
    """The variant that a single huge trade would make the best, closed around the decision."""
    rows, names, earned, closed = ladder()
    start = int(walk_forward(rows, names, earned, closed, 2).folds["first"][0])
    # Before it, both earn alike; the second has one more trade that decides.
    inside = rows < start
    earned[inside, 1] = earned[inside, 0] + np.where(np.arange(inside.sum()) == 4, 0.4, 0.0)
    closed[4, 1] = start - closes_before
    walk = walk_forward(rows, names, earned, closed, 2, lead)
    by_loop = plainly(rows.tolist(), names, earned.tolist(), closed.tolist(), 2, lead)
    assert walk.folds["column"][0] == by_loop[0][0]
    without = earned.copy()
    without[4, 1] = 1e6
    again = walk_forward(rows, names, without, closed, 2, lead)
    changed = again.folds["trained"][0] != walk.folds["trained"][0] or (
        again.folds["column"][0] != walk.folds["column"][0]
    )
    assert changed == counts


def test_four_trades_are_no_choice_and_eight_are() -> None:
    walk = walk_forward(*ladder(1), 7)
    assert walk.folds["train_events"].tolist()[:2] == [4, 8]
    assert walk.folds["column"].tolist()[:2] == [-1, 0]
    assert math.isnan(walk.folds["trained"][0])
    # The fold without a choice is in no figure, neither in what was earned nor in hindsight.
    assert walk.event_ids[0] == "e8"
    assert walk.columns.tolist() == [0] * 22
    assert walk.hindsight == pytest.approx(walk.total)
    assert walk.folds["hindsight"].sum() > walk.hindsight


def test_events_of_one_session_stay_together() -> None:
    rows = np.repeat(np.arange(12), 3)
    closed = (rows + 1)[:, None]
    walk = walk_forward(rows, [str(i) for i in range(36)], np.ones((36, 1)), closed, 3)
    assert walk.folds["test_events"].tolist() == [9, 9, 9]
    assert (walk.folds["first"][1:].to_numpy() > walk.folds["last"][:-1].to_numpy()).all()


@pytest.mark.parametrize("folds", [1, 0, 30, 99])
def test_folds_are_checked(folds) -> None:
    with pytest.raises(BacktestError, match=f"folds {folds}; allowed: 2 to 29"):
        walk_forward(*ladder(), folds)


def test_mean_and_error_are_those_of_the_tested_events() -> None:
    rows, names, earned, closed = ladder()
    walk = walk_forward(rows, names, earned, closed, 4)
    profits = walk.earned.tolist()
    assert walk.mean == pytest.approx(statistics.mean(profits))
    assert walk.error == pytest.approx(statistics.stdev(profits) / math.sqrt(len(profits)))


def test_a_sweep_walks_over_all_its_events_and_names_variants(world, folder) -> None:
    """The first event of all is in the training, and a failed variant shifts no number."""
    over = {"gross": [0.1, 0.2], "tilt": [0.2, 0.9], "limit": [0.01, None]}
    result = sweep(*world, "pair:fill=close", over, folder=folder, jobs=1)
    assert len(result.failed) == 4
    walk = result.walk_forward(3)
    zero = [int(np.searchsorted(result.sessions, e.session_0("next"))) for e in world[0]]
    assert result.rows.tolist() == zero
    expected = plainly(zero, list(result.event_ids), result.earned.tolist(),
                       result.closed.tolist(), 3, 0)  # fmt: skip
    assert walk.folds["column"].tolist() == [f[0] for f in expected]
    assert len(walk.earned) == 24 - 6
    frame = result.walk_frame(walk)
    for fold, column in zip(frame.to_dict("records"), walk.folds["column"], strict=True):
        assert fold["variant"] == result.ran["variant"][column] == 2 * column + 1
        assert fold["gross"] == result.ran["gross"][column]
        assert fold["tilt"] == result.ran["tilt"][column]
    assert frame["first"].tolist() == [result.sessions[f] for f in walk.folds["first"]]


def test_a_decision_before_the_news_is_made_earlier(world, folder) -> None:
    entry = sweep(*world, "pair", {"entry": [2, 4]}, folder=folder, jobs=1)
    assert entry.lead == 1
    assert sweep(*world, "pair:entry=3", {"hold": [1, 2]}, folder=folder, jobs=1).lead == 2
