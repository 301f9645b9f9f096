"""The look-ahead audit: runs replayed on inputs whose future is taken away or changed."""

from __future__ import annotations

from eventstudy.backtest.replay.result import AuditResult
from eventstudy.backtest.replay.verb import audit

__all__ = ["AuditResult", "audit"]
