"""What every page is made of beside its words: figures, script, style and a strict policy."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from eventstudy.report.figures.style import dark_colours
from eventstudy.report.packed import inline_json, packed

if TYPE_CHECKING:
    from eventstudy.report.figures import Figure


LIBRARY = "plotly-cartesian.min.js.gz"
"""plotly.js without maps, three dimensions and pies: MIT, the licence beside it."""

SCRIPTS = ("figures.js", "page.js", "tables.js")


def shell(figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Return the parts that all templates share, by name.

    Parameters
    ----------
    figures : mapping of str to Figure
        By their own names, in the order in which they are drawn.
    """
    return {
        "figures": figures,
        "packs": {f.name: packed(f.variants or {"": f.spec}) for f in figures.values()},
        "settings": inline_json({"dark": dark_colours(), "order": list(figures)}),
        "library": base64.b64encode(_library()).decode(),
        "head_script": _own("head.js"),
        "script": _script(),
        "policy": _policy(),
        "style": _own("page.css"),
    }


def rendered(template: str, context: Mapping[str, Any]) -> str:
    """Return a page; every name that its template asks for has to be there."""
    return str(_environment().get_template(template).render(context))


@lru_cache(maxsize=1)
def _library() -> bytes:
    """Return the figure library as it is shipped, compressed by gzip."""
    from importlib.resources import files

    return (files("eventstudy.report") / "library" / LIBRARY).read_bytes()


@lru_cache(maxsize=8)
def _own(name: str) -> str:
    from importlib.resources import files

    return (files("eventstudy.report") / "templates" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _script() -> str:
    """Return the page's script; its parts share one scope that nothing else sees."""
    return '"use strict";\n{\n' + "".join(_own(name) for name in SCRIPTS) + "}\n"


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("eventstudy.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _code_spans
    return environment


def _code_spans(text: str) -> object:
    """Return escaped text with what stands between backticks as code."""
    from markupsafe import Markup, escape

    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if i % 2 else escape(part)
        for i, part in enumerate(parts)
    )


@lru_cache(maxsize=1)
def _policy() -> str:
    """Return a content security policy under which nothing but the page's scripts runs.

    The figure library is unpacked and added by the page: its hash admits it all the same. It
    makes an empty style element, and writes attributes of style into the figures: those cannot
    be told by a hash. They can colour and move what is on the page, and with ``default-src
    'none'`` load nothing. A browser that does not know ``style-src-elem`` takes ``style-src``.
    """
    scripts = _hashes(_own("head.js"), _script(), gzip.decompress(_library()).decode())
    styles = _hashes(_own("page.css"), "")
    return (
        f"default-src 'none'; script-src {scripts}; script-src-attr 'none'; "
        f"style-src 'unsafe-inline'; style-src-elem {styles}; style-src-attr 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _hashes(*texts: str) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
