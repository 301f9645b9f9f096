"""The price table: what every source returns and what study and backtest read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.errors import UnknownNameError

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

FIELDS = ("open", "high", "low", "close", "adj_close", "volume", "dividends")
LONGEST_GAP = 10
SMALLEST_DIVIDEND = 0.005
TICKERS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class PriceWarning:
    """A doubt about one ticker's prices.

    Attributes
    ----------
    ticker : str
    check : str
        ``gap``, ``split``, ``stale``, ``off_calendar``, ``zero_volume`` ...
    date : str or None
        First date concerned, ISO.
    detail : str
        What was found, for a reader.
    """

    ticker: str
    check: str
    date: str | None
    detail: str


class ByTicker:
    """Arrays with one column a ticker: where each stands."""

    tickers: tuple[str, ...]

    def column(self, ticker: str) -> int:
        """Return the column of a ticker.

        Raises
        ------
        UnknownNameError
            Where the table does not hold it.
        """
        try:
            return self._columns[ticker]
        except KeyError:
            raise UnknownNameError("ticker", ticker, self.tickers) from None

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {ticker: i for i, ticker in enumerate(self.tickers)}

    def __contains__(self, ticker: object) -> bool:
        return ticker in self._columns


@dataclass(frozen=True, eq=False)
class PriceTable(ByTicker):
    """Daily bars of several tickers on one list of dates.

    Prices are in the listing's currency, adjusted for splits and not for dividends, except
    `adj_close`, which is adjusted for both and good for returns only. NaN stands where a
    ticker has no bar, or where its source does not give the field at all.

    Attributes
    ----------
    tickers : tuple of str, length N
    dates : ndarray, shape (S,), datetime64[D], ascending, unique, tz-naive
    open, high, low, close, adj_close : ndarray, shape (S, N)
    volume : ndarray, shape (S, N), shares
    dividends : ndarray, shape (S, N), cash per share on the ex-date
        A column of NaN says that the source does not state dividends; see `cash_dividends`.
    source : str
        ``sample``, ``yahoo``, a folder's name or ``frame``.
    origin : mapping of str to str
        By ticker, where the figures came from: file name, time of download.
    warnings : tuple of PriceWarning
    missing : mapping of str to str
        Tickers asked for and not found, and why.
    """

    tickers: tuple[str, ...]
    dates: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    adj_close: Floats
    volume: Floats
    dividends: Floats
    source: str
    # Plain dicts: a mapping proxy cannot be pickled, and workers are sent tables.
    origin: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[PriceWarning, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        span = f"{self.dates[0]} to {self.dates[-1]}" if len(self.dates) else "no dates"
        names = ", ".join(self.tickers[:8]) + (", ..." if len(self.tickers) > 8 else "")
        return f"<PriceTable {self.source}: {names}; {len(self.dates)} dates, {span}>"

    def dates_of(self, ticker: str) -> Days:
        """Return the dates on which a ticker has a price."""
        i = self.column(ticker)
        priced = np.isfinite(self.close[:, i]) | np.isfinite(self.adj_close[:, i])
        return self.dates[priced]

    @cached_property
    def returns(self) -> Floats:
        """Simple total returns per session, shape (S, N); see `total_returns`."""
        return total_returns(self.close, self.adj_close, self.dividends)

    @cached_property
    def cash_dividends(self) -> Floats:
        """Cash dividends per share, shape (S, N), zero where none was paid.

        Stated dividends where the source has them; otherwise read off the ratio of adjusted
        to plain closes, amounts under half a cent ignored as rounding.
        """
        implied = implied_dividends(self.close, self.adj_close)
        stated = np.isfinite(self.dividends).any(axis=0)
        return np.nan_to_num(np.where(stated, self.dividends, implied), nan=0.0)

    def on_sessions(self, days: Days) -> PriceTable:
        """Return the table on these sessions: NaN where a ticker has no bar.

        Bars on other dates are left out; their dividends move to the next session.
        """
        days = np.asarray(days, dtype="datetime64[D]")
        at = np.searchsorted(self.dates, days)
        hit = np.zeros(len(days), dtype=bool)
        inside = at < len(self.dates)
        hit[inside] = self.dates[at[inside]] == days[inside]
        moved: dict[str, Any] = {
            name: _gather(getattr(self, name), at, hit) for name in FIELDS if name != "dividends"
        }
        return replace(self, dates=days, dividends=_carry(self, days), **moved)

    def returns_on(self, days: Days) -> Floats:
        """Return ``on_sessions(days).returns``, shape (S, N), without the rest of the table.

        A few tickers are worked on at a time, so that a large table is not held twice.
        """
        days = np.asarray(days, dtype="datetime64[D]")
        same = len(days) == len(self.dates) and bool((days == self.dates).all())
        if same and "returns" in self.__dict__:  # asked for before
            return self.returns.copy()
        found = np.empty((len(days), len(self.tickers)))
        fields = ("close", "adj_close", "dividends")
        for start in range(0, len(self.tickers), TICKERS_AT_ONCE):
            part = slice(start, start + TICKERS_AT_ONCE)
            blank = np.empty((len(self.dates), 0))
            held: dict[str, Any] = {name: getattr(self, name)[:, part] for name in fields}
            few = replace(
                self, tickers=self.tickers[part], open=blank, high=blank, low=blank,
                volume=blank, warnings=(), origin={}, missing={}, **held,
            )  # fmt: skip
            found[:, part] = (few if same else few.on_sessions(days)).returns
        return found

    def select(self, tickers: Iterable[str]) -> PriceTable:
        """Return the table of these tickers only, in this order."""
        names = tuple(tickers)
        take = [self.column(t) for t in names]
        taken: dict[str, Any] = {
            name: np.ascontiguousarray(getattr(self, name)[:, take]) for name in FIELDS
        }
        return replace(
            self,
            tickers=names,
            origin={t: self.origin[t] for t in names if t in self.origin},
            warnings=tuple(w for w in self.warnings if w.ticker in names),
            **taken,
        )

    def digest(self, ticker: str) -> str:
        """Return the SHA-256 of a ticker's dated figures, in hexadecimal."""
        i = self.column(ticker)
        rows = np.column_stack([getattr(self, name)[:, i] for name in FIELDS])
        paid = rows[:, FIELDS.index("dividends")] > 0
        kept = np.isfinite(rows[:, : FIELDS.index("dividends")]).any(axis=1) | paid
        # One NaN and one zero, so that equal figures have equal bytes.
        rows = np.where(np.isnan(rows), np.nan, rows) + 0.0
        seal = hashlib.sha256(self.dates[kept].astype("datetime64[D]").astype("<i8").tobytes())
        seal.update(np.ascontiguousarray(rows[kept], dtype="<f8").tobytes())
        return seal.hexdigest()


