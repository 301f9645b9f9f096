"""The claims of an article, tested one by one: a claim is data, a kind is a short function."""

from eventstudy.claims.contract import (
    CANNOT_BE_SAID,
    CONTRADICTED,
    SUPPORTED,
    Claim,
    Claims,
    Finding,
    Kind,
    NotMeasuredError,
    Number,
    Parameters,
)
from eventstudy.claims.kinds import KINDS
from eventstudy.claims.read import ARTICLE, read_claims
from eventstudy.claims.result import CheckedClaim, ClaimsResult
from eventstudy.claims.verb import check_claims

__all__ = [
    "ARTICLE",
    "CANNOT_BE_SAID",
    "CONTRADICTED",
    "KINDS",
    "SUPPORTED",
    "CheckedClaim",
    "Claim",
    "Claims",
    "ClaimsResult",
    "Finding",
    "Kind",
    "NotMeasuredError",
    "Number",
    "Parameters",
    "check_claims",
    "read_claims",
]
