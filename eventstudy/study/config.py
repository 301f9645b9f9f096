"""What a study was asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventstudy.models import ReturnModel
from eventstudy.windows import Frame, window_name

if TYPE_CHECKING:
    from eventstudy.factors import FactorTable


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
    overlap : str
        What is done with events whose windows share sessions: ``keep``, ``drop``,
        ``keep-first`` or ``joint``.
    estimation_excludes : str
        ``none``, or ``own_events``: a firm's own events leave its estimation windows.
    donors : tuple of str
        Securities that may stand in for others.
    factors : FactorTable or None
    returns : str
        ``simple`` or ``log``.
    """

    models: tuple[ReturnModel, ...]
    benchmark: str | None
    frame: Frame
    observed: tuple[str, ...]
    lead: str | None
    convention: str
    seed: int
    overlap: str = "keep"
    estimation_excludes: str = "none"
    donors: tuple[str, ...] = ()
    factors: FactorTable | None = None
    returns: str = "simple"

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
            "returns": self.returns,
            "overlap": self.overlap,
            "estimation_excludes": self.estimation_excludes,
            "donors": list(self.donors),
            "factors": None
            if self.factors is None
            else {"source": self.factors.source, "sha256": self.factors.sha256},
        }
