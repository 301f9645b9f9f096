"""Limit entries, leg stops and leg targets: within the bar, the worse reading where it is open.

Bars are written (open, high, low, close). Decided at a close of 100 on row 0; half-spread of
20 bp and no commission, so that every price below can be checked by eye.
"""

import numpy as np
import pytest

from eventstudy.backtest import Costs, EventStrategy
from eventstudy.backtest.fills import exit_levels, limit_fill, limit_price, touched
from eventstudy.errors import BacktestError

NAN = float("nan")
COSTS = Costs(commission_bp=0, half_spread_bp=20, borrow_bp=0, debit_bp=0)
FLAT = (100.0, 100.0, 100.0, 100.0)
EXACT = {"rel": 1e-14, "abs": 1e-9}


class One(EventStrategy):
    """All on A: long, or short with weight -1."""

    gross: float = 0.5
    hold: int = 3
    weight: float = 1.0

    def targets(self, event, history):
        return {"A": self.weight}


class Pair(One):
    """Long A, short B."""

    def targets(self, event, history):
        return {"A": 0.5, "B": -0.5}


def bars(*rows, volume=None):
    names = ("open", "high", "low", "close")
    made = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    return made | ({} if volume is None else {"volume": volume})


def a_world(*later, count=6):
    return {"A": bars(*(FLAT, *later, *[FLAT] * (count - 1 - len(later))))}


LIMITS = [  # weight, bar of the entry, price of the fill, slippage a share
    (1, (94.0, 99.0, 93.0, 98.0), 94 * 1.002, 94 * 0.002),  # opens beyond: the open, spread paid
    (1, (94.9, 99.0, 93.0, 98.0), 95.0, 95 - 94.9),  # and never worse than the limit
    (1, (95.0, 99.0, 95.0, 98.0), 95.0, 0.0),  # opens at it
    (1, (98.0, 99.0, 94.99, 97.0), 95.0, 0.0),  # gone through: at the limit, no spread
    (1, (98.0, 99.0, 95.0, 97.0), None, None),  # touched exactly: perhaps in the queue
    (1, (98.0, 99.0, 96.0, 97.0), None, None),  # not reached
    (-1, (106.0, 107.0, 101.0, 102.0), 106 * 0.998, 106 * 0.002),
    (-1, (105.1, 107.0, 101.0, 102.0), 105.0, 105.1 - 105),
    (-1, (105.0, 105.0, 101.0, 102.0), 105.0, 0.0),
    (-1, (102.0, 105.01, 101.0, 103.0), 105.0, 0.0),
    (-1, (102.0, 105.0, 101.0, 103.0), None, None),
    (-1, (102.0, 104.0, 101.0, 103.0), None, None),
]


@pytest.mark.parametrize(("weight", "bar", "price", "slippage"), LIMITS)
def test_a_limit_entry_by_hand(trade, weight, bar, price, slippage):
    strategy = (One, {"limit": 0.05, "weight": float(weight)})
    result = trade(strategy, a_world(bar), costs=COSTS)
    order = result.orders.iloc[0]
    if price is None:
        assert result.trades.empty
        level = 100 * (1 - 0.05 * weight)
        said = ("cancelled", f"the limit {level:.4f} was not reached")
        assert (order["status"], order["reason"]) == said
        assert result.skipped[["reason", "detail"]].to_numpy().tolist() == [list(said)]
        return
    assert (order["status"], order["price"]) == ("filled", pytest.approx(price, **EXACT))
    # 50,000 / 100 shares; the path at the entry's close, and 20 bp to leave at row 4's open.
    size = 500 * weight
    entry = 100_000 + size * (bar[3] - price)
    assert result.equity["value"].iloc[1] == pytest.approx(entry, **EXACT)
    leaving = 100 * (1 - 0.002 * weight)
    assert result.equity["value"].iloc[-1] == pytest.approx(
        100_000 + size * (leaving - price), **EXACT
    )
    assert result.metrics["slippage"].iloc[0] == pytest.approx(500 * (slippage + 0.2), **EXACT)


def test_a_limit_order_works_for_one_session(trade):
    result = trade((One, {"limit": 0.05}), a_world((98, 99, 96, 98), (90, 91, 89, 90)))
    assert result.trades.empty
    assert result.orders["status"].tolist() == ["cancelled"]


