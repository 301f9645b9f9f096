"""One function on many tasks gives the same wherever it is run; errors come back as they are."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time

import made_tasks as made
import numpy as np
import pytest
from warm import FORKED, OWN, started, warm_processes  # noqa: F401

from eventstudy.errors import InputError, UnknownNameError
from eventstudy.workers import LostTaskError, WorkersError, crew
from eventstudy.workers import dispatch as dispatch_module

pytestmark = pytest.mark.usefixtures("warm_processes")

WAYS = {
    "this process": {"jobs": 1},
    "threads": {"jobs": 2, "threads": True},
    "processes": {"jobs": 2},
}
ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@ways
def test_every_result_comes_once_with_the_number_of_its_task(way) -> None:
    with crew({"base": 100}, **way) as hands:
        found = list(hands.run(made.doubled, range(7)))
        assert dict(found) == {0: 100, 1: 102, 2: 104, 3: 106, 4: 108, 5: 110, 6: 112}
        assert len(found) == 7
        # The same hands, asked again, about tasks that nobody has counted, and about none.
        again = hands.run(made.doubled, (n for n in (5, 4)), ordered=True)
        assert list(again) == [(0, 110), (1, 108)]
        assert list(hands.run(made.doubled, [])) == []


@ways
def test_in_order_a_slow_task_holds_back_the_others(way) -> None:
    with crew(0.3, **way) as hands:
        found = list(hands.run(made.uneven, range(30), ordered=True))
        assert found == [(n, n) for n in range(30)]
        if hands.workers > 1:
            as_they_come = [index for index, _ in hands.run(made.uneven, range(30))]
            assert as_they_come[0] != 0
            assert sorted(as_they_come) == list(range(30))


def test_in_order_no_more_is_taken_than_may_wait(monkeypatch) -> None:
    """Memory is bounded by what runs ahead, whatever the number of tasks."""
    monkeypatch.setattr(dispatch_module, "AHEAD", 2)
    monkeypatch.setattr("eventstudy.workers.batches.AIM", 0.0)  # batches of one
    taken = []

    def tasks():
        for n in range(200):
            taken.append(n)
            yield n

    with crew(0.5, jobs=2, threads=True) as hands:
        found = hands.run(made.uneven, tasks(), ordered=True)
        assert next(found) == (0, 0)
        # Two workers, two batches each, and one task looked at beforehand.
        assert len(taken) == 5
        assert len(list(found)) == 199


def test_who_runs_and_what_is_held() -> None:
    payload = {"array": np.arange(1e5)}
    with crew(payload, jobs=2) as hands:
        pids = {found for _, found in hands.run(made.whereabouts, range(12))}
    assert 1 <= len({pid for pid, *_ in pids}) <= 2
    assert os.getpid() not in {pid for pid, *_ in pids}
    # Of a file: a view that nobody can write to.
    assert {(own, writeable) for _, _, own, writeable in pids} == {(False, False)}
    with crew(payload, jobs=2, threads=True) as hands:
        found = {result for _, result in hands.run(made.whereabouts, range(12))}
    assert {pid for pid, *_ in found} == {os.getpid()}
    assert len({thread for _, thread, *_ in found} - {threading.get_ident()}) == 2
    with crew(payload) as hands:
        assert {result for _, result in hands.run(made.whereabouts, range(2))} == {
            (os.getpid(), threading.get_ident(), True, True)
        }


@pytest.mark.skipif(
    FORKED not in multiprocessing.get_all_start_methods(), reason="no process is forked here"
)
def test_processes_of_one_start_are_not_taken_over_by_another() -> None:
    """What loky keeps would serve whoever asks next: a test would not have what it asks for."""

    def parents():
        with crew(None, jobs=2) as hands:
            return {found for _, found in hands.run(made.parent, range(4))}

    forked = parents()
    with started(OWN):
        own = parents()
    assert own == {os.getpid()}
    assert len(forked) == 1
    assert forked == parents() != own


@ways
def test_linear_algebra_has_one_thread(way) -> None:
    with crew(None, **way) as hands:
        assert [found for _, found in hands.run(made.threads_of_algebra, [0, 1])] == [{1}, {1}]


SAID = {
    "ours": (UnknownNameError, r"'markt' \(did you mean 'market'"),
    "faults": (InputError, r"a\.csv, row 7, column date: 'x'"),
    "odd": (made.OddError, "1 and"),
    "plain": (ValueError, "no"),
    "file": (FileNotFoundError, r"there\.csv"),
    "exit": (SystemExit, "enough"),
}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("kind", SAID)
def test_an_error_of_a_task_comes_back_as_it_is(jobs, kind) -> None:
    cls, said = SAID[kind]
    with crew(None, jobs=jobs) as hands, pytest.raises(cls, match=said) as caught:
        list(hands.run(made.raising, [kind]))
    error = caught.value
    with pytest.raises(cls) as plain:
        made.raising(None, kind)
    assert type(error) is type(plain.value)
    assert str(error) == str(plain.value)
    assert error.args == plain.value.args
    own = {name: value for name, value in vars(error).items() if name != "__notes__"}
    assert repr(own) == repr(vars(plain.value))
    if jobs == 2:
        assert "in a worker:\nTraceback" in error.__notes__[0]
        assert "made_tasks.py" in error.__notes__[0]
    if kind == "ours":
        assert error.choices == ("market", "mean")
    if kind == "faults":
        assert error.faults[0].row == 7
    if kind == "file":
        assert error.filename == "there.csv"


def test_a_task_that_ends_its_process_is_told_and_the_others_run() -> None:
    with crew({3}, jobs=2) as hands:
        found = dict(
            hands.run(made.ended, range(8), tries=1, lost=lambda i, task: (i, task, "gone"))
        )
        assert found == {n: n for n in range(8)} | {3: (3, 3, "gone")}
        said = "sample 3 ended its process 2 times while nothing else ran in it"
        with pytest.raises(LostTaskError, match=said) as told:
            list(hands.run(made.ended, range(8), word="sample"))
    assert told.value.index == 3


def test_what_a_killed_process_was_doing_is_done_again(tmp_path) -> None:
    with crew(tmp_path, jobs=2) as hands:
        found = list(hands.run(made.ended_once, range(10), ordered=True))
    assert found == [(n, n) for n in range(10)]
    assert len(list(tmp_path.iterdir())) == 2  # each ended its process once


def test_progress_is_told() -> None:
    told = []
    with crew({"base": 0}, jobs=2, progress=lambda *said: told.append(said)) as hands:
        list(hands.run(made.doubled, range(5), what="doubling"))
        list(hands.run(made.doubled, range(5)))
    assert told[0] == ("doubling", 0, 5)
    assert told[-1] == ("doubling", 5, 5)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_whoever_stops_listening_stops_the_tasks() -> None:
    with crew(0.05, jobs=2) as hands:
        found = hands.run(made.pid_after, range(100_000))
        next(found)
        began = time.monotonic()
        found.close()
        assert time.monotonic() - began < 20
        assert len(list(hands.run(made.pid_after, range(3)))) == 3


@pytest.mark.parametrize("jobs", [0, -2])
def test_a_number_of_jobs_is_checked(jobs) -> None:
    with (
        pytest.raises(WorkersError, match=f"jobs {jobs}; allowed: 1 or more, or -1"),
        crew(None, jobs=jobs),
    ):
        pass
