"""What stays the same while strategies, parameters and costs change: the setup of a backtest.

A sweep, a sensitivity table and the verb itself all start here, so that prices are put on
sessions and events are chosen once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.backtest.costs import Costs, interest_rates
from eventstudy.backtest.decisions import Appointment, Skip
from eventstudy.backtest.desk import Desk
from eventstudy.backtest.library import Strategy
from eventstudy.backtest.limits import Limits
from eventstudy.backtest.market import Market, has_bar, has_range
from eventstudy.backtest.plan import appointments, calendar_gaps, summed_up, trading_days
from eventstudy.backtest.terms import Terms
from eventstudy.baskets import DEFAULT_BASKETS, Baskets
from eventstudy.errors import BacktestError, did_you_mean
from eventstudy.events.event import Event
from eventstudy.prices.table import PriceTable

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]
Plan = tuple[list[Appointment], list[Skip]]


@dataclass(frozen=True, eq=False)
class Setup:
    """Events and prices made ready to be traded.

    Attributes
    ----------
    events : tuple of Event
        Those with ``use = study``.
    market : Market
        Prices on the sessions of the run.
    rates : ndarray, shape (S,)
        Return on cash per session.
    costs : Costs
    limits : Limits
    seed : int
    told : mapping
        The same for the record: what was asked, in words and numbers.
    """

    events: tuple[Event, ...]
    market: Market
    rates: Floats
    costs: Costs
    limits: Limits
    seed: int
    told: Mapping[str, Any]


def set_up(
    events: Iterable[Event],
    prices: PriceTable,
    *,
    costs: Costs | None = None,
    capital: float = 1_000_000.0,
    benchmark: str = "SPY",
    baskets: Baskets | None = None,
    risk_free: float | pd.Series | Floats | None = None,
    limits: Limits | None = None,
    shortable: Mapping[str, bool] | None = None,
    seed: int = 0,
) -> Setup:
    """Check the input of a backtest and put its prices on sessions; see `backtest`.

    Raises
    ------
    BacktestError
    """
    _check_kinds(costs, limits, shortable, baskets, capital, benchmark, seed)
    costs, limits, shortable = costs or Costs(), limits or Limits(), dict(shortable or {})
    _check_input(prices, capital, benchmark)
    _check_tickers("shortable", shortable, prices)
    _check_tickers("costs: borrow", costs.borrow, prices)
    _check_flags(shortable)
    known = baskets or getattr(events, "baskets", None) or DEFAULT_BASKETS
    sessions = getattr(events, "sessions", None)
    days = trading_days(sessions, prices, benchmark)
    study = tuple(event for event in events if event.use == "study")
    if not study:
        raise BacktestError("no event to trade: the calendar has none with use = study")
    table = prices.on_sessions(days)
    return Setup(
        study,
        Market(table, known, benchmark, capital, shortable, costs.impact),
        session_rates(risk_free, days, prices.dates, costs.day_count),
        costs,
        limits,
        seed,
        {
            **_told(costs, limits, shortable, capital, benchmark, risk_free, seed, prices, days),
            "calendar": sessions.name if sessions is not None and sessions.has_clock else "prices",
        },
    )


def plans_of(setup: Setup, strategies: Iterable[Strategy]) -> list[Plan]:
    """Return what each strategy acts upon, and what it cannot.

    Raises
    ------
    BacktestError
        Where none can act on any event.
    """
    days = setup.market.table.dates
    plans = [appointments(setup.events, days, s.parameters) for s in strategies]
    if not any(agenda for agenda, _ in plans):
        reasons = summed_up(skip for _, skips in plans for skip in skips)
        raise BacktestError(f"no event can be traded: {reasons}")
    return plans


def first_row(plans: Iterable[Plan]) -> int:
    """Return the row of the first decision of all."""
    return min(item.decision for agenda, _ in plans for item in agenda)


def desk_of(setup: Setup, strategy: Strategy, plan: Plan, first: int) -> Desk:
    """Return the desk of one strategy before its run.

    Parameters
    ----------
    setup : Setup
    strategy : Strategy
    plan : (list of Appointment, list of Skip)
    first : int
        Row on which the account begins.
    """
    agenda, skips = plan
    return Desk(
        name=strategy.name,
        market=setup.market,
        terms=Terms.of(strategy.parameters),
        first=first,
        agenda=agenda,
        costs=setup.costs,
        limits=setup.limits,
        skipped=list(skips),
    )


def _check_kinds(
    costs: object,
    limits: object,
    shortable: object,
    baskets: object,
    capital: object,
    benchmark: object,
    seed: object,
) -> None:
    """Refuse arguments of another kind, all of them at once."""
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    money = isinstance(capital, int | float | np.number) and not isinstance(capital, bool)
    asked = (
        (costs is None or isinstance(costs, Costs), "costs", costs, "Costs(...)"),
        (limits is None or isinstance(limits, Limits), "limits", limits, "Limits(...)"),
        (
            shortable is None or isinstance(shortable, Mapping),
            "shortable", shortable, "true or false by ticker",
        ),
        (baskets is None or isinstance(baskets, Baskets), "baskets", baskets, "make_baskets(...)"),
        (money, "capital", capital, "a positive amount"),
        (isinstance(benchmark, str), "benchmark", benchmark, "a ticker"),
        (whole and int(seed) >= 0, "seed", seed, "a whole number, zero or more"),  # type: ignore[call-overload]
    )  # fmt: skip
    faults = [
        f"{name} is {given!r}: give {wanted}" for fine, name, given, wanted in asked if not fine
    ]
    if faults:
        raise BacktestError("; ".join(faults))


def _check_input(prices: PriceTable, capital: float, benchmark: str) -> None:
    if not (math.isfinite(capital) and capital > 0):
        raise BacktestError(f"capital is {capital!r}: give a positive amount")
    if benchmark not in prices:
        near = did_you_mean(benchmark, prices.tickers)
        raise BacktestError(
            f"benchmark {benchmark!r} has no prices{near}; there are {', '.join(prices.tickers)}"
        )
    opens = np.isfinite(prices.open).any(axis=0)
    if not opens.any():
        raise BacktestError(
            "a backtest fills at opening prices, and these prices have none for "
            f"{', '.join(prices.tickers)}: they are good for a study only"
        )
    _check_positive(prices)


def _check_positive(prices: PriceTable) -> None:
    """Refuse prices of zero or less: a share that costs nothing earns without end."""
    for name in ("open", "high", "low", "close"):
        rows, columns = np.nonzero(getattr(prices, name) <= 0)
        if len(rows):
            row, column = rows[0], columns[0]
            value = getattr(prices, name)[row, column]
            raise BacktestError(
                f"prices of {prices.tickers[column]}: {name} is {value:g} on {prices.dates[row]}; "
                f"prices must be above zero ({len(rows)} in this field are not)"
            )


def session_rates(
    given: float | pd.Series | Floats | None, days: Days, dates: Days, day_count: int
) -> Floats:
    """Return the simple return on cash of each session, shape (S,).

    Parameters
    ----------
    given : float, Series, ndarray or None
        See `backtest`.
    days : ndarray, shape (S,)
        Sessions of the run.
    dates : ndarray, shape (P,)
        Dates that an array is for.
    day_count : int
        For a constant annual rate.

    Raises
    ------
    BacktestError
        Where a session has no finite rate.
    """
    if given is None:
        return np.zeros(len(days))
    if isinstance(given, int | float):
        values = interest_rates(float(given), calendar_gaps(days), day_count)
    else:
        if not isinstance(given, pd.Series):
            if np.shape(given) != (len(dates),):
                raise BacktestError(
                    f"risk_free has shape {np.shape(given)}: give one rate for each of the "
                    f"{len(dates)} dates of the prices"
                )
            given = pd.Series(np.asarray(given, dtype=np.float64), index=pd.DatetimeIndex(dates))
        series = given.astype(np.float64)
        if series.index.has_duplicates:
            twice = series.index[series.index.duplicated()][0]
            raise BacktestError(f"risk_free: {twice} appears twice")
        values = np.array(series.reindex(pd.DatetimeIndex(days)), dtype=np.float64)
        values[:1] = np.nan_to_num(values[:1])
    missing = days[~np.isfinite(values)]
    if len(missing):
        raise BacktestError(
            f"risk_free: no finite rate on {len(missing)} of {len(days)} sessions, the first "
            f"is {missing[0]}"
        )
    return values


def _check_tickers(what: str, named: Mapping[str, object], prices: PriceTable) -> None:
    """Refuse tickers without prices: a misspelt one would be charged or spared unseen."""
    unknown = [str(ticker) for ticker in named if ticker not in prices]
    if unknown:
        near = did_you_mean(unknown[0], prices.tickers)
        raise BacktestError(f"{what}: no prices of {', '.join(unknown)}{near}")


def _check_flags(shortable: Mapping[str, object]) -> None:
    wrong = [f"{t} = {v!r}" for t, v in shortable.items() if not isinstance(v, bool | np.bool_)]
    if wrong:
        raise BacktestError(f"shortable: {', '.join(wrong)}: give true or false")


def _told(
    costs: Costs,
    limits: Limits,
    shortable: Mapping[str, bool],
    capital: float,
    benchmark: str,
    risk_free: object,
    seed: int,
    prices: PriceTable,
    days: Days,
) -> dict[str, Any]:
    if risk_free is None:
        cash = "earns nothing (no risk-free rate given)"
    elif isinstance(risk_free, int | float):
        cash = f"idle cash earns {100 * risk_free:g}% a year, actual/{costs.day_count}"
    else:
        cash = "idle cash earns the rate given for each session"
    half = np.isfinite(prices.close) & ~np.isfinite(prices.open)
    ranged = has_range(prices)
    blind = has_bar(prices) & ~ranged & ranged.any(axis=0)
    return {
        "capital": capital,
        "benchmark": benchmark,
        "costs": asdict(costs),
        "limits": asdict(limits),
        "risk_free": cash,
        "seed": seed,
        "price_source": prices.source,
        "bars_without_open": _counts(prices.tickers, half),
        "bars_without_range": _counts(prices.tickers, blind),
        "dates_off_calendar": int((~np.isin(prices.dates, days)).sum()),
        "shortable": dict(shortable),
    }


def _counts(tickers: tuple[str, ...], found: npt.NDArray[np.bool_]) -> dict[str, int]:
    return {t: int(n) for t, n in zip(tickers, found.sum(axis=0), strict=True) if n}
