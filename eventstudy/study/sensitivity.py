"""How much an answer owes to one choice: the same question with one thing changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.errors import StudyError
from eventstudy.significance import TESTS
from eventstudy.study.effects import group_effects
from eventstudy.windows import window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.study.result import StudyResult

SUPPORTING = ("kolari_pynnonen", "corrado")
CHOICES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("as asked", "", {}),
    ("estimation windows: all sessions", "estimation_excludes", {"estimation_excludes": "none"}),
    (
        "estimation windows: without own events",
        "estimation_excludes",
        {"estimation_excludes": "own_events"},
    ),
    ("overlapping events: kept", "overlap", {"overlap": "keep"}),
    ("overlapping events: dropped", "overlap", {"overlap": "drop"}),
    ("overlapping events: first kept", "overlap", {"overlap": "keep-first"}),
    ("overlapping events: estimated together", "overlap", {"overlap": "joint"}),
    ("model: constant mean", "models", {"models": ("mean",)}),
    ("model: market-adjusted", "models", {"models": ("market-adjusted",)}),
    ("model: market", "models", {"models": ("market",)}),
)
"""(what is told, the setting that changes, its value)."""

COLUMNS = (
    "choice", "group", "alignment", "model", "window", "n", "n_dates", "caar", "se", "lo", "hi",
    *(f"p_{name}" for name in SUPPORTING), "note",
)  # fmt: skip


def again(study: StudyResult, **changes: Any) -> StudyResult:
    """Return the same question on the same data with settings changed.

    Parameters
    ----------
    study : StudyResult
    **changes
        Fields of `StudyConfig`; models by name or object.

    Raises
    ------
    StudyError
        Where nothing is left under the changed settings.
    """
    from eventstudy.models import find_model
    from eventstudy.study.join import study_of

    if "models" in changes:
        changes["models"] = tuple(find_model(model) for model in changes["models"])
    config = replace(study.config, **changes)
    return study_of(study.events, study.prices, config, study.tests_asked, study.notes)


def sensitivity_frame(study: StudyResult, group: str) -> pd.DataFrame:
    """Return the mean CAR of a group with one choice changed at a time.

    Every reading of uncertain times stands in a row of its own; the first model asked for is
    the one that is varied.

    Parameters
    ----------
    study : StudyResult
    group : str
        Name of one of `StudyResult.groups`.

    Returns
    -------
    DataFrame
        ``choice``, the group with its reading, model and window, N and dates, CAAR with its
        95% interval, p-values of two tests, and a note where a choice cannot be carried out.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for told, setting, changes in CHOICES:
        if setting and _as_it_is(study, setting, changes[setting]):
            continue
        try:
            varied = again(study, **{"models": study.config.models[:1], **changes})
        except StudyError as error:
            rows.append({"choice": told, "group": group, "note": str(error).split("\n")[0]})
            continue
        found = [{"choice": told, **row} for row in _effects_of(varied, group)]
        rows += found or [{"choice": told, "group": group, "note": "no event of it is left"}]
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS))


def _as_it_is(study: StudyResult, setting: str, value: object) -> bool:
    """Return whether a choice is the one that was made."""
    if setting == "models":
        return value == (study.config.models[0].name,)
    return bool(getattr(study.config, setting) == value)


def _effects_of(study: StudyResult, group: str) -> Iterator[dict[str, Any]]:
    from eventstudy.study.tables import samples

    windows: Sequence[tuple[int, int]] = study.config.frame.windows
    masks = study.config.frame.masks(windows)
    for alignment, model, found, sample in samples(study):
        if found.name != group:
            continue
        effect = group_effects(sample, masks)
        p = {name: TESTS[name].evaluate(sample, masks).verdict.two_sided for name in SUPPORTING}
        for w, window in enumerate(windows):
            yield {
                "group": group,
                "alignment": alignment,
                "model": model,
                "window": window_name(window),
                "n": len(sample),
                "n_dates": sample.n_dates,
                "caar": float(effect.caar[w]),
                "se": float(effect.se[w]),
                "lo": float(effect.lo[w]),
                "hi": float(effect.hi[w]),
                **{f"p_{name}": float(np.asarray(value)[w]) for name, value in p.items()},
            }
