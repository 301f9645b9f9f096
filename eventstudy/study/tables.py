"""The tables of a study, built from its fits: abnormal returns, CARs, tests, effects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import AbnormalReturns, cumulate
from eventstudy.models.contract import Progress, unwatched
from eventstudy.significance import Sample, Significance, SignificanceTest
from eventstudy.significance.contract import student
from eventstudy.significance.single import beyond_ranks
from eventstudy.study.effects import Effects, group_effects
from eventstudy.study.groups import Group
from eventstudy.study.placebo import history_of
from eventstudy.windows import Window, window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.models import ModelFit
    from eventstudy.significance.contract import Significance
    from eventstudy.significance.history import History
    from eventstudy.study.config import StudyConfig
    from eventstudy.study.result import StudyResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Key = tuple[str, bytes, bytes]

ABNORMAL = ("event_id", "ticker", "alignment", "model", "day", "date", "ar", "ar_se", "car")
CARS = (
    "event_id", "ticker", "alignment", "model", "window", "car", "se", "t", "p_value",
    "n_estimation", "alpha", "beta", "sigma", "bhar", "caveat",
)  # fmt: skip
TESTS = (
    "group", "alignment", "model", "convention", "window", "test", "statistic", "p_value",
    "p_greater", "p_less", "n", "n_dates", "distribution", "caveat",
)  # fmt: skip
EFFECTS = (
    "group", "alignment", "model", "window", "n", "n_dates", "caar", "se", "lo", "hi", "mde",
)  # fmt: skip


def alignment_rows(study: StudyResult) -> dict[str, Ints]:
    """Return the observations of each alignment that occurs."""
    return {
        name: np.array(
            [i for i, o in enumerate(study.observations) if name in o.reading.alignments],
            dtype=np.int64,
        )
        for name in study.alignments
    }


def blocks(study: StudyResult) -> Iterator[tuple[str, str, AbnormalReturns, Ints]]:
    """Yield (alignment, model, fit, rows) in the order of the tables."""
    for alignment, rows in alignment_rows(study).items():
        for model, found in study.fits.items():
            yield alignment, model, found, rows


def abnormal_frame(study: StudyResult) -> pd.DataFrame:
    """Return abnormal returns by event, series and day."""
    import pandas as pd

    days = study.config.frame.days
    parts = []
    for alignment, model, found, rows in blocks(study):
        ar = found.fit.ar[rows]
        dates = study.days[found.positions[rows][:, None] + days]
        part = _labels(study, rows, len(days))
        part |= {
            "alignment": alignment,
            "model": model,
            "day": np.tile(days, len(rows)),
            "date": dates.astype("datetime64[s]").ravel(),
            "ar": ar.ravel(),
            "ar_se": np.sqrt(np.einsum("nll->nl", found.fit.v[rows])).ravel(),
            "car": np.cumsum(ar, axis=1).ravel(),
        }
        parts.append(pd.DataFrame(part, columns=list(ABNORMAL)))
    return pd.concat(parts, ignore_index=True)


def cars_frame(study: StudyResult) -> pd.DataFrame:
    """Return CARs by event, series and window with their forecast errors."""
    import pandas as pd

    windows = study.config.frame.windows
    masks = study.config.frame.masks(windows)
    parts = []
    for alignment, model, found, rows in blocks(study):
        fit = found.fit
        car, se = cumulate(fit.ar[rows], fit.v[rows], masks)
        t = car / se
        p = student(t, fit.dof[rows][:, None]).two_sided
        far = beyond_ranks(p, fit.residuals[rows], [b - a + 1 for a, b in windows])
        per_row = {
            "n_estimation": fit.dof[rows] + fit.n_params,
            "alpha": fit.alpha[rows],
            "beta": fit.beta[rows],
            "sigma": np.sqrt(fit.s2[rows]),
        }
        part = _labels(study, rows, len(windows))
        part |= {
            "alignment": alignment,
            "model": model,
            "window": np.tile([window_name(w) for w in windows], len(rows)),
            "car": car.ravel(),
            "se": se.ravel(),
            "t": t.ravel(),
            "p_value": p.ravel(),
            "bhar": buy_and_hold(study, found, rows, masks).ravel(),
            "caveat": [text for row in far for text in row],
        }
        part |= {name: np.repeat(values, len(windows)) for name, values in per_row.items()}
        parts.append(pd.DataFrame(part, columns=list(CARS)))
    return pd.concat(parts, ignore_index=True)


def buy_and_hold(study: StudyResult, found: AbnormalReturns, rows: Ints, masks: Floats) -> Floats:
    """Return buy-and-hold abnormal returns over windows, shape (N, W).

    ``prod (1 + R) - prod (1 + E[R])``, E[R] = R - AR: what was earned less what the model
    would have earned, both compounded. NaN for a spread, in which nobody buys and holds.

    Parameters
    ----------
    study : StudyResult
    found : AbnormalReturns
        One of its fits.
    rows : ndarray, shape (N,), int
    masks : ndarray, shape (W, L)
    """
    at = found.positions[rows][:, None] + study.config.frame.days
    columns = found.columns[rows]
    realised = study.panel.series[at, columns[:, None]]
    both = np.stack([realised, realised - found.fit.ar[rows]])
    gross = np.exp(both) if study.config.returns == "log" else 1.0 + both
    held, expected = np.stack([gross[:, :, mask > 0].prod(axis=2) for mask in masks], axis=2)
    return np.where(study.panel.net[columns][:, None] == 0.0, np.nan, held - expected)


def _labels(study: StudyResult, rows: Ints, times: int) -> dict[str, Any]:
    kept = [study.observations[i] for i in rows]
    return {
        "event_id": np.repeat([o.reading.event.event_id for o in kept], times),
        "ticker": np.repeat([o.label for o in kept], times),
    }


def fitted_sample(
    fit: ModelFit,
    rows: Ints,
    positions: Ints,
    config: StudyConfig,
    signs: Floats | None = None,
    history: Callable[[], History] | None = None,
) -> Sample:
    """Return the sample of some observations of a fit.

    Parameters
    ----------
    fit : ModelFit
        Of n observations.
    rows : ndarray, shape (N,), int
        Places among the n.
    positions : ndarray, shape (N,), int
        Row of session 0 of each of them in the grid.
    config : StudyConfig
    signs : ndarray, shape (N,), optional
        +1 or -1, by which abnormal returns and residuals are multiplied.
    history : callable, optional
    """
    by = np.ones(len(rows)) if signs is None else signs
    return Sample(
        ar=fit.ar[rows] * by[:, None],
        v=fit.v[rows],
        residuals=fit.residuals[rows] * by[:, None],
        estimation_rows=np.maximum(positions[:, None] + config.frame.estimation_days, 0),
        positions=positions,
        dof=fit.dof[rows],
        n_params=fit.n_params,
        convention=config.convention,
        covariance=fit.covariance,
        seed=config.seed,
        history=history,
        # Where V has no meaning, s2 need not be a variance: the robust model's is a scale.
        s2=None if fit.covariance == "none" else fit.s2[rows],
    )


def sample_of(
    found: AbnormalReturns, group: Group, keep: npt.NDArray[np.bool_], study: StudyResult
) -> Sample:
    """Return the sample of a group's kept rows, signed, under one of the study's fits."""
    rows, signs = group.rows[keep], group.signs[keep]
    asked = [m for m in study.config.models if study.fits[m.name] is found]
    history = history_of(study, asked[0], rows, signs) if asked else None
    return fitted_sample(found.fit, rows, found.positions[rows], study.config, signs, history)


def samples(
    study: StudyResult, names: Collection[str] | None = None
) -> Iterator[tuple[str, str, Group, Sample]]:
    """Yield (alignment, model, group, sample) for every group with an observation.

    Only the groups of these names, where some are given.
    """
    for alignment, model, found, _ in blocks(study):
        for group in study.groups:
            if names is not None and group.name not in names:
                continue
            keep = study.counted(group, alignment)
            if keep.any():
                yield alignment, model, group, sample_of(found, group, keep, study)


def _taken(study: StudyResult, alignment: str, model: str, group: Group) -> Key:
    """Return what a sample holds: a group without uncertain hours is one under all alignments."""
    keep = study.counted(group, alignment)
    return model, group.rows[keep].tobytes(), group.signs[keep].tobytes()


def group_tests_frame(study: StudyResult, progress: Progress = unwatched) -> pd.DataFrame:
    """Return every test over every group, event day and window."""
    windows = study.config.frame.all_windows
    names = [window_name(w) for w in windows]
    masks = study.config.frame.masks(windows)
    parts: list[tuple[Any, ...]] = []
    total = len(study.alignments) * len(study.fits) * len(study.groups)
    known: dict[Key, list[Significance]] = {}
    for done, (alignment, model, group, sample) in enumerate(samples(study)):
        progress("testing", done, total)
        key = _taken(study, alignment, model, group)
        if key not in known:
            known[key] = [test.evaluate(sample, masks) for test in study.tests_asked]
        for test, found in zip(study.tests_asked, known[key], strict=True):
            where = (group.name, alignment, model, convention_of(test, sample.convention))
            parts.append(rows_of_test(where, names, found, two_sided_only=group.two_sided_only))
    return stacked_frame(TESTS, parts, len(windows))


def convention_of(test: SignificanceTest, convention: str) -> str:
    """Return the convention where a test uses SCARs, else an empty text."""
    return convention if test.standardised else ""


def rows_of_test(
    where: tuple[str, str, str, str],
    names: list[str],
    found: Significance,
    *,
    two_sided_only: bool = False,
) -> tuple[Any, ...]:
    """Return one test over every window as columns of `TESTS`, scalars for what is constant.

    Parameters
    ----------
    where : tuple of str
        Group, alignment, model, convention.
    names : list of str, length W
        Of the windows.
    found : Significance
    two_sided_only : bool
        Whether the sign says nothing about the series.
    """
    verdict = found.verdict
    hidden = np.full(len(names), np.nan)
    return (
        *where, names, found.name, verdict.statistic, verdict.two_sided,
        hidden if two_sided_only else verdict.greater,
        hidden if two_sided_only else verdict.less,
        found.n, found.n_dates, verdict.distribution, found.caveats,
    )  # fmt: skip


def stacked_frame(
    names: Sequence[str], parts: Sequence[tuple[Any, ...]], count: int
) -> pd.DataFrame:
    """Return what `rows_of_test` or `rows_of_effects` give, stacked; `count` windows each."""
    import pandas as pd

    if not parts:
        return pd.DataFrame(columns=list(names))
    columns = zip(names, zip(*parts, strict=True), strict=True)
    return pd.DataFrame({name: _stacked(held, count) for name, held in columns})


def _stacked(held: Sequence[Any], count: int) -> Any:
    """Return one column of blocks of `count` rows, each a scalar or one value a row."""
    if isinstance(held[0], np.ndarray):
        return np.concatenate(held)
    return [
        value for block in held for value in ([block] * count if isinstance(block, str) else block)
    ]


def effects_frame(
    study: StudyResult, windows: Sequence[Window], groups: Collection[str] | None = None
) -> pd.DataFrame:
    """Return mean CARs with intervals and the smallest effect that could be found.

    Of the groups of these names, of all by default.
    """
    names = [window_name(w) for w in windows]
    masks = study.config.frame.masks(windows)
    parts = []
    known: dict[Key, Effects] = {}
    for alignment, model, group, sample in samples(study, groups):
        key = _taken(study, alignment, model, group)
        if key not in known:
            known[key] = group_effects(sample, masks)
        number = len(sample), sample.n_dates
        parts.append(rows_of_effects((group.name, alignment, model), names, number, known[key]))
    return stacked_frame(EFFECTS, parts, len(windows))


def rows_of_effects(
    where: tuple[str, str, str], names: list[str], number: tuple[int, int], found: Effects
) -> tuple[Any, ...]:
    """Return the mean CARs of one group over every window as columns of `EFFECTS`.

    Parameters
    ----------
    where : tuple of str
        Group, alignment, model.
    names : list of str, length W
    number : tuple of int
        Events, and their dates.
    found : Effects
    """
    counts = (np.full(len(names), count) for count in number)
    return (*where, names, *counts, found.caar, found.se, found.lo, found.hi, found.mde)
