"""Overlaps of the studied events: on tickers they list, and on baskets and spreads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.study.result import StudyResult

COLUMNS = ["event_id", "other_id", "ticker", "kind", "sessions"]


def overlaps_frame(study: StudyResult) -> pd.DataFrame:
    """Return pairs of studied events that share sessions, by ticker and on the lead spread.

    Every event is observed on every basket and spread, so the pairs of the lead spread are
    those of each of them. Pairs are judged under each reading of uncertain times; ``coincide``
    and ``overlap`` under one reading are enough.
    """
    import pandas as pd

    from eventstudy.events import overlaps

    frame = study.config.frame
    first, last = frame.estimation_days[0], frame.estimation_days[-1]
    listed = overlaps(
        study.events.select(study.studied), hull=frame.hull, estimation=(int(first), int(last))
    )
    if study.config.lead is None:
        return listed
    return pd.concat([listed, _on_the_lead(study, study.config.lead)], ignore_index=True)


def _on_the_lead(study: StudyResult, lead: str) -> pd.DataFrame:
    """Return the pairs of events whose windows share sessions on the spread that leads."""
    import pandas as pd

    length = len(study.config.frame.days)
    found: dict[tuple[str, str, str], int] = {}
    for alignment in study.alignments:
        held = sorted(
            (o.reading.position, o.reading.event.event_id)
            for o in study.observations
            if o.label == lead and alignment in o.reading.alignments
        )
        positions = np.array([position for position, _ in held])
        for i, (position, event_id) in enumerate(held):
            for j in range(i + 1, int(np.searchsorted(positions, position + length))):
                apart = held[j][0] - position
                key = (event_id, held[j][1], "overlap" if apart else "coincide")
                found[key] = max(found.get(key, 0), length - apart)
    rows = [(a, b, lead, kind, shared) for (a, b, kind), shared in found.items()]
    return pd.DataFrame(rows, columns=COLUMNS)
