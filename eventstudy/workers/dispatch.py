"""Batches sent to places, results as they come, and what is lost run again.

A batch whose worker ended is run again, by itself: nothing else is sent to a place that has a
batch in doubt. One that ends its worker by itself too is halved, until the task that does it
is alone.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from eventstudy.workers.batches import (
    Batch,
    Function,
    LostTaskError,
    Numbered,
    Pace,
    Pool,
    Raised,
    WorkersError,
)

MOST_LOST = 3
"""Tasks lost before any has ended: then it is not the tasks."""
GLANCE = 2.0
"""Seconds without a result after which one looks whether any can come."""
AHEAD = 8
"""Batches a worker by which results in order may run ahead of the one that is waited for."""
CAUSES = "killed, out of memory, or the code ended it"

Results = list[tuple[int, Any]]


@dataclass(frozen=True)
class Terms:
    """How tasks are run.

    Attributes
    ----------
    word : str
        What one is called in errors.
    tries : int
        How often a task may end a worker that runs nothing else before it is given up.
    lost : callable, optional
        Given number and task, returns the result of one that is given up; without it that is
        an error.
    ordered : bool
        Whether results come in the order of tasks.
    """

    word: str = "task"
    tries: int = 2
    lost: Callable[[int, Any], Any] | None = None
    ordered: bool = False


class Flight(NamedTuple):
    """A batch that is being run."""

    batch: Numbered
    place: str
    alone: bool


def dispatched(
    pool: Pool, function: Function, tasks: Iterable[Any], terms: Terms
) -> Iterator[Results]:
    """Yield numbers and results of tasks, batch by batch.

    Parameters
    ----------
    pool : Pool
    function : callable
    tasks : iterable
        Taken as workers come to need them.
    terms : Terms

    Raises
    ------
    WorkersError
        Where processes end before any task has.
    LostTaskError
        Where a task ends its processes again and again.
    """
    work = _Dispatch(pool, function, _Tasks(tasks), terms)
    try:
        while work.pending:
            work.send()
            yield from work.collected()
    except BaseException:
        for future in work.flying:
            future.cancel()
        pool.stop()
        raise


class _Tasks:
    """Tasks that are taken one after the other, and how many are left."""

    def __init__(self, tasks: Iterable[Any]) -> None:
        self._each = enumerate(tasks)
        self._count = len(tasks) if isinstance(tasks, Sized) else None
        self.taken = 0
        self._next = next(self._each, None)

    def __bool__(self) -> bool:
        return self._next is not None

    @property
    def left(self) -> int | None:
        return None if self._count is None else self._count - self.taken

    def take(self, size: int) -> Numbered:
        found: list[tuple[int, Any]] = []
        while self._next is not None and len(found) < size:
            found.append(self._next)
            self._next = next(self._each, None)
        self.taken += len(found)
        return found


@dataclass(eq=False)
class _Dispatch:
    """What is waiting, what is being run, and what has to be run by itself."""

    pool: Pool
    function: Function
    tasks: _Tasks
    terms: Terms
    flying: dict[Future[Batch], Flight] = field(default_factory=dict)
    doubtful: deque[Numbered] = field(default_factory=deque)
    strikes: Counter[int] = field(default_factory=Counter)
    held: dict[int, Any] = field(default_factory=dict)
    yielded: int = 0
    done: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        self.pace = Pace(self.pool.workers)

    @property
    def pending(self) -> bool:
        return bool(self.tasks or self.flying or self.doubtful)

    def send(self) -> None:
        """Keep the places busy."""
        busy = Counter(flight.place for flight in self.flying.values())
        apart = {flight.place for flight in self.flying.values() if flight.alone}
        free = [place for place in self.pool.places() if place not in apart]
        self.pace.workers = self.pool.workers
        free.sort(key=lambda place: busy[place])
        while self.doubtful and free:
            # The place with least to do gets nothing new until it can take what is in doubt.
            place = free.pop(0)
            if busy[place]:
                break
            self._submit(self.doubtful.popleft(), place, alone=True)
        while self.tasks and free and not self._ahead:
            place = min(free, key=lambda place: busy[place])
            if busy[place] >= self.pool.depth:
                break
            self._submit(self.tasks.take(self.pace.size(self.tasks.left)), place)
            busy[place] += 1

    @property
    def _ahead(self) -> bool:
        """Whether enough results wait for one that is before them."""
        most = AHEAD * self.pool.workers * self.pace.size(None)
        return self.terms.ordered and self.tasks.taken - self.yielded >= most

    def _submit(self, batch: Numbered, place: str, alone: bool = False) -> None:
        future = self.pool.submit(self.function, batch, place)
        self.flying[future] = Flight(batch, place, alone)

    def collected(self) -> Iterator[Results]:
        """Yield what has ended since; wait where nothing has."""
        ready, _ = wait(self.flying, timeout=GLANCE, return_when=FIRST_COMPLETED)
        broken: list[Flight] = []
        why = "its worker is gone"
        for future in ready:
            flight = self.flying.pop(future)
            try:
                results, seconds = future.result()
            except self.pool.lost as error:
                broken.append(flight)
                why = str(error)
            else:
                self.pace.learn(len(results), seconds)
                yield from self._ended(results)
        broken += self._vanished()
        if broken:
            yield from self._broken(broken, why)

    def _vanished(self) -> list[Flight]:
        """Return, and give up, what was sent to places that are there no more."""
        present = set(self.pool.places())
        found = []
        for future, flight in list(self.flying.items()):
            if flight.place not in present and not future.done():
                found.append(self.flying.pop(future))
                future.cancel()
        return found

    def _ended(self, results: Results) -> Iterator[Results]:
        """Yield the results of a batch; raise the error that ends it, where there is one."""
        failed = results.pop()[1] if isinstance(results[-1][1], Raised) else None
        self.done += len(results)
        yield from self._due(results)
        if failed is not None:
            raise failed.error()

    def _due(self, results: Results) -> Iterator[Results]:
        """Yield results; in order, those whose turn it is."""
        if self.terms.ordered:
            self.held.update(results)
            results = []
            while self.yielded in self.held:
                results.append((self.yielded, self.held.pop(self.yielded)))
                self.yielded += 1
        if results:
            yield results

    def _broken(self, flights: Sequence[Flight], why: str) -> Iterator[Results]:
        """Take in batches whose process has ended."""
        self.pool.mend()
        for batch, _, alone in flights:
            if not alone:
                self.doubtful.append(batch)
            elif len(batch) > 1:
                half = len(batch) // 2
                self.doubtful += [batch[:half], batch[half:]]
            else:
                index, task = batch[0]
                self.strikes[index] += 1
                if self.strikes[index] < self.terms.tries:
                    self.doubtful.append(batch)
                else:
                    yield from self._lost(index, task, why)

    def _lost(self, index: int, task: Any, why: str) -> Iterator[Results]:
        self.lost += 1
        if self.terms.lost is None:
            self._give_up(index)
        if not self.done and self.lost >= MOST_LOST:
            raise WorkersError(
                f"{self.lost} processes ended before any {self.terms.word} was done: "
                f"{_first_line(why)}"
            )
        yield from self._due([(index, self.terms.lost(index, task))])

    def _give_up(self, index: int) -> NoReturn:
        times = self.terms.tries
        raise LostTaskError(
            f"{self.terms.word} {index} ended its process {times} time{'s' * (times > 1)} while "
            f"nothing else ran in it ({CAUSES})",
            index,
        )


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason was given"
