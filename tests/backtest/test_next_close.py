"""Entry and exit at the closing auction: values, dividends and fees day by day, and missing bars.

The opens are far from the closes: a fill there would not go unseen.
"""

import numpy as np
import pytest

from eventstudy.backtest import Costs, EventStrategy, Limits

NAN = float("nan")
A = {"close": [100.0, 110.0, 112.0, 108.0, 109.0, 109.0], "open": [50.0, 10.0, 20.0, 30.0, 40.0, 9]}
B = {"close": [50.0, 48.0, 47.0, 49.0, 51.0, 52.0], "open": [5.0, 1.0, 2.0, 3.0, 4.0, 9.0]}
# 2024-03-06 is a Wednesday: news Wed, entry Thu, held over Fri, exit Mon.
WEDNESDAY = "2024-03-06"
EXACT = {"rel": 0, "abs": 1e-9}


class Pair(EventStrategy):
    """Long A and short B, in at a close and out at a close."""

    hold: int = 2
    gross: float = 1.0
    fill: str = "close"

    def targets(self, event, history):
        return {"A": 0.5, "B": -0.5}


def changed(bars, **rows):
    """Return bars with the given rows of both open and close replaced."""
    made = {name: list(values) for name, values in bars.items()}
    for row, value in rows.items():
        for values in made.values():
            values[int(row[1:])] = value
    return made


def dates(result, column, ticker="A"):
    return str(result.trades.set_index("ticker").loc[ticker, column].date())


def test_value_path_by_hand(trade):
    costs = Costs(commission_bp=10, half_spread_bp=20, borrow_bp=360)
    paid = {"A": {1: 9.0, 2: 1.0, 3: 2.0, 4: 7.0}, "B": {1: 4.0, 3: 0.5}}
    result = trade(Pair, {"A": A, "B": B}, paid=paid, costs=costs, start=WEDNESDAY)
    # 500 A and -1000 B from Wednesday's closes; Thursday's closes are 110 and 48.
    cash = 100_000 - 500 * 110 * 1.002 * 1.001 + 1000 * 48 * 0.998 * 0.999
    entry = cash + 500 * 110 - 1000 * 48
    # The day of entry has no price move, dividend or fee, costs alone: 20 bp of 55,000 and of
    # 48,000, and the commission.
    assert entry == pytest.approx(
        100_000 - 0.002 * 103_000 - 0.001 * (55_000 * 1.002 + 48_000 * 0.998), **EXACT
    )
    cash += 500 * 1.0 - 1000 * 48 * 0.0001  # Friday: one day on Thursday's close
    friday = cash + 500 * 112 - 1000 * 47
    # Monday, the day of the exit: both dividends are still for the holder of Friday's close.
    cash += 500 * 2.0 - 1000 * 0.5 - 3 * 1000 * 47 * 0.0001
    cash += 500 * 108 * 0.998 * 0.999 - 1000 * 49 * 1.002 * 1.001
    assert result.equity["value"].to_numpy() == pytest.approx(
        [100_000, entry, friday, cash], **EXACT
    )
    trades = result.trades.set_index("ticker")
    assert trades["entry_price"].to_dict() == {"A": 110 * 1.002, "B": 48 * 0.998}
    assert trades["exit_price"].to_dict() == {"A": 108 * 0.998, "B": 49 * 1.002}
    assert (dates(result, "entry_date"), dates(result, "exit_date")) == ("2024-03-07", "2024-03-11")
    assert result.metrics["dividends"].iloc[0] == pytest.approx(500 * 3.0 - 500.0, **EXACT)


def test_limits_are_tested_at_the_close(trade):
    """At Thursday's closes the pair is 55,000 + 48,000 gross on 100,000."""
    kept = trade(Pair, {"A": A, "B": B}, limits=Limits(gross=1.03))
    assert len(kept.trades) == 2
    refused = trade(Pair, {"A": A, "B": B}, limits=Limits(gross=1.0299))
    assert refused.orders["reason"].unique().tolist() == [
        "gross exposure would be 1.030 of equity, limit 1.0299"
    ]


def test_a_missing_bar_at_the_entry_cancels_both_legs(trade):
    result = trade(Pair, {"A": A, "B": changed(B, r1=NAN)}, start=WEDNESDAY)
    assert result.trades.empty
    assert set(result.orders["status"]) == {"cancelled"}
    assert set(result.orders["reason"]) == {"no bar of B on 2024-03-07: no leg was traded"}
    assert result.equity["value"].eq(100_000.0).all()


