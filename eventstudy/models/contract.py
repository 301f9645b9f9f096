"""The contract of an expected-return model: what it asks for, is given, and returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, int, int], None]
"""Told what is being done, how many are done, and how many there are."""


def unwatched(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model asks of a study beside the returns themselves.

    Attributes
    ----------
    benchmark : bool
        Whether it uses the benchmark's returns.
    factors : tuple of str
        Columns of the factor table, ``rf`` among them where excess returns are meant.
    reach : int
        Leads and lags of the benchmark, in sessions.
    reference : str or None
        Ticker or basket whose returns are the yardstick; the series' own tickers leave a
        basket.
    donors : bool
        Whether it uses the returns of other securities.
    after : bool
        Whether it uses sessions after the event window.
    """

    benchmark: bool = True
    factors: tuple[str, ...] = ()
    reach: int = 0
    reference: str | None = None
    donors: bool = False
    after: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """A linear model whose regressors are the same for every security: R - offset = X b + e.

    A model that states its `recipe` can be fitted to any number of events, many at a time.
    Regressors and offset are `BENCHMARK`, `REFERENCE` (that of `Needs`) or factors' names.

    Attributes
    ----------
    coefficients : tuple of str, length d
        Names of the columns of X.
    intercept : bool
        Whether the first column of X is ones.
    regressors : tuple of str
        The other columns.
    offset : str or None
        What is taken off the returns of a security beforehand.
    """

    coefficients: tuple[str, ...]
    intercept: bool
    regressors: tuple[str, ...] = ()
    offset: str | None = None


BENCHMARK, REFERENCE = "<benchmark>", "<reference>"


def _none() -> Floats:
    return np.empty((0, 0, 0))


@dataclass(frozen=True, slots=True)
class ModelTask:
    """Aligned returns of n observations; one observation is one series at one session 0.

    What the model did not ask for (see `Needs`) is an empty array.

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
    factors, factors_event : ndarray, shapes (n, M, F) and (n, L, F)
        Factor returns in the order of `Needs.factors`, decimals per session.
    shifted, shifted_event : ndarray, shapes (n, M, 2k + 1) and (n, L, 2k + 1)
        Benchmark returns of sessions t - k .. t + k, k being `Needs.reach`.
    reference, reference_event : ndarray, shapes (n, M) and (n, L)
        Returns of `Needs.reference`.
    donors, donors_event : ndarray, shapes (n, M, D) and (n, L, D)
        Returns of other securities; NaN throughout for one that is no donor of this
        observation.
    y_after : ndarray, shape (n, A)
        Returns after the event window and a gap; NaN beyond the price table.
    market_after : ndarray, shape (n, A)
    ahead : int or None
        Sessions from the last of the estimation window to the first of the event window; None
        where it is not known.
    progress : callable
        Told how far an iterating model is.
    """

    y: Floats
    y_event: Floats
    market: Floats
    market_event: Floats
    net: Floats
    factors: Floats = field(default_factory=_none)
    factors_event: Floats = field(default_factory=_none)
    shifted: Floats = field(default_factory=_none)
    shifted_event: Floats = field(default_factory=_none)
    reference: Floats = field(default_factory=_none)
    reference_event: Floats = field(default_factory=_none)
    donors: Floats = field(default_factory=_none)
    donors_event: Floats = field(default_factory=_none)
    y_after: Floats = field(default_factory=_none)
    market_after: Floats = field(default_factory=_none)
    ahead: int | None = None
    progress: Progress = unwatched


@dataclass(frozen=True, slots=True)
class ModelFit:
    """Abnormal returns of n observations and all that the tests need.

    Attributes
    ----------
    ar : ndarray, shape (n, L)
        Abnormal returns over the event window.
    v : ndarray, shape (n, L, L)
        Covariance of the forecast errors; NaN where the model has none.
    residuals : ndarray, shape (n, M)
        Of the estimation window; NaN where a session was not usable.
    leverage : ndarray, shape (n, M)
        Zero where the model has no hat matrix.
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
    covariance : {"exact", "approximate", "none"}
        What V is; tests that standardise by it are refused where there is none.
    loadings : mapping of str to ndarray, shape (n,)
        Further coefficients by name.
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
    covariance: Literal["exact", "approximate", "none"] = "exact"
    loadings: Mapping[str, Floats] = field(default_factory=dict)


@runtime_checkable
class ReturnModel(Protocol):
    """What a study asks of a model: a name, and a fit of all observations at once.

    A model may also state `needs` (`Needs`), without which it is given the benchmark where
    `needs_benchmark` says so, `iterates`, True where a fit takes long enough that a study
    should not refit it at every session of the table, and `uses_later_data`, True where a
    fit uses returns after the event, which summary and report then say.
    """

    name: str
    needs_benchmark: bool

    def fit(self, task: ModelTask) -> ModelFit:
        """Fit on the estimation window and forecast the event window."""
        ...


def needs_of(model: ReturnModel) -> Needs:
    """Return what a model asks for; one that does not say asks for the benchmark at most."""
    found = getattr(model, "needs", None)
    return found if isinstance(found, Needs) else Needs(benchmark=model.needs_benchmark)


def recipe_of(model: ReturnModel) -> Recipe | None:
    """Return the recipe of a model; None without one.

    A subclass that changes how its parent fits has no recipe unless it states its own.
    """
    for kind in type(model).__mro__:
        if "recipe" in vars(kind):
            found = model.recipe  # type: ignore[attr-defined]
            return found if isinstance(found, Recipe) else None
        if {"fit", "design", "offset"} & set(vars(kind)):
            return None
    return None


def iterates(model: ReturnModel) -> bool:
    """Return whether a model's fit is slow, one observation at a time."""
    return bool(getattr(model, "iterates", False))


def looks_ahead(model: ReturnModel) -> bool:
    """Return whether a model's fit uses returns after the event."""
    return bool(getattr(model, "uses_later_data", False))
