"""The contract of an expected-return model, and what a fit returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ModelTask:
    """Aligned returns of n observations; one observation is one series at one session 0.

    Attributes
    ----------
    y : ndarray, shape (n, M)
        Returns over the estimation window; NaN = missing.
    y_event : ndarray, shape (n, L)
        Returns over the hull of the event windows.
    market, market_event : ndarray, shapes (n, M) and (n, L)
        Benchmark returns over the same sessions; NaN throughout without a benchmark.
    net : ndarray, shape (n,)
        Net weight of the series: 1 for a security or basket, 0 for a spread.
    """

    y: Floats
    y_event: Floats
    market: Floats
    market_event: Floats
    net: Floats


@dataclass(frozen=True, slots=True)
class ModelFit:
    """Abnormal returns of n observations and all that the tests need.

    Attributes
    ----------
    ar : ndarray, shape (n, L)
        Abnormal returns over the event window.
    v : ndarray, shape (n, L, L)
        Covariance of the forecast errors.
    residuals : ndarray, shape (n, M)
        Of the estimation window; NaN where a session was not usable.
    leverage : ndarray, shape (n, M)
    s2 : ndarray, shape (n,)
        Residual variance.
    dof : ndarray, shape (n,), int
        M_i - d.
    n_params : int
        d.
    alpha, beta : ndarray, shape (n,)
        NaN where the model has none.
    condition : ndarray, shape (n,)
        Condition number of the design; inf where it is singular.
    """

    ar: Floats
    v: Floats
    residuals: Floats
    leverage: Floats
    s2: Floats
    dof: npt.NDArray[np.int64]
    n_params: int
    alpha: Floats
    beta: Floats
    condition: Floats


@runtime_checkable
class ReturnModel(Protocol):
    """What a study asks of a model: a name, and a fit of all observations at once."""

    name: str
    needs_benchmark: bool

    def fit(self, task: ModelTask) -> ModelFit:
        """Fit on the estimation window and forecast the event window."""
        ...
