"""Traps of backtrader that touch a pair trade: first the trap, then that we do not fall in.

Each test runs stock backtrader 1.9.78.123 to show what it does, then the same world through
the framework. Numbers of the traps are those of the project's own list.
"""

import math

import numpy as np
import pandas as pd
import pytest

from eventstudy.backtest import FREE, Costs, EventStrategy, Limits, backtest
from eventstudy.backtest.feeds import ArrayFeed
from eventstudy.backtest.stock import bt
from eventstudy.errors import BacktestError

NAN = float("nan")


def frame(close, start="2024-01-02", opens=None, high=None, low=None, drop=()):
    close = np.asarray(close, dtype=float)
    days = pd.bdate_range(start, periods=len(close))
    opens = close if opens is None else np.asarray(opens, dtype=float)
    made = pd.DataFrame(
        {
            "open": opens,
            "high": np.fmax(opens, close) if high is None else high,
            "low": np.fmin(opens, close) if low is None else low,
            "close": close,
            "volume": 0.0,
        },
        index=days,
    )
    return made.drop(index=days[list(drop)])


class Script(bt.Strategy):
    """Stock backtrader: run `acts` (bar number -> function) and note every order's fate."""

    params = (("acts", None),)

    def __init__(self):
        self.fates, self.called, self.values = [], [], []

    def next(self):
        self.called.append(len(self))
        self.values.append(self.broker.getvalue())
        act = self.p.acts.get(len(self))
        if act:
            act(self)

    def notify_order(self, order):
        if not order.alive():
            when = bt.num2date(order.executed.dt).date().isoformat()
            fate = (order.data._name, order.getstatusname(), when, order.executed.price)
            self.fates.append(fate)


def stock(frames, acts, cash=100_000.0, commission=None, **broker):
    cerebro = bt.Cerebro(stdstats=False)
    for name, data in frames.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=data), name=name)
    cerebro.broker.setcash(cash)
    cerebro.broker.set_coc(broker.pop("coc", False))
    if broker:
        cerebro.broker.set_slippage_perc(**broker)
    if commission:
        cerebro.broker.addcommissioninfo(commission)
    cerebro.addstrategy(Script, acts=acts)
    return cerebro.run()[0]


class Pair(EventStrategy):
    """Long A and short B."""

    gross: float = 1.0
    hold: int = 3
    long: float = 0.5
    short: float = -0.5

    def targets(self, event, history):
        return {"A": self.long, "B": self.short}


class OnlyA(EventStrategy):
    """Long A with the whole sleeve."""

    gross: float = 1.0
    hold: int = 3

    def targets(self, event, history):
        return {"A": 1.0}


@pytest.fixture
def run(make_event, make_table, flat):
    """Run a strategy on flat prices with some bars changed; events at the given rows."""

    def go(strategy, changes=None, rows=(2,), count=12, opens=None, levels=None, **options):
        days, prices = flat(count, changes, **(levels or {"A": 100.0, "B": 50.0}))
        for ticker, given in (opens or {}).items():
            for row, value in given.items():
                prices[ticker]["open"][row] = value
        events = [make_event(f"e{row}", str(days[row]), row=row) for row in rows]
        options = {"costs": FREE, "capital": 100_000.0, **options}
        return backtest(events, make_table(days, prices), strategy, **options)

    return go


def test_1_a_late_listing_puts_stock_next_to_sleep(run):
    frames = {"A": frame([100.0] * 20), "B": frame([50.0] * 10, start="2024-01-16")}
    assert stock(frames, {}).called[0] == 11
    ours = run(OnlyA, {"B": dict.fromkeys(range(8), NAN)})
    assert ours.trades["ticker"].tolist() == ["A"]
    assert (ours.orders["status"] == "filled").all()


def test_2_a_missing_bar_splits_a_stock_pair_and_cancels_ours(run):
    frames = {"A": frame([100.0] * 8), "B": frame([50.0] * 8, drop=[3])}
    acts = {3: lambda s: (s.buy(data=s.datas[0]), s.sell(data=s.datas[1]))}
    fills = {name: when for name, _, when, _ in stock(frames, acts).fates}
    assert fills == {"A": "2024-01-05", "B": "2024-01-08"}
    ours = run(Pair, {"B": {3: NAN}})
    assert ours.trades.empty
    assert set(ours.orders["status"]) == {"cancelled"}
    assert set(ours.orders["reason"]) == {"no bar of B on 2024-01-05: no leg was traded"}
    assert ours.skipped[["event_id", "reason"]].to_numpy().tolist() == [["e2", "cancelled"]]
    assert ours.equity["value"].eq(100_000.0).all()


