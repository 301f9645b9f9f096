"""Market models whose error variance moves: GARCH(1,1) and EGARCH(1,1,1), by arch.

y_t = alpha + beta m_t + e_t with normal errors of conditional variance h_t, fitted by
maximum likelihood on the estimation window. The event window is standardised by the
variance forecast from its end: V = diag(h_t). The error of alpha and beta is left out of
it, so V is called approximate.

References
----------
Bollerslev, T. (1986). Generalized autoregressive conditional heteroskedasticity. Journal of
Econometrics 31, 307-327.
Nelson, D. B. (1991). Conditional heteroskedasticity in asset returns: a new approach.
Econometrica 59, 347-370.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from eventstudy.models.iterated import IteratedModel, OneFit, OneTask, judged, steps_ahead, unfitted
from eventstudy.models.linear import fit
from eventstudy.models.variance_paths import egarch_path, garch_path

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PERCENT = 100.0
"""The optimiser works on percent: likelihoods of decimals are ill scaled."""
ORDINARY = 10.0
"""Factor by which a spread may be off one percent before it is worked on in powers of ten of it."""
FEWEST_SESSIONS = 60
"""Fewest usable sessions with which a variance process is fitted."""
WORSE_BY = 0.1
"""Log likelihood by which a fit may fall short of the constant variance that it nests."""
LARGEST_RATIO = 100.0
"""Largest ratio, either way, of a forecast variance to the mean square residual."""
MORE_ITERATIONS = 500


@dataclass(frozen=True, slots=True)
class VarianceFit:
    """A fitted mean and variance process of one series, in percent or powers of ten of it.

    Attributes
    ----------
    alpha, beta : float
    process : ndarray, shape (p,)
        Parameters of the variance process, the constant first.
    residuals, variance : ndarray, shape (M,)
        Errors and conditional variances of the usable sessions.
    likelihood : float
    converged : bool
    """

    alpha: float
    beta: float
    process: Floats
    residuals: Floats
    variance: Floats
    likelihood: float
    converged: bool


class VarianceModel(IteratedModel):
    """A market model with a variance process.

    Residuals are raw (return units), not standardised by h_t: the tests rank and add them
    beside raw abnormal returns (``corrado``, ``sq``, ``time_series``, the sign tests), and
    both must be in one unit. So ``sq`` compares the event with calm and wild sessions alike;
    what is standardised by h_t is the event window alone. s^2 is the mean square residual on
    M - 2 degrees of freedom (d = 2: alpha and beta). There is no hat matrix: leverages are 0.

    Missing sessions of the estimation window are passed over: the variance goes from a
    usable session to the next. The forecast counts every session after the last usable one,
    the gap included.

    The optimiser works on percent, or where residuals are off that by more than a factor of
    ten, on the power of ten that brings them back: no answer rests on the unit of returns.

    The fit is arch's own where that converged, beats the constant variance that it nests,
    and forecasts variances within a factor of 100 of the mean square residual; else the
    likeliest fit from further starting values that does so; else the observation is not
    fitted (NaN, condition inf, and a reason).
    """

    n_params = 2
    covariance: Literal["approximate", "none"] = "approximate"
    volatility: Literal["GARCH", "EGARCH"]
    asymmetry: int = 0
    starts: tuple[tuple[float, ...], ...] = ()

    @abstractmethod
    def path(self, process: Floats, e: float, h: float, steps: Ints) -> Floats:
        """Return E[h] after so many steps from the last error and its variance, shape (L,)."""

    @abstractmethod
    def in_percent(self, process: Floats, factor: float) -> Floats:
        """Return a process of variances as that of variances times a factor."""

    @abstractmethod
    def constant(self, variance: float, start: tuple[float, ...]) -> float:
        """Return the constant with which a process has this variance in the long run."""

    def fit_one(self, one: OneTask) -> OneFit:
        """Fit one observation.

        Returns
        -------
        OneFit
        """
        used = np.isfinite(one.y) & np.isfinite(one.market)
        count = int(used.sum())
        if count < FEWEST_SESSIONS:
            return unfitted(one, count, f"{count} usable sessions; {FEWEST_SESSIONS} are needed")
        y, x = one.y[used], one.market[used]
        with np.errstate(invalid="ignore"):
            line = fit(y[None, :], np.stack([np.ones_like(x), x], axis=1)[None, :, :])
        if not np.isfinite(judged(line.condition)[0]):
            return unfitted(one, count, "")
        if not line.s2[0] > 0:
            return unfitted(one, count, "the returns do not vary about the market model")
        steps = steps_ahead(one, used)
        scale = scale_of(float(np.sqrt(line.s2[0])))
        start = line.params[0] * (scale, 1.0)
        chosen, why = self._chosen(scale * y, scale * x, start, steps)
        if chosen is None:
            return unfitted(one, count, f"{self.volatility} could not be fitted: {why}")
        return self._result(one, used, chosen, steps, scale, float(line.condition[0]))

    def _chosen(
        self, y: Floats, x: Floats, line: Floats, steps: Ints
    ) -> tuple[VarianceFit | None, str]:
        """Return arch's own fit, or the likeliest from other starting values, or why none."""
        why = ""
        sound: list[VarianceFit] = []
        for number, found in enumerate(self._fits(y, x, line)):
            fault = self._fault(found, y - line[0] - line[1] * x, steps)
            if not fault:
                if number == 0:
                    return found, ""
                sound.append(found)
            why = why or fault
        return max(sound, key=lambda found: found.likelihood, default=None), why

    def _fits(self, y: Floats, x: Floats, line: Floats) -> Iterator[VarianceFit]:
        """Yield the fit from arch's own starting values, then from further ones."""
        model = self._arch_model(y, x)
        yield _arch_fit(model, None)
        variance = float(np.mean((y - line[0] - line[1] * x) ** 2))
        for start in self.starts:
            yield _arch_fit(model, np.array([*line, self.constant(variance, start), *start]))

    def _arch_model(self, y: Floats, x: Floats) -> Any:
        from arch import arch_model

        return arch_model(
            y, x=x[:, None], mean="LS", vol=self.volatility,
            p=1, o=self.asymmetry, q=1, dist="normal", rescale=False,
        )  # fmt: skip

    def _fault(self, found: VarianceFit, residuals: Floats, steps: Ints) -> str:
        """Return why a fit cannot be used; empty where it can."""
        mean_square = float(np.mean(residuals**2))
        constant = -0.5 * len(residuals) * (np.log(2.0 * np.pi * mean_square) + 1.0)
        if not found.converged:
            return "the optimiser did not converge"
        if not found.likelihood >= constant - WORSE_BY:
            return "less likely than a constant variance"
        h = self.path(found.process, float(found.residuals[-1]), float(found.variance[-1]), steps)
        ratio = h / mean_square
        if not (np.isfinite(h).all() and ratio.max() < LARGEST_RATIO and ratio.min() > 0):
            return "the forecast variance explodes"
        if ratio.min() < 1.0 / LARGEST_RATIO:
            return "the forecast variance vanishes"
        return ""

    def _result(
        self, one: OneTask, used: npt.NDArray[np.bool_], found: VarianceFit, steps: Ints,
        scale: float, condition: float,
    ) -> OneFit:  # fmt: skip
        alpha, count = found.alpha / scale, int(used.sum())
        residuals = np.full(len(one.y), np.nan)
        residuals[used] = found.residuals / scale
        told = found.process
        if scale != PERCENT:
            told = self.in_percent(told, (PERCENT / scale) ** 2)
        h = self.path(found.process, float(found.residuals[-1]), float(found.variance[-1]), steps)
        return OneFit(
            ar=one.y_event - alpha - found.beta * one.market_event,
            variance=h / scale**2,
            residuals=residuals,
            n_used=count,
            s2=float(np.nansum(residuals**2)) / (count - self.n_params),
            alpha=alpha,
            beta=found.beta,
            condition=condition,
            loadings=dict(zip(self.loading_names, told.tolist(), strict=True)),
        )


