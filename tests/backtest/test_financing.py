"""Borrow by ticker, rebate, debit interest, what cannot be borrowed, sizes on equity."""

from dataclasses import asdict
from types import MappingProxyType

import numpy as np
import pytest

from eventstudy.backtest import FREE, Costs, EventStrategy, Limits
from eventstudy.backtest.costs import cost_words
from eventstudy.errors import BacktestError

EXACT = {"rel": 0, "abs": 1e-9}
# 2024-03-06 is a Wednesday: entry Thursday, then Friday and, three days on, Monday.
WEDNESDAY = "2024-03-06"
FLAT = {"close": [100.0] * 8}


class Fixed(EventStrategy):
    """Weights by event, all the same unless overridden below."""

    gross: float = 1.0
    hold: int = 2
    a: float = -0.5
    b: float = -0.25

    def targets(self, event, history):
        return {"A": self.a, "B": self.b}


def test_borrow_by_ticker_falls_back_on_the_common_fee(trade):
    costs = Costs(0, 0, 360, borrow={"B": 3600}, debit_bp=0)
    result = trade(Fixed, {"A": FLAT, "B": FLAT}, costs=costs, start=WEDNESDAY)
    # Thursday to Friday one day, Friday to Monday three: 4 bp on A, 40 bp on B.
    assert result.trades.set_index("ticker")["costs"].to_dict() == {
        "A": pytest.approx(50_000 * 0.0004, **EXACT),
        "B": pytest.approx(25_000 * 0.0040, **EXACT),
    }
    none = trade(Fixed, {"A": FLAT, "B": FLAT}, costs=Costs(0, 0, 360, borrow={"B": 0}, debit_bp=0))
    assert none.trades.set_index("ticker").loc["B", "costs"] == 0.0


def test_a_fee_on_a_hard_borrow_moves_with_its_price(trade):
    a = {"close": [100.0, 100.0, 110.0, 120.0, 100.0, 100.0, 100.0, 100.0]}
    costs = Costs(0, 0, 0, borrow={"A": 3600}, debit_bp=0)
    result = trade((Fixed, {"hold": 3, "b": 0.0}), {"A": a, "B": FLAT}, costs=costs,
                   start=WEDNESDAY)  # fmt: skip
    # Friday on Thursday's 100, Monday three days on Friday's 110, Tuesday on Monday's 120.
    fee = 500 * 0.001 * (1 * 100 + 3 * 110 + 1 * 120)
    assert result.metrics["borrow"].iloc[0] == pytest.approx(fee, **EXACT)


@pytest.mark.parametrize(("rebate", "share"), [(0.0, 0.0), (0.25, 0.25), (1.0, 1.0)])
def test_rebate_by_hand(trade, rebate, share):
    """Cash earns 1 bp a day. Short 75,000: cash 175,000, of which 75,000 are collateral."""
    costs = Costs(0, 0, 0, rebate=rebate, debit_bp=0)
    result = trade(Fixed, {"A": FLAT, "B": FLAT}, costs=costs, risk_free=0.036, start=WEDNESDAY)
    thursday = 100_000 * 1.0001
    friday = thursday + thursday * 0.0001 + share * 75_000 * 0.0001
    monday = friday + friday * 0.0003 + share * 75_000 * 0.0003
    assert result.equity["value"].to_numpy() == pytest.approx(
        [100_000, thursday, friday, monday], **EXACT
    )
    assert result.metrics["interest"].iloc[0] == pytest.approx(monday - 100_000, **EXACT)


def test_borrowed_money_pays_the_cash_rate_and_the_debit_on_top(trade):
    """Long 150,000, short 50,000 on 100,000: cash is zero, and 50,000 of it are collateral."""
    world = {"A": FLAT, "B": FLAT}
    strategy = (Fixed, {"a": 1.5, "b": -0.5})
    limits = Limits(single=2.0, gross=3.0)
    costs = Costs(0, 0, 0, debit_bp=180)
    free = trade(strategy, world, costs=costs, limits=limits, start=WEDNESDAY)
    # 50,000 owed: Friday one day of half a basis point, Monday three on a little more.
    friday = 50_000 * 0.00005
    monday = (50_000 + friday) * 0.00015
    assert free.metrics["interest"].iloc[0] == pytest.approx(-friday - monday, **EXACT)
    paid = trade(strategy, world, costs=costs, limits=limits, risk_free=0.036, start=WEDNESDAY)
    thursday = 100_000 * 0.0001  # before the fills nothing is owed
    friday = (50_000 - thursday) * 0.00015
    monday = (50_000 - thursday + friday) * 0.00045
    assert paid.metrics["interest"].iloc[0] == pytest.approx(thursday - friday - monday, **EXACT)
    assert trade(strategy, world, limits=limits).equity["value"].eq(100_000.0).all()  # FREE is free


