"""Functions that workers run in these tests."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np

from eventstudy.errors import Fault, InputError, UnknownNameError


def doubled(payload, task):
    """Return the payload's figure plus twice the task."""
    return payload["base"] + 2 * task


def whereabouts(payload, task):
    """Return process, thread, and whether the payload's array is a view that cannot be changed."""
    array = payload["array"]
    time.sleep(0.05)
    return os.getpid(), threading.get_ident(), array.flags.owndata, array.flags.writeable


def parent(payload, task):
    """Return the number of the process that started this one."""
    return os.getppid()


def total(payload, task):
    """Return a sum over rows of the payload's array."""
    begin, end = task
    return payload["array"][begin:end].sum()


def uneven(payload, task):
    """Let the first task end last."""
    time.sleep(payload if task == 0 else 0.01)
    return task


def ended(payload, task):
    """End the process at some tasks, the way a killer of processes does it."""
    if task in payload:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def ended_once(payload, task):
    """End the process where a task is run for the first time."""
    path = payload / str(task)
    if task % 5 == 2 and not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task


class OddError(Exception):
    """An error that pickle cannot make again."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")
        self.two = two


def raising(payload, task):
    """Raise errors of several kinds."""
    errors = {
        "ours": UnknownNameError("model", "markt", ["market", "mean"]),
        "faults": InputError([Fault("a.csv", "is not a date", 7, "date", "x")]),
        "odd": OddError(1, {"b": 2}),
        "plain": ValueError("no", 3),
        "file": FileNotFoundError(2, "No such file", "there.csv"),
        "exit": SystemExit("enough"),
    }
    raise errors[task]


def threads_of_algebra(payload, task):
    """Return how many threads linear algebra has."""
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


def pid_after(payload, task):
    """Return the process's number after a while."""
    time.sleep(payload)
    return os.getpid()
