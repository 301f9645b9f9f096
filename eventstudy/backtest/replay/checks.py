"""The checks of one strategy: run twice, run on a future that is wrong, replayed at cuts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from eventstudy.backtest.replay.authors import Author
from eventstudy.backtest.replay.record import Difference, Record, first_difference
from eventstudy.backtest.replay.reveal import run_revealed
from eventstudy.backtest.replay.world import (
    BOTH,
    CALENDAR,
    PRICES,
    World,
    decided_alone,
    replay_world,
    run_world,
)

CUT, CHANGED, REVEALED = "cut", "changed", "revealed"
REPEAT, MEMORY, ENGINE = "repeat", "memory", "engine"
EITHER, TOGETHER = "prices or calendar", "prices and calendar together"


@dataclass(frozen=True, slots=True)
class Cut:
    """A session after which the inputs are cut or changed.

    Attributes
    ----------
    row : int
    event_ids : str
        Of the events decided on that session, or filled on it; joined by ``;``.
    changes : tuple of (str, int)
        What is to be done there: kind of change and number of the draw.
    """

    row: int
    event_ids: str
    changes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One run against the run on the full data.

    Attributes
    ----------
    event_ids : str
    row : int
        Session of the cut.
    change : str
        ``cut``, ``changed``, ``revealed``, ``repeat`` (nothing was changed), ``memory``
        (nothing was, and the class was used before) or ``engine`` (nothing was, and the
        vectorised engine asked).
    draw : int
    decisions : int
        How many were compared.
    difference : Difference or None
    through : str
        What it takes to bring the difference about, where that was looked into.
    """

    event_ids: str
    row: int
    change: str
    draw: int
    decisions: int
    difference: Difference | None
    through: str = ""


@dataclass(frozen=True, eq=False)
class Task:
    """A strategy and its world.

    Attributes
    ----------
    token : str
        Names this task in every process.
    author : Author
    world : World
    first : int
        Row of the first session of the run.
    draws : int
        Random changes of the future.
    """

    token: str
    author: Author
    world: World
    first: int
    draws: int

    @property
    def last(self) -> int:
        """Row of the last session."""
        return len(self.world.days) - 1


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of a strategy before any cut.

    Attributes
    ----------
    full : Record
        Of the run on the full data.
    checks : tuple of Check
        Runs on the full inputs, and revealed ones that do not differ.
    suspicions : tuple of (int, Difference)
        Draws whose revealed run differs, to be replayed as a whole.
    """

    full: Record
    checks: tuple[Check, ...]
    suspicions: tuple[tuple[int, Difference], ...] = ()

    @property
    def settled(self) -> bool:
        """Whether the strategy gives other answers to the same inputs."""
        return any(check.difference is not None for check in self.checks)


@lru_cache(maxsize=32)
def _kept(_token: str) -> list[Record]:
    """Return where a process keeps the run on the full data of a task."""
    return []


def full_record(task: Task) -> Record:
    """Return the run on the full data, made once in every process.

    Compared runs are thus of one process: the order of a set of texts differs between two.
    """
    kept = _kept(task.token)
    if not kept:
        kept.append(run_world(task.world, task.author.strategy(), task.first))
    return kept[0]


def opened(task: Task) -> Opening:
    """Run a strategy on the full data twice, and on a future that is wrong until it comes.

    Where the second run of a class differs from its first, and both do it again (with a
    class of its own where there is a text), later events were remembered into the second
    run: ``memory``. Anything else is no property of the inputs: ``repeat``; nor is an answer
    that depends on which engine asks: ``engine``.
    """
    strategy = task.author.strategy()
    first, second = (run_world(task.world, strategy, task.first) for _ in range(2))
    _kept(task.token)[:] = [first]
    different = first_difference(first, second, task.last)
    if different is not None:
        change = MEMORY if _happens_again(task, first, second) else REPEAT
        return Opening(first, (_whole(task, first, change, 0, different),))
    checks, suspicions = [_whole(task, first, REPEAT, 0, None)], []
    different = _by_the_other_engine(task, first)
    if different is not None:
        return Opening(first, (_whole(task, first, ENGINE, 0, different),))
    for draw in range(task.draws):
        found = run_revealed(task.world, task.author.strategy(), task.first, draw)
        different = first_difference(first, found, task.last)
        if different is None:
            checks.append(_whole(task, first, REVEALED, draw, None))
        else:
            suspicions.append((draw, different))
    return Opening(first, tuple(checks), tuple(suspicions))


def _by_the_other_engine(task: Task, full: Record) -> Difference | None:
    """Return where the vectorised engine is given another decision: replays are Cerebro's."""
    decided = decided_alone(task.world, task.author.strategy(), task.first)
    if decided is None:
        return None
    return first_difference(full, replace(full, decided=decided), task.last)


