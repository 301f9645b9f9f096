"""Checks of prices: errors that make them unfit for use, doubts that a reader should see.

Every function is pure and looks at a `PriceTable`; none changes a price.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.errors import EventStudyError, UnknownNameError
from eventstudy.prices.bars import date_faults
from eventstudy.prices.cells import LARGEST, LEAST_PRICE, beyond
from eventstudy.prices.table import FIELDS, Days, Floats, PriceTable, PriceWarning

if TYPE_CHECKING:
    import pandas as pd

PRICES = ("open", "high", "low", "close", "adj_close")

# A forgotten split moves the price overnight by exactly its ratio times an ordinary return.
# For ratios of two and more, three per cent around the ratio holds nine ordinary nights of
# ten and almost no news: falls by half in a night are rare, and a rise of 24% or a fall of
# 17% lies far outside. A fall by a third is ordinary earnings news, so 3:2 must fit to one
# per cent at the open and at the close, and is not looked for without opens.
SPLIT_RATIOS = (2.0, 3.0, 4.0, 5.0, 7.0, 8.0, 10.0, 15.0, 20.0)
SPLIT_NIGHT = 0.03
SPLIT_DAY = 0.10
SMALL_RATIO, SMALL_RATIO_FIT = 1.5, 0.01

STALE_RUN = 5
# Vendors round to cents, and float32 keeps seven digits.
ROUNDING, RELATIVE_ROUNDING = 0.005, 1e-4


TURNED = 32


@dataclass(frozen=True, eq=False)
class _Series:
    """One ticker's rows that have a price; arrays of shape (T,), NaN where not given."""

    ticker: str
    dates: Days
    fields: dict[str, Floats]

    @property
    def price(self) -> Floats:
        """Close, or the adjusted close where the source has no close."""
        close = self.fields["close"]
        return close if np.isfinite(close).any() else self.fields["adj_close"]

    def gives(self, name: str) -> bool:
        """Return whether the source gives a field at all."""
        return bool(np.isfinite(self.fields[name]).any())

    def doubt(self, check: str, rows: npt.NDArray[np.intp], what: str) -> PriceWarning:
        """Return one warning for all these rows, dated by the first."""
        first = str(self.dates[rows[0]])
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        return PriceWarning(self.ticker, check, first, f"{what} on {first}{more}")


def _series(table: PriceTable) -> Iterator[_Series]:
    # Tickers lie side by side in memory: some at a time are turned, which is read in order.
    for begin in range(0, len(table.tickers), TURNED):
        block = slice(begin, begin + TURNED)
        turned = {n: np.ascontiguousarray(getattr(table, n)[:, block].T) for n in FIELDS}
        for i, ticker in enumerate(table.tickers[block]):
            kept = np.isfinite(turned["close"][i]) | np.isfinite(turned["adj_close"][i])
            fields = {name: values[i][kept] for name, values in turned.items()}
            yield _Series(ticker, table.dates[kept], fields)


def structure_errors(table: PriceTable) -> tuple[str, ...]:
    """Return what is wrong with the shape of a table: dates, tickers, array shapes.

    A table that a source of the user's own returns is held to the same as ours.
    """
    dates = np.asarray(table.dates)
    if dates.dtype.kind != "M" or dates.ndim != 1:
        return (f"dates must be a vector of datetime64[D], not {dates.dtype}, {dates.ndim}-d",)
    if not len(dates) or not table.tickers:
        return ("the table is empty",)
    found = date_faults(dates)
    twice = sorted(t for t, count in Counter(table.tickers).items() if count > 1)
    if twice:
        found.append(f"tickers stand twice: {', '.join(twice)}")
    shape = (len(dates), len(table.tickers))
    found += [
        f"{name} has shape {getattr(table, name).shape}, not {shape}"
        for name in FIELDS
        if getattr(table, name).shape != shape
    ]
    return tuple(found)


