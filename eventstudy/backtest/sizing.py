"""Sizing: from a strategy's weights to the weights that are traded.

A sizing is a function of the weights, the history at the decision and the volatility aimed
at; it returns weights, or a sentence that says why there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from eventstudy.backtest.history import History

Sizing = Callable[[Mapping[str, float], History, float], dict[str, float] | str]


def given(weights: Mapping[str, float], _history: History, _target: float) -> dict[str, float]:
    """Return the weights as the strategy gave them."""
    return dict(weights)


SIZINGS: dict[str, Sizing] = {"given": given}
