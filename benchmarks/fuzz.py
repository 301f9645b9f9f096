"""Fuzzing of everything that reads a file: each input gets a result or an error that says where.

Each target runs in a process of its own under atheris, which follows what the package's code does
with an input and keeps those that reach something new. An answer is a result whose rows are
accounted for, or one of the package's errors that names the file, with rows and values that are
there; anything else, a warning of NumPy or pandas or more than ten seconds of processor
time too, is a finding: its bytes are kept under --findings, once for each place in the code.

    python benchmarks/fuzz.py [--target NAME ...] [--seconds 60] [--seed 1] [--corpus FOLDER]
                              [--findings FOLDER] [--replay] [FILE ...]

--replay runs the seeds, the corpus and the files given once, and needs no atheris; so does a
FILE of findings with its --target. The exit code is 1 where there is a finding.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
HANG = 200
"""Seconds after which libFuzzer gives an input up."""


@dataclass
class Tally:
    """What the inputs of one target got.

    Attributes
    ----------
    target : str
    findings : Path
        Where bytes of findings are put.
    executions, results : int
    errors : Counter
        Errors by kind; one input may have several.
    found : dict of str to str
        Findings: what and where -> file with the bytes.
    edges : int
        Edges of the package's bytecode that were reached; 0 where nothing counted them.
    seconds : float
        Of processor time.
    """

    target: str
    findings: Path
    executions: int = 0
    results: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    found: dict[str, str] = field(default_factory=dict)
    edges: int = 0
    seconds: float = 0.0

    def run(self, data: bytes) -> None:
        """Run one input and note what it gets."""
        from fuzzing.oracle import SLOW, PromiseError
        from fuzzing.targets import TARGETS

        self.executions += 1
        began = time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                answer = TARGETS[self.target].run(data)
            took = time.process_time() - began
            if took > SLOW:
                raise PromiseError(f"took {took:.0f} seconds")
        except Exception as error:
            self._keep(data, error)
            return
        self.results += answer.kind == "result"
        if answer.kind == "error":
            self.errors.update(answer.words)

    def _keep(self, data: bytes, error: Exception) -> None:
        where = place_of(error)
        if where in self.found:
            return
        name = f"{self.target}-{hashlib.sha256(data).hexdigest()[:12]}"
        self.found[where] = name
        self.findings.mkdir(parents=True, exist_ok=True)
        (self.findings / name).write_bytes(data)
        told = "".join(traceback.format_exception(error)[-12:])
        (self.findings / f"{name}.txt").write_text(told, encoding="utf-8", errors="replace")

    def as_text(self) -> str:
        """Return the counts as JSON."""
        words = {
            "executions": self.executions, "results": self.results, "errors": dict(self.errors),
            "found": self.found, "edges": self.edges, "seconds": time.process_time(),
        }  # fmt: skip
        return json.dumps(words)


def place_of(error: BaseException) -> str:
    """Return what was raised and the last line of the package that it came through."""
    stack, package = traceback.extract_tb(error.__traceback__), str(ROOT / "eventstudy")
    own = [frame for frame in stack if frame.filename.startswith(package)]
    at = own[-1] if own else stack[-1]
    said = "" if own else re.sub(r"'.*'|\d+|/\S+", "N", str(error).split("\n")[0])[:70] + " "
    return f"{type(error).__name__} {said}at {Path(at.filename).name}:{at.lineno}"


def inputs_of(target: str, corpus: Path | None, files: Iterable[Path]) -> Iterator[bytes]:
    """Yield the seeds of a target, those of a corpus, and files."""
    from fuzzing.targets import TARGETS

    yield from TARGETS[target].seeds()
    folder = corpus / target if corpus else None
    if folder is not None and folder.is_dir():
        yield from (path.read_bytes() for path in sorted(folder.iterdir()))
    yield from (path.read_bytes() for path in files)


def replayed(target: str, findings: Path, inputs: Iterable[bytes]) -> Tally:
    """Return what inputs get, each run once."""
    tally = Tally(target, findings)
    began = time.process_time()
    for data in inputs:
        tally.run(data)
    tally.seconds = time.process_time() - began
    return tally


# Under atheris -----------------------------------------------------------------------------------


def fuzz_here(target: str, findings: Path, report: Path, options: Sequence[str]) -> None:
    """Fuzz one target in this process until libFuzzer ends it; counts go to `report`."""
    import atheris

    with atheris.instrument_imports(include=["eventstudy"]):
        from fuzzing.mutations import mutated
        from fuzzing.targets import TARGETS

        import eventstudy as es

        for data in TARGETS[target].seeds():  # what they need is imported now, and so followed
            with suppress(Exception):
                TARGETS[target].run(data)
        del es
    tally, told = Tally(target, findings), time.monotonic()

    def run(data: bytes) -> None:
        nonlocal told
        tally.run(data)
        if time.monotonic() - told > 2:
            report.write_text(tally.as_text(), encoding="utf-8")
            told = time.monotonic()

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        if seed % 3 == 0 or not TARGETS[target].text:
            return bytes(atheris.Mutate(data, most))
        return mutated(bytes(data), seed)[:most]

    atheris.Setup([sys.argv[0], *options], run, custom_mutator=mutate)
    atheris.Fuzz()


def fuzzed(target: str, arguments: argparse.Namespace) -> Tally:
    """Fuzz one target in a process of its own."""
    findings = Path(arguments.findings)
    with tempfile.TemporaryDirectory() as name:
        own, report = Path(name) / "seeds", Path(name) / "report.json"
        own.mkdir()
        for i, data in enumerate(inputs_of(target, arguments.corpus, [])):
            (own / f"{i:04d}").write_bytes(data)
        kept = arguments.corpus / target if arguments.corpus else Path(name) / "kept"
        kept.mkdir(parents=True, exist_ok=True)
        options = [
            f"-max_total_time={arguments.seconds}", f"-seed={arguments.seed}", "-max_len=200000",
            f"-timeout={HANG}", f"-report_slow_units={HANG}", "-rss_limit_mb=3000",
            f"-artifact_prefix={name}/", "-verbosity=1", "-print_final_stats=1",
            str(kept), str(own),
        ]  # fmt: skip
        command = [sys.executable, __file__, "--inside", str(report), "--target", target,
                   "--findings", str(findings), "--", *options]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        tally = _told(target, findings, report, done.stderr)
        for path in Path(name).glob("*-*"):  # a hang, a crash or no memory left
            tally.found[f"libFuzzer: {path.name.split('-')[0]}"] = path.name
            findings.mkdir(parents=True, exist_ok=True)
            (findings / path.name).write_bytes(path.read_bytes())
            (findings / f"{path.name}.txt").write_text(done.stderr[-8000:], encoding="utf-8")
        if not tally.executions:
            raise SystemExit(f"{target}: nothing ran:\n{done.stderr[-3000:]}")
        return tally


def _told(target: str, findings: Path, report: Path, log: str) -> Tally:
    said: dict[str, Any] = json.loads(report.read_text()) if report.is_file() else {}
    edges = [int(n) for n in re.findall(r"cov: (\d+)", log)]
    ran = re.search(r"stat::number_of_executed_units:\s*(\d+)", log)
    return Tally(
        target, findings, said.get("executions", int(ran[1]) if ran else 0),
        said.get("results", 0), Counter(said.get("errors", {})), said.get("found", {}),
        max(edges, default=0), said.get("seconds", 0.0),
    )  # fmt: skip


# Telling -----------------------------------------------------------------------------------------


def table_of(tallies: Sequence[Tally]) -> str:
    """Return the counts as a table in Markdown."""
    lines = [
        "| target | executions | results | errors | kinds of errors | edges | findings |",
        "|---|---|---|---|---|---|---|",
    ]
    for t in tallies:
        answered = t.executions - t.results
        lines.append(
            f"| {t.target} | {t.executions:,} | {t.results:,} | {answered:,} | {len(t.errors)} | "
            f"{t.edges or 'not counted'} | {len(t.found)} |"
        )
    return "\n".join(lines)


def details_of(tally: Tally, most: int) -> Iterator[str]:
    """Yield the most frequent kinds of errors of a target, and its findings."""
    yield f"\n{tally.target}"
    for kind, count in tally.errors.most_common(most):
        yield f"  {count:8,}  {kind}"
    for where, name in tally.found.items():
        yield f"  FINDING {where}: {tally.findings / name}"


def _end(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(f"ended by signal {signum}")


def main(given: Sequence[str] | None = None) -> None:
    sys.path[:0] = [str(HERE), str(ROOT)]  # what is fuzzed is the package beside
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", nargs="*", default=[])
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, help="a folder that keeps what reached something")
    parser.add_argument("--findings", default="fuzz-findings")
    parser.add_argument("--replay", action="store_true")
    parser.add_argument("--kinds", type=int, default=12, help="kinds of errors shown a target")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*", type=str)
    arguments = parser.parse_args(given)
    if arguments.inside is not None:
        findings = Path(arguments.findings)
        fuzz_here(arguments.target[0], findings, arguments.inside, arguments.files)
        return
    signal.signal(signal.SIGTERM, _end)
    from fuzzing.targets import TARGETS

    unknown = set(arguments.target) - set(TARGETS)
    if unknown:
        raise SystemExit(f"no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    tallies = []
    for target in arguments.target or TARGETS:
        if arguments.replay or arguments.files:
            inputs = inputs_of(target, arguments.corpus, map(Path, arguments.files))
            tallies.append(replayed(target, Path(arguments.findings), inputs))
        else:
            tallies.append(fuzzed(target, arguments))
        print("\n".join(details_of(tallies[-1], arguments.kinds)), flush=True)
    print("\n" + table_of(tallies))
    if any(t.found for t in tallies):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
