"""The batched engine: aligned windows, forecasts, abnormal returns and their covariance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from eventstudy.models.contract import (
    ModelFit,
    ModelTask,
    Needs,
    Progress,
    ReturnModel,
    needs_of,
    unwatched,
)
from eventstudy.windows import Frame

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Panel:
    """All that models may draw on, on one grid of S sessions.

    Attributes
    ----------
    series : ndarray, shape (S, K)
        Returns of each distinct series.
    net : ndarray, shape (K,)
        Net weight of each series: 0 for a spread, 1 for anything else.
    market : ndarray, shape (S,)
        Benchmark returns; NaN throughout without a benchmark.
    blocked : ndarray, shape (S, K), bool
        Sessions that are left out of the estimation windows of a series.
    factors : mapping of str to ndarray, shape (S,)
        Decimals per session.
    references : mapping of str to ndarray, shape (S, K)
        Returns of each reference that a model names, without the series' own tickers.
    donors : ndarray, shape (S, D)
        Returns of the securities that may serve as donors.
    """

    series: Floats
    net: Floats
    market: Floats
    blocked: Bools
    factors: Mapping[str, Floats] = field(default_factory=dict)
    references: Mapping[str, Floats] = field(default_factory=dict)
    donors: Floats = field(default_factory=lambda: np.empty((0, 0)))


@dataclass(frozen=True, eq=False)
class Places:
    """Where n observations stand in a panel.

    Attributes
    ----------
    columns : ndarray, shape (n,), int
        Series of each observation.
    positions : ndarray, shape (n,), int
        Row of session 0 in the grid.
    donors : ndarray, shape (n, D), bool
        Which donors each observation may use.
    """

    columns: Ints
    positions: Ints
    donors: Bools

    def __len__(self) -> int:
        return len(self.columns)

    def moved(self, row: int, positions: Ints) -> Places:
        """Return the series of one observation at other sessions 0."""
        count = len(positions)
        return Places(
            np.full(count, self.columns[row]),
            positions,
            np.repeat(self.donors[row : row + 1], count, axis=0),
        )


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


VANISHING = 1e-20
"""Residual variance below this share of the mean squared return counts as none."""
ROUNDING = 8.0 * float(np.finfo(float).eps)
"""Standard deviation up to which returns, quotients of prices less one, are rounding alone."""


def varies(s2: Floats, mean_square: Floats | float) -> Bools:
    """Return where a residual variance is more than rounding, shape (n,).

    Parameters
    ----------
    s2 : ndarray, shape (n,)
        Residual variances.
    mean_square : ndarray, shape (n,), or float
        Mean squared return of the estimation window; no later return may decide.
    """
    with np.errstate(invalid="ignore"):
        found: Bools = s2 > np.maximum(VANISHING * np.asarray(mean_square), ROUNDING**2)
    return found


def mean_squares(panel: Panel, places: Places, frame: Frame) -> Floats:
    """Return the mean squared return of each estimation window, shape (n,); 0 without one."""
    y = _estimation_returns(panel, places, frame.estimation_days)
    there = np.isfinite(y)
    total = (np.where(there, y, 0.0) ** 2).sum(axis=1)
    found: Floats = total / np.maximum(there.sum(axis=1), 1)
    return found


def faults_of(fit: ModelFit, min_estimation: int, mean_square: Floats | float) -> dict[str, Bools]:
    """Return the observations of a fit that nothing can be said of, by reason.

    Parameters
    ----------
    fit : ModelFit
        Of n observations.
    min_estimation : int
        Fewest usable sessions.
    mean_square : ndarray, shape (n,), or float
        Mean squared return, by which a residual variance is told from rounding; see `varies`.

    Returns
    -------
    dict of str to ndarray, shape (n,), bool
        In the order in which they should be told: an observation may have several.
    """
    holes = (~np.isfinite(fit.ar)).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return {
            "short_estimation": fit.dof + fit.n_params < min_estimation,
            "singular_design": ~np.isfinite(fit.condition),
            "missing_regressor": holes > 0,
            "no_variance": ~varies(fit.s2, mean_square),
        }


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
    panel: Panel,
    places: Places,
    model: ReturnModel,
    frame: Frame,
    progress: Progress = unwatched,
) -> AbnormalReturns:
    """Fit a model for n observations at once and forecast their event windows.

    Parameters
    ----------
    panel : Panel
    places : Places
        Of the n observations.
    model : ReturnModel
    frame : Frame
    progress : callable
        Told how far a model that iterates is.

    Returns
    -------
    AbnormalReturns
    """
    task = model_task(panel, places, needs_of(model), frame, progress)
    return AbnormalReturns(model.fit(task), places.positions, places.columns)


def model_task(
    panel: Panel, places: Places, needs: Needs, frame: Frame, progress: Progress = unwatched
) -> ModelTask:
    """Gather what a model needs around each session 0."""
    before, during = frame.estimation_days, frame.days
    at = places.positions
    given: dict[str, Floats] = {
        "y": _estimation_returns(panel, places, before),
        "y_event": _gathered(panel.series, places.columns, at, during),
        "market": aligned(panel.market, at, before),
        "market_event": aligned(panel.market, at, during),
        "net": panel.net[places.columns],
    }
    if needs.after:
        later = frame.days[-1] + frame.gap + 1 + np.arange(frame.estimation)
        given["y_after"] = _estimation_returns(panel, places, later)
        given["market_after"] = aligned(panel.market, at, later)
    for name, days in (("", before), ("_event", during)):
        if needs.factors:
            found = [aligned(panel.factors[factor], at, days) for factor in needs.factors]
            given[f"factors{name}"] = np.stack(found, axis=2)
        if needs.reach:
            steps = range(-needs.reach, needs.reach + 1)
            moved = [aligned(panel.market, at, days + step) for step in steps]
            given[f"shifted{name}"] = np.stack(moved, axis=2)
        if needs.reference is not None:
            reference = panel.references[needs.reference]
            given[f"reference{name}"] = _gathered(reference, places.columns, at, days)
        if needs.donors:
            given[f"donors{name}"] = _donor_returns(panel.donors, places, days)
    return ModelTask(**given, ahead=int(during[0] - before[-1]), progress=progress)


def _estimation_returns(panel: Panel, places: Places, days: Ints) -> Floats:
    """Return returns of the estimation window without the sessions that are left out."""
    used = np.where(panel.blocked, np.nan, panel.series)
    return _gathered(used, places.columns, places.positions, days)


def _gathered(series: Floats, columns: Ints, positions: Ints, days: Ints) -> Floats:
    rows = positions[:, None] + days[None, :]
    inside = (rows >= 0) & (rows < len(series))
    return np.where(inside, series[np.where(inside, rows, 0), columns[:, None]], np.nan)


def _donor_returns(donors: Floats, places: Places, days: Ints) -> Floats:
    rows = places.positions[:, None] + days[None, :]
    inside = (rows >= 0) & (rows < len(donors))
    found = donors[np.where(inside, rows, 0)]
    return np.where(inside[:, :, None] & places.donors[:, None, :], found, np.nan)


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
    return added(ar, masks), np.sqrt(np.maximum(variance, 0.0))


def added(ar: Floats, masks: Floats) -> Floats:
    """Return 1'AR over the days of each window, shape (n, W).

    Exactly zero where the days cancel but for rounding: a sign or rank of what is left would
    be one of noise.

    Parameters
    ----------
    ar : ndarray, shape (n, L)
    masks : ndarray, shape (W, L)
    """
    car, size = ar @ masks.T, np.abs(ar) @ masks.T
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(car) <= ar.shape[1] * np.finfo(float).eps * size, 0.0, car)
