"""Models that are fitted one observation at a time, in parallel, the same on any machine.

A model states `fit_one`; `IteratedModel` hands out the observations, keeps them in order,
tells how far it is and stacks the results. Every observation is fitted from its own
numbers alone, so neither the number of workers nor the company changes a digit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from eventstudy.errors import StudyError
from eventstudy.models.contract import ModelFit, ModelTask, Needs
from eventstudy.models.linear import LARGEST_CONDITION

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ExplainedFit(ModelFit):
    """A fit that says why an observation could not be fitted.

    Attributes
    ----------
    reasons : tuple of str, length n
        Empty where the fit succeeded; else `condition` is inf and the numbers are NaN.
    """

    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OneTask:
    """Returns of one observation, decimals per session.

    Attributes
    ----------
    y, market : ndarray, shape (M,)
        Estimation window; NaN = missing.
    y_event, market_event : ndarray, shape (L,)
        Event window.
    net : float
        0 for a spread, 1 for anything else.
    ahead : int or None
        Sessions from the last of the estimation window to the first of the event window;
        None where the task does not say.
    donors, donors_event : ndarray, shapes (M, D) and (L, D)
    """

    y: Floats
    y_event: Floats
    market: Floats
    market_event: Floats
    net: float
    ahead: int | None
    donors: Floats
    donors_event: Floats


@dataclass(frozen=True, slots=True)
class OneFit:
    """What a model found for one observation.

    Attributes
    ----------
    ar : ndarray, shape (L,)
    variance : ndarray, shape (L,)
        Forecast variance of each event day, return units squared; NaN where the model has
        none.
    residuals : ndarray, shape (M,)
        NaN where a session was not usable.
    n_used : int
        Usable sessions of the estimation window.
    s2, alpha, beta, condition : float
    loadings : mapping of str to float
    reason : str
        Why there is no fit; empty where there is one.
    """

    ar: Floats
    variance: Floats
    residuals: Floats
    n_used: int
    s2: float
    alpha: float = np.nan
    beta: float = np.nan
    condition: float = 1.0
    loadings: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


def unfitted(one: OneTask, n_used: int, reason: str) -> OneFit:
    """Return the fit of an observation that could not be fitted: NaN, and why."""
    blank = np.full(len(one.y_event), np.nan)
    return OneFit(
        blank, blank, np.full(len(one.y), np.nan), n_used, np.nan,
        condition=np.inf, reason=reason,
    )  # fmt: skip


class IteratedModel(ABC):
    """A model that is fitted one observation at a time.

    Attributes
    ----------
    n_params : int
        d, taken off the usable sessions for the degrees of freedom.
    covariance : {"approximate", "none"}
    loading_names : tuple of str
        Names of the further coefficients.
    parallel_from : int
        Observations from which starting workers pays.
    jobs : int or None
        Workers; None = one a processor.
    """

    name: str
    needs_benchmark: bool = True
    needs: Needs = Needs()
    iterates: bool = True
    n_params: int = 0
    covariance: Literal["approximate", "none"] = "none"
    loading_names: tuple[str, ...] = ()
    parallel_from: int = 100
    jobs: int | None = None

    @abstractmethod
    def fit_one(self, one: OneTask) -> OneFit:
        """Fit one observation; what cannot be fitted is returned as `unfitted`."""

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
        n = len(task.y)
        found: list[OneFit] = []
        for one in self._each(observations_of(task), n):
            found.append(one)
            task.progress(f"{self.name} model", len(found), n)
        return self._stacked(task, found)

    def _each(self, tasks: Iterable[OneTask], n: int) -> Iterator[OneFit]:
        if n < self.parallel_from or self.jobs == 1:
            return (_on_one_thread(self, one) for one in tasks)
        from joblib import Parallel, delayed

        workers = Parallel(n_jobs=self.jobs or -1, backend="loky", return_as="generator")
        results: Iterator[OneFit] = workers(delayed(_on_one_thread)(self, one) for one in tasks)
        return results

    def _stacked(self, task: ModelTask, found: list[OneFit]) -> ExplainedFit:
        n, length = task.y_event.shape
        residuals = _stack([one.residuals for one in found], task.y.shape[1])
        variance = _stack([one.variance for one in found], length)
        v = variance[:, :, None] * np.eye(length)
        v[~np.isfinite(variance).all(axis=1)] = np.nan

        def column(values: Iterable[float]) -> Floats:
            return np.fromiter(values, dtype=float, count=n)

        return ExplainedFit(
            ar=_stack([one.ar for one in found], length),
            v=v,
            residuals=residuals,
            leverage=np.where(np.isfinite(residuals), 0.0, np.nan),
            s2=column(one.s2 for one in found),
            dof=np.array([one.n_used - self.n_params for one in found], dtype=np.int64),
            n_params=self.n_params,
            alpha=column(one.alpha for one in found),
            beta=column(one.beta for one in found),
            condition=column(one.condition for one in found),
            covariance=self.covariance,
            loadings={
                name: column(one.loadings.get(name, np.nan) for one in found)
                for name in self.loading_names
            },
            reasons=tuple(one.reason for one in found),
        )


def _on_one_thread(model: IteratedModel, one: OneTask) -> OneFit:
    """Fit with single-threaded linear algebra.

    The order in which threads add changes last digits, and an optimiser can end elsewhere
    for them: a worker, which has one thread, must not differ from the main process.
    """
    with _linear_algebra().limit(limits=1, user_api="blas"):
        return model.fit_one(one)


@lru_cache(maxsize=1)
def _linear_algebra() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401 - it brings a library of its own, which must be seen
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def judged(condition: Floats) -> Floats:
    """Return condition numbers with inf where the design is singular but for rounding."""
    with np.errstate(invalid="ignore"):
        return np.where(condition < LARGEST_CONDITION, condition, np.inf)


def _stack(rows: list[Floats], width: int) -> Floats:
    return np.array(rows, dtype=float).reshape(len(rows), width)


def observations_of(task: ModelTask) -> Iterator[OneTask]:
    """Return the observations of a task one by one."""
    n, m = task.y.shape
    length = task.y_event.shape[1]
    donors = task.donors if task.donors.size else np.empty((n, m, 0))
    donors_event = task.donors_event if task.donors_event.size else np.empty((n, length, 0))
    for i in range(n):
        yield OneTask(
            task.y[i],
            task.y_event[i],
            task.market[i],
            task.market_event[i],
            float(task.net[i]),
            task.ahead,
            donors[i],
            donors_event[i],
        )


def steps_ahead(one: OneTask, used: Bools) -> npt.NDArray[np.int64]:
    """Return how many sessions each event day lies after the last usable one, shape (L,).

    Parameters
    ----------
    one : OneTask
    used : ndarray, shape (M,), bool
        At least one of them.

    Raises
    ------
    StudyError
        Where the task does not say where its event window lies.
    """
    if one.ahead is None:
        raise StudyError(
            "a model that forecasts variances needs to know how many sessions lie between the "
            "estimation window and the event window: the task does not say (ahead)"
        )
    missing_at_end = int(np.argmax(used[::-1]))
    return one.ahead + missing_at_end + np.arange(len(one.y_event))
