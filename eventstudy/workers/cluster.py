"""Workers of a Dask cluster.

A cluster is another party: it may not be there, answer nothing, lose workers and get new ones.
Every question to it ends after a while, for Dask's own client waits for ever on an address
where something else listens. Each batch is sent to one worker and to no other: left to itself,
a scheduler gives what has ended one worker to three more, faster than they are started anew.
The payload goes to workers as plugins, which the scheduler hands to each worker that comes,
after a crash too; data that are scattered end with their holders.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from typing import Any, TypeVar

from distributed import Client, WorkerPlugin
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.scheduler import KilledWorker

from eventstudy.provenance import code_digest, versions
from eventstudy.workers.batches import Batch, Function, Numbered, WorkersError, run_alone
from eventstudy.workers.parcel import Packed, Span, opened, packed

ANSWER = 10.0
"""Seconds in which a scheduler has to answer."""
PATIENCE = 60.0
"""Seconds that a cluster may be without a worker."""
SPEED = 20e6
"""Bytes a second that a cluster takes at least, all workers together."""
GLANCE = 1.0
"""Seconds after which one looks again which workers are there."""
IN_FLIGHT = 2
"""Batches a worker: one that runs and one that waits."""

Result = TypeVar("Result")


class Held:
    """A payload that arrives in parts and is opened when it is first needed.

    Parameters
    ----------
    spans : sequence of (int, int)
        Of its pieces.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = spans
        self.data = bytearray(spans[-1][1])
        self.holders: set[str] = set()

    @cached_property
    def payload(self) -> Any:
        """The payload."""
        return opened(self.data, self.spans)


_HELD: dict[str, Held] = {}
"""Payloads that this process, a worker, has been given."""


class Supply(WorkerPlugin):
    """Gives a part of a payload to each worker of a cluster, also to those that come later.

    Parameters
    ----------
    name : str
        Of one crew.
    spans : tuple of (int, int)
        Of the payload's pieces.
    offset : int
        Where the part begins.
    data : bytes
    """

    def __init__(self, name: str, spans: tuple[Span, ...], offset: int, data: bytes) -> None:
        self.crew = name
        self.spans = spans
        self.offset = offset
        self.data = data

    def setup(self, worker: Any) -> None:
        """Keep the part."""
        held = _HELD.setdefault(self.crew, Held(self.spans))
        if "payload" not in held.__dict__:
            held.data[self.offset : self.offset + len(self.data)] = self.data
        held.holders.add(worker.address)
        self.data = b""

    def teardown(self, worker: Any) -> None:
        """Let the payload go, where no other worker of this process has it."""
        held = _HELD.get(self.crew)
        if held is not None:
            held.holders.discard(worker.address)
            if not held.holders:
                del _HELD[self.crew]


def run_supplied(name: str, function: Function, batch: Numbered) -> Batch:
    """Run a batch on a worker, with the payload it was given."""
    return run_alone(function, partial(_payload_of, name), batch)


def _payload_of(name: str) -> Any:
    if name not in _HELD:
        raise WorkersError("a worker of the Dask cluster has not been given the payload")
    return _HELD[name].payload


