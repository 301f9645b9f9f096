"""Returns measured against a reference, or against a mean that looks both ways.

References
----------
Masulis, R. (1980). The effects of capital structure change on security prices: a study of
exchange offers. Journal of Financial Economics 8, 139-178.
Brown, S. and Warner, J. (1980). Measuring security price performance. Journal of Financial
Economics 8, 205-258.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.models.contract import REFERENCE, ModelFit, ModelTask, Needs, Recipe
from eventstudy.models.market import regression

Floats = npt.NDArray[np.float64]

ADJUSTED = "adjusted:"
INDUSTRY = "industry:"
_BASKET = re.compile(r"@[A-Za-z0-9_]+")
_TICKER = re.compile(r"[^\s@,;:/\\]+")


class ComparisonPeriodMean:
    """E[R] = the mean of the sessions before AND after the event: comparison-period returns.

    It uses returns from after the event, which nobody had at the time: it serves to measure,
    never to trade. Its later sessions may hold what followed from the event.

    AR = R - m, m the mean of all M usable sessions of the estimation window and of
    `ModelTask.y_after`; s^2 = sum (R - m)^2 / (M - 1) over all of them; V = s^2 (I + 11'/M).
    An event with no session after it is compared with those before it only; the loading
    ``sessions_after`` says how many there were.

    Masulis (1980) compares the mean of the announcement days with the mean of a comparison
    period on both sides of them, returns taken as stationary. The mean adjusted returns of
    Brown and Warner (1980) use sessions before the event only: that is the model ``mean``.
    """

    name = "comparison-mean"
    needs_benchmark = False
    needs = Needs(benchmark=False, after=True)
    uses_later_data = True

    def fit(self, task: ModelTask) -> ModelFit:
        """Fit on the sessions before and after, and forecast the event window.

        Parameters
        ----------
        task : ModelTask
            Of n observations, with `ModelTask.y_after`.

        Returns
        -------
        ModelFit
            `residuals` and `leverage` of the estimation window; `s2` and `dof` of all
            sessions used.

        Raises
        ------
        StudyError
            Where the task has no returns after the event.
        """
        n, before = task.y.shape
        if task.y_after.ndim != 2 or len(task.y_after) != n or not task.y_after.shape[1]:
            raise StudyError(f"model {self.name} needs the returns after the event window")
        y = np.concatenate([task.y, task.y_after], axis=1)
        ones, ones_event = np.ones((*y.shape, 1)), np.ones((*task.y_event.shape, 1))
        found = regression(y, ones, task.y_event, ones_event, ("alpha",))
        after = np.isfinite(task.y_after).sum(axis=1).astype(np.float64)
        return replace(
            found,
            residuals=found.residuals[:, :before],
            leverage=found.leverage[:, :before],
            loadings={"alpha": found.alpha, "sessions_after": after},
        )


class ReferenceAdjusted:
    """E[R] = the return of a reference ticker or basket. Nothing is estimated.

    s^2 is the mean square of the estimation window's abnormal returns, V = s^2 I. A spread
    (net weight 0) has no reference, as under the market-adjusted model.

    Parameters
    ----------
    reference : str
        A ticker, or a basket with its ``@``; the series' own tickers leave a basket.

    Attributes
    ----------
    name : str
        ``adjusted:`` and the reference.
    reference : str
    needs : Needs

    Raises
    ------
    StudyError
        Where the reference is neither.
    """

    needs_benchmark = False
    recipe = Recipe((), intercept=False, offset=REFERENCE)

    def __init__(self, reference: str) -> None:
        self.reference = _checked(reference, ADJUSTED)
        self.name = f"{ADJUSTED}{self.reference}"
        self.needs = Needs(benchmark=False, reference=self.reference)

    def __repr__(self) -> str:
        return f"ReferenceAdjusted({self.reference!r})"

    def fit(self, task: ModelTask) -> ModelFit:
        """Take the reference off the returns.

        Parameters
        ----------
        task : ModelTask
            Of n observations, with `ModelTask.reference`.

        Returns
        -------
        ModelFit

        Raises
        ------
        StudyError
            Where the task has no reference.
        """
        _require_reference(task, self.name)
        return regression(
            task.y - _held(task.reference, task.net),
            np.empty((*task.y.shape, 0)),
            task.y_event - _held(task.reference_event, task.net),
            np.empty((*task.y_event.shape, 0)),
            (),
        )


class ReferenceModel:
    """E[R] = alpha + beta R_ref: the market model on an industry's ticker or basket.

    Parameters
    ----------
    reference : str
        A ticker, or a basket with its ``@``; the series' own tickers leave a basket.

    Attributes
    ----------
    name : str
        ``industry:`` and the reference.
    reference : str
    needs : Needs

    Raises
    ------
    StudyError
        Where the reference is neither.
    """

    needs_benchmark = False
    recipe = Recipe(("alpha", "beta"), intercept=True, regressors=(REFERENCE,))

    def __init__(self, reference: str) -> None:
        self.reference = _checked(reference, INDUSTRY)
        self.name = f"{INDUSTRY}{self.reference}"
        self.needs = Needs(benchmark=False, reference=self.reference)

    def __repr__(self) -> str:
        return f"ReferenceModel({self.reference!r})"

    def fit(self, task: ModelTask) -> ModelFit:
        """Fit on the estimation window and forecast the event window.

        Parameters
        ----------
        task : ModelTask
            Of n observations, with `ModelTask.reference`.

        Returns
        -------
        ModelFit

        Raises
        ------
        StudyError
            Where the task has no reference.
        """
        _require_reference(task, self.name)
        return regression(
            task.y,
            np.stack([np.ones_like(task.reference), task.reference], axis=2),
            task.y_event,
            np.stack([np.ones_like(task.reference_event), task.reference_event], axis=2),
            ("alpha", "beta"),
        )


def reference_model(spec: str) -> ReferenceAdjusted | ReferenceModel:
    """Return the model of ``adjusted:NAME`` or ``industry:NAME``, NAME a ticker or ``@BASKET``.

    Raises
    ------
    UnknownNameError
        Where the text begins with neither.
    StudyError
        Where NAME is neither a ticker nor a basket.
    """
    kind, _, name = spec.strip().partition(":")
    if kind.casefold() == ADJUSTED[:-1]:
        return ReferenceAdjusted(name)
    if kind.casefold() == INDUSTRY[:-1]:
        return ReferenceModel(name)
    raise UnknownNameError("reference model", spec, (f"{ADJUSTED}NAME", f"{INDUSTRY}NAME"))


def _held(reference: Floats, net: Floats) -> Floats:
    """Return the reference's return times the net weight; nothing for a spread."""
    return np.where(net[:, None] == 0.0, 0.0, reference * net[:, None])


def _checked(reference: str, kind: str) -> str:
    name = reference.strip()
    if not (_BASKET.fullmatch(name) or _TICKER.fullmatch(name)):
        raise StudyError(
            f"model {kind}{reference}: {reference!r} is neither a ticker nor a basket; write "
            f"{kind}SMH or {kind}@GPU"
        )
    return name


def _require_reference(task: ModelTask, name: str) -> None:
    for given, returns in ((task.reference, task.y), (task.reference_event, task.y_event)):
        if given.shape != returns.shape:
            raise StudyError(
                f"model {name} needs the reference's returns, shape {returns.shape}; it was "
                f"given {given.shape}"
            )
