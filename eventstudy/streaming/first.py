"""First pass over the events: fits, moments of CARs, sums by date, correlations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from eventstudy.models.contract import Recipe
from eventstudy.streaming.fits import Block, faults, fit_block
from eventstudy.streaming.ground import Designs, Ground, make_designs
from eventstudy.streaming.moments import Moments, moments
from eventstudy.streaming.pairs import PairSums
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
    """

    sums: Mapping[str, FirstSums]
    faulty: Mapping[str, npt.NDArray[np.int8]]
    usable: Mapping[str, Ints]
    kept: Mapping[str, Kept]
    cars: Mapping[str, Floats]


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
        {name: _Adder(world, job, recipe) for name, recipe in world.recipes.items()}
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
    )


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


class _Adder:
    """Adds up the blocks of a part under one model."""

    def __init__(self, world: World, job: FirstJob, recipe: Recipe) -> None:
        self.world, self.pair_up, part, self.recipe = world, job.pairs, job.part, recipe
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


def standardised(block: Block, world: World) -> Floats:
    """Return SCARs by the convention, shape (n, W)."""
    if world.convention == "scar":
        return block.scar
    days = block.scar[:, : block.ar.shape[1]]
    found: Floats = days @ world.masks.T / np.sqrt(world.lengths)
    return found
