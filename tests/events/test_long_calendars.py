"""Calendars of many rows: read by column, faults counted, and the events as arrays."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eventstudy.errors import InputError
from eventstudy.events import EventCalendar, read_events, read_text_table


def made(n: int) -> pd.DataFrame:
    """Events of 40 tickers on 50 days: what is distinct does not grow with n."""
    at = np.arange(n)
    days = np.datetime64("2023-01-02") + at % 50
    return pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in at],
            "date": days.astype(str),
            "time": np.array(["", "16:05", "08:00", "12:30"])[at % 4],
            "timezone": np.array(["", "Europe/London"])[at % 2],
            "kind": np.array(["earnings", "guidance", ""])[at % 3],
            "tickers": np.array([f"T{i}" for i in range(40)])[at % 40],
        }
    )


def python_calls(path: Path) -> int:
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        read_events(path)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_no_row_is_looked_at_one_by_one(tmp_path: Path, ending: str) -> None:
    """Nine times the rows, as many calls of Python functions."""
    paths = []
    for n in (3_000, 27_000):
        paths.append(tmp_path / f"{n}.{ending}")
        frame = made(n)
        frame.to_csv(paths[-1], index=False) if ending == "csv" else frame.to_parquet(paths[-1])
    read_events(paths[0])  # what is imported and cached at first
    few, many = map(python_calls, paths)
    assert many < few + 300


def test_parquet_says_what_csv_says(tmp_path: Path, root: Path) -> None:
    shipped = pd.read_csv(root / "events.csv", dtype=str, keep_default_na=False)
    typed = {
        "date": pa.array([dt.date.fromisoformat(d) for d in shipped["date"]]),
        "tickers": pa.array([t.split(";") for t in shipped["tickers"]]),
        "kind": pa.array(shipped["kind"]).dictionary_encode(),
        "known_on": pa.nulls(len(shipped)),
    }
    columns = {name: typed.get(name, pa.array(shipped[name])) for name in shipped.columns}
    assert (shipped["known_on"] == "").all()
    pq.write_table(pa.table(columns), tmp_path / "events.parquet")
    from_csv, found = read_events(root / "events.csv"), read_events(tmp_path / "events.parquet")
    # A cell of the shipped file runs over no line break, so lines are rows.
    pd.testing.assert_frame_equal(found.frame, from_csv.frame)
    assert found.events == from_csv.events


def test_parquet_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "events.parquet").write_text("event_id,date,tickers\n")
    with pytest.raises(InputError, match="events.parquet: cannot be read as Parquet"):
        read_events(tmp_path / "events.parquet")
    with pytest.raises(InputError, match="event.parquet: no such file.*'events.parquet'"):
        read_events(tmp_path / "event.parquet")


def test_faults_of_parquet_have_row_column_and_value(tmp_path: Path) -> None:
    frame = made(5)
    frame.loc[3, "date"] = "2023-02-30"
    frame.to_parquet(tmp_path / "events.parquet")
    with pytest.raises(InputError) as told:
        read_events(tmp_path / "events.parquet")
    fault = told.value.faults[0]
    assert (fault.row, fault.column, fault.value) == (5, "date", "2023-02-30")


def test_faults_are_told_twenty_a_kind_and_then_counted(tmp_path: Path) -> None:
    frame = made(3_000)
    frame.loc[100:1099, "date"] = "2023-02-30"
    frame.loc[200:229, "tickers"] = [f"no ticker {i}" for i in range(30)]
    frame.loc[2_500:, "timezone"] = [f"Mars/{i}" for i in range(500)]
    frame.loc[1_500:1_519, "kind"] = "x"  # no fault
    frame.loc[2_000:2_021, "event_id"] = "e7"
    frame.to_csv(tmp_path / "events.csv", index=False)
    with pytest.raises(InputError) as told:
        read_events(tmp_path / "events.csv")
    lines = str(told.value).splitlines()
    assert lines[0] == "1,552 faults in the input:"
    file = tmp_path / "events.csv"
    assert lines[1] == f"  {file}, row 102, column date: '2023-02-30': no such day in the calendar"
    counts = [line for line in lines if "more row" in line]
    assert [line.partition("events.csv, ")[2] for line in counts] == [
        "column event_id: this id is there already (2 more rows, from row 2022 on)",
        "column date: no such day in the calendar (980 more rows, from row 122 on)",
        "column timezone: unknown time zone; write an IANA name such as America/New_York "
        "(480 more rows, from row 2522 on)",
        "column tickers: no ticker: letters, digits and . - ^ = _ are allowed, tickers are "
        "separated by ; and baskets start with @ (10 more rows, from row 222 on)",
    ]
    assert len(lines) == 1 + 50 + 4 + 1  # told, counted, and those for which no room was left
    single = [f for f in told.value.faults if f.count == 1]
    assert sum(f.problem == "this id is there already, in row 9" for f in single) == 20


def test_directions_are_told_in_the_order_of_rows(tmp_path: Path) -> None:
    frame = made(200)
    frame["expects"] = [f"T{i % 40}+" if i % 2 else f"X{999 - i}+" for i in range(200)]
    frame.to_csv(tmp_path / "events.csv", index=False)
    with pytest.raises(InputError) as told:
        read_events(tmp_path / "events.csv")
    *single, further = told.value.faults
    assert [fault.row for fault in single] == list(range(2, 42, 2))
    assert [fault.value for fault in single] == [f"X{999 - i}+" for i in range(0, 40, 2)]
    assert further.problem == "not among the row's tickers (80 more rows, from row 42 on)"


def reference(text: str) -> tuple[list[tuple[int, list[str]]], list[int]]:
    """Rows with their line, and lines of uneven rows, by the standard library alone."""
    reader = csv.reader(io.StringIO(text, newline=""))
    width, begins, even, odd = len(next(reader)), reader.line_num + 1, [], []
    for cells in reader:
        if len(cells) == width and any(cells):
            even.append((begins, [cell.strip() for cell in cells]))
        elif cells and len(cells) != width:
            odd.append(begins)
        begins = reader.line_num + 1
    return even, odd


def test_uneven_rows_blank_lines_and_quoted_breaks(tmp_path: Path) -> None:
    chance = random.Random(3)  # noqa: S311
    words = ["a", "b c", "", '"x,y"', '"two\nlines"', '"say ""hi"""', " padded "]
    for _ in range(150):
        lines = ["event_id,date,tickers"]
        for _ in range(chance.randrange(1, 12)):
            width = chance.choices([3, 2, 4, 0], [12, 1, 1, 1])[0]
            lines.append(",".join(chance.choices(words, k=width)))
        end = chance.choice(["\n", "\r\n"])
        text = end.join(line.replace("\n", end) for line in lines) + chance.choice(["", end])
        path = tmp_path / "events.csv"
        path.write_bytes(text.encode())
        even, odd = reference(text)
        found = read_text_table(path)
        kept = (found.columns != "").any(axis=1).to_numpy()
        rows = [list(row) for row in found.columns[kept].itertuples(index=False)]
        assert [(int(at), row) for at, row in zip(found.rows[kept], rows, strict=True)] == even
        assert [fault.row for fault in found.faults] == odd


