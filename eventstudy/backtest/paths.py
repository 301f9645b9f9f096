"""The account's path from a list of legs: whole arrays at once, no session loop.

What Cerebro does one bar after another is arithmetic on positions where every leg is known
beforehand: a market entry and an exit by time, both at an open or both at a close. The
formulas of costs are those of `eventstudy.backtest.costs`; the equality of the two engines
is a test of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.costs import BP, Costs, cash_interest
from eventstudy.backtest.limits import Limits
from eventstudy.backtest.market import has_bar
from eventstudy.backtest.plan import calendar_gaps
from eventstudy.prices.table import PriceTable

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stack:
    """Prices stacked for the engine: zero where a ticker has no bar.

    Attributes
    ----------
    open, close : ndarray, shape (S, N)
    dividends : ndarray, shape (S, N)
        Cash per share on the ex-date.
    bars : ndarray of bool, shape (S, N)
    gaps : ndarray of int, shape (S,)
        Calendar days since the session before; zero in the first row.
    rates : ndarray, shape (S,)
        Return on cash per session; zero in the first row.
    """

    open: Floats
    close: Floats
    dividends: Floats
    bars: npt.NDArray[np.bool_]
    gaps: Ints
    rates: Floats

    @cached_property
    def whole(self) -> npt.NDArray[np.bool_]:
        """Which tickers have a bar on every session, shape (N,)."""
        return np.asarray(self.bars.all(axis=0))

    @cached_property
    def pays_dividends(self) -> bool:
        """Whether any ticker pays on any session."""
        return bool(self.dividends.any())

    @cached_property
    def pays_interest(self) -> bool:
        """Whether any session has a rate."""
        return bool(self.rates.any())


def stacked(table: PriceTable, first: int, rates: Floats) -> Stack:
    """Return the prices of the sessions from row `first` on.

    Parameters
    ----------
    table : PriceTable
    first : int
    rates : ndarray, shape (S,)
        Return on cash for each session of the table.
    """
    bars = has_bar(table)[first:]
    return Stack(
        open=np.where(bars, table.open[first:], 0.0),
        close=np.where(bars, table.close[first:], 0.0),
        dividends=np.ascontiguousarray(table.cash_dividends[first:]),
        bars=bars,
        gaps=calendar_gaps(table.dates[first:]),
        rates=np.concatenate([np.zeros(1), rates[first + 1 :]]),
    )


@dataclass(frozen=True, eq=False)
class Legs:
    """Legs to be traded, each array of shape (L,).

    Attributes
    ----------
    column : ndarray of int
        Of the ticker.
    size : ndarray
        Signed shares.
    entry, exit : ndarray of int
        Rows of the stack. An exit beyond the last row leaves the leg open.
    """

    column: Ints
    size: Floats
    entry: Ints
    exit: Ints


@dataclass(frozen=True, eq=False)
class Path:
    """The account over all sessions of a stack.

    Attributes
    ----------
    value : ndarray, shape (S,)
        At the closes.
    cash : ndarray, shape (S,)
    held : ndarray, shape (S, N)
        Signed market values at the closes.
    shares : ndarray, shape (S, N)
        Net positions after the session.
    short : ndarray, shape (S,)
        Market value of all short positions at the closes, positive.
    interest : ndarray, shape (S,)
    bought, sold : ndarray, shape (L,)
        Price of each leg at entry and at exit, spread included; NaN for an exit that never
        comes.
    """

    value: Floats
    cash: Floats
    held: Floats
    shares: Floats
    short: Floats
    interest: Floats
    bought: Floats
    sold: Floats


def account_path(
    stack: Stack, legs: Legs, costs: Costs, fees: Floats, capital: float, fill: str
) -> Path:
    """Return the account's path: what Cerebro would give, without its loop.

    Parameters
    ----------
    stack : Stack
    legs : Legs
        Each with a bar of its ticker on every session from entry to exit.
    costs : Costs
    fees : ndarray, shape (N,)
        Borrow fee of each ticker, basis points a year.
    capital : float
        Initial cash.
    fill : str
        ``open`` or ``close``.
    """
    sessions, tickers = stack.close.shape
    quotes = stack.open if fill == "open" else stack.close
    crossed = np.where(legs.size > 0, costs.half_spread_bp * BP, -costs.half_spread_bp * BP)
    charged = np.abs(legs.size) * (costs.commission_bp * BP)
    bought = quotes[legs.entry, legs.column] * (1 + crossed)
    leaves = np.flatnonzero(legs.exit < sessions)
    out = legs.exit[leaves]
    sold = np.full(len(legs.size), np.nan)
    sold[leaves] = quotes[out, legs.column[leaves]] * (1 - crossed[leaves])
    spent = (legs.size + charged) * bought
    gained = ((legs.size - charged) * sold)[leaves]
    shares = _positions(legs, sessions, tickers)
    held = shares * stack.close
    short, ones = np.minimum(held, 0.0), np.ones(tickers)
    owed = short @ ones
    flows = _sums(out, gained, sessions) - _sums(legs.entry, spent, sessions)
    if stack.pays_dividends:
        flows[1:] += np.einsum("sn,sn->s", shares[:-1], stack.dividends[1:])
    flows[1:] += (short @ fees)[:-1] * (stack.gaps[1:] * (BP / costs.day_count))
    cash = capital + flows.cumsum()
    interest = np.zeros(sessions)
    if stack.pays_interest or (cash[:-1] < -owed[:-1]).any():
        interest = _interest(stack, flows, -owed[:-1], costs, capital)
        cash = cash + interest.cumsum()
    value = cash + held @ ones
    return Path(value, cash, held, shares, -owed, interest, bought, sold)


def _positions(legs: Legs, sessions: int, tickers: int) -> Floats:
    """Return net shares after each session, shape (S, N): exactly zero where no leg is held."""
    held = np.minimum(legs.exit, sessions) - legs.entry
    before = held.cumsum() - held
    starts = (legs.entry - before) * tickers + legs.column
    cells = np.arange(int(held.sum())) * tickers + starts.repeat(held)
    return _sums(cells, legs.size.repeat(held), sessions * tickers).reshape(sessions, tickers)


def _sums(cells: Ints, values: Floats, count: int) -> Floats:
    """Return the sum of values by cell, shape (count,); numpy counts where there is none."""
    return np.bincount(cells, values, count).astype(np.float64, copy=False)


def _interest(stack: Stack, flows: Floats, owed: Floats, costs: Costs, capital: float) -> Floats:
    """Return the interest of each session: it feeds on itself, so sessions come in turn."""
    earned = [0.0]
    cash = capital + float(flows[0])
    days, rates = stack.gaps.tolist(), stack.rates.tolist()
    for row, (flow, short) in enumerate(zip(flows[1:].tolist(), owed.tolist(), strict=True), 1):
        earned.append(cash_interest(cash, short, rates[row], days[row], costs))
        cash += flow + earned[-1]
    return np.array(earned)


def surely_within(stack: Stack, legs: Legs, path: Path, limits: Limits, fill: str) -> bool:
    """Return whether no limit can bind when a leg is opened; False means: look closer.

    Un-netted values bound gross, net and single-name exposure from above, equity after all
    fills of a session bounds equity before them from below.

    Parameters
    ----------
    stack : Stack
    legs : Legs
    path : Path
    limits : Limits
    fill : str
    """
    rows = np.flatnonzero(np.bincount(legs.entry))
    quotes = (stack.open if fill == "open" else stack.close)[rows]
    column = rows[:, None]
    alive = (legs.entry <= column) & (column < legs.exit)
    worth = np.abs(legs.size) * quotes[:, legs.column]
    most = np.einsum("rl,rl->r", alive, worth)
    equity = path.cash[rows] + np.einsum("rn,rn->r", path.shares[rows], quotes)
    allowed = min(limits.gross, limits.net, limits.single)
    if limits.initial:
        allowed = min(allowed, 1.0 / limits.initial)
    # Each of these sessions opens a leg, so `most` is above zero: equity has to be as well.
    if not (most <= allowed * equity).all():
        return False
    if not limits.cash:
        return True
    sales = _sums(legs.entry, np.maximum(-legs.size, 0.0) * path.bought, len(stack.gaps))
    return bool((path.cash[rows] >= sales[rows]).all())


def keeps_margin(path: Path, limits: Limits) -> bool:
    """Return whether equity covers the maintenance margin at every close."""
    long = path.value - path.cash + path.short
    needed = limits.maintenance_long * long + limits.maintenance_short * path.short
    return bool((path.value >= needed).all())