class ClusterPool:
    """Workers of a Dask cluster.

    Parameters
    ----------
    client : distributed.Client
    address : str
        Of its scheduler.
    found : Packed
        The payload.
    """

    lost: tuple[type[Exception], ...] = (KilledWorker, CancelledError)
    depth = IN_FLIGHT

    def __init__(self, client: Client, address: str, found: Packed) -> None:
        self.client = client
        self.address = address
        self._present: tuple[str, ...] = ()
        self._seen = -GLANCE
        self._look()
        # Processes, not threads: each runs one batch at a time.
        self.workers = max(len(self._present), 1)
        self.name = f"crew-{uuid.uuid4().hex}"
        self._supplies: list[str] = []
        self._supply(found)
        made: Callable[..., Executor] = client.get_executor
        self._executor = made(pure=False)

    def _supply(self, found: Packed) -> None:
        seconds = PATIENCE + len(found) * self.workers / SPEED
        for offset, data in found.parts():
            name = f"{self.name}-{len(self._supplies)}"
            self._supplies.append(name)
            supply = Supply(self.name, found.spans, offset, data)
            self._ask(seconds, self.client.register_plugin, supply, name)

    def places(self) -> Sequence[str]:
        """Return the addresses of the workers that are there; wait where there is none."""
        if time.monotonic() - self._seen > GLANCE:
            self._look()
        if not self._present:
            self.mend()
        return self._present

    def submit(self, function: Function, batch: Numbered, place: str) -> Future[Batch]:
        """Send a batch to a worker."""
        sent: Callable[..., Future[Batch]] = self._executor.submit
        return sent(run_supplied, self.name, function, batch, workers=[place])

    def mend(self) -> None:
        """Wait for a worker: a cluster may start those that ended anew."""
        self._ask(2 * PATIENCE, self.client.wait_for_workers, 1, timeout=PATIENCE)
        self._look()

    def _look(self) -> None:
        self._present = tuple(self._ask(ANSWER, self.client.nthreads))
        self._seen = time.monotonic()

    def _ask(
        self, seconds: float, call: Callable[..., Result], *given: Any, **named: Any
    ) -> Result:
        try:
            return asked(seconds, call, *given, **named)
        except (OSError, TimeoutError) as error:
            raise _gone(self.address, error) from error

    def stop(self) -> None:
        """Leave the workers, who are not ours, as they are."""

    def leave(self) -> None:
        """Take the payload from the workers."""
        for name in self._supplies:
            with suppress(Exception):  # the cluster may be gone
                asked(ANSWER, self.client.unregister_worker_plugin, name)


@contextmanager
def cluster_pool(payload: Any, address: str) -> Iterator[ClusterPool]:
    """Yield the workers of a Dask cluster.

    Raises
    ------
    WorkersError
        Where no scheduler answers, it has no worker or loses all of them, or it or a worker
        has other versions than this process.
    """
    client = _opened(address)
    try:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, TimeoutError) as error:
            raise _gone(address, error) from error
        check_versions(client)
        pool = ClusterPool(client, address, packed(payload))
        try:
            yield pool
        finally:
            pool.leave()
    finally:
        with suppress(Exception):
            asked(ANSWER, client.close, ANSWER / 2)


def _gone(address: str, error: Exception) -> WorkersError:
    return WorkersError(f"the Dask scheduler at {address} has no worker, or is gone: {error}")


def _opened(address: str) -> Client:
    made: Callable[..., Client] = Client
    try:
        _knock(address)
        return asked(1.5 * ANSWER, made, address, timeout=ANSWER, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise WorkersError(
            f"no Dask scheduler answers at {address!r} (such as tcp://host:8786): {error}"
        ) from error


def _knock(address: str) -> None:
    """Raise at once where an address is none, or nobody listens there."""
    scheme, place = parse_address(address)
    if scheme in ("tcp", "tls"):
        socket.create_connection(parse_host_port(place), ANSWER).close()


def asked(seconds: float, call: Callable[..., Result], *given: Any, **named: Any) -> Result:
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
    WorkersError
    """
    own = installed()
    try:
        found = dict(asked(PATIENCE, client.run, installed))
        found["the scheduler"] = asked(PATIENCE, client.run_on_scheduler, installed)
    except (ImportError, AttributeError) as error:
        raise WorkersError(
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
        raise WorkersError("the Dask cluster has other versions: " + "; ".join(faults))


def installed() -> dict[str, str]:
    """Return what numbers depend on: versions, of Python the first two numbers, and our code."""
    found = versions()
    return {
        **found,
        "python": ".".join(found["python"].split(".")[:2]),
        "code of eventstudy": code_digest()[:12],
    }