def test_2_an_exit_without_a_bar_is_sent_again(run):
    ours = run(Pair, {"B": {6: NAN}})
    legs = ours.trades.set_index("ticker")
    assert legs["exit_date"].dt.strftime("%m-%d").to_dict() == {"A": "01-10", "B": "01-11"}
    exits = ours.orders[ours.orders["group"] == "e2:exit"]
    again = exits[exits["status"] == "cancelled"]
    assert again["reason"].tolist() == ["no bar of B on 2024-01-10; sent again"]


def test_3_a_nan_row_poisons_stock_cash_and_never_fills_ours(run):
    broken = frame([100.0, 100.0, 100.0, NAN, 100.0, 100.0])
    poisoned = stock({"A": broken}, {3: lambda s: s.buy(size=10)})
    assert poisoned.fates[0][1] == "Completed"
    assert math.isnan(poisoned.fates[0][3])
    assert math.isnan(poisoned.broker.getvalue())
    ours = run(OnlyA, {"A": {3: NAN}})
    assert ours.trades.empty
    assert np.isfinite(ours.equity["value"]).all()
    held = run(OnlyA, {"A": {4: NAN}})
    assert np.isfinite(held.equity["value"]).all()
    assert len(held.trades) == 1
    with pytest.raises(BacktestError, match="a bar without a finite close"):
        ArrayFeed(
            days=np.array(["2024-01-02"], dtype="datetime64[D]"),
            bars={"open": [1.0], "high": [1.0], "low": [1.0], "close": [NAN]},
            name="A",
        )


def test_4_a_delisted_leg_freezes_in_stock_and_is_settled_by_us(run):
    frames = {"A": frame([100.0] * 9), "B": frame([50.0] * 5)}
    acts = {
        3: lambda s: (s.buy(data=s.datas[0]), s.sell(data=s.datas[1])),
        7: lambda s: (s.close(data=s.datas[0]), s.close(data=s.datas[1])),
    }
    frozen = stock(frames, acts)
    assert [f[0] for f in frozen.fates] == ["A", "B", "A"]  # no word on B's exit
    assert frozen.getposition(frozen.datas[1]).size == -1
    ours = run(Pair, {"B": {4: 45.0, **dict.fromkeys(range(5, 12), NAN)}})
    leg = ours.trades.set_index("ticker").loc["B"]
    assert leg["exit_reason"] == "frozen at last price"
    assert leg["exit_price"] == 45.0
    assert leg["exit_date"] == pd.Timestamp("2024-01-10")  # when the exit was due
    assert leg["pnl"] == pytest.approx(1000 * (50 - 45))
    assert ours.orders.query("ticker == 'B' and group == 'e2:exit'")["status"].tolist() == [
        "settled"
    ]
    assert ours.equity["gross"].iloc[-1] == 0.0


def test_5_an_order_on_the_last_bar_vanishes_in_stock_and_is_recorded_by_us(run):
    silent = stock({"A": frame([100.0] * 5)}, {5: lambda s: s.buy(size=1)})
    assert silent.fates == []
    ours = run(Pair, rows=(11,))
    assert ours.orders[["status", "reason"]].to_numpy().tolist() == [["lost", "end of data"]] * 2
    assert ours.skipped[["event_id", "reason"]].to_numpy().tolist() == [["e11", "lost"]]
    held = run(Pair, {"A": {11: 110.0}}, rows=(8,))  # the exit would fall after the last bar
    assert set(held.trades["exit_reason"]) == {"open at end of data"}
    assert held.orders["status"].tolist() == ["filled", "filled", "lost", "lost"]
    assert held.trades.set_index("ticker").loc["A", "pnl"] == pytest.approx(500 * 10)


