"""What a study says in words: the question, and the cautions that go with every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstudy.windows import window_name

if TYPE_CHECKING:
    from eventstudy.study.result import StudyResult

FORESIGHT = (
    "The direction labels (expects) were set by someone who knew later prices; a directional "
    "result is a description of these events and no forecast."
)


def asked_lines(study: StudyResult) -> list[str]:
    """Return what was asked, in a few lines."""
    config = study.config
    events = {o.reading.event.event_id for o in study.observations}
    dates = {o.reading.position for o in study.observations}
    windows = ", ".join(f"[{window_name(w)}]" for w in config.frame.windows)
    return [
        f"Event study of {len(events)} events on {len(dates)} dates, windows {windows}, "
        f"model {', '.join(study.fits)}, benchmark {config.benchmark or 'none'}",
        f"Prices: {study.prices.source}, {study.days[0]} to {study.days[-1]}; estimation "
        f"{config.frame.estimation} sessions ending at {-config.frame.gap - 1}, "
        f"at least {config.frame.min_estimation}",
    ]


def caution_lines(study: StudyResult) -> list[str]:
    """Return the cautions that go with the numbers, most important first."""
    lines = []
    ambiguous = [e.event_id for e in study.events.study if e.ambiguous]
    if ambiguous:
        lines.append(
            f"{len(ambiguous)} events have no certain session 0 and are run both ways; "
            "the table shows them at the next session."
        )
    overlaps = study.overlaps
    for kind, meaning in (
        (
            "coincide",
            "pairs of events share a ticker and session 0: daily data cannot separate them",
        ),
        ("overlap", "pairs of events share a ticker and sessions of their windows"),
    ):
        pairs = overlaps.loc[overlaps["kind"] == kind, ["event_id", "other_id"]].drop_duplicates()
        if len(pairs):
            lines.append(f"{len(pairs)} {meaning}.")
    if len(study.dropped):
        events = study.dropped.loc[study.dropped["reason"] == "out_of_span", "event_id"].nunique()
        lines.append(
            f"{len(study.dropped)} rows were left out ({events} events outside the price "
            "table); see dropped."
        )
    count = len(study.group_tests)
    lines.append(
        f"{count} group tests were run; p-values are not adjusted for their number. "
        "mde: smallest mean CAR found with 80% probability."
    )
    if any(e.expects for e in study.events.study):
        lines.append(FORESIGHT)
    lines += list(study.notes)
    return lines
