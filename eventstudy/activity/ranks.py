"""Rank tests over events for measures that are correlated from session to session.

References
----------
Corrado, C. (1989). A nonparametric test for abnormal security-price performance in event
studies. Journal of Financial Economics 23, 385-395.
Campbell, C. and Wasley, C. (1996). Review of Quantitative Finance and Accounting 6, 309-326.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from eventstudy.activity.ratios import absolute_residuals
from eventstudy.significance.contract import SignificanceTest, Verdict, normal
from eventstudy.significance.corrado import mean_scores
from eventstudy.significance.sample import Sample

Floats = npt.NDArray[np.float64]


class SerialCorrado(SignificanceTest):
    """Corrado's rank test, the spread of a window's sum measured on sums of as many sessions.

    U and K_t as in `corrado`; a window of L sessions: sum K_t / s_L, s_L^2 the mean square of
    all sums of L consecutive K_t of the estimation window. `corrado` takes s_L to be
    sqrt(L) s, which is far too small for log volume.
    """

    name = "corrado_serial"
    null = "sessions of the event window rank no higher than others"
    assumptions = (
        "sums of L sessions alike in estimation and event window; cross-correlation and "
        "autocorrelation are in s_L; standard normal"
    )
    source = "Corrado 1989; Campbell and Wasley 1996; the spread of sums as in Gelbach et al. 2013"
    independent_events = False

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return z for each window."""
        k = mean_scores(sample.scores)
        split = len(k) - masks.shape[1]
        event = np.where(np.isfinite(k[split:]), k[split:], 0.0)
        spreads = [spread_of_sums(k[:split], int(mask.sum())) for mask in masks]
        return normal(masks @ event / np.array(spreads))


class RankAbsolute(SerialCorrado):
    """`corrado_serial` on absolute standardised abnormal returns; see `absolute`.

    Ranks of absolute values are those of squares.
    """

    name = "rank_absolute"
    null = "absolute abnormal returns of event days rank no higher than others"
    assumptions = (
        "sessions alike but for the event: a stormy month around it counts as variance; "
        "cross-correlation and autocorrelation are in s_L; standard normal"
    )
    source = "Corrado 1989 on Beaver's U; compare Rohrbach and Chandra 1989"


def spread_of_sums(values: Floats, length: int) -> float:
    """Return the root mean square of all sums of `length` consecutive values; NaN for none.

    Parameters
    ----------
    values : ndarray, shape (M,)
        Missing ones are closed up.
    length : int
    """
    kept = values[np.isfinite(values)]
    if len(kept) < length:
        return np.nan
    sums = np.lib.stride_tricks.sliding_window_view(kept, length).sum(axis=1)
    return float(np.sqrt((sums**2).mean()))


def absolute(sample: Sample, leverage: Floats, s2: Floats) -> Sample:
    """Return the sample with every day's absolute value over its own standard deviation.

    Event days |AR| / sqrt(V_tt), residuals |e| / sqrt(s^2 (1 - h)).

    Parameters
    ----------
    sample : Sample
    leverage : ndarray, shape (N, M)
    s2 : ndarray, shape (N,)
    """
    residuals = absolute_residuals(sample.residuals, leverage, s2)
    return replace(sample, ar=np.abs(sample.sars), residuals=residuals)
