"""The few figures by which one run is told from another in a list."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eventstudy.run.execute import Outcome
    from eventstudy.study import StudyResult

COUNTS = ("n", "n_dates")
FIGURES = ("caar", "se", "lo", "hi")


def headline_of(outcome: Outcome) -> dict[str, object]:
    """Return the lead effect and the Sharpe ratio of each strategy.

    Parameters
    ----------
    outcome : Outcome

    Returns
    -------
    dict
        ``effect``: group, alignment, model and window as the report leads with them, n,
        n_dates, and the mean CAR with its standard error and 95% interval, decimals.
        ``sharpe``: by strategy, annual. Each only where there is one; None for a figure that
        cannot be had.
    """
    found: dict[str, object] = {}
    if outcome.study is not None:
        found["effect"] = _effect(outcome.study)
    if outcome.backtest is not None:
        metrics = outcome.backtest.metrics
        rows = metrics[metrics["kind"] == "strategy"]
        pairs = zip(rows["strategy"], rows["sharpe"], strict=True)
        found["sharpe"] = {str(name): _number(value) for name, value in pairs}
    return found


def _effect(study: StudyResult) -> dict[str, object] | None:
    from eventstudy.report.lead import headline_alignment, lead_group, model_names, window_names

    lead = {
        "group": lead_group(study),
        "alignment": headline_alignment(study),
        "model": model_names(study)[0],
        "window": window_names(study)[0],
    }
    effects = study.effects
    for name, value in lead.items():
        effects = effects[effects[name] == value]
    if effects.empty:
        return None
    row = effects.iloc[0]
    counts = {name: int(row[name]) for name in COUNTS}
    return {**lead, **counts, **{name: _number(row[name]) for name in FIGURES}}


def _number(value: Any) -> float | None:
    """Return a number that JSON can hold."""
    return float(value) if math.isfinite(value) else None
