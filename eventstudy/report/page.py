"""From results to one self-contained page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eventstudy.claims.verdicts import RULE
from eventstudy.report import figures, robustness, study_tables, words
from eventstudy.report.activity import (
    activity_table,
    bhar_table,
    calendar_time_table,
    case_activity_table,
)
from eventstudy.report.case import make_case
from eventstudy.report.claims import claim_cards, claims_table
from eventstudy.report.lead import (
    case_event,
    headline_alignment,
    lead_group,
    lead_groups,
    model_names,
    window_names,
)
from eventstudy.report.luck import luck_lines, luck_tables
from eventstudy.report.shell import rendered, shell
from eventstudy.report.trading import trading_lines, trading_tables
from eventstudy.study.wording import FORESIGHT, asked_lines

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.activity import ActivityResult
    from eventstudy.backtest.result import BacktestResult
    from eventstudy.calibration import CalibrationResult
    from eventstudy.claims import ClaimsResult
    from eventstudy.longrun import LongRunResult
    from eventstudy.report.case import Case
    from eventstudy.report.figures import Figure
    from eventstudy.report.tables import PackedTable, Table
    from eventstudy.study import StudyResult

LARGEST = 6_000_000
"""Bytes of the page."""

ROOM_FOR_TESTS = 700_000
"""Bytes of the page that single-event and group tests may take together."""


def page_html(
    study: StudyResult,
    backtest: BacktestResult | None = None,
    *,
    activity: Sequence[ActivityResult] = (),
    long_run: LongRunResult | None = None,
    claims: ClaimsResult | None = None,
    calibration: CalibrationResult | None = None,
    title: str | None = None,
    case: str | None = None,
) -> str:
    """Return the page; see `eventstudy.report.render_html`."""
    event_id = case_event(study, case)
    the_case = make_case(study, event_id)
    shown = _figures(study, backtest, the_case, calibration)
    context: dict[str, Any] = {
        "title": title or _title(study),
        "study": study,
        **shell(shown),
        **_words(study, the_case),
        **_tables(study, the_case),
        **_robustness(study, event_id),
        "case_activity": case_activity_table(activity, event_id) if activity else None,
        "activity_tables": [activity_table(result) for result in activity],
        "long_run": None if long_run is None else _long_run(long_run),
        "claims": None if claims is None else _claims(claims),
        "foresight": FORESIGHT if any(e.expects for e in study.events.study) else "",
        "trading": None if backtest is None else trading_tables(backtest),
        "trading_lines": [] if backtest is None else trading_lines(backtest),
        "luck": None if backtest is None else luck_tables(backtest.evidence),
        "luck_lines": [] if backtest is None else luck_lines(backtest.evidence),
        "manifest": json.dumps(_manifest(study, backtest), indent=2, default=str),
        "notes": _notes(study),
    }
    return rendered("page.html", context)


def _title(study: StudyResult) -> str:
    lead = study.config.lead
    if lead is None:
        return "Event study"
    long, short = lead.removesuffix(":ex").split("-")
    return f"{long[1:]} against {short[1:]}: an event study"


def _words(study: StudyResult, case: Case) -> dict[str, Any]:
    return {
        "question": words.question(study),
        "asked": asked_lines(study),
        "answers": words.answers(study),
        "baskets": words.basket_answers(study),
        "conclusions": words.conclusions(study),
        "sample": words.sample_lines(study),
        "cautions": words.cautions(study),
        "readings": words.reading_lines(study),
        "case": case,
        "group": lead_group(study),
    }


def _figures(
    study: StudyResult,
    backtest: BacktestResult | None,
    case: Case,
    calibration: CalibrationResult | None,
) -> dict[str, Figure]:
    event_id = case.event.event_id
    window = window_names(study)[0]
    rows = [
        i
        for label in dict.fromkeys(r.head.split(",")[0] for r in case.conclusions)
        for i, o in enumerate(study.observations)
        if (o.reading.event.event_id, o.label) == (event_id, label)
    ]
    found = [
        *figures.path_figures(study),
        figures.event_figure(study, event_id),
        figures.noise_figure(study, rows, window),
        figures.kind_figure(study, rows, window),
        figures.effects_figure(study),
        figures.forest_figure(study, event_id),
        figures.power_figure(study),
        figures.heatmap_figure(study),
        figures.size_figure(study, calibration),
        figures.price_figure(study, backtest, event_id),
        None if backtest is None else figures.equity_figure(backtest),
        None if backtest is None else figures.placebo_figure(backtest),
    ]
    return {f.name: f for f in found if f is not None}


def _tables(study: StudyResult, case: Case) -> dict[str, Table | list[PackedTable] | PackedTable]:
    model, alignment = model_names(study)[0], headline_alignment(study)
    group = lead_group(study)
    return {
        "case_table": study_tables.case_table(case),
        "effects_table": study_tables.effects_table(study),
        "groups_table": study_tables.group_meanings(study),
        "lead_tests": study_tables.lead_tests_table(study, group, alignment, model),
        "methods_table": study_tables.methods_table(study),
        "cars_table": study_tables.cars_packed(study),
        "tests_tables": _test_tables(study, case),
        "calendar_table": study_tables.calendar_table(study),
        "coincidence_table": study_tables.coincidence_table(study),
        "overlap_table": study_tables.overlap_table(study),
        "dropped_table": study_tables.dropped_table(study),
        "price_table": study_tables.price_table(study),
        "warning_table": study_tables.warning_table(study),
    }


def _robustness(study: StudyResult, event_id: str) -> dict[str, Any]:
    return {
        "sensitivity_table": robustness.sensitivity_table(study),
        "multiple_table": robustness.multiple_table(study),
        "multiple_line": robustness.multiple_line(study),
        "survivors_table": robustness.survivors_table(study),
        "readings_that_matter": robustness.readings_that_matter(study),
        "joint_lines": robustness.identification_lines(study),
    }


def _claims(result: ClaimsResult) -> dict[str, Any]:
    return {
        "title": result.claims.title,
        "source": result.claims.source,
        "headline": result.headline(),
        "rule": RULE,
        "table": claims_table(result),
        "cards": claim_cards(result),
    }


def _long_run(result: LongRunResult) -> dict[str, Any]:
    return {
        "lines": [*result.asked(), *result.cautions()],
        "tables": [bhar_table(result), calendar_time_table(result)],
    }


def _test_tables(study: StudyResult, case: Case) -> list[PackedTable]:
    """Return all tests, or, where they need too much room, those most asked for."""
    group, alignment = lead_group(study), headline_alignment(study)
    over, one = study.group_tests, study.single_tests
    for cut, note in ((False, ""), (True, (" (the windows asked for and the leading groups only;"
                                          " the file of tests holds the rest)"))):  # fmt: skip
        if cut:
            over, one = _cut(study, case, over, one)
        found = [
            study_tables.tests_packed(
                "group-tests", f"Tests over events{note}", over,
                ("group", "window", "alignment", "model", "test"),
                {"group": group, "alignment": alignment},
            ),
            study_tables.tests_packed(
                "single-tests", f"Tests of single events{note}", one,
                ("window", "test", "alignment", "model"),
                {"window": window_names(study)[0], "test": "sq"},
            ),
        ]  # fmt: skip
        if sum(len(t.data) for t in found) <= ROOM_FOR_TESTS:
            break
    return found


def _cut(
    study: StudyResult, case: Case, over: pd.DataFrame, one: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    windows = window_names(study)
    over = over[over["group"].isin(lead_groups(study)) & over["window"].isin(windows)]
    lead = str(study.config.lead)
    mine = one["group"].str.startswith(f"{case.event.event_id}/")
    return over, one[mine | one["group"].str.endswith(f"/{lead}")]


def _manifest(study: StudyResult, backtest: BacktestResult | None) -> dict[str, Any]:
    found: dict[str, Any] = dict(study.manifest())
    if backtest is not None:
        found["backtest"] = dict(backtest.config)
    return found


def _notes(study: StudyResult) -> list[str]:
    return [*study.events.notes, *study.events.assumptions]
