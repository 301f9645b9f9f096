"""Reading result frames row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dicts by column."""
    names = [str(name) for name in frame.columns]
    columns = [frame[name].tolist() for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def rows_where(frame: pd.DataFrame, **equal: str) -> pd.DataFrame:
    """Return the rows whose columns equal these values."""
    at = np.arange(len(frame))
    for column, value in equal.items():  # each comparison sees only what the ones before left
        at = at[(frame[column].iloc[at] == value).to_numpy()]
    return frame.iloc[at]
