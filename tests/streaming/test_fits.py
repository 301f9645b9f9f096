"""Blocks of regressions against statsmodels, event by event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from made_events import Made, ground_of, made

from eventstudy.models import find_model
from eventstudy.models.contract import BENCHMARK, recipe_of
from eventstudy.streaming.fits import FAULTS, Block, faults, fit_block
from eventstudy.streaming.ground import lay_ground, make_designs

Floats = npt.NDArray[np.float64]


def block_of(world: Made, model: str = "market") -> Block:
    recipe = recipe_of(find_model(model))
    assert recipe is not None
    ground = ground_of(world)
    masks = world.frame.masks(world.frame.all_windows)
    designs = make_designs(ground, recipe, np.unique(world.positions), masks)
    return fit_block(ground, designs, world.columns, world.positions, masks)


def plain(world: Made, i: int, intercept_only: bool = False) -> dict[str, Floats]:
    """Return what statsmodels says of one event."""
    frame, at = world.frame, int(world.positions[i])
    rows = at + frame.estimation_days
    rows = rows[rows >= 0]
    y = world.returns[rows, world.columns[i]]
    x = np.ones((len(rows), 1)) if intercept_only else sm.add_constant(world.market[rows])
    days = at + frame.days
    event = (
        np.ones((len(days), 1))
        if intercept_only
        else np.column_stack([np.ones(len(days)), world.market[days]])
    )
    there = np.isfinite(y)
    fitted = sm.OLS(y[there], x[there]).fit()
    ar = world.returns[days, world.columns[i]] - event @ fitted.params
    v = fitted.scale * np.eye(len(days)) + event @ fitted.cov_params() @ event.T
    masks = frame.masks(frame.all_windows)
    return {
        "ar": ar,
        "car": masks @ ar,
        "se": np.sqrt(np.einsum("wl,lk,wk->w", masks, v, masks)),
        "s2": np.array(fitted.scale),
        "params": fitted.params,
        "residuals": fitted.resid,
    }


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.002, 0.05, 0.3]),
    st.sampled_from([1e-8, 1e-3, 1.0, 1e4, 1e8]),
)
@settings(max_examples=25, deadline=None)
def test_every_event_is_statsmodels_regression(seed: int, gaps: float, scale: float) -> None:
    world = made(seed, events=25, gaps=gaps, windows=((-1, 1),))
    scales = np.where(np.arange(world.returns.shape[1]) % 2, scale, 1.0)
    world = replace(world, returns=world.returns * scales)
    block = block_of(world)
    for i in range(len(block)):
        if block.count[i] < 20:
            continue
        expected = plain(world, i)
        size = float(np.sqrt(expected["s2"]))
        for name in ("ar", "car", "se"):
            np.testing.assert_allclose(
                getattr(block, name)[i], expected[name], rtol=1e-10, atol=1e-10 * size
            )
        np.testing.assert_allclose(block.s2[i], expected["s2"], rtol=1e-10)
        np.testing.assert_allclose(
            block.params[i], expected["params"], rtol=1e-8, atol=1e-10 * size
        )
        held = block.residuals[i][np.isfinite(block.residuals[i])]
        np.testing.assert_allclose(held, expected["residuals"], rtol=0, atol=1e-10 * size)


def test_the_mean_and_nothing_estimated() -> None:
    world = made(3, events=10, gaps=0.01)
    block = block_of(world, "mean")
    for i in range(len(block)):
        expected = plain(world, i, intercept_only=True)
        np.testing.assert_allclose(block.se[i], expected["se"], rtol=1e-12)
        np.testing.assert_allclose(block.ar[i], expected["ar"], rtol=0, atol=1e-15)
    adjusted = block_of(world, "market-adjusted")
    days = world.positions[:, None] + world.frame.days
    expected_ar = world.returns[days, world.columns[:, None]] - world.market[days]
    np.testing.assert_array_equal(adjusted.ar, expected_ar)
    assert (adjusted.dof == adjusted.count).all()


def test_an_event_that_few_sessions_identify_is_fitted_plainly() -> None:
    """A market that moves on two sessions only: with one of them missing the design is flat."""
    world = made(7, events=1, sessions=420, windows=((0, 0),))
    market = np.zeros(len(world.market))
    at = int(world.positions[0])
    market[[at - 20, at - 21, at]] = [0.01, -0.01, 0.02]
    returns = world.returns.copy()
    returns[at - 20, world.columns[0]] = np.nan
    world = replace(world, market=market, returns=returns)
    block = block_of(world)
    expected = plain(world, 0)
    np.testing.assert_allclose(block.ar[0], expected["ar"], rtol=1e-9)
    np.testing.assert_allclose(block.se[0], expected["se"], rtol=1e-9)
    returns = returns.copy()
    returns[at - 21, world.columns[0]] = np.nan
    lost = replace(world, returns=returns)
    assert FAULTS[faults(block_of(lost), ground_of(lost))[0] - 1] == "singular_design"


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told_apart(fault: str) -> None:
    world = made(11, events=1, windows=((0, 0),))
    at, column = int(world.positions[0]), int(world.columns[0])
    returns, market = world.returns.copy(), world.market.copy()
    if fault == "short_estimation":
        returns[: at - 40, column] = np.nan
    if fault == "singular_design":
        market[:] = 0.01
    if fault == "missing_regressor":
        market[at] = np.nan
    if fault == "no_variance":
        returns[:, column] = 0.001 + 0.9 * market
    world = replace(world, returns=returns, market=market)
    assert FAULTS[faults(block_of(world), ground_of(world))[0] - 1] == fault


def test_sessions_without_a_regressor_are_not_used() -> None:
    world = made(13, events=6, windows=((0, 0),))
    market = world.market.copy()
    market[int(world.positions[0]) - 30] = np.nan
    gone = replace(world, market=market)
    returns = world.returns.copy()
    returns[np.isnan(market)] = np.nan
    same = replace(world, returns=returns)
    ours, theirs = block_of(gone), block_of(same)
    np.testing.assert_allclose(ours.se, theirs.se, rtol=1e-12)
    np.testing.assert_array_equal(ours.count, theirs.count)


def test_blocked_sessions_leave_the_estimation_window_alone() -> None:
    world = made(17, events=8, windows=((0, 2),))
    blocked = np.zeros(world.returns.shape, dtype=bool)
    blocked[::7] = True
    recipe = recipe_of(find_model("market"))
    assert recipe is not None
    ground = lay_ground(world.returns, {BENCHMARK: world.market}, world.frame, blocked)
    masks = world.frame.masks(world.frame.all_windows)
    designs = make_designs(ground, recipe, np.unique(world.positions), masks)
    block = fit_block(ground, designs, world.columns, world.positions, masks)
    holes = np.where(blocked, np.nan, world.returns)
    for i in range(len(block)):
        at = int(world.positions[i])
        days = at + world.frame.days
        expected = plain(replace(world, returns=holes), i)
        event = np.column_stack([np.ones(len(days)), world.market[days]])
        ar = world.returns[days, world.columns[i]] - event @ expected["params"]
        np.testing.assert_allclose(block.ar[i], ar, rtol=1e-10)
        np.testing.assert_allclose(block.s2[i], expected["s2"], rtol=1e-10)
