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
from eventstudy.backtest.sweep.walk import Walk, walk_forward
from eventstudy.backtest.sweep.work import Ended

Floats = npt.NDArray[np.float64]
FIGURES = (
    "total_return", "annual_return", "volatility", "sharpe", "sharpe_se", "max_drawdown",
    "hit_rate", "events",
)  # fmt: skip


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
        engine, error (empty where it ran).
    excess : ndarray, shape (T, K)
        Returns over cash of the variants that ran, in the order of ``table``.
    earned : ndarray, shape (E, K)
        Their profit by event of the calendar.
    dates : ndarray, shape (T,)
    event_ids : tuple of str, length E
    sessions_0 : ndarray, shape (E,), datetime64[D]
    config : mapping
    """

    strategy: str
    parameters: tuple[str, ...]
    table: pd.DataFrame
    excess: Floats = field(repr=False)
    earned: Floats = field(repr=False)
    dates: npt.NDArray[np.datetime64] = field(repr=False)
    event_ids: tuple[str, ...] = field(repr=False)
    sessions_0: npt.NDArray[np.datetime64] = field(repr=False)
    config: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(
        cls,
        setup: Setup,
        strategy: Strategy,
        variants: Sequence[Mapping[str, Any]],
        first: int,
        last: int,
        ended: Sequence[Ended],
    ) -> SweepResult:
        """Put the ends of all variants together, in the order of the variants."""
        ordered = sorted(ended, key=lambda item: item.number)
        names = tuple(dict.fromkeys(name for point in variants for name in point))
        rows = [
            {
                "variant": item.number,
                **{name: variants[item.number].get(name) for name in names},
                **{name: item.figures.get(name, np.nan) for name in FIGURES},
                "engine": item.engine,
                "error": item.error,
            }
            for item in ordered
        ]
        ran = [item for item in ordered if not item.error]
        none = np.empty((last - first, 0)), np.empty((len(setup.events), 0))
        days = setup.market.table.dates
        return cls(
            strategy.name,
            names,
            pd.DataFrame(rows, columns=["variant", *names, *FIGURES, "engine", "error"]),
            np.column_stack([item.excess for item in ran]) if ran else none[0],
            np.column_stack([item.earned for item in ran]) if ran else none[1],
            days[first + 1 : last + 1],
            tuple(event.event_id for event in setup.events),
            np.array([event.session_0("next") for event in setup.events], dtype="datetime64[D]"),
            MappingProxyType(
                {
                    **setup.told,
                    "parameters": dict(strategy.parameters),
                    "start": str(days[first]),
                    "end": str(days[last]),
                }
            ),
        )

    @property
    def ran(self) -> pd.DataFrame:
        """The rows of the variants that ran."""
        return self.table[self.table["error"] == ""].reset_index(drop=True)

    @cached_property
    def best(self) -> int:
        """Column of the variant with the highest Sharpe ratio; -1 where none has one."""
        ratios = self.ran["sharpe"].to_numpy(dtype=np.float64)
        return int(np.nanargmax(ratios)) if np.isfinite(ratios).any() else -1

    @cached_property
    def deflated(self) -> SharpeEvidence | None:
        """The best variant's Sharpe ratio after all of them were tried."""
        if self.best < 0:
            return None
        ratios = self.ran["sharpe"].to_numpy(dtype=np.float64) / np.sqrt(YEAR)
        return judge_sharpe(self.excess[:, self.best], ratios, trials=len(self.table))

    @cached_property
    def overfitting(self) -> Overfitting:
        """Probability that the best variant in one half is below the median in the other."""
        return cscv(self.excess)

    @cached_property
    def reality(self) -> RealityCheck:
        """White's reality check and Hansen's test against cash."""
        return reality_check(self.excess, seed=int(self.config["seed"]))

    def walk_forward(self, folds: int = 4) -> Walk:
        """Choose on past events and trade the next ones; see `walk.walk_forward`."""
        inside = (self.sessions_0 >= self.dates[0]) & (self.sessions_0 <= self.dates[-1])
        names = tuple(np.array(self.event_ids, dtype=object)[inside].tolist())
        return walk_forward(
            self.sessions_0[inside], names, self.earned[inside], folds, self.holds()
        )

    def holds(self) -> npt.NDArray[np.int64]:
        """Return how many sessions after session 0 each variant has left, shape (K,)."""
        own = self.config["parameters"]
        entry = self.ran.get("entry", pd.Series(own["entry"], index=self.ran.index))
        hold = self.ran.get("hold", pd.Series(own["hold"], index=self.ran.index))
        return np.asarray(entry + hold, dtype=np.int64)

    def heat(self, x: str, y: str, figure: str = "sharpe") -> pd.DataFrame:
        """Return the mean of a figure over all variants with the same two parameters.

        Parameters
        ----------
        x, y : str
            Parameters: columns and rows.
        figure : str
        """
        return self.ran.pivot_table(index=y, columns=x, values=figure, aggfunc="mean")
