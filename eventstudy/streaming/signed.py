"""Signed ranks of more CARs than one cares to hold: they wait in a file, a window at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import numpy as np
import numpy.typing as npt

from eventstudy.errors import EventStudyError
from eventstudy.significance.rank import Tails, signed_rank

Floats = npt.NDArray[np.float64]


class CarFile:
    """A temporary file of CARs, one run of numbers a window.

    Parameters
    ----------
    n : int
        Most events that will come.
    windows : int
        W.

    Raises
    ------
    EventStudyError
        Where the system's folder of temporary files takes no more.
    """

    def __init__(self, n: int, windows: int) -> None:
        self.n, self.windows, self.filled = n, windows, 0
        with self._told():
            self._file = tempfile.TemporaryFile(prefix="eventstudy-cars-", buffering=0)  # noqa: SIM115

    def add(self, cars: Floats) -> None:
        """Append the CARs of some events, shape (n, W)."""
        with self._told():
            for w, column in enumerate(cars.T):
                left = memoryview(np.ascontiguousarray(column).tobytes())
                self._file.seek((w * self.n + self.filled) * 8)
                while left:
                    left = left[self._file.write(left) :]
        self.filled += len(cars)

    def window(self, w: int) -> Floats:
        """Return the CARs of one window, shape (N,)."""
        self._file.seek(w * self.n * 8)
        return np.frombuffer(self._file.read(self.filled * 8), dtype=np.float64)

    def signed_ranks(self) -> tuple[Tails, ...]:
        """Return W+ of each window with both tails and their distribution."""
        columns = (self.window(w) for w in range(self.windows))
        return tuple(signed_rank(column[column != 0]) for column in columns)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise EventStudyError(
                f"the CARs that wilcoxon ranks wait in a temporary file of "
                f"{self.n * self.windows * 8:,} bytes, which cannot be written: "
                f"{error.strerror or error}; let TMPDIR name a folder with room, or leave out "
                "the test"
            ) from None

    def __enter__(self) -> CarFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
