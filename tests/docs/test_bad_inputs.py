"""The page of bad inputs: every file of its list is read, and gets what the page says."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
try:
    bad_inputs: Any = importlib.import_module("bad_inputs")
finally:
    sys.path.pop(0)

CASES = bad_inputs.cases()


@pytest.mark.parametrize("case", CASES, ids=[f"{c.kind}: {c.what}" for c in CASES])
def test_a_bad_input_gets_what_the_page_says(case: Any, tmp_path: Path) -> None:
    assert bad_inputs.answer(case, tmp_path) == case.gets


def test_the_page_is_what_would_be_written() -> None:
    """Else run ``python benchmarks/bad_inputs.py``."""
    text = (ROOT / "docs" / "bad-inputs.md").read_text(encoding="utf-8")
    assert bad_inputs.page(text, CASES) == text


def test_faults_name_the_file_and_what_is_in_a_row_names_the_row() -> None:
    for case in CASES:
        if case.gets.startswith("read: "):
            continue
        lines = case.gets.split("\n")
        assert all(line.startswith(case.file) or line.startswith("  ") for line in lines), case
        if ", column " in case.gets and "'" in case.gets and case.kind != "drafts":
            assert ", row " in case.gets, case


@pytest.mark.parametrize("kind", ["calendar", "study", "prices", "factors"])
def test_every_kind_of_file_is_tried_with_every_kind_of_damage(kind: str) -> None:
    words = " ".join(case.what for case in CASES if case.kind == kind)
    for damage in (
        "UTF-8", "byte order mark", "UTF-16 with a mark", "UTF-16 LE", "GBK", "CR LF",
        "end with CR", "picture", "empty file", "twice", "day", "nan", "inf",
        "thousand" if kind == "study" else "140,000 letters",
    ):  # fmt: skip
        assert damage in words, damage


def test_a_wrong_answer_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    module: ModuleType = bad_inputs
    good = next(case for case in CASES if case.kind == "study" and case.what == "a key twice")
    assert module.stale([good]) == []
    (told,) = module.stale([replace(good, gets="nothing")])
    assert "Cannot overwrite a value" in told
    assert "instead of\n  nothing" in told
