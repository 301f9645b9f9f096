"""Margin: what opening takes, who is closed when equity falls short, and what is left.

Flat prices at 100 but for the rows that a test changes; no costs unless said.
"""

import numpy as np
import pytest

from eventstudy.backtest import Costs, EventStrategy, Limits, backtest
from eventstudy.backtest.limits import breach, called, maintenance
from eventstudy.errors import BacktestError

NAN = float("nan")
WIDE = {"gross": 9.0, "net": 9.0, "single": 9.0, "cash": False}
EXACT = {"rel": 0, "abs": 1e-9}
WEIGHTS = {"e0": {"A": 1.2}, "e1": {"B": 0.8}}


class ByEvent(EventStrategy):
    """Weights by event, on the whole account."""

    gross: float = 1.0
    hold: int = 8

    def targets(self, event, history):
        return WEIGHTS[event.id]


class Short(EventStrategy):
    """Short A with the whole account."""

    gross: float = 1.0
    hold: int = 8

    def targets(self, event, history):
        return {"A": -1.0}


def path(changes=None, opens=None, count=10, level=100.0):
    """Closes at `level`, held from a changed row on; opens equal closes unless changed."""
    close = np.full(count, level)
    for row, value in (changes or {}).items():
        close[row:] = value
    made = close.copy()
    for row, value in (opens or {}).items():
        made[row] = value
    return {"close": close, "open": made}


def hole(bars, *rows):
    for values in bars.values():
        values[list(rows)] = NAN
    return bars


def exits(result):
    """Exit row (days from Monday 2024-03-04), price and reason by event."""
    days = np.busday_count("2024-03-04", result.trades["exit_date"].to_numpy("datetime64[D]"))
    columns = zip(
        days.tolist(), result.trades["exit_price"], result.trades["exit_reason"], strict=True
    )
    return dict(zip(result.trades["event_id"], columns, strict=True))


def test_opening_takes_half_of_the_gross_value(trade):
    world = {"A": path(), "B": path()}
    limits = Limits(**WIDE)
    kept = trade(ByEvent, world, rows=(0, 1), limits=limits)  # 120,000 + 80,000 = 2 x 100,000
    assert len(kept.trades) == 2
    cost = Costs(commission_bp=0, half_spread_bp=0.01, borrow_bp=0, debit_bp=0)
    refused = trade(ByEvent, world, rows=(0, 1), limits=limits, costs=cost)
    # The first purchase has cost 0.12 of equity, so that half of 200,000 is not covered.
    assert refused.trades["event_id"].tolist() == ["e0"]
    assert (
        refused.orders["reason"].iloc[1] == "initial margin would be 100,000.00, equity 99,999.88"
    )
    strict = trade(ByEvent, world, rows=(0,), limits=Limits(**WIDE, initial=1.0))
    assert strict.orders["reason"].tolist() == [
        "initial margin would be 120,000.00, equity 100,000.00"
    ]


def test_a_trade_that_lessens_exposure_passes_where_margin_is_short():
    limits = Limits(**WIDE)
    before, after = np.array([300.0, 0.0]), np.array([250.0, 0.0])
    assert breach(limits, 100.0, before, after, 0.0, 50.0) is None
    assert "initial margin would be 125.00" in str(
        breach(limits, 100.0, after * 0, after, 0.0, -250.0)
    )


def test_maintenance_by_hand():
    held = np.array([100.0, -200.0, 0.0])
    assert maintenance(Limits(), held) == pytest.approx(25 + 60)
    assert maintenance(Limits(maintenance_long=0.4, maintenance_short=1.0), held) == 240.0


def test_who_is_called_by_hand():
    limits = Limits()
    sleeves = np.array([[100.0, 0.0], [0.0, -60.0], [40.0, 0.0]])  # 25 + 18 + 10 = 53
    assert called(limits, 53.0, sleeves) == []  # exactly enough
    assert called(limits, 52.9, sleeves) == [0]
    assert called(limits, 27.9, sleeves) == [0, 1]
    assert called(limits, -1.0, sleeves) == [0, 1, 2]
    assert called(limits, -1.0, sleeves[:0]) == []
    assert called(limits, 9.0, np.array([[50.0, 0.0], [0.0, 50.0]])) == [0, 1]
    assert called(limits, 13.0, np.array([[50.0, 0.0], [0.0, 50.0]])) == [0]  # the older of equals
    # Netted: 100 long and 90 short of one ticker need a quarter of 10.
    assert called(limits, 2.5, np.array([[100.0], [-90.0]])) == []
    # What cannot be closed goes on asking: 25 for the 100 held besides.
    assert called(limits, 30.0, np.array([[40.0, 0.0]]), np.array([0.0, 100.0])) == [0]
    assert called(limits, 35.0, np.array([[40.0, 0.0]]), np.array([0.0, 100.0])) == []


