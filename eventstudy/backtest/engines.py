"""Which engine runs a strategy: the vectorised one in its domain, Cerebro elsewhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.desk import Desk
from eventstudy.backtest.library import Strategy
from eventstudy.backtest.market import has_bar
from eventstudy.errors import BacktestError

Floats = npt.NDArray[np.float64]
ENGINES = ("auto", "cerebro", "vectorised")


def run_desk(desk: Desk, strategy: Strategy, rates: Floats, seed: int, engine: str) -> None:
    """Run one strategy; the desk holds what happened and by which engine.

    Parameters
    ----------
    desk : Desk
    strategy : Strategy
    rates : ndarray, shape (S,)
        Return on cash for each session of the desk's table.
    seed : int
    engine : str
        One of `ENGINES`.

    Raises
    ------
    BacktestError
        Where the vectorised engine alone was asked for and refuses.
    """
    from eventstudy.backtest.fastpath import FastPathRefused, run_vectorised

    if engine == "cerebro":
        run_cerebro(desk, strategy, rates, seed)
        return
    try:
        run_vectorised(desk, strategy, rates, seed)
    except FastPathRefused as refused:
        if engine == "vectorised":
            raise BacktestError(f"{desk.name}: the vectorised engine refuses: {refused}") from None
        desk.why_cerebro = str(refused)
        run_cerebro(desk, strategy, rates, seed)


def run_cerebro(desk: Desk, strategy: Strategy, rates: Floats, seed: int) -> None:
    """Run one strategy through Cerebro; the desk holds what happened."""
    from eventstudy.backtest.broker import SleeveBroker
    from eventstudy.backtest.feeds import clock_of, feed_of
    from eventstudy.backtest.stock import bt

    table, first = desk.market.table, desk.first
    days = table.dates[first:]
    cerebro = bt.Cerebro(stdstats=False, preload=True, runonce=True)
    cerebro.adddata(clock_of(days), name="sessions")
    live = table.on_sessions(days)
    traded = np.array(table.tickers)[has_bar(live).any(axis=0)].tolist()
    desk.feeds = {ticker: cerebro.adddata(feed_of(live, ticker), name=ticker) for ticker in traded}
    broker = SleeveBroker()
    broker.setcash(desk.market.capital)
    dividends = table.cash_dividends[first:]
    broker.prepare(
        desk,
        days,
        {t: dividends[:, table.column(t)] for t in traded},
        np.concatenate([np.zeros(1), rates[first + 1 :]]),
    )
    cerebro.setbroker(broker)
    cerebro.addstrategy(strategy.cls, desk=desk, values=strategy.parameters, seed=seed)
    cerebro.run()
