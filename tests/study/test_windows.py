"""Windows in event days: what they hold, how they are written, what is refused. By hand."""

from __future__ import annotations

import numpy as np
import pytest

from eventstudy.errors import StudyError
from eventstudy.windows import make_frame, parse_window, window_name


@pytest.mark.parametrize(
    ("given", "windows"),
    [
        ("-1,1", ((-1, 1),)),
        ((-1, 1), ((-1, 1),)),
        ([0, 5], ((0, 5),)),
        (3, ((3, 3),)),
        (np.int64(-2), ((-2, -2),)),
        ([1], ((1, 1),)),
        ([0, 2, 4], ((0, 0), (2, 2), (4, 4))),
        ([(0, 5), "-1, 1", (0, 5), 2], ((0, 5), (-1, 1), (2, 2))),
        ((np.int64(0), 1), ((0, 1),)),
        (["1,2", "3"], ((1, 2), (3, 3))),
        ([[0, 1]], ((0, 1),)),
    ],
)
def test_windows_may_be_given_in_many_ways(given: object, windows: object) -> None:
    found = make_frame(given)
    assert found.windows == windows
    assert (found.estimation, found.gap, found.min_estimation) == (250, 10, 100)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("-1,1", (-1, 1)), ("[-1, 1]", (-1, 1)), (" [ +2 : 5 ] ", (2, 5)), ("7", (7, 7)),
        ("0,0", (0, 0)), ("-3", (-3, -3)),
    ],
)  # fmt: skip
def test_a_window_is_read(text: str, window: tuple[int, int]) -> None:
    assert parse_window(text) == window


@pytest.mark.parametrize("text", ["", "a", "1,2,3", "1;2", "1.5", "1,", ",1"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(StudyError, match="write a,b in sessions from session 0"):
        parse_window(text)


def test_a_window_is_written_as_it_is_read() -> None:
    assert window_name((-10, 2)) == "-10,2"


def test_days_of_a_frame() -> None:
    frame = make_frame([(-1, 1), (0, 3), (2, 2)], estimation=20, gap=5, min_estimation=10)
    assert frame.hull == (-1, 3)
    assert frame.days.tolist() == [-1, 0, 1, 2, 3]
    assert frame.estimation_days.tolist() == list(range(-25, -5))
    days = [(-1, -1), (0, 0), (1, 1), (2, 2), (3, 3)]
    assert frame.all_windows == (*days, (-1, 1), (0, 3))  # [2, 2] is there as a day
    assert all(type(x) is int for window in frame.all_windows for x in window)
    masks = frame.masks([(0, 1), (3, 3), (-1, 3)])
    assert masks.dtype == np.float64
    assert masks.tolist() == [[0, 1, 1, 0, 0], [0, 0, 0, 0, 1], [1, 1, 1, 1, 1]]


def test_the_least_that_is_allowed() -> None:
    """A window may begin on the day after the estimation window ends, without a gap at 0."""
    assert make_frame((0, 0), estimation=10, gap=0, min_estimation=10).gap == 0
    assert make_frame((-10, 1)).hull == (-10, 1)
    assert make_frame((5, 5)).hull == (5, 5)


@pytest.mark.parametrize(
    ("windows", "options", "said"),
    [
        ((2, 1), {}, "window 2,1 ends before it starts"),
        ([], {}, "no window was asked for"),
        ((1, 2), {"gap": -1}, "gap -1: must be 0 or more"),
        ((0, 1), {"min_estimation": 9}, "min_estimation 9: at least 10 sessions are needed"),
        ((0, 1), {"estimation": 99}, "estimation 99 is shorter than min_estimation 100"),
        ((-11, 1), {}, "window -11,1 overlaps the estimation window, which ends at -11: "
                       "start at -10 or later, or widen the gap"),
        (None, {}, "window None: give (a, b), 'a,b' or a list of them"),
        ([1.5], {}, "window 1.5: give two whole numbers, such as (-1, 1)"),
        ([(1, 2.5)], {}, "window (1, 2.5): give two whole numbers, such as (-1, 1)"),
        ([(1, 2, 3)], {}, "window (1, 2, 3): give two whole numbers, such as (-1, 1)"),
        ([(1,)], {}, "window (1,): give two whole numbers, such as (-1, 1)"),
        ((0, 1.5), {}, "window 1.5: give two whole numbers, such as (-1, 1)"),
    ],
)  # fmt: skip
def test_what_is_refused(windows: object, options: dict[str, int], said: str) -> None:
    with pytest.raises(StudyError) as caught:
        make_frame(windows, **options)
    assert str(caught.value) == said


def test_all_faults_at_once() -> None:
    with pytest.raises(StudyError) as caught:
        make_frame([(2, 1), (-30, 0)], estimation=5, gap=-2, min_estimation=3)
    said = str(caught.value).split("; ")
    assert [one.split(" ")[0] for one in said] == ["window", "gap", "min_estimation", "window"]
    assert said[-1].startswith("window -30,0 overlaps the estimation window, which ends at 1:")
