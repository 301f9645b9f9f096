"""A pair through a dividend, a borrow fee, a gap, a margin call and a delisting, to the cent.

Every figure is arithmetic on the numbers of the world below, written out day by day.
"""

import numpy as np
import pytest

from eventstudy.backtest import Costs, EventStrategy, Limits, backtest

NAN = float("nan")
DAYS = [
    *("2024-03-07", "2024-03-08", "2024-03-11", "2024-03-12"),
    *("2024-03-13", "2024-03-14", "2024-03-15"),
]
#        Thu    Fri    Mon    Tue    Wed    Thu    Fri
#        news   entry  A ex   B ex   gap    call   time
A_OPEN = [100.0, 99.0, 101.0, 97.0, 70.0, NAN, NAN]  # no bar after Wednesday: delisted
A_CLOSE = [100.0, 100.0, 102.0, 95.0, 60.0, NAN, NAN]
B_OPEN = [50.0, 50.5, 49.0, 51.0, 62.0, 66.0, 65.0]
B_CLOSE = [50.0, 50.0, 48.0, 52.0, 64.0, 67.0, 64.0]
PAID = {"A": {"2024-03-11": 1.0, "2024-03-08": 3.0}, "B": {"2024-03-12": 0.25}}
# On 360 days: B costs 2 bp a day to borrow, cash earns 1 bp a day, and what is borrowed pays
# 1 bp on top; half of the cash rate comes back on the collateral of the short leg.
COSTS = Costs(
    commission_bp=10, half_spread_bp=20, borrow_bp=36, borrow={"B": 720}, rebate=0.5, debit_bp=360
)
CENT = {"rel": 0, "abs": 1e-9}


class Pair(EventStrategy):
    """Long A, short B, 90% of the account each."""

    hold: int = 5
    gross: float = 1.0

    def targets(self, event, history):
        return {"A": 0.9, "B": -0.9}


@pytest.fixture
def run(make_event, make_table):
    prices = {
        "A": {"open": A_OPEN, "close": A_CLOSE},
        "B": {"open": B_OPEN, "close": B_CLOSE},
        "SPY": {"close": [500.0] * 7},
    }

    def go(**options):
        events = [make_event("news", DAYS[0])]
        table = make_table(DAYS, prices, PAID)
        return backtest(
            events, table, Pair, costs=COSTS, capital=100_000.0, risk_free=0.036, **options
        )

    return go


def until_wednesday():
    """Cash after each close and value at it, Thursday to Wednesday; 900 A and -1800 B."""
    cash, value = [100_000.0], [100_000.0]
    # Friday. A day of interest; 90,000 / 100 = 900 A bought at 99 + 0.2%, 90,000 / 50 = 1800 B
    # sold at 50.5 - 0.2%, 0.1% commission each. A's dividend of 3 went ex before the fill.
    c = 100_000 + 100_000 * 0.0001
    c += -900 * 99 * 1.002 - 900 * 99 * 1.002 * 0.001
    c += 1800 * 50.5 * 0.998 - 1800 * 50.5 * 0.998 * 0.001
    cash.append(c)
    value.append(c + 900 * 100 - 1800 * 50)
    # Monday, three days later: dividend of A, fee on Friday's 50, interest on what Friday's
    # cash is above the collateral of 1800 x 50, half of it on the collateral.
    earned = (c - 1800 * 50) * 0.0003 + 1800 * 50 * 0.0003 * 0.5
    c += 900 * 1.0 - 1800 * 50 * 0.0006 + earned
    cash.append(c)
    value.append(c + 900 * 102 - 1800 * 48)
    # Tuesday: the short leg pays B's dividend.
    earned = (c - 1800 * 48) * 0.0001 + 1800 * 48 * 0.0001 * 0.5
    c += -1800 * 0.25 - 1800 * 48 * 0.0002 + earned
    cash.append(c)
    value.append(c + 900 * 95 - 1800 * 52)
    # Wednesday: A opens at 70 after 95 and B at 62 after 52; nothing is traded.
    earned = (c - 1800 * 52) * 0.0001 + 1800 * 52 * 0.0001 * 0.5
    c += -1800 * 52 * 0.0002 + earned
    cash.append(c)
    value.append(c + 900 * 60 - 1800 * 64)
    return cash, value


def thursday(cash):
    """Thursday's carry: the collateral of 1800 x 64 now exceeds cash, so money is borrowed."""
    assert cash < 1800 * 64
    interest = (cash - 1800 * 64) * (0.0001 + 0.0001) + 1800 * 64 * 0.0001 * 0.5
    return cash - 1800 * 64 * 0.0002 + interest


def required(a, b):
    """Maintenance: 25% of the long and 30% of the short value at a close."""
    return 0.25 * 900 * a + 0.30 * 1800 * b


