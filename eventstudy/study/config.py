"""What a study was asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from eventstudy.models import ReturnModel
from eventstudy.windows import Frame, window_name


@dataclass(frozen=True, slots=True)
class StudyConfig:
    """The question, complete enough to ask it again.

    Attributes
    ----------
    models : tuple of ReturnModel
    benchmark : str or None
    frame : Frame
    observed : tuple of str
        Baskets and spreads on which every event is observed.
    lead : str or None
        The spread that the report leads with.
    convention : str
        ``scar`` or ``sum_sar``; see `Sample`.
    seed : int
    """

    models: tuple[ReturnModel, ...]
    benchmark: str | None
    frame: Frame
    observed: tuple[str, ...]
    lead: str | None
    convention: str
    seed: int

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a manifest."""
        frame = self.frame
        return {
            "models": [model.name for model in self.models],
            "benchmark": self.benchmark,
            "windows": [window_name(w) for w in frame.windows],
            "hull": window_name(frame.hull),
            "estimation": frame.estimation,
            "gap": frame.gap,
            "min_estimation": frame.min_estimation,
            "observed": list(self.observed),
            "lead": self.lead,
            "convention": self.convention,
            "seed": self.seed,
        }
