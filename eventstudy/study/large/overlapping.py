"""Events whose windows share sessions on one security; see `eventstudy.study.overlapping`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from eventstudy.study.large.observed import BITS, Lost, Observed
from eventstudy.windows import Frame

Ints = npt.NDArray[np.int64]

POLICIES = ("keep", "drop", "keep-first")


def apply_policy(found: Observed, policy: str, frame: Frame) -> tuple[Observed, list[Lost]]:
    """Return what a policy keeps, and what it drops with the reason ``overlap``.

    Parameters
    ----------
    found : Observed
    policy : {"keep", "drop", "keep-first"}
    frame : Frame

    Returns
    -------
    Observed, list of Lost
        An observation that is dropped under one alignment stays under the others.
    """
    if policy == "keep" or not len(found):
        return found, []
    alignments = found.alignments
    held, lost = found.held.copy(), []
    for name in alignments:
        rows = np.flatnonzero((found.held & BITS[name]) > 0)
        order = rows[np.lexsort((rows, found.position[rows], found.column[rows]))]
        partner = _partners(found.column[order], found.position[order], policy, len(frame.days))
        out = partner >= 0
        gone, other = order[out], order[partner[out]]
        held[gone] &= ~np.uint8(BITS[name])
        if alignments == ("stated",):
            held[gone] = 0
        under = "" if len(alignments) == 1 else name
        at = found.event[gone], found.label[gone], found.position[gone]
        lost.append(Lost("overlap", *at, found.event[other], under))
    keep = held > 0
    return replace(found, held=held).take(keep), [part for part in lost if len(part)]


def _partners(column: Ints, position: Ints, policy: str, length: int) -> Ints:
    """Return the one for which each observation is dropped, -1 where it stays, shape (n,).

    Parameters
    ----------
    column, position : ndarray, shape (n,), int
        Ordered by security, then session 0.
    policy : {"drop", "keep-first"}
    length : int
        Sessions of a window.
    """
    n = len(column)
    partner = np.full(n, -1, dtype=np.int64)
    near = (column[1:] == column[:-1]) & (position[1:] - position[:-1] < length)
    if policy == "drop":
        apart = position[1:] - position[:-1]
        before, after = np.append(False, near), np.append(near, False)
        closer = np.append(0, apart) <= np.append(apart, 0)
        back = before & (~after | closer)
        partner[back] = np.flatnonzero(back) - 1
        ahead = after & ~back
        partner[ahead] = np.flatnonzero(ahead) + 1
        return partner
    stays = 0
    places, securities = position.tolist(), column.tolist()
    # Only a walk in time knows who stays: whoever is left out shields nobody.
    for i in range(1, n):
        if securities[i] != securities[stays] or places[i] - places[stays] >= length:
            stays = i
        else:
            partner[i] = stays
    return partner
