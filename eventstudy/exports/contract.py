"""What is exported, and what a format is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from eventstudy.disk import Writer
from eventstudy.report.tables import Heat, Link, Table

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.report.figures import Figure


@dataclass(frozen=True, slots=True)
class Noted:
    """A table for a paper: what it rests on stands below it.

    Attributes
    ----------
    table : Table
    notes : tuple of str
        One sentence or more each.
    block : int
        Rows that belong together, from the first one on.
    """

    table: Table
    notes: tuple[str, ...]
    block: int = 1


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document.

    Attributes
    ----------
    heading : str
    lines : tuple of str
    tables : tuple of Table or Noted
    figures : tuple of Figure
    """

    heading: str
    lines: tuple[str, ...] = ()
    tables: tuple[Table | Noted, ...] = ()
    figures: tuple[Figure, ...] = ()


class Document(Protocol):
    """Results as something to read: computed when first asked for.

    Attributes
    ----------
    stem : str
        Files of the whole document are called by it, such as report.md.
    title : str
    """

    @property
    def stem(self) -> str:
        """Beginning of file names."""

    @property
    def title(self) -> str:
        """Title, one line."""

    @property
    def asked(self) -> tuple[str, ...]:
        """What was asked."""

    @property
    def cautions(self) -> tuple[str, ...]:
        """What goes with every number."""

    @property
    def paper(self) -> tuple[Noted, ...]:
        """Tables for a paper."""

    @property
    def sections(self) -> tuple[Section, ...]:
        """Everything, in the order in which it is read."""

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Figures, in the order in which they are looked at; each is of a section too."""

    @property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """All numbers, by name of the file that holds them."""

    @property
    def texts(self) -> tuple[Table, ...]:
        """Tables of words that no frame holds."""


class Format(Protocol):
    """One way to write a document.

    Attributes
    ----------
    what : str
        A few words for a list.
    """

    what: str

    def check(self) -> None:
        """Refuse early what is missing on this machine.

        Raises
        ------
        EventStudyError
            Naming what to install.
        """

    def files(self, document: Document, beside: Collection[str]) -> dict[str, Writer]:
        """Return what writes each file, by name.

        Parameters
        ----------
        document : Document
        beside : collection of str
            All formats that are written together.
        """

    def names(self, stem: str, tables: Collection[str], figures: Collection[str]) -> list[str]:
        """Return the names of all files that may be written.

        Parameters
        ----------
        stem : str
        tables, figures : collection of str
            Names of all frames and figures that there may be.
        """


def text_of(cell: str | Link | Heat) -> str:
    """Return a cell as text."""
    if isinstance(cell, Heat):
        return cell.text + ("*" if cell.marked else "")
    return cell.text if isinstance(cell, Link) else cell


def figure_file(figure: str, ending: str) -> str:
    """Return the name of a figure's file."""
    return f"figure-{figure}.{ending}"


def bytes_writer(content: bytes) -> Writer:
    """Return what writes these bytes."""
    return lambda file: file.write(content)
