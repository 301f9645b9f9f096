"""Tables of a study: its events, effects, tests, prices, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.report.numbers import decimal, percent, probability, window_text
from eventstudy.report.packed import packed, packed_frame
from eventstudy.report.tables import (
    PackedTable,
    Table,
    columns_of,
    frame_table,
    link,
    plain,
    whole,
)

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.report.case import Case
    from eventstudy.report.lead import Grouped
    from eventstudy.study import LargeStudy, StudyResult


def calendar_table(study: StudyResult) -> Table:
    """Return every event with its session 0 and how it was decided."""
    studied = {o.reading.event.event_id for o in study.observations}
    rows = []
    for e in study.events:
        place = str(e.same) if e.same == e.next else f"{e.same} or {e.next}"
        signs = " ".join(f"{name}{'+' if s > 0 else '-'}" for name, s in e.expects.items())
        used = e.use if e.use != "study" else ("studied" if e.event_id in studied else "dropped")
        at = f"{e.date} {e.time.strftime('%H:%M') if e.time else ''}".strip()
        rows.append(
            (
                e.event_id, at, e.timezone if e.time else "", e.session, place, e.why, e.kind,
                e.subject, ";".join(e.tickers), signs, used, e.title, link(e.source),
                e.confidence,
            )
        )  # fmt: skip
    names = (
        "event", "announced", "zone", "session", "session 0", "why", "kind", "subject", "tickers",
        "direction label", "use", "title", "source", "confidence",
    )  # fmt: skip
    return Table(
        "calendar", "The calendar with session 0 of every event", columns_of(names), tuple(rows)
    )


def coincidence_table(study: StudyResult) -> Table:
    """Return the sessions that belong to more than one event."""
    from eventstudy.events import coincidences

    rows = tuple(
        (
            str(np.datetime64(r["session_0"], "D")), r["alignment"], "; ".join(r["event_ids"]),
            ", ".join(r["tickers"]),
        )
        for r in coincidences(study.events).to_dict("records")
    )  # fmt: skip
    return Table(
        "coincidences",
        "Events with one session 0: daily data measure their joint effect",
        columns_of(("session 0", "reading", "events", "tickers in common")),
        rows,
    )


def case_table(case: Case) -> Table:
    """Return the case's series, windows and p-values."""
    tests = list(dict.fromkeys(name for row in case.rows for name in row.p_values))
    rows = tuple(
        (
            r.event_id, r.reading, r.session_0, r.series, window_text(r.window), percent(r.car),
            percent(r.se, signed=False), percent(r.lo), percent(r.hi),
            *(probability(r.p_values.get(t, np.nan)) for t in tests), r.verdict.label,
        )
        for r in case.rows
    )  # fmt: skip
    names = ("event", "reading", "session 0", "series", "window")
    numeric = ("CAR", "s.e.", "low", "high", *tests)
    return Table(
        "case-table",
        "The case and the events that share its session, every series and window",
        columns_of(names, numeric, ("verdict at 5%",)),
        rows,
    )


def effects_table(study: Grouped) -> Table:
    """Return effect, interval, power and headline p-values by group and window."""
    frame = study.summary_frame()
    tests = [c for c in frame.columns if c.startswith("p_")]
    rows = tuple(
        (
            str(r["group"]), str(r["alignment"]), str(r["model"]), window_text(r["window"]),
            decimal(r["n"], 0), decimal(r["n_dates"], 0), percent(r["caar"]), percent(r["lo"]),
            percent(r["hi"]), percent(r["mde"], signed=False), *(probability(r[t]) for t in tests),
        )
        for r in frame.to_dict("records")
    )  # fmt: skip
    names = ("group", "reading", "model", "window")
    numeric = ("events", "dates", "mean CAR", "low", "high", "smallest findable",
               *(f"p {t[2:]}" for t in tests))  # fmt: skip
    return Table(
        "effects-table",
        "Mean CAR by group, with 95% interval and the smallest effect found with 80% probability",
        columns_of(names, numeric),
        rows,
    )


def group_meanings(study: Grouped) -> Table:
    """Return what each group takes together."""
    rows = tuple((g.name, g.what) for g in study.groups)
    return Table("groups", "What the groups are", columns_of(("group", "takes together")), rows)


def lead_tests_table(study: Grouped, group: str, alignment: str, model: str) -> Table:
    """Return every test of the lead group over the windows asked for."""
    windows = {f"{a},{b}" for a, b in study.config.frame.windows}
    frame = study.group_tests
    frame = frame[
        (frame["group"] == group)
        & (frame["alignment"] == alignment)
        & (frame["model"] == model)
        & frame["window"].isin(windows)
    ]
    rows = tuple(
        (
            window_text(r["window"]), r["test"], decimal(r["statistic"], 3),
            probability(r["p_value"]), probability(r["p_greater"]), probability(r["p_less"]),
            decimal(r["n"], 0), decimal(r["n_dates"], 0), r["distribution"], r["convention"],
            r["caveat"],
        )
        for r in frame.to_dict("records")
    )  # fmt: skip
    names = ("statistic", "p two-sided", "p greater", "p less", "events", "dates")
    return Table(
        "lead-tests",
        f"Every test of {group}, reading {alignment!r}, {model} model",
        (
            ("window", False), ("test", False), *((n, True) for n in names),
            ("distribution", False), ("convention", False), ("visibly strained", False),
        ),
        rows,
    )  # fmt: skip


