"""`sweep`: one strategy at many parameters, in parallel, resumable, none forgotten."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventstudy.backtest.library import Strategy, resolve_strategies
from eventstudy.backtest.plan import appointments
from eventstudy.backtest.setup import Setup, set_up
from eventstudy.backtest.sweep.cargo import Cargo, blueprint_of, cargo_of, setup_digest
from eventstudy.backtest.sweep.kept import Kept
from eventstudy.backtest.sweep.result import SweepResult
from eventstudy.backtest.sweep.space import Space, grid, random_points
from eventstudy.backtest.sweep.work import Ended, run_batch, run_variants
from eventstudy.errors import BacktestError, UnknownNameError
from eventstudy.models.contract import Progress, unwatched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eventstudy.backtest.strategy import EventStrategy
    from eventstudy.events.event import Event
    from eventstudy.prices.table import PriceTable

BATCHES_A_WORKER = 8
LARGEST_BATCH = 500
Numbered = Sequence[tuple[int, Mapping[str, Any]]]


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Attributes
    ----------
    strategy : Strategy
    variants : tuple of mapping
        Parameters that differ, one a variant.
    first, last : int
        Rows of the setup's table between which every account is kept.
    """

    strategy: Strategy
    variants: tuple[Mapping[str, Any], ...]
    first: int
    last: int


def sweep(
    events: Iterable[Event],
    prices: PriceTable,
    strategy: str | type[EventStrategy] | Strategy,
    over: Space,
    *,
    random: int | None = None,
    folder: str | Path | None = None,
    jobs: int = -1,
    scheduler: str | None = None,
    resume: str | Path | None = None,
    progress: Progress = unwatched,
    **options: Any,
) -> SweepResult:
    """Run one strategy at many parameters and keep every one of them.

    All variants trade the same events on the same sessions, so that their returns can be
    compared; the number of variants enters every statement about the best one.

    Parameters
    ----------
    events : EventCalendar or iterable of Event
    prices : PriceTable
    strategy : str, class or Strategy
        As in `backtest`, one of them.
    over : mapping of str to sequence
        Values of each parameter: a grid of all combinations.
    random : int, optional
        So many random points instead of the grid; two numbers are then a range.
    folder : path, optional
        A folder of strategies, searched before the shipped ones.
    jobs : int
        Processes on this machine; -1 for one a core, 1 for none beside this one.
    scheduler : str, optional
        Address of a Dask cluster, ``tcp://...``; needs the packages of the extra `cluster`.
    resume : path, optional
        A folder that keeps what has been run: variants found there are not run again.
    progress : Progress
    **options
        Costs, capital, benchmark, baskets, risk_free, limits, shortable, seed as in
        `backtest`.

    Returns
    -------
    SweepResult

    Raises
    ------
    BacktestError
        Where nothing can be traded, a parameter is at fault, or the strategy has no source
        file and several processes are asked for.
    """
    setup = set_up(events, prices, **options)
    chosen = resolve_strategies(strategy, folder)
    if len(chosen) != 1:
        raise BacktestError(f"a sweep runs one strategy; {len(chosen)} are given")
    seed = int(options.get("seed", 0))
    points = grid(over) if random is None else random_points(over, random, seed)
    plan = plan_of(setup, chosen[0], points)
    kept = Kept(resume, _key(setup, plan)) if resume is not None else None
    ended = list(kept.found().values()) if kept else []
    done = {item.number for item in ended}
    left = [(i, point) for i, point in enumerate(plan.variants) if i not in done]
    what = f"sweeping {chosen[0].name}"
    progress(what, len(done), len(plan.variants))
    for batch in _run(setup, plan, left, jobs, scheduler):
        if kept:
            kept.add(batch)
        ended += batch
        progress(what, len(ended), len(plan.variants))
    return SweepResult.of(setup, plan.strategy, plan.variants, plan.first, plan.last, ended)


