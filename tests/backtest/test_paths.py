"""The account's path without a loop, and its limits, worked by hand on two tickers."""

from __future__ import annotations

import numpy as np
import pytest

from eventstudy.backtest.costs import Costs
from eventstudy.backtest.limits import Limits
from eventstudy.backtest.paths import (
    Legs,
    Path,
    Stack,
    account_path,
    keeps_margin,
    surely_within,
)

GAPS = np.array([0, 1, 3, 1])
COSTS = Costs(commission_bp=10.0, half_spread_bp=50.0, day_count=360, rebate=0.5, debit_bp=100.0)
FEES = np.array([0.0, 360.0])
"""Of the second ticker: one basis point a calendar day."""
LEGS = Legs(np.array([0, 1]), np.array([2.0, -1.0]), np.array([1, 1]), np.array([3, 4]))
"""Two of the first ticker from row 1 to row 3; one of the second sold in row 1 and kept."""


def made_stack(rates: list[float]) -> Stack:
    opened = np.array([[10.0, 20.0], [11.0, 21.0], [12.0, 22.0], [13.0, 23.0]])
    dividends = np.zeros((4, 2))
    dividends[2, 0] = 0.5
    return Stack(
        opened, opened + 1.0, dividends, np.ones((4, 2), dtype=bool), GAPS, np.array(rates)
    )


FLOWS = np.array([
    0.0,
    -2.002 * 11 * 1.005 + 0.999 * 21 * 0.995,
    2 * 0.5 - 22 * 3e-4,
    1.998 * 13 * 0.995 - 23 * 1e-4,
])  # fmt: skip
"""Bought and sold in row 1; dividend and three days of fees; sold again and one day of fees."""


def test_the_account_at_opens_by_hand() -> None:
    path = account_path(made_stack([0.0] * 4), LEGS, COSTS, FEES, 100.0, "open")
    assert path.bought == pytest.approx([11 * 1.005, 21 * 0.995], abs=1e-12)
    assert path.sold[0] == pytest.approx(13 * 0.995, abs=1e-12)
    assert np.isnan(path.sold[1])
    assert path.shares.tolist() == [[0, 0], [2, -1], [2, -1], [0, -1]]
    assert path.short.tolist() == [0.0, 22.0, 23.0, 24.0]
    assert path.held.tolist() == [[0, 0], [24, -22], [26, -23], [0, -24]]
    assert path.cash == pytest.approx(100 + np.cumsum(FLOWS), abs=1e-12)
    assert path.value == pytest.approx(path.cash + np.array([0, 24 - 22, 26 - 23, -24]), abs=1e-12)
    assert path.interest.tolist() == [0.0] * 4


def test_the_account_at_closes_by_hand() -> None:
    path = account_path(made_stack([0.0] * 4), LEGS, COSTS, FEES, 100.0, "close")
    assert path.bought == pytest.approx([12 * 1.005, 22 * 0.995], abs=1e-12)
    assert path.sold[0] == pytest.approx(14 * 0.995, abs=1e-12)


def test_interest_feeds_on_itself() -> None:
    """Cash at the rate, the collateral of the short at half of it."""
    path = account_path(made_stack([0.0, 0.001, 0.002, 0.003]), LEGS, COSTS, FEES, 100.0, "open")
    one = 100 * 0.001
    cash = 100 + FLOWS[1] + one
    two = (cash - 22) * 0.002 + 22 * 0.001
    cash += FLOWS[2] + two
    three = (cash - 23) * 0.003 + 23 * 0.0015
    assert path.interest == pytest.approx([0.0, one, two, three], abs=1e-12)
    assert path.cash[3] == pytest.approx(cash + FLOWS[3] + three, abs=1e-12)
    assert path.value[3] == pytest.approx(path.cash[3] - 24, abs=1e-12)


def test_money_owed_costs_even_where_cash_earns_nothing() -> None:
    """1% a year on what cash lacks of the collateral: three days of 360, then one."""
    path = account_path(made_stack([0.0] * 4), LEGS, COSTS, FEES, 10.0, "open")
    cash = 10 + FLOWS[1]
    two = (cash - 22) * 0.01 * 3 / 360
    three = (cash + FLOWS[2] + two - 23) * 0.01 / 360
    assert two < 0
    assert path.interest == pytest.approx([0.0, 0.0, two, three], abs=1e-12)


