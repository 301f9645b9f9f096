"""Figures of groups: mean paths, effects with their power, and the map of tests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.report.figures.contract import (
    Choice,
    Figure,
    Spec,
    key_of,
    key_part,
    with_variants,
)
from eventstudy.report.figures.style import (
    BLUE,
    DASHES,
    GREEN,
    GRID,
    INK,
    MUTED,
    PURPLE,
    STEPS,
    SYMBOLS,
    VERMILLION,
    axis,
    band,
    layout,
    numbers,
    percents,
    safe,
)
from eventstudy.report.frames import records, rows_where
from eventstudy.report.lead import Grouped, headline_alignment, lead_group, lead_groups, model_names
from eventstudy.report.numbers import interval, percent, window_text

if TYPE_CHECKING:
    import pandas as pd

FEW_DAYS = 3
"""Up to this many days a path is drawn as points with error bars."""

MOST_MODELS = 4
"""Models that a reader can choose from where each one is a figure of its own; the first ones."""

UPRIGHT_FROM = 14
"""With more columns than this, the names of windows in the heat map stand upright."""


def path_figures(study: Grouped) -> tuple[Figure, ...]:
    """Return the figures that lead: baskets and spread, then the signed spread."""
    lead = study.config.lead
    plain = [n for n in study.config.observed if n.startswith("@") and "-" not in n]
    held = {group.name for group in study.groups}
    baskets = [name for name in (*plain[:3], lead) if name in held]
    # No event may have its own ticker among those that are left: then there is no group "all".
    first = baskets or (["all"] if "all" in held else [lead_group(study)])
    figures = [
        _path_figure(
            study, "lead-baskets", first, "Mean cumulative abnormal return",
            "All studied events, unsigned.",
        )
    ]  # fmt: skip
    signed = lead_group(study)
    if signed == "directional":
        figures.append(
            _path_figure(
                study, "lead-directional", [signed], "Signed to the side the news favours",
                f"{lead} times the direction label of each event: above zero, the labelled "
                "side gained.",
            )
        )  # fmt: skip
    return tuple(figures)


def _path_figure(study: Grouped, name: str, groups: Sequence[str], title: str, said: str) -> Figure:
    paths = study.paths_of(groups)
    models = model_names(study)[:MOST_MODELS]
    found: dict[str, list[tuple[str, pd.DataFrame]]] = {}
    for model in models:
        for alignment in study.alignments:
            rows = rows_where(paths, model=model, alignment=alignment)
            parts = dict(list(rows.groupby("group", sort=False)))
            if parts:
                found[f"{model}|{alignment}"] = [(g, parts[g]) for g in groups if g in parts]
    start = f"{models[0]}|{headline_alignment(study)}"
    start = start if start in found else next(iter(found))
    first = int(study.config.frame.days[0])
    return with_variants(
        name,
        title,
        f"{said} Mean CAR from {window_text(f'{first},{first}')} to each day with 95% intervals.",
        _path_words(found[start]),
        (
            Choice("Model", tuple((m, m) for m in models)),
            Choice("Uncertain times", tuple((a, a) for a in study.alignments)),
        ),
        {key: _path_spec(parts) for key, parts in found.items()},
        start,
    )


def _path_spec(found: Sequence[tuple[str, pd.DataFrame]]) -> Spec:
    data: list[Spec] = []
    colours = [PURPLE] if len(found) == 1 else [BLUE, VERMILLION, GREEN, PURPLE]
    for i, (group, path) in enumerate(found):
        shift = (i - (len(found) - 1) / 2) * 0.07
        data += path_traces(path, group, colours[i % 4], DASHES[i % 4], SYMBOLS[i % 4], shift)
    days = sorted(found[0][1]["day"].unique())
    shape = layout(
        day_axis(days), axis("", ticksuffix="%"), height=340, showlegend=True, **_hover(days)
    )
    if days[0] < 0 < days[-1]:
        shape["shapes"] = [
            {"type": "line", "xref": "x", "yref": "paper", "x0": 0, "x1": 0, "y0": 0, "y1": 1,
             "line": {"color": MUTED, "width": 1, "dash": "dot"}},
        ]  # fmt: skip
    return {"data": data, "layout": shape}


def path_traces(
    path: pd.DataFrame, label: str, colour: str, dash: str, symbol: str, shift: float = 0.0
) -> list[Spec]:
    """Return line and band of a path; points with error bars where it is short.

    Parameters
    ----------
    path : DataFrame
        day, caar, lo, hi, n, n_dates; fractions.
    label : str
    colour, dash, symbol : str
    shift : float
        Sessions by which points are moved aside, so that they do not hide each other.
    """
    x = [int(day) for day in path["day"]]
    y, lo, hi = (percents(path[c]) for c in ("caar", "lo", "hi"))
    n = [
        f"{int(a)} events, {int(b)} dates" for a, b in zip(path["n"], path["n_dates"], strict=True)
    ]
    text = safe(label)
    line: Spec = {
        "type": "scatter",
        "name": text,
        "legendgroup": text,
        "x": x,
        "y": y,
        "customdata": [list(row) for row in zip(lo, hi, n, strict=True)],
        "hovertemplate": f"<b>{text}</b> %{{y:+.2f}}% "
        "[%{customdata[0]:+.2f}%, %{customdata[1]:+.2f}%], %{customdata[2]}<extra></extra>",
        "line": {"color": colour, "width": 2.4, "dash": dash},
        "marker": {"color": colour, "size": 6, "symbol": symbol},
        "mode": "lines+markers",
    }
    if len(x) > FEW_DAYS:
        return [band(x, lo, hi, colour, text), line]
    line["error_y"] = {
        "type": "data",
        "symmetric": False,
        "array": numbers(100 * (path["hi"] - path["caar"])),
        "arrayminus": numbers(100 * (path["caar"] - path["lo"])),
        "color": colour,
        "thickness": 1.6,
        "width": 5,
    }
    line["mode"] = "markers"
    line["x"] = [round(day + shift, 3) for day in x]
    return [line]


def day_axis(days: Sequence[int]) -> Spec:
    """Return the axis of event days."""
    step = 1 if len(days) <= 16 else 5
    return axis(
        "sessions from session 0",
        dtick=step,
        zeroline=False,
        range=[min(days) - 0.5, max(days) + 0.5],
    )


def _hover(days: Sequence[int]) -> Spec:
    """Return one box a day for paths, one a point where points stand side by side."""
    return {"hovermode": "x unified" if len(days) > FEW_DAYS else "closest"}


def _path_words(found: Sequence[tuple[str, pd.DataFrame]]) -> str:
    said = []
    for group, path in found:
        last = path.iloc[-1]
        said.append(
            f"{group} to day {last['day']}: {percent(last['caar'])} "
            f"({interval(last['lo'], last['hi'])}), {int(last['n'])} events"
        )
    return "; ".join(said) + "."


def effects_figure(study: Grouped, groups: Collection[str] | None = None) -> Figure:
    """Return the effect of each group with its interval and its smallest findable effect.

    Of the groups of these names, of all by default.
    """
    effects, alignment = study.effects, headline_alignment(study)
    if groups is not None:
        effects = effects[effects["group"].isin(groups)]
    asked = [f"{a},{b}" for a, b in study.config.frame.windows]
    models = model_names(study)
    variants = {
        f"{window}|{model}": _effects_spec(
            effects[
                (effects["window"] == window)
                & (effects["model"] == model)
                & (effects["alignment"] == alignment)
            ]
        )
        for window in asked
        for model in models
    }
    choices = (
        Choice("Window", tuple((w, window_text(w)) for w in asked)),
        Choice("Model", tuple((m, m) for m in models)),
    )
    rows = effects[(effects["window"] == asked[0]) & (effects["model"] == models[0])]
    rows = rows[rows["alignment"] == alignment]
    words = "; ".join(
        f"{r['group']} {percent(r['caar'])} ({interval(r['lo'], r['hi'])})" for r in records(rows)
    )
    return with_variants(
        "effects",
        "Mean CAR by group, and what could have been found",
        "Points: mean CAR with its 95% interval. Grey bars: effects too small to be found with "
        "80% probability in that sample (plus and minus the smallest findable effect). Groups "
        "of fewer than three events are in the table only.",
        f"Window {window_text(asked[0])}: {words}.",
        choices,
        variants,
        f"{asked[0]}|{models[0]}",
    )


def _effects_spec(rows: pd.DataFrame) -> Spec:
    rows = rows[(rows["n"] >= 3) & np.isfinite(rows["caar"])].iloc[::-1]
    labels = [f"{safe(r['group'])}  (n {r['n']})" for r in records(rows)]
    power: Spec = {
        "type": "bar",
        "orientation": "h",
        "name": "too small to be found",
        "y": labels,
        "x": percents(2 * rows["mde"]),
        "base": percents(-rows["mde"]),
        "marker": {"color": GRID},
        "width": 0.62,
        "customdata": percents(rows["mde"]),
        "hovertemplate": "smallest findable effect %{customdata:.2f}%<extra></extra>",
    }
    points: Spec = {
        "type": "scatter",
        "mode": "markers",
        "name": "mean CAR, 95% interval",
        "x": percents(rows["caar"]),
        "y": labels,
        "marker": {"color": BLUE, "size": 8},
        "error_x": {
            "type": "data",
            "array": percents(rows["hi"] - rows["caar"]),
            "color": BLUE,
            "thickness": 1.8,
            "width": 4,
        },
        "customdata": [
            [a, b, int(c)]
            for a, b, c in zip(
                percents(rows["lo"]), percents(rows["hi"]), rows["n_dates"], strict=True
            )
        ],
        "hovertemplate": "<b>%{y}</b><br>%{x:+.2f}% [%{customdata[0]:+.2f}%, "
        "%{customdata[1]:+.2f}%]<br>%{customdata[2]} dates<extra></extra>",
    }
    reach = float(np.nanpercentile(np.abs(rows[["lo", "hi"]].to_numpy()), 90)) if len(rows) else 0.1
    return {
        "data": [power, points],
        "layout": layout(
            axis("mean CAR, %", ticksuffix="%", range=[-125 * reach, 125 * reach]),
            axis("", type="category", gridcolor="rgba(0,0,0,0)"),
            height=90 + 26 * len(rows),
            barmode="overlay",
        ),
    }


def heatmap_figure(study: Grouped) -> Figure:
    """Return the p-values of every test by event day and window, for a chosen group."""
    groups = lead_groups(study)
    models = model_names(study)[:MOST_MODELS]
    choices = (
        Choice("Group", tuple((key_part(g), g) for g in groups)),
        Choice("Reading", tuple((a, a) for a in study.alignments)),
        Choice("Model", tuple((key_part(m), m) for m in models)),
    )
    tests = study.group_tests[["group", "alignment", "model", "window", "test", "p_value"]]
    tests = tests[tests["group"].isin(groups) & tests["model"].isin(models)]
    variants = {
        key_of(*map(str, key)): _heatmap_spec(rows)
        for key, rows in tests.groupby(["group", "alignment", "model"], sort=False)
    }
    start = key_of(groups[0], headline_alignment(study), models[0])
    rows = rows_where(tests, group=groups[0], alignment=headline_alignment(study), model=models[0])
    known = rows[np.isfinite(rows["p_value"])]
    words = (
        f"Group {groups[0]}: {int((known['p_value'] < 0.05).sum())} of {len(known)} two-sided "
        "p-values are below 5%; about "
        f"{0.05 * len(known):.0f} would be by chance alone were nothing there. The tests of one "
        "column share their data and are not independent."
    )
    return with_variants(
        "heatmap",
        "Two-sided p-values by test and window",
        "Single days, then windows. Blue: at most 5%, 1% and 0.1%; grey: above. "
        "P-values are not adjusted for their number. Empty: the test has no value for this sample.",
        words,
        choices,
        variants,
        start,
    )


def _heatmap_spec(rows: pd.DataFrame) -> Spec:
    windows, tests = list(dict.fromkeys(rows["window"])), list(dict.fromkeys(rows["test"]))
    at = rows["test"].map({t: i for i, t in enumerate(tests)})
    values = np.full((len(tests), len(windows)), np.nan)
    values[at, rows["window"].map({w: i for i, w in enumerate(windows)})] = rows["p_value"]
    text = [["" if not np.isfinite(p) else p_short(p) for p in row] for row in values]
    level = np.select(
        [~np.isfinite(values), values <= 0.001, values <= 0.01, values <= 0.05],
        [np.nan, 3.0, 2.0, 1.0],
        default=0.0,
    )
    scale = [[(k + side) / 4.0, colour] for k, colour in enumerate(STEPS) for side in (0, 1)]
    return {
        "data": [
            {
                "type": "heatmap",
                "x": [_short(w) for w in windows],
                "y": [safe(t) for t in tests],
                "z": [numbers(row) for row in level],
                "zmin": -0.5,
                "zmax": 3.5,
                "text": text,
                "texttemplate": "%{text}",
                "textfont": {"size": 11, "color": INK},
                "colorscale": scale,
                "showscale": False,
                "xgap": 2,
                "ygap": 2,
                "hovertemplate": "<b>%{y}</b>, %{x}<br>p %{text}<extra></extra>",
            }
        ],
        "layout": layout(
            axis(
                "",
                type="category",
                side="top",
                tickangle=-90 if len(windows) > UPRIGHT_FROM else 0,
                gridcolor="rgba(0,0,0,0)",
            ),
            axis("", type="category", autorange="reversed", gridcolor="rgba(0,0,0,0)"),
            height=90 + 32 * len(tests) + (40 if len(windows) > UPRIGHT_FROM else 0),
        ),
    }


def _short(window: str) -> str:
    """Return ``+1`` for a day and ``[+2, +10]`` for a window."""
    first, last = (f"{int(part):+d}".replace("+0", "0") for part in window.split(","))
    return first if first == last else f"[{first}, {last}]"


def p_short(p: float) -> str:
    """Return a p-value for a narrow cell."""
    return "<.001" if p < 0.001 else f"{p:.3f}"[1:] if p < 0.9995 else "1"
