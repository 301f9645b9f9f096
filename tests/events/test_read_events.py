"""Reading: what is accepted, and every fault with its row, column and value."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstudy.errors import EventStudyError, Fault, InputError, UnknownNameError
from eventstudy.events import EventCalendar, read_events
from eventstudy.events.csvfile import read_text_table
from eventstudy.prices.table import FIELDS, PriceTable

Writer = Callable[..., Path]

HEADER = "event_id,date,time,timezone,session,tickers,expects,use,known_on,confidence"
GOOD = "e1,2024-12-12,16:15,America/New_York,post,AVGO;NVDA,@ASIC+ @GPU-,study,2024-11-20,high"


def faults(source: Path | pd.DataFrame, **options: object) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read_events(source, **options)  # type: ignore[arg-type]
    return caught.value.faults


def row(**cells: str) -> str:
    """Return the good row with some of its cells replaced."""
    given = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | cells
    text = io.StringIO()
    csv.writer(text).writerow(given.values())
    return text.getvalue().strip()


def test_three_columns_are_enough(write: Writer) -> None:
    calendar = read_events(write("event_id,date,tickers", "e1,2024-12-12,AVGO"))
    event = calendar["e1"]
    assert event.timezone == "America/New_York"
    assert event.session == "unknown"
    assert event.use == "study"
    assert event.time is None
    assert event.known_on is None
    assert dict(event.expects) == {}
    assert event.row == 2
    assert event.ambiguous


def test_every_field_is_read(write: Writer) -> None:
    event = read_events(write(HEADER, GOOD))["e1"]
    assert event.date == date(2024, 12, 12)
    assert event.time == time(16, 15)
    assert event.tickers == ("AVGO", "NVDA")
    assert dict(event.expects) == {"@ASIC": 1, "@GPU": -1}
    assert event.known_on == date(2024, 11, 20)
    assert (event.session, event.use, event.confidence) == ("post", "study", "high")
    assert event.session_0("stated") == np.datetime64("2024-12-13")


def test_cells_are_normalised(write: Writer) -> None:
    line = row(time="9:05", session=" PRE", tickers=" AVGO ; NVDA;AVGO", use="Study")
    event = read_events(write(HEADER, line))["e1"]
    assert event.time == time(9, 5)
    assert event.session == "pre"
    assert event.tickers == ("AVGO", "NVDA")
    assert event.use == "study"


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("event_id", "", "an id is needed"),
        ("date", "", "a value is needed"),
        ("date", "2024-02-30", "no such day"),
        ("date", "12/13/2024", "YYYY-MM-DD"),
        ("date", "2024-12-13T16:15", "a time of day goes into column time"),
        ("date", "1824-12-13", "from 1900 to 2100"),
        ("time", "25:00", "no such time of day"),
        ("time", "16:60", "no such time of day"),
        ("time", "4:15 PM", "24-hour clock"),
        ("time", "16:15Z", "its zone goes into column timezone"),
        ("timezone", "America/NewYork", "did you mean 'America/New_York'?"),
        ("timezone", "../etc/passwd", "unknown time zone"),
        ("timezone", "America", "unknown time zone"),
        ("session", "prr", "did you mean 'pre'?"),
        ("session", "bmo", "allowed: pre, regular, post, unknown"),
        ("use", "studdy", "did you mean 'study'?"),
        ("confidence", "hihg", "allowed: high, medium, low"),
        ("tickers", "", "a value is needed"),
        ("tickers", "AVGO;;NVDA", "an entry is empty"),
        ("tickers", "AVGO,NVDA", "tickers are separated by ;"),
        ("tickers", "AVGO;../NVDA", "is no ticker"),
        ("tickers", "AVGO;..", "is no ticker"),
        ("tickers", "AVGO;@ASCI", "did you mean '@ASIC'?"),
        ("expects", "AVGO", "is no direction"),
        ("expects", "+", "is no direction"),
        ("expects", "AVGO+ AVGO-", "both + and -"),
        ("expects", "AMD+", "AMD is not among the row's tickers"),
        ("expects", "AVG+", "did you mean 'AVGO'?"),
        ("expects", "@CLOUD+", "known: @ASIC, @GPU"),
        ("known_on", "2024-13-01", "no such day"),
        ("known_on", "2024-12-13", "after the event itself, 2024-12-12"),
        ("session", "pre", "says post"),
    ],
)
def test_a_fault_names_its_place(write: Writer, column: str, value: str, problem: str) -> None:
    other = row(event_id="e2")
    (fault,) = faults(write(HEADER, other, row(**{column: value})))
    assert (fault.row, fault.column, fault.value) == (3, column, value)
    assert problem in fault.problem


def test_a_time_that_a_clock_change_skips(write: Writer) -> None:
    (fault,) = faults(write(HEADER, row(date="2025-03-09", time="02:30", session="")))
    assert (fault.row, fault.column, fault.value) == (2, "time", "02:30")
    assert "does not exist on 2025-03-09 in America/New_York" in fault.problem
    # Abroad the same wall clock exists.
    zone = "Europe/London"
    read_events(write(HEADER, row(date="2025-03-09", time="02:30", session="", timezone=zone)))


def test_twice_the_same_id(write: Writer) -> None:
    (fault,) = faults(write(HEADER, row(), row(event_id="e2"), row()))
    assert (fault.row, fault.column, fault.value) == (4, "event_id", "e1")
    assert "in row 2" in fault.problem


def test_all_faults_at_once(write: Writer) -> None:
    path = write(
        HEADER,
        row(date="2024-02-30", time="25:00", timezone="Mars/Olympus"),
        row(event_id="e2", session="pre"),
        row(event_id="e2", expects="AMD+", known_on="2025-01-01"),
        "e3,2024-12-12",
        row(event_id="e4", tickers="@NONE", use="maybe"),
    )
    found = [(fault.row, fault.column) for fault in faults(path)]
    assert found == [
        (2, "date"),
        (2, "time"),
        (2, "timezone"),
        (3, "session"),
        (4, "event_id"),
        (4, "known_on"),
        (4, "expects"),
        (5, None),
        (6, "tickers"),
        (6, "use"),
    ]


def test_a_missing_column_and_a_fault_elsewhere(write: Writer) -> None:
    first, second = faults(write("event_id,date,ticker", "e1,2024-02-30,AVGO"))
    assert "column 'tickers' is missing: 'ticker' looks like it" in first.problem
    assert (second.row, second.column, second.value) == (2, "date", "2024-02-30")


@pytest.mark.parametrize("missing", ["event_id", "date", "tickers"])
def test_each_required_column(write: Writer, missing: str) -> None:
    kept = [name for name in ("event_id", "date", "tickers") if name != missing]
    cells = {"event_id": "e1", "date": "2024-12-12", "tickers": "AVGO"}
    (fault,) = faults(write(",".join(kept), ",".join(cells[name] for name in kept)))
    assert fault.row == 1
    assert f"column {missing!r} is missing" in fault.problem


def test_a_header_twice_and_one_without_a_name(write: Writer) -> None:
    twice, nameless = faults(write("event_id,date,tickers,date,", "e1,2024-12-12,AVGO,x,"))
    assert (twice.row, twice.column) == (1, "date")
    assert "column number 5 has no name" in nameless.problem


def test_cells_split_by_semicolons(write: Writer) -> None:
    found = faults(write("event_id;date;tickers", "e1;2024-12-12;AVGO"))
    assert any("separated by commas" in fault.problem for fault in found)


def test_extra_columns_are_kept(write: Writer) -> None:
    calendar = read_events(write("event_id,date,tickers,desk,row", "e1,2024-12-12,AVGO,asia,9"))
    assert calendar.frame["desk"].tolist() == ["asia"]
    assert calendar.frame["row (file)"].tolist() == ["9"]
    assert calendar.frame["row"].tolist() == [2]
    assert len(calendar.notes) == 1
    assert "'row' is kept as 'row (file)'" in calendar.notes[0]


@pytest.mark.parametrize(
    ("header", "near"),
    [("sesion", "session"), ("expect", "expects"), ("tz", "timezone"), ("Known_On", "known_on")],
)
def test_a_misspelt_optional_column_is_a_fault(write: Writer, header: str, near: str) -> None:
    with pytest.raises(InputError, match=f"column {header}: looks like '{near}'"):
        read_events(write(f"event_id,date,tickers,{header}", "e1,2024-12-12,AVGO,"))


def test_a_column_of_ones_own_beside_the_contracts_is_kept(write: Writer) -> None:
    calendar = read_events(write("event_id,date,tickers,note,notes", "e1,2024-12-12,AVGO,a,b"))
    assert list(calendar.frame["notes"]) == ["b"]
    assert calendar.notes == ()


def test_lower_case_tickers_are_noted(write: Writer) -> None:
    calendar = read_events(write("event_id,date,tickers", "e1,2024-12-12,avgo;NVDA"))
    assert "taken as written: avgo" in calendar.notes[0]
    assert calendar.tickers == {"avgo", "NVDA"}


def test_a_label_with_a_foreign_zone_and_no_time_is_noted(write: Writer) -> None:
    path = write(HEADER, row(time="", timezone="Asia/Taipei"), row(event_id="e2", time=""))
    calendar = read_events(path)
    assert str(calendar["e1"].next) == "2024-12-13"  # after New York's close of the 12th
    assert len(calendar.notes) == 1
    assert "the exchange's session of that date (e1)" in calendar.notes[0]


@pytest.mark.parametrize("ticker", ["BRK-B", "BF.B", "^GSPC", "EURUSD=X", "2330.TW", "A_B"])
def test_tickers_as_sources_write_them(write: Writer, ticker: str) -> None:
    path = write("event_id,date,tickers,expects", f"e1,2024-12-12,{ticker},{ticker}-")
    assert dict(read_events(path)["e1"].expects) == {ticker: -1}


def test_a_basket_may_be_expected_without_being_listed(write: Writer) -> None:
    path = write(
        "event_id,date,tickers,expects", "e1,2024-12-12,ORCL,@GPU+", "e2,2024-12-12,@GPU,AMD-"
    )
    calendar = read_events(path)
    assert calendar.tickers == {"ORCL", "NVDA", "AMD"}


def test_own_baskets(write: Writer) -> None:
    path = write("event_id,date,tickers", "e1,2024-12-12,@CLOUD;@ASIC")
    calendar = read_events(path, baskets={"@CLOUD": ["AMZN", "MSFT"]})
    assert calendar.tickers == {"AMZN", "MSFT", "AVGO", "MRVL"}


def test_rows_are_lines_of_the_file(write: Writer) -> None:
    path = write(
        "event_id,date,tickers,title,note",
        'e1,2024-12-12,AVGO,"two',
        'lines",',
        "",
        "e2,2024-12-12,AVGO,one,",
        ",,,,",
        'e3,2024-12-12,AVGO,"three\n\nlines","a',
        'b"',
        "e4,2024-02-30,AVGO,,",
    )
    (fault,) = faults(path)
    assert (fault.row, fault.value) == (11, "2024-02-30")
    mended = path.read_text().replace("02-30", "02-29")
    path.write_text(mended)
    calendar = read_events(path)
    assert [event.row for event in calendar] == [2, 5, 7, 11]
    assert calendar["e1"].title == "two\nlines"


def test_rows_of_the_wrong_length(write: Writer) -> None:
    short, long = faults(write("event_id,date,tickers", "e1,2024-12-12", "e2,2024-12-12,AVGO,NVDA"))
    assert (short.row, long.row) == (2, 3)
    assert "2 cells where the header has 3" in short.problem
    assert "4 cells where the header has 3: put quotes" in long.problem


def test_a_quote_left_open_swallows_nothing_unsaid(write: Writer) -> None:
    found = faults(write("event_id,date,tickers", 'e1,2024-12-12,"AVGO', "e2,2024-12-12,AVGO"))
    assert any(fault.row == 2 and "never closed" in fault.problem for fault in found)


def test_a_quote_left_open_in_a_long_file(write: Writer) -> None:
    rest = [f"e{i},2024-12-12,AVGO" for i in range(10_000)]
    (fault,) = faults(write("event_id,date,tickers", 'x,2024-12-12,"AVGO', *rest))
    assert fault.row == 2
    assert "is a quote left open" in fault.problem


def test_windows_files(write: Writer) -> None:
    data = "\ufeffevent_id,date,tickers\r\ne1,2024-12-12,AVGO\r\n".encode()
    assert len(read_events(write(data=data))) == 1
    old = b"event_id,date,tickers\re1,2024-12-12,AVGO\r"
    assert read_events(write(data=old))["e1"].row == 2


def test_not_utf_8(write: Writer) -> None:
    data = b"event_id,date,tickers,title\ne1,2024-12-12,AVGO,ok\ne2,2024-12-12,AVGO,caf\xe9\n"
    (fault,) = faults(write(data=data))
    assert fault.row == 3
    assert "not UTF-8 (byte 0xe9)" in fault.problem


def test_an_empty_file_and_an_empty_calendar(write: Writer) -> None:
    assert "the file is empty" in faults(write(data=b""))[0].problem
    assert "the file is empty" in faults(write(data=b"\n\n"))[0].problem
    assert "no rows" in faults(write("event_id,date,tickers"))[0].problem
    assert "no rows" in faults(write("event_id,date,tickers", ",,", ",,"))[0].problem


def test_no_such_file(write: Writer, tmp_path: Path) -> None:
    write("event_id,date,tickers", name="events.csv")
    (fault,) = faults(tmp_path / "event.csv")
    assert "did you mean 'events.csv'?" in fault.problem
    (fault,) = faults(tmp_path / "nowhere" / "events.csv")
    assert "does not exist" in fault.problem
    (fault,) = faults(tmp_path)
    assert "a folder" in fault.problem


def test_a_file_taken_for_a_folder(write: Writer) -> None:
    (fault,) = faults(write(HEADER, GOOD) / "events.csv")
    assert "cannot be read" in fault.problem


def test_a_quote_left_open_in_the_header(write: Writer) -> None:
    quote, header = faults(write('event_id,"date,tickers', "e1,2024-12-12,AVGO"))
    assert "never closed" in quote.problem
    assert "no header line" in header.problem


def test_an_unknown_calendar(write: Writer) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'XNYS'"):
        read_events(write(HEADER, GOOD), calendar="XNYX")


def test_a_frame_instead_of_a_file() -> None:
    frame = pd.DataFrame(
        {
            "date": [datetime(2024, 12, 12), pd.Timestamp("2024-12-13"), date(2024, 12, 16)],
            "time": [time(16, 15), None, "9:00"],
            "tickers": [["AVGO", "MRVL"], "NVDA", "AMD"],
            "known_on": [None, np.nan, pd.NaT],
            "score": [1.5, 2.0, 3.0],
        },
        index=pd.Index(["a", "b", "c"], name="event_id"),
    )
    calendar = read_events(frame)
    assert [event.event_id for event in calendar] == ["a", "b", "c"]
    assert calendar["a"].tickers == ("AVGO", "MRVL")
    assert str(calendar["a"].next) == "2024-12-13"
    assert calendar["c"].time == time(9, 0)
    assert calendar.frame["score"].tolist() == ["1.5", "2.0", "3.0"]


def test_datetimes_of_a_frame() -> None:
    days = pd.to_datetime(["2024-12-12", "2024-12-13"])
    frame = pd.DataFrame({"event_id": [1, 2], "date": days, "tickers": "AVGO"})
    assert read_events(frame)["2"].date == date(2024, 12, 13)
    frame["date"] = days + pd.Timedelta(hours=16)
    first, second = faults(frame)
    assert (first.file, first.row, second.row) == ("<frame>", 2, 3)
    assert "a time of day goes into column time" in first.problem


def table(**closes: list[float]) -> PriceTable:
    dates = np.array(["2024-12-11", "2024-12-12", "2024-12-13", "2024-12-16"], "datetime64[D]")
    close = np.array(list(closes.values()), dtype=float).T
    blank = np.full_like(close, np.nan)
    fields = {name: close if name == "close" else blank for name in FIELDS}
    return PriceTable(tickers=tuple(closes), dates=dates, source="frame", **fields)


NAN = float("nan")


def test_price_dates_as_sessions(write: Writer) -> None:
    prices = table(SPY=[1, 1, NAN, 1], AVGO=[NAN, 1, 1, 1])
    path = write("event_id,date,tickers,session", "e1,2024-12-12,AVGO,post")
    union = read_events(path, calendar="prices", prices=prices)
    assert str(union["e1"].next) == "2024-12-13"
    on_spy = read_events(path, calendar="prices", prices=prices, benchmark="SPY")
    assert str(on_spy["e1"].next) == "2024-12-16"
    with pytest.raises(UnknownNameError, match="did you mean 'SPY'"):
        read_events(path, calendar="prices", prices=prices, benchmark="SPX")
    with pytest.raises(EventStudyError, match="needs the prices"):
        read_events(path, calendar="prices")
    with pytest.raises(EventStudyError, match="hold no dates"):
        read_events(path, calendar="prices", prices=table(SPY=[NAN] * 4))


@pytest.mark.parametrize("calendar", ["prices", "XNYS"])
def test_a_frame_of_prices_is_to_be_loaded_first(write: Writer, calendar: str) -> None:
    path = write("event_id,date,tickers,session", "e1,2024-12-12,AVGO,post")
    frame = pd.DataFrame({"SPY": [1.0, 1.1]}, index=pd.to_datetime(["2024-12-12", "2024-12-13"]))
    with pytest.raises(EventStudyError, match=r"prices is a DataFrame: give what load_prices"):
        read_events(path, calendar=calendar, prices=frame)  # type: ignore[arg-type]


def test_sessions_reach_over_the_prices(write: Writer) -> None:
    path = write("event_id,date,tickers", "e1,2004-12-10,AVGO")
    sessions = read_events(path, prices=table(SPY=[1, 1, 1, 1])).sessions
    assert sessions is not None
    assert sessions.days[0] <= np.datetime64("1999-12-31")
    assert sessions.days[-1] >= np.datetime64("2026-12-31")


def test_parsed_and_aligned_later(write: Writer) -> None:
    calendar = read_events(write(HEADER, row(session="pre")), calendar=None)
    assert not calendar.aligned
    event = calendar["e1"]
    assert np.isnat(event.same)
    assert event.session == "pre"
    sessions = read_events(write(HEADER, GOOD)).sessions
    assert sessions is not None
    with pytest.raises(InputError, match=r"row 2, column session: 'pre'.*says post"):
        calendar.align(sessions)
    aligned = read_events(write(HEADER, GOOD), calendar=None).align(sessions)
    assert str(aligned["e1"].next) == "2024-12-13"
    assert (
        calendar.frame.columns.tolist()
        == aligned.frame.columns.tolist()[: len(calendar.frame.columns)]
    )


def test_faults_do_not_wait_for_the_alignment(write: Writer) -> None:
    (fault,) = faults(write(HEADER, row(use="maybe")), calendar=None)
    assert fault.column == "use"


TEXT = st.text(st.sampled_from('ab,"\n\r ;é'), max_size=6)


def written(rows: list[list[str]], newline: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerows([["x", "y", "z"], *rows])
    return text.getvalue()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=8),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_any_csv_is_read_as_pythons_own_reader_does(
    tmp_path: Path, rows: list[list[str]], newline: str
) -> None:
    path = tmp_path / "any.csv"
    text = written(rows, newline)
    path.write_bytes(text.encode())
    found = read_text_table(path)
    assert found.faults == ()
    expected = [[cell.strip() for cell in cells] for cells in rows]
    assert found.columns.to_numpy().tolist() == expected
    # A row begins on the line after all the text that comes before it.
    for i, line in enumerate(found.rows):
        before = written(rows[:i], newline)
        assert line == len(io.StringIO(before, newline="").readlines()) + 1


def test_the_calendar_is_the_verbs_answer(write: Writer) -> None:
    assert isinstance(read_events(str(write(HEADER, GOOD))), EventCalendar)
