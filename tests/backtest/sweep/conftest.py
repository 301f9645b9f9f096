"""A made world, and a user's folder of strategies outside the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

COUNT = 150
STRATEGIES = '''"""Strategies of a user."""

import os
import sys

import numpy as np

from eventstudy.backtest import EventStrategy


class Pair(EventStrategy):
    """Long A and short B where A has just risen by more than k, the other way round else."""

    hold: int = 5
    k: float = 0.0
    tilt: float = 0.5

    def targets(self, event, history):
        if self.tilt < 0:
            raise ValueError("the tilt is below zero")
        rise = float(history.returns_of("A")[-1])
        if abs(rise) < self.k:
            return self.skip(f"moved by {rise:.3f}")
        sign = 1.0 if rise > 0 else -1.0
        return {"A": sign * self.tilt, "B": -sign * 0.5}


class Random(EventStrategy):
    """Weights from the run's own generator."""

    hold: int = 3

    def targets(self, event, history):
        return {"A": float(self.rng.uniform(-0.5, 0.5))}


class Fragile(Pair):
    """Fails in several ways."""

    mode: str = "fine"

    def targets(self, event, history):
        if self.mode == "raises":
            raise ValueError("no idea")
        if self.mode == "wrong":
            return {"A": "much"}
        if self.mode == "quits":
            sys.exit("enough")
        if self.mode == "kills":
            os._exit(3)
        return super().targets(event, history)
'''


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A folder that is no part of the repository."""
    found = tmp_path_factory.mktemp("my-strategies")
    (found / "mine.py").write_text(STRATEGIES)
    return found


@pytest.fixture(scope="session")
def world(make_event, make_table, make_days):
    """24 events on A, B and C over 150 sessions of random walks; C pays a dividend."""
    rng = np.random.default_rng(11)
    days = make_days(COUNT)
    names = ("A", "B", "C", "SPY")
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (COUNT, 4)), axis=0))
    opens = close * np.exp(rng.normal(0, 0.006, close.shape))
    prices = {n: {"open": opens[:, i], "close": close[:, i]} for i, n in enumerate(names)}
    table = make_table(days, prices, {"C": {str(days[40]): 1.0}, "B": {str(days[70]): 0.5}})
    rows = np.sort(rng.choice(np.arange(10, COUNT - 20), 24, replace=False))
    events = [
        make_event(f"e{i}", str(days[row]), tickers=("A", "B", "C"), row=i + 2)
        for i, row in enumerate(rows)
    ]
    return events, table
