"""The tests of single events: one row a reading, series, model, window and test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import cumulate
from eventstudy.models import ModelFit, ReturnModel
from eventstudy.models.contract import iterates
from eventstudy.significance.contract import student
from eventstudy.significance.history import Everywhere
from eventstudy.significance.single import (
    RankTails,
    by_size,
    empirical_tails,
    kind_tails,
    sq_tails,
)
from eventstudy.study.donors import OtherSecurities, other_securities
from eventstudy.study.placebo import everywhere, names_of
from eventstudy.study.tables import TESTS
from eventstudy.windows import Window, window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.study.result import StudyResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RESOLUTION = ("draws", "floor")
"""What the table of single events has beyond the columns of `TESTS`."""
NO_COVARIANCE = "the model gives no forecast covariance"
PLACEBO = "placebo"
NOT_ASKED = f"not asked for: models that iterate are refitted for it where {PLACEBO} is run"
FAR_TAIL = 4.0
FEW_DRAWS = 20


def single_tests_frame(study: StudyResult) -> pd.DataFrame:
    """Return the single-event tests; the group is ``event_id/series``.

    An unambiguous event stands under ``stated``; an ambiguous one under ``same`` and ``next``.
    Beyond the columns of `TESTS`: ``draws``, among how many a rank test ranks, and ``floor``, the
    smallest two-sided p-value that it can give: 0 where none is ranked, NaN without draws.
    """
    import pandas as pd

    parts = [part for model in study.config.models for part in _model_parts(study, model)]
    return pd.concat(parts, ignore_index=True)[[*TESTS, *RESOLUTION]]


def _model_parts(study: StudyResult, model: ReturnModel) -> list[pd.DataFrame]:
    """Return the tests under one model, window by window."""
    windows = study.config.frame.windows
    masks = study.config.frame.masks(windows)
    fit = study.fits[model.name].fit
    car, se = cumulate(fit.ar, fit.v, masks)
    placebos = _Placebos(study, model, masks) if refits_asked(study, model) else None
    kinds = _kinds(study)
    parts = []
    for w, window in enumerate(windows):
        rows = _row_labels(study, model.name, window)
        length = window[1] - window[0] + 1
        parts += [
            _forecast(rows, fit, car[:, w] / se[:, w]),
            _ranked(
                rows, "sq", car[:, w], sq_tails(car[:, w], fit.residuals, fit.leverage, length)
            ),
            placebos.in_time(rows, car[:, w], w) if placebos else _unasked(rows, "placebo_time"),
            _of_kind(rows, fit, car[:, w], se[:, w], kinds),
            placebos.in_space(rows, w) if placebos else _unasked(rows, "placebo_space"),
        ]
    return parts


def refits_asked(study: StudyResult, model: ReturnModel) -> bool:
    """Return whether a model is refitted for placebos, to other sessions and securities.

    One that iterates takes minutes for it: only where the test ``placebo`` is asked for.
    """
    return not iterates(model) or any(test.name == PLACEBO for test in study.tests_asked)


class _Placebos:
    """The refits of one model that placebos draw from."""

    def __init__(self, study: StudyResult, model: ReturnModel, masks: Floats) -> None:
        self.study = study
        self.history = everywhere(study, model)
        self.dates = _placebo_cars(self.history, names_of(study), masks)
        self.others = other_securities(study, model, masks)

    def in_time(self, rows: pd.DataFrame, car: Floats, w: int) -> pd.DataFrame:
        return _in_time(rows, car, self.dates[:, :, w], self.history)

    def in_space(self, rows: pd.DataFrame, w: int) -> pd.DataFrame:
        return _in_space(rows, self.others, w, self.study)


def _unasked(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return rows of a test that would take refits that nobody asked for."""
    nothing = np.full(len(rows), np.nan)
    none = empirical_tails(nothing, np.empty((len(rows), 0)))
    return _ranked(rows, name, nothing, none, why=[NOT_ASKED] * len(rows))


def _forecast(rows: pd.DataFrame, fit: ModelFit, t: Floats) -> pd.DataFrame:
    """Return CAR over its forecast error, t with M - d degrees of freedom."""
    tails = student(t, fit.dof)
    if fit.covariance == "none":
        said = [f"undefined: {NO_COVARIANCE}"] * len(t)
    else:
        said = [f"t({d})" for d in fit.dof]
    far = np.where(np.abs(t) > FAR_TAIL, "far tail: normality is not credible here", "")
    rough = "the model's forecast covariance is approximate"
    also = rough if fit.covariance == "approximate" else ""
    return rows.assign(
        test="forecast_t",
        statistic=t,
        p_value=tails.two_sided,
        p_greater=tails.greater,
        p_less=tails.less,
        distribution=said,
        caveat=["; ".join(filter(None, (text, also))) for text in far],
        draws=0,
        floor=0.0,
    )


