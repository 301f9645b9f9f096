"""The crew: who runs the tasks, what each of them holds, and how one asks them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from eventstudy.workers.batches import Pool, WorkersError, one_thread
from eventstudy.workers.dispatch import Terms, dispatched

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many are done, and how many there are."""

Payload = TypeVar("Payload")
Task = TypeVar("Task")
Result = TypeVar("Result")


def _unwatched(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(eq=False)
class Hands(Generic[Payload]):
    """Workers that each hold the payload; made by `crew`.

    Attributes
    ----------
    payload : object
    pool : Pool or None
        None stays in this process.
    progress : callable
    """

    payload: Payload
    pool: Pool | None
    progress: Progress = _unwatched

    @property
    def workers(self) -> int:
        """How many tasks are run at a time."""
        return 1 if self.pool is None else self.pool.workers

    def run(
        self,
        function: Callable[[Payload, Task], Result],
        tasks: Iterable[Task],
        *,
        ordered: bool = False,
        what: str = "",
        word: str = "task",
        tries: int = 2,
        lost: Callable[[int, Task], Result] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """Yield (number of the task, its result), as they come.

        Parameters
        ----------
        function : callable
            ``function(payload, task)``, defined at the top of a module. Its result must depend
            on the two alone, for a task may be run twice, and it must not change the payload:
            arrays of a payload in another process cannot be written to.
        tasks : iterable
            Taken as workers come to need them; small beside the payload, for each is sent.
            Short ones are sent several at a time, so that a message carries about a second.
        ordered : bool
            Yield in the order of tasks. Workers then run ahead of a slow task by some batches
            and no more, so that memory stays bounded.
        what : str
            Told to `progress`, with the number of tasks done and of all; of those taken so far
            where `tasks` has no length. Empty: nothing is told.
        word : str
            What a task is called in errors.
        tries : int
            A task whose worker ended is run again by itself, and given up when it has ended so
            many workers that ran nothing else.
        lost : callable, optional
            Given number and task, returns what stands for the result of one that is given up.

        Raises
        ------
        LostTaskError
            Where a task is given up and `lost` is not given.
        WorkersError
            Where the cluster is gone, or processes end before any task is done.
        Exception
            The first error of a task, as it was raised, with the worker's traceback as a note;
            the others are stopped.
        """
        for batch in self.batches(
            function, tasks, ordered=ordered, what=what, word=word, tries=tries, lost=lost
        ):
            yield from batch

    def batches(
        self,
        function: Callable[[Payload, Task], Result],
        tasks: Iterable[Task],
        *,
        ordered: bool = False,
        what: str = "",
        word: str = "task",
        tries: int = 2,
        lost: Callable[[int, Task], Result] | None = None,
    ) -> Iterator[list[tuple[int, Result]]]:
        """Yield what `run` does, as many at a time as have come together."""
        tell = self.progress if what else _unwatched
        total = len(tasks) if isinstance(tasks, Sized) else None
        done = 0
        tell(what, done, total or 0)
        with closing(self._ended(function, tasks, Terms(word, tries, lost, ordered))) as ended:
            for batch in ended:
                done += len(batch)
                yield batch
                tell(what, done, done if total is None else total)

    def _ended(
        self, function: Callable[[Payload, Task], Result], tasks: Iterable[Task], terms: Terms
    ) -> Any:
        if self.pool is None:
            return self._here(function, tasks)
        return dispatched(self.pool, function, tasks, terms)

    def _here(
        self, function: Callable[[Payload, Task], Result], tasks: Iterable[Task]
    ) -> Iterator[list[tuple[int, Result]]]:
        for index, task in enumerate(tasks):
            with one_thread():
                result = function(self.payload, task)
            yield [(index, result)]


@contextmanager
def crew(
    payload: Payload,
    *,
    cluster: str | None = None,
    jobs: int = 1,
    threads: bool = False,
    progress: Progress = _unwatched,
) -> Iterator[Hands[Payload]]:
    """Yield hands that run one function on many tasks, each of them holding the payload.

    Parameters
    ----------
    payload : object
        What every task needs: it is sent to a worker once. Processes of this machine map its
        numpy arrays from one file, so that they are in memory once; each worker of a cluster
        has a copy.
    cluster : str, optional
        Address of a Dask scheduler, ``tcp://host:8786``; needs the packages of the extra
        `cluster`, and the same versions and code on scheduler and workers. `jobs` is ignored.
    jobs : int
        Workers on this machine; 1 stays in this process, -1 is one a processor.
    threads : bool
        Threads instead of processes, for functions that let go of Python's lock: nothing is
        sent, nothing can be lost.
    progress : callable
        Told what is being done, how many tasks are done and how many there are.

    Raises
    ------
    WorkersError
        For a number of jobs that is none; where no scheduler answers at the address, it has no
        worker, or other versions.

    Examples
    --------
    >>> def scaled(payload, task):
    ...     return payload * task
    >>> with crew(10) as hands:
    ...     dict(hands.run(scaled, [1, 2, 3]))
    {0: 10, 1: 20, 2: 30}
    """
    if jobs < 1 and jobs != -1:
        raise WorkersError(f"jobs {jobs}; allowed: 1 or more, or -1 for one a processor")
    count = processors() if jobs == -1 else jobs
    with _pool(payload, cluster, count, threads) as pool:
        yield Hands(payload, pool, progress)


def _pool(
    payload: object, cluster: str | None, jobs: int, threads: bool
) -> AbstractContextManager[Pool | None]:
    if cluster is not None:
        return _cluster(payload, cluster)
    if jobs == 1:
        return nullcontext()
    from eventstudy.workers import here

    return here.threads(payload, jobs) if threads else here.processes(payload, jobs)


def _cluster(payload: object, address: str) -> AbstractContextManager[Pool]:
    try:
        from eventstudy.workers.cluster import cluster_pool
    except ImportError as error:
        raise WorkersError(
            "a scheduler needs Dask: install eventstudy-backtester[cluster]"
        ) from error
    return cluster_pool(payload, address)


def processors() -> int:
    """Return how many processes this machine can run at once."""
    from joblib import cpu_count

    return int(cpu_count())
