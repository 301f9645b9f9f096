"""Overlapping events estimated together, with one dummy for each event day.

The events of a chain (one series, one alignment, each window sharing a session with the next)
are one regression: its sessions are the union of their estimation windows without the union
of their event windows, and the union of their event windows with one dummy a session. A dummy
fits its session exactly, so that the other coefficients come from the estimation sessions
alone; hence

    AR = y2 - X2 b,   V = s^2 (I + X2 (X1'X1)^-1 X2'),   s^2 = e'e / (M - d),

X1 holding the M estimation sessions of the whole chain, are the dummies' coefficients and
their covariance, on the degrees of freedom of that regression. A session of two windows has
one dummy that belongs to both: their effects on it are not separately identified. Where the
events of a chain have different members (a spread without each one's subject), each has its own
series over the sessions of the chain.

The union reaches back as far as the first event's estimation window does. Where one event's
estimation window holds sessions of another's gap, they are used. An estimation window that
holds the window of an event that does not overlap is left as it is; see
``estimation_excludes``.

References
----------
Karafiath, I. (1988). Using dummy variables in the event methodology. Financial Review 23,
351-357.
Salinger, M. (1992). Value event studies. Review of Economics and Statistics 74, 671-677.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import AbnormalReturns, Panel, Places, model_task
from eventstudy.errors import StudyError
from eventstudy.models import LinearModel, ModelFit, ReturnModel
from eventstudy.models.adjusted import ReferenceAdjusted, ReferenceModel
from eventstudy.models.contract import Progress, needs_of, unwatched
from eventstudy.models.factor import FactorModel
from eventstudy.windows import Frame

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LINEAR = (LinearModel, FactorModel, ReferenceAdjusted, ReferenceModel)
"""Models that are one least-squares regression; only for these is a dummy exact."""


def require_linear(models: Sequence[ReturnModel]) -> None:
    """Refuse models that have no dummies.

    Raises
    ------
    StudyError
        Naming every model that is not a linear regression.
    """
    others = [model.name for model in models if not isinstance(model, LINEAR)]
    if others:
        raise StudyError(
            f"overlap joint needs a linear model, and {', '.join(others)} "
            f"{'is none' if len(others) == 1 else 'are none'}: take mean, market-adjusted, "
            "market, a factor model, adjusted: or industry:, or another overlap"
        )


def joint_sessions(chain: Sequence[int], frame: Frame) -> Ints:
    """Return the estimation sessions of a chain: those of all without all event windows.

    Parameters
    ----------
    chain : sequence of int
        Sessions 0, rows in the grid.
    frame : Frame

    Returns
    -------
    ndarray, int
        Rows in the grid, ascending; some may lie before it.
    """
    at = np.asarray(chain, dtype=np.int64)[:, None]
    return np.setdiff1d(at + frame.estimation_days, at + frame.days)


def estimated_together(
    found: AbnormalReturns,
    chains: Sequence[Sequence[int]],
    panel: Panel,
    places: Places,
    model: ReturnModel,
    frame: Frame,
    progress: Progress = unwatched,
) -> AbnormalReturns:
    """Return the fits with those of chains replaced by joint ones.

    Parameters
    ----------
    found : AbnormalReturns
        Each of the n observations estimated by itself.
    chains : sequence of n sequences of int
        Sessions 0 of the chain of each observation; one session 0 is no chain.
    panel : Panel
    places : Places
    model : ReturnModel
        A linear one.
    frame : Frame
    progress : callable

    Returns
    -------
    AbnormalReturns
        Residuals and leverages stand in each event's own estimation window, NaN on the
        sessions of another event's window; variance and degrees of freedom are those of the
        joint regression.
    """
    rows = np.array([i for i, chain in enumerate(chains) if len(chain) > 1], dtype=np.int64)
    if not len(rows):
        return found
    at = places.positions[rows]
    sessions = [joint_sessions(chains[i], frame) for i in rows]
    wide = _wide_frame(sessions, at, frame)
    taken = Places(places.columns[rows], at, places.donors[rows])
    task = model_task(panel, taken, needs_of(model), wide, progress)
    asked = at[:, None] + wide.estimation_days
    used = np.stack([np.isin(days, own) for days, own in zip(asked, sessions, strict=True)])
    fit = model.fit(replace(task, y=np.where(used, task.y, np.nan)))
    own = frame.estimation_days - wide.estimation_days[0]
    placed = replace(fit, residuals=fit.residuals[:, own], leverage=fit.leverage[:, own])
    return AbnormalReturns(_with_rows(found.fit, rows, placed), found.positions, found.columns)


def _wide_frame(sessions: Sequence[Ints], positions: Ints, frame: Frame) -> Frame:
    """Return a frame whose estimation days hold every session asked for, from any position."""
    own = frame.estimation_days
    away = [s - position for s, position in zip(sessions, positions, strict=True)]
    first = min(int(own[0]), *(int(a[0]) for a in away))
    last = max(int(own[-1]), *(int(a[-1]) for a in away))
    return replace(frame, estimation=last - first + 1, gap=-last - 1)


def _with_rows(fit: ModelFit, rows: Ints, other: ModelFit) -> ModelFit:
    """Return a fit with some of its observations replaced."""

    def put(values: Floats, new: Floats) -> Floats:
        filled = values.copy()
        filled[rows] = new
        return filled

    dof = fit.dof.copy()
    dof[rows] = other.dof
    loadings: Mapping[str, Floats] = {
        name: put(values, other.loadings[name]) for name, values in fit.loadings.items()
    }
    return replace(
        fit,
        ar=put(fit.ar, other.ar),
        v=put(fit.v, other.v),
        residuals=put(fit.residuals, other.residuals),
        leverage=put(fit.leverage, other.leverage),
        s2=put(fit.s2, other.s2),
        dof=dof,
        alpha=put(fit.alpha, other.alpha),
        beta=put(fit.beta, other.beta),
        condition=put(fit.condition, other.condition),
        loadings=loadings,
    )
