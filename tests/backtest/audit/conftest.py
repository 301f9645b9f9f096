"""A world by hand for audits: four events on forty sessions of a random walk."""

from pathlib import Path

import numpy as np
import pytest

from eventstudy.backtest import load_strategies

PEEKING = Path(__file__).parent / "peeking"
ROWS = {"first": 5, "second": 12, "third": 20, "fourth": 30}
SIGNS = {"first": 1, "second": 1, "third": -1, "fourth": -1}
COUNT = 40


@pytest.fixture(scope="session")
def walk(make_event, make_table, make_days):
    """Events and prices; A and B move by 2% a session, all four events are dated long before."""
    rng = np.random.default_rng(11)
    days = make_days(COUNT)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (COUNT, 3)), axis=0))
    opened = close * np.exp(rng.normal(0, 0.005, (COUNT, 3)))
    names = ("A", "B", "SPY")
    prices = {n: {"close": close[:, i], "open": opened[:, i]} for i, n in enumerate(names)}
    table = make_table(days, prices, {"A": {str(days[15]): 0.5}})
    events = [
        make_event(
            name, str(days[row]), expects={"A": SIGNS[name]}, known_on=str(days[row - 4]), row=row
        )
        for name, row in ROWS.items()
    ]
    return events, table


@pytest.fixture(scope="session")
def peeking():
    return PEEKING


@pytest.fixture(scope="session")
def strategies():
    return load_strategies(PEEKING)


@pytest.fixture(scope="session")
def rows():
    """Session 0 of each event."""
    return ROWS