def test_an_uneven_row_far_down_is_found(tmp_path: Path) -> None:
    lines = made(60_000).to_csv(index=False).splitlines()
    lines[50_000] += ",surplus"
    lines[59_000] += '"'
    lines.insert(40_000, "")
    path = tmp_path / "events.csv"
    path.write_text("\n".join(lines).replace('"', ""))
    with pytest.raises(InputError) as told:
        read_events(path)
    (fault,) = told.value.faults
    assert (fault.row, fault.problem.split(":")[0]) == (50_002, "7 cells where the header has 6")


def as_lists(calendar: EventCalendar) -> list[tuple[Any, ...]]:
    columns = calendar.columns()
    assert calendar.sessions is not None
    days = [None if i < 0 else calendar.sessions.days[i] for i in (*columns.same, *columns.next)]
    n = len(columns)
    listed = columns.listed
    return [
        (
            days[i],
            days[n + i],
            bool(columns.ambiguous[i]),
            bool(columns.study[i]),
            columns.kinds[columns.kind[i]],
            columns.names[columns.main[i]],
            tuple(listed.labels[c] for c in listed.codes[listed.starts[i] : listed.starts[i + 1]]),
        )
        for i in range(n)
    ]


def test_arrays_say_what_the_events_say(root: Path) -> None:
    calendar = read_events(root / "events.csv")
    assert as_lists(calendar) == [
        (
            event.same,
            event.next,
            event.ambiguous,
            event.use == "study",
            event.kind,
            event.subject if event.subject in event.tickers else event.tickers[0],
            calendar.baskets.resolve(event.tickers),
        )
        for event in calendar.events
    ]
    assert {True, False} == {row[2] for row in as_lists(calendar)}


def test_session_0_outside_the_sessions_is_minus_one() -> None:
    frame = pd.DataFrame({"event_id": ["a"], "date": ["1890-01-02"], "tickers": ["X"]})
    frame.loc[0, "date"] = "1901-01-02"
    from eventstudy.sessions import sessions_from_dates

    sessions = sessions_from_dates(np.array(["2020-01-02"], dtype="datetime64[D]"))
    columns = read_events(frame, calendar=sessions).columns()
    assert columns.same.tolist() == columns.next.tolist() == [-1]


def test_frames_of_objects_are_read_value_by_value() -> None:
    frame = pd.DataFrame(
        {
            "event_id": [1, 2, 3],
            "date": [dt.date(2024, 1, 3), dt.datetime(2024, 1, 4), pd.Timestamp("2024-01-05")],
            "time": [dt.time(9, 30), None, "16:05"],
            "tickers": [["A", "B"], ("C",), "D;E"],
            "mixed": [1, True, 1.0],
        },
        dtype=object,
    )
    found = read_events(frame).frame
    assert found["event_id"].tolist() == ["1", "2", "3"]
    assert found["date"].tolist() == ["2024-01-03", "2024-01-04", "2024-01-05"]
    assert found["time"].tolist() == ["09:30:00", "", "16:05"]
    assert found["tickers"].tolist() == ["A;B", "C", "D;E"]
    assert found["mixed"].tolist() == ["1", "True", "1.0"]
