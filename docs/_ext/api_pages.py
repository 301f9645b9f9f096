"""One page for each public name, written from the two faces of the package at each build.

Pages go to ``docs/api``, which git ignores. The names are those of ``eventstudy/__init__.pyi``
and ``eventstudy/backtest/__init__.pyi``; more rooms are listed in `ROOMS`.
"""

from __future__ import annotations

import inspect
import shutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

ROOMS = {
    "eventstudy": "What `import eventstudy as es` gives.",
    "eventstudy.backtest": "For authors of strategies, and what a backtest is made of.",
    "eventstudy.models": "For authors of models.",
    "eventstudy.significance": "For authors of tests.",
    "eventstudy.prices": "For authors of price sources.",
}
CHOSEN = {
    "eventstudy.models": ("LinearModel", "ModelFit", "ModelTask", "ReturnModel", "find_model"),
    "eventstudy.significance": ("Sample", "Significance", "SignificanceTest", "Verdict"),
    "eventstudy.prices": ("PriceSource", "PriceWarning", "quality_frame", "coverage_frame"),
}
"""Of rooms whose face is wider than what an author needs."""


@dataclass(frozen=True)
class Public:
    """A public name.

    Attributes
    ----------
    room : str
        Module that shows it.
    name : str
    value : object
    home : str
        Module in which it is defined.
    """

    room: str
    name: str
    value: Any
    home: str

    @property
    def kind(self) -> str:
        """Directive of autodoc: class, function or data."""
        if inspect.isclass(self.value):
            return "class"
        return "function" if callable(self.value) else "data"

    @property
    def page(self) -> str:
        """Name of its page, without ending."""
        return f"{self.room}.{self.name}"

    @property
    def line(self) -> str:
        """First line of the docstring; of a constant, of its class."""
        text = inspect.getdoc(self.value if self.kind != "data" else type(self.value)) or ""
        return text.splitlines()[0] if text else ""


def public_names() -> list[Public]:
    """Return every public name once, the first room that shows it winning."""
    found: dict[int, Public] = {}
    for room in ROOMS:
        module = import_module(room)
        for name in CHOSEN.get(room, sorted(module.__all__)):
            value = getattr(module, name)
            if isinstance(value, ModuleType):  # a verb and a room: the verb is meant
                value = getattr(value, name)
            found.setdefault(id(value), Public(room, name, value, _home(room, name, value)))
    return list(found.values())


def _home(room: str, name: str, value: Any) -> str:
    if inspect.isclass(value) or inspect.isfunction(value):
        return str(value.__module__)
    stub = Path(str(import_module(room).__file__)).with_suffix(".pyi").read_text(encoding="utf-8")
    line = next(line for line in stub.splitlines() if line.endswith(f"import {name} as {name}"))
    return room + line.split()[1]


def page_text(public: Public) -> str:
    """Return the page of a name, in reStructuredText."""
    title = f"{public.room}.{public.name}"
    lines = [title, "=" * len(title), ""]
    lines += [f".. auto{public.kind}:: {public.home}.{public.name}"]
    if public.kind == "class":
        lines += ["   :members:"]
        fields = getattr(public.value, "__dataclass_fields__", {})
        if fields:  # the docstring's Attributes tell them
            lines += [f"   :exclude-members: {', '.join(fields)}"]
    return "\n".join([*lines, ""])


def index_text(names: list[Public]) -> str:
    """Return the list of all names, a table a room."""
    lines = ["API", "===", "", "Every public name, written from its docstring.", ""]
    for room, what in ROOMS.items():
        lines += [room, "-" * len(room), "", what.replace("`", "``"), ""]
        lines += [".. list-table::", "   :widths: 32 68", ""]
        for public in (p for p in names if p.room == room):
            lines += [f"   * - :doc:`{public.name} <{public.page}>`", f"     - {public.line}"]
        lines += [""]
    pages = [f"   {public.page}" for public in names]
    return "\n".join([*lines, ".. toctree::", "   :hidden:", "", *pages, ""])


def _write(app: Any) -> None:
    folder = Path(app.srcdir) / "api"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    names = public_names()
    for public in names:
        (folder / f"{public.page}.rst").write_text(page_text(public), encoding="utf-8")
    (folder / "index.rst").write_text(index_text(names), encoding="utf-8")


def _by_last_part(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Resolve `StudyResult` from anywhere; what has no page of its own stays plain code."""
    if node.get("refdomain") != "py":
        return None
    target = str(node["reftarget"]).lstrip("~.")
    tail = f".{target}"
    known = [name for name in env.domains["py"].objects if name.endswith(tail) or name == target]
    if len(known) != 1:
        return content
    entry = env.domains["py"].objects[known[0]]
    from sphinx.util.nodes import make_refnode

    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content)


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", _write)
    app.connect("missing-reference", _by_last_part)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
