"""Worker processes that are forks of one process which has imported all.

loky's own processes import everything anew, which takes a second of the processor each; tests of
what is done in them, and of those that end, start some thirty. Tests that begin with a script or
the command line keep loky's own start, and one of a sweep compares what both give.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

OWN = "loky"
FORKED = "forkserver"
IMPORTED = (
    "pytest", "joblib.externals.loky.process_executor", "eventstudy.workers.here",
    "eventstudy.backtest.sweep.work", "eventstudy.calibration.experiment",
    "eventstudy.streaming.engine", "distributed", "distributed.nanny", "distributed.worker",
    "eventstudy.workers.cluster",
)  # fmt: skip
"""What the process has; the latter for the cluster of the tests, which forks from it too."""


@contextmanager
def started(method: str) -> Iterator[None]:
    """Let loky start its processes by a method.

    It keeps processes for whoever asks next, however they were started: those that were there
    before end here, and so do those that were started here.
    """
    from joblib.externals.loky.backend import context

    _end_kept()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "_DEFAULT_START_METHOD", method)
        try:
            yield
        finally:
            _end_kept()


def _end_kept() -> None:
    from joblib.externals.loky import reusable_executor

    if reusable_executor._executor is not None:
        reusable_executor._executor.shutdown(wait=True, kill_workers=True)


@pytest.fixture(scope="module")
def warm_processes() -> Iterator[None]:
    """Let loky fork its processes from the warm one, in the tests of a module."""
    if FORKED not in multiprocessing.get_all_start_methods():
        yield
        return
    multiprocessing.get_context(FORKED).set_forkserver_preload(list(IMPORTED))
    with started(FORKED):
        yield
