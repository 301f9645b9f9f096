"""The value path of a pair, day by day, against arithmetic written out by hand."""

import numpy as np
import pytest

from eventstudy.backtest import Costs, EventStrategy, Limits
from eventstudy.backtest import backtest as either_engine
from eventstudy.errors import BacktestError

DAYS = ["2024-03-07", "2024-03-08", "2024-03-11", "2024-03-12", "2024-03-13", "2024-03-14"]
#        Thu (news)    Fri (entry)   Mon           Tue           Wed (exit)    Thu
A_OPEN = [99.0, 110.0, 111.0, 107.0, 105.0, 106.0]  # gaps from 100 up to 110 at the entry
A_CLOSE = [100.0, 112.0, 108.0, 106.0, 104.0, 107.0]
B_OPEN = [49.0, 48.0, 47.0, 51.0, 52.0, 50.0]
B_CLOSE = [50.0, 47.0, 49.0, 52.0, 51.0, 50.0]
COSTS = Costs(commission_bp=10, half_spread_bp=20, borrow_bp=360)  # borrow: 1 bp a day on 360


class Pair(EventStrategy):
    """Long A, short B."""

    hold: int = 3
    gross: float = 1.0

    def targets(self, event, history):
        return {"A": 0.5, "B": -0.5}


@pytest.fixture(params=["vectorised", "cerebro"])
def backtest(request):
    """The verb with one engine; Cerebro alone where the other one has to refuse."""

    def run(*args, **options):
        stops = {"stop_loss", "take_profit"} & set(args[2][1] if isinstance(args[2], tuple) else {})
        refused = options.get("limits") == Limits(gross=1.0299)
        if request.param == "vectorised" and (stops or refused):
            with pytest.raises(BacktestError, match="the vectorised engine refuses"):
                either_engine(*args, **options, engine="vectorised")
            return either_engine(*args, **options)
        return either_engine(*args, **options, engine=request.param)

    return run


@pytest.fixture
def world(make_event, make_table):
    table = make_table(
        DAYS,
        {
            "A": {"open": A_OPEN, "close": A_CLOSE},
            "B": {"open": B_OPEN, "close": B_CLOSE},
            "SPY": {"close": [500.0, 501.0, 502.0, 503.0, 504.0, 505.0]},
        },
        {"A": {"2024-03-11": 1.0, "2024-03-08": 9.0}, "B": {"2024-03-12": 0.5}},
    )
    return [make_event("news", "2024-03-07")], table


def test_value_path_by_hand(world, backtest):
    result = backtest(*world, Pair, costs=COSTS, capital=100_000.0)
    # Sizes from the close of session 0: 50,000 / 100 = 500 A and 50,000 / 50 = 1000 B.
    # Friday's open: buy A at 110 + 0.2% = 110.22, sell B at 48 - 0.2% = 47.904; 0.1% commission.
    cash = 100_000 - 500 * 110.22 - 500 * 110.22 * 0.001 + 1000 * 47.904 - 1000 * 47.904 * 0.001
    friday = cash + 500 * 112 - 1000 * 47  # A's dividend of 9 went ex at Friday's open: none
    # Monday: 1.0 on 500 A; three days of fee at 1 bp a day on Friday's close of B.
    cash += 500 * 1.0 - 3 * 1000 * 47 * 0.0001
    monday = cash + 500 * 108 - 1000 * 49
    # Tuesday: the short pays 0.5 on 1000 B; one day of fee on Monday's close.
    cash += -1000 * 0.5 - 1 * 1000 * 49 * 0.0001
    tuesday = cash + 500 * 106 - 1000 * 52
    # Wednesday: one day of fee on Tuesday's close, then both legs leave at the open.
    cash -= 1 * 1000 * 52 * 0.0001
    cash += 500 * 105 * 0.998 * (1 - 0.001) - 1000 * 52 * 1.002 * (1 + 0.001)
    wednesday = cash
    assert result.equity["value"].to_numpy() == pytest.approx(
        [100_000, friday, monday, tuesday, wednesday], rel=1e-13
    )
    assert result.equity["date"].dt.strftime("%Y-%m-%d").tolist() == DAYS[:5]


def test_trades_and_costs_by_hand(world, backtest):
    result = backtest(*world, Pair, costs=COSTS, capital=100_000.0)
    trades = result.trades.set_index("ticker")
    assert trades.loc["A", ["entry_price", "exit_price"]].tolist() == pytest.approx(
        [110.22, 104.79]
    )
    assert trades.loc["B", ["entry_price", "exit_price"]].tolist() == pytest.approx(
        [47.904, 52.104]
    )
    a_costs = 500 * (0.11022 + 0.10479) + 500 * (0.22 + 0.21)
    b_fee = (3 * 47 + 49 + 52) * 1000 * 0.0001
    b_costs = 1000 * (0.047904 + 0.052104) + 1000 * (0.096 + 0.104) + b_fee
    assert trades["costs"].to_dict() == pytest.approx({"A": a_costs, "B": b_costs})
    a_pnl = 500 * (104.79 - 110.22) - 500 * (0.11022 + 0.10479) + 500
    b_pnl = -1000 * (52.104 - 47.904) - 1000 * (0.047904 + 0.052104) - 500 - b_fee
    assert trades["pnl"].to_dict() == pytest.approx({"A": a_pnl, "B": b_pnl})
    row = result.metrics.set_index("strategy").loc["pair"]
    assert row["borrow"] == pytest.approx(b_fee)
    assert row["dividends"] == pytest.approx(500 - 500)
    assert row["slippage"] == pytest.approx(500 * 0.43 + 1000 * 0.2)


