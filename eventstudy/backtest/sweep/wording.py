"""A sweep in numbers and in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from eventstudy.backtest.metrics import YEAR
from eventstudy.backtest.sweep.result import FIGURES, FOLDS
from eventstudy.backtest.sweep.walk import NONE, t_of_mean
from eventstudy.errors import BacktestError

if TYPE_CHECKING:
    from eventstudy.backtest.sweep.result import SweepResult
    from eventstudy.told import Told

SHOWN = 10
"""Variants in the text."""
PERCENT = ("total_return", "annual_return", "volatility", "max_drawdown", "hit_rate")
DROPPED = ("annual_return", "volatility", "sortino", "calmar")
"""Figures that the text leaves to the table."""


def facts_of(result: SweepResult, folds: int = FOLDS) -> dict[str, Any]:
    """Return the findings as plain values; None where there is no number.

    Sharpe ratios are a year, profits money.
    """
    facts: dict[str, Any] = {
        "variants": len(result.table),
        "ran": len(result.ran),
        "failed": len(result.failed),
        "engines": engines_of(result),
        "best": _best(result),
        "deflated": _deflated(result),
        "overfitting": _overfitting(result),
        "reality": _reality(result),
        "walk": _walk(result, folds),
    }
    found: dict[str, Any] = _finite(facts)
    return found


def engines_of(result: SweepResult) -> dict[str, int]:
    """Return how many variants each engine ran."""
    counts = result.ran["engine"].value_counts()
    return {str(name): int(count) for name, count in counts.items()}


def _best(result: SweepResult) -> dict[str, Any] | None:
    if result.best == NONE:
        return None
    row: Any = result.ran.loc[result.best]
    return {
        "variant": int(row["variant"]),
        "parameters": {name: _plain(row[name]) for name in result.parameters},
        **{name: float(row[name]) for name in FIGURES},
        "engine": str(row["engine"]),
    }


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _deflated(result: SweepResult) -> dict[str, Any] | None:
    judged = result.deflated
    if judged is None:
        return None
    year = math.sqrt(YEAR)
    return {
        "trials": judged.trials,
        "sharpe": judged.sharpe * year,
        "expected_max": judged.expected_max * year,
        "probabilistic": judged.probabilistic,
        "deflated": judged.deflated,
        "p_value": judged.p_deflated,
        "min_track_record": judged.track_record,
        "sessions": judged.n,
        "why": judged.why,
    }


def _overfitting(result: SweepResult) -> dict[str, Any]:
    found = result.overfitting
    return {
        "pbo": found.pbo,
        "loss": found.loss,
        "blocks": found.blocks,
        "distinct": found.distinct,
        "why": found.why,
    }


def _reality(result: SweepResult) -> dict[str, Any]:
    found = result.reality
    return {
        "white": found.white,
        "lower": found.lower,
        "consistent": found.consistent,
        "upper": found.upper,
        "draws": found.draws,
        "block": found.block,
        "why": found.why,
    }


def _walk(result: SweepResult, folds: int) -> dict[str, Any]:
    try:
        walk = result.walk_forward(folds)
    except BacktestError as error:
        return {"folds": folds, "why": str(error)}
    places = {name: i for i, name in enumerate(result.event_ids)}
    tested = [places[name] for name in walk.event_ids]
    best = result.earned[tested, result.best] if result.best != NONE else np.empty(0)
    return {
        "folds": folds,
        "events": len(walk.earned),
        "profit": walk.total,
        "mean": walk.mean,
        "error": walk.error,
        "t": t_of_mean(walk.earned),
        "best_in_sample": float(best.sum()) if len(best) else math.nan,
        "best_in_sample_t": t_of_mean(best),
        "hindsight": walk.hindsight,
        "without_choice": int((walk.folds["column"] == NONE).sum()),
        "why": "",
    }


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def told(result: SweepResult, folds: int = FOLDS) -> Told:
    """Return the findings, the ten best variants, and the assumptions."""
    facts = facts_of(result, folds)
    lines: list[str | pd.DataFrame] = [
        heading(result),
        "",
        *finding_lines(facts),
        "",
        *failure_lines(result),
    ]
    shown = result.summary_frame().head(SHOWN)
    if len(shown):
        best = worded(shown.drop(columns=list(DROPPED)))
        lines += [f"The {len(shown)} highest Sharpe ratios:", best, ""]
    return [*lines, *assumption_lines(result)]


def heading(result: SweepResult) -> str:
    """Return what was run, on what."""
    c = result.config
    over = c.get("over", {})
    names = ", ".join(f"{name} {_values(over.get(name))}".strip() for name in result.parameters)
    how = "" if c.get("random") is None else f"{c['random']} random points asked for; "
    return (
        f"{result.strategy} over {names}: {how}{len(result.table):,} variants, "
        f"{len(result.failed):,} of them failed; {c['start']} to {c['end']}, {c['sessions']} "
        f"sessions, {c['study_events']} events, capital {c['capital']:,.0f}."
    )


def _values(given: Any) -> str:
    if isinstance(given, list):
        shown = [shown_value(value) for value in given]
        if len(shown) > 6:
            shown = [*shown[:3], "...", shown[-1], f"({len(given)} values)"]
        return " ".join(shown)
    return "" if given is None else str(given)


def shown_value(value: Any) -> str:
    """Return a parameter's value as a reader writes it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "none" if math.isnan(value) else f"{value:g}"
    return str(value)


