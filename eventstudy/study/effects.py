"""Mean effects with intervals, and the power that a sample had."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.significance import Sample

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
POWER = 0.80
ROUNDING = 1e-14


@dataclass(frozen=True, slots=True)
class Effects:
    """Mean CARs of one sample over W windows.

    Attributes
    ----------
    caar, se : ndarray, shape (W,)
    lo, hi : ndarray, shape (W,)
        95% interval.
    mde : ndarray, shape (W,)
        Smallest mean CAR that a two-sided 5% test finds with 80% probability.
    """

    caar: Floats
    se: Floats
    lo: Floats
    hi: Floats
    mde: Floats


def group_effects(sample: Sample, masks: Floats) -> Effects:
    """Return CAARs with their standard errors.

    For N events the standard error is s_CAR / sqrt(N), widened by
    ``sqrt((1 + (N - 1) r) / (1 - r))`` for cross-correlation where r is positive; t with
    N - 1 degrees of freedom. For one event, or several on one session and one series, it is
    the forecast error, t with M - d.

    The smallest effect found with 80% probability is
    ``(t_0.975 + t_0.80) se`` (Bloom 1995, Evaluation Review 19, 547-556).

    Parameters
    ----------
    sample : Sample
    masks : ndarray, shape (W, L)

    Returns
    -------
    Effects
    """
    car, forecast_error = sample.cars(masks)
    n = len(sample)
    caar = car.mean(axis=0)
    if _one_observation(sample):
        return effects_from(caar, forecast_error[0], int(sample.dof[0]))
    se = car.std(axis=0, ddof=1) / np.sqrt(n) * widening(sample.mean_correlation(masks), n)
    return effects_from(caar, se, n - 1)


def effects_from(caar: Floats, se: Floats, dof: int) -> Effects:
    """Return means with their intervals, and the effects that could be found, shapes (W,)."""
    from scipy.special import stdtrit

    reach = stdtrit(dof, 0.5 + LEVEL / 2.0)
    return Effects(
        caar, se, caar - reach * se, caar + reach * se, (reach + stdtrit(dof, POWER)) * se
    )


def _one_observation(sample: Sample) -> bool:
    """Return whether all events are one: coinciding events on one series."""
    return bool(sample.n_dates == 1 and np.ptp(sample.ar, axis=0).max() <= ROUNDING)


def widening(r: Floats, n: int) -> Floats:
    """Return the factor by which cross-correlation widens a standard error, at least 1."""
    r = np.clip(r, 0.0, 0.99)
    return np.sqrt((1.0 + (n - 1) * r) / (1.0 - r))
