"""A strategy's parameters: annotated class attributes, checked before anything runs."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from eventstudy.backtest.terms import faults_of
from eventstudy.errors import BacktestError, UnknownNameError, did_you_mean

SIMPLE = (bool, int, float, str)
OURS = ("__init__", "next", "prenext", "nextstart", "stop", "skip")
"""Methods of the framework that a strategy must leave alone."""
TAKEN = frozenset(
    {
        *("analyzers", "broker", "cerebro", "data", "datas", "dnames", "env", "observers"),
        *("p", "rng", "sizer", "stats", "writers"),
    }
)
"""Attributes that backtrader and the framework set on instances."""


def parameters_of(cls: type) -> dict[str, Any]:
    """Return a strategy's parameters and their values, base class first.

    Parameters are public class attributes with an annotation and a value, in the class or
    in one that it derives from.
    """
    found: dict[str, Any] = {}
    for owner in reversed(cls.__mro__):
        for name in vars(owner).get("__annotations__", {}):
            if not name.startswith("_") and hasattr(cls, name):
                found[name] = getattr(cls, name)
    return found


def checked(cls: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters of a strategy with some overridden.

    Parameters
    ----------
    cls : type
        A subclass of EventStrategy.
    given : mapping
        Overrides; text is read as the parameter's own type, as a command line gives it.

    Raises
    ------
    UnknownNameError
        For a parameter that does not exist.
    BacktestError
        For a value of the wrong type or out of range.
    """
    values = parameters_of(cls)
    hints = _hints(cls)
    _refuse_tuples(cls)
    faults: list[str] = []
    for name, value in given.items():
        if name not in values:
            raise UnknownNameError(f"parameter of {cls.__name__}", name, values)
        values[name] = value
    for name, value in values.items():
        try:
            values[name] = _fitted(value, hints.get(name, Any))
        except ValueError as error:
            faults.append(f"{name} is {value!r}: {error}")
    faults += [] if faults else faults_of(values)
    if faults:
        raise BacktestError(f"parameters of {cls.__name__}: " + "; ".join(faults))
    return values


def _refuse_tuples(cls: type) -> None:
    """Refuse backtrader's own way to declare parameters, which nothing here would read."""
    pairs = getattr(cls, "params", None)
    names = list(pairs._getkeys()) if pairs is not None else []
    if names:
        raise BacktestError(
            f"{cls.__name__} declares params ({', '.join(names)}): write each as an annotated "
            f"class attribute, such as {names[0]}: int = 1"
        )


@lru_cache(maxsize=64)
def _hints(cls: type) -> dict[str, Any]:
    # Kept, for a sweep asks for each variant; nobody changes the mapping.
    try:
        return typing.get_type_hints(cls)
    except Exception:  # an author's annotation may name anything; it is then not checked
        return {}


def _fitted(value: Any, hint: Any) -> Any:
    """Return `value` as the annotation wants it, or raise ValueError saying what it wants."""
    allowed = _alternatives(hint)
    if not allowed:
        return value
    if isinstance(value, str) and str not in allowed:
        value = _read(value, allowed)
    if type(value) in allowed:
        return value
    if type(value) is int and float in allowed:
        return float(value)
    if hasattr(value, "item") and type(value.item()) in allowed:
        return value.item()
    raise ValueError(f"give {_named(allowed)}")


def _alternatives(hint: Any) -> tuple[type, ...]:
    """Return the simple types that an annotation allows; empty where it is not simple."""
    union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    parts = typing.get_args(hint) if union else (hint,)
    return parts if all(p in (*SIMPLE, types.NoneType) for p in parts) else ()


def _read(text: str, allowed: tuple[type, ...]) -> Any:
    folded = text.strip().casefold()
    if types.NoneType in allowed and folded in ("none", ""):
        return None
    if bool in allowed and folded in ("true", "false", "yes", "no"):
        return folded in ("true", "yes")
    for kind in (int, float):
        if kind in allowed:
            try:
                return kind(text)
            except ValueError:
                continue
    raise ValueError(f"give {_named(allowed)}")


def _named(allowed: tuple[type, ...]) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return " or ".join(words.get(kind, "none") for kind in allowed)


def check_declaration(cls: type, base: type) -> None:
    """Refuse a strategy class whose attributes would not do what they seem to.

    Parameters
    ----------
    cls : type
        A new subclass of EventStrategy.
    base : type
        ``backtrader.Strategy``, whose own attributes must not be overwritten.

    Raises
    ------
    BacktestError
    """
    for name in OURS:
        if name in vars(cls):
            raise BacktestError(
                f"{cls.__name__} defines {name}, which the framework needs for itself; "
                "write targets(self, event, history) and methods of other names"
            )
    known = parameters_of(cls)
    for name in vars(cls).get("__annotations__", {}):
        if not name.startswith("_") and (hasattr(base, name) or name in TAKEN):
            raise BacktestError(
                f"{cls.__name__}: {name!r} is a name that backtrader uses itself; "
                "give this parameter another one"
            )
    for name, value in vars(cls).items():
        plain = isinstance(value, SIMPLE) and not name.startswith("_")
        if plain and name not in known and not hasattr(base, name) and did_you_mean(name, known):
            raise BacktestError(
                f"{cls.__name__}: {name} = {value!r} is no parameter"
                f"{did_you_mean(name, known)}; write {name}: {type(value).__name__} = {value!r} "
                "to declare a new one"
            )


def parse_spec(text: str) -> tuple[str, dict[str, str]]:
    """Split ``asic-gpu-rotation:hold=5,gross=0.1`` into a name and overrides.

    Raises
    ------
    BacktestError
        Where an override has no ``=``.
    """
    name, _, rest = text.partition(":")
    given: dict[str, str] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise BacktestError(
                f"strategy {text!r}: write overrides as NAME:parameter=value,parameter=value"
            )
        given[key.strip()] = value.strip()
    return name.strip(), given
