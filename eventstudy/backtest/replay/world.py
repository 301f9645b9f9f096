"""One run on inputs that may have been cut or changed, through Cerebro as a backtest runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.engines import run_cerebro
from eventstudy.backtest.fastpath import FastPathRefused, check_terms, decisions_of
from eventstudy.backtest.library import Strategy
from eventstudy.backtest.plan import appointments
from eventstudy.backtest.replay import changes
from eventstudy.backtest.replay.authors import ran_through
from eventstudy.backtest.replay.record import Decided, Record, Witness, decided_of
from eventstudy.backtest.setup import Plan, Setup
from eventstudy.backtest.terms import Terms
from eventstudy.errors import EventStudyError
from eventstudy.prices.table import PriceTable

Days = npt.NDArray[np.datetime64]

PRICES, CALENDAR = "prices", "calendar"
BOTH = (PRICES, CALENDAR)
D = TypeVar("D", bound=Witness)


@dataclass(frozen=True, eq=False)
class World:
    """All that a run is given, apart from the strategy.

    Attributes
    ----------
    setup : Setup
    days : ndarray, shape (S,), datetime64[D]
        Sessions of the full run: an exchange publishes its sessions long before.
    """

    setup: Setup
    days: Days

    @property
    def table(self) -> PriceTable:
        """Prices on sessions: all of them, or those that a cut has left."""
        return self.setup.market.table

    def agenda(self, strategy: Strategy) -> Plan:
        """Return the events that a strategy decides on, and those that it cannot."""
        return appointments(self.setup.events, self.days, strategy.parameters)

    def cut(self, row: int, parts: Sequence[str] = BOTH) -> World:
        """Return the world as it was known at the close of a session.

        Parameters
        ----------
        row : int
        parts : sequence of str
            ``prices``, ``calendar`` or both.
        """
        found, day = self.setup, self.days[row]
        if CALENDAR in parts:
            found = replace(found, events=tuple(changes.cut_calendar(found.events, day)))
        if PRICES in parts:
            table = changes.cut_table(self.table, row)
            rates = np.zeros(len(table.dates))
            rates[: row + 1] = found.rates[: row + 1]
            found = replace(found, market=replace(found.market, table=table), rates=rates)
        return replace(self, setup=found)

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
        found, days = self.setup, self.days
        streams = np.random.default_rng([found.seed, row, draw]).spawn(2)
        if CALENDAR in parts:
            events = changes.changed_calendar(
                found.events, days[row], days, self.table.tickers, streams[1]
            )
            found = replace(found, events=tuple(events))
        if PRICES in parts:
            market = replace(found.market, table=changes.changed_table(self.table, row, streams[0]))
            rates = changes.changed_rates(found.rates, row, streams[0])
            found = replace(found, market=market, rates=rates)
        return replace(self, setup=found)


def desk_of(kind: type[D], world: World, strategy: Strategy, first: int) -> D:
    """Return a desk of some kind that is ready to run a strategy in a world."""
    agenda, skipped = world.agenda(strategy)
    setup = world.setup
    desk = kind(
        name=strategy.name,
        market=setup.market,
        terms=Terms.of(strategy.parameters),
        first=first,
        agenda=agenda,
        costs=setup.costs,
        limits=setup.limits,
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
    run_cerebro(desk, strategy, world.setup.rates, world.setup.seed)
    return desk.record()


def decided_alone(world: World, strategy: Strategy, first: int) -> tuple[Decided, ...] | None:
    """Return what a strategy decides for the vectorised engine; None where that one refuses.

    Parameters
    ----------
    world : World
    strategy : Strategy
    first : int
        Row of the first session.
    """
    desk = desk_of(Witness, world, strategy, first)
    try:
        check_terms(desk)
        found = decisions_of(desk, strategy, world.setup.seed)
    except FastPathRefused:
        return None
    return tuple(
        decided_of(item.event.event_id, item.decision, desk.entries(number, one), one.skipped)
        for number, (item, one) in enumerate(zip(desk.agenda, found, strict=True))
    )


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
        run_cerebro(desk, strategy, world.setup.rates, world.setup.seed)
    except Exception as error:
        if not (isinstance(error, EventStudyError) or ran_through(error, strategy.cls)):
            raise
        broke = f"{type(error).__name__}: {error}"
    return desk.record(broke)