def test_exposure_of_a_limit_order_is_taken_at_its_limit(trade):
    """A sale at 110 of what was worth the whole account at 100 is 110% of it."""
    short = (One, {"limit": 0.1, "weight": -1.0, "gross": 1.0})
    refused = trade(short, a_world((100.0, 111.0, 99.0, 105.0)))
    assert refused.orders["reason"].tolist() == ["net exposure would be 1.100 of equity, limit 1"]
    long = (One, {"limit": 0.1, "gross": 1.1})
    kept = trade(long, a_world((104.0, 105.0, 89.0, 95.0)))  # 1,100 shares at 90 are 99,000
    assert kept.trades["entry_price"].tolist() == [90.0]


def test_two_legs_and_the_close_have_no_limit(trade):
    world = a_world((90.0, 91.0, 89.0, 90.0))
    result = trade((Pair, {"limit": 0.05}), world | {"B": world["A"]})
    assert result.skipped["reason"].tolist() == ["limit_group"]
    assert "2 legs" in result.skipped["detail"].iloc[0]
    with pytest.raises(BacktestError, match="limit with fill=close"):
        trade((One, {"limit": 0.05, "fill": "close"}), world)


STOPS = [  # weight, bar of row 2, price, reason; stop at 10%, target at 20%, entry at 100
    (1, (85.0, 95.0, 80.0, 90.0), 85 * 0.998, "leg stop"),  # gap through it: the open
    (1, (98.0, 99.0, 89.0, 95.0), 90 * 0.998, "leg stop"),  # inside the range
    (1, (98.0, 99.0, 90.0, 95.0), 90 * 0.998, "leg stop"),  # touched exactly: taken
    (1, (98.0, 121.0, 89.0, 95.0), 90 * 0.998, "leg stop"),  # both: the stop
    (1, (98.0, 121.0, 91.0, 95.0), 120.0, "leg target"),  # gone through: at it, no spread
    (1, (98.0, 120.0, 91.0, 95.0), None, "time"),  # touched exactly: not taken
    (1, (125.0, 126.0, 121.0, 122.0), 125.0, "leg target"),  # opens beyond: the better open
    (1, (98.0, 119.0, 91.0, 95.0), None, "time"),
    (-1, (115.0, 120.0, 105.0, 110.0), 115 * 1.002, "leg stop"),
    (-1, (102.0, 111.0, 101.0, 105.0), 110 * 1.002, "leg stop"),
    (-1, (102.0, 110.0, 101.0, 105.0), 110 * 1.002, "leg stop"),
    (-1, (102.0, 111.0, 79.0, 105.0), 110 * 1.002, "leg stop"),
    (-1, (102.0, 109.0, 79.0, 105.0), 80.0, "leg target"),
    (-1, (102.0, 109.0, 80.0, 105.0), None, "time"),
    (-1, (75.0, 79.0, 74.0, 78.0), 75.0, "leg target"),
]


@pytest.mark.parametrize(("weight", "bar", "price", "reason"), STOPS)
def test_a_leg_leaves_within_the_bar(trade, weight, bar, price, reason):
    # Row 1 opens where the entry pays exactly 100 after its 20 bp.
    opened = 100 / (1 + 0.002 * weight)
    strategy = (One, {"leg_stop": 0.1, "leg_target": 0.2, "weight": float(weight)})
    result = trade(strategy, a_world((opened, 101.0, 99.0, 100.0), bar), costs=COSTS)
    leg = result.trades.iloc[0]
    assert leg["entry_price"] == pytest.approx(100.0, **EXACT)
    assert leg["exit_reason"] == reason
    row = 4 if price is None else 2
    price = 100 * (1 - 0.002 * weight) if price is None else price
    assert leg["exit_price"] == pytest.approx(price, **EXACT)
    assert leg["exit_date"] == np.busday_offset("2024-03-04", row)
    assert leg["pnl"] == pytest.approx(500 * weight * (price - 100), **EXACT)
    paid = 500 * abs(100 - opened)
    if reason == "leg stop":
        paid += 500 * 0.002 * price / (1 - 0.002 * weight)
    elif reason == "time":
        paid += 500 * 0.2
    assert leg["costs"] == pytest.approx(paid, **EXACT)


def test_a_stop_works_on_the_session_of_the_entry(trade):
    result = trade((One, {"leg_stop": 0.1}), a_world((100, 101, 89.0, 95)), costs=COSTS)
    leg = result.trades.iloc[0]
    assert leg["exit_price"] == pytest.approx(100 * 1.002 * 0.9 * 0.998, **EXACT)
    assert leg["exit_date"] == leg["entry_date"]
    assert result.equity["gross"].tolist() == [0.0, 0.0]


