"""Baskets of tickers and spreads between them: what ``@ASIC-@GPU:ex`` means.

A basket is a fixed set of weights that sum to one, rebalanced each session. A spread is
one basket minus another. The suffix ``:ex`` leaves an event's subject out of its basket.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from eventstudy.errors import EventStudyError, UnknownNameError

_NAME = r"@[A-Za-z0-9_]+"
_SPREAD = re.compile(rf"(?P<long>{_NAME})-(?P<short>{_NAME})(?P<ex>:ex)?")


@dataclass(frozen=True, slots=True)
class Spread:
    """One basket minus another.

    Attributes
    ----------
    long, short : str
        Basket names with their ``@``.
    ex_subject : bool
        Whether the event's subject is left out of its basket.
    """

    long: str
    short: str
    ex_subject: bool = False

    def __str__(self) -> str:
        return f"{self.long}-{self.short}{':ex' if self.ex_subject else ''}"


@dataclass(frozen=True)
class Baskets(Mapping[str, Mapping[str, float]]):
    """Named baskets: name with ``@`` -> weights by ticker.

    Attributes
    ----------
    weights : mapping of str to mapping of str to float
        Each positive; each basket's sum to one.
    """

    weights: Mapping[str, Mapping[str, float]]

    def __getitem__(self, name: str) -> Mapping[str, float]:
        try:
            return self.weights[name]
        except KeyError:
            raise UnknownNameError("basket", name, self.weights) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.weights)

    def __len__(self) -> int:
        return len(self.weights)

    def __contains__(self, name: object) -> bool:
        return name in self.weights

    def resolve(self, tokens: Iterable[str]) -> tuple[str, ...]:
        """Return tickers in order, each basket replaced by its members, without repeats."""
        found: dict[str, None] = {}
        for token in tokens:
            for ticker in self[token] if token.startswith("@") else (token,):
                found[ticker] = None
        return tuple(found)

    def with_baskets(self, extra: Mapping[str, Sequence[str] | Mapping[str, float]]) -> Baskets:
        """Return a copy with baskets added or replaced."""
        return Baskets(MappingProxyType({**self.weights, **_checked(extra)}))


def parse_spread(text: str, baskets: Baskets) -> Spread:
    """Return the spread that a name such as ``@ASIC-@GPU:ex`` stands for.

    Raises
    ------
    EventStudyError
        Where the text is no spread.
    UnknownNameError
        Where one of its baskets does not exist.
    """
    match = _SPREAD.fullmatch(text)
    if match is None:
        raise EventStudyError(f"{text!r} is no spread: write @LONG-@SHORT or @LONG-@SHORT:ex")
    for side in ("long", "short"):
        baskets[match[side]]
    return Spread(match["long"], match["short"], match["ex"] is not None)


def make_baskets(given: Mapping[str, Sequence[str] | Mapping[str, float]]) -> Baskets:
    """Build baskets from lists of tickers (equal weights) or weights by ticker.

    Parameters
    ----------
    given : mapping
        ``{"ASIC": ["AVGO", "MRVL"], "@GPU": {"NVDA": 3, "AMD": 1}}``; weights are scaled
        to sum to one.

    Returns
    -------
    Baskets

    Raises
    ------
    EventStudyError
        Where a basket is empty or a weight is not a positive number.
    """
    return Baskets(MappingProxyType(_checked(given)))


def _checked(
    given: Mapping[str, Sequence[str] | Mapping[str, float]],
) -> dict[str, Mapping[str, float]]:
    made: dict[str, Mapping[str, float]] = {}
    for raw, members in given.items():
        name = raw if raw.startswith("@") else f"@{raw}"
        if not re.fullmatch(_NAME, name):
            raise EventStudyError(f"basket {raw!r}: a name has letters, digits and _ only")
        weights = dict(members) if isinstance(members, Mapping) else dict.fromkeys(members, 1.0)
        if not weights:
            raise EventStudyError(f"basket {name} has no members")
        for ticker, weight in weights.items():
            if not (isinstance(weight, int | float) and math.isfinite(weight) and weight > 0):
                raise EventStudyError(
                    f"basket {name}: weight {weight!r} of {ticker} is not a positive number"
                )
        total = math.fsum(weights.values())
        made[name] = MappingProxyType({t: w / total for t, w in weights.items()})
    return made


DEFAULT_BASKETS = make_baskets({"@ASIC": ("AVGO", "MRVL"), "@GPU": ("NVDA", "AMD")})
"""Custom AI chips against general-purpose GPUs, equally weighted."""

DEFAULT_OBSERVED = ("@ASIC", "@GPU", "@ASIC-@GPU", "@ASIC-@GPU:ex")
"""What every study event is observed on beside its own tickers; the last one leads."""
