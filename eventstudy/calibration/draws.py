"""One sample of an experiment: which places, what noise, what effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import cumulate
from eventstudy.calibration.design import Design
from eventstudy.calibration.world import World
from eventstudy.errors import StudyError
from eventstudy.significance import Sample
from eventstudy.significance.history import Everywhere, History, remembered

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

TRIES = 200
"""Shifts of a calendar that are tried before it counts as not fitting into the prices."""


def require_drawable(worlds: Sequence[World], designs: Sequence[Design]) -> None:
    """Refuse designs that ask for more than there is, all at once.

    Parameters
    ----------
    worlds, designs : sequences of one length

    Raises
    ------
    StudyError
    """
    faults = []
    names = [design.name for design in designs]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            faults.append(f"two designs have the name {name!r}")
    for world, design in zip(worlds, designs, strict=True):
        usable = world.at >= 0
        beside, places = int(usable.sum(axis=1).max()), int(usable.sum())
        if design.layout == "one-date" and design.n > beside:
            faults.append(
                f"design {design.name!r}: {design.n} securities on one date, there are {beside}"
            )
        if design.layout == "staggered" and design.n > places:
            faults.append(
                f"design {design.name!r}: {design.n} distinct pairs of security and session, "
                f"there are {places}"
            )
    if faults:
        raise StudyError("; ".join(faults))


class Drawer:
    """Draws samples of one design from one world.

    Parameters
    ----------
    world : World
    design : Design
    convention : str
        ``scar`` or ``sum_sar``.
    seed : int
    """

    def __init__(self, world: World, design: Design, convention: str, seed: int) -> None:
        self.world, self.design = world, design
        self.convention, self.seed = convention, seed

    def draw(self, index: int) -> Draw:
        """Return one sample, the same for the same index whatever was drawn before."""
        rng = np.random.default_rng(self.design.seed_of(self.seed, index))
        rows = self._rows(rng)
        world, extra = self.world, self.design.extra_variance
        noise = np.zeros((len(rows), world.ar.shape[1]))
        if extra:
            own = extra_noise(world.residuals[rows], world.s2[rows], noise.shape[1], rng)
            noise = np.sqrt(extra) * own
        return Draw(self, rows, noise, int(rng.integers(2**31)))

    def _rows(self, rng: np.random.Generator) -> Ints:
        design = self.design
        if design.layout == "staggered":
            found: Ints = rng.choice(self._usable, design.n, replace=False, shuffle=False)
            return found
        if design.layout == "one-date":
            places = self.world.at[rng.choice(self._full_sessions)]
            return rng.choice(places[places >= 0], design.n, replace=False)
        return self._shifted(rng)

    @cached_property
    def _usable(self) -> Ints:
        return self.world.usable

    @cached_property
    def _full_sessions(self) -> Ints:
        """Sessions on which enough securities are usable."""
        return np.flatnonzero((self.world.at >= 0).sum(axis=1) >= self.design.n)

    @cached_property
    def _stretch(self) -> tuple[int, int]:
        """First row, and number of rows, within which a calendar is moved."""
        sessions = self.world.sessions
        return int(sessions[0]), int(sessions[-1] - sessions[0] + 1)

    def _shifted(self, rng: np.random.Generator) -> Ints:
        """Return places of the calendar moved by one random number of sessions.

        What would leave the prices at their end comes in at their beginning.
        """
        first, length = self._stretch
        offsets = np.asarray(self.design.offsets)
        for _ in range(TRIES):
            positions = first + (offsets + rng.integers(length)) % length
            columns = self._assigned(positions, rng)
            if columns is not None:
                return self.world.at[positions, columns]
        raise StudyError(
            f"the calendar of {self.design.n} events does not fit into the prices: no shift of "
            f"it leaves a usable security for every event in {TRIES} tries"
        )

    def _assigned(self, positions: Ints, rng: np.random.Generator) -> Ints | None:
        """Return a random security for each firm, usable at all its events.

        Distinct ones while there are any, and never the same twice on one session.
        """
        firms = np.asarray(self.design.firms)
        columns = np.full(len(firms), -1)
        free = np.ones(len(self.world.securities), dtype=bool)
        # The firms with the most events have the fewest securities that suit them: first.
        for firm in np.argsort(-np.bincount(firms), kind="stable"):
            events = firms == firm
            suits = (self.world.at[positions[events]] >= 0).all(axis=0)
            beside = columns[np.isin(positions, positions[events]) & (columns >= 0)]
            suits[beside] = False
            choice = np.flatnonzero(suits & free)
            if not len(choice):
                choice = np.flatnonzero(suits)
            if not len(choice):
                return None
            columns[events] = chosen = rng.choice(choice)
            free[chosen] = False
        return columns

    def history(self, rows: Ints) -> History:
        """Return what placebo dates draw from: no window of a true event among it."""
        world = self.world
        forbidden = np.zeros((len(world.days), len(world.securities)), dtype=bool)
        columns, positions = world.columns[rows], world.positions[rows]
        forbidden[positions[:, None] + world.frame.days, columns[:, None]] = True
        everywhere = replace(self._everywhere, forbidden=forbidden.T)
        return History(everywhere, columns, np.ones(len(rows)))

    @cached_property
    def _everywhere(self) -> Everywhere:
        """The world as a block, no session of it forbidden."""
        world = self.world
        first, length = self._stretch
        positions = np.arange(first, first + length)
        at = world.at[positions].T
        return Everywhere(
            ar=np.where((at >= 0)[:, :, None], world.ar[at], np.nan),
            usable=at >= 0,
            positions=positions,
            first_day=world.frame.hull[0],
            columns=np.arange(len(world.securities)),
            forbidden=np.zeros((len(world.securities), len(world.days)), dtype=bool),
            errors=world_errors(world, at),
            covariance=world.covariance,
        )


class Draw:
    """One sample before an effect is planted.

    Parameters
    ----------
    drawer : Drawer
    rows : ndarray, shape (N,), int
        Places in the world.
    noise : ndarray, shape (N, L)
        Added to the abnormal returns.
    seed : int
        Of tests that draw.
    """

    def __init__(self, drawer: Drawer, rows: Ints, noise: Floats, seed: int) -> None:
        self.drawer, self.rows, self.noise, self.seed = drawer, rows, noise, seed

    def sample(self, effect: float = 0.0, day: int = 0) -> Sample:
        """Return the sample with an effect (decimal) planted on an event day."""
        world, rows = self.drawer.world, self.rows
        positions = world.positions[rows]
        ar = planted(world.ar[rows] + self.noise, effect, world.arrival(day)[rows])
        return Sample(
            ar=ar,
            v=self._v,
            residuals=self._residuals,
            estimation_rows=np.maximum(positions[:, None] + world.frame.estimation_days, 0),
            positions=positions,
            dof=world.dof[rows],
            n_params=world.n_params,
            convention=self.drawer.convention,
            covariance=world.covariance,
            seed=self.seed,
            history=self._history,
            s2=world.s2[rows],
        )

    def _history(self) -> History:
        return self._kept_history

    @cached_property
    def _kept_history(self) -> History:
        return self.drawer.history(self.rows)

    @cached_property
    def _v(self) -> Floats:
        found: Floats = self.drawer.world.v[self.rows]
        return found

    @cached_property
    def _residuals(self) -> Floats:
        found: Floats = self.drawer.world.residuals[self.rows]
        return found


def planted(ar: Floats, effect: float, arrival: Ints) -> Floats:
    """Return abnormal returns with an effect added in one column a row.

    Parameters
    ----------
    ar : ndarray, shape (N, L)
    effect : float
        Decimal.
    arrival : ndarray, shape (N,), int
        Column in which it shows; -1 for none.
    """
    found = ar.copy()
    seen = np.flatnonzero(arrival >= 0)
    found[seen, arrival[seen]] += effect
    return found


def extra_noise(residuals: Floats, s2: Floats, days: int, rng: np.random.Generator) -> Floats:
    """Return noise of mean zero and each row's own residual variance.

    Drawn with replacement from the row's own estimation residuals, centred and scaled so
    that their mean square is exactly s^2: fat tails stay, independent over days and events.

    Parameters
    ----------
    residuals : ndarray, shape (N, M)
        NaN where missing.
    s2 : ndarray, shape (N,)
    days : int
        L.
    rng : Generator

    Returns
    -------
    ndarray, shape (N, L)
    """
    n, m = residuals.shape
    row = np.arange(n)[:, None]
    at = rng.integers(m, size=(n, days))
    while (lost := np.isnan(residuals[row, at])).any():
        at[lost] = rng.integers(m, size=int(lost.sum()))
    mean = np.nanmean(residuals, axis=1, keepdims=True)
    scale = np.sqrt(s2 / np.nanvar(residuals, axis=1))
    found: Floats = (residuals[row, at] - mean) * scale[:, None]
    return found


def world_errors(world: World, at: Ints) -> Callable[[Floats], Floats]:
    """Return forecast errors of CARs by security and session, (K, P, W), for any masks.

    Parameters
    ----------
    world : World
    at : ndarray, shape (K, P), int
        Places; -1 for none.
    """

    def errors(masks: Floats) -> Floats:
        found = cumulate(np.zeros_like(world.ar), world.v, masks)[1]
        return np.where((at >= 0)[:, :, None], found[at], np.nan)

    return remembered(errors)
