"""Rows drafted from a CSV with other headers; expected rows are written by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from eventstudy.drafts import add_drafts, file_drafts
from eventstudy.drafts.headers import KNOWN
from eventstudy.errors import InputError
from eventstudy.events import COLUMNS, read_events

TODAY = date(2025, 2, 1)
HEADER = "event_id,date,tickers,use,confidence,note\n"


def source(folder: Path, text: str) -> Path:
    path = folder / "other.csv"
    path.write_text(text, encoding="utf-8")
    return path


def drafted(folder: Path, text: str, **options: object) -> list[tuple[str, ...]]:
    """Return date, time, zone, session and tickers of each row."""
    drafts = file_drafts(source(folder, text), today=TODAY, **options)  # type: ignore[arg-type]
    names = ["date", "time", "timezone", "session", "tickers"]
    return list(drafts.frame[names].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2024-12-12", ("2024-12-12", "")),
        ("20241212", ("2024-12-12", "")),
        ("2024/12/12", ("2024-12-12", "")),
        ("12/13/2024", ("2024-12-13", "")),
        ("13/12/2024", ("2024-12-13", "")),
        ("13.12.2024", ("2024-12-13", "")),
        ("12 Dec 2024", ("2024-12-12", "")),
        ("12-Dec-2024", ("2024-12-12", "")),
        ("Dec 12 2024", ("2024-12-12", "")),
        ("December 12th 2024", ("2024-12-12", "")),
        ("2024-12-12 16:15", ("2024-12-12", "16:15")),
        ("2024-12-12T16:15:00", ("2024-12-12", "16:15")),
        ("2024-12-12T21:15:00Z", ("2024-12-12", "16:15")),  # New York is five hours behind
        ("2024-07-12T21:15:00+00:00", ("2024-07-12", "17:15")),  # four in summer
        ("2024-12-13T03:00:00+01:00", ("2024-12-12", "21:00")),
    ],
)
def test_dates_as_people_write_them(tmp_path: Path, cell: str, expected: tuple[str, str]) -> None:
    (row,) = drafted(tmp_path, f"Ticker,Date\nAVGO,{cell}\n")
    assert row[:2] == expected


@pytest.mark.parametrize(
    ("cell", "clock", "session"),
    [
        ("16:15", "16:15", ""), ("4:15 PM", "16:15", ""), ("4:15pm ET", "16:15", ""),
        ("7 a.m.", "07:00", ""), ("12 AM", "00:00", ""), ("12:30 PM EST", "12:30", ""),
        ("AMC", "", "post"), ("After Market Close", "", "post"), ("after-hours", "", "post"),
        ("BMO", "", "pre"), ("Before Market Open", "", "pre"), ("pre-market", "", "pre"),
        ("DMH", "", "regular"), ("TNS", "", "unknown"), ("N/A", "", "unknown"), ("--", "", ""),
        ("", "", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("header", ["Time", "Timing"])
def test_hours_as_people_write_them(
    tmp_path: Path, header: str, cell: str, clock: str, session: str
) -> None:
    (row,) = drafted(tmp_path, f"Symbol,Report Date,{header}\nAVGO,2024-12-12,{cell}\n")
    # A calendar row without either has an unknown hour; that is decided when it is read.
    assert row == ("2024-12-12", clock, "America/New_York", session, "AVGO")


def test_utc_beside_a_time_is_the_zone_of_the_row(tmp_path: Path) -> None:
    (row,) = drafted(tmp_path, "Ticker,Date,Time\nAVGO,2024-12-12,21:15 UTC\n")
    assert row[1:3] == ("21:15", "UTC")


def test_a_column_decides_the_order_of_day_and_month(tmp_path: Path) -> None:
    rows = drafted(tmp_path, "Ticker,Date\nA,03/04/2024\nB,25/04/2024\n")
    assert [row[0] for row in rows] == ["2024-04-03", "2024-04-25"]
    rows = drafted(tmp_path, "Ticker,Date\nA,03/04/2024\n", order="mdy")
    assert rows[0][0] == "2024-03-04"
    for text in ("A,03/04/2024\n", "A,25/04/2024\nB,04/25/2024\n"):
        with pytest.raises(InputError, match="say --dates mdy or --dates dmy"):
            drafted(tmp_path, "Ticker,Date\n" + text)


def test_guesses_are_told_and_what_is_told_is_not_guessed(tmp_path: Path) -> None:
    path = source(
        tmp_path,
        "Symbol,Anouncement Date,AMC/BMO,Company,EPS,Published\n"
        "AVGO,2024-12-12,AMC,Broadcom,1.42,2024-12-13\n",
    )
    drafts = file_drafts(path, columns={"title": ""}, kind="earnings", today=TODAY)
    assert drafts.columns == (
        ("date", "Anouncement Date", "guessed"), ("session", "AMC/BMO", "guessed"),
        ("tickers", "Symbol", "guessed"),
    )  # fmt: skip
    assert drafts.unused == ("Company", "EPS", "Published")
    row = drafts.frame.iloc[0]
    assert row["event_id"] == "avgo-earnings-2024-12-12"
    assert row["note"] == "draft from other.csv of 2025-02-01: to be confirmed"
    assert (row["use"], row["confidence"], row["known_on"]) == ("context", "low", "")
    told = file_drafts(path, columns={"date": "published", "note": "EPS"}, today=TODAY)
    assert told.columns[:2] == (("date", "Published", "given"), ("note", "EPS", "given"))
    assert told.frame["note"].iloc[0].endswith("to be confirmed; 1.42")


def test_every_fault_at_once_with_the_files_own_columns(tmp_path: Path) -> None:
    path = source(
        tmp_path,
        "Symbol,Announcement Date,Time\n"
        "AVGO,2024-02-30,16:15\n"
        "@FOO,2024-12-12,noon\n"
        ",2024-12-12,25:00\n"
        "x;y!,yesterday,4 PM CET\n"
        "NVDA,2024-12-12,AMC,more\n",
    )
    with pytest.raises(InputError) as error:
        file_drafts(path, today=TODAY)
    found = {(fault.row, fault.column, fault.value) for fault in error.value.faults}
    assert found == {
        (2, "Announcement Date", "2024-02-30"), (3, "Symbol", "@FOO"), (3, "Time", "noon"),
        (4, "Symbol", ""), (4, "Time", "25:00"), (5, "Symbol", "x;y!"),
        (5, "Announcement Date", "yesterday"), (5, "Time", "4 PM CET"), (6, None, None),
    }  # fmt: skip


def test_a_time_that_contradicts_its_session(tmp_path: Path) -> None:
    text = "Ticker,Date,Time,Session\nAVGO,2024-12-12,16:15,BMO\n"
    with pytest.raises(InputError) as error:
        drafted(tmp_path, text)
    (fault,) = error.value.faults
    assert (fault.row, fault.column, fault.value) == (2, "Session", "BMO")


@pytest.mark.parametrize(
    ("text", "told", "words"),
    [
        ("Ticker,Symbol,Date\nA,A,2024-12-12\n", {}, "'Ticker' and 'Symbol' look like tickers"),
        ("Name,Date\nA,2024-12-12\n", {}, "no column looks like tickers"),
        ("Ticker,Date,Date\nA,2024-12-12,x\n", {}, "twice"),
        ("Ticker,Date\nA,2024-12-12\n", {"dat": "Date"}, "did you mean 'date'"),
        ("Ticker,Date\nA,2024-12-12\n", {"date": "Dat"}, "did you mean 'Date'"),
        ("Ticker,Date\nA,2024-12-12\n", {"use": "Date"}, "a draft is context"),
        ("Ticker,Date\nA,2024-12-12\n", {"date": ""}, "needs this column"),
    ],
)
def test_headers_that_do_not_fit(
    tmp_path: Path, text: str, told: dict[str, str], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        file_drafts(source(tmp_path, text), columns=told)


def test_the_headers_of_the_calendar_itself_are_known() -> None:
    assert set(KNOWN) == set(COLUMNS) - {"use", "confidence"}


def test_rows_that_are_there_keep_every_byte(tmp_path: Path) -> None:
    calendar = tmp_path / "events.csv"
    old = "\ufeff" + HEADER.replace("\n", ",mine\n") + 'a,2024-01-02,"AVGO",,, "x" ,"1,2"\n'
    calendar.write_text(old, encoding="utf-8")
    calendar.chmod(0o600)
    drafts = file_drafts(source(tmp_path, "Ticker,Date\nNVDA,2024-12-12\n"), today=TODAY)
    with pytest.raises(InputError, match="column 'timezone' is missing"):
        add_drafts(drafts, calendar)
    assert calendar.read_text(encoding="utf-8") == old
    old = old.replace("date,", "date,timezone,subject,", 1).replace("02,", "02,,,")
    calendar.write_text(old, encoding="utf-8")
    add_drafts(drafts, calendar)
    text = calendar.read_text(encoding="utf-8")
    assert text.startswith(old)
    assert text[len(old) :] == (
        "nvda-2024-12-12,2024-12-12,America/New_York,NVDA,NVDA,context,low,"
        "draft from other.csv of 2025-02-01: to be confirmed,\n"
    )
    assert calendar.stat().st_mode & 0o777 == 0o600
    assert len(read_events(calendar)) == 2


def test_an_id_of_the_file_that_is_taken_is_refused(tmp_path: Path) -> None:
    calendar = tmp_path / "events.csv"
    calendar.write_text("event_id,date,tickers,timezone,subject,use,confidence,note\n"
                        "x,2024-01-02,AVGO,,,,,\n")  # fmt: skip
    before = calendar.read_bytes()
    path = source(tmp_path, "ID,Ticker,Date\ny,NVDA,2024-12-12\nx,NVDA,2024-12-13\n")
    with pytest.raises(InputError) as error:
        add_drafts(file_drafts(path), calendar)
    (fault,) = error.value.faults
    assert (fault.row, fault.column, fault.value) == (3, "ID", "x")
    assert calendar.read_bytes() == before
    twice = source(tmp_path, "ID,Ticker,Date\ny,NVDA,2024-12-12\ny,NVDA,2024-12-13\n")
    with pytest.raises(InputError, match="row 3, column ID: 'y': this id is there already"):
        file_drafts(twice)


def test_the_same_company_and_date_is_left_out_and_listed(tmp_path: Path) -> None:
    calendar = tmp_path / "events.csv"
    text = "Ticker,Date\nAVGO,2024-12-12\nAVGO,2024-12-12\nNVDA;AVGO,2024-12-12\n"
    drafts = file_drafts(source(tmp_path, text), kind="deal", today=TODAY)
    added = add_drafts(drafts, calendar)
    assert list(added.rows["event_id"]) == ["avgo-deal-2024-12-12", "nvda-deal-2024-12-12"]
    assert added.duplicates.to_dict("records") == [
        {"event_id": "avgo-deal-2024-12-12", "date": "2024-12-12", "ticker": "AVGO",
         "other": "avgo-deal-2024-12-12", "what": "left out"},
        {"event_id": "nvda-deal-2024-12-12", "date": "2024-12-12", "ticker": "AVGO",
         "other": "avgo-deal-2024-12-12", "what": "added"},
    ]  # fmt: skip
    again = add_drafts(drafts, calendar, keep_duplicates=True)
    assert list(again.rows["event_id"]) == [
        "avgo-deal-2024-12-12-2", "avgo-deal-2024-12-12-3", "nvda-deal-2024-12-12-2",
    ]  # fmt: skip
    assert len(read_events(calendar)) == 5


def test_a_calendar_with_faults_is_not_added_to(tmp_path: Path) -> None:
    calendar = tmp_path / "events.csv"
    calendar.write_text("event_id,date,tickers\nx,2024-13-02,AVGO\n")
    drafts = file_drafts(source(tmp_path, "Ticker,Date\nNVDA,2024-12-12\n"))
    with pytest.raises(InputError, match="2024-13-02"):
        add_drafts(drafts, calendar)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    link.symlink_to(real)
    add_drafts(file_drafts(source(tmp_path, "Ticker,Date\nNVDA,2024-12-12\n")), link)
    assert link.is_symlink()
    assert len(read_events(real)) == 1


def test_tickers_are_written_in_capitals(tmp_path: Path) -> None:
    (row,) = drafted(tmp_path, "Symbol,Date\navgo|mrvl,2024-12-12\n")
    assert row[4] == "AVGO;MRVL"


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ("2025-03-04,16:00 +99:00,", "row 2, column Time: '16:00 +99:00': no such moment"),
        ("2025-13-04,16:00 -05:00,", "row 2, column Date: '2025-13-04': no such day"),
        (",16:00 Z,", "row 2, column Date: '': a value is needed"),
        ("0001-01-01,00:00 +05:00,", "row 2, column Time: '00:00 \\+05:00': no such moment"),
        ("2025-03-04T16:00+99:00,,", "row 2, column Date: .*: no such moment"),
        ("2025-03-04,16:00 -05:00,Mars/X", "row 2, column Zone: 'Mars/X': unknown time zone"),
    ],
)
def test_an_offset_that_leads_nowhere_is_a_fault_of_the_file(
    tmp_path: Path, cells: str, fault: str
) -> None:
    with pytest.raises(InputError, match=fault.replace("+99", "\\+99")):
        drafted(tmp_path, f"Ticker,Date,Time,Zone\nAVGO,{cells}\n")


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_a_file_without_commas_is_told_so(tmp_path: Path, mark: str, name: str) -> None:
    with pytest.raises(InputError, match=f"1 fault in the input:\\n.*row 1.*parted by {name}"):
        drafted(tmp_path, f"Ticker{mark}Date\nAVGO{mark}2024-12-12\n")
