"""Mutants tried one after the other, each in a fork of a process that has collected the tests."""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mutants.covering import Cache, Covered, Meter, covering, measured
from mutants.making import Mutant, digest
from mutants.swapping import Functions, functions_of, put_in, within

LEFT_OUT = frozenset({"cluster_address", "_cluster"})
"""Fixtures of tests that work in other processes, where no mutant is."""
MARKS = frozenset({"vendor", "browser"})


@dataclass(frozen=True)
class Effort:
    """How much is spent on a mutant.

    Attributes
    ----------
    longest : float
        Tests that take more seconds of processor time are not asked.
    budget : float
        Seconds of tests, as measured beforehand, after which a mutant counts as a survivor.
    times, grace : float
        A test is stopped after `times` its measured seconds and `grace`.
    """

    longest: float = 6.0
    budget: float = 20.0
    times: float = 10.0
    grace: float = 2.0


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Attributes
    ----------
    what : str
        ``killed``, ``timed out``, ``survived``, ``no test`` or, where the changed code does not
        fit the function or no such function is in the process, ``unbuilt``.
    test : str
        Which test noticed.
    asked : int
        How many tests were to be asked.
    """

    what: str
    test: str = ""
    asked: int = 0


@dataclass(eq=False)
class Runner:
    """A pytest plugin that tries mutants where pytest would run tests."""

    root: Path
    modules: list[str]
    scope: list[str]
    cache: Cache
    work: Callable[[Runner], None]
    effort: Effort = field(default_factory=Effort)
    meter: Meter | None = None
    watch: Callable[[Any], None] | None = None
    items: dict[str, Any] = field(default_factory=dict)
    tests: dict[str, Covered] = field(default_factory=dict)
    functions: Functions = field(default_factory=dict)
    trusted: set[str] = field(default_factory=set)
    killers: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def pytest_configure(self) -> None:
        from hypothesis import settings

        settings.register_profile("mutants", derandomize=True, database=None, deadline=None)
        settings.load_profile("mutants")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [i for i in items if not (LEFT_OUT & {*i.fixturenames} or marks(i) & MARKS)]

    def pytest_runtestloop(self, session: Any) -> bool:
        if session.testsfailed:
            raise session.Interrupted("tests could not be collected")
        self.items = {item.nodeid: item for item in session.items}
        for module in self.modules:
            importlib.import_module(module)
        gc.unfreeze()  # what the tests' conftest froze, the collector does not list
        self.functions = functions_of(self.root)
        gc.collect()
        gc.freeze()
        self.map_tests()
        self.work(self)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        if self.meter is None:
            return (yield)
        with self.meter.of_fixture(fixturedef.argname, fixturedef.scope):
            return (yield)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if self.watch is not None:
            self.watch(report)

    def map_tests(self) -> None:
        """Find out which lines each test runs, from the cache where that still holds."""
        files: dict[str, list[Any]] = defaultdict(list)
        for name, item in self.items.items():
            files[name.partition("::")[0]].append(item)
        for path, items in files.items():
            entry = self.cache.get(path)
            if entry is None or not {i.nodeid for i in items} <= {
                *entry["tests"],
                *entry["failed"],
            }:
                entry = self.cache.put(path, self.map_file(items))
            for name in entry["failed"]:
                print(f"  not asked, since it fails without a mutant: {name}", flush=True)
            for name, test in entry["tests"].items():
                self.tests[name] = Covered(test["seconds"], test["lines"])

    def map_file(self, items: list[Any]) -> dict[str, Any]:
        """Measure the tests of one file, in a fork."""
        import coverage

        def child(tell: Callable[[str], None]) -> None:
            seen = coverage.Coverage(
                data_file=None, config_file=False, messages=False,
                include=[str(self.root / path) for path in self.scope],
            )  # fmt: skip
            seen.set_option("run:disable_warnings", ["no-data-collected"])
            self.meter = meter = Meter(seen)
            self.watch = lambda r: meter.failed.add(r.nodeid) if r.failed else None
            try:
                tell(json.dumps(measured(items, meter, self.scope, self.root)))
            except BaseException:
                tell(json.dumps({"fault": traceback.format_exc()}))

        said = forked(child, 1200)
        try:
            answer = dict(json.loads(said))
        except ValueError:
            answer = {"fault": "the process ended, or was ended after 1200 s, without a word"}
        if "fault" in answer:
            path = items[0].nodeid.partition("::")[0]
            raise RuntimeError(f"{path}: could not be measured: {answer['fault']}")
        return answer

    def asked(self, mutant: Mutant) -> list[str]:
        """Return the tests of a mutant, in order: what killed its neighbours, then the quickest."""
        found = covering(self.tests, mutant.path, mutant.lines, self.effort.longest)
        found = [name for name in found if name in self.items]
        first = [n for n in self.killers[mutant.path, mutant.function][-3:][::-1] if n in found]
        ordered = list(dict.fromkeys([*first, *found]))
        spent, kept = 0.0, []
        for name in ordered:
            spent += self.tests[name].seconds
            if spent > self.effort.budget and kept:
                break
            kept.append(name)
        return kept

    def basis(self, names: list[str]) -> str:
        """Return a digest of the files that tests stand in."""
        files = sorted({name.partition("::")[0] for name in names})
        return digest("|".join(map(self.cache.digest_of, files)))

    def try_out(self, mutant: Mutant) -> Outcome:
        """Return what the tests say of a mutant."""
        if not within(mutant, self.functions):
            return Outcome("unbuilt")
        while names := self.asked(mutant):
            outcome = self.run(names, lambda: put_in(mutant, self.functions, self.root))
            if not outcome.test or self.trust(outcome.test, names):
                if outcome.test:
                    self.killers[mutant.path, mutant.function].append(outcome.test)
                return outcome
            print(f"  not asked any more, since it fails alone: {outcome.test}", flush=True)
            del self.tests[outcome.test]
        return Outcome("no test")

    def trust(self, name: str, names: list[str]) -> bool:
        """Whether a test that fell passes in the same place without a mutant; asked once."""
        if name not in self.trusted:
            upto = names[: names.index(name) + 1]
            if self.run(upto, lambda: None).what != "survived":
                return False
            self.trusted.add(name)
        return True

    def run(self, names: list[str], change: Callable[[], object]) -> Outcome:
        """Run tests in a fork after `change`, up to the first that fails."""

        def child(tell: Callable[[str], None]) -> None:
            def stop(report: Any) -> None:
                if report.failed:
                    tell("failed\n")
                    os._exit(0)

            self.watch = stop
            try:
                change()
            except ValueError:  # other variables from around the function than it has
                tell("unbuilt\n")
                return
            for at, name in enumerate(names):
                tell(f"{at}\n")
                limit = self.effort.grace + self.effort.times * self.tests[name].seconds
                signal.setitimer(signal.ITIMER_PROF, limit)
                item = self.items[name]
                after = self.items[names[at + 1]] if at + 1 < len(names) else None
                item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
            tell("passed\n")

        patience = 60.0 + 5 * sum(self.tests[name].seconds for name in names)
        said = forked(child, patience).split()
        end = said.pop() if said and not said[-1].isdigit() else "timed out"
        if end in ("passed", "unbuilt"):
            return Outcome("survived" if end == "passed" else end, asked=len(names))
        last = names[int(said[-1]) if said else 0]
        return Outcome("killed" if end == "failed" else end, last, len(names))


def marks(item: Any) -> set[str]:
    """Return the names of the marks of a test."""
    return {mark.name for mark in item.iter_markers()}


def forked(child: Callable[[Callable[[str], None]], None], patience: float) -> str:
    """Return what a fork of this process says before it ends, dies or is out of time."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        in_fork(child, write)
    os.close(write)
    until, parts = time.monotonic() + patience, []
    while select.select([read], [], [], max(0.0, until - time.monotonic()))[0]:
        part = os.read(read, 1 << 16)
        if not part:
            break
        parts.append(part)
    os.close(read)
    try:
        os.killpg(pid, signal.SIGKILL)  # what it has started too
    except ProcessLookupError:
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return b"".join(parts).decode()


def in_fork(child: Callable[[Callable[[str], None]], None], write: int) -> None:
    """Do the work of a fork and end it; an error that pytest does not catch counts as a failure."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (4 << 30), resource.RLIM_INFINITY))

    def tell(text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(write, data) :]

    try:
        child(tell)
    except BaseException:
        tell("failed\n")
    finally:
        os._exit(0)


def session(runner: Runner, tests: tuple[str, ...], scratch: Path) -> int:
    """Collect tests and let the runner do its work; return pytest's exit code."""
    sys.path.insert(0, str(runner.root))
    options = ["-qq", "-s", "--no-header", "--no-summary", "--rootdir", str(runner.root)]
    options += ["--basetemp", str(scratch)]
    plugins = ["cacheprovider", "randomly", "xdist"]
    without = [part for name in plugins for part in ("-p", f"no:{name}")]
    return int(pytest.main([*options, *without, *tests], plugins=[runner]))
