"""Linear factor models: CAPM, Fama-French, Carhart, and factors of one's own.

E[R] = rf + alpha + sum_k b_k f_k by ordinary least squares of R - rf on the factors; without
a riskless rate, E[R] = alpha + sum_k b_k f_k. V is exact, as for the market model.

References
----------
Sharpe, W. (1964). Capital asset prices. Journal of Finance 19, 425-442.
Fama, E. and French, K. (1993). Common risk factors in the returns on stocks and bonds.
Journal of Financial Economics 33, 3-56.
Carhart, M. (1997). On persistence in mutual fund performance. Journal of Finance 52, 57-82.
Fama, E. and French, K. (2015). A five-factor asset pricing model. Journal of Financial
Economics 116, 1-22.
Fama, E. and French, K. (2018). Choosing factors. Journal of Financial Economics 128, 234-252.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.models.contract import ModelFit, ModelTask, Needs, Recipe
from eventstudy.models.market import regression

Floats = npt.NDArray[np.float64]

RISKLESS = "rf"
MARKET = "mkt_rf"
SPEC = "factors:"
_NAME = re.compile(r"[a-z0-9_]+")
_TAKEN = ("alpha", "beta")


class FactorModel:
    """E[R] = rf + alpha + sum_k b_k f_k, fitted on R - rf.

    A security or basket pays rf for its capital; a spread has none tied up (net weight 0),
    and nothing is taken off its return.

    Parameters
    ----------
    name : str
    factors : tuple of str
        Regressors, columns of the factor table; ``rf`` among them stands for `excess`.
    excess : bool
        Whether the riskless rate is taken off the returns, so that alpha is an excess return.

    Attributes
    ----------
    name : str
    factors : tuple of str
        Regressors without ``rf``.
    excess : bool
    needs : Needs
        The factors in the order of the regression, ``rf`` last.

    Raises
    ------
    StudyError
        Where there is no factor, one stands twice or has a name that is taken, or ``rf`` is
        listed although `excess` is False.
    """

    needs_benchmark = False

    def __init__(self, name: str, factors: tuple[str, ...], excess: bool = True) -> None:
        regressors = tuple(factor for factor in factors if factor != RISKLESS)
        problem = _problem(factors, regressors, excess)
        if problem:
            raise StudyError(f"model {name}: {problem}")
        self.name = name
        self.factors = regressors
        self.excess = excess
        self.needs = Needs(
            benchmark=False, factors=(*regressors, RISKLESS) if excess else regressors
        )

    def __repr__(self) -> str:
        return f"FactorModel({self.name!r}, {self.factors!r}, excess={self.excess})"

    @property
    def recipe(self) -> Recipe:
        """The regression: ones and the factors on R, less ``rf`` where returns are excess."""
        offset = RISKLESS if self.excess else None
        return Recipe(("alpha", *self.factors), True, self.factors, offset)

    def fit(self, task: ModelTask) -> ModelFit:
        """Fit on the estimation window and forecast the event window.

        Parameters
        ----------
        task : ModelTask
            Of n observations, with `ModelTask.factors` in the order of `needs.factors`.

        Returns
        -------
        ModelFit
            `beta` is the loading of ``mkt_rf``, NaN where the model has none; `loadings`
            has every coefficient. A session without one of the factors is not used; in the
            event window its abnormal return is NaN.

        Raises
        ------
        StudyError
            Where the task has other factors than the model asks for.
        """
        self._require_factors(task)
        found = regression(
            task.y - self._riskless(task.factors, task.net),
            self._design(task.factors),
            task.y_event - self._riskless(task.factors_event, task.net),
            self._design(task.factors_event),
            ("alpha", *self.factors),
        )
        beta = found.loadings.get(MARKET, found.beta)
        return replace(found, beta=beta, loadings={"alpha": found.alpha, **found.loadings})

    def _design(self, factors: Floats) -> Floats:
        """Return ones and the factors, shape (n, T, 1 + K)."""
        n, sessions, _ = factors.shape
        ones = np.ones((n, sessions, 1))
        return np.concatenate([ones, factors[:, :, : len(self.factors)]], axis=2)

    def _riskless(self, factors: Floats, net: Floats) -> Floats:
        """Return the riskless return on the capital tied up, shape (n, T)."""
        if not self.excess:
            return np.zeros(factors.shape[:2])
        rate = factors[:, :, -1]
        return np.where(net[:, None] == 0.0, 0.0, rate * net[:, None])

    def _require_factors(self, task: ModelTask) -> None:
        asked = self.needs.factors
        for given, returns in ((task.factors, task.y), (task.factors_event, task.y_event)):
            if given.shape != (*returns.shape, len(asked)):
                raise StudyError(
                    f"model {self.name} needs {len(asked)} factors ({', '.join(asked)}), shape "
                    f"{(*returns.shape, len(asked))}; it was given {given.shape}"
                )


def _problem(factors: tuple[str, ...], regressors: tuple[str, ...], excess: bool) -> str:
    """Return what is wrong with a list of factors, or nothing."""
    twice = sorted({f for f in factors if factors.count(f) > 1})
    odd = [f for f in factors if not _NAME.fullmatch(f)]
    taken = [f for f in factors if f in _TAKEN]
    if not regressors:
        given = f"; {RISKLESS} alone is none" if factors else ""
        return f"no factor to regress on{given}; name columns of the factor table"
    if odd:
        return f"{odd[0]!r} is no name of a factor: small letters, digits and _ only"
    if twice:
        return f"factor {twice[0]} stands twice"
    if taken:
        return f"a factor may not be called {taken[0]}: that is a coefficient's name"
    if RISKLESS in factors and not excess:
        return f"{RISKLESS} is listed, but excess=False leaves it out; give one or the other"
    return ""


_FF3 = (MARKET, "smb", "hml")
_FF5 = (*_FF3, "rmw", "cma")

FACTOR_MODELS: Mapping[str, FactorModel] = MappingProxyType(
    {
        name: FactorModel(name, factors)
        for name, factors in {
            "capm": (MARKET,),
            "ff3": _FF3,
            "carhart": (*_FF3, "mom"),
            "ff5": _FF5,
            "ff5-mom": (*_FF5, "mom"),
        }.items()
    }
)
"""The models that have a name of their own; all are fitted on returns in excess of rf."""


def factor_model(spec: str) -> FactorModel:
    """Return the model of a name, or of ``factors:a,b,c``.

    Names are matched without regard to case, ``-`` counts as ``_``. With ``rf`` in the list
    the model is fitted on R - rf, without it on R.

    Parameters
    ----------
    spec : str
        ``capm``, ``ff3``, ``carhart``, ``ff5``, ``ff5-mom``, or ``factors:`` and columns of
        the factor table: ``factors:mkt_rf,smb,rf``.

    Raises
    ------
    UnknownNameError
        Where it is neither.
    StudyError
        Where the list is empty, repeats a name or has one that is none.
    """
    text = spec.strip()
    if text.casefold() in FACTOR_MODELS:
        return FACTOR_MODELS[text.casefold()]
    if not text.casefold().startswith(SPEC):
        raise UnknownNameError("factor model", spec, (*FACTOR_MODELS, f"{SPEC}a,b,c"))
    listed = [part.strip() for part in text[len(SPEC) :].split(",")]
    names = tuple(part.casefold().replace("-", "_") for part in listed if part)
    return FactorModel(f"{SPEC}{','.join(names)}", names, excess=RISKLESS in names)
