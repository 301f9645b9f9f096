"""What a strategy's code can reach in the program around it: tables that no replay changes.

In a notebook the prices stand beside the class. A `targets` that reads them there sees the
future in every replay alike, so that nothing differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import CodeType, FunctionType
from typing import Any

from eventstudy.events.calendar import EventCalendar
from eventstudy.events.event import Event
from eventstudy.prices.table import PriceTable

OURS = (EventCalendar, Event, PriceTable)
PACKAGES = frozenset({"numpy", "pandas", "polars", "pyarrow", "xarray", "dask"})
"""Whose objects with a length are data."""


def data_around(cls: type, known: Sequence[type]) -> tuple[str, ...]:
    """Return the data that a class's code names, such as ``PRICES: DataFrame (line 3)``.

    Global variables, those of functions around the class, and attributes of the class; also
    through functions of the same file.

    Parameters
    ----------
    cls : type
    known : sequence of type
        Classes whose code is left out: those of the framework.
    """
    found: dict[str, None] = {}
    done: set[CodeType] = set()
    for base in cls.__mro__:
        if base in known:
            continue
        for name, value in vars(base).items():
            if is_data(value):
                found[f"{base.__name__}.{name}: {type(value).__name__}"] = None
            elif isinstance(value := _function(value), FunctionType):
                found.update(dict.fromkeys(_named(value, done)))
    return tuple(found)


def is_data(value: object) -> bool:
    """Return whether a value holds prices, events or other figures."""
    if isinstance(value, OURS):
        return True
    if isinstance(value, dict | list | tuple):
        parts = [*value.values()] if isinstance(value, dict) else value
        return any(is_data(part) for part in parts)
    package = type(value).__module__.partition(".")[0]
    return package in PACKAGES and hasattr(value, "__len__") and not isinstance(value, type)


def _function(value: Any) -> Any:
    """Return the function within a method of whatever kind."""
    for inner in ("__func__", "fget", "func"):
        value = getattr(value, inner, None) or value
    return value


def _named(function: FunctionType, done: set[CodeType]) -> Iterator[str]:
    """Yield the data that a function names, and that functions of its file name for it."""
    if function.__code__ in done:
        return
    done.add(function.__code__)
    line = f"(line {function.__code__.co_firstlineno})"
    own = function.__globals__
    around = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    values = {name: own[name] for name in _names(function.__code__) if name in own}
    for name, cell in around.items():
        try:
            values[name] = cell.cell_contents
        except ValueError:  # not filled yet: nothing can be read
            continue
    for name, value in values.items():
        if is_data(value):
            yield f"{name}: {type(value).__name__} {line}"
        elif isinstance(value, FunctionType) and value.__globals__ is own:
            yield from _named(value, done)


def _names(code: CodeType) -> Iterator[str]:
    """Yield the global names of a function and of those defined in it."""
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names(part)
