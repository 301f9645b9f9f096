"""What no test of a group's mean effect can show: pure functions of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.report.lead import headline_alignment
from eventstudy.report.numbers import counted

if TYPE_CHECKING:
    from eventstudy.study import StudyResult
    from eventstudy.study.groups import Group


def not_identified(study: StudyResult, group: str, window: str) -> tuple[str, ...]:
    """Return what the mean effect of a group cannot be split from."""
    merged = study.merged
    mine = merged[(merged["group"] == group) & (merged["alignment"] == headline_alignment(study))]
    once = mine.loc[mine["reason"] == "coincides", "event_id"].nunique()
    lines = []
    if once:
        lines.append(
            f"the effects of {counted(once, 'event')} apart from others of the same session 0: "
            "they count once together"
        )
    first, last = (int(day) for day in window.split(","))
    crossed = _crossed(study, group, last - first + 1)
    if crossed:
        lines.append(
            f"the effects of {counted(crossed, 'event')} apart from another studied one whose "
            "window shares sessions"
        )
    if any(g.name == group and _by_labels(g) for g in study.groups):
        lines.append("what a reader without knowledge of later prices would have labelled")
    lines.append("other news of the same sessions that the calendar does not hold")
    return tuple(lines)


def _by_labels(group: Group) -> bool:
    return group.name == "directional" or group.name.startswith("both") or "favours" in group.what


def _crossed(study: StudyResult, group: str, length: int) -> int:
    """Return how many events of a group have a window that shares sessions with another's."""
    found = next(g for g in study.groups if g.name == group)
    rows = found.rows[study.counted(found, headline_alignment(study))]
    at = np.sort([study.observations[row].reading.position for row in rows])
    near = np.diff(at) < length
    return int((np.append(near, False) | np.append(False, near)).sum()) if len(at) else 0
