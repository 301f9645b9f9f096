"""The batched engine: aligned windows, forecasts, abnormal returns and their covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.models.contract import ModelFit, ModelTask, ReturnModel
from eventstudy.windows import Frame

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AbnormalReturns:
    """Abnormal returns of n observations under one model.

    Attributes
    ----------
    fit : ModelFit
    positions : ndarray, shape (n,), int
        Row of session 0 in the grid of sessions.
    columns : ndarray, shape (n,), int
        Series of each observation.
    """

    fit: ModelFit
    positions: Ints
    columns: Ints


def aligned(values: Floats, positions: Ints, days: Ints) -> Floats:
    """Return values around each position, shape (n, T); NaN outside the grid.

    Parameters
    ----------
    values : ndarray, shape (S,) or (S, n)
        One series, or one a position.
    positions : ndarray, shape (n,)
    days : ndarray, shape (T,)
        Sessions from session 0.
    """
    rows = positions[:, None] + days[None, :]
    inside = (rows >= 0) & (rows < len(values))
    safe = np.where(inside, rows, 0)
    found = values[safe] if values.ndim == 1 else values[safe, np.arange(len(positions))[:, None]]
    return np.where(inside, found, np.nan)


def abnormal_returns(
    series: Floats,
    columns: Ints,
    positions: Ints,
    net: Floats,
    market: Floats | None,
    model: ReturnModel,
    frame: Frame,
) -> AbnormalReturns:
    """Fit a model for n observations at once and forecast their event windows.

    Parameters
    ----------
    series : ndarray, shape (S, K)
        Returns of each distinct series.
    columns, positions : ndarray, shape (n,)
        Series and session 0 of each observation.
    net : ndarray, shape (n,)
        Net weight of each observation's series.
    market : ndarray, shape (S,), or None
        Benchmark returns.
    model : ReturnModel
    frame : Frame

    Returns
    -------
    AbnormalReturns
    """
    benchmark = np.full(len(series), np.nan) if market is None else market
    rows = _gathered(series, columns, positions, frame.estimation_days)
    task = ModelTask(
        rows,
        _gathered(series, columns, positions, frame.days),
        aligned(benchmark, positions, frame.estimation_days),
        aligned(benchmark, positions, frame.days),
        net,
    )
    return AbnormalReturns(model.fit(task), positions, columns)


def _gathered(series: Floats, columns: Ints, positions: Ints, days: Ints) -> Floats:
    rows = positions[:, None] + days[None, :]
    inside = (rows >= 0) & (rows < len(series))
    return np.where(inside, series[np.where(inside, rows, 0), columns[:, None]], np.nan)


def cumulate(ar: Floats, v: Floats, masks: Floats) -> tuple[Floats, Floats]:
    """Return CARs and their standard errors over windows.

    CAR(w) = 1'AR, se = sqrt(1'V1) over the days of w.

    Parameters
    ----------
    ar : ndarray, shape (n, L)
    v : ndarray, shape (n, L, L)
    masks : ndarray, shape (W, L)

    Returns
    -------
    car, se : ndarray, shape (n, W)
    """
    variance = np.einsum("wl,nlk,wk->nw", masks, v, masks, optimize=True)
    return ar @ masks.T, np.sqrt(np.maximum(variance, 0.0))
