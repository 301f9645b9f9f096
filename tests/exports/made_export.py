"""What the tests of exports share."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import eventstudy as es

HOSTILE = (
    ("<script>alert(1)</script>", "X1", "<img src=x onerror=alert(1)> [a](javascript:b) **c**"),
    ('=cmd()|"q"', "=CMD", r"\input{/etc/passwd} \write18{id} \end{document}"),
    ("rtl\u202eltr", "X1;=CMD", "y" * 10_000),
    ("$%&_#{}~^\\", "^A_B=C-1", "a | pipe, `code`, *stars*, # hash, - dash -- dashes"),
    ("-1+1", "X1", "two\nlines\tand a tab | $x$ 100% é \u4e2d\u6587 \u2212 \u2264 \u03b1"),
    ("@SUM(A1)", "X1;=CMD", "+1-800"),
)
"""event_id, tickers, title."""


@dataclass(frozen=True)
class Exported:
    """Results and the folder into which they were exported."""

    study: es.StudyResult
    backtest: es.BacktestResult | None
    folder: Path
    written: tuple[Path, ...]

    def rows(self, table: str) -> list[dict[str, str]]:
        """Return a CSV file of the contract, as texts."""
        with (self.folder / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def text(self, name: str) -> str:
        """Return a file as text."""
        return (self.folder / name).read_text(encoding="utf-8")


def percent(value: str, sign: str = "+") -> str:
    """Return a fraction of a CSV file as the page prints it."""
    return f"{100 * float(value):{sign}.2f}%".replace("-", "\u2212")


def probability(value: str) -> str:
    """Return a p-value of a CSV file as the page prints it."""
    return "<0.001" if float(value) < 0.001 else f"{float(value):.3f}"
