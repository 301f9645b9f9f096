"""Where the profit came from: by event, kind, side, ticker and month of exit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.backtest.metrics import STILL

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ATTRIBUTION_BY = (
    "strategy", "by", "key", "legs", "events", "pnl", "costs", "dividends", "share_of_pnl",
    "hit_rate",
)  # fmt: skip
BY = ("event", "kind", "side", "ticker", "exit_month")


def attribution_by(trades: pd.DataFrame, kinds: pd.Series) -> pd.DataFrame:
    """Return the profit of every strategy split in several ways, one below the other.

    Within one strategy and one way the rows sum to the profit of all its trades.

    Parameters
    ----------
    trades : DataFrame
        One row a leg: strategy, event_id, ticker, side, exit_date, pnl, costs, dividends.
    kinds : Series
        Kind by event_id.

    Returns
    -------
    DataFrame
        strategy, by (``event``, ``kind``, ``side``, ``ticker``, ``exit_month``), key, legs,
        events, pnl, costs, dividends, share_of_pnl (of the strategy's trades: positive for a
        part that went the way of the whole; missing where the whole is zero), hit_rate (share
        of the events whose legs in this row earned more than nothing together).
    """
    keys = {
        "event": trades["event_id"],
        "kind": trades["event_id"].map(kinds),
        "side": trades["side"],
        "ticker": trades["ticker"],
        "exit_month": trades["exit_date"].dt.strftime("%Y-%m"),
    }
    columns = {way: keys[way].astype("object").to_numpy() for way in BY}
    money = trades[["pnl", "costs", "dividends"]].to_numpy(dtype=np.float64)
    traded = (trades["size"] * trades["entry_price"]).to_numpy(dtype=np.float64)
    events = pd.factorize(trades["event_id"])[0]
    names = trades["strategy"].astype("object").to_numpy()
    rows: list[tuple[Any, ...]] = []
    for name in dict.fromkeys(names):
        mine = names == name
        for way, column in columns.items():
            found = split(
                column[mine], events[mine], money[mine], traded[mine], ordered=way == "exit_month"
            )
            rows += [(name, way, *row) for row in found]
    kinds_of_columns = {
        **dict.fromkeys(("strategy", "by", "key"), "str"),
        **dict.fromkeys(("legs", "events"), "int64"),
        **dict.fromkeys(("pnl", "costs", "dividends", "share_of_pnl", "hit_rate"), "float64"),
    }
    return pd.DataFrame(rows, columns=list(ATTRIBUTION_BY)).astype(kinds_of_columns)


def split(
    keys: npt.NDArray[np.object_],
    events: Ints,
    money: Floats,
    traded: Floats,
    *,
    ordered: bool = False,
) -> list[tuple[Any, ...]]:
    """Return legs put together by key: key, legs, events, sums of money, share, hit rate.

    Parameters
    ----------
    keys : ndarray, shape (L,)
        Of the legs of one strategy.
    events : ndarray, shape (L,), int
        Which event each leg belongs to.
    money : ndarray, shape (L, 3)
        Profit, costs and dividends.
    traded : ndarray, shape (L,)
        Value at entry; a profit below `eventstudy.backtest.metrics.STILL` of it is none.
    ordered : bool
        Whether the keys come in their own order rather than that of their appearance.
    """
    codes, found = pd.factorize(keys, sort=ordered)
    sums = np.zeros((len(found), money.shape[1]))
    np.add.at(sums, codes, money)
    legs = np.bincount(codes, minlength=len(found))
    # One row of `pairs` for each event within a key: what its legs there earned together.
    pairs, of = np.unique(np.column_stack([codes, events]), axis=0, return_inverse=True)
    earned = np.bincount(of.ravel(), money[:, 0])
    count = np.bincount(pairs[:, 0], minlength=len(found))
    moved = np.bincount(of.ravel(), np.abs(traded))
    hits = np.bincount(pairs[:, 0], earned > STILL * moved, minlength=len(found))
    whole = float(money[:, 0].sum())
    shares = sums[:, 0] / whole if whole else np.full(len(found), np.nan)
    return list(zip(found, legs, count, *sums.T, shares, hits / count, strict=True))