def _placebo_cars(history: Everywhere, names: Ints, masks: Floats) -> Floats:
    """Return CARs of windows clear of a series' own events, NaN elsewhere, (n, P, W)."""
    car = history.cars(masks)[history.columns]
    return np.where(history.clear(masks), car, np.nan)[names]


def _in_time(rows: pd.DataFrame, car: Floats, drawn: Floats, history: Everywhere) -> pd.DataFrame:
    """Rank each CAR among the placebo CARs of its own series."""
    which = "at one session" if history.rounded else "for one shift of the calendar"
    note = f", refitted {which} in {history.step}" if history.step > 1 else ""
    return _ranked(rows, "placebo_time", car, empirical_tails(car, drawn), note=note)


def _of_kind(
    rows: pd.DataFrame, fit: ModelFit, car: Floats, se: Floats, kinds: Ints
) -> pd.DataFrame:
    """Rank |SCAR| among events of one kind; |CAR| where there is no forecast covariance."""
    plain = fit.covariance == "none"
    value = car if plain else car / se
    note = f", of |CAR|: {NO_COVARIANCE}" if plain else ""
    return _ranked(
        rows, "placebo_kind", np.abs(value), kind_tails(value, kinds), smallest=1.0, note=note
    )


def _in_space(
    rows: pd.DataFrame, others: OtherSecurities, w: int, study: StudyResult
) -> pd.DataFrame:
    """Rank each SCAR among those of other securities on the same date."""
    own, drawn = others.own[:, w], others.drawn[:, :, w]
    tails = empirical_tails(own, drawn)
    smallest, note = 2.0, ""
    if others.by_size:
        tails, smallest, note = by_size(own, drawn, tails), 1.0, ", two-sided by size"
    if others.ratio:
        note += ", of CAR over the root mean square residual"
    single = [not o.label.startswith("@") for o in study.observations]
    why = ["no other security" if s else "the placebos are single securities" for s in single]
    return _ranked(
        rows, "placebo_space", own, tails, smallest=smallest, one_sided=True, note=note, why=why
    )


def _row_labels(study: StudyResult, model: str, window: Window) -> pd.DataFrame:
    import pandas as pd

    kept = study.observations
    return pd.DataFrame(
        {
            "group": [f"{o.reading.event.event_id}/{o.label}" for o in kept],
            "alignment": [o.reading.alignments[0] for o in kept],
            "model": model,
            "convention": "",
            "window": window_name(window),
            "n": 1,
            "n_dates": 1,
        }
    )


def _ranked(
    rows: pd.DataFrame,
    name: str,
    statistic: Floats,
    tails: RankTails,
    *,
    smallest: float = 2.0,
    one_sided: bool = False,
    note: str = "",
    why: list[str] | None = None,
) -> pd.DataFrame:
    """Return rows of a rank test; its smallest two-sided p-value is `smallest` / (B + 1)."""
    reasons = why or ["nothing to rank among"] * len(rows)
    floor = np.minimum(smallest / (tails.draws + 1.0), 1.0)
    said = [
        f"ranks among {b}, p no smaller than {least:.3g}"
        f"{f' ({1 / (b + 1):.3g} one-sided)' if one_sided else ''}{note}"
        if b
        else f"undefined: {reason}"
        for b, least, reason in zip(tails.draws, floor, reasons, strict=True)
    ]
    few = (tails.draws > 0) & (tails.draws < FEW_DRAWS)
    return rows.assign(
        test=name,
        statistic=np.where(tails.draws > 0, statistic, np.nan),
        p_value=tails.two_sided,
        p_greater=tails.greater,
        p_less=tails.less,
        distribution=said,
        caveat=np.where(few, "few draws", ""),
        draws=tails.draws,
        floor=np.where(tails.draws > 0, floor, np.nan),
    )


def _kinds(study: StudyResult) -> Ints:
    """Return the number of each observation's set of exchangeable events.

    A set shares subject, kind and series; a reading of an ambiguous event stands alone.
    """
    keys = [
        (o.label, o.reading.event.subject, o.reading.event.kind)
        if o.reading.event.kind and o.reading.alignments[0] == "stated"
        else (o.label, o.reading.event.event_id, str(o.reading.session_0), o.reading.alignments)
        for o in study.observations
    ]
    numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)
