"""Workers of this machine: threads, and processes that loky keeps."""

from __future__ import annotations

import gc
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from eventstudy.workers.batches import (
    Batch,
    Function,
    Numbered,
    one_thread,
    run_alone,
    run_batch,
)
from eventstudy.workers.parcel import Span, opened_file, packed

IN_FLIGHT = 2
"""Batches a worker: one that runs and one that waits."""
IDLE = 300
"""Seconds that processes of this machine wait for the next crew."""
LOOK = 5.0
"""Seconds after which a process looks whether its payload is still wanted."""
HERE = "this machine"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Threads:
    """Threads of this process, which share the payload itself.

    Parameters
    ----------
    payload : object
    workers : int
    """

    lost: tuple[type[Exception], ...] = ()

    def __init__(self, payload: Any, workers: int) -> None:
        self.payload = payload
        self.workers = workers
        self.depth = IN_FLIGHT * workers
        self._executor: Executor | None = None

    def places(self) -> Sequence[str]:
        """Return one name: threads end together."""
        return (HERE,)

    def submit(self, function: Function, batch: Numbered, _place: str) -> Future[Batch]:
        """Send a batch."""
        self._executor = self._executor or ThreadPoolExecutor(self.workers, "crew")
        return self._executor.submit(run_batch, function, self.payload, batch)

    def mend(self) -> None:
        """Do nothing: a thread does not end."""

    def stop(self) -> None:
        """Wait for what is being run, and run no more."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
        self._executor = None


@contextmanager
def threads(payload: Any, workers: int) -> Iterator[Threads]:
    """Yield threads; linear algebra has one thread in each."""
    with one_thread():
        pool = Threads(payload, workers)
        try:
            yield pool
        finally:
            pool.stop()


@dataclass(frozen=True)
class Filed:
    """A payload that lies in a file.

    Attributes
    ----------
    name : str
        Of one crew.
    path : str
    spans : tuple of (int, int)
        Of its pieces.
    seal : str
        Of what is unpickled; see `eventstudy.workers.parcel.Packed`.
    """

    name: str
    path: str
    spans: tuple[Span, ...]
    seal: str


_OPEN: dict[str, Any] = {}
"""The payload that this process, a worker, has open, by the name of its crew."""


def run_filed(filed: Filed, function: Function, batch: Numbered) -> Batch:
    """Run a batch in a worker, with the payload of a file that it opens once."""
    return run_alone(function, partial(_payload_of, filed), batch)


def _payload_of(filed: Filed) -> Any:
    if filed.name not in _OPEN:
        _OPEN.clear()
        _OPEN[filed.name] = opened_file(filed.path, filed.spans, filed.seal)
        threading.Thread(target=_let_go, args=(filed,), name="crew", daemon=True).start()
    return _OPEN[filed.name]


def _let_go(filed: Filed) -> None:
    """Forget a payload when its file is gone: its pages would stay on the disk or in memory."""
    while filed.name in _OPEN and Path(filed.path).exists():
        time.sleep(LOOK)
    _OPEN.pop(filed.name, None)
    gc.collect()


class Processes:
    """Processes of this machine, kept by loky for the next crew.

    Parameters
    ----------
    filed : Filed
    workers : int
    """

    lost: tuple[type[Exception], ...] = (BrokenProcessPool, CancelledError)

    def __init__(self, filed: Filed, workers: int) -> None:
        self.filed = filed
        self.workers = workers
        self.depth = IN_FLIGHT * workers
        self._executor: Executor | None = None

    def _made(self) -> Executor:
        # joblib's own kind: its other users in this process share the one reusable executor.
        from joblib.executor import get_memmapping_executor

        made: Executor = get_memmapping_executor(self.workers, timeout=IDLE, env=ONE_THREAD)
        return made

    def places(self) -> Sequence[str]:
        """Return one name: a process that ends takes the others with it."""
        return (HERE,)

    def submit(self, function: Function, batch: Numbered, _place: str) -> Future[Batch]:
        """Send a batch."""
        self._executor = self._executor or self._made()
        return self._executor.submit(run_filed, self.filed, function, batch)

    def mend(self) -> None:
        """Begin with new processes."""
        self._executor = None

    def stop(self) -> None:
        """End the processes at once."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]
        self._executor = None


@contextmanager
def processes(payload: Any, workers: int) -> Iterator[Processes]:
    """Yield processes of this machine; the payload lies in a file that they map."""
    with tempfile.TemporaryDirectory(prefix="crew-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "payload"
        found = packed(payload)
        found.write(path)
        filed = Filed(uuid.uuid4().hex, str(path), found.spans, found.seal)
        yield Processes(filed, workers)
