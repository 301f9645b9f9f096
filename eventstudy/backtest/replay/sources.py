"""What a strategy reads that no replay changes: off its text, and in the program around it."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Collection, Iterator

from eventstudy.backtest.library import MODULE, Strategy
from eventstudy.backtest.replay.around import data_around

CALLS = frozenset({
    "open", "read_csv", "read_parquet", "read_table", "read_excel", "read_json", "read_pickle",
    "read_hdf", "read_feather", "read_sql", "read_html", "loadtxt", "genfromtxt", "fromfile",
    "memmap", "read_text", "read_bytes", "urlopen", "urlretrieve", "load_prices",
    "read_events", "load_factors", "import_module", "__import__", "exec", "eval",
})  # fmt: skip
LOADERS = frozenset({"np", "numpy", "pickle", "json", "joblib", "tomllib", "yaml"})
"""Owners of a `load` that reads a file."""
MODULES = frozenset({
    "requests", "urllib", "http", "socket", "httpx", "aiohttp", "yfinance", "sqlite3",
    "subprocess", "ftplib", "pandas_datareader",
})  # fmt: skip
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
INSIDES = re.compile(r"_desk|datas?\d*|dnames|getdatabyname|getdatanames|broker|cerebro|env")
"""Attributes of `self` that lead past `event` and `history`; `_table` of anything does, too."""


SEEN = re.compile(r"self\.|the date |[^ ]+\.(_table|id) \(")
"""Begins what is listed and yet changed by the replays, or no data: not a doubt by itself."""


def sources_of(strategy: Strategy) -> tuple[str, ...]:
    """Return what a strategy opens or reaches beside prices and calendar, each with its line.

    Files, the inside of the framework, names of events and dates in its text, and data in
    the program around it. A read may be harmless, and text can hide one. Of a strategy
    file, other strategies are left out; of a class that comes from a program rather than such
    a file, its own body is read.
    """
    from eventstudy.backtest.strategy import EventStrategy

    around = data_around(strategy.cls, EventStrategy.__mro__)
    if strategy.cls.__module__.startswith(MODULE):
        return (*reads(strategy.source, strategy.file, without=_others(strategy.cls)), *around)
    try:
        lines, start = inspect.getsourcelines(strategy.cls)
    except (OSError, TypeError):
        return around
    return (*reads(textwrap.dedent("".join(lines)), strategy.file, start - 1), *around)


def opens_something(found: Collection[str]) -> bool:
    """Return whether a strategy has files, connections or tables that no replay changes."""
    return any(not SEEN.match(what) for what in found)


def _others(cls: type) -> set[str]:
    """Return the names of the strategies that share a class's module and not its line."""
    from eventstudy.backtest.strategy import EventStrategy

    names = vars(sys.modules[cls.__module__])
    return {
        name
        for name, value in names.items()
        if isinstance(value, type)
        and issubclass(value, EventStrategy)
        and name not in {base.__name__ for base in cls.__mro__}
    }


def reads(
    text: str, file: str = "", offset: int = 0, without: Collection[str] = ()
) -> tuple[str, ...]:
    """Return what a text opens or reaches, such as ``pandas.read_csv (mine.py, line 3)``.

    Parameters
    ----------
    text : str
        Python.
    file : str
        Named before the line.
    offset : int
        Lines before the text in its file.
    without : collection of str
        Classes at the top of the text that are left out.
    """
    tree = ast.parse(text)
    tree.body = [n for n in tree.body if not (isinstance(n, ast.ClassDef) and n.name in without)]
    found = sorted(set(_found(tree)))
    place = f"{file}, " if file else ""
    return tuple(dict.fromkeys(f"{what} ({place}line {line + offset})" for line, what in found))


def _found(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in MODULES:
                    yield node.lineno, f"import {alias.name}"
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in MODULES:
                yield node.lineno, f"import {node.module}"
                continue
            for alias in node.names:
                if alias.name in CALLS:
                    yield node.lineno, f"import {node.module}.{alias.name}"
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            owner, _, last = name.rpartition(".")
            if last in CALLS or (last == "load" and owner in LOADERS):
                yield node.lineno, name
        elif isinstance(node, ast.Attribute) and _leads_inside(node):
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if DATE.match(node.value):
                yield node.lineno, f"the date {node.value}"
        elif isinstance(node, ast.FunctionDef) and node.name == "targets":
            yield from _event_names(node)


def _leads_inside(node: ast.Attribute) -> bool:
    if node.attr == "_table":
        return True
    own = isinstance(node.value, ast.Name) and node.value.id == "self"
    return own and INSIDES.fullmatch(node.attr) is not None


def _event_names(targets: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    """Yield where `targets` asks which event it is: an answer by name is one by hindsight."""
    names = [argument.arg for argument in targets.args.args[1:2]]
    for node in ast.walk(targets):
        if not (isinstance(node, ast.Attribute) and node.attr == "id"):
            continue
        if isinstance(node.value, ast.Name) and node.value.id in names:
            yield node.lineno, ast.unparse(node)
