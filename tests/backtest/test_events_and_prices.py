"""Which events are traded and when, and prices that a backtest cannot use."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

from eventstudy.backtest import FREE, EventStrategy, backtest
from eventstudy.baskets import make_baskets
from eventstudy.errors import BacktestError

NAN = float("nan")


class BuyA(EventStrategy):
    """Long A."""

    hold: int = 2

    def targets(self, event, history):
        return {"A": 1.0}


@pytest.fixture
def world(make_event, make_table, flat):
    days, prices = flat(12, A=100.0, B=50.0)
    return days, make_table(days, prices), make_event


def test_entry_and_hold_count_sessions(world):
    days, table, make_event = world
    events = [make_event("e", str(days[3]))]
    for entry, hold in ((1, 1), (2, 3), (4, 2)):
        trade = backtest(events, table, (BuyA, {"entry": entry, "hold": hold})).trades.iloc[0]
        assert trade["entry_date"] == days[3 + entry]
        assert trade["exit_date"] == days[3 + entry + hold]


def test_context_events_are_not_traded_and_ambiguous_ones_at_the_later_session(world):
    days, table, make_event = world
    events = [
        make_event("shown", str(days[2]), use="context"),
        make_event("late", str(days[4]), same=str(days[3])),
    ]
    result = backtest(events, table, BuyA)
    assert result.trades["event_id"].tolist() == ["late"]
    assert result.trades["entry_date"].iloc[0] == days[5]


def test_acting_before_the_event_needs_a_known_date(world):
    days, table, make_event = world
    seen = {}

    class Early(BuyA):
        entry: int = -1

        def targets(self, event, history):
            seen[event.id] = (dict(event.expects), history.dates[-1])
            return {"A": 1.0}

    signs = {"@ASIC": 1}
    events = [
        make_event("unknown", str(days[6]), expects=signs),
        make_event("in-time", str(days[6]), expects=signs, known_on=str(days[4])),
        make_event("too-late", str(days[6]), expects=signs, known_on=str(days[5])),
    ]
    result = backtest(events, table, Early)
    # Session 0 is row 6: filled at row 5, decided after row 4; what it means is not known yet.
    assert seen == {"in-time": ({}, days[4])}
    assert result.trades["entry_date"].tolist() == [days[5]]
    skipped = result.skipped.set_index("event_id")["reason"].to_dict()
    assert skipped == {"unknown": "not_known", "too-late": "not_known"}


def test_events_outside_the_prices_are_listed(world):
    days, table, make_event = world
    events = [
        make_event("before", "2020-01-02"),
        make_event("in", str(days[2])),
        make_event("after", "2030-01-02"),
        make_event("nowhere", "NaT"),
    ]
    result = backtest(events, table, BuyA)
    assert result.trades["event_id"].tolist() == ["in"]
    assert result.skipped["reason"].tolist() == ["out_of_span"] * 3
    details = " ".join(result.skipped["detail"])
    assert "session 0 is 2020-01-02; prices run from 2024-01-02 to 2024-01-17" in details
    with pytest.raises(BacktestError, match="no event can be traded: session 0 is 2030-01-02"):
        backtest(events[2:3], table, BuyA)
    with pytest.raises(BacktestError, match="none with use = study"):
        backtest([make_event("c", str(days[2]), use="context")], table, BuyA)


def test_a_ticker_without_opens_is_study_only(world):
    days, table, make_event = world
    events = [make_event("e", str(days[2]))]
    opens = table.open.copy()
    opens[:, 0] = NAN
    closed = replace(table, open=opens)
    with pytest.raises(BacktestError, match="nothing could be traded: A has no opening prices"):
        backtest(events, closed, BuyA)

    class Either(BuyA):
        def targets(self, event, history):
            return {"A": 1.0} if event.id == "e" else {"B": 1.0}

    both = backtest([*events, make_event("f", str(days[3]))], closed, Either)
    assert both.trades["ticker"].tolist() == ["B"]
    assert both.skipped[["event_id", "reason", "ticker"]].to_numpy().tolist() == [
        ["e", "study_only", "A"]
    ]
    none = replace(table, open=np.full_like(table.open, NAN))
    with pytest.raises(BacktestError, match="none for A, B, SPY: they are good for a study only"):
        backtest(events, none, BuyA)


def test_no_bar_at_the_decision_skips_the_event(world, make_table, flat):
    _, _, make_event = world
    days, prices = flat(12, {"A": {2: NAN}}, A=100.0)
    result = backtest([make_event("e", str(days[2]))], make_table(days, prices), BuyA)
    assert result.skipped[["reason", "detail"]].to_numpy().tolist() == [
        ["no_price", f"no bar of A on {days[2]}, the decision"]
    ]


def test_a_missing_member_of_a_basket_is_listed_and_the_rest_is_traded(world):
    days, table, make_event = world

    class Basket(BuyA):
        def targets(self, event, history):
            return dict(event.basket("@MIX"))

    baskets = make_baskets({"MIX": {"A": 1.0, "B": 3.0, "GONE": 4.0}})
    result = backtest([make_event("e", str(days[2]))], table, Basket, baskets=baskets, costs=FREE)
    staked = (result.trades["size"] * result.trades["entry_price"]).tolist()
    assert staked == pytest.approx([50_000, 150_000])
    assert result.skipped[["ticker", "reason"]].to_numpy().tolist() == [["GONE", "member"]]
    assert result.metrics["events_skipped"].iloc[0] == 0
    assert "hold @MIX (1 without prices)" in result.config["yardsticks"]


def test_benchmark_and_capital_are_checked(world):
    days, table, make_event = world
    events = [make_event("e", str(days[2]))]
    with pytest.raises(BacktestError, match=r"benchmark 'SPX' has no prices \(did you mean 'SPY'"):
        backtest(events, table, BuyA, benchmark="SPX")
    with pytest.raises(BacktestError, match="capital is -1"):
        backtest(events, table, BuyA, capital=-1)


def test_yardsticks_hold_from_the_same_close(world, make_table, flat):
    _, _, make_event = world
    changes = {"SPY": dict.fromkeys(range(4, 12), 110.0), "A": dict.fromkeys(range(3, 12), 120.0)}
    days, prices = flat(12, changes, A=100.0, B=50.0)
    table = make_table(days, prices, {"B": {str(days[4]): 5.0}})
    baskets = make_baskets({"AB": ("A", "B")})
    result = backtest([make_event("e", str(days[2]))], table, BuyA, baskets=baskets)
    rows = result.metrics.set_index("strategy")
    assert rows.loc["hold SPY", "total_return"] == pytest.approx(0.10)
    # Rebalanced each session: half of +20%, then half of the dividend of 5 on 50.
    assert rows.loc["hold @AB", "total_return"] == pytest.approx(1.10 * 1.05 - 1)
    assert rows["kind"].tolist() == ["strategy", "yardstick", "yardstick"]
    assert result.yardsticks["date"].iloc[0] == result.equity["date"].iloc[0]


def test_result_tables_have_the_contracts_columns(world):
    days, table, make_event = world
    result = backtest([make_event("e", str(days[2]))], table, BuyA, variants=40)
    assert list(result.trades) == [
        "strategy", "event_id", "ticker", "side", "entry_date", "entry_price", "exit_date",
        "exit_price", "size", "pnl", "costs", "exit_reason", "dividends", "mae", "mfe",
    ]  # fmt: skip
    assert list(result.equity) == ["strategy", "date", "value", "return", "gross", "net"]
    assert result.metrics["variants"].iloc[0] == 40
    text = str(result)
    assert "buy-a" in text
    assert "hold SPY" in text
    assert "Variants tried: 40" in text
    assert "<table" in result._repr_html_()
    assert list(result.summary_frame().index) == result.metrics["strategy"].tolist()


def test_the_same_seed_gives_the_same_draws(world):
    days, table, make_event = world

    class Coin(BuyA):
        def targets(self, event, history):
            return {"A": float(self.rng.uniform())}

    events = [make_event("e", str(days[2]))]
    sizes = [backtest(events, table, Coin, seed=s).trades["size"].iloc[0] for s in (1, 1, 2)]
    assert sizes[0] == sizes[1] != sizes[2]


def test_the_package_is_the_verb_too(world):
    package = importlib.import_module("eventstudy.backtest")

    days, table, make_event = world
    events = [make_event("e", str(days[2]))]
    assert package(events, table, BuyA).trades.equals(backtest(events, table, BuyA).trades)


@pytest.mark.parametrize("name", ["open", "close"])
def test_a_share_that_costs_nothing_is_refused(world, name):
    """Bought at an open of zero it would have earned its whole price."""
    days, table, make_event = world
    prices = getattr(table, name).copy()
    prices[3, table.column("A")] = 0.0
    with pytest.raises(BacktestError, match=rf"prices of A: {name} is 0 on {days[3]}"):
        backtest([make_event("e", str(days[2]))], replace(table, **{name: prices}), BuyA)


def test_a_ticker_whose_prices_end_before_the_exit_is_told(world):
    days, table, make_event = world
    prices = {name: getattr(table, name).copy() for name in ("open", "close")}
    for values in prices.values():
        values[5:, table.column("A")] = NAN
    events = [make_event("e", str(days[2]))]
    ended = backtest(events, replace(table, **prices), (BuyA, {"hold": 4}))
    (alarm,) = ended.alarms()
    assert alarm.startswith("1 leg of buy-a:hold=4 left at the last price")
    assert "before the exit: A." in ended.summary()
    assert backtest(events, table, (BuyA, {"hold": 4})).alarms() == []


def test_arguments_of_another_kind_are_named_at_once(world):
    days, table, make_event = world
    with pytest.raises(BacktestError) as caught:
        backtest(
            [make_event("e", str(days[2]))], table, BuyA, costs={"commission_bp": 1},
            limits={"gross": 1}, shortable=["A"], baskets={"@X": ["A"]}, capital="1e6",
            benchmark=None, seed=-1,
        )  # fmt: skip
    told = str(caught.value)
    for name in ("costs", "limits", "shortable", "baskets", "capital", "benchmark", "seed"):
        assert f"{name} is " in told
    assert "give Costs(...)" in told
