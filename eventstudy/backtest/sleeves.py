"""Profits of single sleeves by session: what one event's trade earns, wherever it stands.

A placebo draw moves events to other sessions. Each sleeve's profit there depends on its own
prices alone, so it is computed once for every place and summed for every draw. Borrow fees
fall on each sleeve's own shorts; the account nets them by ticker, which can only be cheaper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.alike import Alike
from eventstudy.backtest.costs import BP, Costs
from eventstudy.backtest.decisions import Decision, Notebook, decide_on, seen_at
from eventstudy.backtest.fastpath import bare_author
from eventstudy.backtest.history import StrategyEvent, placed_event
from eventstudy.backtest.library import Strategy
from eventstudy.backtest.market import Market
from eventstudy.backtest.paths import Floats, Ints, Legs, Stack, stacked
from eventstudy.backtest.setup import Setup
from eventstudy.backtest.sizing import SIZINGS
from eventstudy.backtest.terms import Terms
from eventstudy.events.event import Event
from eventstudy.models.contract import Progress, unwatched


def leg_profits(
    stack: Stack, legs: Legs, costs: Costs, fees: Floats, fill: str, hold: int
) -> Floats:
    """Return the profit of each leg on each session from its entry to its exit.

    Costs are booked on the session on which they fall. Sessions after the last of the stack
    earn nothing: the leg stays open.

    Parameters
    ----------
    stack : Stack
    legs : Legs
    costs : Costs
    fees : ndarray, shape (N,)
        Borrow fee of each ticker, basis points a year.
    fill : str
        ``open`` or ``close``.
    hold : int
        Sessions from entry to exit, the same for all.

    Returns
    -------
    ndarray, shape (L, hold + 1)
        NaN for a leg whose ticker lacks a bar in between.
    """
    sessions = len(stack.gaps)
    rows = legs.entry[:, None] + np.arange(hold + 1)
    inside = rows < sessions
    rows = np.minimum(rows, sessions - 1)
    column = legs.column[:, None]
    quotes = stack.open if fill == "open" else stack.close
    slip, rate = costs.half_spread_bp * BP, costs.commission_bp * BP
    mark = stack.close[rows, column]
    prices = np.column_stack([quotes[rows[:, 0], legs.column], mark])
    buys = legs.size > 0
    bought = prices[:, 0] * np.where(buys, 1 + slip, 1 - slip)
    leaves = inside[:, -1]
    sold = quotes[rows[:, -1], legs.column] * np.where(buys, 1 - slip, 1 + slip)
    prices[:, 0] = bought
    prices[leaves, -1] = sold[leaves]
    size = legs.size[:, None]
    profit = size * (prices[:, 1:] - prices[:, :-1])
    profit[:, 0] -= np.abs(legs.size) * rate * bought
    profit[leaves, -1] -= (np.abs(legs.size) * rate * sold)[leaves]
    carried = size * stack.dividends[rows, column]
    days = stack.gaps[rows] / costs.day_count * (fees[legs.column] * BP)[:, None]
    carried[:, 1:] += np.minimum(size, 0.0) * mark[:, :-1] * days[:, 1:]
    profit[:, 1:] += carried[:, 1:]
    profit[~inside] = 0.0
    whole = (stack.bars[rows, column] | ~inside).all(axis=1)
    profit[~whole] = np.nan
    return np.asarray(profit)


def sleeve_sums(profits: Floats, sleeve: Ints, count: int) -> Floats:
    """Return the sum of leg profits by sleeve, shape (count, H); NaN where a leg's is."""
    found = np.zeros((count, profits.shape[1]))
    np.add.at(found, sleeve, profits)
    return found


