"""Constant mean, market-adjusted and market model.

Each class states only its design; `LinearModel` owns fitting and forecasting.

References
----------
Brown, S. and Warner, J. (1985). Using daily stock returns. Journal of Financial Economics
14, 3-31.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from eventstudy.models.contract import BENCHMARK, ModelFit, ModelTask, Recipe
from eventstudy.models.linear import fit, forecast

Floats = npt.NDArray[np.float64]


class LinearModel(ABC):
    """A model that is a linear regression: y - offset = X b + e."""

    name: str
    needs_benchmark: bool = True
    coefficients: tuple[str, ...] = ()

    @abstractmethod
    def design(self, market: Floats) -> Floats:
        """Return X, shape (n, T, d), from market returns, shape (n, T)."""

    def offset(self, market: Floats, net: Floats) -> Floats:
        """Return what is taken off the returns before the regression, shape (n, T)."""
        return np.zeros_like(market)

    def fit(self, task: ModelTask) -> ModelFit:
        """Fit on the estimation window and forecast the event window.

        Parameters
        ----------
        task : ModelTask
            Of n observations.

        Returns
        -------
        ModelFit
        """
        return regression(
            task.y - self.offset(task.market, task.net),
            self.design(task.market),
            task.y_event - self.offset(task.market_event, task.net),
            self.design(task.market_event),
            self.coefficients,
        )


def regression(
    y: Floats, x: Floats, y_event: Floats, x_event: Floats, coefficients: tuple[str, ...]
) -> ModelFit:
    """Fit n regressions and forecast their event windows.

    Parameters
    ----------
    y, x : ndarray, shapes (n, M) and (n, M, d)
        Estimation window; what is known in advance is already taken off `y`.
    y_event, x_event : ndarray, shapes (n, L) and (n, L, d)
        Event window.
    coefficients : tuple of str, length d
        Names of the columns of X; ``alpha`` and ``beta`` fill those fields of the fit, the
        others are its loadings.

    Returns
    -------
    ModelFit
    """
    with np.errstate(invalid="ignore"):  # without one usable session, 0 / 0: no condition number
        fitted = fit(y, x)
    ar, v = forecast(fitted, y_event, x_event)
    return ModelFit(
        ar,
        v,
        fitted.residuals,
        fitted.leverage,
        fitted.s2,
        fitted.dof,
        len(coefficients),
        _coefficient(fitted.params, coefficients, "alpha"),
        _coefficient(fitted.params, coefficients, "beta"),
        fitted.condition,
        loadings={
            name: fitted.params[:, at]
            for at, name in enumerate(coefficients)
            if name not in ("alpha", "beta")
        },
    )


def _coefficient(params: Floats, coefficients: tuple[str, ...], name: str) -> Floats:
    if name not in coefficients:
        return np.full(len(params), np.nan)
    return params[:, coefficients.index(name)]


class ConstantMean(LinearModel):
    """E[R] = the mean of the estimation window. The benchmark plays no part."""

    name = "mean"
    needs_benchmark = False
    coefficients = ("alpha",)
    recipe = Recipe(("alpha",), intercept=True)

    def design(self, market: Floats) -> Floats:
        """Return a column of ones."""
        return np.ones((*market.shape, 1))


class MarketAdjusted(LinearModel):
    """E[R] = the benchmark's return; a spread has no benchmark. Nothing is estimated.

    s^2 is the mean square of the estimation window's abnormal returns, V = s^2 I.
    """

    name = "market-adjusted"
    recipe = Recipe((), intercept=False, offset=BENCHMARK)

    def design(self, market: Floats) -> Floats:
        """Return a design without columns."""
        return np.empty((*market.shape, 0))

    def offset(self, market: Floats, net: Floats) -> Floats:
        """Return the benchmark's return times the net weight; nothing for a spread."""
        return np.where(net[:, None] == 0.0, 0.0, market * net[:, None])


class MarketModel(LinearModel):
    """E[R] = alpha + beta R_m by ordinary least squares."""

    name = "market"
    coefficients = ("alpha", "beta")
    recipe = Recipe(("alpha", "beta"), intercept=True, regressors=(BENCHMARK,))

    def design(self, market: Floats) -> Floats:
        """Return ones and the benchmark's returns."""
        return np.stack([np.ones_like(market), market], axis=2)
