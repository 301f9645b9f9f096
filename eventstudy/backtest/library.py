"""Strategies found by path: the shipped ones, a user's folder, or a class handed over.

A file is read, hashed and executed under a module name of its own, so two folders may hold
files of one name. The source text is kept: backtrader's classes cannot be pickled, and a
worker or a report needs the text.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import sys
import tomllib
import traceback
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventstudy.backtest.parameters import checked, parse_spec
from eventstudy.errors import BacktestError, EventStudyError, UnknownNameError

if TYPE_CHECKING:
    from eventstudy.backtest.strategy import EventStrategy

DISTRIBUTION = "eventstudy-backtester"
MODULE = "eventstudy_strategy_"
"""Begins the name of every module that a strategy file is executed in."""


@dataclass(frozen=True)
class Strategy:
    """A strategy that can be run: its class, where it came from, and its parameters.

    Attributes
    ----------
    name : str
        Kebab-case of the class name, such as ``asic-gpu-rotation``; overrides follow a colon.
    cls : type
        Subclass of EventStrategy.
    parameters : mapping of str to object
        All of them, overrides included.
    file : str
        File name without its folder; empty for a class that has no file.
    source : str
        Text of the file; empty where it cannot be had.
    digest : str
        SHA-256 of the text, hexadecimal.
    """

    name: str
    cls: type[EventStrategy]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    source: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the source text."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    @property
    def idea(self) -> str:
        """First paragraph of the class's own docstring, on one line."""
        text = inspect.cleandoc(self.cls.__dict__.get("__doc__") or "")
        return " ".join(text.split("\n\n")[0].split())

    def with_parameters(self, given: Mapping[str, Any]) -> Strategy:
        """Return the strategy with parameters overridden; the name then says which."""
        values = checked(self.cls, {**self.parameters, **given})
        base = self.name.partition(":")[0]
        default = checked(self.cls, {})
        changed = [f"{k}={v}" for k, v in values.items() if v != default[k]]
        name = f"{base}:{','.join(changed)}" if changed else base
        return Strategy(name, self.cls, types.MappingProxyType(values), self.file, self.source)


def kebab(class_name: str) -> str:
    """Return ``asic-gpu-rotation`` for ``AsicGpuRotation``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", class_name).lower()


def bundled_folder() -> Path:
    """Return the folder of the strategies that ship with the project.

    Inside the installed package, or beside the pyproject.toml of this very project in a
    source tree; never a folder that merely happens to be called strategies.

    Returns
    -------
    Path

    Raises
    ------
    BacktestError
        Where the installation has lost it.
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / "bundle" / "strategies"
    if installed.is_dir():
        return installed
    root = package.parent
    if (root / "strategies").is_dir() and _is_this_project(root / "pyproject.toml"):
        return root / "strategies"
    raise BacktestError("the shipped strategies are missing from this installation")


def _is_this_project(pyproject: Path) -> bool:
    if not pyproject.is_file():
        return False
    return bool(_project_of(pyproject.read_text(encoding="utf-8")) == DISTRIBUTION)


@lru_cache(maxsize=8)
def _project_of(text: str) -> Any:
    """Return the name that a pyproject.toml gives."""
    return tomllib.loads(text).get("project", {}).get("name")


def bundled_strategies() -> dict[str, Strategy]:
    """Return the strategies that ship with the project, by name.

    Returns
    -------
    dict of str to Strategy
    """
    return load_strategies(bundled_folder())


def load_strategies(folder: str | Path) -> dict[str, Strategy]:
    """Return the strategies of a folder, by name.

    Every ``.py`` file counts except those whose name begins with ``_``, ``.`` or ``test_``,
    and conftest.py. A file may define several strategies.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    dict of str to Strategy

    Raises
    ------
    BacktestError
        Where the folder is not there or has no strategy, where a file cannot be run (all
        faulty files at once), or where two classes have one name.
    """
    path = Path(folder)
    if not path.is_dir():
        raise BacktestError(f"strategies: there is no folder {str(folder)!r}")
    files = [f for f in sorted(path.glob("*.py")) if not is_aside(f.name)]
    found: dict[str, Strategy] = {}
    faults: list[str] = []
    for file in files:
        try:
            strategies = load_source(file.read_text(encoding="utf-8"), str(file))
        except (EventStudyError, UnicodeDecodeError) as error:
            faults.append(str(error) if isinstance(error, EventStudyError) else f"{file}: {error}")
            continue
        for strategy in strategies:
            if strategy.name in found:
                other = found[strategy.name].file
                faults.append(f"{strategy.name} is defined in {other} and in {file.name}")
            found[strategy.name] = strategy
    if not found and not faults:
        seen = ", ".join(f.name for f in files) or "no .py file"
        faults.append(f"no subclass of EventStrategy in {str(folder)!r}; it holds {seen}")
    if not found:
        faults += [lost for file in files for lost in _baseless(file)]
    if faults:
        raise BacktestError("strategies: " + "\n".join(faults))
    return found