def test_a_stop_nearer_than_the_spread_loses_the_spread_twice(trade):
    """Bought at 101 on a bar that stood at 100 all day: it cannot be sold at 100.495."""
    wide = Costs(commission_bp=0, half_spread_bp=100, borrow_bp=0, debit_bp=0)
    result = trade((One, {"leg_stop": 0.005}), a_world(), costs=wide)
    leg = result.trades.iloc[0]
    assert (leg["entry_price"], leg["exit_price"]) == (101.0, 99.0)
    assert leg["costs"] == pytest.approx(500 * 2.0, **EXACT)


FRESH = [  # bar of row 1 with a limit to buy at 95, a stop at 90.25 and a target at 104.5
    ((98.0, 99.0, 85.0, 97.0), 95.0, 90.25 * 0.998, "leg stop", 1),
    # The high may have come before the low that let us in: no target that day.
    ((98.0, 120.0, 94.9, 97.0), 95.0, 100 * 0.998, "time", 4),
    # Filled at the open, the whole range came after it.
    ((95.0, 120.0, 94.0, 97.0), 95.0, 104.5, "leg target", 1),
    ((95.0, 120.0, 85.0, 97.0), 95.0, 90.25 * 0.998, "leg stop", 1),
]


@pytest.mark.parametrize(("bar", "entry", "price", "reason", "row"), FRESH)
def test_a_limit_entry_is_at_risk_from_its_fill_on(trade, bar, entry, price, reason, row):
    strategy = (One, {"limit": 0.05, "leg_stop": 0.05, "leg_target": 0.1})
    leg = trade(strategy, a_world(bar), costs=COSTS).trades.iloc[0]
    assert (leg["entry_price"], leg["exit_reason"]) == (entry, reason)
    assert leg["exit_price"] == pytest.approx(price, **EXACT)
    assert leg["exit_date"] == np.busday_offset("2024-03-04", row)


def test_the_rest_of_the_sleeve_leaves_at_the_next_open(trade):
    world = a_world(FLAT, (98, 99, 89, 95)) | {
        "B": bars(FLAT, FLAT, FLAT, (97.0, 98.0, 96.0, 97.0), FLAT, FLAT)
    }
    result = trade((Pair, {"leg_stop": 0.1, "hold": 4}), world)
    legs = result.trades.set_index("ticker")
    assert legs["exit_price"].to_dict() == {"A": 90.0, "B": 97.0}
    assert legs["exit_reason"].to_dict() == {"A": "leg stop", "B": "leg stop of A"}
    assert legs["exit_date"].dt.day.to_dict() == {"A": 6, "B": 7}
    told = result.attribution["exit_reason"].iloc[0].split("; ")
    assert sorted(told) == ["leg stop", "leg stop of A"]
    exits = result.orders[result.orders["group"] == "e0:exit"]
    assert exits["created"].dt.day.tolist() == [5, 6]  # the levels stood since the day before


def test_the_rest_waits_for_a_bar(trade):
    """B is halted on the day after A's stop: its exit is sent again, still at an open."""
    world = a_world(FLAT, (98, 99, 89, 95)) | {
        "B": bars(FLAT, FLAT, FLAT, (NAN,) * 4, (97.0, 98.0, 96.0, 96.5), FLAT)
    }
    result = trade((Pair, {"leg_stop": 0.1, "hold": 2, "fill": "close"}), world)
    leg = result.trades.set_index("ticker").loc["B"]
    assert (leg["exit_price"], leg["exit_reason"]) == (97.0, "leg stop of A")


def test_a_stop_and_a_time_exit_of_one_session_trade_a_leg_once(trade):
    """Both legs are due at Thursday's close; A is stopped within that session."""
    world = a_world(FLAT, FLAT, (98, 99, 89, 96)) | {
        "B": bars(FLAT, FLAT, FLAT, (97.0, 98.0, 93.0, 94.0), FLAT, FLAT)
    }
    result = trade((Pair, {"leg_stop": 0.1, "hold": 2, "fill": "close"}), world)
    legs = result.trades.set_index("ticker")
    assert legs["exit_price"].to_dict() == {"A": 90.0, "B": 94.0}
    assert legs["exit_reason"].to_dict() == {"A": "leg stop", "B": "time"}
    assert legs["exit_date"].nunique() == 1
    dropped = result.orders[result.orders["status"] == "cancelled"]
    assert dropped[["ticker", "reason"]].to_numpy().tolist() == [
        ["A", "the leg was closed earlier in the session"]
    ]
    # 250 shares each: A lost 10, B gained 6.
    assert result.equity["value"].iloc[-1] == pytest.approx(100_000 - 2_500 + 1_500, **EXACT)
    assert result.equity["gross"].iloc[-1] == 0.0


