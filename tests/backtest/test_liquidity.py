"""Square-root impact and participation, from volumes and closes up to the decision alone."""

import math

import numpy as np
import pytest

from eventstudy.backtest import Costs, EventStrategy
from eventstudy.backtest.costs import fill_price
from eventstudy.backtest.liquidity import (
    daily_volatility,
    participation_scale,
    square_root_impact,
    usual_volume,
)
from eventstudy.errors import BacktestError

NAN = float("nan")
EXACT = {"rel": 1e-13, "abs": 1e-9}
IMPACT = Costs(commission_bp=0, half_spread_bp=20, borrow_bp=0, debit_bp=0, impact=0.5)


class One(EventStrategy):
    """Long A."""

    gross: float = 0.1
    hold: int = 2

    def targets(self, event, history):
        return {"A": 1.0}


class Pair(One):
    """Long A, short B."""

    gross: float = 1.0

    def targets(self, event, history):
        return {"A": 0.5, "B": -0.5}


def bars(close, volume, **more):
    return {"close": close, "volume": volume, **more}


# Returns of +10%, -10%, +10% up to row 3: deviations 1/15, -2/15, 1/15, so a standard deviation
# of sqrt((1 + 4 + 1) / 225 / 2) = 2 / (10 sqrt 3).
CLOSES = [100.0, 110.0, 99.0, 108.9, 100.0, 100.0, 100.0, 100.0]
SIGMA = 0.2 / math.sqrt(3)
VOLUMES = [1000.0, 9000.0, 2000.0, NAN, 7.0, 7.0, 7.0, 7.0]  # known up to row 3: median 2000


def test_impact_of_an_entry_by_hand(trade):
    result = trade(One, {"A": bars(CLOSES, VOLUMES)}, rows=(3,), costs=IMPACT)
    size = 10_000 / 108.9
    impact = 0.5 * SIGMA * math.sqrt(size / 2000)
    order = result.orders.iloc[0]
    assert order["price"] == pytest.approx(100 * (1 + 0.002 + impact), **EXACT)
    assert result.equity["value"].iloc[1] == pytest.approx(
        100_000 - size * 100 * (0.002 + impact), **EXACT
    )


def test_impact_of_an_exit_is_taken_from_data_up_to_its_own_decision(trade):
    result = trade(One, {"A": bars(CLOSES, VOLUMES)}, rows=(3,), costs=IMPACT)
    # Sent after row 5: volumes 1000, 9000, 2000, 7, 7; returns as above, then 100/108.9 - 1, 0.
    returns = np.array([0.1, -0.1, 0.1, 100 / 108.9 - 1, 0.0])
    sigma = math.sqrt(((returns - returns.mean()) ** 2).sum() / 4)
    size = 10_000 / 108.9
    impact = 0.5 * sigma * math.sqrt(size / 1000)
    leg = result.trades.iloc[0]
    assert leg["exit_price"] == pytest.approx(100 * (1 - 0.002 - impact), **EXACT)
    paid = size * (leg["entry_price"] - 100) + size * (100 - leg["exit_price"])
    assert leg["costs"] == pytest.approx(paid, **EXACT)
    assert result.metrics["slippage"].iloc[0] == pytest.approx(paid, **EXACT)


def test_a_stop_pays_impact_too(trade):
    flat = [100.0] * 8
    world = bars(CLOSES[:4] + flat[:4], VOLUMES, high=[109.0] * 8, low=[95.0] * 4 + [90.0] * 4)
    result = trade((One, {"leg_stop": 0.05}), {"A": world}, rows=(3,), costs=IMPACT)
    size = 10_000 / 108.9
    impact = 0.5 * SIGMA * math.sqrt(size / 2000)
    leg = result.trades.iloc[0]
    stop = 100 * (1 + 0.002 + impact) * 0.95
    assert leg["exit_price"] == pytest.approx(stop * (1 - 0.002 - impact), rel=1e-11)
    assert leg["exit_reason"] == "leg stop"


def test_only_the_last_twenty_sessions_count(trade):
    """25 sessions of other volumes and wild prices before them leave no trace."""
    close = [100.0, 300.0] * 12 + [50.0]
    close += [100.0 + 10 * (i % 2) for i in range(21)] + [100.0] * 4
    volume = [1.0] * 25 + [5.0] + [2000.0] * 24
    result = trade((One, {"gross": 0.01}), {"A": bars(close, volume)}, rows=(45,), costs=IMPACT)
    # 21 closes, 20 returns: ten of +10% and ten of -1/11; 20 volumes of 2000.
    returns = np.array([0.1, -1 / 11] * 10)
    sigma = returns.std() * math.sqrt(20 / 19)
    impact = 0.5 * sigma * math.sqrt(10 / 2000)
    assert result.orders["price"].iloc[0] == pytest.approx(100 * (1.002 + impact), **EXACT)


