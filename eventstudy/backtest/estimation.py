"""What the sessions before an event say: market betas, risk, and how large a reaction is.

Every estimate here rests on the 250 sessions that end 10 sessions before session 0, the
estimation window of the studies. A decision that falls before session 0 does not know its
row: the session after the decision then stands in for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.history import History
from eventstudy.models.linear import LinearFit, fit, forecast
from eventstudy.prices.table import PriceTable

Floats = npt.NDArray[np.float64]
SESSIONS = 250
GAP = 10
MINIMUM = 100
"""Fewest usable returns with which anything is estimated."""
YEAR = 252
"""Sessions of a year."""
CHUNK = 2048
"""Regressions that are laid out at once."""
ONE_BY_ONE = 16
"""Sessions of one ticker whose jumps are computed when asked for; after them all at once."""
Jumps = dict[int, float | None]
_JUMPS: WeakKeyDictionary[PriceTable, dict[tuple[str, str, int, int, int], Jumps]]
_JUMPS = WeakKeyDictionary()
"""Jumps by table of prices: one rests on no row after its session, whoever asks for it."""


def rows_before(
    history: History, session_0: np.datetime64, sessions: int = SESSIONS, gap: int = GAP
) -> slice:
    """Return the rows of the estimation window: the last one is ``gap + 1`` before session 0.

    Parameters
    ----------
    history : History
    session_0 : datetime64[D]
        Of the event.
    sessions, gap : int
        Length of the window, and sessions between its end and session 0.

    Returns
    -------
    slice
    """
    end = max(history.row_of(session_0) - gap, 0)
    return slice(max(end - sessions, 0), end)


def market_betas(
    history: History, tickers: Sequence[str], rows: slice, minimum: int = MINIMUM
) -> Floats:
    """Return betas against the benchmark by ordinary least squares, with an intercept.

    Parameters
    ----------
    history : History
    tickers : sequence of str, length n
    rows : slice
        From `rows_before`.
    minimum : int
        Fewest usable returns.

    Returns
    -------
    ndarray, shape (n,)
        NaN where there are fewer, or where the benchmark stands still.
    """
    fitted = _market_fit(history, tickers, rows, minimum)
    if fitted is None:
        return np.full(len(tickers), np.nan)
    return np.where(fitted.dof + 2 >= minimum, fitted.params[:, 1], np.nan)


def yearly_risk(
    history: History, weights: Mapping[str, float], rows: slice, minimum: int = MINIMUM
) -> float:
    """Return the volatility a year of fixed weights: ``sqrt(252 w'Sw)``.

    S is the sample covariance (ddof 1) of the sessions on which every ticker has a return.

    Returns
    -------
    float
        NaN where fewer than `minimum` sessions are whole.
    """
    returns = np.column_stack([history.returns_of(ticker)[rows] for ticker in weights])
    whole = returns[np.isfinite(returns).all(axis=1)]
    if len(whole) < minimum:
        return math.nan
    w = np.array(list(weights.values()))
    covariance = np.atleast_2d(np.cov(whole, rowvar=False))
    return math.sqrt(max(YEAR * float(w @ covariance @ w), 0.0))


def standardised_jump(
    history: History,
    ticker: str,
    session_0: np.datetime64,
    *,
    sessions: int = SESSIONS,
    gap: int = GAP,
    minimum: int = MINIMUM,
) -> float | None:
    """Return the abnormal return of session 0 over the standard error of its forecast.

    The market model is fitted on the estimation window; the forecast error has variance
    ``s^2 (1 + x'(X'X)^-1 x)``, so that under normal errors the figure is Student t with
    n - 2 degrees of freedom.

    Parameters
    ----------
    history : History
        Reaching session 0 at least.
    ticker : str
    session_0 : datetime64[D]
    sessions, gap, minimum : int
        Length of the window, sessions between it and session 0, fewest usable returns.

    Returns
    -------
    float or None
        None where the returns are too few, or that of session 0 is missing or not reached.
    """
    table, day = history._table, history.row_of(session_0)
    if day >= len(history):
        return None
    key = (ticker, history.benchmark, sessions, gap, minimum)
    known = _JUMPS.setdefault(table, {}).setdefault(key, {})
    if day not in known:
        every = len(known) >= ONE_BY_ONE
        days = np.arange(len(table.dates)) if every else np.array([day])
        for first in range(0, len(days), CHUNK):
            part = days[first : first + CHUNK]
            known |= zip(part.tolist(), _jumps(table, *key, part), strict=True)
    return known[day]


def _jumps(
    table: PriceTable,
    ticker: str,
    benchmark: str,
    sessions: int,
    gap: int,
    minimum: int,
    days: npt.NDArray[np.int64],
) -> list[float | None]:
    """Return the standardised jumps of one ticker on several rows of the table.

    A window that begins before the table is filled up with missing sessions.
    """
    rows = days[:, None] - gap - sessions + np.arange(sessions)
    there = rows >= 0
    y, market = (
        np.where(there, table.returns[np.maximum(rows, 0), table.column(name)], np.nan)
        for name in (ticker, benchmark)
    )
    fitted = fit(y, _with_constant(market))
    own, of_market = (table.returns[days, table.column(name)] for name in (ticker, benchmark))
    ar, v = forecast(fitted, own[:, None], _with_constant(of_market[:, None]))
    with np.errstate(divide="ignore", invalid="ignore"):
        jumps = ar[:, 0] / np.sqrt(v[:, 0, 0])
    long = there.sum(axis=1) >= max(minimum, 3)
    known = long & (fitted.dof + 2 >= minimum) & np.isfinite(jumps)
    return [jump if has else None for jump, has in zip(jumps.tolist(), known, strict=True)]


def _with_constant(market: Floats) -> Floats:
    """Return the design of the market model, shape (n, M, 2)."""
    return np.stack([np.ones_like(market), market], axis=2)


def _market_fit(
    history: History, tickers: Sequence[str], rows: slice, minimum: int
) -> LinearFit | None:
    """Return the market model of several tickers, or None where the window is too short."""
    market = history.returns_of(history.benchmark)[rows]
    if len(market) < max(minimum, 3):
        return None
    y = np.stack([history.returns_of(ticker)[rows] for ticker in tickers])
    design = np.column_stack([np.ones(len(market)), market])
    return fit(y, np.broadcast_to(design, (len(tickers), *design.shape)))
