"""Prices from a wide pandas frame: dates down, tickers across, adjusted closes inside."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.errors import PriceError, did_you_mean
from eventstudy.prices.bars import Bars, date_faults, table_from_bars
from eventstudy.prices.cells import Raw
from eventstudy.prices.contract import PriceInputError
from eventstudy.prices.table import Days, Floats, PriceTable

if TYPE_CHECKING:
    import pandas as pd


def is_frame(given: object) -> bool:
    """Return whether something is a pandas frame, without importing pandas for it."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(given, pandas.DataFrame)


@dataclass(frozen=True, eq=False)
class FrameSource:
    """A wide frame of adjusted closes.

    Attributes
    ----------
    frame : DataFrame, shape (S, N)
        Index (or a column ``date``) of dates, ascending and unique; a column a ticker. A
        tz-aware index gives its local dates, never those of UTC. It is not changed.
    """

    frame: pd.DataFrame

    def load(
        self, tickers: Sequence[str] | None, start: date | None, end: date | None
    ) -> PriceTable:
        """Return the prices of these tickers; see `PriceSource.load`.

        Raises
        ------
        PriceError
            Where the frame is not wide, dates are missing, double or unordered, cells are
            not numbers, or none of the tickers is there.
        """
        frame = _with_date_index(self.frame)
        _check_columns(frame)
        days = _days(frame)
        known = [str(column) for column in frame.columns]
        asked = known if tickers is None else list(tickers)
        held = [ticker for ticker in asked if ticker in known]
        if not held:
            near = ", ".join(f"{ticker}{did_you_mean(ticker, known)}" for ticker in asked)
            raise PriceError(
                f"the frame holds none of the tickers asked for: {near or 'it has no column'}; "
                f"it holds: {', '.join(known[:30]) or 'none'}"
            )
        raw = Raw("frame", tuple(known), {}, np.arange(2, len(frame) + 2))
        bars = [
            Bars(t, days, {"adj_close": _values(frame, raw, known.index(t))}, "frame") for t in held
        ]
        if raw.faults:
            raise PriceInputError(raw.faults)
        missing = {ticker: "no column of the frame" for ticker in asked if ticker not in known}
        return table_from_bars(bars, source="frame", missing=missing, start=start, end=end)


def _with_date_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with its column ``date`` as index where it has one."""
    for column in frame.columns:
        if isinstance(column, str) and column.strip().casefold() == "date":
            return frame.set_index(column)
    return frame


def _check_columns(frame: pd.DataFrame) -> None:
    if frame.columns.nlevels > 1:
        raise PriceError(
            "the frame has several rows of column names; give one field of it, such as "
            "frame['Adj Close']"
        )
    names = [str(column) for column in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PriceError(f"columns of the frame stand twice: {', '.join(twice)}")


def _days(frame: pd.DataFrame) -> Days:
    """Return the index as tz-naive local dates."""
    index: Any = frame.index
    if index.dtype.kind == "M":  # both naive and zoned
        naive = index if index.tz is None else index.tz_localize(None)
        days = naive.to_numpy().astype("datetime64[D]")
    elif index.dtype.kind == "O" or str(index.dtype).startswith("str"):
        raw = Raw(
            "frame", ("date",), {0: [str(day) for day in index]}, np.arange(2, len(index) + 2)
        )
        days = raw.dates(0)
        if raw.faults:
            raise PriceInputError(raw.faults)
    else:
        raise PriceError(
            f"the frame's index is {index.dtype}; dates are needed there or in a column 'date'"
        )
    faults = date_faults(days)
    if faults:
        raise PriceError("".join(["the frame's index:", *(f"\n  {fault}" for fault in faults)]))
    return np.asarray(days)


def _values(frame: pd.DataFrame, raw: Raw, column: int) -> Floats:
    """Return one column as float64; what is no number becomes a fault of `raw`."""
    series = frame.iloc[:, column]
    if series.dtype.kind in "fiu":
        return np.array(series.to_numpy(dtype=np.float64, na_value=np.nan))
    raw.columns[column] = ["" if cell is None else str(cell) for cell in series.tolist()]
    return raw.numbers(column)
