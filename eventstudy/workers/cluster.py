"""Workers of a Dask cluster.

A cluster is another party: it may not be there, answer nothing, lose workers and get new ones.
Every question to it ends after a while, for Dask's own client waits for ever on an address
where something else listens. Each batch is sent to one worker and to no other: left to itself,
a scheduler gives what has ended one worker to three more, faster than they are started anew.
The payload is scattered, which is ten times as fast as a plugin of the scheduler, and each
worker keeps it; whoever comes later, after a crash too, is given it before the first batch.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    InvalidStateError,
    wait,
)
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from distributed import Client
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.scheduler import KilledWorker

from eventstudy.provenance import code_digest, versions
from eventstudy.workers.batches import Batch, Function, Numbered, WorkersError, run_alone
from eventstudy.workers.parcel import Packed, aligned, opened, packed

ANSWER = 10.0
"""Seconds in which a scheduler has to answer."""
PATIENCE = 60.0
"""Seconds that a cluster may be without a worker."""
SPEED = 5e6
"""Bytes a second that a cluster takes at least, all workers together."""
GLANCE = 1.0
"""Seconds after which one looks again which workers are there."""
STARTING = ("init", "starting")
"""What is said of a worker that Dask would not start anew if it ended now."""
IN_FLIGHT = 2
"""Batches a worker: one that runs and one that waits."""

Bytes = npt.NDArray[np.uint8]
Result = TypeVar("Result")


class NotGivenError(WorkersError):
    """A worker that has no payload: it was started anew at its old address."""


class Held:
    """A payload that is opened when it is first needed.

    Parameters
    ----------
    pieces : sequence of memoryview
    """

    def __init__(self, pieces: Sequence[memoryview]) -> None:
        self.pieces = pieces

    @cached_property
    def payload(self) -> Any:
        """The payload."""
        return opened(self.pieces)


_HELD: dict[str, Held] = {}
"""Payloads that this process, a worker, has been given, by the name of the crew."""


def keep(name: str, *pieces: Bytes) -> None:
    """Keep a payload in a worker."""
    if not holds(name):
        _HELD[name] = Held([aligned(piece) for piece in pieces])


def let_go(name: str) -> None:
    """Forget a payload."""
    _HELD.pop(name, None)


def holds(name: str) -> bool:
    """Return whether a worker has a payload."""
    return name in _HELD


def standing(dask_worker: Any) -> str:
    """Return in which state a nanny is; Dask passes it under this name."""
    return str(dask_worker.status.name)


def run_supplied(name: str, function: Function, batch: Numbered) -> Batch:
    """Run a batch on a worker, with the payload it was given."""
    return run_alone(function, partial(_payload_of, name), batch)


def _payload_of(name: str) -> Any:
    if not holds(name):
        raise NotGivenError("a worker has lost what it was given")
    return _HELD[name].payload


class Coming(NamedTuple):
    """A payload on its way to a worker: `told` ends when it is there, `data` keep it alive."""

    told: Future[None]
    data: Any


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

    lost: tuple[type[Exception], ...] = (KilledWorker, CancelledError, NotGivenError)
    depth = IN_FLIGHT

    def __init__(self, client: Client, address: str, found: Packed) -> None:
        self.client = client
        self.address = address
        self.name = f"crew-{uuid.uuid4().hex}"
        self._pieces = [np.frombuffer(piece, dtype=np.uint8) for piece in found.pieces]
        self._size = sum(len(piece) for piece in self._pieces)
        self._ready: list[str] = []
        self._coming: dict[str, Coming] = {}
        self._seen = -GLANCE
        self._look()

    @property
    def workers(self) -> int:
        """How many processes there are: each runs one batch at a time, whatever its threads."""
        return max(len(self._ready) + len(self._coming), 1)

    def places(self) -> Sequence[str]:
        """Return the addresses of workers that have the payload; wait where there is none."""
        arrived = any(coming.told.done() for coming in self._coming.values())
        if arrived or time.monotonic() - self._seen > GLANCE:
            self._look()
        until = time.monotonic() + PATIENCE + self._size / SPEED
        while not self._ready:
            if not self._coming:
                self._ask(2 * PATIENCE, self.client.wait_for_workers, 1, timeout=PATIENCE)
                time.sleep(GLANCE / 4)
            wait([coming.told for coming in self._coming.values()], GLANCE, FIRST_COMPLETED)
            self._look()
            if time.monotonic() > until:
                raise _gone(self.address, TimeoutError("no worker takes the payload"))
        return self._ready

    def _look(self) -> None:
        """See who is there and has the payload, and send it to who has not."""
        present = self._ask(ANSWER, self.client.nthreads)
        self._seen = time.monotonic()
        for place, coming in list(self._coming.items()):
            if coming.told.done() or place not in present:
                del self._coming[place]
                if coming.told.done() and not _failure(coming.told):
                    self._ready.append(place)
        self._ready = [place for place in self._ready if place in present]
        fresh = [place for place in present if place not in {*self._ready, *self._coming}]
        fresh = self._settled(fresh) if fresh else []
        if fresh:
            self._supply(fresh)

    def _settled(self, fresh: list[str]) -> list[str]:
        """Leave out workers whose nanny has not seen them start.

        One that ends then is not started anew: a task that ends its workers would end all.
        """
        try:
            told = asked(
                ANSWER, self.client.run, standing, workers=fresh, nanny=True, on_error="return"
            )
        except Exception:  # there are no nannies, or they are gone with their workers
            return fresh
        return [place for place in fresh if told.get(place) not in STARTING]

    def _supply(self, fresh: Sequence[str]) -> None:
        seconds = PATIENCE + len(fresh) * self._size / SPEED
        scatter: Callable[..., Any] = self.client.scatter
        try:
            data = asked(seconds, scatter, self._pieces, workers=fresh, broadcast=True, hash=False)
        except (OSError, TimeoutError, ValueError, KeyError):
            return  # some of them have just ended: `places` looks again
        for place in fresh:
            self._coming[place] = Coming(self._sent(place, keep, self.name, *data), data)

    def submit(self, function: Function, batch: Numbered, place: str) -> Future[Batch]:
        """Send a batch to a worker."""
        return self._sent(place, run_supplied, self.name, function, batch)

    def _sent(self, place: str, function: Callable[..., Result], *given: Any) -> Future[Result]:
        submit: Callable[..., Any] = self.client.submit
        theirs = submit(function, *given, workers=[place], pure=False)
        ours: Future[Result] = Future()
        ours.add_done_callback(lambda future: future.cancelled() and theirs.cancel())
        loop: Any = self.client.loop
        loop.add_callback(_passed_on, theirs, ours)
        return ours

    def mend(self) -> None:
        """See who still has the payload: a worker may be new at an old address."""
        with suppress(Exception):  # one that ends meanwhile; `places` asks the scheduler
            found = asked(ANSWER, self.client.run, holds, self.name, on_error="return")
            self._ready = [place for place in self._ready if found.get(place) is True]
        self._look()

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
        with suppress(Exception):  # the cluster may be gone
            asked(ANSWER, self.client.run, let_go, self.name, on_error="ignore")


async def _passed_on(theirs: Any, ours: Future[Any]) -> None:
    """Give one future what comes of another.

    Dask's own executor looks at the state of a future after its result, and takes a result for
    an error where the worker ends between the two.
    """
    try:
        result = await theirs
    except BaseException as error:  # handed on to whoever asks; cancelled ones too
        with suppress(InvalidStateError):
            ours.set_exception(CancelledError() if theirs.cancelled() else error)
    else:
        with suppress(InvalidStateError):
            ours.set_result(result)


def _failure(future: Future[None]) -> bool:
    return future.cancelled() or future.exception() is not None


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
