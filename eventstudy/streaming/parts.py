"""How observations are split into parts: by session 0, the same way whoever does the work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

PART = 32_768
"""Observations of a part, about: it ends with a date."""
CHUNK = 1024
"""Observations that are worked on at once, about: they stay near the processor."""


@dataclass(frozen=True, eq=False)
class Part:
    """Observations ordered by session 0, those of one date together.

    Attributes
    ----------
    columns, positions : ndarray, shape (n,), int
        Security and row of session 0.
    own : int
        The first `own` of them belong to the part; those after it are needed only as
        neighbours in time.
    """

    columns: Ints
    positions: Ints
    own: int

    @property
    def end(self) -> int:
        """Position from which on dates belong to another part."""
        return int(self.positions[self.own - 1]) + 1 if self.own else 0


def split(columns: Ints, positions: Ints, reach: int, size: int = PART) -> Iterator[Part]:
    """Split observations that are ordered by session 0.

    Parameters
    ----------
    columns, positions : ndarray, shape (N,), int
    reach : int
        Sessions after the last date of a part in which neighbours are looked for.
    size : int
        Observations of a part, about.
    """
    start = 0
    while start < len(positions):
        stop = _end_of_date(positions, min(start + size, len(positions)))
        last = positions[stop - 1]
        beyond = int(np.searchsorted(positions, last + reach, side="left"))
        far = max(stop, beyond)
        yield Part(columns[start:far], positions[start:far], stop - start)
        start = stop


def chunks(part: Part, size: int = CHUNK) -> Iterator[tuple[slice, bool]]:
    """Yield slices of whole dates, and whether they are the part's own."""
    for begin, until, own in ((0, part.own, True), (part.own, len(part.positions), False)):
        at = begin
        while at < until:
            stop = min(_end_of_date(part.positions, min(at + size, until)), until)
            yield slice(at, stop), own
            at = stop


def _end_of_date(positions: Ints, stop: int) -> int:
    """Return where the date of the row before `stop` ends."""
    return int(np.searchsorted(positions, positions[stop - 1], side="right"))
