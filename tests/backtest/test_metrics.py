"""Metrics against arithmetic by hand on a series short enough to follow."""

import math

import numpy as np
import pytest

from eventstudy.backtest import metrics

VALUES = np.array([100.0, 110.0, 99.0, 103.95])  # +10%, -10%, +5%


def test_returns_and_growth():
    assert metrics.value_returns(VALUES) == pytest.approx([0.10, -0.10, 0.05])
    assert metrics.total_return(VALUES) == pytest.approx(0.0395)
    assert metrics.annual_return(VALUES) == pytest.approx(1.0395**84 - 1)  # 252 / 3 = 84


def test_volatility_and_sharpe_by_hand():
    # Mean 5/300; deviations 25/300, -35/300, 10/300: squares sum to 1950/90000; ddof 1.
    s = math.sqrt(1950 / 90_000 / 2)
    returns = np.array([0.10, -0.10, 0.05])
    assert metrics.volatility(returns) == pytest.approx(s * math.sqrt(252))
    assert metrics.sharpe(returns) == pytest.approx((5 / 300) / s * math.sqrt(252))
    # Over cash at 1% a session: the mean falls to 2/300, the spread stays.
    assert metrics.sharpe(returns - 0.01) == pytest.approx((2 / 300) / s * math.sqrt(252))


def test_lo_standard_error_by_hand():
    # SR 0.1 a session over 400 sessions: sqrt((1 + 0.005) / 400), annualised by sqrt 252.
    annual = 0.1 * math.sqrt(252)
    assert metrics.sharpe_error(annual, 400) == pytest.approx(math.sqrt(1.005 / 400 * 252))


def test_drawdown_by_hand():
    assert metrics.drawdowns(VALUES) == pytest.approx([0, 0, -0.1, 103.95 / 110 - 1])
    assert metrics.max_drawdown(VALUES) == pytest.approx(-0.1)


def test_hit_rate_and_turnover_by_hand():
    assert metrics.hit_rate(np.array([5.0, -1.0, 0.0, 2.0])) == 0.5
    # 206.475 traded on a mean value of 103.2375 over 3 sessions: 2 x 84 a year.
    assert metrics.turnover(206.475, VALUES) == pytest.approx(168.0)


def test_what_cannot_be_computed_is_nan_or_a_total_loss():
    assert math.isnan(metrics.sharpe(np.zeros(5)))
    assert math.isnan(metrics.sharpe(np.array([0.1])))
    assert math.isnan(metrics.volatility(np.array([0.1])))
    assert math.isnan(metrics.hit_rate(np.array([])))
    assert math.isnan(metrics.annual_return(np.array([100.0])))
    assert math.isnan(metrics.sharpe_error(math.nan, 100))
    assert metrics.annual_return(np.array([100.0, -5.0])) == -1.0
