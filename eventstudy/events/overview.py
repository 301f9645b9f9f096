"""The calendar for a reader: tables and a few lines of text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from eventstudy.events.overlap import coincidences, overlaps

if TYPE_CHECKING:
    from eventstudy.events.calendar import EventCalendar

SHOWN = (
    "event_id",
    "date",
    "time",
    "timezone",
    "session",
    "same",
    "next",
    "ambiguous",
    "kind",
    "subject",
    "tickers",
    "expects",
    "use",
    "known_on",
    "why",
)
CHECKED = (
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
)


def summary_frame(calendar: EventCalendar) -> pd.DataFrame:
    """Return one row per event: when, session 0, whom it concerns and what is expected.

    Session 0 stands in `same` and `next`; a calendar that is not aligned has neither, nor
    `ambiguous` and `why`.
    """
    return _columns(calendar, SHOWN)


def check_frame(calendar: EventCalendar) -> pd.DataFrame:
    """Return what ``eventstudy events check`` prints of each event.

    Columns: event_id, date, time, timezone, session, same, next, ambiguous, why, tickers,
    expects, use; `same` and `next` are session 0 under the two readings.
    """
    return _columns(calendar, CHECKED)


def _columns(calendar: EventCalendar, names: tuple[str, ...]) -> pd.DataFrame:
    frame = calendar.frame
    if "placed" in frame:
        frame = frame.assign(session=frame["placed"])
    return frame[[name for name in names if name in frame]].copy()


def check_tickers(
    calendar: EventCalendar, *, hull: tuple[int, int], estimation: tuple[int, int]
) -> pd.DataFrame:
    """Return what ``eventstudy events check`` prints of each ticker of the study events.

    Parameters
    ----------
    calendar : EventCalendar
        Aligned.
    hull, estimation : tuple of int
        See `overlaps`.

    Returns
    -------
    DataFrame
        ticker, events, sessions (distinct, under the reading `next`), ambiguous, and the
        number of pairs of events of each kind: coincide, overlap, estimation.
    """
    study = calendar.study
    listed = study.by_ticker()
    counted = listed.groupby("ticker").agg(
        events=("event_id", "size"), sessions=("next", "nunique"), ambiguous=("ambiguous", "sum")
    )
    pairs = overlaps(calendar, hull=hull, estimation=estimation)
    kinds = pd.crosstab(pairs["ticker"], pairs["kind"])
    kinds = kinds.reindex(index=counted.index, columns=["coincide", "overlap", "estimation"])
    return counted.join(kinds.fillna(0).astype("int64")).reset_index()


def summary_text(calendar: EventCalendar) -> str:
    """Return the calendar in a few lines: how many, when, of which kind, what is doubtful."""
    lines = [_how_many(calendar)]
    if len(calendar):
        kinds = calendar.frame["kind"].replace("", "no kind").value_counts()
        lines.append("Kinds: " + ", ".join(f"{kind} {n}" for kind, n in kinds.items()) + ".")
        lines += _alignment_lines(calendar)
    lines += [f"Assumed: {text}." for text in calendar.assumptions]
    lines += [f"Note: {text}." for text in calendar.notes]
    return "\n".join(lines)


def _how_many(calendar: EventCalendar) -> str:
    dates, n = calendar.frame["date"], len(calendar)
    if not n:
        return f"No events of {calendar.file}."
    context = int((calendar.frame["use"] == "context").sum())
    return (
        f"{counted(n, 'event')} of {calendar.file} ({n - context} study, "
        f"{context} context), {dates.min()} to {dates.max()}, "
        f"{counted(len(calendar.tickers), 'ticker')}."
    )


def _alignment_lines(calendar: EventCalendar) -> list[str]:
    frame = calendar.frame
    if calendar.sessions is None:
        return ["Not aligned to sessions yet."]
    both = frame[frame["ambiguous"]]
    outside = frame[frame["same"].isna() | frame["next"].isna()]
    first = (
        f"Calendar {calendar.sessions.name}: "
        f"{counted(frame['next'].nunique(), 'distinct session')}; "
        f"{counted(len(both), 'event')} with two readings{_named(both)}."
    )
    lines = [first]
    if len(outside):
        lines.append(f"Without a session in the calendar: {len(outside)}{_named(outside)}.")
    groups = coincidences(calendar)
    together = groups[groups["alignment"].isin(("both", "next"))]
    if len(together):
        lines.append(
            f"{int(together['n'].sum())} study events share "
            f"{counted(len(together), 'session')} (reading next): daily data cannot tell the "
            "events of one session apart."
        )
    return lines


def counted(n: int, word: str) -> str:
    """Return ``1 event`` or ``2 events``."""
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _named(frame: pd.DataFrame, most: int = 8) -> str:
    """Return some ids in brackets."""
    if frame.empty:
        return ""
    more = ", ..." if len(frame) > most else ""
    return f" ({', '.join(frame['event_id'].head(most))}{more})"


def summary_html(calendar: EventCalendar) -> str:
    """Return text and table for a notebook; cells are escaped."""
    text = "<br>".join(escape(line) for line in summary_text(calendar).splitlines())
    table = summary_frame(calendar).to_html(index=False, max_rows=60, na_rep="", border=0)
    return f"<p>{text}</p>\n{table}"
