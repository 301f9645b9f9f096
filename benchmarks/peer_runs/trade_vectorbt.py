"""vectorbt: Portfolio.from_orders on a table of shares, filled at opens, one cash account.

Orders are decided beforehand: what is timed is the simulation and the account's value.
"""

import sys

import numpy as np
import pandas as pd
import vectorbt as vbt
from orders import CAPITAL, COMMISSION, order_table
from served import serve


def load(work):
    names = [f"T{k}" for k in range(work["close"].shape[1])]
    index = pd.DatetimeIndex(work["days"].astype("datetime64[ns]"))
    sizes = order_table(work)
    frames = work["close"], work["opens"], np.where(sizes == 0.0, np.nan, sizes)
    return [pd.DataFrame(values, index=index, columns=names) for values in frames]


def prepare(loaded, count):
    return [frame.copy() for frame in loaded]


def run(given):
    close, opens, sizes = given
    account = vbt.Portfolio.from_orders(
        close, size=sizes, price=opens, fees=COMMISSION, init_cash=CAPITAL,
        cash_sharing=True, group_by=True, freq="1D",
    )  # fmt: skip
    return account.value()


def read(values):
    return {"final": np.array(values.iloc[-1])}


if __name__ == "__main__":
    sys.exit(serve(load, prepare, run, read))
