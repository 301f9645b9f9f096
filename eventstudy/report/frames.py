"""Reading result frames row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dicts by column."""
    names = [str(name) for name in frame.columns]
    columns = [frame[name].tolist() for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def rows_where(frame: pd.DataFrame, **equal: str) -> pd.DataFrame:
    """Return the rows whose columns equal these values."""
    at: npt.NDArray[np.int64] | None = None
    for column, value in equal.items():  # each comparison sees only what the ones before left
        held = frame[column] if at is None else frame[column].iloc[at]
        found = np.flatnonzero((held == value).to_numpy())
        at = found if at is None else at[found]
    return frame if at is None else frame.iloc[at]
