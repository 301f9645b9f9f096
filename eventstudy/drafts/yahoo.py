"""Drafts from the earnings dates that Yahoo lists.

A page of today says when a company is thought to have reported. It is no proof of when the date
was known, so `known_on` stays blank, and it gives the hour alone: 4 PM stands for 16:15 as well.
Time and session are taken over where every minute of that hour leads to the same session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

import pandas as pd

from eventstudy.drafts.result import CONFIDENCE, USE, Drafts, draft_note, event_id
from eventstudy.errors import PriceError
from eventstudy.events import COLUMNS, read_events
from eventstudy.prices.yahoo_chart import ChartError
from eventstudy.prices.yahoo_earnings import earnings_dates

PAGE = "https://finance.yahoo.com/calendar/earnings?symbol={}"
KIND = "earnings"
Progress = Callable[[str, int, int], None]


def yahoo_drafts(
    tickers: Sequence[str],
    *,
    start: str | None = None,
    end: str | None = None,
    calendar: str = "XNYS",
    today: date | None = None,
    progress: Progress | None = None,
) -> Drafts:
    """Draft a row for each earnings date that Yahoo lists for these tickers.

    Parameters
    ----------
    tickers : sequence of str
    start, end : str, optional
        ISO dates; others are left out.
    calendar : str
        Exchange whose hours tell pre, regular and post.
    today : date, optional
        For the note, and to tell dates that are still to come.
    progress : callable, optional
        Told (what, done, total).

    Raises
    ------
    PriceError
        Where any ticker got no dates: all of them, each with the reason.
    """
    tickers = list(dict.fromkeys(ticker.upper() for ticker in tickers))
    found: list[tuple[str, datetime]] = []
    failed: dict[str, str] = {}
    for n, ticker in enumerate(tickers):
        if progress is not None:
            progress(f"asking for {ticker}", n, len(tickers))
        try:
            moments, _ = earnings_dates(ticker)
        except ChartError as error:
            failed[ticker] = str(error)
            continue
        found += [(ticker, moment) for moment in sorted(set(moments))]
    if failed:
        lines = "".join(f"\n  {ticker}: {why}" for ticker, why in failed.items())
        raise PriceError(
            f"yahoo gave no earnings dates for {len(failed)} of {len(tickers)} tickers:{lines}\n"
            "Nothing was drafted."
        )
    inside = [
        (ticker, moment)
        for ticker, moment in found
        if (start or "") <= moment.date().isoformat() <= (end or "9999-12-31")
    ]
    return _drafts(inside, len(found) - len(inside), calendar, today or date.today())


def _drafts(found: list[tuple[str, datetime]], outside: int, calendar: str, today: date) -> Drafts:
    rows = [_row(ticker, moment, today) for ticker, moment in found]
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")
    if len(frame):
        frame = _placed(frame, [moment for _, moment in found], calendar)
    frame["row"] = 0
    notes = ["the hours are Yahoo's, which leaves out the minutes; known_on is left blank: that a "
             "date is listed today does not tell when it was"]  # fmt: skip
    hourless = int((frame["time"] == "").sum())
    if hourless:
        notes.append(f"{hourless} of {len(frame)} hours do not decide the session: it is unknown")
    if outside:
        notes.append(f"{outside} further dates lie outside --start and --end")
    return Drafts("yahoo", frame, notes=tuple(notes))


def _row(ticker: str, moment: datetime, today: date) -> dict[str, str]:
    day = moment.date().isoformat()
    hour = moment.strftime("%I %p").lstrip("0")
    more = f"listed at {hour}" if moment.hour else "no hour listed"
    if moment.date() > today:
        more += "; still to come, may be a guess of Yahoo's"
    return {
        **dict.fromkeys(COLUMNS, ""),
        "event_id": event_id(ticker, KIND, day),
        "date": day,
        "timezone": str(moment.tzinfo),
        "kind": KIND,
        "subject": ticker,
        "tickers": ticker,
        "use": USE,
        "title": f"{ticker} reports",
        "source": PAGE.format(ticker),
        "confidence": CONFIDENCE,
        "note": draft_note("yahoo", today, more),
    }


def _placed(frame: pd.DataFrame, moments: list[datetime], calendar: str) -> pd.DataFrame:
    """Fill in time and session where the hour decides the session; unknown elsewhere."""
    ends = []
    for minute in ("00", "59"):
        times = pd.Series([f"{m.hour:02d}:{minute}" for m in moments], dtype="str")
        ids = pd.Series([str(n) for n in range(len(frame))], dtype="str")
        read = read_events(frame.assign(time=times, event_id=ids), calendar=calendar)
        ends.append(read.frame[["placed", "same", "next"]].reset_index(drop=True))
    first, last = ends
    # Midnight stands for an hour that is not known.
    hour = pd.Series([m.hour != 0 for m in moments])
    sure = hour & first.eq(last).all(axis=1) & first["same"].eq(first["next"])
    times = pd.Series([f"{m.hour:02d}:00" for m in moments], dtype="str")
    session = first["placed"].where(sure, "unknown").astype("str")
    return frame.assign(time=times.where(sure, ""), session=session)
