"""`audit`: whether a strategy decides on what it could not know."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eventstudy.backtest.costs import Costs
from eventstudy.backtest.library import Strategy, resolve_strategies
from eventstudy.backtest.limits import Limits
from eventstudy.backtest.plan import summed_up
from eventstudy.backtest.replay.authors import author_of
from eventstudy.backtest.replay.checks import (
    Check,
    Task,
    attributed,
    checked,
    cuts_of,
    opened,
    spread,
)
from eventstudy.backtest.replay.result import NOTHING, AuditResult, checks_frame, verdict_of
from eventstudy.backtest.replay.sources import opens_something, sources_of
from eventstudy.backtest.replay.world import World
from eventstudy.backtest.setup import set_up
from eventstudy.baskets import Baskets
from eventstudy.errors import BacktestError
from eventstudy.events.event import Event
from eventstudy.models.contract import Progress, unwatched
from eventstudy.prices.table import PriceTable

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

FEWEST_TO_SPREAD = (3, 40)
"""Strategies, and cuts, that are worth the start of other processes."""


def audit(
    events: Iterable[Event],
    prices: PriceTable,
    strategies: Any,
    *,
    costs: Costs | None = None,
    capital: float = 1_000_000.0,
    benchmark: str = "SPY",
    baskets: Baskets | None = None,
    risk_free: float | pd.Series | Floats | None = None,
    limits: Limits | None = None,
    shortable: Mapping[str, bool] | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    cuts: int | None = None,
    draws: int = 1,
    jobs: int = -1,
    progress: Progress = unwatched,
) -> AuditResult:
    """Show that no decision, fill or account depends on what came later; name the first that does.

    Each strategy is run in full through Cerebro, and again for every session on which it
    decides, on prices and calendar cut there; and once on a future that is made up until it
    comes, session by session. Decisions (orders, sizes, reasons not to trade), fills and the
    account must be the same to the last digit. Where they are not, a replay for every cut,
    with everything later changed at random, has the last word.

    Parameters
    ----------
    events, prices, strategies
        As in `backtest`.
    costs, capital, benchmark, baskets, risk_free, limits, shortable
        As in `backtest`.
    seed : int
        As in `backtest`; it also draws the changes.
    folder : path, optional
        As in `backtest`.
    cuts : int, optional
        Number of sessions with decisions to cut after, drawn at random; default: all.
    draws : int
        Number of random futures.
    jobs : int
        Processes; -1 for one a processor. Strategies from files travel as text and are
        loaded anew for every run; a class handed over by a program stays in this process.
    progress : callable
        Told what is being done, how many are done and how many there are.

    Returns
    -------
    AuditResult

    Raises
    ------
    BacktestError
        As `backtest`; or a number out of range.
    UnknownNameError
        For a strategy or parameter that does not exist.

    Notes
    -----
    Of an event whose session 0 lies after a cut, the row is taken away or changed; where
    `known_on` says that its date was public, the row stays and its content (`expects`) is
    taken away or reversed.

    A file that a strategy reads for itself cannot be changed here: what its text opens is
    listed in ``sources``, and the strategy is ``unproven`` where nothing else differs. One that
    gives other answers to the same inputs (randomness without the seed of ``self.rng``) is
    ``not reproducible``, and no replay can tell whether it peeks.
    """
    started = time.perf_counter()
    _check_numbers(cuts, draws, jobs)
    chosen = resolve_strategies(strategies, folder)
    setup = set_up(
        events,
        prices,
        costs=costs,
        capital=capital,
        benchmark=benchmark,
        baskets=baskets,
        risk_free=risk_free,
        limits=limits,
        shortable=shortable,
        seed=seed,
    )
    world = World(setup, setup.market.table.dates)
    tasks, notes = _tasks(chosen, world, draws)
    found = _checks(tasks, cuts, jobs, progress)
    sources = {s.name: sources_of(s) for s in chosen}
    verdicts = {
        name: verdict_of(found[name], opens_something(read)) if name in tasks else NOTHING
        for name, read in sources.items()
    }
    return AuditResult(
        checks_frame(found, world.days),
        MappingProxyType(verdicts),
        MappingProxyType(sources),
        notes,
        MappingProxyType(_asked(chosen, world, cuts, draws)),
        time.perf_counter() - started,
    )


def _check_numbers(cuts: int | None, draws: int, jobs: int) -> None:
    faults = []
    if cuts is not None and cuts < 1:
        faults.append(f"cuts is {cuts}: give at least 1, or none for all")
    if draws < 1:
        faults.append(f"draws is {draws}: give at least 1")
    if jobs == 0 or jobs < -1:
        faults.append(f"jobs is {jobs}: give a number of processes, or -1 for one a processor")
    if faults:
        raise BacktestError("; ".join(faults))


def _tasks(
    chosen: tuple[Strategy, ...], world: World, draws: int
) -> tuple[dict[str, Task], tuple[str, ...]]:
    """Return the strategies that decide on anything, and a note on each of the others."""
    tasks, notes = {}, []
    for strategy in chosen:
        agenda, skipped = world.agenda(strategy)
        if agenda:
            first = min(item.decision for item in agenda)
            tasks[strategy.name] = Task(uuid.uuid4().hex, author_of(strategy), world, first, draws)
        else:
            notes.append(f"{strategy.name} decides on no event: {summed_up(skipped)}.")
    if not tasks:
        raise BacktestError(" ".join(notes))
    return tasks, tuple(notes)


def _checks(
    tasks: Mapping[str, Task], cuts: int | None, jobs: int, progress: Progress
) -> dict[str, list[Check]]:
    """Return the checks of each strategy by name, in the order of cuts."""
    whole = [(task,) for task in tasks.values()]
    workers = jobs if len(whole) >= FEWEST_TO_SPREAD[0] else 1
    openings = _told(opened, whole, workers, "running on the full data", progress)
    found = {name: list(o.checks) for name, o in zip(tasks, openings, strict=True)}
    work = [
        (task, cut)
        for task, opening in zip(tasks.values(), openings, strict=True)
        for cut in cuts_of(task, opening, cuts)
    ]
    workers = jobs if len(work) >= FEWEST_TO_SPREAD[1] else 1
    several = _told(checked, work, workers, "replaying", progress)
    for (task, _), checks in zip(work, several, strict=True):
        found[task.author.name] += checks
    for name, task in tasks.items():
        _attribute(task, found[name])
    return found


def _told(
    do: Callable[..., Any],
    work: Sequence[tuple[Any, ...]],
    jobs: int,
    what: str,
    progress: Progress,
) -> list[Any]:
    progress(what, 0, len(work))
    found = []
    for answer in spread(do, work, jobs):
        found.append(answer)
        progress(what, len(found), len(work))
    return found


def _attribute(task: Task, checks: list[Check]) -> None:
    """Look into the check that shows the first difference."""
    found = ((i, check.difference) for i, check in enumerate(checks))
    order = [(d.what != "decision", d.row, d.place, i) for i, d in found if d is not None]
    if order:
        *_, first = min(order)
        checks[first] = attributed(task, checks[first])


def _asked(
    chosen: tuple[Strategy, ...], world: World, cuts: int | None, draws: int
) -> dict[str, object]:
    table = world.table
    return {
        **world.setup.told,
        "start": str(world.days[0]),
        "end": str(world.days[-1]),
        "cuts": "all" if cuts is None else cuts,
        "draws": draws,
        "events": {e.event_id: str(e.session_0("next")) for e in world.setup.events},
        "prices": {ticker: table.digest(ticker) for ticker in table.tickers},
        "strategies": {
            s.name: {
                "class": s.cls.__name__,
                "file": s.file,
                "sha256": s.digest if s.source else "",
                "parameters": dict(s.parameters),
            }
            for s in chosen
        },
    }
