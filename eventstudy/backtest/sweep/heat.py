"""Figures by two parameters: the numbers behind a heat map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.errors import UnknownNameError

Floats = npt.NDArray[np.float64]
MOST_STEPS = 20
"""Different numbers of a parameter that are shown as they are."""
BINS = 10
"""Equal ranges into which more of them are put."""


def heat_of(
    ran: pd.DataFrame,
    parameters: Sequence[str],
    x: str,
    y: str,
    figure: str,
    figures: Sequence[str],
) -> pd.DataFrame:
    """Return the mean of a figure over variants with the same two parameters.

    Parameters
    ----------
    ran : DataFrame
        One row a variant: its parameters and figures.
    parameters : sequence of str
        Those that differ.
    x, y : str
        Columns and rows of what is returned.
    figure : str
    figures : sequence of str
        Those that there are.

    Returns
    -------
    DataFrame
        Labels in the order of values; NaN where no variant has both.

    Raises
    ------
    UnknownNameError
        For a parameter that does not differ, or a figure that there is none of.
    """
    if figure not in figures:
        raise UnknownNameError("figure of a sweep", figure, figures)
    values = ran[figure].to_numpy(dtype=np.float64)
    known = np.isfinite(values)
    counts = _summed(ran, parameters, x, y, known.astype(np.float64))
    sums = _summed(ran, parameters, x, y, np.where(known, values, 0.0))
    return sums / counts.where(counts > 0)


def counts_of(ran: pd.DataFrame, parameters: Sequence[str], x: str, y: str) -> pd.DataFrame:
    """Return how many variants have the same two parameters; see `heat_of`."""
    return _summed(ran, parameters, x, y, np.ones(len(ran))).astype(np.int64)


def _summed(
    ran: pd.DataFrame, parameters: Sequence[str], x: str, y: str, values: Floats
) -> pd.DataFrame:
    """Return the sum of values, one a variant, over those with the same two parameters."""
    for name in (x, y):
        if name not in parameters:
            raise UnknownNameError("parameter of the sweep", name, parameters)
    across, columns = steps(list(ran[x]))
    down, rows = steps(list(ran[y]))
    shape = len(rows), len(columns)
    sums = np.bincount(down * shape[1] + across, values, shape[0] * shape[1]).reshape(shape)
    return pd.DataFrame(sums, index=pd.Index(rows, name=y), columns=pd.Index(columns, name=x))


def steps(values: Sequence[Any]) -> tuple[np.ndarray[Any, np.dtype[np.int64]], list[str]]:
    """Return the place of each value among labels, and the labels in order.

    Numbers come first, in order; then words, in the order in which they appear.
    """
    numbers = sorted({float(v) for v in values if _is_number(v)})
    if len(numbers) > MOST_STEPS:
        edges = np.linspace(numbers[0], numbers[-1], BINS + 1)
        labels = [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)]

        def place(value: float) -> int:
            return min(int(np.searchsorted(edges, value, side="right")) - 1, BINS - 1)
    else:
        labels = [f"{number:.10g}" for number in numbers]
        by_number = {number: i for i, number in enumerate(numbers)}

        def place(value: float) -> int:
            return by_number[value]

    words = dict.fromkeys(_word(v) for v in values if not _is_number(v))
    by_word = {word: len(labels) + i for i, word in enumerate(words)}
    places = [place(float(v)) if _is_number(v) else by_word[_word(v)] for v in values]
    return np.array(places, dtype=np.int64), [*labels, *words]


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return math.isfinite(value)


def _word(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    missing = value is None or (isinstance(value, float) and value != value)
    return "none" if missing else str(value)
