"""Event windows in sessions around session 0, and the estimation window before them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.errors import StudyError

Window = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """Which sessions around session 0 a study looks at.

    Attributes
    ----------
    windows : tuple of (int, int)
        Windows [a, b] for CARs, both ends included, in the order asked for.
    estimation : int
        Sessions of the estimation window.
    gap : int
        Sessions between its end and session 0: it ends at -(gap + 1).
    min_estimation : int
        Fewest usable sessions with which a model is fitted.
    """

    windows: tuple[Window, ...]
    estimation: int = 250
    gap: int = 10
    min_estimation: int = 100

    @property
    def hull(self) -> Window:
        """The smallest window that holds all windows."""
        return min(a for a, _ in self.windows), max(b for _, b in self.windows)

    @property
    def days(self) -> npt.NDArray[np.int64]:
        """Event days of the hull, shape (L,)."""
        first, last = self.hull
        return np.arange(first, last + 1)

    @property
    def estimation_days(self) -> npt.NDArray[np.int64]:
        """Event days of the estimation window, shape (M,)."""
        return np.arange(-self.gap - self.estimation, -self.gap)

    @property
    def all_windows(self) -> tuple[Window, ...]:
        """Every event day d as [d, d], then the windows of more than one day."""
        days = [(int(d), int(d)) for d in self.days]
        return (*days, *(w for w in self.windows if w[0] != w[1]))

    def masks(self, windows: Sequence[Window]) -> npt.NDArray[np.float64]:
        """Return indicator rows of windows over the hull's days, shape (W, L)."""
        days = self.days
        return np.array([(days >= a) & (days <= b) for a, b in windows], dtype=float)


def parse_window(text: str) -> Window:
    """Return (a, b) from ``a,b``; one number is one day.

    Raises
    ------
    StudyError
        Where the text is no window.
    """
    match = re.fullmatch(r"\s*\[?\s*([+-]?\d+)\s*(?:[,:]\s*([+-]?\d+)\s*)?\]?\s*", text)
    if match is None:
        raise StudyError(f"window {text!r}: write a,b in sessions from session 0, such as -1,1")
    first = int(match[1])
    return first, int(match[2]) if match[2] is not None else first


def window_name(window: Window) -> str:
    """Return ``a,b``, as windows are written in every file."""
    return f"{window[0]},{window[1]}"


def make_frame(
    windows: object,
    *,
    estimation: int = 250,
    gap: int = 10,
    min_estimation: int = 100,
) -> Frame:
    """Check windows and estimation against each other; all faults at once.

    Raises
    ------
    StudyError
        Where a window ends before it starts or reaches into the estimation window, or a
        length is out of range.
    """
    asked = tuple(dict.fromkeys(_as_window(w) for w in _listed(windows)))
    faults = [f"window {a},{b} ends before it starts" for a, b in asked if b < a]
    if not asked:
        faults.append("no window was asked for")
    if gap < 0:
        faults.append(f"gap {gap}: must be 0 or more")
    if min_estimation < 10:
        faults.append(f"min_estimation {min_estimation}: at least 10 sessions are needed")
    if estimation < min_estimation:
        faults.append(f"estimation {estimation} is shorter than min_estimation {min_estimation}")
    faults += [
        f"window {a},{b} overlaps the estimation window, which ends at {-gap - 1}: "
        f"start at {-gap} or later, or widen the gap"
        for a, b in asked
        if a < -gap
    ]
    if faults:
        raise StudyError("; ".join(faults))
    return Frame(asked, estimation, gap, min_estimation)


def _listed(windows: object) -> list[object]:
    if isinstance(windows, str):
        return [windows]
    if isinstance(windows, int | np.integer):
        return [(int(windows), int(windows))]
    if not isinstance(windows, Iterable):
        raise StudyError(f"window {windows!r}: give (a, b), 'a,b' or a list of them")
    given = list(windows)
    if len(given) == 2 and all(isinstance(x, int | np.integer) for x in given):
        return [(int(given[0]), int(given[1]))]
    return given


def _as_window(window: object) -> Window:
    if isinstance(window, str):
        return parse_window(window)
    if isinstance(window, int | np.integer):
        return int(window), int(window)
    pair = tuple(window) if isinstance(window, Iterable) else ()
    if len(pair) != 2 or not all(isinstance(x, int | np.integer) for x in pair):
        raise StudyError(f"window {window!r}: give two whole numbers, such as (-1, 1)")
    return int(pair[0]), int(pair[1])