class Garch(VarianceModel):
    """E[R] = alpha + beta R_m with GARCH(1,1) errors; V from the forecast variance.

    h_t = omega + a e_{t-1}^2 + b h_{t-1}, h_{T+k} = omega + (a + b) h_{T+k-1} for k > 1.

    `loadings`: ``omega`` (percent squared), ``arch`` (a) and ``garch`` (b).

    Parameters
    ----------
    jobs : int or None
        Workers; None = one a processor. The numbers are the same with any.

    References
    ----------
    Bollerslev, T. (1986). Journal of Econometrics 31, 307-327.
    """

    name = "garch"
    volatility = "GARCH"
    loading_names = ("omega", "arch", "garch")
    starts = ((0.05, 0.9), (0.1, 0.8), (0.2, 0.5), (0.02, 0.97), (0.3, 0.2))

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs

    def path(self, process: Floats, e: float, h: float, steps: Ints) -> Floats:
        """Return E[h]; see `garch_path`."""
        return garch_path(process, e, h, steps)

    def in_percent(self, process: Floats, factor: float) -> Floats:
        """Return the process with its omega times the factor."""
        found: Floats = process * np.array([factor, 1.0, 1.0])
        return found

    def constant(self, variance: float, start: tuple[float, ...]) -> float:
        """Return omega."""
        return (1.0 - sum(start)) * variance


