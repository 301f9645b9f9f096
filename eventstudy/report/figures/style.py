"""Colours, layout and small parts that all figures share.

Colours are those of Okabe and Ito (2008), told apart by people with any colour vision; each
has a lighter twin for the dark page, swapped in by the page itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from eventstudy.report.figures.contract import Spec
from eventstudy.report.numbers import significant

INK, MUTED, GRID, PAPER = "#1c2430", "#5b6675", "#e3e7ed", "#ffffff"
BLUE, VERMILLION, GREEN, PURPLE = "#0072b2", "#d55e00", "#00845f", "#a6528a"
ORANGE, SKY = "#c98500", "#3d93c4"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")

STEPS = ("#f3f5f8", "#cfe6f5", "#94c9ea", "#4fa6dc")
"""From a p-value above 5% to one of at most 0.1%."""

LOSS, GAIN = "#f3b48a", "#8cc8ee"
"""Ends of a scale around zero, light enough for dark figures upon them."""

DARK = {
    INK: "#e8ecf2",
    MUTED: "#9aa7b8",
    GRID: "#2c3542",
    PAPER: "#12171f",
    BLUE: "#58b4ec",
    VERMILLION: "#ff8f4a",
    GREEN: "#3ccba0",
    PURPLE: "#dd8fc2",
    ORANGE: "#f2b53a",
    SKY: "#9fd4f5",
    LOSS: "#8a4a20",
    GAIN: "#1f6396",
    **dict(zip(STEPS, ("#1b222c", "#173c56", "#1d5a85", "#2877ad"), strict=True)),
}
"""Light colour -> its twin on the dark page."""

LONGEST = 60
"""Characters of a name in a figure."""

TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
"""Marks that turn the direction of writing."""

OF_ANY_OBJECT = frozenset({
    "constructor", "toString", "toLocaleString", "valueOf", "hasOwnProperty", "isPrototypeOf",
    "propertyIsEnumerable", "__proto__", "__defineGetter__", "__defineSetter__",
    "__lookupGetter__", "__lookupSetter__",
})  # fmt: skip
"""Names that every object of JavaScript has: plotly loses a category of such a name."""

FADE = 0.13
NORMAL_HEIGHT = 400


def shade(colour: str, alpha: float = FADE) -> str:
    """Return a hex colour as rgba with this opacity."""
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{alpha:g})"


def dark_colours() -> dict[str, str]:
    """Return the swap for the dark page, shaded colours included."""
    faded = {
        shade(light, alpha): shade(dark, min(1.0, alpha * 1.5))
        for light, dark in DARK.items()
        for alpha in (FADE, 0.45)
    }
    return DARK | faded


def numbers(values: Iterable[float], digits: int = 5) -> list[float | None]:
    """Return plain floats to significant digits, None for what is not finite."""
    return significant(list(values), digits)


def percents(values: Iterable[float], digits: int = 4) -> list[float | None]:
    """Return fractions as percent."""
    return numbers((100.0 * np.asarray(list(values), dtype=float)).tolist(), digits)


def axis(title: str = "", **more: Any) -> Spec:
    """Return an axis."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": MUTED}, "standoff": 10},
        "gridcolor": GRID,
        "linecolor": GRID,
        "zerolinecolor": MUTED,
        "zerolinewidth": 1,
        "tickfont": {"size": 12, "color": MUTED},
        "automargin": True,
        **more,
    }


def layout(x: Spec, y: Spec, height: int = NORMAL_HEIGHT, **more: Any) -> Spec:
    """Return a layout with the look of the page."""
    return {
        "height": height,
        "margin": {"l": 12, "r": 16, "t": 34, "b": 12, "pad": 2},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "color": INK},
        "hoverlabel": {
            "bgcolor": PAPER, "bordercolor": MUTED, "font": {"color": INK, "size": 12},
            "align": "left",
        },
        "legend": {
            "orientation": "h", "x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom",
            "font": {"size": 12}, "bgcolor": "rgba(0,0,0,0)",
        },
        "xaxis": x,
        "yaxis": y,
        **more,
    }  # fmt: skip


def band(x: Sequence[Any], lo: Sequence[Any], hi: Sequence[Any], colour: str, group: str) -> Spec:
    """Return a shaded band between two paths."""
    return {
        "type": "scatter",
        "x": [*x, *reversed(x)],
        "y": [*hi, *reversed(lo)],
        "fill": "toself",
        "fillcolor": shade(colour),
        "line": {"color": "rgba(0,0,0,0)", "width": 0},
        "mode": "lines",
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": group,
    }


def log_axis(title: str, values: Iterable[float], **more: Any) -> Spec:
    """Return a logarithmic axis with round ticks over the range of the values."""
    found = np.asarray(list(values), dtype=float)
    found = found[np.isfinite(found) & (found > 0)]
    low, high = (found.min(), found.max()) if len(found) else (1.0, 1.0)
    steps = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if high / low > 1.8 else np.arange(1.0, 10.0, 0.1)
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    ticks = np.unique(np.outer(decades, steps).round(8))
    ticks = ticks[(ticks >= low * 0.97) & (ticks <= high * 1.03)]
    shown = ticks[:: max(1, len(ticks) // 8)]
    texts = [f"{tick:,g}" for tick in shown]
    return axis(title, type="log", tickvals=numbers(shown), ticktext=texts, **more)


def safe(text: str, longest: int = LONGEST) -> str:
    """Return text that plotly shows as it is: it reads a few tags and entities as markup.

    Long text loses its middle, and marks that turn the direction of writing are shut in, so
    that they turn nothing else.
    """
    if len(text) > longest:
        text = f"{text[: longest - 12]}\N{HORIZONTAL ELLIPSIS}{text[-11:]}"
    if text in OF_ANY_OBJECT:
        text = f"{text}\N{ZERO WIDTH SPACE}"
    if not TURNING.isdisjoint(text):
        text = f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
