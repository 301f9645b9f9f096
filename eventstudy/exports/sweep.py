"""A sweep as a document."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from eventstudy.backtest.sweep.wording import (
    assumption_lines,
    facts_of,
    failure_lines,
    finding_lines,
    heading,
    worded,
)
from eventstudy.errors import BacktestError
from eventstudy.exports.contract import Noted, Section
from eventstudy.exports.frames import plain_kinds
from eventstudy.report.sweep import failed_table, sweep_figures, walk_of, walk_table
from eventstudy.report.tables import Table, frame_table, plain

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.backtest import SweepResult
    from eventstudy.report.figures import Figure

FIGURES = ("map", "ratios", "halves", "walk")
"""Names of all figures that there may be."""
TABLES = ("sweep", "walk", "sweep_returns")
BEST = 30
"""Variants shown to a reader; the files of data hold all."""


@dataclass(frozen=True)
class SweepDocument:
    """What the page of a sweep says, for other formats.

    Attributes
    ----------
    result : SweepResult
    folds : int
        Of the walk-forward.
    heading : str or None
        Title, instead of the one made from the result.
    """

    result: SweepResult
    folds: int = 4
    heading: str | None = None
    stem: str = "sweep"

    @cached_property
    def title(self) -> str:
        """Title, one line."""
        return self.heading or f"Sweep of {self.result.strategy}"

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """What was asked."""
        return heading(self.result), str(self.result.config["idea"])

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """What goes with every number."""
        failures = (line.strip() for line in failure_lines(self.result) if line)
        return (*failures, *assumption_lines(self.result))

    @property
    def paper(self) -> tuple[Noted, ...]:
        """Tables for a paper: none."""
        return ()

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Everything, in the order in which it is read."""
        found = tuple(finding_lines(facts_of(self.result, self.folds)))
        walk = walk_of(self.result, self.folds)
        folds = () if walk is None else (walk_table(self.result, walk),)
        figures = tuple(sweep_figures(self.result, walk).values())
        return (
            Section("What was found", found, folds, figures),
            Section("Variants", (), (_best_table(self.result), failed_table(self.result))),
        )

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Figures, in the order of the sections."""
        return tuple(figure for section in self.sections for figure in section.figures)

    @cached_property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """All numbers, by name of the file that holds them."""
        found = {"sweep": self.result.table, "sweep_returns": self.result.returns_frame()}
        with suppress(BacktestError):  # too few dates: the findings say so
            found["walk"] = self.result.walk_frame(self.result.walk_forward(self.folds))
        return {name: plain_kinds(frame) for name, frame in found.items()}

    @property
    def texts(self) -> tuple[Table, ...]:
        """Tables of words that no frame holds: none."""
        return ()


def _best_table(result: SweepResult) -> Table:
    frame = result.summary_frame()
    shown = worded(frame.head(BEST))
    cut = "" if len(frame) <= BEST else f", the first {BEST} of {len(frame):,}"
    return frame_table(
        "variants",
        f"Variants that ran, the highest Sharpe ratio first{cut}",
        shown,
        dict.fromkeys(map(str, shown.columns), plain),
        "None ran.",
    )
