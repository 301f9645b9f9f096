"""Alpha and beta against statsmodels; the information ratio by hand."""

import math

import numpy as np
import pytest
import statsmodels.api as sm

from eventstudy.backtest.relative import BenchmarkLine, benchmark_line, information_ratio


@pytest.mark.parametrize(("n", "lags"), [(60, 3), (250, 4), (1000, 6)])
def test_alpha_and_beta_agree_with_statsmodels(n, lags):
    """lags = floor(4 (n / 100)^(2/9)): 3.57, 4.90 and 6.67."""
    rng = np.random.default_rng(n)
    market = rng.standard_t(4, n) * 0.01
    noise = rng.normal(0, 0.01, n + 1)
    excess = 0.0004 + 0.7 * market + noise[1:] + 0.5 * noise[:-1]
    model = sm.OLS(excess, sm.add_constant(market))
    plain = model.fit()
    robust = model.fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    found = benchmark_line(excess, market)
    assert found.alpha == pytest.approx(252 * plain.params[0], rel=1e-10)
    assert found.beta == pytest.approx(plain.params[1], rel=1e-10)
    assert found.alpha_se == pytest.approx(252 * plain.bse[0], rel=1e-10)
    assert found.beta_se == pytest.approx(plain.bse[1], rel=1e-10)
    assert found.alpha_hac_se == pytest.approx(252 * robust.bse[0], rel=1e-10)
    assert found.beta_hac_se == pytest.approx(robust.bse[1], rel=1e-10)
    assert found.alpha_hac_se != pytest.approx(found.alpha_se, rel=1e-3)


def test_alpha_and_beta_by_hand():
    # y on x = 0, 1, 2 in percent: y 1, 2, 6: slope 2.5, intercept 0.5, residuals 0.5, -1, 0.5.
    found = benchmark_line(np.array([0.01, 0.02, 0.06]), np.array([0.00, 0.01, 0.02]))
    assert found.alpha == pytest.approx(252 * 0.005)
    assert found.beta == pytest.approx(2.5)
    # s^2 = 1.5 / (3 - 2); Sxx = 2; var(b) = 0.75; var(a) = 1.5 (1/3 + 1/2).
    assert found.beta_se == pytest.approx(math.sqrt(0.75))
    assert found.alpha_se == pytest.approx(252 * 0.01 * math.sqrt(1.25))


def test_the_benchmark_against_itself():
    market = np.random.default_rng(1).normal(0, 0.01, 100)
    found = benchmark_line(market, market)
    assert found.beta == pytest.approx(1.0)
    assert found.alpha == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(information_ratio(market, market))


def test_what_has_no_line_is_nan():
    nothing = np.array([0.01, 0.02, -0.01])
    for excess, market in (
        (nothing[:2], nothing[:2]),
        (nothing, np.zeros(3)),
        (nothing, np.array([0.01, 0.01 + 1e-16, 0.01])),
        (np.array([0.01, np.nan, 0.02]), nothing),
    ):
        found = benchmark_line(excess, market)
        assert all(math.isnan(getattr(found, name)) for name in BenchmarkLine.__slots__)


def test_information_ratio_by_hand():
    # Active 1%, -1%, 3%: mean 1%, deviations 0, -2, 2; ddof 1: s = 2%.
    returns, market = np.array([0.03, 0.01, 0.02]), np.array([0.02, 0.02, -0.01])
    assert information_ratio(returns, market) == pytest.approx(0.5 * math.sqrt(252))
    assert math.isnan(information_ratio(returns[:1], market[:1]))
