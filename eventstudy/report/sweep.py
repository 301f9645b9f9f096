"""The page of a sweep: findings, maps over parameters, every variant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eventstudy.backtest.sweep.wording import (
    assumption_lines,
    facts_of,
    failure_lines,
    finding_lines,
    heading,
    shown_value,
    worded,
)
from eventstudy.errors import BacktestError
from eventstudy.report.figures.sweep import (
    halves_figure,
    map_figure,
    ratios_figure,
    walk_figure,
)
from eventstudy.report.numbers import decimal
from eventstudy.report.packed import packed, packed_frame
from eventstudy.report.shell import rendered, shell
from eventstudy.report.tables import PackedTable, Table

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.backtest.sweep.result import SweepResult
    from eventstudy.backtest.sweep.walk import Walk
    from eventstudy.report.figures import Figure

MOST_ROWS = 5_000
"""Variants in the page; the file of the sweep has them all."""
KINDS = {
    "variant": "count", "total_return": "percent", "annual_return": "percent",
    "volatility": "size", "sharpe": "number", "sharpe_se": "number", "sortino": "number",
    "calmar": "number", "max_drawdown": "percent", "hit_rate": "size", "events": "count",
    "engine": "text",
}  # fmt: skip


def sweep_html(result: SweepResult, folds: int = 4) -> str:
    """Return the page of a sweep: one file that loads nothing from outside.

    Parameters
    ----------
    result : SweepResult
    folds : int
        Of the walk-forward.
    """
    facts, walk = facts_of(result, folds), walk_of(result, folds)
    context: dict[str, Any] = {
        "title": f"Sweep of {result.strategy}",
        "heading": heading(result),
        "idea": result.config["idea"],
        "findings": finding_lines(facts),
        "failures": [line.strip() for line in failure_lines(result) if line],
        "assumptions": assumption_lines(result),
        "walk_table": None if walk is None else walk_table(result, walk),
        "variants": _variants(result),
        "failed_table": failed_table(result),
        "manifest": json.dumps(result.manifest(folds), indent=2, default=str),
        **shell(sweep_figures(result, walk)),
    }
    return rendered("sweep.html", context)


def walk_of(result: SweepResult, folds: int) -> Walk | None:
    """Return the walk-forward; None where there are too few dates for it."""
    try:
        return result.walk_forward(folds)
    except BacktestError:
        return None  # the findings say why


def sweep_figures(result: SweepResult, walk: Walk | None) -> dict[str, Figure]:
    """Return the figures that apply, by name."""
    found = [
        map_figure(result),
        ratios_figure(result),
        halves_figure(result),
        None if walk is None else walk_figure(result, walk),
    ]
    return {figure.name: figure for figure in found if figure is not None}


def _variants(result: SweepResult) -> PackedTable:
    """Return the variants that ran, the highest Sharpe ratio first."""
    frame = result.summary_frame()
    shown = frame.head(MOST_ROWS)
    words = worded(shown[list(result.parameters)])
    kinds = {
        **{name: KINDS[name] for name in ("variant",)},
        **{name: "value" if _numeric(shown[name]) else "text" for name in result.parameters},
        **{name: kind for name, kind in KINDS.items() if name != "variant"},
    }
    texts = {name: words[name] for name, kind in kinds.items() if name in words and kind == "text"}
    cut = "" if len(frame) <= MOST_ROWS else f", the first {MOST_ROWS:,} of {len(frame):,}"
    return PackedTable(
        "variants",
        f"Variants that ran, the highest Sharpe ratio first{cut}",
        packed(packed_frame(shown.assign(**texts), kinds)),
        len(shown),
    )


def _numeric(column: pd.Series) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return bool(is_numeric_dtype(column)) and not is_bool_dtype(column)


def walk_table(result: SweepResult, walk: Walk) -> Table:
    """Return the folds of a walk-forward."""
    frame = result.walk_frame(walk)
    rows = [
        tuple(_cell(str(name), value) for name, value in row.items())
        for row in frame.to_dict("records")
    ]
    labels = {
        "train_events": "closed before", "test_events": "tested", "trained": "t in training",
        "earned": "earned", "hindsight": "best in hindsight",
    }  # fmt: skip
    texts = ("first", "last")
    columns = tuple((labels.get(name, name), name not in texts) for name in map(str, frame.columns))
    return Table("folds", "Folds of the walk-forward", columns, tuple(rows))


def _cell(name: str, value: Any) -> str:
    if name in ("first", "last"):
        return str(value)[:10]
    if name in ("earned", "hindsight"):
        return decimal(value, 0)
    if name == "trained":
        return decimal(value)
    return "none" if name == "variant" and value < 0 else shown_value(value)


def failed_table(result: SweepResult) -> Table:
    """Return the variants that failed, and why."""
    failed = result.failed
    words = worded(failed[["variant", *result.parameters]]).head(MOST_ROWS)
    rows = [
        (*map(str, row), str(error))
        for row, error in zip(words.itertuples(index=False), failed["error"], strict=False)
    ]
    columns = tuple((name, name == "variant") for name in (*map(str, words.columns), "error"))
    return Table("failed", "Variants that failed", columns, tuple(rows), "None failed.")