def placed_sleeves(
    setup: Setup,
    strategy: Strategy,
    events: Sequence[Event],
    needed: npt.NDArray[np.bool_],
    first: int,
    progress: Progress = unwatched,
) -> Floats:
    """Return the profits of each event's sleeve with its session 0 at each row asked for.

    The strategy is asked anew for every place, with the event's own direction and what
    could be seen there; of events that it cannot tell apart, about the first.

    Parameters
    ----------
    setup : Setup
    strategy : Strategy
        Within the domain of the vectorised engine.
    events : sequence of Event, length E
    needed : ndarray of bool, shape (E, R)
        Which sessions 0 are wanted; R rows of the setup's table.
    first : int
        Row of the table on which the stack of prices begins.
    progress : Progress
        Told about every tenth of the events.

    Returns
    -------
    ndarray, shape (E, R, hold + 1)
        From the session of the entry on. Zero where the strategy does not trade, NaN where
        it cannot.
    """
    terms, market = Terms.of(strategy.parameters), setup.market
    stack = stacked(market.table, first, setup.rates)
    fees = np.array([setup.costs.borrow_of(t) for t in market.table.tickers])
    found = np.full((*needed.shape, terms.hold + 1), np.nan)
    notebook = Notebook()
    made = partial(bare_author, notebook=notebook, seed=setup.seed)
    alike = Alike(strategy, made, shared=terms.sizing in SIZINGS)
    for number, event in enumerate(events):
        progress("placing events on other dates", number, len(events))
        rows = np.flatnonzero(needed[number])
        ask = (alike, notebook, strategy.name, event, number)
        decided, like = _decisions(*ask, rows, setup, terms)
        found[number, rows] = _profits(stack, decided, rows, first, setup, terms, fees)
        other = like != number
        found[number, rows[other]] = found[like[other], rows[other]]
    progress("placing events on other dates", len(events), len(events))
    return found


def _decisions(
    alike: Alike,
    notebook: Notebook,
    name: str,
    event: Event,
    number: int,
    rows: Ints,
    setup: Setup,
    terms: Terms,
) -> tuple[list[Decision | None], Ints]:
    """Return what the strategy decides about an event moved to each of several rows.

    None where there is no decision, or where that on another event holds; and the number of the
    event whose decision holds on each row, shape (R',).
    """
    market, like = setup.market, np.full(len(rows), number)
    decided: list[Decision | None] = [None] * len(rows)
    decisions = rows + terms.entry - 1
    inside = np.flatnonzero((decisions >= 0) & (decisions < len(market.table.dates))).tolist()
    if not inside:
        return decided, like
    seen = _stood(event, int(rows[inside[0]]), int(decisions[inside[0]]), market, number)
    alike.turn_to(seen)
    for k in inside:
        row, decision = int(rows[k]), int(decisions[k])
        known = alike.like(row)
        if known is not None:
            like[k] = known
            continue
        day = market.table.dates[row]
        placed = placed_event(seen, day, market.available(decision), _known_on(event, day))
        ask = (alike.author, notebook, name, placed, decision)
        decided[k] = decide_on(*ask, market, terms, market.capital)
        alike.keep(row, number)
    return decided, like


def _stood(event: Event, row: int, decision: int, market: Market, number: int) -> StrategyEvent:
    """Return an event as the strategy sees it where its session 0 is on another row."""
    day = market.table.dates[row]
    moved = replace(event, same=day, next=day, known_on=_known_on(event, day), ambiguous=False)
    return seen_at(moved, decision, market, number)


def _known_on(event: Event, day: np.datetime64) -> date | None:
    """Return when the date of an event was known that is moved to another day."""
    if event.known_on is None:
        return None
    return event.known_on + timedelta(days=int((day - event.next).astype(np.int64)))


def _profits(
    stack: Stack,
    decided: Sequence[Decision | None],
    rows: Ints,
    first: int,
    setup: Setup,
    terms: Terms,
    fees: Floats,
) -> Floats:
    """Return the profits of one event's sleeve at each of several rows, shape (R', H)."""
    entries = rows + terms.entry - first
    reach = (entries >= 0) & (entries < len(stack.gaps))
    possible = reach & np.array([d is not None for d in decided], dtype=bool)
    flat = [
        (k, setup.market.table.column(ticker), size)
        for k, found in enumerate(decided)
        if found is not None and possible[k]
        for ticker, size in found.sizes.items()
    ]
    profits = np.zeros((len(rows), terms.hold + 1))
    if flat:
        sleeve, column, size = (np.array(values) for values in zip(*flat, strict=True))
        entry = entries[sleeve]
        legs = Legs(column, size.astype(np.float64), entry, entry + terms.hold)
        by_leg = leg_profits(stack, legs, setup.costs, fees, terms.fill, terms.hold)
        profits = sleeve_sums(by_leg, sleeve, len(rows))
    profits[~possible] = np.nan
    return profits
