"""A Dask cluster of two worker processes: the same results, and workers may be killed."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import sys
import time
from contextlib import contextmanager

import made_tasks as made
import numpy as np
import pytest

from eventstudy.errors import UnknownNameError
from eventstudy.workers import LostTaskError, WorkersError, crew

distributed = pytest.importorskip("distributed")
cluster = pytest.importorskip("eventstudy.workers.cluster")
pytestmark = pytest.mark.filterwarnings("default")


def asked_of_workers(address, function):
    with distributed.Client(address, set_as_default=False) as client:
        return client.run(function)


def test_results_in_order_and_as_they_come(cluster_address) -> None:
    payload = {"array": np.random.default_rng(1).normal(size=(900, 40))}
    tasks = [(begin, begin + 9) for begin in range(0, 900, 9)]
    with crew(payload, cluster=cluster_address) as hands:
        assert hands.workers == 2
        ordered = list(hands.run(made.total, tasks, ordered=True))
        any_order = list(hands.run(made.total, tasks))
    alone = [(n, made.total(payload, task)) for n, task in enumerate(tasks)]
    assert ordered == sorted(any_order) == alone


def test_a_payload_is_held_once_a_worker_and_taken_back(cluster_address) -> None:
    payload = {"array": np.random.default_rng(2).normal(size=100_000)}
    with crew(payload, cluster=cluster_address) as hands:
        found = dict(hands.run(made.total, [(0, 100_000)]))
        where = {result for _, result in hands.run(made.whereabouts, range(20))}
        assert set(asked_of_workers(cluster_address, lambda: len(cluster._HELD)).values()) == {1}
    assert found == {0: payload["array"].sum()}
    assert {(own, writeable) for _, _, own, writeable in where} == {(False, False)}
    assert set(asked_of_workers(cluster_address, lambda: len(cluster._HELD)).values()) == {0}


def test_a_worker_that_has_lost_the_payload_is_given_it_again(cluster_address) -> None:
    """As one does that is started anew at its old address."""
    with crew({"base": 1}, cluster=cluster_address) as hands:
        assert dict(hands.run(made.doubled, [5])) == {0: 11}
        asked_of_workers(cluster_address, lambda: cluster._HELD.clear())
        assert dict(hands.run(made.doubled, range(9))) == {n: 1 + 2 * n for n in range(9)}


def test_linear_algebra_has_one_thread_there_too(cluster_address) -> None:
    with crew(None, cluster=cluster_address) as hands:
        assert dict(hands.run(made.threads_of_algebra, [0])) == {0: {1}}


@pytest.mark.parametrize("kind", ["ours", "odd", "file"])
def test_an_error_of_a_task_comes_back_as_it_is(cluster_address, kind) -> None:
    errors = {"ours": UnknownNameError, "odd": made.OddError, "file": FileNotFoundError}
    with pytest.raises(errors[kind]) as plain:
        made.raising(None, kind)
    said = re.escape(str(plain.value))
    with crew(None, cluster=cluster_address) as hands, pytest.raises(errors[kind], match=said):
        list(hands.run(made.raising, [kind]))


def test_a_task_that_ends_its_worker_is_told_and_the_others_run(cluster_address) -> None:
    with crew({3}, cluster=cluster_address) as hands:
        found = dict(hands.run(made.ended, range(8), tries=1, lost=lambda *_: "gone"))
        assert found == {n: n for n in range(8)} | {3: "gone"}
        with pytest.raises(LostTaskError, match="task 3 ended its process 2 times"):
            list(hands.run(made.ended, range(8)))


def test_a_worker_killed_from_outside_is_done_without(cluster_address) -> None:
    """SIGKILL to one of two workers while both are at work: nothing is lost, nothing twice."""
    victim = next(iter(asked_of_workers(cluster_address, os.getpid).values()))
    found = {}
    with crew(0.1, cluster=cluster_address) as hands:
        for index, pid in hands.run(made.pid_after, range(60)):
            if pid == victim and victim not in found.values():
                os.kill(victim, signal.SIGKILL)
            found[index] = pid
    assert sorted(found) == list(range(60))
    assert victim in found.values()
    with pytest.raises(ProcessLookupError):
        os.kill(victim, 0)


@contextmanager
def small_cluster(**more):
    with distributed.LocalCluster(
        dashboard_address=None, processes=False, silence_logs=logging.CRITICAL, **more
    ) as made_here:
        yield made_here


def test_a_worker_that_comes_later_has_the_payload_and_takes_part() -> None:
    with (
        small_cluster(n_workers=1, threads_per_worker=3) as made_here,
        crew({"base": 1}, cluster=made_here.scheduler_address) as hands,
    ):
        first = next(iter(made_here.scheduler.workers))
        assert dict(hands.run(made.doubled, [5])) == {0: 11}
        made_here.scale(2)
        made_here.sync(made_here._correct_state)
        made_here.sync(made_here.scheduler.retire_workers, workers=[first])
        assert first not in made_here.scheduler.workers
        assert dict(hands.run(made.doubled, range(50))) == {n: 1 + 2 * n for n in range(50)}


def test_an_address_without_a_scheduler_is_said(monkeypatch) -> None:
    """Nobody there, no address, and somebody else who listens and says nothing."""
    monkeypatch.setattr(cluster, "ANSWER", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        other = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        for wrong in ("tcp://127.0.0.1:9", "nowhere", "tcp://127.0.0.1:port", other, other):
            began = time.monotonic()
            told = f"no Dask scheduler answers at '{re.escape(wrong)}'"
            with pytest.raises(WorkersError, match=told), crew(None, cluster=wrong):
                pass
            assert time.monotonic() - began < 10


def test_a_scheduler_without_workers_is_said(monkeypatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with (
        small_cluster(n_workers=0) as empty,
        pytest.raises(WorkersError, match="has no worker"),
        crew(None, cluster=empty.scheduler_address),
    ):
        pass


def test_a_cluster_that_goes_away_is_said(monkeypatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    monkeypatch.setattr(cluster, "ANSWER", 1.0)
    with (
        small_cluster(n_workers=1, threads_per_worker=1) as leaving,
        crew(0.05, cluster=leaving.scheduler_address) as hands,
    ):
        found = hands.run(made.pid_after, range(10_000))
        next(found)
        leaving.close()
        with pytest.raises(WorkersError, match="has no worker, or is gone"):
            list(found)


def test_other_versions_and_other_code_are_refused() -> None:
    own = cluster.installed()
    others = {"tcp://a:1": own, "tcp://b:2": {**own, "numpy": "1.0"}}

    class Client:
        def run(self, function):
            return others

        def run_on_scheduler(self, function):
            return {**own, "code of eventstudy": "another"}

    with pytest.raises(WorkersError) as told:
        cluster.check_versions(Client())
    assert f"numpy 1.0 at tcp://b:2, {own['numpy']} here" in str(told.value)
    assert "code of eventstudy another at the scheduler" in str(told.value)
    assert "tcp://a:1" not in str(told.value)
    others.pop("tcp://b:2")
    Client.run_on_scheduler = lambda self, function: own
    cluster.check_versions(Client())


def test_without_dask_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "eventstudy.workers.cluster")
    said = r"install eventstudy-backtester\[cluster\]"
    with pytest.raises(WorkersError, match=said), crew(None, cluster="tcp://127.0.0.1:9"):
        pass
