"""Walk-forward by event date: parameters chosen on past events, traded on the next ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.errors import BacktestError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FEWEST_TRADED = 5
"""Events that a variant must have traded in training to be chosen."""
FOLDS = (
    "fold", "train_events", "test_events", "first", "last", "column", "trained", "earned",
    "hindsight",
)  # fmt: skip
NONE = -1


@dataclass(frozen=True)
class Walk:
    """What choosing and then trading would have earned.

    Attributes
    ----------
    folds : DataFrame
        One row a fold: fold, train_events (closed by then), test_events, first and last
        session 0 of the test as rows of the price table, column of the variant chosen (-1:
        none had traded enough), trained (t of its mean profit an event in training), earned
        (profit in the test), hindsight (profit of the variant that was best in the test).
    earned : ndarray, shape (E',)
        Profit of each event of the folds in which a variant was chosen.
    event_ids : tuple of str, length E'
    columns : ndarray of int, shape (E',)
        The variant that traded each.
    """

    folds: pd.DataFrame
    earned: Floats
    event_ids: tuple[str, ...]
    columns: Ints

    @property
    def total(self) -> float:
        """Profit over all tests."""
        return float(self.earned.sum())

    @property
    def hindsight(self) -> float:
        """Profit of the best variant of each of these folds, known afterwards only."""
        return float(self.folds.loc[self.folds["column"] != NONE, "hindsight"].sum())

    @property
    def mean(self) -> float:
        """Mean profit of an event; NaN where no variant was ever chosen."""
        return float(self.earned.mean()) if len(self.earned) else math.nan

    @property
    def error(self) -> float:
        """Standard error of the mean, events taken as independent; NaN for fewer than two."""
        n = len(self.earned)
        return float(self.earned.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan


def walk_forward(
    rows: Ints, event_ids: Sequence[str], earned: Floats, closed: Ints, folds: int, lead: int = 0
) -> Walk:
    """Choose the variant that was best on past events and trade the next block with it.

    Events that any variant traded are put in order of session 0 and cut into ``folds + 1``
    blocks of near equal numbers of dates. The first block is training only; each later one is
    traded with the variant whose mean profit an event, over its standard error, was highest on
    the events before it. A trade counts in training only where it was closed before the
    session of the block's first decision.

    Parameters
    ----------
    rows : ndarray of int, shape (E,)
        Row of each event's session 0 in the price table.
    event_ids : sequence of str, length E
    earned : ndarray, shape (E, K)
        Profit; zero where an event was not traded.
    closed : ndarray of int, shape (E, K)
        Row on which the trade was closed; -1 where there was none.
    folds : int
    lead : int
        Sessions from session 0 to the earliest decision of any variant; negative where one
        decides before the news.

    Raises
    ------
    BacktestError
        For fewer than two folds, or more than there are dates beside the first block.
    """
    used = np.flatnonzero((closed >= 0).any(axis=1))
    rows, earned, closed = rows[used], earned[used], closed[used]
    days = np.unique(rows)
    if not 2 <= folds < len(days):
        raise BacktestError(
            f"folds {folds}; allowed: 2 to {len(days) - 1}, for events on {len(days)} dates were "
            "traded, and the first block is training only"
            if len(days) > 2
            else f"folds {folds}: only {len(days)} dates of events were traded; needs 3"
        )
    found, kept, names, columns = [], [], [], []
    for number, block in enumerate(np.array_split(days, folds + 1)[1:], 1):
        tested = np.flatnonzero((rows >= block[0]) & (rows <= block[-1]))
        past = (closed >= 0) & (closed < block[0] + lead)
        scores = training_scores(earned, past)
        choice = int(np.argmax(scores)) if np.isfinite(scores).any() else NONE
        profits = earned[tested, choice] if choice != NONE else np.zeros(len(tested))
        best = float(earned[tested].sum(axis=0).max())
        found.append((
            number, int(past.any(axis=1).sum()), len(tested), int(block[0]), int(block[-1]),
            choice, float(scores[choice]) if choice != NONE else np.nan, float(profits.sum()),
            best,
        ))  # fmt: skip
        if choice != NONE:
            kept.append(profits)
            columns.append(np.full(len(tested), choice, dtype=np.int64))
            names += [event_ids[used[place]] for place in tested]
    return Walk(
        pd.DataFrame(found, columns=list(FOLDS)),
        np.concatenate(kept) if kept else np.empty(0),
        tuple(names),
        np.concatenate(columns) if columns else np.empty(0, dtype=np.int64),
    )


def t_of_mean(profits: Floats) -> float:
    """Return the mean over its standard error, independent of the size of the trades.

    NaN for fewer than two profits, or where they are all alike.
    """
    n = len(profits)
    error = float(profits.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    return float(profits.mean()) / error if error > 0 else math.nan


def training_scores(earned: Floats, past: npt.NDArray[np.bool_]) -> Floats:
    """Return t of each variant's mean profit an event, shape (K,).

    ``mean / (s / sqrt n)``, s with ddof 1, over the n events it has traded and closed; -inf
    for fewer than `FEWEST_TRADED`, or without variation.

    Parameters
    ----------
    earned : ndarray, shape (E, K)
    past : ndarray of bool, shape (E, K)
        Which trades count.
    """
    n = past.sum(axis=0)
    mean = np.where(past, earned, 0.0).sum(axis=0) / np.maximum(n, 1)
    square = (np.where(past, earned - mean, 0.0) ** 2).sum(axis=0)
    error = np.sqrt(square / np.maximum(n - 1, 1) / np.maximum(n, 1))
    enough = (n >= FEWEST_TRADED) & (error > 0)
    found: Floats = np.full(len(n), -np.inf)
    np.divide(mean, error, out=found, where=enough)
    return found
