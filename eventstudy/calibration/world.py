"""Every security at every session: a model fitted once, so that a sample is only a gather."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import Panel, Places, abnormal_returns, faults_of
from eventstudy.events import Event, EventCalendar
from eventstudy.models.contract import ModelFit, ReturnModel
from eventstudy.study.observed import Observation, Reading
from eventstudy.study.panel import make_panel
from eventstudy.windows import Frame

if TYPE_CHECKING:
    from eventstudy.prices.table import PriceTable
    from eventstudy.study.config import StudyConfig

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Tick = Callable[[int, int], None]

BATCH = 2000
"""Places fitted at once; more would not be faster and needs memory."""
ARRAYS = ("ar", "v", "residuals", "leverage", "s2", "dof", "alpha", "beta", "condition")


@dataclass(frozen=True, eq=False)
class World:
    """One model's abnormal returns for P places, a place being a security at a session 0.

    Attributes
    ----------
    securities : tuple of str, length K
    days : ndarray, shape (S,), datetime64[D]
        The grid of sessions.
    frame : Frame
    columns, positions : ndarray, shape (P,), int
        Security and row of session 0 of each place.
    at : ndarray, shape (S, K), int
        The place of each session and security; -1 where it is not usable.
    ar : ndarray, shape (P, L)
        Abnormal returns over the hull of the windows.
    v : ndarray, shape (P, L, L)
        Covariances of the forecast errors.
    residuals : ndarray, shape (P, M)
        NaN where missing.
    s2 : ndarray, shape (P,)
        Residual variances.
    dof : ndarray, shape (P,), int
    n_params : int
    covariance : {"exact", "approximate", "none"}
    traded : ndarray, shape (P, L), bool
        Days of the hull on which the security trades.
    """

    securities: tuple[str, ...]
    days: npt.NDArray[np.datetime64]
    frame: Frame
    columns: Ints
    positions: Ints
    at: Ints
    ar: Floats
    v: Floats
    residuals: Floats
    s2: Floats
    dof: Ints
    n_params: int
    covariance: str
    traded: Bools

    def __len__(self) -> int:
        return len(self.columns)

    def between(self, first: np.datetime64, last: np.datetime64) -> World:
        """Return the world whose sessions 0 lie between two dates, both included."""
        inside = (self.days >= first) & (self.days <= last)
        return replace(self, at=np.where(inside[:, None], self.at, -1))

    def arrival(self, day: int = 0) -> Ints:
        """Return the column of `ar` in which news of an event day shows, shape (P,), int.

        The first session with a trade from that day on; -1 where that lies beyond the hull.
        """
        seen = self.traded & (self.frame.days >= day)
        return np.where(seen.any(axis=1), seen.argmax(axis=1), -1)

    @property
    def usable(self) -> Ints:
        """Places that may be drawn."""
        found: Ints = self.at[self.at >= 0]
        return found

    @property
    def sessions(self) -> Ints:
        """Rows of the grid with at least one usable place."""
        return np.flatnonzero((self.at >= 0).any(axis=1))


def fit_world(
    table: PriceTable,
    securities: Sequence[str],
    config: StudyConfig,
    *,
    thin: float = 0.0,
    seed: int = 0,
    tick: Tick = lambda _done, _total: None,
) -> World:
    """Fit the first model of a configuration for every security and session.

    Parameters
    ----------
    table : PriceTable
        On the grid of sessions.
    securities : sequence of str, length K
    config : StudyConfig
    thin : float
        Share of sessions on which a security does not trade; see `thin_returns`.
    seed : int
        Of the sessions without a trade.
    tick : callable
        Told how many places are done and how many there are.
    """
    calendar, kept = _stand_ins(securities)
    panel, places = make_panel(kept, table, calendar, config)
    traded = np.isfinite(panel.series)
    if thin:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
        series, traded = thin_returns(panel.series, thin, rng)
        panel = replace(panel, series=series)
    frame = config.frame
    positions, columns = np.nonzero(full_windows(panel.series, frame))
    wanted = Places(columns, positions, places.donors[columns])
    fitted = _fit(panel, wanted, config.models[0], frame, tick)
    faults = faults_of(fitted, frame.min_estimation, float(np.nanmean(panel.series**2)))
    good = ~np.any(list(faults.values()), axis=0)
    at = np.full(panel.series.shape, -1, dtype=np.int64)
    at[positions[good], columns[good]] = np.arange(int(good.sum()))
    return World(
        tuple(securities),
        table.dates,
        frame,
        columns[good],
        positions[good],
        at,
        fitted.ar[good],
        fitted.v[good],
        fitted.residuals[good],
        fitted.s2[good],
        fitted.dof[good],
        fitted.n_params,
        fitted.covariance,
        traded[positions[good][:, None] + frame.days, columns[good][:, None]],
    )


def full_windows(series: Floats, frame: Frame) -> Bools:
    """Return where a session 0 has its whole hull and enough of an estimation window.

    Parameters
    ----------
    series : ndarray, shape (S, K)
    frame : Frame

    Returns
    -------
    ndarray, shape (S, K), bool
    """
    length = len(series)
    counts = np.zeros((length + 1, series.shape[1]), dtype=np.int64)
    np.cumsum(np.isfinite(series), axis=0, out=counts[1:])
    rows = np.arange(length)
    first, last = rows + frame.hull[0], rows + frame.hull[1] + 1
    inside = (first >= 0) & (last <= length)
    first, last = np.clip(first, 0, length), np.clip(last, 0, length)
    whole = counts[last] - counts[first] == frame.hull[1] - frame.hull[0] + 1
    end = np.maximum(rows - frame.gap, 0)
    begin = np.maximum(end - frame.estimation, 0)
    enough = counts[end] - counts[begin] >= frame.min_estimation
    found: Bools = inside[:, None] & whole & enough
    return found


def thin_returns(returns: Floats, share: float, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Let each security miss trades at random: its price is carried meanwhile.

    A session without a trade has a return of zero, as in files that repeat the last price;
    the next trade brings the whole return since. (Files that leave such sessions out have
    missing returns there, which shorten estimation windows and drop events instead.)

    Parameters
    ----------
    returns : ndarray, shape (S, K)
        NaN where missing; it stays missing.
    share : float
        Probability of no trade, independent over sessions and securities.
    rng : Generator

    Returns
    -------
    thinned : ndarray, shape (S, K)
    traded : ndarray, shape (S, K), bool
    """
    known = np.isfinite(returns)
    traded = (rng.random(returns.shape) >= share) & known
    level = np.cumsum(np.log1p(np.where(known, returns, 0.0)), axis=0)
    rows = np.arange(len(returns))[:, None]
    last = np.maximum.accumulate(np.where(traded, rows, -1), axis=0)
    carried = np.where(last >= 0, np.take_along_axis(level, np.maximum(last, 0), axis=0), 0.0)
    moved = np.expm1(np.diff(carried, axis=0, prepend=0.0))
    return np.where(known, moved, np.nan), traded


