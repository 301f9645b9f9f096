"""The vectorised engine: the same books as Cerebro's, or a reason why not.

Its domain: entry and exit at the next open or the next close, exit by time, sizes that are
a fraction of initial capital, commission, half-spread, borrow fee, dividends and interest,
and no limit that binds. Anything else is `FastPathRefused`, and Cerebro does the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain
from types import FunctionType
from typing import Any

import numpy as np

from eventstudy.backtest.costs import commission_paid, slippage_paid
from eventstudy.backtest.decisions import Author, Decision, Notebook, decide
from eventstudy.backtest.desk import Day, Desk
from eventstudy.backtest.ledger import OrderRecord
from eventstudy.backtest.library import Strategy
from eventstudy.backtest.limits import breach
from eventstudy.backtest.paths import (
    Floats,
    Legs,
    Path,
    Stack,
    account_path,
    keeps_margin,
    stacked,
    surely_within,
)
from eventstudy.errors import BacktestError

BACKTRADER, STOP, LIMIT_ORDER = "backtrader", "stop or target", "limit order"
IMPACT, PARTICIPATION, EQUITY = "impact", "participation", "size on equity"
MISSING, LIMIT, MARGIN = "missing bar", "exposure limit", "margin"
REASONS = (
    BACKTRADER, STOP, LIMIT_ORDER, IMPACT, PARTICIPATION, EQUITY, MISSING, LIMIT, MARGIN,
)  # fmt: skip
"""Everything that the vectorised engine leaves to Cerebro."""


class FastPathRefused(Exception):
    """What was asked lies outside the vectorised engine's domain.

    Parameters
    ----------
    reason : str
        One of `REASONS`.
    detail : str
        For a reader.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def run_vectorised(desk: Desk, strategy: Strategy, rates: Floats, seed: int) -> None:
    """Fill the desk's books without Cerebro.

    Parameters
    ----------
    desk : Desk
        Before a run; untouched where the engine refuses.
    strategy : Strategy
    rates : ndarray, shape (S,)
        Return on cash for each session of the desk's table.
    seed : int

    Raises
    ------
    FastPathRefused
        Where the run lies outside the engine's domain.
    """
    check_terms(desk)
    decisions = decisions_of(desk, strategy, seed)
    stack = stacked(desk.market.table, desk.first, rates)
    records = [desk.entries(number, found) for number, found in enumerate(decisions)]
    legs, filled = legs_of(desk, records, len(stack.gaps))
    _check_bars(desk, legs, stack)
    fees = np.array([desk.costs.borrow_of(t) for t in desk.market.table.tickers])
    path = account_path(stack, legs, desk.costs, fees, desk.market.capital, desk.terms.fill)
    if len(legs.size):
        _check_limits(desk, legs, filled, stack, path)
    desk.skipped += chain.from_iterable(d.skipped for d in decisions)
    _fill_ledger(desk, records, filled, legs, stack, path, fees)
    _fill_days(desk, path)
    desk.ledger.interest += path.interest.tolist()
    desk.engine = "vectorised"
    desk.close_books()


def check_terms(desk: Desk) -> None:
    """Refuse what the parameters put outside the domain.

    Raises
    ------
    FastPathRefused
    """
    terms = desk.terms
    exits = ("stop_loss", "take_profit", "leg_stop", "leg_target")
    asked = [name for name in exits if getattr(terms, name) is not None]
    found = (
        (bool(asked), STOP, f"{', '.join(asked)} end a trade before its time"),
        (terms.limit is not None, LIMIT_ORDER, "entries may not fill"),
        (desk.costs.impact > 0, IMPACT, "prices depend on sizes and volumes"),
        (terms.participation is not None, PARTICIPATION, "sizes depend on volumes"),
        (terms.size_of == "equity", EQUITY, "sizes depend on the account's path"),
    )
    for outside, reason, detail in found:
        if outside:
            raise FastPathRefused(reason, detail)


def check_hooks(cls: type) -> None:
    """Refuse a class with methods that backtrader calls: nobody else does.

    What such a method leaves behind would be missing when `targets` asks for it.

    Raises
    ------
    FastPathRefused
    """
    from eventstudy.backtest.stock import bt
    from eventstudy.backtest.strategy import EventStrategy

    for base in cls.__mro__[: cls.__mro__.index(EventStrategy)]:
        for name, value in vars(base).items():
            own = isinstance(value, FunctionType) and not name.startswith("__")
            if own and hasattr(bt.Strategy, name):
                raise FastPathRefused(BACKTRADER, f"{cls.__name__} defines {name}")


