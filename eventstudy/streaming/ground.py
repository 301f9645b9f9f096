"""What every part of a streamed study draws on: returns by security, and common regressors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.models.contract import Recipe
from eventstudy.models.linear import decompose
from eventstudy.windows import Frame

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Ground:
    """Returns of K securities on S sessions, and series that are common to all of them.

    A security's returns lie beside each other, so that a window is one piece of memory. Each
    series begins with `reach` missing sessions, so that no window begins before it.

    Attributes
    ----------
    returns : ndarray, shape (K, reach + S)
        NaN = missing.
    estimation : ndarray, shape (K, reach + S)
        The same without the sessions that are left out of estimation windows; the very same
        array where none is.
    usable : ndarray, shape (K, reach + S + 1), int32
        Running count of the returns in `estimation`.
    common : mapping of str to ndarray, shape (reach + S,)
        Benchmark, reference and factors, as recipes name them.
    frame : Frame
    """

    returns: Floats
    estimation: Floats
    usable: npt.NDArray[np.int32]
    common: Mapping[str, Floats]
    frame: Frame

    @property
    def reach(self) -> int:
        """Missing sessions before the first."""
        return self.frame.estimation + self.frame.gap

    @property
    def width(self) -> int:
        """Sessions from the first of the estimation window to the last of the hull."""
        return self.reach + self.frame.hull[1] + 1

    def windows(self, values: Floats, width: int) -> Floats:
        """Return all windows of a width of (K, T) values, shape (K, T - width + 1, width)."""
        view: Any = np.lib.stride_tricks.sliding_window_view
        found: Floats = view(values, width, axis=1)
        return found

    def around(self, series: Floats, positions: Ints, days: Ints) -> Floats:
        """Return a common series around sessions 0, shape (P, T)."""
        found: Floats = series[positions[:, None] + self.reach + days]
        return found


def lay_ground(
    returns: Floats,
    common: Mapping[str, Floats],
    frame: Frame,
    blocked: Bools | None = None,
) -> Ground:
    """Lay out returns by security.

    Parameters
    ----------
    returns : ndarray, shape (S, K)
        Simple or log returns; NaN = missing.
    common : mapping of str to ndarray, shape (S,)
    frame : Frame
    blocked : ndarray, shape (S, K), bool, optional
        Sessions that are left out of the estimation windows of a security.
    """
    reach = frame.estimation + frame.gap
    wide = np.full((returns.shape[1], reach + len(returns)), np.nan)
    wide[:, reach:] = returns.T
    estimation = wide
    if blocked is not None and blocked.any():
        estimation = wide.copy()
        estimation[:, reach:][blocked.T] = np.nan
    usable = np.zeros((len(wide), wide.shape[1] + 1), dtype=np.int32)
    np.cumsum(np.isfinite(estimation), axis=1, out=usable[:, 1:])
    before = np.full(reach, np.nan)
    series = {name: np.concatenate([before, values]) for name, values in common.items()}
    return Ground(wide, estimation, usable, series, frame)


@dataclass(frozen=True, slots=True)
class Designs:
    """The regressions of P sessions 0, the same for all securities.

    Attributes
    ----------
    positions : ndarray, shape (P,), int
        Ascending.
    x, x_event : ndarray, shapes (P, M, d) and (P, L, d)
        Zero where a regressor is missing in the estimation window.
    used : ndarray, shape (P, M), bool
        Sessions that have every regressor.
    offset, offset_event : ndarray, shapes (P, M) and (P, L), or None
        What is taken off the returns.
    q, r_inverse, condition
        See `eventstudy.models.linear.Decomposition`; empty for d = 0.
    forecast : ndarray, shape (P, W, d)
        1'X2 R^-1 of W windows: with complete data its squared length is the share of the
        error of the parameters in the variance of a CAR.
    unit : ndarray, shape (P, W)
        1'V1 / s^2 of W windows, with complete data.
    whole : ndarray, shape (P,), bool
        Whether every session of the estimation window is used.
    """

    positions: Ints
    x: Floats
    x_event: Floats
    used: Bools
    offset: Floats | None
    offset_event: Floats | None
    q: Floats
    r_inverse: Floats
    condition: Floats
    forecast: Floats
    unit: Floats
    whole: Bools


def make_designs(ground: Ground, recipe: Recipe, positions: Ints, masks: Floats) -> Designs:
    """Build and decompose the regressions of distinct sessions 0.

    Parameters
    ----------
    ground : Ground
    recipe : Recipe
    positions : ndarray, shape (P,), int
        Ascending.
    masks : ndarray, shape (W, L)
    """
    before, during = ground.frame.estimation_days, ground.frame.days
    x = _columns(ground, recipe, positions, before)
    x_event = _columns(ground, recipe, positions, during)
    offsets = [
        None
        if recipe.offset is None
        else ground.around(ground.common[recipe.offset], positions, days)
        for days in (before, during)
    ]
    used: Bools = np.asarray(np.isfinite(x).all(axis=2))
    if offsets[0] is not None:
        used = used & np.isfinite(offsets[0])
    x = np.where(used[:, :, None], x, 0.0)
    d = x.shape[2]
    lengths = masks.sum(axis=1)
    if d:
        found = decompose(x, used.sum(axis=1) - d)
        q, r_inverse, condition = found.q, found.r_inverse, found.condition
    else:
        q, r_inverse = x, np.zeros((len(x), 0, 0))
        condition = np.ones(len(x))
    forecast = masks @ x_event @ r_inverse
    unit = lengths + (forecast**2).sum(axis=2)
    return Designs(
        positions, x, x_event, used, offsets[0], offsets[1], q, r_inverse, condition, forecast,
        unit, np.asarray(used.all(axis=1)),
    )  # fmt: skip


def _columns(ground: Ground, recipe: Recipe, positions: Ints, days: Ints) -> Floats:
    ones = [np.ones((len(positions), len(days)))] if recipe.intercept else []
    series = [ground.around(ground.common[name], positions, days) for name in recipe.regressors]
    parts = [*ones, *series]
    if not parts:
        return np.zeros((len(positions), len(days), 0))
    return np.stack(parts, axis=2)
