"""The tables of a long-run study: BHARs, tests of their mean, calendar-time alphas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.events.event import ALIGNMENTS
from eventstudy.longrun.bhar import mean_verdicts
from eventstudy.longrun.config import LongRunConfig
from eventstudy.longrun.outcomes import Outcome, overlapping, without_overlaps
from eventstudy.study.observed import Drop, Observation
from eventstudy.windows import Window, window_name

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

BHAR = (
    "event_id", "ticker", "kind", "alignment", "horizon", "against", "date", "start", "end",
    "bh_return", "bh_expected", "bhar", "controls", "overlapping",
)  # fmt: skip
TESTS = (
    "group", "alignment", "horizon", "against", "test", "statistic", "p_value", "p_greater",
    "p_less", "n", "n_dates", "distribution", "caveat",
)  # fmt: skip
FEW = 30
"""Fewer events than this are said to be few: the mean of skewed returns is far from normal."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The outcomes of one alignment, horizon and yardstick.

    Attributes
    ----------
    alignment : str
    horizon : (int, int)
    against : str
    outcomes : tuple of Outcome
        After the rule on overlapping horizons.
    """

    alignment: str
    horizon: Window
    against: str
    outcomes: tuple[Outcome, ...]


def alignments_of(kept: Sequence[Observation]) -> tuple[str, ...]:
    """Return the alignments in use: ``stated`` alone where no event is ambiguous."""
    held = [o.reading.alignments for o in kept]
    if all("stated" in alignments for alignments in held):
        return ("stated",)
    return tuple(name for name in ALIGNMENTS if any(name in by for by in held))


def make_cells(
    outcomes: Sequence[Outcome], alignments: Sequence[str], rule: str
) -> tuple[list[Cell], list[tuple[Window, Drop]]]:
    """Sort outcomes by alignment, horizon and yardstick, overlapping horizons by the rule."""
    keys = dict.fromkeys((o.horizon, o.against) for o in outcomes)
    cells, dropped = [], []
    for alignment in alignments:
        for horizon, against in keys:
            held = [
                o
                for o in outcomes
                if (o.horizon, o.against) == (horizon, against)
                and alignment in o.reading.alignments
            ]
            kept, lost = without_overlaps(held, rule)
            if kept:
                cells.append(Cell(alignment, horizon, against, tuple(kept)))
            for o, other in lost:
                detail = (
                    f"its horizon shares sessions with that of "
                    f"{other.reading.event.event_id}, same firm; alignment {alignment}"
                )
                drop = Drop(o.reading.event.event_id, o.label, "overlapping_horizon", detail)
                dropped.append((horizon, drop))
    return cells, list(dict.fromkeys(dropped))


def kinds_of(kinds: Iterable[str]) -> dict[str, npt.NDArray[np.int64]]:
    """Return the rows of each group: ``all`` and each kind of event."""
    kinds = list(kinds)
    held = np.array(kinds)
    groups = {"all": np.arange(len(held))}
    for kind in sorted({str(kind) for kind in kinds} - {""}):
        groups[f"kind:{kind}" if kind == "all" else kind] = np.flatnonzero(held == kind)
    return groups


def bhar_frame(cells: Sequence[Cell], days: npt.NDArray[np.datetime64]) -> pd.DataFrame:
    """Return BHARs by event, alignment, horizon and yardstick."""
    import pandas as pd

    rows = []
    for cell in cells:
        first, last = cell.horizon
        counts = overlapping(cell.outcomes)
        for o, count in zip(cell.outcomes, counts, strict=True):
            at, event = o.reading.position, o.reading.event
            rows.append(
                (
                    event.event_id,
                    o.label,
                    event.kind,
                    cell.alignment,
                    window_name(cell.horizon),
                    cell.against,
                    days[at],
                    days[at + first],
                    days[at + last],
                    o.held,
                    o.expected,
                    o.bhar,
                    ";".join(o.controls),
                    int(count),
                )
            )
    frame = pd.DataFrame(rows, columns=list(BHAR))
    for name in ("date", "start", "end"):
        frame[name] = pd.to_datetime(frame[name])
    return frame


def grouped(cells: Sequence[Cell]) -> Iterator[tuple[Cell, str, list[Outcome]]]:
    """Yield (cell, group, outcomes) in the order of the tables."""
    for cell in cells:
        groups = kinds_of([o.reading.event.kind for o in cell.outcomes])
        for name, rows in groups.items():
            yield cell, name, [cell.outcomes[i] for i in rows]


def tests_frame(cells: Sequence[Cell], config: LongRunConfig) -> pd.DataFrame:
    """Return the tests that the mean BHAR is zero, by group, horizon and yardstick."""
    import pandas as pd

    rows = []
    for cell, group, outcomes in grouped(cells):
        values = np.array([o.bhar for o in outcomes])
        caveat = dependence(outcomes)
        for name, verdict in mean_verdicts(values, draws=config.draws, seed=config.seed).items():
            numbers = (verdict.statistic, verdict.two_sided, verdict.greater, verdict.less)
            valued = bool(np.isfinite(verdict.statistic[0]))
            rows.append(
                (
                    group,
                    cell.alignment,
                    window_name(cell.horizon),
                    cell.against,
                    name,
                    *(float(x[0]) for x in numbers),
                    len(values),
                    count_dates(outcomes),
                    verdict.distribution,
                    caveat if valued else "",
                )
            )
    return pd.DataFrame(rows, columns=list(TESTS))


def count_dates(outcomes: Sequence[Outcome]) -> int:
    """Return the number of distinct sessions 0."""
    return len({o.reading.position for o in outcomes})


def shared_pairs(outcomes: Sequence[Outcome]) -> tuple[int, int]:
    """Return how many pairs of horizons share sessions, of how many pairs."""
    at = np.sort([o.reading.position for o in outcomes])
    length = outcomes[0].horizon[1] - outcomes[0].horizon[0]
    reach = np.searchsorted(at, at + length, side="right") - np.arange(len(at)) - 1
    return int(reach.sum()), len(at) * (len(at) - 1) // 2


def dependence(outcomes: Sequence[Outcome]) -> str:
    """Return what speaks against independent, near normal BHARs, or an empty string."""
    n, dates = len(outcomes), count_dates(outcomes)
    shared, pairs = shared_pairs(outcomes)
    own = int((overlapping(outcomes) > 0).sum())
    found = []
    if n < FEW:
        found.append(f"only {n} events")
    if shared:
        found.append(
            f"takes BHARs as independent, but {shared} of {pairs} pairs of horizons share "
            f"sessions ({n} events on {dates} dates): rejects too often; see calendar_time"
        )
    if own:
        found.append(f"{own} of {n} events overlap another horizon of their own firm")
    return "; ".join(found)


def dropped_frame(
    drops: Sequence[tuple[str, Window, Drop]],
) -> pd.DataFrame:
    """Return what was left out: of which part, at which horizon, and why."""
    import pandas as pd

    rows = [
        (d.event_id, d.ticker, part, window_name(horizon), d.reason, d.detail)
        for part, horizon, d in dict.fromkeys(drops)
    ]
    columns = ["event_id", "ticker", "part", "horizon", "reason", "detail"]
    return pd.DataFrame(rows, columns=columns)
