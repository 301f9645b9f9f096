"""Excursions: by hand, and against the ledger's own profits recorded at every close."""

from collections import defaultdict
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from test_hand_ledger import COSTS, Pair, world  # noqa: F401
from test_worlds import build, run, worlds

from eventstudy.backtest import Costs, EventStrategy, backtest
from eventstudy.backtest.desk import Desk
from eventstudy.backtest.excursions import (
    ProfitPath,
    carried_closes,
    charges_of,
    excursion,
    leg_paths,
    profit_path,
    sleeve_path,
)

# Of the pair of test_hand_ledger, by the arithmetic written out there.
A = [
    500 * (112 - 110.22) - 55.11,  # Friday: half of a percent's tenth as commission
    500 * (108 - 110.22) - 55.11 + 500,  # Monday: a dividend of 1.0
    500 * (106 - 110.22) - 55.11 + 500,
    500 * (104.79 - 110.22) - 55.11 - 52.395 + 500,  # out, commission once more
]
B = [
    -1000 * (47 - 47.904) - 47.904,
    -1000 * (49 - 47.904) - 47.904 - 14.1,  # three days of a basis point on 47,000
    -1000 * (52 - 47.904) - 47.904 - 19.0 - 500,
    -1000 * (52.104 - 47.904) - 47.904 - 52.104 - 24.2 - 500,
]


@pytest.fixture
def pair(world):  # noqa: F811
    return backtest(*world, Pair, costs=COSTS, capital=100_000.0)


def test_excursions_of_the_legs_by_hand(pair):
    trades = pair.trades.set_index("ticker")
    assert trades.loc["A", ["mae", "mfe"]].tolist() == pytest.approx([A[3] / 55_110, A[0] / 55_110])
    assert trades.loc["B", ["mae", "mfe"]].tolist() == pytest.approx([B[3] / 47_904, B[0] / 47_904])
    assert trades["dividends"].to_dict() == pytest.approx({"A": 500, "B": -500})


def test_excursions_of_the_sleeve_by_hand(pair):
    """A and B together: the worst of the sum is not the sum of the worsts in general."""
    row = pair.attribution.iloc[0]
    together = [a + b for a, b in zip(A, B, strict=True)]
    staked = 55_110 + 47_904
    assert row["mae"] == pytest.approx(min(together) / staked)
    assert row["mfe"] == pytest.approx(max(together) / staked)
    assert row["pnl"] == pytest.approx(together[-1])


class Long(EventStrategy):
    """Long A."""

    hold: int = 4
    gross: float = 1.0

    def targets(self, event, history):
        return {"A": 1.0}


def test_an_excursion_in_the_middle(make_event, make_table, make_days):
    """Bought at 100, closes 120 and 70, sold at 105: without costs +20% and -30%."""
    a = {"open": [100, 100, 100, 100, 100, 105, 105], "close": [100, 100, 120, 70, 101, 105, 105]}
    table = make_table(make_days(7), {"A": a, "SPY": {"close": [50.0] * 7}})
    free = Costs(commission_bp=0, half_spread_bp=0, borrow_bp=0)
    result = backtest([make_event("e", "2024-01-02")], table, Long, costs=free, capital=1e4)
    row = result.trades.iloc[0]
    assert (row["mae"], row["mfe"]) == (pytest.approx(-0.3), pytest.approx(0.2))
    assert row["pnl"] == pytest.approx(500.0)
    # In and out at the next open: no close is held over, the profit is all there is to see.
    asked = (Long, {"hold": 1, "gross": 0.5})
    short = backtest([make_event("e", "2024-01-02")], table, asked, capital=1e4)
    row = short.trades.iloc[0]
    assert row["mfe"] == 0.0
    assert row["mae"] == pytest.approx(row["pnl"] / (row["size"] * row["entry_price"]))


def test_the_pieces_by_hand():
    path = profit_path(
        -10.0,
        np.array([5.0, 4.0, 6.0, 5.5]),
        np.array([1.0, 3.0]),
        np.array([0.0, 0.5, 0.0]),
        np.array([0.0, 0.25, 0.25]),
    )
    assert path == pytest.approx([10 - 1, -10 - 1 - 5 - 0.25, -5 - 3 - 5 - 0.5])
    assert excursion(path, 50.0) == pytest.approx((-16.25 / 50, 9 / 50))
    assert excursion(np.array([3.0]), 10.0) == (0.0, 0.3)
    assert excursion(np.array([-3.0]), 10.0) == (-0.3, 0.0)
    bars = np.array([False, True, False, True, False])
    closes = carried_closes(np.array([np.nan, 2.0, np.nan, 4.0, 5.0]), bars)
    assert closes[1:].tolist() == [2.0, 2.0, 4.0, 4.0]


