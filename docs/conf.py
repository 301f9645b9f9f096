"""How the documentation is built; ``make docs`` runs it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE / "_ext"), str(ROOT)]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))

import workplace  # noqa: E402  (found by the line above)

from eventstudy.provenance import version as installed  # noqa: E402

workplace.prepare(ROOT, HERE / "_build" / "ipython")

project = "eventstudy"
author = "the authors of eventstudy"
copyright = "the authors of eventstudy; GPL-3.0-or-later"
version = release = installed()
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "numpydoc",
    "api_pages",
    "page_list",
    "plotly_here",
]
exclude_patterns = ["_build", "_ext", "_check", "_static"]
suppress_warnings = ["mystnb.unknown_mime_type"]  # plotly's: the HTML beside it is what is used
nitpicky = True

# Code cells are run anew in each build, in a folder that holds events.csv; an error ends the build.
nb_execution_mode = "force"
nb_execution_in_temp = False
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_ipywidgets_js = {}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Docstrings: numpydoc, a name in single backticks is a link where its page exists.
default_role = "py:obj"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
add_module_names = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
nitpick_ignore_regex = [("py:.*", ".*")]

html_context = {"default_mode": "auto"}
html_theme = "pydata_sphinx_theme"
html_title = f"eventstudy {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {name: [] for name in ("index", "quickstart", "case-study")}
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "logo": {"text": "eventstudy"},
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "navigation_with_keys": False,
    "show_toc_level": 2,
}
