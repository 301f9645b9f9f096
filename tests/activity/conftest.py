"""A study of a made market with volume."""

from __future__ import annotations

import pytest
from made_volume import PLACES, made_events, made_table

import eventstudy as es


@pytest.fixture(scope="session")
def volume_prices() -> es.PriceTable:
    return made_table()


@pytest.fixture(scope="session")
def volume_study(volume_prices: es.PriceTable) -> es.StudyResult:
    events = made_events(volume_prices, PLACES).with_baskets(
        es.make_baskets({"PAIR": {"DD": 3, "EE": 1}, "SOLO": ["CC"]})
    )
    return es.event_study(
        events,
        volume_prices,
        window=[(0, 0), (-1, 1)],
        estimation=200,
        observed=["@PAIR", "@PAIR-@SOLO"],
        model=["market", "mean"],
    )
