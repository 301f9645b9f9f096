"""event_study over two workers of a Dask cluster: the numbers of one process, bit by bit."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.streaming import engine, parts
from eventstudy.study.large import each

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def market() -> tuple[es.EventCalendar, es.PriceTable]:
    """Return 400 events of 30 securities on 700 sessions."""
    rng = np.random.default_rng(3)
    days = pd.DatetimeIndex(es.load_prices({"SPY"}, source="sample").dates)
    days = pd.bdate_range(end=days[-1], periods=700)
    names = ["SPY", *(f"T{k:02d}" for k in range(30))]
    moves = rng.normal(0, 0.01, (700, 1)) + rng.normal(0, 0.02, (700, len(names)))
    prices = es.load_prices(pd.DataFrame(100 * np.exp(moves.cumsum(0)), index=days, columns=names))
    events = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(400)],
            "date": rng.choice(days[300:680].strftime("%Y-%m-%d"), 400),
            "session": "pre",
            "tickers": rng.choice(names[1:], 400),
            "kind": rng.choice(["earnings", "talk"], 400),
        }
    )
    return es.read_events(events, calendar="prices", prices=prices), prices


@pytest.fixture(scope="module", autouse=True)
def small_parts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        for place in (engine, each):
            monkeypatch.setattr(place, "split", lambda c, p, reach: parts.split(c, p, reach, 25))
        yield


def studied(market, folder: Path, **more) -> es.LargeStudy:
    return es.event_study(*market, window=[(-2, 2), (0, 1)], engine="streamed", out=folder, **more)


@pytest.fixture(scope="module")
def alone(market, small_parts, tmp_path_factory: pytest.TempPathFactory) -> es.LargeStudy:
    return studied(market, tmp_path_factory.mktemp("alone"))


def test_a_cluster_gives_the_numbers_of_one_process(
    market, alone, tmp_path, cluster_address
) -> None:
    there = studied(market, tmp_path / "there", cluster=cluster_address)
    pd.testing.assert_frame_equal(there.group_tests, alone.group_tests, check_exact=True)
    pd.testing.assert_frame_equal(there.effects, alone.effects, check_exact=True)
    assert there.read("cars").equals(alone.read("cars"))
    assert alone.observed == 400


def test_a_killed_worker_changes_nothing(market, alone, tmp_path, cluster_address) -> None:
    with distributed.Client(cluster_address, set_as_default=False) as client:
        victim = next(iter(client.run(os.getpid).values()))
    killed = []

    def kill(what: str, done: int, total: int) -> None:
        if "fitting" in what and done and not killed:
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    there = studied(market, tmp_path / "there", cluster=cluster_address, progress=kill)
    assert killed
    pd.testing.assert_frame_equal(there.group_tests, alone.group_tests, check_exact=True)
    assert there.read("cars").equals(alone.read("cars"))
