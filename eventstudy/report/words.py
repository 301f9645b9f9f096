"""What the page says of groups: effect, interval, tests, power. Pure functions of results.

A conclusion is a number with its uncertainty and one of three verdicts, by fixed thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.report.frames import column_at, places_where, records, rows_where
from eventstudy.report.lead import (
    headline_alignment,
    lead_group,
    model_names,
    window_names,
)
from eventstudy.report.numbers import counted, interval, p_clause, percent, window_text
from eventstudy.report.unidentified import not_identified
from eventstudy.study.summary import HEADLINE_TESTS
from eventstudy.study.wording import caution_lines

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.report.frames import Places
    from eventstudy.study import StudyResult

LEVEL = 0.05
"""Two-sided level of the verdicts."""

SMALL = 30
"""Below this many events a sample is called small."""

SUPPORT = HEADLINE_TESTS[:2]
"""Tests behind a verdict: robust to event-induced variance and shared dates, one by ranks."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What numbers allow to say.

    Attributes
    ----------
    kind : {"supported", "noise", "open"}
    label : str
        A few words.
    text : str
        The label and the tests behind it.
    """

    kind: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One headline number.

    Attributes
    ----------
    label, window : str
    effect, interval : str
    tests : tuple of str
        ``kolari_pynnonen p 0.017`` and the like.
    sample, power : str
    verdict : Verdict
    doubt : str
        What else the verdict hangs on; empty for nothing found.
    """

    label: str
    window: str
    effect: str
    interval: str
    tests: tuple[str, ...]
    sample: str
    power: str
    verdict: Verdict
    doubt: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """One statement with what it rests on.

    Attributes
    ----------
    head : str
    text : str
    rests_on : tuple of str
        Assumptions of the tests and where they visibly fail.
    verdict : Verdict
    not_identified : tuple of str
        What no test of it can show.
    """

    head: str
    text: str
    rests_on: tuple[str, ...]
    verdict: Verdict
    not_identified: tuple[str, ...] = ()


def verdict(p_values: Mapping[str, float]) -> Verdict:
    """Return what p-values allow to say: all at most 5%, all above, or neither.

    Parameters
    ----------
    p_values : mapping of str to float
        By test; NaN = undefined.
    """
    known = {name: p for name, p in p_values.items() if np.isfinite(p)}
    if not known:
        return _verdict("open", "cannot be said", "no test has a value for this sample")
    names = " and ".join(known)
    below = [name for name, p in known.items() if p <= LEVEL]
    if len(below) == len(known):
        return _verdict("supported", "supported at 5%, unadjusted", f"{names} at most 5%")
    if not below:
        return _verdict("noise", "inside its noise", f"{names} above 5%")
    others = " and ".join(name for name in known if name not in below)
    told = f"{' and '.join(below)} at most 5%, {others} above"
    return _verdict("open", "cannot be said: tests disagree", told)


def _verdict(kind: str, label: str, why: str) -> Verdict:
    return Verdict(kind, label, f"{label}: {why}")


def answers(study: StudyResult) -> list[Answer]:
    """Return the headline numbers.

    The lead group for each window asked for; where one window was asked for, the lead group
    and the first two baskets.
    """
    group, windows = lead_group(study), window_names(study)
    if len(windows) > 1:
        return [found for w in windows if (found := answer(study, group, w)) is not None]
    baskets = [n for n in study.config.observed if n.startswith("@") and "-" not in n][:2]
    first = [answer(study, name, windows[0]) for name in (group, *baskets)]
    return [a for a in first if a is not None]


def basket_answers(study: StudyResult) -> list[Answer]:
    """Return the same for the first two baskets and the spread that leads, by window."""
    names = [n for n in study.config.observed if n.startswith("@") and "-" not in n][:2]
    names += [study.config.lead] if study.config.lead else []
    found = [answer(study, name, w) for name in names for w in window_names(study)]
    return [a for a in found if a is not None]


def answer(study: StudyResult, group: str, window: str) -> Answer | None:
    """Return one headline number; None where the group has no observation."""
    effect = _row(study.effects, study, group, window)
    if effect is None:
        return None
    p_values = support(study, group, window)
    found = verdict(p_values)
    doubt = _doubt(study, group, window, found)
    label = "towards the labelled side" if group == "directional" else group
    dates = counted(int(effect["n_dates"]), "date")
    return Answer(
        label,
        window_text(window),
        percent(effect["caar"]),
        interval(effect["lo"], effect["hi"]),
        tuple(f"{name} {p_clause(p)}" for name, p in p_values.items()),
        f"{counted(int(effect['n']), 'event')} on {dates}",
        f"smallest findable effect {percent(effect['mde'], signed=False)}",
        _tempered(found, doubt),
        doubt,
    )


