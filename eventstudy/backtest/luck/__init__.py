"""Is it luck? What errors, searches and dates leave of a backtest: pure functions on arrays."""

from __future__ import annotations

from eventstudy.backtest.luck.bootstrap import BootstrapInterval, stationary_interval
from eventstudy.backtest.luck.calendars import PlaceboCalendars, draw_calendars
from eventstudy.backtest.luck.frictions import BreakEven, break_even_cost
from eventstudy.backtest.luck.overfitting import Overfitting, cscv
from eventstudy.backtest.luck.placebo import (
    CalendarProfits,
    PlaceboVerdict,
    calendar_profits,
    placebo_dates,
)
from eventstudy.backtest.luck.reality import RealityCheck, reality_check
from eventstudy.backtest.luck.sharpe import (
    SharpeEvidence,
    expected_max_sharpe,
    judge_sharpe,
    min_track_record,
    period_sharpe,
    probabilistic_sharpe,
)

__all__ = [
    "BootstrapInterval",
    "BreakEven",
    "CalendarProfits",
    "Overfitting",
    "PlaceboCalendars",
    "PlaceboVerdict",
    "RealityCheck",
    "SharpeEvidence",
    "break_even_cost",
    "calendar_profits",
    "cscv",
    "draw_calendars",
    "expected_max_sharpe",
    "judge_sharpe",
    "min_track_record",
    "period_sharpe",
    "placebo_dates",
    "probabilistic_sharpe",
    "reality_check",
    "stationary_interval",
]