def methods_table(study: StudyResult | LargeStudy, *, single: bool = True) -> Table:
    """Return null, assumptions and source of every test that was run."""
    from eventstudy.significance.single import SINGLE_TESTS

    over = [("over events", test) for test in study.tests_asked]
    one = [("one event", test) for test in SINGLE_TESTS.values()] if single else []
    rows = tuple(
        (test.name, scope, test.null, test.assumptions, test.source)  # type: ignore[attr-defined]
        for scope, test in (*over, *one)
    )
    names = ("test", "applies to", "null hypothesis", "assumptions", "source")
    return Table("methods", "What each test assumes", columns_of(names), rows)


def dropped_table(study: StudyResult) -> Table:
    """Return everything that was left out, and why."""
    shows = dict.fromkeys(("event_id", "ticker", "reason", "detail"), plain)
    return frame_table(
        "dropped", "Left out, and why", study.dropped, shows, "Nothing was left out."
    )


def overlap_table(study: StudyResult) -> Table:
    """Return pairs of events that coincide or overlap, tickers together in one row."""
    frame = study.overlaps
    frame = frame[frame["kind"] != "estimation"]
    keys = ["kind", "event_id", "other_id"]
    joined = (
        frame.groupby(keys, sort=False)
        .agg(tickers=("ticker", ", ".join), sessions=("sessions", "max"))
        .reset_index()
    )
    return frame_table(
        "overlaps",
        "Pairs of events that share a ticker and sessions of their windows",
        joined,
        dict.fromkeys(keys, plain) | {"tickers": plain, "sessions": whole},
        "No two events share a ticker and sessions.",
    )


def price_table(study: StudyResult) -> Table:
    """Return source, span and hash of each ticker's prices."""
    table = study.prices
    rows = []
    for ticker in table.tickers:
        dates = table.dates_of(ticker)
        first, last = (str(dates[0]), str(dates[-1])) if len(dates) else ("", "")
        doubts = sum(w.ticker == ticker for w in table.warnings)
        rows.append(
            (
                ticker, table.origin.get(ticker, table.source), first, last, f"{len(dates):,}",
                table.digest(ticker)[:12], str(doubts),
            )
        )  # fmt: skip
    rows += [(t, why, "", "", "0", "", "") for t, why in table.missing.items()]
    return Table(
        "prices-table",
        f"Prices: {table.source}",
        (
            *columns_of(("ticker", "origin", "first", "last"), ("dates",), ("sha256",)),
            ("warnings", True),
        ),
        tuple(rows),
    )  # fmt: skip


def warning_table(study: StudyResult) -> Table:
    """Return what the checks on the prices found."""
    rows = tuple((w.ticker, w.check, w.date or "", w.detail) for w in study.prices.warnings)
    return Table(
        "price-warnings",
        "What the checks on the prices found",
        columns_of(("ticker", "check", "date", "detail")),
        rows,
        "Nothing.",
    )


def once(frame: pd.DataFrame, study: StudyResult) -> pd.DataFrame:
    """Return each reading of each event once: unambiguous ones stand in every alignment."""
    both = {e.event_id for e in study.events.study if e.ambiguous}
    return frame[(frame["alignment"] == "stated") | frame["event_id"].isin(both)]


def cars_packed(study: StudyResult) -> PackedTable:
    """Return the CARs of every event, series and window."""
    frame = once(study.cars, study)
    kinds = {
        "event_id": "text", "ticker": "text", "alignment": "text", "model": "text",
        "window": "text", "car": "percent", "se": "size", "t": "number", "p_value": "p",
        "n_estimation": "count", "alpha": "number", "beta": "number", "sigma": "size",
        "bhar": "percent", "caveat": "text",
    }  # fmt: skip
    caption = "CAR of every event, series and window with its forecast error (forecast_t)"
    return PackedTable(
        "cars", caption, packed(packed_frame(frame, kinds)), len(frame), ("window", "model"),
        {"window": str(frame["window"].iloc[0])},
    )  # fmt: skip


TEST_KINDS = {
    "group": "text", "alignment": "text", "model": "text", "window": "text", "test": "text",
    "statistic": "number", "p_value": "p", "p_greater": "p", "p_less": "p", "n": "count",
    "n_dates": "count", "distribution": "text", "convention": "text", "caveat": "text",
}  # fmt: skip


def tests_packed(
    name: str, caption: str, frame: pd.DataFrame, selectors: Sequence[str], start: Mapping[str, str]
) -> PackedTable:
    """Return rows of tests."""
    data = packed(packed_frame(frame, TEST_KINDS))
    return PackedTable(name, caption, data, len(frame), tuple(selectors), start)
