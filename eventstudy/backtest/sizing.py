"""Sizing: from a strategy's weights to the weights that are traded.

A sizing is a function of the weights, the event, the history at the decision and the
volatility aimed at. It returns `Sized`, or a sentence that says why the event cannot be
sized. What it estimates comes from sessions before the event alone: `estimation`. Other
packages add sizings under the entry-point group ``eventstudy.sizings``; a strategy with a
sizing of its own computes it in ``targets`` and keeps ``sizing = given``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from eventstudy.backtest.estimation import MINIMUM, market_betas, rows_before, yearly_risk
from eventstudy.errors import BacktestError, UnknownNameError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from eventstudy.backtest.history import History, StrategyEvent

ENTRY_POINTS = "eventstudy.sizings"
LEVERAGE = 2.0
"""Largest sum of absolute weights to which `volatility` scales a group."""


@dataclass(frozen=True, slots=True)
class Sized:
    """Weights to trade.

    Attributes
    ----------
    weights : mapping of str to float
        By ticker; 1 is ``gross x capital`` worth of it.
    note : str
        What was done to them, for the record of the order; empty for nothing.
    """

    weights: Mapping[str, float]
    note: str = ""


Sizing = Callable[[Mapping[str, float], "StrategyEvent", "History", float], Sized | str]


def given(
    weights: Mapping[str, float], _event: StrategyEvent, _history: History, _target: float
) -> Sized:
    """Return the weights as the strategy gave them."""
    return Sized(weights)


def dollar_neutral(
    weights: Mapping[str, float], _event: StrategyEvent, _history: History, _target: float
) -> Sized | str:
    """Scale the long and the short side to equal sums; the sum of absolutes stays.

    At the decision's closes. Legs keep their shares of their side.
    """
    return _balanced(weights, dict.fromkeys(weights, 1.0), "dollar-neutral")


def beta_neutral(
    weights: Mapping[str, float], event: StrategyEvent, history: History, _target: float
) -> Sized | str:
    """Scale the long and the short side so that the sum of weight x beta is zero.

    Betas are those of `market_betas` on the estimation window. The sum of absolute weights
    stays, and legs keep their shares of their side.
    """
    found = market_betas(history, list(weights), rows_before(history, event.session_0))
    missing = [t for t, beta in zip(weights, found, strict=True) if not np.isfinite(beta)]
    if missing:
        return (
            f"beta-neutral: no beta of {', '.join(missing)}, which takes {MINIMUM} returns "
            "before the event"
        )
    return _balanced(weights, dict(zip(weights, found.tolist(), strict=True)), "beta-neutral")


def volatility(
    weights: Mapping[str, float], event: StrategyEvent, history: History, target: float
) -> Sized | str:
    """Scale the whole group so that its volatility before the event is the one aimed at.

    See `yearly_risk`. The volatility is that of the sleeve: a share `gross` of the account
    carries it. The sum of absolute weights is held at `LEVERAGE`.
    """
    risk = yearly_risk(history, weights, rows_before(history, event.session_0))
    if not np.isfinite(risk):
        names = ", ".join(weights)
        return f"volatility: fewer than {MINIMUM} sessions before the event with returns of {names}"
    if not risk > 0:
        return f"volatility: {', '.join(weights)} did not move before the event"
    scale, largest = target / risk, LEVERAGE / sum(abs(w) for w in weights.values())
    note = f"volatility {100 * risk:.1f}% a year, weights x {min(scale, largest):.3f}"
    if scale > largest:
        note += f", held at {LEVERAGE:g} times the sleeve"
        scale = largest
    return Sized({ticker: weight * scale for ticker, weight in weights.items()}, note)


def _balanced(weights: Mapping[str, float], loads: Mapping[str, float], name: str) -> Sized | str:
    """Return weights whose long and short loads cancel, their absolute sum unchanged.

    With gross L and S of the two sides and loads A and B, the sides are scaled by ``a`` and
    ``b`` where ``a A = b B`` and ``a L + b S = L + S``.
    """
    long = {t: w for t, w in weights.items() if w > 0}
    short = {t: -w for t, w in weights.items() if w < 0}
    if not long or not short:
        side = "long" if long else "short"
        return f"{name} needs a long and a short side, and {', '.join(weights)} is all {side}"
    gross_long, gross_short = sum(long.values()), sum(short.values())
    load_long = sum(w * loads[t] for t, w in long.items())
    load_short = sum(w * loads[t] for t, w in short.items())
    if not load_long * load_short > 0:
        return (
            f"{name}: the betas of the long side ({load_long / gross_long:.2f}) and of the short "
            f"side ({load_short / gross_short:.2f}) cannot be balanced"
        )
    total = (gross_long + gross_short) / (gross_long * load_short + gross_short * load_long)
    up, down = total * load_short, total * load_long
    return Sized(
        {t: w * (up if w > 0 else down) for t, w in weights.items()},
        f"{name}: long side x {up:.3f}, short side x {down:.3f}",
    )


SIZINGS: dict[str, Sizing] = {
    "given": given,
    "dollar-neutral": dollar_neutral,
    "beta-neutral": beta_neutral,
    "volatility": volatility,
}


def find_sizing(name: str) -> Sizing:
    """Return the sizing of a name: one of `SIZINGS`, or another package's.

    Raises
    ------
    UnknownNameError
        Where there is no such name.
    BacktestError
        Where another package's cannot be loaded.
    """
    if name in SIZINGS:
        return SIZINGS[name]
    others = _other_packages()
    if name not in others:
        raise UnknownNameError("sizing", name, (*SIZINGS, *others))
    try:
        found = others[name].load()
    except Exception as error:
        raise BacktestError(
            f"sizing {name!r} of entry point {others[name].value}: {type(error).__name__}: {error}"
        ) from error
    return cast("Sizing", found)


def _other_packages() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {found.name: found for found in entry_points(group=ENTRY_POINTS)}
