"""What workers are sent: a setup once, strategies as source text, parameters many times.

backtrader's classes cannot be pickled, so a strategy travels as the text of its file. The
setup, with its prices, is written once: to a file that workers on this machine read, or into
one object that a cluster hands to each worker. Either is opened once a process.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from eventstudy.backtest.library import Strategy, load_source
from eventstudy.backtest.setup import Setup
from eventstudy.errors import BacktestError

_OPENED: dict[str, Setup] = {}


def _read_only(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(values)


class _Packer(pickle.Pickler):
    """Pickles read-only mappings too."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, MappingProxyType):
            return _read_only, (dict(obj),)
        return NotImplemented


class Cargo:
    """A setup on its way to workers.

    Parameters
    ----------
    data : bytes
        The packed setup; empty where it lies in a file.
    digest : str
        SHA-256 of the packed setup.
    path : str
        Of the file, where there is one.
    """

    # A plain class: the cluster keeps weak references to what it has sent.
    def __init__(self, data: bytes, digest: str, path: str = "") -> None:
        self.data = data
        self.digest = digest
        self.path = path

    def opened(self) -> Setup:
        """Return the setup; unpacked once a process."""
        if self.digest not in _OPENED:
            data = self.data or Path(self.path).read_bytes()
            _OPENED.clear()
            _OPENED[self.digest] = pickle.loads(data)  # noqa: S301  our own bytes
        return _OPENED[self.digest]


def packed(setup: Setup) -> bytes:
    """Return a setup as bytes."""
    buffer = io.BytesIO()
    _Packer(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(setup)
    return buffer.getvalue()


def cargo_of(setup: Setup, folder: Path | None) -> Cargo:
    """Return a setup for workers: in a file of `folder`, or in memory where there is none."""
    data = packed(setup)
    digest = hashlib.sha256(data).hexdigest()
    if folder is None:
        return Cargo(data, digest)
    path = folder / f"setup-{digest[:16]}.pickle"
    path.write_bytes(data)
    return Cargo(b"", digest, str(path))


def setup_digest(setup: Setup) -> str:
    """Return a hash of what a setup holds: prices, events, rates, and what was asked."""
    table = setup.market.table
    parts = [
        *(table.digest(ticker) for ticker in table.tickers),
        str(table.dates.tolist()),
        repr([(event, dict(event.expects)) for event in setup.events]),
        repr({name: dict(members) for name, members in setup.market.baskets.items()}),
        hashlib.sha256(setup.rates.tobytes()).hexdigest(),
        repr((setup.costs, setup.limits, setup.seed, sorted(setup.told.items(), key=str))),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Blueprint:
    """A strategy without its class.

    Attributes
    ----------
    source : str
        Text of its file.
    file, class_name : str
    parameters : mapping of str to object
        Those from which variants depart.
    """

    source: str
    file: str
    class_name: str
    parameters: Mapping[str, Any]

    def built(self) -> Strategy:
        """Return the strategy; its file is run once a process."""
        for strategy in load_source(self.source, self.file):
            if strategy.cls.__name__ == self.class_name:
                return strategy.with_parameters(self.parameters)
        raise BacktestError(f"{self.file} has no strategy {self.class_name}")


def blueprint_of(strategy: Strategy) -> Blueprint:
    """Return a strategy as text.

    Raises
    ------
    BacktestError
        Where its source cannot be had: it was typed into a session.
    """
    if not strategy.source:
        raise BacktestError(
            f"{strategy.name} has no source file to send to workers: put it into a file, or "
            "sweep with jobs=1"
        )
    return Blueprint(
        strategy.source, strategy.file, strategy.cls.__name__, dict(strategy.parameters)
    )
