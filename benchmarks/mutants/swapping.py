"""A mutant put into a running process: new code for functions that are there already.

The file is compiled with the change made, and the code of the one function that it touches is
exchanged in every function object that holds it, decorated and cached ones too. Nothing is
imported anew, so a mutant costs a fork and not a start.
"""

from __future__ import annotations

import ast
import gc
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

from mutants.making import Mutant

Functions = dict[tuple[str, str], list[FunctionType]]


def functions_of(root: Path) -> Functions:
    """Return the functions of this process whose code is of files below `root`.

    Returns
    -------
    dict of (str, str) to list of function
        By file, relative to `root`, and qualified name.
    """
    found: Functions = defaultdict(list)
    start = f"{root}/"
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename.startswith(start):
            path = thing.__code__.co_filename.removeprefix(start)
            found[path, thing.__code__.co_qualname].append(thing)
    return dict(found)


def codes_of(code: CodeType) -> Iterator[CodeType]:
    """Yield the code objects within a code object, at all depths."""
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield part
            yield from codes_of(part)


def put_in(mutant: Mutant, functions: Functions, root: Path) -> int:
    """Exchange the code of the function that a mutant touches.

    Returns
    -------
    int
        How many function objects hold other code or defaults now.
    """
    path = root / mutant.path
    original = path.read_text(encoding="utf-8")
    source = mutant.source(original)
    codes = defaultdict(list)
    for code in codes_of(compile(source, str(path), "exec", dont_inherit=True)):
        codes[code.co_qualname].append(code)
    held = within(mutant, functions)
    changed = 0
    for function in held:
        line = function.__code__.co_firstlineno
        new = codes[function.__code__.co_qualname]
        for code in new:
            if len(new) == 1 or code.co_firstlineno == line:
                function.__code__ = code
                changed += 1
    defaults = [arguments_of(text, mutant) for text in (original, source)]
    if defaults[0] != defaults[1]:
        put_defaults(defaults[1], held, mutant)
    return changed


def within(mutant: Mutant, functions: Functions) -> list[FunctionType]:
    """Return the live functions of a mutant's function, nested ones too."""
    inner = f"{mutant.function}.<locals>."
    return [
        function
        for (path, name), found in functions.items()
        if path == mutant.path and (name == mutant.function or name.startswith(inner))
        for function in found
    ]


def arguments_of(source: str, mutant: Mutant) -> str:
    """Return the arguments of the mutant's function as text, without annotations."""
    name = mutant.function.rpartition(".")[2]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first <= mutant.lines[0] <= (node.end_lineno or first):
                for arg in ast.walk(node.args):
                    if isinstance(arg, ast.arg):
                        arg.annotation = None
                return ast.unparse(node.args)
    return ""


def put_defaults(arguments: str, held: list[FunctionType], mutant: Mutant) -> None:
    """Give functions the defaults that a changed list of arguments has."""
    for function in held:
        if function.__code__.co_qualname == mutant.function:
            space = dict(vars(sys.modules[function.__module__]))
            exec(f"def made({arguments}): pass", space)  # noqa: S102 (our own source)
            function.__defaults__ = space["made"].__defaults__
            function.__kwdefaults__ = space["made"].__kwdefaults__
