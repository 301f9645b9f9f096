"""What a model is given: returns around each session 0, picked by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from eventstudy.abnormal import Panel, Places, abnormal_returns, aligned, mean_squares, model_task
from eventstudy.models.contract import Needs
from eventstudy.windows import Frame

SESSIONS = 12
FRAME = Frame(((-1, 1),), estimation=3, gap=2, min_estimation=2)
"""Estimation on days -5, -4 and -3, event days -1, 0 and 1."""


def panel(**given: Any) -> Panel:
    """Return 12 sessions of two series: 0, 1, 2, ... and 100, 101, ... hundredths."""
    line = np.arange(float(SESSIONS)) / 100.0
    blocked = np.zeros((SESSIONS, 2), dtype=bool)
    return Panel(np.stack([line, line + 1.0], axis=1), np.ones(2), -line, blocked, **given)


def places(*positions: int) -> Places:
    count = len(positions)
    return Places(np.full(count, 1), np.array(positions), np.zeros((count, 0), dtype=bool))


def test_one_observation_at_other_sessions() -> None:
    donors = np.array([[True, False], [False, True], [True, True]])
    three = Places(np.array([3, 1, 2]), np.array([10, 20, 30]), donors)
    moved = three.moved(1, np.array([5, 6, 7]))
    assert moved.columns.tolist() == [1, 1, 1]
    assert moved.positions.tolist() == [5, 6, 7]
    assert moved.donors.tolist() == [[False, True]] * 3


def test_the_first_session_of_the_grid_counts_and_none_before() -> None:
    found = aligned(np.array([1.0, 2.0, 3.0]), np.array([1]), np.array([-2, -1, 0, 1, 2]))
    np.testing.assert_array_equal(found, [[np.nan, 1.0, 2.0, 3.0, np.nan]])


def test_the_mean_square_is_of_the_returns_that_are_there() -> None:
    """Days -5, -4, -3 of session 8: 103, 104 and 105 hundredths; one of them is left out."""
    made = panel()
    blocked = made.blocked.copy()
    blocked[4, 1] = True
    left_out = Panel(made.series, made.net, made.market, blocked)
    assert mean_squares(made, places(8), FRAME) == pytest.approx(
        [(1.03**2 + 1.04**2 + 1.05**2) / 3]
    )
    assert mean_squares(left_out, places(8), FRAME) == pytest.approx([(1.03**2 + 1.05**2) / 2])


def test_every_part_of_a_task_stands_on_its_days() -> None:
    rising = np.arange(float(SESSIONS))
    made = panel(
        factors={"smb": rising * 10}, references={"sector": np.stack([rising, -rising], axis=1)}
    )
    needs = Needs(after=True, factors=("smb",), reach=1, reference="sector")
    task = model_task(made, places(6), needs, FRAME)
    np.testing.assert_allclose(task.y, [[1.01, 1.02, 1.03]])
    np.testing.assert_allclose(task.y_event, [[1.05, 1.06, 1.07]])
    np.testing.assert_allclose(task.market, [[-0.01, -0.02, -0.03]])
    # After the event and as many sessions as before it: days 4, 5 and 6, the last two of a grid
    # that ends with day 5.
    np.testing.assert_allclose(task.y_after, [[1.10, 1.11, np.nan]])
    np.testing.assert_allclose(task.market_after, [[-0.10, -0.11, np.nan]])
    np.testing.assert_allclose(task.factors[0, :, 0], [10, 20, 30])
    np.testing.assert_allclose(task.factors_event[0, :, 0], [50, 60, 70])
    np.testing.assert_allclose(task.shifted[0], -np.array([[0, 1, 2], [1, 2, 3], [2, 3, 4]]) / 100)
    np.testing.assert_allclose(task.reference_event, [[-5, -6, -7]])
    assert task.ahead == 2  # from day -3 to day -1


def test_progress_reaches_the_model() -> None:
    told: list[tuple[str, int, int]] = []

    def model_fit(task: Any) -> Any:
        task.progress("fitting", 1, 2)
        return task

    model: Any = SimpleNamespace(fit=model_fit, needs=Needs())
    abnormal_returns(
        panel(),
        places(6),
        model,
        FRAME,
        lambda *said: told.append(said),  # type: ignore[arg-type]
    )
    assert told == [("fitting", 1, 2)]
