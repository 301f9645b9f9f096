"""The trading section: what was traded, what it cost, and what was not traded."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from eventstudy import later
from eventstudy.backtest.costs import cost_words
from eventstudy.backtest.monthly import MONTHS
from eventstudy.backtest.result import ADJUSTED
from eventstudy.report.frames import records
from eventstudy.report.numbers import counted, decimal, interval, percent
from eventstudy.report.tables import Heat, Table, columns_of, frame_table, plain, whole

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
RELATIVE: Shows = {
    "strategy": plain, "alpha": percent, "alpha_se": _unsigned, "alpha_hac_se": _unsigned,
    "beta": decimal, "beta_se": decimal, "beta_hac_se": decimal, "information_ratio": decimal,
}  # fmt: skip
DOWNSIDE: Shows = {
    "strategy": plain, "sortino": decimal, "calmar": decimal, "skewness": decimal,
    "kurtosis": decimal, "worst_day": percent, "worst_month": percent,
    "positive_months": _unsigned, "longest_drawdown": whole, "drawdown_start": plain,
    "drawdown_trough": plain, "drawdown_recovery": plain,
}  # fmt: skip
RELATIVE_LABELS = {
    "alpha": "alpha a year", "alpha_se": "s.e.", "alpha_hac_se": "HAC s.e.", "beta_se": "s.e.",
    "beta_hac_se": "HAC s.e.",
}  # fmt: skip
DOWNSIDE_LABELS = {
    "sortino": "Sortino", "calmar": "Calmar",
    "positive_months": "months up", "longest_drawdown": "sessions under water",
    "drawdown_start": "from", "drawdown_trough": "lowest", "drawdown_recovery": "back",
}  # fmt: skip
SPLIT: Shows = {
    "strategy": plain, "by": plain, "key": plain, "legs": whole, "events": whole, "pnl": whole,
    "costs": whole, "dividends": whole, "share_of_pnl": percent, "hit_rate": _unsigned,
}  # fmt: skip
SPLIT_BY = ("kind", "side", "ticker")
COSTS: Shows = {
    "strategy": plain, "commission": whole, "slippage": whole, "borrow": whole, "costs": whole,
    "of_capital": percent, "dividends": whole, "interest": whole, "profit": whole,
}  # fmt: skip
ATTRIBUTION: Shows = {
    "strategy": plain, "event_id": plain, "kind": plain, "session_0": plain, "legs": whole,
    "entry_date": plain, "exit_date": plain, "staked": whole, "pnl": whole, "costs": whole,
    "dividends": whole, "return_on_staked": percent, "mae": percent, "mfe": percent,
    "exit_reason": plain,
}  # fmt: skip
TRADES: Shows = {
    "strategy": plain, "event_id": plain, "ticker": plain, "side": plain, "entry_date": plain,
    "entry_price": decimal, "exit_date": plain, "exit_price": decimal, "size": whole,
    "pnl": whole, "costs": decimal, "mae": percent, "mfe": percent, "exit_reason": plain,
}  # fmt: skip
EXCURSIONS = {"mae": "MAE", "mfe": "MFE"}
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
        "monthly": monthly_heat(backtest.monthly),
        "relative": frame_table(
            "relative", f"Against {backtest.config['benchmark']}", backtest.metrics, RELATIVE,
            labels=RELATIVE_LABELS,
        ),
        "downside": frame_table(
            "downside", "The downside", backtest.metrics, DOWNSIDE, labels=DOWNSIDE_LABELS
        ),
        "costs": frame_table("costs", "Costs by kind, in money", _costs(backtest), COSTS),
        "attribution": frame_table(
            "attribution", "Profit by event, with its worst and best at a close (MAE, MFE)",
            backtest.attribution, ATTRIBUTION, "No event was traded.", EXCURSIONS,
        ),
        "attribution_by": _splits(backtest.attribution_by),
        "trades": frame_table(
            "trades", "Every trade, one row a leg", backtest.trades, TRADES, "No trade was made.",
            EXCURSIONS,
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


def _splits(frame: pd.DataFrame) -> Table:
    return frame_table(
        "attribution-by",
        "Profit by kind of event, side and ticker: within each the shares sum to the whole",
        frame[frame["by"].isin(SPLIT_BY)],
        SPLIT,
        "No event was traded.",
        {"share_of_pnl": "share of profit"},
    )


def monthly_heat(monthly: pd.DataFrame) -> Table:
    """Return monthly returns as a table of coloured cells, a line a strategy and year.

    Colours grow with the square root of the return, relative to the largest month of all.

    Parameters
    ----------
    monthly : DataFrame
        `BacktestResult.monthly`.
    """
    size = monthly.loc[monthly["month"].notna(), "return"].abs().max()
    largest = float(size) if size > 0 else 1.0
    rows = []
    for (name, year), periods in monthly.groupby(["strategy", "year"], sort=False):
        cells: dict[int, str | Heat] = dict.fromkeys(range(1, 14), "")
        for r in records(periods):
            at = 13 if pd.isna(r["month"]) else int(r["month"])
            cells[at] = _heat(float(r["return"]), largest, bool(r["partial"]))
        rows.append((str(name), str(year), *cells.values()))
    return Table(
        "monthly",
        "Returns by month, percent (* the window holds the month or year in part)",
        columns_of(("strategy", "year"), (*MONTHS, "whole year")),
        tuple(rows),
    )


def _heat(value: float, largest: float, marked: bool) -> Heat:
    text = decimal(100.0 * value, 1)
    if not math.isfinite(value):
        return Heat(text, 0.0, marked)
    level = math.copysign(min(1.0, math.sqrt(abs(value) / largest)), value) if value else 0.0
    return Heat(text, level, marked)


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
        _strategy_line(row, str(config["benchmark"]))
        for _, row in backtest.metrics.iterrows()
        if row["kind"] == "strategy"
    ]
    lines.append(
        f"{config['start']} to {config['end']}, {config['sessions']} sessions, capital "
        f"{decimal(float(config['capital']), 0)}. {_when(config)}, filled on a later session; "
        "uncertain times at the later session. Costs: "
        f"{cost_words(config['costs'])}; holding bears none. Cash: {config['risk_free']}."
    )
    lines.append(
        f"Variants tried: {config['variants']}. Sharpe ratios are over cash with the standard "
        "error of Lo (2002), which takes returns as independent; the interval is 1.96 of them to "
        "either side. What luck and the number of variants leave of them stands below. Alpha and "
        "beta are of the whole account, sessions without a position included, with errors by "
        "Newey and West (1987). Interest on cash counts in every return, and thus in months up."
    )
    lines.append(
        f"The window runs {later.WINDOW} on this page; what is said of the whole account is known "
        f"at its end. {ADJUSTED}"
    )
    refused = backtest.orders[backtest.orders["status"] != "filled"]
    if len(refused):
        counts = refused["status"].value_counts()
        told = ", ".join(f"{count} {status}" for status, count in counts.items())
        lines.append(f"Orders that did not fill as asked: {told}.")
    return lines + backtest.alarms()


def _when(config: dict[str, Any]) -> str:
    """Return when strategies decide."""
    early = [n for n, s in config["strategies"].items() if s["parameters"]["entry"] < 1]
    said = "Decided after the close of session 0 at the earliest"
    if not early:
        return said
    return f"{said}, by {', '.join(early)} before the news where its date was known"


def _alpha_clause(row: pd.Series, benchmark: str) -> str:
    alpha, error = float(row["alpha"]), float(row["alpha_hac_se"])
    if not math.isfinite(alpha + error):
        return f"alpha against {benchmark} has no value here"
    reach = interval(alpha - 1.96 * error, alpha + 1.96 * error)
    return (
        f"alpha against {benchmark} {percent(alpha)} a year ({reach}), beta {decimal(row['beta'])}"
    )


def _strategy_line(row: pd.Series, benchmark: str) -> str:
    if not row["events_traded"]:
        return (
            f"{row['strategy']}: traded nothing; why stands in the table of what was not traded (a "
            "strategy that acts before the news needs dates that were known: --assume-known)."
        )
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
        f"{decimal(low)} to {decimal(high)}: {said}), {_alpha_clause(row, benchmark)}, deepest "
        "drawdown "
        f"{percent(row['max_drawdown'])}, average gross exposure {_unsigned(row['average_gross'])}."
    )
