"""What daily data cannot keep apart: events that share session 0, or sessions, on a series.

Coinciding events (one session 0 on one series) are one effect. It is reported under each of
their names, and counts once in a group: of coinciding observations of one sign the one with
the fewest members stands for all (a spread without the reporter says more of the others'
reaction than one with it), among equals the first row of the calendar. News of opposite signs
contradicts itself: it has no expected side, and leaves the groups that have one.

Under ``overlap="joint"`` the sessions that two windows share have one dummy each, which
belongs to both events; they are listed as ``shared``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import cumulate
from eventstudy.baskets import Baskets
from eventstudy.study.groups import Group, lead_spread
from eventstudy.study.observed import Observation
from eventstudy.study.overlapping import Stretch, stretches
from eventstudy.windows import Window, window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.study.result import StudyResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVEL = 0.95
IDENTIFICATION = (
    "event_id", "other_ids", "series", "alignment", "kind", "session_0", "model", "window",
    "car", "se", "lo", "hi", "statement",
)  # fmt: skip
MERGED = ("group", "alignment", "event_id", "ticker", "reason", "detail")


@dataclass(frozen=True, slots=True)
class Merged:
    """An observation that does not count in a group of its own accord.

    Attributes
    ----------
    group, alignment : str
    row : int
        Among the observations.
    reason : str
        ``coincides``: another observation of the same effect stands for it.
        ``contradicts``: news of the opposite sign has the same session 0.
    others : tuple of int
        Rows of the one that stands for it, or of those that contradict it.
    """

    group: str
    alignment: str
    row: int
    reason: str
    others: tuple[int, ...]


def coinciding(kept: Sequence[Observation]) -> Iterator[tuple[Stretch, Ints]]:
    """Yield (series under an alignment, rows) for every session 0 of several events."""
    for stretch in stretches(kept):
        sessions, counts = np.unique(stretch.positions, return_counts=True)
        for session in sessions[counts > 1]:
            yield stretch, stretch.rows[stretch.positions == session]


def merged(
    kept: Sequence[Observation],
    groups: Sequence[Group],
    alignments: Sequence[str],
    sided: Sequence[str],
) -> tuple[Merged, ...]:
    """Return which observations do not count in which groups, under each alignment.

    Parameters
    ----------
    kept : sequence of Observation
    groups : sequence of Group
    alignments : sequence of str
        Those in use.
    sided : sequence of str
        Names of the groups whose sign is an expectation; the first one holds all others.

    Returns
    -------
    tuple of Merged
    """
    together = [(s.alignment, rows) for s, rows in coinciding(kept) if s.alignment in alignments]
    found: list[Merged] = []
    against = _contradictions(groups, together, sided)
    for group in groups:
        signs = dict(zip(group.rows.tolist(), group.signs.tolist(), strict=True))
        for alignment, rows in together:
            held = [int(row) for row in rows if int(row) in signs]
            opposed = {
                row: against[alignment, row]
                for row in held
                if group.name in sided and (alignment, row) in against
            }
            found += [
                Merged(group.name, alignment, row, "contradicts", others)
                for row, others in opposed.items()
            ]
            left = [row for row in held if row not in opposed]
            if len(left) > 1:
                stands = min(left, key=lambda row: (len(kept[row].weights), row))
                found += [
                    Merged(group.name, alignment, row, "coincides", (stands,))
                    for row in left
                    if row != stands
                ]
    return tuple(found)


def sided_groups(observed: Sequence[str], baskets: Baskets) -> tuple[str, ...]:
    """Return the names of the groups whose sign is an expectation, the one of all first."""
    spread = lead_spread(observed, baskets)
    if spread is None:
        return ()
    return ("directional", *(f"{side[1:].lower()}+" for side in (spread.long, spread.short)))


def _contradictions(
    groups: Sequence[Group], together: Sequence[tuple[str, Ints]], sided: Sequence[str]
) -> dict[tuple[str, int], tuple[int, ...]]:
    """Return, by alignment and row, the rows of opposite sign that have its session 0."""
    every = next((group for group in groups if sided and group.name == sided[0]), None)
    if every is None:
        return {}
    signs = dict(zip(every.rows.tolist(), every.signs.tolist(), strict=True))
    found: dict[tuple[str, int], tuple[int, ...]] = {}
    for alignment, rows in together:
        held = [int(row) for row in rows if int(row) in signs]
        for row in held:
            others = tuple(other for other in held if signs[other] == -signs[row])
            if others:
                found[alignment, row] = others
    return found


def merged_frame(study: StudyResult) -> pd.DataFrame:
    """Return what counts in a group under another name, or not at all, and why."""
    import pandas as pd

    rows = []
    for found in study.merged_rows:
        o = study.observations[found.row]
        others = [study.observations[row].reading.event.event_id for row in found.others]
        what = (
            f"one effect with {others[0]}, which stands for it"
            if found.reason == "coincides"
            else f"expects the opposite of {', '.join(others)}: no expected side"
        )
        detail = f"session 0 {o.reading.session_0}: {what}"
        event_id = o.reading.event.event_id
        rows.append((found.group, found.alignment, event_id, o.label, found.reason, detail))
    return pd.DataFrame(rows, columns=list(MERGED))


def identification_frame(study: StudyResult) -> pd.DataFrame:
    """Return the effects that belong to several events, under each of their names.

    Returns
    -------
    DataFrame
        event_id, other_ids (separated by ``;``), series, alignment, kind, session_0, model,
        window, car, se, lo, hi (95% interval of the CAR by its forecast error), statement.
        `coincide`: one session 0. `shared`, under ``overlap="joint"`` only: the window, in
        event days of event_id, is what it shares with other_ids.
    """
    import pandas as pd

    parts = [*_coincide_rows(study)]
    if study.config.overlap == "joint":
        parts += _shared_rows(study)
    if not parts:
        return pd.DataFrame(columns=list(IDENTIFICATION))
    return pd.DataFrame(parts, columns=list(IDENTIFICATION))


def _coincide_rows(study: StudyResult) -> Iterator[tuple[object, ...]]:
    windows = study.config.frame.windows
    for stretch, rows in coinciding(study.observations):
        if stretch.alignment not in study.alignments:
            continue
        alike = len({study.observations[row].weights for row in rows}) == 1
        for row in rows:
            others = tuple(int(other) for other in rows if other != row)
            said = _coincide_statement(study, int(row), others, stretch, alike)
            yield from _effect_rows(study, int(row), others, stretch, "coincide", windows, said)


def _shared_rows(study: StudyResult) -> Iterator[tuple[object, ...]]:
    """Yield the sessions that each event shares with each other one of its chain."""
    first, last = study.config.frame.hull
    for stretch in stretches(study.observations):
        if stretch.alignment not in study.alignments:
            continue
        at = stretch.positions
        for i, j in zip(*np.nonzero(np.abs(at[:, None] - at) <= last - first), strict=True):
            away = int(at[j] - at[i])
            if not away:
                continue
            window = (first + max(away, 0), last + min(away, 0))
            row, other = int(stretch.rows[i]), int(stretch.rows[j])
            said = (
                f"{_ids(study, (row,))} and {_ids(study, (other,))} share "
                f"{window[1] - window[0] + 1} session(s) on {stretch.label} under "
                f"{stretch.alignment}: one dummy each, which belongs to both"
            )
            yield from _effect_rows(study, row, (other,), stretch, "shared", (window,), said)


def _effect_rows(
    study: StudyResult,
    row: int,
    others: tuple[int, ...],
    stretch: Stretch,
    kind: str,
    windows: Sequence[Window],
    statement: str,
) -> Iterator[tuple[object, ...]]:
    """Yield one row a model and window: the CAR of one observation with its interval."""
    from scipy.special import stdtrit

    masks = study.config.frame.masks(windows)
    o = study.observations[row]
    for model, found in study.fits.items():
        fit = found.fit
        car, se = (x[0] for x in cumulate(fit.ar[[row]], fit.v[[row]], masks))
        reach = stdtrit(fit.dof[row], 0.5 + LEVEL / 2.0) * se
        for w, window in enumerate(windows):
            yield (
                o.reading.event.event_id, _ids(study, others), o.label, stretch.alignment, kind,
                o.reading.session_0, model, window_name(window), car[w], se[w],
                car[w] - reach[w], car[w] + reach[w], statement,
            )  # fmt: skip


def _ids(study: StudyResult, rows: Sequence[int]) -> str:
    return ";".join(study.observations[row].reading.event.event_id for row in rows)


def _coincide_statement(
    study: StudyResult, row: int, others: tuple[int, ...], stretch: Stretch, alike: bool
) -> str:
    from eventstudy.events.overlap import separation_note

    members = [study.observations[i] for i in sorted((row, *others))]
    names = [o.reading.event.event_id for o in members]
    always = not any(o.reading.event.ambiguous for o in members)
    session_0 = members[0].reading.session_0
    note = separation_note(names, session_0, "both" if always else stretch.alignment)
    if alike:
        return note
    return f"{note}; on {stretch.label} each name leaves out its own subject only"