def test_a_close_entry_is_not_stopped_by_the_range_before_it(trade):
    strategy = (One, {"leg_stop": 0.1, "fill": "close", "hold": 2})
    result = trade(strategy, a_world((100, 101, 50.0, 100), (100, 101, 91.0, 100)))
    assert result.trades["exit_reason"].tolist() == ["time"]
    stopped = trade(strategy, a_world(FLAT, (100, 101, 89.0, 100)))
    assert stopped.trades["exit_reason"].tolist() == ["leg stop"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [({"limit": 0.05}, "limit"), ({"leg_stop": 0.1, "leg_target": 0.1}, "stop or target")],
)
def test_without_highs_and_lows_there_is_no_range_to_judge(trade, asked, words):
    world = {"A": {"close": [100.0] * 6}}
    message = f"nothing could be traded: A lacks highs and lows: no {words} can be judged"
    with pytest.raises(BacktestError, match=message):
        trade((One, asked), world)


def test_a_range_that_is_missing_later_changes_no_earlier_decision(trade):
    """Its bar is judged by open and close, which are known; the run says how many there are."""
    world = a_world(FLAT, (98.0, NAN, NAN, 88.0), (97.0, NAN, NAN, 98.0))
    result = trade((One, {"leg_stop": 0.1}), world)
    leg = result.trades.iloc[0]
    assert (leg["exit_price"], leg["exit_reason"]) == (90.0, "leg stop")
    assert leg["exit_date"].day == 6
    assert result.config["bars_without_range"] == {"A": 2}
    later = trade((One, {"leg_stop": 0.1}), world, rows=(0, 3))
    assert later.skipped[["event_id", "reason"]].to_numpy().tolist() == [["e3", "no_range"]]


@pytest.mark.parametrize("away", [0.05, 0.07, 0.1, 0.14, 0.15, 0.28, 0.29, 0.55, 0.57])
def test_a_level_of_whole_cents_is_met_by_the_same_cents(away):
    """100 x 1.1 is 110.00000000000001 and 100 x 1.15 is 114.99999999999999 in binary."""
    up, down = round(100 + 100 * away), round(100 - 100 * away)
    assert (limit_price(100.0, -1.0, away), limit_price(100.0, 1.0, away)) == (up, down)
    # Touched exactly: a stop is taken, a target and a limit are not.
    stop, target = exit_levels(1.0, 100.0, away, away)
    assert touched(1.0, stop, np.inf, (100.0, 100.0, float(down)), 0.0) == (down, down, "leg stop")
    assert touched(1.0, -np.inf, target, (100.0, float(up), 100.0), 0.0) is None
    stop, target = exit_levels(-1.0, 100.0, away, away)
    assert touched(-1.0, stop, -np.inf, (100.0, float(up), 100.0), 0.0) == (up, up, "leg stop")
    assert touched(-1.0, np.inf, target, (100.0, 100.0, float(down)), 0.0) is None
    assert np.isnan(limit_fill(-1.0, limit_price(100.0, -1.0, away), 100.0, up, 100.0, 0.0))
    assert np.isnan(limit_fill(1.0, limit_price(100.0, 1.0, away), 100.0, 100.0, down, 0.0))


def test_numbers_of_the_pure_functions():
    assert (limit_price(100.0, 5.0, 0.05), limit_price(100.0, -5.0, 0.05)) == (95.0, 105.0)
    assert np.isnan(limit_fill(1.0, 95.0, 98.0, 99.0, 95.0, 0.0))
    assert exit_levels(-2.0, 50.0, 0.1, 0.2) == (pytest.approx(55.0), pytest.approx(40.0))
    assert exit_levels(2.0, 50.0, None, None) == (-np.inf, np.inf)
    assert exit_levels(-2.0, 50.0, None, None) == (np.inf, -np.inf)
    assert touched(1.0, -np.inf, np.inf, (1.0, 1e9, 1e-9), 0.0) is None
    assert touched(-1.0, np.inf, -np.inf, (1.0, 1e9, 1e-9), 0.0) is None
    assert touched(1.0, 90.0, 120.0, (98.0, 121.0, 89.0), 0.01) == (90.0, 89.1, "leg stop")
