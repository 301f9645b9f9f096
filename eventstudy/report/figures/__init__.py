"""Figures as plain plotly specifications: pure functions of results, no plotting library."""

from __future__ import annotations

from eventstudy.report.figures.contract import Choice, Figure
from eventstudy.report.figures.events import event_figure, forest_figure
from eventstudy.report.figures.groups import effects_figure, heatmap_figure, path_figures
from eventstudy.report.figures.luck import placebo_figure
from eventstudy.report.figures.market import price_figure
from eventstudy.report.figures.power import power_figure, size_figure
from eventstudy.report.figures.single import kind_figure, noise_figure
from eventstudy.report.figures.trading import equity_figure

__all__ = [
    "Choice",
    "Figure",
    "effects_figure",
    "equity_figure",
    "event_figure",
    "forest_figure",
    "heatmap_figure",
    "kind_figure",
    "noise_figure",
    "path_figures",
    "placebo_figure",
    "power_figure",
    "price_figure",
    "size_figure",
]
