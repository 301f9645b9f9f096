"""Properties of a whole study, from events and prices to tests, on random worlds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import eventstudy as es

SEED = st.integers(0, 2**16)
QUICK = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEYS = ["event_id", "ticker", "alignment", "model", "window"]
NAMES = ("AAA", "BBB", "CCC", "DDD", "SPY")
MODELS = ("market", "mean", "market-adjusted", "dimson:1", "scholes-williams", "robust")


def world(seed: int, scale: float = 1.0, shift: float = 0.0) -> pd.DataFrame:
    """Return adjusted closes of five tickers whose returns are scale * r + shift."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2022-01-03", periods=260)
    market = rng.normal(0.0, 0.01, 260)
    own = rng.normal(0.0, 0.01, (260, 4)) + np.outer(market, [0.8, 1.0, 1.2, 1.5])
    returns = np.column_stack([own, market])
    returns[:, :4] = scale * returns[:, :4] + shift
    returns[:, 4] *= scale
    closes = 100.0 * np.cumprod(1.0 + returns, axis=0)
    return pd.DataFrame(closes, index=days, columns=list(NAMES))


def rows(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed + 1)
    days = pd.bdate_range("2022-01-03", periods=260)
    at = np.sort(rng.choice(np.arange(150, 240), 8, replace=False))
    return pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(8)],
            "date": [days[i].date().isoformat() for i in at],
            "session": "pre",
            "tickers": rng.choice(NAMES[:4], 8),
        }
    )


def study(
    closes: pd.DataFrame, events: pd.DataFrame, model: object = "market", **asked: object
) -> es.StudyResult:
    prices = es.load_prices(closes)
    calendar = es.read_events(events, calendar="prices", prices=prices)
    return es.event_study(
        calendar, prices, model=model, window=[(0, 0), (-1, 2)], estimation=100,
        min_estimation=60, observed=(), **asked,
    )  # type: ignore[arg-type]  # fmt: skip


def cars(found: es.StudyResult) -> pd.DataFrame:
    return found.cars.set_index(KEYS).sort_index()


@QUICK
@given(seed=SEED)
def test_the_order_of_events_changes_nothing(seed: int) -> None:
    closes, events = world(seed), rows(seed)
    mixed = events.sample(frac=1.0, random_state=seed)
    one, other = study(closes, events), study(closes, mixed)
    pd.testing.assert_frame_equal(cars(one), cars(other), rtol=1e-12)
    keys = ["group", "window", "test"]
    drop = ["alignment", "model", "convention", "distribution", "caveat"]
    left = one.group_tests.drop(columns=drop).set_index(keys).sort_index()
    right = other.group_tests.drop(columns=drop).set_index(keys).sort_index()
    pd.testing.assert_frame_equal(left, right, rtol=1e-8, atol=1e-12)


@QUICK
@given(seed=SEED, scale=st.floats(0.05, 2.0))
@pytest.mark.parametrize("model", MODELS)
def test_scaling_returns_scales_abnormal_returns(model: str, seed: int, scale: float) -> None:
    one = cars(study(world(seed), rows(seed), model))
    other = cars(study(world(seed, scale=scale), rows(seed), model))
    # Closes hold the returns to about 1e-14 only.
    np.testing.assert_allclose(other["car"], scale * one["car"], rtol=1e-7, atol=1e-11)
    np.testing.assert_allclose(other["beta"], one["beta"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other["se"], scale * one["se"], rtol=1e-7)


@QUICK
@given(seed=SEED, shift=st.floats(-0.004, 0.004))
@pytest.mark.parametrize("model", ["market", "mean", "dimson:1", "scholes-williams", "robust"])
def test_a_constant_added_to_returns_leaves_abnormal_returns_alone(
    model: str, seed: int, shift: float
) -> None:
    one = cars(study(world(seed), rows(seed), model))
    other = cars(study(world(seed, shift=shift), rows(seed), model))
    np.testing.assert_allclose(other["car"], one["car"], atol=1e-8)


@QUICK
@given(seed=SEED, last=st.integers(0, 7))
def test_returns_after_the_event_window_change_nothing_before_it(seed: int, last: int) -> None:
    """Every price after one event's window is drawn anew: that event and earlier ones stand."""
    events = rows(seed)
    closes = world(seed)
    end = closes.index.get_loc(pd.Timestamp(events["date"][last])) + 2
    rng = np.random.default_rng(seed + 9)
    later = closes.copy()
    fresh = np.cumprod(1.0 + rng.normal(0.0, 0.03, (260 - end - 1, 5)), axis=0)
    later.iloc[end + 1 :] = closes.iloc[end].to_numpy() * fresh
    kept = list(events["event_id"][: last + 1])
    for policy in ("keep", "joint"):
        if policy == "joint" and last < 7:
            continue  # a chain that reaches beyond the cut is estimated on all of its sessions
        one = cars(study(closes, events, overlap=policy)).loc[kept]
        other = cars(study(later, events, overlap=policy)).loc[kept]
        pd.testing.assert_frame_equal(one, other, rtol=1e-12)


def test_only_the_comparison_period_looks_beyond_the_event() -> None:
    events, closes = rows(3), world(3)
    later = closes.copy()
    later.iloc[252:] *= 1.1
    for model, moved in (("mean", False), ("comparison-mean", True)):
        one, other = (cars(study(c, events.head(1), model)) for c in (closes, later))
        assert (not np.allclose(one["car"], other["car"], rtol=1e-12)) is moved
