"""Costs and limits by hand."""

import numpy as np
import pytest

from eventstudy.backtest import FREE, Costs, EventStrategy, Limits, backtest
from eventstudy.backtest.costs import (
    borrow_fee,
    cash_interest,
    commission_paid,
    fill_price,
    interest_rates,
    slippage_paid,
    times,
)
from eventstudy.backtest.limits import breach
from eventstudy.errors import BacktestError


def test_a_buy_fills_above_and_a_sale_below():
    assert fill_price(50.0, 10, 20.0) == pytest.approx(50.10)
    assert fill_price(50.0, -10, 20.0) == pytest.approx(49.90)
    assert slippage_paid(50.0, 50.10, 10) == pytest.approx(1.0)
    assert slippage_paid(50.0, 49.90, -10) == pytest.approx(1.0)


def test_commission_and_borrow():
    assert commission_paid(-200, 50.0, 1.5) == pytest.approx(10_000 * 0.00015)
    assert borrow_fee(-200, 50.0, 3, 100, 360) == pytest.approx(10_000 * 0.01 * 3 / 360)
    assert borrow_fee(-200, 50.0, 3, 100, 365) == pytest.approx(10_000 * 0.01 * 3 / 365)
    assert borrow_fee(200, 50.0, 3, 100, 360) == 0.0
    hard = Costs(borrow_bp=50, borrow={"B": 900.0})
    assert (hard.borrow_of("A"), hard.borrow_of("B")) == (50, 900)


def test_collateral_earns_a_rebate_and_borrowed_money_costs():
    costs = Costs(debit_bp=180, rebate=0.5)
    # Balance 150 - 60 = 90 earns 1%; half of 1% on the collateral of 60.
    assert cash_interest(150.0, 60.0, 0.01, 3, costs) == pytest.approx(0.9 + 0.3)
    assert cash_interest(150.0, 60.0, 0.01, 3, Costs()) == pytest.approx(0.9)
    # Balance 50 - 60 = -10: three days at 1% plus 180 bp a year on 360 days = 0.015%.
    assert cash_interest(50.0, 60.0, 0.01, 3, costs) == pytest.approx(-10 * 0.01015 + 0.3)
    assert cash_interest(50.0, 60.0, 0.0, 1, Costs(debit_bp=360)) == pytest.approx(-10 * 0.0001)


def test_a_constant_rate_accrues_by_calendar_days():
    assert interest_rates(0.036, np.array([0, 1, 3]), 360).tolist() == pytest.approx(
        [0, 0.0001, 0.0003]
    )


def test_faulty_rates_are_all_named():
    with pytest.raises(BacktestError) as caught:
        Costs(commission_bp=-1, borrow_bp=float("nan"), day_count=252)
    text = str(caught.value)
    assert "commission_bp is -1" in text
    assert "borrow_bp is nan" in text
    assert "day_count is 252: give 360 or 365" in text
    with pytest.raises(BacktestError, match="gross is 0: give a positive number"):
        Limits(gross=0)


@pytest.mark.parametrize(
    ("after", "cash", "words"),
    [
        ([150.0, -60.0], 50.0, "gross exposure would be 2.100 of equity, limit 2"),
        ([130.0, -20.0], 50.0, "net exposure would be 1.100 of equity, limit 1"),
        ([101.0, -20.0], 50.0, "single-name exposure would be 1.010 of equity, limit 1"),
        ([50.0, -20.0], -1.0, "cash would be -1.00"),
        ([100.0, -100.0], 50.0, None),
    ],
)
def test_each_limit_by_hand(after, cash, words):
    found = breach(Limits(), 100.0, np.zeros(2), np.array(after), 100.0, cash)
    assert found == words


def test_a_name_that_does_not_grow_is_no_reason():
    """60 of 100 stand above a single-name limit of half already; ten of another are bought."""
    limits = Limits(gross=9, net=9, single=0.5, initial=0.0)
    before, after = np.array([60.0, 0.0]), np.array([60.0, 10.0])
    assert breach(limits, 100.0, before, after, 40.0, 30.0) is None
    assert breach(limits, 100.0, after, np.array([60.0, 51.0]), 30.0, 0.0) is not None


def test_the_largest_rates():
    """A trade costs all of itself at most, a loan ten times itself a year."""
    assert Costs(borrow_bp=100_000, debit_bp=100_000, commission_bp=10_000).debit_bp == 100_000
    for name, rate in (("borrow_bp", 100_001), ("debit_bp", 100_001), ("commission_bp", 10_001)):
        with pytest.raises(BacktestError, match=f"{name} is {rate}"):
            Costs(**{name: rate})


def test_costs_a_multiple_of_others():
    found = times(Costs(1, 2, 50, borrow={"A": 30}, debit_bp=80), 3)
    assert (found.commission_bp, found.half_spread_bp, found.borrow_bp) == (3, 6, 150)
    assert (dict(found.borrow), found.debit_bp) == ({"A": 90}, 80)


def test_a_trade_that_lessens_an_exposure_passes():
    over = np.array([300.0, 0.0])
    assert breach(Limits(), 100.0, over, np.array([250.0, 0.0]), -200.0, -150.0) is None
    assert "equity is 0.00" in str(breach(Limits(), 0.0, over, over, 0.0, 0.0))


class Whole(EventStrategy):
    """Half the account short of A at first, then half of it long of B."""

    hold: int = 9
    gross: float = 0.5

    def targets(self, event, history):
        return {"A": -1.0} if event.id == "e0" else {"B": 1.0}


def test_commission_counts_for_the_cash_that_is_needed(make_event, make_table, flat):
    """All of a million is bought: ten basis points of it are a thousand too much."""
    days, prices = flat(20, B=100.0)
    events = [make_event("e1", str(days[5]), tickers=("B",), row=5)]
    table, chosen = make_table(days, prices), (Whole, {"gross": 1.0})
    wide = Limits(gross=9, net=9, single=9, initial=0.0)
    found = backtest(events, table, chosen, costs=Costs(10, 0, 0), limits=wide, engine="cerebro")
    assert found.orders["reason"].tolist() == ["cash would be -1,000.00"]
    free = backtest(events, table, chosen, costs=FREE, limits=wide, engine="cerebro")
    assert free.orders["status"].tolist() == ["filled"] * len(free.orders)


def test_what_is_held_is_worth_its_close_at_a_close(make_event, make_table, flat):
    """Sold short at 100, A stands at 150 when B is bought: 125 of an equity of 75."""
    days, prices = flat(20, A=100.0, B=100.0)
    prices["A"]["open"], prices["A"]["close"] = np.full(20, 100.0), np.full(20, 100.0)
    prices["A"]["close"][6:], prices["A"]["open"][7:] = 150.0, 150.0
    events = [
        make_event(f"e{i}", str(days[row]), tickers=(name,), row=i)
        for i, (name, row) in enumerate([("A", 2), ("B", 5)])
    ]
    limits = Limits(gross=1.5, net=9, single=9, cash=False, initial=0.0, maintenance_short=0.0)
    found = backtest(
        events, make_table(days, prices), (Whole, {"fill": "close"}), costs=FREE, limits=limits,
        engine="cerebro",
    )  # fmt: skip
    said = found.orders.set_index("event_id")["reason"]
    assert said["e1"] == "gross exposure would be 1.667 of equity, limit 1.5"
