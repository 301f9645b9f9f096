"""First pass over the events: fits, sums for the tests, and the results of each event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from eventstudy.streaming.fits import Block, fit_block
from eventstudy.streaming.ground import Designs
from eventstudy.streaming.parts import Part
from eventstudy.streaming.sums import Adder, FirstSums
from eventstudy.streaming.world import World, designs_of, sound_blocks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FirstJob:
    """What the first pass is asked of a part.

    Attributes
    ----------
    part : Part
    sums : bool
        Whether sums for tests are asked for.
    pairs : bool
        Whether correlations are, too.
    cars : bool
        Whether all CARs are, for signed ranks.
    keep : bool
        Whether the results of each event are asked for.
    held : bool
        Whether buy-and-hold abnormal returns are among them.
    """

    part: Part
    sums: bool = True
    pairs: bool = True
    cars: bool = True
    keep: bool = False
    held: bool = False


@dataclass(frozen=True, eq=False)
class Kept:
    """Results of each sound event of a part under one model.

    Attributes
    ----------
    rows : ndarray, shape (n,), int
        Places in the part.
    ar, day_se : ndarray, shape (n, L)
        Abnormal returns and their forecast errors.
    car, se, bhar : ndarray, shape (n, V)
        Of the windows asked for.
    params : ndarray, shape (n, d)
    s2 : ndarray, shape (n,)
    count : ndarray, shape (n,), int
        Usable sessions M_i.
    """

    rows: Ints
    ar: Floats
    day_se: Floats
    car: Floats
    se: Floats
    bhar: Floats
    params: Floats
    s2: Floats
    count: Ints


@dataclass(frozen=True, eq=False)
class FirstPart:
    """The first pass over one part.

    Attributes
    ----------
    sums : mapping of str to FirstSums
        By model.
    faulty : mapping of str to ndarray, shape (n,), int8
        By model: why nothing can be said of an event; see `eventstudy.streaming.fits.FAULTS`.
    usable : mapping of str to ndarray, shape (n,), int
        Sessions usable with a model, of the faulty events only.
    kept : mapping of str to Kept
    cars : mapping of str to ndarray, shape (n, W)
        Of the sound events.
    conditions : mapping of str to float
        Largest condition number of the designs that can be solved, by model.
    """

    sums: Mapping[str, FirstSums]
    faulty: Mapping[str, npt.NDArray[np.int8]]
    usable: Mapping[str, Ints]
    kept: Mapping[str, Kept]
    cars: Mapping[str, Floats]
    conditions: Mapping[str, float]


def first_pass(world: World, job: FirstJob) -> FirstPart:
    """Go over the events of a part for the first time.

    Parameters
    ----------
    world : World
    job : FirstJob
    """
    part = job.part
    designs = designs_of(world, part)
    adders = (
        {name: Adder(world, part, recipe, job.pairs) for name, recipe in world.recipes.items()}
        if job.sums
        else {}
    )
    faulty: dict[str, list[npt.NDArray[np.int8]]] = {name: [] for name in world.recipes}
    usable: dict[str, list[Ints]] = {name: [np.zeros(0, dtype=np.int64)] for name in world.recipes}
    kept: dict[str, list[Kept]] = {name: [] for name in world.recipes}
    cars: dict[str, list[Floats]] = {name: [] for name in world.recipes}
    for rows, own, blocks, found in sound_blocks(world, part, designs):
        for name, adder in adders.items():
            adder.add(blocks[name], own)
        if not own:
            continue
        good = ~np.any(list(found.values()), axis=0)
        for name, block in blocks.items():
            faulty[name].append(found[name])
            if job.cars:
                cars[name].append(block.car)
            if job.keep:
                kept[name].append(_kept(block, np.flatnonzero(good) + rows.start, world, job.held))
        if not good.all():
            for name, count in _counts(world, part, designs, rows, ~good).items():
                usable[name].append(count)
    return FirstPart(
        {name: adder.sums() for name, adder in adders.items()},
        {name: np.concatenate(found) for name, found in faulty.items()},
        {name: np.concatenate(found) for name, found in usable.items()},
        {name: _stacked(found) for name, found in kept.items() if found},
        {name: np.concatenate(found) for name, found in cars.items() if found},
        {name: largest(own.condition) for name, own in designs.items()},
    )


def largest(condition: Floats) -> float:
    """Return the largest finite condition number; 1 where there is none."""
    return float(np.max(condition, initial=1.0, where=np.isfinite(condition)))


def _counts(
    world: World, part: Part, designs: Mapping[str, Designs], rows: slice, bad: Bools
) -> dict[str, Ints]:
    """Return usable sessions of faulty events, by model."""
    columns, positions = part.columns[rows][bad], part.positions[rows][bad]
    return {
        name: fit_block(world.ground, designs[name], columns, positions, world.masks).count
        for name in world.recipes
    }


def _kept(block: Block, rows: Ints, world: World, held: bool) -> Kept:
    length = block.ar.shape[1]
    asked = world.asked
    return Kept(
        rows, block.ar, block.se[:, :length], block.car[:, asked], block.se[:, asked],
        _buy_and_hold(block, world) if held else np.empty((len(block), 0)),
        block.params, block.s2, block.count,
    )  # fmt: skip


def _buy_and_hold(block: Block, world: World) -> Floats:
    """Return prod (1 + R) - prod (1 + E[R]) over the windows asked for, E[R] = R - AR."""
    ground, length = world.ground, block.ar.shape[1]
    start = block.positions + ground.reach + ground.frame.hull[0]
    realised = ground.windows(ground.returns, length)[block.columns, start]
    both = np.stack([realised, realised - block.ar])
    gross = np.exp(both) if world.log else 1.0 + both
    masks = world.masks[world.asked]
    held, expected = np.stack([gross[:, :, mask > 0].prod(axis=2) for mask in masks], axis=2)
    found: Floats = held - expected
    return found


def _stacked(parts: list[Kept]) -> Kept:
    return Kept(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Kept)))
