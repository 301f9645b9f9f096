"""What a strategy owes to the benchmark: alpha, beta and the information ratio.

References
----------
Jensen, M. (1968). The performance of mutual funds in the period 1945-1964. Journal of Finance
23, 389-416.
Goodwin, T. (1998). The information ratio. Financial Analysts Journal 54(4), 34-43.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.metrics import STILL, YEAR
from eventstudy.models.linear import fit
from eventstudy.models.newey_west import default_lags, newey_west

Floats = npt.NDArray[np.float64]
FEWEST = 3
"""Sessions below which a line through them leaves no residual."""


@dataclass(frozen=True, slots=True)
class BenchmarkLine:
    """Excess returns regressed on those of the benchmark.

    Attributes
    ----------
    alpha, alpha_se, alpha_hac_se : float
        A year: 252 times the intercept per session; standard errors by least squares and by
        Newey and West.
    beta, beta_se, beta_hac_se : float
    """

    alpha: float = math.nan
    alpha_se: float = math.nan
    alpha_hac_se: float = math.nan
    beta: float = math.nan
    beta_se: float = math.nan
    beta_hac_se: float = math.nan


def benchmark_line(excess: Floats, benchmark: Floats) -> BenchmarkLine:
    """Regress excess returns on those of the benchmark, all sessions alike.

    ``r - r_f = a + b (r_m - r_f) + e`` by ordinary least squares; alpha is 252 a. Errors are
    the classical ones, with n - 2 degrees of freedom, and those of Newey and West with
    ``floor(4 (n / 100)^(2/9))`` lags and the factor n / (n - 2). Sessions without a position
    count too: beta is that of the account, not of what it held.

    Parameters
    ----------
    excess, benchmark : ndarray, shape (n,)
        Returns over cash per session.

    Returns
    -------
    BenchmarkLine
        All NaN for fewer than three sessions, a benchmark that stands still over cash, or a
        return that is not finite.
    """
    n = len(excess)
    known = np.isfinite(excess).all() and np.isfinite(benchmark).all()
    if n < FEWEST or not known or not benchmark.std() > STILL:
        return BenchmarkLine()
    x = np.column_stack([np.ones(n), benchmark])
    plain = fit(excess[None], x[None])
    errors = np.sqrt(plain.s2[0] * np.diag(plain.gram_inverse[0]))
    robust = newey_west(excess, x, default_lags(n)).se
    alpha, beta = plain.params[0]
    return BenchmarkLine(
        alpha=float(alpha) * YEAR,
        alpha_se=float(errors[0]) * YEAR,
        alpha_hac_se=float(robust[0]) * YEAR,
        beta=float(beta),
        beta_se=float(errors[1]),
        beta_hac_se=float(robust[1]),
    )


def information_ratio(returns: Floats, benchmark: Floats) -> float:
    """Return ``mean / s x sqrt 252`` of returns less the benchmark's, s with ddof 1.

    Parameters
    ----------
    returns, benchmark : ndarray, shape (n,)
        Per session; whether both are over cash makes no difference.

    Returns
    -------
    float
        NaN for fewer than two sessions, or where the two never part.
    """
    if len(returns) < 2:
        return math.nan
    active = returns - benchmark
    spread = float(active.std(ddof=1))
    return float(active.mean()) / spread * math.sqrt(YEAR) if spread > STILL else math.nan
