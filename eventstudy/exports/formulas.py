"""Texts that a spreadsheet would run as formulas, written so that it shows them."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# A cell begins with the file's cell, and in some countries after a semicolon; a line break or a
# tab in a quoted cell is taken for one by programs that do not know quotes.
_CELL = re.compile(
    r"(^|[;\t\r\n])([ \ufeff\u00a0\"']*)([=+\-@\uff1d\uff0b\uff0d\uff20][^;\t\r\n]*)"
)
_CALLS = re.compile(r"[|!]|[^\W\d]\w*\s*\(")


def without_formulas(text: str) -> str:
    """Return a text with an apostrophe before whatever a spreadsheet would run.

    That is what begins with ``=``, and what begins with ``+``, ``-`` or ``@`` and calls a
    function, another program (``|``) or another sheet (``!``). Names such as ``@ASIC-@GPU:ex``,
    windows such as ``-1,1`` and figures stay as they are: they are our own.
    """
    return _CELL.sub(_marked, text)


def _marked(found: re.Match[str]) -> str:
    begin, blanks, cell = found.groups()
    runs = cell[0] in "=\uff1d" or _CALLS.search(cell)
    return f"{begin}'{blanks}{cell}" if runs else found[0]


def frame_without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts and headings a spreadsheet shows and does not run."""
    from pandas.api.types import is_numeric_dtype

    changed = {}
    for at in range(frame.shape[1]):
        column = frame.iloc[:, at]
        if is_numeric_dtype(column.dtype) or column.dtype.kind in "mM":
            continue
        # A cell of objects may be a list, which has no hash.
        values = set(filter(_is_text, column)) if column.dtype == object else column.unique()
        told = {v: without_formulas(v) for v in values if isinstance(v, str)}
        told = {given: safe for given, safe in told.items() if safe != given}
        if told:
            changed[at] = column.astype(object).map(partial(_of, told))
    if changed:
        frame = frame.copy(deep=False)
        for at, column in changed.items():
            frame.isetitem(at, column.to_numpy())
    return frame.rename(columns=lambda name: without_formulas(str(name)))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _of(told: dict[str, str], value: object) -> object:
    return told.get(value, value) if isinstance(value, str) else value
