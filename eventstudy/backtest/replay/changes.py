"""What is done to the future: prices and rows of the calendar, cut off or changed.

Nothing that could be known at the close of the cut is touched: every bar up to it, every
event whose session 0 has come, and of the others the row but for its content where
`known_on` says that the date was public.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.market import has_bar
from eventstudy.events.event import Event
from eventstudy.prices.table import FIELDS, PriceTable

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

PAYING = 0.05
"""Share of later sessions that pay a dividend once they are changed."""


def cut_table(table: PriceTable, row: int) -> PriceTable:
    """Return the table up to row `row`, included; copies, so that nothing hangs behind.

    Where a ticker pauses on the row and trades again later, one more row holds a flat bar of
    it: a broker books a halt and the end of a listing differently, and which of the two it
    is stands in the news of the day rather than in prices.
    """
    kept: dict[str, Any] = {name: getattr(table, name)[: row + 1].copy() for name in FIELDS}
    bars = has_bar(table)
    paused = ~bars[row] & bars[:row].any(axis=0) & bars[row + 1 :].any(axis=0)
    if not paused.any():
        return replace(table, dates=table.dates[: row + 1].copy(), **kept)
    flat = np.where(paused, _anchor(table, row), np.nan)
    extra = dict.fromkeys(("open", "high", "low", "close"), flat)
    extra["dividends"] = 0.0 * table.dividends[row]
    for name in FIELDS:
        kept[name] = np.vstack([kept[name], extra.get(name, np.full(len(flat), np.nan))])
    return replace(table, dates=table.dates[: row + 2].copy(), **kept)


def changed_table(table: PriceTable, row: int, rng: np.random.Generator) -> PriceTable:
    """Return the table with every bar after row `row` changed; dates and holes stay.

    A later close is mirrored about the ticker's last close up to the row: what rose falls
    and what fell rises, by a random multiple of the logarithm plus 2% to 20%, so that any
    sign, order or size read off the future is another one. Opens are mirrored about their
    closes in the same way; highs and lows embrace both. Volumes, adjusted closes and
    dividends are drawn anew.

    Parameters
    ----------
    table : PriceTable
        On the sessions of a run.
    row : int
    rng : numpy.random.Generator
    """
    start = row + 1
    later = {name: getattr(table, name)[start:] for name in FIELDS}
    close = _mirrored(later["close"], _anchor(table, row), rng, (0.02, 0.2))
    opened = _mirrored(later["open"], later["close"], rng, (0.001, 0.02), about=close)
    wide = 1.0 + rng.uniform(0.0, 0.03, (2, *close.shape))
    adjusted = later["adj_close"] * np.exp(rng.normal(0.0, 0.05, close.shape))
    fresh = {
        "open": opened,
        "high": np.fmax(opened, close) * wide[0] + 0.0 * later["high"],
        "low": np.fmin(opened, close) / wide[1] + 0.0 * later["low"],
        "close": close,
        "adj_close": adjusted * np.where(np.isfinite(close), close / later["close"], 1.0),
        "volume": later["volume"] * np.exp(rng.normal(0.0, 1.0, close.shape)),
        "dividends": _dividends(later["dividends"], close, rng),
    }
    joined: dict[str, Any] = {
        name: np.vstack([getattr(table, name)[:start], fresh[name]]) for name in FIELDS
    }
    return replace(table, **joined)


def _anchor(table: PriceTable, row: int) -> Floats:
    """Return each ticker's last close up to a row, shape (N,); else its first one after."""
    close = table.close
    found = np.full(close.shape[1], np.nan)
    for rows in (close[row + 1 :][::-1], close[: row + 1]):
        for values in rows:
            found = np.where(np.isfinite(values), values, found)
    return found


