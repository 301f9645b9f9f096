"""Value, drawdown and exposure of strategies against holding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.report.figures.contract import Choice, Figure, Spec, with_variants
from eventstudy.report.figures.style import (
    BLUE,
    DASHES,
    GREEN,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    axis,
    layout,
    log_axis,
    numbers,
    percents,
    safe,
)
from eventstudy.report.frames import records
from eventstudy.report.numbers import percent

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.backtest.result import BacktestResult


STRATEGIES = (BLUE, PURPLE, VERMILLION, GREEN, ORANGE, SKY)


def equity_figure(backtest: BacktestResult) -> Figure:
    """Return value on a log scale, drawdown below it, exposure below that."""
    data: list[Spec] = []
    held = list(dict.fromkeys(backtest.yardsticks["strategy"]))
    traded = list(dict.fromkeys(backtest.equity["strategy"]))
    for i, name in enumerate(traded):
        path = backtest.equity[backtest.equity["strategy"] == name]
        colour = STRATEGIES[i % 6]
        data += _paths(path, name, {"color": colour, "width": 2.2, "dash": DASHES[i % 6]})
        data += _exposure(path, name, colour)
    for i, name in enumerate(held):
        path = backtest.yardsticks[backtest.yardsticks["strategy"] == name]
        data += _paths(path, name, {"color": MUTED, "width": 1.3, "dash": DASHES[i % 6]})
    capital = float(backtest.config["capital"])
    values = [v / capital for t in data if t.get("yaxis") == "y" for v in t["y"]]
    shape = layout(
        axis("", type="date", anchor="y3", domain=[0, 1]),
        log_axis("value, start = 1", values, domain=[0.46, 1.0]),
        height=640,
        yaxis2=axis("drawdown", domain=[0.22, 0.40], ticksuffix="%"),
        yaxis3=axis("exposure", domain=[0.0, 0.16], ticksuffix="%"),
        hovermode="x unified",
    )
    for trace in data:
        if trace.get("yaxis") == "y":
            trace["y"] = numbers([v / capital for v in trace["y"]])
    holding = {safe(name) for name in held}
    shown = {
        "all": data,
        "alone": [t for t in data if t["legendgroup"] not in holding],
        **{
            f"one:{name}": [t for t in data if t["legendgroup"] in {*holding, safe(name)}]
            for name in (traded if len(traded) > 1 else ())
        },
    }
    words = "; ".join(
        f"{r['strategy']} {percent(r['total_return'])} with a deepest drawdown of "
        f"{percent(r['max_drawdown'])}"
        for r in records(backtest.metrics)
    )
    return with_variants(
        "equity",
        "Value, drawdown and exposure",
        "Strategies after all costs; holding (grey) without costs and fully invested, so the "
        "risks differ: compare Sharpe ratios and exposures in the table, not the heights alone. "
        "Exposure: gross solid, net dotted, percent of value.",
        f"Total return from {backtest.config['start']} to {backtest.config['end']}: {words}.",
        (
            Choice(
                "Show",
                (
                    ("all", "strategies and holding"),
                    ("alone", "strategies alone"),
                    *((key, key.removeprefix("one:")) for key in shown if key.startswith("one:")),
                ),
            ),
        ),
        {key: {"data": traces, "layout": shape} for key, traces in shown.items()},
        "all",
    )


def _paths(path: pd.DataFrame, name: str, line: Spec) -> list[Spec]:
    from eventstudy.backtest.metrics import drawdowns

    x = path["date"].dt.strftime("%Y-%m-%d").tolist()
    value = path["value"].to_numpy(dtype=float)
    text = safe(name)
    shared = {
        "type": "scatter", "mode": "lines", "x": x, "line": line, "name": text,
        "legendgroup": text,
    }  # fmt: skip
    return [
        {
            **shared,
            "y": numbers(value, 7),
            "yaxis": "y",
            "hovertemplate": f"{text} %{{y:.3f}}<extra></extra>",
        },
        {
            **shared,
            "y": percents(drawdowns(value), 3),
            "yaxis": "y2",
            "showlegend": False,
            "hovertemplate": f"{text} %{{y:.1f}}%<extra></extra>",
        },
    ]


def _exposure(path: pd.DataFrame, name: str, colour: str) -> list[Spec]:
    x = path["date"].dt.strftime("%Y-%m-%d").tolist()
    text = safe(name)
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"{text} {kind}",
            "legendgroup": text,
            "showlegend": False,
            "x": x,
            "y": percents(np.asarray(path[kind], dtype=float), 3),
            "yaxis": "y3",
            "line": {"color": colour, "width": 1.3, "dash": dash, "shape": "hv"},
            "hovertemplate": f"{text} {kind} %{{y:.0f}}%<extra></extra>",
        }
        for kind, dash in (("gross", "solid"), ("net", "dot"))
    ]
