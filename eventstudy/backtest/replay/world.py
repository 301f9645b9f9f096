"""One run on inputs that may have been cut or changed, through Cerebro as a backtest runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.costs import Costs
from eventstudy.backtest.decisions import Appointment, Skip
from eventstudy.backtest.library import Strategy
from eventstudy.backtest.limits import Limits
from eventstudy.backtest.market import Market
from eventstudy.backtest.plan import appointments
from eventstudy.backtest.replay import changes
from eventstudy.backtest.replay.authors import ran_through
from eventstudy.backtest.replay.record import Record, Witness
from eventstudy.backtest.run import run_cerebro
from eventstudy.backtest.terms import Terms
from eventstudy.errors import EventStudyError
from eventstudy.events.event import Event

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

PRICES, CALENDAR = "prices", "calendar"
BOTH = (PRICES, CALENDAR)
D = TypeVar("D", bound=Witness)


@dataclass(frozen=True, eq=False)
class World:
    """All that a run is given, apart from the strategy.

    Attributes
    ----------
    market : Market
    days : ndarray, shape (S,), datetime64[D]
        Sessions of the full run: an exchange publishes its sessions long before.
    events : tuple of Event
        Those to trade.
    rates : ndarray, shape (S,)
        Return on cash per session.
    costs : Costs
    limits : Limits
    seed : int
    """

    market: Market
    days: Days
    events: tuple[Event, ...]
    rates: Floats
    costs: Costs
    limits: Limits
    seed: int

    def agenda(self, strategy: Strategy) -> tuple[list[Appointment], list[Skip]]:
        """Return the events that a strategy decides on, and those that it cannot."""
        return appointments(self.events, self.days, strategy.parameters)

    def cut(self, row: int, parts: Sequence[str] = BOTH) -> World:
        """Return the world as it was known at the close of a session.

        Parameters
        ----------
        row : int
        parts : sequence of str
            ``prices``, ``calendar`` or both.
        """
        found, day = self, self.market.table.dates[row]
        if CALENDAR in parts:
            found = replace(found, events=tuple(changes.cut_calendar(self.events, day)))
        if PRICES in parts:
            table = changes.cut_table(self.market.table, row)
            rates = np.zeros(len(table.dates))
            rates[: row + 1] = self.rates[: row + 1]
            found = replace(found, market=replace(self.market, table=table), rates=rates)
        return found

    def changed(self, row: int, draw: int, parts: Sequence[str] = BOTH) -> World:
        """Return the world with all that comes after a session changed at random.

        Parameters
        ----------
        row : int
        draw : int
            The same row and draw give the same changes.
        parts : sequence of str
            ``prices``, ``calendar`` or both.
        """
        found, table = self, self.market.table
        streams = np.random.default_rng([self.seed, row, draw]).spawn(2)
        if CALENDAR in parts:
            events = changes.changed_calendar(
                self.events, table.dates[row], table.dates, table.tickers, streams[1]
            )
            found = replace(found, events=tuple(events))
        if PRICES in parts:
            market = replace(self.market, table=changes.changed_table(table, row, streams[0]))
            rates = changes.changed_rates(self.rates, row, streams[0])
            found = replace(found, market=market, rates=rates)
        return found


def desk_of(kind: type[D], world: World, strategy: Strategy, first: int) -> D:
    """Return a desk of some kind that is ready to run a strategy in a world."""
    agenda, skipped = world.agenda(strategy)
    desk = kind(
        name=strategy.name,
        market=world.market,
        terms=Terms.of(strategy.parameters),
        first=first,
        agenda=agenda,
        costs=world.costs,
        limits=world.limits,
        skipped=list(skipped),
    )
    desk.watch()
    return desk


def run_world(world: World, strategy: Strategy, first: int) -> Record:
    """Run a strategy on the full data and return what it decided and did.

    Parameters
    ----------
    world : World
    strategy : Strategy
    first : int
        Row of the first session.

    Raises
    ------
    EventStudyError
        Where the author's code fails.
    """
    desk = desk_of(Witness, world, strategy, first)
    run_cerebro(desk, strategy, world.rates, world.seed)
    return desk.record()


def replay_world(world: World, strategy: Strategy, first: int, until: int) -> Record:
    """Run a strategy on cut or changed data; that its code fails there is an answer.

    Parameters
    ----------
    world : World
    strategy : Strategy
    first : int
        Row of the first session: that of the run on the full data.
    until : int
        Row of the last session.
    """
    desk = desk_of(Witness, world, strategy, first)
    desk.watch(until)
    return carried_out(desk, world, strategy)


def carried_out(desk: Witness, world: World, strategy: Strategy) -> Record:
    """Run a desk and return its record, also where the author's code breaks the run off."""
    broke = ""
    try:
        run_cerebro(desk, strategy, world.rates, world.seed)
    except Exception as error:
        if not (isinstance(error, EventStudyError) or ran_through(error, strategy.cls)):
            raise
        broke = f"{type(error).__name__}: {error}"
    return desk.record(broke)
