"""`sweep`: one strategy at many parameters, in parallel, resumable, none forgotten."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventstudy.backtest.costs import Costs
from eventstudy.backtest.library import Strategy, inherited, resolve_strategies
from eventstudy.backtest.limits import Limits
from eventstudy.backtest.parameters import checked
from eventstudy.backtest.plan import appointments
from eventstudy.backtest.setup import Setup, plans_of, set_up
from eventstudy.backtest.sweep.cargo import blueprint_of, refuse_while_reading, setup_digest
from eventstudy.backtest.sweep.kept import Kept
from eventstudy.backtest.sweep.result import FIGURES, SweepResult
from eventstudy.backtest.sweep.space import Range, Space, grid, random_points
from eventstudy.backtest.sweep.work import (
    Bench,
    Ended,
    Load,
    Numbered,
    lost_variant,
    origin_of,
    run_variant,
)
from eventstudy.baskets import Baskets
from eventstudy.errors import BacktestError, UnknownNameError, did_you_mean
from eventstudy.models.contract import Progress, unwatched
from eventstudy.provenance import code_digest, versions
from eventstudy.workers import WorkersError, crew, processors

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from eventstudy.backtest.strategy import EventStrategy
    from eventstudy.events.event import Event
    from eventstudy.prices.table import PriceTable

COLUMNS = ("variant", *FIGURES, "engine", "error")


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
    cluster: str | None = None,
    scheduler: str | None = None,
    resume: str | Path | None = None,
    progress: Progress = unwatched,
    costs: Costs | None = None,
    capital: float = 1_000_000.0,
    benchmark: str = "SPY",
    baskets: Baskets | None = None,
    risk_free: float | pd.Series | npt.NDArray[np.float64] | None = None,
    limits: Limits | None = None,
    shortable: Mapping[str, bool] | None = None,
    seed: int = 0,
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
    over : mapping of str to sequence or Range
        Values of each parameter: a grid of all combinations.
    random : int, optional
        So many random points instead of the grid; a `Range` is drawn from uniformly.
    folder : path, optional
        A folder of strategies, searched before the shipped ones.
    jobs : int
        Processes on this machine; -1 for one a core, 1 for none beside this one.
    cluster : str, optional
        Address of a Dask cluster, ``tcp://host:8786``, instead of processes of this machine;
        needs the packages of the extra `cluster`.
    scheduler : str, optional
        The same, by its older name.
    resume : path, optional
        A folder that keeps what has been run: variants found there are not run again. What
        is found belongs to the same events, prices, costs, file of the strategy, files of the
        classes that it derives from, variants and versions; a file that a strategy reads or
        imports by itself is not known. A class typed into a session has no file: refused.
    progress : Progress
    costs, capital, benchmark, baskets, risk_free, limits, shortable
        As in `backtest`.
    seed : int
        Of each variant's ``rng``, of random points and of the reality check.

    Returns
    -------
    SweepResult

    Raises
    ------
    BacktestError
        Where nothing can be traded, parameters do not exist or none of their values is
        allowed, or the strategy has no source file and several processes or `resume` are
        asked for.
    """
    refuse_while_reading()
    _check_jobs(jobs)
    cluster = cluster or scheduler
    chosen = resolve_strategies(strategy, folder)
    if len(chosen) != 1:
        raise BacktestError(f"a sweep runs one strategy; {len(chosen)} are given")
    points = grid(over) if random is None else random_points(over, random, seed)
    _check_names(chosen[0], points[0])
    _check_values(chosen[0], over)
    if resume is not None:
        _check_source(chosen[0])
    setup = set_up(
        events, prices, costs=costs, capital=capital, benchmark=benchmark, baskets=baskets,
        risk_free=risk_free, limits=limits, shortable=shortable, seed=seed,
    )  # fmt: skip
    plan = plan_of(setup, chosen[0], points)
    key = key_of(setup, plan)
    with Kept(resume, key) as kept:
        found = kept.found()
        ended = list(found.values())
        left = [(i, point) for i, point in enumerate(plan.variants) if i not in found]
        what = f"sweeping {chosen[0].name}" + (f" ({len(found)} were there)" if found else "")
        if cluster is not None:
            progress(f"asking the Dask scheduler at {cluster}", len(ended), len(points))
        progress(what, len(ended), len(points))
        for batch in _run(setup, plan, left, jobs, cluster):
            kept.add(batch)
            ended += batch
            progress(what, len(ended), len(points))
    asked = {"over": {name: _told(given) for name, given in over.items()}, "random": random}
    return SweepResult.of(
        setup, plan.strategy, plan.variants, plan.first, plan.last, ended, key, len(found), asked
    )


def _check_jobs(jobs: int) -> None:
    if jobs < 1 and jobs != -1:
        raise BacktestError(f"jobs {jobs}; allowed: 1 or more, or -1 for one a core")