def total_returns(close: Floats, adj_close: Floats, dividends: Floats) -> Floats:
    """Return simple total returns between consecutive prices of each ticker.

    ``adj[t] / adj[t-1] - 1`` where adjusted closes exist, otherwise
    ``(P[t] + D[t]) / P[t-1] - 1``. Where prices are missing in between, the whole return
    since the last price stands on the session of the next price, as CRSP does, for gaps of
    up to ten sessions; after longer gaps it is NaN.

    Parameters
    ----------
    close, adj_close : ndarray, shape (S, N)
        NaN where there is no price.
    dividends : ndarray, shape (S, N)
        NaN counts as none.

    Returns
    -------
    ndarray, shape (S, N)
        NaN in the first row and where there is no price.
    """
    # Both are measured from the last row with any price, so that neither spans a return twice.
    any_price = np.where(np.isfinite(adj_close), adj_close, close)
    last = _last_priced(any_price)
    by_adjusted = _since_last(adj_close, np.zeros_like(adj_close), last)
    by_close = _since_last(close, np.nan_to_num(dividends, nan=0.0), last)
    return np.where(np.isfinite(by_adjusted), by_adjusted, by_close)


def _last_priced(price: Floats) -> npt.NDArray[np.intp]:
    """Return the row of the last price before each row, shape (S, N), -1 where none."""
    rows = np.arange(len(price))[:, None]
    seen = np.maximum.accumulate(np.where(np.isfinite(price), rows, -1), axis=0)
    return np.vstack([np.full((1, price.shape[1]), -1), seen])[: len(price)]


def _since_last(price: Floats, dividends: Floats, last: npt.NDArray[np.intp]) -> Floats:
    """Return (P + dividends since row `last`) / price at row `last` - 1."""
    if not len(price):
        return np.full(price.shape, np.nan)
    rows = np.arange(len(price))[:, None]
    known = (last >= 0) & (rows - last <= LONGEST_GAP)
    at = np.where(known, last, 0)
    previous = np.take_along_axis(price, at, axis=0)
    paid = np.cumsum(dividends, axis=0)
    between = paid - np.take_along_axis(paid, at, axis=0)
    # One session apart, the dividend itself keeps the last digit that a running sum loses.
    between = np.where(rows - last == 1, dividends, between)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, (price + between) / previous - 1.0, np.nan)


def implied_dividends(close: Floats, adj_close: Floats) -> Floats:
    """Return the dividends that adjusted closes imply.

    ``D[t] = close[t-1] (1 - f[t-1] / f[t])`` with ``f = adj_close / close``; under 0.005
    it is rounding and counts as none. Where a price is missing in between, t-1 is the last
    row with both prices: a dividend paid over a hole is not lost.

    Parameters
    ----------
    close, adj_close : ndarray, shape (S, N)

    Returns
    -------
    ndarray, shape (S, N)
        Zero in the first row and where either price is missing.
    """
    if not len(close):
        return np.zeros_like(close)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = adj_close / close
        last = _last_priced(factor)
        at = np.maximum(last, 0)
        kept = np.take_along_axis(factor, at, axis=0) / factor
        found = np.take_along_axis(close, at, axis=0) * (1.0 - kept)
    paid = (last >= 0) & (np.nan_to_num(found) >= SMALLEST_DIVIDEND)
    return np.where(paid, found, 0.0)


def _gather(values: Floats, rows: npt.NDArray[np.intp], hit: npt.NDArray[np.bool_]) -> Floats:
    found = np.full((len(rows), values.shape[1]), np.nan)
    found[hit] = values[rows[hit]]
    return found


def _carry(table: PriceTable, days: Days) -> Floats:
    """Return dividends on `days`, those of other dates moved to the next of the days."""
    stated = np.isfinite(table.dividends).any(axis=0)
    moved = np.zeros((len(days), len(table.tickers)))
    to = np.searchsorted(days, table.dates)
    within = to < len(days)
    if len(days):
        # What was paid before the first of the days belongs to no return between them.
        within &= table.dates >= days[0]
    np.add.at(moved, to[within], np.nan_to_num(table.dividends[within]))
    return np.where(stated, moved, np.nan)
