"""What the cells of a foreign file say: dates, hours and tickers in the spellings people use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from eventstudy.events.cells import CellError

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ORDERS = ("mdy", "dmy")

_ISO = re.compile(r"(?a)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(.+))?")
_COMPACT = re.compile(r"(?a)(\d{4})(\d{2})(\d{2})")
_NUMBERS = re.compile(r"(?a)(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?: +(.+))?")
_DAY_FIRST = re.compile(r"(?a)(\d{1,2})[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4})(?: +(?:at +)?(.+))?")
_MONTH_FIRST = re.compile(
    r"(?a)([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})(?: +(?:at +)?(.+))?"
)
_CLOCK = re.compile(
    r"(?a)(\d{1,2})(?::(\d{2}))?(?::(\d{2})(?:\.\d+)?)? ?([AaPp])?\.?(?:[Mm]\.?)? ?(\S*)"
)
_OFFSET = re.compile(r"(?a)(?:[+-]\d{2}:?\d{2}|[+-]\d{2}|Z)")

ZONES = {
    "ET": "America/New_York", "EST": "America/New_York", "EDT": "America/New_York",
    "UTC": "UTC", "GMT": "UTC",
}  # fmt: skip
"""Words for a zone beside a time that leave no doubt about the hour on American news."""

WORDS = {
    "pre": (
        "bmo", "before market open", "before the market opens", "before open", "before the open",
        "before market", "pre", "pre market", "premarket", "before market hours",
    ),
    "post": (
        "amc", "after market close", "after the market closes", "after close", "after the close",
        "after market", "after hours", "post", "post market", "postmarket", "after market hours",
    ),
    "regular": (
        "dmh", "dmt", "during market hours", "during market trading", "during market", "regular",
        "intraday",
    ),
    "unknown": ("tns", "time not supplied", "not supplied", "unknown", "n a", "na", "tbd", "tba"),
}  # fmt: skip
_SESSIONS = {word: session for session, words in WORDS.items() for word in words}


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of day as a file gives it; empty where it does not.

    Attributes
    ----------
    clock : str
        ``HH:MM`` or ``HH:MM:SS``.
    zone : str
        IANA name, or an offset such as ``-05:00``.
    session : str
        ``pre``, ``regular``, ``post`` or ``unknown``.
    """

    clock: str = ""
    zone: str = ""
    session: str = ""


def date_order(texts: Iterable[str]) -> str | None:
    """Return ``mdy`` or ``dmy`` where the dates of a column leave one reading.

    None where both are possible; ``mdy`` too where no date has the doubt.
    """
    pairs = [
        (int(m[1]), int(m[3])) for text in texts if (m := _NUMBERS.fullmatch(text)) and m[2] != "."
    ]
    if not pairs:
        return "mdy"
    day_first, month_first = any(a > 12 for a, _ in pairs), any(b > 12 for _, b in pairs)
    if day_first == month_first:
        return None
    return "dmy" if day_first else "mdy"


def read_date(text: str, order: str) -> tuple[str, str]:
    """Return an ISO date, and the time of day that stands behind it in the cell.

    Parameters
    ----------
    text : str
    order : {"mdy", "dmy"}
        How ``03/04/2025`` is read.

    Raises
    ------
    CellError
    """
    year, month, day, rest = _parts(" ".join(text.split()), order)
    try:
        return date(year, month, day).isoformat(), rest
    except ValueError:
        raise CellError(f"no such day in the calendar, read as {order}") from None


def _parts(text: str, order: str) -> tuple[int, int, int, str]:
    if m := _ISO.fullmatch(text):
        return int(m[1]), int(m[2]), int(m[3]), m[4] or ""
    if m := _COMPACT.fullmatch(text):
        return int(m[1]), int(m[2]), int(m[3]), ""
    if m := _NUMBERS.fullmatch(text):
        a, b = int(m[1]), int(m[3])
        month, day = (b, a) if order == "dmy" or m[2] == "." else (a, b)
        return int(m[4]), month, day, m[5] or ""
    if m := _DAY_FIRST.fullmatch(text):
        return int(m[3]), _month(m[2]), int(m[1]), m[4] or ""
    if m := _MONTH_FIRST.fullmatch(text):
        return int(m[3]), _month(m[1]), int(m[2]), m[4] or ""
    raise CellError(
        "no date that is known here: write 2024-12-12, 12/13/2024, 12 Dec 2024 or Dec 12, 2024, "
        "the year with four digits"
    )


def _month(word: str) -> int:
    if word[:3].casefold() not in MONTHS:
        raise CellError(f"{word!r} is no month")
    return MONTHS.index(word[:3].casefold()) + 1


def read_moment(text: str) -> Moment:
    """Return what a cell says of the hour: a time of day, or a word such as AMC.

    Raises
    ------
    CellError
    """
    word = " ".join(re.findall(r"[a-z]+", text.casefold()))
    if word in _SESSIONS and not re.search(r"\d", text):
        return Moment(session=_SESSIONS[word])
    if not text.strip("-. "):
        return Moment()
    m = _CLOCK.fullmatch(" ".join(text.split()))
    if m is None or (m[2] is None and m[4] is None):
        raise CellError(
            "no time that is known here: write 16:15, 4:15 PM, or AMC, BMO, DMH, TNS "
            "(after the close, before the open, during hours, not supplied)"
        )
    return Moment(_clock(m[1], m[2], m[3], m[4]), _zone(m[5]))


def _clock(hours: str, minutes: str | None, seconds: str | None, half: str | None) -> str:
    hour = int(hours)
    if half and not 1 <= hour <= 12:
        raise CellError("no such time of day: hours before AM and PM are 1 to 12")
    if half:
        hour = hour % 12 + (12 if half in "Pp" else 0)
    if hour > 23 or int(minutes or 0) > 59 or int(seconds or 0) > 59:
        raise CellError("no such time of day: hours are 00 to 23, minutes 00 to 59")
    return f"{hour:02d}:{minutes or '00'}" + (f":{seconds}" if seconds and int(seconds) else "")


def _zone(word: str) -> str:
    if not word or _OFFSET.fullmatch(word):
        return word
    if word.upper().strip("()") not in ZONES:
        known = ", ".join(ZONES)
        raise CellError(
            f"zone {word!r} is not known beside a time; known: {known}; an IANA name goes into a "
            "column of its own (--map timezone=...) or --timezone"
        )
    return ZONES[word.upper().strip("()")]


def moved(day: str, moment: Moment, zone: str) -> tuple[str, str]:
    """Return date and time in `zone` of a moment that is given with an offset from UTC.

    Raises
    ------
    CellError
        Where the offset is none, or leads beyond the years of the calendar.
    """
    offset = "+00:00" if moment.zone == "Z" else moment.zone
    try:
        given = datetime.fromisoformat(f"{day}T{moment.clock}{offset}")
        there = given.astimezone(ZoneInfo(zone))
    except (ValueError, OverflowError):
        raise CellError(
            f"no such moment: {moment.zone} is no offset from UTC, or it leads out of the calendar"
        ) from None
    clock = there.strftime("%H:%M:%S").removesuffix(":00")
    return there.date().isoformat(), clock


def read_tickers(text: str) -> str:
    """Return tickers as the calendar has them: in capitals, separated by ``;``."""
    return ";".join(part.upper() for part in re.split(r"[;,|\s]+", text) if part)
