"""Figures of single events: their paths, and the forest of their CARs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eventstudy.report.figures.contract import (
    Choice,
    Figure,
    Spec,
    key_of,
    key_part,
    with_variants,
)
from eventstudy.report.figures.groups import FEW_DAYS, MOST_MODELS, day_axis
from eventstudy.report.figures.style import (
    BLUE,
    DASHES,
    INK,
    MUTED,
    PURPLE,
    SERIES,
    SYMBOLS,
    VERMILLION,
    axis,
    band,
    layout,
    percents,
    safe,
)
from eventstudy.report.lead import model_names, reading_name, readings_of, window_names
from eventstudy.report.numbers import interval, percent, window_text

if TYPE_CHECKING:
    from eventstudy.study import StudyResult
    from eventstudy.study.observed import Observation

Floats = npt.NDArray[np.float64]

SHOWN_AT_FIRST = 3
"""Tickers of an event that are visible before a reader chooses; the lead spread is too."""

VIEWS = (("car", "cumulative"), ("ar", "day by day"))


@dataclass(frozen=True, slots=True)
class DayPaths:
    """Abnormal returns of all observations with the reach of their 95% intervals.

    Attributes
    ----------
    value, reach : mapping of str to ndarray, shape (n, L)
        ``ar`` and ``car``; fractions.
    """

    value: dict[str, Floats]
    reach: dict[str, Floats]


def day_paths(study: StudyResult, model: str) -> DayPaths:
    """Return AR and CAR of each day with intervals from their own forecast errors.

    The standard error of a CAR to day k is ``sqrt(1'V1)`` over the days up to k: days of one
    event share one estimated alpha and beta. Intervals are t with M - d degrees of freedom.
    """
    from scipy.special import stdtrit

    from eventstudy.abnormal import cumulate

    fit = study.fits[model].fit
    length = fit.ar.shape[1]
    car, car_se = cumulate(fit.ar, fit.v, np.tril(np.ones((length, length))))
    ar_se = np.sqrt(np.einsum("nll->nl", fit.v))
    t = stdtrit(fit.dof, 0.975)[:, None]
    return DayPaths({"ar": fit.ar, "car": car}, {"ar": t * ar_se, "car": t * car_se})


def event_figure(study: StudyResult, case: str) -> Figure:
    """Return the paths of one event's tickers, baskets and spreads, for any event."""
    models = model_names(study)
    events = list(dict.fromkeys(o.reading.event.event_id for o in study.observations))
    variants: dict[str, Spec] = {}
    for model in models:
        paths = day_paths(study, model)
        for event in events:
            for reading, rows in readings_of(study, event):
                for view, _ in VIEWS:
                    key = key_of(event, reading, view, model)
                    variants[key] = _event_spec(study, rows, paths, view)
    reading, rows = readings_of(study, case)[0]
    used = {reading_name(o) for o in study.observations}
    choices = (
        Choice("Event", tuple((key_part(e), e) for e in events)),
        Choice("Reading", tuple((r, r) for r in ("stated", "same", "next") if r in used)),
        Choice("View", VIEWS),
        Choice("Model", tuple((key_part(m), m) for m in models)),
    )
    words = _event_words(study, rows, day_paths(study, models[0]))
    return with_variants(
        "event-paths",
        "Abnormal returns around one event",
        "Each series with the 95% band of its own forecast errors. Click a name in the legend "
        "to show or hide it, twice to see it alone.",
        f"{case}, reading {reading!r}: {words}.",
        choices,
        variants,
        key_of(case, reading, "car", models[0]),
    )


def _event_spec(study: StudyResult, rows: list[int], paths: DayPaths, view: str) -> Spec:
    days = [int(d) for d in study.config.frame.days]
    position = study.observations[rows[0]].reading.position
    dates = [str(study.days[position + d]) for d in days]
    data: list[Spec] = []
    for i, row in enumerate(rows):
        o = study.observations[row]
        shown = i < SHOWN_AT_FIRST or o.label == study.config.lead
        look = INK if o.label == study.config.lead else SERIES[i % 6]
        data += _series_traces(o.label, i, look, (days, dates), paths, row, view, shown)
    titles = {"car": "CAR, %", "ar": "AR, %"}
    shape = layout(day_axis(days), axis(titles[view], ticksuffix="%"), height=440)
    shape["hovermode"] = "closest"
    return {"data": data, "layout": shape}


def _series_traces(
    label: str,
    i: int,
    colour: str,
    axes: tuple[list[int], list[str]],
    paths: DayPaths,
    row: int,
    view: str,
    shown: bool,
) -> list[Spec]:
    days, dates = axes
    value, reach = paths.value[view][row], paths.reach[view][row]
    text = safe(label)
    y, lo, hi = percents(value), percents(value - reach), percents(value + reach)
    visible = {} if shown else {"visible": "legendonly"}
    line: Spec = {
        "type": "scatter",
        "name": text,
        "legendgroup": text,
        "x": days,
        "y": y,
        "customdata": [list(c) for c in zip(dates, lo, hi, strict=True)],
        "hovertemplate": f"<b>{text}</b> day %{{x}}, %{{customdata[0]}}<br>%{{y:+.2f}}% "
        "[%{customdata[1]:+.2f}%, %{customdata[2]:+.2f}%]<extra></extra>",
        "marker": {"color": colour, "size": 7, "symbol": SYMBOLS[i % 6]},
        "line": {"color": colour, "width": 2.2, "dash": DASHES[i // 6]},
        "mode": "lines+markers",
        **visible,
    }
    if view == "car" and len(days) > FEW_DAYS:
        return [{**band(days, lo, hi, colour, text), **visible}, line]
    shift = 0.0 if len(days) == 1 and i == 0 else ((i % 8) - 3.5) * 0.06
    line |= {
        "mode": "markers",
        "x": [day + shift for day in days],
        "error_y": {
            "type": "data",
            "array": percents(reach),
            "color": colour,
            "thickness": 1.5,
            "width": 3,
        },
    }
    line["hovertemplate"] = line["hovertemplate"].replace("day %{x}, ", "")
    return [line]


def _event_words(study: StudyResult, rows: list[int], paths: DayPaths) -> str:
    at = int(np.argmin(np.abs(study.config.frame.days)))
    day = int(study.config.frame.days[at])
    said = []
    for row in rows:
        value, reach = paths.value["ar"][row, at], paths.reach["ar"][row, at]
        label = study.observations[row].label
        said.append(f"{label} {percent(value)} ({interval(value - reach, value + reach)})")
    return f"abnormal return on day {day}: " + "; ".join(said)


def forest_figure(study: StudyResult, case: str) -> Figure:
    """Return CARs with 95% intervals by event, on the lead spread or the event's own ticker."""
    from eventstudy.study.groups import own_label

    lead, models = study.config.lead, model_names(study)[:MOST_MODELS]
    own = [i for i, o in enumerate(study.observations) if o.label == own_label(o.reading.event)]
    series = {"own": ("own ticker", own)}
    if lead:
        on_lead = [i for i, o in enumerate(study.observations) if o.label == lead]
        series = {"lead": (lead, on_lead), **series}
    every = ("every series", list(range(len(study.observations))))
    series = {key: found for key, found in series.items() if found[1]} or {"every": every}
    windows = window_names(study)
    variants = {
        f"{window}|{key}|{model}": _forest_spec(study, model, window, rows, case)
        for window in windows
        for key, (_, rows) in series.items()
        for model in models
    }
    choices = (
        Choice("Window", tuple((w, window_text(w)) for w in windows)),
        Choice("Series", tuple((key, text) for key, (text, _) in series.items())),
        Choice("Model", tuple((m, m) for m in models)),
    )
    first = next(iter(series))
    return with_variants(
        "forest",
        "CAR of each event",
        "CAR with its 95% interval, in order of time; events without a certain "
        "session 0 stand twice. Diamond: the case. Square: labelled in favour of the second "
        "basket; circle: of the first; cross: no direction.",
        _forest_words(study, models[0], windows[0], series[first][1]),
        choices,
        variants,
        f"{windows[0]}|{first}|{models[0]}",
    )


def _cars_of(study: StudyResult, model: str, window: str, rows: list[int]) -> tuple[Floats, Floats]:
    """Return CARs of observations and the reach of their 95% intervals."""
    from scipy.special import stdtrit

    from eventstudy.abnormal import cumulate

    fit = study.fits[model].fit
    first, last = (int(part) for part in window.split(","))
    car, se = cumulate(fit.ar[rows], fit.v[rows], study.config.frame.masks([(first, last)]))
    return car[:, 0], stdtrit(fit.dof[rows], 0.975) * se[:, 0]


def _forest_spec(study: StudyResult, model: str, window: str, rows: list[int], case: str) -> Spec:
    ordered = sorted(rows, key=lambda i: -study.observations[i].reading.position)
    car, reach = _cars_of(study, model, window, ordered)
    kept = [study.observations[i] for i in ordered]
    looks = [_look(study, o, case) for o in kept]
    trace: Spec = {
        "type": "scatter",
        "mode": "markers",
        "name": "CAR",
        "x": percents(car),
        "y": [_event_label(o) for o in kept],
        "marker": {
            "color": [c for c, _ in looks],
            "symbol": [s for _, s in looks],
            "size": [11 if s == "diamond" else 7 for _, s in looks],
            "opacity": 1.0,
        },
        "error_x": {"type": "data", "array": percents(reach), "color": MUTED, "thickness": 1.2,
                    "width": 0},
        "customdata": [
            [o.label, str(o.reading.session_0), a, b, safe(o.reading.event.title, 110)]
            for o, a, b in zip(kept, percents(car - reach), percents(car + reach), strict=True)
        ],
        "hovertemplate": "<b>%{y}</b> %{customdata[0]}, %{customdata[1]}<br>%{x:+.2f}% "
        "[%{customdata[2]:+.2f}%, %{customdata[3]:+.2f}%]<br>%{customdata[4]}<extra></extra>",
    }  # fmt: skip
    shape = layout(
        axis("CAR, %", ticksuffix="%", side="top"),
        axis(
            "",
            type="category",
            tickfont={"size": 10, "color": MUTED},
            dtick=1,
            range=[-0.8, len(kept) - 0.2],
        ),
        height=110 + 17 * len(kept),
    )
    return {"data": [trace], "layout": shape}


def _event_label(o: Observation) -> str:
    reading = reading_name(o)
    return safe(o.reading.event.event_id) + ("" if reading == "stated" else f" ({reading})")


def _look(study: StudyResult, o: Observation, case: str) -> tuple[str, Any]:
    from eventstudy.study.groups import direction, lead_spread

    spread = lead_spread(study.config.observed, study.events.baskets)
    found = direction(o.reading.event, spread) if spread else None
    sign = found[1] if found else 0
    colour = {1: BLUE, -1: VERMILLION}.get(sign, MUTED)
    if o.reading.event.event_id == case:
        return PURPLE, "diamond"
    return colour, {1: "circle", -1: "square"}.get(sign, "cross")


def _forest_words(study: StudyResult, model: str, window: str, rows: list[int]) -> str:
    car, reach = _cars_of(study, model, window, rows)
    beyond = int((np.abs(car) > reach).sum())
    low, high = int(np.argmin(car)), int(np.argmax(car))
    names = [study.observations[rows[i]].reading.event.event_id for i in (low, high)]
    return (
        f"Window {window_text(window)}, {len(rows)} readings of events: {beyond} intervals leave "
        f"zero out, about {0.05 * len(rows):.0f} would by chance. Lowest {percent(car[low])} "
        f"({names[0]}), highest {percent(car[high])} ({names[1]})."
    )
