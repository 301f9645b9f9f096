"""The study: events, prices and a model joined; groups, tests and tables."""

from __future__ import annotations

from eventstudy.study.config import StudyConfig
from eventstudy.study.join import event_study
from eventstudy.study.large.result import LargeStudy
from eventstudy.study.result import StudyResult

__all__ = ["LargeStudy", "StudyConfig", "StudyResult", "event_study"]
