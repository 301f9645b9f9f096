"""One event, read and aligned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

ALIGNMENTS = ("stated", "same", "next")
"""`stated`: events with one alignment only. `same`, `next`: those and every ambiguous one."""


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the calendar with its session 0.

    Attributes
    ----------
    event_id : str
    date : date
        Of the announcement, in `timezone`.
    tickers : tuple of str
        As written: tickers and baskets such as ``@ASIC``.
    time : time or None
        Local time of the announcement in `timezone`.
    timezone : str
        IANA name.
    session : str
        ``pre``, ``regular``, ``post`` or ``unknown``, decided by the time where there is one.
    kind, subject, title, source, note : str
        Empty where not given.
    confidence : str
        ``high``, ``medium``, ``low`` or empty.
    expects : mapping of str to int
        Ticker or basket -> +1 or -1; empty for no direction.
    use : str
        ``study`` or ``context`` (shown, not tested, not traded).
    known_on : date or None
        When the date of the event became public; None = never before the event.
    same, next : datetime64[D]
        Session 0 if the news came in time for the session of its day, and if it came too
        late for it. Equal unless `ambiguous`.
    ambiguous : bool
        Whether both readings have to be run.
    why : str
        How session 0 was decided, for a reader.
    row : int
        Line in the file, the header being line 1.
    """

    event_id: str
    date: dt.date
    tickers: tuple[str, ...]
    time: dt.time | None
    timezone: str
    session: str
    kind: str
    subject: str
    expects: Mapping[str, int]
    use: str
    known_on: dt.date | None
    title: str
    source: str
    confidence: str
    note: str
    same: np.datetime64
    next: np.datetime64
    ambiguous: bool
    why: str
    row: int

    def session_0(self, alignment: str = "next") -> np.datetime64:
        """Return session 0 under an alignment; ``stated`` only for unambiguous events.

        Raises
        ------
        ValueError
            For ``stated`` on an ambiguous event, or an unknown alignment.
        """
        if alignment not in ALIGNMENTS:
            raise ValueError(f"alignment {alignment!r}: known are {', '.join(ALIGNMENTS)}")
        if alignment == "stated" and self.ambiguous:
            raise ValueError(f"event {self.event_id} has two alignments: ask for same or next")
        return self.same if alignment == "same" else self.next
