"""Which variants a sweep runs: every point of a grid, or points drawn at random."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eventstudy.errors import BacktestError

Space = Mapping[str, Sequence[Any]]
MOST = 1_000_000
"""Variants beyond this are a mistake in the grid."""


def grid(space: Space) -> list[dict[str, Any]]:
    """Return every combination of the values of each parameter, the last one moving fastest.

    Raises
    ------
    BacktestError
        For a parameter without values, or more than `MOST` combinations.
    """
    _check(space)
    count = math.prod(len(values) for values in space.values())
    if count > MOST:
        raise BacktestError(f"the grid has {count:,} variants; allowed: {MOST:,}")
    return [dict(zip(space, point, strict=True)) for point in itertools.product(*space.values())]


def random_points(space: Space, count: int, seed: int) -> list[dict[str, Any]]:
    """Return different points drawn at random.

    A parameter with exactly two numbers is a range: whole numbers are drawn from both ends
    and what lies between, other numbers uniformly. More values, or words, are a choice.

    Parameters
    ----------
    space : mapping of str to sequence
    count : int
        Points; fewer are returned where there are no more different ones.
    seed : int

    Raises
    ------
    BacktestError
        For a parameter without values, or a count below 1.
    """
    _check(space)
    if count < 1:
        raise BacktestError(f"random {count}; allowed: 1 or more variants")
    rng = np.random.default_rng(seed)
    found: dict[str, dict[str, Any]] = {}
    for _ in range(20 * count):
        point = {name: _drawn(values, rng) for name, values in space.items()}
        found.setdefault(json.dumps(point, sort_keys=True, default=str), point)
        if len(found) == count:
            break
    return list(found.values())


def _drawn(values: Sequence[Any], rng: np.random.Generator) -> Any:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if len(values) != 2 or not numbers:
        return values[int(rng.integers(len(values)))]
    low, high = sorted(values)
    if all(isinstance(v, int) for v in values):
        return int(rng.integers(low, high + 1))
    return float(rng.uniform(low, high))


def _check(space: Space) -> None:
    faults = [f"{name} has no value" for name, values in space.items() if not len(values)]
    faults += [
        f"{name} is {values!r}: give a list"
        for name, values in space.items()
        if isinstance(values, str)
    ]
    if not space:
        faults.append("no parameter is varied; name one with its values, such as hold=5,10,20")
    if faults:
        raise BacktestError("sweep: " + "; ".join(faults))


def parse_space(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Return the space that a command line names: ``hold=5,10,20``, ``gross=0.1..0.4``.

    Two dots make a range of two numbers, for random points. What looks like a number is
    one; ``none``, ``true`` and ``false`` are what they say.

    Raises
    ------
    BacktestError
        With every text that cannot be read.
    """
    found: dict[str, list[Any]] = {}
    faults = []
    for text in texts:
        name, equals, rest = text.partition("=")
        values = [part.strip() for part in (rest.split("..") if ".." in rest else rest.split(","))]
        if not equals or not name.strip() or not all(values):
            faults.append(f"{text!r}: write NAME=VALUE,VALUE or NAME=LOW..HIGH")
        elif name.strip() in found:
            faults.append(f"{name.strip()} is given twice")
        else:
            found[name.strip()] = [_read(value) for value in values]
    if faults:
        raise BacktestError("sweep: " + "; ".join(faults))
    return found


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
