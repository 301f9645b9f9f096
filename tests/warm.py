"""Worker processes that are forks of one process which has imported all.

loky's own processes import everything anew, which takes a second of the processor each; tests of
what is done in them, and of those that end, start some thirty. Tests that begin with a script or
the command line keep loky's own start.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator

import pytest

IMPORTED = (
    "pytest", "joblib.externals.loky.process_executor", "eventstudy.workers.here",
    "eventstudy.backtest.sweep.work", "eventstudy.calibration.experiment",
    "eventstudy.streaming.engine", "distributed", "distributed.nanny", "distributed.worker",
    "eventstudy.workers.cluster",
)  # fmt: skip
"""What the process has; the latter for the cluster of the tests, which forks from it too."""


@pytest.fixture(scope="module")
def warm_processes() -> Iterator[None]:
    """Let loky start its processes that way, in the tests of a module."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        yield
        return
    from joblib.externals.loky.backend import context

    multiprocessing.get_context("forkserver").set_forkserver_preload(list(IMPORTED))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "_DEFAULT_START_METHOD", "forkserver")
        yield