def _check_source(strategy: Strategy) -> None:
    """Refuse to keep results of a class without a text: another one of its name has them too."""
    if not strategy.source:
        raise BacktestError(
            f"{strategy.name} has no source file by which kept results are known as its own, for "
            "it was typed into a session: put it into a file, or sweep without resume"
        )


def _told(given: Any) -> Any:
    """Return the values of a parameter as a manifest writes them."""
    if hasattr(given, "tolist"):
        return given.tolist()
    return list(given) if isinstance(given, Sequence) else str(given)


def _check_names(strategy: Strategy, point: Mapping[str, Any]) -> None:
    """Refuse parameters that the strategy does not have, or whose names are taken."""
    unknown = [name for name in point if name not in strategy.parameters]
    taken = [name for name in point if name in COLUMNS and name not in unknown]
    if taken:
        raise BacktestError(
            f"{strategy.name}: {', '.join(taken)} is also the name of a figure of every sweep; "
            "give the parameter another one"
        )
    if len(unknown) == 1:
        raise UnknownNameError(f"parameter of {strategy.name}", unknown[0], strategy.parameters)
    if unknown:
        told = ", ".join(f"{name!r}{did_you_mean(name, strategy.parameters)}" for name in unknown)
        known = ", ".join(sorted(strategy.parameters))
        raise BacktestError(f"unknown parameters of {strategy.name}: {told}; known: {known}")


def _check_values(strategy: Strategy, over: Space) -> None:
    """Refuse parameters that are fixed too, and values that no variant could run with.

    A value that is wrong beside some others alone is left to its variants.
    """
    defaults = checked(strategy.cls, {})
    faults = [
        f"{name} is fixed at {strategy.parameters[name]!r} and varied: leave out one"
        for name in over
        if strategy.parameters[name] != defaults[name]
    ]
    for name, given in over.items():
        values = (given.low, given.high) if isinstance(given, Range) else given
        for value in values:
            try:
                checked(strategy.cls, {**strategy.parameters, name: value})
            except BacktestError as error:
                fault = str(error).partition(": ")[2]
                faults += [fault] if fault.startswith(f"{name} is ") else []
    if faults:
        raise BacktestError(f"sweep of {strategy.name}: " + "; ".join(faults))


def plan_of(setup: Setup, strategy: Strategy, points: Sequence[Mapping[str, Any]]) -> Plan:
    """Return the variants and the sessions on which all of them are kept.

    Raises
    ------
    BacktestError
        Where no variant can act on any event.
    """
    days = setup.market.table.dates
    rows: list[int] = []
    faults: dict[str, None] = {}
    timed: list[Strategy] = []
    for given in _timings(strategy, points):
        try:
            parameters = checked(strategy.cls, {**strategy.parameters, **given})
        except BacktestError as error:
            faults[str(error)] = None
            continue
        timed.append(strategy.with_parameters(given))
        agenda, _ = appointments(setup.events, days, parameters)
        rows += [row for item in agenda for row in (item.decision, item.exit)]
    if not timed:
        raise BacktestError("no variant can be run: " + "; ".join(faults))
    if not rows:
        plans_of(setup, timed[:1])  # says why
        raise BacktestError("no variant can act on any event within these prices")
    return Plan(strategy, tuple(points), min(rows), min(max(rows), len(days) - 1))


def _timings(strategy: Strategy, points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the different entries and holds of all points."""
    own = strategy.parameters
    found: dict[str, dict[str, Any]] = {}
    for point in points:
        given = {name: point.get(name, own[name]) for name in ("entry", "hold")}
        found.setdefault(repr(given), given)
    return list(found.values())


def key_of(setup: Setup, plan: Plan) -> str:
    """Return what a kept result stands for: setup, strategy, variants, sessions, versions, code."""
    parts = [
        setup_digest(setup),
        plan.strategy.digest,
        plan.strategy.cls.__qualname__,
        *inherited(plan.strategy.cls),
        _json(dict(plan.strategy.parameters)),
        _json([dict(point) for point in plan.variants]),
        f"{plan.first} {plan.last}",
        _json(versions()),
        code_digest(),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _run(
    setup: Setup, plan: Plan, left: Numbered, jobs: int, cluster: str | None
) -> Iterator[list[Ended]]:
    """Yield the ends of variants, batch by batch, as they come."""
    if not left:
        return
    if jobs == 1 and cluster is None:
        bench = Bench(setup, plan.strategy, plan.first, plan.last)
        for item in left:
            yield bench.run([item])
        return
    blueprint = blueprint_of(plan.strategy, origin_of(plan.strategy))
    load = Load(setup, blueprint, plan.first, plan.last)
    workers = min(processors() if jobs == -1 else jobs, len(left))
    try:
        with crew(load, cluster=cluster, jobs=workers) as hands:
            for batch in hands.batches(
                run_variant, left, word="variant", tries=1, lost=lost_variant
            ):
                yield [ended for _, ended in batch]
    except WorkersError as error:
        raise BacktestError(str(error)) from error