def test_6_stock_refuses_a_rotation_that_buys_before_it_sells(run):
    frames = {"A": frame([100.0] * 8), "B": frame([100.0] * 8)}
    acts = {
        1: lambda s: s.buy(data=s.datas[0], size=900),
        4: lambda s: (s.buy(data=s.datas[1], size=900), s.sell(data=s.datas[0], size=900)),
    }
    assert ("B", "Margin") in [f[:2] for f in stock(frames, acts).fates]

    class Rotate(OnlyA):
        gross: float = 0.9

        def targets(self, event, history):
            return {"B" if event.id == "e5" else "A": 1.0}

    # e2 holds A from row 3 to row 6; e5 decides after row 5 and buys B at the same open.
    ours = run(Rotate, rows=(2, 5), levels={"A": 100.0, "B": 100.0})
    assert (ours.orders["status"] == "filled").all()
    assert ours.trades["ticker"].tolist() == ["A", "B"]
    assert ours.trades["entry_date"].iloc[1] == ours.trades["exit_date"].iloc[0]


def test_7_a_gap_up_leaves_stock_with_nothing_and_us_with_a_reason(run):
    gapped = frame([100.0, 100.0, 100.0, 101.0, 101.0], opens=[100, 100, 100, 101, 101])
    refused = stock({"A": gapped}, {3: lambda s: s.order_target_percent(target=1.0)})
    assert [f[1] for f in refused.fates] == ["Margin"]
    ours = run(OnlyA, opens={"A": {3: 101.0}}, limits=Limits(single=2, gross=2, net=2))
    assert ours.orders["status"].tolist() == ["rejected"]
    assert ours.orders["reason"].tolist() == ["cash would be -1,000.00"]
    named = run(OnlyA, opens={"A": {3: 101.0}})
    assert named.orders["reason"].tolist() == ["net exposure would be 1.010 of equity, limit 1"]
    # A pair whose long leg alone would break the limit: neither leg is traded.
    pair = run((Pair, {"long": 1.0}), opens={"A": {3: 101.0}})
    assert set(pair.orders["status"]) == {"rejected"}
    assert pair.trades.empty


def test_8_stock_sells_short_without_limit_and_we_do_not(run):
    naked = stock({"A": frame([100.0] * 5)}, {2: lambda s: s.sell(size=10_000)}, cash=10_000.0)
    assert naked.fates[0][1] == "Completed"
    assert naked.getposition(naked.datas[0]).size == -10_000  # 100 times the account
    ours = run((Pair, {"long": 0.5, "short": -100.0}))
    assert ours.trades.empty
    assert ours.orders["reason"].iloc[0].startswith("gross exposure would be 100.500 of equity")
    # A long leg paid by the proceeds of a short one: 100% short lets stock buy 200%.
    both = {2: lambda s: (s.sell(data=s.datas[1], size=100), s.buy(data=s.datas[0], size=200))}
    frames = {"A": frame([100.0] * 5), "B": frame([100.0] * 5)}
    funded = stock(frames, both, cash=10_000.0)
    assert [f[1] for f in funded.fates] == ["Completed", "Completed"]
    assert run((Pair, {"long": 2.0, "short": -1.0})).trades.empty


def test_9_stock_slippage_vanishes_when_open_is_the_high(run):
    bar = frame([100.0] * 5)
    clipped = stock({"A": bar}, {2: lambda s: s.buy(size=1)}, perc=0.01)
    assert clipped.fates[0][3] == 100.0
    ours = run(OnlyA, costs=Costs(commission_bp=0, half_spread_bp=100, borrow_bp=0), capital=1e6,
               limits=Limits(single=2, net=2, cash=False))  # fmt: skip
    assert ours.trades["entry_price"].tolist() == pytest.approx([101.0])
    assert ours.trades["exit_price"].tolist() == pytest.approx([99.0])
    assert ours.trades["costs"].tolist() == pytest.approx([10_000 * 2.0])


def test_10_cheat_on_close_with_slippage_sees_the_next_bar(run):
    data = frame([100.0, 100.0, 80.0, 80.0], opens=[100, 100, 81, 80])
    looked = stock({"A": data}, {2: lambda s: s.buy(size=1)}, coc=True, perc=0.001)
    assert looked.fates[0][3] == 81.0  # the next bar's high, not 100.1
    ours = run(OnlyA, opens={"A": {3: 81.0}}, costs=Costs(0, 10, 0))
    assert ours.trades["entry_price"].tolist() == pytest.approx([81 * 1.001])
    assert ours.trades["entry_date"].tolist() == [pd.Timestamp("2024-01-05")]


