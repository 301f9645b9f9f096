"""Calendars that no one would write: each was found by fuzzing, or is on the list of bad inputs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eventstudy import read_events
from eventstudy.disk.text import text_fault, toml_row
from eventstudy.errors import Fault, InputError
from eventstudy.run.config import read_config

GOOD = {"event_id": ["a"], "date": ["2024-12-12"], "tickers": ["AVGO"]}


def told(path: Path) -> str:
    with pytest.raises(InputError) as raised:
        read_events(path)
    return str(raised.value)


def written(folder: Path, table: pa.Table) -> Path:
    path = folder / "events.parquet"
    pq.write_table(table, path)
    return path


def test_a_header_longer_than_a_cell_may_be(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("event_id,date,tickers," + "x" * 140_000 + "\na,2024-12-12,AVGO,\n")
    assert "events.csv, row 1: cannot be read as CSV" in told(path)


def test_a_name_of_a_file_with_a_zero_byte() -> None:
    assert "its name holds a zero byte" in told(Path("events\x00.csv"))


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[["AVGO"]]], pa.list_(pa.list_(pa.string()))),
        pa.array([{"a": 1}], pa.struct([("a", pa.int64())])),
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        pa.array([[1.5, 2.5]], pa.list_(pa.float64(), 2)),
        pa.array([b"\xff"], pa.binary()),
    ],
    ids=lambda values: str(values.type)[:12],
)
def test_odd_columns_of_parquet(tmp_path: Path, values: pa.Array) -> None:
    """As a column of one's own it is kept as text; as a date it is a fault of its row."""
    path = written(tmp_path, pa.table({**GOOD, "mine": values}))
    assert read_events(path).frame["mine"].tolist() != [""]
    path = written(tmp_path, pa.table({**GOOD, "date": values}))
    assert "events.parquet, row 2, column date: " in told(path)


def test_a_list_of_tickers_of_fixed_length(tmp_path: Path) -> None:
    listed = pa.array([["AVGO", "MRVL"]], pa.list_(pa.string(), 2))
    path = written(tmp_path, pa.table({**GOOD, "tickers": listed}))
    assert read_events(path).frame["tickers"].tolist() == ["AVGO;MRVL"]


@pytest.mark.parametrize(
    "note", [b"no JSON", b'{"index_columns": 3}', b"[]", b'{"index_columns": [{"kind": "range"}]}']
)
def test_what_pandas_notes_of_an_index_may_be_anything(tmp_path: Path, note: bytes) -> None:
    table = pa.table(GOOD).replace_schema_metadata({b"pandas": note})
    assert len(read_events(written(tmp_path, table))) == 1


def test_a_column_twice_and_none_but_an_index(tmp_path: Path) -> None:
    names = ["event_id", "date", "tickers", "date"]
    table = pa.Table.from_arrays([pa.array(["2024-12-12"])] * 4, names=names)
    assert "row 1, column date: this column is there twice" in told(written(tmp_path, table))
    note = b'{"index_columns": ["date"]}'
    table = pa.table({"date": ["2024-12-12"] * 4}).replace_schema_metadata({b"pandas": note})
    assert "column 'event_id' is missing" in told(written(tmp_path, table))


def test_a_frame_of_arrays() -> None:
    frame = pd.DataFrame({**GOOD, "mine": [[1, 2]]})
    assert read_events(frame).frame["mine"].tolist() == ["1;2"]


def test_what_cannot_be_seen_is_shown_by_its_number() -> None:
    fault = Fault("a\x1b[2J.csv", "no\nproblem", 1, "co\u202elumn", "va\x07lue")
    text = str(InputError([fault]))
    assert text == (
        "1 fault in the input:\n  a[U+001B][2J.csv, row 1, column co[U+202E]lumn: 'va\\x07lue': "
        "no[U+000A]problem"
    )
    assert len(str(Fault("a.csv", "p" * 9000, 1, "c" * 9000, "v" * 9000))) < 2000


@pytest.mark.parametrize(
    ("data", "row"),
    [
        (b"a\nb\n\xff", 3), (b"a\r\nb\r\n\x00", 3), (b"a\rb\r\xff", 3), (b"\xff", 1),
        (b"a\n\xe5\x8d", 2), (b"\xff\xfea\x00", 1),
    ],
)  # fmt: skip
def test_the_row_of_a_byte_that_is_no_text(data: bytes, row: int) -> None:
    fault = text_fault(data, "f")
    assert fault is not None
    assert fault.row == row
    assert text_fault(data[: data.find(b"\n") + 1], "f") is None or row == 1 or b"\n" not in data


def test_the_row_of_a_key() -> None:
    data = b'a = 1\r\n[costs] # words\r\n"b" = 2\nc.d = 3\n[deep.er]\nx = { y = 1 }\n'
    rows = {"a": 1, "costs.b": 3, "costs.c.d": 4, "deep.er.x.y": 6, "costs.z": 2, "none": None}
    assert {key: toml_row(data, key.split(".")) for key in rows} == rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("window = " + "[" * 5000, "nested too deeply"),
        ("seed = " + "9" * 5000, "too many digits"),
        ('seed = 1\n[assume_known]\nearnings = "²d"', "row 2, key assume_known: assume-known"),
        ("\ncapital = inf", "row 2, key capital: 'inf': must be a finite number"),
        ("[baskets]\nASIC = { AVGO = nan }", "row 1, key baskets: basket @ASIC: weight nan"),
        ('\n\nwindow = "one"', "row 3, key window: window 'one': write a,b"),
        ('end = "12/31/2024"', "row 1, key end: '12/31/2024': write a date as YYYY-MM-DD"),
    ],
)
def test_a_study_that_cannot_be_read(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        read_config(str(path), {})
    assert f"{path}" in str(raised.value)
    assert said in str(raised.value)
