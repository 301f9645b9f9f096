"""One variant after another, as a worker runs them."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.backtest import metrics
from eventstudy.backtest.engines import run_desk
from eventstudy.backtest.library import Strategy
from eventstudy.backtest.plan import appointments
from eventstudy.backtest.setup import Setup, desk_of
from eventstudy.backtest.sweep.cargo import Blueprint, Cargo
from eventstudy.errors import EventStudyError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ended:
    """What became of one variant.

    Attributes
    ----------
    number : int
        Place among the variants.
    excess : ndarray, shape (T,)
        Returns over cash on the sessions of the sweep; empty where it failed.
    earned : ndarray, shape (E,)
        Profit of each event of the calendar; zero where it was not traded.
    figures : mapping of str to float
    engine : str
    error : str
        Why it failed; empty where it did not.
    """

    number: int
    excess: Floats
    earned: Floats
    figures: Mapping[str, float]
    engine: str = ""
    error: str = ""


def run_batch(
    cargo: Cargo,
    blueprint: Blueprint,
    variants: Sequence[tuple[int, Mapping[str, Any]]],
    first: int,
    last: int,
) -> list[Ended]:
    """Run several variants in one task; a worker opens prices and strategy once."""
    return run_variants(cargo.opened(), blueprint.built(), variants, first, last)


def run_variants(
    setup: Setup,
    strategy: Strategy,
    variants: Sequence[tuple[int, Mapping[str, Any]]],
    first: int,
    last: int,
) -> list[Ended]:
    """Run variants on the same sessions; one that fails is recorded, not fatal.

    Parameters
    ----------
    setup : Setup
    strategy : Strategy
    variants : sequence of (int, mapping)
        Number and parameters.
    first, last : int
        Rows of the setup's table: all accounts begin at the close of the one and end at the
        close of the other.
    """
    return [_ended(setup, strategy, number, given, first, last) for number, given in variants]


def _ended(
    setup: Setup, strategy: Strategy, number: int, given: Mapping[str, Any], first: int, last: int
) -> Ended:
    try:
        return run_variant(setup, strategy.with_parameters(given), number, first, last)
    except EventStudyError as error:
        told = str(error)
    except Exception as error:  # an author's code may raise anything
        line = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {error} ({line.name}, line {line.lineno})"
    return Ended(number, np.empty(0), np.empty(0), {}, error=told)


def run_variant(setup: Setup, strategy: Strategy, number: int, first: int, last: int) -> Ended:
    """Return the account of one variant on the sessions of the sweep."""
    table = setup.market.table
    desk = desk_of(setup, strategy, appointments(setup.events, table.dates, strategy.parameters),
                   first)  # fmt: skip
    run_desk(desk, strategy, setup.rates, setup.seed, "auto")
    values = np.array([day.value for day in desk.days[: last + 1 - first]])
    excess = metrics.value_returns(values) - setup.rates[first + 1 : last + 1]
    places = {event.event_id: i for i, event in enumerate(setup.events)}
    earned = np.zeros(len(setup.events))
    for leg in desk.ledger.legs.values():
        event = desk.agenda[leg.event].event.event_id
        earned[places[event]] += leg.value(leg.exit_price)
    figures = metrics.path_metrics(values, setup.rates[first + 1 : last + 1])
    figures["events"] = float(len({leg.event for leg in desk.ledger.legs.values()}))
    figures["hit_rate"] = metrics.hit_rate(earned[earned != 0.0])
    return Ended(number, excess, earned, figures, desk.engine)
