"""What a result says, once: lines and tables in turn, as text and as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import fill
from typing import TYPE_CHECKING

from eventstudy.letters import harmless

if TYPE_CHECKING:
    import pandas as pd

    Told = Sequence[str | pd.DataFrame]
    """Lines, empty ones between paragraphs, and tables whose cells are texts or counts."""


def as_text(told: Told, width: int = 0) -> str:
    """Return lines and tables as plain text.

    Printing it is safe, whatever texts the events bring: a terminal finds nothing to obey.

    Parameters
    ----------
    told : sequence of str or DataFrame
        An index without a name is left out.
    width : int
        Of lines, in characters; zero leaves them as they are.
    """
    return harmless("\n".join(_line(part, width) for part in told))


def _line(part: str | pd.DataFrame, width: int) -> str:
    if not isinstance(part, str):
        return _aligned(part)
    return fill(part, width, subsequent_indent="  ") if width and part else part


def _aligned(frame: pd.DataFrame) -> str:
    """Return a table with two blanks between columns, so that heads of several words stay apart."""
    columns = [[str(name), *map(str, frame[name])] for name in frame]
    widths = [max(map(len, column)) for column in columns]
    rows = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in zip(*columns, strict=True)
    ]
    if frame.index.name is not None:
        names = ["", *map(str, frame.index)]
        side = max(map(len, names))
        rows = [f"{name.ljust(side)}  {row}" for name, row in zip(names, rows, strict=True)]
    return "\n".join(row.rstrip() for row in rows)


def as_html(told: Told) -> str:
    """Return lines as paragraphs and tables as tables, everything escaped.

    What follows the last table can be folded.
    """
    parts = [part for part in told if not (isinstance(part, str) and not part)]
    after = next((i for i, part in enumerate(parts[::-1]) if not isinstance(part, str)), 0)
    shown = [_element(part) for part in parts]
    if not after:
        return "\n".join(shown)
    notes = "\n".join(shown[-after:])
    folded = f"<details open><summary>Notes</summary>\n{notes}\n</details>"
    return "\n".join([*shown[:-after], folded])


def _element(part: str | pd.DataFrame) -> str:
    if isinstance(part, str):
        return f"<p>{escape(part)}</p>"
    frame = part.reset_index() if part.index.name is not None else part
    table = str(frame.to_html(index=False, border=0, na_rep=""))
    return table.replace("<td>", '<td style="text-align:right">')
