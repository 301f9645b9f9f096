"""What a study says in words: the question, and the cautions that go with every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstudy import later
from eventstudy.models.contract import looks_ahead, needs_of
from eventstudy.models.linear import DOUBTFUL_CONDITION
from eventstudy.windows import window_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from eventstudy.events import EventCalendar
    from eventstudy.prices.table import PriceTable
    from eventstudy.study.config import StudyConfig
    from eventstudy.study.result import StudyResult

FORESIGHT = (
    f"The direction labels (expects) were {later.LABELS}; a directional "
    "result is a description of these events and no forecast."
)
WHOLE_HULL = frozenset({"out_of_span", "missing_returns", "missing_regressor", "empty_basket"})
"""Reasons to drop something that may lie in the last day of the hull alone."""


def asked_lines(study: StudyResult) -> list[str]:
    """Return what was asked, in a few lines."""
    return question_lines(
        study.config, study.events, study.prices, study.days, len(study.studied), study.n_dates
    )


def question_lines(
    config: StudyConfig,
    events: EventCalendar,
    prices: PriceTable,
    days: npt.NDArray[np.datetime64],
    studied: int,
    dates: int,
) -> list[str]:
    """Return a question in a few lines: events, windows, models, prices, estimation."""
    windows = ", ".join(f"[{window_name(w)}]" for w in config.frame.windows)
    models = ", ".join(model.name for model in config.models)
    sessions = events.sessions
    logs = (
        "Log returns, ln(1 + R): a CAR adds logs, and exp(CAR) - 1 is its size as a return; a "
        "basket's are those of its simple return"
    )
    return [
        f"Event study of {counted(studied, 'event')} on "
        f"{counted(dates, 'date')}, windows {windows}, "
        f"model {models}, benchmark {config.benchmark or 'none'}",
        f"Prices: {prices.source}, {days[0]} to {days[-1]}, calendar "
        f"{sessions.name if sessions else 'none'}; estimation {config.frame.estimation} sessions "
        f"ending at {-config.frame.gap - 1}, at least {config.frame.min_estimation}",
        *([logs] if config.returns == "log" else []),
    ]


def caution_lines(study: StudyResult) -> list[str]:
    """Return the cautions that go with the numbers, most important first."""
    lines = [
        *_later_data(study),
        *near_collinear(_conditions(study)),
        *_whole_hull(study),
        *_uncertain_times(study),
        *_shared_sessions(study),
        *_survivors(study),
        *_merged(study),
        *_left_out(study),
        _tests_run(study),
    ]
    if study.prices.warnings:
        doubts = dict.fromkeys(f"{w.ticker} {w.check}" for w in study.prices.warnings)
        shown = ", ".join(list(doubts)[:6]) + (", ..." if len(doubts) > 6 else "")
        lines.append(f"Doubts about the prices: {shown}; see eventstudy prices check.")
    if any(o.reading.event.expects for o in study.observations):
        lines.append(FORESIGHT)
    return [*lines, *study.events.notes, *study.notes]


def _later_data(study: StudyResult) -> list[str]:
    named = [model.name for model in study.config.models if looks_ahead(model)]
    if not named:
        return []
    return [
        f"Expected returns under {', '.join(named)} {later.MODEL}: "
        "they could not be known at the time, and what the event changed for good is in them."
    ]


def near_collinear(conditions: Mapping[str, float]) -> list[str]:
    """Say under which models regressors are nearly one series, with the condition number."""
    doubtful = {name: c for name, c in conditions.items() if c > DOUBTFUL_CONDITION}
    if not doubtful:
        return []
    told = ", ".join(f"{name} ({c:.1e})" for name, c in doubtful.items())
    return [
        f"Nearly collinear regressors, condition number in parentheses: {told}. Coefficients "
        "cannot be told apart; abnormal returns rest on small differences between regressors."
    ]


def _conditions(study: StudyResult) -> dict[str, float]:
    """Return the largest condition number of each model; of donors' weights it means nothing."""
    import numpy as np

    found = {}
    for model in study.config.models:
        known = study.fits[model.name].fit.condition
        if not needs_of(model).donors:
            found[model.name] = float(np.max(known, initial=1.0, where=np.isfinite(known)))
    return found


def _whole_hull(study: StudyResult) -> list[str]:
    """Say that who is in is known at the end of the hull, where it made a difference."""
    donors = any(needs_of(model).donors for model in study.config.models)
    lost = any(d.reason in WHOLE_HULL or d.reason.startswith("member_") for d in study.drops)
    if not (donors or lost):
        return []
    return [
        f"Who is observed, in a basket or among the donors {later.HULL}, "
        f"[{window_name(study.config.frame.hull)}]: a return missing on its last day leaves a "
        "series out of all of its days."
    ]


