"""Small worlds built by hand: events and prices for the backtest's tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eventstudy.backtest import FREE, backtest
from eventstudy.events.event import Event
from eventstudy.prices.table import PriceTable

PROJECT = Path(__file__).resolve().parents[2]
VENDOR = PROJECT / "../shared/prices"


def build_event(
    event_id: str,
    session_0: str,
    *,
    tickers: tuple[str, ...] = ("A", "B"),
    expects: Mapping[str, int] | None = None,
    subject: str = "",
    use: str = "study",
    known_on: str | None = None,
    same: str | None = None,
    row: int = 2,
) -> Event:
    later = np.datetime64(session_0, "D")
    earlier = np.datetime64(same or session_0, "D")
    return Event(
        event_id=event_id,
        date=later.item() if not np.isnat(later) else date(2024, 1, 1),
        tickers=tickers,
        time=None,
        timezone="America/New_York",
        session="pre",
        kind="test",
        subject=subject,
        expects=dict(expects or {}),
        use=use,
        known_on=None if known_on is None else date.fromisoformat(known_on),
        title="",
        source="",
        confidence="",
        note="",
        same=earlier,
        next=later,
        ambiguous=bool(earlier != later),
        why="by hand",
        row=row,
    )


def build_table(
    days: Sequence[Any],
    prices: Mapping[str, Mapping[str, Sequence[float]]],
    dividends: Mapping[str, Mapping[str, float]] | None = None,
) -> PriceTable:
    """Each ticker gives `close`, and `open` (else the close), `high`, `low` and `volume` or not."""
    dates = np.array(days, dtype="datetime64[D]")
    tickers = tuple(prices)
    shape = (len(dates), len(tickers))
    found = {name: np.full(shape, np.nan) for name in ("open", "high", "low", "close", "volume")}
    paid = np.zeros(shape)
    for i, ticker in enumerate(tickers):
        for name, values in {"open": prices[ticker]["close"], **prices[ticker]}.items():
            found[name][:, i] = values
        for day, amount in (dividends or {}).get(ticker, {}).items():
            paid[dates == np.datetime64(day, "D"), i] = amount
    none = np.full(shape, np.nan)
    bars = (found[name] for name in ("open", "high", "low", "close"))
    return PriceTable(tickers, dates, *bars, none, found["volume"], paid, "by hand")


def build_days(count: int, start: str = "2024-01-02") -> np.ndarray:
    """`count` weekdays from a date."""
    return np.busday_offset(np.datetime64(start, "D"), np.arange(count), roll="forward")


@pytest.fixture(scope="session")
def make_event():
    return build_event


@pytest.fixture(scope="session")
def make_table():
    return build_table


@pytest.fixture(scope="session")
def make_days():
    return build_days


@pytest.fixture(scope="session")
def flat(make_table):
    """`count` sessions of tickers that stand at fixed prices, with some bars changed."""

    def build(
        count: int, changes: Mapping[str, Mapping[int, float]] | None = None, **levels: float
    ):
        days = build_days(count)
        prices = {}
        for ticker, level in {**levels, "SPY": 100.0}.items():
            close = np.full(count, float(level))
            for row, value in (changes or {}).get(ticker, {}).items():
                close[row] = value
            prices[ticker] = {"close": close, "open": close.copy()}
        return days, prices

    return build


@pytest.fixture(scope="session")
def vendor_folder():
    if not VENDOR.is_dir():
        pytest.skip("the folder of real vendor quotes (../shared/prices) is not there")
    return VENDOR


@pytest.fixture(scope="session")
def trade():
    """Trade one strategy on bars by ticker; events `e0`, `e3` ... have session 0 on these rows.

    By Cerebro. Where the vectorised engine takes the run too, it has to end with the same.
    """

    def go(
        strategy: Any,
        prices: Mapping[str, Mapping[str, Sequence[float]]],
        *,
        rows: Sequence[int] = (0,),
        paid: Mapping[str, Mapping[int, float]] | None = None,
        start: str = "2024-03-04",
        **options: Any,
    ):
        days = build_days(max(len(bars["close"]) for bars in prices.values()), start)
        dividends = {t: {str(days[r]): x for r, x in by.items()} for t, by in (paid or {}).items()}
        events = [build_event(f"e{row}", str(days[row]), row=row) for row in rows]
        table = build_table(days, {"SPY": {"close": [500.0] * len(days)}, **prices}, dividends)
        options = {"costs": FREE, "capital": 100_000.0, **options}
        result = backtest(events, table, strategy, engine="cerebro", **options)
        either = backtest(events, table, strategy, **options)
        pd.testing.assert_frame_equal(result.equity, either.equity, rtol=0, atol=1e-7)
        pd.testing.assert_frame_equal(result.trades, either.trades, rtol=1e-12, atol=1e-7)
        assert result.skipped.equals(either.skipped)
        return result

    return go
