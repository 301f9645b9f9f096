"""Paths and skips that all tests share."""

from __future__ import annotations

import importlib
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

# Workers of pytest-xdist inherit what readline tells of a terminal; tests write to none.
os.environ.pop("COLUMNS", None)
# A test asks what the program does now, not what a run before it has found.
os.environ["EVENTSTUDY_FRESH"] = "1"
# One thread a matrix product, as the command line has it. Several wait for each other at every
# product, and where two workers of pytest share two processors that takes most of the time.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_name, "1")
threadpool_limits(1, user_api="blas")  # what pytest's plugins have loaded by now

ROOT = Path(__file__).resolve().parents[1]
VENDOR = ROOT.parent / "shared" / "prices"
ORACLES = Path(__file__).resolve().parent / "oracles"

IMPORTED = (
    "distributed", "distributed.nanny", "distributed.worker", "eventstudy.workers.cluster",
    "eventstudy.streaming.engine", "eventstudy.backtest.sweep.work",
    "eventstudy.calibration.experiment",
)  # fmt: skip
"""What workers of the cluster have from the start."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Together, so that of the workers that share the tests one makes the cluster.
    items.sort(key=lambda item: "_cluster" not in getattr(item, "fixturenames", ()))
    if VENDOR.is_dir():
        return
    skip = pytest.mark.skip(reason="the folder of real vendor quotes, ../shared/prices, is missing")
    for item in items:
        if "vendor" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def vendor() -> Path:
    return VENDOR


@pytest.fixture(scope="session")
def oracles() -> Path:
    return ORACLES


@pytest.fixture(scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    # A local cluster gives up a worker that is away some seconds after it was lost, though it
    # may have been lost again in between. Workers are forks of a process that has imported all,
    # for those that tests kill come anew within a moment.
    patient = dask.config.set({
        "distributed.deploy.lost-worker-timeout": "10 minutes",
        "distributed.worker.multiprocessing-method": "forkserver",
    })  # fmt: skip
    with patient, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        distributed.utils.get_mp_context().set_forkserver_preload(list(IMPORTED))
        made = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True,
            local_directory=str(tmp_path_factory.mktemp("dask")), silence_logs=logging.CRITICAL,
        )  # fmt: skip
        with made:
            yield made


@pytest.fixture
def cluster_address(_cluster: Any) -> str:
    """A Dask scheduler with two worker processes of one thread each; it starts lost ones anew."""
    try:
        _cluster.wait_for_workers(2, timeout=20)
    except TimeoutError:  # Dask does not replace a worker that is killed as it starts
        _cluster.scale(0)
        _cluster.scale(2)
        _cluster.wait_for_workers(2, timeout=60)
    while any(nanny.status.name == "starting" for nanny in _cluster.workers.values()):
        time.sleep(0.05)
    return str(_cluster.scheduler_address)


@pytest.fixture
def script(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a function that imports a script of benchmarks/ by its name."""

    def load(name: str) -> ModuleType:
        monkeypatch.syspath_prepend(str(root / "benchmarks"))
        return importlib.import_module(name)

    return load
