"""The market model by Huber's M-estimator: a few wild sessions do not move the line.

References
----------
Huber, P. J. (1964). Robust estimation of a location parameter. Annals of Mathematical
Statistics 35, 73-101.
Huber, P. J. and Ronchetti, E. M. (2009). Robust Statistics, 2nd ed., ch. 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.models.contract import ModelTask, Needs
from eventstudy.models.iterated import ExplainedFit, judged
from eventstudy.models.linear import LinearFit, fit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TUNING = 1.345
"""Residuals beyond so many scales are downweighted: 95% efficient under normality."""
NORMAL_QUARTILE = 0.6744897501960817
"""Median absolute deviation of a standard normal variable."""
VANISHES = 1e-10
"""Scale, as a share of the root mean square return, that is rounding alone."""
CONVERGED = 1e-12
"""Largest change of a fitted value, in scales, at which the iteration ends."""
MOST_ITERATIONS = 500


@dataclass(frozen=True, slots=True)
class HuberFit:
    """Huber regressions of n series on a constant and one regressor.

    Attributes
    ----------
    alpha, beta : ndarray, shape (n,)
    scale : ndarray, shape (n,)
        Median absolute residual over 0.6745, return units.
    weights : ndarray, shape (n, M)
        Of the last iteration, in (0, 1]; 0 where a session was not usable.
    converged : ndarray, shape (n,), bool
    """

    alpha: Floats
    beta: Floats
    scale: Floats
    weights: Floats
    converged: Bools


class Huber:
    """E[R] = alpha + beta R_m by Huber's M-estimator, tuning constant 1.345.

    Iteratively reweighted least squares from ordinary least squares, the scale measured
    anew at every step as the median absolute residual over 0.6745. s^2 is the square of
    that scale, which outliers do not inflate: it is smaller than the mean square residual
    of fat-tailed returns. V has no meaning here (NaN), so tests that standardise by it are
    refused; there is no hat matrix, so leverages are zero.

    `loadings`: ``downweighted``, the share of sessions with a weight below one. An
    observation is not fitted where half of its residuals vanish or the iteration does not
    settle.

    References
    ----------
    Huber, P. J. (1964). Annals of Mathematical Statistics 35, 73-101.
    """

    name = "robust"
    needs_benchmark = True
    needs = Needs()

    def fit(self, task: ModelTask) -> ExplainedFit:
        """Fit on the estimation window and forecast the event window.

        Parameters
        ----------
        task : ModelTask
            Of n observations.

        Returns
        -------
        ExplainedFit
        """
        with np.errstate(invalid="ignore"):
            start = fit(task.y, np.stack([np.ones_like(task.market), task.market], axis=2))
        used = np.isfinite(start.residuals)
        found = huber_lines(task.y, task.market, start)
        ok = found.converged
        alpha, beta = np.where(ok, found.alpha, np.nan), np.where(ok, found.beta, np.nan)
        fitted = alpha[:, None] + beta[:, None] * task.market
        singular = ~np.isfinite(judged(start.condition))
        count = np.maximum(used.sum(axis=1), 1)
        length = task.y_event.shape[1]
        return ExplainedFit(
            ar=task.y_event - alpha[:, None] - beta[:, None] * task.market_event,
            v=np.full((len(ok), length, length), np.nan),
            residuals=np.where(used, task.y - fitted, np.nan),
            leverage=np.where(used, 0.0, np.nan),
            s2=np.where(ok, found.scale**2, np.nan),
            dof=start.dof,
            n_params=2,
            alpha=alpha,
            beta=beta,
            condition=np.where(ok, start.condition, np.inf),
            covariance="none",
            loadings={"downweighted": (used & (found.weights < 1.0)).sum(axis=1) / count},
            reasons=tuple(
                "" if good or flat else _reason(scale)
                for good, flat, scale in zip(ok, singular, found.scale, strict=True)
            ),
        )


def _reason(scale: float) -> str:
    if not scale > 0:
        return "half of the residuals vanish: there is no scale to judge the others by"
    return f"the robust regression did not settle in {MOST_ITERATIONS} iterations"


def huber_lines(y: Floats, x: Floats, start: LinearFit) -> HuberFit:
    """Fit n lines by Huber's M-estimator.

    Parameters
    ----------
    y, x : ndarray, shape (n, M)
        NaN = missing.
    start : LinearFit
        Ordinary least squares of the same lines.

    Returns
    -------
    HuberFit
        A line that has converged is left alone, so each is fitted as if it were alone.
    """
    used = np.isfinite(start.residuals)
    y0, x0 = np.where(used, y, 0.0), np.where(used, x, 0.0)
    alpha, beta = start.params[:, 0].copy(), start.params[:, 1].copy()
    usable = np.isfinite(judged(start.condition)) & (start.dof > 0)
    scale = median_scale(y0 - alpha[:, None] - beta[:, None] * x0, used)
    weights = used.astype(float)
    converged = np.zeros(len(y), dtype=bool)
    floor = VANISHES * np.sqrt((y0**2).sum(axis=1) / np.maximum(used.sum(axis=1), 1))
    active = np.flatnonzero(usable & (scale > floor))
    for _ in range(MOST_ITERATIONS):
        if not len(active):
            break
        a, b, s, here = alpha[active], beta[active], scale[active], used[active]
        w = huber_weights((y0[active] - a[:, None] - b[:, None] * x0[active]) / s[:, None]) * here
        alpha[active], beta[active] = weighted_lines(y0[active], x0[active], w)
        change = (alpha[active] - a)[:, None] + (beta[active] - b)[:, None] * x0[active]
        residuals = y0[active] - alpha[active][:, None] - beta[active][:, None] * x0[active]
        scale[active], weights[active] = median_scale(residuals, here), w
        settled = np.abs(change).max(axis=1) <= CONVERGED * s
        settled &= np.abs(scale[active] - s) <= CONVERGED * s
        converged[active[settled]] = True
        active = active[~settled & (scale[active] > floor[active])]
    scale = np.where(scale > floor, scale, 0.0)
    return HuberFit(alpha, beta, scale, weights, converged)


def huber_weights(z: Floats) -> Floats:
    """Return min(1, 1.345 / |z|)."""
    return TUNING / np.maximum(np.abs(z), TUNING)


def weighted_lines(y: Floats, x: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Return intercepts and slopes of n weighted regressions, shapes (n,).

    Parameters
    ----------
    y, x, w : ndarray, shape (n, M)
        Weight 0 = left out.
    """
    total = w.sum(axis=1)
    mean_x, mean_y = (w * x).sum(axis=1) / total, (w * y).sum(axis=1) / total
    dx = x - mean_x[:, None]
    beta = (w * dx * (y - mean_y[:, None])).sum(axis=1) / (w * dx**2).sum(axis=1)
    return mean_y - beta * mean_x, beta


def median_scale(residuals: Floats, used: Bools) -> Floats:
    """Return the median absolute residual over 0.6745, shape (n,); NaN without sessions.

    Parameters
    ----------
    residuals : ndarray, shape (n, M)
    used : ndarray, shape (n, M), bool
    """
    ordered = np.sort(np.where(used, np.abs(residuals), np.inf), axis=1)
    count = used.sum(axis=1)
    rows = np.arange(len(ordered))
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    high = np.where(count % 2 == 0, high, low)
    median = 0.5 * (ordered[rows, low] + ordered[rows, high])
    return np.where(count > 0, median / NORMAL_QUARTILE, np.nan)
