"""Reading result frames row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd


Places = npt.NDArray[np.int64]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dicts by column."""
    names = [str(name) for name in frame.columns]
    columns = [frame[name].tolist() for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def rows_where(frame: pd.DataFrame, **equal: str) -> pd.DataFrame:
    """Return the rows whose columns equal these values."""
    return frame.iloc[places_where(frame, **equal)]


def places_where(frame: pd.DataFrame, **equal: str) -> Places:
    """Return the places of the rows whose columns equal these values.

    Rows of many columns take longer to collect than to find.
    """
    at: Places | None = None
    for column, value in equal.items():  # each comparison sees only what the ones before left
        held = frame[column] if at is None else frame[column].iloc[at]
        found = np.flatnonzero((held == value).to_numpy())
        at = found if at is None else at[found]
    return np.arange(len(frame)) if at is None else at


def column_at(frame: pd.DataFrame, name: str, at: Places) -> list[Any]:
    """Return the values of one column at some places."""
    values: list[Any] = frame[name].iloc[at].tolist()
    return values
