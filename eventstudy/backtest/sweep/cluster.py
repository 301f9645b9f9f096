"""Workers of a Dask cluster.

A cluster is another party: it may not be there, answer nothing, lose workers and get new ones.
Every question to it ends after a while, for Dask's own client waits for ever on an address
where something else listens. Each batch is sent to one worker and to no other: left to itself,
a scheduler gives what has ended one worker to three more, faster than they are started anew.
The setup goes to workers as a plugin, which the scheduler hands
to each worker that comes, after a crash too; data that are scattered end with their holders.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from distributed import Client, WorkerPlugin
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.scheduler import KilledWorker

from eventstudy.backtest.setup import Setup
from eventstudy.backtest.sweep.cargo import Cargo, cargo_of
from eventstudy.backtest.sweep.pool import Batch
from eventstudy.backtest.sweep.work import Errand, Numbered, run_batch
from eventstudy.errors import BacktestError
from eventstudy.provenance import code_digest, versions

ANSWER = 10.0
"""Seconds in which a scheduler has to answer."""
PATIENCE = 60.0
"""Seconds that a cluster may be without a worker."""

GLANCE = 1.0
"""Seconds after which one looks again which workers are there."""

Result = TypeVar("Result")
_HELD: dict[str, Cargo] = {}
"""Setups that this process, a worker, has been given."""


class Supply(WorkerPlugin):
    """Gives a setup to each worker of a cluster, also to those that come later.

    Parameters
    ----------
    name : str
        Of one sweep.
    cargo : Cargo
    """

    def __init__(self, name: str, cargo: Cargo) -> None:
        self.name = name
        self.cargo = cargo

    def setup(self, worker: Any) -> None:
        """Keep the setup."""
        _HELD[self.name] = self.cargo

    def teardown(self, worker: Any) -> None:
        """Let it go."""
        _HELD.pop(self.name, None)


def run_supplied(name: str, errand: Errand, batch: Numbered) -> Batch:
    """Run a batch on a worker, with the setup it was given."""
    return run_batch(_HELD[name], errand, batch)


class ClusterPool:
    """Workers of a Dask cluster.

    Parameters
    ----------
    client : distributed.Client
    cargo : Cargo
    """

    lost: tuple[type[Exception], ...] = (KilledWorker, CancelledError)

    def __init__(self, client: Client, cargo: Cargo) -> None:
        self.client = client
        self._placed: dict[Future[Batch], str] = {}
        self._present: tuple[str, ...] = ()
        self._seen = -GLANCE
        self._look()
        # Processes, not threads: each runs one batch at a time.
        self.workers = max(len(self._present), 1)
        self.name = f"sweep-{cargo.digest[:16]}-{uuid.uuid4().hex[:8]}"
        _asked(PATIENCE, client.register_plugin, Supply(self.name, cargo), self.name)
        made: Callable[..., Executor] = client.get_executor
        self._executor = made(pure=False)

    def submit(self, errand: Errand, batch: Numbered) -> Future[Batch]:
        """Send a batch to the worker that has least to do."""
        if time.monotonic() - self._seen > GLANCE:
            self._look()
        if not self._present:
            self.mend()
        busy = Counter(place for future, place in self._placed.items() if not future.done())
        address = min(self._present, key=lambda place: busy[place])
        sent: Callable[..., Future[Batch]] = self._executor.submit
        future = sent(run_supplied, self.name, errand, batch, workers=[address])
        self._placed = {f: a for f, a in self._placed.items() if not f.done()} | {future: address}
        return future

    def mend(self) -> None:
        """Wait for a worker: a cluster may start those that ended anew."""
        self.client.wait_for_workers(1, timeout=PATIENCE)
        self._look()

    def check(self) -> set[Future[Batch]]:
        """Return the batches whose worker has ended."""
        self._look()
        lost = {f for f, place in self._placed.items() if place not in self._present}
        self._placed = {f: place for f, place in self._placed.items() if f not in lost}
        return {future for future in lost if not future.done()}

    def _look(self) -> None:
        self._present = tuple(_asked(ANSWER, self.client.nthreads))
        self._seen = time.monotonic()

    def stop(self) -> None:
        """Leave the workers, who are not ours, as they are."""

    def leave(self) -> None:
        """Take the setup from the workers."""
        with suppress(Exception):  # the cluster may be gone
            _asked(ANSWER, self.client.unregister_worker_plugin, self.name)


@contextmanager
def cluster_pool(setup: Setup, address: str) -> Iterator[ClusterPool]:
    """Yield the workers of a Dask cluster.

    Raises
    ------
    BacktestError
        Where no scheduler answers, it has no worker or loses all of them, or it or a worker
        has other versions than this process.
    """
    client = _opened(address)
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
        check_versions(client)
        pool = ClusterPool(client, cargo_of(setup, None))
        try:
            yield pool
        finally:
            pool.leave()
    except (OSError, TimeoutError) as error:
        raise BacktestError(
            f"the Dask scheduler at {address} has no worker, or is gone: {error}"
        ) from error
    finally:
        with suppress(Exception):
            _asked(ANSWER, client.close, ANSWER / 2)


def _opened(address: str) -> Client:
    made: Callable[..., Client] = Client
    try:
        _knock(address)
        return _asked(1.5 * ANSWER, made, address, timeout=ANSWER, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise BacktestError(
            f"no Dask scheduler answers at {address!r} (such as tcp://host:8786): {error}"
        ) from error


def _knock(address: str) -> None:
    """Raise at once where an address is none, or nobody listens there."""
    scheme, place = parse_address(address)
    if scheme in ("tcp", "tls"):
        socket.create_connection(parse_host_port(place), ANSWER).close()


def _asked(seconds: float, call: Callable[..., Result], *given: Any, **named: Any) -> Result:
    """Return what a call gives, which has so many seconds.

    Raises
    ------
    TimeoutError
        Where it has given nothing by then. Its thread is left alone and ends with the process.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(call(*given, **named))
        except BaseException as error:  # handed on to whoever asked
            future.set_exception(error)

    threading.Thread(target=run, name="asking a cluster", daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError as error:
        raise TimeoutError(str(error) or f"no answer in {seconds:g} seconds") from error


def check_versions(client: Client) -> None:
    """Refuse a cluster that would compute with other versions, or other code.

    Raises
    ------
    BacktestError
    """
    own = installed()
    try:
        found = dict(_asked(PATIENCE, client.run, installed))
        found["the scheduler"] = _asked(PATIENCE, client.run_on_scheduler, installed)
    except (ImportError, AttributeError) as error:
        raise BacktestError(
            f"the Dask cluster lacks what this process has: {error}; install the same version of "
            "eventstudy-backtester on the scheduler and on every worker"
        ) from error
    faults = [
        f"{name} {theirs.get(name)} at {where}, {version} here"
        for where, theirs in found.items()
        for name, version in own.items()
        if theirs.get(name) != version
    ]
    if faults:
        raise BacktestError("the Dask cluster has other versions: " + "; ".join(faults))


def installed() -> dict[str, str]:
    """Return what numbers depend on: versions, of Python the first two numbers, and our code."""
    found = versions()
    return {
        **found,
        "python": ".".join(found["python"].split(".")[:2]),
        "code of eventstudy": code_digest()[:12],
    }
