"""Tables on how much an answer owes to choices: sensitivity, overlap, readings, many tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.report.frames import records, rows_where
from eventstudy.report.lead import headline_alignment, lead_group, lead_groups, model_names
from eventstudy.report.numbers import counted, decimal, p_clause, percent, probability, window_text
from eventstudy.report.tables import Table, columns_of

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.study import StudyResult

ADJUSTED = "kolari_pynnonen"
"""The test whose p-values are shown adjusted."""


def sensitivity_table(study: StudyResult) -> Table:
    """Return the lead group's mean CAR with one choice changed at a time.

    Under the reading that headlines use; what was asked stands under every reading.
    """
    frame = study.sensitivity(lead_group(study))
    leading = frame["alignment"] == headline_alignment(study)
    frame = frame[leading | (frame["choice"] == "as asked") | frame["note"].notna()]
    tests = [c for c in frame.columns if c.startswith("p_")]
    rows = []
    for r in records(frame):
        if isinstance(r["note"], str):
            blank = [""] * (7 + len(tests))  # reading to p-values
            rows.append((str(r["choice"]), *blank, r["note"]))
            continue
        rows.append(
            (
                str(r["choice"]), str(r["alignment"]), window_text(r["window"]),
                decimal(r["n"], 0), decimal(r["n_dates"], 0), percent(r["caar"]),
                percent(r["lo"]), percent(r["hi"]), *(probability(r[t]) for t in tests), "",
            )
        )  # fmt: skip
    return Table(
        "sensitivity",
        f"One choice changed at a time: mean CAR of {lead_group(study)}",
        columns_of(
            ("choice", "reading", "window"),
            ("events", "dates", "mean CAR", "low", "high", *(f"p {t[2:]}" for t in tests)),
            ("note",),
        ),
        tuple(rows),
    )


def multiple_table(study: StudyResult) -> Table:
    """Return the p-values of the leading groups, adjusted for the number of tests."""
    frame = rows_where(study.multiple, alignment=headline_alignment(study), test=ADJUSTED)
    frame = frame[frame["group"].isin(lead_groups(study))]
    rows = tuple(
        (
            str(r["group"]), str(r["model"]), window_text(r["window"]),
            *(probability(r[c]) for c in ("p_value", "p_holm", "p_bh", "p_romano_wolf")),
            decimal(r["family_size"], 0),
        )
        for r in records(frame)
    )  # fmt: skip
    return Table(
        "multiple",
        f"{ADJUSTED} adjusted for the number of tests in its family (all groups and windows "
        "asked for); Romano-Wolf by the wild bootstrap of mean CARs, one weight a date",
        columns_of(
            ("group", "model", "window"),
            ("p", "p Holm", "p Benjamini-Hochberg", "p Romano-Wolf", "tests in family"),
        ),
        rows,
        "No group test has a p-value.",
    )


def multiple_line(study: StudyResult) -> str:
    """Return what is left of the lead group's findings after adjustment, in one sentence."""
    frame = rows_where(
        study.multiple,
        alignment=headline_alignment(study),
        test=ADJUSTED,
        group=lead_group(study),
        model=model_names(study)[0],
    )
    said = [
        f"{window_text(r['window'])} {p_clause(r['p_value'])}, Holm {probability(r['p_holm'])}, "
        f"Romano-Wolf {probability(r['p_romano_wolf'])}"
        for r in records(frame)
        if np.isfinite(r["p_value"])
    ]
    if not said:
        return "No test of the lead group has a p-value to adjust."
    size = int(frame["family_size"].iloc[0])
    return (
        f"Adjusted for {counted(size, 'test')} of one family, {lead_group(study)}: "
        f"{'; '.join(said)}."
    )


def survivors_table(study: StudyResult) -> Table:
    """Return how many observations each policy on overlaps would leave."""
    frame = rows_where(study.survivors, alignment=headline_alignment(study))
    rows = tuple(
        (str(r["policy"]), str(r["label"]), decimal(r["kept"], 0), decimal(r["of"], 0))
        for r in records(frame)
    )
    return Table(
        "survivors",
        "What each policy on overlapping windows would leave, by series (this study: "
        f"{study.config.overlap})",
        columns_of(("policy", "series"), ("left", "of")),
        rows,
    )


def identification_lines(study: StudyResult, event_id: str | None = None) -> list[str]:
    """Return what daily data cannot split, in the words of the study; each once."""
    frame = study.identification
    if event_id is not None:
        frame = frame[frame["event_id"] == event_id]
    return list(dict.fromkeys(str(s) for s in frame["statement"]))


def readings_that_matter(study: StudyResult) -> list[str]:
    """Return the group conclusions that depend on how uncertain times are read."""
    frame: pd.DataFrame = study.reading_verdicts
    if not len(frame):
        return []
    return [str(s) for s in frame.loc[frame["conclusion_changes"], "statement"]]
