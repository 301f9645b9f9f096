"""Sums over the events of a part: moments of CARs, sums by date, correlations."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from eventstudy.models.contract import Recipe
from eventstudy.streaming.fits import Block, fit_block
from eventstudy.streaming.ground import make_designs
from eventstudy.streaming.moments import Moments, moments
from eventstudy.streaming.pairs import PairSums
from eventstudy.streaming.parts import Part
from eventstudy.streaming.world import World, standardised

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class FirstSums:
    """What the first pass says of the events of some dates under one model.

    Attributes
    ----------
    positions, number : ndarray, shape (P,), int
        Sessions 0, and their events.
    car, scar : Moments
        Of W windows; SCARs by the convention.
    path : Moments
        CARs from the first day of the hull to each day.
    patell : float
        Sum of (M_i - d) / (M_i - d - 2).
    least_dof : int
    positive, zero : ndarray, shape (W,), int
        CARs above zero, and at it.
    share_positive : float
        Sum of the shares of positive residuals.
    residual_sum, residual_count : ndarray, shape (M,)
        By session of the estimation window.
    date_scar : ndarray, shape (P, W)
        Sums of SCARs.
    date_ar : ndarray, shape (P, L)
    date_residual : ndarray, shape (P, M)
    date_complete : ndarray, shape (P, M), bool
        Sessions that every event of a date has.
    date_sigma : ndarray, shape (P,)
        Residual standard deviation of the last event of a date.
    pairs : ndarray, shape (G,)
        Sums of correlations of residuals over pairs g sessions apart.
    first_se : ndarray, shape (W,)
        Forecast errors of the first event, with `first_dof`.
    first_path_se : ndarray, shape (L,)
        The same from the first day of the hull to each day.
    first_dof : int
    """

    positions: Ints
    number: Ints
    car: Moments
    scar: Moments
    path: Moments
    patell: float
    least_dof: int
    positive: Ints
    zero: Ints
    share_positive: float
    residual_sum: Floats
    residual_count: Floats
    date_scar: Floats
    date_ar: Floats
    date_residual: Floats
    date_complete: Bools
    date_sigma: Floats
    pairs: Floats
    first_se: Floats
    first_path_se: Floats
    first_dof: int

    @property
    def n(self) -> int:
        """Number of events."""
        return self.car.n


def joined(parts: list[FirstSums]) -> FirstSums:
    """Add up the sums of parts, in the order of their dates."""
    held = [part for part in parts if part.n] or parts[:1]
    found: dict[str, object] = {}
    for field in fields(FirstSums):
        values = [getattr(part, field.name) for part in held]
        if field.name.startswith("first"):
            found[field.name] = values[0]
        elif field.name == "least_dof":
            found[field.name] = min(values)
        elif field.name.startswith("date") or field.name in ("positions", "number"):
            found[field.name] = np.concatenate(values)
        else:
            total = values[0]
            for value in values[1:]:
                total = total + value
            found[field.name] = total
    return FirstSums(**found)  # type: ignore[arg-type]


class Adder:
    """Adds up the blocks of a part under one model.

    Parameters
    ----------
    world : World
    part : Part
    recipe : Recipe
    pairs : bool
        Whether correlations are asked for.
    """

    def __init__(self, world: World, part: Part, recipe: Recipe, pairs: bool) -> None:
        self.world, self.recipe, self.pair_up = world, recipe, pairs
        m, length = world.ground.frame.estimation, world.masks.shape[1]
        windows = len(world.masks)
        self.positions = np.unique(part.positions[: part.own])
        dates = len(self.positions)
        self.number = np.zeros(dates, dtype=np.int64)
        self.car = moments(np.empty((0, windows)))
        self.scar = self.car
        self.path = moments(np.empty((0, length)))
        self.running = world.running.T
        self.patell, self.share_positive, self.least_dof = 0.0, 0.0, np.iinfo(np.int64).max
        self.positive, self.zero = (np.zeros(windows, dtype=np.int64) for _ in range(2))
        self.residual_sum, self.residual_count = np.zeros(m), np.zeros(m)
        self.date_scar, self.date_ar = np.zeros((dates, windows)), np.zeros((dates, length))
        self.date_residual = np.zeros((dates, m))
        self.date_complete = np.ones((dates, m), dtype=bool)
        self.date_sigma = np.full(dates, np.nan)
        self.pairs = PairSums(world.reach, m, 1, part.end)
        self.first_se, self.first_dof = np.full(windows, np.nan), 0
        self.first_path_se = np.full(length, np.nan)

    def add(self, block: Block, own: bool) -> None:
        """Add the events of whole dates."""
        if not len(block):
            return
        starts = np.flatnonzero(np.diff(block.positions, prepend=-1))
        if self.pair_up:
            for a, b in zip(starts, [*starts[1:], len(block)], strict=True):
                residuals = block.residuals[a:b]
                whole = bool(block.whole[a:b].all())
                self.pairs.add(int(block.positions[a]), residuals, np.ones((b - a, 1)), whole)
        if own:
            self._add_events(block)
            self._add_dates(block, starts)

    def _add_events(self, block: Block) -> None:
        if not self.car.n:
            self.first_se, self.first_dof = block.se[0], int(block.dof[0])
            self.first_path_se = self._path_errors(block)
        self.car += moments(block.car)
        self.scar += moments(standardised(block, self.world))
        self.path += moments(block.ar @ self.running)
        dof = block.dof
        with np.errstate(divide="ignore"):
            self.patell += float((dof / (dof - 2.0)).sum())
        self.least_dof = min(self.least_dof, int(dof.min()))
        self.positive += (block.car > 0).sum(axis=0)
        self.zero += (block.car == 0).sum(axis=0)
        above = (block.residuals > 0).sum(axis=1)
        self.share_positive += float((above / block.count).sum())

    def _path_errors(self, block: Block) -> Floats:
        """Return forecast errors of the first event from the hull's first day to each day."""
        ground, running = self.world.ground, self.world.running
        column, position = block.columns[:1], block.positions[:1]
        designs = make_designs(ground, self.recipe, position, running)
        found: Floats = fit_block(ground, designs, column, position, running).se[0]
        return found

    def _add_dates(self, block: Block, starts: Ints) -> None:
        at = np.searchsorted(self.positions, block.positions[starts])
        filled = block.residuals
        if block.whole.all():
            self.residual_count += len(block)
        else:
            present = np.isfinite(filled)
            filled = np.where(present, filled, 0.0)
            self.residual_count += present.sum(axis=0)
            self.date_complete[at] = np.logical_and.reduceat(present, starts, axis=0)
        self.date_residual[at] = np.add.reduceat(filled, starts, axis=0)
        self.residual_sum += self.date_residual[at].sum(axis=0)
        self.number[at] = np.diff([*starts, len(block)])
        self.date_scar[at] = np.add.reduceat(standardised(block, self.world), starts, axis=0)
        self.date_ar[at] = np.add.reduceat(block.ar, starts, axis=0)
        self.date_sigma[at] = block.sigma[starts]

    def sums(self) -> FirstSums:
        """Return what was added up, of dates that have events."""
        held = self.number > 0
        return FirstSums(
            self.positions[held], self.number[held], self.car, self.scar, self.path,
            self.patell, self.least_dof, self.positive, self.zero, self.share_positive,
            self.residual_sum,
            self.residual_count, self.date_scar[held], self.date_ar[held],
            self.date_residual[held], self.date_complete[held], self.date_sigma[held],
            self.pairs.sums[:, 0], self.first_se, self.first_path_se, self.first_dof,
        )  # fmt: skip
