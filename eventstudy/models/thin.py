"""Market models for thin trading: a beta put together from leads and lags of the market.

Prices of a thinly traded security lag the market's, so its simple beta is too small. Both
models here measure beta over neighbouring sessions and then forecast with it:

    AR_t = y_t - alpha - beta m_t,   alpha = mean(y) - beta mean(m)
    V = s^2 (I + 11'/M),   s^2 = sum AR_t^2 / (M - 2) over the estimation window

V takes the error of alpha into account, that of beta not: it is called approximate.

References
----------
Scholes, M. and Williams, J. (1977). Estimating betas from nonsynchronous data. Journal of
Financial Economics 5, 309-327.
Dimson, E. (1979). Risk measurement when shares are subject to infrequent trading. Journal of
Financial Economics 7, 197-226.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from eventstudy.errors import StudyError
from eventstudy.models.contract import ModelTask, Needs
from eventstudy.models.iterated import ExplainedFit, judged
from eventstudy.models.linear import fit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

N_PARAMS = 2
"""alpha and the aggregated beta."""
LONGEST_REACH = 10


class ScholesWilliams:
    """E[R] = alpha + beta R_m, beta = (b- + b + b+) / (1 + 2 rho).

    b-, b and b+ are slopes of three simple regressions of the returns on the market's
    return one session earlier, in the same session and one session later; rho is the
    correlation of the market's return with that of the session before. alpha is
    mean(y) - beta mean(m) over the sessions t = 2 .. T-1 of the paper. Here these are the
    usable sessions of the estimation window; the sessions on its two sides lend the market
    returns of t = 1 and t = T, so no session is lost. A session counts where the return and
    all three market returns are there, for every sum alike.

    `loadings`: ``lag1``, ``same``, ``lead1`` (the three slopes) and ``rho``. An observation
    with 1 + 2 rho <= 0 is not fitted.

    References
    ----------
    Scholes, M. and Williams, J. (1977). Journal of Financial Economics 5, 309-327.
    """

    name = "scholes-williams"
    needs_benchmark = True
    needs = Needs(reach=1)

    def fit(self, task: ModelTask) -> ExplainedFit:
        """Fit on the estimation window and forecast the event window.

        Parameters
        ----------
        task : ModelTask
            Of n observations, with `shifted`.

        Returns
        -------
        ExplainedFit
        """
        used = _usable(task)
        lag, same, lead = (task.shifted[:, :, k] for k in range(3))
        slopes = [_line(task.y, x, used) for x in (lag, same, lead)]
        rho = _correlation(same, lag, used)
        denominator = 1.0 + 2.0 * rho
        sane = denominator > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            beta = sum(b for b, _ in slopes) / denominator
        condition = judged(np.max([c for _, c in slopes], axis=0))
        beta = np.where(sane & np.isfinite(condition), beta, np.nan)
        faulty = np.isfinite(condition) & ~sane
        reasons = tuple(
            f"the market's returns are autocorrelated by {r:.2f}: 1 + 2 rho is not positive"
            if bad
            else ""
            for r, bad in zip(rho, faulty, strict=True)
        )
        loadings = dict(zip(("lag1", "same", "lead1"), (b for b, _ in slopes), strict=True))
        return _forecast(
            task, used, beta, np.where(sane, condition, np.inf), loadings | {"rho": rho}, reasons
        )


class Dimson:
    """E[R] = alpha + beta R_m, beta = the sum of the slopes on k leads and lags of the market.

    One multiple regression on the market's returns of sessions t - k .. t + k. Degrees of
    freedom are M - 2, as of a model with alpha and one beta. Fowler and Rorke (1983) show
    that the plain sum is not consistent where the market's observed returns are
    autocorrelated, and weight the slopes: for k = 1 the lead and the lag by
    (1 + rho_1) / (1 + 2 rho_1). Their weights are not applied here: they are one for an
    index whose returns are not autocorrelated, and `ScholesWilliams` is consistent where
    they are.

    `loadings`: ``lag1``, ``same``, ``lead1`` and so on (the slopes).

    Parameters
    ----------
    k : int
        Leads and lags, in sessions.

    Raises
    ------
    StudyError
        Where k is not a whole number from 1 to 10.

    References
    ----------
    Dimson, E. (1979). Journal of Financial Economics 7, 197-226.
    Fowler, D. and Rorke, C. H. (1983). Risk measurement when shares are subject to infrequent
    trading: comment. Journal of Financial Economics 12, 279-283.
    """

    needs_benchmark = True

    def __init__(self, k: int = 1) -> None:
        if isinstance(k, bool) or k != int(k) or not 1 <= k <= LONGEST_REACH:
            raise StudyError(
                f"model dimson: {k} leads and lags: give a whole number from 1 to {LONGEST_REACH}"
            )
        self.k = int(k)
        self.name = "dimson" if k == 1 else f"dimson:{k}"
        self.needs = Needs(reach=self.k)

    def __repr__(self) -> str:
        return f"Dimson({self.k})"

    @classmethod
    def parse(cls, argument: str) -> Dimson:
        """Return the model of ``dimson:argument``.

        Raises
        ------
        StudyError
            Where the argument is no whole number from 1 to 10.
        """
        if not argument.strip().isdecimal():
            raise StudyError(
                f"model 'dimson:{argument}': write dimson:k with k leads and lags, a whole "
                f"number from 1 to {LONGEST_REACH}"
            )
        return cls(int(argument))

    def fit(self, task: ModelTask) -> ExplainedFit:
        """Fit on the estimation window and forecast the event window.

        Parameters
        ----------
        task : ModelTask
            Of n observations, with `shifted`.

        Returns
        -------
        ExplainedFit
        """
        used = _usable(task)
        ones = np.ones((*task.y.shape, 1))
        with np.errstate(invalid="ignore"):
            fitted = fit(task.y, np.concatenate([ones, task.shifted], axis=2))
        condition = judged(fitted.condition)
        slopes = np.where(np.isfinite(condition)[:, None], fitted.params[:, 1:], np.nan)
        steps = range(-self.k, self.k + 1)
        loadings = {_step_name(step): slopes[:, i] for i, step in enumerate(steps)}
        reasons = ("",) * len(task.y)
        return _forecast(task, used, slopes.sum(axis=1), condition, loadings, reasons)


def _step_name(step: int) -> str:
    return "same" if step == 0 else f"{'lag' if step < 0 else 'lead'}{abs(step)}"


def _usable(task: ModelTask) -> Bools:
    """Return the sessions with a return and all the market returns around it, shape (n, M)."""
    usable: Bools = np.isfinite(task.y) & np.isfinite(task.shifted).all(axis=2)
    return usable


def _line(y: Floats, x: Floats, used: Bools) -> tuple[Floats, Floats]:
    """Return the slope of a simple regression and its condition number, shapes (n,)."""
    with np.errstate(invalid="ignore"):
        found = fit(np.where(used, y, np.nan), np.stack([np.ones_like(x), x], axis=2))
    return found.params[:, 1], found.condition


def _mean(values: Floats, used: Bools) -> Floats:
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(used, values, 0.0).sum(axis=1) / used.sum(axis=1)
    return mean


def _correlation(one: Floats, other: Floats, used: Bools) -> Floats:
    a = np.where(used, one - _mean(one, used)[:, None], 0.0)
    b = np.where(used, other - _mean(other, used)[:, None], 0.0)
    with np.errstate(invalid="ignore"):
        r: Floats = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return r


def _forecast(
    task: ModelTask,
    used: Bools,
    beta: Floats,
    condition: Floats,
    loadings: Mapping[str, Floats],
    reasons: tuple[str, ...],
) -> ExplainedFit:
    """Forecast with an aggregated beta; see the module's formulas."""
    reach = task.shifted.shape[2] // 2
    market, market_event = task.shifted[:, :, reach], task.shifted_event[:, :, reach]
    alpha = _mean(task.y, used) - beta * _mean(market, used)
    residuals = np.where(used, task.y - alpha[:, None] - beta[:, None] * market, np.nan)
    count = used.sum(axis=1)
    dof = count - N_PARAMS
    length = task.y_event.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = np.where(used, residuals, 0.0) ** 2
        s2 = np.where(dof > 0, squares.sum(axis=1) / dof, np.nan)
        share = np.where(count > 0, 1.0 / count, np.nan)
    return ExplainedFit(
        ar=task.y_event - alpha[:, None] - beta[:, None] * market_event,
        v=s2[:, None, None] * (np.eye(length) + share[:, None, None]),
        residuals=residuals,
        leverage=np.where(used, share[:, None], np.nan),
        s2=s2,
        dof=dof.astype(np.int64),
        n_params=N_PARAMS,
        alpha=alpha,
        beta=beta,
        condition=condition,
        covariance="approximate",
        loadings=loadings,
        reasons=reasons,
    )
