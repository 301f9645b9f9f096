"""Calendar-time portfolios: statsmodels for the regression, loops for the holdings."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from eventstudy.longrun.calendar_time import (
    held_sessions,
    lagged,
    portfolio_returns,
    trailing_mean,
)
from eventstudy.models.newey_west import default_lags, newey_west


@pytest.mark.parametrize("lags", [0, 1, 5, 30])
@pytest.mark.parametrize("k", [1, 4])
def test_newey_west_agrees_with_statsmodels(lags: int, k: int) -> None:
    rng = np.random.default_rng(lags + k)
    x = np.column_stack([np.ones(300), rng.normal(0, 0.01, (300, k))])
    shocks = rng.normal(0, 0.01, 301)
    y = x @ rng.normal(1, 0.5, k + 1) + shocks[1:] + 0.6 * shocks[:-1]
    ours = newey_west(y, x, lags)
    theirs = sm.OLS(y, x).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True
    )
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-10)
    np.testing.assert_allclose(ours.se, theirs.bse, rtol=1e-10)
    assert ours.r2 == pytest.approx(theirs.rsquared, rel=1e-10)
    assert ours.dof == theirs.df_resid


@pytest.mark.parametrize(("count", "lags"), [(100, 4), (99, 3), (524, 5), (1632, 7), (10, 2)])
def test_the_rule_for_lags(count: int, lags: int) -> None:
    """4 (T/100)^(2/9): 4, 3.99, 5.78, 7.44, 2.40 by pocket calculator."""
    assert default_lags(count) == lags


@given(
    st.lists(st.tuples(st.integers(0, 39), st.integers(0, 3)), min_size=1, max_size=12),
    st.integers(-3, 3),
    st.integers(0, 25),
)
def test_holdings_agree_with_a_loop(events: list[tuple[int, int]], first: int, length: int) -> None:
    horizon = (first, first + length)
    at, firm = (np.array(x) for x in zip(*events, strict=True))
    held = held_sessions(at, firm, horizon, (40, 4))
    for session in range(40):
        for k in range(4):
            expected = any(f == k and first <= session - p <= first + length for p, f in events)
            assert held[session, k] == expected


def test_portfolio_returns_by_hand() -> None:
    held = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 0], [0, 1, 0]], dtype=bool)
    returns = np.array([[0.1, 0.3, 9.0], [0.1, np.nan, 0.2], [1.0, 1.0, 1.0], [0.0, np.nan, 0.0]])
    equal, firms = portfolio_returns(held, returns)
    assert equal[:2] == pytest.approx([0.2, 0.15], abs=1e-15)
    assert np.isnan(equal[2:]).all()
    assert firms.tolist() == [2, 2, 0, 0]
    weights = np.array([[3.0, 1.0, 1.0], [np.nan, 1.0, 2.0], [1.0] * 3, [1.0] * 3])
    valued, firms = portfolio_returns(held, returns, weights)
    assert valued[:2] == pytest.approx([0.75 * 0.1 + 0.25 * 0.3, 0.2], abs=1e-15)
    assert firms.tolist() == [2, 1, 0, 0]


def test_a_firm_of_no_weight_is_not_held() -> None:
    held, returns = np.ones((2, 2), dtype=bool), np.array([[0.1, 0.3], [0.1, 0.3]])
    valued, firms = portfolio_returns(held, returns, np.array([[0.0, 2.0], [0.0, -1.0]]))
    assert valued[0] == pytest.approx(0.3, abs=1e-15)
    assert np.isnan(valued[1])
    assert firms.tolist() == [1, 0]


def test_weights_know_nothing_of_their_own_session() -> None:
    values = np.array([[1.0], [np.nan], [3.0], [4.0]])
    assert lagged(values)[1:, 0].tolist() == [1.0, 1.0, 3.0]
    assert math.isnan(lagged(values)[0, 0])


@given(st.integers(1, 12), st.integers(1, 9))
def test_trailing_means_agree_with_a_loop(count: int, length: int) -> None:
    values = np.arange(1.0, count + 1)[:, None] ** 2
    values[count // 2] = np.nan
    found = trailing_mean(values, length)[:, 0]
    for t in range(count):
        kept = [v for v in values[max(0, t - length + 1) : t + 1, 0] if not math.isnan(v)]
        expected = math.fsum(kept) / len(kept) if kept else math.nan
        assert found[t] == pytest.approx(expected, rel=1e-12, nan_ok=True)
