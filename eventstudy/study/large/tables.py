"""The tables of a large study, built from its sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.baskets import DEFAULT_BASKETS
from eventstudy.models.linear import LARGEST_CONDITION
from eventstudy.streaming.moments import Moments
from eventstudy.streaming.verdicts import Totals, evaluate
from eventstudy.study.effects import ROUNDING, Effects, effects_from, widening
from eventstudy.study.identification import MERGED
from eventstudy.study.summary import headline_texts
from eventstudy.study.tables import (
    EFFECTS,
    TESTS,
    convention_of,
    rows_of_effects,
    rows_of_test,
    stacked_frame,
)
from eventstudy.study.wording import counted, near_collinear, question_lines
from eventstudy.windows import window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.study.large.observed import Lost
    from eventstudy.study.large.result import Counted, LargeStudy
    from eventstudy.told import Told

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DROPPED = ("event_id", "ticker", "reason", "detail")


def group_tests_frame(study: LargeStudy) -> pd.DataFrame:
    """Return every test over every group, event day and window."""
    names = [window_name(w) for w in study.config.frame.all_windows]
    parts = []
    for group, alignment, model, total in study.totals():
        for test in study.tests_asked:
            where = (group, alignment, model, convention_of(test, study.config.convention))
            parts.append(rows_of_test(where, names, evaluate(test.name, total)))
    return stacked_frame(TESTS, parts, len(names))


def effects_frame(study: LargeStudy) -> pd.DataFrame:
    """Return mean CARs with intervals and the smallest effect that could be found."""
    names = [window_name(w) for w in study.config.frame.all_windows]
    return _effects_of(study, names, effects)


def _effects_of(
    study: LargeStudy, names: list[str], of: Callable[[Totals], Effects]
) -> pd.DataFrame:
    parts = [
        rows_of_effects((group, alignment, model), names, (len(total), total.n_dates), of(total))
        for group, alignment, model, total in study.totals()
    ]
    return stacked_frame(EFFECTS, parts, len(names))


def effects(total: Totals) -> Effects:
    """Return mean CARs of one group; see `eventstudy.study.effects.group_effects`."""
    first = total.first
    if _one_observation(total):
        return effects_from(first.car.mean, first.first_se, first.first_dof)
    return _spread_effects(first.car, total.r)


def _one_observation(total: Totals) -> bool:
    """Return whether all events are one: coinciding events on series that are alike."""
    first = total.first
    days = first.car.second[: total.masks.shape[1]]
    return total.n_dates == 1 and bool(np.sqrt(days.max() / first.n) <= ROUNDING)


def _path_effects(total: Totals, lengths: Floats) -> Effects:
    """Return mean CARs from the first day of the hull to each day."""
    first = total.first
    if _one_observation(total):
        return effects_from(first.path.mean, first.first_path_se, first.first_dof)
    return _spread_effects(first.path, total.correlation(lengths))


def _spread_effects(car: Moments, r: Floats) -> Effects:
    """Return means with standard errors from the spread of events, widened for correlation."""
    with np.errstate(invalid="ignore", divide="ignore"):
        plain = np.sqrt(car.second / (car.n - 1.0) / car.n)
    return effects_from(car.mean, plain * widening(r, car.n), car.n - 1)


def paths_frame(study: LargeStudy) -> pd.DataFrame:
    """Return mean CARs from the first day of the hull to each day, with 95% intervals."""
    first, days = study.config.frame.hull[0], study.config.frame.days
    names = [f"{first},{day}" for day in days]
    lengths = np.arange(1.0, len(days) + 1.0)
    found = _effects_of(study, names, lambda total: _path_effects(total, lengths))
    return found.assign(day=np.tile(days, len(found) // len(days)))


def dropped_frame(study: LargeStudy, lost: Sequence[Lost]) -> pd.DataFrame:
    """Return what was left out with its reasons."""
    import pandas as pd

    parts = [_told_losses(study, part) for part in lost]
    if not parts:
        return pd.DataFrame(columns=list(DROPPED))
    # Both readings of one event may be lost alike.
    return pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)


def _told_losses(study: LargeStudy, lost: Lost) -> pd.DataFrame:
    import pandas as pd

    frame = study.events.study.frame
    event, label, position = lost.event, lost.label, lost.position
    names = np.array([*study.labels, ""], dtype=object)[label]
    days = np.append(study.days.astype(str), "").astype(object)
    said = {
        "ticker": names,
        "session": days[position],
        "count": lost.detail.astype(str).astype(object),
        "day": days[np.clip(lost.detail, -1, len(study.days) - 1)],
    }
    detail = _sentence(study, lost, said, event, lost.detail)
    return pd.DataFrame(
        {
            "event_id": frame["event_id"].to_numpy(dtype=object)[event],
            "ticker": names,
            "reason": lost.reason,
            "detail": detail,
        }
    )


def _sentence(
    study: LargeStudy, lost: Lost, said: dict[str, npt.NDArray[np.object_]], event: Ints, at: Ints
) -> npt.NDArray[np.object_]:
    """Return why each one was left out, in words."""
    ticker, session, count = said["ticker"], said["session"], said["count"]
    need = study.config.frame.min_estimation
    if lost.reason == "out_of_span":
        aligned = study.events.sessions
        if aligned is None:
            raise ValueError("events that are not aligned have no session 0")
        sessions = np.append(aligned.days.astype(str), "").astype(object)
        span = f"; prices run from {study.days[0]} to {study.days[-1]}"
        known = "session 0 is " + sessions[at] + span
        why = study.events.study.frame["why"].to_numpy(dtype=object)[event]
        return np.where(at >= 0, known, why)
    if lost.reason == "overlap":
        ids = study.events.study.frame["event_id"].to_numpy(dtype=object)
        said_of = f", under {lost.model}" if lost.model else ""
        return np.asarray("its window shares sessions with that of " + ids[at] + said_of)
    under = f" usable with the {lost.model} model" if lost.model else " usable"
    sentences = {
        "no_prices": ticker + " is not in the price table",
        "missing_returns": ticker + " has no return on " + said["day"],
        "short_estimation": ticker + " has " + count + (
            f" sessions{under} before " if lost.model else " usable sessions before "
        ) + session + f", {need} are needed",
        "singular_design": f"the {lost.model} model: one of its regressors does not vary or "
        f"repeats others, condition number above {LARGEST_CONDITION:.0e}, before " + session,
        "missing_regressor": f"a regressor of the {lost.model} model has no return around "
        + session,
        "no_variance": "returns of " + ticker + f" do not vary about the {lost.model} model",
    }  # fmt: skip
    return np.asarray(sentences[lost.reason], dtype=object)


def merged_frame(study: LargeStudy) -> pd.DataFrame:
    """Return what counts in a group under another name."""
    import pandas as pd

    ids = study.events.study.frame["event_id"].to_numpy(dtype=object)
    labels = np.array(study.labels, dtype=object)
    days = study.days.astype(str).astype(object)
    parts = []
    for found in study.counted:
        lost = found.merged
        if not len(lost):
            continue
        said = "session 0 " + days[lost.position] + ": one effect with " + ids[lost.detail]
        parts.append(
            pd.DataFrame(
                {
                    "group": found.group,
                    "alignment": found.alignment,
                    "event_id": ids[lost.event],
                    "ticker": labels[lost.label],
                    "reason": lost.reason,
                    "detail": said + ", which stands for it",
                },
                columns=list(MERGED),
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(MERGED))


def told(study: LargeStudy) -> Told:
    """Return what was asked, the headline table, and what goes with it."""
    frame = study.summary_frame()
    frame = frame[frame["alignment"] == study.alignments[-1]]
    leading = frame["group"].isin({"all", *study.config.observed})
    further = frame.loc[~leading, "group"].nunique()
    lines: list[str | pd.DataFrame] = [*asked_lines(study), "", headline_texts(frame[leading])]
    if further:
        lines.append(f"(further groups, by kind and by peer: {further}; see effects, group_tests)")
    return [*lines, "", *caution_lines(study)]


def _every(study: LargeStudy) -> Counted | None:
    """Return the group of all events under the reading that leads."""
    lead = study.alignments[-1]
    return next((c for c in study.counted if (c.group, c.alignment) == ("all", lead)), None)


def asked_lines(study: LargeStudy) -> list[str]:
    """Return what was asked, in a few lines."""
    every = _every(study)
    total = None if every is None else next(iter(every.totals.values()))
    studied, dates = (study.observed, 0) if total is None else (len(total), total.n_dates)
    return question_lines(study.config, study.events, study.prices, study.days, studied, dates)


def caution_lines(study: LargeStudy) -> list[str]:
    """Return the cautions that go with the numbers."""
    lines, every = near_collinear(study.conditions), _every(study)
    own = [name for name in study.events.baskets if name not in DEFAULT_BASKETS]
    if own:
        lines.append(
            f"Not observed: {', '.join(own)}: engine streamed observes securities, no baskets."
        )
    if len(study.alignments) > 1:
        lines.append(
            "Some events have an uncertain session 0 and are run both ways; the table shows the "
            f"reading {study.alignments[-1]!r}."
        )
    merged = 0 if every is None else len(every.merged)
    if merged:
        lines.append(
            f"{counted(merged, 'event')}: one effect with an event of the same session 0, counted "
            "once in a group; see merged."
        )
    if len(study.dropped):
        lines.append(
            f"{counted(len(study.dropped), 'row')} left out; each with its reason in dropped."
        )
    longest = max(b - a + 1 for a, b in study.config.frame.windows)
    totals = [total for *_, total in study.totals()]
    if any(total.n_dates < len(total) or total.smallest_gap < longest for total in totals):
        lines.append(
            "Windows of events share sessions: tests that take events as independent say so; "
            "kolari_pynnonen, patell_adjusted and cumrank allow for it."
        )
    count = int(study.group_tests["p_value"].notna().sum())
    lines.append(
        f"{count} p-values over groups, days, windows and readings, not adjusted for "
        "their number. mde is the smallest mean CAR that a 5% test finds with 80% probability."
    )
    return [*lines, *study.events.notes]