def plan_of(setup: Setup, strategy: Strategy, points: Sequence[Mapping[str, Any]]) -> Plan:
    """Return the variants and the sessions on which all of them are kept.

    Raises
    ------
    UnknownNameError
        For a parameter that the strategy does not have.
    BacktestError
        Where no variant can act on any event.
    """
    unknown = [name for name in points[0] if name not in strategy.parameters]
    if unknown:
        raise UnknownNameError(f"parameter of {strategy.name}", unknown[0], strategy.parameters)
    days = setup.market.table.dates
    first, last = len(days), 0
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    for point in points:
        given = {**strategy.parameters, **point}
        key = (given["entry"], given["hold"])
        if key not in spans and all(isinstance(value, int) for value in key):
            agenda, _ = appointments(setup.events, days, given)
            rows = [(item.decision, item.exit) for item in agenda]
            spans[key] = (min(r[0] for r in rows), max(r[1] for r in rows)) if rows else (first, 0)
            first, last = min(first, spans[key][0]), max(last, spans[key][1])
    if first >= len(days):
        raise BacktestError("no variant can act on any event within these prices")
    return Plan(strategy, tuple(points), first, min(last, len(days) - 1))


def _key(setup: Setup, plan: Plan) -> str:
    """Return what a kept result stands for: setup, strategy and sessions."""
    told = f"{plan.strategy.digest}{plan.strategy.cls.__name__}{plan.first}{plan.last}"
    parameters = json.dumps(dict(plan.strategy.parameters), sort_keys=True, default=str)
    variants = json.dumps([dict(v) for v in plan.variants], sort_keys=True, default=str)
    text = setup_digest(setup) + told + parameters + variants
    return hashlib.sha256(text.encode()).hexdigest()


def _run(
    setup: Setup, plan: Plan, left: Numbered, jobs: int, scheduler: str | None
) -> Iterator[list[Ended]]:
    """Yield the ends of variants, batch by batch, as they come."""
    if not left:
        return
    if jobs == 1 and scheduler is None:
        for item in left:
            yield run_variants(setup, plan.strategy, [item], plan.first, plan.last)
        return
    from joblib import Parallel, cpu_count, delayed

    blueprint = blueprint_of(plan.strategy)
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sweep-")))
            cargo, workers = cargo_of(setup, folder), cpu_count() if jobs < 1 else jobs
            parallel = Parallel(n_jobs=workers, return_as="generator_unordered")
        else:
            cargo = cargo_of(setup, None)
            parallel, workers = _on_cluster(stack, scheduler, cargo)
        yield from parallel(
            delayed(run_batch)(cargo, blueprint, batch, plan.first, plan.last)
            for batch in batches(left, workers)
        )


def batches(left: Numbered, workers: int) -> list[Numbered]:
    """Return variants in batches: several a worker, so that none waits long for the last."""
    size = min(LARGEST_BATCH, math.ceil(len(left) / (workers * BATCHES_A_WORKER)))
    return [left[i : i + size] for i in range(0, len(left), size)]


def _on_cluster(
    stack: contextlib.ExitStack, scheduler: str, cargo: Cargo
) -> tuple[Callable[..., Any], int]:
    """Return joblib's way to a Dask cluster, and how many workers it has."""
    from joblib import Parallel, parallel_config

    try:
        from distributed import Client
    except ImportError as error:
        raise BacktestError(
            "a scheduler needs Dask: install eventstudy-backtester[cluster]"
        ) from error
    try:
        client: Any = Client  # untyped
        client = stack.enter_context(client(scheduler, timeout=10, set_as_default=True))
    except OSError as error:
        raise BacktestError(f"no Dask scheduler answers at {scheduler}: {error}") from error
    workers = sum(client.nthreads().values())
    if not workers:
        raise BacktestError(f"the Dask scheduler at {scheduler} has no worker")
    stack.enter_context(parallel_config("dask", scatter=[cargo], wait_for_workers_timeout=30))
    return Parallel(n_jobs=workers, return_as="generator_unordered"), workers
