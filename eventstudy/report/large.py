"""The page of a study of any number of events: paths, effects, tests, what was left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eventstudy.report import study_tables
from eventstudy.report.figures.groups import effects_figure, heatmap_figure, path_figures
from eventstudy.report.lead import (
    headline_alignment,
    lead_group,
    lead_groups,
    model_names,
    window_names,
)
from eventstudy.report.numbers import decimal
from eventstudy.report.shell import rendered, shell
from eventstudy.report.tables import Table

if TYPE_CHECKING:
    from eventstudy.report.tables import PackedTable
    from eventstudy.study import LargeStudy

MOST_GROUPS = 40
"""Groups in the figure of effects."""
MOST_TESTS = 20_000
"""Rows of tests in the page; the study has them all."""


def large_html(study: LargeStudy, title: str | None = None) -> str:
    """Return the page of a study that went over its events part by part.

    Parameters
    ----------
    study : LargeStudy
    title : str, optional
    """
    group, model, alignment = lead_group(study), model_names(study)[0], headline_alignment(study)
    shown = [*path_figures(study), effects_figure(study, _drawn(study)), heatmap_figure(study)]
    context: dict[str, Any] = {
        "title": title or "Event study",
        "asked": study.asked_lines(),
        "cautions": study.caution_lines(),
        "effects_table": study_tables.effects_table(study),
        "meanings": study_tables.group_meanings(study),
        "lead_tests": study_tables.lead_tests_table(study, group, alignment, model),
        "every_test": _every_test(study),
        "methods": study_tables.methods_table(study, single=False),
        "left_out": left_out_table(study),
        "manifest": json.dumps(study.manifest(), indent=2, default=str),
        **shell({figure.name: figure for figure in shown}),
    }
    return rendered("large.html", context)


def _drawn(study: LargeStudy) -> list[str]:
    """Return the groups that are drawn: those that lead, then kinds; no peers."""
    names = [group.name for group in study.groups if not group.name.startswith("peer:")]
    return list(dict.fromkeys([*lead_groups(study), *names]))[:MOST_GROUPS]


def _every_test(study: LargeStudy) -> PackedTable:
    frame = study.group_tests
    cut = frame if len(frame) <= MOST_TESTS else frame[frame["group"].isin(_drawn(study))]
    cut = cut.head(MOST_TESTS)
    more = "" if len(cut) == len(frame) else f", {len(cut):,} of {len(frame):,} rows"
    start = {"group": lead_group(study), "window": window_names(study)[0]}
    return study_tables.tests_packed(
        "tests", f"Every test over every group, day and window{more}", cut,
        ("group", "alignment", "window", "test"), start,
    )  # fmt: skip


def left_out_table(study: LargeStudy) -> Table:
    """Return how many rows were left out by reason, with one of them."""
    dropped = study.dropped.astype(str)
    counts = dropped["reason"].value_counts().to_dict()
    rows = tuple(
        (reason, decimal(counts[reason], 0), " ".join(filter(None, (event, ticker, detail))))
        for event, ticker, reason, detail in dropped.drop_duplicates("reason").to_numpy().tolist()
    )
    columns = (("reason", False), ("rows", True), ("the first of them", False))
    return Table("left-out", "What was left out, by reason", columns, rows, "Nothing.")
