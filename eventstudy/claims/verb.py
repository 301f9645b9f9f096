"""check_claims(): the claims of an article against a study and its prices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.claims.contract import (
    CANNOT_BE_SAID,
    Claim,
    Claims,
    Finding,
    NotMeasuredError,
)
from eventstudy.claims.evidence import Evidence
from eventstudy.claims.read import read_claims
from eventstudy.claims.result import CheckedClaim, ClaimsResult

if TYPE_CHECKING:
    from eventstudy.prices import PriceTable
    from eventstudy.study import StudyResult


def check_claims(
    claims: Claims | str | Path, study: StudyResult, prices: PriceTable | None = None
) -> ClaimsResult:
    """Test claims one by one.

    Parameters
    ----------
    claims : Claims, str or Path
        What `read_claims` returns, or what it reads: a TOML file, or ``article``.
    study : StudyResult
        Its calendar, sessions, benchmark, baskets and estimation window are used, and its tests
        where a claim is about a group.
    prices : PriceTable, optional
        Default: the study's. Give one that also holds what only the claims name; the benchmark
        has to be in it.

    Returns
    -------
    ClaimsResult
        What prices or calendar cannot give is `cannot be said`, with the reason; no claim fails.

    Raises
    ------
    InputError
        Where a file of claims is at fault.
    """
    asked = claims if isinstance(claims, Claims) else read_claims(claims)
    table = (prices if prices is not None else study.prices).on_sessions(study.days)
    evidence = Evidence(study, table)
    named = study.events.baskets.resolve(
        t for t in asked.tickers() if not t.startswith("@") or t in study.events.baskets
    )
    benchmark = study.config.benchmark
    used = dict.fromkeys((*named, *((benchmark,) if benchmark else ())))
    digests = {t: table.digest(t) for t in used if t in table}
    with np.errstate(invalid="ignore", divide="ignore"):
        checked = tuple(CheckedClaim(claim, _checked(claim, evidence)) for claim in asked.items)
    return ClaimsResult(asked, checked, digests)


def _checked(claim: Claim, evidence: Evidence) -> Finding:
    try:
        return claim.kind.check(claim.parameters, evidence)
    except NotMeasuredError as error:
        return Finding(CANNOT_BE_SAID, f"not measured: {error}")
