"""Figures one by one: any figure of the pages, in a notebook or for further work."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

from eventstudy.errors import StudyError, UnknownNameError

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from eventstudy.backtest import BacktestResult, SweepResult
    from eventstudy.report.figures.contract import Choice, Figure, Spec
    from eventstudy.study import StudyResult

    Drawable: TypeAlias = StudyResult | BacktestResult | SweepResult

OF_A_STUDY = {
    "lead-baskets": "mean CAR of the baskets and of the spread that leads",
    "lead-directional": "mean CAR signed to the side that the news favours",
    "event-paths": "one event day by day: tickers, baskets and spreads with their intervals",
    "noise": "one event's CAR among the sessions before it",
    "kind": "one event among its subject's other events of the kind",
    "effects": "mean CAR by group, and what could have been found",
    "power": "probability of finding effects of a size",
    "forest": "CAR of every event with its interval",
    "heatmap": "p-values by test and window",
    "size": "how often each test rejects where there is nothing",
    "prices": "prices with the events of the calendar",
}
OF_A_BACKTEST = {
    "equity": "value and drawdown of strategies and yardsticks",
    "placebo": "profits on calendars of random dates, the true one marked",
}
OF_A_SWEEP = {
    "map": "a figure of merit over two parameters",
    "ratios": "Sharpe ratios of all variants against the best of as many without an edge",
    "halves": "variants in one half of the sample against the other",
    "walk": "profit on events that the choice of a variant had not seen",
}
PLOTLY = "application/vnd.plotly.v1+json"
ROOM = 34
"""Pixels above a figure for its title."""


@dataclass(frozen=True, slots=True)
class PlottedFigure:
    """One figure with its words; a notebook draws it.

    Attributes
    ----------
    name : str
        As `figure_names` lists it.
    title : str
    caption : str
        What is drawn and how to read it.
    alternative : str
        The numbers in words; what was chosen, where that is not what the page starts with.
    spec : dict
        ``data`` and ``layout`` as plotly takes them.
    chosen : mapping of str to str
        What was chosen, by the selector's name.
    options : mapping of str to tuple of str
        What could be chosen.
    """

    name: str
    title: str
    caption: str
    alternative: str
    spec: Spec
    chosen: Mapping[str, str]
    options: Mapping[str, tuple[str, ...]]

    def to_plotly(self) -> go.Figure:
        """Return the figure for plotly, its title inside.

        Returns
        -------
        plotly.graph_objects.Figure
            A copy: changes to it do not reach this object.
        """
        import plotly.graph_objects as go

        return go.Figure(self._titled())

    def as_chosen(self) -> Figure:
        """Return the figure as the report has them, with what was chosen as its one variant."""
        from eventstudy.report.figures.contract import Choice, Figure, key_of

        choices = tuple(
            Choice(label.replace("_", " ").capitalize(), ((key, key),))
            for label, key in self.chosen.items()
        )
        key = key_of(*self.chosen.values())
        return Figure(
            self.name, self.title, self.caption, self.alternative, self.spec, choices,
            {key: self.spec} if choices else {}, key,
        )  # fmt: skip

    def __repr__(self) -> str:
        chosen = "".join(f", {name}={value!r}" for name, value in self.chosen.items())
        return f"PlottedFigure({self.name!r}{chosen})"

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, object]:
        return {PLOTLY: self._titled(), "text/html": self._repr_html_(), "text/plain": repr(self)}

    def _repr_html_(self) -> str:
        """Return words and data; drawn where the page holds plotly, else words alone."""
        height = int(self.spec["layout"].get("height", 400))
        data = json.dumps(self.spec, allow_nan=False).replace("<", "\\u003c")
        return (
            f'<figure class="eventstudy-figure"><figcaption><strong>{escape(self.title)}</strong>'
            f"{escape(_chosen_words(self.chosen))}<br>{escape(self.caption)}</figcaption>"
            f'<div class="eventstudy-plot" role="img" aria-label="{escape(self.alternative)}" '
            f'data-height="{height}"></div>'
            f'<script type="application/json">{data}</script>'
            f"<details open><summary>In words</summary><p>{escape(self.alternative)}</p></details>"
            f"<script>{DRAW}</script></figure>"
        )

    def _titled(self) -> Spec:
        from eventstudy.report.figures.style import safe

        spec: Spec = deepcopy(self.spec)
        layout = spec["layout"]
        layout["title"] = {
            "text": safe(self.title, 200), "x": 0.0, "xanchor": "left", "xref": "paper",
            "y": 1.0, "yanchor": "top", "yref": "container", "pad": {"t": 10},
            "font": {"size": 15},
        }  # fmt: skip
        margin = layout.setdefault("margin", {})
        margin["t"] = margin.get("t", ROOM) + ROOM
        layout["height"] = layout.get("height", 400) + ROOM
        return spec


DRAW = (
    "(f=>{if(!window.Plotly||!f)return;"
    "const s=JSON.parse(f.querySelector('script[type=\"application/json\"]').textContent);"
    "Plotly.newPlot(f.querySelector('.eventstudy-plot'),s.data,s.layout,"
    "{responsive:true,displaylogo:false});f.querySelector('details').open=false})"
    "(document.currentScript&&document.currentScript.parentElement)"
)
"""Draws where plotly is already in the page; a page may also draw the figures itself."""


def figure_names(result: Drawable) -> dict[str, str]:
    """Return the figures that a result can give.

    Parameters
    ----------
    result : StudyResult, BacktestResult or SweepResult
        Of `event_study`, `backtest` or `sweep`.

    Returns
    -------
    dict of str to str
        Name -> what is drawn, in the order of the page.

    Raises
    ------
    StudyError
        For an object of another kind.
    """
    return dict(_family(result))


def figure(
    result: Drawable, name: str, *, event: str | None = None, **choices: str | tuple[int, int]
) -> PlottedFigure:
    """Return one figure of a result, as it stands in the report.

    Parameters
    ----------
    result : StudyResult, BacktestResult or SweepResult
        Of `event_study`, `backtest` or `sweep`.
    name : str
        One of `figure_names(result)`.
    event : str, optional
        Event that ``event-paths``, ``noise`` and ``kind`` are about and ``forest`` marks. Default:
        the December 2024 release where it was studied, else the most recent event.
    **choices : str or tuple of int
        What the figure's selectors would be set to, by their names in small letters:
        ``window="0,1"``, ``model="market"``; ``noise`` and ``kind`` take a window too.
        Default: as in the page.

    Returns
    -------
    PlottedFigure
        Shown by a notebook; `to_plotly` gives a figure of plotly.

    Raises
    ------
    UnknownNameError
        For a figure, selector, choice or event that does not exist.
    StudyError
        Where the result does not hold what the figure needs, or is of another kind.

    Examples
    --------
    >>> es.figure(study, "forest", window="0,1")  # doctest: +SKIP
    """
    known = _family(result)
    if not isinstance(name, str) or name not in known:
        raise UnknownNameError("figure", str(name), known)
    asked = {label: _text(given) for label, given in choices.items()}
    made = _make(result, name, event, asked)
    if made is None:
        raise StudyError(
            f"figure {name!r} has nothing to draw: {known[name]} is not in this result"
        )
    return _picked(made, asked)


def _family(result: object) -> dict[str, str]:
    from eventstudy.backtest import BacktestResult, SweepResult
    from eventstudy.study import StudyResult

    if isinstance(result, StudyResult):
        return OF_A_STUDY
    if isinstance(result, BacktestResult):
        return OF_A_BACKTEST
    if isinstance(result, SweepResult):
        return OF_A_SWEEP
    raise StudyError(
        f"no figures of {type(result).__name__}: give what event_study, backtest or sweep returned"
    )


def _make(result: Any, name: str, event: str | None, choices: dict[str, str]) -> Figure | None:
    from eventstudy.report import figures
    from eventstudy.report.figures import sweep

    if name in OF_A_STUDY:
        return _of_study(result, name, event, choices)
    makers: dict[str, Callable[[Any], Figure | None]] = {
        "equity": figures.equity_figure,
        "placebo": figures.placebo_figure,
        "map": sweep.map_figure,
        "ratios": sweep.ratios_figure,
        "halves": sweep.halves_figure,
        "walk": lambda found: sweep.walk_figure(found, found.walk_forward()),
    }
    return makers[name](result)


def _of_study(
    study: StudyResult, name: str, event: str | None, choices: dict[str, str]
) -> Figure | None:
    """Return a figure of a study; what it took from `choices` is gone from there."""
    from eventstudy.report import figures
    from eventstudy.report.lead import case_event, window_names

    case = case_event(study, event)
    if name.startswith("lead-"):
        return next((f for f in figures.path_figures(study) if f.name == name), None)
    if name in ("noise", "kind"):
        draw = figures.noise_figure if name == "noise" else figures.kind_figure
        windows = window_names(study)
        window = choices.pop("window", windows[0])
        if window not in windows:
            raise UnknownNameError("window", window, windows)
        return draw(study, _rows(study, case), window)
    if name == "prices":
        return figures.price_figure(study, None, case)
    of_all: dict[str, Callable[[StudyResult], Figure | None]] = {
        "effects": figures.effects_figure,
        "heatmap": figures.heatmap_figure,
        "power": figures.power_figure,
        "size": figures.size_figure,
    }
    if name in of_all:
        return of_all[name](study)
    return (figures.event_figure if name == "event-paths" else figures.forest_figure)(study, case)


def _rows(study: StudyResult, event: str) -> list[int]:
    """Return the observations of an event that its figures lead with, as the report's case."""
    from eventstudy.report.case import make_case

    labels = dict.fromkeys(r.head.split(",")[0] for r in make_case(study, event).conclusions)
    return [
        i
        for label in labels
        for i, o in enumerate(study.observations)
        if (o.reading.event.event_id, o.label) == (event, label)
    ]