def price_errors(table: PriceTable) -> tuple[PriceWarning, ...]:
    """Return prices that no study may use, with the first date and the count of each kind.

    Prices that are not above zero, figures that are not finite or beyond any range, negative
    volumes and
    dividends, and tickers without any price.
    """
    found = []
    suspect = {name: _suspect(getattr(table, name), name) for name in FIELDS}
    empty = np.isnan(table.close).all(axis=0) & np.isnan(table.adj_close).all(axis=0)
    doubtful = np.any([empty, *suspect.values()], axis=0)
    for i in np.flatnonzero(doubtful).tolist():
        ticker = table.tickers[i]
        if not len(table.dates_of(ticker)):
            found.append(PriceWarning(ticker, "empty", None, "no price on any date"))
        for name in FIELDS:
            if suspect[name][i]:
                found += _column_errors(ticker, name, getattr(table, name)[:, i], table.dates)
    return tuple(found)


def _suspect(values: Floats, name: str) -> npt.NDArray[np.bool_]:
    """Return the columns with a figure that cannot be, shape (N,)."""
    least = np.fmin.reduce(values, axis=0, initial=np.inf)
    most = np.fmax.reduce(values, axis=0, initial=-np.inf)
    price = name in PRICES
    low = (least < LEAST_PRICE) if price else (least < 0)
    return np.asarray(low | (most > LARGEST))


def _column_errors(ticker: str, name: str, values: Floats, dates: Days) -> Iterator[PriceWarning]:
    price = name in PRICES
    bad = {
        "infinite": np.isinf(values),
        "non_positive" if price else "negative": (values <= 0 if price else values < 0)
        & np.isfinite(values),
        "out_of_range": beyond(values, price) & np.isfinite(values) & (values > 0),
    }
    for check, rows in bad.items():
        if rows.any():
            at = int(np.argmax(rows))
            more = f" (and {int(rows.sum()) - 1} more)" if rows.sum() > 1 else ""
            detail = f"{name} is {values[at]:g} on {dates[at]}{more}"
            yield PriceWarning(ticker, check, str(dates[at]), detail)


def price_warnings(table: PriceTable, sessions: Days | None = None) -> tuple[PriceWarning, ...]:
    """Return doubts about prices that a reader should see.

    Parameters
    ----------
    table : PriceTable
    sessions : ndarray of datetime64[D] or None
        The exchange's sessions over the table's span; None leaves out the two checks
        against it (``gap``, ``off_calendar``).

    Returns
    -------
    tuple of PriceWarning
        ``range``: high below low, open or close outside them; ``split``: a move that looks
        like a forgotten split; ``stale``: a price repeated without trading; ``adjustment``:
        adjusted closes that take back a dividend; ``partial``: a field given on some dates
        only; ``gap`` and ``off_calendar``.
    """
    checks: tuple[Callable[[_Series], Iterator[PriceWarning]], ...] = (
        _range_doubts,
        _split_doubts,
        _stale_doubts,
        _adjustment_doubts,
        _partial_doubts,
    )
    found: list[PriceWarning] = []
    for series in _series(table):
        if not len(series.dates):
            continue
        for check in checks:
            found += check(series)
        if sessions is not None:
            found += _calendar_doubts(series, sessions)
    return tuple(found)


def _range_doubts(series: _Series) -> Iterator[PriceWarning]:
    high, low = series.fields["high"], series.fields["low"]
    slack = np.maximum(ROUNDING, RELATIVE_ROUNDING * series.price)
    below = np.flatnonzero(high < low - slack)
    if len(below):
        yield series.doubt("range", below, "high is below low")
    for name in ("open", "close"):
        values = series.fields[name]
        outside = np.flatnonzero((values > high + slack) | (values < low - slack))
        if len(outside):
            yield series.doubt("range", outside, f"{name} lies outside low to high")


