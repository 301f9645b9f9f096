"""The trading section: what was traded, what it cost, and what was not traded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from eventstudy.backtest.costs import cost_words
from eventstudy.report.numbers import counted, decimal, percent
from eventstudy.report.tables import Table, frame_table, plain, whole

if TYPE_CHECKING:
    from eventstudy.backtest.result import BacktestResult


Shows = dict[str, Callable[[Any], str]]


def _unsigned(value: float) -> str:
    return percent(value, 1, signed=False)


METRICS: Shows = {
    "strategy": plain, "total_return": percent, "annual_return": percent, "volatility": _unsigned,
    "sharpe": decimal, "sharpe_se": decimal, "sharpe_interval": plain, "max_drawdown": percent,
    "hit_rate": _unsigned, "turnover": decimal, "average_gross": _unsigned,
    "average_net": percent, "exposure": _unsigned, "events_traded": whole, "events_skipped": whole,
    "trades": whole, "orders_not_filled": whole,
}  # fmt: skip
COSTS: Shows = {
    "strategy": plain, "commission": whole, "slippage": whole, "borrow": whole, "costs": whole,
    "of_capital": percent, "dividends": whole, "interest": whole, "profit": whole,
}  # fmt: skip
ATTRIBUTION: Shows = {
    "strategy": plain, "event_id": plain, "kind": plain, "session_0": plain, "legs": whole,
    "entry_date": plain, "exit_date": plain, "staked": whole, "pnl": whole, "costs": whole,
    "dividends": whole, "return_on_staked": percent, "exit_reason": plain,
}  # fmt: skip
TRADES: Shows = {
    "strategy": plain, "event_id": plain, "ticker": plain, "side": plain, "entry_date": plain,
    "entry_price": decimal, "exit_date": plain, "exit_price": decimal, "size": whole,
    "pnl": whole, "costs": decimal, "exit_reason": plain,
}  # fmt: skip
ORDERS: Shows = {
    "strategy": plain, "event_id": plain, "ticker": plain, "side": plain, "size": whole,
    "created": plain, "executed": plain, "status": plain, "reason": plain,
}  # fmt: skip


def trading_tables(backtest: BacktestResult) -> dict[str, Table]:
    """Return the tables of the section by name."""
    orders = backtest.orders
    refused = orders[orders["status"] != "filled"]
    skipped: Shows = dict.fromkeys(("strategy", "event_id", "ticker", "reason", "detail"), plain)
    return {
        "metrics": frame_table(
            "metrics", "Strategies against holding", _with_interval(backtest.metrics), METRICS,
            labels={"sharpe_se": "s.e.", "sharpe_interval": "95% interval"},
        ),
        "costs": frame_table("costs", "Costs by kind, in money", _costs(backtest), COSTS),
        "attribution": frame_table(
            "attribution", "Profit by event", backtest.attribution, ATTRIBUTION,
            "No event was traded.",
        ),
        "trades": frame_table(
            "trades", "Every trade, one row a leg", backtest.trades, TRADES, "No trade was made."
        ),
        "orders": frame_table(
            "orders", "Orders that did not fill as asked", refused, ORDERS, "Every order filled."
        ),
        "skipped": frame_table(
            "skipped", "Events and tickers that were not traded", backtest.skipped, skipped,
            "Every event was traded.",
        ),
        "strategies": _strategies(backtest),
    }  # fmt: skip


def _with_interval(metrics: pd.DataFrame) -> pd.DataFrame:
    low = metrics["sharpe"] - 1.96 * metrics["sharpe_se"]
    high = metrics["sharpe"] + 1.96 * metrics["sharpe_se"]
    said = [f"{decimal(a)} to {decimal(b)}" for a, b in zip(low, high, strict=True)]
    return metrics.assign(sharpe_interval=said)


def _costs(backtest: BacktestResult) -> pd.DataFrame:
    rows = backtest.metrics[backtest.metrics["kind"] == "strategy"]
    costs = rows["commission"] + rows["slippage"] + rows["borrow"]
    capital = float(backtest.config["capital"])
    return rows.assign(
        costs=costs, of_capital=costs / capital, profit=rows["total_return"] * capital
    )


def _strategies(backtest: BacktestResult) -> Table:
    rows = tuple(
        (
            name, str(said["idea"]),
            ", ".join(f"{k} {v}" for k, v in said["parameters"].items() if v is not None),
            str(said["file"]), str(said["sha256"])[:12],
        )
        for name, said in backtest.config["strategies"].items()
    )  # fmt: skip
    names = ("strategy", "idea", "parameters", "file", "sha256")
    return Table("strategies", "What was traded", tuple((n, False) for n in names), rows)


def trading_lines(backtest: BacktestResult) -> list[str]:
    """Return each strategy's result with its uncertainty, then the terms of the run."""
    config: dict[str, Any] = dict(backtest.config)
    lines = [
        _strategy_line(row) for _, row in backtest.metrics.iterrows() if row["kind"] == "strategy"
    ]
    lines.append(
        f"{config['start']} to {config['end']}, {config['sessions']} sessions, capital "
        f"{decimal(float(config['capital']), 0)}. Decided after the close of session 0 at the "
        "earliest, filled on a later session; uncertain times at the later session. Costs: "
        f"{cost_words(config['costs'])}; holding bears none. Cash: {config['risk_free']}."
    )
    lines.append(
        f"Variants tried: {config['variants']}. Sharpe ratios are over cash with the standard "
        "error of Lo (2002), which takes returns as independent; the interval is 1.96 of them to "
        "either side. What luck and the number of variants leave of them stands below."
    )
    refused = backtest.orders[backtest.orders["status"] != "filled"]
    if len(refused):
        counts = refused["status"].value_counts()
        told = ", ".join(f"{count} {status}" for status, count in counts.items())
        lines.append(f"Orders that did not fill as asked: {told}.")
    return lines + backtest.alarms()


def _strategy_line(row: pd.Series) -> str:
    sharpe, error = float(row["sharpe"]), float(row["sharpe_se"])
    low, high = sharpe - 1.96 * error, sharpe + 1.96 * error
    if not (low == low and high == high):
        said = "a Sharpe ratio has no value here"
    elif low > 0 or high < 0:
        said = "that interval leaves zero out"
    else:
        said = "that interval holds zero"
    return (
        f"{row['strategy']}: {percent(row['total_return'])} after costs over "
        f"{counted(int(row['events_traded']), 'event')}, Sharpe {decimal(sharpe)} (95% interval "
        f"{decimal(low)} to {decimal(high)}: {said}), deepest drawdown "
        f"{percent(row['max_drawdown'])}, average gross exposure {_unsigned(row['average_gross'])}."
    )
