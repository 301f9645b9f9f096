"""Prices with the calendar and the trades on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.report.figures.contract import Choice, Figure, Spec, with_variants
from eventstudy.report.figures.style import (
    BLUE,
    GREEN,
    MUTED,
    ORANGE,
    PURPLE,
    VERMILLION,
    axis,
    layout,
    log_axis,
    numbers,
    safe,
)
from eventstudy.report.frames import records

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.backtest.result import BacktestResult
    from eventstudy.study import StudyResult

MOST_TICKERS = 8
BEFORE = 40
"""Sessions shown before the first studied event."""


def price_figure(study: StudyResult, backtest: BacktestResult | None, case: str) -> Figure:
    """Return closes of the basket members and traded tickers, events and trades marked."""
    tickers = _chosen(study, backtest, case)
    variants = {ticker: _price_spec(study, backtest, ticker) for ticker in tickers}
    said = ", ".join(f"{ticker} {len(_marked(study, ticker)[0])} events" for ticker in tickers)
    return with_variants(
        "prices",
        "Prices with the calendar",
        "Closing prices adjusted for splits, on a log scale. Open diamonds: session 0 of studied "
        "events that name the ticker or its basket (uncertain times at the later session). "
        "Triangles: trades, where a backtest was run.",
        f"Events marked by ticker: {said}.",
        (Choice("Ticker", tuple((t, t) for t in tickers)),),
        variants,
        tickers[0],
    )


def _chosen(study: StudyResult, backtest: BacktestResult | None, case: str) -> list[str]:
    event = study.events[case]
    baskets = study.events.baskets
    named = list(baskets.resolve(event.tickers)) + list(baskets.resolve(baskets))
    if backtest is not None and len(backtest.trades):
        named += backtest.trades["ticker"].value_counts().index.tolist()
    if study.config.benchmark:
        named.append(study.config.benchmark)
    found = [t for t in dict.fromkeys(named) if t in study.prices]
    return found[:MOST_TICKERS] or list(study.prices.tickers[:1])


def _marked(study: StudyResult, ticker: str) -> tuple[list[int], list[list[str]]]:
    """Return positions on the grid and texts of the studied events that concern a ticker."""
    found: dict[tuple[str, int], list[str]] = {}
    for o in study.observations:
        event = o.reading.event
        if "next" in o.reading.alignments and ticker in study.events.baskets.resolve(event.tickers):
            found[event.event_id, o.reading.position] = [
                safe(event.event_id), safe(event.title, 110),
            ]  # fmt: skip
    ordered = sorted(found.items(), key=lambda item: item[0][1])
    return [position for (_, position), _ in ordered], [text for _, text in ordered]


def _closes(study: StudyResult, ticker: str) -> npt.NDArray[np.float64]:
    table = study.prices.on_sessions(study.days)
    column = table.column(ticker)
    close = table.close[:, column]
    return np.where(np.isfinite(close), close, table.adj_close[:, column])


def _first_shown(study: StudyResult, backtest: BacktestResult | None) -> int:
    """Return the session from which prices are drawn: some before the first event or trade."""
    first = min(o.reading.position for o in study.observations)
    if backtest is not None and len(backtest.trades):
        entry = np.datetime64(backtest.trades["entry_date"].min(), "D")
        first = min(first, int(np.searchsorted(study.days, entry)))
    return max(first - BEFORE, 0)


def _price_spec(study: StudyResult, backtest: BacktestResult | None, ticker: str) -> Spec:
    start = _first_shown(study, backtest)
    close = _closes(study, ticker)
    x = [str(day) for day in study.days]
    name = safe(ticker)
    data: list[Spec] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": x[start:],
            "y": numbers(close[start:]),
            "line": {"color": BLUE, "width": 1.5},
            "hovertemplate": f"{name} %{{x}}: %{{y:.2f}}<extra></extra>",
        }
    ]
    positions, texts = _marked(study, ticker)
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "event",
            "x": [x[p] for p in positions],
            "y": numbers(close[positions]),
            "customdata": texts,
            "marker": {
                "color": PURPLE,
                "size": 13,
                "symbol": "diamond-open",
                "line": {"width": 1.8},
            },
            "hovertemplate": "<b>%{customdata[0]}</b> %{x}<br>%{customdata[1]}<extra></extra>",
        }
    )
    if backtest is not None:
        data += _trade_traces(backtest, ticker)
    shape = layout(axis("", type="date"), log_axis("", close[start:]), height=420)
    return {"data": data, "layout": shape}


def _trade_traces(backtest: BacktestResult, ticker: str) -> list[Spec]:
    trades = backtest.trades[backtest.trades["ticker"] == ticker]
    looks = {"long": ("triangle-up", GREEN), "short": ("triangle-down", VERMILLION)}
    data: list[Spec] = []
    for side, (symbol, colour) in looks.items():
        rows = trades[trades["side"] == side]
        if len(rows):
            texts = _trade_texts(rows)
            hover = "%{customdata[0]}, %{customdata[2]}<br>%{customdata[1]}<br>%{x} at %{y:.2f}"
            data.append(_marks(rows, "entry", f"{side} entry", symbol, colour, texts, hover))
    if len(trades):
        texts = _trade_texts(trades)
        hover = "exit of %{customdata[0]}<br>%{customdata[1]}<br>%{x} at %{y:.2f}"
        data.append(_marks(trades, "exit", "exit", "x-thin-open", ORANGE, texts, hover))
    return data


def _trade_texts(rows: pd.DataFrame) -> list[list[str]]:
    return [[safe(r["strategy"]), safe(r["event_id"]), r["side"]] for r in records(rows)]


def _marks(
    frame: pd.DataFrame,
    moment: str,
    name: str,
    symbol: str,
    colour: str,
    texts: list[list[str]],
    hover: str,
) -> Spec:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": frame[f"{moment}_date"].dt.strftime("%Y-%m-%d").tolist(),
        "y": numbers(frame[f"{moment}_price"]),
        "customdata": texts,
        "marker": {
            "color": colour,
            "size": 8,
            "symbol": symbol,
            "line": {"color": colour if moment == "exit" else MUTED, "width": 1},
        },
        "hovertemplate": f"{hover}<extra></extra>",
    }