def bare_author(strategy: Strategy, notebook: Notebook, seed: int) -> Author:
    """Return an instance of a strategy that no Cerebro stands behind.

    It has its parameters, `rng` and `skip`, which is all that `targets` is promised. Code
    that reaches for backtrader's own attributes fails on it.
    """
    author: Any = object.__new__(strategy.cls)
    vars(author).update(strategy.parameters)
    # backtrader looks unknown attributes up in `lines`: without one it would recurse.
    vars(author).update(lines=None, rng=np.random.default_rng(seed), _notebook=notebook)
    found: Author = author
    return found


def decisions_of(desk: Desk, strategy: Strategy, seed: int) -> list[Decision]:
    """Return the decision on each appointment, in the order in which Cerebro would ask.

    Raises
    ------
    FastPathRefused
        Where the strategy has methods that backtrader calls, or its code fails without
        backtrader behind it; there it may work, or fail with a better word.
    """
    check_hooks(strategy.cls)
    made = partial(bare_author, notebook=desk.notebook, seed=seed)
    recall = desk.recall
    author = recall.author(strategy, desk.notebook, made) if recall else made(strategy)
    ask = (desk.notebook, desk.name)
    capital = desk.market.capital
    try:
        return [
            decide(author, *ask, item, desk.market, desk.terms, capital) for item in desk.agenda
        ]
    except BacktestError as error:
        raise FastPathRefused(BACKTRADER, str(error)) from error


def legs_of(
    desk: Desk, records: Sequence[Sequence[OrderRecord]], sessions: int
) -> tuple[Legs, list[OrderRecord]]:
    """Return the legs that fill, and their entry orders, in the order of filling.

    Sales of a group come before its purchases. An entry after the last session is lost.
    """
    filled = [
        record
        for number, group in enumerate(records)
        if desk.agenda[number].decision + 1 - desk.first < sessions
        for record in sorted(group, key=lambda r: r.size > 0)
    ]
    agenda = [desk.agenda[record.event] for record in filled]
    column = [desk.market.table.column(record.ticker) for record in filled]
    return Legs(
        column=np.array(column, dtype=np.int64),
        size=np.array([record.size for record in filled]),
        entry=np.array([item.decision + 1 - desk.first for item in agenda], dtype=np.int64),
        exit=np.array([item.exit - desk.first for item in agenda], dtype=np.int64),
    ), filled


def _check_bars(desk: Desk, legs: Legs, stack: Stack) -> None:
    """Refuse where a ticker lacks a bar between entry and exit: its order would wait."""
    doubtful = np.flatnonzero(~stack.whole[legs.column])
    for k in doubtful:
        column, entry = legs.column[k], legs.entry[k]
        bars = stack.bars[entry : legs.exit[k] + 1, column]
        if not bars.all():
            day = desk.market.table.dates[desk.first + entry + int(np.argmin(bars))]
            raise FastPathRefused(MISSING, f"{desk.market.table.tickers[column]} on {day}")


def _check_limits(
    desk: Desk, legs: Legs, filled: list[OrderRecord], stack: Stack, path: Path
) -> None:
    limits, fill = desk.limits, desk.terms.fill
    if not keeps_margin(path, limits):
        raise FastPathRefused(MARGIN, "equity falls below the maintenance margin")
    if surely_within(stack, legs, path, limits, fill):
        return
    broken = first_breach(desk, legs, filled, stack, path)
    if broken:
        raise FastPathRefused(LIMIT, broken)


def first_breach(
    desk: Desk, legs: Legs, filled: list[OrderRecord], stack: Stack, path: Path
) -> str | None:
    """Return the first limit that a group of entries would break, or None.

    Group by group with the very function that the broker asks.
    """
    quotes = stack.open if desk.terms.fill == "open" else stack.close
    numbers = np.array([record.event for record in filled])
    spent = legs.size * path.bought
    commission = np.abs(legs.size) * desk.costs.commission_bp * 1e-4 * path.bought
    for row in np.unique(legs.entry):
        entering = legs.entry == row
        cash = path.cash[row] + (spent + commission)[entering].sum()
        shares = path.shares[row].copy()
        np.subtract.at(shares, legs.column[entering], legs.size[entering])
        for number in dict.fromkeys(numbers[entering].tolist()):
            group = entering & (numbers == number)
            before = shares * quotes[row]
            np.add.at(shares, legs.column[group], legs.size[group])
            paid = (spent + commission)[group].sum()
            equity = float(cash + before.sum())
            after = shares * quotes[row]
            found = breach(desk.limits, equity, before, after, cash, cash - paid)
            if found:
                return found
            cash -= paid
    return None


