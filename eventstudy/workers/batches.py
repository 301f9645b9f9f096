"""Tasks as a worker runs them, several in one message, and what comes back."""

from __future__ import annotations

import pickle  # nosec B403 # between this program's own processes; see _opened_error
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from eventstudy.errors import EventStudyError

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

LARGEST_BATCH = 500
AIM = 1.0
"""Seconds that a batch should take: long against a message, short against patience."""
FEWEST_SHARES = 4
"""A worker's share of what is left is cut into so many, that all end together."""

Function = Callable[[Any, Any], Any]
Numbered = Sequence[tuple[int, Any]]
"""Tasks with their numbers."""
Batch = tuple[list[tuple[int, Any]], float]
"""Numbers with results, the last perhaps `Raised`, and the seconds that they took."""


class WorkersError(EventStudyError):
    """Workers that are not there, are lost, or would compute something else."""


class LostTaskError(WorkersError):
    """A task that ends the process which runs it.

    Parameters
    ----------
    text : str
    index : int
        Number of the task.
    """

    def __init__(self, text: str, index: int) -> None:
        super().__init__(text)
        self.index = index


class Pool(Protocol):
    """Where batches are run.

    Attributes
    ----------
    workers : int
        How many batches are run at a time; it may change.
    depth : int
        How many batches a place has at a time: some run, the others wait, so that none stands
        idle.
    lost : tuple of exception types
        Raised by a future whose process has ended.
    """

    depth: int
    lost: tuple[type[Exception], ...]

    @property
    def workers(self) -> int:
        """How many batches are run at a time."""
        ...

    def places(self) -> Sequence[str]:
        """Return names of what can end by itself: one worker of a cluster, or this machine."""
        ...

    def submit(self, function: Function, batch: Numbered, place: str) -> Future[Batch]:
        """Send a batch to a place."""
        ...

    def mend(self) -> None:
        """Make the pool fit again after one of its processes has ended."""
        ...

    def stop(self) -> None:
        """Give up what is being run."""
        ...


@dataclass(frozen=True)
class Raised:
    """An error of a task on its way back.

    Attributes
    ----------
    data : bytes
        The error; empty where it cannot be packed.
    told : str
        Its type and text.
    where : str
        The worker's traceback.
    """

    data: bytes
    told: str
    where: str

    @classmethod
    def of(cls, error: BaseException) -> Raised:
        """Pack an error, with all of its attributes."""
        told = f"{type(error).__name__}: {error}"
        return cls(_packed_error(error), told, "".join(traceback.format_exception(error)))

    def error(self) -> BaseException:
        """Return the error as it was, with the worker's traceback as a note."""
        found: BaseException = WorkersError(f"a task failed in a worker: {self.told}")
        if self.data:
            found = _opened_error(self.data)
        found.add_note(f"in a worker:\n{self.where}")
        return found


def _packed_error(error: BaseException) -> bytes:
    import cloudpickle

    # An error whose class asks for more than its text is not made again by pickle itself.
    for given in (error, (type(error), error.args, error.__dict__)):
        # Whatever a class of the user's raises then.
        with suppress(Exception):
            data: bytes = cloudpickle.dumps(given)
            again = _opened_error(data)
            if type(again) is type(error) and str(again) == str(error):
                return data
    return b""


def _opened_error(data: bytes) -> BaseException:
    # It came as the result of a task of ours, by the pipe or the connection that carries results
    # pickled anyway: whoever could forge it could forge those.
    found = pickle.loads(data)  # noqa: S301  # nosec B301 # as above
    if isinstance(found, BaseException):
        return found
    made, given, attributes = found
    error: BaseException = made.__new__(made)
    error.args = given
    error.__dict__.update(attributes)
    return error


# A worker with several threads runs one batch at a time: functions may limit threads or keep
# state that is the process's own.
_ALONE = threading.Lock()


def run_alone(function: Function, payload: Callable[[], Any], batch: Numbered) -> Batch:
    """Run a batch, no other of this process beside it, with one thread of linear algebra.

    One thread, since matrices are mostly small, and since the order in which several add
    changes last digits: a worker must not differ from this process.
    """
    with _ALONE:
        given = payload()
        with one_thread():
            return run_batch(function, given, batch)


def run_batch(function: Function, payload: Any, batch: Numbered) -> Batch:
    """Run a batch up to its end, or to the first error."""
    began = time.perf_counter()
    done: list[tuple[int, Any]] = []
    for index, task in batch:
        try:
            done.append((index, function(payload, task)))
        except (Exception, SystemExit) as error:
            done.append((index, Raised.of(error)))
            break
    return done, time.perf_counter() - began


@contextmanager
def one_thread() -> Iterator[None]:
    """Let linear algebra use one thread."""
    with _linear_algebra(len(sys.modules)).limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _linear_algebra(_modules: int) -> ThreadpoolController:
    # Looked for anew where modules have been imported since: they may bring a library.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@dataclass(slots=True)
class Pace:
    """How many tasks make a batch: one at first, then as many as fill the time aimed at."""

    workers: int
    seconds: float = float("inf")

    def learn(self, count: int, seconds: float) -> None:
        """Note how long a batch took; the slower half of tasks decides."""
        each = seconds / count
        self.seconds = each if self.seconds == float("inf") else max(each, 0.7 * self.seconds)

    def size(self, left: int | None) -> int:
        """Return the size of the next batch; None where nobody knows how many are left."""
        fitting = int(AIM / max(self.seconds, 1e-9))
        fair = LARGEST_BATCH if left is None else -(-left // (self.workers * FEWEST_SHARES))
        return max(1, min(fitting, fair, LARGEST_BATCH))
