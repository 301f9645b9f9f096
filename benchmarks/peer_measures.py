"""Programs run in turns, at the sizes that suit them or at the same ones."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from peer_environments import Program
from peer_process import PeerFault, PeerProcess, Run

Arrays = dict[str, np.ndarray]
PATIENCE = 300.0
"""Seconds that a program is given for one run, or to start."""


@dataclass
class Measured:
    """What one program did.

    Attributes
    ----------
    program : Program
    runs : list of Run
        All of one number of events.
    found : dict of str to ndarray
        Its output for a few events.
    fault : str
        Why there is no figure; empty where there is one.
    """

    program: Program
    runs: list[Run] = field(default_factory=list)
    found: Arrays = field(default_factory=dict)
    fault: str = ""

    @property
    def count(self) -> int:
        """Events of each run."""
        return self.runs[0].count

    @property
    def wall(self) -> float:
        """Median seconds of wall time."""
        return statistics.median(run.wall for run in self.runs)

    @property
    def processor(self) -> float:
        """Median seconds of processor time."""
        return statistics.median(run.processor for run in self.runs)


@contextmanager
def started(
    programs: Sequence[Program], work: Path, envs: Path
) -> Iterator[dict[str, tuple[Measured, PeerProcess | None]]]:
    """Start every program; None for one that does not come up."""
    held: dict[str, tuple[Measured, PeerProcess | None]] = {}
    try:
        for program in programs:
            measured = Measured(program)
            try:
                held[program.title] = measured, PeerProcess(program, envs, work, PATIENCE)
            except PeerFault as fault:
                measured.fault = str(fault)
                held[program.title] = measured, None
        yield held
    finally:
        for _, process in held.values():
            if process is not None:
                process.close()


def best_size(process: PeerProcess, limit: float) -> int:
    """Return the number of events with the most events per processor second, within a limit.

    The first run is not counted: compilation and caches.
    """
    sizes = process.program.sizes
    process.run(sizes[0])
    rates: dict[int, float] = {}
    for count in sizes:
        run = process.run(count)
        rates[count] = count / run.processor
        later = [size for size in sizes if size > count]
        if later and run.processor * later[0] / count > limit:
            break
    return max(rates, key=lambda count: rates[count])


def measure(
    programs: Sequence[Program], work: Path, envs: Path, repeats: int, limit: float
) -> list[Measured]:
    """Run every program at the size that suits it best, in turns."""
    with started(programs, work, envs) as held:
        sizes: dict[str, int] = {}
        for title, (measured, process) in held.items():
            if process is None:
                continue
            try:
                measured.found = process.output(min(process.program.sizes))
                sizes[title] = best_size(process, limit)
            except PeerFault as fault:
                measured.fault = str(fault)
        for _ in range(repeats):
            for title, count in sizes.items():
                _one_more(*held[title], count)
    return [measured for measured, _ in held.values()]


def measure_at(
    programs: Sequence[Program],
    work: Path,
    envs: Path,
    counts: Sequence[int],
    repeats: int,
    limit: float,
) -> dict[int, list[Measured]]:
    """Run every program at the same numbers of events, in turns, each as far as the limit lets it.

    What a program would take is reckoned with the square of the number of events.
    """
    found: dict[int, list[Measured]] = {}
    with started(programs, work, envs) as held:
        last: dict[str, Run] = {}
        for count in counts:
            row = {title: Measured(m.program, fault=m.fault) for title, (m, _) in held.items()}
            for repeat in range(repeats + (1 if count == counts[0] else 0)):
                for title, (_, process) in held.items():
                    before = last.get(title)
                    square = before.processor * (count / before.count) ** 2 if before else 0.0
                    if before and before.count < count and square > limit:
                        row[title].fault = "not run"
                    else:
                        _one_more(row[title], process, count)
                if count == counts[0] and not repeat:
                    for measured in row.values():
                        measured.runs.clear()
            for title, measured in row.items():
                if measured.runs and not measured.fault:
                    last[title] = min(measured.runs, key=lambda run: run.processor)
            found[count] = list(row.values())
        first = found[counts[0]]
        for measured, (_, process) in zip(first, held.values(), strict=True):
            if process is not None and not measured.fault:
                measured.found = process.output(counts[0])
    return found


def _one_more(measured: Measured, process: PeerProcess | None, count: int) -> None:
    if process is None or measured.fault:
        return
    try:
        measured.runs.append(process.run(count))
    except PeerFault as fault:
        measured.fault = str(fault)
