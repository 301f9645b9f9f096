"""The figure of growth.py: seconds above, memory of the study below, one column an axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eventstudy.exports.pictures import draw_each
from eventstudy.exports.print_layout import Printed
from eventstudy.report.figures.style import GRID, INK, PAPER, SERIES, SYMBOLS

WIDTH, HEIGHT = 900, 480
GAP, LOW, HIGH = 0.055, 0.0, 0.44
LEAST = 1e-3
"""What a logarithm starts from."""
ROWS = (("processor", "processor seconds", (0.56, 1.0)), ("added", "MiB of the study", (LOW, HIGH)))


def figure_of(walks: Mapping[tuple[str, str], Mapping[int, Any]]) -> Printed:
    """Return the figure's specification.

    Parameters
    ----------
    walks : mapping of (engine, axis) to mapping of value to Grown or str
    """
    axes = list(dict.fromkeys(axis for _, axis in walks))
    engines = list(dict.fromkeys(engine for engine, _ in walks))
    layout: dict[str, Any] = {
        "width": WIDTH, "height": HEIGHT, "paper_bgcolor": PAPER, "plot_bgcolor": PAPER,
        "font": {"color": INK, "size": 12}, "margin": {"l": 75, "r": 15, "t": 60, "b": 50},
        "legend": {"orientation": "h", "x": 0, "y": 1.04, "yanchor": "bottom"},
    }  # fmt: skip
    data: list[dict[str, Any]] = []
    share = (1.0 - GAP * (len(axes) - 1)) / len(axes)
    for column, axis in enumerate(axes):
        left = column * (share + GAP)
        for row, (field, title, (bottom, top)) in enumerate(ROWS):
            number = 2 * column + row + 1
            key = "" if number == 1 else str(number)
            ticks = _ticks(walks, axis)
            layout[f"xaxis{key}"] = _scale(f"y{key}", axis if row else "", ticks) | {
                "domain": [left, left + share]
            }
            # One scale a row: steepness can be compared across columns.
            layout[f"yaxis{key}"] = {
                "anchor": f"x{key}", "domain": [bottom, top], "type": "log", "gridcolor": GRID,
                "title": {"text": "" if column else title}, "linecolor": INK,
                "tickvals": _marks(walks, field), "showticklabels": not column,
            } | ({"matches": "y2" if row else "y"} if column else {})  # fmt: skip
            data += [
                _line(k, engine, _held(walks.get((engine, axis), {})), field, number)
                for k, engine in enumerate(engines)
            ]
    return Printed({"data": data, "layout": layout}, WIDTH, HEIGHT, 0)


def _line(k: int, engine: str, found: Mapping[int, Any], field: str, number: int) -> dict[str, Any]:
    key = "" if number == 1 else str(number)
    values = [max(getattr(grown, field), LEAST) for grown in found.values()]
    return {
        "type": "scatter", "mode": "lines+markers", "name": engine, "x": list(found), "y": values,
        "line": {"color": SERIES[k % len(SERIES)], "width": 2},
        "marker": {"symbol": SYMBOLS[k % len(SYMBOLS)], "size": 7},
        "xaxis": f"x{key}", "yaxis": f"y{key}", "showlegend": number == 1,
    }  # fmt: skip


def _held(found: Mapping[int, Any]) -> dict[int, Any]:
    return {value: grown for value, grown in found.items() if not isinstance(grown, str)}


def _marks(walks: Mapping[tuple[str, str], Mapping[int, Any]], field: str) -> list[float]:
    """Return 1, 2 and 5 times powers of ten over the values of a row; powers where too many."""
    values = [
        max(getattr(grown, field), LEAST)
        for found in walks.values()
        for grown in _held(found).values()
    ]
    low, high = min(values, default=1.0), max(values, default=1.0)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(powers) <= 4 else (1,)
    marks = [float(f"{step}e{power}") for power in powers for step in steps]
    return [mark for mark in marks if low / 2 < mark < 2 * high]


def _ticks(walks: Mapping[tuple[str, str], Mapping[int, Any]], axis: str) -> list[int]:
    return sorted({v for (_, name), found in walks.items() if name == axis for v in found})


def _scale(anchor: str, title: str, ticks: list[int]) -> dict[str, Any]:
    shown = ticks if len(ticks) <= 4 else ticks[::2]
    return {
        "anchor": anchor, "type": "log", "title": {"text": title}, "gridcolor": GRID,
        "tickvals": shown, "ticktext": [_short(v) for v in shown], "linecolor": INK,
    }  # fmt: skip


def _short(value: int) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return str(value)


def draw(walks: Mapping[tuple[str, str], Mapping[int, Any]], path: Path) -> None:
    """Write the figure as SVG.

    Raises
    ------
    EventStudyError
        Where Kaleido or a browser is missing.
    """
    path.write_bytes(draw_each([(figure_of(walks), "svg")])[0])