def test_11_stock_targets_truncate_and_ignore_pending_orders(run):
    twice = {2: lambda s: [s.order_target_percent(target=0.5) for _ in range(2)]}
    assert stock({"A": frame([30_001.0] * 5)}, twice, cash=100_000.0).position.size == 2
    # Two events on one day, a sleeve of 40% each: fractional shares, both filled in full.
    ours = run((OnlyA, {"gross": 0.4}), rows=(2, 2), levels={"A": 30_001.0})
    assert ours.trades["size"].tolist() == pytest.approx([40_000 / 30_001] * 2)
    assert ours.equity["gross"].max() == pytest.approx(0.8)


def test_12_stock_charges_borrow_on_the_entry_price_and_365_days(run):
    close = [100.0, 100.0, 100.0, 200.0, 200.0, 200.0]  # 2024-01-02 is a Tuesday

    fee = bt.CommissionInfo(commission=0.0, interest=0.365)
    charged = stock({"A": frame(close)}, {2: lambda s: s.sell(size=1)}, commission=fee)
    # Filled on Thursday at 100: Friday costs 0.1; Monday three days of 100, not of 200.
    assert charged.values[3] == pytest.approx(100_000 - 100 - 0.1)
    assert charged.values[4] == pytest.approx(100_000 - 100 - 0.1 - 0.3)

    class ShortA(OnlyA):
        def targets(self, event, history):
            return {"A": -0.001}

    changes = {"A": dict.fromkeys(range(3, 12), 200.0)}
    ours = run(ShortA, changes, rows=(1,), opens={"A": {2: 100.0}},
               costs=Costs(0, 0, 3600))  # fmt: skip
    # One share, filled on Thursday (row 2) at 100. At 36% on 360 days a day costs 0.1%:
    # Friday 0.1 on Thursday's 100, Monday three days on Friday's 200.
    assert ours.equity["value"].iloc[1] == 100_000
    assert ours.equity["value"].iloc[2] == pytest.approx(100_000 - 100 - 0.1)
    assert ours.equity["value"].iloc[3] == pytest.approx(100_000 - 100 - 0.1 - 0.6)


def test_12b_a_commission_of_0_001_is_a_thousandth_of_a_percent_in_stock(run):
    def cost(info):
        done = stock({"A": frame([100.0] * 5)}, {2: lambda s: s.buy(size=100)}, commission=info)
        return 100_000 - done.broker.getvalue()

    assert cost(bt.CommInfoBase(commission=0.001, stocklike=True)) == pytest.approx(0.1)
    assert cost(bt.CommInfoBase(commission=0.001, percabs=True)) == pytest.approx(10.0)
    ours = run(
        (OnlyA, {"gross": 0.1}), costs=Costs(commission_bp=10, half_spread_bp=0, borrow_bp=0)
    )
    assert ours.metrics["commission"].iloc[0] == pytest.approx(10.0 + 10.0)


def test_13_the_stock_sharpe_ratio_is_not_ours(run):
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame(100 + np.arange(60) % 7)))
    cerebro.addstrategy(Script, acts={2: lambda s: s.buy(size=100)})
    cerebro.addanalyzer(bt.analyzers.SharpeRatio, _name="sharpe")
    assert cerebro.run()[0].analyzers.sharpe.get_analysis()["sharperatio"] is None  # under a year
    ours = run(OnlyA, {"A": {4: 103.0, 5: 101.0, 6: 104.0}})
    returns = ours.equity["value"].pct_change().dropna()
    expected = returns.mean() / returns.std(ddof=1) * math.sqrt(252)
    assert ours.metrics["sharpe"].iloc[0] == pytest.approx(expected, rel=1e-12)


