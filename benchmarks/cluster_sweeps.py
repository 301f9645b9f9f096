"""A Dask cluster of two workers gives what one process gives, through the same call.

Slow, and a client in the process of the suite waits now and then for a scheduler that is not
there: it stands apart from the suite. Run it from tests/backtest/sweep, whose fixtures it uses:

    cp benchmarks/cluster_sweeps.py tests/backtest/sweep/test_cluster.py
    python -m pytest -n 0 tests/backtest/sweep/test_cluster.py
"""

from __future__ import annotations

import logging
import re
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from eventstudy.backtest.sweep import pool, sweep
from eventstudy.errors import BacktestError

distributed = pytest.importorskip("distributed")

OVER = {"k": [0.0, 0.01, 0.03], "hold": [2, 5, 9], "gross": [-1.0, 0.2]}
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A scheduler with two worker processes of one thread each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True,
            local_directory=str(tmp_path_factory.mktemp("dask")), silence_logs=logging.CRITICAL,
        )  # fmt: skip
        with cluster:
            yield cluster.scheduler_address


@pytest.fixture(scope="module")
def alone(world, folder):
    return sweep(*world, "pair", OVER, folder=folder, jobs=1)


def test_a_cluster_gives_exactly_what_one_process_gives(world, folder, address, alone) -> None:
    """With a strategy of a user's folder that the workers do not have."""
    result = sweep(*world, "pair", OVER, folder=folder, scheduler=address)
    pd.testing.assert_frame_equal(result.table, alone.table, check_exact=True)
    for name in ("excess", "earned", "closed"):
        np.testing.assert_array_equal(getattr(result, name), getattr(alone, name))
    assert len(result.failed) == 9


def test_a_sweep_begun_on_a_cluster_is_ended_here(world, folder, address, alone, tmp_path) -> None:
    class Stop(Exception):
        pass

    def progress(what, done, total):
        if done >= 4:
            raise Stop

    with pytest.raises(Stop):
        sweep(*world, "pair", OVER, folder=folder, scheduler=address, resume=tmp_path,
              progress=progress)  # fmt: skip
    result = sweep(*world, "pair", OVER, folder=folder, jobs=1, resume=tmp_path)
    assert 4 <= result.found < 18
    pd.testing.assert_frame_equal(result.table, alone.table, check_exact=True)


def test_an_address_without_a_scheduler_is_said(world, folder, monkeypatch) -> None:
    monkeypatch.setattr(pool, "ANSWER", 1.0)
    for wrong in ("tcp://127.0.0.1:9", "nowhere", "tcp://127.0.0.1:port"):
        with pytest.raises(
            BacktestError, match=f"no Dask scheduler answers at '{re.escape(wrong)}'"
        ):
            sweep(*world, "pair", {"hold": [1]}, folder=folder, scheduler=wrong)


def test_a_scheduler_without_workers_is_said(world, folder, monkeypatch) -> None:
    monkeypatch.setattr(pool, "PATIENCE", 0.5)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None, processes=False,
                                 silence_logs=logging.CRITICAL) as empty,
        pytest.raises(BacktestError, match="has no worker"),
    ):  # fmt: skip
        sweep(*world, "pair", {"hold": [1]}, folder=folder, scheduler=empty.scheduler_address)


def test_workers_with_other_versions_are_refused() -> None:
    own = pool.versions()
    here = {**own, "numpy": "1.0"}

    class Client:
        def run(self, function):
            return {"tcp://a:1": own, "tcp://b:2": here}

    with pytest.raises(BacktestError, match=f"numpy 1.0 at tcp://b:2, {own['numpy']} here"):
        pool.check_versions(Client())
    Client.run = lambda self, function: {"tcp://a:1": own}
    pool.check_versions(Client())


def test_without_dask_the_extra_is_named(world, folder, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BacktestError, match=r"install eventstudy-backtester\[cluster\]"):
        sweep(*world, "pair", {"hold": [1]}, folder=folder, scheduler="tcp://127.0.0.1:9")
