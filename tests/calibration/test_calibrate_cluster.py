"""calibrate over a Dask cluster: the local run's numbers, also where a worker is killed."""

from __future__ import annotations

import os
import signal

import pandas as pd
import pytest

import eventstudy as es
from eventstudy.calibration import CalibrationResult, Design, calibrate, experiment
from eventstudy.cli import main
from eventstudy.workers import WorkersError

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("default")

TESTS = ("bmp", "patell", "kolari_pynnonen", "cluster_bootstrap")


@pytest.fixture
def run(iid: es.PriceTable, monkeypatch: pytest.MonkeyPatch):
    def run(**more) -> CalibrationResult:
        designs = [Design("a", 12), Design("b", 8, "one-date")]
        return calibrate(
            iid, window=[(0, 0), (-1, 2)], estimation=120, min_estimation=100, designs=designs,
            tests=TESTS, effects=[0.01], samples=80, resampling_samples=20, seed=4, **more,
        )  # fmt: skip

    monkeypatch.setattr(experiment, "BATCH", 5)
    return run


@pytest.fixture
def pids(cluster_address: str) -> list[int]:
    with distributed.Client(cluster_address, set_as_default=False) as client:
        return sorted(client.run(os.getpid).values())


def same(one: CalibrationResult, other: CalibrationResult) -> None:
    pd.testing.assert_frame_equal(one.rates, other.rates, check_exact=True)
    assert one.config == other.config


def test_two_workers_give_what_one_process_gives_though_one_is_killed(
    run, cluster_address: str, pids: list[int]
) -> None:
    alone = run(jobs=1)
    told = []

    def progress(what: str, done: int, total: int) -> None:
        told.append((what, done, total))
        if what == "drawing samples" and done >= 30 and len(pids) == 2:
            os.kill(pids.pop(), signal.SIGKILL)

    same(run(cluster=cluster_address, progress=progress), alone)
    assert len(pids) == 1
    with distributed.Client(cluster_address, set_as_default=False) as client:
        left = set(client.run(os.getpid).values())
    assert pids[0] in left  # the other one is another process by now, or not yet there again
    assert told[-1] == ("drawing samples", 160, 160)
    assert (f"asking the Dask scheduler at {cluster_address}", 0, 160) in told
    assert alone.rates["samples"].max() == 80


def test_the_command_asks_the_cluster_and_a_wrong_address_exits_with_2(
    cluster_address: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [
        "calibrate", "--prices", "sample", "--samples", "20", "--window", "0,0", "--estimation",
        "100", "--effects", "0", "--test", "bmp", "--json",
    ]  # fmt: skip
    assert main([*given, "--jobs", "1"]) == 0
    alone = capsys.readouterr().out
    assert main([*given, "--cluster", cluster_address]) == 0
    assert capsys.readouterr().out == alone
    monkeypatch.setattr("eventstudy.workers.cluster.ANSWER", 1.0)
    assert main([*given, "--cluster", "nowhere:x"]) == 2
    found = capsys.readouterr()
    assert "no Dask scheduler answers at 'nowhere:x'" in found.err
    assert "Traceback" not in found.err


def test_an_address_without_a_scheduler_is_said(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventstudy.workers.cluster.ANSWER", 1.0)
    with pytest.raises(WorkersError, match="no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        run(cluster="tcp://127.0.0.1:9")
