"""The pair trades of a work as orders, for backtesters that have no events. numpy only."""

import numpy as np

CAPITAL = 1e6
COMMISSION = 1e-4
HOLD = 10
LEG = 0.1


def order_table(work):
    """Return shares ordered, shape (T, K): a row's orders fill at that session's open."""
    sizes = np.zeros_like(work["close"])
    for sign, tickers in ((1.0, work["long"]), (-1.0, work["short"])):
        shares = sign * LEG * CAPITAL / work["close"][work["rows"], tickers]
        np.add.at(sizes, (work["rows"] + 1, tickers), shares)
        np.add.at(sizes, (work["rows"] + 1 + HOLD, tickers), -shares)
    return sizes
