"""What is drawn in one experiment: how many events, on which dates, under which trouble."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eventstudy.errors import StudyError

Layout = Literal["staggered", "one-date", "calendar"]

THIN = 0.3
"""Share of sessions without a trade in the design of thin trading."""
FEWEST_EVENTS = 2


@dataclass(frozen=True, slots=True)
class Design:
    """One experiment of Brown and Warner's kind.

    Attributes
    ----------
    name : str
    n : int
        Events a sample.
    layout : {"staggered", "one-date", "calendar"}
        ``staggered``: each event a random security on a random session, no such pair twice
        in a sample. ``one-date``: distinct securities on one random session. ``calendar``:
        the sessions of a given calendar moved as one block, its firms exchanged for random
        securities.
    extra_variance : float
        Variance added to each day of the event windows, in multiples of the firm's own
        residual variance; 1 doubles it.
    thin : float
        Share of sessions on which a security does not trade.
    offsets : tuple of int, length n
        ``calendar`` only: sessions from the calendar's first session 0.
    firms : tuple of int, length n
        ``calendar`` only: which events share a firm.
    """

    name: str
    n: int
    layout: Layout = "staggered"
    extra_variance: float = 0.0
    thin: float = 0.0
    offsets: tuple[int, ...] = ()
    firms: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        faults = []
        if self.layout not in ("staggered", "one-date", "calendar"):
            faults.append(f"layout {self.layout!r}: staggered, one-date or calendar")
        if self.n < FEWEST_EVENTS:
            faults.append(f"{self.n} events: at least {FEWEST_EVENTS} are needed")
        if not 0.0 <= self.thin < 1.0:
            faults.append(f"thin {self.thin:g}: a share of sessions, at least 0 and below 1")
        if not self.extra_variance >= 0.0:
            faults.append(f"extra_variance {self.extra_variance:g}: must be 0 or more")
        if self.layout == "calendar" and not (len(self.offsets) == len(self.firms) == self.n):
            faults.append(f"offsets and firms must have one entry for each of {self.n} events")
        if faults:
            raise StudyError(f"design {self.name!r}: {'; '.join(faults)}")

    def seed_of(self, seed: int, index: int) -> np.random.SeedSequence:
        """Return the seed of one sample: it depends on neither batches nor workers."""
        return np.random.SeedSequence(seed, spawn_key=(zlib.crc32(self.name.encode()), index))

    @property
    def what(self) -> str:
        """The design in words."""
        where = {
            "staggered": f"{self.n} random securities, each on a random session",
            "one-date": f"{self.n} distinct random securities on one random session",
            "calendar": f"the calendar's {self.n} events, its sessions moved as one block, "
            "random securities for its firms",
        }[self.layout]
        more = []
        if self.extra_variance:
            more.append(
                f"variance of event days times {1.0 + self.extra_variance:g} by extra noise "
                "of mean zero"
            )
        if self.thin:
            more.append(f"no trade on {self.thin:.0%} of each security's sessions")
        return "; ".join([where, *more])


def standard_designs(staggered: int = 50, clustered: int = 15) -> tuple[Design, ...]:
    """Return the four designs of the validity table.

    Parameters
    ----------
    staggered, clustered : int
        Events a sample on random dates and on one date.
    """
    return (
        Design("staggered", staggered),
        Design("one-date", clustered, "one-date"),
        Design("event-variance", staggered, extra_variance=1.0),
        Design("thin-trading", staggered, thin=THIN),
    )


def calendar_designs(positions: Sequence[int], labels: Sequence[str]) -> tuple[Design, ...]:
    """Return the designs of a calendar: as it is, with event-induced variance, and thin.

    Parameters
    ----------
    positions : sequence of int, length n
        Session 0 of each event.
    labels : sequence of str, length n
        Its security.
    """
    first = min(positions)
    offsets = tuple(int(p - first) for p in positions)
    known: dict[str, int] = {}
    firms = tuple(known.setdefault(label, len(known)) for label in labels)
    n = len(offsets)
    return (
        Design("calendar", n, "calendar", offsets=offsets, firms=firms),
        Design(
            "calendar, event-variance",
            n,
            "calendar",
            extra_variance=1.0,
            offsets=offsets,
            firms=firms,
        ),
        Design("calendar, thin-trading", n, "calendar", thin=THIN, offsets=offsets, firms=firms),
    )
