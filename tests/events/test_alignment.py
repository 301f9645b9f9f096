"""Session 0, rule by rule.

Expected days come from the exchange's public calendar: closed on 2024-11-28 (Thanksgiving),
2024-12-25, 2025-01-01, 2025-01-09 (day of mourning) and 2025-01-20 (Martin Luther King);
closed at 13:00 on 2024-07-03, 2024-11-29 and 2024-12-24; otherwise 09:30 to 16:00. Clocks
change in New York on 2024-03-10, 2024-11-03 and 2025-03-09.
"""

from __future__ import annotations

import warnings
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.errors import EventStudyError, InputError
from eventstudy.events import EventCalendar, read_events
from eventstudy.events.alignment import clock, early_closes, explain, local_instants, utc_instants
from eventstudy.events.calendar import place
from eventstudy.sessions import Sessions, exchange_sessions, sessions_from_dates

DAYS = sessions_from_dates(
    np.array(["2024-12-11", "2024-12-12", "2024-12-13", "2024-12-16"], dtype="datetime64[D]")
)


def one(day: str, **cells: str) -> pd.DataFrame:
    return pd.DataFrame([{"event_id": "e", "date": day, "tickers": "AVGO", **cells}])


def readings(day: str, calendar: str | Sessions = "XNYS", **cells: str) -> tuple[str, str]:
    event = read_events(one(day, **cells), calendar=calendar)["e"]
    assert event.ambiguous == (event.same != event.next)
    return str(event.same), str(event.next)


@pytest.mark.parametrize(
    ("day", "label", "expected"),
    [
        ("2024-12-12", "pre", "2024-12-12"),
        ("2024-12-12", "regular", "2024-12-12"),
        ("2024-12-12", "post", "2024-12-13"),
        ("2024-12-13", "post", "2024-12-16"),  # over a weekend
        ("2024-12-14", "pre", "2024-12-16"),  # a Saturday
        ("2024-12-15", "regular", "2024-12-16"),
        ("2025-01-20", "post", "2025-01-21"),  # holiday: any label leads to the next session
        ("2025-01-20", "pre", "2025-01-21"),
        ("2025-01-08", "post", "2025-01-10"),  # closed on the 9th
        ("2025-01-09", "regular", "2025-01-10"),
        ("2024-11-27", "post", "2024-11-29"),
        ("2024-11-29", "regular", "2024-11-29"),  # half day
        ("2024-12-24", "post", "2024-12-26"),
    ],
)
def test_a_label_alone_decides(day: str, label: str, expected: str) -> None:
    assert readings(day, session=label) == (expected, expected)


@pytest.mark.parametrize(
    ("day", "clock", "placed", "same", "later"),
    [
        ("2024-12-12", "07:00", "pre", "2024-12-12", "2024-12-12"),
        ("2024-12-12", "09:29:59", "pre", "2024-12-12", "2024-12-12"),
        ("2024-12-12", "09:30", "regular", "2024-12-12", "2024-12-12"),
        ("2024-12-12", "15:44:59", "regular", "2024-12-12", "2024-12-12"),
        ("2024-12-12", "15:45", "regular", "2024-12-12", "2024-12-13"),  # last quarter
        ("2024-12-12", "15:59:59", "regular", "2024-12-12", "2024-12-13"),
        ("2024-12-12", "16:00", "post", "2024-12-13", "2024-12-13"),  # exactly the close
        ("2024-12-12", "16:15", "post", "2024-12-13", "2024-12-13"),
        ("2024-12-12", "23:59", "post", "2024-12-13", "2024-12-13"),
        ("2024-12-13", "00:00", "pre", "2024-12-13", "2024-12-13"),
        ("2024-12-13", "15:50", "regular", "2024-12-13", "2024-12-16"),
        ("2024-07-03", "12:44", "regular", "2024-07-03", "2024-07-03"),  # closes at 13:00
        ("2024-07-03", "12:45", "regular", "2024-07-03", "2024-07-05"),
        ("2024-07-03", "13:00", "post", "2024-07-05", "2024-07-05"),
        ("2024-11-29", "14:30", "post", "2024-12-02", "2024-12-02"),
        ("2024-12-24", "13:00", "post", "2024-12-26", "2024-12-26"),
        ("2024-12-14", "12:00", "post", "2024-12-16", "2024-12-16"),  # Saturday noon
        ("2025-01-09", "10:00", "post", "2025-01-10", "2025-01-10"),
        ("2024-03-11", "15:50", "regular", "2024-03-11", "2024-03-12"),  # first day of EDT
        ("2024-11-04", "16:00", "post", "2024-11-05", "2024-11-05"),  # first day of EST
    ],
)
def test_a_time_decides(day: str, clock: str, placed: str, same: str, later: str) -> None:
    assert readings(day, time=clock) == (same, later)
    assert readings(day, time=clock, session="unknown") == (same, later)
    assert read_events(one(day, time=clock))["e"].session == placed


