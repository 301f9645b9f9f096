"""The pages of the documentation: what is not a code cell is no code, and no page is lost."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OWN = (
    "case-study",
    "extending",
    "interoperability",
    "data-contract",
    "engine",
    "faq",
    "guide",
    "index",
)


@pytest.fixture(scope="module")
def docs(root: Path) -> Path:
    return root / "docs"


@pytest.fixture(scope="module")
def extensions(docs: Path) -> Iterator[ModuleType]:
    sys.path.insert(0, str(docs / "_ext"))
    try:
        import page_list  # type: ignore[import-not-found]

        yield page_list
    finally:
        sys.path.pop(0)


@pytest.mark.parametrize("name", OWN)
def test_python_stands_in_cells_that_the_build_runs(docs: Path, name: str) -> None:
    text = (docs / f"{name}.md").read_text(encoding="utf-8")
    kinds = {kind for kind, _ in FENCE.findall(text)}
    assert kinds <= {"{code-cell}", "{toctree}", "text", "toml"}, name
    if "{code-cell}" in kinds:
        assert text.startswith("---\nfile_format: mystnb\n")


def test_an_error_in_a_cell_ends_the_build(docs: Path) -> None:
    settings = (docs / "conf.py").read_text(encoding="utf-8")
    assert "nb_execution_raise_on_error = True" in settings
    assert 'nb_execution_mode = "force"' in settings
    makefile = (docs.parent / "Makefile").read_text(encoding="utf-8")
    assert "-m sphinx -W --keep-going -n -E" in makefile


def test_the_notebook_is_kept_without_output(docs: Path) -> None:
    notebook = json.loads((docs / "quickstart.ipynb").read_text(encoding="utf-8"))
    code = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    assert len(code) > 8
    assert all(c["outputs"] == [] and c["execution_count"] is None for c in code)
    first = [line for line in "".join(code[0]["source"]).splitlines() if line.strip()]
    assert len(first) <= 6
    assert first[0] == "import eventstudy as es"


def test_pages_in_no_list_join_the_guide(extensions: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text("```{toctree}\nstart\nLate <late>\n```\n")
    (tmp_path / "guide.md").write_text("```{toctree}\nhow\n(further pages)\n```\n")
    for name in ("start.ipynb", "late.md", "how.md", "b.md", "a.md", "note.txt"):
        (tmp_path / name).write_text("")
    assert extensions.further_pages(tmp_path) == ["a", "b"]


def test_links_out_of_the_docs_become_files_to_open(extensions: ModuleType) -> None:
    line = "see [x](../../tests/a.md) and [y](tests.md#a)"
    assert extensions.OUTSIDE.sub("](path:", line) == (
        "see [x](path:../../tests/a.md) and [y](tests.md#a)"
    )


def test_columns_told_are_those_of_the_contract(docs: Path) -> None:
    """The contract's tables, column by column, as the issue fixed them."""
    text = (docs / "data-contract.md").read_text(encoding="utf-8")
    terms = re.findall(r"^(`[^\n]+`)\n: ", text.split("### Columns")[1], re.MULTILINE)
    told = set(re.findall(r"`(\w+)`", " ".join(terms)))
    columns = """event_id ticker alignment model day date ar ar_se car window se t p_value
    n_estimation alpha beta sigma group convention test statistic p_greater p_less n n_dates
    distribution strategy side entry_date entry_price exit_date exit_price size pnl costs
    exit_reason value return gross net reason detail other_id kind sessions"""
    assert not set(columns.split()) - told
    assert {"created", "executed", "status", "caar", "lo", "hi", "mde"} <= told


# The checker of the built site -------------------------------------------------------------


def checker(docs: Path) -> ModuleType:
    import importlib.util

    spec = importlib.util.spec_from_file_location("docs_site", docs / "_check" / "site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_site"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_sound_site_has_no_fault(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "x.js").write_text("")
    (tmp_path / "index.html").write_text(
        '<a href="sub/b.html#here">b</a><a href="https://x.org/">x</a><a href="#top" id="top">t</a>'
        '<script src="x.js?v=1"></script><img src="data:image/png;base64,x">'
    )
    (tmp_path / "sub" / "b.html").write_text('<h1 id="here">b</h1><a href="../index.html">up</a>')
    assert checker(docs).faults_of(tmp_path) == []


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ('<a href="no.html">x</a>', "no.html leads nowhere"),
        ('<a href="#no">x</a>', "#no leads nowhere"),
        ('<a href="b.html#no">x</a>', "b.html#no leads nowhere"),
        ('<a href="javascript:x()">x</a>', "leads nowhere"),
        ('<script src="https://cdn.org/x.js"></script>', "loads https://cdn.org/x.js"),
        ('<link rel="stylesheet" href="//cdn.org/x.css">', "loads //cdn.org/x.css"),
        ('<img src="gone.png">', "loads gone.png"),
        ("<p>/tmp/docs-1/out/report.html</p>", "names /tmp/docs-1"),
        ('<div class="output stderr x">UserWarning</div>', "wrote to stderr"),
    ],
)
def test_every_kind_of_fault_is_found(docs: Path, tmp_path: Path, html: str, said: str) -> None:
    (tmp_path / "b.html").write_text("<p>b</p>")
    (tmp_path / "index.html").write_text(html)
    found = checker(docs).faults_of(tmp_path)
    assert len(found) == 1
    assert said in found[0]


def test_an_empty_site_is_a_fault(docs: Path, tmp_path: Path) -> None:
    assert checker(docs).faults_of(tmp_path) == [f"{tmp_path}: no page"]
