"""Batches over workers that are made here: what is lost, what is halved, how large they are."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.backtest.sweep.pool import AIM, LARGEST_BATCH, Pace, dispatched
from eventstudy.backtest.sweep.work import Ended
from eventstudy.errors import BacktestError


class Killed(Exception):
    """Another error that a pool says means a loss."""


class MadePool:
    """Runs a batch as soon as it is sent; one with a deadly variant breaks."""

    def __init__(self, workers, deadly=frozenset(), error=BrokenProcessPool):
        self.workers, self.deadly, self.error = workers, deadly, error
        self.lost = (BrokenProcessPool, CancelledError, Killed)
        self.ran: list[int] = []
        self.crashes = self.mended = 0
        self.stopped = False

    def submit(self, errand, batch):
        future = Future()
        if self.deadly & {number for number, _ in batch}:
            self.crashes += 1
            future.set_exception(self.error("it is gone"))
        else:
            self.ran += [number for number, _ in batch]
            ended = [Ended.failed(number, "") for number, _ in batch]
            future.set_result((ended, 0.001 * len(batch)))
        return future

    def mend(self):
        self.mended += 1

    def check(self):
        raise AssertionError("nothing to wait for")

    def stop(self):
        self.stopped = True


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 120),
    st.integers(1, 4),
    st.sets(st.integers(0, 119), max_size=4),
    st.sampled_from([BrokenProcessPool, CancelledError, Killed]),
)
def test_every_variant_comes_back_once_and_the_deadly_ones_as_lost(
    count, workers, deadly, error
) -> None:
    deadly = {number for number in deadly if number < count}
    if len(deadly) == count:
        return
    pool = MadePool(workers, deadly, error)
    left = [(number, {}) for number in range(count)]
    try:
        ended = [item for batch in dispatched(pool, None, left) for item in batch]
    except BacktestError:
        # Three deadly ones in the first flight, before any other was done.
        assert not pool.ran
        assert len(deadly) >= 3
        return
    assert sorted(item.number for item in ended) == list(range(count))
    assert {item.number for item in ended if item.lost} == deadly
    assert sorted(pool.ran) == sorted(set(range(count)) - deadly)
    assert pool.mended <= pool.crashes
    # Alone, then halved until alone: at most two crashes a halving of a largest batch.
    assert pool.crashes <= len(deadly) * 22
    assert not pool.stopped


def test_an_error_of_the_code_ends_the_sweep_and_the_pool() -> None:
    class Faulty(MadePool):
        def submit(self, errand, batch):
            future = Future()
            future.set_exception(BacktestError("no such strategy"))
            return future

    pool = Faulty(2)
    with pytest.raises(BacktestError, match="no such strategy"):
        list(dispatched(pool, None, [(0, {}), (1, {})]))
    assert pool.stopped


def test_whoever_stops_listening_stops_the_pool() -> None:
    pool = MadePool(2)
    listening = dispatched(pool, None, [(n, {}) for n in range(50)])
    next(listening)
    listening.close()
    assert pool.stopped
    assert len(pool.ran) < 50


def test_batches_grow_with_what_is_learnt() -> None:
    pace = Pace(2)
    assert pace.size(10_000) == 1
    pace.learn([(0, {})], 0.01)
    assert pace.size(10_000) == AIM / 0.01
    pace.learn([(0, {})] * 10, 10 * 2.0)
    assert pace.size(10_000) == 1
    for _ in range(60):
        pace.learn([(0, {})] * 100, 100 * 1e-6)
    assert pace.size(10_000) == LARGEST_BATCH
    # What is left is shared, so that all workers end together.
    assert pace.size(80) == 10
    assert pace.size(3) == 1
