"""The section on claims: one table, and a card a claim with every number behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventstudy.claims.contract import CANNOT_BE_SAID, CONTRADICTED, SUPPORTED
from eventstudy.claims.result import not_identified
from eventstudy.claims.wording import p_text, range_of, shown
from eventstudy.report.tables import Table
from eventstudy.report.words import Verdict

if TYPE_CHECKING:
    from eventstudy.claims import CheckedClaim, ClaimsResult, Number

BADGES = {SUPPORTED: "supported", CONTRADICTED: "contradicted", CANNOT_BE_SAID: "open"}
"""The style of each verdict."""


@dataclass(frozen=True, slots=True)
class NumberRow:
    """One number of a claim as the page writes it; `verdict` is None where it stands beside."""

    what: str
    number: str
    range: str
    p: str
    n: str
    verdict: Verdict | None
    test: str


@dataclass(frozen=True, slots=True)
class ClaimCard:
    """One claim as the page tells it."""

    id: str
    text: str
    kind: str
    rule: str
    verdict: Verdict
    reason: str
    note: str
    numbers: tuple[NumberRow, ...]
    assumptions: tuple[str, ...]
    not_identified: tuple[str, ...]


def claim_cards(result: ClaimsResult) -> list[ClaimCard]:
    """Return one card a claim, in the order of the file."""
    return [_card(checked) for checked in result.checked]


def _card(checked: CheckedClaim) -> ClaimCard:
    claim, finding = checked.claim, checked.finding
    return ClaimCard(
        claim.id, claim.text, claim.kind.name, claim.kind.rule, _badge(finding.verdict),
        finding.reason[:1].upper() + finding.reason[1:], claim.note,
        tuple(_number(n) for n in finding.numbers),
        finding.assumptions, not_identified(checked),
    )  # fmt: skip


def _badge(verdict: str) -> Verdict:
    return Verdict(BADGES[verdict], verdict, verdict)


def _number(number: Number) -> NumberRow:
    return NumberRow(
        number.what, shown(number.value, number.unit), range_of(number.lo, number.hi, number.unit),
        p_text(number.p_value), f"{number.n:,}",
        _badge(number.verdict) if number.verdict else None, number.test,
    )  # fmt: skip


def claims_table(result: ClaimsResult) -> Table:
    """Return claim, leading number, interval, p and verdict by claim."""
    rows = []
    for checked in result.checked:
        lead = checked.finding.numbers[0] if checked.finding.numbers else None
        rows.append(
            (
                checked.claim.id,
                checked.finding.verdict,
                checked.claim.text,
                shown(lead.value, lead.unit) if lead else "",
                range_of(lead.lo, lead.hi, lead.unit) if lead else "",
                p_text(lead.p_value) if lead else "",
            )
        )
    return Table(
        "claims",
        "Claims and verdicts; the number that leads, its 95% interval or the range of rounding",
        (("claim", False), ("verdict", False), ("text", False), ("number", True),
         ("interval or range", True), ("p", True)),
        tuple(rows),
    )  # fmt: skip
