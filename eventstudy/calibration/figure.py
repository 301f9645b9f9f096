"""Figures of a calibration as plain SVG: no script, readable without a network, printable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.calibration.rates import BAND, HOLDS, OVER, UNDEFINED, UNDER

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.calibration.result import CalibrationResult

LABELS, PANEL, SPACE, ROW, TOP, FOOT = 150, 180, 42, 20, 30, 34
HIGHEST = 0.30
"""Rates beyond this stand at the edge of a panel, with an arrow."""
CLASSES = {HOLDS: "holds", OVER: "over", UNDER: "under"}
CURVES = 5
"""Tests whose power is drawn: the most powerful of those that hold."""


def size_figure(result: CalibrationResult, window: str) -> str:
    """Return rejection rates under the null with their intervals, a panel a design."""
    frame = result.summary_frame()
    frame = frame[frame["window"] == window]
    designs = [design.name for design in result.designs]
    width = LABELS + len(designs) * (PANEL + SPACE)
    height = TOP + ROW * len(result.tests) + FOOT
    parts = [
        f'<text class="label" x="{LABELS - 8}" y="{_y(i) + 4}" text-anchor="end">{escape(t)}</text>'
        for i, t in enumerate(result.tests)
    ]
    for k, design in enumerate(designs):
        rows = {row["test"]: row for _, row in frame[frame["design"] == design].iterrows()}
        parts += _panel(LABELS + k * (PANEL + SPACE), design, rows, result.tests)
    title = f"Rejection rates at 5% without an effect, window [{window}]"
    return _svg(width, height, title, parts)


def power_figure(result: CalibrationResult, window: str) -> str:
    """Return power by planted effect, a panel a design, of the tests that hold their size."""
    two = result.rates[(result.rates["side"] == "two-sided") & (result.rates["window"] == window)]
    effects = sorted(set(two["effect"]))
    height = TOP + 170 + FOOT + 16 * CURVES
    held = two[(two["effect"] == 0.0) & (two["verdict"] == HOLDS)]
    holding = set(zip(held["design"], held["test"], strict=True))
    parts: list[str] = []
    colours: dict[str, int] = {}
    for k, design in enumerate(result.designs):
        left = 40 + k * (PANEL + SPACE)
        part = two[two["design"] == design.name]
        ranked = _by_power(part, result.ranked_at)
        order = [t for t in ranked if (design.name, t) in holding][:CURVES]
        for test in order:
            colours.setdefault(test, len(colours))
        parts += _power_panel(left, design.name, part, [(t, colours[t]) for t in order], effects)
    title = f"Power by planted effect, window [{window}]"
    return _svg(40 + len(result.designs) * (PANEL + SPACE), height, title, parts)


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def _y(row: int) -> int:
    return TOP + ROW * row + ROW // 2


def _x(left: int, rate: float) -> float:
    return round(left + PANEL * min(rate, HIGHEST) / HIGHEST, 1)


def _panel(left: int, name: str, rows: Mapping[str, pd.Series], tests: Sequence[str]) -> list[str]:
    bottom = TOP + ROW * len(tests)
    low, high = (_x(left, 0.05 * multiple) for multiple in BAND)
    parts = [
        f'<text class="head" x="{left}" y="{TOP - 10}">{escape(name)}</text>',
        f'<rect class="band" x="{low}" y="{TOP}" width="{round(high - low, 1)}" '
        f'height="{bottom - TOP}"/>',
        _line("nominal", _x(left, 0.05), TOP, _x(left, 0.05), bottom),
    ]
    for tick in (0.0, 0.05, 0.1, 0.2, 0.3):
        x = _x(left, tick)
        parts.append(_line("tick", x, bottom, x, bottom + 4))
        parts.append(f'<text class="axis" x="{x}" y="{bottom + 17}">{100 * tick:g}%</text>')
    for i, test in enumerate(tests):
        parts += _mark(left, _y(i), test, rows[test])
    return parts


def _mark(left: int, y: int, test: str, row: pd.Series) -> list[str]:
    """Return one test's rate: a dot where it holds, a square where not, an arrow at the edge."""
    if row["verdict"] == UNDEFINED:
        return [f'<text class="axis none" x="{left + 24}" y="{y + 4}">undefined</text>']
    kind = CLASSES.get(row["verdict"], "unsure")
    x = _x(left, row["rate"])
    said = (
        f"{test}: {100 * row['rate']:.1f}% [{100 * row['lo']:.1f}, {100 * row['hi']:.1f}], "
        f"{row['verdict']}"
    )
    if row["rate"] > HIGHEST:
        shape = f'<path class="{kind}" d="M{x - 7},{y - 5} L{x + 1},{y} L{x - 7},{y + 5} Z"/>'
    elif kind == "holds":
        shape = f'<circle class="{kind}" cx="{x}" cy="{y}" r="4"/>'
    else:
        shape = f'<rect class="{kind}" x="{x - 4}" y="{y - 4}" width="8" height="8"/>'
    reach = _line(f"reach {kind}", _x(left, row["lo"]), y, _x(left, row["hi"]), y)
    return [f"<g><title>{escape(said)}</title>{reach}{shape}</g>"]


def _by_power(part: pd.DataFrame, effect: float) -> list[str]:
    at = part[part["effect"] == effect].sort_values("rate", ascending=False, kind="stable")
    return list(at["test"])


def _power_panel(
    left: int,
    name: str,
    part: pd.DataFrame,
    order: Sequence[tuple[str, int]],
    effects: Sequence[float],
) -> list[str]:
    """Return the curves of tests, given with the number of their colour."""
    bottom, most = TOP + 170, max(max(effects), 1e-9)

    def place(effect: float, rate: float) -> tuple[float, float]:
        x = left + (PANEL - 12) * effect / most
        return round(x, 1), round(bottom - (bottom - TOP) * rate, 1)

    parts = [f'<text class="head" x="{left}" y="{TOP - 10}">{escape(name)}</text>']
    for rate in (0.0, 0.5, 1.0):
        y = place(0.0, rate)[1]
        parts.append(_line("tick", left, y, left + PANEL - 12, y))
        parts.append(f'<text class="axis end" x="{left - 5}" y="{y + 4}">{100 * rate:g}%</text>')
    for effect in effects:
        x = place(effect, 0.0)[0]
        parts.append(f'<text class="axis" x="{x}" y="{bottom + 17}">{100 * effect:g}%</text>')
    for k, (test, colour) in enumerate(order):
        rows = part[part["test"] == test].sort_values("effect")
        points = " ".join(
            "{},{}".format(*place(e, r))
            for e, r in zip(rows["effect"], rows["rate"], strict=True)
            if np.isfinite(r)
        )
        kind = f"curve c{colour % CURVES}" + (" dashed" if colour >= CURVES else "")
        parts.append(f'<polyline class="{kind}" points="{points}"/>')
        y = bottom + FOOT + 14 * k
        parts.append(_line(kind, left, y, left + 18, y))
        parts.append(f'<text class="label" x="{left + 24}" y="{y + 4}">{escape(test)}</text>')
    if not order:
        parts.append(f'<text class="label" x="{left}" y="{bottom + FOOT + 4}">none holds</text>')
    return parts


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'
