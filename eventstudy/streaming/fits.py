"""Fitting a block of events at once: regressors are common to all events of one session 0.

With complete data the events of one session 0 share one decomposition, and their regressions
are two products of matrices. An event with missing sessions has its own normal equations in
the orthonormal basis of the complete design, which keeps them well conditioned; where they
are not, the plain regression is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import added, cumulate, varies
from eventstudy.models.linear import fit, forecast
from eventstudy.streaming.ground import Designs, Ground

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LOST = 0.9
"""Share of a basis that missing sessions may take before the plain regression is used."""
WORSE = 5.0
"""By how much missing sessions worsen a condition number at most, up to `LOST`."""


@dataclass(frozen=True, eq=False)
class Block:
    """Abnormal returns of n events under one model.

    Attributes
    ----------
    columns, positions : ndarray, shape (n,), int
        Security and row of session 0.
    date : ndarray, shape (n,), int
        Place of session 0 among the designs.
    params : ndarray, shape (n, d)
    residuals : ndarray, shape (n, M)
        NaN where a session was not usable.
    count : ndarray, shape (n,), int
        Usable sessions M_i.
    s2 : ndarray, shape (n,)
    ar : ndarray, shape (n, L)
    car, unit : ndarray, shape (n, W)
        CARs, and their error variances over s^2.
    condition : ndarray, shape (n,)
    square : ndarray, shape (n,)
        Mean squared returns of the estimation windows.
    """

    columns: Ints
    positions: Ints
    date: Ints
    params: Floats
    residuals: Floats
    count: Ints
    s2: Floats
    ar: Floats
    car: Floats
    unit: Floats
    condition: Floats
    square: Floats

    def __len__(self) -> int:
        return len(self.columns)

    @cached_property
    def dof(self) -> Ints:
        """M_i - d, shape (n,)."""
        found: Ints = self.count - self.params.shape[1]
        return found

    @cached_property
    def sigma(self) -> Floats:
        """Residual standard deviations, shape (n,)."""
        return np.sqrt(self.s2)

    @cached_property
    def se(self) -> Floats:
        """Forecast errors of the CARs, shape (n, W)."""
        found: Floats = self.sigma[:, None] * np.sqrt(self.unit)
        return found

    @cached_property
    def scar(self) -> Floats:
        """CARs over their forecast errors, shape (n, W); the first L windows are the days."""
        found: Floats = self.car / self.se
        return found

    @cached_property
    def whole(self) -> Bools:
        """Whether every session of the estimation window is used, shape (n,)."""
        found: Bools = self.count == self.residuals.shape[1]
        return found

    def take(self, rows: Bools) -> Block:
        """Return the block of some rows, shape (n,), bool."""
        return Block(
            self.columns[rows], self.positions[rows], self.date[rows], self.params[rows],
            self.residuals[rows], self.count[rows], self.s2[rows], self.ar[rows],
            self.car[rows], self.unit[rows], self.condition[rows], self.square[rows],
        )  # fmt: skip


FAULTS = ("short_estimation", "singular_design", "missing_regressor", "no_variance")


def faults(block: Block, ground: Ground) -> npt.NDArray[np.int8]:
    """Return why nothing can be said of an event, shape (n,): 0, or 1 + its place in `FAULTS`."""
    with np.errstate(invalid="ignore"):
        hits = (
            block.count < ground.frame.min_estimation,
            ~np.isfinite(block.condition),
            ~np.isfinite(block.ar).all(axis=1),
            ~varies(block.s2, block.square),
        )
    return np.select(hits, [np.int8(1), np.int8(2), np.int8(3), np.int8(4)], np.int8(0))


def fit_block(
    ground: Ground, designs: Designs, columns: Ints, positions: Ints, masks: Floats
) -> Block:
    """Fit n events, ordered by session 0.

    Parameters
    ----------
    ground : Ground
    designs : Designs
        Of sessions 0 that hold all `positions`.
    columns, positions : ndarray, shape (n,), int
    masks : ndarray, shape (W, L)
        Windows, the days first.

    Returns
    -------
    Block
    """
    date = np.searchsorted(designs.positions, positions)
    y, y_event, found, square = _gathered(ground, designs, columns, positions, date)
    d = designs.x.shape[2]
    n = len(columns)
    params, ar = np.empty((n, d)), np.empty_like(y_event)
    unit, condition = designs.unit[date], designs.condition[date]
    whole = designs.whole[date] & (found == y.shape[1])
    count = found
    for k, part in _runs(date):
        if whole[part].all():
            params[part], ar[part] = _complete(designs, k, y[part], y_event[part])
        else:
            count[part] = (np.isfinite(y[part]) & designs.used[k]).sum(axis=1)
            params[part], ar[part], unit[part], condition[part] = _with_gaps(
                designs, k, y[part], y_event[part], masks
            )
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.einsum("nm,nm->n", y, y) if whole.all() else np.nansum(y * y, axis=1)
        s2 = np.where(count > d, left / (count - d), np.nan)
    car = added(ar, masks)
    return Block(
        columns, positions, date, params, y, count, s2, ar, car, unit, condition, square
    )  # fmt: skip


def _gathered(
    ground: Ground, designs: Designs, columns: Ints, positions: Ints, date: Ints
) -> tuple[Floats, Floats, Ints, Floats]:
    """Return returns of both windows, less the offset; number and mean square of the first."""
    m, (first, last) = ground.frame.estimation, ground.frame.hull
    start = positions  # the reach before session 0 is the reach before the table
    if ground.estimation is ground.returns:
        both = ground.windows(ground.returns, ground.width)[columns, start]
        y = np.ascontiguousarray(both[:, :m])
        y_event = np.ascontiguousarray(both[:, ground.reach + first :])
    else:
        y = ground.windows(ground.estimation, m)[columns, start]
        length = last - first + 1
        y_event = ground.windows(ground.returns, length)[columns, start + ground.reach + first]
    usable = ground.usable
    found = (usable[columns, start + m] - usable[columns, start]).astype(np.int64)
    square = _sum_of_squares(y) / np.maximum(found, 1)
    if designs.offset is not None and designs.offset_event is not None:
        y -= designs.offset[date]
        y_event -= designs.offset_event[date]
    return y, y_event, found, square


def _sum_of_squares(y: Floats) -> Floats:
    """Return the sum of squares of each row, missing values left out, shape (n,)."""
    found: Floats = np.einsum("nm,nm->n", y, y)
    holes = np.isnan(found)
    if holes.any():
        found[holes] = np.nansum(y[holes] ** 2, axis=1)
    return found


def _runs(date: Ints) -> list[tuple[int, slice]]:
    """Return each distinct value of sorted dates with the rows that hold it."""
    if not len(date):
        return []
    edges = np.concatenate([[0], np.flatnonzero(np.diff(date)) + 1, [len(date)]])
    return [(int(date[a]), slice(a, b)) for a, b in pairwise(edges)]


def _complete(designs: Designs, k: int, y: Floats, y_event: Floats) -> tuple[Floats, Floats]:
    """Turn returns into residuals in place; return coefficients and abnormal returns."""
    params = (y @ designs.q[k]) @ designs.r_inverse[k].T
    y -= params @ designs.x[k].T
    return params, y_event - params @ designs.x_event[k].T


def _with_gaps(
    designs: Designs, k: int, y: Floats, y_event: Floats, masks: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Do the same where sessions are missing; also return error variances and condition."""
    used = np.isfinite(y) & designs.used[k]
    q = designs.q[k]
    m, d = q.shape
    filled = np.where(used, y, 0.0)
    gram = (used @ (q[:, :, None] * q[:, None, :]).reshape(m, d * d)).reshape(len(y), d, d)
    plain = _lost(gram) | ~(designs.condition[k] * WORSE * max(m, d) * np.finfo(float).eps < 1.0)
    gram[plain] = np.eye(d)
    spread = designs.forecast[k].T
    every = np.broadcast_to(spread, (len(y), *spread.shape))
    solved = np.linalg.solve(gram, np.concatenate([(filled @ q)[:, :, None], every], axis=2))
    params = solved[:, :, 0] @ designs.r_inverse[k].T
    unit = masks.sum(axis=1) + np.einsum("dw,ndw->nw", spread, solved[:, :, 1:])
    ar = y_event - params @ designs.x_event[k].T
    condition = np.full(len(y), designs.condition[k])
    y[:] = np.where(used, filled - params @ designs.x[k].T, np.nan)
    if plain.any():
        given = np.where(used, filled, np.nan)[plain]
        y[plain], params[plain], ar[plain], unit[plain], condition[plain] = _plainly(
            designs, k, given, y_event[plain], masks
        )
    return params, ar, unit, condition


def _lost(gram: Floats) -> Bools:
    """Return where missing sessions leave too little of the basis, shape (n,)."""
    d = gram.shape[1]
    if not d:
        return np.zeros(len(gram), dtype=bool)
    level = np.trace(gram, axis1=1, axis2=2) / d
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = gram / level[:, None, None] - np.eye(d)
        found: Bools = ~(np.sqrt((apart**2).sum(axis=(1, 2))) < LOST)
        return found


def _plainly(
    designs: Designs, k: int, y: Floats, y_event: Floats, masks: Floats
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Fit each event by the regression of `eventstudy.models.linear`."""
    n = len(y)
    x = np.broadcast_to(designs.x[k], (n, *designs.x[k].shape))
    x_event = np.broadcast_to(designs.x_event[k], (n, *designs.x_event[k].shape))
    with np.errstate(invalid="ignore"):
        fitted = fit(y, x)
    ar, v = forecast(fitted, y_event, x_event)
    _, se = cumulate(np.nan_to_num(ar), v, masks)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = se**2 / fitted.s2[:, None]
    return fitted.residuals, fitted.params, ar, unit, fitted.condition
