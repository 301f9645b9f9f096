"""The sample that a significance test sees: one group, one alignment, one model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import cumulate
from eventstudy.significance.midranks import uniform_scores

if TYPE_CHECKING:
    from eventstudy.significance.history import History

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CONVENTIONS = ("scar", "sum_sar")
FEWEST_SHARED = 30
"""Fewest shared sessions for a correlation of two estimation windows; else it counts as 0."""
NO_SPREAD = 1e-12
"""A standard deviation below this share of the root mean square is rounding."""
TIE = 1e-10
"""Statistics closer than this share are one value; equal draws give equal ones but for rounding."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Abnormal returns of N observations with what their tests need.

    One row is one event: several events of one firm are several rows. What follows from the
    arrays is computed once and kept, so they must not change after the first test.

    Attributes
    ----------
    ar : ndarray, shape (N, L)
        Abnormal returns over the hull of the windows, signed by direction where the group
        has one; NaN where missing. An event with a missing day leaves the windows that hold
        that day.
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
    covariance : {"exact", "approximate", "none"}
        What `v` is.
    seed : int
        Of the tests that draw.
    history : callable or None
        Gives what placebo dates draw from when a test asks for it.
    s2 : ndarray, shape (N,), or None
        Residual variances of the fits; None where they follow from `residuals` and `dof`. A
        fit may have used more sessions than the event's own estimation window: then the
        residuals of the window alone, over the degrees of freedom of all, are too small.
    """

    ar: Floats
    v: Floats
    residuals: Floats
    estimation_rows: Ints
    positions: Ints
    dof: Ints
    n_params: int
    convention: str = "scar"
    covariance: str = "exact"
    seed: int = 0
    history: Callable[[], History] | None = None
    s2: Floats | None = None

    def __len__(self) -> int:
        return len(self.ar)

    @cached_property
    def n_dates(self) -> int:
        """Number of distinct sessions 0."""
        return len(np.unique(self.positions))

    @property
    def least_dof(self) -> int:
        """Smallest M_i - d."""
        return int(self.dof.min())

    @cached_property
    def smallest_gap(self) -> float:
        """Sessions between the two nearest distinct sessions 0; inf where there is one."""
        gaps = np.diff(np.unique(self.positions))
        return float(gaps.min()) if len(gaps) else np.inf

    @cached_property
    def missing(self) -> Bools:
        """Event days without an abnormal return, shape (N, L)."""
        return ~np.isfinite(self.ar)

    def take(self, rows: Bools) -> Sample:
        """Return the sample of some rows, shape (N,), bool."""
        if rows.all():
            return self
        whole = self.history
        return replace(
            self,
            ar=self.ar[rows],
            v=self.v[rows],
            residuals=self.residuals[rows],
            estimation_rows=self.estimation_rows[rows],
            positions=self.positions[rows],
            dof=self.dof[rows],
            s2=None if self.s2 is None else self.s2[rows],
            history=None if whole is None else cache(lambda: whole().take(rows)),
        )

    def complete(self, masks: Floats) -> Iterator[tuple[Ints, Sample]]:
        """Yield (windows, sample): the events that have every day of those windows.

        Parameters
        ----------
        masks : ndarray, shape (W, L)
        """
        if not self.missing.any():
            yield np.arange(len(masks)), self
            return
        whole = self.missing.astype(float) @ masks.T == 0
        patterns, which = np.unique(whole, axis=1, return_inverse=True)
        for k in range(patterns.shape[1]):
            yield np.flatnonzero(which.ravel() == k), self.take(patterns[:, k])

    def cars(self, masks: Floats) -> tuple[Floats, Floats]:
        """Return CARs and their forecast errors, shapes (N, W), for masks of shape (W, L).

        NaN where a day of the window is missing.
        """
        car, se, *_ = self.kept("cars", masks, self._cumulated)
        return car, se

    def scars(self, masks: Floats) -> Floats:
        """Return standardised CARs by the sample's convention, shape (N, W)."""
        return self.kept("scars", masks, self._standardised)[0]

    def kept(
        self, name: str, masks: Floats, compute: Callable[[Floats], tuple[Floats, ...]]
    ) -> tuple[Floats, ...]:
        """Return what was computed for these masks; several tests ask for the same."""
        key = (name, masks.shape, masks.tobytes())
        if key not in self._memory:
            self._memory[key] = compute(masks)
        return self._memory[key]

    @cached_property
    def _memory(self) -> dict[tuple[object, ...], tuple[Floats, ...]]:
        return {}

    def _cumulated(self, masks: Floats) -> tuple[Floats, ...]:
        if not self.missing.any():
            return cumulate(self.ar, self.v, masks)
        gone = self.missing[:, :, None] | self.missing[:, None, :]
        car, se = cumulate(np.where(self.missing, 0.0, self.ar), np.where(gone, 0.0, self.v), masks)
        whole = self.missing.astype(float) @ masks.T == 0
        return np.where(whole, car, np.nan), np.where(whole, se, np.nan)

    def _standardised(self, masks: Floats) -> tuple[Floats, ...]:
        if self.convention == "scar":
            car, se = self.cars(masks)
            return (car / se,)
        whole = self.missing.astype(float) @ masks.T == 0
        total = np.where(self.missing, 0.0, self.sars) @ masks.T / np.sqrt(masks.sum(axis=1))
        return (np.where(whole, total, np.nan),)

    @cached_property
    def sars(self) -> Floats:
        """Daily abnormal returns over their forecast errors, shape (N, L)."""
        found: Floats = self.ar / np.sqrt(np.einsum("nll->nl", self.v))
        return found

    @cached_property
    def sigma(self) -> Floats:
        """Residual standard deviations: sqrt(s2), or sqrt(e'e / (M_i - d)) without, shape (N,)."""
        if self.s2 is not None:
            return np.sqrt(self.s2)
        found: Floats = np.sqrt(np.nansum(self.residuals**2, axis=1) / self.dof)
        return found

    @cached_property
    def standardised_residuals(self) -> Floats:
        """Estimation residuals over `sigma`, shape (N, M)."""
        found: Floats = self.residuals / self.sigma[:, None]
        return found

    @cached_property
    def scores(self) -> Floats:
        """Uniform scores of residuals and event days pooled, shape (N, M + L)."""
        return uniform_scores(np.hstack([self.residuals, self.ar]))

    @cached_property
    def correlations(self) -> Floats:
        """Correlations of estimation residuals over shared sessions, shape (N, N).

        Zero where fewer than 30 sessions are shared.
        """
        return paired_correlations(self.residuals, self.estimation_rows)

    def shared(self, length: float) -> Floats:
        """Return w_ij, the share of windows of this length that two events share, (N, N)."""
        apart = np.abs(self.positions[:, None] - self.positions[None, :])
        found: Floats = np.maximum(0.0, length - apart) / length
        return found

    def overlapping(self, length: float) -> bool:
        """Return whether two events share a session in windows of this length."""
        return self.n_dates < len(self) or self.smallest_gap < length

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
        lengths, which = np.unique(masks.sum(axis=1), return_inverse=True)
        return np.array([self._mean_correlation(float(n)) for n in lengths])[which]

    def _mean_correlation(self, length: float) -> float:
        n = len(self)
        if n < 2 or not self.overlapping(length):
            return 0.0
        weighted = self.shared(length) * self.correlations
        return float((weighted.sum() - np.trace(weighted)) / (n * (n - 1)))


