"""variance_ratio(): the variance that the events of a study brought with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.activity.layout import (
    TESTS,
    Block,
    Fitted,
    aligned_rows,
    column_means,
    column_medians,
    dropped_frame,
    event_labels,
    grouped,
    positions_of,
    sample_of,
    stacked,
    tests_rows,
)
from eventstudy.activity.ranks import RankAbsolute, absolute
from eventstudy.activity.ratios import (
    PatellU,
    absolute_residuals,
    dispersion,
    f_tails,
    moving_means,
    variance_ratios,
)
from eventstudy.activity.result import ActivityResult
from eventstudy.errors import StudyError
from eventstudy.significance.single import beyond_ranks, empirical_tails
from eventstudy.windows import Window, window_name

if TYPE_CHECKING:
    from eventstudy.study import StudyResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Windows = tuple[Window, ...]

EVENTS = (
    "event_id", "ticker", "alignment", "model", "window", "ratio", "p_value", "p_greater",
    "p_less", "p_sq_greater", "distribution", "n_estimation", "caveat",
)  # fmt: skip
MEANS = (
    "group", "alignment", "model", "window", "n", "n_dates", "mean_ratio", "median_ratio",
    "dispersion",
)  # fmt: skip


def variance_ratio(study: StudyResult, *, every_day: bool = True) -> ActivityResult:
    """Compare the variance of event days with that of the estimation window.

    For one event AR' V^-1 AR / L, which is F(L, M - d) under normality, and its rank among
    means of L consecutive squared standardised residuals, which needs no normality. Over
    events, two tests: ``patell_u`` (Patell 1976, on Beaver's U) and ``rank_absolute`` (a rank
    test on absolute standardised abnormal returns; squaring them gives the same ranks).

    Parameters
    ----------
    study : StudyResult
    every_day : bool
        Whether every event day is measured and tested beside the windows asked for.

    Returns
    -------
    ActivityResult
        For every model of the study that has a covariance of forecast errors.

    Raises
    ------
    StudyError
        Where no model has one.

    References
    ----------
    Beaver (1968); Patell (1976); Corrado (1989); Rohrbach and Chandra (1989).
    """
    rows = np.arange(len(study.observations), dtype=np.int64)
    usable, notes = _usable(study)
    if not usable:
        raise StudyError("variance_ratio: " + " ".join(notes))
    spans = study.config.frame.all_windows if every_day else study.config.frame.windows
    events: list[Block] = []
    means: list[Block] = []
    tests: list[Block] = []
    for model in usable:
        found = Fitted(model, rows, positions_of(study), study.fits[model].fit)
        events += _events(study, found, spans)
        for part in _groups(study, found, spans):
            means.append(part[0])
            tests += part[1]
    return ActivityResult(
        what="variance",
        windows=tuple(window_name(w) for w in study.config.frame.windows),
        alignments=study.alignments,
        events=stacked(events, EVENTS),
        means=stacked(means, MEANS),
        tests=stacked(tests, TESTS),
        dropped=dropped_frame(()),
        notes=(
            *notes,
            "A single event's ratio holds its mean effect too; dispersion, over events, does "
            "not. Residuals of stocks are fat-tailed: where F or U and the ranks differ, take the "
            "ranks.",
        ),
    )


def _usable(study: StudyResult) -> tuple[list[str], list[str]]:
    """Return the models with a covariance, and what to say of the others."""
    usable, notes = [], []
    for model, found in study.fits.items():
        if found.fit.covariance == "none":
            notes.append(f"Model {model} has no covariance of forecast errors: left out.")
            continue
        usable.append(model)
        if found.fit.covariance == "approximate":
            notes.append(f"Model {model}: approximate covariance, so that F is approximate.")
    return usable, notes


def _events(study: StudyResult, found: Fitted, windows: Windows) -> list[Block]:
    """Return the ratios of single events by alignment."""
    masks = study.config.frame.masks(windows)
    fit = found.fit
    ratios = variance_ratios(fit.ar, fit.v, masks)
    scaled = absolute_residuals(fit.residuals, fit.leverage, fit.s2) ** 2
    lengths = [b - a + 1 for a, b in windows]
    draws = {length: moving_means(scaled, length) for length in set(lengths)}
    tails = [f_tails(ratios[:, w], length, fit.dof) for w, length in enumerate(lengths)]
    greater, less, both = (np.column_stack(part) for part in zip(*tails, strict=True))
    ranked = np.column_stack(
        [empirical_tails(ratios[:, w], draws[k]).greater for w, k in enumerate(lengths)]
    )
    ranked[~np.isfinite(ratios)] = np.nan
    names = np.array([[f"F({k},{d})" for k in lengths] for d in fit.dof])
    far = np.array(beyond_ranks(both, fit.residuals, lengths), dtype=object)
    parts = []
    for alignment, at in aligned_rows(study, found.rows):
        columns: Block = event_labels(study, found.rows[at], [window_name(w) for w in windows])
        columns |= {
            "alignment": alignment,
            "model": found.model,
            "ratio": ratios[at].ravel(),
            "p_value": both[at].ravel(),
            "p_greater": greater[at].ravel(),
            "p_less": less[at].ravel(),
            "p_sq_greater": ranked[at].ravel(),
            "distribution": names[at].ravel(),
            "n_estimation": np.repeat(fit.dof[at] + fit.n_params, len(windows)),
            "caveat": far[at].ravel(),
        }
        parts.append(columns)
    return parts


def _groups(study: StudyResult, found: Fitted, windows: Windows) -> list[tuple[Block, list[Block]]]:
    """Return means and tests of each group, direction groups left out: they change signs only."""
    names = [window_name(w) for w in windows]
    masks = study.config.frame.masks(windows)
    ratios = variance_ratios(found.fit.ar, found.fit.v, masks)
    parts = []
    for alignment, group, at in grouped(study, found, study.groups):
        labels = {"group": group.name, "alignment": alignment, "model": found.model}
        sample = sample_of(study, found, at)
        columns = labels | {
            "window": names,
            "n": np.isfinite(ratios[at]).sum(axis=0),
            "n_dates": sample.n_dates,
            "mean_ratio": column_means(ratios[at]),
            "median_ratio": column_medians(ratios[at]),
            "dispersion": dispersion(sample.scars(masks), sample.dof),
        }
        ranked = absolute(sample, found.fit.leverage[at], found.fit.s2[at])
        said = (PatellU().evaluate(sample, masks), RankAbsolute().evaluate(ranked, masks))
        parts.append((columns, [tests_rows(labels, names, test, "") for test in said]))
    return parts
