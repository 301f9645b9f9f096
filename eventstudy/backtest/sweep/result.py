"""What a sweep returns: every variant, and what its best one is worth after the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.backtest.library import Strategy
from eventstudy.backtest.luck import (
    Overfitting,
    RealityCheck,
    SharpeEvidence,
    cscv,
    judge_sharpe,
    reality_check,
)
from eventstudy.backtest.metrics import YEAR
from eventstudy.backtest.setup import Setup
from eventstudy.backtest.sweep.heat import counts_of, heat_of
from eventstudy.backtest.sweep.walk import NONE, Walk, walk_forward
from eventstudy.backtest.sweep.work import Ended
from eventstudy.told import as_html, as_text

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FIGURES = (
    "total_return", "annual_return", "volatility", "sharpe", "sharpe_se", "sortino", "calmar",
    "max_drawdown", "hit_rate", "events",
)  # fmt: skip
WALK = (
    "fold", "train_events", "test_events", "first", "last", "variant", "trained", "earned",
    "hindsight",
)  # fmt: skip
FOLDS = 4
AGREE = 12
"""Decimals of a return to which the two engines agree."""


@dataclass(frozen=True)
class SweepResult:
    """Every variant of a sweep.

    Attributes
    ----------
    strategy : str
    parameters : tuple of str
        Those that differ.
    table : DataFrame
        One row a variant: ``variant``, the parameters, figures as in `BacktestResult.metrics`,
        engine, error (empty where it ran). The Sharpe ratio is NaN where nothing moved.
    excess : ndarray, shape (T, K)
        Returns over cash of the variants that ran, in the order of ``table``.
    earned : ndarray, shape (E, K)
        Their profit by event of the calendar; zero where it was not traded.
    closed : ndarray of int, shape (E, K)
        Position in `sessions` at which the event's last leg was closed; -1 where it was not
        traded.
    sessions : ndarray, shape (S,), datetime64[D]
        All sessions of the prices.
    dates : ndarray, shape (T,), datetime64[D]
        Those of the returns.
    event_ids : tuple of str, length E
    rows : ndarray of int, shape (E,)
        Position of each event's session 0 in `sessions`; -1 where it is none of them.
    config : mapping
        Everything that was asked.
    key : str
        Of what is kept for a resumed run; the same for the same sweep.
    found : int
        Variants that an earlier, interrupted run had left.
    """

    strategy: str
    parameters: tuple[str, ...]
    table: pd.DataFrame
    excess: Floats = field(repr=False)
    earned: Floats = field(repr=False)
    closed: Ints = field(repr=False)
    sessions: npt.NDArray[np.datetime64] = field(repr=False)
    dates: npt.NDArray[np.datetime64] = field(repr=False)
    event_ids: tuple[str, ...] = field(repr=False)
    rows: Ints = field(repr=False)
    config: Mapping[str, Any] = field(repr=False)
    key: str = field(default="", repr=False)
    found: int = 0

    @classmethod
    def of(
        cls,
        setup: Setup,
        strategy: Strategy,
        variants: Sequence[Mapping[str, Any]],
        first: int,
        last: int,
        ended: Sequence[Ended],
        key: str = "",
        found: int = 0,
        asked: Mapping[str, Any] | None = None,
    ) -> SweepResult:
        """Put the ends of all variants together, in the order of the variants."""
        ordered = sorted(ended, key=lambda item: item.number)
        ran = [item for item in ordered if not item.error]
        days, events = setup.market.table.dates, setup.events
        return cls(
            strategy.name,
            tuple(variants[0]),
            _table(variants, ordered),
            _columns([item.excess for item in ran], last - first, np.float64),
            _columns([item.earned for item in ran], len(events), np.float64),
            _columns([item.closed for item in ran], len(events), np.int64),
            days,
            days[first + 1 : last + 1],
            tuple(event.event_id for event in events),
            _places(np.array([e.session_0("next") for e in events], dtype="datetime64[D]"), days),
            _config(setup, strategy, len(variants), (first, last), asked or {}),
            key,
            found,
        )

    @cached_property
    def ran(self) -> pd.DataFrame:
        """The rows of the variants that ran."""
        return self.table[self.table["error"] == ""].reset_index(drop=True)

    @property
    def failed(self) -> pd.DataFrame:
        """The rows of those that did not."""
        return self.table[self.table["error"] != ""].reset_index(drop=True)

    @cached_property
    def best(self) -> int:
        """Column of the variant with the highest Sharpe ratio; -1 where none has one."""
        ratios = self.ran["sharpe"].to_numpy(dtype=np.float64)
        return int(np.nanargmax(ratios)) if np.isfinite(ratios).any() else NONE

    @cached_property
    def deflated(self) -> SharpeEvidence | None:
        """The best variant's Sharpe ratio after all of them were tried, failed ones too."""
        if self.best == NONE:
            return None
        ratios = self.ran["sharpe"].to_numpy(dtype=np.float64) / np.sqrt(YEAR)
        return judge_sharpe(self.excess[:, self.best], ratios, trials=len(self.table))

    @cached_property
    def overfitting(self) -> Overfitting:
        """Probability that the best variant in one half is below the median in the other."""
        # The engines agree to this: what differs by less is one variant, not two.
        return cscv(np.round(self.excess, AGREE))

    @cached_property
    def reality(self) -> RealityCheck:
        """White's reality check and Hansen's test against cash."""
        return reality_check(self.excess, seed=int(self.config["seed"]))

    def walk_forward(self, folds: int = FOLDS) -> Walk:
        """Choose on past events and trade the next ones; see `walk.walk_forward`.

        Raises
        ------
        BacktestError
            For fewer than two folds, or more than the dates of events allow.
        """
        inside = self.rows >= 0
        names = [name for name, here in zip(self.event_ids, inside, strict=True) if here]
        return walk_forward(
            self.rows[inside], names, self.earned[inside], self.closed[inside], folds, self.lead
        )

    @property
    def lead(self) -> int:
        """Sessions from session 0 to the earliest decision of any variant."""
        own = int(self.config["parameters"]["entry"])
        entries = self.ran["entry"].astype(int) if "entry" in self.ran else pd.Series([own])
        return int(entries.min()) - 1 if len(entries) else own - 1

    def walk_frame(self, walk: Walk) -> pd.DataFrame:
        """Return the folds of a walk with dates, numbers of variants and their parameters."""
        folds, ran = walk.folds, self.ran
        chosen = [None if c == NONE else ran.loc[c] for c in folds["column"]]
        frame = folds.rename(columns={"column": "variant"}).assign(
            first=self.sessions[folds["first"]],
            last=self.sessions[folds["last"]],
            variant=[NONE if row is None else int(row["variant"]) for row in chosen],
        )[list(WALK)]
        for name in self.parameters:
            frame[name] = [None if row is None else row[name] for row in chosen]
        return frame

    def returns_frame(self) -> pd.DataFrame:
        """Return the returns over cash: date, then one column a variant that ran, its number."""
        names = [str(number) for number in self.ran["variant"]]
        frame = pd.DataFrame(self.excess, columns=names)
        frame.insert(0, "date", self.dates)
        return frame

    def heat(self, x: str, y: str, figure: str = "sharpe") -> pd.DataFrame:
        """Return the mean of a figure over all variants with the same two parameters.

        Many numbers of a parameter, as random points have, are put into equal ranges.

        Parameters
        ----------
        x, y : str
            Parameters: columns and rows.
        figure : str

        Raises
        ------
        UnknownNameError
            For a parameter that does not differ, or a figure that there is none of.
        """
        return heat_of(self.ran, self.parameters, x, y, figure, FIGURES)

    def heat_counts(self, x: str, y: str) -> pd.DataFrame:
        """Return how many variants with the same two parameters ran; see `heat`."""
        return counts_of(self.ran, self.parameters, x, y)

    def manifest(self, folds: int = FOLDS) -> dict[str, Any]:
        """Return what is needed to run the sweep again, and its findings.

        Parameters
        ----------
        folds : int
            Of the walk-forward.
        """
        from eventstudy.backtest.sweep.wording import facts_of
        from eventstudy.provenance import versions

        return {
            **self.config,
            "findings": facts_of(self, folds),
            "versions": versions(),
        }

    def summary_frame(self) -> pd.DataFrame:
        """Return the variants that ran with their figures, the highest Sharpe ratio first."""
        names = ["variant", *self.parameters, *FIGURES, "engine"]
        return self.ran.sort_values("sharpe", ascending=False, kind="stable")[names].reset_index(
            drop=True
        )

    def summary(self, folds: int = FOLDS) -> str:
        """Return the findings as text, with what a reader has to know beside them.

        Parameters
        ----------
        folds : int
            Of the walk-forward.
        """
        from eventstudy.backtest.sweep.wording import told

        return as_text(told(self, folds))

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        from eventstudy.backtest.sweep.wording import told

        return as_html(told(self))


