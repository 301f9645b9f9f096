"""Every public name has a page, and a docstring that tells its parameters and what it returns."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from numpydoc.docscrape import ClassDoc
from numpydoc.validate import validate

import eventstudy as es

FAULTS = ("GL01", "GL03", "GL06", "GL07", "GL08", "SS03", "SS05", "PR01", "PR02", "PR03", "RT01")
"""No docstring; an unknown section or order; no full stop; a verb that is not one; a parameter
that is missing, unknown or out of order; no word on what is returned."""


@pytest.fixture(scope="module")
def api_pages(root: Path) -> Iterator[ModuleType]:
    sys.path.insert(0, str(root / "docs" / "_ext"))
    try:
        import api_pages  # type: ignore[import-not-found]

        yield api_pages
    finally:
        sys.path.pop(0)


def functions_and_methods(names: list[Any]) -> Iterator[tuple[str, object]]:
    """Yield what can be called, by its path; of classes the methods of their own."""
    for public in names:
        if public.kind == "function":
            yield f"{public.home}.{public.name}", public.value
        elif public.kind == "class":
            for name, member in vars(public.value).items():
                if inspect.isfunction(member) and not name.startswith("_"):
                    yield f"{public.home}.{public.name}.{name}", member


def test_every_name_of_both_faces_has_a_page(api_pages: ModuleType, root: Path) -> None:
    """The names are read from the stubs, not from the list that the pages are made of."""
    shown = {(p.room, p.name) for p in api_pages.public_names()}
    again = {(p.name, id(p.value)) for p in api_pages.public_names()}
    for room, stub in (
        ("eventstudy", "__init__.pyi"),
        ("eventstudy.backtest", "backtest/__init__.pyi"),
    ):
        text = (root / "eventstudy" / stub).read_text(encoding="utf-8")
        names = re.findall(r"import (\w+) as \1$", text, re.MULTILINE)
        assert len(names) > 20
        for name in names:
            module = es if room == "eventstudy" else es.backtest
            value = getattr(module, name)
            value = getattr(value, name) if isinstance(value, ModuleType) else value
            assert (room, name) in shown or (name, id(value)) in again, f"{room}.{name}"


def test_a_page_names_where_the_thing_is_defined(api_pages: ModuleType) -> None:
    pages = {p.page: api_pages.page_text(p) for p in api_pages.public_names()}
    assert ".. autofunction:: eventstudy.backtest.run.backtest" in pages["eventstudy.backtest"]
    assert ".. autoclass:: eventstudy.study.result.StudyResult" in pages["eventstudy.StudyResult"]
    assert ".. autodata:: eventstudy.baskets.DEFAULT_BASKETS" in pages["eventstudy.DEFAULT_BASKETS"]
    index = api_pages.index_text(api_pages.public_names())
    assert all(f"   {page}\n" in index for page in pages)


def test_functions_tell_parameters_and_what_they_return(api_pages: ModuleType) -> None:
    found = []
    for path, value in functions_and_methods(api_pages.public_names()):
        if "." in path.removeprefix(f"{value.__module__}."):  # a method: one line may do
            codes = {"GL08", "SS03", "SS05", "PR02", "PR03"}
        else:
            codes = set(FAULTS)
        for code, told in validate(path)["errors"]:
            if code in codes:
                found.append(f"{path}: {code} {told}")
    assert not found


def test_classes_tell_their_fields(api_pages: ModuleType) -> None:
    """Every field of a dataclass stands in its Attributes, under a name that exists."""
    found = []
    for public in api_pages.public_names():
        if public.kind != "class":
            continue
        assert inspect.getdoc(public.value), public.name
        if is_dataclass(public.value):
            doc = ClassDoc(public.value, config={"show_class_members": False})
            told = [*doc["Attributes"], *doc["Parameters"]]
            names = {name.strip() for entry in told for name in entry.name.split(",")}
            own = {f.name for f in fields(public.value) if not f.name.startswith("_")}
            found += [f"{public.name}: {name} is not told" for name in sorted(own - names)]
    assert not found


def test_the_check_sees_a_docstring_without_parameters() -> None:
    codes = {code for code, _ in validate(f"{__name__}.poor")["errors"]}
    assert {"PR01", "RT01", "SS03"} <= codes


def poor(given: int) -> int:
    """Return something"""
    return given