def test_a_missing_bar_at_the_exit_is_tried_again_at_the_next_close(trade):
    result = trade(Pair, {"A": A, "B": changed(B, r3=NAN)}, start=WEDNESDAY)
    assert dates(result, "exit_date") == "2024-03-11"
    assert dates(result, "exit_date", "B") == "2024-03-12"
    legs = result.trades.set_index("ticker")
    assert legs["exit_price"].to_dict() == {"A": 108.0, "B": 51.0}
    assert legs["exit_reason"].to_dict() == {"A": "time", "B": "time"}
    again = result.orders[result.orders["status"] == "cancelled"]
    assert again["reason"].tolist() == ["no bar of B on 2024-03-11; sent again"]


def test_a_halt_in_between_goes_on_costing_its_fee(trade):
    costs = Costs(commission_bp=0, half_spread_bp=0, borrow_bp=360)
    result = trade(Pair, {"A": A, "B": changed(B, r2=NAN)}, costs=costs, start=WEDNESDAY)
    values = result.equity["value"].tolist()
    cash = 100_000 - 500 * 110 + 1000 * 48 - 1000 * 48 * 0.0001
    assert values[2] == pytest.approx(cash + 500 * 112 - 1000 * 48, **EXACT)  # B at its last close
    cash += -3 * 1000 * 48 * 0.0001 + 500 * 108 - 1000 * 49
    assert values[3] == pytest.approx(cash, **EXACT)


def test_a_delisting_while_held_is_settled_when_the_exit_is_due(trade):
    gone = changed(B, r2=NAN, r3=NAN, r4=NAN, r5=NAN)
    result = trade(Pair, {"A": A, "B": gone}, costs=Costs(10, 20, 0, debit_bp=0), start=WEDNESDAY)
    leg = result.trades.set_index("ticker").loc["B"]
    assert (leg["exit_price"], leg["exit_reason"]) == (48.0, "frozen at last price")
    assert dates(result, "exit_date", "B") == "2024-03-11"
    sold = 48 * 0.998
    assert leg["pnl"] == pytest.approx(1000 * (sold - 48) - 1000 * sold * 0.001, **EXACT)
    assert result.equity["gross"].iloc[-1] == 0.0


def test_a_late_listing_is_skipped_until_it_trades(trade):
    late = changed(B, r0=NAN, r1=NAN)
    result = trade(Pair, {"A": A, "B": late}, rows=(1, 3), start=WEDNESDAY)
    assert result.skipped[["event_id", "reason", "detail"]].to_numpy().tolist() == [
        ["e1", "no_price", "no bar of B on 2024-03-07, the decision"]
    ]
    assert set(result.trades["event_id"]) == {"e3"}


def test_a_stop_of_the_sleeve_still_leaves_at_an_open(trade):
    # Friday's close: A has lost 110 - 90, a tenth of the stake of 103,000 at the closes.
    fallen = {"close": [100.0, 110.0, 90.0, 95.0, 95.0, 95.0], "open": [1, 1, 1, 93.0, 1, 1]}
    result = trade((Pair, {"stop_loss": 0.05, "hold": 3}), {"A": fallen, "B": B}, start=WEDNESDAY)
    legs = result.trades.set_index("ticker")
    assert legs["exit_price"].to_dict() == {"A": 93.0, "B": 3.0}
    assert legs["exit_reason"].to_dict() == {"A": "stop", "B": "stop"}
    assert dates(result, "exit_date") == "2024-03-11"


def test_the_last_close_is_not_the_next_one(trade):
    """Decided after the last bar: lost, said, and never filled at that same close."""
    result = trade(Pair, {"A": A, "B": B}, rows=(5,))
    assert result.trades.empty
    assert result.orders["status"].tolist() == ["lost", "lost"]
    held = trade(Pair, {"A": A, "B": B}, rows=(3,))
    assert set(held.trades["exit_reason"]) == {"open at end of data"}
    values = held.equity["value"].to_numpy()
    assert values == pytest.approx([100_000, 100_000, 100_000 - 50_000 / 49 * (52 - 51)], **EXACT)
    assert np.isfinite(values).all()
