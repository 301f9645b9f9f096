"""What a strategy's text reads beside its arguments: read off the text, without running it."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Collection, Iterator

from eventstudy.backtest.library import MODULE, Strategy

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
INSIDES = re.compile(r"_desk|datas?\d*|dnames|getdatabyname|getdatanames|broker|cerebro|env")
"""Attributes of `self` that lead past `event` and `history`."""


def sources_of(strategy: Strategy) -> tuple[str, ...]:
    """Return what the text of a strategy opens or reaches, each with its line.

    A warning and no verdict: a read may be harmless, and text can hide one. Of a strategy
    file, other strategies are left out; of a class that comes from a program rather than
    such a file, its own body is read.
    """
    if strategy.cls.__module__.startswith(MODULE):
        return reads(strategy.source, without=_others(strategy.cls))
    try:
        lines, start = inspect.getsourcelines(strategy.cls)
    except (OSError, TypeError):
        return ()
    return reads(textwrap.dedent("".join(lines)), start - 1)


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


def reads(text: str, offset: int = 0, without: Collection[str] = ()) -> tuple[str, ...]:
    """Return what a text opens or reaches, such as ``pandas.read_csv (line 3)``.

    Parameters
    ----------
    text : str
        Python.
    offset : int
        Lines before the text in its file.
    without : collection of str
        Classes at the top of the text that are left out.
    """
    tree = ast.parse(text)
    tree.body = [n for n in tree.body if not (isinstance(n, ast.ClassDef) and n.name in without)]
    found = sorted(set(_found(tree)))
    return tuple(dict.fromkeys(f"{what} (line {line + offset})" for line, what in found))


def _found(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in MODULES:
                    yield node.lineno, f"import {alias.name}"
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in MODULES:
                yield node.lineno, f"import {node.module}"
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            owner, _, last = name.rpartition(".")
            if last in CALLS or (last == "load" and owner in LOADERS):
                yield node.lineno, name
        elif isinstance(node, ast.Attribute) and _leads_inside(node):
            yield node.lineno, f"self.{node.attr}"


def _leads_inside(node: ast.Attribute) -> bool:
    own = isinstance(node.value, ast.Name) and node.value.id == "self"
    return own and INSIDES.fullmatch(node.attr) is not None
