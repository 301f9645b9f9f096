"""Rank tests over event days: Corrado, and Corrado and Zivney."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.significance.contract import SignificanceTest, SpreadTest, Verdict, normal
from eventstudy.significance.midranks import uniform_scores
from eventstudy.significance.sample import Sample, spread

Floats = npt.NDArray[np.float64]

NULL = "abnormal returns of event days rank no higher than others"


class Corrado(SignificanceTest):
    """Rank test over event days and windows.

    U = midrank / (1 + T_i) - 1/2 over the estimation window and the hull of all windows,
    K_t = N_t^(-1/2) sum_i U_it, s^2 = mean K_t^2 over all T sessions; a day: K_0 / s, a
    window: sum K_t / (sqrt(L) s); standard normal.
    """

    name = "corrado"
    null = NULL
    assumptions = (
        "ranks independent over time; no event-induced variance; cross-correlation is in s"
    )
    source = "Corrado 1989; Cowan 1992; Corrado and Zivney 1992"
    independent_events = False
    independent_days = True

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return z for each window."""
        return normal(_rank_z(sample.scores, masks))


class CorradoZivney(SpreadTest):
    """`corrado` on standardised abnormal returns, event days first divided by their spread.

    The standardised abnormal returns of an event day (over their forecast errors) are
    divided by their standard deviation across events, so that a day on which every variance
    rises ranks no higher for it. Residuals of the estimation window are over their standard
    deviation, which leaves their ranks alone.
    """

    name = "corrado_zivney"
    null = NULL
    assumptions = (
        "ranks independent over time; event-induced variance allowed; cross-correlation is in s"
    )
    source = "Corrado and Zivney 1992; Cowan 1992"
    independent_events = False
    independent_days = True
    needs_covariance = True

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return z for each window."""
        return normal(_rank_z(restandardised_scores(sample), masks))


def restandardised_scores(sample: Sample, unbiased: Floats | float = 1.0) -> Floats:
    """Return uniform scores after event days are divided by their spread, shape (N, M + L).

    Parameters
    ----------
    sample : Sample
    unbiased : ndarray, shape (L,), or float
        What the cross-sectional variance of a day is divided by.
    """
    event = sample.sars / (spread(sample.sars) / np.sqrt(unbiased))
    return uniform_scores(np.hstack([sample.standardised_residuals, event]))


def _rank_z(scores: Floats, masks: Floats) -> Floats:
    """Return sum K_t / (sqrt(L) s) over each window, shape (W,)."""
    return rank_z(mean_scores(scores), masks)


def mean_scores(scores: Floats) -> Floats:
    """Return K_t = N_t^(-1/2) sum_i U_it of each session, shape (T,), from (N, T) scores.

    NaN where no event has the session.
    """
    present = np.isfinite(scores)
    return over_root(np.where(present, scores, 0.0).sum(axis=0), present.sum(axis=0))


def over_root(total: Floats, count: npt.NDArray[Any]) -> Floats:
    """Return sums of scores over the roots of their numbers, shape (T,); NaN for no number."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, total / np.sqrt(count), np.nan)


def rank_z(k: Floats, masks: Floats) -> Floats:
    """Return sum K_t / (sqrt(L) s) over each window, shape (W,), s^2 the mean of all K_t^2.

    Parameters
    ----------
    k : ndarray, shape (M + L,)
        K_t, the days of the hull last.
    masks : ndarray, shape (W, L)
    """
    s = np.sqrt((k[np.isfinite(k)] ** 2).mean())
    event = k[len(k) - masks.shape[1] :]
    sums = masks @ np.where(np.isfinite(event), event, 0.0)
    valued = masks @ ~np.isfinite(event) == 0
    found: Floats = np.where(valued, sums, np.nan) / (np.sqrt(masks.sum(axis=1)) * s)
    return found
