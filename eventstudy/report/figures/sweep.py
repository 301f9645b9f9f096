"""Figures of a sweep: maps over two parameters, all ratios, folds of the walk-forward."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.backtest.sweep.wording import shown_value
from eventstudy.report.figures.contract import Choice, Figure, Spec, with_variants
from eventstudy.report.figures.style import (
    BLUE,
    GAIN,
    INK,
    LOSS,
    MUTED,
    PURPLE,
    STEPS,
    VERMILLION,
    axis,
    layout,
    numbers,
    safe,
    shade,
)

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.backtest.sweep.result import SweepResult
    from eventstudy.backtest.sweep.walk import Walk

SHOWN = {
    "sharpe": ("Sharpe ratio", 1.0, 2, ""),
    "total_return": ("total return", 100.0, 1, "%"),
    "max_drawdown": ("deepest drawdown", 100.0, 1, "%"),
    "hit_rate": ("hit rate", 100.0, 0, "%"),
}
"""Figure -> what it is called, factor, digits, unit."""
MOST_COLUMNS = 14
"""With more columns than this a map has no figures in its cells."""
MOST_PAIRS = 10
"""Pairs of parameters that are drawn, the first ones."""


def map_figure(result: SweepResult) -> Figure | None:
    """Return the mean of each figure by two parameters; None where nothing ran."""
    if not len(result.ran):
        return None
    pairs = list(itertools.combinations(result.parameters, 2))[:MOST_PAIRS]
    pairs = pairs or [(result.parameters[0], "")]
    variants = {
        f"{x}|{figure}" if not y else f"{x} x {y}|{figure}": _map(result, x, y, figure)
        for x, y in pairs
        for figure in SHOWN
    }
    options = [(key.partition("|")[0],) * 2 for key in variants if key.endswith("|sharpe")]
    choices = (
        Choice("Parameters", tuple(options)),
        Choice("Figure", tuple((name, told[0]) for name, told in SHOWN.items())),
    )
    best = result.summary_frame().iloc[0]
    settings = ", ".join(f"{name} {shown_value(best[name])}" for name in result.parameters)
    others = len(result.parameters) > 2
    return with_variants(
        "map",
        "Figures by parameter",
        "Each cell: the mean over all variants with these values"
        + (", whatever the other parameters." if others else ".")
        + " Around zero: blue above, orange below; empty where no variant ran. A single bright "
        "cell among dull ones is a sign of luck, a bright region less so.",
        f"The highest Sharpe ratio, {_told(best['sharpe'], 'sharpe')}, is at {settings}.",
        choices,
        variants,
        f"{options[0][0]}|sharpe",
    )


def _told(value: float, figure: str) -> str:
    _, factor, digits, unit = SHOWN[figure]
    return f"{factor * value:.{digits}f}{unit}" if math.isfinite(value) else ""


def _map(result: SweepResult, x: str, y: str, figure: str) -> Spec:
    table = result.heat(x, y or x, figure)
    counts = result.heat_counts(x, y or x)
    if not y:  # one parameter: a single row
        table, counts = _diagonal(table), _diagonal(counts)
    values = table.to_numpy()
    name, factor, _, unit = SHOWN[figure]
    known = np.abs(values[np.isfinite(values)]) * factor
    most = float(known.max()) if len(known) and known.max() > 0 else 1.0
    wide = table.shape[1] > MOST_COLUMNS
    text = [[_told(v, figure) for v in row] for row in values]
    hover = f"{safe(x)} %{{x}}" + (f", {safe(y)} %{{y}}" if y else "")
    return {
        "data": [
            {
                "type": "heatmap",
                "x": [safe(str(label)) for label in table.columns],
                "y": [safe(str(label)) for label in table.index],
                "z": [numbers(factor * row) for row in values],
                "zmin": -most,
                "zmax": most,
                "colorscale": [[0.0, LOSS], [0.5, STEPS[0]], [1.0, GAIN]],
                "showscale": wide,
                "colorbar": {"ticksuffix": unit, "thickness": 12, "outlinewidth": 0,
                             "tickfont": {"size": 11, "color": MUTED}},
                "text": text,
                "texttemplate": "" if wide else "%{text}",
                "textfont": {"size": 12, "color": INK},
                "customdata": counts.to_numpy().astype(int).tolist(),
                "xgap": 2,
                "ygap": 2,
                "hoverongaps": False,
                "hovertemplate": f"{hover}<br>{name} %{{text}}, variants: %{{customdata}}"
                "<extra></extra>",
            }
        ],
        "layout": layout(
            axis(x, type="category", gridcolor="rgba(0,0,0,0)"),
            axis(y, type="category", gridcolor="rgba(0,0,0,0)", showticklabels=bool(y)),
            height=120 + 34 * len(table.index),
        ),
    }  # fmt: skip


def _diagonal(table: pd.DataFrame) -> pd.DataFrame:
    row = table.iloc[[0]].copy()
    row.iloc[0] = np.diag(table.to_numpy())
    row.index = [""]
    return row


def ratios_figure(result: SweepResult) -> Figure | None:
    """Return all Sharpe ratios, the highest, and what the highest would be without an edge."""
    ratios = result.ran["sharpe"].to_numpy(dtype=float)
    ratios = ratios[np.isfinite(ratios)]
    judged = result.deflated
    if judged is None or not len(ratios):
        return None
    edges = np.histogram_bin_edges(ratios, bins=max(5, min(40, int(math.sqrt(len(ratios))) * 2)))
    counts, _ = np.histogram(ratios, edges)
    luck = judged.expected_max * math.sqrt(252)
    best = float(ratios.max())
    marks = [("highest of all", best, BLUE), ("highest expected without an edge", luck, VERMILLION)]
    bars: Spec = {
        "type": "bar",
        "name": "variants",
        "x": numbers((edges[1:] + edges[:-1]) / 2),
        "y": [int(c) for c in counts],
        "width": float(f"{0.94 * (edges[1] - edges[0]):.4g}"),
        "marker": {"color": shade(PURPLE, 0.45)},
        "hovertemplate": "%{x:.2f}: %{y} variants<extra></extra>",
    }
    lines = [_mark(*mark, int(counts.max())) for mark in marks if math.isfinite(mark[1])]
    found = f"{best:.2f} is the highest of {len(ratios):,} Sharpe ratios"
    expected = f"; {judged.trials:,} trials without an edge would show about {luck:.2f}"
    return Figure(
        "ratios",
        "Sharpe ratios of all variants",
        "Bars: variants. Lines: the highest ratio, and what the highest of so many trials with "
        "this spread is expected to be where none has an edge.",
        found + (expected if math.isfinite(luck) else "") + ".",
        {
            "data": [bars, *lines],
            "layout": layout(
                axis("Sharpe ratio, a year", range=_room([*ratios, luck])),
                axis("variants"),
                height=320,
            ),
        },
    )


def _room(values: Iterable[float]) -> list[float | None]:
    """Return a range that holds values with some room to either side."""
    known = [value for value in values if math.isfinite(value)]
    room = 0.04 * (max(known) - min(known)) or 0.1
    return numbers([min(known) - room, max(known) + room])


def _mark(name: str, value: float, colour: str, height: int) -> Spec:
    return {
        "type": "scatter",
        "name": name,
        "x": numbers([value, value]),
        "y": [0, height],
        "mode": "lines",
        "line": {"color": colour, "width": 2.6},
        "hovertemplate": f"{name}: %{{x:.2f}}<extra></extra>",
    }


def halves_figure(result: SweepResult) -> Figure | None:
    """Return where the best variant of one half stands in the other half."""
    found = result.overfitting
    if not len(found.logits):
        return None
    ranks = 1.0 / (1.0 + np.exp(-found.logits))
    edges = np.linspace(0.0, 1.0, 21)
    counts, _ = np.histogram(ranks, edges)
    shares = 100.0 * counts / counts.sum()
    colours = [shade(VERMILLION if e < 0.4999 else BLUE, 0.45) for e in edges[:-1]]
    bars: Spec = {
        "type": "bar",
        "x": numbers(100 * (edges[1:] + edges[:-1]) / 2),
        "y": numbers(shares, 4),
        "width": 4.7,
        "marker": {"color": colours},
        "showlegend": False,
        "hovertemplate": "around %{x:.0f}%: %{y:.1f}% of splits<extra></extra>",
    }
    return Figure(
        "halves",
        "The best of one half of the sessions, in the other half",
        f"All {len(ranks):,} ways to split the sessions into two halves of 8 blocks: the share of "
        "variants that do worse, in the other half, than the one picked. Without an edge every "
        "place is as likely.",
        f"In {100 * found.pbo:.1f}% of splits the pick is at or below the median there.",
        {
            "data": [bars],
            "layout": layout(
                axis("variants that do worse than the pick", ticksuffix="%", range=[0, 100]),
                axis("splits", ticksuffix="%"),
                height=300,
            ),
        },
    )


def walk_figure(result: SweepResult, walk: Walk) -> Figure:
    """Return the profit of choosing on past events against that of the variant chosen on all."""
    places = {name: i for i, name in enumerate(result.event_ids)}
    tested = np.array([places[name] for name in walk.event_ids], dtype=np.int64)
    order = np.argsort(result.rows[tested], kind="stable")
    days = result.sessions[result.rows[tested[order]]].astype(str).tolist()
    paths = [("chosen on past events", walk.earned[order], BLUE, "solid")]
    if result.best >= 0:
        own = result.earned[tested[order], result.best]
        paths.append(("highest Sharpe ratio of all sessions", own, MUTED, "dash"))
    names = [walk.event_ids[i] for i in order]
    data = [
        _path(name, profits, days, names, colour, dash) for name, profits, colour, dash in paths
    ]
    shape = layout(
        axis("", type="date"), axis("profit so far, money"), height=340, hovermode="x unified"
    )
    shape["shapes"] = [_edge(str(result.sessions[row])) for row in walk.folds["first"]]
    return Figure(
        "walk",
        "Walk-forward: profit on events that the choice had not seen",
        "Profit so far, by session 0 of each event. Before each dotted line the variant is chosen "
        "anew on the trades closed by then. Grey: the variant with the highest Sharpe ratio over "
        "all sessions, these included. Where sizes differ compare t, in the findings, not heights.",
        f"{walk.total:,.0f} over {len(walk.earned)} events, {walk.mean:,.0f} an event (standard "
        f"error {walk.error:,.0f}).",
        {"data": data, "layout": shape},
    )


def _path(
    name: str, profits: Any, days: list[str], events: list[str], colour: str, dash: str
) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": days,
        "y": numbers(np.cumsum(profits), 7),
        "customdata": [safe(event) for event in events],
        "line": {"color": colour, "width": 2.2, "dash": dash, "shape": "hv"},
        "marker": {"color": colour, "size": 5},
        "hovertemplate": f"{name} %{{y:,.0f}} (%{{customdata}})<extra></extra>",
    }


def _edge(day: str) -> Spec:
    return {
        "type": "line", "xref": "x", "yref": "paper", "x0": day, "x1": day, "y0": 0, "y1": 1,
        "line": {"color": MUTED, "width": 1, "dash": "dot"},
    }  # fmt: skip
