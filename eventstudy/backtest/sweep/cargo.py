"""What workers are sent, and what kept results belong to: strategies as text, a setup's hash.

backtrader's classes cannot be pickled, so a strategy travels as the text of its file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eventstudy.backtest.library import Strategy, load_source
from eventstudy.backtest.setup import Setup
from eventstudy.errors import BacktestError, EventStudyError

TOLD = ("capital", "benchmark", "shortable")
"""Parts of a setup's record that no other part of its hash holds."""


def setup_digest(setup: Setup) -> str:
    """Return a hash of what a setup holds: prices, events, rates, and what was asked.

    Where the prices came from is no part of it: their figures are.
    """
    table = setup.market.table
    parts = [
        *(f"{ticker} {table.digest(ticker)}" for ticker in table.tickers),
        str(table.dates.tolist()),
        repr([(event, sorted(event.expects.items())) for event in setup.events]),
        repr({name: dict(members) for name, members in setup.market.baskets.items()}),
        hashlib.sha256(setup.rates.tobytes()).hexdigest(),
        repr((setup.costs, setup.limits, setup.seed)),
        repr([setup.told[name] for name in TOLD]),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Blueprint:
    """A strategy without its class.

    Attributes
    ----------
    source : str
        Text of its file.
    path : str
        Of the file, for errors; the file itself is not read.
    class_name : str
    parameters : mapping of str to object
        Those from which variants depart.
    """

    source: str
    path: str
    class_name: str
    parameters: Mapping[str, Any]

    def built(self) -> Strategy:
        """Return the strategy; its file is run once a process.

        Raises
        ------
        BacktestError
            Where the file cannot be run, or has no such strategy.
        """
        with _reading():
            strategies = load_source(self.source, self.path)
        for strategy in strategies:
            if strategy.cls.__name__ == self.class_name:
                return strategy.with_parameters(self.parameters)
        raise BacktestError(f"{self.path} defines no strategy {self.class_name} at its top level")


def blueprint_of(strategy: Strategy, path: str) -> Blueprint:
    """Return a strategy as text.

    Parameters
    ----------
    strategy : Strategy
    path : str
        Of its file, for errors.

    Raises
    ------
    BacktestError
        Where it cannot be had again from the text of a file: it was typed into a session, is
        defined inside a function, or its file needs its neighbours.
    """
    if not strategy.source:
        raise BacktestError(
            f"{strategy.name} has no source file to send to workers, for it was typed into a "
            "session: put it into a file, or sweep with jobs=1"
        )
    made = Blueprint(strategy.source, path, strategy.cls.__name__, dict(strategy.parameters))
    try:
        made.built()
    except EventStudyError as error:
        raise BacktestError(
            f"{strategy.name} cannot be sent to workers: {error}; put it into a file of its own, "
            "or sweep with jobs=1"
        ) from error
    return made


_READING: list[bool] = []


@contextmanager
def _reading() -> Iterator[None]:
    _READING.append(True)
    try:
        yield
    finally:
        _READING.pop()


def refuse_while_reading() -> None:
    """Refuse a sweep that the file of its own strategy starts.

    Each worker runs that file to get at the class: it would sweep in turn.

    Raises
    ------
    BacktestError
    """
    if _READING:
        raise BacktestError(
            "this file starts a sweep when it is read, as each worker does to get at the "
            'strategy: put the call under if __name__ == "__main__":'
        )
