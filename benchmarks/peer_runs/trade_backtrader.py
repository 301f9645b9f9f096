"""Stock backtrader: PandasData feeds and a plain strategy, market orders at the next open."""

import sys

import backtrader as bt
import numpy as np
import pandas as pd
from orders import CAPITAL, COMMISSION, HOLD, LEG
from served import serve


class Pairs(bt.Strategy):
    params = (("entries", None),)

    def __init__(self):
        self.open_legs = {}

    def next(self):
        row = len(self) - 1
        for k, shares in self.open_legs.pop(row, ()):
            self.sell(self.datas[k], size=shares) if shares > 0 else self.buy(
                self.datas[k], size=-shares
            )
        for long, short in self.p.entries.get(row, ()):
            cash = LEG * CAPITAL
            bought, sold = (cash / self.datas[k].close[0] for k in (long, short))
            self.buy(self.datas[long], size=bought)
            self.sell(self.datas[short], size=sold)
            self.open_legs.setdefault(row + HOLD, []).extend([(long, bought), (short, -sold)])


def load(work):
    index = pd.DatetimeIndex(work["days"].astype("datetime64[ns]"))
    fields = {"open": "opens", "high": "high", "low": "low", "close": "close"}
    frames = [
        pd.DataFrame({name: work[own][:, k] for name, own in fields.items()}, index=index)
        for k in range(work["close"].shape[1])
    ]
    entries = {}
    for row, long, short in zip(work["rows"], work["long"], work["short"], strict=True):
        entries.setdefault(int(row), []).append((int(long), int(short)))
    return frames, entries


def prepare(loaded, count):
    frames, entries = loaded
    return [frame.copy() for frame in frames], entries


def run(given):
    frames, entries = given
    cerebro = bt.Cerebro(stdstats=False)
    for frame in frames:
        cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.broker.setcash(CAPITAL)
    cerebro.broker.setcommission(commission=COMMISSION)
    cerebro.addstrategy(Pairs, entries=entries)
    cerebro.run()
    return cerebro.broker.getvalue()


def read(value):
    return {"final": np.array(value)}


if __name__ == "__main__":
    sys.exit(serve(load, prepare, run, read))