@pytest.mark.parametrize(
    ("day", "clock", "zone", "same", "later"),
    [
        # 05:15 in Taipei is 16:15 of the day before in New York: after the close of the 12th.
        ("2024-12-13", "05:15", "Asia/Taipei", "2024-12-13", "2024-12-13"),
        # 04:50 in Taipei is 15:50 of the 12th in New York.
        ("2024-12-13", "04:50", "Asia/Taipei", "2024-12-12", "2024-12-13"),
        # In July New York is twelve hours behind Taipei: 04:15 there is 16:15.
        ("2024-07-10", "04:15", "Asia/Taipei", "2024-07-10", "2024-07-10"),
        ("2024-07-10", "03:15", "Asia/Taipei", "2024-07-09", "2024-07-09"),
        ("2024-12-12", "13:15", "America/Los_Angeles", "2024-12-13", "2024-12-13"),
        ("2024-12-12", "21:00", "UTC", "2024-12-13", "2024-12-13"),  # the close itself
        ("2024-12-12", "20:44", "UTC", "2024-12-12", "2024-12-12"),
        ("2024-07-10", "20:00", "UTC", "2024-07-11", "2024-07-11"),  # the close in summer
        # Between the two clock changes of March London is four hours ahead, not five.
        ("2024-03-14", "20:00", "Europe/London", "2024-03-15", "2024-03-15"),
        ("2024-04-04", "20:00", "Europe/London", "2024-04-04", "2024-04-04"),
        # Saturday morning in Tokyo is Friday evening in New York.
        ("2024-12-14", "07:00", "Asia/Tokyo", "2024-12-16", "2024-12-16"),
    ],
)
def test_zones_are_converted(day: str, clock: str, zone: str, same: str, later: str) -> None:
    assert readings(day, time=clock, timezone=zone) == (same, later)


def test_a_label_may_stand_beside_a_time_of_another_zone() -> None:
    # 16:15 of the 12th in New York is after its close, and before the open of the 13th.
    for label in ("post", "pre"):
        cells = {"time": "05:15", "timezone": "Asia/Taipei", "session": label}
        assert readings("2024-12-13", **cells) == ("2024-12-13", "2024-12-13")
    with pytest.raises(InputError, match="says post"):
        readings("2024-12-13", time="05:15", timezone="Asia/Taipei", session="regular")


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        ("2024-12-13", "America/New_York", ("2024-12-13", "2024-12-16")),  # Sutskever's talk
        ("2024-12-12", "America/New_York", ("2024-12-12", "2024-12-13")),
        ("2025-01-08", "America/New_York", ("2025-01-08", "2025-01-10")),
        ("2024-12-14", "America/New_York", ("2024-12-16", "2024-12-16")),
        ("2025-01-20", "America/New_York", ("2025-01-21", "2025-01-21")),
        ("2024-12-24", "America/New_York", ("2024-12-24", "2024-12-26")),
        ("2024-12-13", "Europe/London", ("2024-12-13", "2024-12-16")),
        # The 13th in Taipei runs from 11:00 of the 12th to 11:00 of the 13th in New York.
        ("2024-12-13", "Asia/Taipei", ("2024-12-12", "2024-12-13")),
        # The 16th in Taipei begins on Sunday at 11:00 in New York and ends before Monday's close.
        ("2024-12-16", "Asia/Taipei", ("2024-12-16", "2024-12-16")),
    ],
)
def test_an_unknown_hour_may_be_any(day: str, zone: str, expected: tuple[str, str]) -> None:
    assert readings(day, timezone=zone) == expected
    assert readings(day, timezone=zone, session="unknown") == expected


