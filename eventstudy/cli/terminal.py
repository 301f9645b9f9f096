"""Text for whoever reads it: wrapped and coloured on a terminal, plain in a pipe."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, TextIO

import typer

from eventstudy.errors import EventStudyError
from eventstudy.letters import harmless, visible

if TYPE_CHECKING:
    import pandas as pd

LIST = 20
"""Rows of a list beside the result, before the rest is only counted."""

FILLED = 100
"""A line that would be longer with the next one's first word was broken by its writer."""

GAP = re.compile(r"\S {2,}\S")


def width_of(stream: TextIO) -> int | None:
    """Return the columns that a stream shows; None where nothing limits its lines.

    ``COLUMNS`` where it is set, else the terminal's; a pipe or a file has no width.
    """
    if os.environ.get("COLUMNS", "").isdigit() or stream.isatty():
        return max(shutil.get_terminal_size((100, 24)).columns, 40)
    return None


def watched() -> bool:
    """Return whether someone looks at what is written to stderr."""
    return sys.stderr.isatty()


def in_colour(stream: TextIO) -> bool:
    """Return whether a stream takes colour: NO_COLOR forbids it, FORCE_COLOR asks for it."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def say(text: str, *, err: bool = False) -> None:
    """Print text as it is, but for what a terminal would obey: texts come from files of others."""
    echo(harmless(text), err=err)


def echo(text: str, *, err: bool = False) -> None:
    """Print text on stdout, or stderr.

    Raises
    ------
    EventStudyError
        Where it takes no more, such as a file on a full disk; a reader who has left is none.
    """
    try:
        typer.echo(text, err=err)
    except BrokenPipeError:
        raise
    except OSError as error:
        stream = "stderr" if err else "stdout"
        raise EventStudyError(f"{stream} cannot be written: {error.strerror or error}") from None


def show(text: str) -> None:
    """Print text on stdout, fitted to what it shows."""
    width = width_of(sys.stdout)
    text = harmless(text)
    say(text if width is None else fitted(text, width))


def show_entry(name: str, meaning: str, column: int = 28) -> None:
    """Print a name and what it means; further lines of it stand below its beginning."""
    line = f"  {name:<{column}} {meaning}".rstrip()
    width = width_of(sys.stdout)
    if width is None or len(line) <= width:
        say(line)
        return
    indent = " " * (column + 3)
    text = wrap(meaning, width, initial_indent=indent, subsequent_indent=indent)
    head = f"  {name:<{column}} "
    say(
        "\n".join(
            [head.rstrip(), *text]
            if len(head) > len(indent)
            else [head + text[0].lstrip(), *text[1:]]
        )
    )


def complain(text: str) -> None:
    """Print a message on stderr, after the program's name."""
    width = width_of(sys.stderr)
    message = f"eventstudy: {harmless(text)}"
    shown = message if width is None else fitted(message, width)
    if in_colour(sys.stderr):
        shown = shown.replace("eventstudy:", "\x1b[1;31meventstudy:\x1b[0m", 1)
    with contextlib.suppress(OSError):  # a full disk behind it: the exit code has to tell
        print(shown, file=sys.stderr)


