"""The calendar that ships: no fault, and the alignments that the contract speaks of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eventstudy.events import EventCalendar, overlaps, read_events, separation_notes
from eventstudy.events.checks import COLUMNS

FILE = Path(__file__).parents[2] / "events.csv"


@pytest.fixture(scope="module")
def shipped() -> EventCalendar:
    return read_events(FILE)


def test_it_reads_without_fault_or_note(shipped: EventCalendar) -> None:
    assert len(shipped) == 103
    assert (len(shipped.study), len(shipped.context)) == (101, 2)
    assert shipped.notes == ()
    assert tuple(FILE.read_text().splitlines()[0].split(",")) == COLUMNS
    assert not shipped.frame["same"].isna().any()
    assert (shipped.frame["source"] != "").all()


def test_its_tickers(shipped: EventCalendar) -> None:
    assert shipped.tickers == {
        "AAPL", "AMD", "AMZN", "AVGO", "GOOGL", "META", "MRVL", "MSFT", "NVDA", "ORCL"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("event_id", "same", "later"),
    [
        ("avgo-earnings-2024-12-12", "2024-12-13", "2024-12-13"),
        ("sutskever-neurips-2024", "2024-12-13", "2024-12-16"),
        ("deepseek-r1-release", "2025-01-21", "2025-01-21"),
        ("gtc-2024-keynote", "2024-03-19", "2024-03-19"),
        ("nvidia-groq-2025", "2025-12-26", "2025-12-26"),
        ("google-marvell-talks-2026", "2026-04-20", "2026-04-20"),
        ("aws-marvell-2024-12-02", "2024-12-02", "2024-12-02"),
        ("aws-trainium2-ga-2024", "2024-12-03", "2024-12-03"),
        ("h20-licence-2025", "2025-04-16", "2025-04-16"),
        ("marvell-custom-ai-event-2025", "2025-06-17", "2025-06-18"),
    ],
)
def test_its_alignment(shipped: EventCalendar, event_id: str, same: str, later: str) -> None:
    event = shipped[event_id]
    assert (event.same, event.next) == (np.datetime64(same), np.datetime64(later))


def test_only_unknown_hours_are_ambiguous(shipped: EventCalendar) -> None:
    both = {event.event_id for event in shipped if event.ambiguous}
    assert both == {event.event_id for event in shipped if event.session == "unknown"}
    assert len(both) == 7


def test_the_two_events_of_december_cannot_be_told_apart(shipped: EventCalendar) -> None:
    notes = [note for note in separation_notes(shipped) if "sutskever-neurips-2024" in note]
    assert len(notes) == 1
    assert notes[0].startswith(
        "avgo-earnings-2024-12-12 and sutskever-neurips-2024 have the same session 0, 2024-12-13"
    )
    pairs = overlaps(shipped, hull=(-1, 1), estimation=(-260, -11))
    december = pairs[
        (pairs["event_id"] == "avgo-earnings-2024-12-12")
        & (pairs["other_id"] == "sutskever-neurips-2024")
        & (pairs["kind"] == "coincide")
    ]
    assert december["ticker"].tolist() == ["AVGO", "MRVL", "NVDA"]
