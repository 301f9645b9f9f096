"""Placebo dates: what the same strategy earned around other dates, and around the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.report.figures.contract import Choice, Figure, Spec, with_variants
from eventstudy.report.figures.style import (
    BLUE,
    VERMILLION,
    axis,
    layout,
    percents,
    safe,
    shade,
)
from eventstudy.report.numbers import p_clause, percent

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.backtest.result import BacktestResult


def placebo_figure(backtest: BacktestResult) -> Figure | None:
    """Return a histogram of profits on placebo calendars with the true one marked."""
    evidence, capital = backtest.evidence, float(backtest.config["capital"])
    drawn = {str(name): part for name, part in evidence.placebo.groupby("strategy", sort=False)}
    if not drawn:
        return None
    chance = dict(
        zip(evidence.luck["strategy"], evidence.luck["placebo_total_p"].astype(float), strict=True)
    )
    returns = backtest.metrics.set_index("strategy")["total_return"]
    variants, words = {}, []
    for name, part in drawn.items():
        actual = float(returns[name])
        variants[name] = _spec(part, name, actual, capital)
        p = p_clause(chance[name])
        middle = percent(float(part["total"].median()) / capital)
        words.append(
            f"{name} returned {percent(actual)}; {len(part):,} placebo calendars, median "
            f"{middle}, {p}"
        )
    options = tuple((name, name) for name in drawn)
    return with_variants(
        "placebo",
        "The same strategy around other dates",
        "Bars: total return on placebo calendars, the gaps between events permuted from a "
        "random start. Line: the true dates.",
        "; ".join(words) + ".",
        (Choice("Strategy", options),),
        variants,
        options[0][0],
    )


def _spec(part: pd.DataFrame, name: str, actual: float, capital: float) -> Spec:
    totals = part["total"].to_numpy(dtype=float) / capital
    edges = np.histogram_bin_edges(totals, bins=41)
    counts, _ = np.histogram(totals, bins=edges)
    middle = 0.5 * (edges[1:] + edges[:-1])
    bars: Spec = {
        "type": "bar",
        "name": "placebo calendars",
        "x": percents(middle),
        "y": [int(c) for c in counts],
        "width": float(f"{100 * (edges[1] - edges[0]) * 0.92:.4g}"),
        "marker": {"color": shade(BLUE, 0.45)},
        "hovertemplate": "%{x:+.2f}%: %{y} calendars<extra></extra>",
    }
    line: Spec = {
        "type": "scatter",
        "name": f"{safe(name)}, true dates",
        "x": percents([actual, actual]),
        "y": [0, int(counts.max())],
        "mode": "lines+markers",
        "line": {"color": VERMILLION, "width": 2.6},
        "marker": {"color": VERMILLION, "size": 8, "symbol": "diamond"},
        "hovertemplate": "true dates %{x:+.2f}%<extra></extra>",
    }
    shape = layout(
        axis("total return", ticksuffix="%", zeroline=False), axis("calendars"), height=340
    )
    return {"data": [bars, line], "layout": shape}
