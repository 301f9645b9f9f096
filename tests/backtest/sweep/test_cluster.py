"""A Dask cluster of two workers gives what one process gives, through the same call."""

from __future__ import annotations

import logging
import re
import socket
import sys
import time

import numpy as np
import pandas as pd
import pytest

from eventstudy.backtest.sweep import sweep
from eventstudy.errors import BacktestError

distributed = pytest.importorskip("distributed")
cluster = pytest.importorskip("eventstudy.workers.cluster")

OVER = {"k": [0.0, 0.01, 0.03], "hold": [2, 5, 9], "tilt": [-1.0, 0.2]}
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def address(cluster_address):
    return cluster_address


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


def test_a_variant_that_ends_its_worker_is_recorded(world, folder, address) -> None:
    """The cluster starts workers anew; the setup is there again, and the sweep goes on."""
    over = {"mode": ["fine", "kills", "raises"], "hold": [2, 5]}
    result = sweep(*world, "fragile", over, folder=folder, scheduler=address)
    fine = sweep(*world, "fragile", {"mode": ["fine"], "hold": [2, 5]}, folder=folder, jobs=1)
    by = result.table.set_index("mode")["error"]
    assert by["kills"].str.startswith("its process ended").all()
    assert by["raises"].str.contains("no idea").all()
    np.testing.assert_array_equal(result.excess, fine.excess)


def test_the_setup_is_taken_from_the_workers_afterwards(world, folder, address) -> None:
    sweep(*world, "pair", {"hold": [2]}, folder=folder, scheduler=address)
    with distributed.Client(address, set_as_default=False) as client:
        held = client.run(lambda: len(cluster._HELD))
    assert set(held.values()) == {0}


def test_an_address_without_a_scheduler_is_said(world, folder, monkeypatch) -> None:
    """Nobody there, no address, and somebody else who listens and says nothing."""
    monkeypatch.setattr(cluster, "ANSWER", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        other = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        for wrong in ("tcp://127.0.0.1:9", "nowhere", "tcp://127.0.0.1:port", other, other):
            began = time.monotonic()
            told = f"no Dask scheduler answers at '{re.escape(wrong)}'"
            with pytest.raises(BacktestError, match=told):
                sweep(*world, "pair", {"hold": [1]}, folder=folder, scheduler=wrong)
            assert time.monotonic() - began < 10


def test_a_scheduler_without_workers_is_said(world, folder, monkeypatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None, processes=False,
                                 silence_logs=logging.CRITICAL) as empty,
        pytest.raises(BacktestError, match="has no worker"),
    ):  # fmt: skip
        sweep(*world, "pair", {"hold": [1]}, folder=folder, scheduler=empty.scheduler_address)


def test_without_dask_the_extra_is_named(world, folder, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "eventstudy.workers.cluster")
    with pytest.raises(BacktestError, match=r"install eventstudy-backtester\[cluster\]"):
        sweep(*world, "pair", {"hold": [1]}, folder=folder, scheduler="tcp://127.0.0.1:9")