def _split_doubts(series: _Series) -> Iterator[PriceWarning]:
    for row, ratio in forgotten_splits(
        series.price, series.fields["open"] if series.gives("close") else None
    ):
        before, after = series.price[row - 1], series.price[row]
        cash = series.fields["dividends"][row]
        if np.isfinite(cash) and abs(np.log((after + cash) / before)) < SPLIT_DAY:
            continue  # a stated dividend explains the fall
        text = f"{ratio:g} for 1" if after < before else f"1 for {ratio:g}"
        detail = f"{before:g} to {after:g} in one session: a split {text} not adjusted for?"
        if series.gives("close") and series.gives("adj_close"):
            adjusted = series.fields["adj_close"]
            if abs(np.log(adjusted[row] / adjusted[row - 1])) < SPLIT_DAY:
                detail += " adj_close does not move with it, so closes alone are unadjusted"
        day = str(series.dates[row])
        yield PriceWarning(series.ticker, "split", day, f"{day}: {detail}")


def forgotten_splits(price: Floats, opens: Floats | None) -> list[tuple[int, float]]:
    """Return the moves that look like a split nobody adjusted for.

    Parameters
    ----------
    price : ndarray, shape (T,)
        Closes above zero.
    opens : ndarray, shape (T,), or None
        NaN or None where unknown; the close's own move is judged then.

    Returns
    -------
    list of (int, float)
        Row of the first price after the split, and the ratio, above one.
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        day = np.abs(np.log(price[1:] / price[:-1]))
        night = day if opens is None else np.abs(np.log(opens[1:] / price[:-1]))
    known = np.isfinite(night)
    if opens is None:
        known[:] = False
    night = np.where(known, night, day)
    if not (night >= np.log(SMALL_RATIO) - SMALL_RATIO_FIT).any():
        return []
    same_way = np.ones(len(day), dtype=bool)
    if opens is not None:
        same_way = ~known | ((opens[1:] < price[:-1]) == (price[1:] < price[:-1]))
    found = []
    for ratio in (*SPLIT_RATIOS, SMALL_RATIO):
        size = np.log(ratio)
        fits = (np.abs(night - size) <= SPLIT_NIGHT) & (np.abs(day - size) <= SPLIT_DAY)
        if ratio == SMALL_RATIO:
            near = np.maximum(np.abs(night - size), np.abs(day - size)) <= SMALL_RATIO_FIT
            fits = near & known
        found += [(int(row) + 1, ratio) for row in np.flatnonzero(fits & same_way)]
    return sorted(found)


def _stale_doubts(series: _Series) -> Iterator[PriceWarning]:
    volume = series.fields["volume"]
    idle = ~(volume > 0)
    same = np.r_[False, series.price[1:] == series.price[:-1]] & idle
    edges = np.flatnonzero(np.diff(np.r_[False, same, False].astype(np.int8)))
    for begin, stop in edges.reshape(-1, 2):
        length = stop - begin + 1  # the price that is repeated counts too
        if length >= STALE_RUN:
            day = str(series.dates[begin - 1])
            detail = f"{series.price[begin]:g} stands {length} times from {day} without volume"
            yield PriceWarning(series.ticker, "stale", day, detail)


def _adjustment_doubts(series: _Series) -> Iterator[PriceWarning]:
    close, adjusted = series.fields["close"], series.fields["adj_close"]
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = adjusted / close
        taken = close[:-1] * (1.0 - factor[:-1] / factor[1:])
    slack = ROUNDING + RELATIVE_ROUNDING * close[:-1]
    rows = np.flatnonzero(np.nan_to_num(taken) < -slack) + 1
    if len(rows):
        yield series.doubt("adjustment", rows, "adj_close falls by more than close")


def _partial_doubts(series: _Series) -> Iterator[PriceWarning]:
    for name in PRICES:
        lacking = np.flatnonzero(~np.isfinite(series.fields[name]))
        if len(lacking) and series.gives(name):
            yield series.doubt("partial", lacking, f"no {name}, though other dates have it,")


def _calendar_doubts(series: _Series, sessions: Days) -> Iterator[PriceWarning]:
    ends = (
        np.searchsorted(sessions, series.dates[0]),
        np.searchsorted(sessions, series.dates[-1], "right"),
    )
    inside = sessions[slice(*ends)]
    if np.array_equal(inside, series.dates):
        return
    absent = inside[~_among(inside, series.dates)]
    if len(absent):
        detail = f"{len(absent)} sessions without a price, the first {absent[0]}"
        yield PriceWarning(series.ticker, "gap", str(absent[0]), detail)
    rows = np.flatnonzero(~_among(series.dates, sessions))
    if len(rows):
        detail = f"{len(rows)} dates are no session, the first {series.dates[rows[0]]}"
        yield PriceWarning(series.ticker, "off_calendar", str(series.dates[rows[0]]), detail)


def _among(days: Days, known: Days) -> npt.NDArray[np.bool_]:
    """Return which days stand among others; both ascending and unique."""
    at = np.minimum(np.searchsorted(known, days), max(len(known) - 1, 0))
    return known[at] == days if len(known) else np.zeros(len(days), dtype=bool)


def checked(table: PriceTable, calendar: str) -> tuple[PriceWarning, ...]:
    """Return all doubts about a table, those against a calendar included.

    Parameters
    ----------
    table : PriceTable
    calendar : str
        A name of exchange_calendars, or ``prices`` for no check against a calendar.

    Raises
    ------
    UnknownNameError
        Where there is no such calendar.
    """
    if calendar == "prices":
        return price_warnings(table)
    from eventstudy.sessions import exchange_sessions

    first, last = table.dates[0].item(), table.dates[-1].item()
    try:
        sessions = exchange_sessions(calendar, first, last).days
    except UnknownNameError:
        raise
    except EventStudyError as error:
        note = PriceWarning("*", "calendar", None, f"gaps were not looked for: {error}")
        return (*price_warnings(table), note)
    return price_warnings(table, sessions)


def quality_frame(table: PriceTable, *, calendar: str = "XNYS") -> pd.DataFrame:
    """Return every finding on a table as a frame, errors first.

    Load with ``check=False`` to see the errors of a table that would not load.

    Parameters
    ----------
    table : PriceTable
    calendar : str

    Returns
    -------
    DataFrame
        ticker, severity (``error``, ``warning``), check, date, detail.
    """
    import pandas as pd

    findings = [("error", finding) for finding in price_errors(table)]
    doubts = dict.fromkeys((*table.warnings, *checked(table, calendar)))
    findings += [("warning", finding) for finding in doubts]
    rows = [(f.ticker, severity, f.check, f.date, f.detail) for severity, f in findings]
    return pd.DataFrame(rows, columns=["ticker", "severity", "check", "date", "detail"])


def coverage_frame(table: PriceTable, *, calendar: str | None = None) -> pd.DataFrame:
    """Return what a table holds of each ticker, missing ones included.

    Parameters
    ----------
    table : PriceTable
    calendar : str or None
        Gaps are counted against this exchange's sessions; None or ``prices`` counts against
        the table's own dates.

    Returns
    -------
    DataFrame
        ticker, first, last, sessions (dates with a price), fields, gaps, warnings (count),
        sha256, note (why a ticker is missing).
    """
    import pandas as pd

    days = table.dates
    if calendar not in (None, "prices"):
        from eventstudy.sessions import exchange_sessions

        days = exchange_sessions(str(calendar), days[0].item(), days[-1].item()).days
    rows = []
    for series in _series(table):
        own = series.dates
        inside = days[(days >= own[0]) & (days <= own[-1])] if len(own) else days[:0]
        rows.append(
            {
                "ticker": series.ticker,
                "first": str(own[0]) if len(own) else None,
                "last": str(own[-1]) if len(own) else None,
                "sessions": len(own),
                "fields": " ".join(name for name in FIELDS if series.gives(name)),
                "gaps": len(np.setdiff1d(inside, own)),
                "warnings": sum(w.ticker == series.ticker for w in table.warnings),
                "sha256": table.digest(series.ticker),
                "note": table.origin.get(series.ticker, ""),
            }
        )
    absent = {"first": None, "last": None, "sessions": 0, "fields": "", "gaps": 0, "warnings": 0}
    rows += [{"ticker": t, **absent, "sha256": "", "note": why} for t, why in table.missing.items()]
    return pd.DataFrame(rows)