def _picked(made: Figure, choices: Mapping[str, str]) -> PlottedFigure:
    """Return the figure at the variant that was chosen."""
    selectors = {choice.label.lower().replace(" ", "_"): choice for choice in made.choices}
    for given in choices:
        if given not in selectors:
            raise UnknownNameError(f"selector of figure {made.name!r}", given, selectors)
    start = made.start.split("|") if made.choices else []
    keys = [
        _key(choice, choices[label]) if label in choices else first
        for (label, choice), first in zip(selectors.items(), start, strict=True)
    ]
    key = "|".join(keys)
    chosen = dict(zip(selectors, keys, strict=True))
    if made.variants and key not in made.variants:
        raise UnknownNameError(f"combination in figure {made.name!r}", key, made.variants)
    return PlottedFigure(
        made.name,
        made.title,
        made.caption,
        made.alternative if keys == start else f"{made.title}{_chosen_words(chosen)}.",
        made.variants[key] if made.variants else made.spec,
        chosen,
        {label: tuple(key for key, _ in c.options) for label, c in selectors.items()},
    )


def _key(choice: Choice, given: str) -> str:
    from eventstudy.report.figures.contract import key_part

    known = [key for key, _ in choice.options]
    text = key_part(given)
    if text not in known:
        raise UnknownNameError(choice.label.lower(), text, known)
    return text


def _text(given: object) -> str:
    """Return a choice as text; a window may come as the two days that event_study takes."""
    return ",".join(map(str, given)) if isinstance(given, tuple) else str(given)


def _chosen_words(chosen: Mapping[str, str]) -> str:
    told = ", ".join(f"{name} {value}" for name, value in chosen.items())
    return f" ({told})" if told else ""
