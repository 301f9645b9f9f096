"""The table that a paper prints: groups in rows, windows in columns, errors in parentheses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.exports.contract import Noted
from eventstudy.report.frames import records, rows_where
from eventstudy.report.lead import headline_alignment, lead_groups, model_names, window_names
from eventstudy.report.numbers import decimal, percent, probability, window_text
from eventstudy.report.tables import Table, columns_of
from eventstudy.report.words import SUPPORT

if TYPE_CHECKING:
    from eventstudy.study import StudyResult

MOST_WINDOWS = 6
"""Windows side by side; further ones stand in a further table."""

_FEW = re.compile(r"only (\d+) events?(.*)")

NO_STARS = (
    "Error of the CAAR in parentheses, two-sided p-values in brackets, not adjusted for their "
    "number. No stars: they hide how far a p-value is from a threshold."
)


def paper_tables(study: StudyResult) -> tuple[Noted, ...]:
    """Return the effects of the leading groups, the windows that were asked for in columns.

    One table for every six windows; model and reading are those that lead.

    Parameters
    ----------
    study : StudyResult

    Returns
    -------
    tuple of Noted
        CAAR, its error and the p-values of the supporting tests, a block of rows a group.
    """
    windows = window_names(study)
    tests = [test.name for test in study.tests_asked if test.name in SUPPORT]
    cells = _cells(study, tests)
    parts = [windows[i : i + MOST_WINDOWS] for i in range(0, len(windows), MOST_WINDOWS)]
    return tuple(
        Noted(_table(study, cells, part, tests, number), _notes(study, tests), 2 + len(tests))
        for number, part in enumerate(parts, 1)
    )


def _cells(study: StudyResult, tests: Sequence[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return effect and p-values by group and window."""
    keep = {"model": model_names(study)[0], "alignment": headline_alignment(study)}
    found = {
        (str(r["group"]), str(r["window"])): r for r in records(rows_where(study.effects, **keep))
    }
    for r in records(rows_where(study.group_tests, **keep)):
        place = found.get((str(r["group"]), str(r["window"])))
        if place is not None and r["test"] in tests:
            place[str(r["test"])] = float(r["p_value"])
    return found


def _table(
    study: StudyResult,
    cells: dict[tuple[str, str], dict[str, Any]],
    windows: Sequence[str],
    tests: Sequence[str],
    number: int,
) -> Table:
    rows: list[tuple[str, ...]] = []
    for group in lead_groups(study):
        found = [cells.get((group, window)) for window in windows]
        known = [cell for cell in found if cell is not None]
        if not known:
            continue
        counts = tuple(_span([int(cell[c]) for cell in known]) for c in ("n", "n_dates"))
        rows.append((group, *counts, "CAAR", *(_percent(cell, "caar", "{}") for cell in found)))
        rows.append(("", "", "", "s.e.", *(_percent(cell, "se", "({})") for cell in found)))
        rows += [("", "", "", f"p {test}", *(_p(cell, test) for cell in found)) for test in tests]
    return Table(
        "paper" if number == 1 else f"paper-{number}",
        "Cumulative average abnormal returns by group and window",
        (
            ("group", False), ("events", True), ("dates", True), ("", False),
            *columns_of((), (window_text(w) for w in windows)),
        ),
        tuple(rows),
    )  # fmt: skip


def _span(counts: Sequence[int]) -> str:
    """Return a count, or the least and the most where windows differ."""
    low, high = min(counts), max(counts)
    return decimal(low, 0) if low == high else f"{low:,} to {high:,}"


def _percent(cell: dict[str, Any] | None, name: str, frame: str) -> str:
    if cell is None or not np.isfinite(cell[name]):
        return "\N{EN DASH}"
    return frame.format(percent(cell[name], signed=name == "caar"))


def _p(cell: dict[str, Any] | None, test: str) -> str:
    p = np.nan if cell is None else float(cell.get(test, np.nan))
    return f"[{probability(p)}]" if np.isfinite(p) else "\N{EN DASH}"


def _notes(study: StudyResult, tests: Sequence[str]) -> tuple[str, ...]:
    """Return what the numbers rest on: sample, model, reading, tests and their assumptions."""
    frame = study.config.frame
    reading = (
        f" Uncertain announcement times are read as {headline_alignment(study)!r}."
        if len(study.alignments) > 1
        else ""
    )
    asked = {test.name: test for test in study.tests_asked}
    return (
        f"{len(study.studied)} events on {study.n_dates} dates; abnormal returns of the "
        f"{model_names(study)[0]} model, benchmark {study.config.benchmark or 'none'}, "
        f"{study.config.returns} returns, estimated on {frame.estimation} sessions ending at "
        f"session {-frame.gap - 1}. Session 0 is the first on which the news could be "
        f"traded.{reading}",
        NO_STARS,
        *(f"{n} tests that {asked[n].null}; it needs: {asked[n].assumptions}." for n in tests),
        *_caveats(study, tests),
    )


def _caveats(study: StudyResult, tests: Sequence[str]) -> tuple[str, ...]:
    """Return where assumptions visibly fail: each strain with its groups, a sentence a test."""
    keep = {"model": model_names(study)[0], "alignment": headline_alignment(study)}
    rows = rows_where(study.group_tests, **keep)
    rows = rows[rows["window"].isin(window_names(study)) & rows["group"].isin(lead_groups(study))]
    found: dict[str, dict[str, list[str]]] = {test: {} for test in tests}
    for r in records(rows[rows["test"].isin(tests) & (rows["caveat"] != "")]):
        for strain in str(r["caveat"]).split("; "):
            few = _FEW.fullmatch(strain)
            what = f"few events{few[2]}" if few else strain
            where = f"{r['group']} ({few[1]})" if few else str(r["group"])
            found[str(r["test"])].setdefault(what, []).append(where)
    return tuple(
        f"{test} is visibly strained: {_listed(strains)}."
        for test, strains in found.items()
        if strains
    )


def _listed(strains: dict[str, list[str]]) -> str:
    return "; ".join(
        f"{what}, in {', '.join(dict.fromkeys(groups))}" for what, groups in strains.items()
    )
