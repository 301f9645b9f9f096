"""What the page leads with: fixed by rule before any number is looked at."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from eventstudy.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.study import StudyConfig, StudyResult
    from eventstudy.study.observed import Observation

DEFAULT_CASE = "avgo-earnings-2024-12-12"
"""The release behind the December 2024 question."""


class Named(Protocol):
    """A group by its name, with one line for a reader."""

    @property
    def name(self) -> str:
        """Name of the group."""
        ...

    @property
    def what(self) -> str:
        """What it takes together."""
        ...


class Grouped(Protocol):
    """What figures and tables of groups need of a study, whichever engine made it."""

    @property
    def config(self) -> StudyConfig:
        """The question."""
        ...

    @property
    def alignments(self) -> tuple[str, ...]:
        """Readings in use."""
        ...

    @property
    def groups(self) -> Sequence[Named]:
        """Groups in the order of the tables."""
        ...

    @property
    def effects(self) -> pd.DataFrame:
        """Mean CARs by group and window."""
        ...

    @property
    def group_tests(self) -> pd.DataFrame:
        """Tests by group and window."""
        ...

    def paths_of(self, groups: Collection[str] | None) -> pd.DataFrame:
        """Return mean paths of these groups."""
        ...

    def summary_frame(self) -> pd.DataFrame:
        """Return the headline table."""
        ...


def headline_alignment(study: Grouped) -> str:
    """Return the reading of uncertain times that headlines use: the later session."""
    return study.alignments[-1]


def model_names(study: Grouped) -> list[str]:
    """Return the models, the leading one first."""
    return [model.name for model in study.config.models]


def window_names(study: Grouped) -> list[str]:
    """Return the windows that were asked for, as files write them."""
    return [f"{a},{b}" for a, b in study.config.frame.windows]


def lead_group(study: Grouped) -> str:
    """Return the group whose effect answers the question.

    ``directional`` where events carry direction labels; else the spread that leads; else
    ``all``. Never the one with the smallest p-value.
    """
    names = [group.name for group in study.groups]
    for name in ("directional", study.config.lead, "all"):
        if name in names:
            return str(name)
    return names[0]


def lead_groups(study: Grouped) -> list[str]:
    """Return the groups that the page shows in full: the lead, its directions, the baskets."""
    names = [group.name for group in study.groups]
    first = lead_group(study)
    directions = [n for n in names if n.endswith("+") or n.startswith("both")]
    shown = [first, *directions, *(n for n in study.config.observed if n in names), "all"]
    return [n for n in dict.fromkeys(shown) if n in names]


def case_event(study: StudyResult, case: str | None = None) -> str:
    """Return the event that the case section is about.

    The one asked for; else the December 2024 release where it was studied; else the most
    recent studied event.

    Raises
    ------
    UnknownNameError
        Where the event asked for was not studied.
    """
    latest = {o.reading.event.event_id: o.reading.position for o in study.observations}
    if case is not None:
        if case not in latest:
            raise UnknownNameError("studied event", case, latest)
        return case
    return DEFAULT_CASE if DEFAULT_CASE in latest else max(latest, key=lambda e: latest[e])


def readings_of(study: StudyResult, event_id: str) -> list[tuple[str, list[int]]]:
    """Return (reading, rows of its observations) of an event.

    A reading is ``stated`` for an event with one session 0, else ``same`` or ``next``.
    """
    rows: dict[str, list[int]] = {}
    for i, o in enumerate(study.observations):
        if o.reading.event.event_id == event_id:
            rows.setdefault(reading_name(o), []).append(i)
    return list(rows.items())


def reading_name(observation: Observation) -> str:
    """Return ``stated``, ``same`` or ``next``: the first alignment that holds it."""
    return observation.reading.alignments[0]
