"""Decisions: what a strategy wants for one event, as shares, before any engine trades it.

A decision depends on the event and on prices up to its session, never on the account's
past. Both engines, the look-ahead audit and the placebo draws therefore ask here.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from eventstudy.backtest.history import History, StrategyEvent, cut, seen_event
from eventstudy.backtest.liquidity import impact_before, participation_scale
from eventstudy.backtest.market import Market
from eventstudy.backtest.sizing import Sized, find_sizing
from eventstudy.backtest.terms import Terms
from eventstudy.baskets import Baskets
from eventstudy.errors import BacktestError, EventStudyError, did_you_mean
from eventstudy.events.event import Event
from eventstudy.prices.table import PriceTable

_BETWEEN = tuple(str(Path(__file__).with_name(name)) for name in ("alike.py", "recall.py"))
"""Code that stands between a decision and the author's, and is nobody's fault."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """One event with the sessions on which it is acted upon, as rows of the price table.

    Attributes
    ----------
    event : Event
    decision : int
        After this close the strategy decides; the session after it is that of the entry.
    exit : int
        On this session the legs are closed.
    number : int
        Place among the events that are acted upon, from 0.
    """

    event: Event
    decision: int
    exit: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Skip:
    """An event, or one ticker of it, that was not traded, and why."""

    event_id: str
    reason: str
    detail: str
    ticker: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be traded for one event.

    Attributes
    ----------
    weights : mapping of str to float
        By ticker, sized; empty where the event is not traded.
    sizes : mapping of str to float
        Shares, short negative.
    impacts : mapping of str to float
        By what fraction of the price each entry moves it against itself.
    note : str
        What was done to the sizes, for the record of the order.
    skipped : tuple of Skip
    """

    weights: Mapping[str, float]
    sizes: Mapping[str, float]
    impacts: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    skipped: tuple[Skip, ...] = ()


class Author(Protocol):
    """A strategy as decisions see it."""

    def targets(self, event: StrategyEvent, history: History) -> dict[str, float]:
        """Return weights by ticker."""
        ...


@dataclass(slots=True)
class Notebook:
    """Where a strategy writes why it does not trade the event at hand."""

    reason: str = ""


def decide(
    author: Author,
    notebook: Notebook,
    name: str,
    item: Appointment,
    market: Market,
    terms: Terms,
    value: float,
) -> Decision:
    """Ask a strategy about one event and turn its weights into shares.

    Parameters
    ----------
    author : Author
    notebook : Notebook
        The one that the author's ``skip`` writes to.
    name : str
        Of the strategy, for errors.
    item : Appointment
    market : Market
    terms : Terms
    value : float
        The account at the decision's close; used where sizes refer to it.

    Raises
    ------
    BacktestError
        Where the author's code fails or returns something else than weights.
    """
    seen = seen_at(item.event, item.decision, market, item.number)
    return decide_on(author, notebook, name, seen, item.decision, market, terms, value)


def decide_on(
    author: Author,
    notebook: Notebook,
    name: str,
    seen: StrategyEvent,
    row: int,
    market: Market,
    terms: Terms,
    value: float,
) -> Decision:
    """Ask a strategy about an event as it sees it after the close of a row; see `decide`."""
    day, priced = market.table.dates[row], market.priced(row)
    history = cut(market.table, row, market.benchmark)
    notebook.reason = ""
    weights = _asked(author, name, seen, history, market.table)
    if not weights:
        detail = notebook.reason or "targets returned no weights"
        return Decision({}, {}, skipped=(Skip(seen.id, "no_position", detail),))
    sized = _sized(weights, seen, history, terms)
    if isinstance(sized, str):
        return Decision({}, {}, skipped=(Skip(seen.id, "not_sized", sized),))
    weights = dict(sized.weights)
    refused = _refused(seen.id, weights, row, market, terms)
    if refused:
        return Decision({}, {}, skipped=tuple(refused))
    base = terms.gross * (market.capital if terms.size_of == "capital" else value)
    if not base > 0:
        detail = f"sizes refer to equity, which is {value:,.2f}"
        return Decision({}, {}, skipped=(Skip(seen.id, "no_equity", detail),))
    sizes = {t: w * base / market.close(t, row) for t, w in weights.items()}
    scale, note = _participation(sizes, row, market, terms)
    if not scale > 0:
        return Decision({}, {}, skipped=(Skip(seen.id, "no_volume", note),))
    if scale < 1.0:
        sizes = {t: s * scale for t, s in sizes.items()}
    impacts = {t: impact_before(market.table, row, t, s, market.impact) for t, s in sizes.items()}
    thin = _too_thin(seen.id, sizes, impacts, day)
    if thin:
        return Decision({}, {}, skipped=tuple(thin))
    return Decision(
        MappingProxyType(weights),
        MappingProxyType(sizes),
        MappingProxyType(impacts),
        "; ".join(filter(None, (sized.note, note))),
        tuple(_missing_members(seen.id, weights, priced, day, market.baskets)),
    )


def seen_at(event: Event, decision: int, market: Market, number: int) -> StrategyEvent:
    """Return an event as a strategy sees it after the close of a row of the table."""
    tickers, weights = market.resolved(event.tickers), market.available(decision)
    return seen_event(event, tickers, weights, market.table.dates[decision], number)


def _asked(
    author: Author, name: str, seen: StrategyEvent, history: History, table: PriceTable
) -> dict[str, float]:
    """Ask the author's code; its failures are the author's to read."""
    try:
        answer = author.targets(seen, history)
    except (Exception, SystemExit) as error:  # an author's code may raise anything
        where = _line_of(error)
        kind = "" if isinstance(error, EventStudyError) else f"{type(error).__name__}: "
        near = _nearest_attribute(error)
        raise BacktestError(
            f"strategy {name}, event {seen.id}: targets failed{where}: {kind}{error}{near}"
        ) from error
    return _checked(answer, f"strategy {name}, event {seen.id}: targets returned ", table)


