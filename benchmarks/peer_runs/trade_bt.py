"""bt: an algo that transacts shares.

bt knows one price a session, at which it trades and values; it is given opens, and the shares
that were decided at the close before. Its daily values are those of opens, its final value is
cash.
"""

import sys

import bt
import numpy as np
import pandas as pd
from orders import CAPITAL, COMMISSION, order_table
from served import serve


class Pairs(bt.Algo):
    def __init__(self, orders):
        super().__init__()
        self.orders = orders

    def __call__(self, target):
        for ticker, shares in self.orders.get(target.now, ()):
            target.transact(shares, child=ticker)
        return True


def load(work):
    names = [f"T{k}" for k in range(work["close"].shape[1])]
    index = pd.DatetimeIndex(work["days"].astype("datetime64[ns]"))
    sizes = order_table(work)
    orders = {}
    for row, k in zip(*np.nonzero(sizes), strict=True):
        orders.setdefault(index[row], []).append((names[k], float(sizes[row, k])))
    return pd.DataFrame(work["opens"], index=index, columns=names), orders


def prepare(loaded, count):
    frame, orders = loaded
    return frame.copy(), orders


def run(given):
    frame, orders = given
    strategy = bt.Strategy("pairs", [Pairs(orders)], children=list(frame.columns))
    test = bt.Backtest(
        strategy, frame, initial_capital=CAPITAL, integer_positions=False, progress_bar=False,
        commissions=lambda shares, price: COMMISSION * abs(shares) * price,
    )  # fmt: skip
    test.run()
    return test.strategy.values


def read(values):
    return {"final": np.array(values.iloc[-1])}


if __name__ == "__main__":
    sys.exit(serve(load, prepare, run, read))
