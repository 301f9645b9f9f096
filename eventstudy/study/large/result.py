"""What a study of any number of events returns: its tests and effects, and what was left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eventstudy.errors import StudyError
from eventstudy.prices.table import PriceTable
from eventstudy.significance import SignificanceTest
from eventstudy.streaming.verdicts import Totals
from eventstudy.study.config import StudyConfig
from eventstudy.study.large.observed import Lost
from eventstudy.told import as_html, as_text

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.events import EventCalendar
    from eventstudy.told import Told

MOST_SHOWN = 20


@dataclass(frozen=True, eq=False)
class Counted:
    """One group under one alignment.

    Attributes
    ----------
    group, what : str
        Name, and one line for a reader.
    alignment : str
    totals : mapping of str to Totals
        By model.
    merged : Lost
        Observations that coincide with another one and do not count; `detail` is the study
        event that stands for each.
    """

    group: str
    what: str
    alignment: str
    totals: Mapping[str, Totals]
    merged: Lost

    @property
    def name(self) -> str:
        """Name of the group."""
        return self.group


@dataclass(frozen=True, eq=False)
class LargeStudy:
    """An event study of any number of events; its tables are made when first asked for.

    Attributes
    ----------
    events : EventCalendar
    prices : PriceTable
    config : StudyConfig
    tests_asked : tuple of SignificanceTest
    days : ndarray, shape (S,), datetime64[D]
        The grid of sessions.
    labels : tuple of str
        Tickers that were observed, or should have been.
    observed : int
        Observations that were kept.
    alignments : tuple of str
        Those in use.
    counted : tuple of Counted
        Groups by alignment.
    lost : tuple of Lost
    folder : Path or None
        Where the tables of single events are.
    written : tuple of str
        Which of them.
    seconds : float
        Wall time.
    conditions : mapping of str to float
        Largest condition number of each model's designs.
    """

    events: EventCalendar
    prices: PriceTable
    config: StudyConfig
    tests_asked: tuple[SignificanceTest, ...]
    days: npt.NDArray[np.datetime64]
    labels: tuple[str, ...]
    observed: int
    alignments: tuple[str, ...]
    counted: tuple[Counted, ...]
    lost: tuple[Lost, ...]
    folder: Path | None
    written: tuple[str, ...]
    seconds: float
    conditions: Mapping[str, float] = field(default_factory=dict)

    def totals(self) -> Iterator[tuple[str, str, str, Totals]]:
        """Yield (group, alignment, model, sums)."""
        models = dict.fromkeys(model.name for model in self.config.models)
        for alignment in self.alignments:
            for model in models:
                for found in self.counted:
                    if found.alignment == alignment:
                        yield found.group, alignment, model, found.totals[model]

    @cached_property
    def group_tests(self) -> pd.DataFrame:
        """Every test over every group, event day and window; see `StudyResult.group_tests`."""
        from eventstudy.study.large.tables import group_tests_frame

        return group_tests_frame(self)

    @cached_property
    def effects(self) -> pd.DataFrame:
        """Mean CARs by group and window; see `StudyResult.effects`."""
        from eventstudy.study.large.tables import effects_frame

        return effects_frame(self)

    @cached_property
    def paths(self) -> pd.DataFrame:
        """Mean CARs from the first day of the hull to each day, with 95% intervals."""
        from eventstudy.study.large.tables import paths_frame

        return paths_frame(self)

    def paths_of(self, groups: Collection[str] | None) -> pd.DataFrame:
        """Return `paths` of the groups of these names; of all where None."""
        return self.paths if groups is None else self.paths[self.paths["group"].isin(groups)]

    @cached_property
    def groups(self) -> tuple[Counted, ...]:
        """The groups, each once, in the order of the tables."""
        return tuple({found.group: found for found in reversed(self.counted)}.values())[::-1]

    @cached_property
    def dropped(self) -> pd.DataFrame:
        """Everything that was left out, and why."""
        from eventstudy.study.large.tables import dropped_frame

        return dropped_frame(self, self.lost)

    @cached_property
    def merged(self) -> pd.DataFrame:
        """Coinciding observations that count once in a group."""
        from eventstudy.study.large.tables import merged_frame

        return merged_frame(self)

    def read(self, table: str = "cars", columns: list[str] | None = None) -> Any:
        """Return a table of single events that was written, as an Arrow table.

        Parameters
        ----------
        table : {"cars", "abnormal"}
        columns : list of str, optional
            Only these.

        Raises
        ------
        StudyError
            Where it was not written.
        """
        from eventstudy.disk.reading import read_parts

        if self.folder is None:
            raise StudyError(f"{table} was not written: give a folder with out=")
        if table not in self.written:
            # What an earlier study left in the folder is none of this one's.
            raise StudyError(f"{table} was not written: name it with tables=")
        return read_parts(self.folder, table, columns)

    def require_something(self, strict: bool) -> None:
        """Refuse a study without an observation, or with a loss under `strict`.

        Raises
        ------
        StudyError
            Naming the first losses.
        """
        from eventstudy.study.large.tables import dropped_frame

        # What an overlap policy drops was asked for: no loss that strict has to stop at.
        parts = [part for part in self.lost if part.reason != "overlap" or not self.observed]
        if self.observed and not (strict and any(map(len, parts))):
            return
        lost = dropped_frame(self, parts)
        lines = [
            f"  {e}{' ' + t if t else ''}: {r}: {d}"
            for e, t, r, d in lost.head(MOST_SHOWN).itertuples(index=False, name=None)
        ]
        if len(lost) > len(lines):
            lines.append(f"  ... and {len(lost) - len(lines)} more")
        head = "strict: something was left out" if self.observed else "no event is left to study"
        raise StudyError(
            "\n".join([head + (":" if lines else ": the calendar has no study event"), *lines])
        )

    def summary_frame(self) -> pd.DataFrame:
        """Return effect, interval, power and p-values by group for each window asked for."""
        from eventstudy.study.summary import headline_frame

        return headline_frame(self.effects, self.group_tests, self.config)

    def summary(self) -> str:
        """Return the summary as text."""
        return as_text(self._told())

    def _told(self) -> Told:
        from eventstudy.study.large.tables import told

        return told(self)

    def asked_lines(self) -> list[str]:
        """Return what was asked, in a few lines."""
        from eventstudy.study.large.tables import asked_lines

        return asked_lines(self)

    def caution_lines(self) -> list[str]:
        """Return the cautions that go with the numbers."""
        from eventstudy.study.large.tables import caution_lines

        return caution_lines(self)

    def manifest(self) -> dict[str, object]:
        """Return what is needed to run the study again: question, data and versions."""
        from eventstudy.study.summary import manifest_of

        return manifest_of(self.config, self.events, self.prices, ())

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        lost = len(self.dropped)
        models = ", ".join(model.name for model in self.config.models)
        return f"LargeStudy({self.observed} observations, models {models}, {lost} dropped)"

    def _repr_html_(self) -> str:
        return as_html(self._told())
