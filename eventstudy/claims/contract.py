"""What a claim is, what a kind of claims owes, and what the test of one returns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from eventstudy.errors import EventStudyError

if TYPE_CHECKING:
    from eventstudy.claims.evidence import Evidence

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
CANNOT_BE_SAID = "cannot be said"
VERDICTS = (SUPPORTED, CONTRADICTED, CANNOT_BE_SAID)


class Parameters(BaseModel):
    """Base of the parameters of a kind: unknown names are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def tickers(self) -> tuple[str, ...]:
        """Return the tickers and baskets that the claim needs prices of."""
        return ()


class NotMeasuredError(EventStudyError):
    """What prices or calendar cannot give: the verdict is `cannot be said`, with this reason."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a claim with its uncertainty.

    Attributes
    ----------
    what : str
        What was measured.
    value : float
    unit : str
        ``return``, ``share``, ``growth``, ``ratio``, ``USD``, ``sessions`` or ``count``; the
        first three are fractions.
    lo, hi : float
        95% interval of an estimate, or the range that rounding leaves to a stated figure; NaN
        for a number that is read off.
    p_value : float
        Two-sided; NaN where nothing was tested.
    n : int
        Observations behind it.
    verdict : str
        One of `VERDICTS`; empty for a number that stands beside the claim.
    test : str
        How it was tested, or how it was found.
    """

    what: str
    value: float
    unit: str
    lo: float = math.nan
    hi: float = math.nan
    p_value: float = math.nan
    n: int = 1
    verdict: str = ""
    test: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the test of one claim found.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`.
    reason : str
        Why, in a sentence.
    numbers : tuple of Number
        The one that leads first; those that the verdict rests on carry one of their own.
    assumptions, not_identified : tuple of str
    """

    verdict: str
    reason: str
    numbers: tuple[Number, ...] = ()
    assumptions: tuple[str, ...] = ()
    not_identified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of claims: what its parameters are and how one is tested.

    Attributes
    ----------
    name : str
    what : str
        One line for a reader.
    rule : str
        When a claim is supported and when contradicted.
    parameters : type
        Derived from `Parameters`.
    check : callable
        ``(parameters, evidence) -> Finding``, a function of these alone; raises
        `NotMeasuredError` for what the evidence lacks.
    """

    name: str
    what: str
    rule: str
    parameters: type[Parameters]
    check: Callable[[Any, Evidence], Finding]


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: its words and what tests it.

    Attributes
    ----------
    id, text : str
    kind : Kind
    parameters : Parameters
        Of the type that `kind` states.
    note : str
        For the reader.
    not_identified : tuple of str
        What the claim's author says that no test of it can show.
    """

    id: str
    text: str
    kind: Kind
    parameters: Parameters
    note: str = ""
    not_identified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of an article.

    Attributes
    ----------
    title, source : str
        Of the article.
    items : tuple of Claim
    file : str
        Name of the file.
    sha256 : str
        Of its bytes; empty for claims that were made in code.
    """

    title: str
    items: tuple[Claim, ...]
    source: str = ""
    file: str = ""
    sha256: str = ""

    def tickers(self) -> tuple[str, ...]:
        """Return the tickers and baskets that the claims name, each once."""
        named = [t for claim in self.items for t in claim.parameters.tickers()]
        return tuple(dict.fromkeys(named))
