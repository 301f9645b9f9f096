"""Made worlds: independent normal returns, so that the size of a test is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.calibration.world import World, fit_world
from eventstudy.models import find_model
from eventstudy.study.config import StudyConfig
from eventstudy.windows import make_frame

SIGMA = 0.02
SECURITIES = tuple(f"S{i:02d}" for i in range(20))
WINDOWS = ((0, 0), (-1, 2))


def made_prices(seed: int = 5, sessions: int = 500, common: float = 0.0) -> es.PriceTable:
    """Return prices of 20 securities and SPY; `common` is the weight of a hidden factor."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0003, 0.01, sessions)
    hidden = rng.normal(0.0, SIGMA, sessions)
    own = rng.normal(0.0, SIGMA, (sessions, len(SECURITIES)))
    betas = rng.uniform(0.5, 1.5, len(SECURITIES))
    returns = (
        market[:, None] * betas + np.sqrt(1.0 - common) * own + np.sqrt(common) * hidden[:, None]
    )
    days = pd.bdate_range("2018-01-01", periods=sessions, name="date")
    frame = pd.DataFrame(
        100.0 * np.cumprod(1.0 + np.column_stack([returns, market]), axis=0),
        index=days,
        columns=[*SECURITIES, "SPY"],
    )
    return es.load_prices(frame)


@pytest.fixture(scope="session")
def iid() -> es.PriceTable:
    return made_prices()


@pytest.fixture(scope="session")
def clumped() -> es.PriceTable:
    return made_prices(common=0.4)


def made_world(prices: es.PriceTable, thin: float = 0.0) -> World:
    frame = make_frame(WINDOWS, estimation=120, gap=10, min_estimation=100)
    config = StudyConfig(
        (find_model("market"),), "SPY", frame, (), None, "scar", 0, donors=SECURITIES
    )
    return fit_world(prices, SECURITIES, config, thin=thin, seed=3)


@pytest.fixture(scope="session")
def world(iid: es.PriceTable) -> World:
    return made_world(iid)


@pytest.fixture(scope="session")
def thin_world(iid: es.PriceTable) -> World:
    return made_world(iid, thin=0.3)
