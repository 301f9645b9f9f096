"""Which observations a test takes together, and with which sign.

`all`: one row an event. `peer:TICKER`: the events that list a ticker without being its own.
Each kind, each basket and spread, and each direction on the spread that leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.baskets import Baskets, Spread, parse_spread
from eventstudy.events.event import Event
from eventstudy.study.observed import Observation


@dataclass(frozen=True, eq=False)
class Group:
    """Observations that are tested together.

    Attributes
    ----------
    name : str
    what : str
        One line for a reader.
    rows : ndarray, shape (N,), int
        Rows among the observations of all alignments.
    signs : ndarray, shape (N,)
        +1 or -1: the side that the news was expected to favour.
    two_sided_only : bool
        True where the sign says nothing about the series.
    """

    name: str
    what: str
    rows: npt.NDArray[np.int64]
    signs: npt.NDArray[np.float64]
    two_sided_only: bool = False


def own_label(event: Event) -> str:
    """Return the event's subject where it is one of its tickers, else the first ticker."""
    return event.subject if event.subject in event.tickers else event.tickers[0]


def lead_spread(observed: Sequence[str], baskets: Baskets) -> Spread | None:
    """Return the spread that leads: the first ex-subject one, else the first one."""
    spreads = [parse_spread(o, baskets) for o in observed if o.startswith("@") and "-" in o]
    for spread in spreads:
        if spread.ex_subject:
            return spread
    return spreads[0] if spreads else None


def direction(event: Event, spread: Spread) -> tuple[str, int] | None:
    """Return the direction group of an event and the sign of the spread, or None.

    Examples
    --------
    ``@ASIC+ @GPU-`` is ``("asic+", 1)``; ``@ASIC+ @GPU+`` is ``("both+", 0)``.
    """
    long, short = event.expects.get(spread.long, 0), event.expects.get(spread.short, 0)
    if not long and not short:
        return None
    if long == short:
        return ("both+" if long > 0 else "both-"), 0
    if long > short:
        return f"{spread.long[1:].lower()}+", 1
    return f"{spread.short[1:].lower()}+", -1


def make_groups(
    kept: Sequence[Observation], observed: Sequence[str], baskets: Baskets
) -> tuple[Group, ...]:
    """Return the groups of a study in the order in which tables show them."""
    labels = np.array([o.label for o in kept])
    events = [o.reading.event for o in kept]
    own = np.array([o.label == own_label(o.reading.event) for o in kept], dtype=bool)
    listed = np.array([o.label in o.reading.event.tickers for o in kept], dtype=bool)
    groups = _direction_groups(kept, labels, observed, baskets)
    groups += [_plain(name, f"every event on {name}", labels == name) for name in observed]
    groups.append(_plain("all", "each event on its own ticker", own))
    kinds = np.array([event.kind for event in events])
    taken = {group.name for group in groups}
    groups += [
        _plain(
            f"kind:{kind}" if kind in taken or kind.startswith("peer:") else kind,
            f"events of kind {kind} on their own tickers",
            own & (kinds == kind),
        )
        for kind in sorted({str(kind) for kind in kinds[own]})
        if kind
    ]
    peers = listed & ~own
    groups += [
        _plain(f"peer:{ticker}", f"{ticker} on events of others", peers & (labels == ticker))
        for ticker in sorted({str(label) for label in labels[peers]})
        if not ticker.startswith("@")
    ]
    return tuple(group for group in groups if len(group.rows))


def _direction_groups(
    kept: Sequence[Observation],
    labels: npt.NDArray[np.str_],
    observed: Sequence[str],
    baskets: Baskets,
) -> list[Group]:
    spread = lead_spread(observed, baskets)
    if spread is None:
        return []
    found = [direction(o.reading.event, spread) for o in kept]
    on_spread = labels == str(spread)
    signs = np.array([d[1] if d else 0 for d in found], dtype=float)
    names = np.array([d[0] if d else "" for d in found])
    long, short = spread.long[1:].lower(), spread.short[1:].lower()
    groups = []
    for name in (f"{long}+", f"{short}+", "both+", "both-"):
        rows = np.flatnonzero(on_spread & (names == name))
        if name.startswith("both"):
            what = f"news of one sign for both baskets, on {spread}"
            groups.append(Group(name, what, rows, np.ones(len(rows)), two_sided_only=True))
        else:
            what = f"news that favours {name[:-1].upper()}, on {spread} signed that way"
            groups.append(Group(name, what, rows, signs[rows]))
    rows = np.flatnonzero(on_spread & (signs != 0))
    what = f"all news that favours one side, on {spread} signed to the favoured side"
    return [Group("directional", what, rows, signs[rows]), *groups]


def _plain(name: str, what: str, mask: npt.NDArray[np.bool_]) -> Group:
    rows = np.flatnonzero(mask)
    return Group(name, what, rows, np.ones(len(rows)))
