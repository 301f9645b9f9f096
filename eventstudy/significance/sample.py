"""The sample that a significance test sees: one group, one alignment, one model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import cumulate

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CONVENTIONS = ("scar", "sum_sar")
FEWEST_SHARED = 30
"""Fewest shared sessions for a correlation of two estimation windows; else it counts as 0."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Abnormal returns of N observations with what their tests need.

    Attributes
    ----------
    ar : ndarray, shape (N, L)
        Abnormal returns over the hull of the windows, signed by direction where the group
        has one.
    v : ndarray, shape (N, L, L)
        Covariances of the forecast errors.
    residuals : ndarray, shape (N, M)
        Of the estimation windows, signed alike; NaN where missing.
    estimation_rows : ndarray, shape (N, M), int
        Row of each residual in the grid of sessions.
    positions : ndarray, shape (N,), int
        Row of session 0 in the grid.
    dof : ndarray, shape (N,), int
        M_i - d.
    n_params : int
        d.
    convention : str
        ``scar``: CAR over its exact forecast error. ``sum_sar``: the sum of daily
        standardised abnormal returns over sqrt(L).
    """

    ar: Floats
    v: Floats
    residuals: Floats
    estimation_rows: Ints
    positions: Ints
    dof: Ints
    n_params: int
    convention: str = "scar"

    def __len__(self) -> int:
        return len(self.ar)

    @cached_property
    def n_dates(self) -> int:
        """Number of distinct sessions 0."""
        return len(np.unique(self.positions))

    def cars(self, masks: Floats) -> tuple[Floats, Floats]:
        """Return CARs and their forecast errors, shapes (N, W), for masks of shape (W, L)."""
        return cumulate(self.ar, self.v, masks)

    def scars(self, masks: Floats) -> Floats:
        """Return standardised CARs by the sample's convention, shape (N, W)."""
        if self.convention == "sum_sar":
            sar = self.ar / np.sqrt(np.einsum("nll->nl", self.v))
            summed: Floats = (sar @ masks.T) / np.sqrt(masks.sum(axis=1))
            return summed
        car, se = self.cars(masks)
        return car / se

    @cached_property
    def correlations(self) -> Floats:
        """Correlations of estimation residuals over shared sessions, shape (N, N).

        Zero where fewer than 30 sessions are shared.
        """
        return paired_correlations(self.residuals, self.estimation_rows)

    def mean_correlation(self, masks: Floats) -> Floats:
        """Return r of Kolari and Pynnonen for each window, shape (W,).

        ``(2 / (N (N-1))) sum_{i<j} w_ij r_ij``, w_ij being the share of the window's
        sessions that two events have in common: residuals of days that are not shared do
        not make the abnormal returns of those days correlated.

        References
        ----------
        Kolari, J. and Pynnonen, S. (2010). Review of Financial Studies 23, 3996-4025.
        Kolari, J., Pape, B. and Pynnonen, S. (2018). Event study testing with
        cross-sectional correlation due to partially overlapping event windows.
        """
        n = len(self)
        apart = np.abs(self.positions[:, None] - self.positions[None, :])[None, :, :]
        length = masks.sum(axis=1)[:, None, None]
        shared = np.maximum(0.0, length - apart) / length
        upper = np.triu(np.ones((n, n)), k=1)
        total: Floats = (shared * self.correlations * upper).sum(axis=(1, 2))
        return 2.0 * total / (n * (n - 1))


def paired_correlations(residuals: Floats, rows: Ints) -> Floats:
    """Correlate residuals pair by pair over the sessions that both have.

    Parameters
    ----------
    residuals : ndarray, shape (N, M)
        NaN where missing.
    rows : ndarray, shape (N, M), int
        Session of each residual.

    Returns
    -------
    ndarray, shape (N, N)
        Zero where fewer than 30 sessions are shared or a residual does not vary.
    """
    n = len(residuals)
    first = int(rows.min())
    grid = np.zeros((n, int(rows.max()) - first + 1))
    used = np.zeros_like(grid)
    at = (np.arange(n)[:, None], rows - first)
    present = np.isfinite(residuals)
    # Scaled by row, so that sums of squares lose no digits; a correlation does not notice.
    spread = np.sqrt(np.nanmean(residuals**2, axis=1, keepdims=True))
    grid[at] = np.where(present, residuals, 0.0) / np.where(spread > 0, spread, 1.0)
    used[at] = present
    count = used @ used.T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (grid @ used.T) / count
        square = (grid**2) @ used.T / count - mean**2
        product = (grid @ grid.T) / count - mean * mean.T
        r = product / np.sqrt(square * square.T)
    return np.where((count >= FEWEST_SHARED) & np.isfinite(r), np.clip(r, -1.0, 1.0), 0.0)
