"""Lists of contents that follow the folder, and links that lead out of it.

Pages that no list of contents names are put at the end of the user guide; the pages of
``docs/methods`` under its own first page. A link to a file of the repository outside ``docs``
becomes a copy of that file to open.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

GUIDE, MARK = "guide", "(further pages)"


def further_pages(folder: Path) -> list[str]:
    """Return the pages of the folder that neither index.md nor guide.md names.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of str
        Without their endings, sorted.
    """
    lists = "\n".join((folder / f"{n}.md").read_text(encoding="utf-8") for n in ("index", GUIDE))
    named = set(re.findall(r"^(?:.+ <)?([\w/-]+)>?$", lists, re.MULTILINE)) | {"index", GUIDE}
    pages = {p.stem for p in folder.iterdir() if p.suffix in (".md", ".ipynb", ".rst")}
    return sorted(pages - named)


OUTSIDE = re.compile(r"\]\((?=(?:\.\./)+(?:tests|benchmarks|eventstudy|strategies)/)")
METHODS = "\n\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"


def _listed(app: Any, docname: str, source: list[str]) -> None:
    source[0] = OUTSIDE.sub("](path:", source[0])
    if docname == "methods/README":
        source[0] += METHODS
    if docname == GUIDE:
        source[0] = source[0].replace(MARK, "\n".join(further_pages(Path(app.srcdir))))


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", _listed)
    return {"parallel_read_safe": True}
