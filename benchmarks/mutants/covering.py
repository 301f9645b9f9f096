"""Which tests run which lines, and how long each takes: measured once for each file of tests."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mutants.making import digest


@dataclass
class Meter:
    """Lines and processor time of tests and of the fixtures that several of them share."""

    coverage: Any
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    failed: set[str] = field(default_factory=set)
    now: str = ""
    since: float = field(default_factory=time.process_time)

    def switch(self, name: str) -> str:
        """Put what follows down to `name`; return what it was before."""
        was, at = self.now, time.process_time()
        self.seconds[was] += at - self.since
        self.now, self.since = name, at
        self.coverage.switch_context(name)
        return was

    @contextmanager
    def of_fixture(self, name: str, scope: str) -> Iterator[None]:
        """Put the making of a fixture down to itself, unless each test makes its own."""
        if scope == "function":
            yield
            return
        was = self.switch(f"fixture:{name}")
        try:
            yield
        finally:
            self.switch(was)


@dataclass(frozen=True)
class Covered:
    """One test: what it costs, fixtures included, and the lines that it runs by file."""

    seconds: float
    lines: dict[str, list[int]]


def measured(items: list[Any], meter: Meter, scope: Iterable[str], root: Path) -> dict[str, Any]:
    """Run the tests of one file and return what the cache keeps of them."""
    meter.coverage.start()
    for at, item in enumerate(items):
        meter.switch(item.nodeid)
        after = items[at + 1] if at + 1 < len(items) else None
        item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
    meter.switch("")
    meter.coverage.stop()
    lines = lines_of(meter.coverage.get_data(), scope, root)
    tests = {}
    for item in items:
        if item.nodeid in meter.failed:
            continue
        used = [item.nodeid, *(f"fixture:{name}" for name in item.fixturenames)]
        seconds = sum(meter.seconds.get(name, 0.0) for name in used)
        tests[item.nodeid] = {"seconds": round(seconds, 4), "lines": merged(lines, used)}
    return {"tests": tests, "failed": sorted(meter.failed)}


def lines_of(data: Any, scope: Iterable[str], root: Path) -> dict[str, dict[str, set[int]]]:
    """Return the lines of the files in `scope` by context and file."""
    found: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for path in scope:
        for line, contexts in data.contexts_by_lineno(str(root / path)).items():
            for context in contexts:
                found[context][path].add(line)
    return found


def merged(lines: dict[str, dict[str, set[int]]], names: list[str]) -> dict[str, list[int]]:
    """Return the lines of several contexts together."""
    found: dict[str, set[int]] = defaultdict(set)
    for name in names:
        for path, of_file in lines.get(name, {}).items():
            found[path] |= of_file
    return {path: sorted(of_file) for path, of_file in found.items()}


class Cache:
    """What was measured of each file of tests, kept until it or what it runs changes."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path, self.root = path, root
        self.kept: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}

    def get(self, tests: str) -> dict[str, Any] | None:
        """Return what is kept of a file of tests if it still holds."""
        entry = self.kept.get(tests)
        if entry is None or entry["digest"] != self.digest_of(tests):
            return None
        holds = all(self.file(path) == was for path, was in entry["sources"].items())
        return entry if holds else None

    def put(self, tests: str, entry: dict[str, Any]) -> dict[str, Any]:
        """Keep what was measured of a file of tests."""
        sources = sorted({path for t in entry["tests"].values() for path in t["lines"]})
        entry["digest"] = self.digest_of(tests)
        entry["sources"] = {path: self.file(path) for path in sources}
        self.kept[tests] = entry
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.kept))
        return entry

    def digest_of(self, tests: str) -> str:
        """Return a digest of a file of tests and of what stands beside it."""
        folder = (self.root / tests).parent
        beside = [p for pattern in ("conftest.py", "made_*.py") for p in folder.glob(pattern)]
        paths = [self.root / tests, *sorted(beside), self.root / "tests" / "conftest.py"]
        return digest("".join(p.read_text(encoding="utf-8") for p in paths if p.is_file()))

    def file(self, path: str) -> str:
        """Return a digest of a source."""
        whole = self.root / path
        return digest(whole.read_text(encoding="utf-8")) if whole.is_file() else ""


def covering(
    tests: dict[str, Covered], path: str, lines: tuple[int, int], longest: float
) -> list[str]:
    """Return the tests that run a statement, the quickest first; none slower than `longest`."""
    wanted = range(lines[0], lines[1] + 1)
    found = [
        (covered.seconds, name)
        for name, covered in tests.items()
        if covered.seconds <= longest and any(n in wanted for n in covered.lines.get(path, ()))
    ]
    return [name for _, name in sorted(found)]
