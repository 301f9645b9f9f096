"""What a study returns: frozen, its tables made when first asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import AbnormalReturns, Panel, Places
from eventstudy.events.event import ALIGNMENTS
from eventstudy.models.contract import Progress, unwatched
from eventstudy.prices.table import PriceTable
from eventstudy.significance import SignificanceTest
from eventstudy.study.config import StudyConfig
from eventstudy.study.groups import Group, make_groups
from eventstudy.study.observed import Drop, Observation
from eventstudy.told import as_html, as_text

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.events import EventCalendar
    from eventstudy.study.identification import Merged
    from eventstudy.told import Told


@dataclass(frozen=True, eq=False)
class StudyResult:
    """An event study: abnormal returns, their tests, and what was left out.

    Attributes
    ----------
    events : EventCalendar
    prices : PriceTable
    config : StudyConfig
    tests_asked : tuple of SignificanceTest
    days : ndarray, shape (S,), datetime64[D]
        The grid of sessions.
    returns : ndarray, shape (S, N)
        Total returns on the grid.
    grid_tickers : tuple of str, length N
    panel : Panel
        What the models drew on.
    places : Places
        Where each of the n observations stands in it.
    candidates : tuple of Observation
        All with full windows, before overlapping ones were dropped.
    observations : tuple of Observation, length n
    fits : mapping of str to AbnormalReturns
        By model, each of n observations.
    drops : tuple of Drop
    notes : tuple of str
    seconds : float
        Wall time of the fit.
    progress : callable
        Told how far models that iterate are, when tests refit them.
    """

    events: EventCalendar
    prices: PriceTable
    config: StudyConfig
    tests_asked: tuple[SignificanceTest, ...]
    days: npt.NDArray[np.datetime64]
    returns: npt.NDArray[np.float64]
    grid_tickers: tuple[str, ...]
    panel: Panel
    places: Places
    candidates: tuple[Observation, ...]
    observations: tuple[Observation, ...]
    fits: Mapping[str, AbnormalReturns]
    drops: tuple[Drop, ...]
    notes: tuple[str, ...]
    seconds: float
    progress: Progress = unwatched

    @cached_property
    def alignments(self) -> tuple[str, ...]:
        """The alignments in use: ``stated`` alone where no event is ambiguous."""
        held = [o.reading.alignments for o in self.observations]
        if all(set(ALIGNMENTS) <= set(alignments) for alignments in held):
            return ("stated",)
        return tuple(name for name in ALIGNMENTS if any(name in held_by for held_by in held))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Which observations are tested together; none without one that counts."""
        return tuple(
            group
            for group in self._all_groups
            if any(self.counted(group, alignment).any() for alignment in self.alignments)
        )

    @cached_property
    def _all_groups(self) -> tuple[Group, ...]:
        return make_groups(self.observations, self.config.observed, self.events.baskets)

    @cached_property
    def abnormal(self) -> pd.DataFrame:
        """Abnormal returns by event, series and day."""
        from eventstudy.study.tables import abnormal_frame

        return abnormal_frame(self)

    @cached_property
    def cars(self) -> pd.DataFrame:
        """CARs by event, series and window with their exact forecast errors.

        ``bhar`` is prod(1 + R) - prod(1 + E[R]) over the window, NaN for spreads; ``caveat``
        says where the p-value is beyond what ranks can show.
        """
        from eventstudy.study.tables import cars_frame

        return cars_frame(self)

    @cached_property
    def group_tests(self) -> pd.DataFrame:
        """Every test over every group, event day and window."""
        from eventstudy.study.tables import group_tests_frame

        return group_tests_frame(self)

    def compute_tests(self, progress: Progress = unwatched) -> pd.DataFrame:
        """Compute `tests` now, watched: they take seconds.

        Parameters
        ----------
        progress : callable, optional
            Told what is being done, how much of it is done, and how much there is.

        Returns
        -------
        DataFrame
            See `tests`.
        """
        from eventstudy.study.tables import group_tests_frame

        vars(self)["group_tests"] = group_tests_frame(self, progress)
        return self.tests

    @cached_property
    def single_tests(self) -> pd.DataFrame:
        """The tests of single events, with what ranks can resolve; group ``event_id/series``."""
        from eventstudy.study.one_event import single_tests_frame

        return single_tests_frame(self)

    @cached_property
    def tests(self) -> pd.DataFrame:
        """All tests: groups first, then single events."""
        import pandas as pd

        over = self.group_tests
        return pd.concat([over, self.single_tests[list(over.columns)]], ignore_index=True)

    @cached_property
    def effects(self) -> pd.DataFrame:
        """Mean CARs by group and window, 95% intervals, smallest effect findable at 80%."""
        from eventstudy.study.tables import effects_frame

        return effects_frame(self, self.config.frame.all_windows)

    @cached_property
    def paths(self) -> pd.DataFrame:
        """Mean CARs from the first day of the hull to each day, with 95% intervals."""
        return self.paths_of(None)

    def paths_of(self, groups: Collection[str] | None) -> pd.DataFrame:
        """Return `paths` of the groups of these names; of all where None."""
        from eventstudy.study.tables import effects_frame

        first = self.config.frame.hull[0]
        windows = [(first, int(day)) for day in self.config.frame.days]
        return effects_frame(self, windows, groups).assign(
            day=lambda frame: frame["window"].str.split(",").str[1].astype(int)
        )

    @cached_property
    def dropped(self) -> pd.DataFrame:
        """Everything that was left out, and why."""
        import pandas as pd

        rows = [(d.event_id, d.ticker, d.reason, d.detail) for d in self.drops]
        return pd.DataFrame(rows, columns=["event_id", "ticker", "reason", "detail"])

    @cached_property
    def overlaps(self) -> pd.DataFrame:
        """Studied events that share a ticker, basket or spread and sessions."""
        from eventstudy.study.overlap import overlaps_frame

        return overlaps_frame(self)

    @cached_property
    def survivors(self) -> pd.DataFrame:
        """How many observations of each series each policy on overlaps would keep."""
        from eventstudy.study.overlapping import survivors_frame

        return survivors_frame(self.candidates, self.config.frame)

    @cached_property
    def identification(self) -> pd.DataFrame:
        """Effects that daily data cannot split between events, under each of their names."""
        from eventstudy.study.identification import identification_frame

        return identification_frame(self)

    @cached_property
    def merged_rows(self) -> tuple[Merged, ...]:
        """Which observations do not count in which groups, by alignment."""
        from eventstudy.study.identification import merged, sided_groups

        sided = sided_groups(self.config.observed, self.events.baskets)
        return merged(self.observations, self._all_groups, self.alignments, sided)

    @cached_property
    def merged(self) -> pd.DataFrame:
        """Coinciding events that count once in a group, and news that contradicts itself."""
        from eventstudy.study.identification import merged_frame

        return merged_frame(self)

    def counted(self, group: Group, alignment: str) -> npt.NDArray[np.bool_]:
        """Return which rows of a group count under an alignment: one for each effect.

        Returns
        -------
        ndarray, shape (N,), bool
            Over `Group.rows`.
        """
        out = self._merged_away.get((group.name, alignment), [])
        return self._read_so[alignment][group.rows] & ~np.isin(group.rows, out)

    @cached_property
    def _read_so(self) -> dict[str, npt.NDArray[np.bool_]]:
        """Which observations each alignment holds."""
        held = [o.reading.alignments for o in self.observations]
        return {name: np.array([name in own for own in held], dtype=bool) for name in ALIGNMENTS}

    @cached_property
    def _merged_away(self) -> dict[tuple[str, str], list[int]]:
        """Observations that do not count, by group and alignment."""
        found: dict[tuple[str, str], list[int]] = {}
        for m in self.merged_rows:
            found.setdefault((m.group, m.alignment), []).append(m.row)
        return found

    @cached_property
    def reading_verdicts(self) -> pd.DataFrame:
        """Whether conclusions depend on how uncertain times are read."""
        from eventstudy.study.reading_verdicts import reading_verdicts_frame

        return reading_verdicts_frame(self)

    @cached_property
    def multiple(self) -> pd.DataFrame:
        """Group tests over the windows asked for, adjusted for their number."""
        from eventstudy.study.multiple import multiplicity_frame

        return multiplicity_frame(self)

    @cached_property
    def _sensitivity(self) -> dict[str, pd.DataFrame]:
        return {}

    def sensitivity(self, group: str) -> pd.DataFrame:
        """Return the mean CAR of a group with one choice changed at a time."""
        from eventstudy.study.sensitivity import sensitivity_frame

        if group not in self._sensitivity:
            self._sensitivity[group] = sensitivity_frame(self, group)
        return self._sensitivity[group]

    @cached_property
    def studied(self) -> tuple[str, ...]:
        """Events with at least one observation, in the order of the calendar."""
        return tuple(dict.fromkeys(o.reading.event.event_id for o in self.observations))

    @cached_property
    def n_dates(self) -> int:
        """Distinct sessions 0 of the studied events under the alignment that leads."""
        lead = self.alignments[-1]
        held = [o.reading for o in self.observations if lead in o.reading.alignments]
        return len({reading.position for reading in held})

    def summary_frame(self) -> pd.DataFrame:
        """Return effect, interval, power and p-values by group for each window asked for."""
        from eventstudy.study.summary import summary_frame

        return summary_frame(self)

    def summary(self) -> str:
        """Return the summary as text."""
        return as_text(self._told())

    def _told(self) -> Told:
        from eventstudy.study.summary import told

        return told(self)

    def manifest(self) -> dict[str, object]:
        """Return what is needed to run the study again: question, data and versions."""
        from eventstudy.study.summary import manifest

        return manifest(self)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return (
            f"StudyResult({len(self.observations)} observations, "
            f"models {', '.join(self.fits)}, {len(self.drops)} dropped)"
        )

    def _repr_html_(self) -> str:
        return as_html(self._told())
