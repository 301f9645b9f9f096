"""Batches over workers that are made here: what is lost, what is halved, how large they are."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.workers import LostTaskError, WorkersError
from eventstudy.workers import dispatch as dispatch_module
from eventstudy.workers.batches import AIM, LARGEST_BATCH, Pace
from eventstudy.workers.dispatch import Terms, dispatched

NOTED = Terms(tries=1, lost=lambda index, task: "lost")


class Killed(Exception):
    """Another error that a pool says means a loss."""


class MadePool:
    """Runs a batch as soon as it is sent; one with a deadly task breaks."""

    depth = 4

    def __init__(self, workers, deadly=frozenset(), error=BrokenProcessPool):
        self.workers, self.deadly, self.error = workers, deadly, error
        self.lost = (BrokenProcessPool, CancelledError, Killed)
        self.ran: list[int] = []
        self.crashes = self.mended = 0
        self.stopped = False

    def places(self):
        return ("here",)

    def submit(self, function, batch, place):
        future = Future()
        if self.deadly & {number for number, _ in batch}:
            self.crashes += 1
            future.set_exception(self.error("it is gone"))
        else:
            self.ran += [number for number, _ in batch]
            future.set_result(([(n, function(None, task)) for n, task in batch], 1e-3 * len(batch)))
        return future

    def mend(self):
        self.mended += 1

    def stop(self):
        self.stopped = True


def squared(payload, task):
    return task**2


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 120),
    st.integers(1, 4),
    st.sets(st.integers(0, 119), max_size=4),
    st.sampled_from([BrokenProcessPool, CancelledError, Killed]),
    st.booleans(),
)
def test_every_task_comes_back_once_and_the_deadly_ones_as_lost(
    count, workers, deadly, error, ordered
) -> None:
    deadly = {number for number in deadly if number < count}
    if len(deadly) == count:
        return
    pool = MadePool(workers, deadly, error)
    terms = Terms(tries=1, lost=lambda index, task: "lost", ordered=ordered)
    try:
        found = [item for batch in dispatched(pool, squared, range(count), terms) for item in batch]
    except WorkersError:
        # Three deadly ones in the first flight, before any other was done.
        assert not pool.ran
        assert len(deadly) >= 3
        return
    if ordered:
        assert [index for index, _ in found] == list(range(count))
    assert sorted(index for index, _ in found) == list(range(count))
    for index, result in found:
        assert result == ("lost" if index in deadly else index**2)
    assert sorted(pool.ran) == sorted(set(range(count)) - deadly)
    assert pool.mended <= pool.crashes
    # Alone, then halved until alone: at most two crashes a halving of a largest batch.
    assert pool.crashes <= len(deadly) * 22
    assert not pool.stopped


def test_tasks_that_all_end_their_process_are_an_error() -> None:
    pool = MadePool(2, {0, 1, 2})
    said = "3 processes ended before any variant was done: it is gone"
    with pytest.raises(WorkersError, match=said):
        list(dispatched(pool, squared, range(3), Terms("variant", 1, NOTED.lost)))
    with pytest.raises(LostTaskError, match="task 1 ended its process 2 times"):
        list(dispatched(MadePool(2, {1}), squared, range(9), Terms()))


class MadeCluster:
    """Places that end by themselves: a batch with a deadly task takes its place with it."""

    depth = 2
    lost = (CancelledError,)

    def __init__(self, deadly, places=3):
        self.workers, self.deadly, self.count = places, deadly, places
        self.present = [f"w{n}" for n in range(places)]
        self.sent: list[tuple[str, list[int]]] = []
        self.flying: list[tuple[Future, str, list]] = []
        self.together: list[set[int]] = []

    def places(self):
        # What was sent runs when somebody looks: first come, first served in each place.
        for place in list(self.present):
            here = [item for item in self.flying if item[1] == place]
            if not here:
                continue
            future, _, batch = here[0]
            self.flying.remove(here[0])
            if self.deadly & {number for number, _ in batch}:
                self.together.append({n for _, _, own in here for n, _ in own})
                self.present.remove(place)
                self.present.append(f"w{self.count}")
                self.count += 1
                self.flying = [item for item in self.flying if item[1] != place]
            else:
                future.set_result(([(n, task) for n, task in batch], 10.0))
        return tuple(self.present)

    def submit(self, function, batch, place):
        assert place in self.present
        assert sum(1 for _, own, _ in self.flying if own == place) < self.depth
        future = Future()
        self.sent.append((place, [number for number, _ in batch]))
        self.flying.append((future, place, batch))
        return future

    def mend(self):
        pass

    def stop(self):
        pass


def test_on_a_cluster_only_the_place_of_a_loss_is_in_doubt(monkeypatch) -> None:
    monkeypatch.setattr(dispatch_module, "GLANCE", 0.01)
    pool = MadeCluster({5, 11})
    found = [item for batch in dispatched(pool, squared, range(30), NOTED) for item in batch]
    assert sorted(found) == sorted((n, "lost" if n in (5, 11) else n) for n in range(30))
    # Each was tried twice, the second time with nothing beside it in its place.
    for deadly in (5, 11):
        tried = [together for together in pool.together if deadly in together]
        assert len(tried) == 2
        assert tried[1] == {deadly}
    # Nothing but the two and who waited behind them was sent twice.
    again = [n for n in range(30) if sum(n in sent for _, sent in pool.sent) > 1]
    assert {5, 11} <= set(again)
    assert len(again) <= 4


def test_an_error_of_the_code_ends_the_run_and_the_pool() -> None:
    class Faulty(MadePool):
        def submit(self, function, batch, place):
            future = Future()
            future.set_exception(ModuleNotFoundError("no such module"))
            return future

    pool = Faulty(2)
    with pytest.raises(ModuleNotFoundError, match="no such module"):
        list(dispatched(pool, squared, range(2), Terms()))
    assert pool.stopped


def test_whoever_stops_listening_stops_the_pool() -> None:
    pool = MadePool(2)
    listening = dispatched(pool, squared, range(50), Terms())
    next(listening)
    listening.close()
    assert pool.stopped
    assert len(pool.ran) < 50


def test_batches_grow_with_what_is_learnt() -> None:
    pace = Pace(2)
    assert pace.size(10_000) == pace.size(None) == 1
    pace.learn(1, 0.01)
    assert pace.size(10_000) == AIM / 0.01
    pace.learn(10, 10 * 2.0)
    assert pace.size(10_000) == 1
    for _ in range(60):
        pace.learn(100, 100 * 1e-6)
    assert pace.size(10_000) == pace.size(None) == LARGEST_BATCH
    # What is left is shared, so that all workers end together.
    assert pace.size(80) == 10
    assert pace.size(3) == 1
