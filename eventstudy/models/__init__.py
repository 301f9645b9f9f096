"""Expected-return models: one contract, one dict of names.

A name may take an argument after a colon (``dimson:2``, ``adjusted:SMH``); models of other
packages are found by the entry-point group ``eventstudy.models``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.models.adjusted import ComparisonPeriodMean, ReferenceAdjusted, ReferenceModel
from eventstudy.models.contract import ModelFit, ModelTask, ReturnModel
from eventstudy.models.counterfactual import ElasticNet, SyntheticControl
from eventstudy.models.factor import FACTOR_MODELS, factor_model
from eventstudy.models.garch import Egarch, Garch
from eventstudy.models.market import ConstantMean, LinearModel, MarketAdjusted, MarketModel
from eventstudy.models.robust import Huber
from eventstudy.models.thin import Dimson, ScholesWilliams

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "MODELS",
    "SPECS",
    "WRITTEN",
    "LinearModel",
    "ModelFit",
    "ModelTask",
    "ReturnModel",
    "find_model",
]

ENTRY_POINTS = "eventstudy.models"

_SHIPPED: tuple[ReturnModel, ...] = (
    ConstantMean(),
    ComparisonPeriodMean(),
    MarketAdjusted(),
    MarketModel(),
    *FACTOR_MODELS.values(),
    ScholesWilliams(),
    Dimson(),
    Huber(),
    Garch(),
    Egarch(),
    SyntheticControl(),
    ElasticNet(),
)
MODELS: Mapping[str, ReturnModel] = MappingProxyType({model.name: model for model in _SHIPPED})


def _user_factors(argument: str) -> ReturnModel:
    return factor_model(f"factors:{argument}")


SPECS: Mapping[str, Callable[[str], ReturnModel]] = MappingProxyType(
    {
        "factors": _user_factors,
        "adjusted": ReferenceAdjusted,
        "industry": ReferenceModel,
        "dimson": Dimson.parse,
    }
)
"""Models that take an argument after a colon."""

WRITTEN: Mapping[str, str] = MappingProxyType(
    {
        "factors:A,B": "factors:mkt_rf,rf",
        "adjusted:TICKER": "adjusted:SMH",
        "industry:TICKER": "industry:SMH",
        "dimson:K": "dimson:2",
    }
)
"""How each of `SPECS` is written, with an example."""


def find_model(model: str | ReturnModel) -> ReturnModel:
    """Return the model of a name; an object that keeps the contract is returned as it is.

    Parameters
    ----------
    model : str or ReturnModel
        A name of `MODELS`, one of `SPECS` with its argument (``dimson:2``), a name that
        another package registers under the entry-point group ``eventstudy.models``, or an
        object.

    Returns
    -------
    ReturnModel

    Raises
    ------
    UnknownNameError
        Where there is no such name.
    StudyError
        Where the object does not keep the contract, or the argument is not one.
    """
    if not isinstance(model, str):
        return _checked(model, f"model {model!r}")
    if model in MODELS:
        return MODELS[model]
    name, colon, argument = model.partition(":")
    if colon and name in SPECS:
        return SPECS[name](argument)
    others = _other_packages()
    if name in others:
        return _from_package(others[name], argument if colon else None)
    raise UnknownNameError("model", model, (*MODELS, *WRITTEN, *others))


def _checked(model: object, called: str) -> ReturnModel:
    if not isinstance(model, ReturnModel) or isinstance(model, type):
        raise StudyError(
            f"{called}: give a name ({', '.join((*MODELS, *WRITTEN))}) or an object with "
            "name, needs_benchmark and fit(task)"
        )
    return model


def _other_packages() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {found.name: found for found in entry_points(group=ENTRY_POINTS)}


def _from_package(found: EntryPoint, argument: str | None) -> ReturnModel:
    """Return another package's model: an object, or what a class or function makes."""
    called = f"model {found.name!r} of entry point {found.value}"
    try:
        loaded = found.load()
        if argument is None and isinstance(loaded, ReturnModel) and not isinstance(loaded, type):
            return loaded
        make = cast("Callable[..., object]", loaded)
        made = make() if argument is None else make(argument)
    except Exception as error:
        raise StudyError(f"{called}: {type(error).__name__}: {error}") from error
    return _checked(made, called)
