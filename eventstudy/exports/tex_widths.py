"""How wide columns are set: what cells need, and where a table has to lie on its side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from eventstudy.exports.contract import text_of
from eventstudy.exports.tex_letters import BREAK_AFTER, IN_CELL, LONG_WORD
from eventstudy.letters import visible
from eventstudy.report.tables import Table

GAP_PT = 6.0
"""Between columns."""

POINT_MM = 0.3515
UPRIGHT_MM, LYING_MM = 170.0, 257.0
"""Width of the text on A4 with margins of 20 mm."""

TRIES = (
    ("footnotesize", 1.0, UPRIGHT_MM), ("footnotesize", 1.0, LYING_MM),
    ("scriptsize", 0.92, LYING_MM), ("tiny", 0.75, LYING_MM),
)  # fmt: skip
"""Size of type, its width relative to footnotesize, room."""

WIDE, NARROW = "ABCDEFGHIJKLMNOPQRSTUVWXYZ@%mw+\N{MINUS SIGN}<>=~", "ijl.,:;|'()[]!"
MOST_MM = 70.0
"""A column of words asks for no more than this."""

CROWDED = 1.8
"""Upright only where columns ask for at most this many times the room."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a table is set.

    Attributes
    ----------
    size : str
        Of the type, as LaTeX calls it.
    lies : bool
        Whether the page lies on its side.
    widths : tuple of float
        Of the columns, mm.
    """

    size: str
    lies: bool
    widths: tuple[float, ...]


def fit(table: Table) -> Fit:
    """Return the largest type and the upright page wherever all columns have room."""
    least, wanted = _needs(table)
    gaps = GAP_PT * POINT_MM * (len(least) - 1)
    for size, scale, width in TRIES:
        room = (width - gaps) / scale
        upright = width == UPRIGHT_MM
        if sum(least) <= room and not (upright and sum(wanted) > CROWDED * room):
            widths = tuple(scale * w for w in _shared(least, wanted, room))
            return Fit(size, not upright, widths)
    squeeze = (LYING_MM - gaps) / sum(least)
    return Fit(size, True, tuple(squeeze * w for w in least))


def _needs(table: Table) -> tuple[list[float], list[float]]:
    """Return the least and the wanted width of each column at footnotesize, mm."""
    least, wanted = [], []
    for i, (label, numeric) in enumerate(table.columns):
        cells = [visible(text_of(row[i]))[:IN_CELL] for row in table.rows]
        whole = max(map(length, cells), default=0.0)
        pieces = max((length(p) for cell in (label, *cells) for p in _pieces(cell)), default=0.0)
        need = max(pieces, whole if numeric else 0.0) + 0.5
        least.append(need)
        wanted.append(max(need, min(max(whole, length(label)) + 0.5, MOST_MM)))
    return least, wanted


def _pieces(text: str) -> list[str]:
    """Return what LaTeX does not break."""
    found = []
    for word in text.split():
        if len(word) <= LONG_WORD:
            found.append(word)
            continue
        for part in re.split(rf"(?<=[{re.escape(''.join(sorted(BREAK_AFTER)))}])", word):
            found += [part[i : i + LONG_WORD] for i in range(0, len(part), LONG_WORD)]
    return found


def length(text: str) -> float:
    """Return about how long a text is in Latin Modern at footnotesize, mm."""
    return sum(2.35 if c in WIDE else 1.0 if c in NARROW else 1.62 for c in text)


def _shared(least: Sequence[float], wanted: Sequence[float], room: float) -> list[float]:
    """Return widths: the least, and of what is left in proportion to what is wanted."""
    spare, asked = room - sum(least), sum(wanted) - sum(least)
    share = min(1.0, spare / asked) if asked > 0 else 0.0
    return [low + share * (high - low) for low, high in zip(least, wanted, strict=True)]