def test_what_cannot_be_borrowed_is_not_sold_short(trade):
    world = {"A": FLAT, "B": FLAT}
    result = trade(Fixed, world, rows=(0, 3), shortable={"B": False, "A": True})
    assert result.skipped[["event_id", "ticker", "reason", "detail"]].to_numpy().tolist() == [
        [event, "B", "not_shortable", "B cannot be borrowed"] for event in ("e0", "e3")
    ]
    assert result.orders.empty  # not the other leg either
    assert result.config["shortable"] == {"B": False, "A": True}
    long = trade((Fixed, {"b": 0.25}), world, shortable={"B": False})
    assert set(long.trades["ticker"]) == {"A", "B"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shortable": {"AA": False}}, r"shortable: no prices of AA \(did you mean 'A'\?\)"),
        ({"shortable": {"A": "no"}}, "shortable: A = 'no': give true or false"),
        ({"costs": Costs(borrow={"BB": 1})}, r"costs: borrow: no prices of BB \(did you mean 'B'"),
    ],
)
def test_a_misspelt_ticker_is_charged_or_spared_by_no_one(trade, options, words):
    with pytest.raises(BacktestError, match=words):
        trade(Fixed, {"A": FLAT, "B": FLAT}, **options)


def test_costs_are_checked_all_at_once_and_are_their_own():
    with pytest.raises(BacktestError) as caught:
        Costs(-1, borrow={"A": -2, "B": "x"}, rebate=1.5, debit_bp=np.nan, impact=101, day_count=1)
    faults = ("commission_bp is -1", "borrow of A is -2", "borrow of B is 'x'", "rebate is 1.5")
    for words in (*faults, "debit_bp is nan", "impact is 101", "day_count is 1"):
        assert words in str(caught.value)
    with pytest.raises(BacktestError, match="borrow is 50: give basis points by ticker"):
        Costs(borrow=50)
    given = {"A": 10.0}
    costs = Costs(borrow=MappingProxyType(given))
    given["A"] = 99.0
    assert costs.borrow_of("A") == 10.0
    assert asdict(costs)["borrow"] == {"A": 10.0}


def test_costs_in_words_leave_out_what_is_zero():
    assert cost_words(asdict(FREE)) == "none"
    assert cost_words(asdict(Costs())) == (
        "commission 1 bp, half-spread 2 bp, borrow fee 50 bp a year, 100 bp a year over cash on "
        "borrowed money"
    )
    full = Costs(0, 0, 0, borrow={"B": 900, "A": 7.5}, rebate=0.8, debit_bp=0, impact=0.5)
    assert cost_words(asdict(full)) == (
        "borrow fee 0 bp a year (A 7.5, B 900), impact 0.5 x volatility x sqrt(share of volume), "
        "short rebate 80% of the cash rate"
    )


def test_the_summary_tells_the_costs(trade):
    costs = Costs(0, 3, 0, borrow={"B": 900}, debit_bp=0)
    result = trade(Fixed, {"A": FLAT, "B": FLAT}, costs=costs)
    said = "Costs: half-spread 3 bp, borrow fee 0 bp a year (B 900); yardsticks bear none."
    assert said in " ".join(result.summary().split())
    assert result.config["costs"]["borrow"] == {"B": 900}


class Growing(EventStrategy):
    """Half of the account on A."""

    gross: float = 0.5
    hold: int = 2
    size_of: str = "equity"

    def targets(self, event, history):
        return {"A": 1.0}


def test_sizes_on_equity_follow_the_account(trade):
    a = {"close": [100.0, 100.0, 120.0, 120.0, 150.0, 150.0, 150.0, 150.0]}
    result = trade(Growing, {"A": a}, rows=(0, 2, 4))
    # e0: 500 shares from 100 to row 3's 120. Row 2's close is worth 110,000: e2 buys 55,000 at
    # 120, held to row 5's 150; row 4's close: 110,000 + 55,000 / 120 x 30 = 123,750.
    assert result.trades["size"].tolist() == pytest.approx(
        [500.0, 55_000 / 120, 0.5 * 123_750 / 150], rel=1e-13
    )
    initial = trade((Growing, {"size_of": "capital"}), {"A": a}, rows=(0, 2, 4))
    assert initial.trades["size"].tolist() == pytest.approx([500, 50_000 / 120, 50_000 / 150])
