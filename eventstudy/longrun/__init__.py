"""Long-run performance after events: buy-and-hold abnormal returns, calendar-time alphas."""

from __future__ import annotations

from eventstudy.longrun.config import LongRunConfig
from eventstudy.longrun.join import long_run
from eventstudy.longrun.result import LongRunResult

__all__ = ["LongRunConfig", "LongRunResult", "long_run"]
