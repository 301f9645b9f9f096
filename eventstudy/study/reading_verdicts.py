"""Whether a conclusion depends on how uncertain times are read.

An event whose time leaves two sessions 0 open is run both ways. A verdict sets the two beside
each other: the p-values, whether one is significant at 5% and the other not, and whether the
effect changes its sign.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.significance import TESTS
from eventstudy.significance.single import sq_tails
from eventstudy.study.groups import Group
from eventstudy.windows import window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.abnormal import AbnormalReturns
    from eventstudy.study.result import StudyResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SIGNIFICANT = 0.05
READINGS = ("same", "next")
VERDICTS = (
    "group", "model", "window", "test_same", "test_next", "n_same", "n_next", "effect_same",
    "effect_next", "p_same", "p_next", "conclusion_changes", "sign_changes", "statement",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """One group under one reading over W windows.

    Attributes
    ----------
    test : str
        ``kolari_pynnonen``; ``sq`` for one observation.
    n : int
        Observations; 0 where the reading cannot be measured.
    effect, p : ndarray, shape (W,)
        Mean CAR and two-sided p-value; NaN where there is none.
    """

    test: str
    n: int
    effect: Floats
    p: Floats


def reading_verdicts_frame(study: StudyResult) -> pd.DataFrame:
    """Return how groups and ambiguous events come out under ``same`` and under ``next``.

    Returns
    -------
    DataFrame
        One row a group, model and window asked for; then one for each ambiguous event
        (``event_id/series``) on its own tickers and on the spread that leads. Empty where no
        event is ambiguous.
    """
    import pandas as pd

    if study.alignments == ("stated",):
        return pd.DataFrame(columns=list(VERDICTS))
    rows = []
    for model, found in study.fits.items():
        for name, held in _asked(study):
            same, then = (_measured(study, found, *held[reading]) for reading in READINGS)
            for w, window in enumerate(study.config.frame.windows):
                rows.append(
                    (name, model, window_name(window), *_verdict(name, window, same, then, w))
                )
    return pd.DataFrame(rows, columns=list(VERDICTS))


def _asked(study: StudyResult) -> Iterator[tuple[str, dict[str, tuple[Ints, Floats]]]]:
    """Yield each group and ambiguous event with its rows and signs under each reading."""
    for group in study.groups:
        yield group.name, {reading: _rows(study, group, reading) for reading in READINGS}
    nothing = np.empty(0, dtype=np.int64), np.empty(0)
    singles: dict[str, dict[str, tuple[Ints, Floats]]] = {}
    for i, o in enumerate(study.observations):
        event = o.reading.event
        if event.ambiguous and (o.label in event.tickers or o.label == study.config.lead):
            held = singles.setdefault(
                f"{event.event_id}/{o.label}", dict.fromkeys(READINGS, nothing)
            )
            for reading in o.reading.alignments:
                held[reading] = np.array([i], dtype=np.int64), np.ones(1)
    yield from singles.items()


def _rows(study: StudyResult, group: Group, reading: str) -> tuple[Ints, Floats]:
    keep = study.counted(group, reading)
    return group.rows[keep], group.signs[keep]


def _measured(study: StudyResult, found: AbnormalReturns, rows: Ints, signs: Floats) -> Measured:
    """Return the mean CARs and p-values of some observations, signed."""
    from eventstudy.study.tables import sample_of

    frame = study.config.frame
    masks = frame.masks(frame.windows)
    blank = np.full(len(masks), np.nan)
    if not len(rows):
        return Measured("", 0, blank, blank)
    car = found.fit.ar[rows] * signs[:, None] @ masks.T
    if len(rows) == 1:
        residuals = found.fit.residuals[rows] * signs[:, None]
        p = [
            sq_tails(car[:, w], residuals, found.fit.leverage[rows], int(masks[w].sum())).two_sided
            for w in range(len(masks))
        ]
        return Measured("sq", 1, car[0], np.concatenate(p))
    group = Group("", "", rows, signs)
    sample = sample_of(found, group, np.ones(len(rows), dtype=bool), study)
    test = TESTS["kolari_pynnonen"]
    p_value = test.evaluate(sample, masks).verdict.two_sided
    return Measured(test.name, len(rows), car.mean(axis=0), p_value)


def _verdict(
    name: str, window: tuple[int, int], same: Measured, then: Measured, w: int
) -> tuple[object, ...]:
    effects = float(same.effect[w]), float(then.effect[w])
    p = float(same.p[w]), float(then.p[w])
    known = bool(np.isfinite(p).all())
    conclusion = known and (p[0] < SIGNIFICANT) != (p[1] < SIGNIFICANT)
    sign = bool(np.sign(effects[0]) * np.sign(effects[1]) < 0)
    said = _statement(f"{name} [{window_name(window)}]", effects, p, conclusion, sign)
    return (same.test, then.test, same.n, then.n, *effects, *p, conclusion, sign, said)


def _statement(
    what: str,
    effects: tuple[float, float],
    p: tuple[float, float],
    conclusion: bool,
    sign: bool,
) -> str:
    """Return the verdict as a sentence."""
    told = [
        "not measured" if np.isnan(effect) else f"{100 * effect:+.2f}% (p {_p(value)})"
        for effect, value in zip(effects, p, strict=True)
    ]
    if np.isnan(effects).any():
        verdict = "only one reading can be measured"
    elif np.isnan(p).any():
        verdict = "a reading has no p-value, so that the two cannot be compared"
    elif conclusion:
        verdict = "the conclusion at 5% depends on the reading"
    elif min(p) >= SIGNIFICANT:
        verdict = "not significant at 5% under either reading"
    elif sign:
        verdict = "significant at 5% under both readings, but with opposite signs"
    else:
        verdict = "significant at 5% under both readings"
    also = ", and so does the sign" if sign and conclusion else ""
    return f"{what}: {told[0]} under same, {told[1]} under next: {verdict}{also}."


def _p(value: float) -> str:
    if np.isnan(value):
        return "-"
    return "<0.001" if value < 0.001 else f"{value:.3f}"
