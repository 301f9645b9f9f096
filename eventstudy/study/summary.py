"""The summary of a study: its headline table, its text and its manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.windows import window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.events import EventCalendar
    from eventstudy.prices import PriceTable
    from eventstudy.study.config import StudyConfig
    from eventstudy.study.result import StudyResult
    from eventstudy.told import Told

HEADLINE_TESTS = ("kolari_pynnonen", "corrado", "wilcoxon")


def summary_frame(study: StudyResult) -> pd.DataFrame:
    """Return one row a group, alignment, model and window asked for; see `headline_frame`."""
    return headline_frame(study.effects, study.group_tests, study.config)


def headline_frame(effects: pd.DataFrame, tests: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Return effects of the windows asked for, with the tests that stand up to most.

    Columns: those of `StudyResult.effects` and ``p_<test>`` for the tests that stand up to
    clustered dates, event-induced variance or fat tails, as far as they were run.
    """
    windows = [window_name(w) for w in config.frame.windows]
    keys = ["group", "alignment", "model", "window"]
    effects = effects[effects["window"].isin(windows)]
    for name in HEADLINE_TESTS:
        found = tests[tests["test"] == name]
        if len(found):
            p = found[[*keys, "p_value"]].rename(columns={"p_value": f"p_{name}"})
            effects = effects.merge(p, on=keys, how="left")
    return effects.reset_index(drop=True)


def told(study: StudyResult) -> Told:
    """Return what was asked, the headline table, and what goes with it."""
    from eventstudy.study.wording import asked_lines, caution_lines

    frame = summary_frame(study)
    frame = frame[frame["alignment"] == study.alignments[-1]]
    leading = frame["group"].isin(_leading_groups(study))
    further = frame.loc[~leading, "group"].nunique()
    lines: list[str | pd.DataFrame] = [*asked_lines(study), "", headline_texts(frame[leading])]
    if further:
        lines.append(f"(further groups, by kind and by peer: {further}; see effects, tests)")
    return [*lines, "", *caution_lines(study)]


def _leading_groups(study: StudyResult) -> set[str]:
    """Return the groups that the text shows: directions, baskets, spreads and `all`."""
    kinds = {o.reading.event.kind for o in study.observations}
    return {
        g.name
        for g in study.groups
        if g.name in (*study.config.observed, "all")
        or not (g.name in kinds or g.name.startswith(("peer:", "kind:")))
    }


def headline_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the headline table as texts, effects in percent."""
    percent = {"caar", "lo", "hi", "mde"}
    shown = frame.drop(columns=["se", "alignment"]).copy()
    if len(set(shown["model"])) == 1:
        shown = shown.drop(columns="model")
    for column in shown.columns:
        if column in percent:
            sign = "" if column == "mde" else "+"
            shown[column] = [f"{100 * x:{sign}.2f}%" for x in shown[column]]
        elif column.startswith("p_"):
            shown[column] = [_worded(p) for p in shown[column]]
    return shown


def _worded(p: float) -> str:
    if np.isnan(p):
        return "-"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _digest(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of a calendar's cells."""
    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()


def inputs_manifest(events: EventCalendar, prices: PriceTable) -> dict[str, object]:
    """Return what went in: calendar, hashes of events and prices, span, doubts."""
    return {
        "calendar": events.sessions.name if events.sessions else None,
        "events": {
            "rows": len(events),
            "study": len(events.study),
            "sha256": _digest(events.frame),
            "assumptions": list(events.assumptions),
        },
        "prices": {
            "source": prices.source,
            "first": str(prices.dates[0]),
            "last": str(prices.dates[-1]),
            "tickers": {t: prices.digest(t) for t in prices.tickers},
            "missing": dict(prices.missing),
            "warnings": [
                f"{w.ticker}: {w.check}: {w.date or ''}: {w.detail}" for w in prices.warnings
            ],
        },
    }


def manifest(study: StudyResult) -> dict[str, object]:
    """Return configuration, hull, data hashes, versions and seed: nothing that a clock gives."""
    return manifest_of(study.config, study.events, study.prices, study.notes)


def manifest_of(
    config: StudyConfig, events: EventCalendar, prices: PriceTable, notes: Sequence[str]
) -> dict[str, object]:
    """Return what is needed to answer a question again."""
    from eventstudy.provenance import versions

    return {
        "study": config.as_dict(),
        **inputs_manifest(events, prices),
        "notes": list(notes),
        "seed": config.seed,
        "versions": versions(),
    }
