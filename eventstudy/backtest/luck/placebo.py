"""What the same strategy would have earned around other dates.

The sleeve of each event, its profit session by session, is worked out once for every session
on which its session 0 could stand; a placebo calendar then only adds up.

References
----------
Phipson, B. and Smyth, G. (2010). Permutation p-values should never be zero. Statistical
Applications in Genetics and Molecular Biology 9, article 39.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.luck.calendars import DRAWS, draw_calendars
from eventstudy.backtest.luck.sharpe import ratio_or_zero
from eventstudy.backtest.metrics import YEAR
from eventstudy.errors import BacktestError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

TIE = 1e-10
"""Statistics closer than this share are one value."""
MANY_LOST = 0.1
"""From this share of events more than on the true dates, draws that lose events are spoken of."""
CHUNK = 2_000_000
"""Most values of one array in memory: draws times sessions, or draws times sleeves."""


@dataclass(frozen=True, slots=True)
class CalendarProfits:
    """What the account earned on each of B calendars.

    Attributes
    ----------
    total : ndarray, shape (B,)
        Profit in cash.
    sharpe : ndarray, shape (B,)
        Of daily returns over cash, a year; 0 where nothing was earned or lost, minus infinity
        where the account fell to nothing.
    untraded : ndarray, shape (B,), int
        Events that could not be traded.
    """

    total: Floats
    sharpe: Floats
    untraded: Ints


@dataclass(frozen=True, slots=True)
class PlaceboVerdict:
    """The true calendar among placebo calendars.

    Attributes
    ----------
    total, sharpe : float
        On the true dates; the Sharpe ratio a year.
    p_total, p_sharpe : float
        Share of calendars that did as well or better: (1 + #) / (B + 1).
    untraded : int
        Events that could not be traded on their true dates.
    untraded_mean : float
        The same per draw, on average.
    ruined : int
        Draws in which the account fell to nothing.
    draws : int
        B; no p-value is below 1 / (B + 1).
    starts, possible, distinct : int
        As in `PlaceboCalendars`.
    drawn_total, drawn_sharpe : ndarray, shape (B,)
    why, note : str
        As in `PlaceboCalendars`; the note also tells where draws lose many events.
    """

    total: float
    sharpe: float
    p_total: float
    p_sharpe: float
    untraded: int
    untraded_mean: float
    ruined: int
    draws: int
    starts: int
    possible: int
    distinct: int
    drawn_total: Floats = field(repr=False)
    drawn_sharpe: Floats = field(repr=False)
    why: str = ""
    note: str = ""


def account_sessions(rows: Ints, horizon: int) -> int:
    """Return the sessions from the first event's first to the last event's last.

    Parameters
    ----------
    rows : ndarray, shape (..., E), int
    horizon : int
        H, sessions of a sleeve.
    """
    return int((rows.max(axis=-1) - rows.min(axis=-1)).max()) + horizon


def calendar_profits(
    profit: Floats, rows: Ints, capital: float, *, sessions: int | None = None
) -> CalendarProfits:
    """Return total profit and Sharpe ratio of the account on each of many calendars.

    The account begins with the first event's sleeve at `capital` and lasts `sessions`; a
    session's return over cash is ``profit / V[t-1]``, V = capital + profit so far: cash is
    taken to earn nothing over cash, whoever holds it. An event that cannot be traded on its
    row is left out and counted.

    Parameters
    ----------
    profit : ndarray, shape (E, R, H)
        Cash profit of event e's sleeve, h sessions after its first, if its session 0 stood on
        row r; any NaN among the H means that it cannot be traded there.
    rows : ndarray, shape (B, E), int
        Session 0 of each event in each calendar, 0 to R - 1.
    capital : float
        Above 0.
    sessions : int, optional
        Of the account; by default as many as the longest calendar needs.

    Raises
    ------
    BacktestError
        For shapes that do not fit, rows outside the table, capital that is not positive, or
        fewer sessions than a calendar needs.
    """
    events, table, horizon = _sleeves(profit, rows, capital)
    needed = account_sessions(rows, horizon) if len(rows) else horizon
    length = needed if sessions is None else sessions
    if length < needed:
        raise BacktestError(f"sessions {length}; allowed: {needed} or more, to hold every sleeve")
    flat = profit.reshape(events * table, horizon)
    traded: Bools = np.isfinite(flat.sum(axis=1))
    sleeves = np.where(traded[:, None], flat, 0.0)
    step = max(1, CHUNK // max(length, events * horizon))
    total, sharpe = np.empty(len(rows)), np.empty(len(rows))
    untraded = np.empty(len(rows), dtype=np.int64)
    for begin in range(0, len(rows), step):
        part = slice(begin, begin + step)
        at = rows[part] + np.arange(events) * table
        untraded[part] = (~traded[at]).sum(axis=1)
        daily = daily_profits(sleeves[at], rows[part], length)
        total[part] = daily.sum(axis=1)
        sharpe[part] = account_sharpe(daily, capital)
    return CalendarProfits(total, sharpe, untraded)


def _sleeves(profit: Floats, rows: Ints, capital: float) -> tuple[int, int, int]:
    """Return E, R and H of sleeves, refusing what does not fit."""
    faults = []
    if profit.ndim != 3 or 0 in profit.shape:
        faults.append(f"profit of shape {profit.shape}; allowed: (events, rows, sessions)")
    elif rows.ndim != 2 or rows.shape[1] != profit.shape[0]:
        faults.append(f"rows of shape {rows.shape}; allowed: (draws, {profit.shape[0]})")
    elif rows.size and (rows.min() < 0 or rows.max() >= profit.shape[1]):
        faults.append(
            f"rows from {rows.min()} to {rows.max()}; allowed: 0 to {profit.shape[1] - 1}"
        )
    if not capital > 0:
        faults.append(f"capital {capital:g}; allowed: above 0")
    if faults:
        raise BacktestError("; ".join(faults))
    events, table, horizon = profit.shape
    return events, table, horizon


def daily_profits(paths: Floats, rows: Ints, sessions: int) -> Floats:
    """Return the account's profit per session, shape (B, sessions), of sleeves laid in time.

    Parameters
    ----------
    paths : ndarray, shape (B, E, H)
    rows : ndarray, shape (B, E), int
        The smallest of a calendar is the account's session 0.
    """
    draws, _, horizon = paths.shape
    first = rows - rows.min(axis=1, keepdims=True) + sessions * np.arange(draws)[:, None]
    where = first[:, :, None] + np.arange(horizon)
    found = np.bincount(where.ravel(), paths.ravel(), minlength=draws * sessions)
    return found.astype(np.float64, copy=False).reshape(draws, sessions)


def account_sharpe(daily: Floats, capital: float) -> Floats:
    """Return the annual Sharpe ratio of each account, shape (B,).

    0 where nothing varies, minus infinity where the account falls to zero or below: the worst
    that can be, where a ratio has no meaning.

    Parameters
    ----------
    daily : ndarray, shape (B, S)
        Profit per session.
    capital : float
    """
    values = capital + daily.cumsum(axis=1)
    ruined: Bools = values.min(axis=1) <= 0
    before = np.concatenate([np.full((len(daily), 1), capital), values[:, :-1]], axis=1)
    returns = daily / np.where(ruined[:, None], np.inf, before)
    spread = returns.std(axis=1, ddof=1) if daily.shape[1] > 1 else np.zeros(len(daily))
    ratio = ratio_or_zero(returns.mean(axis=1), spread) * math.sqrt(YEAR)
    return np.where(ruined, -np.inf, ratio)


def upper_p(actual: float, drawn: Floats) -> float:
    """Return (1 + #{drawn >= actual}) / (B + 1); NaN for no draw or no actual value."""
    if math.isnan(actual) or not len(drawn):
        return math.nan
    slack = TIE * abs(actual) if math.isfinite(actual) else 0.0
    return (1.0 + float((drawn >= actual - slack).sum())) / (len(drawn) + 1.0)


def placebo_dates(
    profit: Floats,
    rows: npt.ArrayLike,
    low: int,
    high: int,
    *,
    capital: float,
    draws: int = DRAWS,
    seed: int = 0,
    sessions: int | None = None,
) -> PlaceboVerdict:
    """Return how the account on the true dates stands among placebo calendars.

    Null: the dates are as good as any others with the same spacing. Sleeves must not depend
    on each other (sizes a fraction of initial capital, no binding limit).

    Parameters
    ----------
    profit : ndarray, shape (E, R, H)
        As in `calendar_profits`.
    rows : array_like, shape (E,), int
        True session 0 of each event, in any order; equal rows move together.
    low, high : int
        Placebo sessions fall on rows low to high - 1.
    capital : float
    draws, seed : int
    sessions : int, optional
        Of the account, true or drawn alike; by default from the first sleeve to the end of
        the last.

    Returns
    -------
    PlaceboVerdict
        Without p-values and with `why` where nothing can be drawn.

    Raises
    ------
    BacktestError
        As `draw_calendars` and `calendar_profits` do, or for a range outside the table.
    """
    at = np.asarray(rows, dtype=np.int64)
    own = calendar_profits(profit, at[None, :], capital, sessions=sessions)
    if low < 0 or high > profit.shape[1]:
        raise BacktestError(f"range {low} to {high}; allowed: within 0 to {profit.shape[1]}")
    distinct, block = np.unique(at, return_inverse=True)
    calendars = draw_calendars(distinct, low, high, draws=draws, seed=seed)
    found = calendar_profits(profit, calendars.rows[:, block], capital, sessions=sessions)
    total, sharpe, untraded = float(own.total[0]), float(own.sharpe[0]), int(own.untraded[0])
    lost = float(found.untraded.mean()) if len(found.total) else math.nan
    return PlaceboVerdict(
        total=total,
        sharpe=sharpe,
        p_total=upper_p(total, found.total),
        p_sharpe=upper_p(sharpe, found.sharpe),
        untraded=untraded,
        untraded_mean=lost,
        ruined=int(np.isneginf(found.sharpe).sum()),
        draws=len(found.total),
        starts=calendars.starts,
        possible=calendars.possible,
        distinct=calendars.distinct,
        drawn_total=found.total,
        drawn_sharpe=found.sharpe,
        why=calendars.why,
        note="; ".join(filter(None, [calendars.note, _lost_events(lost, untraded, len(at))])),
    )


def _lost_events(lost: float, untraded: int, events: int) -> str:
    """Say where draws trade far fewer events than the true calendar; empty elsewhere."""
    if not lost - untraded > MANY_LOST * events:
        return ""
    return (
        f"draws leave {lost:.1f} of {events} events untraded, the true dates {untraded}: "
        "fewer trades earn and vary less"
    )
