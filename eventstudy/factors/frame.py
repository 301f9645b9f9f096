"""A pandas frame of factors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.factors.table import FactorError
from eventstudy.factors.text import Cells, read_rows

if TYPE_CHECKING:
    import pandas as pd


def is_frame(given: object) -> bool:
    """Return whether something is a pandas frame, without importing pandas for it."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(given, pandas.DataFrame)


def read_frame(frame: pd.DataFrame) -> Cells:
    """Return the cells of a frame; it is not changed.

    Parameters
    ----------
    frame : DataFrame, shape (S, F)
        Index, or a column ``date``, of dates; a column a factor. A tz-aware index gives its
        local dates. Faults count its rows from 2, as if a header stood above them.

    Raises
    ------
    FactorError
        Where it has several rows of column names or an index that holds no dates.
    """
    if frame.columns.nlevels > 1:
        raise FactorError("the frame of factors has several rows of column names; one is needed")
    for column in frame.columns:
        if isinstance(column, str) and column.strip().casefold() == "date":
            frame = frame.set_index(column)
            break
    header = [str(column) for column in frame.columns]
    columns = [_texts(frame.iloc[:, k]) for k in range(len(header))]
    rows = zip(_days(frame.index), *columns, strict=True)
    return read_rows("frame", header, list(enumerate(map(list, rows), start=2)))


def _days(index: Any) -> list[str]:
    """Return the dates of an index as text."""
    if index.dtype.kind == "M":  # both naive and zoned
        naive = index if index.tz is None else index.tz_localize(None)
        return [str(day) for day in naive.to_numpy().astype("datetime64[D]")]
    if index.dtype.kind == "O" or str(index.dtype).startswith("str"):
        return [str(day) for day in index]
    raise FactorError(
        f"the index of the frame of factors is {index.dtype}; dates are needed there or in a "
        "column 'date'"
    )


def _texts(column: Any) -> list[str]:
    """Return cells as text that gives the same numbers back."""
    if column.dtype.kind in "fiu":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return [repr(float(value)) for value in values]
    return ["" if cell is None else str(cell) for cell in column.tolist()]
