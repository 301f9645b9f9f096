"""Decisions asked once: a strategy's answer is given again while nothing it read has changed.

A sweep asks about the same events for every variant, and most parameters (how long to hold,
how much to stake, when to stop) are never looked at by `targets`. What an answer rested on is
watched while it is made: event, history and the parameters that were read. Anything beyond
(random numbers, attributes that are set or can be changed) makes an answer that is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from eventstudy.backtest.decisions import Author, Notebook
from eventstudy.backtest.library import Strategy

if TYPE_CHECKING:
    from eventstudy.backtest.history import History, StrategyEvent

_KEPT_AS = "_eventstudy_watched"
PLAIN = (bool, int, float, str, bytes, type(None))
CODE = (FunctionType, MethodType, BuiltinFunctionType, type)
MOST_KEPT = 200_000
"""Answers; a sweep over what `targets` reads has ever new ones."""

Values = tuple[tuple[type, Any], ...]


@dataclass(slots=True)
class Watch:
    """What one call of `targets` has touched.

    Attributes
    ----------
    parameters : mapping of str to object
        All parameters of the strategy.
    read : dict of str to object
        Those that were looked at, in that order.
    pure : bool
        Whether nothing else was, in this call or one before: what a strategy leaves on
        itself may be read by the next call under the name of a parameter.
    """

    parameters: Mapping[str, Any]
    read: dict[str, Any] = field(default_factory=dict)
    pure: bool = True

    def saw(self, name: str, value: Any, own: Mapping[str, Any]) -> None:
        """Note an attribute that was read; `own` are those of the instance itself."""
        if name in self.parameters and isinstance(value, PLAIN):
            self.read[name] = value
        elif name == "_notebook":
            pass
        elif name in own or not _unchanging(name, value):
            self.pure = False


def _unchanging(name: str, value: Any) -> bool:
    """Return whether an attribute of a class is code or a constant."""
    if name in ("__class__", "__dict__"):
        return False
    if isinstance(value, tuple | frozenset):
        return all(_unchanging("", part) for part in value)
    return isinstance(value, (*PLAIN, *CODE))


@dataclass(frozen=True, slots=True)
class Answer:
    """What `targets` returned, and what it wrote into the notebook."""

    weights: Mapping[str, float]
    reason: str


class Recall:
    """Answers of one strategy on one setup, over all its parameters.

    A strategy whose answers rest on module or class variables that it changes is not the
    same twice with or without it; the audit finds such.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._kept: dict[tuple[str, int], dict[tuple[str, ...], dict[Values, Answer]]] = {}
        self._count = 0

    def author(
        self, strategy: Strategy, notebook: Notebook, made: Callable[[Strategy], Author]
    ) -> Author:
        """Return an author that remembers.

        Parameters
        ----------
        strategy : Strategy
        notebook : Notebook
            The one that the author writes to.
        made : callable
            Returns an instance of a strategy.
        """
        found = watched(strategy, made)
        return _Remembering(self, *found, notebook) if found else made(strategy)

    def found(self, key: tuple[str, int], parameters: Mapping[str, Any]) -> Answer | None:
        """Return the answer on an event where everything that it rested on is the same."""
        for names, answers in self._kept.get(key, {}).items():
            answer = answers.get(_values(names, parameters))
            if answer is not None:
                return answer
        return None

    def keep(self, key: tuple[str, int], read: Mapping[str, Any], answer: Answer) -> None:
        """Keep an answer with the parameters that it rested on."""
        if self._count < MOST_KEPT:
            self._count += 1
            by_names = self._kept.setdefault(key, {})
            by_names.setdefault(tuple(read), {})[_values(tuple(read), read)] = answer


def watched(strategy: Strategy, made: Callable[[Strategy], Author]) -> tuple[Author, Watch] | None:
    """Return an author that is watched, and what watches it; None for a class that refuses.

    Parameters
    ----------
    strategy : Strategy
    made : callable
        Returns an instance of a strategy.
    """
    watch = Watch(strategy.parameters)
    try:
        author = made(replace(strategy, cls=_traced(strategy.cls)))
    except Exception:  # a class that will not be derived from is asked each time
        return None
    object.__setattr__(author, "_watch", watch)
    return author, watch


def _values(names: tuple[str, ...], parameters: Mapping[str, Any]) -> Values:
    # With the type: 1, 1.0 and True are equal, and may be treated differently.
    return tuple((type(parameters[name]), parameters[name]) for name in names)


@dataclass(slots=True)
class _Remembering:
    """An author that answers from memory where it can."""

    recall: Recall
    author: Author
    watch: Watch
    notebook: Notebook

    def targets(self, event: StrategyEvent, history: History) -> dict[str, float]:
        """Return weights by ticker."""
        key = (event.id, len(history))
        known = self.recall.found(key, self.watch.parameters) if self.watch.pure else None
        if known is not None:
            self.notebook.reason = known.reason
            return dict(known.weights)
        self.watch.read = {}
        self.recall.asked += 1
        weights = self.author.targets(event, history)
        if self.watch.pure and type(weights) is dict:
            answer = Answer(dict(weights), self.notebook.reason)
            self.recall.keep(key, self.watch.read, answer)
        return weights


def _traced(cls: type) -> type:
    """Return a subclass whose instances tell their `_watch` what is read and set on them.

    It is derived once and kept on the class: backtrader holds for ever, in its own modules, what
    it makes for each class that derives from a strategy.
    """
    known: type | None = vars(cls).get(_KEPT_AS)
    if known is not None:
        return known

    def read(self: Any, name: str) -> Any:
        value = super(made, self).__getattribute__(name)
        own = object.__getattribute__(self, "__dict__")
        if name != "_watch" and "_watch" in own:
            own["_watch"].saw(name, value, own)
        return value

    def write(self: Any, name: str, value: Any) -> None:
        own = object.__getattribute__(self, "__dict__")
        if "_watch" in own:
            own["_watch"].pure = False
        super(made, self).__setattr__(name, value)

    body = {"__getattribute__": read, "__setattr__": write, "__module__": cls.__module__}
    made: Any = type(cls)(f"_Traced{cls.__name__}", (cls,), body)
    made.__name__ = cls.__name__  # the name that an author knows stands in error messages
    type.__setattr__(cls, _KEPT_AS, made)
    found: type = made
    return found