def test_14_the_stock_trade_analyzer_breaks_without_trades(run):
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame([100.0] * 5)))
    cerebro.addstrategy(Script, acts={})
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer, _name="trades")
    analysis = cerebro.run()[0].analyzers.trades.get_analysis()
    assert list(analysis) == ["total"]

    class Never(OnlyA):
        def targets(self, event, history):
            return {}

    ours = run(Never)
    row = ours.metrics.iloc[0]
    assert (row["events_traded"], row["events_skipped"], row["trades"]) == (0, 1, 0)
    assert math.isnan(row["hit_rate"])
    assert row["commission"] == 0.0
    assert ours.skipped["detail"].tolist() == ["targets returned no weights"]
    assert "never" in str(ours)


def test_15_stock_strategies_reach_the_future_and_histories_end_today(run):
    seen = []
    peek = {2: lambda s: seen.append(s.data.close[1])}
    stock({"A": frame([100.0, 100.0, 123.0, 100.0])}, peek)
    assert seen == [123.0]
    histories = []

    class Look(OnlyA):
        def targets(self, event, history):
            histories.append(history)
            return {}

    run(Look, {"A": {3: 123.0}})
    history = histories[0]
    assert history.dates[-1] == np.datetime64("2024-01-04")
    assert len(history) == 3
    for values in (history.open, history.high, history.low, history.close, history.returns):
        assert values.shape == (3, 3)
        assert values.base is None  # its own memory: nothing behind it
        with pytest.raises(ValueError, match="read-only"):
            values[0, 0] = 1.0
    with pytest.raises(AttributeError):
        history.close = None


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (["2024-01-03", "2024-01-02"], "2024-01-02 comes after 2024-01-03"),
        (["2024-01-02", "2024-01-02"], "2024-01-02 appears twice"),
    ],
)
def test_16_stock_takes_dates_in_any_order_and_our_feed_refuses(days, words):
    index = pd.DatetimeIndex(days)
    data = pd.DataFrame(
        {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 0.0}, index=index
    )
    assert len(stock({"A": data}, {}).called) == 2
    one = np.ones(2)
    bars = {"open": one, "high": one, "low": one, "close": one}
    with pytest.raises(BacktestError, match=words):
        ArrayFeed(days=np.array(days, dtype="datetime64[D]"), bars=bars, name="A")


def test_17_stock_knows_no_dividends_and_we_pay_them_both_ways(make_event, make_table, flat):
    days, prices = flat(8, {"A": dict.fromkeys(range(4, 8), 99.0)}, A=100.0, B=50.0)
    held = stock({"A": frame(prices["A"]["close"])}, {3: lambda s: s.buy(size=500)})
    assert held.broker.getvalue() == 100_000 - 500  # the ex-dividend drop looks like a loss
    table = make_table(days, prices, {"A": {str(days[4]): 1.0}, "B": {str(days[4]): 0.5}})
    events = [make_event("e", str(days[2]))]
    ours = backtest(events, table, Pair, costs=FREE, capital=100_000.0)
    assert ours.trades.set_index("ticker")["pnl"].to_dict() == {"A": 0.0, "B": -500.0}


@pytest.mark.filterwarnings("ignore:.*utcnow:DeprecationWarning")  # without preload, on 3.12
def test_the_array_feed_equals_pandas_data(make_days):
    """Bit for bit: every line, every bar, preloaded or not."""
    rng = np.random.default_rng(7)
    data = frame(100 * np.exp(np.cumsum(rng.normal(0, 0.02, 50))))
    data["high"] *= 1.01
    data["low"] *= 0.99

    class Copy(bt.Strategy):
        def __init__(self):
            self.rows = []

        def next(self):
            d = self.data
            self.rows.append((d.datetime[0], d.open[0], d.high[0], d.low[0], d.close[0]))

    def rows(feed, preload):
        cerebro = bt.Cerebro(stdstats=False, preload=preload, runonce=preload)
        cerebro.adddata(feed)
        cerebro.addstrategy(Copy)
        return cerebro.run()[0].rows

    bars = {name: data[name].to_numpy() for name in ("open", "high", "low", "close")}
    expected = rows(bt.feeds.PandasData(dataname=data), True)
    for preload in (True, False):
        feed = ArrayFeed(days=data.index.to_numpy().astype("datetime64[D]"), bars=bars, name="A")
        assert rows(feed, preload) == expected
