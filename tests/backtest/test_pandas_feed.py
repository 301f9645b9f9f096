"""The array feed against backtrader's PandasData: the same values and fills, bit for bit."""

import numpy as np
import pandas as pd
import pytest

from eventstudy.backtest import Costs, EventStrategy, Limits, backtest, feeds
from eventstudy.backtest.stock import bt

COUNT = 60
TICKERS = ("A", "B", "C")
FRAMES = ("trades", "orders", "equity", "skipped", "metrics")


class Pair(EventStrategy):
    """Two of the tickers by the event's number."""

    hold: int = 5
    gross: float = 0.4

    def targets(self, event, history):
        k = int(event.id[1:])
        return {TICKERS[k % 3]: 0.5, TICKERS[(k + 1) % 3]: -0.5}


def pandas_feed(table, ticker):
    """Return the bars that `feed_of` was given behind backtrader's own feed."""
    given = MADE(table, ticker).p
    return bt.feeds.PandasData(dataname=_frame(given.days, given.bars), name=ticker)


def pandas_clock(days):
    ones = np.ones(len(days))
    return bt.feeds.PandasData(dataname=_frame(days, dict.fromkeys(feeds.LINES[:5], ones)))


def _frame(days, bars):
    return pd.DataFrame(bars, index=pd.DatetimeIndex(days.astype("datetime64[ns]")))


MADE = feeds.feed_of


@pytest.fixture(params=[1, 2, 3])
def world(request, make_event, make_table, make_days):
    """Random walks with holes, a late listing, a delisting and dividends."""
    rng = np.random.default_rng(request.param)
    days = make_days(COUNT)
    prices = {}
    for k, name in enumerate((*TICKERS, "SPY")):
        close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, COUNT)))
        opens = close * np.exp(rng.normal(0, 0.01, COUNT))
        if name != "SPY":
            gone = rng.random(COUNT) < 0.05
            gone |= (np.arange(COUNT) < 5) if k == 1 else (np.arange(COUNT) > 48) & (k == 2)
            close[gone] = opens[gone] = np.nan
        prices[name] = {
            "close": close,
            "open": opens,
            "high": np.fmax(opens, close) * 1.01,
            "low": np.fmin(opens, close) * 0.99,
            "volume": rng.integers(1_000, 9_000, COUNT).astype(float),
        }
    paid = {name: {str(days[int(rng.integers(COUNT))]): 1.0} for name in TICKERS}
    events = [make_event(f"e{k}", str(days[2 + 4 * k]), tickers=TICKERS, row=k) for k in range(14)]
    return events, make_table(days, prices, paid)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"fill": "close", "stop_loss": 0.02},
        {"leg_stop": 0.02, "leg_target": 0.03, "participation": 0.2, "size_of": "equity"},
    ],
    ids=["open", "close", "range"],
)
def test_whole_runs_are_bit_identical(world, asked, monkeypatch):
    costs = Costs(3, 5, 200, impact=0.3, rebate=0.5)

    def run():
        return backtest(
            *world,
            (Pair, asked),
            costs=costs,
            limits=Limits(gross=0.9),
            risk_free=0.03,
            engine="cerebro",
        )

    ours = run()
    made = []
    monkeypatch.setattr(
        feeds, "feed_of", lambda *asked: made.append(asked[1]) or pandas_feed(*asked)
    )
    monkeypatch.setattr(feeds, "clock_of", pandas_clock)
    theirs = run()
    assert set(made) == {*TICKERS, "SPY"}
    assert len(ours.trades) > 5
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(ours, name), getattr(theirs, name), check_exact=True)


class Swings(bt.Strategy):
    """Stock backtrader: market, limit and stop orders in turn; every value and fill is kept."""

    def __init__(self):
        self.values, self.fills = [], []

    def next(self):
        self.values.append(self.broker.getvalue())
        for k, data in enumerate(self.datas):
            turn = (len(self) + k) % 6
            if turn == 0:
                self.buy(data=data, size=1.5)
            elif turn == 2:
                self.sell(data=data, size=1, exectype=bt.Order.Limit, price=data.close[0] * 1.005)
            elif turn == 4:
                self.sell(data=data, size=1, exectype=bt.Order.Stop, price=data.close[0] * 0.99)

    def notify_order(self, order):
        if order.status == order.Completed:
            done = order.executed
            self.fills.append((order.data._name, done.dt, done.price, done.size))


def test_stock_backtrader_sees_no_difference(world):
    """Its own broker, with slippage: the feed without ticks is read by the bar."""
    _, table = world

    def run(feed):
        cerebro = bt.Cerebro(stdstats=False)
        for ticker in ("A", "SPY"):
            cerebro.adddata(feed(table, ticker), name=ticker)
        cerebro.broker.set_slippage_perc(0.002)
        cerebro.addstrategy(Swings)
        done = cerebro.run()[0]
        return done.values, done.fills

    ours, theirs = run(MADE), run(pandas_feed)
    assert ours == theirs
    assert len(ours[1]) > 10