def test_the_margin_call_by_hand(run):
    cash, value = until_wednesday()
    closes = list(zip(A_CLOSE, B_CLOSE, strict=True))
    met = [v >= required(*c) for v, c in zip(value[1:], closes[1:5], strict=True)]
    assert met == [True, True, True, False]  # the call falls on Wednesday's close, and only there
    assert required(60, 64) == pytest.approx(13_500 + 34_560)
    # Thursday: B is covered at the open of 66 + 0.2%; A has no bar any more and is settled at
    # its last close of 60, free of costs.
    end = thursday(cash[4]) - 1800 * 66 * 1.002 * 1.001 + 900 * 60
    cents = [100_000.00, 101_270.00, 107_532.88, 93_571.50, 40_458.27, 36_481.64]
    assert [round(v, 2) for v in (*value, end)] == cents
    result = run()
    assert result.equity["date"].dt.strftime("%Y-%m-%d").tolist() == DAYS[:6]
    assert result.equity["value"].to_numpy() == pytest.approx([*value, end], **CENT)

    exits = result.orders[result.orders["group"] == "news:exit"].set_index("ticker")
    assert set(exits["created"].dt.strftime("%a")) == {"Wed"}
    assert exits["status"].to_dict() == {"A": "settled", "B": "filled"}
    assert exits["reason"].to_dict() == {"A": "frozen at last price", "B": "margin call"}
    assert exits["price"].to_dict() == {"A": 60.0, "B": pytest.approx(66 * 1.002, **CENT)}
    assert "Margin calls closed 1 sleeve of pair." in str(result)


def test_profit_of_each_leg_by_hand(run):
    trades = run().trades.set_index("ticker")
    a_fees = 900 * 99 * 1.002 * 0.001
    a_pnl = 900 * (60 - 99 * 1.002) - a_fees + 900 * 1.0
    b_sold, b_covered = 50.5 * 0.998, 66 * 1.002
    b_fees = 1800 * (b_sold + b_covered) * 0.001
    b_borrow = 1800 * (50 * 0.0006 + 48 * 0.0002 + 52 * 0.0002 + 64 * 0.0002)
    b_pnl = 1800 * (b_sold - b_covered) - b_fees - b_borrow - 1800 * 0.25
    assert trades["pnl"].to_dict() == {
        "A": pytest.approx(a_pnl, **CENT),
        "B": pytest.approx(b_pnl, **CENT),
    }
    assert trades["costs"].to_dict() == {
        "A": pytest.approx(a_fees + 900 * 99 * 0.002, **CENT),
        "B": pytest.approx(b_fees + 1800 * (50.5 + 66) * 0.002 + b_borrow, **CENT),
    }
    assert trades["exit_reason"].to_dict() == {"A": "frozen at last price", "B": "margin call"}


def test_totals_and_exposures_by_hand(run):
    result = run()
    cash, value = until_wednesday()
    row = result.metrics.iloc[0]
    assert row["dividends"] == pytest.approx(900 * 1.0 - 1800 * 0.25, **CENT)
    # Interest is what is left of the change in cash once everything else is taken out of it.
    others = -900 * 99 * 1.002 * 1.001 + 1800 * 50.5 * 0.998 * 0.999 + 900 - 450
    others -= 1800 * (50 * 0.0006 + 48 * 0.0002 + 52 * 0.0002)
    on_thursday = thursday(cash[4]) - cash[4] + 1800 * 64 * 0.0002
    assert row["interest"] == pytest.approx(cash[4] - 100_000 - others + on_thursday, **CENT)
    long = np.array([900 * p for p in A_CLOSE[1:5]])
    short = np.array([1800 * p for p in B_CLOSE[1:5]])
    held = result.equity.iloc[1:5]
    assert held["gross"].to_numpy() == pytest.approx((long + short) / value[1:], rel=1e-13)
    assert held["net"].to_numpy() == pytest.approx((long - short) / value[1:], rel=1e-13)


def test_the_same_without_a_margin_call(run):
    """Held until its time, Friday: A frozen at 60 all along, B covered at 65."""
    cash, value = until_wednesday()
    c = thursday(cash[4])
    frozen = c + 900 * 60 - 1800 * 67
    interest = (c - 1800 * 67) * 0.0002 + 1800 * 67 * 0.0001 * 0.5
    assert c < 1800 * 67
    c += -1800 * 67 * 0.0002 + interest
    c += -1800 * 65 * 1.002 * 1.001 + 900 * 60
    assert (round(frozen, 2), round(c, 2)) == (35_038.28, 38_265.16)
    result = run(limits=Limits(maintenance_long=0.0, maintenance_short=0.0))
    assert result.equity["value"].to_numpy() == pytest.approx([*value, frozen, c], **CENT)
    assert result.trades.set_index("ticker")["exit_reason"].to_dict() == {
        "A": "frozen at last price",
        "B": "time",
    }
    assert result.trades["exit_date"].dt.strftime("%Y-%m-%d").unique().tolist() == ["2024-03-15"]
    assert "Margin call" not in str(result)