def _happens_again(task: Task, first: Record, second: Record) -> bool:
    """Return whether a class, a new one where there is a text, gives the same two runs."""
    expected = (first, second) if task.author.anew else (second, second)
    strategy = task.author.strategy()
    again = [run_world(task.world, strategy, task.first) for _ in range(2)]
    pairs = zip(expected, again, strict=True)
    return all(first_difference(*pair, task.last) is None for pair in pairs)


def _whole(task: Task, full: Record, change: str, draw: int, different: Difference | None) -> Check:
    return Check("", task.last, change, draw, len(full.decided), different)


def cuts_of(task: Task, opening: Opening, most: int | None) -> list[Cut]:
    """Return the sessions to cut after: those with decisions, and those under suspicion.

    Parameters
    ----------
    task : Task
    opening : Opening
    most : int or None
        Number of sessions with decisions, drawn at random; None for all.
    """
    if opening.settled:
        return []
    decided: dict[int, list[str]] = {}
    for found in opening.full.decided:
        decided.setdefault(found.row, []).append(found.event_id)
    rows = np.array(sorted(decided))
    if most is not None and most < len(rows):
        rng = np.random.default_rng([task.world.setup.seed, task.first])
        rows = np.sort(rng.choice(rows, size=most, replace=False))
    changed = tuple((CHANGED, draw) for draw, _ in opening.suspicions)
    cuts = {int(r): Cut(int(r), ";".join(decided[r]), ((CUT, 0), *changed)) for r in rows}
    for _, different in opening.suspicions:
        cuts.setdefault(different.row, Cut(different.row, different.event_id, changed))
    return list(cuts.values())


def checked(task: Task, cut: Cut) -> list[Check]:
    """Replay a strategy on inputs cut and changed after one session."""
    full = full_record(task)
    decisions = len(full.decided_by(cut.row))
    found = []
    for change, draw in cut.changes:
        run = _replayed(task, cut.row, change, draw, BOTH)
        different = first_difference(full, run, cut.row)
        found.append(Check(cut.event_ids, cut.row, change, draw, decisions, different))
    return found


def _replayed(task: Task, row: int, change: str, draw: int, parts: Sequence[str]) -> Record:
    world = task.world
    inputs = world.cut(row, parts) if change == CUT else world.changed(row, draw, parts)
    return replay_world(inputs, task.author.strategy(), task.first, row)


def attributed(task: Task, check: Check) -> Check:
    """Return a check that differs with the part of the inputs that it took."""
    if check.change not in (CUT, CHANGED) or check.difference is None:
        return check
    full = full_record(task)
    runs = {
        part: _replayed(task, check.row, check.change, check.draw, (part,))
        for part in (PRICES, CALENDAR)
    }
    enough = [part for part, run in runs.items() if first_difference(full, run, check.row)]
    through = {0: TOGETHER, 1: "".join(enough), 2: EITHER}[len(enough)]
    return replace(check, through=through)


def spread(do: Callable[..., Any], work: Sequence[tuple[Any, ...]], jobs: int) -> Iterator[Any]:
    """Yield ``do(*arguments)`` of each piece of work, in order.

    Parameters
    ----------
    do : callable
    work : sequence of tuple
        Each begins with its task.
    jobs : int
        Processes; 1 stays in this one, and so does all work where a task cannot travel.
    """
    if jobs == 1 or not all(arguments[0].author.anew for arguments in work):
        for arguments in work:
            yield do(*arguments)
        return
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1):
        workers = Parallel(n_jobs=jobs, return_as="generator")
        yield from workers(delayed(do)(*arguments) for arguments in work)
