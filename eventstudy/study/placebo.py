"""What a study's placebo dates draw from, made once a model when a test first asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import Panel, Places, abnormal_returns, cumulate
from eventstudy.models import ModelFit, ReturnModel
from eventstudy.models.contract import Progress, iterates
from eventstudy.significance.history import Everywhere, History, remembered
from eventstudy.windows import Frame

if TYPE_CHECKING:
    from eventstudy.study.result import StudyResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MOST_REFITS = 200
"""Shifts for which a model whose fit takes long is refitted: its p has a floor of 2/200."""
DEAREST = 2.0
"""Refits, in multiples of `MOST_REFITS` a series, up to which each event's own are made."""

_MADE: WeakKeyDictionary[StudyResult, dict[str, Everywhere]] = WeakKeyDictionary()


def everywhere(study: StudyResult, model: ReturnModel) -> Everywhere:
    """Return a model refitted to every series of a study at every session with a hull.

    A model that iterates is refitted for at most 200 shifts of the calendar, one in k: at the
    sessions to which they move the events of a series, or, where that is more than twice 200
    refits a series on average, at one session in k, to which events are rounded. A model that
    needs donors has, for each series, those that at least half of the events on it may use.
    """
    made = _MADE.setdefault(study, {})
    if model.name not in made:
        made[model.name] = _refitted(study, model)
    return made[model.name]


def history_of(
    study: StudyResult, model: ReturnModel, rows: Ints, signs: Floats
) -> Callable[[], History]:
    """Return what gives the history of some observations when first asked.

    Parameters
    ----------
    study : StudyResult
    model : ReturnModel
    rows : ndarray, shape (N,), int
        Rows of the observations.
    signs : ndarray, shape (N,)
    """
    return cache(lambda: History(everywhere(study, model), names_of(study)[rows], signs))


def names_of(study: StudyResult) -> Ints:
    """Return the number of each observation's distinct (label, series) pair, shape (n,)."""
    keys = _keys(study)
    numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def _keys(study: StudyResult) -> list[tuple[str, int]]:
    columns = study.places.columns
    return [(o.label, int(k)) for o, k in zip(study.observations, columns, strict=True)]


@dataclass(frozen=True, slots=True)
class _Plan:
    """At which sessions a model is refitted.

    Attributes
    ----------
    positions : ndarray, shape (P,), int
        All sessions of the block, a whole number of steps; the last may lie beyond the grid.
    step : int
    rounded : bool
    places : sequence of K ndarrays, int
        For each series, which of the P.
    """

    positions: Ints
    step: int
    rounded: bool
    places: Sequence[Ints]


def _plan(study: StudyResult, model: ReturnModel) -> _Plan:
    frame, columns = study.config.frame, study.places.columns
    first = max(frame.min_estimation + frame.gap, -frame.hull[0])
    count = max(len(study.days) - frame.hull[1] - first, 0)
    step = max(1, -(-count // MOST_REFITS)) if iterates(model) else 1
    # Events a whole number of steps apart share their refits at shifts of whole steps.
    phase = (study.places.positions - first) % step
    phases = [np.unique(phase[columns == k]) for k in range(study.panel.series.shape[1])]
    rounded = step > 1 and float(np.mean([len(own) for own in phases])) > DEAREST
    if rounded:
        phases = [np.zeros(1, dtype=np.int64)] * len(phases)
    places = [np.flatnonzero(np.isin(np.arange(count) % step, own)) for own in phases]
    return _Plan(first + np.arange(-(-count // step) * step), step, rounded, places)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What refits draw on, without the study, under which they are kept as long as it lives."""

    panel: Panel
    places: Places
    frame: Frame
    progress: Progress


def _refitted(study: StudyResult, model: ReturnModel) -> Everywhere:
    frame, plan = study.config.frame, _plan(study, model)
    ground = _Ground(study.panel, study.places, frame, study.progress)
    masks = frame.masks(frame.all_windows)
    shape = len(plan.places), len(plan.positions)
    ar, usable = np.full((*shape, len(frame.days)), np.nan), np.zeros(shape, dtype=bool)
    errors = np.full((*shape, len(masks)), np.nan)
    for k, (at, fit) in enumerate(_series_fits(ground, model, plan)):
        ar[k, at] = fit.ar
        enough = fit.dof + fit.n_params >= frame.min_estimation
        usable[k, at] = enough & np.isfinite(fit.ar).all(axis=1)
        errors[k, at] = cumulate(fit.ar, fit.v, masks)[1]

    def asked(other: Floats) -> Floats:
        """Refit for windows that were not asked for: all of V takes too much room to keep."""
        found = np.full((*shape, len(other)), np.nan)
        for k, (at, fit) in enumerate(_series_fits(ground, model, plan)):
            found[k, at] = cumulate(fit.ar, fit.v, other)[1]
        return found

    known = {mask.tobytes(): errors[:, :, w] for w, mask in enumerate(masks)}
    keys = list(dict.fromkeys(_keys(study)))
    return Everywhere(
        ar=ar,
        usable=usable,
        positions=plan.positions,
        first_day=frame.hull[0],
        columns=np.array([column for _, column in keys], dtype=np.int64),
        forbidden=np.array(
            [own_event_sessions(study, label) | study.panel.blocked[:, k] for label, k in keys]
        ),
        errors=remembered(asked, known),
        covariance=study.fits[model.name].fit.covariance,
        step=plan.step,
        rounded=plan.rounded,
    )


def _series_fits(
    ground: _Ground, model: ReturnModel, plan: _Plan
) -> Iterator[tuple[Ints, ModelFit]]:
    """Yield, for each series, the places at which it is refitted, and the fits there."""
    for column, at in enumerate(plan.places):
        donors = ground.places.donors[ground.places.columns == column].mean(axis=0) >= 0.5
        places = Places(
            np.full(len(at), column),
            plan.positions[at],
            np.broadcast_to(donors, (len(at), len(donors))),
        )
        fits = abnormal_returns(ground.panel, places, model, ground.frame, ground.progress)
        yield at, fits.fit


def own_event_sessions(study: StudyResult, label: str) -> Bools:
    """Return the sessions inside the hull of any event that concerns a series, shape (S,).

    Every row of the calendar counts, context and events that were left out too, under every
    reading; a basket or spread is concerned by all of them.
    """
    forbidden = np.zeros(len(study.days), dtype=bool)
    first, last = study.config.frame.hull
    for event in study.events:
        tickers = study.events.baskets.resolve(event.tickers)
        if label.startswith("@") or label in tickers:
            for at in np.flatnonzero(np.isin(study.days, [event.same, event.next])):
                forbidden[max(at + first, 0) : at + last + 1] = True
    return forbidden
