"""Variants sent to workers in batches, and what comes back; processes of this machine (loky).

Workers are anything that runs a batch and gives a future: `cluster` has those of Dask. A batch
whose process ended is run again by itself, and halved until the variant that ends it is alone.
joblib's own loop over a Dask cluster waits for ever where a worker dies.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from eventstudy.backtest.setup import Setup
from eventstudy.backtest.sweep.cargo import Cargo, cargo_of
from eventstudy.backtest.sweep.work import LOST, Ended, Errand, Numbered, run_batch
from eventstudy.errors import BacktestError

IN_FLIGHT = 2
"""Batches a worker: one that runs and one that waits, so that none stands idle."""
LARGEST_BATCH = 500
AIM = 1.0
"""Seconds that a batch should take: long against a message, short against patience."""
FEWEST_SHARES = 4
"""A worker's share of what is left is cut into so many, that all end together."""
MOST_LOST = 3
"""Variants lost before any has ended: then it is not the variants."""
GLANCE = 2.0
"""Seconds without a result after which one looks whether any can come."""
IDLE = 300
"""Seconds that processes of this machine wait for the next sweep."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Batch = tuple[list[Ended], float]


class Pool(Protocol):
    """Where batches are run.

    Attributes
    ----------
    workers : int
    lost : tuple of exception types
        Raised by a future whose process has ended.
    """

    workers: int
    lost: tuple[type[Exception], ...]

    def submit(self, errand: Errand, batch: Numbered) -> Future[Batch]:
        """Send a batch."""
        ...

    def mend(self) -> None:
        """Make the pool fit again after one of its processes has ended."""
        ...

    def check(self) -> set[Future[Batch]]:
        """Return the batches from which nothing will come any more."""
        ...

    def stop(self) -> None:
        """Give up what is being run."""
        ...


class LocalPool:
    """Processes of this machine, kept by loky for the next sweep.

    Parameters
    ----------
    cargo : Cargo
    workers : int
    """

    lost: tuple[type[Exception], ...] = (BrokenProcessPool, CancelledError)

    def __init__(self, cargo: Cargo, workers: int) -> None:
        self.cargo = cargo
        self.workers = workers
        self._executor = self._made()

    def _made(self) -> Executor:
        # joblib's own kind: its other users in this process share the one reusable executor.
        from joblib.executor import get_memmapping_executor

        made: Executor = get_memmapping_executor(self.workers, timeout=IDLE, env=ONE_THREAD)
        return made

    def submit(self, errand: Errand, batch: Numbered) -> Future[Batch]:
        """Send a batch."""
        return self._executor.submit(run_batch, self.cargo, errand, batch)

    def mend(self) -> None:
        """Begin with new processes: one that ends takes the others with it."""
        self._executor = self._made()

    def check(self) -> set[Future[Batch]]:
        """Return nothing: a future tells where its process has ended."""
        return set()

    def stop(self) -> None:
        """End the processes at once."""
        self._executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]


@contextmanager
def local_pool(setup: Setup, workers: int) -> Iterator[LocalPool]:
    """Yield processes of this machine; the setup lies in a file that they read."""
    with tempfile.TemporaryDirectory(prefix="sweep-") as folder:
        yield LocalPool(cargo_of(setup, Path(folder)), workers)


@dataclass(slots=True)
class Pace:
    """How many variants make a batch: one at first, then as many as fill the time aimed at."""

    workers: int
    seconds: float = float("inf")

    def learn(self, batch: Numbered, seconds: float) -> None:
        """Note how long a batch took; the slower half of variants decides."""
        each = seconds / len(batch)
        self.seconds = each if self.seconds == float("inf") else max(each, 0.7 * self.seconds)

    def size(self, left: int) -> int:
        """Return the size of the next batch."""
        fitting = int(AIM / max(self.seconds, 1e-9))
        fair = -(-left // (self.workers * FEWEST_SHARES))
        return max(1, min(fitting, fair, LARGEST_BATCH))


def dispatched(pool: Pool, errand: Errand, left: Numbered) -> Iterator[list[Ended]]:
    """Yield the ends of variants, batch by batch, as they come.

    Parameters
    ----------
    pool : Pool
    errand : Errand
    left : sequence of (int, mapping)
        Variants to be run.

    Raises
    ------
    BacktestError
        Where processes end before any variant has.
    """
    work = _Dispatch(pool, errand, deque(left), Pace(pool.workers))
    try:
        while work.pending:
            work.send()
            yield from work.collected()
    except BaseException:
        for future in work.flying:
            future.cancel()
        pool.stop()
        raise


class _Dispatch:
    """What is waiting, what is being run, and what has to be run alone."""

    def __init__(self, pool: Pool, errand: Errand, left: deque[Any], pace: Pace) -> None:
        self.pool, self.errand, self.left, self.pace = pool, errand, left, pace
        self.flying: dict[Future[Batch], Numbered] = {}
        self.doubtful: deque[Numbered] = deque()
        self.alone = False
        self.done = self.lost = 0

    @property
    def pending(self) -> bool:
        return bool(self.left or self.flying or self.doubtful)

    def send(self) -> None:
        """Keep the workers busy; a batch in doubt is sent when nothing else is being run."""
        if self.doubtful:
            if not self.flying:
                self.alone = True
                self._submit(self.doubtful.popleft())
            return
        if self.alone and self.flying:
            return
        self.alone = False
        while self.left and len(self.flying) < IN_FLIGHT * self.pool.workers:
            size = self.pace.size(len(self.left))
            self._submit([self.left.popleft() for _ in range(min(size, len(self.left)))])

    def _submit(self, batch: Numbered) -> None:
        self.flying[self.pool.submit(self.errand, batch)] = batch

    def collected(self) -> Iterator[list[Ended]]:
        """Yield what has ended since; wait where nothing has."""
        ready, _ = wait(self.flying, timeout=GLANCE, return_when=FIRST_COMPLETED)
        broken: list[Numbered] = []
        why = "its worker is gone"
        if not ready:
            for future in self.pool.check():
                broken.append(self.flying.pop(future))
                future.cancel()
        for future in ready:
            batch = self.flying.pop(future)
            try:
                ended, seconds = future.result()
            except self.pool.lost as error:
                broken.append(batch)
                why = str(error)
            else:
                self.done += len(ended)
                self.pace.learn(batch, seconds)
                yield ended
        if broken:
            yield from self._broken(broken, why)

    def _broken(self, batches: Sequence[Numbered], why: str) -> Iterator[list[Ended]]:
        """Take in batches whose process has ended."""
        self.pool.mend()
        for batch in batches:
            if not self.alone:
                self.doubtful.append(batch)
            elif len(batch) > 1:
                half = len(batch) // 2
                self.doubtful += [batch[:half], batch[half:]]
            else:
                yield [self._lost(batch[0][0], why)]

    def _lost(self, number: int, why: str) -> Ended:
        self.lost += 1
        if not self.done and self.lost >= MOST_LOST:
            raise BacktestError(
                f"{self.lost} processes ended before any variant was done: {_first_sentence(why)}"
            )
        return Ended.failed(number, f"{LOST} (killed, out of memory, or the code ended it)")


def _first_sentence(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason was given"
