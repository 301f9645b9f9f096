"""Events whose windows share sessions on one series: what each policy keeps of them.

A series is what an observation is called: a ticker, a basket or a spread. Two observations
overlap where the hulls of the requested windows share a session. Policies are applied to each
series under each alignment by itself, so what leaves one alignment may stay in another: its
reading is then held by fewer alignments.

`keep`
    All stay.
`drop`
    All that overlap another one leave.
`keep-first`
    Walking in time, an event stays where it does not overlap the last one that stayed. Of
    events with one session 0 the first row of the calendar stays: their effect is one, and it
    stands under that name.
`joint`
    All stay and are estimated together; see `eventstudy.study.joint`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.events.event import ALIGNMENTS
from eventstudy.study.observed import Drop, Observation
from eventstudy.windows import Frame

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

OVERLAPS = ("keep", "drop", "keep-first", "joint")
SURVIVORS = ("policy", "alignment", "label", "kept", "of")


@dataclass(frozen=True, slots=True)
class Stretch:
    """The observations of one series under one alignment, in time.

    Attributes
    ----------
    label, alignment : str
    rows : ndarray, shape (n,), int
        Among the observations, ordered by session 0, then by row of the calendar.
    positions : ndarray, shape (n,), int
        Rows of session 0 in the grid, ascending.
    """

    label: str
    alignment: str
    rows: Ints
    positions: Ints


def stretches(kept: Sequence[Observation]) -> Iterator[Stretch]:
    """Yield the observations of each series under each alignment, in time."""
    found: dict[tuple[str, str], list[int]] = {}
    for i, o in enumerate(kept):
        for alignment in o.reading.alignments:
            found.setdefault((o.label, alignment), []).append(i)
    for (label, alignment), listed in found.items():
        positions = np.array([kept[i].reading.position for i in listed], dtype=np.int64)
        order = np.argsort(positions, kind="stable")
        yield Stretch(label, alignment, np.array(listed, dtype=np.int64)[order], positions[order])


def chain_numbers(positions: Ints, length: int) -> Ints:
    """Return the number of the chain that each window belongs to.

    Parameters
    ----------
    positions : ndarray, shape (n,), int
        Sessions 0, ascending.
    length : int
        Sessions of a window.

    Returns
    -------
    ndarray, shape (n,), int
        Windows with one number hang together, each sharing a session with the next one.
    """
    numbers: Ints = np.concatenate([[0], np.cumsum(np.diff(positions) >= length)]).astype(np.int64)
    return numbers[: len(positions)]


def clear_of_others(positions: Ints, length: int) -> Bools:
    """Return which windows share no session with another one, shape (n,)."""
    numbers = chain_numbers(positions, length)
    found: Bools = np.bincount(numbers)[numbers] == 1
    return found


def first_of_each(positions: Ints, length: int) -> Ints:
    """Return the window that stays for each one, shape (n,): itself, or the last that stayed.

    Walking in time, a window stays where it shares no session with the last one that stayed.
    """
    stays = np.zeros(len(positions), dtype=np.int64)
    last = 0
    for i, position in enumerate(positions):
        if position - positions[last] >= length:
            last = i
        stays[i] = last
    return stays


def staying(policy: str, positions: Ints, length: int) -> Bools:
    """Return which windows a policy keeps, shape (n,)."""
    if policy == "drop":
        return clear_of_others(positions, length)
    if policy == "keep-first":
        first: Bools = first_of_each(positions, length) == np.arange(len(positions))
        return first
    return np.ones(len(positions), dtype=bool)


def apply_policy(
    kept: Sequence[Observation],
    policy: str,
    frame: Frame,
    days: npt.NDArray[np.datetime64],
) -> tuple[list[Observation], list[Drop]]:
    """Return what a policy keeps, and what it drops with the reason ``overlap``.

    Parameters
    ----------
    kept : sequence of Observation
        With full windows, in the order of the calendar.
    policy : {"keep", "drop", "keep-first", "joint"}
    frame : Frame
    days : ndarray, shape (S,), datetime64[D]
        The grid of sessions.

    Returns
    -------
    list of Observation, list of Drop
        An observation that is dropped under some of its alignments stays under the others.
    """
    if policy not in ("drop", "keep-first"):
        return list(kept), []
    length = len(frame.days)
    lost: dict[int, dict[str, str]] = {}
    for stretch in stretches(kept):
        stays = staying(policy, stretch.positions, length)
        for at in np.flatnonzero(~stays):
            why = _why(kept, stretch, int(at), policy, frame, days)
            lost.setdefault(int(stretch.rows[at]), {})[stretch.alignment] = why
    found = [_narrowed(o, lost.get(i, {})) for i, o in enumerate(kept)]
    drops = [drop for i in sorted(lost) for drop in _drops(kept[i], lost[i])]
    return [o for o in found if o.reading.alignments], drops


def _narrowed(o: Observation, lost: dict[str, str]) -> Observation:
    """Return the observation without the alignments under which it was dropped."""
    if not lost:
        return o
    left = tuple(a for a in o.reading.alignments if a not in lost)
    return replace(o, reading=replace(o.reading, alignments=left))


def _drops(o: Observation, lost: dict[str, str]) -> Iterator[Drop]:
    """Yield one drop for each partner, naming the alignments unless they are all three."""
    told = {a: lost[a] for a in ALIGNMENTS if a in lost}  # not in the order of the calendar
    for why in dict.fromkeys(told.values()):
        under = [a for a in told if told[a] == why]
        said = "" if len(under) == len(ALIGNMENTS) else f", under {' and '.join(under)}"
        yield Drop(o.reading.event.event_id, o.label, "overlap", why + said)


def _why(
    kept: Sequence[Observation],
    stretch: Stretch,
    at: int,
    policy: str,
    frame: Frame,
    days: npt.NDArray[np.datetime64],
) -> str:
    """Return which event it overlaps and on which sessions."""
    length, positions = len(frame.days), stretch.positions
    if policy == "keep-first":
        partners = np.array([first_of_each(positions, length)[at]])
    else:
        near = np.flatnonzero(np.abs(positions - positions[at]) < length)
        near = near[near != at]
        partners = near[np.argsort(np.abs(positions[near] - positions[at]), kind="stable")]
    other = int(partners[0])
    name = kept[stretch.rows[other]].reading.event.event_id
    more = f", and {len(partners) - 1} more" if len(partners) > 1 else ""
    first, last = sorted((int(positions[at]), int(positions[other])))
    if first == last:
        return f"has the session 0 of {name}, {days[first]}: their effect is one{more}"
    start, end = days[last + frame.hull[0]], days[first + frame.hull[1]]
    shared = length - (last - first)
    span = f"{start}" if shared == 1 else f"{start} to {end}"
    return f"shares {shared} session{'' if shared == 1 else 's'} ({span}) with {name}{more}"


def survivors_frame(kept: Sequence[Observation], frame: Frame) -> pd.DataFrame:
    """Return how many observations of each series each policy would keep.

    Parameters
    ----------
    kept : sequence of Observation
        Before a policy is applied.
    frame : Frame

    Returns
    -------
    DataFrame
        policy, alignment, label, kept, of.
    """
    import pandas as pd

    length = len(frame.days)
    found = list(stretches(kept))
    rows = [
        (
            policy,
            s.alignment,
            s.label,
            int(staying(policy, s.positions, length).sum()),
            len(s.positions),
        )
        for policy in OVERLAPS
        for s in found
    ]
    return pd.DataFrame(rows, columns=list(SURVIVORS))


def chains(kept: Sequence[Observation], length: int) -> list[dict[str, tuple[int, ...]]]:
    """Return, for each observation and alignment, the sessions 0 of its chain, ascending."""
    found: list[dict[str, tuple[int, ...]]] = [{} for _ in kept]
    for stretch in stretches(kept):
        numbers = chain_numbers(stretch.positions, length)
        for number in range(int(numbers[-1]) + 1):
            members = numbers == number
            chain = tuple(int(p) for p in np.unique(stretch.positions[members]))
            for row in stretch.rows[members]:
                found[int(row)][stretch.alignment] = chain
    return found


def split_by_chain(kept: Sequence[Observation], length: int) -> list[Observation]:
    """Return observations of one chain each.

    A reading that several alignments hold may hang together with other events under each;
    it is then several observations, each held by the alignments that agree.
    """
    split: list[Observation] = []
    for o, by_alignment in zip(kept, chains(kept, length), strict=True):
        for chain in dict.fromkeys(by_alignment.values()):
            held = tuple(a for a in o.reading.alignments if by_alignment[a] == chain)
            same = held == o.reading.alignments
            split.append(o if same else replace(o, reading=replace(o.reading, alignments=held)))
    return split