def _uncertain_times(study: StudyResult) -> list[str]:
    held = {o.reading.event.event_id for o in study.observations if o.reading.event.ambiguous}
    if not held:
        return []
    found = study.reading_verdicts
    found = found[found["group"].isin([group.name for group in study.groups])]
    open_ = found.loc[found["conclusion_changes"].astype(bool)]
    named = [f"{g} [{w}]" for g, w in zip(open_["group"], open_["window"], strict=True)]
    which = ", ".join(dict.fromkeys(named[:6])) + (", ..." if len(named) > 6 else "")
    depends = f": {which}" if named else ""
    return [
        f"{counted(len(held), 'event')} of uncertain session 0, run both ways; the table shows "
        f"the reading {study.alignments[-1]!r}. The conclusion at 5% depends on the reading in "
        f"{len(named)} of {len(found)} results of groups{depends}; see reading_verdicts "
        "(in a run's files: readings)."
    ]


def _shared_sessions(study: StudyResult) -> list[str]:
    """Return how many pairs of studied events coincide or overlap, under any reading."""
    found = study.overlaps
    lead = found["ticker"] == study.config.lead
    lines = []
    for kind, meaning in (
        ("coincide", "have one session 0, so that daily data cannot separate them:"),
        ("overlap", "have windows that share sessions:"),
    ):
        rows = found[found["kind"] == kind]
        listed = len(rows.loc[~lead, ["event_id", "other_id"]].drop_duplicates())
        on_lead = len(rows.loc[lead])
        if listed or on_lead:
            also = f", {on_lead} on {study.config.lead}" if study.config.lead else ""
            lines.append(
                f"Pairs of events that {meaning} {listed} on a common ticker{also}; under at "
                "least one reading."
            )
    return lines


OVERLAP_POLICIES = {
    "keep": "all stay",
    "drop": f"overlapping ones are dropped, an earlier one {later.DROPPED}",
    "keep-first": "the first of overlapping ones stays",
    "joint": f"all stay, overlapping ones are {later.TOGETHER}",
}


def _survivors(study: StudyResult) -> list[str]:
    """Return how many observations the policies on overlaps would leave, where it matters."""
    found = study.survivors[study.survivors["alignment"] == study.alignments[-1]]
    told = []
    for where, rows in (
        (study.config.lead, found[found["label"] == study.config.lead]),
        ("all series", found),
    ):
        left = {
            policy: int(rows.loc[rows["policy"] == policy, "kept"].sum())
            for policy in ("keep", "drop", "keep-first")
        }
        if where is not None and left["drop"] < left["keep"]:
            told.append(
                f"{left['drop']} of {left['keep']} observations on {where} share no session with "
                f"another event's window (drop would leave these), keep-first would leave "
                f"{left['keep-first']}"
            )
    policy = study.config.overlap
    return [f"Overlap ({policy}: {OVERLAP_POLICIES[policy]}): {'; '.join(told)}."] if told else []


def _merged(study: StudyResult) -> list[str]:
    """Return how many observations do not count in their groups of their own accord."""
    found = [m for m in study.merged_rows if m.alignment == study.alignments[-1]]
    lines = []
    for reason, meaning in (
        ("coincides", "one effect with an event of the same session 0, counted once in a group"),
        ("contradicts", "news of opposite signs on one session 0, left out of the directions"),
    ):
        held = {
            study.observations[m.row].reading.event.event_id for m in found if m.reason == reason
        }
        if held:
            lines.append(f"{counted(len(held), 'event')}: {meaning}; see merged, identification.")
    return lines


def _left_out(study: StudyResult) -> list[str]:
    dropped = study.dropped
    if not len(dropped):
        return []
    events = dropped.loc[dropped["reason"] == "out_of_span", "event_id"].nunique()
    return [
        f"{counted(len(dropped), 'row')} left out, {counted(events, 'event')} outside the price "
        "table among them; each with its reason in dropped."
    ]


def _tests_run(study: StudyResult) -> str:
    count = int(study.group_tests["p_value"].notna().sum())
    return (
        f"{count} p-values over groups, days, windows and readings, not adjusted for their "
        "number here: see multiple for Holm, Benjamini-Hochberg and Romano-Wolf. mde is the "
        "smallest mean CAR that a 5% test finds with 80% probability."
    )


def counted(count: int, noun: str) -> str:
    """Return ``1 event`` or ``2 events``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
