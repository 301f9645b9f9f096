"""Made returns and events for the batched engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.models import find_model
from eventstudy.models.contract import BENCHMARK, recipe_of
from eventstudy.streaming.ground import Ground, lay_ground
from eventstudy.streaming.world import World
from eventstudy.windows import Frame, make_frame

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Made:
    """Returns of K securities on S sessions, a market, and N events ordered by session 0."""

    returns: Floats
    market: Floats
    columns: Ints
    positions: Ints
    frame: Frame


def made(
    seed: int,
    *,
    securities: int = 12,
    sessions: int = 420,
    events: int = 60,
    gaps: float = 0.0,
    zeros: float = 0.0,
    windows: tuple[tuple[int, int], ...] = ((-2, 2), (0, 1), (1, 4)),
    estimation: int = 120,
    scale: float = 0.02,
) -> Made:
    """Draw a world in which securities share a market and an industry."""
    rng = np.random.default_rng(seed)
    market = rng.standard_t(5, sessions) * scale / 2.0
    returns = rng.normal(1.0, 0.3, securities) * market[:, None]
    returns += rng.standard_t(4, (sessions, securities)) * scale
    returns += rng.normal(0.0, scale / 3.0, (sessions, 1))
    if zeros:
        returns[rng.random(returns.shape) < zeros] = 0.0
    if gaps:
        returns[rng.random(returns.shape) < gaps] = np.nan
    frame = make_frame(windows, estimation=estimation, min_estimation=60)
    first, last = frame.hull
    columns = rng.integers(0, securities, events)
    positions = rng.integers(80 - first, sessions - last, events)
    # Coinciding events are one effect, and come once.
    positions, columns = np.unique(np.column_stack([positions, columns]), axis=0).T
    whole = np.isfinite(returns[positions[:, None] + frame.days, columns[:, None]]).all(axis=1)
    return Made(returns, market, columns[whole], positions[whole], frame)


def ground_of(world: Made) -> Ground:
    return lay_ground(world.returns, {BENCHMARK: world.market}, world.frame)


def world_of(world: Made, model: str = "market", convention: str = "scar") -> World:
    recipe = recipe_of(find_model(model))
    assert recipe is not None
    masks = world.frame.masks(world.frame.all_windows)
    return World(ground_of(world), {model: recipe}, masks, convention)
