"""Check a built site: links lead somewhere, nothing is loaded from outside, no place of a machine.

``python docs/_check/site.py docs/_build/html`` prints every fault; the exit code is 1 where there
is one.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""Elements that make a browser fetch something, and by which attribute."""
ASIDE = {"canonical", "next", "prev", "index", "search", "alternate", "author", "license"}
PLACES = re.compile(r"(?<![\w/.])/(?:tmp|home|work|root|Users|var/folders)/[\w.-]+")


@dataclass
class Page(HTMLParser):
    """What one page links to, what it loads, and its anchors."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if LOADS.get(tag) in found and not (tag == "link" and found.get("rel") in ASIDE):
            self.loads.append(found[LOADS[tag]])


def pages_of(site: Path) -> list[Path]:
    """Return the pages of a site; what themes keep beside their scripts is none."""
    return sorted(p for p in site.rglob("*.html") if "_static" not in p.parts)


def faults_of(site: Path) -> list[str]:
    """Return every fault of a site, one a line.

    Parameters
    ----------
    site : Path
        Folder with the pages.
    """
    texts = {p: p.read_text(encoding="utf-8") for p in pages_of(site)}
    pages = {}
    for path, text in texts.items():
        pages[path] = Page()
        pages[path].feed(text)
    found = [] if pages else [f"{site}: no page"]
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        found += [f"{name}: loads {a}" for a in page.loads if not _is_local(path, a)]
        found += [f"{name}: {a} leads nowhere" for a in page.links if not _leads(pages, path, a)]
        if 'class="output stderr' in texts[path]:
            found.append(f"{name}: code wrote to stderr")
        found += [f"{name}: names {place}" for place in sorted(set(PLACES.findall(texts[path])))]
    return found


def _is_local(page: Path, address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme == "data":
        return True
    return not (parts.scheme or parts.netloc) and _file(page, parts.path).is_file()


def _leads(pages: dict[Path, Page], page: Path, address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return parts.scheme in ("http", "https", "mailto")  # leaves the site: not asked
    aim = _file(page, parts.path) if parts.path else page
    if not aim.is_file():
        return False
    known = pages.get(aim)
    return not parts.fragment or known is None or unquote(parts.fragment) in known.anchors


def _file(page: Path, path: str) -> Path:
    aim = (page.parent / unquote(path)).resolve()
    return aim / "index.html" if aim.is_dir() else aim


def main(arguments: list[str]) -> int:
    """Print the faults of the site that is named."""
    site = Path(arguments[0]).resolve()
    found = faults_of(site)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(pages_of(site))} pages, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
