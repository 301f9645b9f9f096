"""One variant after another, as a worker runs them."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eventstudy.backtest import metrics
from eventstudy.backtest.desk import Desk
from eventstudy.backtest.engines import run_desk
from eventstudy.backtest.library import Strategy
from eventstudy.backtest.luck import period_sharpe
from eventstudy.backtest.plan import appointments
from eventstudy.backtest.recall import Recall
from eventstudy.backtest.setup import Plan, Setup, desk_of
from eventstudy.backtest.sweep.cargo import Blueprint
from eventstudy.errors import BacktestError, EventStudyError

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Numbered = Sequence[tuple[int, Mapping[str, Any]]]
"""Variants with their numbers: the parameters in which each departs."""
LOST = "its process ended"
"""Begins the error of a variant that took its process with it."""
NOT_TRADED = -1


@dataclass(frozen=True, eq=False)
class Ended:
    """What became of one variant.

    Attributes
    ----------
    number : int
        Place among the variants.
    excess : ndarray, shape (T,)
        Returns over cash on the sessions of the sweep; empty where it failed.
    earned : ndarray, shape (E,)
        Profit of each event of the calendar; zero where it was not traded.
    closed : ndarray of int, shape (E,)
        Row of the setup's table on which the event's last leg was closed; -1 where it was not
        traded, the last row where it is open at the end.
    figures : mapping of str to float
    engine : str
    error : str
        Why it failed; empty where it did not.
    """

    number: int
    excess: Floats
    earned: Floats
    closed: Ints
    figures: Mapping[str, float]
    engine: str = ""
    error: str = ""

    @classmethod
    def failed(cls, number: int, error: str) -> Ended:
        """Return the end of a variant that has no result."""
        none = np.empty(0)
        return cls(number, none, none, np.empty(0, dtype=np.int64), {}, error=error)

    @property
    def lost(self) -> bool:
        """Whether it took its process with it."""
        return self.error.startswith(LOST)


@dataclass(eq=False)
class Bench:
    """A strategy on a setup, and what its variants share.

    Attributes
    ----------
    setup : Setup
    strategy : Strategy
    first, last : int
        Rows of the setup's table: all accounts begin at the close of the one and end at the
        close of the other.
    recall : Recall or None
        Answers given before; None asks for every variant.
    """

    setup: Setup
    strategy: Strategy
    first: int
    last: int
    recall: Recall | None = field(default_factory=Recall)
    _plans: dict[tuple[int, int], Plan] = field(default_factory=dict)

    @cached_property
    def _threads(self) -> ThreadpoolController:
        from threadpoolctl import ThreadpoolController

        return ThreadpoolController()

    def run(self, variants: Numbered) -> list[Ended]:
        """Run variants; one that fails is recorded, not fatal."""
        # The matrices are small: threads that wait for each other cost more than they save.
        with self._threads.limit(limits=1, user_api="blas"):
            return [self.ended(number, given) for number, given in variants]

    def ended(self, number: int, given: Mapping[str, Any]) -> Ended:
        """Return what became of one variant, whatever its code raised."""
        try:
            return self.account(self.strategy.with_parameters(given), number)
        except EventStudyError as error:
            told = str(error)
        except (Exception, SystemExit) as error:  # an author's code may raise anything
            line = traceback.extract_tb(error.__traceback__)[-1]
            told = f"{type(error).__name__}: {error} ({line.name}, line {line.lineno})"
        return Ended.failed(number, self._without_folder(told))

    def account(self, strategy: Strategy, number: int = 0) -> Ended:
        """Return the account of one variant on the sessions of the sweep.

        Raises
        ------
        BacktestError
            Where the account has no value on some session.
        """
        desk = desk_of(self.setup, strategy, self._plan(strategy), self.first)
        desk.recall = self.recall
        run_desk(desk, strategy, self.setup.rates, self.setup.seed, "auto")
        values = np.array([day.value for day in desk.days[: self.last + 1 - self.first]])
        if not np.isfinite(values).all():
            raise BacktestError(f"{strategy.name}: the account has no value on some session")
        rates = self.setup.rates[self.first + 1 : self.last + 1]
        excess = metrics.value_returns(values) - rates
        earned, closed = self._by_event(desk)
        figures = _figures(values, rates, excess, earned[closed != NOT_TRADED])
        return Ended(number, excess, earned, closed, figures, desk.engine)

    def _plan(self, strategy: Strategy) -> Plan:
        key = strategy.parameters["entry"], strategy.parameters["hold"]
        if key not in self._plans:
            days = self.setup.market.table.dates
            self._plans[key] = appointments(self.setup.events, days, strategy.parameters)
        return self._plans[key]

    def _by_event(self, desk: Desk) -> tuple[Floats, Ints]:
        """Return profit and row of the last exit of each event of the calendar, shape (E,)."""
        places = {event.event_id: i for i, event in enumerate(self.setup.events)}
        earned = np.zeros(len(places))
        closed = np.full(len(places), NOT_TRADED, dtype=np.int64)
        legs = list(desk.ledger.legs.values())
        exits = np.array([leg.exit_date for leg in legs], dtype="datetime64[D]")
        rows = np.searchsorted(self.setup.market.table.dates, exits)
        for leg, row in zip(legs, rows, strict=True):
            place = places[desk.agenda[leg.event].event.event_id]
            earned[place] += leg.value(leg.exit_price)
            closed[place] = max(closed[place], row)
        return earned, closed

    def _without_folder(self, told: str) -> str:
        """Return an error that names the strategy's file and not the folder it is in."""
        path = origin_of(self.strategy)
        return told.replace(path, self.strategy.file) if path and self.strategy.file else told


def origin_of(strategy: Strategy) -> str:
    """Return the path that errors name for a strategy's code; empty where it has none."""
    module = sys.modules.get(strategy.cls.__module__)
    return str(getattr(module, "__file__", None) or "")


def _figures(values: Floats, rates: Floats, excess: Floats, traded: Floats) -> dict[str, float]:
    figures = metrics.path_metrics(values, rates)
    if np.isnan(period_sharpe(excess)):
        # An account that stands still at the cash rate has rounding for returns.
        figures |= {"sharpe": np.nan, "sharpe_se": np.nan}
    figures["events"] = float(len(traded))
    figures["hit_rate"] = metrics.hit_rate(traded, float(values[0]))
    return figures


@dataclass(eq=False)
class Load:
    """What a worker holds: a setup and a strategy as text, made into a bench once a process.

    Attributes
    ----------
    setup : Setup
    blueprint : Blueprint
    first, last : int
        As in `Bench`.
    """

    setup: Setup
    blueprint: Blueprint
    first: int
    last: int

    @cached_property
    def bench(self) -> Bench:
        """The strategy on the setup."""
        return Bench(self.setup, self.blueprint.built(), self.first, self.last)


def run_variant(load: Load, variant: tuple[int, Mapping[str, Any]]) -> Ended:
    """Run one variant in a worker."""
    return load.bench.ended(*variant)


def lost_variant(_index: int, variant: tuple[int, Mapping[str, Any]]) -> Ended:
    """Return the end of a variant that took its process with it."""
    return Ended.failed(variant[0], f"{LOST} (killed, out of memory, or the code ended it)")
