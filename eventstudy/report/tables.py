"""Kinds of tables of the page, small ones as text, large ones as packed data, and their cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from eventstudy.report.numbers import decimal

if TYPE_CHECKING:
    import pandas as pd

Cell = str


@dataclass(frozen=True, slots=True)
class Link:
    """A cell that leads somewhere.

    Attributes
    ----------
    text, href : str
        Empty `href` for anything but http and https: shown as text.
    """

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Heat:
    """A number on coloured ground.

    Attributes
    ----------
    text : str
    level : float
        From -1, the strongest loss, to 1, the strongest gain.
    marked : bool
        Whether an asterisk stands behind it.
    """

    text: str
    level: float
    marked: bool = False

    @property
    def kind(self) -> str:
        """The classes of its cell."""
        side = "up" if self.level > 0 else "down" if self.level < 0 else "even"
        return f"{side} marked" if self.marked else side

    @property
    def strength(self) -> str:
        """How deep its colour is, from 0 to 1."""
        return f"{abs(self.level):.2f}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts.

    Attributes
    ----------
    name, caption : str
    columns : tuple of (label, is it a number)
    rows : tuple of tuple of str, Link or Heat
    empty : str
        What is said where there is no row.
    """

    name: str
    caption: str
    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[Cell | Link | Heat, ...], ...]
    empty: str = "None."


@dataclass(frozen=True, slots=True)
class PackedTable:
    """A large table, drawn by the page when it is looked at.

    Attributes
    ----------
    name, caption : str
    data : str
        Base64 of compressed columns.
    rows : int
    selectors : tuple of str
        Columns with a list of values to choose from.
    start : mapping of str to str
        Values chosen at first.
    """

    name: str
    caption: str
    data: str
    rows: int
    selectors: tuple[str, ...] = ()
    start: Mapping[str, str] = field(default_factory=dict)


def link(text: str) -> Cell | Link:
    """Return a link where a text is a plain web address, else the text."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return text
    if parts.scheme.lower() in ("http", "https") and parts.hostname:
        return Link(parts.hostname, text.strip())
    return text


def frame_table(
    name: str,
    caption: str,
    frame: pd.DataFrame,
    shows: Mapping[str, Callable[[Any], str]],
    empty: str = "None.",
    labels: Mapping[str, str] | None = None,
) -> Table:
    """Return a frame's columns as text.

    Parameters
    ----------
    name, caption : str
    frame : DataFrame
    shows : mapping of str to callable
        Columns in order, and how a value is written; `plain` for texts.
    empty : str
    labels : mapping of str to str, optional
        Headings that differ from the column's name.
    """
    heads = labels or {}
    columns = tuple((heads.get(c, c.replace("_", " ")), f is not plain) for c, f in shows.items())
    rows = tuple(
        tuple(show(record[c]) for c, show in shows.items())
        for record in frame[list(shows)].to_dict("records")
    )
    return Table(name, caption, columns, rows, empty)


def plain(value: object) -> str:
    """Return a value as text: dates by day, missing as nothing."""
    import pandas as pd

    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):  # type: ignore[call-overload]
        return ""
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else str(value)


def whole(value: float) -> str:
    """Return a number without decimals."""
    return decimal(value, 0)


def columns_of(
    names: Iterable[str], numbers: Iterable[str] = (), after: Iterable[str] = ()
) -> tuple[tuple[str, bool], ...]:
    """Return (label, is it a number): names, then numbers, then further names."""
    texts = ((name, False) for name in names)
    return (*texts, *((n, True) for n in numbers), *((name, False) for name in after))
