"""Files that would unpack to far more than they hold: refused before they fill the memory."""

from __future__ import annotations

from collections.abc import Iterable

ALWAYS = 1 << 30
"""Bytes that any file may unpack to."""
TIMES = 2_000
"""Beyond them, how often a file may unpack to its own size: figures stay far below."""
CELL = 8
"""Bytes of one number in memory."""


def refuse_bomb(rows: int, columns: int, held: int) -> None:
    """Refuse a file made to fill the memory, such as one value said to stand 10^12 times.

    What the whole footer says, not what it says of single columns: pyarrow aborts the process
    where those are damaged.

    Parameters
    ----------
    rows, columns : int
        Of the whole file, or of one row group.
    held : int
        Bytes of the file.

    Raises
    ------
    ValueError
        Where it unpacks to more than `ALWAYS` and to more than `TIMES` its own size.
    """
    unpacked = CELL * rows * columns
    if unpacked > max(ALWAYS, TIMES * held):
        raise ValueError(
            f"{rows:,} rows in {held:,} bytes, {unpacked:,} in memory: refused, for no real "
            "figures pack so small"
        )


def refuse_large_archive(sizes: Iterable[int], most: int) -> None:
    """Refuse a zip archive whose files together are larger than what is written there.

    Raises
    ------
    ValueError
    """
    total = sum(sizes)
    if total > most:
        raise ValueError(f"unpacks to {total:,} bytes; {most:,} are allowed")