def _fill_ledger(
    desk: Desk,
    records: Sequence[Sequence[OrderRecord]],
    filled: list[OrderRecord],
    legs: Legs,
    stack: Stack,
    path: Path,
    fees: Floats,
) -> None:
    """Write orders, fills and carry into the ledger as Cerebro's broker would have."""
    exits = _exit_records(desk, filled, len(stack.gaps))
    sent = sorted(
        [(r.created, 1, r.event, r) for r in chain.from_iterable(records)]
        + [(r.created, 0, r.event, r) for r in exits if r is not None],
        key=lambda item: item[:3],
    )
    desk.ledger.orders += [item[-1] for item in sent]
    quotes = stack.open if desk.terms.fill == "open" else stack.close
    for k, record in enumerate(filled):
        _fill(
            desk, record, int(legs.entry[k]), quotes[legs.entry[k], legs.column[k]], path.bought[k]
        )
    _carry(desk, filled, legs, stack, path, fees)
    for k, leaving in enumerate(exits):
        if leaving is not None and legs.exit[k] < len(stack.gaps):
            quote = quotes[legs.exit[k], legs.column[k]]
            _fill(desk, leaving, int(legs.exit[k]), quote, path.sold[k])


def _fill(desk: Desk, record: OrderRecord, row: int, quote: float, price: float) -> None:
    paid = float(price)
    commission = commission_paid(record.size, paid, desk.costs.commission_bp)
    slippage = slippage_paid(float(quote), paid, record.size)
    day = desk.market.table.dates[desk.first + row]
    desk.ledger.fill(record, day, paid, commission, slippage)


def _exit_records(desk: Desk, filled: list[OrderRecord], sessions: int) -> list[OrderRecord | None]:
    """Return the exit order of each leg; None where the data end before it is sent."""
    found: list[OrderRecord | None] = []
    for record in filled:
        item = desk.agenda[record.event]
        sent = item.exit - 1
        if sent - desk.first >= sessions:
            found.append(None)
            continue
        group = f"{item.event.event_id}:exit"
        day = desk.market.table.dates[sent]
        found.append(
            OrderRecord(
                record.event, record.ticker, group, False, -record.size, day,
                reason="time", when=desk.terms.fill,
            )
        )  # fmt: skip
    return found


def _carry(
    desk: Desk,
    filled: list[OrderRecord],
    legs: Legs,
    stack: Stack,
    path: Path,
    fees: Floats,
) -> None:
    """Book dividends and borrow fees leg by leg; a fee on the net short falls on short legs."""
    before = path.shares[:-1]
    charged = np.maximum(-before, 0.0) * stack.close[:-1] * fees * 1e-4
    charged *= (stack.gaps[1:] / desk.costs.day_count)[:, None]
    short = np.zeros_like(path.shares)
    for entry, end, column, size in zip(
        legs.entry, legs.exit, legs.column, np.minimum(legs.size, 0.0), strict=True
    ):
        short[entry:end, column] += size
    for k, record in enumerate(filled):
        leg = desk.ledger.legs[record.event, record.ticker]
        held, column = slice(legs.entry[k], min(legs.exit[k], len(before))), legs.column[k]
        paid = leg.entry_size * float(stack.dividends[1:][held, column].sum())
        leg.dividends += paid
        leg.cash += paid
        if leg.entry_size < 0:
            shares = leg.entry_size / short[:-1][held, column]
            fee = float((charged[held, column] * shares).sum())
            leg.borrow += fee
            leg.cash -= fee


def _fill_days(desk: Desk, path: Path) -> None:
    held = np.abs(path.held).sum(axis=1)
    over = np.where(held == 0, 1.0, np.where(path.value > 0, path.value, np.nan))
    gross, net = held / over, path.held.sum(axis=1) / over
    rows = zip(path.value.tolist(), gross.tolist(), net.tolist(), strict=True)
    desk.days += [Day(*row) for row in rows]