def _mirrored(
    values: Floats,
    level: Floats,
    rng: np.random.Generator,
    more: tuple[float, float],
    about: Floats | None = None,
) -> Floats:
    """Return `values` mirrored in logarithms: above `level` becomes below `about`.

    `about` is `level` where it is not given. NaN stays NaN; prices come out positive.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        move = np.log(values / level)
    move = np.where(np.isfinite(move), move, 0.0)
    coin = rng.choice((-1.0, 1.0), values.shape)
    side = np.where(move == 0.0, coin, np.sign(move))
    size = rng.uniform(0.5, 2.0, values.shape) * np.abs(move) + rng.uniform(*more, values.shape)
    base = np.abs(level if about is None else about)
    return np.asarray(base * np.exp(-side * size) + 0.0 * values)


def _dividends(stated: Floats, close: Floats, rng: np.random.Generator) -> Floats:
    paid = np.nan_to_num(close) * rng.uniform(0.001, 0.03, close.shape)
    drawn = np.where(rng.random(close.shape) < PAYING, paid, 0.0)
    return np.where(np.isfinite(stated), drawn, np.nan)


def changed_rates(rates: Floats, row: int, rng: np.random.Generator) -> Floats:
    """Return rates on cash, shape (S,), drawn anew after a row."""
    later = rng.uniform(0.0, 4e-4, len(rates) - row - 1)
    return np.concatenate([rates[: row + 1], later])


def is_past(event: Event, day: np.datetime64) -> bool:
    """Return whether the content of an event is known at the close of a session."""
    return bool(event.session_0("next") <= day)


def is_dated(event: Event, day: np.datetime64) -> bool:
    """Return whether at least the date of an event is public by a session."""
    return event.known_on is not None and bool(np.datetime64(event.known_on, "D") <= day)


def cut_calendar(events: Sequence[Event], day: np.datetime64) -> list[Event]:
    """Return the calendar as it could be written at the close of a session."""
    past = (event if is_past(event, day) else _without_content(event) for event in events)
    return [event for event in past if is_past(event, day) or is_dated(event, day)]


def _without_content(event: Event) -> Event:
    return replace(event, expects={}, title="", source="", confidence="", note="")


def changed_calendar(
    events: Sequence[Event],
    day: np.datetime64,
    days: Days,
    tickers: Sequence[str],
    rng: np.random.Generator,
) -> list[Event]:
    """Return the calendar with all that lies after a session changed.

    An event whose date is public keeps its row and loses its content or gets the contrary
    one. Of the others a quarter is dropped; the rest moves to another later session, with
    other tickers, another subject and kind, contrary content, and `known_on` taken away or
    put later.

    Parameters
    ----------
    events : sequence of Event
    day : datetime64[D]
    days : ndarray, shape (S,)
        Sessions of the run.
    tickers : sequence of str
        Those with prices.
    rng : numpy.random.Generator
    """
    ahead = days[days > day]
    found = []
    for event in events:
        if is_past(event, day):
            found.append(event)
        elif is_dated(event, day):
            found.append(contrary(event, tickers, rng))
        elif len(ahead) and rng.random() >= 0.25:
            found.append(elsewhere(event, ahead, tickers, rng))
    return found


def contrary(event: Event, tickers: Sequence[str], rng: np.random.Generator) -> Event:
    """Return an event of which the date is public, with no content or the contrary one."""
    return replace(_without_content(event), expects=_signs(event, tickers, rng))


def _signs(event: Event, tickers: Sequence[str], rng: np.random.Generator) -> dict[str, int]:
    if not event.expects:
        return {str(rng.choice(tickers)): int(rng.choice((-1, 1)))}
    return {} if rng.random() < 0.25 else {name: -sign for name, sign in event.expects.items()}


def elsewhere(event: Event, ahead: Days, tickers: Sequence[str], rng: np.random.Generator) -> Event:
    """Return an event of which nothing is known: on one of the days `ahead`, all changed."""
    to = np.datetime64(rng.choice(ahead), "D")
    known: date | None = None
    if rng.random() < 0.5:
        known = np.datetime64(rng.choice(ahead), "D").item()
    named = rng.choice(tickers, size=int(rng.integers(1, min(4, len(tickers)) + 1)), replace=False)
    return replace(
        _without_content(event),
        date=to.item(),
        same=to,
        next=to,
        ambiguous=False,
        known_on=known,
        kind=f"not {event.kind}",
        subject=str(rng.choice(tickers)),
        tickers=tuple(str(name) for name in named),
        expects=_signs(event, tickers, rng),
    )
