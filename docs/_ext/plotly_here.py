"""Plotly from the installed package, on the pages that hold figures; nothing from a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def _written(app: Any, _: Exception | None = None) -> None:
    from plotly.offline import get_plotlyjs

    from eventstudy.report.figures.style import dark_colours

    folder = Path(app.outdir) / "_static"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plotly.js").write_text(get_plotlyjs(), encoding="utf-8")
    colours = f"window.eventstudyDark = {json.dumps(dark_colours())};\n"
    (folder / "figure-colours.js").write_text(colours, encoding="utf-8")


def _added(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    if "eventstudy-figure" in context.get("body", ""):
        for name in ("plotly.js", "figure-colours.js", "figures.js"):
            app.add_js_file(name, loading_method="defer")


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("build-finished", _written)
    app.connect("html-page-context", _added)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