def test_exposures_by_hand(world, backtest):
    result = backtest(*world, Pair, costs=COSTS, capital=100_000.0)
    friday = result.equity.iloc[1]
    assert friday["gross"] == pytest.approx((500 * 112 + 1000 * 47) / friday["value"])
    assert friday["net"] == pytest.approx((500 * 112 - 1000 * 47) / friday["value"])
    assert result.equity["gross"].iloc[[0, -1]].tolist() == [0.0, 0.0]


def test_interest_on_idle_cash_by_hand(world, backtest):
    """3.6% a year on 360 days is 1 bp a day, on cash less the value of the shorts."""
    free = Costs(commission_bp=0, half_spread_bp=0, borrow_bp=0)
    result = backtest(*world, Pair, costs=free, capital=100_000.0, risk_free=0.036)
    cash = 100_000.0
    cash += cash * 0.0001  # Friday, before the fills
    cash += -500 * 110 + 1000 * 48
    friday = cash + 500 * 112 - 1000 * 47
    cash += 500 + (cash - 1000 * 47) * 0.0003  # Monday: idle is what is left after collateral
    monday = cash + 500 * 108 - 1000 * 49
    cash += -500 + (cash - 1000 * 49) * 0.0001
    tuesday = cash + 500 * 106 - 1000 * 52
    cash += (cash - 1000 * 52) * 0.0001
    cash += 500 * 105 - 1000 * 52
    assert result.equity["value"].to_numpy() == pytest.approx(
        [100_000, friday, monday, tuesday, cash], rel=1e-13
    )


def test_a_given_rate_per_session_is_used_and_must_be_whole(world, backtest):
    import pandas as pd

    rates = pd.Series(0.0001, index=pd.DatetimeIndex(DAYS))
    free = Costs(commission_bp=0, half_spread_bp=0, borrow_bp=0)
    result = backtest(*world, Pair, costs=free, capital=100_000.0, risk_free=rates)
    first = result.equity["value"].iloc[1]
    assert first == pytest.approx(100_010 - 500 * 110 + 1000 * 48 + 500 * 112 - 1000 * 47)
    with pytest.raises(BacktestError, match=r"no finite rate on 1 of 6 sessions.*2024-03-12"):
        backtest(*world, Pair, risk_free=rates.drop(pd.Timestamp("2024-03-12")))
    with pytest.raises(BacktestError, match="one rate for each of the 6 dates"):
        backtest(*world, Pair, risk_free=np.zeros(5))


def test_pnl_and_interest_are_the_change_of_the_account(world, backtest):
    result = backtest(*world, Pair, costs=COSTS, capital=100_000.0, risk_free=0.05)
    interest = result.metrics["interest"].iloc[0]
    change = result.equity["value"].iloc[-1] - 100_000.0
    assert result.trades["pnl"].sum() + interest == pytest.approx(change, rel=1e-8)
    assert result.attribution["pnl"].sum() == pytest.approx(result.trades["pnl"].sum())


def test_stop_leaves_at_the_next_open(world, backtest):
    """Tuesday's close: A 106 and B 52 lose more than 5% of the stake; out on Wednesday anyway.

    With a 1% stop Monday's close decides: A -2 a share, B -1 a share, plus A's dividend.
    """
    free = Costs(commission_bp=0, half_spread_bp=0, borrow_bp=0)
    # Staked 500 * 110 + 1000 * 48 = 103,000. Monday: 500 * -2 + 500 - 1000 * 1 = -1,500 = -1.46%.
    stopped = backtest(*world, (Pair, {"stop_loss": 0.0145, "hold": 4}), costs=free, capital=1e5)
    assert set(stopped.trades["exit_reason"]) == {"stop"}
    assert set(stopped.trades["exit_date"].dt.strftime("%Y-%m-%d")) == {"2024-03-12"}
    # A dollar less strict and it stays until Tuesday's close: -2,000 + 0 - 4,000 = -5.8%.
    later = backtest(*world, (Pair, {"stop_loss": 0.0146, "hold": 4}), costs=free, capital=1e5)
    assert set(later.trades["exit_date"].dt.strftime("%Y-%m-%d")) == {"2024-03-13"}


def test_profit_target_leaves_at_the_next_open(world, backtest):
    free = Costs(commission_bp=0, half_spread_bp=0, borrow_bp=0)
    # Friday's close: 500 * 2 + 1000 * 1 = 2,000 on 103,000 = 1.94%.
    result = backtest(*world, (Pair, {"take_profit": 0.019}), costs=free, capital=1e5)
    assert set(result.trades["exit_reason"]) == {"target"}
    assert result.trades["exit_price"].tolist() == [47.0, 111.0]


def test_limits_are_inclusive_of_the_exact_amount(world, backtest):
    """At Friday's opens the pair is 103,000 gross on 100,000 equity."""
    free = Costs(commission_bp=0, half_spread_bp=0, borrow_bp=0)
    allowed = backtest(*world, Pair, costs=free, capital=1e5, limits=Limits(gross=1.03))
    assert len(allowed.trades) == 2
    refused = backtest(*world, Pair, costs=free, capital=1e5, limits=Limits(gross=1.0299))
    assert refused.trades.empty
    assert set(refused.orders["reason"]) == {
        "gross exposure would be 1.030 of equity, limit 1.0299"
    }
    assert refused.skipped["reason"].tolist() == ["rejected"]
