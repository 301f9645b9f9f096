"""What placebo dates draw from: a model refitted at sessions of every series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Everywhere:
    """Abnormal returns of K series at P sessions, each of them refitted as if it were day 0.

    What follows from the arrays is computed once and kept. The covariances of the forecast
    errors, (K, P, L, L), would be the bulk of it: `errors` gives what a window needs of them.

    Attributes
    ----------
    ar : ndarray, shape (K, P, L)
        Abnormal returns over the hull of the windows, decimals; NaN where not refitted.
    usable : ndarray, shape (K, P), bool
        Where the model was refitted, the estimation window was long enough and no day of the
        hull is missing.
    positions : ndarray, shape (P,), int
        Rows of consecutive sessions in the grid; P is a multiple of `step`.
    first_day : int
        First day of the hull, in sessions from session 0.
    columns : ndarray, shape (Q,), int
        Series behind each of Q names; one series may be concerned by different events under
        two names.
    forbidden : ndarray, shape (Q, S), bool
        Sessions inside the windows of true events that concern a name.
    errors : callable
        ``errors(masks) -> ndarray, shape (K, P, W)``: forecast errors of CARs, NaN without
        covariance.
    covariance : {"exact", "approximate", "none"}
    step : int
        Shifts that are tried are this many sessions apart: 1, or more for a model that takes
        long to refit.
    rounded : bool
        Whether it was refitted at sessions `step` apart only, so that events have to move to
        the nearest of them; else at whatever sessions those shifts take the events to.
    """

    ar: Floats
    usable: Bools
    positions: Ints
    first_day: int
    columns: Ints
    forbidden: Bools
    errors: Callable[[Floats], Floats]
    covariance: str = "exact"
    step: int = 1
    rounded: bool = False

    @property
    def shifts(self) -> int:
        """Number of shifts, none at all among them."""
        return len(self.positions) // self.step

    def cars(self, masks: Floats) -> Floats:
        """Return CARs, shape (K, P, W), for masks of shape (W, L)."""
        found: Floats = self.ar @ masks.T
        return found

    def scores(self, masks: Floats, convention: str) -> Floats:
        """Return SCARs by a convention, or CARs where there is no covariance, (K, P, W)."""
        if self.covariance == "none":
            return self.cars(masks)
        with np.errstate(invalid="ignore", divide="ignore"):
            if convention == "scar":
                return self.cars(masks) / self.errors(masks)
            sars = self.ar / self.errors(np.eye(self.ar.shape[2]))
            found: Floats = sars @ masks.T / np.sqrt(masks.sum(axis=1))
            return found

    def clear(self, masks: Floats) -> Bools:
        """Return where a name's window is usable and holds no true event, (Q, P, W)."""
        counts = np.zeros((len(self.forbidden), self.forbidden.shape[1] + 1), dtype=np.int64)
        np.cumsum(self.forbidden, axis=1, out=counts[:, 1:])
        found = np.empty((len(self.columns), len(self.positions), len(masks)), dtype=bool)
        for w, mask in enumerate(masks):
            days = self.first_day + np.flatnonzero(mask)
            first, after = self.positions + days[0], self.positions + days[-1] + 1
            inside = (first >= 0) & (after < counts.shape[1])
            held = counts[:, np.where(inside, after, 0)] - counts[:, np.where(inside, first, 0)]
            found[:, :, w] = inside & (held == 0) & self.usable[self.columns]
        return found

    def drawn(self, masks: Floats, convention: str) -> tuple[Floats, Floats]:
        """Return what shifts add up: scores that are clear, and 1 where one is.

        Returns
        -------
        scores, clear : ndarray, shape (Q, 2 P, W)
            Twice over, so that a circular shift is one slice; 0 where not clear.
        """
        key = (convention, masks.shape, masks.tobytes())
        if key not in self._memory:
            scores = self.scores(masks, convention)[self.columns]
            clear = self.clear(masks) & np.isfinite(scores)
            once = np.where(clear, scores, 0.0), clear.astype(float)
            twice = [np.concatenate([part, part], axis=1) for part in once]
            self._memory[key] = twice[0], twice[1]
        return self._memory[key]

    def spread(self, mask: Floats, convention: str) -> Floats:
        """Return the root mean square of the clear scores of each name, shape (Q,)."""
        key = (convention, mask.tobytes())
        if key not in self._spread:
            scores, clear = self.drawn(mask[None, :], convention)
            count = clear[:, :, 0].sum(axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                self._spread[key] = np.sqrt((scores[:, :, 0] ** 2).sum(axis=1) / count)
        return self._spread[key]

    def places(self, positions: Ints) -> Ints:
        """Return the place, shape (N,), of each position among those of the block.

        Where the block is `rounded`, that of the nearest refitted session.
        """
        away: Ints = positions - self.positions[0]
        if self.rounded:
            nearest = np.rint(away / self.step).astype(np.int64)
            away = self.step * np.clip(nearest, 0, self.shifts - 1)
        found: Ints = np.clip(away, 0, len(self.positions) - 1)
        return found

    @cached_property
    def _memory(self) -> dict[tuple[object, ...], tuple[Floats, Floats]]:
        return {}

    @cached_property
    def _spread(self) -> dict[tuple[str, bytes], Floats]:
        return {}


@dataclass(frozen=True, slots=True)
class Shifts:
    """Sums over a sample at S circular shifts of its calendar, the first of them none at all.

    Attributes
    ----------
    total : ndarray, shape (S, W)
        Signed sums of the scores of the events that are left.
    left : ndarray, shape (S, W)
        How many they are.
    """

    total: Floats
    left: Floats


@dataclass(frozen=True, eq=False)
class History:
    """What a sample's placebo dates draw from.

    Attributes
    ----------
    everywhere : Everywhere
    names : ndarray, shape (N,), int
        Each event's row among the Q names of `everywhere`.
    signs : ndarray, shape (N,)
        +1 or -1, as the sample's abnormal returns are signed.
    """

    everywhere: Everywhere
    names: Ints
    signs: Floats

    def take(self, rows: Bools) -> History:
        """Return the history of some events, shape (N,), bool."""
        return replace(self, names=self.names[rows], signs=self.signs[rows])

    def shifts(self, positions: Ints, masks: Floats, convention: str) -> Shifts:
        """Move all events by each number of sessions, round the end to the beginning.

        Parameters
        ----------
        positions : ndarray, shape (N,), int
            Rows of the events' sessions 0 in the grid.
        masks : ndarray, shape (W, L)
        convention : str
        """
        keys = [(convention, positions.tobytes(), mask.tobytes()) for mask in masks]
        if any(key not in self._memory for key in keys):
            places = self.everywhere.places(positions)
            total, left = self._sums(places, *self.everywhere.drawn(masks, convention))
            self._memory.update({key: (total[:, w], left[:, w]) for w, key in enumerate(keys)})
        total, left = (
            np.stack([self._memory[key][part] for key in keys], axis=1) for part in (0, 1)
        )
        return Shifts(total, left)

    def _sums(self, places: Ints, scores: Floats, clear: Floats) -> tuple[Floats, Floats]:
        count, step = len(self.everywhere.positions), self.everywhere.step
        total = np.zeros((self.everywhere.shifts, scores.shape[2]))
        left = np.zeros_like(total)
        # Events of one name and session move as one; taken in order, so that the order in
        # which events are given does not reach the last digit.
        cells, which = np.unique(np.stack([self.names, places]), axis=1, return_inverse=True)
        signed, held = np.bincount(which.ravel(), self.signs), np.bincount(which.ravel())
        for (name, place), sign, events in zip(cells.T, signed, held, strict=True):
            total += sign * scores[name, place : place + count : step]
            left += events * clear[name, place : place + count : step]
        return total, left

    @cached_property
    def _memory(self) -> dict[tuple[str, bytes, bytes], tuple[Floats, Floats]]:
        return {}


def remembered(
    errors: Callable[[Floats], Floats], known: Mapping[bytes, Floats] | None = None
) -> Callable[[Floats], Floats]:
    """Return a function of masks that asks once for each window.

    Parameters
    ----------
    errors : callable
        ``errors(masks) -> ndarray, shape (K, P, W)``.
    known : mapping of bytes to ndarray, shape (K, P), optional
        By the bytes of a mask, what need not be asked for.
    """
    kept = dict(known or {})

    def recall(masks: Floats) -> Floats:
        new = [mask for mask in masks if mask.tobytes() not in kept]
        if new:
            found = errors(np.array(new))
            kept.update({mask.tobytes(): found[:, :, w] for w, mask in enumerate(new)})
        return np.stack([kept[mask.tobytes()] for mask in masks], axis=2)

    return recall