def within(
    legs: Legs, quotes: tuple[float, float], cash: float, limits: Limits, fill: str = "open"
) -> bool:
    """Ask of a session (row 1 of 3) with one ticker: its open and close, cash after its fills."""
    table = np.full((3, 1), 1.0)
    opened, closed = table.copy(), table.copy()
    opened[1], closed[1] = quotes
    stack = Stack(opened, closed, table * 0, table > 0, np.arange(3), np.zeros(3))
    shares = np.zeros((3, 1))
    for size, entry, end in zip(legs.size, legs.entry, legs.exit, strict=True):
        shares[entry:end, 0] += size
    flat = np.zeros(3)
    bought = opened[legs.entry, 0] if fill == "open" else closed[legs.entry, 0]
    path = Path(flat, np.full(3, cash), shares, shares, flat, flat, bought, bought)
    return surely_within(stack, legs, path, limits, fill)


def leg(size: float, entry: int = 1, end: int = 3) -> Legs:
    return Legs(np.array([0]), np.array([size]), np.array([entry]), np.array([end]))


WIDE = Limits(gross=9.0, net=9.0, single=9.0, cash=False, initial=0.0)


def narrow(**changes: float) -> Limits:
    kept = {name: getattr(WIDE, name) for name in ("gross", "net", "single", "cash", "initial")}
    return Limits(**{**kept, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["gross", "net", "single"])
def test_exposure_up_to_the_limit_is_within(name: str) -> None:
    """100 held of an equity of 50, cash being -50: twice."""
    assert within(leg(1.0), (100.0, 1.0), -50.0, narrow(**{name: 2.0}))
    assert not within(leg(1.0), (100.0, 1.0), -50.0, narrow(**{name: 1.99}))


def test_the_margin_of_opening_is_a_limit_too() -> None:
    assert within(leg(1.0), (100.0, 1.0), -50.0, narrow(initial=0.5))
    assert not within(leg(1.0), (100.0, 1.0), -50.0, narrow(initial=0.51))


def test_prices_are_those_of_the_fill() -> None:
    """One sold short, cash 350: at 200 the equity is 150, at 100 it is 250."""
    limits = narrow(gross=1.0)
    assert not within(leg(-1.0), (200.0, 100.0), 350.0, limits)
    assert within(leg(-1.0), (200.0, 100.0), 350.0, limits, "close")
    assert within(leg(-1.0), (100.0, 200.0), 350.0, limits)


def test_legs_count_from_their_entry_until_before_their_exit() -> None:
    """A second leg, of 60, opened beside one of 60 on an equity of 100 or 160."""
    limits = narrow(gross=1.0)
    for end, expected in ((1, True), (2, False)):
        legs = Legs(np.array([0, 0]), np.array([60.0, 60.0]), np.array([0, 1]), np.array([end, 3]))
        assert within(legs, (1.0, 1.0), 40.0 if end == 1 else -20.0, limits) is expected


def test_cash_is_there_without_the_sales_of_the_session() -> None:
    """Two bought and one sold short at 100: cash of 200 beforehand leaves 100 and is enough."""
    legs = Legs(np.array([0, 0]), np.array([2.0, -1.0]), np.array([1, 1]), np.array([3, 3]))
    assert within(legs, (100.0, 1.0), 100.0, narrow(cash=True))
    assert not within(legs, (100.0, 1.0), 99.0, narrow(cash=True))
    assert within(legs, (100.0, 1.0), 99.0, narrow(cash=False))


def test_margin_is_kept_up_to_the_last_cent() -> None:
    """100 long and 50 short ask for 25 + 15."""
    limits = Limits(maintenance_long=0.25, maintenance_short=0.30)
    nothing = np.zeros((1, 1))
    for value, expected in ((40.0, True), (39.99, False)):
        flat = np.zeros(1)
        worth, cash = np.array([value]), np.array([value - 50.0])
        path = Path(worth, cash, nothing, nothing, flat + 50.0, flat, flat, flat)
        assert keeps_margin(path, limits) is expected
