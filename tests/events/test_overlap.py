"""Overlaps against a plain loop over every pair of events, and by hand."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.errors import EventStudyError
from eventstudy.events import (
    EventCalendar,
    coincidences,
    overlaps,
    read_events,
    separation_note,
    separation_notes,
)
from eventstudy.sessions import sessions_from_dates

DAYS = sessions_from_dates(np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]"))
COLUMNS = ["event_id", "other_id", "ticker", "kind", "sessions"]


def at(*rows: tuple[str, int, str, str]) -> EventCalendar:
    """Return events (id, number of day, label, tickers) on a calendar of plain days."""
    frame = pd.DataFrame(rows, columns=["event_id", "day", "session", "tickers"])
    frame["date"] = [str(DAYS.days[day]) for day in frame["day"]]
    return read_events(frame.drop(columns="day"), calendar=DAYS)


def as_rows(table: pd.DataFrame) -> list[tuple[object, ...]]:
    assert list(table.columns) == COLUMNS
    return [tuple(row) for row in table.itertuples(index=False)]


def test_by_hand() -> None:
    calendar = at(
        ("a", 20, "pre", "AVGO;NVDA"),
        ("b", 20, "pre", "AVGO"),
        ("c", 22, "pre", "AVGO;AMD"),
        ("d", 10, "pre", "NVDA"),
    )
    assert as_rows(overlaps(calendar, hull=(-1, 1), estimation=(-15, -5))) == [
        # Session 10 is ten before session 20: all three of 9, 10, 11 are in [5, 15].
        ("a", "d", "NVDA", "estimation", 3),
        ("a", "b", "AVGO", "coincide", 3),
        # [19, 21] and [21, 23] share session 21.
        ("a", "c", "AVGO", "overlap", 1),
        ("b", "c", "AVGO", "overlap", 1),
    ]


def test_the_edge_of_an_estimation_window_counts_what_is_inside() -> None:
    calendar = at(("old", 10, "pre", "AVGO"), ("new", 20, "pre", "AVGO"))
    for window, sessions in {(-15, -5): 3, (-15, -10): 2, (-10, -5): 2, (-10, -10): 1}.items():
        table = overlaps(calendar, hull=(0, 0), estimation=window)
        assert as_rows(table) == [("new", "old", "AVGO", "estimation", sessions)]
    assert overlaps(calendar, hull=(0, 0), estimation=(-9, -1)).empty


def test_ambiguous_events_are_judged_under_both_readings() -> None:
    calendar = at(("release", 19, "post", "AVGO"), ("talk", 20, "unknown", "AVGO"))
    assert as_rows(overlaps(calendar, hull=(-1, 1), estimation=(-15, -5))) == [
        ("release", "talk", "AVGO", "coincide", 3),
        ("release", "talk", "AVGO", "overlap", 2),
    ]


def test_baskets_are_resolved_and_context_is_left_out() -> None:
    frame = pd.DataFrame(
        {
            "event_id": ["a", "b", "c"],
            "date": "2024-01-10",
            "session": "pre",
            "tickers": ["@GPU", "AMD", "AMD"],
            "use": ["study", "study", "context"],
        }
    )
    table = overlaps(read_events(frame, calendar=DAYS), hull=(0, 0), estimation=(-5, -1))
    assert as_rows(table) == [("a", "b", "AMD", "coincide", 1)]


def test_windows_never_reach_into_another_ticker() -> None:
    # The last session of one ticker and the first of the next stand side by side inside.
    calendar = at(("a", 58, "pre", "AAA"), ("b", 0, "pre", "BBB"), ("c", 1, "pre", "CCC"))
    assert overlaps(calendar, hull=(-90, 90), estimation=(-400, -91)).empty


def test_nothing_overlaps() -> None:
    table = overlaps(at(("a", 1, "pre", "AVGO")), hull=(0, 0), estimation=(-5, -1))
    assert list(table.columns) == COLUMNS
    assert table.empty
    nothing = at(("a", 1, "pre", "AVGO")).context
    assert overlaps(nothing, hull=(0, 0), estimation=(-5, -1)).empty
    assert coincidences(nothing).empty


def test_events_without_a_session_are_in_no_pair() -> None:
    calendar = at(("a", 59, "post", "AVGO"), ("b", 59, "post", "AVGO"))
    assert np.isnat(calendar["a"].next)
    assert overlaps(calendar, hull=(0, 0), estimation=(-5, -1)).empty
    assert coincidences(calendar).empty


def test_mistakes_are_told() -> None:
    calendar = at(("a", 1, "pre", "AVGO"))
    with pytest.raises(EventStudyError, match="hull 1,-1"):
        overlaps(calendar, hull=(1, -1), estimation=(-5, -1))
    frame = pd.DataFrame({"event_id": ["a"], "date": ["2024-01-10"], "tickers": ["AVGO"]})
    unaligned = read_events(frame, calendar=None)
    with pytest.raises(EventStudyError, match="not aligned"):
        overlaps(unaligned, hull=(-1, 1), estimation=(-5, -2))
    with pytest.raises(EventStudyError, match="not aligned"):
        coincidences(unaligned)


def brute_force(
    calendar: EventCalendar, hull: tuple[int, int], estimation: tuple[int, int]
) -> dict[tuple[str, str, str, str], int]:
    """Compare the sets of sessions of every pair of events."""
    found: dict[tuple[str, str, str, str], int] = defaultdict(int)
    row = {day: i for i, day in enumerate(DAYS.days)}
    events = sorted(calendar.study, key=lambda e: (e.date, e.event_id))
    for reading in ("same", "next"):
        zero = {e.event_id: row.get(getattr(e, reading)) for e in events}
        for i, one in enumerate(events):
            for j, two in enumerate(events):
                p, q = zero[one.event_id], zero[two.event_id]
                if i == j or p is None or q is None:
                    continue
                mine = set(range(p + hull[0], p + hull[1] + 1))
                theirs = set(range(q + hull[0], q + hull[1] + 1))
                window = set(range(p + estimation[0], p + estimation[1] + 1))
                for ticker in set(calendar.baskets.resolve(one.tickers)) & set(
                    calendar.baskets.resolve(two.tickers)
                ):
                    rows = {}
                    if p == q and i < j:
                        rows["coincide"] = len(mine & theirs)
                    elif p < q and mine & theirs:
                        rows["overlap"] = len(mine & theirs)
                    if q in window:
                        rows["estimation"] = len(window & {q - 1, q, q + 1})
                    for kind, sessions in rows.items():
                        key = (one.event_id, two.event_id, ticker, kind)
                        found[key] = max(found[key], sessions)
    return dict(found)


row_of_events = st.tuples(
    st.integers(0, 59),
    st.sampled_from(["pre", "regular", "post", "unknown"]),
    st.lists(st.sampled_from(["AVGO", "NVDA", "AMD", "@GPU"]), min_size=1, max_size=3, unique=True),
)
windows = st.tuples(st.integers(-12, 3), st.integers(0, 12)).map(lambda w: (w[0], w[0] + w[1]))


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(row_of_events, min_size=1, max_size=9), hull=windows, estimation=windows)
def test_a_loop_over_all_pairs_agrees(
    rows: list[tuple[int, str, list[str]]], hull: tuple[int, int], estimation: tuple[int, int]
) -> None:
    events = [(f"e{i}", day, label, ";".join(names)) for i, (day, label, names) in enumerate(rows)]
    calendar = at(*events)
    table = overlaps(calendar, hull=hull, estimation=estimation)
    found = {row[:4]: row[4] for row in as_rows(table)}
    assert len(found) == len(table)
    assert found == brute_force(calendar, hull, estimation)


def test_coincidences() -> None:
    calendar = at(
        ("release", 19, "post", "AVGO;NVDA"),
        ("talk", 20, "unknown", "AVGO;NVDA"),
        ("a", 30, "pre", "AVGO"),
        ("b", 30, "pre", "@GPU"),
        ("c", 30, "pre", "AMD"),
        ("alone", 40, "pre", "AVGO"),
    )
    table = coincidences(calendar)
    assert list(table.columns) == ["alignment", "session_0", "n", "event_ids", "tickers"]
    # Day 20 is 2024-01-21, day 30 is 2024-01-31.
    assert table.to_numpy().tolist() == [
        ["same", pd.Timestamp("2024-01-21"), 2, ("release", "talk"), ("AVGO", "NVDA")],
        ["both", pd.Timestamp("2024-01-31"), 3, ("a", "b", "c"), ("AMD",)],
    ]
    first, second = separation_notes(calendar)
    assert first.startswith(
        "release and talk have the same session 0, 2024-01-21 under the reading 'same': "
        "daily data cannot separate them"
    )
    assert second.startswith("a, b and c have the same session 0, 2024-01-31: daily data")


def test_a_crowd_that_changes_with_the_reading() -> None:
    calendar = at(("a", 10, "pre", "X"), ("b", 10, "pre", "X"), ("c", 9, "unknown", "X"))
    assert coincidences(calendar)[["alignment", "n"]].to_numpy().tolist() == [
        ["next", 3],
        ["same", 2],
    ]


def test_the_note_in_words() -> None:
    note = separation_note(("a", "b"), np.datetime64("2024-12-13"), "both")
    assert note == (
        "a and b have the same session 0, 2024-12-13: daily data cannot separate them; what is "
        "measured is their joint effect, shown under each name"
    )
