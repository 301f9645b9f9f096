"""Calendar-time portfolio test of short windows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eventstudy.significance.contract import SignificanceTest, Verdict, student
from eventstudy.significance.parametric import mean_t
from eventstudy.significance.sample import FEWEST_SHARED, Sample, on_sessions

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class CalendarPortfolio(SignificanceTest):
    """Mean standardised return of the portfolio that holds events in their window.

    A calendar session on which k >= 1 events are inside their window has the portfolio of
    those k, equally weighted; its abnormal return is divided by that portfolio's own
    standard deviation, sqrt(sum e_p^2 / (m - d)), e_p being the mean residual of the same k
    over the m estimation sessions that all of them have (at least 30, else the session has no
    number and is left out). The C standardised returns are one observation each:
    mean / (s / sqrt(C)), t with C - 1 degrees of freedom. Sessions count alike, however many
    events they hold. The error of the estimated parameters is left out of the standard
    deviation, which is of the order L / M.

    The statistic takes its variance from the C sessions, so that event-induced variance is
    allowed; with one session there is no number.

    References
    ----------
    Jaffe, J. (1974). Special information and insider trading. Journal of Business 47, 410-428.
    Mandelker, G. (1974). Risk and return: the case of merging firms. Journal of Financial
    Economics 1, 303-335.
    """

    name = "calendar_portfolio"
    assumptions = (
        "abnormal returns independent over calendar sessions; any dependence within a session"
    )
    source = "Jaffe 1974; Mandelker 1974"
    independent_events = False
    no_value = "no value: fewer than two calendar sessions, or they do not vary"

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return t for each window."""
        series = [standardised_portfolio(sample, mask) for mask in masks]
        t = np.array([mean_t(z[:, None])[0] if len(z) > 1 else np.nan for z in series])
        dof = np.array([max(len(z) - 1, 1) for z in series])
        return student(t, dof)

    def caveat(self, sample: Sample, mask: Floats) -> str:
        """Say where calendar sessions are few or left out."""
        held = len(_held(sample, mask)[0])
        valued = len(standardised_portfolio(sample, mask))
        found = [super().caveat(sample, mask), *session_doubts(valued, held, self.comfortable)]
        return "; ".join(filter(None, found))


def session_doubts(valued: int, held: int, comfortable: int) -> list[str]:
    """Say where calendar sessions with a number are few, or fewer than those with events."""
    found = []
    if 1 < valued < comfortable:
        found.append(f"only {valued} calendar sessions")
    if valued < held:
        found.append(
            f"{held - valued} of {held} calendar sessions left out: their events share fewer "
            f"than {FEWEST_SHARED} estimation sessions"
        )
    return found


def standardised_portfolio(sample: Sample, mask: Floats) -> Floats:
    """Return the portfolio's standardised returns by calendar session, in their order.

    Parameters
    ----------
    sample : Sample
    mask : ndarray, shape (L,)
        Days of the window.

    Returns
    -------
    ndarray, shape (C,)
        Without the sessions whose events share too few estimation sessions.
    """
    return sample.kept("portfolio", mask[None, :], lambda w: (_standardised(sample, w[0]),))[0]


def _standardised(sample: Sample, mask: Floats) -> Floats:
    sessions, which, event, returns = _held(sample, mask)
    counts = np.bincount(which, minlength=len(sessions))
    mean = np.bincount(which, weights=returns) / counts
    deviation = np.empty(len(sessions))
    alone = counts[which] == 1
    deviation[which[alone]] = sample.sigma[event[alone]]
    if not alone.all():
        order = np.argsort(which, kind="stable")
        starts = np.concatenate([[0], np.cumsum(counts)])
        grid, used = on_sessions(sample.residuals, sample.estimation_rows)
        known: dict[bytes, float] = {}
        for c in np.flatnonzero(counts > 1):
            members = event[order[starts[c] : starts[c + 1]]]
            key = members.tobytes()
            if key not in known:
                known[key] = _deviation(grid[members], used[members], sample.n_params)
            deviation[c] = known[key]
    valued = np.isfinite(deviation)
    found: Floats = mean[valued] / deviation[valued]
    return found


def _held(sample: Sample, mask: Floats) -> tuple[Ints, Ints, Ints, Floats]:
    """Return calendar sessions and, an event day each: session, event, abnormal return."""
    days = np.flatnonzero(mask > 0)
    sessions, which = np.unique(sample.positions[:, None] + days, return_inverse=True)
    event = np.repeat(np.arange(len(sample)), len(days))
    return sessions, which.ravel(), event, sample.ar[:, days].ravel()


def _deviation(grid: Floats, used: Floats, n_params: int) -> float:
    """Return the standard deviation of equally weighted residuals over shared sessions."""
    shared = used.all(axis=0)
    count = int(shared.sum())
    if count < max(FEWEST_SHARED, n_params + 1):
        return float("nan")
    portfolio = grid[:, shared].mean(axis=0)
    return float(np.sqrt((portfolio**2).sum() / (count - n_params)))
