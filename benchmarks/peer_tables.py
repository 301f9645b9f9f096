"""The sections that peers.py writes: what is measured, and how a reader is told."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from backtest_speed import make_world
from ours import BACKTESTS, SAME_TESTS, STUDIES
from peer_environments import PLAIN, STUDY_PEERS, TRADE_PEERS, Program
from peer_measures import Measured, measure, measure_at
from sections import markdown_table
from study_work import Work, make_work, plain_loop
from trade_work import CAPITAL, plain_value, trades_of

EXACT = 1e-8
"""AR, CAR and exact errors agree within this, or the row says by how much not."""
CHECKED = 30
TEST_COUNTS = (300, 1_000, 3_000, 10_000, 30_000)
WORLDS = ((750, 24), (2_520, 200))
"""Sessions and events of the backtests."""
COMMAND = "`python benchmarks/peers.py`"


def our_studies(*arguments: str) -> tuple[Program, ...]:
    """Return our own studies as programs."""
    return tuple(
        Program(name, "study_ours.py", entry.what, sizes=entry.sizes, arguments=(name, *arguments))
        for name, entry in STUDIES.items()
        if entry.tests or "tests" not in arguments
    )


def our_backtests() -> tuple[Program, ...]:
    """Return our own backtests as programs."""
    return tuple(
        Program(name, "trade_ours.py", what, arguments=(name,))
        for name, (what, _) in BACKTESTS.items()
    )


def studies(given: argparse.Namespace, folder: Path) -> str:
    """Return the section on abnormal returns, CARs and errors."""
    ours = our_studies()
    most = max(max(program.sizes) for program in (*STUDY_PEERS, *PLAIN, *ours))
    work = make_work(given.sessions, given.tickers, most)
    work.save(folder / "work.npz")
    found = measure(
        (*STUDY_PEERS, *PLAIN, *ours), folder / "work.npz", given.envs, given.repeats, given.limit
    )
    titles = {program.title for program in ours}
    running = [m for m in found if not m.fault]
    own = [m for m in running if m.program.title in titles]
    peers = [m for m in running if m.program.pins]
    best = max(own, key=_rate, default=None)
    rows = [_study_row(m, best, work) for m in sorted(found, key=lambda m: -_rate(m))]
    header = (
        "program", "computes", "N", "seconds", "processor", "events/s", "ours, times as fast: wall",
        "processor", "AR, CAR off", "error of CAR off",
    )  # fmt: skip
    return (
        f"## Event studies, other programs\n\n{given.sessions:,} sessions, {given.tickers} tickers,"
        " market model, 250 sessions of estimation, window [-10, 10]; made returns. Each program "
        "in its own environment and at the number of events that suits it best, inputs made "
        f"beforehand; medians of {given.repeats} runs in turns on {os.cpu_count()} processors that "
        f"other work shared ({_load()}): the busier, the more is processor time to be trusted. "
        f"AR, CAR and errors are held against a plain numpy loop: 0 is within "
        f"{EXACT:.0e}. {_versions()}; {COMMAND}.\n\n{markdown_table(header, rows, 2)}\n\n"
        f"{_fastest(peers, best)}\n\n{_notes(STUDY_PEERS)}"
    )


def _notes(programs: Sequence[Program]) -> str:
    return "\n".join(f"- {p.title} ({p.licence}): {p.note}." for p in programs)


def _rate(measured: Measured) -> float:
    return 0.0 if measured.fault or not measured.runs else measured.count / measured.wall


def _study_row(measured: Measured, best: Measured | None, work: Work) -> tuple[str, ...]:
    program = measured.program
    if measured.fault:
        return (program.title, _cell(measured.fault), *[""] * 8)
    ratios = ("", "")
    if best is not None:
        mine = best.wall / best.count, best.processor / best.count
        theirs = measured.wall / measured.count, measured.processor / measured.count
        ratios = tuple(_times(b / a) for a, b in zip(mine, theirs, strict=True))
    return (
        program.title, program.what, f"{measured.count:,}", f"{measured.wall:.3g}",
        f"{measured.processor:.3g}", f"{_rate(measured):,.0f}", *ratios,
        *apart(measured.found, work),
    )  # fmt: skip


def apart(found: Mapping[str, np.ndarray], work: Work) -> tuple[str, str]:
    """Return how far AR and CAR, and the error of CAR, are from the plain loop."""
    count = len(found["car"])
    ar, car, se = plain_loop(work.returns, work.market, work.columns[:count], work.rows[:count])
    off = max(np.abs(found["ar"] - ar).max(), np.abs(found["car"] - car).max())
    share = found["se"] / se - 1.0
    worst = float(np.abs(share).max())
    error = "0" if worst < EXACT else f"{100 * float(np.median(share)):+.1f}%"
    return ("0" if off < EXACT else f"{off:.0e}"), error


def _fastest(peers: Sequence[Measured], best: Measured | None) -> str:
    if not peers or best is None:
        return "No ratio: a program is missing."
    peer = max(peers, key=_rate)
    wall = _rate(best) / _rate(peer)
    processor = peer.processor / peer.count / (best.processor / best.count)
    return (
        f"Fastest peer: {peer.program.title}, {_rate(peer):,.0f} events/s; {best.program.title}, "
        f"{_rate(best):,.0f}: {_times(wall)} times as fast in wall time, {_times(processor)} in "
        "processor time."
    )


def tests(given: argparse.Namespace, folder: Path) -> str:
    """Return the section on the tests that StatsPAI computes."""
    peer = next(program for program in STUDY_PEERS if program.name == "StatsPAI")
    programs = (peer, *our_studies("tests"))
    work = make_work(given.sessions, given.tickers, max(TEST_COUNTS))
    work.save(folder / "work.npz")
    repeats = max(1, given.repeats - 2)
    found = measure_at(
        programs, folder / "work.npz", given.envs, TEST_COUNTS, repeats, 3 * given.limit
    )
    header = ["N", *(f"{program.title}, s" for program in programs)]
    for program in programs[1:]:
        header += [f"{program.title}, times as fast: wall", "processor"]
    rows = [_tests_row(n, row) for n, row in found.items() if not all(m.fault for m in row)]
    names = ", ".join(f"`{own}`" for own in SAME_TESTS)
    return (
        f"## The same tests as StatsPAI\n\nThe work of the section before; {names}, of one window "
        f"there, of that window and each of its 21 days here. Medians of {repeats} "
        f"runs in turns ({_load()}); what would take too long, reckoned with the square of N, is "
        "not run. "
        f"{_versions()}; {COMMAND}.\n\n{markdown_table(header, rows)}\n\n"
        f"{at_best(list(found.values()))}\n\n{agreement(found[TEST_COUNTS[0]])}"
    )


def _tests_row(count: int, row: Sequence[Measured]) -> tuple[str, ...]:
    base = row[0]
    cells = [f"{count:,}"]
    cells += [_cell(m.fault) if m.fault else f"{m.wall:.3g}" for m in row]
    for measured in row[1:]:
        if measured.fault or base.fault:
            cells += ["", ""]
        else:
            wall, processor = base.wall / measured.wall, base.processor / measured.processor
            cells += [_times(wall), _times(processor)]
    return tuple(cells)


def at_best(rows: Sequence[Sequence[Measured]]) -> str:
    """Say each program's best events per second, whatever the number of events."""
    best = [max(column, key=_rate) for column in zip(*rows, strict=True)]
    if not _rate(best[0]):
        return f"No ratio: {best[0].program.title} gave no time."
    said = [f"Each at its best N: {_told_rate(best[0])}"]
    said += [
        f"{_told_rate(m)}, {_times(_rate(m) / _rate(best[0]))} times as fast"
        for m in best[1:]
        if _rate(m)
    ]
    return "; ".join(said) + "."


