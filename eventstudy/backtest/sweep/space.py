"""Which variants a sweep runs: every point of a grid, or points drawn at random."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eventstudy.errors import BacktestError


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers between two, both included; for random points.

    Two whole numbers make whole numbers, other ends any number between them.

    Attributes
    ----------
    low, high : int or float

    Raises
    ------
    BacktestError
        Where the ends are no finite numbers, or not in order.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        ends = (self.low, self.high)
        if not all(_is_number(end) and math.isfinite(end) for end in ends) or self.low >= self.high:
            raise BacktestError(f"range {self.low}..{self.high}; give two numbers, the lower first")

    def drawn(self, rng: np.random.Generator) -> int | float:
        """Return one number of the range, each as likely as any other."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return int(rng.integers(self.low, self.high + 1))
        return float(rng.uniform(self.low, self.high))

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


Space = Mapping[str, Sequence[Any] | Range]
"""Values of each parameter, or a range of them."""
MOST = 100_000
"""Variants beyond this are a mistake in the grid, or more than one machine's memory takes."""


def grid(space: Space) -> list[dict[str, Any]]:
    """Return every combination of the values of each parameter, the last one moving fastest.

    Raises
    ------
    BacktestError
        With every fault: no value, a value given twice, a range, no list; or more than `MOST`
        combinations.
    """
    values = _checked(space)
    ranges = [name for name, given in values.items() if isinstance(given, Range)]
    if ranges:
        told = "; ".join(f"{name} is the range {values[name]}" for name in ranges)
        raise BacktestError(
            f"sweep: {told}: a grid needs its values, such as {ranges[0]}=5,10,20; ranges are for "
            "random points"
        )
    lists = [given for given in values.values() if not isinstance(given, Range)]
    count = math.prod(len(given) for given in lists)
    _check_count(count, "the grid has")
    return [dict(zip(values, point, strict=True)) for point in itertools.product(*lists)]


def random_points(space: Space, count: int, seed: int) -> list[dict[str, Any]]:
    """Return different points drawn at random: from a range uniformly, from values one of them.

    Parameters
    ----------
    space : mapping of str to sequence or Range
    count : int
        Points; fewer are returned where there are hardly any more different ones.
    seed : int

    Raises
    ------
    BacktestError
        With every fault of the space, or for a count below 1 or above `MOST`.
    """
    values = _checked(space)
    if count < 1:
        raise BacktestError(f"random {count}; allowed: 1 or more variants")
    _check_count(count, "random points:")
    rng = np.random.default_rng(seed)
    found: dict[str, dict[str, Any]] = {}
    for _ in range(20 * count):
        point = {name: _drawn(given, rng) for name, given in values.items()}
        found.setdefault(_key(point), point)
        if len(found) == count:
            break
    return list(found.values())


def _drawn(given: Sequence[Any] | Range, rng: np.random.Generator) -> Any:
    if isinstance(given, Range):
        return given.drawn(rng)
    return given[int(rng.integers(len(given)))]


def _check_count(count: int, start: str) -> None:
    if count > MOST:
        raise BacktestError(f"sweep: {start} {count:,} variants; allowed: {MOST:,}")


def _checked(space: Space) -> dict[str, Sequence[Any] | Range]:
    """Return the space with lists of plain values, or raise with every fault."""
    found: dict[str, Sequence[Any] | Range] = {}
    faults = []
    if not space:
        faults.append("no parameter is varied; name one with its values, such as hold=5,10,20")
    for name, given in space.items():
        if isinstance(given, Range):
            found[name] = given
            continue
        values = _listed(given)
        if values is None:
            faults.append(f"{name} is {given!r}: give a list of values or a Range")
            continue
        faults += [] if values else [f"{name} has no value"]
        faults += [f"{name} has {value!r} twice" for value in _repeated(values)]
        found[name] = values
    if faults:
        raise BacktestError("sweep: " + "; ".join(faults))
    return found


def _listed(given: Any) -> list[Any] | None:
    """Return values as a list of plain ones, numpy's scalars unpacked; None for no list."""
    if hasattr(given, "tolist"):
        given = given.tolist()
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        return None
    return [value.item() if isinstance(value, np.generic) else value for value in given]


def _repeated(values: Iterable[Any]) -> list[Any]:
    """Return the values that stand in a list more than once; 1 and 1.0 are one value."""
    seen: dict[str, int] = {}
    again = []
    for value in values:
        key = repr(float(value)) if _is_number(value) else _key(value)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 2:
            again.append(value)
    return again


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def parse_space(texts: Sequence[str]) -> dict[str, list[Any] | Range]:
    """Return the space that a command line names: ``hold=5,10,20``, ``gross=0.1..0.4``.

    Two dots make a range, for random points. What looks like a number is one; ``none``,
    ``true`` and ``false`` are what they say.

    Raises
    ------
    BacktestError
        With every text that cannot be read.
    """
    found: dict[str, list[Any] | Range] = {}
    faults = []
    for text in texts:
        name, equals, rest = (part.strip() for part in text.partition("="))
        if not equals or not name:
            faults.append(f"{text!r}: write NAME=VALUE,VALUE or NAME=LOW..HIGH")
        elif name in found:
            faults.append(f"{name} is given twice")
        else:
            try:
                found[name] = _range(rest) if ".." in rest else _values(rest)
            except BacktestError as error:
                faults.append(f"{text!r}: {error}")
                found[name] = []
    if faults:
        raise BacktestError("sweep: " + "; ".join(faults))
    return found


def _range(text: str) -> Range:
    low, _, high = text.partition("..")
    return Range(_read(low.strip()), _read(high.strip()))


def _values(text: str) -> list[Any]:
    values = [part.strip() for part in text.split(",")]
    if not all(values):
        raise BacktestError("write NAME=VALUE,VALUE or NAME=LOW..HIGH")
    return [_read(value) for value in values]


def _read(text: str) -> Any:
    words = {"none": None, "true": True, "false": False}
    if text.casefold() in words:
        return words[text.casefold()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
