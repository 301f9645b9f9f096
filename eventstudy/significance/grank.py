"""Generalised rank tests: the window collapses to one observation beside the residuals."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.significance.contract import Facts, SpreadTest, Verdict, normal, student
from eventstudy.significance.midranks import uniform_scores
from eventstudy.significance.sample import Sample, spread

Floats = npt.NDArray[np.float64]

NULL = "the standardised CAR ranks no higher than standardised residuals"


class GrankT(SpreadTest):
    """Z sqrt((T - 2) / (T - 1 - Z^2)), t with T - 2 degrees of freedom; T = M + 1.

    SCARs over their standard deviation across events join the M residuals over theirs;
    U = midrank / (T_i + 1) - 1/2, Z = mean U_0 / s_U, s_U^2 = (1 / T) sum_t (N_t / N) mean(U_t)^2
    over all T, the event's own among them; N_t events have a residual there.

    References
    ----------
    Kolari, J. and Pynnonen, S. (2011). Nonparametric rank tests for event studies. Journal
    of Empirical Finance 18, 953-971.
    """

    name = "grank_t"
    null = NULL
    assumptions = (
        "residuals like standardised CARs but for the event; event-induced variance allowed; "
        "cross-correlation is in s only where events share their date"
    )
    source = "Kolari and Pynnonen 2011"
    independent_events = False
    standardised = True

    def doubts(self, sample: Facts, length: float) -> str:
        """Say where windows share sessions that s does not know of, or dates are shared."""
        found = [super().doubts(sample, length)]
        if sample.n_dates < len(sample):
            found.append(
                "events of one date correlate, so that their spread is too small to divide by"
            )
        if sample.smallest_gap < length:
            found.append("windows overlap in part, and the cross-correlation of that is not in s")
        return "; ".join(filter(None, found))

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return t for each window."""
        rows = [_rank_t(scores) for scores in _generalised_scores(sample, masks)]
        used = int(np.isfinite(sample.residuals).any(axis=0).sum()) + 1
        return student(np.array(rows), used - 2)


class GrankZ(SpreadTest):
    """mean U_0 sqrt(12 N (T + 1) / (T - 1)), standard normal; U_0 and T as in `grank_t`.

    Where T_i differs by event: sum U_i0 / sqrt(sum (T_i - 1) / (12 (T_i + 1))).

    References
    ----------
    Kolari, J. and Pynnonen, S. (2011). Nonparametric rank tests for event studies. Journal
    of Empirical Finance 18, 953-971.
    """

    name = "grank_z"
    null = NULL
    assumptions = (
        "events independent; residuals like standardised CARs but for the event; "
        "event-induced variance allowed"
    )
    source = "Kolari and Pynnonen 2011"
    standardised = True

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return z for each window."""
        counts = np.isfinite(sample.residuals).sum(axis=1) + 1.0
        error = np.sqrt(((counts - 1.0) / (12.0 * (counts + 1.0))).sum())
        rows = [scores[:, -1].sum() for scores in _generalised_scores(sample, masks)]
        return normal(np.array(rows) / error)


def _generalised_scores(sample: Sample, masks: Floats) -> tuple[Floats, ...]:
    """Return uniform scores of M residuals and one SCAR for each window, (N, M + 1) each."""
    return sample.kept("generalised scores", masks, lambda w: _scores(sample, w))


def _scores(sample: Sample, masks: Floats) -> tuple[Floats, ...]:
    scar = sample.scars(masks)
    scaled = scar / spread(scar)
    residuals = sample.standardised_residuals
    return tuple(uniform_scores(np.hstack([residuals, one[:, None]])) for one in scaled.T)


def _rank_t(scores: Floats) -> float:
    """Return the GRANK t of one window."""
    if not np.isfinite(scores[:, -1]).all():
        return float("nan")
    present = np.isfinite(scores)
    return rank_t(np.where(present, scores, 0.0).sum(axis=0), present.sum(axis=0))


def rank_t(total: Floats, count: npt.NDArray[Any]) -> float:
    """Return the GRANK t of one window from sums of scores.

    Parameters
    ----------
    total, count : ndarray, shape (T,)
        Sums of the scores of each session, and how many there are; the event's own last.
    """
    used = count > 0
    mean = total[used] / count[used]
    t = int(used.sum())
    z = mean[-1] / np.sqrt((count[used] / count[-1] * mean**2).sum() / t)
    with np.errstate(divide="ignore"):
        return float(z * np.sqrt((t - 2) / np.maximum(t - 1 - z**2, 0.0)))