class Egarch(VarianceModel):
    """E[R] = alpha + beta R_m with EGARCH(1,1,1) errors; V from the forecast variance.

    ln h_t = omega + a (|z_{t-1}| - sqrt(2/pi)) + g z_{t-1} + b ln h_{t-1}, z = e / sqrt(h):
    bad news may move the variance more than good news. E[h_{T+k}] is exact under normal
    errors, see `egarch_path`; nothing is simulated.

    `loadings`: ``omega`` (of log percent squared), ``arch`` (a), ``asymmetry`` (g) and
    ``garch`` (b).

    Parameters
    ----------
    jobs : int or None
        Workers; None = one a processor. The numbers are the same with any.

    References
    ----------
    Nelson, D. B. (1991). Econometrica 59, 347-370.
    """

    name = "egarch"
    volatility = "EGARCH"
    asymmetry = 1
    loading_names = ("omega", "arch", "asymmetry", "garch")
    starts = (
        (0.05, -0.05, 0.9),
        (0.1, 0.0, 0.8),
        (0.2, 0.0, 0.5),
        (0.1, -0.1, 0.97),
        (0.3, 0.0, 0.2),
        (0.05, 0.0, 0.0),
    )

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs

    def path(self, process: Floats, e: float, h: float, steps: Ints) -> Floats:
        """Return E[h]; see `egarch_path`."""
        return egarch_path(process, e, h, steps)

    def in_percent(self, process: Floats, factor: float) -> Floats:
        """Return the process with omega moved by (1 - b) ln(factor)."""
        moved: Floats = process + np.array([1.0, 0.0, 0.0, 0.0]) * (
            (1.0 - process[-1]) * np.log(factor)
        )
        return moved

    def constant(self, variance: float, start: tuple[float, ...]) -> float:
        """Return omega."""
        return float((1.0 - start[-1]) * np.log(variance))


def scale_of(spread: float) -> float:
    """Return what returns are multiplied by: 100, or times a power of ten where that is far off.

    Parameters
    ----------
    spread : float
        Standard deviation of the residuals, return units.
    """
    off = PERCENT * spread
    if 1.0 / ORDINARY <= off <= ORDINARY:
        return PERCENT
    return PERCENT / float(10.0 ** np.round(np.log10(off)))


def _arch_fit(model: Any, start: Floats | None) -> VarianceFit:
    """Fit by arch; an optimiser that stumbles has not converged."""
    options = {} if start is None else {"maxiter": MORE_ITERATIONS}
    try:
        with warnings.catch_warnings():
            # What the optimiser has to say is in its flag; every fit is judged afterwards.
            warnings.simplefilter("ignore")
            found = model.fit(
                starting_values=start, disp="off", show_warning=False, options=options or None
            )
    except (ValueError, ArithmeticError):
        blank = np.full(1, np.nan)
        return VarianceFit(np.nan, np.nan, blank, blank, blank, -np.inf, False)
    params = np.asarray(found.params, dtype=float)
    volatility = np.asarray(found.conditional_volatility, dtype=float)
    return VarianceFit(
        float(params[0]),
        float(params[1]),
        params[2:],
        np.asarray(found.resid, dtype=float),
        volatility**2,
        float(found.loglikelihood),
        found.convergence_flag == 0,
    )
