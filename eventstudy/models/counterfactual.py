"""Counterfactuals made of other securities: synthetic control and elastic net.

The return that the series would have had is put together from donors, securities that the
event does not concern. Neither model has a forecast covariance: inference comes from
placebos and ranks.

References
----------
Abadie, A., Diamond, A. and Hainmueller, J. (2010). Synthetic control methods for comparative
case studies. Journal of the American Statistical Association 105, 493-505.
Zou, H. and Hastie, T. (2005). Regularization and variable selection via the elastic net.
Journal of the Royal Statistical Society B 67, 301-320.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.models.contract import Needs
from eventstudy.models.iterated import IteratedModel, OneFit, OneTask, unfitted

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEGLIGIBLE = 1e-6
"""Weights up to this do not count as donors."""
FOLDS = 5
MIXING = (0.1, 0.5, 0.9, 1.0)
"""Shares of the absolute penalty that are tried; 1 is the lasso."""
PENALTIES = 30
"""Penalties that are tried for each mixing, on a logarithmic grid."""
TINY = float(np.finfo(float).tiny)
FEWEST_SESSIONS = 10 * FOLDS
NO_DONOR = "no donor has all its returns in both windows"


class SyntheticControl(IteratedModel):
    """E[R] = a portfolio of donors with weights w >= 0 that sum to one, fitted to returns.

    w minimises |y - X w|^2 over the estimation window: no intercept, no shorts, no leverage,
    so a portfolio that could have been held (rebalanced each session). Solved exactly, see
    `simplex_weights`. A donor with a missing return in either window is left out for that
    observation. s^2 is the mean square residual over the M usable sessions (d = 0: a convex
    combination has no plain count of parameters). V is NaN: tests that standardise by it are
    refused.

    A spread holds nothing net, while the weights of a control sum to one: a spread has no
    synthetic control and is not fitted.

    `loadings`: ``donors`` (weights above 1e-6), ``pool`` (donors to choose from), ``rmspe``
    (root mean square residual, return units) and ``largest`` (the largest weight).

    References
    ----------
    Abadie, A., Diamond, A. and Hainmueller, J. (2010). Journal of the American Statistical
    Association 105, 493-505.
    """

    name = "synthetic-control"
    needs_benchmark = False
    needs = Needs(benchmark=False, donors=True)
    loading_names = ("donors", "pool", "rmspe", "largest")
    parallel_from = 10_000

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs

    def fit_one(self, one: OneTask) -> OneFit:
        """Fit one observation.

        Returns
        -------
        OneFit
        """
        used, pool = usable_donors(one)
        count = int(used.sum())
        if one.net == 0.0:
            return unfitted(one, count, "a spread has no synthetic control: weights sum to one")
        if not pool.any() or count == 0:
            return unfitted(one, count, NO_DONOR)
        x = one.donors[used][:, pool]
        try:
            w = simplex_weights(one.y[used], x)
        except RuntimeError:
            return unfitted(one, count, "the weights of the synthetic control did not settle")
        residuals = np.full(len(one.y), np.nan)
        residuals[used] = one.y[used] - x @ w
        rmspe = float(np.sqrt(np.mean(residuals[used] ** 2)))
        chosen = w > NEGLIGIBLE
        return OneFit(
            ar=one.y_event - one.donors_event[:, pool] @ w,
            variance=np.full(len(one.y_event), np.nan),
            residuals=residuals,
            n_used=count,
            s2=rmspe**2,
            condition=_condition(one.y[used], x[:, chosen]),
            loadings={
                "donors": float(chosen.sum()),
                "pool": float(pool.sum()),
                "rmspe": rmspe,
                "largest": float(w.max()),
            },
        )


class ElasticNet(IteratedModel):
    """E[R] = an intercept plus donors' returns, coefficients shrunk by an elastic net.

    Donors are standardised over the estimation window. The penalty and its mixing are those
    of the smallest squared error held out over five contiguous blocks of the window, each
    forecast from the other four: blocks are not shuffled, so a held-out session has not all
    of its neighbours in the fit. A donor with a missing return in either window is left out
    for that observation. A spread is fitted like anything else: coefficients may be negative.

    s^2 is the sum of squared residuals over M - 1 (d = 1, the intercept: shrunken
    coefficients have no plain count). V is NaN: tests that standardise by it are refused.

    `loadings`: ``donors`` (coefficients that are not zero), ``pool``, ``rmspe`` (of the
    estimation window), ``held_out`` (root mean square error of the held-out blocks),
    ``penalty`` and ``mixing`` (of the problem with returns and donors at unit variance).

    Parameters
    ----------
    jobs : int or None
        Workers; None = one a processor. The numbers are the same with any.

    References
    ----------
    Zou, H. and Hastie, T. (2005). Journal of the Royal Statistical Society B 67, 301-320.
    Doudchenko, N. and Imbens, G. (2016). Balancing, regression, difference-in-differences and
    synthetic control methods: a synthesis. NBER working paper 22791.
    Bergmeir, C. and Benitez, J. M. (2012). On the use of cross-validation for time series
    predictor evaluation. Information Sciences 191, 192-213.
    """

    name = "elastic-net"
    needs_benchmark = False
    needs = Needs(benchmark=False, donors=True)
    n_params = 1
    loading_names = ("donors", "pool", "rmspe", "held_out", "penalty", "mixing")
    parallel_from = 60

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs

    def fit_one(self, one: OneTask) -> OneFit:
        """Fit one observation.

        Returns
        -------
        OneFit
        """
        used, pool = usable_donors(one)
        count = int(used.sum())
        if count < FEWEST_SESSIONS:
            return unfitted(one, count, f"{count} usable sessions; {FEWEST_SESSIONS} are needed")
        if not pool.any():
            return unfitted(one, count, NO_DONOR)
        moves: Bools = np.ptp(one.donors[used][:, pool], axis=0) > 0
        pool[pool] = moves
        y, x = one.y[used], one.donors[used][:, pool]
        if not (pool.any() and np.ptp(y) > 0):
            return unfitted(one, count, "neither the returns nor the donors' may stand still")
        center, spread = x.mean(axis=0), x.std(axis=0)
        found = _cross_validated(y, (x - center) / spread)
        if found is None:
            return unfitted(one, count, "the elastic net did not converge")
        slopes = found.coef_ / spread
        alpha = float(found.intercept_ - slopes @ center)
        residuals = np.full(len(one.y), np.nan)
        residuals[used] = y - alpha - x @ slopes
        return OneFit(
            ar=one.y_event - alpha - one.donors_event[:, pool] @ slopes,
            variance=np.full(len(one.y_event), np.nan),
            residuals=residuals,
            n_used=count,
            s2=float(np.nansum(residuals**2)) / (count - self.n_params),
            alpha=alpha,
            loadings={
                "donors": float((slopes != 0).sum()),
                "pool": float(pool.sum()),
                "rmspe": float(np.sqrt(np.nanmean(residuals**2))),
                "held_out": float(np.sqrt(found.mse_path_.mean(axis=-1).min())),
                "penalty": float(found.alpha_),
                "mixing": float(found.l1_ratio_),
            },
        )


def usable_donors(one: OneTask) -> tuple[Bools, Bools]:
    """Return the usable sessions and the donors that have returns in all of them.

    A session is usable where the series has a return and some donor has one; a donor is
    used where it has a return in every usable session and every session of the event window.

    Returns
    -------
    sessions : ndarray, shape (M,), bool
    donors : ndarray, shape (D,), bool
    """
    present = np.isfinite(one.donors)
    used = np.isfinite(one.y) & present.any(axis=1)
    before: Bools = np.logical_and.reduce(present[used], axis=0)
    during: Bools = np.logical_and.reduce(np.isfinite(one.donors_event), axis=0)
    return used, before & during if used.any() else np.zeros_like(during)


def simplex_weights(y: Floats, x: Floats) -> Floats:
    """Return the w >= 0 with sum one that minimises |y - X w|^2.

    With P the matrix of columns y - x_j, y - X w = P w on the simplex. For u = s w with
    s >= 0, |P u|^2 + (sum u - 1)^2 is least in s at s = 1 / (1 + |P w|^2), where it equals
    |P w|^2 / (1 + |P w|^2), which grows with |P w|^2: so non-negative least squares of
    [P; 1'] on (0, .., 0, 1) finds the same w up to s. An active-set method solves that
    exactly in finitely many steps, after which w is solved anew on its support.

    Parameters
    ----------
    y : ndarray, shape (M,)
    x : ndarray, shape (M, D)

    Returns
    -------
    ndarray, shape (D,)

    Raises
    ------
    RuntimeError
        Where the active set does not settle.

    References
    ----------
    Lawson, C. and Hanson, R. (1974). Solving Least Squares Problems, ch. 23.
    """
    from scipy.optimize import nnls

    p = y[:, None] - x
    scale = np.sqrt(np.mean(p**2) * len(y))
    if not scale > 0:
        return np.full(x.shape[1], 1.0 / x.shape[1])
    target = np.zeros(len(y) + 1)
    target[-1] = 1.0
    u, _ = nnls(np.vstack([p / scale, np.ones(x.shape[1])]), target)
    return _polished(p / scale, u / u.sum())


def _polished(p: Floats, w: Floats) -> Floats:
    """Solve min |P w|^2 with sum one on the support of w; keep w where that leaves it."""
    support = w > 0
    q = p[:, support]
    k = q.shape[1]
    if k == 1:
        return support.astype(float)
    base = q[:, -1]
    free, *_ = np.linalg.lstsq(q[:, :-1] - base[:, None], -base, rcond=None)
    exact = np.append(free, 1.0 - free.sum())
    if (exact < 0).any():
        return w
    polished = np.zeros_like(w)
    polished[support] = exact
    return polished


def _condition(y: Floats, x: Floats) -> float:
    """Return the condition number of the gaps y - x_j, each with the weights' sum below it.

    Not of X itself: donors that are linearly dependent may still have one answer.
    """
    gaps = y[:, None] - x
    rows = np.vstack([gaps / max(float(np.linalg.norm(gaps)), TINY), np.ones(x.shape[1])])
    singular = np.linalg.svd(rows / np.linalg.norm(rows, axis=0), compute_uv=False)
    return float(singular[0] / singular[-1]) if singular[-1] > 0 else float("inf")


def contiguous_folds(count: int, folds: int = FOLDS) -> list[tuple[npt.NDArray[np.int64], ...]]:
    """Return (fitted, held out) sessions of contiguous blocks.

    Parameters
    ----------
    count : int
        Sessions.
    folds : int
        Blocks.
    """
    every = np.arange(count)
    return [(np.setdiff1d(every, block), block) for block in np.array_split(every, folds)]


def _cross_validated(y: Floats, z: Floats) -> Any:
    """Return scikit-learn's elastic net with its penalty chosen; None without convergence."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import ElasticNetCV

    # At unit variance, so that the numbers do not depend on the unit of the returns.
    unit = float(y.std())
    net = ElasticNetCV(
        l1_ratio=list(MIXING), alphas=PENALTIES, cv=contiguous_folds(len(y)),
        tol=1e-8, max_iter=100_000, precompute=False,
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(z, y / unit)
    if any(issubclass(w.category, ConvergenceWarning) for w in caught):
        return None
    net.coef_, net.intercept_ = net.coef_ * unit, net.intercept_ * unit
    net.mse_path_ = net.mse_path_ * unit**2
    return net
