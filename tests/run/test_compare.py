"""What tells two runs apart: manifests entry by entry, tables row by row, by hand."""

from __future__ import annotations

import math
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstudy.disk import read_seal, write_folder
from eventstudy.errors import EventStudyError
from eventstudy.provenance import DISTRIBUTION
from eventstudy.run.compare import ABSENT, Change, changes_of, compare_runs
from eventstudy.run.kept import KeptRun
from eventstudy.run.table_compare import compare_tables, number_gap

A = """event_id,ticker,window,car,n_estimation,note
a,AVGO,"0,0",0.10,250,
a,NVDA,"0,0",0.20,250,x
b,AVGO,"0,0",,250,x
c,AVGO,"0,0",0.5,240,x
"""
B = """event_id,ticker,window,car,n_estimation,note,extra
a,NVDA,"0,0",0.25,250,y,1
a,AVGO,"0,0",0.07,250,,1
b,AVGO,"0,0",0.30,250,x,1
d,AVGO,"0,0",0.5,240,x,1
"""


def table(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text))


def test_rows_are_matched_by_what_they_are_about() -> None:
    found = compare_tables("cars", table(A), table(B))
    assert (found.state, found.rows_a, found.rows_b) == ("differs", 4, 4)
    assert found.only_a == ("c AVGO 0,0",)
    assert found.only_b == ("d AVGO 0,0",)
    assert found.columns_b == ("extra",)
    car, note = found.columns
    assert (car.column, car.rows, car.at) == ("car", 3, "a NVDA 0,0")
    assert car.largest == pytest.approx(0.05, abs=1e-15)
    assert (car.a, car.b) == ("0.2", "0.25")
    assert (note.column, note.rows, note.largest, note.a, note.b) == ("note", 1, None, "x", "y")


def test_an_infinite_gap_is_told_by_its_cells() -> None:
    one, other = (pd.DataFrame({"ticker": ["A"], "t": [value]}) for value in (1.0, np.inf))
    (t,) = compare_tables("cars", one, other).columns
    assert (t.largest, t.a, t.b) == (None, "1.0", "inf")


def test_the_order_of_rows_does_not_matter() -> None:
    first = table(A)
    assert compare_tables("cars", first, first.iloc[::-1]).state == "same values"


def test_rows_about_the_same_are_matched_in_their_order() -> None:
    one = pd.DataFrame({"strategy": ["s", "s", "s"], "price": [1.0, 2.0, 3.0]})
    other = pd.DataFrame({"strategy": ["s", "s"], "price": [1.0, 2.5]})
    found = compare_tables("orders", one, other)
    assert found.only_a == ("s #3",)
    assert [(c.rows, c.largest, c.at) for c in found.columns] == [(1, 0.5, "s #2")]


def test_a_table_without_known_columns_goes_by_its_texts() -> None:
    one = pd.DataFrame({"colour": ["red", "blue"], "x": [1.0, 2.0]})
    other = pd.DataFrame({"colour": ["blue", "green"], "x": [2.25, 2.0]})
    found = compare_tables("mine", one, other)
    assert (found.only_a, found.only_b) == (("red",), ("green",))
    assert [(c.column, c.largest) for c in found.columns] == [("x", 0.25)]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([], [], (0, None, 0)),
        ([1, np.nan, np.inf], [1, np.nan, np.inf], (0, None, 0)),
        ([1, 2, 3], [1, 2.5, 1], (2, 2.0, 2)),
        ([1, np.nan], [1, 4], (1, None, 1)),
        ([np.nan, 2], [1, 2.5], (2, 0.5, 1)),
        ([0.0, np.inf], [0.0, 1.0], (1, np.inf, 1)),
    ],
)
def test_gaps_by_hand(
    a: list[float], b: list[float], expected: tuple[int, float | None, int]
) -> None:
    assert number_gap(np.array(a, dtype=float), np.array(b, dtype=float)) == expected


FIGURE = st.one_of(st.just(math.nan), st.integers(-3, 3).map(float))


@given(st.lists(st.tuples(FIGURE, FIGURE), max_size=8))
def test_gaps_against_a_loop(pairs: list[tuple[float, float]]) -> None:
    apart = [(x, y) for x, y in pairs if not (x == y or (math.isnan(x) and math.isnan(y)))]
    numbers = [abs(x - y) for x, y in apart if not math.isnan(x - y)]
    a, b = (np.array([p[i] for p in pairs], dtype=float) for i in (0, 1))
    rows, largest, at = number_gap(a, b)
    assert (rows, largest) == (len(apart), max(numbers) if numbers else None)
    if apart:
        x, y = pairs[at]
        assert abs(x - y) == largest if numbers else math.isnan(x) != math.isnan(y)


