"""Expected-return models: one contract, one dict of names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.models.contract import ModelFit, ModelTask, ReturnModel
from eventstudy.models.market import ConstantMean, LinearModel, MarketAdjusted, MarketModel

__all__ = ["MODELS", "LinearModel", "ModelFit", "ModelTask", "ReturnModel", "find_model"]

_SHIPPED: tuple[LinearModel, ...] = (ConstantMean(), MarketAdjusted(), MarketModel())
MODELS: Mapping[str, ReturnModel] = MappingProxyType({model.name: model for model in _SHIPPED})


def find_model(model: str | ReturnModel) -> ReturnModel:
    """Return the model of a name; an object that keeps the contract is returned as it is.

    Raises
    ------
    UnknownNameError
        Where there is no such name.
    StudyError
        Where the object does not keep the contract.
    """
    if isinstance(model, str):
        if model not in MODELS:
            raise UnknownNameError("model", model, MODELS)
        return MODELS[model]
    if not isinstance(model, ReturnModel):
        raise StudyError(
            f"model {model!r}: give a name ({', '.join(MODELS)}) or an object with "
            "name, needs_benchmark and fit(task)"
        )
    return model
