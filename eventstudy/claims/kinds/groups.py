"""Claims on a group of the study: its mean effect, and that of its legs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field, StrictBool, StrictStr

from eventstudy.claims.contract import (
    CANNOT_BE_SAID,
    SUPPORTED,
    Finding,
    Kind,
    NotMeasuredError,
    Number,
    Parameters,
)
from eventstudy.claims.kinds.fields import Series, Side
from eventstudy.claims.kinds.news import EARLY, abnormal_on, mean_effect
from eventstudy.claims.verdicts import sided, together
from eventstudy.claims.wording import counted, listed, shown, told
from eventstudy.errors import StudyError, did_you_mean
from eventstudy.windows import parse_window, window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.claims.evidence import Evidence
    from eventstudy.study import StudyResult
    from eventstudy.study.groups import Group

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def _window(text: str) -> str:
    try:
        return window_name(parse_window(text))
    except StudyError as error:
        raise ValueError(str(error)) from None


class GroupEffectParameters(Parameters):
    """Parameters of `group_effect`."""

    group: Annotated[StrictStr, Field(min_length=1)]
    window: Annotated[StrictStr, AfterValidator(_window)] = "0,0"
    side: Side
    legs: tuple[Series, ...] = ()
    labels_beforehand: StrictBool = False

    def tickers(self) -> tuple[str, ...]:
        """Return what has to have prices."""
        return tuple(t for leg in self.legs for t in leg.tickers())


def check_group_effect(asked: GroupEffectParameters, evidence: Evidence) -> Finding:
    """Judge the mean effect of a group of the study, and of legs on the same events.

    Parameters
    ----------
    asked : GroupEffectParameters
    evidence : Evidence
    """
    from eventstudy.study.wording import FORESIGHT

    study = evidence.study
    group = _group(study, asked.group)
    sign = 1 if asked.side == "+" else -1
    model = next(iter(study.fits))
    alignment = study.alignments[-1]
    number = _effect(study, asked, alignment, model, sign)
    readings = {a: _effect(study, asked, a, model, sign).verdict for a in study.alignments}
    legs = [_leg(leg, group, alignment, evidence, asked) for leg in asked.legs]
    verdict = together([number.verdict, *(leg.verdict for leg in legs)])
    said = [told(n) for n in (number, *legs)]
    if len(set(readings.values())) > 1:
        verdict = CANNOT_BE_SAID
        said.append(_changes(readings))
    labelled = bool(np.any(group.signs < 0)) or group.name.endswith(("+", "-"))
    labelled |= group.name == "directional"
    if labelled and not asked.labels_beforehand and verdict == SUPPORTED:
        verdict = CANNOT_BE_SAID
        said.append("the labels were set by someone who knew later prices")
    return Finding(
        verdict,
        "; ".join(said),
        (number, *legs),
        (
            f"{group.what}; both of {listed(_tests())} have to reach 5%",
            *((f"legs: {EARLY}, signed to the side that the news favours, without news of the "
               "leg's own members",) if legs else ()),
        ),
        (
            *((FORESIGHT,) if labelled and not asked.labels_beforehand else ()),
            "why the news moved prices: its content was read by hand",
            f"smaller effects: below {shown(_findable(study, asked, alignment, model), 'return')} "
            "this sample would mostly miss them",
        ),
    )  # fmt: skip


def _changes(verdicts: dict[str, str]) -> str:
    """Say what of uncertain times changes a verdict; under ``stated`` such events are left out."""
    if len({v for alignment, v in verdicts.items() if alignment != "stated"}) > 1:
        return "it depends on the reading of uncertain times"
    return "it changes where events of uncertain times are left out"


def _tests() -> tuple[str, ...]:
    from eventstudy.study.summary import HEADLINE_TESTS

    return tuple(HEADLINE_TESTS[:2])


def _group(study: StudyResult, name: str) -> Group:
    known = {group.name: group for group in study.groups}
    if name not in known:
        raise NotMeasuredError(f"the study has no group {name!r}{did_you_mean(name, known)}")
    return known[name]


def _row(
    frame: pd.DataFrame, asked: GroupEffectParameters, alignment: str, model: str
) -> pd.DataFrame:
    keep = (frame["group"] == asked.group) & (frame["window"] == asked.window)
    return frame[keep & (frame["alignment"] == alignment) & (frame["model"] == model)]


def _effect(
    study: StudyResult, asked: GroupEffectParameters, alignment: str, model: str, sign: int
) -> Number:
    effects = _row(study.effects, asked, alignment, model)
    if effects.empty:
        raise NotMeasuredError(
            f"the study has no window {asked.window} of group {asked.group!r} under {alignment!r}"
        )
    tests = _row(study.group_tests, asked, alignment, model)
    p_values = [
        float(tests.loc[tests["test"] == name, "p_value"].iloc[0])
        if (tests["test"] == name).any()
        else np.nan
        for name in _tests()
    ]
    row = effects.iloc[0]
    lo, hi = float(row["lo"]), float(row["hi"])
    return Number(
        f"{asked.group}, mean CAR [{asked.window}]", float(row["caar"]), "return", lo, hi,
        float(np.max(p_values)), int(row["n"]), sided(sign, lo, hi, p_values),
        f"{listed(_tests())}, the larger p; {counted(int(row['n_dates']), 'date')}",
    )  # fmt: skip


def _findable(
    study: StudyResult, asked: GroupEffectParameters, alignment: str, model: str
) -> float:
    effects = _row(study.effects, asked, alignment, model)
    return float(effects["mde"].iloc[0])


def _leg(
    leg: Series, group: Group, alignment: str, evidence: Evidence, asked: GroupEffectParameters
) -> Number:
    """Measure a leg on the events of a group, signed, without news of its own members."""
    study = evidence.study
    first, last = parse_window(asked.window)
    keep = study.counted(group, alignment)
    members = evidence.weights(leg.long, leg.short)
    rows, signs = [], []
    for i, sign in zip(group.rows[keep], group.signs[keep], strict=True):
        reading = study.observations[i].reading
        if reading.event.subject not in members:
            rows.append(reading.position + first)
            signs.append(sign)
    what = f"{leg.name} on news of others, mean CAR [{asked.window}]"
    if not rows:
        return mean_effect(what, np.empty(0), leg.sign)
    at = np.array(rows, dtype=np.int64)
    value = abnormal_on(evidence, members, at, last - first) * np.array(signs)
    known = np.isfinite(value)
    dates = {row: value[known & (at == row)].mean() for row in at[known].tolist()}
    return mean_effect(what, np.array(list(dates.values())), leg.sign)


GROUP_EFFECT = Kind(
    "group_effect",
    "the mean effect of a group of the study, and of its legs",
    "supported where the group and every leg are on the claimed side under every reading of "
    "uncertain times; labels set with hindsight support nothing",
    GroupEffectParameters,
    check_group_effect,
)
