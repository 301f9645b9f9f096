"""Metrics against arithmetic by hand on a series short enough to follow."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

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
    assert metrics.hit_rate(np.array([5.0, -1.0, 1e-11, 2.0]), 100.0) == 0.5
    # 206.475 traded on a mean value of 103.2375 over 3 sessions: 2 x 84 a year.
    assert metrics.turnover(206.475, VALUES) == pytest.approx(168.0)


def test_what_cannot_be_computed_is_nan_or_a_total_loss():
    assert math.isnan(metrics.sharpe(np.zeros(5)))
    assert math.isnan(metrics.sharpe(np.array([0.1])))
    assert math.isnan(metrics.volatility(np.array([0.1])))
    assert math.isnan(metrics.hit_rate(np.array([]), 100.0))
    assert math.isnan(metrics.annual_return(np.array([100.0])))
    assert math.isnan(metrics.sharpe_error(math.nan, 100))
    assert metrics.annual_return(np.array([100.0, -5.0])) == -1.0


def test_an_account_that_is_gone_earns_nothing_more():
    returns = metrics.value_returns(np.array([100.0, 0.0, 50.0, -5.0, 10.0]))
    assert returns == pytest.approx([-1.0, 0.0, -1.1, 0.0], abs=1e-15)


def test_the_shortest_paths():
    """Nothing of no value, of one value zeros, and of two returns a spread of sqrt 2 / 10."""
    for figure in (metrics.total_return, metrics.annual_return, metrics.max_drawdown):
        assert math.isnan(figure(np.array([])))
    assert metrics.total_return(np.array([5.0])) == 0.0
    assert metrics.max_drawdown(np.array([5.0])) == 0.0
    assert metrics.annual_return(np.array([100.0, 101.0])) == pytest.approx(1.01**252 - 1)
    two = np.array([0.2, 0.0])
    assert metrics.volatility(two) == pytest.approx(0.1 * math.sqrt(2 * 252))
    assert metrics.sharpe(two) == pytest.approx(math.sqrt(252 / 2))
    assert metrics.sortino(two - 0.1) == pytest.approx(0.0, abs=1e-15)
    assert metrics.skewness(two) == pytest.approx(0.0, abs=1e-12)
    for moment in (metrics.skewness, metrics.kurtosis):
        assert math.isnan(moment(np.array([0.1])))
    assert metrics.sharpe_error(0.0, 2) == pytest.approx(math.sqrt(252 / 2))
    assert math.isnan(metrics.sharpe_error(0.0, 1))
    assert math.isnan(metrics.turnover(1.0, np.array([100.0])))
    assert math.isnan(metrics.turnover(1.0, np.array([100.0, -100.0])))
    assert metrics.turnover(1.0, np.array([0.5, 1.5])) == 252.0


def test_the_figures_of_a_path_by_name():
    found = metrics.path_metrics(VALUES, np.full(3, 0.01))
    excess = np.array([0.10, -0.10, 0.05]) - 0.01
    ratio = (2 / 300) / math.sqrt(1950 / 90_000 / 2) * math.sqrt(252)
    assert found == pytest.approx(
        {
            "total_return": 0.0395,
            "annual_return": 1.0395**84 - 1,
            "volatility": math.sqrt(1950 / 90_000 / 2 * 252),
            "sharpe": ratio,
            "sharpe_se": math.sqrt((1 + ratio**2 / 504) / 3 * 252),
            "max_drawdown": -0.1,
            "sortino": (2 / 300) / (0.11 / math.sqrt(3)) * math.sqrt(252),
            "calmar": (1.0395**84 - 1) / 0.1,
            "skewness": stats.skew(excess),
            "kurtosis": stats.kurtosis(excess, fisher=False),
            "worst_day": -0.1,
        }
    )


def test_sortino_by_hand():
    # Over cash at 1% a session: 9%, -11%, 4%. Below: 0.11^2 over all three sessions.
    excess = np.array([0.10, -0.10, 0.05]) - 0.01
    downside = 0.11 / math.sqrt(3)
    assert metrics.sortino(excess) == pytest.approx((2 / 300) / downside * math.sqrt(252))
    assert math.isnan(metrics.sortino(np.array([0.1, 0.2])))  # nothing below cash
    assert math.isnan(metrics.sortino(np.array([-0.1])))


def test_calmar_by_hand():
    assert metrics.calmar(VALUES) == pytest.approx((1.0395**84 - 1) / 0.1)
    assert metrics.calmar(np.array([100.0, 50.0])) == pytest.approx((0.5**252 - 1) / 0.5)
    assert math.isnan(metrics.calmar(np.array([100.0, 101.0, 102.0])))


def test_moments_by_hand():
    # 0, 0, 0, 4: mean 1, deviations -1, -1, -1, 3; m2 = 12 / 4, m3 = 24 / 4, m4 = 84 / 4.
    sample = np.array([0.0, 0.0, 0.0, 4.0])
    assert metrics.skewness(sample) == pytest.approx(6 / 3**1.5)
    assert metrics.kurtosis(sample) == pytest.approx(21 / 9)
    assert metrics.kurtosis(np.array([-1.0, 1.0])) == pytest.approx(1.0)  # not in excess of 3
    assert metrics.worst_day(np.array([0.1, -0.2, -0.1])) == -0.2
    assert math.isnan(metrics.worst_day(np.array([])))


def test_an_account_that_only_earns_what_cash_earns_has_no_ratio():
    """Compounded rates leave differences of rounding: a ratio of those would be noise."""
    rates = 0.04 * np.array([1, 1, 1, 3] * 60) / 360
    values = 1e6 * np.cumprod(np.concatenate([[1.0], 1.0 + rates]))
    excess = metrics.value_returns(values) - rates
    assert (excess != 0).any()  # else there would be nothing to be fooled by
    assert math.isnan(metrics.sharpe(excess))
    assert math.isnan(metrics.sortino(excess))
    assert math.isnan(metrics.calmar(values))
    assert math.isnan(metrics.skewness(excess))
    assert metrics.longest_drawdown(values) is None


def test_longest_drawdown_by_hand():
    #        high       trough       back  high trough
    path = [100.0, 98.0, 90.0, 95.0, 100.0, 120.0, 60.0, 119.0]
    assert metrics.longest_drawdown(np.array(path)) == metrics.Spell(0, 2, 4, True)
    assert metrics.Spell(0, 2, 4, True).sessions == 4
    # Two sessions more under the later and deeper high: five against four, never back.
    later = metrics.longest_drawdown(np.array([*path, 119.5, 119.0, 119.9]))
    assert later == metrics.Spell(5, 6, 10, False)
    assert later.sessions == 5
    # The high lasts until the session before the fall; equal lengths: the first counts.
    twice = metrics.longest_drawdown(np.array([9.0, 10.0, 10.0, 9.0, 10.0, 8.0, 11.0]))
    assert twice == metrics.Spell(2, 3, 4, True)
    assert metrics.longest_drawdown(np.array([1.0, 1.0, 2.0])) is None
    assert metrics.longest_drawdown(np.array([])) is None


@given(st.lists(st.integers(1, 6), min_size=1, max_size=25))
def test_longest_drawdown_against_a_loop(path):
    """From every fall below a high so far, look ahead for the first value as high."""
    best = None
    for a in range(len(path) - 1):
        if path[a] < max(path[: a + 1]) or path[a + 1] >= path[a]:
            continue
        back = [t for t in range(a + 1, len(path)) if path[t] >= path[a]]
        end = back[0] if back else len(path) - 1
        under = path[a + 1 : end + (not back)]
        spell = (a, a + 1 + under.index(min(under)), end, bool(back))
        if best is None or end - a > best[2] - best[0]:
            best = spell
    expected = None if best is None else metrics.Spell(*best)
    assert metrics.longest_drawdown(np.array(path, dtype=float)) == expected
