"""The case: one event, its series, its tests, and what daily data cannot tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.report.frames import records, rows_where
from eventstudy.report.lead import model_names, readings_of, window_names
from eventstudy.report.numbers import (
    counted,
    interval,
    p_clause,
    percent,
    probability,
    window_text,
)
from eventstudy.report.words import LEVEL, Conclusion, Verdict, verdict
from eventstudy.significance.single import SINGLE_TESTS

if TYPE_CHECKING:
    from eventstudy.events import Event
    from eventstudy.study import StudyResult

READ_FIRST = ("sq", "placebo_time")
"""Tests of one event behind a verdict: neither needs normal returns."""

MOST_SERIES = 3


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One series of the case in one window.

    Attributes
    ----------
    event_id, reading, series, window : str
    session_0 : str
    car, se, lo, hi : float
    p_values : mapping of str to float
    floors : mapping of str to float
        The smallest p-value that each test can give.
    said : mapping of str to str
        What each test says of its distribution.
    draws : int
        Other events of its kind.
    """

    event_id: str
    reading: str
    series: str
    window: str
    session_0: str
    car: float
    se: float
    lo: float
    hi: float
    p_values: dict[str, float]
    floors: dict[str, float]
    said: dict[str, str]
    draws: int

    @property
    def verdict(self) -> Verdict:
        """What ``sq`` and ``placebo_time`` allow to say, as far as their draws can reach 5%."""
        speaking = [name for name in READ_FIRST if self.floors.get(name, np.nan) <= LEVEL]
        return verdict({name: self.p_values.get(name, np.nan) for name in speaking})


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that the case section shows.

    Attributes
    ----------
    event : Event
    rows : tuple of CaseRow
        Of the event and of those that coincide with it, every series and window.
    conclusions : tuple of Conclusion
    reading : tuple of str
        Which tests to read, and why.
    not_identified : tuple of str
    """

    event: Event
    rows: tuple[CaseRow, ...]
    conclusions: tuple[Conclusion, ...]
    reading: tuple[str, ...]
    not_identified: tuple[str, ...]


def make_case(study: StudyResult, event_id: str) -> Case:
    """Return the case of an event that was studied."""
    together = companions(study, event_id)
    rows = tuple(row for e in (event_id, *together) for row in case_rows(study, e))
    own = [row for row in rows if row.event_id == event_id]
    leading = leading_series(study, event_id)
    first = window_names(study)[0]
    shown = [r for r in own if r.series in leading and r.window == first]
    shown.sort(key=lambda r: leading.index(r.series))
    return Case(
        study.events[event_id],
        rows,
        tuple(_conclusion(row, together) for row in shown),
        _which_to_read(study, event_id, shown),
        (*_coincidences(study, event_id), *_readings(study, (event_id, *together), rows, first)),
    )


def companions(study: StudyResult, event_id: str) -> tuple[str, ...]:
    """Return the other studied events that share session 0 under some reading."""
    from eventstudy.events import coincidences

    studied = {o.reading.event.event_id for o in study.observations}
    found = [
        other
        for ids in coincidences(study.events)["event_ids"]
        if event_id in ids
        for other in ids
        if other != event_id and other in studied
    ]
    return tuple(dict.fromkeys(found))


def leading_series(study: StudyResult, event_id: str) -> list[str]:
    """Return the series of the conclusions: the first three tickers and the lead spread."""
    from eventstudy.study.groups import own_label

    event = study.events[event_id]
    labels = [o.label for o in study.observations if o.reading.event.event_id == event_id]
    tickers = [t for t in (own_label(event), *event.tickers) if t in labels]
    chosen = list(dict.fromkeys(tickers))[:MOST_SERIES]
    return [*chosen, study.config.lead] if study.config.lead in labels else chosen


def case_rows(study: StudyResult, event_id: str) -> list[CaseRow]:
    """Return each reading, series and window of an event with its intervals and p-values."""
    from scipy.special import stdtrit

    from eventstudy.abnormal import cumulate

    model = model_names(study)[0]
    fit = study.fits[model].fit
    windows = study.config.frame.windows
    single = study.single_tests
    single = single[single["group"].str.startswith(f"{event_id}/") & (single["model"] == model)]
    found: list[CaseRow] = []
    for reading, rows in readings_of(study, event_id):
        car, se = cumulate(fit.ar[rows], fit.v[rows], study.config.frame.masks(windows))
        reach = stdtrit(fit.dof[rows], 0.975)[:, None] * se
        tests = records(rows_where(single, alignment=reading))
        for k, row in enumerate(rows):
            o = study.observations[row]
            own = [r for r in tests if r["group"] == f"{event_id}/{o.label}"]
            for w, name in enumerate(window_names(study)):
                value, by = float(car[k, w]), float(reach[k, w])
                told = {str(r["test"]): r for r in own if r["window"] == name}
                found.append(
                    CaseRow(
                        event_id, reading, o.label, name, str(o.reading.session_0),
                        value, float(se[k, w]), value - by, value + by,
                        {test: float(r["p_value"]) for test, r in told.items()},
                        {test: float(r["floor"]) for test, r in told.items()},
                        {test: str(r["distribution"]) for test, r in told.items()},
                        int(told["placebo_kind"]["draws"]),
                    )
                )  # fmt: skip
    return found


def _conclusion(row: CaseRow, together: tuple[str, ...]) -> Conclusion:
    text = (
        f"Abnormal return {percent(row.car)} ({interval(row.lo, row.hi)}; forecast error "
        f"{percent(row.se, signed=False)}), session 0 on {row.session_0}. "
        + "; ".join(f"{name} {p_clause(p)}" for name, p in row.p_values.items())
        + "."
    )
    rests = tuple(
        f"{name} ({row.said[name]}) tests that {test.null}; needs: {test.assumptions}"
        for name, test in SINGLE_TESTS.items()
        if np.isfinite(row.p_values.get(name, np.nan))
    )
    reading = "" if row.reading == "stated" else f", reading {row.reading!r}"
    head = f"{row.series}, {window_text(row.window)}{reading}"
    return Conclusion(head, text, rests, row.verdict, _alone(row, together))


def _alone(row: CaseRow, together: tuple[str, ...]) -> tuple[str, ...]:
    """Return what the abnormal return of one event cannot be split from."""
    return (
        *((f"its share of the session apart from {', '.join(together)}",) if together else ()),
        f"any other news of {row.session_0}: one day has one return",
    )


def _which_to_read(study: StudyResult, event_id: str, shown: list[CaseRow]) -> tuple[str, ...]:
    event = study.events[event_id]
    lines = [
        (
            "This is one event on one date: tests over events need a cross-section and are "
            "undefined for it. What speaks is each series' own history."
        ),
        (
            "Read `sq` and `placebo_time` first: they rank the event among the series' own "
            "sessions and need no normality. `forecast_t` leans on normal tails; beyond about four "
            "standard errors its p-value means little, and none is quoted below 0.001."
        ),
    ]
    own = next((r for r in shown if r.draws), None)
    if own is not None:
        p = own.p_values["placebo_kind"]
        place = round(p * (own.draws + 1))
        lines.append(
            f"`placebo_kind` asks another question: is this {event.kind} day of {event.subject} "
            f"larger than its other ones? {own.series}'s standardised CAR is number {place} in "
            f"size of {own.draws + 1}, p {probability(p)}; with {counted(own.draws, 'other')} "
            f"p cannot fall below {1 / (own.draws + 1):.3f}"
            + (", so it cannot reach 5%." if 1 / (own.draws + 1) > LEVEL else ".")
        )
    space = next((r for r in shown if np.isfinite(r.p_values.get("placebo_space", np.nan))), None)
    if space is not None:
        said = space.said["placebo_space"]
        lines.append(
            "`placebo_space` asks whether other securities moved as much on the same session; "
            f"the event's listed tickers and funds are no yardstick. {space.series}: p "
            f"{probability(space.p_values['placebo_space'])}; {said}."
        )
    return tuple(lines)


def _coincidences(study: StudyResult, event_id: str) -> list[str]:
    from eventstudy.events import coincidences, separation_note

    frame = coincidences(study.events)
    return [
        separation_note(row["event_ids"], np.datetime64(row["session_0"], "D"), row["alignment"])
        + "."
        for row in records(frame)
        if event_id in row["event_ids"]
    ]


def _readings(
    study: StudyResult, events: tuple[str, ...], rows: tuple[CaseRow, ...], window: str
) -> list[str]:
    """Return, for events run both ways, whether the conclusion depends on the reading."""
    lines = []
    for event_id in events:
        mine = [r for r in rows if r.event_id == event_id and r.window == window]
        for series in leading_series(study, event_id):
            both = {r.reading: r for r in mine if r.series == series}
            if {"same", "next"} <= set(both):
                lines.append(_compared(event_id, both["same"], both["next"]))
    return lines


def _compared(event_id: str, same: CaseRow, following: CaseRow) -> str:
    def told(row: CaseRow) -> str:
        p = ", ".join(f"{name} {p_clause(row.p_values.get(name, np.nan))}" for name in READ_FIRST)
        return f"{percent(row.car)} ({interval(row.lo, row.hi)}; {p})"

    depends = "does not depend" if same.verdict.kind == following.verdict.kind else "depends"
    return (
        f"{event_id}, {same.series}, {window_text(same.window)}: the verdict {depends} on the "
        f"reading. `same` ({same.session_0}): {told(same)}. `next` ({following.session_0}): "
        f"{told(following)}."
    )
