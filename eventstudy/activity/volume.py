"""abnormal_volume(): what was traded around the events of a study beside what was expected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import cumulate, varies
from eventstudy.activity.layout import (
    TESTS,
    Block,
    Fitted,
    aligned_rows,
    dropped_frame,
    event_labels,
    grouped,
    sample_of,
    stacked,
    tests_rows,
)
from eventstudy.activity.logs import first_autocorrelation, log_volume
from eventstudy.activity.ranks import SerialCorrado
from eventstudy.activity.result import ActivityResult
from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.models import ModelFit, ModelTask, find_model
from eventstudy.significance import Significance, SignificanceTest, find_tests
from eventstudy.significance.contract import student
from eventstudy.significance.single import beyond_ranks, sq_tails
from eventstudy.study.observed import Drop, Observation
from eventstudy.windows import Frame, Window, window_name

if TYPE_CHECKING:
    from eventstudy.study import StudyResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Windows = tuple[Window, ...]

MODELS = ("mean", "market")
DEFAULT_TESTS: tuple[str | SignificanceTest, ...] = (
    "cross_sectional",
    "bmp",
    "kolari_pynnonen",
    "wilcoxon",
    SerialCorrado(),
)
PERSISTENT = 0.1
"""First-order autocorrelation from which tests that take sessions as independent are doubted."""
EVENTS = (
    "event_id", "ticker", "alignment", "model", "window", "abnormal", "multiple", "se", "t",
    "p_value", "p_sq", "p_sq_greater", "n_estimation", "autocorrelation", "caveat",
)  # fmt: skip
MEANS = (
    "group", "alignment", "model", "window", "n", "n_dates", "mean_abnormal",
    "median_abnormal", "multiple", "autocorrelation",
)  # fmt: skip


def abnormal_volume(
    study: StudyResult,
    *,
    model: str | Sequence[str] = MODELS,
    market: str | Sequence[str] = "others",
    tests: Iterable[str | SignificanceTest] = DEFAULT_TESTS,
    every_day: bool = True,
) -> ActivityResult:
    """Measure abnormal log volume around the events of a study.

    On the study's own observations, windows and estimation windows: each security, and each
    basket by the weighted mean of its members' log volumes. A spread has no volume.

    Parameters
    ----------
    study : StudyResult
        Its prices must hold volume, adjusted for splits.
    model : {"mean", "market"} or a sequence of them
        ``mean``: log volume against its mean over the estimation window. ``market``: against
        its regression on the market's log volume.
    market : str or sequence of str
        ``others``: the mean log volume of all securities of the price table with volume at
        every session of both windows, without the event's own tickers and the benchmark;
        otherwise one ticker or several.
    tests : iterable
        Names or objects of tests over events. ``corrado_serial``, among the default ones, is
        Corrado's rank test with the autocorrelation of log volume in its error; ``corrado``
        itself rejects far too often in windows of several sessions.
    every_day : bool
        Whether every event day is measured and tested beside the windows asked for.

    Returns
    -------
    ActivityResult

    Raises
    ------
    StudyError
        Where no observation has volume.
    UnknownNameError
        For a model, test or ticker that does not exist.

    Notes
    -----
    Log volume is persistent. The tests that rest on the spread across events do not need
    independent sessions; those that do say so, with the autocorrelation measured. Generalised
    least squares adds little to them (Karafiath 2009).

    References
    ----------
    Campbell, C. and Wasley, C. (1996). Review of Quantitative Finance and Accounting 6,
    309-326.
    Karafiath, I. (2009). Detecting cumulative abnormal volume: a comparison of event study
    methods. Applied Economics Letters 16, 797-802.
    """
    chosen = find_tests(SerialCorrado() if t == SerialCorrado.name else t for t in tests)
    models = (model,) if isinstance(model, str) else tuple(dict.fromkeys(model))
    for name in models:
        if name not in MODELS:
            raise UnknownNameError("volume model", name, MODELS)
    named = None if isinstance(market, str) and market == "others" else _names(market)
    for ticker in named or ():
        study.prices.column(ticker)
    table = study.prices.on_sessions(study.days)
    logs = log_volume(table.volume)
    spans = study.config.frame.all_windows if every_day else study.config.frame.windows
    groups = [g for g in study.groups if all(_sold(study.observations[i]) for i in g.rows)]
    events: list[Block] = []
    means: list[Block] = []
    tested: list[Block] = []
    drops: list[Drop] = []
    for name in models:
        found, lost = _fit(study, table.tickers, logs, name, named)
        drops += lost
        if found is None:
            continue
        events += _events(study, found, spans)
        for alignment, group, at in grouped(study, found, groups):
            labels = {"group": group.name, "alignment": alignment, "model": found.model}
            means.append(_means(study, found, at, labels, spans))
            tested += _tests(study, found, at, labels, chosen, spans)
    _require_something(events, drops)
    return ActivityResult(
        what="volume",
        windows=tuple(window_name(w) for w in study.config.frame.windows),
        alignments=study.alignments,
        events=stacked(events, EVENTS),
        means=stacked(means, MEANS),
        tests=stacked(tested, TESTS),
        dropped=dropped_frame(drops),
        notes=_notes(study, table.volume, named),
    )


def _names(market: str | Sequence[str]) -> tuple[str, ...]:
    return (market,) if isinstance(market, str) else tuple(dict.fromkeys(market))


def _sold(observation: Observation) -> bool:
    """Return whether a series is traded as such: no short leg."""
    return all(weight > 0 for _, weight in observation.weights)


def _fit(
    study: StudyResult,
    tickers: tuple[str, ...],
    logs: Floats,
    model: str,
    named: tuple[str, ...] | None,
) -> tuple[Fitted | None, list[Drop]]:
    """Fit one volume model to every observation that has what it needs."""
    frame = study.config.frame
    kept: list[tuple[int, Floats, Floats]] = []
    drops: list[Drop] = []
    for i, o in enumerate(study.observations):
        if not _sold(o):
            continue
        own, yardstick, fault = _series(study, o, tickers, logs, model, named)
        if fault is None:
            kept.append((i, own, yardstick))
        else:
            drops.append(Drop(o.reading.event.event_id, o.label, *fault))
    if not kept:
        return None, drops
    rows = np.array([i for i, _, _ in kept], dtype=np.int64)
    own, yardstick = (np.array([pair[k] for pair in kept]) for k in (1, 2))
    split = len(frame.estimation_days)
    task = ModelTask(
        own[:, :split],
        own[:, split:],
        yardstick[:, :split],
        yardstick[:, split:],
        np.ones(len(rows)),
    )
    fit = find_model(model).fit(task)
    squares = np.nanmean(task.y**2, axis=1)
    good = np.isfinite(fit.condition) & np.isfinite(fit.ar).all(axis=1) & varies(fit.s2, squares)
    for i in rows[~good]:
        o = study.observations[i]
        detail = f"log volume of {o.label}, or of its market, does not vary"
        drops.append(Drop(o.reading.event.event_id, o.label, "no_variance", detail))
    if not good.any():
        return None, drops
    positions = np.array(
        [study.observations[i].reading.position for i in rows[good]], dtype=np.int64
    )
    return Fitted(model, rows[good], positions, _taken(fit, good)), drops


def _taken(fit: ModelFit, good: npt.NDArray[np.bool_]) -> ModelFit:
    """Return the fit of some observations."""
    names = ("ar", "v", "residuals", "leverage", "s2", "dof", "alpha", "beta", "condition")
    taken: dict[str, Any] = {name: getattr(fit, name)[good] for name in names}
    return replace(fit, **taken)


def _series(
    study: StudyResult,
    o: Observation,
    tickers: tuple[str, ...],
    logs: Floats,
    model: str,
    named: tuple[str, ...] | None,
) -> tuple[Floats, Floats, tuple[str, str] | None]:
    """Return own and market log volume over both windows, shape (M + L,), and any fault."""
    frame = study.config.frame
    days = np.concatenate([frame.estimation_days, frame.days])
    rows = o.reading.position + days
    block = np.where((rows >= 0)[:, None], logs[np.maximum(rows, 0)], np.nan)
    own = block[:, [tickers.index(t) for t, _ in o.weights]] @ np.array([w for _, w in o.weights])
    blank = np.full(len(days), np.nan)
    fault = _fault(own, o, frame)
    if fault or model == "mean":
        return own, blank, fault
    barred = {t for t, _ in o.weights}
    if named is None:
        barred |= {*study.events.baskets.resolve(o.reading.event.tickers)}
        barred |= {study.config.benchmark or ""}
    others = [i for i, t in enumerate(tickers) if t not in barred and t in (named or tickers)]
    if named is None:
        # A security that came or went would move the level of the mean.
        present = np.isfinite(own)
        others = [i for i in others if np.isfinite(block[present, i]).all()]
    if not others:
        detail = f"no other security has volume around {o.reading.session_0}"
        return own, blank, ("no_market_volume", detail)
    yardstick = block[:, others].mean(axis=1)
    return own, yardstick, _fault(np.where(np.isfinite(own), yardstick, np.nan), o, frame, "market")


def _fault(values: Floats, o: Observation, frame: Frame, whose: str = "") -> tuple[str, str] | None:
    """Return (reason, detail) where log volume has holes that a fit cannot do without."""
    split = len(frame.estimation_days)
    who = f"the market of {o.label}" if whose else o.label
    holes = np.flatnonzero(~np.isfinite(values[split:]))
    if len(holes):
        day = int(frame.days[holes[0]])
        return (
            "no_volume",
            f"{who} has no volume at session {day:+d} from {o.reading.session_0}",
        )
    usable = int(np.isfinite(values[:split]).sum())
    if usable < frame.min_estimation:
        return (
            "short_estimation",
            f"{who} has volume at {usable} sessions before {o.reading.session_0}, "
            f"{frame.min_estimation} are needed",
        )
    return None


def _events(study: StudyResult, found: Fitted, windows: Windows) -> list[Block]:
    """Return abnormal volume of single events by alignment."""
    fit = found.fit
    total, se = cumulate(fit.ar, fit.v, study.config.frame.masks(windows))
    lengths = np.array([b - a + 1 for a, b in windows])
    ranked = [
        sq_tails(total[:, w], fit.residuals, fit.leverage, int(length))
        for w, length in enumerate(lengths)
    ]
    rho = first_autocorrelation(fit.residuals)
    values = {
        "abnormal": total,
        "multiple": np.exp(total / lengths),
        "se": se,
        "t": total / se,
        "p_value": student(total / se, fit.dof[:, None]).two_sided,
        "p_sq": np.column_stack([r.two_sided for r in ranked]),
        "p_sq_greater": np.column_stack([r.greater for r in ranked]),
    }
    said = beyond_ranks(values["p_value"], fit.residuals, [b - a + 1 for a, b in windows])
    far = np.array(said, dtype=object)
    parts = []
    for alignment, at in aligned_rows(study, found.rows):
        columns: Block = event_labels(study, found.rows[at], [window_name(w) for w in windows])
        columns |= {"alignment": alignment, "model": found.model}
        columns |= {name: table[at].ravel() for name, table in values.items()}
        columns |= {
            "n_estimation": np.repeat(fit.dof[at] + fit.n_params, len(windows)),
            "autocorrelation": np.repeat(rho[at], len(windows)),
            "caveat": far[at].ravel(),
        }
        parts.append(columns)
    return parts


def _means(
    study: StudyResult, found: Fitted, at: Ints, labels: dict[str, str], windows: Windows
) -> Block:
    """Return the means of one group by window."""
    total = found.fit.ar[at] @ study.config.frame.masks(windows).T
    mean = total.mean(axis=0)
    return labels | {
        "window": [window_name(w) for w in windows],
        "n": len(at),
        "n_dates": len(np.unique(found.positions[at])),
        "mean_abnormal": mean,
        "median_abnormal": np.median(total, axis=0),
        "multiple": np.exp(mean / np.array([b - a + 1 for a, b in windows])),
        "autocorrelation": first_autocorrelation(found.fit.residuals[at]).mean(),
    }


def _tests(
    study: StudyResult,
    found: Fitted,
    at: Ints,
    labels: dict[str, str],
    chosen: Sequence[SignificanceTest],
    windows: Windows,
) -> list[Block]:
    """Return the tests of one group."""
    masks = study.config.frame.masks(windows)
    sample = sample_of(study, found, at)
    rho = float(first_autocorrelation(sample.residuals).mean())
    parts = []
    for test in chosen:
        said = _doubted(test, test.evaluate(sample, masks), masks, rho)
        convention = sample.convention if test.standardised else ""
        parts.append(tests_rows(labels, [window_name(w) for w in windows], said, convention))
    return parts


def _doubted(test: SignificanceTest, said: Significance, masks: Floats, rho: float) -> Significance:
    """Add what autocorrelation does to a test that takes sessions as independent."""
    rests = test.independent_days or test.name.startswith("patell")
    if not rests or rho < PERSISTENT:
        return said
    doubt = f"takes sessions as independent, but log volume has autocorrelation {rho:.2f}"
    caveats = tuple(
        "; ".join(filter(None, (old, doubt if mask.sum() > 1 and np.isfinite(value) else "")))
        for old, mask, value in zip(said.caveats, masks, said.verdict.statistic, strict=True)
    )
    return replace(said, caveats=caveats)


def _require_something(events: Sequence[Block], drops: Sequence[Drop]) -> None:
    if events:
        return
    lost = list(dict.fromkeys(drops))
    counts = ", ".join(f"{n} {reason}" for reason, n in Counter(d.reason for d in lost).items())
    such = "; ".join(f"{d.event_id} {d.ticker}: {d.detail}" for d in lost[:2])
    raise StudyError(f"no observation of the study has volume: {counts}, such as {such}")


def _notes(study: StudyResult, volume: Floats, named: tuple[str, ...] | None) -> tuple[str, ...]:
    spreads = {o.label for o in study.observations if not _sold(o)}
    zeros = int((volume == 0).sum())
    who = (
        "the other securities of the price table, without the event's own tickers and the benchmark"
        if named is None
        else ", ".join(named)
    )
    found = [
        f"Market volume: mean log volume of {who}.",
        "Log volume is persistent: for one event and a window of several sessions take p_sq, "
        "the rank among sums of consecutive residuals.",
    ]
    if spreads:
        found.append(f"Spreads have no volume: {', '.join(sorted(spreads))} left aside.")
    if zeros:
        found.append(f"{zeros} sessions of zero volume in the price table count as missing.")
    return tuple(found)
