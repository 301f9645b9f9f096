"""Abnormal returns of one series after many sessions at once, and how to judge them.

The market model by least squares on the study's estimation window before each session, with the
exact forecast error of the sum: ``Var CAR = s^2 (L + x'(X1'X1)^-1 x)``, x the sum of the design
over the window's L days (Salinger 1992).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.models import linear
from eventstudy.windows import Frame

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cars:
    """Cumulated abnormal returns of n windows of one series.

    Attributes
    ----------
    car, se : ndarray, shape (n,)
        NaN where the window or too much of its estimation window lies outside the prices.
    fit : LinearFit
        Of the n estimation windows.
    length : int
        Sessions of each window.
    """

    car: Floats
    se: Floats
    fit: linear.LinearFit
    length: int

    @property
    def scar(self) -> Floats:
        """Standardised, shape (n,)."""
        return self.car / self.se


def fit_before(y: Floats, x: Floats, rows: Ints, frame: Frame) -> linear.LinearFit:
    """Fit the market model on the estimation window before each session.

    Parameters
    ----------
    y : ndarray, shape (S,)
        Returns of the series.
    x : ndarray, shape (S, k)
        Returns of what it is measured against.
    rows : ndarray, shape (n,), int
        Sessions 0.
    frame : Frame

    Returns
    -------
    LinearFit
        NaN where fewer than `Frame.min_estimation` sessions are usable.
    """
    ys, xs = _taken(y, x, rows, frame.estimation_days)
    usable = (np.isfinite(ys) & np.isfinite(xs).all(axis=2)).sum(axis=1)
    ys = np.where((usable >= frame.min_estimation)[:, None], ys, np.nan)
    return linear.fit(ys, xs)


def cars(fit: linear.LinearFit, y: Floats, x: Floats, rows: Ints, first: int, last: int) -> Cars:
    """Cumulate abnormal returns over days `first` to `last` from each session.

    Parameters
    ----------
    fit : LinearFit
        What `fit_before` returned for the same rows.
    y, x, rows
        See `fit_before`.
    first, last : int
        Event days, both included.
    """
    ys, xs = _taken(y, x, rows, np.arange(first, last + 1))
    summed = xs.sum(axis=1)
    car = ys.sum(axis=1) - np.einsum("nd,nd->n", summed, fit.params)
    shared = np.einsum("nd,nde,ne->n", summed, fit.gram_inverse, summed)
    length = last - first + 1
    with np.errstate(invalid="ignore"):
        se = np.sqrt(fit.s2 * (length + shared))
    known = np.isfinite(car) & np.isfinite(se) & (se > 0)
    return Cars(np.where(known, car, np.nan), np.where(known, se, np.nan), fit, length)


def _taken(y: Floats, x: Floats, rows: Ints, days: Ints) -> tuple[Floats, Floats]:
    """Return returns and design (n, L, 1 + k) around sessions, NaN outside the table."""
    at = rows[:, None] + days[None, :]
    inside = (at >= 0) & (at < len(y))
    safe = np.where(inside, at, 0)
    design = np.concatenate([np.ones((*at.shape, 1)), x[safe]], axis=2)
    return np.where(inside, y[safe], np.nan), np.where(inside[:, :, None], design, np.nan)


def reach(se: float, dof: int) -> float:
    """Return half the width of a 95% interval: t with `dof` degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(dof, 0.975) * se)


def two_sided(t: float, dof: int) -> float:
    """Return the two-sided tail probability of a t statistic."""
    from scipy.special import stdtr

    return float(2.0 * stdtr(dof, -abs(t))) if np.isfinite(t) and dof > 0 else np.nan


@dataclass(frozen=True, slots=True)
class Compared:
    """What followed some sessions, against what followed all.

    Attributes
    ----------
    difference : float
        Mean after the marked sessions less the mean after all.
    lo, hi : float
        95% interval by shifts.
    p_shift : float
        Among all circular shifts of the marks.
    p_across : float
        t across the marked sessions with N - 1 degrees of freedom, which allows for a variance
        of their own; NaN for fewer than three.
    n : int
        Marked sessions with a full window.
    apart : int
        Of these, how many windows share no session with the one before.
    """

    difference: float
    lo: float
    hi: float
    p_shift: float
    p_across: float
    n: int
    apart: int


def after_marked(value: Floats, marked: npt.NDArray[np.bool_], length: int) -> Compared:
    """Compare what follows marked sessions with what follows any.

    Every circular shift of the marks keeps their number and clusters and the autocorrelation of
    overlapping windows, and breaks the link between the two: with B shifts
    ``p = (1 + #{|shifted| >= |seen|}) / (B + 1)``, and the interval is the difference plus and
    minus the 95% quantile of the shifted ones.

    Parameters
    ----------
    value : ndarray, shape (S,)
        What follows each session; NaN where it is not known, these sessions do not count.
    marked : ndarray, shape (S,), bool
    length : int
        Sessions over which `value` is cumulated.

    Returns
    -------
    Compared
    """
    known = np.flatnonzero(np.isfinite(value))
    held, marks = value[known], marked[known].astype(float)
    n = int(marks.sum())
    if n == 0 or n == len(held):
        return Compared(np.nan, np.nan, np.nan, np.nan, np.nan, n, n)
    apart = held - held.mean()
    # Means after every shift at once: a circular correlation.
    shifted = np.fft.irfft(
        np.fft.rfft(apart) * np.conj(np.fft.rfft(marks)), n=len(held)
    ) / n  # fmt: skip
    seen, drawn = float(apart[marks > 0].mean()), np.abs(shifted[1:])
    p = (1.0 + float((drawn >= abs(seen) - 1e-12).sum())) / (len(drawn) + 1.0)
    wide = float(np.quantile(drawn, 0.95))
    return Compared(
        seen, seen - wide, seen + wide, p, _across(apart[marks > 0]), n,
        spread_out(known[marks > 0], length),
    )  # fmt: skip


def _across(values: Floats) -> float:
    if len(values) < 3:
        return np.nan
    return two_sided(
        float(values.mean() / (values.std(ddof=1) / np.sqrt(len(values)))), len(values) - 1
    )


def spread_out(rows: Ints, length: int) -> int:
    """Return how many windows of `length` sessions from these rows share none: greedily counted."""
    count, free = 0, -1
    for row in rows.tolist():
        if row >= free:
            count, free = count + 1, row + length
    return count


def run_lengths(falls: npt.NDArray[np.bool_]) -> Ints:
    """Return how many falls in a row end at each session, shape (S,)."""
    count = np.arange(1, len(falls) + 1)
    last = np.maximum.accumulate(np.where(falls, 0, count)) if len(falls) else count
    return np.asarray(count - last, dtype=np.int64)
