"""What the tests of the page share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import eventstudy as es
from eventstudy.backtest.result import BacktestResult

HOSTILE = (
    ("<script>alert(1)</script>", "X1", "<img src=x onerror=alert(1)>", "javascript:alert(1)"),
    ('=cmd()|"q"', "=CMD", "</script><script>alert(2)</script>", "https://a.example/<x>?q=\"'"),
    ("rtl\u202eltr", "X1;=CMD", "y" * 10_000, "data:text/html,<b>hi</b>"),
)
"""event_id, tickers, title, source."""


@dataclass(frozen=True)
class Made:
    """A study, its backtest and its page."""

    study: es.StudyResult
    backtest: BacktestResult
    html: str
    path: Path
