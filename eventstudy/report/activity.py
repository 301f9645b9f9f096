"""Volume and variance around events, and the long run after them, as lines and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eventstudy.report.frames import records, rows_where
from eventstudy.report.numbers import decimal, percent, probability, window_text
from eventstudy.report.tables import Table, columns_of

if TYPE_CHECKING:
    from eventstudy.activity import ActivityResult
    from eventstudy.longrun import LongRunResult


def case_activity_table(results: Sequence[ActivityResult], event_id: str) -> Table:
    """Return volume and variance of one event, series by series and window by window.

    Volume is against its own mean, variance that of the first model.
    """
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for result in results:
        frame = result.events
        leading = frame["model"] == (frame["model"].iloc[0] if len(frame) else "")
        for row in records(frame[leading & (frame["event_id"] == event_id)]):
            key = (str(row["alignment"]), str(row["ticker"]), str(row["window"]))
            found.setdefault(key, {})[result.what] = row
    rows = tuple(
        (
            ticker,
            window_text(window),
            *_volume(both.get("volume")),
            *_variance(both.get("variance")),
        )
        for (alignment, ticker, window), both in found.items()
        if alignment == next(iter(found))[0]
    )
    return Table(
        "case-activity",
        "Volume and variance of the case: volume over what its own mean led to expect, squared "
        "abnormal return over its variance; ranks are among the sessions before, upper tail",
        columns_of(
            ("series", "window"),
            ("volume, times", "p by rank", "variance, times", "p by F", "p by rank"),
            ("reference of F, which leans on normal tails",),
        ),
        rows,
    )


def _volume(row: Mapping[str, Any] | None) -> tuple[str, str]:
    if row is None:
        return "", ""
    return decimal(row["multiple"], 2), probability(row["p_sq_greater"])


def _variance(row: Mapping[str, Any] | None) -> tuple[str, str, str, str]:
    if row is None:
        return "", "", "", ""
    return (
        decimal(row["ratio"], 1), probability(row["p_greater"]),
        probability(row["p_sq_greater"]), str(row["distribution"]),
    )  # fmt: skip


def activity_table(result: ActivityResult) -> Table:
    """Return means and p-values by group under the alignment that leads."""
    frame = rows_where(result.summary_frame(), alignment=result.alignments[-1])
    values = [
        c
        for c in frame.columns
        if c not in ("group", "alignment", "model", "window", "n", "n_dates")
    ]
    plain = [c for c in values if not c.startswith("p_")]
    tests = [c for c in values if c.startswith("p_")]
    rows = tuple(
        (
            str(r["group"]), str(r["model"]), window_text(r["window"]), decimal(r["n"], 0),
            decimal(r["n_dates"], 0), *(decimal(r[c], 2) for c in plain),
            *(probability(r[c]) for c in tests),
        )
        for r in records(frame)
    )  # fmt: skip
    what = {
        "volume": "Abnormal log volume by group; multiple = volume over what was expected",
        "variance": "Variance of event days over that of the estimation window, by group; upper "
        "tails",
    }[result.what]
    return Table(
        f"activity-{result.what}",
        what,
        columns_of(
            ("group", "model", "window"),
            (
                "events", "dates", *(c.replace("_", " ") for c in plain),
                *(f"p {c[2:].removesuffix('_greater').replace('_', ' ')}" for c in tests),
            ),
        ),
        rows,
    )  # fmt: skip


def bhar_table(result: LongRunResult) -> Table:
    """Return mean buy-and-hold abnormal returns by group, horizon and yardstick."""
    frame = rows_where(result.summary_frame(), alignment=result.alignments[-1])
    tests = [c for c in frame.columns if c.startswith("p_")]
    rows = tuple(
        (
            str(r["group"]), window_text(r["horizon"]), str(r["against"]), decimal(r["n"], 0),
            decimal(r["n_dates"], 0), percent(r["mean_bhar"]), percent(r["median_bhar"]),
            decimal(r["overlapping"], 0), *(probability(r[t]) for t in tests),
        )
        for r in records(frame)
    )  # fmt: skip
    return Table(
        "bhar",
        "Buy-and-hold abnormal returns after events",
        columns_of(
            ("group", "horizon", "against"),
            (
                "events", "dates", "mean BHAR", "median", "overlapping",
                *(f"p {t[2:].replace('_', ' ')}" for t in tests),
            ),
        ),
        rows,
    )  # fmt: skip


def calendar_time_table(result: LongRunResult) -> Table:
    """Return alphas of calendar-time portfolios with Newey-West errors."""
    frame = rows_where(result.calendar_time, alignment=result.alignments[-1])
    rows = tuple(
        (
            str(r["group"]), window_text(r["horizon"]), str(r["weights"]), str(r["model"]),
            percent(r["alpha"], 3), percent(r["se"], 3, signed=False), probability(r["p_value"]),
            decimal(r["n"], 0), decimal(r["mean_firms"], 1), decimal(r["lags"], 0),
            str(r["caveat"]),
        )
        for r in records(frame)
    )  # fmt: skip
    return Table(
        "calendar-time",
        "Calendar-time portfolios: alpha a session with Newey-West errors",
        columns_of(
            ("group", "horizon", "weights", "model"),
            ("alpha", "s.e.", "p", "sessions", "mean firms", "lags"),
            ("caveat",),
        ),
        rows,
    )