def _told_rate(measured: Measured) -> str:
    return f"{measured.program.title}, {_rate(measured):,.0f} events/s (N = {measured.count:,})"


def agreement(row: Sequence[Measured]) -> str:
    """Say how far our tests are from StatsPAI's on the same events."""
    if not row[0].found:
        return "No agreement was looked at: StatsPAI gave no output."
    theirs = row[0].found
    said = []
    for own in row[1:]:
        if not own.found:
            continue
        parts = []
        for name in SAME_TESTS.values():
            # The signed-rank statistic is a sum here and a z there: the p-values are of one kind.
            key = f"p_{name}" if name == "sign_rank" else f"test_{name}"
            off = abs(float(own.found[key]) - float(theirs[key]))
            what = f"`{name}`{' (p)' if name == 'sign_rank' else ''}"
            parts.append(f"{what} {'0' if off < EXACT else f'{off:.1e}'}")
        count = row[0].count
        said.append(f"{own.program.title} against it, {count} events: {', '.join(parts)}.")
    said.append(
        "Adjusted Patell and Kolari-Pynnonen differ by definition: correlations are weighted here "
        "by the sessions that the tested windows of two events share, there all alike. With one "
        "date for all events they agree (tests/oracles)."
    )
    return "\n".join(said)


def backtests(given: argparse.Namespace, folder: Path) -> str:
    """Return the section on backtests."""
    programs = (*TRADE_PEERS, *our_backtests())
    columns: list[list[str]] = [[p.title for p in programs], [p.what for p in programs]]
    header = ["program", "computes"]
    for sessions, events in WORLDS:
        trades = trades_of(make_world(sessions, events))
        np.savez(folder / "trades.npz", **vars(trades))
        found = measure(programs, folder / "trades.npz", given.envs, given.repeats, given.limit)
        header += [f"{sessions:,} sessions, {events} events: ms", "times as fast", "value off"]
        base = found[0]
        cells = [_trade_cells(m, base, plain_value(trades)) for m in found]
        columns += [list(part) for part in zip(*cells, strict=True)]
    rows = list(zip(*columns, strict=True))
    return (
        "## Backtests, other programs\n\n10 tickers; each event is long one and short another, "
        "sized at the close of session 0, filled at the next open, held for ten sessions, 1 bp of "
        "commission and no other cost. Wall time of the computation, medians of "
        f"{given.repeats} runs in turns ({_load()}); times as fast as stock backtrader; the "
        "final value is "
        "held against arithmetic, as a share of the capital. bt and vectorbt are given shares that "
        "were decided beforehand, and bt opens as its only prices, so that its daily values are "
        f"those of opens; neither knows borrow fees. {_versions()}; {COMMAND}.\n\n"
        f"{markdown_table(header, rows, 2)}"
    )


def _trade_cells(measured: Measured, base: Measured, value: float) -> tuple[str, str, str]:
    if measured.fault:
        return _cell(measured.fault), "", ""
    off = abs(float(measured.found["final"]) - value) / CAPITAL
    faster = "" if base.fault else _times(base.wall / measured.wall)
    return _milliseconds(measured.wall), faster, "0" if off < EXACT else f"{off:.0e}"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.0f}" if seconds >= 0.1 else f"{1000 * seconds:.3g}"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 20 else f"{ratio:.2g}"


def _cell(text: str) -> str:
    """Return a text that does not break a table."""
    plain = " ".join(text.replace("|", "/").split())
    return plain if len(plain) <= 120 else f"{plain[:117]}..."


def _load() -> str:
    return f"load {os.getloadavg()[1]:.1f}"


def _versions() -> str:
    own = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pandas"))
    return f"Python {platform.python_version()}, {own}"


SECTIONS: Mapping[str, Callable[[argparse.Namespace, Path], str]] = {
    "studies": studies,
    "tests": tests,
    "backtests": backtests,
}
"""What --only names."""
