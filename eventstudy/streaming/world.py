"""What every part of a study needs, and the sound fits of its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.models.contract import Recipe
from eventstudy.streaming.fits import Block, faults, fit_block
from eventstudy.streaming.ground import Designs, Ground, make_designs
from eventstudy.streaming.parts import Part, chunks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class World:
    """What every part of a study needs.

    Attributes
    ----------
    ground : Ground
    recipes : mapping of str to Recipe
        By model.
    masks : ndarray, shape (W, L)
        Windows over the days of the hull; the first L are the days.
    convention : str
        ``scar`` or ``sum_sar``.
    log : bool
        Whether returns are log returns.
    """

    ground: Ground
    recipes: Mapping[str, Recipe]
    masks: Floats
    convention: str = "scar"
    log: bool = False

    @property
    def lengths(self) -> Floats:
        """Sessions of each window, shape (W,)."""
        found: Floats = self.masks.sum(axis=1)
        return found

    @property
    def asked(self) -> list[int]:
        """Places of the windows that were asked for among all, single days among them."""
        frame = self.ground.frame
        return [frame.all_windows.index(window) for window in frame.windows]

    @property
    def running(self) -> Floats:
        """Windows from the first day of the hull to each day, shape (L, L)."""
        return np.tril(np.ones((self.masks.shape[1], self.masks.shape[1])))

    @property
    def reach(self) -> int:
        """Sessions apart from which on no two windows share one: those of the hull."""
        return int(self.masks.shape[1])


def sound_blocks(
    world: World, part: Part, designs: Mapping[str, Designs]
) -> Iterator[tuple[slice, bool, dict[str, Block], dict[str, npt.NDArray[np.int8]]]]:
    """Yield fits of chunks, without the events that one of the models cannot use.

    Yields
    ------
    rows, own, blocks, faulty
        Slice of the part, whether it is the part's own, sound events and faults by model.
    """
    for rows, own in chunks(part):
        blocks = {
            name: fit_block(
                world.ground, designs[name], part.columns[rows], part.positions[rows], world.masks
            )
            for name in world.recipes
        }
        faulty = {name: faults(block, world.ground) for name, block in blocks.items()}
        sound = ~np.any(list(faulty.values()), axis=0)
        if not sound.all():
            blocks = {name: block.take(sound) for name, block in blocks.items()}
        yield rows, own, blocks, faulty


def designs_of(world: World, part: Part) -> dict[str, Designs]:
    """Return the regressions of a part's sessions 0, by model."""
    positions = np.unique(part.positions)
    return {
        name: make_designs(world.ground, recipe, positions, world.masks)
        for name, recipe in world.recipes.items()
    }


def standardised(block: Block, world: World) -> Floats:
    """Return SCARs by the convention, shape (n, W)."""
    if world.convention == "scar":
        return block.scar
    days = block.scar[:, : block.ar.shape[1]]
    found: Floats = days @ world.masks.T / np.sqrt(world.lengths)
    return found
