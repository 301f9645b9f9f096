"""Processes that write at once, to one cache and one folder."""

from __future__ import annotations

from dataclasses import dataclass, field

from fault_deaths import End, together
from fault_files import TornError, contents, left_over, whole_run
from fault_kills import Clean
from fault_writers import Writer, fresh_copy


@dataclass
class AtOnce:
    """What came of several processes that did one thing at once.

    Attributes
    ----------
    writer : str
    processes : int
    rounds : int
    ended : int
        Processes that ended with code 0.
    runs : int
        Folders of kept runs, each whole and no other's.
    equal : int
        Rounds after which every file was that of a clean run, with nothing left over.
    wrong : list of str
    """

    writer: str
    processes: int
    rounds: int = 0
    ended: int = 0
    runs: int = 0
    equal: int = 0
    wrong: list[str] = field(default_factory=list)


def at_once(writer: Writer, clean: Clean, processes: int, rounds: int) -> AtOnce:
    """Start one writer several times at the same moment, over and over."""
    report, place = AtOnce(writer.name, processes), clean.place
    for _ in range(rounds):
        fresh_copy(clean.template, place)
        ends = together([writer.work] * processes, place)
        report.rounds += 1
        report.ended += sum(end.code == 0 for end in ends)
        report.wrong += [_told(end) for end in ends if end.code and not _late(writer, end)]
        try:
            after = contents(place)
        except TornError as error:
            report.wrong.append(f"torn: {error}")
            continue
        bad = sorted(n for n in {*after, *clean.after} if after.get(n) != clean.after.get(n))
        bad += left_over(place)
        report.wrong += [f"{name} is not as after a clean run" for name in bad]
        report.equal += not bad
        runs = sorted((place / "runs").glob("*/manifest.json"))
        report.runs += sum(whole_run(path.parent) for path in runs)
        if writer.name == "study --runs" and len(runs) != processes:
            report.wrong.append(f"{len(runs)} kept runs of {processes} processes")
    return report


def _late(writer: Writer, end: End) -> bool:
    """Whether another process was first where only one may write."""
    return writer.once and end.code == 2


def _told(end: End) -> str:
    return f"ended with {end.code}: {end.said[-400:]}"