def _baseless(file: Path) -> list[str]:
    """Return the classes of a file that look like strategies and derive from nothing of ours."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return []
    return [
        f"{file}, line {node.lineno}: {node.name} has targets and no base: write "
        f"class {node.name}(EventStrategy)"
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.bases
        if any(isinstance(part, ast.FunctionDef) and part.name == "targets" for part in node.body)
    ]


@lru_cache(maxsize=256)  # a folder is read again whenever a strategy is asked for by name
def _refuse_repeated(source: str, path: str) -> None:
    """Refuse a file in which a later class takes the name of an earlier one."""
    lines: dict[str, list[int]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            lines.setdefault(node.name, []).append(node.lineno)
    faults = [
        f"{path}: class {name} is defined on lines {' and '.join(map(str, found))}; only the last "
        "would run: give each its own name"
        for name, found in lines.items()
        if len(found) > 1
    ]
    if faults:
        raise BacktestError("\n".join(faults))


def is_aside(name: str) -> bool:
    """Return whether a file of that name is passed over in a folder of strategies."""
    return name.startswith(("_", ".", "test_")) or name in ("conftest.py", "setup.py")


def load_source(source: str, path: str) -> tuple[Strategy, ...]:
    """Run the text of a strategy file and return the strategies it defines.

    Parameters
    ----------
    source : str
    path : str
        Named in errors; the file itself is not read.

    Raises
    ------
    BacktestError
        Naming file and line, where the text cannot be compiled or run.
    """
    from eventstudy.backtest.strategy import EventStrategy

    module = _executed(source, path)
    _refuse_repeated(source, path)
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, EventStrategy)
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    ]
    made = []
    for cls in dict.fromkeys(classes):
        if cls.targets is EventStrategy.targets:
            raise BacktestError(
                f"{path}: {cls.__name__} has no method targets(self, event, history)"
            )
        values = types.MappingProxyType(checked(cls, {}))
        made.append(Strategy(kebab(cls.__name__), cls, values, Path(path).name, source))
    return tuple(made)


def load_anew(source: str, path: str) -> tuple[Strategy, ...]:
    """Run the text of a strategy file once more; see `load_source`.

    The classes are new ones: what a run has left on the earlier classes, or in the globals
    of their module, is not there.
    """
    sys.modules.pop(_module_name(source, path), None)
    return load_source(source, path)


def _module_name(source: str, path: str) -> str:
    return MODULE + hashlib.sha256(f"{path}\0{source}".encode()).hexdigest()[:16]


def _executed(source: str, path: str) -> types.ModuleType:
    name = _module_name(source, path)
    if name in sys.modules:
        return sys.modules[name]
    module = types.ModuleType(name)
    module.__file__ = path
    # backtrader and dataclasses look a class's module up by name.
    sys.modules[name] = module
    try:
        program = compile(source, path, "exec")
        # A strategy is code: it comes from the bundle or from a folder that the user named.
        exec(program, module.__dict__)  # noqa: S102  # nosec B102 # as above
    except SyntaxError as error:
        del sys.modules[name]
        raise BacktestError(f"{path}, line {error.lineno}: {error.msg}") from error
    except Exception as error:
        del sys.modules[name]
        own = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
        line = f", line {own[-1].lineno}" if own else ""
        kind = "" if isinstance(error, EventStudyError) else f"{type(error).__name__}: "
        raise BacktestError(f"{path}{line}: {kind}{error}") from error
    return module


def find_strategy(name: str, folder: str | Path | None = None) -> Strategy:
    """Return the strategy of that name, overrides applied.

    Parameters
    ----------
    name : str
        Such as ``asic-gpu-rotation`` or ``asic-gpu-rotation:hold=5,gross=0.1``.
    folder : path, optional
        Searched before the shipped strategies; a name in both is the folder's.

    Returns
    -------
    Strategy

    Raises
    ------
    UnknownNameError
        For a strategy or parameter that does not exist.
    """
    plain, given = parse_spec(name)
    known = {**bundled_strategies(), **(load_strategies(folder) if folder else {})}
    if plain not in known:
        raise UnknownNameError("strategy", plain, known)
    return known[plain].with_parameters(given)


def resolve_strategies(given: Any, folder: str | Path | None = None) -> tuple[Strategy, ...]:
    """Return strategies for names, classes, (name or class, parameters), or a list of these.

    Raises
    ------
    BacktestError
        Where nothing is given, a thing is no strategy, or two have one name.
    """
    one = isinstance(given, str | type | Strategy) or (
        isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Mapping)
    )
    items: Iterable[Any] = (given,) if one else given
    found = tuple(_resolved(item, folder) for item in items)
    names = [s.name for s in found]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise BacktestError(f"strategy {', '.join(twice)} is asked for twice")
    if not found:
        raise BacktestError("no strategy is given")
    return found


def _resolved(item: Any, folder: str | Path | None) -> Strategy:
    from eventstudy.backtest.strategy import EventStrategy

    if isinstance(item, tuple) and len(item) == 2:
        return _resolved(item[0], folder).with_parameters(item[1])
    if isinstance(item, str):
        return find_strategy(item, folder)
    if isinstance(item, Strategy):
        return item
    if isinstance(item, type) and issubclass(item, EventStrategy):
        if item.targets is EventStrategy.targets:
            raise BacktestError(f"{item.__name__} has no method targets(self, event, history)")
        bare = Strategy(kebab(item.__name__), item, {}, *_origin(item))
        return bare.with_parameters({})
    raise BacktestError(
        f"{item!r} is no strategy: give a name, a subclass of EventStrategy, or (one of them, "
        "parameters)"
    )


def inherited(cls: type) -> tuple[str, ...]:
    """Return the texts of the files that hold the classes which a strategy derives from.

    Its own file, which has a hash, and those of this package and of backtrader, which have
    versions, are left out.
    """
    from eventstudy.backtest.strategy import EventStrategy

    foreign = [
        base
        for base in cls.__mro__[1:]
        if base not in EventStrategy.__mro__ and base.__module__ != cls.__module__
    ]
    return tuple(dict.fromkeys(_origin(base)[1] for base in foreign))


def _origin(cls: type) -> tuple[str, str]:
    """Return file name and text of a class defined in a file, or empty texts."""
    module = sys.modules.get(cls.__module__)
    path = getattr(module, "__file__", None)
    if not path or not Path(path).is_file():
        return "", ""
    return Path(path).name, Path(path).read_text(encoding="utf-8")
