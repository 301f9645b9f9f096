"""Names of models: shipped, with an argument, and from other packages."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.models import MODELS, SPECS, ModelTask, find_model
from eventstudy.models.contract import ReturnModel, needs_of

METHODS = {
    "mean", "comparison-mean", "market-adjusted", "market", "capm", "ff3", "carhart", "ff5",
    "ff5-mom", "scholes-williams", "dimson", "robust", "garch", "egarch", "synthetic-control",
    "elastic-net",
}  # fmt: skip


def test_every_model_has_its_name() -> None:
    assert set(MODELS) == METHODS
    for name, model in MODELS.items():
        assert model.name == name
        assert isinstance(model, ReturnModel)
        assert find_model(name) is model
        assert (type(model).__doc__ or "").strip()
        assert needs_of(model).benchmark == model.needs_benchmark


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("dimson:2", "dimson:2"),
        ("dimson:1", "dimson"),
        ("adjusted:SMH", "adjusted:SMH"),
        ("industry:@GPU", "industry:@GPU"),
        ("factors:mkt_rf,smb,rf", "factors:mkt_rf,smb,rf"),
    ],
)
def test_a_name_with_an_argument(spec: str, name: str) -> None:
    model = find_model(spec)
    assert model.name == name
    assert find_model(model.name).name == name


@pytest.mark.parametrize(
    "spec", ["dimson:0", "dimson:two", "adjusted:", "factors:", "industry:a b"]
)
def test_an_argument_that_is_none(spec: str) -> None:
    with pytest.raises(StudyError, match=spec.split(":")[0]):
        find_model(spec)


@pytest.mark.parametrize(
    ("given", "meant"), [("markt", "market"), ("garhc", "garch"), ("garch:2", "garch")]
)
def test_an_unknown_name_says_what_was_meant(given: str, meant: str) -> None:
    with pytest.raises(UnknownNameError, match=rf"did you mean '{meant}'") as caught:
        find_model(given)
    for spec in SPECS:
        assert f"{spec}:" in str(caught.value)


class Zero:
    """E[R] = level."""

    needs_benchmark = False

    def __init__(self, level: str = "0") -> None:
        self.name = f"zero:{level}"

    def fit(self, task: ModelTask) -> Any:
        return np.zeros(len(task.y))


def registered(monkeypatch: pytest.MonkeyPatch, loaded: object) -> list[str]:
    """Register one object under the name zero; returns the groups that were looked up."""
    asked: list[str] = []

    def load() -> object:
        if isinstance(loaded, Exception):
            raise loaded
        return loaded

    def entry_points(group: str) -> list[SimpleNamespace]:
        asked.append(group)
        return [SimpleNamespace(name=n, value="their.models:Zero", load=load)
                for n in ("zero", "market")]  # fmt: skip

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    return asked


def test_another_package_may_register_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = registered(monkeypatch, Zero)
    assert find_model("zero").name == "zero:0"
    assert find_model("zero:3").name == "zero:3"
    assert set(asked) == {"eventstudy.models"}
    asked.clear()
    assert find_model("market") is MODELS["market"]
    assert not asked
    model = Zero("7")
    registered(monkeypatch, model)
    assert find_model("zero") is model


@pytest.mark.parametrize("broken", [ImportError("no such thing"), "text", lambda: 3])
def test_a_broken_registration_names_its_package(
    broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(monkeypatch, broken)
    with pytest.raises(StudyError, match=r"'zero' of entry point their\.models:Zero"):
        find_model("zero")


def test_an_unknown_name_lists_other_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch, Zero)
    with pytest.raises(UnknownNameError, match="did you mean 'zero'"):
        find_model("zeor")


def test_an_object_must_keep_the_contract() -> None:
    model = Zero()
    assert find_model(model) is model
    for wrong in (3, Zero, object()):
        with pytest.raises(StudyError, match="an object with"):
            find_model(wrong)  # type: ignore[arg-type]


def test_the_registry_imports_nothing_heavy() -> None:
    heavy = "pandas scipy statsmodels arch joblib sklearn threadpoolctl"
    code = (
        f"import sys, eventstudy.models; print([m for m in {heavy.split()!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
