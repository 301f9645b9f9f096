"""From observations to the sums of all tests: two passes, part by part.

The parts depend on the data alone and are added up in their order, so that the numbers are the
same, bit for bit, whoever works on them: this process, its threads, others or a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.significance.rank import Tails
from eventstudy.streaming.first import FirstJob, first_pass
from eventstudy.streaming.parts import Part, split
from eventstudy.streaming.second import POOLS, RankSums, SecondJob, Spreads, second_pass
from eventstudy.streaming.signed import CarFile
from eventstudy.streaming.sums import FirstSums, joined
from eventstudy.streaming.verdicts import Totals
from eventstudy.streaming.world import World
from eventstudy.workers import Hands

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SINGLES = frozenset({"grank_t", "grank_z"})


def go_over(
    hands: Hands[World],
    columns: Ints,
    positions: Ints,
    tests: frozenset[str],
    *,
    what: str = "",
) -> dict[str, Totals]:
    """Go over observations twice and return the sums of all tests by model.

    Parameters
    ----------
    hands : Hands
        Each holding the world.
    columns, positions : ndarray, shape (N,), int
        Security and session 0 of each, ordered by session 0.
    tests : frozenset of str
        Names of `eventstudy.streaming.verdicts.STREAMED`.
    what : str
        Told to the progress of `hands`.

    Returns
    -------
    dict of str to Totals
        Without an event that one of the models cannot use.
    """
    world = hands.payload
    parts = list(split(columns, positions, world.reach))
    signed_ranks = "wilcoxon" in tests
    jobs = [FirstJob(part, cars=signed_ranks) for part in parts]
    sums: dict[str, list[FirstSums]] = {name: [] for name in world.recipes}
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(CarFile(len(columns), len(world.masks)))
            for name in (world.recipes if signed_ranks else ())
        }
        for _, found in hands.run(first_pass, jobs, ordered=True, what=what and f"{what}: fitting"):
            for name in world.recipes:
                sums[name].append(found.sums[name])
            for name, cars in found.cars.items():
                files[name].add(cars)
        signed = _signed_ranks(files)
    firsts = {name: joined(found) for name, found in sums.items()}
    ranks = _ranks(hands, parts, firsts, tests, what)
    return {
        name: Totals(
            first, ranks.get(name), signed.get(name), world.masks,
            len(world.recipes[name].coefficients),
        )
        for name, first in firsts.items()
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Abnormal:
    """Abnormal returns of N events under one model; NaN for an event that it cannot use.

    Attributes
    ----------
    ar, ar_se : ndarray, shape (N, L)
        By day of the hull, with exact forecast errors.
    car, se : ndarray, shape (N, V)
        Over the windows asked for.
    """

    ar: Floats
    ar_se: Floats
    car: Floats
    se: Floats


def abnormal(hands: Hands[World], columns: Ints, positions: Ints) -> dict[str, Abnormal]:
    """Return abnormal returns, CARs and exact errors of every event, by model.

    Parameters
    ----------
    hands : Hands
        Each holding the world.
    columns, positions : ndarray, shape (N,), int
        Security and session 0 of each, in any order.
    """
    world, n = hands.payload, len(columns)
    order = np.argsort(positions, kind="stable")
    parts = list(split(columns[order], positions[order], 0))
    jobs = [FirstJob(part, sums=False, cars=False, keep=True) for part in parts]
    days, windows = (n, world.masks.shape[1]), (n, len(world.asked))
    found = {
        name: Abnormal(*(np.full(shape, np.nan) for shape in (days, days, windows, windows)))
        for name in world.recipes
    }
    start = 0
    for _, part in hands.run(first_pass, jobs, ordered=True):
        for name, kept in part.kept.items():
            rows, into = order[start + kept.rows], found[name]
            into.ar[rows], into.ar_se[rows] = kept.ar, kept.day_se
            into.car[rows], into.se[rows] = kept.car, kept.se
        start += len(next(iter(part.faulty.values())))
    return found


def _signed_ranks(files: Mapping[str, CarFile]) -> dict[str, tuple[Tails, ...]]:
    return {name: file.signed_ranks() for name, file in files.items()}


def _ranks(
    hands: Hands[World],
    parts: list[Part],
    firsts: Mapping[str, FirstSums],
    tests: frozenset[str],
    what: str,
) -> dict[str, RankSums]:
    """Go over the events a second time, where a rank test is asked for."""
    pools = tuple(name for name in POOLS if name in tests)
    singles = bool(SINGLES & tests)
    if not (pools or singles):
        return {}
    length = hands.payload.masks.shape[1]
    spreads = {name: _spreads(first, length) for name, first in firsts.items()}
    jobs = [SecondJob(part, pools, singles, spreads) for part in parts]
    found: dict[str, RankSums] = {}
    said = what and f"{what}: ranking"
    for _, part in hands.run(second_pass, jobs, ordered=True, what=said):
        for name, sums in part.items():
            found[name] = found[name] + sums if name in found else sums
    return found


def _spreads(first: FirstSums, length: int) -> Spreads:
    """Return what days and windows are divided by; see `eventstudy.significance.corrado`."""
    windows = first.scar.deviation
    days = windows[:length]
    n = first.n
    r = first.pairs[0] * 2.0 / (n * (n - 1.0)) if n > 1 else 0.0
    unbiased = max(1.0 - r, 0.0) or np.nan
    return Spreads({"corrado_zivney": days, "cumrank": days / np.sqrt(unbiased)}, windows)
