"""What the test of an article's claims returns."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from eventstudy.claims.contract import VERDICTS, Claim, Claims, Finding
from eventstudy.claims.verdicts import RULE
from eventstudy.claims.wording import counted, p_text, range_of, shown

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "claim", "kind", "text", "number", "unit", "lo", "hi", "p_value", "n", "verdict", "reason",
    "assumptions", "not_identified", "detail",
)  # fmt: skip
NUMBERS = (
    "claim", "part", "number", "unit", "lo", "hi", "p_value", "n", "verdict", "how",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim and what its test found.

    Attributes
    ----------
    claim : Claim
    finding : Finding
    """

    claim: Claim
    finding: Finding


@dataclass(frozen=True, eq=False)
class ClaimsResult:
    """The claims of an article, tested one by one.

    Attributes
    ----------
    claims : Claims
    checked : tuple of CheckedClaim
        In the order of the file.
    tickers : mapping of str to str
        SHA-256 of the prices that the claims were tested on, by ticker.
    """

    claims: Claims
    checked: tuple[CheckedClaim, ...]
    tickers: dict[str, str]

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many claims have each verdict."""
        found = [c.finding.verdict for c in self.checked]
        return {verdict: found.count(verdict) for verdict in VERDICTS}

    def summary_frame(self) -> pd.DataFrame:
        """Return one row a claim: `COLUMNS`; texts of a list are joined by semicolons."""
        import pandas as pd

        return pd.DataFrame([_row(c) for c in self.checked], columns=list(COLUMNS))

    @cached_property
    def numbers(self) -> pd.DataFrame:
        """Every number behind a claim: `NUMBERS`; verdict is empty where it stands beside it."""
        import pandas as pd

        rows = [
            (c.claim.id, n.what, n.value, n.unit, n.lo, n.hi, n.p_value, n.n, n.verdict, n.test)
            for c in self.checked
            for n in c.finding.numbers
        ]
        return pd.DataFrame(rows, columns=list(NUMBERS))

    def headline(self) -> str:
        """Return how many claims have each verdict, in a line."""
        told = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items())
        return f"{counted(len(self.checked), 'claim')}: {told}"

    def summary(self) -> str:
        """Return a compact table as text."""
        title = self.claims.title or self.claims.file or "Claims"
        lines = [f"{title}", self.headline(), ""]
        rows = [_short(c) for c in self.checked]
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))] if rows else []
        for row in rows:
            cells = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
            lines.append("  ".join(cells).rstrip())
        return "\n".join([*lines, "", *textwrap.wrap(RULE, 100)])

    def manifest(self) -> dict[str, object]:
        """Return what tells this file of claims from another, and the prices behind it."""
        return {
            "file": self.claims.file,
            "sha256": self.claims.sha256,
            "claims": len(self.checked),
            "prices": dict(self.tickers),
        }

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"ClaimsResult({self.headline()})"

    def _repr_html_(self) -> str:
        frame = self.summary_frame()[["claim", "text", "number", "unit", "verdict", "reason"]]
        return str(frame.to_html(index=False, float_format="{:.4g}".format))


def _row(checked: CheckedClaim) -> tuple[object, ...]:
    claim, finding = checked.claim, checked.finding
    lead = finding.numbers[0] if finding.numbers else None
    blank = math.nan
    return (
        claim.id, claim.kind.name, claim.text,
        lead.value if lead else blank, lead.unit if lead else "",
        lead.lo if lead else blank, lead.hi if lead else blank,
        lead.p_value if lead else blank, lead.n if lead else 0,
        finding.verdict, finding.reason,
        "; ".join(finding.assumptions), "; ".join(not_identified(checked)), detail(checked),
    )  # fmt: skip


def not_identified(checked: CheckedClaim) -> tuple[str, ...]:
    """Return what no test of a claim shows: its author's words first."""
    return (*checked.claim.not_identified, *checked.finding.not_identified)


def detail(checked: CheckedClaim) -> str:
    """Return the note of a claim and the numbers behind it beyond the first, as one text."""
    told = [checked.claim.note] if checked.claim.note else []
    for n in checked.finding.numbers:
        between = range_of(n.lo, n.hi, n.unit)
        p = f", p {p_text(n.p_value)}" if math.isfinite(n.p_value) else ""
        told.append(
            f"{n.what}: {shown(n.value, n.unit)}{f' ({between})' if between else ''}{p}"
            f"{f' [{n.verdict}]' if n.verdict else ''}"
        )
    return "; ".join(told)


def _short(checked: CheckedClaim) -> tuple[str, str, str, str]:
    lead = checked.finding.numbers[0] if checked.finding.numbers else None
    number = shown(lead.value, lead.unit) if lead else shown(math.nan, "")
    # What a file holds may be anything: a terminal is sent printable characters only.
    text = " ".join("".join(c if c.isprintable() else " " for c in checked.claim.text).split())
    return (
        checked.claim.id,
        text if len(text) <= 60 else text[:57] + "...",
        number,
        checked.finding.verdict,
    )
