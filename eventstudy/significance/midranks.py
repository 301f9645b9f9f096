"""Ranks within rows, ties averaged and missing values left missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def midranks(values: Floats) -> Floats:
    """Return ranks within each row, ties averaged, missing values left missing.

    Parameters
    ----------
    values : ndarray, shape (N, T)
        NaN where missing.

    Returns
    -------
    ndarray, shape (N, T)
        1 for the smallest of a row.
    """
    rows, width = values.shape
    order = np.argsort(values, axis=1)
    at = (np.arange(rows)[:, None], order)
    ordered = values[at]
    # NaN sorts last and differs from itself, so it never joins a run of ties.
    begins = np.ones((rows, width), dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=begins[:, 1:])
    place = np.arange(1.0, width + 1.0)
    found = np.empty((rows, width))
    found[at] = place if begins.all() else _tied(begins, place)
    found[np.isnan(values)] = np.nan
    return found


def uniform_scores(values: Floats) -> Floats:
    """Return midrank / (1 + T_i) - 1/2 within each row, T_i its values that are not missing.

    Parameters
    ----------
    values : ndarray, shape (N, T)

    Returns
    -------
    ndarray, shape (N, T)
        They sum to zero in each row.
    """
    count = np.isfinite(values).sum(axis=1, keepdims=True)
    found: Floats = midranks(values) / (1.0 + count) - 0.5
    return found


def _tied(begins: npt.NDArray[np.bool_], place: Floats) -> Floats:
    """Return the mean place of each run of equal values, shape (N, T)."""
    run = np.cumsum(begins.ravel()) - 1
    places = np.broadcast_to(place, begins.shape).ravel()
    mean = np.bincount(run, weights=places) / np.bincount(run)
    found: Floats = mean[run].reshape(begins.shape)
    return found