def test_legs_of_a_sleeve_that_leave_apart():
    """The first is in on rows 3 to 5, the other on 4 to 8; what was earned stays."""
    one = ProfitPath(3, np.array([1.0, -2.0, 4.0]))
    other = ProfitPath(4, np.array([10.0, 20.0, 30.0, 40.0, 50.0]))
    assert sleeve_path([other, one]).tolist() == [1.0, 8.0, 24.0, 34.0, 44.0, 54.0]


def test_a_fee_on_the_net_position_is_shared_by_the_short_legs():
    # Short 30 and 10 against long 20: 20 net are borrowed for 40 short shares, half each.
    closes, gaps = np.array([5.0, 6.0, 7.0, 8.0]), np.array([0.0, 1.0, 3.0, 1.0])
    charges = charges_of([-30.0, -10.0, 20.0], [(0, 3), (0, 3), (0, 2)], closes, gaps)
    assert charges.tolist() == [0.0, 0.5 * 5, 0.5 * 6 * 3, 1.0 * 7]


@settings(max_examples=20, deadline=None)
@given(made=worlds())
def test_paths_are_the_ledgers_own_profits(made, make_event, make_table, make_days):
    """What each leg was worth at each close, written down while the run was under way."""
    events, table, options = build(made, make_event, make_table, make_days)
    seen, desks = defaultdict(list), []
    after_close = Desk.after_close

    def watched(desk, strategy):
        desks.append(desk)
        for leg in desk.ledger.held():
            seen[leg.event, leg.ticker].append(leg.value(desk._close(leg.ticker)))
        after_close(desk, strategy)

    with patch.object(Desk, "after_close", watched):
        result = run(events, table, options, "cerebro")
    if result is None or result.trades.empty:
        return
    legs = desks[-1].ledger.legs
    paths = leg_paths(list(legs.values()), table)
    for (key, leg), path in zip(legs.items(), paths, strict=True):
        recorded = seen[key]
        if leg.size:  # still held: the last close is the last word
            recorded = recorded[:-1]
        assert path.profits[:-1] == pytest.approx(recorded, abs=1e-8)
        assert path.profits[-1] == pytest.approx(leg.value(leg.exit_price), abs=1e-8)
        assert table.dates[path.row] == leg.entry_date
    trades, attribution = result.trades, result.attribution
    assert path_ends(trades) <= 1e-12
    for frame, staked in (
        (trades, trades["size"] * trades["entry_price"]),
        (attribution, attribution["staked"]),
    ):
        earned = frame["pnl"] / staked
        assert (frame["mae"] <= 1e-12 + np.minimum(earned, 0)).all()
        assert (frame["mfe"] >= np.maximum(earned, 0) - 1e-12).all()
    by = result.attribution_by
    assert by.groupby("by")["pnl"].sum().to_numpy() == pytest.approx(trades["pnl"].sum(), abs=1e-7)
    months = result.monthly[result.monthly["month"].notna()]
    for name, rows in months.groupby("strategy"):
        whole = result.metrics.set_index("strategy").loc[name, "total_return"]
        assert np.prod(1 + rows["return"]) - 1 == pytest.approx(whole, abs=1e-12)


def path_ends(trades):
    """How far an excursion reaches beyond zero on the wrong side."""
    return max(trades["mae"].max(), -trades["mfe"].min())


def test_worlds_hold_shared_fees_dividends_and_halts(make_event, make_table, make_days):
    """Else the test above could pass on legs that nothing ever happens to."""
    rng = np.random.default_rng(3)
    halts = fees = dividends = 0
    for seed in range(20):
        holes = [(int(r), int(c)) for r, c in rng.integers(0, 3, (9, 2)) * [9, 1]]
        options = {"hold": 6, "entry": 1, "stop_loss": None, "take_profit": None}
        made = (seed, [2, 3, 5, 8, 9, 13, 17, 22], holes, 20, 4, options)
        events, table, options = build(made, make_event, make_table, make_days)
        trades = run(events, table, options).trades
        halts += trades["exit_reason"].str.contains("frozen").sum()
        dividends += (trades["dividends"] != 0).sum()
        short = trades[trades["side"] == "short"]
        spans = zip(short["ticker"], short["entry_date"], short["exit_date"], strict=True)
        spans = list(spans)
        fees += sum(
            t == u and b < c and d < a
            for i, (t, b, a) in enumerate(spans)
            for u, d, c in spans[i + 1 :]
        )
    assert min(halts, fees, dividends) > 5
