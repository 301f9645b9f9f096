"""The calendar itself: look-ups, parts, baskets, assumptions, summaries."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from eventstudy.baskets import DEFAULT_BASKETS, make_baskets
from eventstudy.errors import EventStudyError, UnknownNameError
from eventstudy.events import EventCalendar, check_frame, check_tickers, read_events


@pytest.fixture
def calendar() -> EventCalendar:
    return read_events(
        pd.DataFrame(
            {
                "event_id": ["avgo-q4", "talk", "rumour", "nvda-q3"],
                "date": ["2024-12-12", "2024-12-13", "2024-12-16", "2024-11-20"],
                "session": ["post", "unknown", "pre", "post"],
                "kind": ["earnings", "research", "deal", "earnings"],
                "tickers": ["AVGO;NVDA", "@GPU", "AAPL", "NVDA"],
                "expects": ["@ASIC+", "", "", "NVDA+"],
                "use": ["study", "study", "context", ""],
                "known_on": ["", "", "", "2024-11-06"],
                "title": ["<b>bold</b>", "", "", ""],
            }
        )
    )


def test_look_up(calendar: EventCalendar) -> None:
    assert len(calendar) == 4
    assert calendar["talk"].tickers == ("@GPU",)
    assert "talk" in calendar
    assert "walk" not in calendar
    with pytest.raises(UnknownNameError, match="did you mean 'talk'"):
        calendar["tolk"]
    assert [event.event_id for event in calendar] == ["avgo-q4", "talk", "rumour", "nvda-q3"]
    assert calendar.events[1] == calendar["talk"]


def test_session_0_by_alignment(calendar: EventCalendar) -> None:
    talk = calendar["talk"]
    assert talk.session_0("same") == np.datetime64("2024-12-13")
    assert talk.session_0() == talk.session_0("next") == np.datetime64("2024-12-16")
    with pytest.raises(ValueError, match="two alignments"):
        talk.session_0("stated")
    with pytest.raises(ValueError, match="known are stated, same, next"):
        talk.session_0("both")


def test_tickers_hold_members_and_no_baskets(calendar: EventCalendar) -> None:
    assert calendar.tickers == {"AVGO", "NVDA", "AMD", "AAPL", "MRVL"}
    assert calendar.study.tickers == {"AVGO", "NVDA", "AMD", "MRVL"}
    assert calendar.tickers | {"SPY"} == {"AVGO", "NVDA", "AMD", "AAPL", "MRVL", "SPY"}


def test_parts(calendar: EventCalendar) -> None:
    assert [event.event_id for event in calendar.study] == ["avgo-q4", "talk", "nvda-q3"]
    assert [event.event_id for event in calendar.context] == ["rumour"]
    chosen = calendar.select(["rumour", "avgo-q4", "rumour"])
    assert [event.event_id for event in chosen] == ["rumour", "avgo-q4"]
    with pytest.raises(UnknownNameError, match="did you mean 'rumour'"):
        calendar.select(["rumor"])


def test_by_ticker(calendar: EventCalendar) -> None:
    listed = calendar.by_ticker()
    pairs = list(zip(listed["event_id"], listed["ticker"], strict=True))
    assert pairs == [
        ("avgo-q4", "AVGO"),
        ("avgo-q4", "NVDA"),
        ("talk", "NVDA"),
        ("talk", "AMD"),
        ("rumour", "AAPL"),
        ("nvda-q3", "NVDA"),
    ]


def test_other_baskets(calendar: EventCalendar) -> None:
    wider = calendar.with_baskets(DEFAULT_BASKETS.with_baskets({"@GPU": ["NVDA", "INTC"]}))
    assert "INTC" in wider.tickers
    assert "AMD" not in wider.tickers
    with pytest.raises(UnknownNameError, match="unknown basket '@GPU'"):
        calendar.with_baskets(make_baskets({"@ASIC": ["AVGO"]}))


def test_assumed_dates(calendar: EventCalendar) -> None:
    assumed = calendar.assume_known({"earnings": 14})
    # 12 December minus fourteen days is 28 November; a stated date stands.
    assert assumed["avgo-q4"].known_on == date(2024, 11, 28)
    assert assumed["nvda-q3"].known_on == date(2024, 11, 6)
    assert assumed["talk"].known_on is None
    assert assumed.assumptions == (
        "earnings: date taken as known 14 days before the event (1 event)",
    )
    assert assumed.assumptions[0] in assumed.summary()
    assert calendar["avgo-q4"].known_on is None
    with pytest.raises(UnknownNameError, match="did you mean 'earnings'"):
        calendar.assume_known({"earning": 14})
    for wrong in (-1, 1.5, True):
        with pytest.raises(EventStudyError, match="whole number"):
            calendar.assume_known({"earnings": wrong})  # type: ignore[dict-item]


def test_assumed_on_reading() -> None:
    frame = pd.DataFrame(
        {"event_id": ["a"], "date": ["2024-12-12"], "tickers": ["AVGO"], "kind": ["earnings"]}
    )
    assert read_events(frame, assume_known={"earnings": 0})["a"].known_on == date(2024, 12, 12)


def test_summary_frame(calendar: EventCalendar) -> None:
    table = calendar.summary_frame().set_index("event_id")
    assert table.loc["avgo-q4", "same"] == pd.Timestamp("2024-12-13")
    assert table.loc["talk", "next"] == pd.Timestamp("2024-12-16")
    assert table["ambiguous"].tolist() == [False, True, False, False]
    assert table["session"].tolist() == ["post", "unknown", "pre", "post"]


def test_summary_text(calendar: EventCalendar) -> None:
    text = str(calendar)
    assert "4 events of <frame> (3 study, 1 context), 2024-11-20 to 2024-12-16" in text
    assert "Kinds: earnings 2, research 1, deal 1." in text
    assert "1 event with two readings (talk)" in text
    assert "share" not in text
    together = calendar.select(["avgo-q4", "talk"]).align(calendar.sessions)  # type: ignore[arg-type]
    assert "cannot tell" not in together.summary()


def test_summary_of_crowded_sessions() -> None:
    frame = pd.DataFrame(
        {"event_id": ["a", "b"], "date": "2024-12-12", "session": "post", "tickers": "AVGO"}
    )
    assert "2 study events share 1 session (" in read_events(frame).summary()


def test_summary_of_what_is_not_there(calendar: EventCalendar) -> None:
    nothing = calendar.select([])
    assert nothing.summary() == "No events of <frame>."
    assert nothing.events == ()
    assert nothing.tickers == frozenset()
    frame = pd.DataFrame({"event_id": ["a"], "date": ["2024-12-12"], "tickers": ["AVGO"]})
    unaligned = read_events(frame, calendar=None)
    assert "Not aligned to sessions yet." in unaligned.summary()
    assert "same" not in unaligned.summary_frame()
    outside = read_events(
        frame,
        calendar=calendar.sessions.between(  # type: ignore[union-attr]
            np.datetime64("2024-12-13"), np.datetime64("2024-12-16")
        ),
    )
    assert "Without a session in the calendar: 1 (a)." in outside.summary()


def test_a_notebook_shows_cells_as_text(calendar: EventCalendar) -> None:
    html = calendar._repr_html_()
    assert "<table" in html
    assert "&lt;frame&gt;" in html
    assert "avgo-q4" in html


def test_check_frame(calendar: EventCalendar) -> None:
    table = check_frame(calendar)
    assert list(table.columns) == [
        "event_id",
        "date",
        "time",
        "timezone",
        "session",
        "same",
        "next",
        "ambiguous",
        "why",
        "tickers",
        "expects",
        "use",
    ]
    assert table["why"].iloc[1] == "unknown hour: 2024-12-13 or 2024-12-16"


def test_check_tickers(calendar: EventCalendar) -> None:
    table = check_tickers(calendar, hull=(-1, 1), estimation=(-260, -11))
    rows = table.set_index("ticker").to_dict("index")
    # Context events are left out; the release and the talk coincide on the 13th under one
    # reading and overlap under the other; the November quarter is 16 sessions before the 13th.
    assert sorted(rows) == ["AMD", "AVGO", "NVDA"]
    assert rows["NVDA"] == {
        "events": 3,
        "sessions": 3,
        "ambiguous": 1,
        "coincide": 1,
        "overlap": 1,
        "estimation": 2,
    }
    assert rows["AVGO"]["estimation"] == 0
