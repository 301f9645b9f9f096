"""Size and power of every test on the user's own prices, by Brown and Warner's design."""

from __future__ import annotations

from eventstudy.calibration.design import Design, calendar_designs, standard_designs
from eventstudy.calibration.result import CalibrationResult
from eventstudy.calibration.verb import calibrate

__all__ = ["CalibrationResult", "Design", "calendar_designs", "calibrate", "standard_designs"]
