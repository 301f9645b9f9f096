"""The tests of single events: one row a reading, series, model, window and test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import AbnormalReturns, abnormal_returns, cumulate
from eventstudy.models import ReturnModel
from eventstudy.significance.contract import student
from eventstudy.significance.single import (
    RankTails,
    clear_positions,
    empirical_tails,
    kind_tails,
    sq_tails,
)
from eventstudy.study.tables import TESTS
from eventstudy.windows import Window, window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.study.result import StudyResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def single_tests_frame(study: StudyResult) -> pd.DataFrame:
    """Return the single-event tests; the group is ``event_id/series``.

    An unambiguous event stands under ``stated``; an ambiguous one under ``same`` and ``next``.
    """
    import pandas as pd

    windows = study.config.frame.windows
    masks = study.config.frame.masks(windows)
    parts = []
    for model in study.config.models:
        found = study.fits[model.name]
        car, se = cumulate(found.fit.ar, found.fit.v, masks)
        placebo = _placebo_draws(study, model, windows, masks)
        for w, window in enumerate(windows):
            length = window[1] - window[0] + 1
            t = car[:, w] / se[:, w]
            forecast = student(t, found.fit.dof)
            tails = {
                "sq": sq_tails(car[:, w], found.fit.residuals, found.fit.leverage, length),
                "placebo_time": _by_series(car[:, w], placebo[w], _series_keys(study)),
                "placebo_kind": kind_tails(t, _kinds(study)),
            }
            rows = _row_labels(study, model.name, window)
            parts.append(
                rows.assign(
                    test="forecast_t",
                    statistic=t,
                    p_value=forecast.two_sided,
                    p_greater=forecast.greater,
                    p_less=forecast.less,
                    distribution=[f"t({d})" for d in found.fit.dof],
                    caveat=np.where(
                        np.abs(t) > 4.0, "far tail: normality is not credible here", ""
                    ),
                )
            )
            parts += [
                _ranked(rows, name, car[:, w] if name != "placebo_kind" else np.abs(t), tail)
                for name, tail in tails.items()
            ]
    return pd.concat(parts, ignore_index=True)[list(TESTS)]


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


def _ranked(rows: pd.DataFrame, name: str, statistic: Floats, tails: RankTails) -> pd.DataFrame:
    floor = (1.0 if name == "placebo_kind" else 2.0) / (tails.draws + 1.0)
    said = [
        f"ranks among {b}, p no smaller than {f:.3g}" if b else "undefined: nothing to rank among"
        for b, f in zip(tails.draws, floor, strict=True)
    ]
    return rows.assign(
        test=name,
        statistic=np.where(tails.draws > 0, statistic, np.nan),
        p_value=tails.two_sided,
        p_greater=tails.greater,
        p_less=tails.less,
        distribution=said,
        caveat=np.where(tails.draws > 0, np.where(tails.draws < 20, "few draws", ""), ""),
    )


def _kinds(study: StudyResult) -> Ints:
    """Return the number of each observation's set of exchangeable events.

    A set shares subject, kind and series; a reading of an ambiguous event stands alone.
    """
    keys = [
        (o.label, o.reading.event.subject, o.reading.event.kind)
        if o.reading.event.kind and o.reading.alignments[0] == "stated"
        else (o.label, o.reading.event.event_id, str(o.reading.session_0))
        for o in study.observations
    ]
    numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def _series_keys(study: StudyResult) -> Ints:
    """Return the number of each observation's distinct (label, weights) pair."""
    keys = [(o.label, o.weights) for o in study.observations]
    numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def _by_series(car: Floats, draws: list[Floats], keys: Ints) -> RankTails:
    """Rank each CAR among the placebo CARs of its own series."""
    widest = max((len(d) for d in draws), default=0)
    padded = np.full((len(draws), max(widest, 1)), np.nan)
    for i, found in enumerate(draws):
        padded[i, : len(found)] = found
    return empirical_tails(car, padded[keys])


def _placebo_draws(
    study: StudyResult, model: ReturnModel, windows: tuple[Window, ...], masks: Floats
) -> list[list[Floats]]:
    """Return placebo CARs by window and series: every window clear of its own events."""
    keys = _series_keys(study)
    draws: list[list[Floats]] = [[] for _ in windows]
    for key in range(int(keys.max()) + 1):
        first = int(np.flatnonzero(keys == key)[0])
        found = _everywhere(study, model, first)
        forbidden = _own_event_sessions(study, study.observations[first].label)
        car = found.fit.ar @ masks.T
        usable = (found.fit.dof + found.fit.n_params >= study.config.frame.min_estimation) & (
            np.isfinite(found.fit.ar).all(axis=1)
        )
        for w, window in enumerate(windows):
            clear = clear_positions(found.positions, forbidden, window)
            draws[w].append(car[usable & np.isin(found.positions, clear), w])
    return draws


def _everywhere(study: StudyResult, model: ReturnModel, row: int) -> AbnormalReturns:
    """Fit the model to one observation's series at every session that has a hull."""
    frame = study.config.frame
    first = max(frame.min_estimation + frame.gap, -frame.hull[0])
    positions = np.arange(first, len(study.days) - frame.hull[1], dtype=np.int64)
    return abnormal_returns(study.panel, study.places.moved(row, positions), model, frame)


def _own_event_sessions(study: StudyResult, label: str) -> npt.NDArray[np.bool_]:
    """Return the sessions inside the hull of any event that concerns a series.

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
