"""A backtrader feed over numpy arrays: loaded at once, never with a hole in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.market import has_bar
from eventstudy.backtest.stock import bt
from eventstudy.errors import BacktestError
from eventstudy.prices.table import PriceTable

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]
LINES = ("open", "high", "low", "close", "volume", "openinterest")
EPOCH_ORDINAL = 719_163
"""`date.toordinal` of 1970-01-01: backtrader counts days like Python, numpy from 1970."""


class ArrayFeed(bt.feed.DataBase):  # type: ignore[misc]
    """Daily bars from arrays, dated at midnight without a time zone.

    backtrader fills a market order at a NaN price and lets time run backwards without a
    word; the constructor refuses both.

    Parameters
    ----------
    days : ndarray, shape (B,), datetime64[D]
        Ascending, unique.
    bars : mapping of str to ndarray, shape (B,)
        Under ``open, high, low, close, volume``; all but volume finite.
    """

    params = (("days", None), ("bars", None))

    def __init__(self, **_: Any) -> None:
        days = np.asarray(self.p.days, dtype="datetime64[D]")
        _check_days(days, self.p.name)
        self._columns = {
            "datetime": day_numbers(days),
            **{name: _column(self.p.bars, name, len(days), self.p.name) for name in LINES},
        }
        self._row = -1

    def preload(self) -> None:
        """Hand whole arrays to backtrader's lines instead of one value at a time."""
        for name, values in self._columns.items():
            getattr(self.lines, name).array.frombytes(values.tobytes())
        self.home()

    def start(self) -> None:
        """Begin at the first bar."""
        super().start()
        self._row = -1

    def _load(self) -> bool:
        """Load one bar, for a Cerebro that does not preload."""
        self._row += 1
        if self._row >= len(self._columns["datetime"]):
            return False
        for name, values in self._columns.items():
            getattr(self.lines, name)[0] = values[self._row]
        return True

    # A daily bar is never updated: where there are no ticks backtrader reads the bar itself,
    # and copying each bar into ticks is a third of a run.
    def _tick_nullify(self) -> None:
        """Keep no ticks."""

    def _tick_fill(self, force: bool = False) -> None:
        """Keep no ticks."""


def day_numbers(days: Days) -> Floats:
    """Return dates as backtrader counts them: days since the year 1, as floats."""
    return np.asarray(days.astype(np.int64).astype(np.float64) + EPOCH_ORDINAL)


def _check_days(days: Days, name: str) -> None:
    steps = np.diff(days.astype(np.int64))
    if (steps <= 0).any():
        at = int(np.argmax(steps <= 0)) + 1
        what = "appears twice" if steps[at - 1] == 0 else f"comes after {days[at - 1]}"
        raise BacktestError(f"prices of {name}: {days[at]} {what}; dates must ascend")


def _column(bars: Any, name: str, length: int, ticker: str) -> Floats:
    values = np.asarray(bars.get(name, np.zeros(length)), dtype=np.float64)
    if name in ("open", "high", "low", "close") and not np.isfinite(values).all():
        raise BacktestError(f"prices of {ticker}: a bar without a finite {name}")
    return values


def feed_of(table: PriceTable, ticker: str) -> ArrayFeed:
    """Return the feed of one ticker: its bars only, sessions without one left out.

    Where the source gives no high and low, the larger and the smaller of open and close
    stand in for the feed; limits and stops are refused for such a ticker.
    """
    i = table.column(ticker)
    kept = has_bar(table)[:, i]
    opened, closed = table.open[kept, i], table.close[kept, i]
    bars = {
        "open": opened,
        "high": np.fmax(table.high[kept, i], np.maximum(opened, closed)),
        "low": np.fmin(table.low[kept, i], np.minimum(opened, closed)),
        "close": closed,
        "volume": np.nan_to_num(table.volume[kept, i], nan=0.0),
    }
    return ArrayFeed(days=table.dates[kept], bars=bars, name=ticker)


def clock_of(days: Days) -> ArrayFeed:
    """Return a feed with one bar a session: it makes backtrader step through every one."""
    ones = np.ones(len(days))
    return ArrayFeed(
        days=days, bars=dict.fromkeys(("open", "high", "low", "close"), ones), name="sessions"
    )
