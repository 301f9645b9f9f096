"""Returns, positions and transactions in the shapes that other packages take.

pyfolio, empyrical and quantstats read a Series of simple returns by date; pyfolio also reads
the money in each ticker by date with a column ``cash``, and transactions by date. They are
worked out from the trades and the account, for any engine.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.backtest.ledger import FROZEN, OPEN_AT_END
from eventstudy.errors import UnknownNameError

HELD = (OPEN_AT_END, FROZEN)
"""Exit reasons of a leg that is still held at the last close."""


def returns_of(equity: pd.DataFrame, name: str) -> pd.Series:
    """Return simple returns by session, without the first session, which has none.

    Parameters
    ----------
    equity : DataFrame
        As in `BacktestResult.equity`.
    name : str
        Of a strategy or yardstick.

    Raises
    ------
    UnknownNameError
    """
    rows = _rows_of(equity, name).set_index("date")
    return rows["return"].iloc[1:].rename(name)


def positions_of(
    trades: pd.DataFrame, equity: pd.DataFrame, closes: pd.DataFrame, name: str
) -> pd.DataFrame:
    """Return the money in each ticker at each close, negative where it is sold short, and cash.

    Parameters
    ----------
    trades, equity : DataFrame
        As in `BacktestResult`.
    closes : DataFrame, shape (S, N)
        By session and ticker, the last close where a session has none.
    name : str
        Of a strategy.

    Returns
    -------
    DataFrame
        One row a session, a column for each ticker that the strategy traded, and ``cash``:
        each row sums to the account's value.

    Raises
    ------
    UnknownNameError
    """
    account = _rows_of(equity, name).set_index("date")["value"]
    own = trades[trades["strategy"] == name]
    tickers = sorted(own["ticker"].unique())
    held = shares_of(own, account.index, tickers) * closes.loc[account.index, tickers].to_numpy()
    held[np.isnan(held)] = 0.0
    frame = pd.DataFrame(held, index=account.index, columns=pd.Index(tickers, dtype="object"))
    return frame.assign(cash=account - held.sum(axis=1))


def shares_of(trades: pd.DataFrame, days: pd.Index, tickers: list[str]) -> npt.NDArray[np.float64]:
    """Return signed shares after each session, shape (S, N)."""
    signed = trades["size"].to_numpy() * np.where(trades["side"] == "long", 1.0, -1.0)
    begin = days.searchsorted(trades["entry_date"])
    held = trades["exit_reason"].isin(HELD)
    end = np.where(held, len(days), days.searchsorted(trades["exit_date"]))
    columns = pd.Index(tickers).get_indexer(pd.Index(trades["ticker"]))
    shares = np.zeros((len(days), len(tickers)))
    for first, last, column, size in zip(begin, end, columns, signed, strict=True):
        shares[first:last, column] += size
    return shares


def transactions_of(trades: pd.DataFrame, equity: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return what was bought and sold: amount (signed shares), price and symbol by date.

    A leg that is open at the end has its entry alone.

    Parameters
    ----------
    trades, equity : DataFrame
        As in `BacktestResult`.
    name : str
        Of a strategy.

    Raises
    ------
    UnknownNameError
    """
    _rows_of(equity, name)
    own = trades[trades["strategy"] == name]
    sign = np.where(own["side"] == "long", 1.0, -1.0)
    entries = pd.DataFrame(
        {
            "date": own["entry_date"],
            "amount": sign * own["size"],
            "price": own["entry_price"],
            "symbol": own["ticker"],
        }
    )
    exits = entries.assign(
        date=own["exit_date"], amount=-entries["amount"], price=own["exit_price"]
    )[~own["exit_reason"].isin(HELD)]
    both = pd.concat([entries, exits]).sort_values("date", kind="stable")
    return both.set_index("date")


def _rows_of(equity: pd.DataFrame, name: str) -> pd.DataFrame:
    rows = equity[equity["strategy"] == name]
    if rows.empty:
        raise UnknownNameError("strategy of this run", name, list(equity["strategy"].unique()))
    return rows
