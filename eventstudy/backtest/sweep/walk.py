"""Walk-forward by event date: parameters chosen on past events, traded on the next ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.errors import BacktestError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]
FEWEST_TRADED = 5
"""Events that a variant must have traded in training to be chosen."""


@dataclass(frozen=True)
class Walk:
    """What choosing and then trading would have earned.

    Attributes
    ----------
    folds : DataFrame
        One row a fold: fold, train_events, first and last session 0 of the test, variant
        chosen (-1: none had traded enough), trained (profit an event over its standard
        deviation in training), earned (profit in the test), hindsight (profit of the variant
        that was best in the test).
    earned : ndarray, shape (E',)
        Profit of each tested event.
    event_ids : tuple of str, length E'
    """

    folds: pd.DataFrame
    earned: Floats
    event_ids: tuple[str, ...]

    @property
    def total(self) -> float:
        """Profit over all tests."""
        return float(self.earned.sum())


def walk_forward(
    sessions_0: Days, event_ids: tuple[str, ...], earned: Floats, folds: int, reach: Ints
) -> Walk:
    """Choose the variant that was best on past events and trade the next block with it.

    Events are put in order of session 0 and cut into ``folds + 1`` blocks of near equal
    size, events of one session 0 kept together. The first block is training only; each
    later one is traded with the variant whose profit an event, over its standard deviation,
    was highest on the events before it. An event whose trade may still be open when the
    block begins (`reach` weekdays after its session 0) does not count in training.

    Parameters
    ----------
    sessions_0 : ndarray, shape (E,)
    event_ids : tuple of str, length E
    earned : ndarray, shape (E, K)
        Zero where an event was not traded.
    folds : int
    reach : ndarray, shape (K,)
        Sessions after session 0 at which each variant has left.

    Raises
    ------
    BacktestError
        For fewer than two folds or more than there are distinct dates.
    """
    days = np.unique(sessions_0[~np.isnat(sessions_0)])
    if not 2 <= folds < len(days):
        raise BacktestError(f"folds {folds}; allowed: 2 to {len(days) - 1}, one date a block")
    rows, kept_ids, kept = [], [], []
    for number, block in enumerate(np.array_split(days, folds + 1)[1:], 1):
        tested = (sessions_0 >= block[0]) & (sessions_0 <= block[-1])
        scores, events = _scores(sessions_0, earned, block[0], reach)
        choice = int(np.argmax(scores)) if np.isfinite(scores).any() else -1
        profits = earned[tested, choice] if choice >= 0 else np.zeros(int(tested.sum()))
        best = float(earned[tested].sum(axis=0).max()) if earned.shape[1] else 0.0
        rows.append((number, events, block[0], block[-1], choice,
                     scores[choice] if choice >= 0 else np.nan, profits.sum(), best))  # fmt: skip
        kept.append(profits)
        kept_ids += [name for name, inside in zip(event_ids, tested, strict=True) if inside]
    names = ["fold", "train_events", "first", "last", "variant", "trained", "earned", "hindsight"]
    return Walk(pd.DataFrame(rows, columns=names), np.concatenate(kept), tuple(kept_ids))


def _scores(
    sessions_0: Days, earned: Floats, start: np.datetime64, reach: Ints
) -> tuple[Floats, int]:
    """Return each variant's profit an event over its s.d. in training; -inf where too few."""
    gone = np.busday_offset(sessions_0[:, None], reach[None, :], roll="forward") < start
    past = np.where(gone, earned, 0.0)
    traded = (past != 0.0).sum(axis=0)
    mean = past.sum(axis=0) / np.maximum(traded, 1)
    square = (past**2).sum(axis=0) / np.maximum(traded, 1) - mean**2
    spread = np.sqrt(np.maximum(square, 0.0))
    score = np.divide(mean, spread, out=np.full(len(mean), -np.inf), where=spread > 0)
    score[traded < FEWEST_TRADED] = -np.inf
    return score, int(gone.any(axis=1).sum())
