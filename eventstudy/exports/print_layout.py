"""Figures as they are printed: the page's specification on white paper, with title and caption."""

from __future__ import annotations

import copy
import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eventstudy.errors import UnknownNameError
from eventstudy.letters import unquoted, visible
from eventstudy.report.figures.style import INK, MUTED, PAPER, safe

if TYPE_CHECKING:
    from eventstudy.report.figures import Figure
    from eventstudy.report.figures.contract import Spec

WIDTH_MM, DPI = 170, 300
WIDTH = 643
"""170 mm at the 96 pixels an inch of browsers."""

FONT = "Arial, Helvetica, Liberation Sans, DejaVu Sans, sans-serif"
TITLE_PX, CAPTION_PX = 15, 11
TITLE_LETTERS, CAPTION_LETTERS = 76, 104
"""Letters a line, for the widest of the fonts."""

MOST_LINES = 6
_POINTER = re.compile(r"(Click|Hover|Choose|Drag)\b")
"""Sentences that tell what to do with a pointer."""

LEGEND_PX, LETTER_PX, SYMBOL_PX = 22, 7.2, 52
"""Height of a line of the legend; widths of a letter and of a symbol with its gaps."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A figure for paper.

    Attributes
    ----------
    spec : dict
        ``data`` and ``layout`` for plotly.
    width, height : int
        CSS pixels, 96 an inch.
    head : int
        Of which title and caption take so many, at the top.
    """

    spec: Spec
    width: int
    height: int
    head: int


def printed(figure: Figure, variant: str | None = None) -> Printed:
    """Return a figure as it is printed: light, 170 mm wide, nothing to click.

    Parameters
    ----------
    figure : Figure
    variant : str, optional
        Key of one of its variants; default the one it starts with.

    Raises
    ------
    UnknownNameError
        Where the figure has no such variant.
    """
    if variant is not None and variant not in figure.variants:
        raise UnknownNameError(f"variant of the figure {figure.name}", variant, figure.variants)
    given = figure.spec if variant is None else figure.variants[variant]
    spec = copy.deepcopy({"data": given["data"], "layout": given["layout"]})
    spec["data"] = [_still(trace, i) for i, trace in enumerate(spec["data"]) if _seen(trace)]
    layout = spec["layout"]
    title, caption = _lines(figure, figure.start if variant is None else variant)
    head = _head(title, caption)
    if _crowded(spec):
        layout["xaxis"] = {**layout["xaxis"], "tickangle": -90}
    given_top = int(layout.get("margin", {}).get("t", 0))
    top = max(given_top, LEGEND_PX * _legend_lines(spec) + 12, _axis_above(spec))
    height = int(layout.get("height", 400)) + head + top - given_top
    layout |= {
        "width": WIDTH, "height": height, "paper_bgcolor": PAPER, "plot_bgcolor": PAPER,
        "font": {**layout.get("font", {}), "family": FONT}, "hovermode": False,
        "margin": {**layout.get("margin", {}), "t": head + top},
        "title": _title(title, caption, height),
    }  # fmt: skip
    for name in ("updatemenus", "sliders", "modebar", "hoverlabel"):
        layout.pop(name, None)
    return Printed(spec, WIDTH, height, head)


def _head(title: list[str], caption: list[str]) -> int:
    """Return how many pixels title and caption take; plotly sets a single line lower."""
    return 10 + (TITLE_PX + 4) * len(title) + max((CAPTION_PX + 4) * len(caption), 26) + 12


def _axis_above(spec: Spec) -> int:
    """Return how many pixels an axis above the figure takes; 0 where it is below."""
    axis = spec["layout"].get("xaxis", {})
    if axis.get("side") != "top":
        return 0
    names = spec["data"][0].get("x", ()) if axis.get("tickangle") and spec["data"] else ()
    longest = max((LETTER_PX * len(str(name)) for name in names), default=0.0)
    titled = 26 if axis.get("title", {}).get("text") else 0
    return int(max(longest, 18)) + titled + 16


def _seen(trace: Spec) -> bool:
    """Return whether a trace is drawn: on paper nobody can switch it on."""
    return trace.get("visible", True) is True


def _still(trace: Spec, number: int) -> Spec:
    """Return a trace without what a pointer would show; named, so that files are the same."""
    return {
        **{k: v for k, v in trace.items() if k != "hovertemplate"},
        "hoverinfo": "skip",
        "uid": f"trace{number}",
    }


def caption_of(figure: Figure, variant: str | None = None) -> str:
    """Return the words below a title: what was chosen, then the caption for paper.

    Parameters
    ----------
    figure : Figure
    variant : str, optional
        Default the one that the figure starts with.
    """
    key = figure.start if variant is None else variant
    chosen = [
        f"{choice.label} {dict(choice.options).get(part, part)}"
        for choice, part in zip(figure.choices, key.split("|"), strict=False)
    ]
    said = re.split(r"(?<=[.!?]) +", figure.caption)
    still = [sentence for sentence in said if not _POINTER.match(sentence)]
    told = [f"{'; '.join(chosen)}."] if chosen else []
    return unquoted(" ".join([*told, *still]))


def _lines(figure: Figure, variant: str) -> tuple[list[str], list[str]]:
    """Return title and caption in lines."""
    title = textwrap.wrap(visible(figure.title), TITLE_LETTERS, max_lines=2, placeholder=" ...")
    caption = textwrap.wrap(
        visible(caption_of(figure, variant)),
        CAPTION_LETTERS,
        max_lines=MOST_LINES,
        placeholder=" ...",
    )
    return title, caption


def _title(title: list[str], caption: list[str], height: int) -> dict[str, Any]:
    return {
        "text": "<b>" + "<br>".join(safe(line, len(line)) for line in title) + "</b>",
        "font": {"size": TITLE_PX, "color": INK},
        "subtitle": {
            "text": "<br>".join(safe(line, len(line)) for line in caption),
            "font": {"size": CAPTION_PX, "color": MUTED},
        },
        "x": 0.0, "xref": "container", "xanchor": "left", "pad": {"l": 12},
        "y": 1.0 - 10.0 / height, "yref": "container", "yanchor": "top",
    }  # fmt: skip


def _crowded(spec: Spec) -> bool:
    """Return whether names along the horizontal axis would run into each other."""
    first = spec["data"][0] if spec["data"] else {}
    if first.get("type") != "heatmap" or spec["layout"]["xaxis"].get("tickangle"):
        return False
    names = [str(name) for name in first["x"]]
    aside = LETTER_PX * max((len(str(name)) for name in first["y"]), default=0)
    return LETTER_PX * max(map(len, names), default=0) > (WIDTH - 40 - aside) / max(len(names), 1)


def _legend_lines(spec: Spec) -> int:
    """Return about how many lines the legend above the figure takes."""
    named = [t for t in spec["data"] if t.get("name") and t.get("showlegend", True)]
    if len(named) < 2 and not spec["layout"].get("showlegend"):
        return 0
    longest = max((len(str(t["name"])) for t in named), default=0)
    columns = max(1, int((WIDTH - 60) // (SYMBOL_PX + LETTER_PX * longest)))
    total = sum(SYMBOL_PX + LETTER_PX * len(str(t["name"])) for t in named)
    return 1 if total <= WIDTH - 60 else -(-len(named) // columns)
