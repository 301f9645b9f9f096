"""Placebo in space: what securities that an event does not concern did on its date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import abnormal_returns, cumulate
from eventstudy.models import ModelFit, ReturnModel
from eventstudy.models.contract import needs_of
from eventstudy.study.observed import Observation, Reading
from eventstudy.study.panel import make_panel

if TYPE_CHECKING:
    from eventstudy.study.result import StudyResult

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OtherSecurities:
    """Each observation beside the donors of its event on the same date.

    Attributes
    ----------
    own : ndarray, shape (n, W)
        SCAR; where `ratio`, CAR over the root mean square residual of the estimation window.
    drawn : ndarray, shape (n, D, W)
        The same of each donor, the model fitted to it at the same session. NaN for one that
        the event lists or the series holds, for one without a full window, and throughout
        for baskets and spreads.
    ratio : bool
    by_size : bool
        Whether the two-sided p-value ranks sizes: the ratio of Abadie, Diamond and
        Hainmueller has no sign.
    """

    own: Floats
    drawn: Floats
    ratio: bool
    by_size: bool


def other_securities(study: StudyResult, model: ReturnModel, masks: Floats) -> OtherSecurities:
    """Fit a model to every donor at the session 0 of every event.

    A model that is itself made of donors is fitted to each donor from the remaining ones,
    without the event's tickers.

    Parameters
    ----------
    study : StudyResult
    model : ReturnModel
    masks : ndarray, shape (W, L)

    References
    ----------
    Abadie, A., Diamond, A. and Hainmueller, J. (2010). Synthetic control methods for
    comparative case studies. Journal of the American Statistical Association 105, 493-505.
    """
    fitted = study.fits[model.name].fit
    donors = study.config.donors
    drawn = np.full((len(study.observations), len(donors), len(masks)), np.nan)
    pairs = _donor_observations(study)
    if pairs:
        table = study.prices.on_sessions(study.days)
        panel, places = make_panel(pairs, table, study.events, study.config)
        fit = abnormal_returns(panel, places, model, study.config.frame, study.progress).fit
        enough = fit.dof + fit.n_params >= study.config.frame.min_estimation
        values = np.where(enough[:, None], standardised(fit, masks), np.nan)
        place = {ticker: i for i, ticker in enumerate(donors)}
        rows = _rows_by_reading(study)
        for pair, value in zip(pairs, values, strict=True):
            drawn[rows[_key(pair.reading)], place[pair.label]] = value
    drawn[~study.places.donors] = np.nan
    return OtherSecurities(
        standardised(fitted, masks), drawn, fitted.covariance == "none", needs_of(model).donors
    )


def standardised(fit: ModelFit, masks: Floats) -> Floats:
    """Return SCARs, shape (n, W); CARs over the pre-event RMSPE without a covariance.

    RMSPE is the root mean square prediction error of the estimation window.
    """
    car, se = cumulate(fit.ar, fit.v, masks)
    with np.errstate(invalid="ignore", divide="ignore"):
        if fit.covariance == "none":
            used = np.isfinite(fit.residuals)
            square = np.where(used, fit.residuals, 0.0) ** 2
            se = np.sqrt(square.sum(axis=1) / used.sum(axis=1))[:, None]
        found = car / se
    return np.where(np.isfinite(found), found, np.nan)


def _donor_observations(study: StudyResult) -> list[Observation]:
    """Return an observation of every donor for every reading of a single security."""
    found: list[Observation] = []
    for reading in {_key(o.reading): o.reading for o in _single(study)}.values():
        listed = set(study.events.baskets.resolve(reading.event.tickers))
        found += [
            Observation(reading, ticker, ((ticker, 1.0),))
            for ticker in study.config.donors
            if ticker not in listed
        ]
    return found


def _single(study: StudyResult) -> list[Observation]:
    return [o for o in study.observations if not o.label.startswith("@")]


def _rows_by_reading(study: StudyResult) -> dict[tuple[str, int], list[int]]:
    """Return the rows of single securities by event and session."""
    found: dict[tuple[str, int], list[int]] = {}
    for row, o in enumerate(study.observations):
        if not o.label.startswith("@"):
            found.setdefault(_key(o.reading), []).append(row)
    return found


def _key(reading: Reading) -> tuple[str, int]:
    return reading.event.event_id, reading.position
