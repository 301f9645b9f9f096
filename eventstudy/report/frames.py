"""Reading result frames row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dicts by column."""
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def rows_where(frame: pd.DataFrame, **equal: str) -> pd.DataFrame:
    """Return the rows whose columns equal these values."""
    mask = np.ones(len(frame), dtype=bool)
    for column, value in equal.items():
        mask &= (frame[column] == value).to_numpy()
    return frame[mask]