def test_the_largest_sleeve_is_closed_not_the_one_that_lost(trade):
    # Row 4: A closes at 40. Equity 100,000 - 72,000 = 28,000; needed are a quarter of
    # 48,000 + 80,000 = 32,000. B is the larger now; without it 12,000 suffice.
    world = {"A": path({4: 40.0}), "B": path(opens={5: 97.0})}
    result = trade(ByEvent, world, rows=(0, 1), limits=Limits(**WIDE))
    assert exits(result) == {"e0": (9, 40.0, "time"), "e1": (5, 97.0, "margin call")}
    values = result.equity["value"].tolist()
    assert values[4:6] == pytest.approx([28_000, 28_000 - 800 * 3], **EXACT)
    forced = result.orders.query("reason == 'margin call'")
    assert forced[["event_id", "group", "status"]].to_numpy().tolist() == [
        ["e1", "e1:exit", "filled"]
    ]
    assert "Margin calls closed 1 sleeve of by-event." in result.summary()


def test_exactly_the_requirement_is_enough(trade):
    world = {"A": path({4: 50.0}), "B": path({4: 125.0})}
    # A has lost 60,000 and B gained 20,000: 60,000 on 60,000 + 100,000 held is 3/8 exactly.
    kept = trade(ByEvent, world, rows=(0, 1), limits=Limits(**WIDE, maintenance_long=0.375))
    assert "margin call" not in set(kept.trades["exit_reason"])
    above = trade(ByEvent, world, rows=(0, 1), limits=Limits(**WIDE, maintenance_long=0.3751))
    assert exits(above)["e1"] == (5, 125.0, "margin call")


def test_a_sleeve_that_leaves_anyway_meets_the_call(trade):
    """A is due at the very open at which the call would close B, the larger one."""
    world = {"A": path({4: 40.0}), "B": path()}
    both = trade((ByEvent, {"hold": 4}), world, rows=(0, 1), limits=Limits(**WIDE))
    # e0 is due at row 5 and leaves 20,000 needed of 28,000: e1 is not called.
    assert exits(both) == {"e0": (5, 40.0, "time"), "e1": (6, 100.0, "time")}


def test_a_call_does_not_wait_for_the_close(trade):
    """A time exit is due at row 5's close; the call of row 4 takes it out at row 5's open."""
    world = {"A": path({4: 10.0}, {5: 9.0, 6: 8.0}), "B": path()}
    strategy = (ByEvent, {"hold": 4, "fill": "close"})
    result = trade(strategy, world, rows=(0,), limits=Limits(**WIDE))
    # Equity 100,000 - 108,000 < 0 at row 4.
    assert exits(result) == {"e0": (5, 9.0, "margin call")}


def test_a_called_ticker_without_a_bar_is_sent_again(trade):
    world = {"A": hole(path({4: 10.0}, {6: 8.0}), 5), "B": path()}
    result = trade(ByEvent, world, rows=(0,), limits=Limits(**WIDE))
    assert exits(result) == {"e0": (6, 8.0, "margin call")}
    sent = result.orders.query("group == 'e0:exit'")
    assert sent["status"].tolist() == ["cancelled", "filled"]
    assert sent["reason"].tolist() == ["no bar of A on 2024-03-11; sent again", "margin call"]


def test_while_the_largest_is_halted_another_one_is_closed(trade):
    """B is the larger and has no bar on rows 4 and 5: an order would not get it out."""
    world = {"A": path({4: 40.0}, {5: 41.0}), "B": hole(path(), 4, 5)}
    result = trade(ByEvent, world, rows=(0, 1), limits=Limits(**WIDE))
    # 28,000 against 32,000. Without A a quarter of 80,000 is left, which 28,000 cover.
    assert exits(result) == {
        "e0": (5, 41.0, "margin call"),
        "e1": (9, 100.0, "open at end of data"),
    }


def test_a_called_leg_that_has_ended_is_settled(trade):
    world = {"A": hole(path({4: 10.0}), 5, 6, 7, 8, 9), "B": path()}
    result = trade(ByEvent, world, rows=(0,), limits=Limits(**WIDE))
    assert exits(result) == {"e0": (5, 10.0, "frozen at last price")}


