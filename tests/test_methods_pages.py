"""The pages of docs/methods: nothing stale, nothing missing, no support that does not exist."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.models import MODELS, SPECS
from eventstudy.significance import TESTS
from eventstudy.significance.single import SINGLE_TESTS

Entry = dict[str, Any]
HEADING = re.compile(r"^## `([^`]+)`$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def script(root: Path) -> ModuleType:
    path = root / "benchmarks" / "methods_pages.py"
    spec = importlib.util.spec_from_file_location("methods_pages", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["methods_pages"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def book(script: ModuleType) -> Any:
    return script.make_book()


@pytest.fixture(scope="module")
def support(root: Path) -> Entry:
    return tomllib.loads((root / "docs/methods/support.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(root: Path) -> Path:
    return root / "docs" / "methods"


def text_of(folder: Path, page: str) -> str:
    return (folder / f"{page}.md").read_text(encoding="utf-8")


# The pages ------------------------------------------------------------------------------------


def test_every_page_is_what_would_be_written(script: ModuleType) -> None:
    """Else run ``python benchmarks/methods_pages.py``."""
    written = script.pages()
    assert {path.stem for path in written} == {
        "README", "tests", "one-event", "models", "overlap", "several-hypotheses", "long-run",
        "volume-and-volatility", "calibration",
    }  # fmt: skip
    stale = [p.name for p, text in written.items() if text != p.read_text(encoding="utf-8")]
    assert not stale


def test_every_test_and_model_has_a_section_in_the_librarys_order(folder: Path) -> None:
    assert HEADING.findall(text_of(folder, "tests")) == list(TESTS)
    assert HEADING.findall(text_of(folder, "one-event")) == list(SINGLE_TESTS)
    models = HEADING.findall(text_of(folder, "models"))
    assert models == [*MODELS, *(f"{name}:..." for name in SPECS)]
    index = re.findall(
        r"^\| \[`([^`]+)`\]\(tests\.md#\1\)", text_of(folder, "README"), re.MULTILINE
    )
    assert index == list(TESTS)


def test_what_the_code_says_stands_in_its_section(folder: Path) -> None:
    parts = re.split(HEADING, text_of(folder, "tests"))
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    for name, test in TESTS.items():
        for said in (test.null, test.assumptions, test.source):
            assert f" {said}.\n" in sections[name]
    refused = {name for name, text in sections.items() if "refused for models without" in text}
    assert refused == {
        "patell", "patell_adjusted", "bmp", "kolari_pynnonen", "date_clustered",
        "corrado_zivney", "grank_t", "grank_z", "cumrank",
    }  # fmt: skip
    assert "Asks for:** 2 events, 5 dates." in sections["cluster_bootstrap"]


def test_what_a_model_says_of_its_covariance(folder: Path) -> None:
    parts = re.split(HEADING, text_of(folder, "models"))
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    kinds = {name: sections[name].split("**V:** ")[1].split()[0].strip(".,:") for name in MODELS}
    rough = {"scholes-williams", "dimson", "garch", "egarch"}
    nothing = {"robust", "synthetic-control", "elastic-net"}
    assert {name for name, kind in kinds.items() if kind == "approximate"} == rough
    assert {name for name, kind in kinds.items() if kind == "none"} == nothing
    assert {name for name, kind in kinds.items() if kind == "exact"} == set(
        MODELS
    ) - rough - nothing
    assert "**d:** 6." in sections["ff5"]
    assert "factors mkt_rf, smb, hml, mom, rf" in sections["carhart"]


def test_how_often_slow_models_are_refitted_is_the_librarys_number(
    script: ModuleType, book: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eventstudy.study.placebo import MOST_REFITS

    said = f"ceil(sessions / {MOST_REFITS}), at most {MOST_REFITS}"
    assert text_of(folder, "models").count(said) == 4
    assert text_of(folder, "tests").count(said) == 1
    for page in folder.glob("*.md"):
        assert not re.search(r"every fifth|\{few", text_of(folder, page.stem)), page
    monkeypatch.setattr(script, "MOST_REFITS", 77)
    assert "one shift in ceil(sessions / 77), at most 77" in script.model_facts("garch")
    assert "ceil(sessions / 77)" in "\n".join(script.test_section(book, "placebo"))


def test_every_link_leads_somewhere(folder: Path) -> None:
    checked = 0
    for page in sorted(folder.glob("*.md")):
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            file, _, anchor = target.partition("#")
            aim = (page.parent / file).resolve() if file else page
            assert aim.exists(), f"{page.name}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", aim.read_text(encoding="utf-8"), re.MULTILINE)
                names = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
                assert anchor in names, f"{page.name}: {target}"
            checked += 1
    assert checked > 100


def test_pages_speak_of_no_machine(folder: Path) -> None:
    for page in folder.iterdir():
        assert not re.search(r"/(work|tmp|home|root)/", page.read_text(encoding="utf-8")), page


# Support --------------------------------------------------------------------------------------


def entries(support: Entry) -> Iterator[tuple[str, Entry]]:
    """Yield every row of support with the name that it stands for."""
    for family in ("test", "single", "model", "spec"):
        for name, entry in support[family].items():
            for row in entry.get("support", ()):
                yield f"{family} {name}", row
    for name, rows in support["page"].items():
        for row in rows:
            yield f"page {name}", row


@lru_cache
def functions_of(file: Path) -> dict[str, str]:
    """Return the functions of a test file with their decorators as text."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    marks = [
        ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    ]
    return {
        node.name: " ".join([*marks, *(ast.unparse(d) for d in node.decorator_list)])
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def test_every_support_exists_and_anyone_can_run_it(support: Entry, root: Path) -> None:
    faults = []
    for name, row in entries(support):
        assert set(row) == {"level", "what", "tolerance", "shown"}, name
        assert row["level"] in support["levels"], name
        assert row["shown"], name
        for reference in row["shown"]:
            file, function = reference.split("::")
            path = root / "tests" / file
            marks = functions_of(path).get(function) if path.is_file() else None
            if marks is None or not function.startswith("test_") or "vendor" in marks:
                faults.append(f"{name}: {reference}")
    assert not faults


def test_every_name_has_support_and_no_other_name_has(support: Entry) -> None:
    families = {"test": TESTS, "single": SINGLE_TESTS, "model": MODELS, "spec": SPECS}
    for family, known in families.items():
        assert set(support[family]) == set(known)
        for name, entry in support[family].items():
            assert entry["formula"].strip(), name
            assert entry["citation"], name
            assert bool(entry.get("support")) != ("same" in entry), name
            assert entry.get("same", "factors") in support["spec"], name


def test_programs_are_named_only_where_their_output_is_read(support: Entry, root: Path) -> None:
    """A row that counts programs names them, and as many as its level says."""
    programs = ("R estudy2", "R EventStudy", "StatsPAI", "Stata estudy")
    read = {
        root / "tests" / file
        for file in ("study/test_oracles.py", "significance/test_printed_figures.py")
    }
    for name, row in entries(support):
        named = sum(program in row["what"] for program in programs)
        if row["level"] in ("programs", "program"):
            assert named >= (2 if row["level"] == "programs" else 1), name
            shown = {root / "tests" / r.split("::")[0] for r in row["shown"]}
            assert shown <= read, name
        else:
            assert named == 0, name


# Measured sizes -------------------------------------------------------------------------------


def made_table(book: Any) -> pd.DataFrame:
    """One window of one period: `bmp` contradicted on staggered dates, nothing claimed on one."""
    rows = []
    for design in book.validity.DESIGNS:
        for test in ("bmp", "hall"):
            claim = book.validity.claim_of(test, design)
            rows.append({
                "period": "a year", "design": design, "window": "0,0", "test": test,
                "side": "two-sided", "samples": 100, "undefined": 0.0, "rate": 0.123, "lo": 0.1,
                "hi": 0.15, "attainable": 0.05, "verdict": "over-rejects", "claim": claim,
                "outcome": "contradicted" if claim == "yes" else "not claimed",
            })  # fmt: skip
    return pd.DataFrame(rows)


def test_contradicted_cells_show_as_such_beside_their_claim(script: ModuleType, book: Any) -> None:
    measured = replace(book, measured=made_table(book))
    lines = "\n".join(script.test_section(measured, "bmp"))
    assert "| claimed | yes | no | yes | yes |" in lines
    wrong = "12.3% [10.0, 15.0] **contradicted: over-rejects**"
    unclaimed = "12.3% [10.0, 15.0] (not claimed: over-rejects)"
    assert f"| a year [0,0] | {wrong} | {unclaimed} | {wrong} | {wrong} |" in lines
    assert script.UNMEASURED not in lines
    none = "12.3% [10.0, 15.0] (no claim: over-rejects)"
    assert none in "\n".join(script.test_section(measured, "hall"))
    bmp = next(line for line in script.overview_block(measured) if "[`bmp`]" in line)
    assert bmp.count("yes, **contradicted in 1 of 1**") == 3
    assert "| no |" in bmp


def test_the_page_says_whose_attainable_size_may_be_above_the_nominal(
    book: Any, folder: Path
) -> None:
    above = book.measured[book.measured["attainable"] > 0.0505]
    assert set(above["test"]) == {"generalized_sign"}
    head = " ".join(text_of(folder, "tests").split("<!-- begin")[0].split())
    assert "For the exact tests, `sign` and `wilcoxon`, that is the largest at or below 5%" in head
    largest = 100 * above["attainable"].max()
    said = "`generalized_sign` takes normal tails for counts, and its size can lie on either side"
    assert f"{said} (`of {largest:.1f}%`)" in head


def test_without_a_validity_table_the_claims_stand_alone(script: ModuleType, book: Any) -> None:
    bare = replace(book, measured=None)
    lines = "\n".join(script.test_section(bare, "patell"))
    assert "| claimed | approximately | no | no | no |" in lines
    assert script.UNMEASURED in lines
    assert "| claimed | no claim | no claim | no claim | no claim |" in "\n".join(
        script.test_section(bare, "hall")
    )


def test_the_table_as_it_is_written_is_read(script: ModuleType, book: Any, tmp_path: Path) -> None:
    """Empty words come back as words; one-sided rates are left out."""
    table = pd.concat([made_table(book), made_table(book).assign(side="less", outcome="")])
    table.loc[table["test"] == "hall", "verdict"] = "undefined"
    table.loc[table["test"] == "hall", ["rate", "lo", "hi"]] = np.nan
    table.to_csv(tmp_path / "validity.csv", index=False)
    found = script.read_measured(tmp_path / "validity.csv")
    assert len(found) == 8
    assert set(found.loc[found["test"] == "hall", "claim"]) == {""}
    measured = replace(book, measured=found)
    assert "| a year [0,0] | undefined |" in "\n".join(script.test_section(measured, "hall"))


# The script -----------------------------------------------------------------------------------


def test_blocks_are_written_anew_and_prose_is_left(script: ModuleType, book: Any) -> None:
    page = "Prose.\n<!-- begin support several -->\nstale\n<!-- end -->\nMore | prose.\n"
    found = script.rewritten(page, book)
    assert "stale" not in found
    assert found.startswith("Prose.\n<!-- begin support several -->\n")
    assert found.endswith("<!-- end -->\nMore | prose.\n")
    assert "multipletests" in found
    assert script.rewritten(found, book) == found
    with pytest.raises(KeyError):
        script.rewritten("<!-- begin nonsense -->\n<!-- end -->", book)


def test_check_fails_on_a_stale_page_and_writes_nothing(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    page = tmp_path / "page.md"
    page.write_text("old", encoding="utf-8")
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "pages", lambda: {page: "new"})
    with pytest.raises(SystemExit):
        script.main(["--check"])
    assert page.read_text(encoding="utf-8") == "old"
    assert "page.md: stale" in capsys.readouterr().out
    script.main([])
    assert page.read_text(encoding="utf-8") == "new"
    script.main(["--check"])


def test_strongest_support_comes_first(script: ModuleType, book: Any) -> None:
    weak = {"level": "hand", "what": "a | b", "tolerance": "1", "shown": ["x.py::test_a"]}
    strong = weak | {"level": "programs", "what": "c"}
    lines = script.supported(book, [weak, strong])
    assert lines[2].startswith("| two or more programs | c |")
    assert lines[3].startswith("| arithmetic by hand | a \\| b |")


# The December case ----------------------------------------------------------------------------


def test_the_figures_of_the_december_case_by_least_squares(folder: Path) -> None:
    """Refitted with numpy from the shipped returns; ranks counted by hand."""
    prices = es.load_prices({"AVGO", "NVDA", "SPY"}, source="sample")
    day = int(np.flatnonzero(prices.dates == np.datetime64("2024-12-13"))[0])
    before = slice(1, day - 10)  # the first session has no return
    x = prices.returns[:, prices.column("SPY")]
    design = np.column_stack([np.ones_like(x[before]), x[before]])
    page = text_of(folder, "one-event")
    for ticker in ("AVGO", "NVDA"):
        y = prices.returns[:, prices.column(ticker)]
        b, *_ = np.linalg.lstsq(design, y[before], rcond=None)
        e = y[before] - design @ b
        m = len(e)
        assert m == 188
        inverse = np.linalg.inv(design.T @ design)
        ahead = np.array([1.0, x[day]])
        ar = float(y[day] - ahead @ b)
        t = ar / np.sqrt(e @ e / (m - 2) * (1 + ahead @ inverse @ ahead))
        sums = e / np.sqrt(1 - np.einsum("md,de,me->m", design, inverse, design))
        p = 2 * (1 + min((sums >= ar).sum(), (sums <= ar).sum())) / (m + 1)
        assert f"| {ticker} | `forecast_t` | {t:.3f} | " in page
        assert f"| {ticker} | `sq` | {ar:.3f} | {p:.3f} | ranks among 188, " in page
