"""Sections of docs/benchmarks.md: each script writes its own between two markers.

A section stands between ``<!-- begin NAME -->`` and ``<!-- end -->``; what is outside is left
alone, and a section that is not there yet is added at the end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"


def with_section(page: str, name: str, text: str) -> str:
    """Return the text of a page with one section written anew."""
    block = f"<!-- begin {name} -->\n{text.strip()}\n<!-- end -->"
    found = re.compile(rf"<!-- begin {re.escape(name)} -->\n.*?<!-- end -->", re.DOTALL)
    if found.search(page):
        return found.sub(lambda _: block, page, count=1)
    return f"{page.rstrip()}\n\n{block}\n"


def write_section(name: str, text: str, path: Path = PAGE) -> None:
    """Write one section of the page of benchmarks."""
    path.write_text(with_section(path.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """Return a table, the first columns, of `words`, to the left and figures to the right."""
    lines = [header, ["---"] * words + ["---:"] * (len(header) - words), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
