"""One run in which the future is wrong until it comes: prices and calendar, row by row.

At the close of every session all that comes later is made up; before the next one its bars,
dividends and rates, and what is published by then of the calendar, are put right in place.
A run that is the same as on the full data has thus passed, in one go, the change of
everything after each single session. One that differs is only a suspicion: a strategy may
have copied rows before they were right and read them when they were past. It is then
replayed as a whole, once for every cut.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.backtest.decisions import Appointment
from eventstudy.backtest.feeds import LINES, feed_of
from eventstudy.backtest.library import Strategy
from eventstudy.backtest.market import has_bar
from eventstudy.backtest.replay import changes
from eventstudy.backtest.replay.record import Record, Witness
from eventstudy.backtest.replay.world import PRICES, World, carried_out, desk_of
from eventstudy.prices.table import FIELDS

if TYPE_CHECKING:
    from eventstudy.backtest.strategy import EventStrategy


class Revealing(Witness):
    """A desk on changed inputs that puts each session right before it comes."""

    def hide(self, truth: World, draw: int) -> None:
        """Take the rows of the calendar away that the first session does not know.

        Parameters
        ----------
        truth : World
            What is revealed. The desk's own market is the changed one.
        draw : int
            Of the changes.
        """
        self.truth = truth
        self.true_agenda = tuple(self.agenda)
        self.rng = np.random.default_rng([truth.setup.seed, self.first, draw, 1])
        self.drawn: dict[int, Appointment] = {}
        self.right: dict[str, Any] = {}
        self._show_calendar(self.first)

    def after_close(self, strategy: EventStrategy) -> None:
        """See `Desk`; then the next session is revealed."""
        row = self.row
        super().after_close(strategy)
        if row + 1 < len(self.market.table.dates):
            self._show_prices(row + 1, strategy)
            self._show_calendar(row + 1)

    def _show_prices(self, row: int, strategy: EventStrategy) -> None:
        true, shown = self.truth.table, self.market.table
        for name in FIELDS:
            getattr(shown, name)[row] = getattr(true, name)[row]
        # Both are worked out once from the whole table; the broker and histories read them.
        shown.cash_dividends[row] = true.cash_dividends[row]
        shown.returns[row] = true.returns[row]
        strategy.broker.rates[row - self.first] = self.truth.setup.rates[row]
        if not self.right:
            self._preload_right()
        for ticker, feed in self.feeds.items():
            bars = self.bar_of[ticker]
            at = bars[row - self.first]
            if at >= 0:
                for line in LINES:
                    right = getattr(self.right[ticker].lines, line).array[at]
                    getattr(feed.lines, line).array[at] = right

    def _preload_right(self) -> None:
        """Keep the feeds of the full data, and which of their bars belongs to each session."""
        table = self.truth.table
        live = table.on_sessions(table.dates[self.first :])
        bars = has_bar(live)
        numbers = np.where(bars, np.cumsum(bars, axis=0) - 1, -1)
        self.bar_of = {t: numbers[:, table.column(t)].tolist() for t in self.feeds}
        for ticker in self.feeds:
            self.right[ticker] = feed_of(live, ticker)
            self.right[ticker].preload()

    def _show_calendar(self, row: int) -> None:
        """Show what is published by a session, and let only its own decisions be due."""
        table = self.truth.table
        day = table.dates[row]
        for number, item in enumerate(self.true_agenda):
            if changes.is_past(item.event, day):
                self.agenda[number] = item
            elif changes.is_dated(item.event, day):
                told = changes.contrary(item.event, table.tickers, self.rng)
                self.agenda[number] = replace(item, event=told)
            else:
                self.agenda[number] = self._made_up(number, item, row)
        self._due.clear()
        self._due[row] = [n for n, item in enumerate(self.true_agenda) if item.decision == row]

    def _made_up(self, number: int, item: Appointment, row: int) -> Appointment:
        """Return another appointment after a session, the same one until that is past."""
        kept, table = self.drawn.get(number), self.truth.table
        if kept is None or kept.decision <= row:
            ahead = table.dates[row + 1 :]
            event = changes.elsewhere(item.event, ahead, table.tickers, self.rng)
            zero = int(np.searchsorted(table.dates, event.next))
            kept = replace(item, event=event, decision=zero, exit=zero + item.exit - item.decision)
            self.drawn[number] = kept
        return kept


def run_revealed(world: World, strategy: Strategy, first: int, draw: int) -> Record:
    """Run a strategy to the end while the future is wrong until it comes.

    Parameters
    ----------
    world : World
        The full one.
    strategy : Strategy
    first : int
        Row of the first session.
    draw : int
        Of the changes.
    """
    changed = world.changed(first, draw, (PRICES,))
    desk = desk_of(Revealing, changed, strategy, first)
    desk.hide(world, draw)
    return carried_out(desk, changed, strategy)
