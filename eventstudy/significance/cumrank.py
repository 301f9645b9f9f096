"""Cumulated-rank test of CARs whose windows share some or all of their sessions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eventstudy.significance.contract import SpreadTest, Verdict, normal
from eventstudy.significance.corrado import NULL, restandardised_scores
from eventstudy.significance.sample import Sample, paired_correlations

Floats = npt.NDArray[np.float64]


class Cumrank(SpreadTest):
    """Sum of ranks over the window, its variance with the correlation of shared sessions.

    U_it = midrank / (1 + T_i) - 1/2 of standardised abnormal returns over the estimation
    window and the hull of all windows. The cumulated rank of an event, C_i = sum of U_it over
    the window's L days, has exactly the variance ``v_i = L (T_i - L) / (12 (T_i + 1))``. ::

        z = sum_i C_i / sqrt(sum_i v_i + sum_{i != j} w_ij q_ij sqrt(v_i v_j))

    standard normal; w_ij is the share of the window's sessions that two events have in
    common, q_ij the correlation of their ranks of the estimation window over shared sessions
    (at least 30, else 0). On one date this is 1 + (N - 1) q times the independent variance;
    without a shared session it is the independent variance.

    Event days are first divided by their standard deviation across events, as in
    `corrado_zivney`, here s / sqrt(1 - r): s^2 estimates (1 - r) of the variance where the
    events of a day correlate, r being the mean correlation of `kolari_pynnonen` for a day.

    Notes
    -----
    Derived from the variance of ranks drawn without replacement and the weights of
    partially shared windows; it follows the idea of the paper, and its formulas are not
    taken from it.

    References
    ----------
    Pynnonen, S. (2022). Non-parametric statistic for testing cumulative abnormal stock
    returns. Journal of Risk and Financial Management 15, 149.
    Kolari, J., Pape, B. and Pynnonen, S. (2018). Event study testing with cross-sectional
    correlation due to partially overlapping event windows.
    """

    name = "cumrank"
    null = NULL
    assumptions = (
        "ranks of one event independent over time; rank correlation of shared event sessions "
        "equals that of shared estimation sessions; event-induced variance allowed"
    )
    source = "after Pynnonen 2022; Kolari, Pape and Pynnonen 2018"
    independent_events = False
    needs_covariance = True

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return z for each window."""
        day = sample.mean_correlation(np.ones((1, 1)))[0]
        scores = restandardised_scores(sample, max(1.0 - day, 0.0) or np.nan)
        length = masks.shape[1]
        event = scores[:, -length:]
        lengths = masks.sum(axis=1)
        counts = np.isfinite(scores).sum(axis=1)[:, None]
        variance = lengths * (counts - lengths) / (12.0 * (counts + 1.0))
        total = np.array([event[:, mask > 0].sum() for mask in masks])
        covered = variance.sum(axis=0) + _covariances(
            sample, scores[:, :-length], lengths, variance
        )
        return normal(total / np.sqrt(np.where(covered > 0, covered, np.nan)))


def _covariances(sample: Sample, scores: Floats, lengths: Floats, variance: Floats) -> Floats:
    """Return sum_{i != j} w_ij q_ij sqrt(v_i v_j) for each window, shape (W,)."""
    found = np.zeros(len(lengths))
    if not sample.overlapping(lengths.max()):
        return found
    q = paired_correlations(scores, sample.estimation_rows)
    np.fill_diagonal(q, 0.0)
    for w, length in enumerate(lengths):
        deviation = np.sqrt(variance[:, w])
        found[w] = deviation @ (sample.shared(length) * q) @ deviation
    return found