def finding_lines(facts: dict[str, Any]) -> list[str]:
    """Return the findings as sentences, each with its uncertainty or why there is no number."""
    lines = [_best_line(facts), _deflated_line(facts), _overfitting_line(facts["overfitting"])]
    lines += [_reality_line(facts["reality"]), _walk_line(facts["walk"])]
    told = ", ".join(f"{count:,} {name}" for name, count in facts["engines"].items())
    return [line for line in (*lines, f"Engine: {told}." if told else "") if line]


def _best_line(facts: dict[str, Any]) -> str:
    best = facts["best"]
    if best is None:
        return "No variant has a Sharpe ratio: none ran, or none traded."
    chosen = ", ".join(f"{name} {shown_value(value)}" for name, value in best["parameters"].items())
    return (
        f"Highest Sharpe ratio of {facts['variants']:,}: {_number(best['sharpe'])} (s.e. "
        f"{_number(best['sharpe_se'])}), variant {best['variant']} ({chosen}); total return "
        f"{_percent(best['total_return'])}, deepest drawdown {_percent(best['max_drawdown'])}, "
        f"{best['events']:.0f} events, hit rate {_percent(best['hit_rate'])}."
    )


def _deflated_line(facts: dict[str, Any]) -> str:
    found = facts["deflated"]
    if found is None:
        return ""
    if found["deflated"] is None:
        return f"Deflated Sharpe ratio: not told, for {found['why']}."
    return (
        f"Deflated for {found['trials']:,} trials: without an edge the highest would be about "
        f"{_number(found['expected_max'])}; probability that the true ratio is above it "
        f"{_percent(found['deflated'])} (p {_p(found['p_value'])}); above zero, search ignored, "
        f"{_percent(found['probabilistic'])}."
    )


def _overfitting_line(found: dict[str, Any]) -> str:
    if found["pbo"] is None:
        return f"Probability of backtest overfitting: not told, for {found['why']}."
    return (
        f"Probability of backtest overfitting {_percent(found['pbo'])}: so often is the best of "
        f"one half of the sessions no better than the median in the other ({found['blocks']} "
        f"blocks, {found['distinct']:,} different variants); it loses there in "
        f"{_percent(found['loss'])}."
    )


def _reality_line(found: dict[str, Any]) -> str:
    if found["white"] is None:
        return f"Reality check: not told, for {found['why']}."
    floor = 1.0 / (found["draws"] + 1)
    return (
        f"No variant better than cash: p {_p(found['white'])} (White's reality check), "
        f"{_p(found['consistent'])} (Hansen, between {_p(found['lower'])} and "
        f"{_p(found['upper'])}); {found['draws']} draws, no p below {floor:.3g}."
    )


def _walk_line(found: dict[str, Any]) -> str:
    if found["why"]:
        return f"Walk-forward: not told; {found['why']}."
    idle = found["without_choice"]
    note = f" ({idle} left out, no variant had traded enough before)" if idle else ""
    if not found["events"]:
        return (
            f"Walk-forward, {found['folds']} folds: not told; no variant had traded enough before."
        )
    return (
        f"Walk-forward, {found['folds']} folds{note}: {_money(found['profit'])} over "
        f"{found['events']} events, {_money(found['mean'])} an event (s.e. "
        f"{_money(found['error'])}, t {_number(found['t'])}). On the same events the variant above "
        f"earned {_money(found['best_in_sample'])} (t {_number(found['best_in_sample_t'])}), the "
        f"best of each fold in hindsight {_money(found['hindsight'])}."
    )


def failure_lines(result: SweepResult) -> list[str]:
    """Return why variants failed, the most frequent reason first."""
    counts = result.failed["error"].value_counts()
    if not len(counts):
        return []
    told = [f"  {count:,} x {error}" for error, count in counts.head(5).items()]
    if len(counts) > 5:
        told.append(f"  and {len(counts) - 5:,} more reasons, in the table")
    return [f"{len(result.failed):,} variants failed; they count as trials:", *told, ""]


def assumption_lines(result: SweepResult) -> list[str]:
    """Return what every number rests on."""
    c = result.config
    costs = c["costs"]
    return [
        f"Costs: commission {costs['commission_bp']:g} bp, half-spread "
        f"{costs['half_spread_bp']:g} bp, borrow fee {costs['borrow_bp']:g} bp a year. Cash: "
        f"{c['risk_free']}.",
        "All variants trade the same events on the same sessions. Sharpe ratios are over cash, "
        "with the standard error of Lo (2002). Deflation takes returns and trials as "
        "independent and counts every variant of this sweep; what was tried before it is not "
        "known here. In the walk-forward a trade counts as past once it is closed.",
    ]


def worded(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of variants as texts."""
    shown = pd.DataFrame(index=frame.index)
    for name in frame.columns:
        values = list(frame[name])
        if name in PERCENT:
            shown[name] = [_percent(value) for value in values]
        elif name in ("sharpe", "sharpe_se", "sortino", "calmar"):
            shown[name] = [_number(value) for value in values]
        elif name in ("variant", "events"):
            shown[name] = [f"{value:.0f}" for value in values]
        else:
            shown[name] = [shown_value(value) for value in values]
    return shown


def _missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _number(value: float | None) -> str:
    return "-" if value is None or _missing(value) else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "-" if value is None or _missing(value) else f"{100 * value:.1f}%"


def _money(value: float | None) -> str:
    return "-" if value is None or _missing(value) else f"{value:,.0f}"


def _p(value: float | None) -> str:
    return "-" if value is None or _missing(value) else f"{value:.3f}"
