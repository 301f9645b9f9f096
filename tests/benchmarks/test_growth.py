"""Growth of the study: points in processes of their own, slopes, table and figure."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def growth(script):
    return script("growth")


def walk_of(growth, seconds: dict[int, float]) -> dict[int, object]:
    return {v: growth.Grown(s, 2 * s, 200 + 10 * s, 200.0) for v, s in seconds.items()}


def test_slopes_are_exponents(growth) -> None:
    found = walk_of(growth, {10: 1.0, 100: 100.0, 1000: 10_000.0})
    assert growth.slope(found, "wall") == pytest.approx(2.0)
    assert growth.slope(found, "added") == pytest.approx(2.0)
    assert np.isnan(growth.slope({10: found[10], 100: "failed"}, "wall"))


def test_a_point_is_measured_in_its_own_process(growth, script) -> None:
    (engine,) = list(script("ours").STUDIES)[:1]
    point = growth.Point(events=30, tickers=10, sessions=500)
    found = growth.apart(engine, point, 1)
    assert isinstance(found, growth.Grown), found
    assert 0 < found.wall < 60
    assert 50 < found.before <= found.peak < 2_000


def test_a_point_that_fails_is_told(growth, script) -> None:
    (engine,) = list(script("ours").STUDIES)[:1]
    found = growth.apart(engine, growth.Point(events=30, tickers=1, sessions=280), 1)
    assert found == "ValueError: 30 events: 1 tickers have 10 sessions 0 each"


def test_a_walk_stops_before_a_point_that_takes_too_long(growth, monkeypatch) -> None:
    asked = []

    def apart(engine: str, point, repeats: int):
        asked.append(point.events)
        return growth.Grown(point.events / 1_000, 0.0, 1.0, 0.0)

    monkeypatch.setattr(growth, "apart", apart)
    growth.walk("any", "events", growth.Point(), 1, limit=12.0, most=1_000_000)
    assert asked == [1_000, 3_000, 10_000]
    asked.clear()
    growth.walk("any", "events", growth.Point(), 1, limit=1e9, most=5_000)
    assert asked == [1_000, 3_000]


def test_table_and_figure_show_every_point(growth, script) -> None:
    walks = {
        ("one", "events"): walk_of(growth, {1_000: 1.0, 10_000: 10.0}),
        ("two", "events"): walk_of(growth, {1_000: 0.1}) | {10_000: "MemoryError"},
        ("one", "tickers"): walk_of(growth, {100: 1.0, 300: 1.0}),
    }
    lines = growth.table_of(walks).splitlines()
    assert "| one | events 10,000 | 10 | 20 | 300 | 100 |" in lines
    assert (
        "| one | **slope in events** | 1.00, 1.00 | 1.00, 1.00 | 0.15, 0.15 | 1.00, 1.00 |" in lines
    )
    assert "| two | events 10,000 | MemoryError |  |  |  |" in lines
    assert "| two | **slope in events** | -, - | -, - | -, - | -, - |" in lines
    spec = script("growth_figure").figure_of(walks).spec
    assert len(spec["data"]) == 8  # two engines, two axes, seconds and memory
    assert spec["data"][0]["x"] == [1_000, 10_000]
    assert spec["data"][0]["y"] == [2.0, 20.0]
    assert spec["data"][1]["x"] == [1_000]
    assert spec["layout"]["yaxis"]["tickvals"] == [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    assert [spec["layout"][f"xaxis{k}"]["title"]["text"] for k in (2, 4)] == ["events", "tickers"]