def _tempered(found: Verdict, doubt: str) -> Verdict:
    """Return the verdict, open where it hangs on something else."""
    if not doubt or found.kind == "open":
        return found
    return Verdict("open", f"{found.label}; but see below", found.text)


def _doubt(study: StudyResult, group: str, window: str, found: Verdict) -> str:
    """Return what a verdict hangs on: the reading of uncertain times, the number of tests."""
    doubts = []
    on = _hangs_on({a: verdict(p).kind for a, _, p in _by_reading(study, group, window)})
    if on:
        doubts.append(f"the verdict changes {on}")
    row = None
    if found.kind == "supported":
        row = _row(study.multiple, study, group, window, test=SUPPORT[0])
    if row is not None and row["p_romano_wolf"] > LEVEL:
        doubts.append(
            f"among the {counted(int(row['family_size']), 'test')} of its family it does not "
            f"stand out: Holm {p_clause(row['p_holm'])}, Romano-Wolf "
            f"{p_clause(row['p_romano_wolf'])}"
        )
    return "; and ".join(doubts)


def _hangs_on(kinds: dict[str, str]) -> str:
    """Return what of uncertain times changes a verdict: their reading, or that they are in.

    Parameters
    ----------
    kinds : dict of str to str
        Kind of the verdict by alignment; under ``stated`` such events are left out.
    """
    if len(set(kinds.values())) < 2:
        return ""
    if len({kind for alignment, kind in kinds.items() if alignment != "stated"}) > 1:
        return "with the reading of uncertain times"
    return "where events of uncertain times are left out"


def support(study: StudyResult, group: str, window: str) -> dict[str, float]:
    """Return the p-values that a verdict on a group rests on."""
    return _supporting(study.group_tests, _at(study.group_tests, study, group, window))


def _supporting(tests: pd.DataFrame, at: Places) -> dict[str, float]:
    names, p_values = column_at(tests, "test", at), column_at(tests, "p_value", at)
    return {name: float(p) for name, p in zip(names, p_values, strict=True) if name in SUPPORT}


def _at(frame: pd.DataFrame, study: StudyResult, group: str, window: str, **more: str) -> Places:
    return places_where(
        frame,
        group=group,
        window=window,
        model=model_names(study)[0],
        alignment=headline_alignment(study),
        **more,
    )


def _row(
    frame: pd.DataFrame, study: StudyResult, group: str, window: str, **more: str
) -> pd.Series | None:
    at = _at(frame, study, group, window, **more)
    return frame.iloc[at[0]] if len(at) else None


def conclusions(study: StudyResult) -> list[Conclusion]:
    """Return one statement a window on the lead group, and one a basket on the first window."""
    group, windows = lead_group(study), window_names(study)
    asked = [(group, w) for w in windows]
    asked += [
        (name, windows[0])
        for name in study.config.observed
        if name.startswith("@") and "-" not in name
    ]
    return [found for g, w in asked if (found := _conclusion(study, g, w)) is not None]


def _conclusion(study: StudyResult, group: str, window: str) -> Conclusion | None:
    effect = _row(study.effects, study, group, window)
    if effect is None:
        return None
    p_values = support(study, group, window)
    found = verdict(p_values)
    doubt = _doubt(study, group, window, found)
    what = next(g.what for g in study.groups if g.name == group)
    n, dates = int(effect["n"]), int(effect["n_dates"])
    tests = ", ".join(f"{name} {p_clause(p)}" for name, p in p_values.items()) or "no test run"
    text = (
        f"Mean CAR {percent(effect['caar'])} ({interval(effect['lo'], effect['hi'])}) over "
        f"{counted(n, 'event')} on {counted(dates, 'date')}: {what}. {tests}. With 80% "
        f"probability this sample would have found a mean of {percent(effect['mde'], signed=False)}"
        " or more, in either direction; smaller ones would mostly be missed."
        + (f" But {doubt}." if doubt else "")
    )
    return Conclusion(
        f"{group}, {window_text(window)}",
        text,
        _rests_on(study, group, window),
        _tempered(found, doubt),
        not_identified(study, group, window),
    )


