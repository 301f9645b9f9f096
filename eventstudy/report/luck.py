"""Is it luck? The section's lines and tables, from the evidence of a backtest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from eventstudy import later
from eventstudy.report.frames import records
from eventstudy.report.numbers import counted, decimal, p_clause, percent, probability
from eventstudy.report.tables import Table, frame_table, plain, whole

if TYPE_CHECKING:
    from eventstudy.backtest.evidence import Evidence


def _share(value: float) -> str:
    return percent(value, 1, signed=False)


def _millions(value: float) -> str:
    return decimal(value / 1e6, 0)


LUCK = {
    "strategy": plain, "sessions": whole, "sharpe": decimal, "boot_interval": plain,
    "boot_p": probability, "psr": _share, "trials": whole, "expected_max": decimal,
    "dsr": _share, "min_track_record": whole, "placebo_total_p": probability,
    "placebo_sharpe_p": probability, "placebo_distinct": whole, "break_even_bp": decimal,
    "capacity": _millions,
}  # fmt: skip
LABELS = {
    "boot_interval": "95% bootstrap", "boot_p": "bootstrap p", "psr": "probabilistic",
    "expected_max": "best of trials by luck", "dsr": "deflated",
    "min_track_record": "sessions needed", "placebo_total_p": "placebo dates p, profit",
    "placebo_sharpe_p": "placebo dates p, Sharpe", "placebo_distinct": "distinct calendars",
    "break_even_bp": "break-even cost, bp", "capacity": "capacity, millions",
}  # fmt: skip


def luck_tables(evidence: Evidence) -> dict[str, Table]:
    """Return the tables of the section by name."""
    luck, changes = evidence.luck, evidence.sensitivity
    said = [f"{decimal(r['boot_low'])} to {decimal(r['boot_high'])}" for r in records(luck)]
    changed = [_change(str(r["what"]), float(r["level"])) for r in records(changes)]
    return {
        "luck": frame_table(
            "luck", "Sharpe ratios after luck and search", luck.assign(boot_interval=said), LUCK,
            labels=LABELS,
        ),
        "frictions": frame_table(
            "frictions", "One thing changed at a time", changes.assign(change=changed),
            {"strategy": plain, "change": plain, "total_return": percent, "sharpe": decimal,
             "events": whole},
            "Nothing could be run again.",
        ),
    }  # fmt: skip


def _change(what: str, level: float) -> str:
    if what == "delay":
        return f"{counted(int(level), 'session')} later"
    return f"all costs times {level:g}" if what == "cost" else f"capital {level:,.0f}, with impact"


def luck_lines(evidence: Evidence) -> list[str]:
    """Return what luck leaves of each strategy, one sentence each, then what it rests on."""
    lines = [_line(row) for row in records(evidence.luck)]
    return [
        *lines,
        "Probabilistic and deflated Sharpe ratios are probabilities that the true ratio is above "
        "zero, and above the best that so many trials without an edge would show; they take "
        "returns as independent over time and trials as independent of each other. The "
        "bootstrap keeps blocks of sessions together. Placebo calendars "
        f"{later.PLACEBO}, with "
        "the gaps between them permuted, and ask the strategy anew with each event's own "
        "direction: where directions were set by someone who knew later prices, they share that "
        "knowledge, and a small p is no proof of foresight. Capacity is where the square-root "
        "law of impact (coefficient 1, median volume and volatility of 20 sessions) takes the "
        "whole profit, or where an order is a whole day's usual volume, whichever comes first.",
    ]


def _line(row: dict[str, Any]) -> str:
    parts = [f"{row['strategy']}: Sharpe {decimal(row['sharpe'])}"]
    if math.isfinite(row["boot_low"]):
        parts.append(
            f"95% bootstrap interval {decimal(row['boot_low'])} to {decimal(row['boot_high'])}"
        )
    if math.isfinite(row["dsr"]):
        parts.append(
            f"deflated for {counted(int(row['trials']), 'trial')}: {_share(row['dsr'])} (the best "
            f"of so many shows {decimal(row['expected_max'])} by luck)"
        )
    if math.isfinite(row["placebo_total_p"]):
        floor = 1.0 / (row["placebo_draws"] + 1.0)
        parts.append(
            f"placebo dates {p_clause(row['placebo_total_p'])} for profit and "
            f"{p_clause(row['placebo_sharpe_p'])} for the Sharpe ratio ("
            f"{int(row['placebo_draws']):,} draws, p no smaller than {floor:.3g})"
        )
    if math.isfinite(row["break_even_bp"]):
        parts.append(f"breaks even at {decimal(row['break_even_bp'], 1)} bp a trade, one way")
    said = "; ".join(parts)
    return f"{said}. {row['note'][:1].upper()}{row['note'][1:]}." if row["note"] else f"{said}."
