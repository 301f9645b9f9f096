"""One run again at other costs, later and at other sizes; the capital that its trades carry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.backtest import metrics
from eventstudy.backtest.costs import times
from eventstudy.backtest.desk import Desk
from eventstudy.backtest.engines import run_desk
from eventstudy.backtest.library import Strategy
from eventstudy.backtest.liquidity import impact_before, usual_before
from eventstudy.backtest.plan import appointments
from eventstudy.backtest.setup import Setup, desk_of

Floats = npt.NDArray[np.float64]
COST_LEVELS = (0.0, 0.5, 1.0, 2.0, 5.0)
DELAYS = (0, 1, 2, 5)
CAPITALS = (1e6, 1e7, 1e8, 1e9, 1e10)
IMPACT = 1.0
"""Coefficient of the square-root law behind the capacity curve."""


@dataclass(frozen=True, eq=False)
class Ran:
    """One strategy with its desk after the run, and the window of the run.

    Attributes
    ----------
    strategy : Strategy
    desk : Desk
    window : int
        Sessions of the run, from the desk's first row.
    """

    strategy: Strategy
    desk: Desk
    window: int

    def excess(self, setup: Setup) -> Floats:
        """Return the returns over cash, shape (window - 1,)."""
        values = np.array([day.value for day in self.desk.days[: self.window]])
        first = self.desk.first
        return metrics.value_returns(values) - setup.rates[first + 1 : first + self.window]


def _again(setup: Setup, strategy: Strategy, run: Ran) -> dict[str, float] | None:
    """Run a strategy once more under another setup; None where nothing can be traded."""
    plan = appointments(setup.events, setup.market.table.dates, strategy.parameters)
    if not plan[0]:
        return None
    desk = desk_of(setup, strategy, plan, min(run.desk.first, plan[0][0].decision))
    run_desk(desk, strategy, setup.rates, setup.seed, "auto")
    first, days = desk.first, setup.market.table.dates
    ends = [int(np.searchsorted(days, leg.exit_date)) for leg in desk.ledger.legs.values()]
    end = max([run.desk.first + run.window - 1, *ends])
    values = np.array([day.value for day in desk.days])[: end + 1 - first]
    excess = metrics.value_returns(values) - setup.rates[first + 1 : first + len(values)]
    return {
        "total_return": metrics.total_return(values),
        "sharpe": metrics.sharpe(excess),
        "events": len({leg.event for leg in desk.ledger.legs.values()}),
    }


def _rows(
    run: Ran, what: str, levels: Sequence[float], one: Callable[[Any], dict[str, float] | None]
) -> list[dict[str, Any]]:
    found = []
    for level in levels:
        figures = one(level)
        if figures is not None:
            found.append({"strategy": run.desk.name, "what": what, "level": level, **figures})
    return found


def cost_rows(setup: Setup, run: Ran) -> list[dict[str, Any]]:
    """Return the run at multiples of commission, half-spread and borrow fee."""

    def at(level: float) -> dict[str, float] | None:
        return _again(replace(setup, costs=times(setup.costs, level)), run.strategy, run)

    return _rows(run, "cost", COST_LEVELS, at)


def delay_rows(setup: Setup, run: Ran) -> list[dict[str, Any]]:
    """Return the run with entry and exit some sessions later; not across the event itself."""
    if run.desk.terms.entry < 1:
        return []

    def at(level: int) -> dict[str, float] | None:
        later = run.strategy.with_parameters({"entry": run.desk.terms.entry + level})
        return _again(setup, later, run)

    return _rows(run, "delay", DELAYS, at)


def impact_paid(setup: Setup, run: Ran) -> float:
    """Return what the square-root law takes at the run's own capital, in money.

    Sum over entries and exits of ``k |size| x price x sigma x sqrt(|size| / volume)``, volume
    and volatility of the 20 sessions before; k is the run's own coefficient, else `IMPACT`.
    With capital c times as large it is c^1.5 times as much, while profit before impact is c
    times as large. NaN where a volume is missing.
    """
    coefficient = setup.costs.impact or IMPACT
    table, rows = setup.market.table, {d: i for i, d in enumerate(setup.market.table.dates)}
    paid = 0.0
    for leg in run.desk.ledger.legs.values():
        for day, price in ((leg.entry_date, leg.entry_price), (leg.exit_date, leg.exit_price)):
            share = impact_before(table, rows[day] - 1, leg.ticker, leg.entry_size, coefficient)
            paid += abs(leg.entry_size) * price * share
    return paid


def largest_share(setup: Setup, run: Ran) -> float:
    """Return the largest order of a run over its ticker's usual daily volume."""
    table, rows = setup.market.table, {d: i for i, d in enumerate(setup.market.table.dates)}
    shares = [
        abs(leg.entry_size) / usual_before(table, rows[day] - 1, leg.ticker)
        for leg in run.desk.ledger.legs.values()
        for day in (leg.entry_date, leg.exit_date)
    ]
    return max(shares, default=0.0)


def capacity_of(setup: Setup, run: Ran) -> tuple[float, str]:
    """Return the capital that the trades can carry, and what to know of it.

    ``capital x (profit / impact)^2``, where impact takes the whole profit, see `impact_paid`;
    at most the capital at which an order is the whole usual volume of its session: the law
    of impact was never seen beyond. Profit is that over cash, which earns its rate at any
    size, and before impact: what the run was charged is added back.
    """
    own = setup.market.capital
    cash = setup.rates[run.desk.first + 1 : run.desk.first + run.window]
    idle = own * float(np.prod(1.0 + cash))
    paid = impact_paid(setup, run)
    profit = run.desk.days[run.window - 1].value - idle
    if setup.costs.impact:
        profit += paid
    if np.isnan(paid):
        return np.nan, "no capacity: volumes are missing"
    if not paid:
        return np.nan, ""
    if profit <= 0:
        return 0.0, ""
    whole, most = own * (profit / paid) ** 2, own / largest_share(setup, run)
    if whole <= most:
        return whole, ""
    return most, "capacity ends where an order is a whole day's volume, not the profit"


def capital_rows(setup: Setup, run: Ran) -> list[dict[str, Any]]:
    """Return the total return at larger capital, impact charged; sizes grow with capital."""
    own, paid = setup.market.capital, impact_paid(setup, run)
    profit = run.desk.days[run.window - 1].value - own
    events = len({leg.event for leg in run.desk.ledger.legs.values()})
    if np.isnan(paid) or setup.costs.impact:
        return []

    def at(level: float) -> dict[str, float]:
        return {
            "total_return": (profit - paid * np.sqrt(level / own)) / own,
            "sharpe": np.nan,
            "events": events,
        }

    most = own / largest_share(setup, run) if events else np.inf
    return _rows(run, "capital", tuple(c for c in CAPITALS if c <= most), at)
