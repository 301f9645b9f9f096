"""What a study's placebo dates draw from, made once a model when a test first asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import Places, abnormal_returns, cumulate
from eventstudy.models import ModelFit, ReturnModel
from eventstudy.models.contract import iterates
from eventstudy.significance.history import Everywhere, History, remembered

if TYPE_CHECKING:
    from eventstudy.study.result import StudyResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MOST_REFITS = 200
"""Refits of one series by a model whose fit takes long: their p-value has a floor of 2/201."""

_MADE: WeakKeyDictionary[StudyResult, dict[str, Everywhere]] = WeakKeyDictionary()


def everywhere(study: StudyResult, model: ReturnModel) -> Everywhere:
    """Return a model refitted to every series of a study at every session with a hull.

    A model that iterates is refitted at most 200 times a series, at one session in k. A model
    that needs donors has, for each series, those that at least half of the events on it may
    use.
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


def _refitted(study: StudyResult, model: ReturnModel) -> Everywhere:
    frame = study.config.frame
    first = max(frame.min_estimation + frame.gap, -frame.hull[0])
    last = len(study.days) - frame.hull[1]
    step = max(1, -(-(last - first) // MOST_REFITS)) if iterates(model) else 1
    positions = np.arange(first, last, step, dtype=np.int64)
    masks = frame.masks(frame.all_windows)
    ar, usable, errors = [], [], []
    for fit in _series_fits(study, model, positions):
        ar.append(fit.ar)
        enough = fit.dof + fit.n_params >= frame.min_estimation
        usable.append(enough & np.isfinite(fit.ar).all(axis=1))
        errors.append(cumulate(fit.ar, fit.v, masks)[1])

    def asked(other: Floats) -> Floats:
        """Refit for windows that were not asked for: all of V takes too much room to keep."""
        fits = _series_fits(study, model, positions)
        return np.array([cumulate(fit.ar, fit.v, other)[1] for fit in fits])

    known = {mask.tobytes(): np.array(errors)[:, :, w] for w, mask in enumerate(masks)}
    keys = list(dict.fromkeys(_keys(study)))
    return Everywhere(
        ar=np.array(ar),
        usable=np.array(usable),
        positions=positions,
        first_day=frame.hull[0],
        columns=np.array([column for _, column in keys], dtype=np.int64),
        forbidden=np.array(
            [own_event_sessions(study, label) | study.panel.blocked[:, k] for label, k in keys]
        ),
        errors=remembered(asked, known),
        covariance=study.fits[model.name].fit.covariance,
        step=step,
    )


def _series_fits(study: StudyResult, model: ReturnModel, positions: Ints) -> Iterator[ModelFit]:
    """Yield the fits of each series at every position."""
    for column in range(study.panel.series.shape[1]):
        donors = study.places.donors[study.places.columns == column].mean(axis=0) >= 0.5
        places = Places(
            np.full(len(positions), column),
            positions,
            np.broadcast_to(donors, (len(positions), len(donors))),
        )
        frame = study.config.frame
        yield abnormal_returns(study.panel, places, model, frame, study.progress).fit


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
