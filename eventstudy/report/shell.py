"""What every page is made of beside its words: figures, script, style and a strict policy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from eventstudy.report.figures.style import dark_colours
from eventstudy.report.packed import inline_json, packed, packed_text

if TYPE_CHECKING:
    from eventstudy.report.figures import Figure


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
        "plotly": _plotly_packed(),
        "script": _own("page.js"),
        "policy": _policy(),
        "style": _own("page.css"),
    }


def rendered(template: str, context: Mapping[str, Any]) -> str:
    """Return a page; every name that its template asks for has to be there."""
    return str(_environment().get_template(template).render(context))


@lru_cache(maxsize=1)
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


@lru_cache(maxsize=1)
def _plotly_packed() -> str:
    return packed_text(_plotly())


@lru_cache(maxsize=4)
def _own(name: str) -> str:
    from importlib.resources import files

    return (files("eventstudy.report") / "templates" / name).read_text(encoding="utf-8")


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

    The figure library is unpacked and added by the page: its hash admits it all the same.
    """
    hashes = " ".join(
        "'sha256-" + base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() + "'"
        for s in (_own("page.js"), _plotly())
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
