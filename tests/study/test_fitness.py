"""Which fits can be used: one rule, in the order in which its reasons are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.calibration.world import fit_world
from eventstudy.errors import StudyError
from eventstudy.longrun import long_run
from eventstudy.models import MarketModel, ModelTask
from eventstudy.study.fitness import fit_faults
from eventstudy.windows import Frame

FRAME = Frame(((0, 1),), estimation=40, gap=2, min_estimation=30)


def test_each_reason_and_the_first_that_applies() -> None:
    rng = np.random.default_rng(3)
    y, market = rng.normal(0, 0.01, (2, 6, 40))
    event = np.full((6, 2), 0.01)
    fit = MarketModel().fit(ModelTask(y, event, market, event, np.ones(6)))
    assert fit_faults(fit, FRAME, 1e-4).tolist() == [""] * 6
    ar, s2, condition, dof = (x.copy() for x in (fit.ar, fit.s2, fit.condition, fit.dof))
    dof[0], dof[1] = 27, 28  # 29 and 30 usable sessions, two of which pay for alpha and beta
    condition[2] = np.inf
    ar[3, 1] = np.nan
    s2[4] = 1e-25
    dof[5], condition[5], s2[5] = 3, np.inf, np.nan
    bad = replace(fit, ar=ar, s2=s2, condition=condition, dof=dof)
    assert fit_faults(bad, FRAME, 1e-4).tolist() == [
        "short_estimation", "", "singular_design", "missing_regressor", "no_variance",
        "short_estimation",
    ]  # fmt: skip
    assert fit_faults(bad, FRAME, 1e-6)[4] == ""  # small beside ordinary returns, not by itself


@pytest.fixture(scope="module")
def prices() -> es.PriceTable:
    """SPY, AA, and BB which moves as the market does to the last digit."""
    rng = np.random.default_rng(8)
    market = rng.normal(0, 0.01, 90)
    moves = {"SPY": market, "AA": market + rng.normal(0, 0.01, 90), "BB": market}
    days = pd.bdate_range("2022-01-03", periods=90)
    return es.load_prices(100.0 * (1.0 + pd.DataFrame(moves, index=days)).cumprod())


def test_what_a_study_drops_a_calibration_does_not_draw(prices: es.PriceTable) -> None:
    frame = pd.DataFrame(
        {
            "event_id": ["a", "b"],
            "date": [str(prices.dates[60])] * 2,
            "session": "pre",
            "tickers": ["AA", "BB"],
        }
    )
    events = es.read_events(frame, calendar="prices", prices=prices)
    asked = {"estimation": 40, "gap": 2, "min_estimation": 30, "window": (0, 1)}
    study = es.event_study(events, prices, observed=[], **asked)  # type: ignore[arg-type]
    assert study.dropped[["event_id", "reason"]].to_numpy().tolist() == [["b", "no_variance"]]
    world = fit_world(prices, ("AA", "BB"), study.config)
    assert set(world.columns[world.usable]) == {0}


@pytest.mark.parametrize("verb", [es.event_study, long_run])
def test_both_verbs_ask_for_the_same(verb: object, prices: es.PriceTable) -> None:
    rows = pd.DataFrame({"event_id": ["a"], "date": ["2022-04-01"], "tickers": ["AA"]})
    unaligned = es.read_events(rows, calendar=None)
    for events, given, said in (
        (unaligned, 5, "prices is a int: give what load_prices returns"),
        (rows, prices, "events is a DataFrame: give what read_events returns; it reads a file"),
        (unaligned, prices, "the events are not aligned: read them with a calendar"),
    ):
        with pytest.raises(StudyError, match=said):
            verb(events, given)  # type: ignore[operator]