def _table(variants: Sequence[Mapping[str, Any]], ordered: Sequence[Ended]) -> pd.DataFrame:
    names = tuple(variants[0])
    rows = [
        {
            "variant": item.number,
            **{name: variants[item.number][name] for name in names},
            **{name: item.figures.get(name, np.nan) for name in FIGURES},
            "engine": item.engine,
            "error": item.error,
        }
        for item in ordered
    ]
    return pd.DataFrame(rows, columns=["variant", *names, *FIGURES, "engine", "error"])


def _columns(found: Sequence[npt.NDArray[Any]], length: int, kind: type) -> npt.NDArray[Any]:
    return np.column_stack(found) if found else np.empty((length, 0), dtype=kind)


def _places(
    sessions_0: npt.NDArray[np.datetime64], days: npt.NDArray[np.datetime64]
) -> npt.NDArray[np.int64]:
    """Return the positions of days among sessions; -1 for one that is none."""
    at = np.minimum(np.searchsorted(days, sessions_0), len(days) - 1)
    return np.where(days[at] == sessions_0, at, NONE).astype(np.int64)


def _config(
    setup: Setup, strategy: Strategy, count: int, ends: tuple[int, int], asked: Mapping[str, Any]
) -> Mapping[str, Any]:
    days = setup.market.table.dates
    table = setup.market.table
    return MappingProxyType(
        {
            **setup.told,
            "strategy": strategy.name,
            "class": strategy.cls.__name__,
            "idea": strategy.idea,
            "file": strategy.file,
            "sha256": strategy.digest if strategy.source else "",
            "parameters": dict(strategy.parameters),
            **asked,
            "variants": count,
            "start": str(days[ends[0]]),
            "end": str(days[ends[1]]),
            "sessions": ends[1] - ends[0] + 1,
            "study_events": len(setup.events),
            "prices": {ticker: table.digest(ticker) for ticker in table.tickers},
        }
    )
