"""How far a leg or a sleeve went against and for its owner before it was closed.

Everything is worked out after the run from the legs and the prices, for any engine: at each
close that a leg was held over its profit is what the ledger would have said then, costs so
far and dividends included, and the last figure is the profit it was closed with. Excursions
are of closes: what happened within a session is not seen.

References
----------
Sweeney, J. (1997). Maximum Adverse Excursion: Analyzing Price Fluctuations for Trading
Management. Wiley.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.ledger import Leg
from eventstudy.backtest.market import has_bar
from eventstudy.backtest.plan import calendar_gaps
from eventstudy.prices.table import PriceTable

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ProfitPath:
    """Profit by session, in money.

    Attributes
    ----------
    row : int
        Session of the entry.
    profits : ndarray, shape (n,)
        At the close of the entry's session and of each that follows, as long as something is
        held over the close; the last figure is the whole profit, at the session of the exit.
    """

    row: int
    profits: Floats


def profit_path(
    size: float, prices: Floats, commissions: Floats, dividends: Floats, fees: Floats
) -> Floats:
    """Return the profit of a leg at each of its sessions, shape (n,).

    ``size (P_t - P_0) - commission so far + size x dividends so far - fees so far``.

    Parameters
    ----------
    size : float
        Shares, short negative.
    prices : ndarray, shape (n + 1,)
        Paid at entry, then the close of each session held over, then that of the exit.
    commissions : ndarray, shape (2,)
        At entry, and in all.
    dividends, fees : ndarray, shape (n,)
        Per share, and in money, booked before the price of each session.
    """
    paid = np.full(len(fees), commissions[0])
    paid[-1] = commissions[1]
    carried = size * np.cumsum(dividends) - np.cumsum(fees)
    return np.asarray(size * (prices[1:] - prices[0]) - paid + carried)


def leg_paths(legs: Sequence[Leg], table: PriceTable) -> list[ProfitPath]:
    """Return the profit of every leg of a run, session by session.

    Parameters
    ----------
    legs : sequence of Leg
        All legs of one strategy, after its run: legs of one ticker share a borrow fee.
    table : PriceTable
        On the sessions of the run.

    Notes
    -----
    A ticker's borrow fee is charged at one rate over a run, so a session's part of the fee
    that a leg has paid follows from sizes, closes and calendar days.
    """
    by_ticker: dict[str, list[Leg]] = {}
    for leg in legs:
        by_ticker.setdefault(leg.ticker, []).append(leg)
    gaps = calendar_gaps(table.dates).astype(np.float64)
    bars = has_bar(table)
    found: dict[int, ProfitPath] = {}
    for ticker, mine in by_ticker.items():
        column = table.column(ticker)
        closes = carried_closes(table.close[:, column], bars[:, column])
        spans = [rows_held(leg, table) for leg in mine]
        charges = charges_of([leg.entry_size for leg in mine], spans, closes, gaps)
        for leg, span in zip(mine, spans, strict=True):
            path = _path(leg, span, closes, table.cash_dividends[:, column], charges)
            found[id(leg)] = ProfitPath(span[0], path)
    return [found[id(leg)] for leg in legs]


def rows_held(leg: Leg, table: PriceTable) -> tuple[int, int]:
    """Return the sessions of a leg's entry and exit as rows."""
    first, last = np.searchsorted(table.dates, np.array([leg.entry_date, leg.exit_date]))
    return int(first), int(last)


def carried_closes(closes: Floats, bars: npt.NDArray[np.bool_]) -> Floats:
    """Return closes of shape (S,), the last one carried over sessions without a bar."""
    last = np.maximum.accumulate(np.where(bars, np.arange(len(bars)), 0))
    return np.asarray(closes[last])


def charges_of(
    sizes: Sequence[float], spans: Sequence[tuple[int, int]], closes: Floats, gaps: Floats
) -> Floats:
    """Return what a borrowed share owes each session, up to the rate, shape (S,).

    The lender is owed for the net short position at the last close; the short legs share
    the fee by size.

    Parameters
    ----------
    sizes : sequence of float
        Of the legs of one ticker.
    spans : sequence of (int, int)
        Their rows of entry and exit.
    closes : ndarray, shape (S,)
    gaps : ndarray, shape (S,)
        Calendar days since the session before.
    """
    net, short = np.zeros(len(closes)), np.zeros(len(closes))
    for size, (first, last) in zip(sizes, spans, strict=True):
        net[first:last] += size
        short[first:last] += min(size, 0.0)
    charges = np.zeros(len(closes))
    some = np.flatnonzero(short[:-1] < 0)
    owed = np.maximum(-net[some], 0.0) / -short[some]
    charges[some + 1] = owed * closes[some] * gaps[some + 1]
    return charges


def _path(
    leg: Leg, span: tuple[int, int], closes: Floats, dividends: Floats, charges: Floats
) -> Floats:
    """Return a leg's profits; nothing is paid or received on the session of its entry."""
    first, last = span
    after = slice(first + 1, last + 1)
    received, fees = np.zeros(last - first + 1), np.zeros(last - first + 1)
    received[1:] = dividends[after]
    if leg.entry_size < 0:
        fees[1:] = charges[after]
        owed = fees.sum()
        fees *= leg.borrow / owed if owed else 0.0
    prices = np.array([leg.entry_price, *closes[first:last], leg.exit_price])
    commissions = np.array([leg.entry_commission, leg.commission])
    return profit_path(leg.entry_size, prices, commissions, received, fees)


def sleeve_path(paths: Sequence[ProfitPath]) -> Floats:
    """Return the profit of legs together, from the first entry to the last exit.

    Parameters
    ----------
    paths : sequence of ProfitPath
        A leg counts nothing before its entry, and what it was closed with after its exit.
    """
    first = min(path.row for path in paths)
    last = max(path.row + len(path.profits) for path in paths)
    whole = np.zeros(last - first)
    for path in paths:
        start = path.row - first
        end = start + len(path.profits)
        whole[start:end] += path.profits
        whole[end:] += path.profits[-1]
    return whole


def excursion(profits: Floats, staked: float) -> tuple[float, float]:
    """Return the maximum adverse and favourable excursion as fractions of the stake.

    ``min(0, lowest profit) / staked`` and ``max(0, highest profit) / staked``: before the
    first close the profit is zero, so the first is never above it and the second never below.

    Parameters
    ----------
    profits : ndarray, shape (n,)
    staked : float
        What was paid for the legs at entry, all taken positive.
    """
    return min(0.0, float(profits.min())) / staked, max(0.0, float(profits.max())) / staked
