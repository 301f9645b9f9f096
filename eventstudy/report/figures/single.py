"""Where one event stands in its own history: among the days before it, among days of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.report.figures.contract import Figure, Spec
from eventstudy.report.figures.style import (
    BLUE,
    MUTED,
    VERMILLION,
    axis,
    layout,
    numbers,
    percents,
    safe,
    shade,
)
from eventstudy.report.lead import model_names, reading_name
from eventstudy.report.numbers import decimal, percent, window_text

if TYPE_CHECKING:
    from eventstudy.study import StudyResult

Floats = npt.NDArray[np.float64]


def noise_draws(study: StudyResult, model: str, row: int, length: int) -> Floats:
    """Return the sums of `length` consecutive estimation residuals that ``sq`` ranks among.

    Each residual is divided by ``sqrt(1 - h)``; missing sessions are closed up. Source:
    Gelbach, Helland and Klick 2013.

    Returns
    -------
    ndarray, shape (M - length + 1,)
    """
    fit = study.fits[model].fit
    scaled = fit.residuals[row] / np.sqrt(1.0 - fit.leverage[row])
    kept = scaled[np.isfinite(scaled)]
    sums: Floats = np.convolve(kept, np.ones(length), mode="valid")
    return sums


def noise_figure(study: StudyResult, rows: list[int], window: str) -> Figure:
    """Return histograms of estimation residuals with an event's CAR marked.

    Parameters
    ----------
    study : StudyResult
    rows : list of int
        Observations, one panel each: at most three.
    window : str
    """
    model = model_names(study)[0]
    first, last = (int(part) for part in window.split(","))
    mask = study.config.frame.masks([(first, last)])[0]
    data: list[Spec] = []
    notes, words = [], []
    for k, (row, colour) in enumerate(zip(rows[:3], (BLUE, VERMILLION, MUTED), strict=False)):
        draws = noise_draws(study, model, row, last - first + 1)
        car = float(study.fits[model].fit.ar[row] @ mask)
        label = study.observations[row].label
        panel = "" if k == 0 else str(k + 1)
        data += _panel(draws, car, label, colour, panel)
        beyond = int((np.abs(draws) >= abs(car)).sum())
        notes.append(_title(f"{label} {percent(car)}", k, len(rows[:3])))
        words.append(
            f"{label}: CAR {percent(car)}, {beyond} of {len(draws)} residual sums are as large "
            f"in size (they run from {percent(draws.min())} to {percent(draws.max())})"
        )
    return Figure(
        "noise",
        f"The event among the sessions before it, {window_text(window)}",
        "Bars: sums of the estimation window's residuals over as many sessions, what this "
        "series did before, its own earlier news included. Line: the event. `sq` is the rank of "
        "the line.",
        "; ".join(words) + ".",
        {"data": data, "layout": _panels(len(rows[:3]), notes)},
    )


def _panel(draws: Floats, car: float, label: str, colour: str, panel: str) -> list[Spec]:
    edges = np.histogram_bin_edges(draws, bins=31)
    counts, _ = np.histogram(draws, bins=edges)
    top = int(counts.max())
    middle = 0.5 * (edges[1:] + edges[:-1])
    name = safe(label)
    bars: Spec = {
        "type": "bar",
        "name": name,
        "x": percents(middle),
        "y": [int(c) for c in counts],
        "width": float(f"{100 * (edges[1] - edges[0]) * 0.92:.4g}"),
        "marker": {"color": shade(colour, 0.45)},
        "hovertemplate": "%{x:+.2f}%: %{y} sums<extra></extra>",
    }
    line: Spec = {
        "type": "scatter",
        "name": f"{name}, the event",
        "x": percents([car, car]),
        "y": [0, top],
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2.6},
        "marker": {"color": colour, "size": 8, "symbol": "diamond"},
        "hovertemplate": f"<b>{name}</b> %{{x:+.2f}}%<extra></extra>",
    }
    where = {"xaxis": f"x{panel}", "yaxis": f"y{panel}", "showlegend": False}
    return [bars | where, line | where]


def _panels(count: int, notes: list[Spec]) -> Spec:
    shape = layout(axis("%", ticksuffix="%", zeroline=False), axis("number of sums"), height=320)
    gap = 0.07
    width = (1.0 - gap * (count - 1)) / max(count, 1)
    for k in range(count):
        panel = "" if k == 0 else str(k + 1)
        low = k * (width + gap)
        shape[f"xaxis{panel}"] = axis(
            "", ticksuffix="%", zeroline=False, domain=[low, low + width], anchor=f"y{panel}",
            nticks=6,
        )  # fmt: skip
        shape[f"yaxis{panel}"] = axis("", anchor=f"x{panel}")
    return shape | {"annotations": notes, "bargap": 0.05}


def _title(text: str, k: int, count: int) -> Spec:
    gap = 0.07
    width = (1.0 - gap * (count - 1)) / count
    return {
        "text": f"<b>{safe(text)}</b>",
        "x": k * (width + gap),
        "y": 1.0,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 13},
    }


def kind_figure(study: StudyResult, rows: list[int], window: str) -> Figure | None:
    """Return the event's standardised CAR among those of its subject's events of that kind.

    None where there is no other event of the kind with one certain session 0.
    """
    if not rows:
        return None
    model = model_names(study)[0]
    first, last = (int(part) for part in window.split(","))
    mask = study.config.frame.masks([(first, last)])[0]
    fit = study.fits[model].fit
    subject = study.observations[rows[0]].reading.event
    if not subject.kind or not subject.subject:
        return None
    data: list[Spec] = []
    words = []
    for row, colour in zip(rows[:3], (BLUE, VERMILLION, MUTED), strict=False):
        label = study.observations[row].label
        alike = [
            i for i, o in enumerate(study.observations)
            if o.label == label
            and (o.reading.event.kind, o.reading.event.subject) == (subject.kind, subject.subject)
            and reading_name(o) == "stated"
        ]  # fmt: skip
        if row not in alike or len(alike) < 2:
            continue
        scar = (fit.ar[alike] @ mask) / np.sqrt(np.einsum("l,nlk,k->n", mask, fit.v[alike], mask))
        size = np.abs(scar)
        mine = alike.index(row)
        data.append(_kind_trace(study, alike, scar, mine, label, colour))
        rank = 1 + int((size > size[mine]).sum())
        words.append(
            f"{label}: |SCAR| {decimal(float(size[mine]))} is number {rank} of {len(alike)}"
        )
    if not data:
        return None
    shape = layout(
        axis("|CAR / its forecast error|", rangemode="tozero"),
        axis("", type="category", gridcolor="rgba(0,0,0,0)"),
        height=110 + 62 * len(data),
        showlegend=False,
    )
    return Figure(
        "kind",
        f"The event among {subject.subject}'s other {subject.kind} events, {window_text(window)}",
        "Size of the standardised CAR on each such event; diamond: this one. `placebo_kind` is "
        "its rank.",
        "; ".join(words) + ".",
        {"data": data, "layout": shape},
    )


def _kind_trace(
    study: StudyResult, alike: list[int], scar: Floats, mine: int, label: str, colour: str
) -> Spec:
    ids = [safe(study.observations[i].reading.event.event_id) for i in alike]
    here = [k == mine for k in range(len(alike))]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": safe(label),
        "x": numbers(np.abs(scar), 4),
        "y": [safe(label)] * len(alike),
        "marker": {
            "color": [colour if h else shade(colour, 0.45) for h in here],
            "size": [15 if h else 10 for h in here],
            "symbol": ["diamond" if h else "circle" for h in here],
            "opacity": 1.0,
            "line": {"color": colour, "width": 1},
        },
        "customdata": [[i, s] for i, s in zip(ids, numbers(scar, 4), strict=True)],
        "hovertemplate": "<b>%{customdata[0]}</b><br>SCAR %{customdata[1]:+.2f}<extra></extra>",
    }
