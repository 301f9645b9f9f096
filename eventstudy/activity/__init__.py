"""Trading activity around events: abnormal volume and event-induced variance."""

from __future__ import annotations

from eventstudy.activity.result import ActivityResult
from eventstudy.activity.variance import variance_ratio
from eventstudy.activity.volume import abnormal_volume

__all__ = ["ActivityResult", "abnormal_volume", "variance_ratio"]