def test_participation_scales_the_whole_group(trade):
    world = {
        "A": bars([100.0] * 8, [1000.0, 900.0, 1e9, 1e9, 1e9, 1e9, 1e9, 1e9]),
        "B": bars([50.0] * 8, [50_000.0] * 8),
    }
    result = trade((Pair, {"participation": 0.1}), world, rows=(1,))
    # Median of 1000 and 900: A may be 95 shares of 500, so that B is 190 of 1000.
    assert result.trades.set_index("ticker")["size"].to_dict() == {
        "A": pytest.approx(95.0, **EXACT),
        "B": pytest.approx(190.0, **EXACT),
    }
    entries = result.orders[result.orders["group"] == "e1:entry"]
    assert entries["reason"].unique().tolist() == [
        "scaled to 19.0% of its size: 10% of the volume of A"
    ]
    ample = trade((Pair, {"participation": 0.6}), world, rows=(1,))
    assert ample.trades.set_index("ticker")["size"].to_dict() == {"A": 500.0, "B": 1000.0}
    assert ample.orders["reason"].iloc[0] == ""


@pytest.mark.parametrize("volume", [[NAN] * 8, [0.0] * 8])
def test_without_volumes_there_is_no_participation_and_no_impact(trade, volume):
    world = {"A": bars(CLOSES, volume)}
    with pytest.raises(BacktestError, match="no volume of A before the decision: participation"):
        trade((One, {"participation": 0.1}), world, rows=(3,))
    words = "nothing could be traded: too few volumes or closes of A up to 2024-03-07 to judge"
    with pytest.raises(BacktestError, match=words):
        trade(One, world, rows=(3,), costs=IMPACT)


def test_an_event_that_impact_cannot_be_judged_for_is_skipped_alone(trade):
    """B is listed on row 2: two closes at the first decision, no volatility yet."""
    late = {
        "close": [NAN, NAN, *CLOSES[2:]],
        "open": [NAN, NAN, *CLOSES[2:]],
        "volume": [NAN, NAN] + [5000.0] * 6,
    }
    result = trade((Pair, {"gross": 0.1}), {"A": bars(CLOSES, VOLUMES), "B": late}, rows=(3, 4),
                   costs=IMPACT)  # fmt: skip
    assert result.skipped[["event_id", "ticker", "reason"]].to_numpy().tolist() == [
        ["e3", "B", "no_volume"]
    ]
    assert set(result.trades["event_id"]) == {"e4"}
    assert set(result.orders["event_id"]) == {"e4"}  # no leg of e3 was sent


def test_an_exit_after_a_long_halt_costs_what_the_entry_did(trade):
    """Thirty sessions without a bar: no volume of the last twenty is known at the exit."""
    close = CLOSES[:5] + [NAN] * 30 + [100.0] * 3
    volume = VOLUMES[:5] + [NAN] * 30 + [7.0] * 3
    world = {"A": {"close": close, "open": close, "volume": volume}}
    result = trade(One, world, rows=(3,), costs=IMPACT)
    impact = 0.5 * SIGMA * math.sqrt(10_000 / 108.9 / 2000)
    leg = result.trades.iloc[0]
    assert leg["exit_price"] == pytest.approx(100 * (1 - 0.002 - impact), **EXACT)
    assert leg["exit_reason"] == "time"


def test_an_order_that_no_market_could_take_is_refused(trade):
    # 0.5 x 0.11547 x sqrt(91.8 / 0.01) is 553%.
    result = trade(One, {"A": bars(CLOSES, [0.01] * 8)}, rows=(3,), costs=IMPACT)
    assert result.skipped[["reason", "detail"]].to_numpy().tolist() == [
        ["too_large", "92 A would move the price by 553%"]
    ]
    assert result.orders.empty


def test_a_sale_never_costs_money(trade):
    """Volumes dry up while the leg is held: the exit brings nothing, not less than nothing."""
    assert fill_price(100.0, -1.0, 20, impact=5.0) == 0.0
    world = {"A": bars(CLOSES[:4] + [100.0] * 8, [2000.0] * 4 + [1e-9] * 8)}
    result = trade((One, {"hold": 6}), world, rows=(3,), costs=IMPACT)
    leg = result.trades.iloc[0]
    assert leg["exit_price"] == 0.0
    lost = leg["size"] * leg["entry_price"]
    assert result.equity["value"].iloc[-1] == pytest.approx(100_000 - lost, **EXACT)


def test_numbers_of_the_pure_functions(make_table, make_days):
    assert usual_volume(np.array([NAN, 3.0, 1.0, 2.0])) == 2.0
    assert math.isnan(usual_volume(np.array([NAN])))
    assert daily_volatility(np.array(CLOSES[:4])) == pytest.approx(SIGMA, rel=1e-13)
    # A halt is bridged: the return from 110 to 99 runs over the hole.
    assert daily_volatility(np.array([100.0, 110.0, NAN, 99.0, 108.9])) == pytest.approx(SIGMA)
    assert math.isnan(daily_volatility(np.array([100.0, 110.0])))
    assert square_root_impact(-25.0, 100.0, 0.02, 1.5) == pytest.approx(1.5 * 0.02 * 0.5)
    table = make_table(make_days(3), {"A": bars([1.0] * 3, [10.0, 30.0, 1e9])})
    assert participation_scale({"A": -40.0}, table, 1, 0.5) == (0.25, "A")
    assert participation_scale({"A": 4.0}, table, 1, 0.5) == (1.0, "A")
