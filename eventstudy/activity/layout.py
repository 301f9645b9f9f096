"""Rows and samples that the tables of volume and of variance share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eventstudy.models import ModelFit
from eventstudy.significance import Sample, Significance
from eventstudy.study.groups import Group
from eventstudy.study.observed import Drop
from eventstudy.study.tables import fitted_sample

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.study import StudyResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Block = dict[str, Any]
"""Rows of a table by column: one value a row, or one for all of them."""

TESTS = (
    "group", "alignment", "model", "convention", "window", "test", "statistic", "p_value",
    "p_greater", "p_less", "n", "n_dates", "distribution", "caveat",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Fitted:
    """One model on the observations that it could use.

    Attributes
    ----------
    model : str
    rows : ndarray, shape (n,), int
        Places among the observations of the study.
    positions : ndarray, shape (n,), int
        Row of session 0 in the grid.
    fit : ModelFit
        Of n observations.
    """

    model: str
    rows: Ints
    positions: Ints
    fit: ModelFit


def positions_of(study: StudyResult) -> Ints:
    """Return the row of session 0 of each observation, shape (n,)."""
    return np.array([o.reading.position for o in study.observations], dtype=np.int64)


def aligned_rows(study: StudyResult, rows: Ints) -> Iterator[tuple[str, Ints]]:
    """Yield each alignment in use and the places in `rows` that it holds."""
    for name in study.alignments:
        held = [name in study.observations[i].reading.alignments for i in rows]
        yield name, np.flatnonzero(held)


def grouped(
    study: StudyResult, found: Fitted, groups: Sequence[Group]
) -> Iterator[tuple[str, Group, Ints]]:
    """Yield (alignment, group, places in the fit), empty groups left out."""
    for alignment, places in aligned_rows(study, found.rows):
        for group in groups:
            taken = places[np.isin(found.rows[places], group.rows)]
            if len(taken):
                yield alignment, group, taken


def sample_of(study: StudyResult, found: Fitted, places: Ints) -> Sample:
    """Return the sample of some observations, unsigned: activity has no direction."""
    return fitted_sample(found.fit, places, found.positions[places], study.config)


def column_means(values: Floats) -> Floats:
    """Return the mean of each column, missing values left out, NaN where there is none."""
    present = np.isfinite(values)
    count = present.sum(axis=0)
    total = np.where(present, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def column_medians(values: Floats) -> Floats:
    """Return the median of each column, missing values left out, NaN where there is none."""
    columns = [column[np.isfinite(column)] for column in values.T]
    return np.array([np.median(column) if len(column) else np.nan for column in columns])


def event_labels(study: StudyResult, rows: Ints, windows: Sequence[str]) -> dict[str, Any]:
    """Return event_id, ticker and window of each row and window, in one dict of columns."""
    kept = [study.observations[i] for i in rows]
    times = len(windows)
    return {
        "event_id": np.repeat([o.reading.event.event_id for o in kept], times),
        "ticker": np.repeat([o.label for o in kept], times),
        "window": np.tile(windows, len(rows)),
    }


def tests_rows(
    labels: dict[str, Any], windows: Sequence[str], found: Significance, convention: str
) -> Block:
    """Return what one test says of one group over all windows."""
    verdict = found.verdict
    return labels | {
        "convention": convention,
        "window": windows,
        "test": found.name,
        "statistic": verdict.statistic,
        "p_value": verdict.two_sided,
        "p_greater": verdict.greater,
        "p_less": verdict.less,
        "n": found.n,
        "n_dates": found.n_dates,
        "distribution": verdict.distribution,
        "caveat": found.caveats,
    }


def stacked(blocks: Sequence[Block], columns: Sequence[str]) -> pd.DataFrame:
    """Return blocks of rows as one frame: a frame for each of hundreds takes seconds."""
    import pandas as pd

    if not blocks:
        return pd.DataFrame(columns=list(columns))
    counts = [max(len(v) for v in b.values() if not _single(v)) for b in blocks]
    found = {name: _column([block[name] for block in blocks], counts) for name in columns}
    return pd.DataFrame(found)


def _single(value: Any) -> bool:
    """Return whether a value stands for all rows of its block."""
    return isinstance(value, str) or np.ndim(value) == 0


def _column(held: Sequence[Any], counts: Sequence[int]) -> Any:
    """Return one column of blocks of so many rows."""
    first = held[0]
    if isinstance(first, str | list | tuple) or np.asarray(first).dtype.kind in "OU":
        rows = zip(held, counts, strict=True)
        return [v for value, n in rows for v in ([value] * n if _single(value) else value)]
    return np.concatenate(
        [np.full(n, v) if _single(v) else v for v, n in zip(held, counts, strict=True)]
    )


def dropped_frame(drops: Sequence[Drop]) -> pd.DataFrame:
    """Return what was left out, and why."""
    import pandas as pd

    rows = [(d.event_id, d.ticker, d.reason, d.detail) for d in dict.fromkeys(drops)]
    return pd.DataFrame(rows, columns=["event_id", "ticker", "reason", "detail"])
