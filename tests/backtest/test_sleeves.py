"""Events that share a ticker: each keeps its own books."""

import numpy as np
import pytest

from eventstudy.backtest import FREE, Costs, EventStrategy, backtest


class Opposite(EventStrategy):
    """Long A after the first event, short A after the second."""

    gross: float = 0.1
    hold: int = 4

    def targets(self, event, history):
        return {"A": 1.0 if event.id == "up" else -1.0}


@pytest.fixture
def world(make_event, make_table, flat):
    days, prices = flat(12, A=100.0)
    prices["A"]["close"] = np.array([100, 100, 100, 102, 104, 106, 108, 110, 112, 114, 116, 118.0])
    prices["A"]["open"] = prices["A"]["close"] - 1.0
    table = make_table(days, prices, {"A": {str(days[5]): 2.0, str(days[8]): 3.0}})
    return [make_event("up", str(days[2]), row=2), make_event("down", str(days[3]), row=3)], table


def test_opposite_sleeves_of_one_ticker_keep_their_own_profit(world):
    result = backtest(*world, Opposite, costs=FREE, capital=100_000.0)
    up, down = (result.trades.set_index("event_id").loc[i] for i in ("up", "down"))
    # up: 100 shares from row 3's open 101 to row 7's open 109, dividend of 2 on row 5.
    assert (up["side"], up["size"]) == ("long", 100.0)
    assert up["pnl"] == pytest.approx(100 * (109 - 101) + 100 * 2)
    # down: 10,000 / 102 shares short from row 4's open 103 to row 8's open 111. It pays the
    # dividend of row 5, and that of row 8 too: held at the close before the ex-date.
    size = 10_000 / 102
    assert down["side"] == "short"
    assert down["size"] == pytest.approx(size)
    assert down["pnl"] == pytest.approx(-size * (111 - 103) - size * (2 + 3))
    change = result.equity["value"].iloc[-1] - 100_000
    assert up["pnl"] + down["pnl"] == pytest.approx(change, abs=1e-8)


def test_exposure_is_netted_and_the_fee_falls_on_the_net_short(world):
    fee = Costs(commission_bp=0, half_spread_bp=0, borrow_bp=3600)
    result = backtest(*world, Opposite, costs=fee, capital=100_000.0)
    both = result.equity.iloc[2:5]  # rows 4, 5 and 6: both sleeves are open
    size = 10_000 / 102
    close = np.array([104.0, 106.0, 108.0])
    assert both["net"].to_numpy() == pytest.approx((100 - size) * close / both["value"].to_numpy())
    # The account is net long until row 7's open, so nothing is borrowed; then one night is:
    # from row 7's close of 110 to row 8, Thursday to Friday, one day at 10 bp.
    assert result.metrics["borrow"].iloc[0] == pytest.approx(size * 110 * 0.001)
    assert result.trades.set_index("event_id")["costs"].to_dict() == pytest.approx(
        {"up": 0.0, "down": size * 110 * 0.001}
    )


def test_a_fee_is_shared_among_short_sleeves_by_size(make_event, make_table, flat):
    class Short(EventStrategy):
        gross: float = 0.1
        hold: int = 2

        def targets(self, event, history):
            return {"A": -1.0 if event.id == "one" else -3.0}

    days, prices = flat(8, A=100.0)
    events = [make_event(i, str(days[2]), row=n) for n, i in enumerate(("one", "three"))]
    fee = Costs(commission_bp=0, half_spread_bp=0, borrow_bp=3600)
    result = backtest(events, make_table(days, prices), Short, costs=fee, capital=100_000.0)
    # Friday to Monday (three days) and Monday to Tuesday (one): 4 x 10 bp of the value.
    assert result.trades.set_index("event_id")["costs"].to_dict() == pytest.approx(
        {"one": 10_000 * 0.004, "three": 30_000 * 0.004}
    )


def test_sleeves_that_cancel_out_exactly_still_exchange_their_dividend(
    make_event, make_table, flat
):
    days, prices = flat(9, A=100.0)
    table = make_table(days, prices, {"A": {str(days[4]): 1.5}})
    events = [make_event(i, str(days[2]), row=n) for n, i in enumerate(("up", "down"))]
    result = backtest(events, table, Opposite, costs=FREE, capital=100_000.0)
    assert result.trades.set_index("event_id")["pnl"].to_dict() == {"up": 150.0, "down": -150.0}
    assert result.equity["value"].eq(100_000.0).all()
    assert result.attribution.set_index("event_id")["dividends"].to_dict() == {
        "up": 150.0,
        "down": -150.0,
    }
