"""Terms: how a strategy's decisions are turned into orders, read from its parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventstudy.errors import EventStudyError

FILLS = ("open", "close")
BASES = ("capital", "equity")
LONGEST = 1_000_000
"""Sessions; more than any table of prices, and few enough to be counted."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The parameters that every strategy has; see `EventStrategy` for their meaning."""

    entry: int = 1
    hold: int = 10
    gross: float = 0.2
    fill: str = "open"
    limit: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    leg_stop: float | None = None
    leg_target: float | None = None
    sizing: str = "given"
    target_volatility: float = 0.1
    size_of: str = "capital"
    participation: float | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Terms:
        """Return the terms among a strategy's parameters."""
        return cls(**{name: parameters[name] for name in cls.__dataclass_fields__})

    @property
    def needs_range(self) -> str:
        """What needs highs and lows: ``limit``, ``stop`` or ``target``; else empty."""
        asked = (("limit", self.limit), ("stop", self.leg_stop), ("target", self.leg_target))
        return " or ".join(name for name, value in asked if value is not None)


def faults_of(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the parameters that every strategy has.

    Parameters
    ----------
    values : mapping
        Of the right types already.
    """
    from eventstudy.backtest.sizing import find_sizing

    faults = []
    if values["hold"] < 1:
        faults.append(f"hold is {values['hold']}: give at least 1 session")
    if values["hold"] > LONGEST:
        faults.append(f"hold is {values['hold']}: give {LONGEST:,} sessions at most")
    for name in ("gross", "target_volatility"):
        if not 0 < values[name] < math.inf:
            faults.append(f"{name} is {values[name]}: give a positive number")
    for name, top in {
        "stop_loss": math.inf,
        "take_profit": math.inf,
        "leg_stop": math.inf,
        "leg_target": math.inf,
        "limit": 1.0,
        "participation": 1.0,
    }.items():
        if values[name] is not None and not 0 < values[name] < top:
            bound = "positive fraction" if top == math.inf else "fraction between 0 and 1"
            faults.append(f"{name} is {values[name]}: give a {bound} or none")
    for name, allowed in {"fill": FILLS, "size_of": BASES}.items():
        if values[name] not in allowed:
            faults.append(f"{name} is {values[name]!r}: give {' or '.join(allowed)}")
    try:
        find_sizing(values["sizing"])
    except EventStudyError as error:
        faults.append(str(error))
    if values["limit"] is not None and values["fill"] == "close":
        faults.append(
            "limit with fill=close: a limit order works during the session; leave out one"
        )
    return faults