@pytest.mark.parametrize(
    ("label", "clock", "says"),
    [
        ("pre", "16:15", "post"),
        ("regular", "16:00", "post"),
        ("post", "15:59", "regular"),
        ("pre", "09:30", "regular"),
        ("regular", "09:29", "pre"),
    ],
)
def test_a_label_against_its_time_is_an_error(label: str, clock: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        readings("2024-12-12", session=label, time=clock)
    (fault,) = caught.value.faults
    assert (fault.row, fault.column, fault.value) == (2, "session", label)
    assert f"says {says}" in fault.problem
    assert "09:30 to 16:00" in fault.problem


@pytest.mark.parametrize("label", ["pre", "regular", "post", "unknown"])
def test_no_contradiction_on_a_day_without_a_session(label: str) -> None:
    cells = {"session": label, "time": "16:15"}
    assert readings("2025-01-20", **cells) == ("2025-01-21", "2025-01-21")


@pytest.mark.parametrize(
    ("day", "cells", "expected"),
    [
        ("2024-12-12", {"session": "pre"}, ("2024-12-12", "2024-12-12")),
        ("2024-12-12", {"session": "regular"}, ("2024-12-12", "2024-12-12")),
        ("2024-12-12", {"session": "post"}, ("2024-12-13", "2024-12-13")),
        ("2024-12-13", {"session": "post"}, ("2024-12-16", "2024-12-16")),
        ("2024-12-13", {}, ("2024-12-13", "2024-12-16")),
        ("2024-12-13", {"session": "unknown"}, ("2024-12-13", "2024-12-16")),
        ("2024-12-14", {}, ("2024-12-16", "2024-12-16")),  # no date: the next one there is
        ("2024-12-14", {"session": "pre"}, ("2024-12-16", "2024-12-16")),
        # A time decides nothing without a clock, and contradicts nothing.
        ("2024-12-12", {"time": "16:15"}, ("2024-12-12", "2024-12-13")),
        ("2024-12-12", {"time": "10:00", "session": "unknown"}, ("2024-12-12", "2024-12-13")),
        ("2024-12-12", {"time": "16:15", "session": "post"}, ("2024-12-13", "2024-12-13")),
        # No fifteen-minute rule either.
        ("2024-12-12", {"time": "15:50", "session": "regular"}, ("2024-12-12", "2024-12-12")),
    ],
)
def test_price_dates_have_no_clock(
    day: str, cells: dict[str, str], expected: tuple[str, str]
) -> None:
    assert readings(day, DAYS, **cells) == expected


@pytest.mark.parametrize(
    ("day", "label", "expected", "why"),
    [
        ("2024-12-10", "pre", ("NaT", "NaT"), "before the first session known, 2024-12-11"),
        ("2024-12-10", "post", ("NaT", "NaT"), "before the first session known, 2024-12-11"),
        ("2024-12-16", "post", ("NaT", "NaT"), "after the last session known, 2024-12-16"),
        ("2024-12-17", "pre", ("NaT", "NaT"), "after the last session known, 2024-12-16"),
        ("2024-12-16", "unknown", ("2024-12-16", "NaT"), "unknown hour: 2024-12-16 or a session"),
    ],
)
@pytest.mark.parametrize("clock", [False, True])
def test_outside_the_sessions_known(
    day: str, label: str, expected: tuple[str, str], why: str, clock: bool
) -> None:
    start, end = date(2024, 12, 11), date(2024, 12, 16)
    sessions = exchange_sessions("XNYS", start, end) if clock else DAYS
    event = read_events(one(day, session=label), calendar=sessions)["e"]
    assert (str(event.same), str(event.next)) == expected
    assert event.why.startswith(why)


@pytest.mark.parametrize(
    ("day", "cells", "why"),
    [
        ("2024-12-02", {"session": "pre"}, "pre: before the open of 2024-12-02"),
        ("2024-12-03", {"time": "11:00"}, "regular: during the session of 2024-12-03"),
        ("2024-12-12", {"time": "16:15"}, "post: after the close of 2024-12-12"),
        ("2025-12-24", {"session": "post"}, "post: after the early close of 2025-12-24"),
        ("2024-12-13", {}, "unknown hour: 2024-12-13 or 2024-12-16"),
        ("2025-01-20", {"session": "post"}, "no session on 2025-01-20: next is 2025-01-21"),
        (
            "2024-07-03",
            {"time": "12:50"},
            "within 15 minutes of the early close of 2024-07-03: 2024-07-03 or 2024-07-05",
        ),
        (
            "2024-12-16",
            {"timezone": "Asia/Taipei"},
            "unknown hour, every hour leads to 2024-12-16",
        ),
    ],
)
def test_every_alignment_says_why(day: str, cells: dict[str, str], why: str) -> None:
    assert read_events(one(day, **cells))["e"].why == why


def test_a_time_without_a_clock_says_why() -> None:
    event = read_events(one("2024-12-12", time="16:15"), calendar=DAYS)["e"]
    assert event.why == "a time, and a calendar without a clock: 2024-12-12 or 2024-12-13"
    assert event.session == "unknown"


def test_gtc_2024_began_exactly_at_the_close() -> None:
    assert readings("2024-03-18", time="16:00", session="post") == ("2024-03-19", "2024-03-19")
    pacific = {"time": "13:00", "timezone": "America/Los_Angeles"}
    assert readings("2024-03-18", **pacific) == ("2024-03-19", "2024-03-19")


def test_another_exchange_keeps_its_own_day() -> None:
    # 16:15 in New York on the 12th is 06:15 on the 13th in Tokyo, before its open.
    assert readings("2024-12-12", "XTKS", time="16:15") == ("2024-12-13", "2024-12-13")
    # Tokyo closed at 15:30 from November 2024 on.
    tokyo = {"timezone": "Asia/Tokyo"}
    assert readings("2024-12-12", "XTKS", time="15:10", **tokyo) == ("2024-12-12", "2024-12-12")
    assert readings("2024-12-12", "XTKS", time="15:30", **tokyo) == ("2024-12-13", "2024-12-13")


def test_a_bounded_exchange_calendar_still_spans_the_event() -> None:
    # exchange_calendars knows Shanghai from December 1990 to the end of 2026 only.
    assert readings("2026-12-01", "XSHG", session="pre") == ("2026-12-01", "2026-12-01")
    assert readings("1991-06-03", "XSHG", session="pre") == ("1991-06-03", "1991-06-03")


def test_half_days_are_seen() -> None:
    sessions = exchange_sessions("XNYS", date(2024, 1, 1), date(2024, 12, 31))
    halves = sessions.days[early_closes(sessions)].astype(str).tolist()
    assert halves == ["2024-07-03", "2024-11-29", "2024-12-24"]
    assert not early_closes(DAYS).any()
    two = exchange_sessions("XNYS", date(2024, 12, 24), date(2024, 12, 26))
    assert early_closes(two).tolist() == [True, False]
    alone = exchange_sessions("XNYS", date(2024, 12, 24), date(2024, 12, 24))
    assert early_closes(alone).tolist() == [False]


def test_price_dates_are_asked_for_a_clock() -> None:
    with pytest.raises(ValueError, match="no clock"):
        clock(DAYS)


def test_wall_clocks_become_utc() -> None:
    local = local_instants(
        pd.Series(["2024-12-12", "2024-07-10", "2024-12-12", "2025-03-09", "2024-11-03"]),
        pd.Series(["16:15", "16:15:30", "", "02:30", "01:30"]),
    )
    utc = utc_instants(local, pd.Series(["America/New_York"] * 5))
    expected = [
        "2024-12-12T21:15:00",
        "2024-07-10T20:15:30",
        "NaT",
        "NaT",  # skipped by the clock change
        "2024-11-03T06:30:00",  # the later of the two half past ones
    ]
    assert np.array_equal(utc, np.array(expected, dtype="datetime64[ns]"), equal_nan=True)


def test_a_midnight_that_a_clock_change_skips_is_no_fault() -> None:
    # On 2024-04-26 Cairo went from 00:00 straight to 01:00.
    assert readings("2024-04-26", timezone="Africa/Cairo") == ("2024-04-26", "2024-04-29")


def test_no_sessions_at_all() -> None:
    empty = sessions_from_dates(np.empty(0, dtype="datetime64[D]"))
    with pytest.raises(EventStudyError, match="no sessions"):
        readings("2024-12-12", empty)


def test_nothing_to_explain() -> None:
    frame = read_events(one("2024-12-12")).frame.iloc[:0]
    nothing = explain(place(frame, DAYS), DAYS)
    assert len(nothing) == 0
    assert nothing.dtype == "str"


@pytest.fixture(scope="module")
def library() -> object:
    """The library's own calendar: an oracle that shares no code with the alignment."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exchange_calendars

        return exchange_calendars.get_calendar("XNYS", start="2015-01-01", end="2027-12-31")


zones = st.sampled_from(
    ["America/New_York", "Asia/Taipei", "UTC", "Europe/London", "Asia/Kolkata", "Pacific/Auckland"]
)
minutes = st.integers(0, 10 * 365 * 24 * 60).map(
    lambda n: pd.Timestamp("2016-01-01", tz="UTC") + pd.Timedelta(minutes=n)
)


@settings(max_examples=30, deadline=None)
@given(instants=st.lists(st.tuples(minutes, zones), min_size=1, max_size=20))
def test_session_0_is_the_librarys_next_session(
    library: object, instants: list[tuple[pd.Timestamp, str]]
) -> None:
    local = [instant.tz_convert(zone) for instant, zone in instants]
    # Repeated hours are read as the later one, which is not always the instant drawn.
    kept = [t for t in local if t.replace(tzinfo=None).tz_localize(t.tz, ambiguous=False) == t]
    frame = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(len(kept))],
            "date": [t.strftime("%Y-%m-%d") for t in kept],
            "time": [t.strftime("%H:%M") for t in kept],
            "timezone": [str(t.tz) for t in kept],
            "tickers": "AVGO",
        }
    )
    if frame.empty:
        return
    for event, t in zip(read_events(frame), kept, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A session's minutes run from its open to the minute before its close.
            expected = library.minute_to_session(t.tz_convert("UTC"), direction="next")  # type: ignore[attr-defined]
        assert event.same == np.datetime64(expected.date())
        later = (t + pd.Timedelta(minutes=15)).tz_convert("UTC")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert event.next == np.datetime64(
                library.minute_to_session(later, direction="next").date()  # type: ignore[attr-defined]
            )


@pytest.fixture(scope="module")
def six() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "event_id": list("abcdef"),
            "date": [f"2024-12-{day}" for day in (12, 13, 25, 24, 14, 13)],
            "time": ["16:15", "", "", "12:50", "", "05:15"],
            "timezone": ["", "", "", "", "", "Asia/Taipei"],
            "session": ["post", "", "post", "", "pre", ""],
            "tickers": "AVGO",
        }
    )


@pytest.fixture(scope="module")
def in_order(six: pd.DataFrame) -> EventCalendar:
    return read_events(six)


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(6)))
def test_the_order_of_rows_does_not_matter(
    six: pd.DataFrame, in_order: EventCalendar, order: list[int]
) -> None:
    shuffled = read_events(six.iloc[order])
    for event in in_order:
        other = shuffled[event.event_id]
        assert (other.same, other.next, other.why) == (event.same, event.next, event.why)
