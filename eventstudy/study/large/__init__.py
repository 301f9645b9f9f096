"""Event studies of any number of events: securities, linear models, closed-form tests."""

from eventstudy.study.large.join import closed_forms, large_study
from eventstudy.study.large.result import LargeStudy

__all__ = ["LargeStudy", "closed_forms", "large_study"]