def paired_correlations(values: Floats, rows: Ints) -> Floats:
    """Correlate series pair by pair over the sessions that both have.

    Parameters
    ----------
    values : ndarray, shape (N, M)
        NaN where missing.
    rows : ndarray, shape (N, M), int
        Session of each value.

    Returns
    -------
    ndarray, shape (N, N)
        Zero where fewer than 30 sessions are shared or a series does not vary.
    """
    # Scaled by row, so that sums of squares lose no digits; a correlation does not notice.
    spread = np.sqrt(np.nanmean(values**2, axis=1, keepdims=True))
    grid, used = on_sessions(values / np.where(spread > 0, spread, 1.0), rows)
    count = used @ used.T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (grid @ used.T) / count
        square = (grid**2) @ used.T / count - mean**2
        product = (grid @ grid.T) / count - mean * mean.T
        r = product / np.sqrt(square * square.T)
    return np.where((count >= FEWEST_SHARED) & np.isfinite(r), np.clip(r, -1.0, 1.0), 0.0)


def on_sessions(values: Floats, rows: Ints) -> tuple[Floats, Floats]:
    """Lay series out by session.

    Parameters
    ----------
    values : ndarray, shape (N, M)
        NaN where missing.
    rows : ndarray, shape (N, M), int
        Session of each value.

    Returns
    -------
    grid, used : ndarray, shape (N, S)
        Values, 0 where there is none; and 1 where there is one.
    """
    first = int(rows.min())
    grid = np.zeros((len(values), int(rows.max()) - first + 1))
    used = np.zeros_like(grid)
    at = (np.arange(len(values))[:, None], rows - first)
    present = np.isfinite(values)
    grid[at] = np.where(present, values, 0.0)
    used[at] = present
    return grid, used


def spread(values: Floats) -> Floats:
    """Return the standard deviation over events (ddof 1), shape (W,), of an (N, W) array.

    NaN where the events are equal but for rounding: coinciding events on one series are one
    observation, and its spread says nothing. Missing values are left out.
    """
    present = np.isfinite(values)
    count = present.sum(axis=0)
    filled = np.where(present, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=0) / count
        square = (np.where(present, values - mean, 0.0) ** 2).sum(axis=0) / (count - 1)
        size = (filled**2).sum(axis=0) / count
    found = np.sqrt(np.where(count > 1, square, np.nan))
    return np.where(found > NO_SPREAD * np.sqrt(size), found, np.nan)
