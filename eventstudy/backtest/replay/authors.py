"""Strategies as a replay needs them: new for every run, and able to travel to a worker."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType, MappingProxyType
from typing import Any, Protocol

from eventstudy.backtest.library import MODULE, Strategy, load_anew


class Author(Protocol):
    """Gives the strategy of each run."""

    @property
    def name(self) -> str:
        """Of the strategy."""
        ...

    @property
    def anew(self) -> bool:
        """Whether every run gets a class of its own, and so may run in another process."""
        ...

    def strategy(self) -> Strategy:
        """Return the strategy of the next run."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """A strategy from a file: its text is run anew each time, so that no run sees another."""

    name: str
    class_name: str
    path: str
    text: str
    parameters: Mapping[str, Any]

    anew = True

    def strategy(self) -> Strategy:
        """Return the strategy with a class and a module of its own."""
        found = load_anew(self.text, self.path)
        made = next(s for s in found if s.cls.__name__ == self.class_name)
        values = MappingProxyType(dict(self.parameters))
        return Strategy(self.name, made.cls, values, made.file, self.text)


@dataclass(frozen=True, slots=True)
class Held:
    """A class handed over by a program: the same object for every run."""

    given: Strategy

    anew = False

    @property
    def name(self) -> str:
        """Of the strategy."""
        return self.given.name

    def strategy(self) -> Strategy:
        """Return the strategy that was handed over."""
        return self.given


def author_of(strategy: Strategy) -> Author:
    """Return how a strategy is had for each run."""
    module = strategy.cls.__module__
    if not (strategy.source and module.startswith(MODULE)):
        return Held(strategy)
    path = str(sys.modules[module].__file__)
    parameters = dict(strategy.parameters)
    return Written(strategy.name, strategy.cls.__name__, path, strategy.source, parameters)


def ran_through(error: BaseException, cls: type) -> bool:
    """Return whether an error came up in, or passed, the file that a class is written in."""
    path = getattr(sys.modules.get(cls.__module__), "__file__", None)
    trace = error.__traceback__
    while trace is not None:
        frame: FrameType = trace.tb_frame
        if frame.f_code.co_filename == path:
            return True
        trace = trace.tb_next
    return False
