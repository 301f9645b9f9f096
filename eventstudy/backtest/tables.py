"""From the desk's books to the tables of a result."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.backtest import metrics
from eventstudy.backtest.desk import Desk
from eventstudy.backtest.excursions import excursion, leg_paths, sleeve_path
from eventstudy.backtest.ledger import Leg
from eventstudy.backtest.market import has_bar
from eventstudy.backtest.monthly import period_returns
from eventstudy.backtest.relative import benchmark_line, information_ratio
from eventstudy.prices.table import PriceTable

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

TRADES = (
    "strategy", "event_id", "ticker", "side", "entry_date", "entry_price", "exit_date",
    "exit_price", "size", "pnl", "costs", "exit_reason", "dividends", "mae", "mfe",
)  # fmt: skip
ORDERS = (
    "strategy", "event_id", "ticker", "group", "side", "size", "created", "executed", "price",
    "status", "reason",
)  # fmt: skip
EQUITY = ("strategy", "date", "value", "return", "gross", "net")
SKIPPED = ("strategy", "event_id", "ticker", "reason", "detail")
ATTRIBUTION = (
    "strategy", "event_id", "kind", "session_0", "legs", "entry_date", "exit_date", "staked",
    "pnl", "costs", "dividends", "return_on_staked", "exit_reason", "mae", "mfe",
)  # fmt: skip
METRICS = (
    "strategy", "kind", "total_return", "annual_return", "volatility", "sharpe", "sharpe_se",
    "max_drawdown", "hit_rate", "turnover", "average_gross", "average_net", "exposure",
    "commission", "slippage", "borrow", "dividends", "interest", "events_traded",
    "events_skipped", "trades", "orders_not_filled", "variants", "sortino", "calmar", "alpha",
    "alpha_se", "alpha_hac_se", "beta", "beta_se", "beta_hac_se", "information_ratio", "skewness",
    "kurtosis", "worst_day", "worst_month", "positive_months", "longest_drawdown",
    "drawdown_start", "drawdown_trough", "drawdown_recovery",
)  # fmt: skip


def profit(leg: Leg) -> float:
    """Return a leg's profit, what is still open valued at its exit price."""
    return leg.value(leg.exit_price)


def staked(leg: Leg) -> float:
    """Return what a leg's shares traded for at entry, positive for a short one too."""
    return abs(leg.entry_size) * leg.entry_price


def costs(leg: Leg) -> float:
    """Return commission, slippage and borrow fee of a leg, positive."""
    return leg.commission + leg.slippage + leg.borrow


