"""From observations to the sums of all tests: two passes, part by part.

The parts depend on the data alone and are added up in their order, so that the numbers are the
same, bit for bit, whoever works on them: this process, its threads or a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from eventstudy.models.contract import Progress, Recipe, unwatched
from eventstudy.significance.rank import Tails
from eventstudy.streaming.first import FirstPart, FirstSums, Task, first_pass, joined
from eventstudy.streaming.ground import Ground
from eventstudy.streaming.parts import Part, split
from eventstudy.streaming.second import POOLS, RankSums, RankTask, Spreads, second_pass
from eventstudy.streaming.signed import CarFile
from eventstudy.streaming.verdicts import Totals

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SINGLES = frozenset({"grank_t", "grank_z"})
PAIRS = frozenset({"patell_adjusted", "kolari_pynnonen", "cumrank"})


class Hands(Protocol):
    """Who does the work: gives results in the order of the tasks."""

    def run(
        self, function: Callable[[Any, Any], Any], payload: Any, tasks: Iterable[Any]
    ) -> Iterator[Any]:
        """Yield ``function(payload, task)`` for every task."""
        ...


@dataclass(frozen=True, eq=False)
class Ask:
    """What is asked of one set of observations.

    Attributes
    ----------
    ground : Ground
    recipes : mapping of str to Recipe
        By model.
    masks : ndarray, shape (W, L)
        Windows, the days of the hull first.
    tests : frozenset of str
        Names of `eventstudy.streaming.verdicts.STREAMED`.
    convention : str
    widened : bool
        Whether cross-correlation is asked for without a test that needs it.
    """

    ground: Ground
    recipes: Mapping[str, Recipe]
    masks: Floats
    tests: frozenset[str]
    convention: str = "scar"
    widened: bool = True


Take = Callable[[int, Part, FirstPart], None]
"""Given the number of a part, the part and its first pass, in order."""


def go_over(
    ask: Ask,
    columns: Ints,
    positions: Ints,
    hands: Hands,
    *,
    take: Take | None = None,
    progress: Progress = unwatched,
) -> dict[str, Totals]:
    """Go over observations twice and return the sums of all tests by model.

    Parameters
    ----------
    ask : Ask
    columns, positions : ndarray, shape (N,), int
        Security and session 0 of each, ordered by session 0.
    hands : Hands
    take : callable, optional
        Is given what is found of each event, part by part.
    progress : callable

    Returns
    -------
    dict of str to Totals
        Without an event that one of the models cannot use.
    """
    task = Task(
        ask.ground,
        ask.recipes,
        ask.masks,
        ask.convention,
        pairs=ask.widened or bool(PAIRS & ask.tests),
        keep=take is not None,
        cars="wilcoxon" in ask.tests,
    )
    parts = list(split(columns, positions, task.reach))
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(CarFile(len(columns), len(ask.masks)))
            for name in (ask.recipes if task.cars else ())
        }
        sums: dict[str, list[FirstSums]] = {name: [] for name in ask.recipes}
        for k, found in enumerate(hands.run(first_pass, task, parts)):
            for name in ask.recipes:
                sums[name].append(found.sums[name])
            for name, cars in found.cars.items():
                files[name].add(cars)
            if take is not None:
                take(k, parts[k], found)
            progress("fitting", k + 1, len(parts))
        signed = {name: file.signed_ranks() for name, file in files.items()}
    firsts = {name: joined(found) for name, found in sums.items()}
    ranks = _ranks(ask, task, parts, firsts, hands, progress)
    return {
        name: _totals(ask, name, first, ranks.get(name), signed.get(name))
        for name, first in firsts.items()
    }


def _totals(
    ask: Ask, name: str, first: FirstSums, ranks: RankSums | None, signed: tuple[Tails, ...] | None
) -> Totals:
    return Totals(first, ranks, signed, ask.masks, len(ask.recipes[name].coefficients))


def _ranks(
    ask: Ask,
    task: Task,
    parts: list[Part],
    firsts: Mapping[str, FirstSums],
    hands: Hands,
    progress: Progress,
) -> dict[str, RankSums]:
    """Go over the events a second time, where a rank test is asked for."""
    pools = tuple(name for name in POOLS if name in ask.tests)
    singles = bool(SINGLES & ask.tests)
    if not (pools or singles) or not parts:
        return {}
    spreads = {name: _spreads(first, ask.masks.shape[1]) for name, first in firsts.items()}
    second = RankTask(task, pools, singles, spreads)
    found: dict[str, RankSums] = {}
    for k, part in enumerate(hands.run(second_pass, second, parts)):
        for name, sums in part.items():
            found[name] = found[name] + sums if name in found else sums
        progress("ranking", k + 1, len(parts))
    return found


def _spreads(first: FirstSums, length: int) -> Spreads:
    """Return what days and windows are divided by; see `eventstudy.significance.corrado`."""
    windows = first.scar.deviation
    days = windows[:length]
    n = first.n
    r = first.pairs[0] * 2.0 / (n * (n - 1.0)) if n > 1 else 0.0
    unbiased = max(1.0 - r, 0.0) or np.nan
    return Spreads({"corrado_zivney": days, "cumrank": days / np.sqrt(unbiased)}, windows)
