"""Paths and skips that all tests share."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from threadpoolctl import threadpool_limits
from warm import IMPORTED

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


def pytest_collection_finish() -> None:
    # What thousands of tests are made of stays to the end: no need to look through it for rubbish.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Together, so that of the workers that share the tests one makes the cluster.
    items.sort(key=lambda item: not _clustered(item))
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


class Cluster(ExitStack):
    """A Dask scheduler with two worker processes of one thread each, made when it is first asked.

    Workers are forks of a process that has imported all, for those that tests kill come anew within
    a moment. A local cluster gives up a worker that is away some seconds after it was lost, though
    it may have been lost again in between: hence its patience.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder, self._made = folder, None

    def made(self) -> Any:
        if self._made is None:
            distributed, dask = map(pytest.importorskip, ("distributed", "dask"))
            self.enter_context(dask.config.set({
                "distributed.deploy.lost-worker-timeout": "10 minutes",
                "distributed.worker.multiprocessing-method": "forkserver",
            }))  # fmt: skip
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                distributed.utils.get_mp_context().set_forkserver_preload(list(IMPORTED))
                self._made = self.enter_context(distributed.LocalCluster(
                    n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True,
                    local_directory=str(self._folder), silence_logs=logging.CRITICAL,
                ))  # fmt: skip
        return self._made

    def close(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            super().close()
        self._made = None


@pytest.fixture(scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("dask")) as cluster:
        yield cluster


@pytest.fixture
def cluster_address(_cluster: Cluster) -> str:
    """The address of a scheduler with two workers; it starts lost ones anew."""
    made = _cluster.made()
    try:
        made.wait_for_workers(2, timeout=20)
    except TimeoutError:  # Dask does not replace a worker that is killed as it starts
        made.scale(0)
        made.scale(2)
        made.wait_for_workers(2, timeout=60)
    while any(nanny.status.name == "starting" for nanny in made.workers.values()):
        time.sleep(0.05)
    return str(made.scheduler_address)


def _clustered(item: pytest.Item | None) -> bool:
    return "_cluster" in getattr(item, "fixturenames", ())


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the cluster after the last test that asks for it: at rest it takes processor time."""
    if _clustered(item) and not _clustered(nextitem):
        item.funcargs["_cluster"].close()  # type: ignore[attr-defined]


@pytest.fixture
def script(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a function that imports a script of benchmarks/ by its name."""

    def load(name: str) -> ModuleType:
        monkeypatch.syspath_prepend(str(root / "benchmarks"))
        return importlib.import_module(name)

    return load