def _frame(
    rows: list[tuple[Any, ...]],
    columns: tuple[str, ...],
    *,
    dates: tuple[str, ...] = (),
    numbers: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Return a table whose column types do not depend on its rows: no rows, same types."""
    held = zip(*rows, strict=True) if rows else [()] * len(columns)
    made: dict[str, Any] = {}
    for name, values in zip(columns, held, strict=True):
        if name in dates:
            made[name] = np.array(values, dtype="datetime64[s]")
        elif name in numbers:
            made[name] = np.array(values, dtype=np.float64)
        else:
            made[name] = pd.array([*values], dtype="str")
    return pd.DataFrame(made)


def trades_table(desks: list[Desk], table: PriceTable) -> pd.DataFrame:
    """Return one row a leg, in the order of entry.

    Parameters
    ----------
    desks : list of Desk
        After their runs.
    table : PriceTable
        On the sessions of the run.
    """
    rows: list[tuple[Any, ...]] = []
    for desk in desks:
        legs = list(desk.ledger.legs.values())
        for leg, path in zip(legs, leg_paths(legs, table), strict=True):
            rows.append((
                desk.name, desk.agenda[leg.event].event.event_id, leg.ticker,
                "long" if leg.entry_size > 0 else "short", leg.entry_date, leg.entry_price,
                leg.exit_date, leg.exit_price, abs(leg.entry_size), profit(leg), costs(leg),
                leg.exit_reason, leg.dividends, *excursion(path.profits, staked(leg)),
            ))  # fmt: skip
    numbers = ("entry_price", "exit_price", "size", "pnl", "costs", "dividends", "mae", "mfe")
    return _frame(rows, TRADES, dates=("entry_date", "exit_date"), numbers=numbers)


def orders_table(desks: list[Desk]) -> pd.DataFrame:
    """Return one row an order, in the order of sending."""
    rows = [
        (
            desk.name, desk.agenda[o.event].event.event_id, o.ticker, o.group,
            "buy" if o.size > 0 else "sell", abs(o.size), o.created, o.executed, o.price,
            o.status, o.reason,
        )
        for desk in desks
        for o in desk.ledger.orders
    ]  # fmt: skip
    return _frame(rows, ORDERS, dates=("created", "executed"), numbers=("size", "price"))


def skipped_table(desks: list[Desk]) -> pd.DataFrame:
    """Return what was not traded, and why."""
    rows = [
        (desk.name, s.event_id, s.ticker, s.reason, s.detail)
        for desk in desks
        for s in desk.skipped
    ]
    return _frame(rows, SKIPPED)


def attribution_table(desks: list[Desk], table: PriceTable) -> pd.DataFrame:
    """Return one row an event that was traded.

    Parameters
    ----------
    desks : list of Desk
        After their runs.
    table : PriceTable
        On the sessions of the run.
    """
    rows: list[tuple[Any, ...]] = []
    for desk in desks:
        whole = list(desk.ledger.legs.values())
        paths = dict(zip(desk.ledger.legs, leg_paths(whole, table), strict=True))
        for number, legs in _by_event(desk).items():
            event = desk.agenda[number].event
            stake = sum(staked(leg) for leg in legs)
            earned = sum(profit(leg) for leg in legs)
            reasons = "; ".join(dict.fromkeys(leg.exit_reason for leg in legs))
            path = sleeve_path([paths[number, leg.ticker] for leg in legs])
            rows.append((
                desk.name, event.event_id, event.kind, event.session_0("next"), len(legs),
                min(leg.entry_date for leg in legs), max(leg.exit_date for leg in legs), stake,
                earned, sum(costs(leg) for leg in legs), sum(leg.dividends for leg in legs),
                earned / stake if stake else math.nan, reasons, *excursion(path, stake),
            ))  # fmt: skip
    return _frame(
        rows,
        ATTRIBUTION,
        dates=("session_0", "entry_date", "exit_date"),
        numbers=(
            "legs", "staked", "pnl", "costs", "dividends", "return_on_staked", "mae", "mfe",
        ),
    )  # fmt: skip


def _by_event(desk: Desk) -> dict[int, list[Leg]]:
    found: dict[int, list[Leg]] = {}
    for leg in desk.ledger.legs.values():
        found.setdefault(leg.event, []).append(leg)
    return found


def equity_rows(name: str, days: Days, values: Floats, gross: Floats, net: Floats) -> pd.DataFrame:
    """Return the rows of one path; the first return is zero."""
    returns = np.concatenate([np.zeros(1), metrics.value_returns(values)])
    columns = (name, days.astype("datetime64[s]"), values, returns, gross, net)
    return pd.DataFrame(dict(zip(EQUITY, columns, strict=True)))


def desk_equity(desk: Desk, days: Days) -> pd.DataFrame:
    """Return the path of one strategy over the sessions `days`, from its first on."""
    path = desk.days[: len(days)]
    columns = (np.array([getattr(day, x) for day in path]) for x in ("value", "gross", "net"))
    return equity_rows(desk.name, days, *columns)


def closes_table(desks: list[Desk], table: PriceTable, days: Days) -> pd.DataFrame:
    """Return closes by session and ticker of all that was traded, carried on where one lacks."""
    tickers = sorted({leg.ticker for desk in desks for leg in desk.ledger.legs.values()})
    close = np.where(has_bar(table), table.close, np.nan)
    frame = pd.DataFrame(close, index=pd.DatetimeIndex(table.dates, name="date"))
    frame.columns = pd.Index(table.tickers, dtype="object")
    return frame[tickers].ffill().loc[pd.DatetimeIndex(days, name="date")]


def path_metrics(values: Floats, days: Days, rates: Floats, benchmark: Floats) -> dict[str, Any]:
    """Return every figure of a path: its own, by date, and against the benchmark.

    Parameters
    ----------
    values : ndarray, shape (S,)
        At the closes, the first one before anything was traded.
    days : ndarray, shape (S,), datetime64[D]
    rates : ndarray, shape (S-1,)
        Return on cash per session.
    benchmark : ndarray, shape (S,)
        Value of the benchmark held.
    """
    returns, market = metrics.value_returns(values), metrics.value_returns(benchmark)
    months = period_returns(values, days).returns
    known = months[np.isfinite(months)]
    return {
        **metrics.path_metrics(values, rates),
        **asdict(benchmark_line(returns - rates, market - rates)),
        "information_ratio": information_ratio(returns, market),
        "worst_month": float(known.min()) if len(known) else math.nan,
        "positive_months": float((known > 0).mean()) if len(known) else math.nan,
        **_longest(values, days),
    }


def _longest(values: Floats, days: Days) -> dict[str, Any]:
    spell = metrics.longest_drawdown(values)
    never = np.datetime64("NaT", "s")
    if spell is None:
        dates = dict.fromkeys(("drawdown_start", "drawdown_trough", "drawdown_recovery"), never)
        return {"longest_drawdown": 0, **dates}
    return {
        "longest_drawdown": spell.sessions,
        "drawdown_start": days[spell.start],
        "drawdown_trough": days[spell.trough],
        "drawdown_recovery": days[spell.end] if spell.recovered else never,
    }


def metrics_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the rows of strategies and yardsticks as one table."""
    made: dict[str, Any] = {
        name: [row.get(name, math.nan) for row in rows]
        for name in METRICS
        if not name.startswith("drawdown_")
    }
    for name in ("drawdown_start", "drawdown_trough", "drawdown_recovery"):
        made[name] = np.array([row[name] for row in rows], dtype="datetime64[s]")
    return pd.DataFrame(made)


def yardstick_metrics(
    name: str, values: Floats, days: Days, rates: Floats, benchmark: Floats
) -> dict[str, Any]:
    """Return the metrics row of something held; see `path_metrics`."""
    whole = dict.fromkeys(("average_gross", "average_net", "exposure"), 1.0)
    return {
        "strategy": name,
        "kind": "yardstick",
        **path_metrics(values, days, rates, benchmark),
        **whole,
    }


def strategy_metrics(
    desk: Desk, days: Days, rates: Floats, benchmark: Floats, variants: int
) -> dict[str, Any]:
    """Return the metrics row of one strategy over the sessions `days`, from its first on.

    Parameters
    ----------
    desk : Desk
        After the run.
    days : ndarray, shape (S,), datetime64[D]
        The window.
    rates : ndarray, shape (S-1,)
        Return on cash per session.
    benchmark : ndarray, shape (S,)
        Value of the benchmark held.
    variants : int
        Number of variants tried, kept with the figures they excuse.
    """
    path = desk.days[: len(days)]
    values = np.array([d.value for d in path])
    gross = np.array([d.gross for d in path])
    legs = list(desk.ledger.legs.values())
    by_event = _by_event(desk)
    earned = np.array([sum(profit(leg) for leg in legs) for legs in by_event.values()])
    gone = {s.event_id for s in desk.skipped if s.reason != "member"}
    return {
        "strategy": desk.name,
        "kind": "strategy",
        **path_metrics(values, days, rates, benchmark),
        "hit_rate": metrics.hit_rate(earned, float(values[0])),
        "turnover": metrics.turnover(sum(leg.traded for leg in legs), values),
        # Fractions of a value of zero or less are not known; that something is held is.
        "average_gross": float(np.nanmean(gross)),
        "average_net": float(np.nanmean([d.net for d in path])),
        "exposure": float((gross != 0).mean()),
        "commission": sum(leg.commission for leg in legs),
        "slippage": sum(leg.slippage for leg in legs),
        "borrow": sum(leg.borrow for leg in legs),
        "dividends": sum(leg.dividends for leg in legs),
        "interest": sum(desk.ledger.interest[: len(days)]),
        "events_traded": len(by_event),
        "events_skipped": len(gone),
        "trades": len(legs),
        "orders_not_filled": sum(o.status != "filled" for o in desk.ledger.orders),
        "variants": variants,
    }
