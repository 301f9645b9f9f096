"""The calendar of events: reading, validation, alignment to sessions, overlaps."""

from eventstudy.events.calendar import EventCalendar
from eventstudy.events.checks import COLUMNS, DEFAULT_TIMEZONE
from eventstudy.events.columns import EventColumns, Listed
from eventstudy.events.csvfile import TextTable, read_text_table
from eventstudy.events.event import ALIGNMENTS, Event
from eventstudy.events.overlap import coincidences, overlaps, separation_note, separation_notes
from eventstudy.events.overview import check_frame, check_tickers
from eventstudy.events.reading import price_sessions, read_events, read_table, spanning_sessions

__all__ = [
    "ALIGNMENTS",
    "COLUMNS",
    "DEFAULT_TIMEZONE",
    "Event",
    "EventCalendar",
    "EventColumns",
    "Listed",
    "TextTable",
    "check_frame",
    "check_tickers",
    "coincidences",
    "overlaps",
    "price_sessions",
    "read_events",
    "read_table",
    "read_text_table",
    "separation_note",
    "separation_notes",
    "spanning_sessions",
]
