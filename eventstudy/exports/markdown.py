"""Markdown: one file, with tables as GitHub and pandoc read them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from eventstudy.disk import Writer
from eventstudy.exports.contract import Noted, bytes_writer, figure_file, text_of
from eventstudy.exports.print_layout import caption_of
from eventstudy.letters import visible
from eventstudy.report.tables import Link, Table

if TYPE_CHECKING:
    from eventstudy.exports.contract import Document, Section
    from eventstudy.report.figures import Figure

PICTURES = ("svg", "png")
"""Formats that the text shows, the first that is written beside it."""

_MARKUP = re.compile(r"([\\`*_\[\]<>|~&$^@])")
_BLOCK_START = re.compile(r"^(\d*)([-+#=]+|[.)])(?=\s|$)")


class Markdown:
    """Writes ``report.md``."""

    what = "text with tables, for GitHub, pandoc and notebooks"

    def check(self) -> None:
        """Nothing can be missing."""

    def files(self, document: Document, beside: Collection[str]) -> dict[str, Writer]:
        """Return what writes the one file."""
        text = markdown(document, next((p for p in PICTURES if p in beside), None))
        return {f"{document.stem}.md": bytes_writer(text.encode())}

    def names(self, stem: str, tables: Collection[str], figures: Collection[str]) -> list[str]:
        """Return the name of the one file."""
        return [f"{stem}.md"]


def markdown(document: Document, pictures: str | None = None) -> str:
    """Return a document as Markdown.

    Parameters
    ----------
    document : Document
    pictures : {"svg", "png"}, optional
        Ending of the figures' files that stand beside it; without them their words are shown.
    """
    parts = [f"# {escaped(document.title)}", _list(document.asked)]
    if document.cautions:
        parts += ["## Cautions", _list(document.cautions)]
    for section in document.sections:
        parts += _section(section, pictures)
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section, pictures: str | None) -> Iterable[str]:
    yield f"## {escaped(section.heading)}"
    yield _list(section.lines)
    for table in section.tables:
        yield from _table(table)
    for figure in section.figures:
        yield from _figure(figure, pictures)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(line)}" for line in lines)


def _table(given: Table | Noted) -> Iterable[str]:
    table = given.table if isinstance(given, Noted) else given
    yield f"### {escaped(table.caption)}"
    if not table.rows:
        yield escaped(table.empty)
        return
    heads = [escaped(label) for label, _ in table.columns]
    rules = ["---:" if numeric else "---" for _, numeric in table.columns]
    cells = [[_cell(cell) for cell in row] for row in table.rows]
    yield "\n".join(f"| {' | '.join(row)} |" for row in (heads, rules, *cells))
    if isinstance(given, Noted):
        yield "Notes: " + " ".join(escaped(note) for note in given.notes)


def _cell(cell: object) -> str:
    if isinstance(cell, Link):
        address = re.sub(r"[^!#$%&*+,\-./0-9:;=?@A-Z_a-z~]", _by_percent, cell.href)
        return f"[{escaped(cell.text)}](<{address.replace('|', '%7C')}>)"
    return escaped(text_of(cell))  # type: ignore[arg-type]


def _by_percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


def _figure(figure: Figure, pictures: str | None) -> Iterable[str]:
    yield f"### {escaped(figure.title)}"
    if pictures is not None:
        yield f"![{escaped(figure.title)}]({figure_file(figure.name, pictures)})"
    yield escaped(caption_of(figure))
    yield escaped(figure.alternative)


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    plain = _MARKUP.sub(r"\\\1", visible(text).strip())
    return _BLOCK_START.sub(r"\1\\\2", plain)