def _rests_on(study: StudyResult, group: str, window: str) -> tuple[str, ...]:
    """Return the assumptions of the supporting tests and where they visibly fail."""
    known = {test.name: test for test in study.tests_asked}
    tests = study.group_tests.iloc[_at(study.group_tests, study, group, window)]
    lines = []
    for row in records(tests[tests["test"].isin(SUPPORT)]):
        test = known[row["test"]]
        failing = f" Visibly strained here: {row['caveat']}." if row["caveat"] else ""
        lines.append(
            f"{row['test']} ({row['distribution']}) tests that {test.null}; needs: "
            f"{test.assumptions}.{failing}"
        )
    return tuple(lines)


def question(study: StudyResult) -> str:
    """Return the question that the study asks."""
    lead = study.config.lead
    if lead is None:
        return "Did the shares move around these events by more than their own noise?"
    sides = lead.removesuffix(":ex").split("-")
    named = [f"{side} ({', '.join(study.events.baskets[side])})" for side in sides]
    news = " versus ".join(side[1:] for side in sides)
    return (
        f"Did {news} news move the shares of {named[0]} against {named[1]}, and how sure can "
        "one be?"
    )


def sample_lines(study: StudyResult) -> list[str]:
    """Return how much evidence there is: events, dates, span, and what it could have found."""
    positions = sorted({o.reading.position for o in study.observations})
    first, last = study.days[positions[0]], study.days[positions[-1]]
    events = len(study.studied)
    small = f" This is a small sample: below {SMALL} events." if events < SMALL else ""
    lines = [
        (
            f"{counted(events, 'event')} on {counted(study.n_dates, 'session')} from {first} "
            f"to {last}.{small}"
        )
    ]
    group = lead_group(study)
    found = [
        f"{percent(row['mde'], signed=False)} over {window_text(w)}"
        for w in window_names(study)
        if (row := _row(study.effects, study, group, w)) is not None
    ]
    lines.append(
        f"Smallest mean CAR of {group} that a 5% test finds with 80% probability: "
        + ", ".join(found)
        + "."
    )
    return lines


def cautions(study: StudyResult) -> list[str]:
    """Return the cautions that go with every number on the page."""
    tests = study.tests
    known = tests["p_value"].notna()
    count, small = int(known.sum()), int((tests["p_value"][known] <= LEVEL).sum())
    chance = (
        f"{count:,} p-values were computed for this page, over groups and single events; "
        f"{small:,} are at most 5%. About {LEVEL * count:,.0f} would be if nothing had happened "
        "anywhere, as far as the tests hold their size. None is adjusted for their number, and "
        "the tests share data."
    )
    return [*caution_lines(study), chance]


def reading_lines(study: StudyResult) -> list[str]:
    """Return whether the lead conclusions depend on how uncertain times are read."""
    if len(study.alignments) < 2:
        return []
    lines = []
    for window in window_names(study):
        found = _by_reading(study, lead_group(study), window)
        on = _hangs_on({alignment: verdict(p_values).kind for alignment, _, p_values in found})
        said = [
            f"{alignment} {percent(effect['caar'])} ({counted(int(effect['n']), 'event')}; "
            + ", ".join(f"{name} {p_clause(p)}" for name, p in p_values.items())
            + ")"
            for alignment, effect, p_values in found
        ]
        lines.append(
            f"{window_text(window).capitalize()}: the verdict "
            f"{f'changes {on}' if on else 'does not depend on the reading of uncertain times'}: "
            f"{'; '.join(said)}."
        )
    return lines


def _by_reading(
    study: StudyResult, group: str, window: str
) -> list[tuple[str, pd.Series, dict[str, float]]]:
    """Return (reading, effect, supporting p-values) of a group under each reading."""
    keep = {"group": group, "window": window, "model": model_names(study)[0]}
    effects, tests = study.effects, study.group_tests
    of_group = places_where(tests, **keep)
    reading = np.array(column_at(tests, "alignment", of_group), dtype=object)
    found = []
    for _, effect in rows_where(effects, **keep).iterrows():
        at = of_group[reading == effect["alignment"]]
        found.append((str(effect["alignment"]), effect, _supporting(tests, at)))
    return found
