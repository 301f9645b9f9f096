"""Calendar-time portfolios from sums by date."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from eventstudy.significance.portfolio import session_doubts
from eventstudy.significance.sample import FEWEST_SHARED
from eventstudy.streaming.sums import FirstSums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Portfolios:
    """Standardised returns of the portfolios that hold events in their window.

    The formulas are those of `eventstudy.significance.portfolio.CalendarPortfolio`; sums over
    the events of one date stand for the events.

    Parameters
    ----------
    first : FirstSums
    masks : ndarray, shape (W, L)
    n_params : int
        d.
    """

    def __init__(self, first: FirstSums, masks: Floats, n_params: int) -> None:
        self.first, self.masks, self.n_params = first, masks, n_params

    @cached_property
    def held(self) -> tuple[int, ...]:
        """Calendar sessions with an event in its window, length W."""
        return tuple(len(self._of(mask)[0]) for mask in self.masks)

    @cached_property
    def standardised(self) -> tuple[Floats, ...]:
        """Standardised returns by calendar session, length W, one array of (C,) each."""
        found = []
        for mask in self.masks:
            mean, deviation = self._of(mask)
            valued = np.isfinite(deviation)
            found.append(mean[valued] / deviation[valued])
        return tuple(found)

    def doubts(self, w: int, comfortable: int) -> list[str]:
        """Say where calendar sessions of a window are few or left out."""
        return session_doubts(len(self.standardised[w]), self.held[w], comfortable)

    @cached_property
    def _known(self) -> dict[bytes, tuple[Floats, Floats]]:
        return {}

    def _of(self, mask: Floats) -> tuple[Floats, Floats]:
        """Return mean abnormal return and standard deviation by calendar session."""
        key = mask.tobytes()
        if key not in self._known:
            days = np.flatnonzero(mask > 0)
            first = self.first
            at = (first.positions[:, None] + days).ravel()
            sessions, which = np.unique(at, return_inverse=True)
            number = np.bincount(which, weights=np.repeat(first.number, len(days)))
            mean = np.bincount(which, weights=first.date_ar[:, days].ravel()) / number
            alone = len(days) == 1
            deviation = self._by_date if alone else self._by_session(sessions, days)
            self._known[key] = mean, deviation
        return self._known[key]

    @cached_property
    def _by_date(self) -> Floats:
        """Return the deviation of the portfolio of each date by itself, shape (P,)."""
        first = self.first
        mean = np.where(first.date_complete, first.date_residual, 0.0) / first.number[:, None]
        count = first.date_complete.sum(axis=1)
        spread = self._deviation((mean**2).sum(axis=1), count)
        return np.where(first.number == 1, first.date_sigma, spread)

    def _by_session(self, sessions: Ints, days: Ints) -> Floats:
        """Return the deviation of each session's portfolio, events of several dates in it.

        A date that is d days before a session has its estimation window d sessions earlier
        than the session's own: its sums are added that much to the left.
        """
        first = self.first
        m, last = first.date_residual.shape[1], int(days[-1])
        total = np.zeros((len(sessions), m + last - int(days[0])))
        covered = np.zeros(total.shape, dtype=np.int16)
        dates, number = np.zeros(len(sessions), dtype=np.int16), np.zeros(len(sessions))
        alone = np.full(len(sessions), -1)
        for day in days:
            at = np.searchsorted(first.positions, sessions - day)
            at = np.minimum(at, len(first.positions) - 1)
            here = np.flatnonzero(first.positions[at] == sessions - day)
            at, start = at[here], last - int(day)
            total[here, start : start + m] += first.date_residual[at]
            covered[here, start : start + m] += first.date_complete[at]
            dates[here] += 1
            number[here] += first.number[at]
            alone[here] = at
        shared = covered == dates[:, None]
        mean = np.where(shared, total, 0.0) / number[:, None]
        found = self._deviation((mean**2).sum(axis=1), shared.sum(axis=1))
        return np.where(dates == 1, self._by_date[alone], found)

    def _deviation(self, square: Floats, count: Ints) -> Floats:
        enough = count >= max(FEWEST_SHARED, self.n_params + 1)
        return np.sqrt(
            np.where(enough, square / np.where(enough, count - self.n_params, 1), np.nan)
        )
