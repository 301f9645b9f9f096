"""What a Sharpe ratio is worth: after its own error, and after the search that found it.

All ratios here are per period (per session for daily returns), never annual, and kurtosis is
3 for a normal distribution. Lo's standard error of the annual ratio is
`eventstudy.backtest.metrics.sharpe_error`.

References
----------
Bailey, D. and Lopez de Prado, M. (2012). The Sharpe ratio efficient frontier. Journal of Risk
15(2), 3-44.
Bailey, D. and Lopez de Prado, M. (2014). The deflated Sharpe ratio. Journal of Portfolio
Management 40(5), 94-107.
Mertens, E. (2002). Comments on variance of the IID estimator in Lo (2002). Working paper.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.metrics import YEAR, sharpe
from eventstudy.errors import BacktestError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

EULER = 0.5772156649015329
STILL = 1e-12
"""A standard deviation per period below this is the rounding of an account that stands still."""
STILL_SHARE = 1e-6
"""So is one below this share of the mean: no strategy has a Sharpe ratio of a million."""
FEWEST_PERIODS = 30
"""The normal approximation, with skewness and kurtosis estimated, is not offered below."""
NORMAL_KURTOSIS = 3.0


@dataclass(frozen=True, slots=True)
class SharpeEvidence:
    """A Sharpe ratio with what its error and the search behind it leave of it.

    Attributes
    ----------
    n : int
        Periods.
    sharpe : float
        Mean over standard deviation (ddof 1) of excess returns, per period.
    skewness, kurtosis : float
        Of the excess returns, moments with divisor n; a normal has 0 and 3.
    probabilistic : float
        Probability that the true ratio is above zero.
    p_value : float
        1 less that, computed in the tail.
    track_record : float
        Periods needed to be 95% sure of a ratio above zero; infinite where it is not positive.
    trials : int
        K, every configuration run.
    trials_spread : float
        Standard deviation (ddof 1) of the ratios of the trials, per period; NaN for K = 1.
    expected_max : float
        SR0, per period: what the best of K trials shows where none has an edge.
    deflated : float
        Probability that the true ratio is above SR0.
    p_deflated : float
        1 less that, computed in the tail.
    why : str
        Why there is no number; empty where there is one.
    """

    n: int
    sharpe: float = math.nan
    skewness: float = math.nan
    kurtosis: float = math.nan
    probabilistic: float = math.nan
    p_value: float = math.nan
    track_record: float = math.nan
    trials: int = 1
    trials_spread: float = math.nan
    expected_max: float = math.nan
    deflated: float = math.nan
    p_deflated: float = math.nan
    why: str = ""


def require_finite(returns: Floats, dimensions: int = 1) -> Floats:
    """Return returns as floats.

    Raises
    ------
    BacktestError
        Where they have other dimensions or hold a value that is not finite.
    """
    found = np.asarray(returns, dtype=np.float64)
    if found.ndim != dimensions:
        raise BacktestError(
            f"returns have {found.ndim} dimensions (shape {found.shape}); allowed: {dimensions}"
        )
    bad = int((~np.isfinite(found)).sum())
    if bad:
        raise BacktestError(f"returns: {bad} of {found.size} are not finite; a period needs one")
    return found


def moving(mean: Floats, spread: Floats) -> Bools:
    """Return where returns vary by more than rounding, of one shape with both."""
    found: Bools = spread > np.maximum(STILL, STILL_SHARE * np.abs(mean))
    return found


def ratio_or_zero(mean: Floats, spread: Floats) -> Floats:
    """Return ``mean / spread``, and 0 where nothing moves: no trade is no performance.

    Parameters
    ----------
    mean, spread : ndarray
        Of one shape, per period.
    """
    out = np.zeros(np.broadcast(mean, spread).shape)
    return np.divide(mean, spread, out=out, where=moving(mean, spread))


def period_sharpe(excess: Floats) -> float:
    """Return the Sharpe ratio per period of excess returns, shape (T,); NaN without variation."""
    if len(excess) < 2 or not moving(excess.mean(), excess.std(ddof=1)):
        return math.nan
    return sharpe(excess) / math.sqrt(YEAR)


def skewness_and_kurtosis(excess: Floats) -> tuple[float, float]:
    """Return the third and fourth standardised moments (divisor n; a normal has 0 and 3)."""
    deviations = excess - excess.mean()
    variance = float((deviations**2).mean())
    return (
        float((deviations**3).mean()) / variance**1.5,
        float((deviations**4).mean()) / variance**2,
    )


def sharpe_variance(
    ratio: float, skewness: float = 0.0, kurtosis: float = NORMAL_KURTOSIS
) -> float:
    """Return n - 1 times the variance of an estimated ratio per period.

    ``1 - g3 SR + (g4 - 1) / 4 SR^2`` for independent returns of any distribution with a
    fourth moment (Mertens 2002). Moments of one sample cannot make it negative; NaN where
    figures put together by hand do.
    """
    found = 1.0 - skewness * ratio + (kurtosis - 1.0) / 4.0 * ratio**2
    return found if found > 0 else math.nan


def _score(ratio: float, n: int, benchmark: float, skewness: float, kurtosis: float) -> float:
    """Return how many standard errors a ratio stands above a benchmark."""
    if n < 2:
        return math.nan
    return (ratio - benchmark) * math.sqrt((n - 1) / sharpe_variance(ratio, skewness, kurtosis))


def probabilistic_sharpe(
    ratio: float,
    n: int,
    *,
    benchmark: float = 0.0,
    skewness: float = 0.0,
    kurtosis: float = NORMAL_KURTOSIS,
) -> float:
    """Return the probability that the true Sharpe ratio is above a benchmark.

    ``Phi((SR - SR*) sqrt(n - 1) / sqrt(1 - g3 SR + (g4 - 1) / 4 SR^2))``: returns
    independent over time, their third and fourth moments known.

    Parameters
    ----------
    ratio, benchmark : float
        Per period.
    n : int
        Periods; NaN is returned for fewer than two.
    skewness, kurtosis : float
        0 and 3 for a normal.

    References
    ----------
    Bailey and Lopez de Prado (2012).
    """
    from scipy.special import ndtr

    return float(ndtr(_score(ratio, n, benchmark, skewness, kurtosis)))


def min_track_record(
    ratio: float,
    *,
    benchmark: float = 0.0,
    skewness: float = 0.0,
    kurtosis: float = NORMAL_KURTOSIS,
    confidence: float = 0.95,
) -> float:
    """Return the number of periods that make a ratio certain enough to be above a benchmark.

    ``1 + (1 - g3 SR + (g4 - 1) / 4 SR^2) (Phi^-1(confidence) / (SR - SR*))^2``, not rounded;
    infinite where the ratio is not above the benchmark.

    Raises
    ------
    BacktestError
        Where confidence is not above 0.5 and below 1.

    References
    ----------
    Bailey and Lopez de Prado (2012).
    """
    from scipy.special import ndtri

    if not 0.5 < confidence < 1.0:
        raise BacktestError(f"confidence {confidence:g}; allowed: above 0.5 and below 1")
    if math.isnan(ratio) or math.isnan(benchmark):
        return math.nan
    if ratio <= benchmark:
        return math.inf
    needed = float(ndtri(confidence)) / (ratio - benchmark)
    return 1.0 + sharpe_variance(ratio, skewness, kurtosis) * needed**2


def expected_max_sharpe(spread: float, trials: int) -> float:
    """Return SR0, the highest ratio to be expected of K trials without an edge, per period.

    ``sd(SR) [(1 - c) Phi^-1(1 - 1/K) + c Phi^-1(1 - 1/(K e))]``, c = 0.5772. With K = 1
    nothing was selected: SR0 = 0, whatever the spread (the formula has no value there), and
    the deflated ratio is the probabilistic one. Trials are taken as independent; trials that
    resemble each other have a lower maximum, which the observed sd(SR) reflects in part.

    Parameters
    ----------
    spread : float
        Standard deviation of the ratios of all trials, per period.
    trials : int
        K, every configuration run and not the survivors.

    Raises
    ------
    BacktestError
        Where trials is below 1.

    References
    ----------
    Bailey and Lopez de Prado (2014).
    """
    from scipy.special import ndtri

    if trials < 1:
        raise BacktestError(f"trials {trials}; allowed: 1 or more, the one shown counts")
    if trials == 1:
        return 0.0
    high, higher = ndtri(1.0 - 1.0 / trials), ndtri(1.0 - 1.0 / (trials * math.e))
    return spread * float((1.0 - EULER) * high + EULER * higher)


def judge_sharpe(
    excess: Floats, trial_sharpes: npt.ArrayLike = (), *, trials: int | None = None
) -> SharpeEvidence:
    """Return the probabilistic and the deflated Sharpe ratio of a path.

    Parameters
    ----------
    excess : ndarray, shape (T,)
        Returns over cash of the configuration that is shown, per period.
    trial_sharpes : array_like, shape (K',)
        Ratios per period of the configurations that were run, the shown one included. NaN, a
        run that failed or never traded, counts as a trial but not in the spread.
    trials : int, optional
        K, where more were run than are given; by default K', or 1 where none is given.

    Returns
    -------
    SharpeEvidence
        Without numbers and with `why` below `FEWEST_PERIODS` periods or without variation;
        with the probabilistic but no deflated ratio where K > 1 and fewer than two trials
        have a ratio: SR0 needs their spread.

    Raises
    ------
    BacktestError
        For returns that are not finite, or K below 1 or below the number of ratios given.
    """
    excess = require_finite(excess)
    ratios = np.asarray(trial_sharpes, dtype=np.float64)
    k = max(1, len(ratios)) if trials is None else trials
    if k < max(1, len(ratios)):
        raise BacktestError(
            f"trials {k}, but {len(ratios)} ratios are given; allowed: {max(1, len(ratios))} or "
            "more, every configuration counts"
        )
    n, ratio = len(excess), period_sharpe(excess)
    if n < FEWEST_PERIODS:
        return SharpeEvidence(n, trials=k, why=f"{n} periods; needs {FEWEST_PERIODS} or more")
    if math.isnan(ratio):
        return SharpeEvidence(n, trials=k, why="the returns do not vary")
    return _judged(excess, ratio, ratios[np.isfinite(ratios)], k)


def _judged(excess: Floats, ratio: float, known: Floats, trials: int) -> SharpeEvidence:
    """Return the evidence on a path that has a ratio."""
    from scipy.special import ndtr

    n, (skewness, kurtosis) = len(excess), skewness_and_kurtosis(excess)
    spread = float(known.std(ddof=1)) if len(known) > 1 else math.nan
    expected = expected_max_sharpe(spread, trials)
    z = _score(ratio, n, 0.0, skewness, kurtosis)
    z0 = _score(ratio, n, expected, skewness, kurtosis)
    lacking = f"{trials} trials, of which {len(known)} have a ratio: their spread is not known"
    return SharpeEvidence(
        n=n,
        sharpe=ratio,
        skewness=skewness,
        kurtosis=kurtosis,
        probabilistic=float(ndtr(z)),
        p_value=float(ndtr(-z)),
        track_record=min_track_record(ratio, skewness=skewness, kurtosis=kurtosis),
        trials=trials,
        trials_spread=spread,
        expected_max=expected,
        deflated=float(ndtr(z0)),
        p_deflated=float(ndtr(-z0)),
        why=lacking if math.isnan(expected) else "",
    )