def shortened(lines: Sequence[str], most: int = LIST) -> list[str]:
    """Return a list's lines, the rest counted where there are more than `most`."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[: most - 1], f"... and {len(lines) - most + 1} more"]


def print_frame(frame: pd.DataFrame, title: str, *, most: int | None = None) -> None:
    """Print a table: boxed for a person, plain for a pipe.

    Parameters
    ----------
    frame : DataFrame
    title : str
    most : int, optional
        Rows shown of a longer table; the rest is counted.
    """
    if not len(frame):
        show(f"{title}: none\n")
        return
    rest = 0 if most is None else max(len(frame) - most, 0)
    shown = frame.head(most) if rest and most is not None else frame
    boxed = sys.stdout.isatty() and _box_width(shown) <= (width_of(sys.stdout) or 0)
    if boxed:
        _boxed(shown, title)
    else:
        show(f"{title}\n{shown.to_string(index=False)}")
    if rest:
        say(f"... and {rest} more")
    if rest or not boxed:
        say("")


def _box_width(frame: pd.DataFrame) -> int:
    """Return the columns of a boxed table that breaks no cell."""
    cells = frame.astype("string").fillna("")
    wide = [max(len(str(name)), *cells.iloc[:, i].str.len()) for i, name in enumerate(frame)]
    return int(sum(wide)) + 3 * len(wide) + 2


def _boxed(frame: pd.DataFrame, title: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # As Text: rich reads orders in square brackets out of a plain string.
    table = Table(title=Text(title), title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for i, column in enumerate(frame.columns):
        table.add_column(Text(visible(str(column))), overflow="fold", no_wrap=i == 0)
    for row in frame.astype("string").fillna("").itertuples(index=False):
        table.add_row(*(Text(visible(str(cell))) for cell in row))
    Console().print(table)


def fitted(text: str, width: int) -> str:
    """Return text whose lines fit a width: prose wrapped, wide tables in parts.

    Parts of a table repeat the columns that tell its rows apart.

    Parameters
    ----------
    text : str
    width : int
        Columns.
    """
    out: list[str] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        end = _table_end(lines, at)
        if end > at + 1:
            out += _folded([line.rstrip() for line in lines[at:end]], width)
            at = end
        else:
            line, at = _whole(lines, at)
            out += _wrapped(line, width)
    return "\n".join(out)


def _table_end(lines: Sequence[str], at: int) -> int:
    """Return where a table that begins in a line ends: rows have gaps, or are as long."""
    below = lines[at + 1] if at + 1 < len(lines) else ""
    heads = len(below) == len(lines[at]) and GAP.search(below.strip())
    if not GAP.search(lines[at].strip()) and not heads:
        return at
    end = at + 1
    while end < len(lines) and lines[end].strip():
        if not GAP.search(lines[end]) and len(lines[end]) != len(lines[at]):
            break
        end += 1
    return end


def _whole(lines: Sequence[str], at: int) -> tuple[str, int]:
    """Return a paragraph that was wrapped with an indent as one line, and what follows it."""
    line, at, last = lines[at], at + 1, lines[at]
    indent = len(last) - len(last.lstrip()) + 2
    while at < len(lines) and lines[at].strip():
        follows = lines[at]
        longer = len(last) + 1 + len(follows.split()[0]) > FILLED
        if not longer or len(follows) - len(follows.lstrip()) != indent:
            break
        line, last, at = f"{line} {follows.strip()}", follows, at + 1
    return line, at


def _wrapped(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    return wrap(
        line.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _folded(lines: list[str], width: int) -> list[str]:
    """Return a table in parts that fit, each with the columns that tell its rows apart."""
    longest = max(map(len, lines))
    if longest <= width:
        return lines
    spans = _spans([line.ljust(longest) for line in lines])
    cells = [[line[a:b] for a, b in spans] for line in (text.ljust(longest) for text in lines)]
    keys = _keys(cells[1:])
    room = width - sum(b - a + 2 for a, b in spans[:keys])
    if keys >= len(spans) or max(b - a for a, b in spans[keys:]) > room:
        return lines
    parts: list[list[int]] = [[]]
    left = room
    for i in range(keys, len(spans)):
        wide = spans[i][1] - spans[i][0] + 2
        if wide > left and parts[-1]:
            parts.append([])
            left = room
        parts[-1].append(i)
        left -= wide
    out: list[str] = []
    for part in parts:
        shown = [*range(keys), *part]
        out += [""] if out else []
        out += ["  ".join(row[i] for i in shown).rstrip() for row in cells]
    return out


def _spans(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Return begin and end of each column; words of a header over no cell join the next."""
    used = [any(line[i] != " " for line in lines) for i in range(len(lines[0]))]
    edges = [
        i for i in range(len(used) + 1) if (i < len(used) and used[i]) != (i > 0 and used[i - 1])
    ]
    found = list(zip(edges[::2], edges[1::2], strict=True))
    out: list[tuple[int, int]] = []
    for a, b in found:
        empty = bool(out) and not any(line[out[-1][0] : out[-1][1]].strip() for line in lines[1:])
        if empty:
            a = out.pop()[0]
        out.append((a, b))
    return out


def _keys(rows: Sequence[Sequence[str]]) -> int:
    """Return how many leading columns tell the rows apart, at most three; else one."""
    for n in (1, 2, 3):
        if len({tuple(row[:n]) for row in rows}) == len(rows):
            return n
    return 1
