"""Look-ahead over the whole pipeline: rows after a session are changed, numbers up to it compared.

The long form of tests/lookahead: hundreds of made worlds, run from files through the study with
models and tests, the streamed engine and the backtest, as they are and with rows after a session
changed. With --slow also models that iterate, and every test. Exit 1 where a number differs.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sections import markdown_table, write_section

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "lookahead"))

from lookahead_runs import Report, compared, drawn


def one(seed: int, size: str) -> Report:
    """Return what one made world showed; a warning is an error."""
    inputs, row, kinds, asked = drawn(seed, size)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return compared(inputs, seed, row, kinds, asked)


def told(seed: int, size: str, report: Report) -> list[str]:
    """Return what differed, and how to see it again."""
    if not report.differing:
        return []
    counts = Counter((d.table, d.column) for d in report.differing)
    again = f"python benchmarks/lookahead.py --size {size} --first {seed} --examples 1"
    lines = [f"seed {seed}: {dict(counts)}; again: {again}"]
    return lines + [f"  {d}" for d in report.differing[:5]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the examples and print a table of what was compared."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="seed of the first example")
    parser.add_argument("--size", choices=["quick", "full", "slow"], default="full")
    parser.add_argument("--page", type=Path, help="write the table into this page")
    asked = parser.parse_args(arguments)
    numbers: Counter[str] = Counter()
    inexact: Counter[str] = Counter()
    wrong, began = 0, time.process_time()
    for seed in range(asked.first, asked.first + asked.examples):
        report = one(seed, asked.size)
        numbers.update(report.compared)
        inexact.update(report.inexact)
        wrong += bool(report.differing)
        for line in told(seed, asked.size, report):
            print(line, flush=True)
    spent = time.process_time() - began
    rows = [[name, f"{count:,}", f"{inexact[name]:,}"] for name, count in numbers.items()]
    table = markdown_table(["table", "numbers dated t or earlier", "not the same bits"], rows)
    text = (
        f"`python benchmarks/lookahead.py --size {asked.size} --examples {asked.examples} "
        f"--first {asked.first}`: {asked.examples} worlds, {sum(numbers.values()):,} numbers, "
        f"{wrong} worlds with a difference, {spent:.0f} s of processor time.\n\n{table}"
    )
    print(text)
    if asked.page is not None:
        write_section(f"lookahead-{asked.size}", text, asked.page)
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
