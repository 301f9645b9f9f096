"""From the desk's books to the tables of a result."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.backtest import metrics
from eventstudy.backtest.desk import Desk
from eventstudy.backtest.ledger import Leg

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

TRADES = (
    "strategy", "event_id", "ticker", "side", "entry_date", "entry_price", "exit_date",
    "exit_price", "size", "pnl", "costs", "exit_reason",
)  # fmt: skip
ORDERS = (
    "strategy", "event_id", "ticker", "group", "side", "size", "created", "executed", "price",
    "status", "reason",
)  # fmt: skip
EQUITY = ("strategy", "date", "value", "return", "gross", "net")
SKIPPED = ("strategy", "event_id", "ticker", "reason", "detail")
ATTRIBUTION = (
    "strategy", "event_id", "kind", "session_0", "legs", "entry_date", "exit_date", "staked",
    "pnl", "costs", "dividends", "return_on_staked", "exit_reason",
)  # fmt: skip
METRICS = (
    "strategy", "kind", "total_return", "annual_return", "volatility", "sharpe", "sharpe_se",
    "max_drawdown", "hit_rate", "turnover", "average_gross", "average_net", "exposure",
    "commission", "slippage", "borrow", "dividends", "interest", "events_traded",
    "events_skipped", "trades", "orders_not_filled", "variants",
)  # fmt: skip


def profit(leg: Leg) -> float:
    """Return a leg's profit, what is still open valued at its exit price."""
    return leg.value(leg.exit_price)


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
    frame = pd.DataFrame(rows, columns=list(columns))
    kinds = {name: "datetime64[s]" if name in dates else "str" for name in columns}
    kinds.update(dict.fromkeys(numbers, "float64"))
    return frame.astype(kinds)


def trades_table(desks: list[Desk]) -> pd.DataFrame:
    """Return one row a leg, in the order of entry."""
    rows = [
        (
            desk.name, desk.agenda[leg.event].event.event_id, leg.ticker,
            "long" if leg.entry_size > 0 else "short", leg.entry_date, leg.entry_price,
            leg.exit_date, leg.exit_price, abs(leg.entry_size), profit(leg), costs(leg),
            leg.exit_reason,
        )
        for desk in desks
        for leg in desk.ledger.legs.values()
    ]  # fmt: skip
    return _frame(
        rows,
        TRADES,
        dates=("entry_date", "exit_date"),
        numbers=("entry_price", "exit_price", "size", "pnl", "costs"),
    )


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


def attribution_table(desks: list[Desk]) -> pd.DataFrame:
    """Return one row an event that was traded."""
    rows: list[tuple[Any, ...]] = []
    for desk in desks:
        for number, legs in _by_event(desk).items():
            event = desk.agenda[number].event
            staked = sum(abs(leg.entry_size) * leg.entry_price for leg in legs)
            earned = sum(profit(leg) for leg in legs)
            reasons = "; ".join(dict.fromkeys(leg.exit_reason for leg in legs))
            rows.append((
                desk.name, event.event_id, event.kind, event.session_0("next"), len(legs),
                min(leg.entry_date for leg in legs), max(leg.exit_date for leg in legs), staked,
                earned, sum(costs(leg) for leg in legs), sum(leg.dividends for leg in legs),
                earned / staked if staked else math.nan, reasons,
            ))  # fmt: skip
    return _frame(
        rows,
        ATTRIBUTION,
        dates=("session_0", "entry_date", "exit_date"),
        numbers=("legs", "staked", "pnl", "costs", "dividends", "return_on_staked"),
    )


def _by_event(desk: Desk) -> dict[int, list[Leg]]:
    found: dict[int, list[Leg]] = {}
    for leg in desk.ledger.legs.values():
        found.setdefault(leg.event, []).append(leg)
    return found


def equity_rows(name: str, days: Days, values: Floats, gross: Floats, net: Floats) -> pd.DataFrame:
    """Return the rows of one path; the first return is zero."""
    returns = np.concatenate([np.zeros(1), metrics.value_returns(values)])
    frame = pd.DataFrame(
        {"date": days, "value": values, "return": returns, "gross": gross, "net": net}
    )
    frame.insert(0, "strategy", name)
    frame["date"] = frame["date"].astype("datetime64[s]")
    return frame


def desk_equity(desk: Desk, days: Days) -> pd.DataFrame:
    """Return the path of one strategy over the sessions `days`, from its first on."""
    path = desk.days[: len(days)]
    columns = (np.array([getattr(day, x) for day in path]) for x in ("value", "gross", "net"))
    return equity_rows(desk.name, days, *columns)


def yardstick_metrics(name: str, values: Floats, rates: Floats) -> dict[str, Any]:
    """Return the metrics row of something held; see `metrics.path_metrics`."""
    whole = dict.fromkeys(("average_gross", "average_net", "exposure"), 1.0)
    return {
        "strategy": name,
        "kind": "yardstick",
        **metrics.path_metrics(values, rates),
        **whole,
    }


def strategy_metrics(desk: Desk, sessions: int, rates: Floats, variants: int) -> dict[str, Any]:
    """Return the metrics row of one strategy over the first `sessions` sessions.

    Parameters
    ----------
    desk : Desk
        After the run.
    sessions : int
        Length of the window.
    rates : ndarray, shape (sessions - 1,)
        Return on cash per session.
    variants : int
        Number of variants tried, kept with the figures they excuse.
    """
    path = desk.days[:sessions]
    values = np.array([d.value for d in path])
    gross = np.array([d.gross for d in path])
    legs = list(desk.ledger.legs.values())
    by_event = _by_event(desk)
    earned = np.array([sum(profit(leg) for leg in legs) for legs in by_event.values()])
    gone = {s.event_id for s in desk.skipped if s.reason != "member"}
    return {
        "strategy": desk.name,
        "kind": "strategy",
        **metrics.path_metrics(values, rates),
        "hit_rate": metrics.hit_rate(earned),
        "turnover": metrics.turnover(sum(leg.traded for leg in legs), values),
        # Fractions of a value of zero or less are not known; that something is held is.
        "average_gross": float(np.nanmean(gross)),
        "average_net": float(np.nanmean([d.net for d in path])),
        "exposure": float((gross != 0).mean()),
        "commission": sum(leg.commission for leg in legs),
        "slippage": sum(leg.slippage for leg in legs),
        "borrow": sum(leg.borrow for leg in legs),
        "dividends": sum(leg.dividends for leg in legs),
        "interest": sum(desk.ledger.interest[:sessions]),
        "events_traded": len(by_event),
        "events_skipped": len(gone),
        "trades": len(legs),
        "orders_not_filled": sum(o.status != "filled" for o in desk.ledger.orders),
        "variants": variants,
    }
