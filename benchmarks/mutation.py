"""Mutation testing: share of wrong versions of the statistics and the engine that tests notice.

    python benchmarks/mutation.py --module significance --sample 200
    python benchmarks/mutation.py --resume --write statistics

Mutants are made by the operators of mutmut, drawn at random (`--sample 0` tries all) and tried
in forks of a process that has collected the tests; only tests that run the changed line are
asked, the quickest first, up to the first that fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # a fork of a process with threads may hang

from mutants.covering import Cache  # noqa: E402
from mutants.keeping import Results, Tried, drawn, reasons  # noqa: E402
from mutants.making import Mutant, of_file  # noqa: E402
from mutants.scope import GROUPS, ROOT, STATISTICS, Group  # noqa: E402
from mutants.telling import PAGE, survivors_of, table_of, write_table  # noqa: E402
from mutants.trying import Effort, Runner, session  # noqa: E402

KEPT = ROOT / ".mutation"
REASONS = ROOT / "benchmarks" / "mutation_survivors.csv"
SCOPE = sorted({path for group in GROUPS.values() for path in group.paths()})


def compiles(mutant: Mutant) -> bool:
    """Whether a mutant is Python."""
    try:
        source = mutant.source((ROOT / mutant.path).read_text(encoding="utf-8"))
        compile(source, mutant.path, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def mutants_of(group: Group, sample: int, seed: int) -> list[Mutant]:
    """Return the mutants of a group that are tried."""
    return drawn({path: of_file(ROOT, path) for path in group.paths()}, sample, seed, compiles)


def work_of(group: Group, mutants: list[Mutant], results: Results) -> Callable[[Runner], None]:
    """Return what a runner does: try the mutants of a group that are not known yet."""

    def work(runner: Runner) -> None:
        began = time.monotonic()
        for at, mutant in enumerate(mutants, 1):
            names = runner.asked(mutant)
            basis = runner.basis(names)
            if results.known(mutant, basis, runner.items):
                continue
            tried = results.add(group.name, mutant, runner.try_out(mutant), basis)
            if not tried.fell:
                print(f"  {tried.what}: {tried.path}:{tried.line} {tried.function}: {tried.change}")
            if at % 50 == 0:
                print(f"  {group.name}: {at} of {len(mutants)}, {time.monotonic() - began:.0f} s")
            sys.stdout.flush()

    return work


def modules_of(paths: Sequence[str]) -> list[str]:
    """Return the names under which files are imported."""
    names = [path.removesuffix(".py").replace("/", ".") for path in paths]
    return [name.removesuffix(".__init__") for name in names]


def try_group(group: Group, mutants: list[Mutant], results: Path, effort: Effort) -> None:
    """Try the mutants of a group in a process of its own, which has only its tests loaded."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.chdir(ROOT)
            with tempfile.TemporaryDirectory() as scratch:
                work = work_of(group, mutants, Results(results))
                cache = Cache(KEPT / "coverage.json", ROOT)
                runner = Runner(ROOT, modules_of(group.paths()), SCOPE, cache, work, effort)
                code = session(runner, group.tests, Path(scratch) / "tests")
        finally:
            sys.stdout.flush()
            os._exit(code)
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit(f"mutation: the tests of {group.name} could not be run")


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--module",
        action="append",
        choices=GROUPS,
        metavar="NAME",
        help=f"one of {', '.join(GROUPS)}; again for more (default: statistics)",
    )
    parser.add_argument("--sample", type=int, default=200, help="mutants of each; 0 for all")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep results whose function, and whose tests if it lived, are unchanged",
    )
    parser.add_argument("--longest", type=float, default=6.0, help="seconds of a test, at most")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of tests for a mutant")
    parser.add_argument("--list", action="store_true", help="count mutants, try none")
    parser.add_argument("--write", metavar="SECTION", help=f"write the table into {PAGE.name}")
    return parser.parse_args(given)  # fmt: skip


def main(given: Sequence[str] | None = None) -> int:
    """Try the mutants that are asked for, print a table and the survivors."""
    asked = arguments(given)
    groups = [GROUPS[name] for name in asked.module or STATISTICS]
    path = KEPT / f"results-{asked.seed}.jsonl"
    if not asked.resume and not asked.list:
        forget(path, groups)
    rows: dict[str, tuple[int, list[Tried]]] = {}
    for group in groups:
        everything = sum(len(of_file(ROOT, one)) for one in group.paths())
        mutants = mutants_of(group, asked.sample, asked.seed)
        print(f"{group.name}: {len(mutants)} of {everything} mutants", flush=True)
        if not asked.list:
            try_group(group, mutants, path, Effort(asked.longest, asked.budget))
            kept = Results(path).kept
            rows[group.name] = (everything, [kept[one.key] for one in mutants if one.key in kept])
    if rows:
        known = reasons(REASONS)
        print(table_of(rows, known))
        print(survivors_of(rows, known))
        if asked.write:
            write_table(asked.write, rows, known, asked.sample, asked.seed)
    return 0


def forget(path: Path, groups: Sequence[Group]) -> None:
    """Drop what was found of some groups before."""
    if path.is_file():
        names = {group.name for group in groups}
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not any(f'"group": "{n}"' in line for n in names)]
        path.write_text("".join(kept), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
