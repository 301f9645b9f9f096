"""Events that a strategy cannot tell apart: asked about one, it has answered for the others.

Placebo draws put every event on every session. On one session prices, baskets and session 0
are the same for all events, so two answers can only differ by what was read of the event
itself: its kind, its subject, the sign of a basket. That is watched while an answer is made,
and the answer holds for every event of which the same would have been read. An answer that
rested on anything else (random numbers, what the strategy keeps, the day of `known_on`) holds
for its own event alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from eventstudy.backtest.decisions import Author
from eventstudy.backtest.history import History, StrategyEvent
from eventstudy.backtest.library import Strategy
from eventstudy.backtest.recall import Watch, watched

Read = tuple[Any, ...]
"""What is read of an event: the name of an attribute, or of a method and its arguments."""

SAME = frozenset({"session_0", "ambiguous", "baskets", "weights", "basket", "__class__"})
"""What all events placed on one session share."""
OWN = frozenset({"id", "kind", "subject", "main", "expects", "tickers", "number"})
"""What is an event's own, wherever it is placed."""
SIGNS = frozenset({"sign", "spread_sign"})


@dataclass(slots=True)
class Notes:
    """What was read of one event.

    Attributes
    ----------
    read : dict of tuple to object
        In the order of reading, with what it gave.
    whole : bool
        Whether nothing else was.
    """

    read: dict[Read, Any] = field(default_factory=dict)
    whole: bool = True


class WatchedEvent(StrategyEvent):
    """An event that writes down what is read of it."""

    def __getattribute__(self, name: str) -> Any:
        plain, notes = object.__getattribute__(self, "_plain"), object.__getattribute__(self, "_n")
        if name in SIGNS:
            return partial(_noted, plain, notes, name)
        if name not in OWN and name not in SAME:
            notes.whole = False
        value = getattr(plain, name)
        if name in OWN:
            notes.read[name,] = _kept(value)
        return value


def watch_event(plain: StrategyEvent) -> tuple[WatchedEvent, Notes]:
    """Return an event that is watched, and the notes of what is read of it."""
    found, notes = object.__new__(WatchedEvent), Notes()
    object.__setattr__(found, "_plain", plain)
    object.__setattr__(found, "_n", notes)
    return found, notes


def _noted(plain: StrategyEvent, notes: Notes, name: str, *names: str) -> int:
    value: int = getattr(plain, name)(*names)
    notes.read[name, *names] = value
    return value


def _kept(value: Any) -> Any:
    """Return a value that can be looked up; a mapping with the order of its keys."""
    return tuple(value.items()) if isinstance(value, Mapping) else value


def read_again(event: StrategyEvent, asked: tuple[Read, ...]) -> tuple[Any, ...] | None:
    """Return what an event gives for the same readings; None where one of them fails."""
    try:
        return tuple(
            _kept(getattr(event, name)) if not names else getattr(event, name)(*names)
            for name, *names in asked
        )
    except Exception:  # the strategy would fail on this event: let it, with its own words
        return None


class Alike:
    """Answers of one strategy, its parameters fixed, by session and by what they rested on.

    Parameters
    ----------
    strategy : Strategy
    made : callable
        Returns an instance of a strategy.
    shared : bool
        Whether answers may be given again at all: not where code that nobody watches, such as
        another package's sizing, sees the event too.
    """

    def __init__(
        self, strategy: Strategy, made: Callable[[Strategy], Author], *, shared: bool = True
    ) -> None:
        found = watched(strategy, made) if shared else None
        self.author: Author = _Noting(self, found[0]) if found else made(strategy)
        self.asked = 0
        self._watch: Watch | None = found[1] if found else None
        self._notes = Notes(whole=False)
        self._kept: dict[int, dict[tuple[Read, ...], dict[tuple[Any, ...], int]]] = {}
        self._given: dict[tuple[Read, ...], tuple[Any, ...] | None] = {}

    def turn_to(self, event: StrategyEvent) -> None:
        """Say which event is asked about next; it may stand on any session."""
        self._event, self._given = event, {}

    def like(self, row: int) -> int | None:
        """Return the number of an event whose answer on this session holds for this one too."""
        if self._watch is None or not self._watch.pure:
            return None
        for asked, answers in self._kept.get(row, {}).items():
            if asked not in self._given:
                self._given[asked] = read_again(self._event, asked)
            given = self._given[asked]
            if given is not None and given in answers:
                return answers[given]
        return None

    def keep(self, row: int, number: int) -> None:
        """Keep that event `number` was just answered for on this session."""
        if self._watch is not None and self._watch.pure and self._notes.whole:
            read = self._notes.read
            by_reading = self._kept.setdefault(row, {}).setdefault(tuple(read), {})
            by_reading[tuple(read.values())] = number

    def ask(self, event: StrategyEvent, history: History, author: Author) -> dict[str, float]:
        """Ask the strategy, watching what it reads of the event."""
        self.asked += 1
        seen, self._notes = watch_event(event)
        return author.targets(seen, history)


@dataclass(frozen=True, slots=True)
class _Noting:
    """The author as decisions see it, asked through its `Alike`."""

    alike: Alike
    author: Author

    def targets(self, event: StrategyEvent, history: History) -> dict[str, float]:
        """Return weights by ticker."""
        return self.alike.ask(event, history, self.author)