def _nearest_attribute(error: BaseException) -> str:
    """Return a hint where the author has misspelt an attribute."""
    if not isinstance(error, AttributeError) or error.name is None:
        return ""
    names = [name for name in dir(error.obj) if not name.startswith("_")]
    return did_you_mean(error.name, names)


def _unpriced(name: str, table: PriceTable | History) -> str:
    """Return what is wrong with a name that a decision weights."""
    if name.startswith("@"):
        return f"which is a basket: event.basket({name!r}) gives its members and their weights"
    near = did_you_mean(name, table.tickers)
    return f"which has no prices{near or '; these have: ' + ', '.join(table.tickers)}"


def _checked(answer: Any, start: str, table: PriceTable | History) -> dict[str, float]:
    """Return the weights that are not zero, all of them finite and of known tickers."""
    if not isinstance(answer, Mapping):
        raise BacktestError(f"{start}{answer!r}: give weights by ticker, or {{}} for no trade")
    faults = []
    for ticker, weight in answer.items():
        number = isinstance(weight, int | float | np.integer | np.floating)
        if not number or isinstance(weight, bool) or not math.isfinite(weight):
            faults.append(f"weight {weight!r} of {ticker}: give a finite number")
        elif ticker not in table:
            faults.append(f"a weight for {ticker!r}, {_unpriced(str(ticker), table)}")
    if faults:
        raise BacktestError(start + "; ".join(faults))
    return {ticker: float(weight) for ticker, weight in answer.items() if weight != 0}


def _sized(
    weights: Mapping[str, float], seen: StrategyEvent, history: History, terms: Terms
) -> Sized | str:
    """Size weights; what another package's sizing returns is checked like an author's."""
    found = find_sizing(terms.sizing)(weights, seen, history, terms.target_volatility)
    if isinstance(found, str):
        return found
    start = f"sizing {terms.sizing}, event {seen.id}: returned "
    if not isinstance(found, Sized):
        raise BacktestError(f"{start}{found!r}: give Sized, or a sentence that says why not")
    kept = _checked(found.weights, start, history)
    return Sized(kept, found.note) if kept else f"{terms.sizing} left no weight"


def _refused(
    event_id: str,
    weights: Mapping[str, float],
    row: int,
    market: Market,
    terms: Terms,
) -> list[Skip]:
    """Return the tickers that cannot be traded as asked; one is enough to skip the event."""
    found = []
    priced, day = market.priced(row), market.table.dates[row]
    for ticker, weight in weights.items():
        column = market.table.column(ticker)
        if not market.opens[row, column]:
            found.append(("study_only", f"{ticker} has no opening prices: study-only", ticker))
        elif ticker not in priced:
            found.append(("no_price", f"no bar of {ticker} on {day}, the decision", ticker))
        elif terms.needs_range and not market.ranges[row, column]:
            detail = f"{ticker} lacks highs and lows: no {terms.needs_range} can be judged"
            found.append(("no_range", detail, ticker))
        elif weight < 0 and not market.shortable.get(ticker, True):
            found.append(("not_shortable", f"{ticker} cannot be borrowed", ticker))
    if terms.limit is not None and len(weights) > 1:
        detail = (
            f"a limit entry with {len(weights)} legs: one may be touched and another not, so "
            "that all or nothing cannot be kept"
        )
        found.append(("limit_group", detail, ""))
    return [Skip(event_id, *what) for what in found]


def _participation(
    sizes: Mapping[str, float], row: int, market: Market, terms: Terms
) -> tuple[float, str]:
    """Return by how much a group is scaled to stay within its share of volume, and a note."""
    if terms.participation is None:
        return 1.0, ""
    scale, ticker = participation_scale(sizes, market.table, row, terms.participation)
    if not scale > 0:
        return 0.0, f"no volume of {ticker} before the decision: participation cannot be judged"
    if scale >= 1.0:
        return 1.0, ""
    share = f"{100 * terms.participation:g}% of the volume of {ticker}"
    return scale, f"scaled to {100 * scale:.1f}% of its size: {share}"


def _too_thin(
    event_id: str, sizes: Mapping[str, float], impacts: Mapping[str, float], day: np.datetime64
) -> list[Skip]:
    """Return the tickers whose market cannot take the order, as far as impact tells."""
    found = []
    for ticker, impact in impacts.items():
        if math.isnan(impact):
            detail = f"too few volumes or closes of {ticker} up to {day} to judge impact"
            found.append(Skip(event_id, "no_volume", detail, ticker))
        elif impact >= 1:
            detail = f"{abs(sizes[ticker]):,.0f} {ticker} would move the price by {impact:.0%}"
            found.append(Skip(event_id, "too_large", detail, ticker))
    return found


def _missing_members(
    event_id: str,
    weights: Mapping[str, float],
    priced: frozenset[str],
    day: np.datetime64,
    baskets: Baskets,
) -> list[Skip]:
    found = []
    for name, members in baskets.items():
        traded = any(ticker in weights for ticker in members)
        for ticker in members:
            if traded and ticker not in priced:
                detail = f"left out of {name}: no bar on {day}"
                found.append(Skip(event_id, "member", detail, ticker))
    return found


def _line_of(error: BaseException) -> str:
    """Return `` (FILE, line N)`` of the author's line that failed."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    reached = [frame.filename for frame in frames if frame.filename not in _BETWEEN]
    if not reached:
        return ""
    own = [frame for frame in frames if frame.filename == reached[0]]
    return f" ({own[-1].filename}, line {own[-1].lineno})"
