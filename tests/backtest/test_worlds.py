"""Random small worlds: the books balance, and the future changes nothing in the past."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.backtest import Costs, EventStrategy, backtest
from eventstudy.errors import BacktestError

COUNT = 30


class Random(EventStrategy):
    """Weights drawn from what can be seen, so that a peek would change them."""

    hold: int = 4
    gross: float = 0.3

    def targets(self, event, history):
        seed = int(np.nansum(np.abs(history.close)) * 1e6) % 2**32
        rng = np.random.default_rng(seed)
        return {t: float(rng.uniform(-0.5, 0.5)) for t in event.tickers if rng.random() < 0.8}


@st.composite
def worlds(draw):
    seed = draw(st.integers(0, 2**32 - 1))
    rows = draw(st.lists(st.integers(0, COUNT + 1), min_size=1, max_size=8))
    holes = draw(
        st.lists(st.tuples(st.integers(0, COUNT - 1), st.integers(0, 2)), max_size=12, unique=True)
    )
    ends = draw(st.one_of(st.none(), st.integers(8, COUNT - 2)))
    starts = draw(st.one_of(st.none(), st.integers(1, 12)))
    options = {
        "hold": draw(st.integers(1, 8)),
        "entry": draw(st.integers(1, 3)),
        "stop_loss": draw(st.one_of(st.none(), st.floats(0.005, 0.1))),
        "take_profit": draw(st.one_of(st.none(), st.floats(0.005, 0.1))),
    }
    return seed, rows, holes, ends, starts, options


def build(world, make_event, make_table, make_days):
    seed, rows, holes, ends, starts, options = world
    rng = np.random.default_rng(seed)
    days = make_days(COUNT + 2)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, (COUNT, 4)), axis=0))
    opens = close * np.exp(rng.normal(0, 0.01, (COUNT, 4)))
    for row, column in holes:
        close[row, column] = opens[row, column] = np.nan
    if ends is not None:
        close[ends:, 0] = opens[ends:, 0] = np.nan
    if starts is not None:
        close[:starts, 1] = opens[:starts, 1] = np.nan
    names = ("A", "B", "C", "SPY")
    prices = {n: {"close": close[:, i], "open": opens[:, i]} for i, n in enumerate(names)}
    dividends = {n: {str(days[int(rng.integers(COUNT))]): float(rng.uniform(0, 2))} for n in names}
    events = [
        make_event(f"e{i}", str(days[row]), tickers=("A", "B", "C"), row=i)
        for i, row in enumerate(rows)
    ]
    return events, make_table(days[:COUNT], prices, dividends), options


def run(events, table, options, engine="auto"):
    """Return the result, or None where no session 0 lies within the prices."""
    days = table.dates
    entry = options["entry"]
    if not any(np.searchsorted(days, e.next) + entry - 1 < len(days) for e in events):
        with pytest.raises(BacktestError, match="no event can be traded"):
            backtest(events, table, (Random, options))
        return None
    return backtest(
        events, table, (Random, options), costs=Costs(5, 10, 300), capital=1e5, risk_free=0.04,
        engine=engine,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(world=worlds())
def test_the_books_balance(world, make_event, make_table, make_days):
    events, table, options = build(world, make_event, make_table, make_days)
    result = run(events, table, options)
    if result is None:
        return
    row = result.metrics.iloc[0]
    change = result.equity["value"].iloc[-1] - 1e5
    assert result.trades["pnl"].sum() + row["interest"] == pytest.approx(change, abs=1e-8 * 1e5)
    assert np.isfinite(result.equity[["value", "return", "gross", "net"]]).all().all()
    assert np.isfinite(result.trades.select_dtypes("number")).all().all()
    parts = row["commission"] + row["slippage"] + row["borrow"]
    assert result.trades["costs"].sum() == pytest.approx(parts)
    assert (result.trades["costs"] >= 0).all()
    told = set(result.trades["event_id"]) | set(
        result.skipped.loc[result.skipped["reason"] != "member", "event_id"]
    )
    assert told == {event.event_id for event in events}  # nothing is lost without a word
    assert not result.orders["status"].eq("sent").any()
    entries = result.orders[result.orders["group"].str.endswith("entry")]
    whole = entries.groupby(["event_id"])["status"].nunique()
    assert (whole == 1).all()  # all legs or none


@settings(max_examples=40, deadline=None)
@given(
    world=worlds(),
    cut=st.integers(3, COUNT - 2),
    seed=st.integers(0, 1000),
    engine=st.sampled_from(["auto", "cerebro"]),
)
def test_later_prices_change_nothing_earlier(
    world, cut, seed, engine, make_event, make_table, make_days
):
    """To the last bit in one engine; which one runs may depend on the whole of the data."""
    events, table, options = build(world, make_event, make_table, make_days)
    factor = np.ones(table.close.shape)
    factor[cut:] = np.random.default_rng(seed).uniform(0.5, 2.0, table.close[cut:].shape)
    other = replace(table, open=table.open * factor, close=table.close * factor)
    before, after = (run(events, t, options, engine) for t in (table, other))
    if before is None:
        return
    last = pd.Timestamp(table.dates[cut - 1].item())
    columns = ["event_id", "ticker", "group", "side", "size", "created"]
    sent = [r.orders.loc[r.orders["created"] <= last, columns] for r in (before, after)]
    pd.testing.assert_frame_equal(*(frame.reset_index(drop=True) for frame in sent))
    values = [r.equity.loc[r.equity["date"] <= last, "value"].to_numpy() for r in (before, after)]
    shared = min(map(len, values))
    slack = 0.0 if engine == "cerebro" else 1e-12 * 1e5
    assert np.abs(values[0][:shared] - values[1][:shared]).max(initial=0.0) <= slack


def test_the_random_worlds_reach_every_fate_of_an_order(make_event, make_table, make_days):
    fates = set()
    for seed in range(25):
        holes = [
            (int(r), int(c)) for r, c in np.random.default_rng(seed).integers(0, 3, (9, 2)) * [9, 1]
        ]
        options = {"hold": 5, "entry": 1, "stop_loss": 0.02, "take_profit": None}
        world = (seed, [2, 5, 8, 9, 13, 17, 22, 29], holes, 20, 4, options)
        fates |= set(run(*build(world, make_event, make_table, make_days)).orders["status"])
    assert fates == {"filled", "cancelled", "settled", "lost"}