def _fit(panel: Panel, wanted: Places, model: ReturnModel, frame: Frame, tick: Tick) -> ModelFit:
    """Fit in batches: the working arrays of all places at once would not fit in memory."""
    parts: list[ModelFit] = []
    total = len(wanted)
    for begin in range(0, max(total, 1), BATCH):
        cut = slice(begin, begin + BATCH)
        batch = Places(wanted.columns[cut], wanted.positions[cut], wanted.donors[cut])
        parts.append(abnormal_returns(panel, batch, model, frame).fit)
        tick(min(begin + BATCH, total), total)
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS
    }
    return replace(parts[0], **joined, loadings={})


def _stand_ins(securities: Sequence[str]) -> tuple[EventCalendar, list[Observation]]:
    """Return one observation a security, of an event that lists nothing else."""
    import pandas as pd

    from eventstudy.baskets import DEFAULT_BASKETS

    never = np.datetime64("NaT", "D")
    kept = []
    for ticker in securities:
        event = Event(
            ticker, dt.date(1970, 1, 1), (ticker,), None, "UTC", "unknown", "", ticker, {},
            "study", None, "", "", "", "", never, never, False, "", 0,
        )  # fmt: skip
        kept.append(Observation(Reading(event, never, 0, ("stated",)), ticker, ((ticker, 1.0),)))
    return EventCalendar("", pd.DataFrame(), DEFAULT_BASKETS), kept
