"""Excursions: by hand, and against the ledger's own profits recorded at every close."""

from collections import defaultdict
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_hand_ledger import COSTS, Pair, world  # noqa: F401

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


class Either(EventStrategy):
    """Long and short legs by the parity of the event, so that sleeves oppose each other."""

    hold: int = 5
    gross: float = 0.1
    stop_loss: float | None = 0.9  # never reached: what has a stop is for Cerebro

    def targets(self, event, history):
        side = 1 if int(event.id[1:]) % 2 else -1
        return {"A": 0.4 * side, "B": -0.3 * side, "C": -0.2}


def worlds(seed, make_event, make_table, make_days, *, whole=False):
    """Thirty sessions of overlapping events and dividends; halts and a delisting, or `whole`."""
    rng = np.random.default_rng(seed)
    days = make_days(30)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, (30, 4)), axis=0))
    opens = close * np.exp(rng.normal(0, 0.01, (30, 4)))
    if not whole:
        rows, columns = rng.integers(0, 30, 8), rng.integers(0, 3, 8)
        close[rows, columns] = np.nan
        opens[rows, columns % 2] = np.nan  # some bars have a close and no open: no bar at all
        close[int(rng.integers(12, 30)) :, 0] = np.nan
    names = ("A", "B", "C", "SPY")
    prices = {n: {"close": close[:, i], "open": opens[:, i]} for i, n in enumerate(names)}
    paid = {
        n: {str(days[int(k)]): float(rng.uniform(0, 2)) for k in rng.integers(0, 30, 3)}
        for n in names
    }
    events = [
        make_event(f"e{i}", str(days[row]), tickers=("A", "B", "C"), row=i)
        for i, row in enumerate(np.sort(rng.integers(1, 28, 7)))
    ]
    return events, make_table(days, prices, paid)


def run(events, table, **options):
    costs = Costs(commission_bp=5, half_spread_bp=10, borrow_bp=300)
    return backtest(events, table, (Either, options), costs=costs, capital=1e5, risk_free=0.04)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), stop=st.sampled_from([0.02, 0.9]))
def test_paths_are_the_ledgers_own_profits(seed, stop, make_event, make_table, make_days):
    """What each leg was worth at each close, written down while the run was under way."""
    events, table = worlds(seed, make_event, make_table, make_days)
    seen, desks = defaultdict(list), []
    after_close = Desk.after_close

    def watched(desk, strategy):
        desks.append(desk)
        for leg in desk.ledger.held():
            seen[leg.event, leg.ticker].append(leg.value(desk._close(leg.ticker)))
        after_close(desk, strategy)

    with patch.object(Desk, "after_close", watched):
        result = run(events, table, stop_loss=stop)
    legs = desks[-1].ledger.legs
    assert len(legs) == len(result.trades)
    for (key, leg), path in zip(legs.items(), leg_paths(list(legs.values()), table), strict=True):
        recorded = seen[key]
        if leg.size:  # still held: the last close is the last word
            recorded = recorded[:-1]
        assert path.profits[:-1] == pytest.approx(recorded, abs=1e-8)
        assert path.profits[-1] == pytest.approx(leg.value(leg.exit_price), abs=1e-8)
        assert table.dates[path.row] == leg.entry_date


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_holds_for_every_run(seed, make_event, make_table, make_days):
    """Excursions enclose the profit, attribution sums to it, months compound to the return."""
    result = run(*worlds(seed, make_event, make_table, make_days))
    trades, attribution = result.trades, result.attribution
    for frame, staked in (
        (trades, trades["size"] * trades["entry_price"]),
        (attribution, attribution["staked"]),
    ):
        earned = frame["pnl"] / staked
        assert (frame["mae"] <= np.minimum(earned, 0) + 1e-12).all()
        assert (frame["mfe"] >= np.maximum(earned, 0) - 1e-12).all()
        assert (frame["mae"] <= 0).all()
        assert (frame["mfe"] >= 0).all()
    by = result.attribution_by
    for column in ("pnl", "costs", "dividends"):
        sums = by.groupby("by")[column].sum()
        assert sums.to_numpy() == pytest.approx(trades[column].sum(), abs=1e-7)
        assert len(sums) == 5 * (len(trades) > 0)
    months = result.monthly[result.monthly["month"].notna()]
    for name, rows in months.groupby("strategy"):
        whole = result.metrics.set_index("strategy").loc[name, "total_return"]
        assert np.prod(1 + rows["return"]) - 1 == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_a_stop_that_is_never_reached_changes_no_excursion(seed, make_event, make_table, make_days):
    """Without one the run may take another engine: the figures are the same."""
    made = worlds(seed, make_event, make_table, make_days, whole=True)
    stopped, free = run(*made), run(*made, stop_loss=None)
    for one, other in ((stopped.trades, free.trades), (stopped.attribution, free.attribution)):
        assert len(one) == len(other) > 0
        for column in ("mae", "mfe"):
            assert one[column].to_numpy() == pytest.approx(other[column].to_numpy(), abs=1e-11)


def test_the_worlds_hold_opposed_legs_dividends_halts_and_a_delisting(
    make_event, make_table, make_days
):
    """Else the tests above could pass on legs that nothing ever happens to."""
    frozen = opposed = dividends = halted = 0
    for seed in range(12):
        events, table = worlds(seed, make_event, make_table, make_days)
        trades = run(events, table).trades
        frozen += trades["exit_reason"].str.contains("frozen").sum()
        dividends += (trades["dividends"] != 0).sum()
        bars = np.isfinite(table.open) & np.isfinite(table.close)
        for a in trades.to_dict("records"):
            first, last = np.searchsorted(
                table.dates, np.array([a["entry_date"], a["exit_date"]], dtype="datetime64[D]")
            )
            halted += (~bars[first:last, table.column(a["ticker"])]).any()
            opposed += any(
                a["ticker"] == b["ticker"]
                and (a["side"], b["side"]) == ("short", "long")
                and a["entry_date"] < b["exit_date"]
                and b["entry_date"] < a["exit_date"]
                for b in trades.to_dict("records")
            )
    assert min(frozen, opposed, dividends, halted) > 5