def test_manifests_entry_by_entry() -> None:
    one = {"configuration": {"gap": 10, "costs": {"borrow_bp": 50}}, "study": {"hull": "0,0"}}
    other = {"configuration": {"gap": 5, "costs": {"borrow_bp": 50, "new": 1}}, "seed": 0}
    assert changes_of(one, other) == [
        Change("configuration.gap", 10, 5),
        Change("configuration.costs.new", ABSENT, 1),
        Change("study", {"hull": "0,0"}, ABSENT),
        Change("seed", ABSENT, 0),
    ]


def kept(folder: Path, frame: pd.DataFrame, fmt: str = "csv", **manifest: object) -> KeptRun:
    def write(file: object) -> object:
        if fmt == "parquet":
            return frame.to_parquet(file, index=False)
        return frame.to_csv(file, index=False)

    files = {f"cars.{fmt}": write, "report.html": lambda file: file.write(b"<p>")}
    about = {"versions": {DISTRIBUTION: "1"}, "prices": {"tickers": {"SPY": "s"}}, **manifest}
    write_folder(folder, files, about)
    found = read_seal(folder)
    assert found is not None
    return KeptRun(folder.name, folder, found)


def test_runs_that_only_the_clock_tells_apart_are_identical(tmp_path: Path) -> None:
    first = kept(tmp_path / "a", table(A), started="x", wall_time=1)
    second = kept(tmp_path / "b", table(A), started="y", wall_time=2)
    found = compare_runs(first, second)
    assert found.identical
    assert found.summary().splitlines() == [
        "A: a", "B: b", "Identical, but for the time of day and how long they took.",
        "configuration: identical", "inputs: identical", "versions: identical",
        "resolved: identical", "cars: identical", "report.html: identical",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("manifest", "where"),
    [
        ({"configuration": {"gap": 5}}, "configuration"),
        ({"prices": {"tickers": {"SPY": "t"}}}, "inputs"),
        ({"versions": {DISTRIBUTION: "1", "numpy": "3"}}, "versions"),
        ({"notes": ["n"]}, "resolved"),
    ],
)
def test_a_change_stands_where_it_belongs(
    tmp_path: Path, manifest: dict[str, object], where: str
) -> None:
    found = compare_runs(kept(tmp_path / "a", table(A)), kept(tmp_path / "b", table(A), **manifest))
    assert not found.identical
    for name in ("configuration", "inputs", "versions", "resolved"):
        assert len(getattr(found, name)) == (name == where), name


def test_the_format_of_a_table_is_no_difference_of_its_values(tmp_path: Path) -> None:
    frame = table(A).assign(date=pd.to_datetime(["2024-12-13"] * 4), yes=[True, False, True, True])
    found = compare_runs(kept(tmp_path / "a", frame), kept(tmp_path / "b", frame, "parquet"))
    assert [t.state for t in found.tables] == ["same values"]
    assert not found.identical


def test_a_table_of_one_run_only(tmp_path: Path) -> None:
    first, second = (kept(tmp_path / name, table(A)) for name in "ab")
    (second.folder / "cars.csv").unlink()
    found = compare_runs(first, second)
    assert [t.lines() for t in found.tables] == [["cars: only in A"]]


def test_a_table_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    first, second = (kept(tmp_path / name, table(A), "parquet") for name in "ab")
    (second.folder / "cars.parquet").write_bytes(b"no parquet")
    with pytest.raises(EventStudyError, match=r"cars\.parquet: cannot be read as a table"):
        compare_runs(first, second)


def test_one_strategy_at_two_parameters_is_compared_with_itself() -> None:
    a = pd.DataFrame({"strategy": ["pair", "other:hold=2"], "sharpe": [1.0, 2.0]})
    b = pd.DataFrame({"strategy": ["pair:hold=5", "other"], "sharpe": [1.5, 2.0]})
    found = compare_tables("metrics", a, b)
    assert (found.only_a, found.only_b) == ((), ())
    assert [(c.column, c.rows, c.largest) for c in found.columns] == [("sharpe", 1, 0.5)]
    twice = pd.DataFrame({"strategy": ["pair:hold=5", "pair:hold=6"], "sharpe": [1.5, 2.0]})
    assert compare_tables("metrics", a, twice).only_b == ("pair:hold=5", "pair:hold=6")


def test_rounding_is_no_difference() -> None:
    a = pd.DataFrame({"ticker": ["A", "B"], "mae": [0.1, 3e6]})
    b = pd.DataFrame({"ticker": ["A", "B"], "mae": [0.1 + 2e-17, 3e6 * (1 + 1e-13)]})
    assert compare_tables("trades", a, b).state == "same values"
    b.loc[0, "mae"] += 1e-11
    assert compare_tables("trades", a, b).columns[0].rows == 1
