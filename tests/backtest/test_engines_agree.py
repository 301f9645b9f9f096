"""The vectorised engine against Cerebro on random worlds: the same trades, the same account.

``EVENTSTUDY_WORLDS=240 python -m pytest tests/backtest/test_engines_agree.py`` draws more of them.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstudy.backtest import FREE, Costs, EventStrategy, Limits, backtest
from eventstudy.backtest.fastpath import REASONS
from eventstudy.errors import BacktestError

COUNT = 40
NAMES = ("A", "B", "C", "SPY")
CAPITAL = 1e5
PLAIN = "plain"
WORLDS = int(os.environ.get("EVENTSTUDY_WORLDS", "40"))


class Drawn(EventStrategy):
    """Weights drawn from what can be seen."""

    hold: int = 4
    gross: float = 0.3
    one_leg: bool = False

    def targets(self, event, history):
        seed = int(np.nansum(np.abs(history.close)) * 1e6) % 2**32
        rng = np.random.default_rng([seed, int(event.id[1:])])
        names = event.tickers[:1] if self.one_leg else event.tickers
        return {t: float(rng.uniform(-0.5, 0.5)) for t in names if rng.random() < 0.8}


class Reaching(Drawn):
    """The same, in need of backtrader."""

    def targets(self, event, history):
        assert len(self.datas)
        return super().targets(event, history)


OUTSIDE = {
    "stop or target": {"stop_loss": 0.02},
    "stop or target ": {"leg_target": 0.03},
    "limit order": {"limit": 0.01, "one_leg": True},
    "participation": {"participation": 0.05},
    "size on equity": {"size_of": "equity"},
    "exposure limit": {"gross": 1.5},
    "margin": {"gross": 1.0},
}

LEFT = [*OUTSIDE, "backtrader", "impact", "missing bar"]


@st.composite
def worlds(draw, kinds):
    return {
        "kind": draw(st.sampled_from(kinds)),
        "seed": draw(st.integers(0, 2**32 - 1)),
        "rows": draw(st.lists(st.integers(0, COUNT), min_size=1, max_size=9)),
        "fill": draw(st.sampled_from(["open", "close"])),
        "hold": draw(st.integers(1, 9)),
        "entry": draw(st.integers(1, 3)),
        "gross": draw(st.sampled_from([0.05, 0.2, 0.35])),
        "rate": draw(st.sampled_from([None, 0.0, 0.05, -0.01])),
        "costs": draw(
            st.sampled_from(
                [
                    Costs(),
                    Costs(5, 10, 300),
                    Costs(0, 0, 0, debit_bp=0),
                    Costs(1, 2, 50, borrow={"B": 2500.0}, rebate=0.7, day_count=365),
                ]
            )
        ),
    }


def table_of(world, make_table, make_days):
    rng = np.random.default_rng(world["seed"])
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, (COUNT, 4)), axis=0))
    opens = close * np.exp(rng.normal(0, 0.01, (COUNT, 4)))
    if world["kind"] == "missing bar":
        holes = rng.integers(0, COUNT, 12), rng.integers(0, 3, 12)
        close[holes] = opens[holes] = np.nan
    if world["kind"] == "margin":  # a short squeeze
        close[COUNT // 2 :, :3] *= 4.0
        opens[COUNT // 2 :, :3] *= 4.0
    days = make_days(COUNT + 1)
    dividends = {n: {str(days[int(rng.integers(COUNT))]): float(rng.uniform(0, 2))} for n in NAMES}
    prices = {n: {"close": close[:, i], "open": opens[:, i]} for i, n in enumerate(NAMES)}
    table = make_table(days[:COUNT], prices, dividends)
    high, low = np.fmax(close, opens) * 1.01, np.fmin(close, opens) * 0.99
    return days, replace(table, high=high, low=low, volume=np.full(close.shape, 1000.0))


def arguments(world, make_event, make_table, make_days):
    days, table = table_of(world, make_table, make_days)
    events = [
        make_event(f"e{i}", str(days[row]), tickers=("A", "B", "C"), row=i)
        for i, row in enumerate(world["rows"])
    ]
    options = {k: world[k] for k in ("fill", "hold", "entry", "gross")}
    options |= OUTSIDE.get(world["kind"], {})
    if "limit" in options:
        options["fill"] = "open"
    costs = replace(world["costs"], impact=1.0 if world["kind"] == "impact" else 0.0)
    wide = Limits(gross=9, net=9, single=9, cash=False, initial=0.0)
    cls = Reaching if world["kind"] == "backtrader" else Drawn
    return (events, table, (cls, options)), {
        "costs": costs,
        "capital": CAPITAL,
        "risk_free": world["rate"],
        "limits": wide if world["kind"] == "margin" else Limits(),
    }


def compared(args, options) -> str:
    """Run both engines, compare them, and return why the fast one refused, or nothing."""
    slow = backtest(*args, **options, engine="cerebro")
    try:
        fast = backtest(*args, **options, engine="vectorised")
    except BacktestError as error:
        said = backtest(*args, **options)
        assert set(said.config["engine"].values()) == {"cerebro"}
        (why,) = said.config["why_cerebro"].values()
        assert why in str(error)  # noqa: PT017
        pd.testing.assert_frame_equal(said.trades, slow.trades)
        return why.partition(":")[0]
    same_books(fast, slow)
    return ""


def same_books(fast, slow):
    exact = ["event_id", "ticker", "side", "entry_date", "exit_date", "size", "exit_reason"]
    pd.testing.assert_frame_equal(fast.trades[exact], slow.trades[exact], check_exact=True)
    for name in ("entry_price", "exit_price"):
        np.testing.assert_allclose(fast.trades[name], slow.trades[name], rtol=1e-12)
    for name in ("pnl", "costs"):
        np.testing.assert_allclose(
            fast.trades[name], slow.trades[name], rtol=0, atol=1e-12 * CAPITAL
        )
    pd.testing.assert_frame_equal(fast.orders, slow.orders, rtol=1e-12)
    pd.testing.assert_frame_equal(fast.skipped, slow.skipped)
    gap = np.abs(fast.equity["value"] - slow.equity["value"]).max() / CAPITAL
    assert gap <= 1e-12
    np.testing.assert_allclose(
        fast.equity[["gross", "net"]], slow.equity[["gross", "net"]], atol=1e-12
    )
    ours, theirs = (r.metrics.select_dtypes("number").iloc[0] for r in (fast, slow))
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


def fixed(kind):
    """Return a world in which events follow closely enough for what its kind is about."""
    return {
        "kind": kind, "seed": 5, "rows": list(range(2, COUNT - 3, 3)), "fill": "open", "hold": 9,
        "entry": 1, "gross": 0.35, "rate": 0.0, "costs": Costs(),
    }  # fmt: skip


def test_every_reason_has_a_world():
    assert {kind.strip() for kind in LEFT} == set(REASONS)


@pytest.mark.parametrize("kind", LEFT)
def test_each_refusal_occurs(kind, make_event, make_table, make_days):
    args, options = arguments(fixed(kind), make_event, make_table, make_days)
    assert compared(args, options) == kind.strip()


@pytest.mark.parametrize("fill", ["open", "close"])
@pytest.mark.parametrize("rate", [None, 0.05])
def test_some_plain_worlds_agree(fill, rate, make_event, make_table, make_days):
    """Fees, dividends, interest, overlapping legs and positions that the data cut off."""
    costs = Costs(1, 2, 50, borrow={"B": 2500.0}, rebate=0.7, day_count=365)
    rows = [2, 5, 6, 6, 20, COUNT - 3, COUNT - 2]
    world = fixed(PLAIN) | {
        "fill": fill, "rate": rate, "costs": costs, "rows": rows, "hold": 4, "gross": 0.1,
    }  # fmt: skip
    assert compared(*arguments(world, make_event, make_table, make_days)) == ""


def test_a_little_impact_is_left_to_cerebro(make_event, make_table, make_days):
    args, options = arguments(fixed(PLAIN), make_event, make_table, make_days)
    options["costs"] = Costs(impact=0.4)
    with pytest.raises(BacktestError, match="impact: prices depend on sizes and volumes"):
        backtest(*args, **options, engine="vectorised")


def test_both_engines_keep_the_same_books(make_event, make_table, make_days):
    """At least half of the worlds take the fast path."""
    seen: Counter[str] = Counter()

    def inner(world):
        args, options = arguments(world, make_event, make_table, make_days)
        try:
            seen[compared(args, options)] += 1
        except BacktestError as error:
            assert "no event can be traded" in str(error)  # noqa: PT017

    for kinds, share in (([PLAIN], 0.75), (LEFT, 0.25)):
        drawn = settings(
            max_examples=round(share * WORLDS), deadline=None, database=None,
            suppress_health_check=[HealthCheck.too_slow],
        )  # fmt: skip
        drawn(given(world=worlds(kinds))(inner))()
    assert seen[""] >= sum(seen.values()) / 2, seen
    assert set(seen) - {""} <= set(REASONS), seen
    assert sum(seen.values()) >= 5 / 6 * WORLDS, seen


def test_positions_that_cancel_are_exactly_nothing(make_event, make_table, make_days):
    """0.1 + 0.2 - 0.1 - 0.2 is not zero in floating point; nothing held is."""
    days = make_days(12)
    prices = {n: {"close": np.full(12, 3.0)} for n in ("A", "SPY")}
    events = [make_event(f"e{i}", str(days[1 + i]), tickers=("A",)) for i in range(2)]

    class Tenths(EventStrategy):
        """A tenth, then two tenths of a share."""

        hold: int = 3
        gross: float = 1.0

        def targets(self, event, history):
            return {"A": (0.3 if event.id == "e0" else 0.6) / 1e5}

    for engine in ("cerebro", "vectorised"):
        found = backtest(events, make_table(days, prices), Tenths, capital=1e5, engine=engine)
        assert found.equity["gross"].to_numpy()[-1] == 0.0
        assert found.equity["gross"].to_numpy()[2] > 0.0


def test_an_unknown_engine_is_named(make_event, make_table, make_days):
    with pytest.raises(Exception, match="vectorised"):
        backtest(
            [], make_table(make_days(3), {"SPY": {"close": [1, 2, 3]}}), Drawn, engine="vectorized"
        )


class Hooked(EventStrategy):
    """Turns round once an order is done, which backtrader alone tells it."""

    hold: int = 2
    side = 1.0

    def targets(self, event, history):
        return {"A": self.side}

    def notify_order(self, order):
        if order.status == order.Completed:
            self.side = -1.0


def test_methods_that_backtrader_calls_are_left_to_cerebro(make_event, make_table, flat):
    days, prices = flat(30, A=100.0)
    events = [make_event(f"e{row}", str(days[row]), tickers=("A",), row=row) for row in (3, 9)]
    table = make_table(days, prices)
    found = backtest(events, table, Hooked)
    assert found.trades["side"].tolist() == ["long", "short"]
    assert found.config["why_cerebro"] == {"hooked": "backtrader: Hooked defines notify_order"}
    assert "backtrader: Hooked defines notify_order" in found.gather(draws=9).luck["note"][0]


class Short(EventStrategy):
    """All of it sold short."""

    hold: int = 4
    gross: float = 0.5

    def targets(self, event, history):
        return {"A": -1.0}


def test_a_hole_is_named_by_its_day(make_event, make_table, make_days):
    """Decided at row 5, bought at row 6, and no bar two sessions later."""
    days, close = make_days(20), np.full(20, 100.0)
    close[8] = np.nan
    table = make_table(days, {"A": {"close": close, "open": close}, "SPY": {"close": [100.0] * 20}})
    events = [make_event("e0", str(days[5]), tickers=("A",), row=5)]
    with pytest.raises(BacktestError, match=f"missing bar: A on {days[8]}"):
        backtest(events, table, Short, engine="vectorised")


def test_a_limit_that_binds_at_the_open_alone_is_seen(make_event, make_table, make_days):
    """Half the account sold at twice its price is all of it; by the close it is a third."""
    days, close = make_days(20), np.full(20, 100.0)
    opened = close.copy()
    opened[6] = 200.0
    table = make_table(
        days, {"A": {"close": close, "open": opened}, "SPY": {"close": [100.0] * 20}}
    )
    events = [make_event("e0", str(days[5]), tickers=("A",), row=5)]
    limits = Limits(gross=0.9, net=0.9, single=0.9, initial=0.0)
    with pytest.raises(BacktestError, match="exposure limit: "):
        backtest(events, table, Short, engine="vectorised", limits=limits)


def test_an_account_of_nothing_has_no_exposure_in_either_engine(make_event, make_table, make_days):
    """500 shares sold at 100 of an account of 100,000 stand at 300: nothing is left."""
    days, close = make_days(20), np.full(20, 100.0)
    close[7] = 300.0
    table = make_table(days, {"A": {"close": close, "open": close}, "SPY": {"close": [100.0] * 20}})
    events = [make_event("e0", str(days[5]), tickers=("A",), row=5)]
    wide = Limits(gross=9, net=9, single=9, cash=False, initial=0.0, maintenance_short=0.0)
    options = {"limits": wide, "capital": CAPITAL, "costs": FREE}
    slow, fast = (
        backtest(events, table, Short, engine=engine, **options)
        for engine in ("cerebro", "vectorised")
    )
    same_books(fast, slow)
    broke = fast.equity["value"] == 0.0
    assert broke.sum() == 1
    assert fast.equity["gross"].isna().tolist() == broke.tolist()