def test_opposite_sleeves_of_one_ticker_ask_for_their_difference(trade):
    """Long 120,000 and short 100,000 of A: 20,000 net need 5,000, however far it moves."""

    class Opposite(ByEvent):
        def targets(self, event, history):
            return {"A": 1.2 if event.id == "e0" else -1.0}

    world = {"A": path({4: 400.0, 5: 20.0})}
    result = trade(Opposite, world, rows=(0, 1), limits=Limits(**WIDE))
    assert {e[2] for e in exits(result).values()} == {"time", "open at end of data"}


def test_equity_below_zero_is_said_and_nothing_more_is_opened(trade):
    """A gap from 100 to 250 takes 150,000 from an account of 100,000."""
    world = {"A": path({4: 250.0}, {5: 240.0})}
    result = trade(Short, world, rows=(0, 4, 6))
    # e4 is decided at the close of the ruin and refused at the next open, e6 after it.
    assert exits(result) == {"e0": (5, 240.0, "margin call")}
    assert result.skipped[["event_id", "reason", "detail"]].to_numpy().tolist() == [
        ["e4", "rejected", "equity is -40,000.00: nothing can be opened"],
        ["e6", "rejected", "equity is -40,000.00: nothing can be opened"],
    ]
    equity = result.equity
    assert equity["value"].tolist()[:6] == [100_000] * 4 + [-50_000, -40_000]
    assert np.isnan(equity.loc[4, ["gross", "net"]].astype(float)).all()
    assert equity.loc[5, ["gross", "net"]].tolist() == [0.0, 0.0]
    assert equity.loc[4, "return"] == -1.5
    assert equity["return"].tolist()[5:] == [0.0, 0.0]
    row = result.metrics.iloc[0]
    assert (row["total_return"], row["max_drawdown"]) == (-1.4, -1.5)
    assert row["annual_return"] == -1.0
    # Six returns: one of -150%, five of zero.
    deviation = np.std([0, 0, 0, -1.5, 0, 0], ddof=1)
    assert row["sharpe"] == pytest.approx(-0.25 / deviation * np.sqrt(252))
    assert row["turnover"] == pytest.approx((100_000 + 240_000) / (270_000 / 7) * 252 / 6)
    assert row["average_gross"] == pytest.approx(3 / 6)  # NaN on the day of the ruin left out
    assert row["exposure"] == pytest.approx(4 / 7)
    said = " ".join(str(result).split())
    assert "The equity of short was zero or less on 3 sessions, first on 2024-03-08" in said
    assert "Margin calls closed 1 sleeve of short." in said
    assert result.evidence.luck["strategy"].tolist() == ["short"]  # still told, whatever it says


def test_equity_of_zero_is_no_division_by_zero(trade):
    result = trade(Short, {"A": path({4: 200.0})}, rows=(0,))
    assert result.equity["value"].iloc[4] == 0.0
    assert exits(result) == {"e0": (5, 200.0, "margin call")}


def test_sizes_on_equity_do_not_change_sides_with_it(trade):
    """Negative equity times a weight would turn a sale into a purchase."""
    world = {"A": path({4: 250.0, 5: 50.0})}
    result = trade((Short, {"size_of": "equity"}), world, rows=(0, 4))
    assert result.skipped[["event_id", "reason", "detail"]].to_numpy().tolist() == [
        ["e4", "no_equity", "sizes refer to equity, which is -50,000.00"]
    ]
    assert result.trades["side"].tolist() == ["short"]


def test_the_defaults_are_regulation_t_and_bounds_are_checked():
    limits = Limits()
    assert (limits.initial, limits.maintenance_long, limits.maintenance_short) == (0.5, 0.25, 0.3)
    with pytest.raises(BacktestError) as caught:
        Limits(gross=0, initial=1.5, maintenance_short=-0.1)
    told = str(caught.value)
    assert "gross is 0: give a positive number" in told
    assert "initial is 1.5: give a number from 0 to 1" in told
    assert "maintenance_short is -0.1" in told
    for wrong in ({"cash": "no"}, {"gross": True}, {"net": NAN}, {"initial": NAN}, {"single": "2"}):
        with pytest.raises(BacktestError, match=next(iter(wrong))):
            Limits(**wrong)


def test_a_run_says_which_limits_it_had(make_event, make_table, make_days):
    days = make_days(10)
    table = make_table(days, {"A": path(), "SPY": path()})
    result = backtest([make_event("e0", str(days[0]))], table, Short, limits=Limits(gross=3.0))
    assert result.config["limits"]["gross"] == 3.0
    assert result.config["limits"]["maintenance_short"] == 0.3
