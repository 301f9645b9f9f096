"""Claims on events of the calendar: a kind of news, two pieces of news at once, a group."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
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
from eventstudy.claims.forecasts import cars, fit_before, reach, two_sided
from eventstudy.claims.kinds.fields import Series, Side, Ticker
from eventstudy.claims.verdicts import sided, together
from eventstudy.claims.wording import counted, listed, shown
from eventstudy.errors import StudyError, did_you_mean
from eventstudy.significance.multiple import holm
from eventstudy.significance.rank import signed_rank
from eventstudy.windows import parse_window, window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.claims.evidence import Evidence
    from eventstudy.events import Event
    from eventstudy.study import StudyResult
    from eventstudy.study.groups import Group

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

EARLY = "one observation a session; events of one session are one"


def mean_effect(what: str, values: Floats, sign: int) -> Number:
    """Judge the mean of abnormal returns of distinct sessions.

    t with N - 1 degrees of freedom, which allows for a variance of the event days' own, and
    Wilcoxon's signed ranks, exact, which need no normality; the larger p counts. Below six
    sessions the ranks cannot reach 5%.

    Parameters
    ----------
    what : str
    values : ndarray, shape (N,)
        Finite.
    sign : int
        The side that is claimed.
    """
    n = len(values)
    if n < 2:
        value = float(values[0]) if n else np.nan
        return Number(
            what, value, "return", n=n, verdict=CANNOT_BE_SAID,
            test=f"{counted(n, 'session')}: no mean to test",
        )  # fmt: skip
    mean, se = float(values.mean()), float(values.std(ddof=1) / np.sqrt(n))
    if se == 0.0:
        return Number(what, mean, "return", n=n, verdict=CANNOT_BE_SAID, test="no variance")
    _, greater, less, _ = signed_rank(values[values != 0.0])
    ranks = min(1.0, 2.0 * min(greater, less))
    wide = reach(se, n - 1)
    p = max(two_sided(mean / se, n - 1), ranks)
    return Number(
        what, mean, "return", mean - wide, mean + wide, p, n,
        sided(sign, mean - wide, mean + wide, [p]),
        f"t({n - 1}) and Wilcoxon, the larger p",
    )  # fmt: skip


def abnormal_on(evidence: Evidence, weights: dict[str, float], rows: Ints, last: int = 0) -> Floats:
    """Return abnormal returns over days 0 to `last` of sessions, shape (n,); NaN where none."""
    y, x = evidence.returns(weights), evidence.market()
    fit = fit_before(y, x, rows, evidence.frame)
    return cars(fit, y, x, rows, 0, last).car


class AfterKindParameters(Parameters):
    """Parameters of `after_kind`."""

    events_of: Annotated[StrictStr, Field(min_length=1)]
    series: tuple[Ticker, ...] = Field(min_length=1)
    side: Side
    untested: StrictStr = ""

    def tickers(self) -> tuple[str, ...]:
        """Return what has to have prices."""
        return self.series


def check_after_kind(asked: AfterKindParameters, evidence: Evidence) -> Finding:
    """Measure tickers on the first session after each event of a kind.

    Parameters
    ----------
    asked : AfterKindParameters
    evidence : Evidence
    """
    rows, events = _sessions_of_kind(asked.events_of, evidence)
    sign = 1 if asked.side == "+" else -1
    numbers, gone = [], []
    for name in asked.series:
        try:
            found = abnormal_on(evidence, evidence.weights(name), rows)
        except NotMeasuredError as error:
            gone.append(str(error))
            continue
        numbers.append(mean_effect(f"{name}, mean of session 0", found[np.isfinite(found)], sign))
    verdict = together([n.verdict for n in numbers]) if not gone else CANNOT_BE_SAID
    paths = _paths(asked.series, rows, evidence)
    directions = [v for e in events for v in e.expects.values()]
    others = {other for row in rows for other in evidence.news_on(int(row))}
    shared = others - {event.event_id for event in events}
    not_identified = [
        *((asked.untested,) if asked.untested else ()),
        *(("the other half: no event of the kind carries bad news",) if min(directions or [0]) >= 0
          else ()),
        *((f"the kind apart from other news of its sessions: {listed(sorted(shared))}",)
          if shared else ()),
        *_missed(numbers),
        "the paths: one history each, with everything else that happened; nothing tests them",
    ]  # fmt: skip
    told = "; ".join(f"{n.what} {shown(n.value, 'return')} over {n.n}" for n in numbers)
    return Finding(
        verdict,
        told + ("; " if told and gone else "") + "; ".join(gone),
        (*numbers, *paths),
        (
            EARLY,
            "sessions independent of each other; an uncertain hour is read as the later session",
            "all tickers have to show it, each at 5%: no correction is needed for that",
        ),
        tuple(not_identified),
    )


def _missed(numbers: list[Number]) -> tuple[str, ...]:
    """Say which means the sample would mostly have missed: (t_0.975 + t_0.80) se, Bloom 1995."""
    from scipy.special import stdtrit

    known = [n for n in numbers if np.isfinite(n.hi)]
    if not known:
        return ()
    told = []
    for n in known:
        t = float(stdtrit(n.n - 1, 0.975))
        least = (n.hi - n.lo) / (2.0 * t) * (t + float(stdtrit(n.n - 1, 0.80)))
        told.append(f"{n.what.split(',')[0]} {shown(least, 'return')}")
    return (f"smaller means: below {listed(told)} this sample would mostly miss them",)


def _sessions_of_kind(kind: str, evidence: Evidence) -> tuple[Ints, list[Event]]:
    """Return the sessions 0 of the studied events of a kind, each once, and the events."""
    studied = evidence.study.events.study
    events = [event for event in studied if event.kind == kind]
    if not events:
        kinds = {event.kind for event in studied if event.kind}
        raise NotMeasuredError(
            f"the calendar has no studied event of kind {kind!r}{did_you_mean(kind, kinds)}"
        )
    inside = [e for e in events if e.next >= evidence.days[0] and e.next <= evidence.days[-1]]
    if not inside:
        raise NotMeasuredError(f"no event of kind {kind!r} lies in the prices, {evidence.span}")
    rows = np.unique(np.searchsorted(evidence.days, [event.next for event in inside]))
    return rows.astype(np.int64), inside


def _paths(tickers: tuple[str, ...], rows: Ints, evidence: Evidence) -> list[Number]:
    """Return what each ticker and the benchmark earned from before the first event to the end."""
    start = max(int(rows[0]) - 1, 0)
    found = []
    for ticker in dict.fromkeys((*tickers, str(evidence.study.config.benchmark))):
        try:
            total = evidence.total(ticker)
        except NotMeasuredError:
            continue
        held = np.flatnonzero(np.isfinite(total))
        held = held[held >= start]
        if len(held) > 1:
            value = float(total[held[-1]] / total[held[0]] - 1.0)
            what = f"{ticker}, {evidence.days[held[0]]} to {evidence.days[held[-1]]}"
            found.append(Number(what, value, "return", test="total return, one path"))
    return found


class SeparableParameters(Parameters):
    """Parameters of `separable`."""

    events: tuple[StrictStr, ...] = Field(min_length=2)
    series: tuple[Series, ...] = Field(min_length=1)

    def tickers(self) -> tuple[str, ...]:
        """Return what has to have prices."""
        return tuple(t for s in self.series for t in s.tickers())


def check_separable(asked: SeparableParameters, evidence: Evidence) -> Finding:
    """Ask whether daily data can tell events apart; measure their joint effect.

    Parameters
    ----------
    asked : SeparableParameters
    evidence : Evidence
    """
    events = [evidence.event(name) for name in asked.events]
    rows = [evidence.rows_of(event) for event in events]
    lines, one_session = _readings(asked.events, rows, evidence)
    every = sorted({row for found in rows for row in found.values()})
    others = {n for row in every for n in evidence.news_on(row)} - set(asked.events)
    joint = [_over(evidence, s, every[0], every[-1]) for s in asked.series]
    single = [
        replace(_over(evidence, s, row, row, f" ({_names(asked.events, rows, row)})"))
        for s in asked.series
        for row in every
        if len(every) > 1
    ]
    if one_session:
        verdict, why = CANNOT_BE_SAID, "under a reading they share a session"
    else:
        verdict, single = _each(asked, rows, every, single)
        why = "each has a session of its own"
    return Finding(
        verdict,
        f"{why}: {'; '.join(lines)}",
        (*joint, *single),
        (
            "the market model of the estimation window holds; p by ranks among its residuals (sq)",
            "the joint effect covers all sessions from the first event to the last",
        ),
        (
            f"the share of each of {listed(asked.events)}"
            if one_session
            else "what else happened on the same sessions",
            *((f"other news of these sessions: {listed(sorted(others))}",) if others else ()),
            "which of several statements of one event the market heard",
        ),
    )


def _readings(
    names: tuple[str, ...], rows: list[dict[str, int]], evidence: Evidence
) -> tuple[list[str], bool]:
    """Say for each combination of readings on which sessions the events fall."""
    lines, shared = [], False
    for chosen in product(*(found.items() for found in rows)):
        at = [row for _, row in chosen]
        shared |= len(set(at)) < len(at)
        lines.append(
            ", ".join(
                f"{name} {evidence.days[row]}{'' if reading == 'stated' else f' ({reading})'}"
                for name, (reading, row) in zip(names, chosen, strict=True)
            )
        )
    return lines, shared


def _names(names: tuple[str, ...], rows: list[dict[str, int]], row: int) -> str:
    held = [name for name, found in zip(names, rows, strict=True) if row in found.values()]
    return " or ".join(held) or "no event"


def _over(evidence: Evidence, series: Series, first: int, last: int, more: str = "") -> Number:
    """Measure a series from one session to another, both included."""
    from eventstudy.significance.single import sq_tails

    y = evidence.returns(evidence.weights(series.long, series.short))
    x, at = evidence.market(), np.array([first])
    fit = fit_before(y, x, at, evidence.frame)
    found = cars(fit, y, x, at, 0, last - first)
    car, se, dof = float(found.car[0]), float(found.se[0]), int(fit.dof[0])
    if not np.isfinite(se):
        raise NotMeasuredError(f"{series.name} has no full window at {evidence.days[first]}")
    ranks = sq_tails(found.car, fit.residuals, fit.leverage, found.length)
    wide = reach(se, dof)
    days = f"{evidence.days[first]}" + (f" to {evidence.days[last]}" if last > first else "")
    return Number(
        f"{series.name}, {days}{more or ', joint'}", car, "return", car - wide, car + wide,
        float(ranks.two_sided[0]), int(ranks.draws[0]),
        test=f"sq among {ranks.draws[0]}, p no smaller than {2 / (ranks.draws[0] + 1):.3f}",
    )  # fmt: skip


def _each(
    asked: SeparableParameters, rows: list[dict[str, int]], every: list[int], single: list[Number]
) -> tuple[str, list[Number]]:
    """Judge each event by its own session: one series on the claimed side is enough."""
    p = holm(np.array([number.p_value for number in single]))
    signs = [s.sign for s in asked.series for _ in every]
    marked = [
        replace(n, p_value=float(q), verdict=sided(sign, n.lo, n.hi, [float(q)]))
        for n, q, sign in zip(single, p, signs, strict=True)
    ]
    verdicts = []
    for found in rows:
        at = {every.index(row) for row in found.values()}
        own = [n.verdict for i, n in enumerate(marked) if i % len(every) in at]
        verdicts.append(SUPPORTED if SUPPORTED in own else CANNOT_BE_SAID)
    return together(verdicts), marked


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
    told = [f"{number.what} {shown(number.value, 'return')} over {counted(number.n, 'event')}"]
    told += [f"{leg.what} {shown(leg.value, 'return')} over {leg.n}" for leg in legs]
    if len(set(readings.values())) > 1:
        verdict = CANNOT_BE_SAID
        told.append("it depends on the reading of uncertain times")
    labelled = bool(np.any(group.signs < 0)) or group.name.endswith(("+", "-"))
    labelled |= group.name == "directional"
    if labelled and not asked.labels_beforehand and verdict == SUPPORTED:
        verdict = CANNOT_BE_SAID
        told.append("the labels were set by someone who knew later prices")
    return Finding(
        verdict,
        "; ".join(told),
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


AFTER_KIND = Kind(
    "after_kind",
    "abnormal returns of tickers on the first session after each event of a kind",
    "supported where the mean of every ticker is on the claimed side, contradicted where one is "
    "on the other and none on it",
    AfterKindParameters,
    check_after_kind,
)
SEPARABLE = Kind(
    "separable",
    "whether daily data can tell events apart, and their joint effect",
    "it cannot be said where they share a session under a reading; else supported where each "
    "event's own session moved a series to the claimed side; never contradicted",
    SeparableParameters,
    check_separable,
)
GROUP_EFFECT = Kind(
    "group_effect",
    "the mean effect of a group of the study, and of its legs",
    "supported where the group and every leg are on the claimed side under every reading of "
    "uncertain times; labels set with hindsight support nothing",
    GroupEffectParameters,
    check_group_effect,
)
