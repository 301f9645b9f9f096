"""Made returns and events that every program is given, and the plain loop they are held against.

A market model with noise: T sessions, K tickers, events in turn over the tickers so that the
first K are of distinct ones, no ticker having two on one session. Estimation [-260, -11], event
window [-10, 10].
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

ESTIMATION = np.arange(-260, -10)
WINDOW = np.arange(-10, 11)
FACTORS = 5

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Work:
    """What every program is given.

    Attributes
    ----------
    returns : ndarray, shape (T, K)
        Simple returns, decimals.
    market : ndarray, shape (T,)
    factors : ndarray, shape (T, 5)
    days : ndarray, shape (T,), datetime64[D]
        Weekdays.
    columns, rows : ndarray, shape (N,), int
        Ticker and session 0 of each event.
    """

    returns: Floats
    market: Floats
    factors: Floats
    days: npt.NDArray[np.datetime64]
    columns: Ints
    rows: Ints

    def save(self, path: Path) -> None:
        np.savez(path, **vars(self))

    @staticmethod
    def load(path: Path) -> Work:
        return Work(**dict(np.load(path)))


def make_work(sessions: int, tickers: int, events: int, seed: int = 6) -> Work:
    """Return made returns and events.

    Raises
    ------
    ValueError
        Where there are fewer places with full windows than events.
    """
    rng = np.random.default_rng(seed)
    market = rng.normal(3e-4, 0.01, sessions)
    factors = np.column_stack([market, rng.normal(0, 0.006, (sessions, FACTORS - 1))])
    loadings = rng.normal(0, 0.3, (FACTORS, tickers))
    loadings[0] = rng.uniform(0.5, 1.5, tickers)
    returns = factors @ loadings + rng.normal(0, 0.02, (sessions, tickers))
    days = np.busday_offset("2000-01-03", np.arange(sessions), roll="forward")
    columns, rows = _places(sessions, tickers, events, rng)
    return Work(returns, market, factors, days.astype("datetime64[D]"), columns, rows)


def _places(
    sessions: int, tickers: int, events: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Return ticker and session 0 of events, no pair twice."""
    free = np.arange(-ESTIMATION[0], sessions - WINDOW[-1])
    rounds = -(-events // tickers)
    if rounds > len(free):
        raise ValueError(f"{events} events: {tickers} tickers have {len(free)} sessions 0 each")
    step = len(free) // rounds
    start = rng.integers(0, len(free), tickers)
    # Each ticker walks round its sessions in equal steps from a start of its own.
    walked = (start[None, :] + step * np.arange(rounds)[:, None]) % len(free)
    columns = np.tile(np.arange(tickers), rounds)[:events]
    return columns, free[walked.ravel()[:events]]


def plain_loop(
    returns: Floats, market: Floats, columns: Ints, rows: Ints
) -> tuple[Floats, Floats, Floats]:
    """Return AR, CAR and the exact standard error of CAR, one event after the other.

    Returns
    -------
    ar : ndarray, shape (N, 21)
    car, se : ndarray, shape (N,)
    """
    ar = np.empty((len(rows), len(WINDOW)))
    se = np.empty(len(rows))
    for i, (k, row) in enumerate(zip(columns.tolist(), rows.tolist(), strict=True)):
        y = returns[row + ESTIMATION[0] : row + ESTIMATION[-1] + 1, k]
        x = market[row + ESTIMATION[0] : row + ESTIMATION[-1] + 1]
        x_event = market[row + WINDOW[0] : row + WINDOW[-1] + 1]
        mean = x.mean()
        centred = x - mean
        square = centred @ centred
        slope = centred @ y / square
        level = y.mean() - slope * mean
        left = y - level - slope * x
        ar[i] = returns[row + WINDOW[0] : row + WINDOW[-1] + 1, k] - level - slope * x_event
        length, away = len(WINDOW), (x_event - mean).sum()
        variance = left @ left / (len(y) - 2)
        se[i] = np.sqrt(variance * (length + length**2 / len(y) + away**2 / square))
    return ar, ar.sum(axis=1), se
