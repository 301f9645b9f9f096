"""Group tests adjusted for their number: one family an alignment, model and test.

A family holds one hypothesis, that the mean abnormal return is zero, for each group and each
window that was asked for. Single events are no part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.significance import Sample
from eventstudy.significance.multiple import benjamini_hochberg, holm, romano_wolf
from eventstudy.significance.resampling import (
    DRAWS,
    FEW_DATES,
    FEWEST_DATES,
    WEBB,
    signs_of,
    webb_points,
    wild_statistics,
)
from eventstudy.study.tables import samples
from eventstudy.windows import window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.study.result import StudyResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MULTIPLE = (
    "group", "alignment", "model", "window", "test", "p_value", "p_holm", "p_bh",
    "p_romano_wolf", "family_size",
)  # fmt: skip
FAMILY = ["alignment", "model", "test"]
HYPOTHESIS = ["group", "alignment", "model", "window"]
BESIDE = ("kolari_pynnonen", "cluster_bootstrap")
"""Tests beside which Romano-Wolf's p-value stands; it is that of `cluster_bootstrap`."""


def multiplicity_frame(study: StudyResult) -> pd.DataFrame:
    """Return the two-sided p-values of group tests, adjusted within their families.

    ``p_holm`` and ``p_bh`` adjust the p-values of one test over all groups and windows asked
    for; ``p_romano_wolf`` adjusts the mean CARs' statistics of `cluster_bootstrap` jointly
    and stands beside that test and `kolari_pynnonen`. ``family_size`` is the number of tests
    of the family that have a p-value.
    """
    import pandas as pd

    asked = [window_name(w) for w in study.config.frame.windows]
    rows = study.group_tests
    rows = rows.loc[rows["window"].isin(asked), [*HYPOTHESIS, "test", "p_value"]]
    families = rows.groupby(FAMILY, sort=False)["p_value"]
    rows = rows.assign(
        p_holm=families.transform(lambda p: holm(p.to_numpy())),
        p_bh=families.transform(lambda p: benjamini_hochberg(p.to_numpy())),
        family_size=families.transform("count"),
    )
    rows = rows.merge(_stepped_down(study), on=HYPOTHESIS, how="left")
    beside = rows["test"].isin(BESIDE)
    rows["p_romano_wolf"] = rows["p_romano_wolf"].where(beside)
    return pd.DataFrame(rows, columns=list(MULTIPLE)).reset_index(drop=True)


def _stepped_down(study: StudyResult) -> pd.DataFrame:
    """Return Romano-Wolf's p-values by hypothesis."""
    import pandas as pd

    windows = study.config.frame.windows
    names = [window_name(w) for w in windows]
    masks = study.config.frame.masks(windows)
    held: dict[tuple[str, str], list[tuple[str, Sample]]] = {}
    for alignment, model, group, sample in samples(study):
        held.setdefault((alignment, model), []).append((group.name, sample))
    parts = []
    for (alignment, model), members in held.items():
        p = stepped_down([sample for _, sample in members], masks, seed=study.config.seed)
        part = {
            "group": np.repeat([name for name, _ in members], len(names)),
            "alignment": alignment,
            "model": model,
            "window": np.tile(names, len(members)),
            "p_romano_wolf": p.ravel(),
        }
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def stepped_down(
    held: Sequence[Sample], masks: Floats, *, draws: int = DRAWS, seed: int = 0
) -> Floats:
    """Return Romano-Wolf p-values of mean CARs, shape (groups, W).

    One weight a date and draw, shared by all groups and windows: a group of at least 12 dates
    has the sign of the Webb point of a smaller one. A group on fewer than 5 dates has none.

    Parameters
    ----------
    held : sequence of Sample
        One a group.
    masks : ndarray, shape (W, L)
    draws, seed : int
    """
    dates = np.unique(np.concatenate([sample.positions for sample in held]))
    points = webb_points(len(dates), draws, seed)
    webb, signs = WEBB[points], signs_of(points)
    t, drawn = [], []
    for sample in held:
        sums, counts = _on_dates(sample.cars(masks)[0], sample.positions, dates)
        present = (counts > 0).sum(axis=0)
        few = present.max(initial=0) < FEW_DATES
        found, resampled = wild_statistics(sums, counts, webb if few else signs)
        t.append(np.where(present >= FEWEST_DATES, found, np.nan))
        drawn.append(resampled)
    return romano_wolf(np.concatenate(t), np.hstack(drawn)).reshape(len(held), len(masks))


def _on_dates(values: Floats, positions: Ints, dates: Ints) -> tuple[Floats, Floats]:
    """Return sums and counts on given dates, shape (G, W); missing values count for nothing."""
    member = (dates[:, None] == positions[None, :]).astype(float)
    present = np.isfinite(values)
    return member @ np.where(present, values, 0.0), member @ present.astype(float)
