"""Grids, random points, and what a command line names."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.backtest.sweep import Range, grid, parse_space, random_points
from eventstudy.errors import BacktestError

NAMES = st.sampled_from(["hold", "gross", "k", "sizing"])
PLAIN = st.one_of(
    st.integers(-50, 50),
    st.floats(-5, 5, allow_nan=False).map(lambda x: round(x, 3) + 0.0005),
    st.sampled_from(["open", "close", "given"]),
    st.none(),
    st.booleans(),
)
LISTS = st.lists(PLAIN, min_size=1, max_size=5, unique_by=lambda v: (isinstance(v, bool), v))
INT_RANGES = st.tuples(st.integers(-40, 40), st.integers(1, 30)).map(
    lambda t: Range(t[0], t[0] + t[1])
)
FLOAT_RANGES = st.tuples(st.floats(-3, 3), st.floats(0.01, 4)).map(
    lambda t: Range(t[0], t[0] + t[1])
)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(NAMES, LISTS, min_size=1, max_size=3))
def test_a_grid_is_every_combination_once(space) -> None:
    points = grid(space)
    assert len(points) == math.prod(len(values) for values in space.values())
    assert all(list(point) == list(space) for point in points)
    seen = {tuple((type(v), v) for v in point.values()) for point in points}
    assert len(seen) == len(points)
    for name, values in space.items():
        assert {(type(p[name]), p[name]) for p in points} == {(type(v), v) for v in values}


def test_the_last_parameter_moves_fastest() -> None:
    points = grid({"a": [1, 2], "b": ["x", None]})
    assert points == [
        {"a": 1, "b": "x"}, {"a": 1, "b": None}, {"a": 2, "b": "x"}, {"a": 2, "b": None},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "values", [np.array([5, 10]), pd.Series([5, 10]), range(5, 11, 5), (5, 10), [np.int64(5), 10]]
)
def test_values_of_any_list_are_plain_numbers(values) -> None:
    points = grid({"hold": values})
    assert points == [{"hold": 5}, {"hold": 10}]
    assert all(type(point["hold"]) is int for point in points)


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(NAMES, st.one_of(LISTS, INT_RANGES, FLOAT_RANGES), min_size=1, max_size=3),
    st.integers(1, 40),
    st.integers(0, 2**31),
)
def test_random_points_differ_lie_within_and_repeat(space, count, seed) -> None:
    points = random_points(space, count, seed)
    assert points == random_points(space, count, seed)
    assert 1 <= len(points) <= count
    assert len({tuple((type(v), v) for v in p.values()) for p in points}) == len(points)
    for point in points:
        assert list(point) == list(space)
        for name, given_values in space.items():
            if isinstance(given_values, Range):
                assert given_values.low <= point[name] <= given_values.high
                whole = isinstance(given_values.low, int) and isinstance(given_values.high, int)
                assert type(point[name]) is (int if whole else float)
            else:
                assert any(type(v) is type(point[name]) and v == point[name] for v in given_values)


@pytest.mark.parametrize("seed", [0, 1, 2**31])
def test_a_small_space_is_found_whole(seed) -> None:
    """7 points, 140 draws: one of them is missed with probability below 7 (6/7)^140 < 1e-8."""
    space = {"hold": Range(1, 7)}
    found = random_points(space, 7, seed)
    assert sorted(p["hold"] for p in found) == list(range(1, 8))
    assert len(random_points(space, 50, seed)) == 7


def test_a_range_is_drawn_evenly_to_both_ends() -> None:
    points = random_points({"x": Range(0.0, 1.0), "n": Range(1, 4)}, 1000, 1)
    x = np.array([p["x"] for p in points])
    # Mean 1/2 and variance 1/12 of a uniform: four standard errors.
    assert x.mean() == pytest.approx(0.5, abs=4 / math.sqrt(12 * 1000))
    counts = np.bincount([p["n"] for p in points], minlength=5)[1:]
    assert counts == pytest.approx(250, abs=4 * math.sqrt(1000 * 0.25 * 0.75))


def test_two_numbers_of_a_list_are_no_range() -> None:
    drawn = {p["gross"] for p in random_points({"gross": [0.1, 0.4], "k": Range(0.0, 9.0)}, 50, 3)}
    assert drawn == {0.1, 0.4}


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, ["no parameter is varied"]),
        ({"hold": []}, ["hold has no value"]),
        ({"hold": [5, 10, 5]}, ["hold has 5 twice"]),
        ({"gross": [1, 0.5, 1.0]}, ["gross has 1.0 twice"]),
        ({"hold": "5"}, ["hold is '5': give a list"]),
        ({"hold": 5}, ["hold is 5: give a list"]),
        ({"hold": {5, 6}}, ["hold is {5, 6}: give a list"]),
        (
            {"hold": [], "k": [1, 1], "gross": 0.1, "x": ["a", "a"]},
            ["hold has no value", "k has 1 twice", "gross is 0.1", "x has 'a' twice"],
        ),
    ],
)
def test_faults_are_told_all_at_once(space, said) -> None:
    for make in (grid, lambda s: random_points(s, 3, 0)):
        with pytest.raises(BacktestError) as caught:
            make(space)
        for part in said:
            assert part in str(caught.value)


def test_true_is_not_one() -> None:
    assert len(grid({"flag": [True, 1, 0, False]})) == 4


def test_a_grid_of_a_range_is_refused() -> None:
    with pytest.raises(BacktestError, match=r"hold is the range 5\.\.20: a grid needs its values"):
        grid({"hold": Range(5, 20), "k": [1]})


def test_too_many_variants_are_refused() -> None:
    wide = {name: list(range(100)) for name in "abc"}
    with pytest.raises(BacktestError, match="the grid has 1,000,000 variants; allowed: 100,000"):
        grid(wide)
    with pytest.raises(BacktestError, match="random points: 200,000 variants"):
        random_points(wide, 200_000, 0)


@pytest.mark.parametrize("count", [0, -1])
def test_fewer_than_one_point_is_refused(count) -> None:
    with pytest.raises(BacktestError, match=f"random {count}; allowed: 1 or more"):
        random_points({"k": [1]}, count, 0)


@pytest.mark.parametrize(
    "ends",
    [(2, 1), (1, 1), (math.nan, 1.0), (0.0, math.inf), ("a", 2), (True, 2), (None, 3)],
)
def test_a_range_needs_two_numbers_in_order(ends) -> None:
    with pytest.raises(BacktestError, match="give two numbers, the lower first"):
        Range(*ends)


def test_a_command_lines_texts_are_read() -> None:
    found = parse_space(
        ["hold=5,10, 20", "gross=0.1..0.4", "entry=-5..-1", "stop_loss=none,0.05",
         "hedged=true,FALSE", "sizing=given"]
    )  # fmt: skip
    assert found == {
        "hold": [5, 10, 20],
        "gross": Range(0.1, 0.4),
        "entry": Range(-5, -1),
        "stop_loss": [None, 0.05],
        "hedged": [True, False],
        "sizing": ["given"],
    }
    assert [type(v) for v in found["hold"]] == [int, int, int]


def test_every_text_that_cannot_be_read_is_named() -> None:
    with pytest.raises(BacktestError) as caught:
        parse_space(["hold", "=5", "k=1,,2", "gross=0.4..0.1", "x=a..b", "n=1..2,5", "y=1", "y=2"])
    said = str(caught.value)
    parts = (
        "'hold': write", "'=5': write", "'k=1,,2': write", "'gross=0.4..0.1': range 0.4..0.1",
        "'x=a..b': range a..b", "'n=1..2,5': range 1..2,5", "y is given twice",
    )  # fmt: skip
    assert all(part in said for part in parts)
    assert said.count(";") >= len(parts) - 1


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=6, unique=True))
def test_what_is_written_is_what_is_read(values) -> None:
    text = "hold=" + ",".join(str(v) for v in values)
    assert parse_space([text]) == {"hold": values}
    by_hand = [dict(zip(["hold"], p, strict=True)) for p in itertools.product(values)]
    assert grid(parse_space([text])) == by_hand
