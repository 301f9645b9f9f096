"""Mutants of a source file, by the operators of mutmut.

A mutant is the file with one place of one function changed: ``<`` for ``<=``, an argument left
out, a number one larger. Left alone is what no number hangs on: docstrings, f-strings, strings
with a blank in them (prose), whatever stands in ``raise`` or ``warn``, annotations, decorators,
``strict=`` of ``zip``, the type in ``cast``, and, as in mutmut, ``len()`` and ``isinstance()``.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

WORDS_OF = frozenset({"warn", "len", "isinstance", "cast"})
"""Calls of these names are left as they are."""

STRICT = m.Arg(keyword=m.Name("strict"))


@dataclass(frozen=True)
class Mutant:
    """One change of one function.

    Attributes
    ----------
    path : str
        The file, relative to the root of the sources.
    function : str
        Qualified name of the outermost function, such as ``Market.design``.
    digest : str
        Of the function's syntax tree, so of all that matters of its text.
    number : int
        Which mutant of this function it is.
    lines : tuple of int
        First and last line of the statement; of its head where it holds others.
    span : tuple of int
        Characters that are replaced.
    text : str
        What stands there instead.
    change : str
        The statement with the change marked: ``a {< => <=} b``.
    """

    path: str
    function: str
    digest: str
    number: int
    lines: tuple[int, int]
    span: tuple[int, int]
    text: str
    change: str

    @property
    def key(self) -> str:
        """Name of the mutant as long as its function stays as it is."""
        return f"{self.path}|{self.function}|{self.digest}|{self.number}"

    def source(self, original: str) -> str:
        """Return the text of the file with the change made."""
        return original[: self.span[0]] + self.text + original[self.span[1] :]


@dataclass(frozen=True)
class Place:
    """A node of a function that may be changed, and the statement it stands in."""

    function: str
    node: cst.CSTNode
    span: CodeRange
    lines: tuple[int, int]


class Places(cst.CSTVisitor):
    """Gather the nodes of functions that numbers may hang on."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Place] = []
        self._names: list[str] = []
        self._functions: list[str] = []
        self._lines: list[tuple[int, int]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if self._left_alone(node):
            return False
        if isinstance(node, cst.ClassDef | cst.FunctionDef):
            self._names.append(node.name.value)
        if isinstance(node, cst.FunctionDef):
            self._functions.append(".".join(self._names))
        if isinstance(node, cst.BaseStatement | cst.SimpleStatementLine):
            self._lines.append(self._head(node))
        if self._functions:
            span = self.get_metadata(PositionProvider, node, None)
            if span is not None:
                self.found.append(Place(self._functions[0], node, span, self._lines[-1]))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self._left_alone(original_node):
            return
        if isinstance(original_node, cst.ClassDef | cst.FunctionDef):
            self._names.pop()
        if isinstance(original_node, cst.FunctionDef):
            self._functions.pop()
        if isinstance(original_node, cst.BaseStatement | cst.SimpleStatementLine):
            self._lines.pop()

    def _head(self, node: cst.CSTNode) -> tuple[int, int]:
        whole = self.get_metadata(PositionProvider, node)
        body = getattr(node, "body", None)
        if isinstance(node, cst.SimpleStatementLine) or not isinstance(body, cst.IndentedBlock):
            return whole.start.line, whole.end.line
        first = self.get_metadata(PositionProvider, body.body[0]).start.line
        if isinstance(node, cst.FunctionDef):  # defaults: whatever runs the function
            return whole.start.line, whole.end.line
        return whole.start.line, max(whole.start.line, first - 1)

    @staticmethod
    def _left_alone(node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator | cst.Raise):
            return True
        if is_prose(node) or isinstance(node, cst.Assert) or m.matches(node, STRICT):
            return True
        if isinstance(node, cst.Param) and node.default is not None:
            return not isinstance(node.default, cst.Name | cst.BaseNumber | cst.BaseString)
        called = node.func if isinstance(node, cst.Call) else None
        name = called.attr if isinstance(called, cst.Attribute) else called
        return isinstance(name, cst.Name) and name.value in WORDS_OF


def of_file(root: Path, path: str) -> list[Mutant]:
    """Return all mutants of a file, in the order of its text; some may be no Python."""
    original = (root / path).read_text(encoding="utf-8")
    wrapper = MetadataWrapper(cst.parse_module(original))
    places = Places()
    wrapper.visit(places)
    starts, digests = line_starts(original), digests_of(original)
    numbers: Counter[str] = Counter()
    seen: set[tuple[int, int, str]] = set()
    made = []
    for place in places.found:
        first, last = (starts[at.line - 1] + at.column for at in (place.span.start, place.span.end))
        for text in changes_of(place.node, wrapper.module):
            if (first, last, text) in seen or text == original[first:last]:
                continue
            seen.add((first, last, text))
            numbers[place.function] += 1
            whole = original[:first] + text + original[last:]
            made.append(
                Mutant(path, place.function, digests[place.function], numbers[place.function],
                       place.lines, (first, last), text,
                       marked(original, whole, starts, place.lines))
            )  # fmt: skip
    return made


def changes_of(node: cst.CSTNode, module: cst.Module) -> Iterator[str]:
    """Yield the texts that operators would put in the place of a node."""
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            for changed in operator(node):
                if guarded(node) == guarded(changed):
                    yield module.code_for_node(changed)


def guarded(node: cst.CSTNode) -> list[str]:
    """Return what no change may touch of a call or an assignment: prose and ``strict=``."""
    if isinstance(node, cst.Call):
        parts = [a.value for a in node.args if is_prose(a.value) or m.matches(a, STRICT)]
    else:
        value = getattr(node, "value", None)
        parts = [value] if is_prose(value) else []
    return [cst.Module([]).code_for_node(part) for part in parts]


def is_prose(node: object) -> bool:
    """Whether a node is a text for people to read."""
    if isinstance(node, cst.ConcatenatedString):
        return is_prose(node.left) or is_prose(node.right)
    if isinstance(node, cst.SimpleString):
        return " " in node.raw_value or node.quote.startswith(('"""', "'''"))
    return isinstance(node, cst.FormattedString)


def line_starts(text: str) -> list[int]:
    """Return the position of the first character of each line."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def digests_of(source: str) -> dict[str, str]:
    """Return a digest of each outermost function, by qualified name."""
    found: dict[str, list[str]] = {}

    def visit(body: list[ast.stmt], names: tuple[str, ...]) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.setdefault(".".join((*names, node.name)), []).append(ast.dump(node))
            elif isinstance(node, ast.ClassDef):
                visit(node.body, (*names, node.name))
            elif isinstance(node, ast.If | ast.Try):
                visit(node.body, names)

    visit(ast.parse(source).body, ())
    return {name: digest("".join(texts)) for name, texts in found.items()}


def digest(text: str) -> str:
    """Return the first twelve digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def marked(original: str, whole: str, starts: list[int], lines: tuple[int, int]) -> str:
    """Return a statement on one line, the change in braces: ``was => is``."""
    first, last = starts[lines[0] - 1], starts[min(lines[1], len(starts) - 1)]
    was = original[first:last].split()
    now = whole[first : last + len(whole) - len(original)].split()
    head = alike(was, now)
    tail = alike(was[head:][::-1], now[head:][::-1])
    before, after = was[max(0, head - 4) : head], was[len(was) - tail :][:4]
    left, right = was[head : len(was) - tail], now[head : len(now) - tail]
    said = f"{{{' '.join(left)} => {' '.join(right)}}}"
    return " ".join([*before, said, *after])


def alike(one: list[str], other: list[str]) -> int:
    """Return how many words two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
