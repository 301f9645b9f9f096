"""Events, prices and models joined part by part; see `eventstudy.study.event_study`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.models.contract import (
    BENCHMARK,
    REFERENCE,
    Progress,
    Recipe,
    needs_of,
    recipe_of,
    unwatched,
)
from eventstudy.prices.table import PriceTable
from eventstudy.significance import TESTS, SignificanceTest, find_tests
from eventstudy.streaming.engine import SINGLES, go_over
from eventstudy.streaming.fits import FAULTS
from eventstudy.streaming.ground import lay_ground
from eventstudy.streaming.ranks import WIDEST
from eventstudy.streaming.second import POOLS
from eventstudy.streaming.verdicts import STREAMED, Totals
from eventstudy.streaming.world import World
from eventstudy.study.asked import grid_of
from eventstudy.study.config import StudyConfig
from eventstudy.study.large.each import each_event
from eventstudy.study.large.observed import (
    BITS,
    Lost,
    Observed,
    basket_faults,
    counted,
    groups,
    observe,
)
from eventstudy.study.large.overlapping import POLICIES, apply_policy
from eventstudy.study.large.result import Counted, LargeStudy
from eventstudy.workers import Hands, crew

if TYPE_CHECKING:
    from eventstudy.events import EventCalendar

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def large_study(
    events: EventCalendar,
    prices: PriceTable,
    config: StudyConfig,
    tests: tuple[SignificanceTest, ...],
    *,
    strict: bool = False,
    out: str | Path | None = None,
    tables: Sequence[str] = ("cars",),
    jobs: int = 1,
    cluster: str | None = None,
    progress: Progress = unwatched,
) -> LargeStudy:
    """Answer a question of any number of events.

    Parameters
    ----------
    events, prices, config, tests
        As checked by `eventstudy.study.event_study`.
    strict : bool
        Whether anything left out is an error.
    out : path, optional
        Folder for the tables of single events, Parquet by parts.
    tables : sequence of {"cars", "abnormal"}
        Which of them are written there.
    jobs : int
        Threads; -1 is one a processor.
    cluster : str, optional
        Address of a Dask scheduler.
    progress : callable

    Returns
    -------
    LargeStudy

    Raises
    ------
    StudyError
        Where the question needs what this engine has not: baskets, models that are no linear
        regression on common series, tests that draw; or nothing is left.
    """
    started = time.perf_counter()
    recipes = _recipes(config, tests, events)
    tables = (tables,) if isinstance(tables, str) else tables
    grid = grid_of(events.sessions, prices)
    returns = prices.returns_on(grid.days)
    found, lost = observe(events, prices.tickers, returns, grid.days, config.observed, config.frame)
    found, left = apply_policy(found, config.overlap, config.frame)
    keep, own = _own_references(found, config)
    found, lost = found.take(keep), [*lost, *left, *own]
    blocked = _blocked(events, config, prices.tickers, grid.days)
    common = _common(config, prices, returns, grid.days)
    used, column = np.unique(found.column, return_inverse=True)
    if config.returns == "log":
        returns = np.log1p(returns, out=returns)
    ground = lay_ground(
        returns[:, used], common, config.frame,
        None if blocked is None else blocked[:, used],
    )  # fmt: skip
    del returns
    masks = config.frame.masks(config.frame.all_windows)
    world = World(ground, recipes, masks, config.convention, config.returns == "log")
    study = LargeStudy(
        events=events, prices=prices, config=config, tests_asked=tests, days=grid.days,
        labels=found.labels, observed=0, alignments=(), counted=(), lost=tuple(lost),
        folder=None if out is None else Path(out), written=() if out is None else tuple(tables),
        seconds=0.0,
    )  # fmt: skip

    def accept(sound: Observed, unfit: list[Lost], worst: dict[str, float]) -> LargeStudy:
        held = replace(
            study, observed=len(sound), alignments=sound.alignments, lost=(*study.lost, *unfit),
            conditions=worst,
        )  # fmt: skip
        held.require_something(strict)
        return held

    with crew(world, cluster=cluster, jobs=jobs, threads=True, progress=progress) as hands:
        at = column.ravel().astype(np.int64)
        sound, study = each_event(hands, found, at, events, grid.days, out, tables, accept)
        kept = found.take(sound)
        if out is not None and kept.alignments != found.alignments:
            # The only events with two readings were lost: the others are written once each.
            each_event(hands, kept, at[sound], events, grid.days, out, tables, lambda *_: study)
        totals = _groups(hands, kept, at[sound], events, config, tests)
    return replace(study, counted=totals, seconds=time.perf_counter() - started)


def closed_forms(
    tests: Iterable[str | SignificanceTest] | None,
) -> tuple[SignificanceTest, ...]:
    """Return tests by name or as they are; by default all that this engine has.

    Raises
    ------
    UnknownNameError
        Where there is no such name.
    """
    return find_tests(STREAMED if tests is None else tests)


def _recipes(
    config: StudyConfig, tests: tuple[SignificanceTest, ...], events: EventCalendar
) -> dict[str, Recipe]:
    """Return the recipe of each model; all that this engine lacks is told at once."""
    recipes = {model.name: recipe_of(model) for model in config.models}
    lacking = [name for name, recipe in recipes.items() if recipe is None]
    lacking += [m.name for m in config.models if (needs_of(m).reference or "").startswith("@")]
    drawing = [test.name for test in tests if test.name not in STREAMED]
    own = [t.name for t in tests if t.name in STREAMED and type(t) is not type(TESTS[t.name])]
    faults = []
    if lacking:
        faults.append(
            f"models {', '.join(lacking)}: it takes linear models whose regressors are the same "
            "for every security (mean, market-adjusted, market, factor models, adjusted:TICKER, "
            "industry:TICKER)"
        )
    if drawing:
        faults.append(f"tests {', '.join(drawing)}: it has {', '.join(STREAMED)}")
    if own:
        faults.append(f"tests {', '.join(own)}: objects of your own; it has the shipped ones alone")
    if config.overlap not in POLICIES:
        faults.append(f"overlap {config.overlap}: it has {', '.join(POLICIES)}")
    faults += [
        said for said in (_too_wide(config, tests), basket_faults(events, config.observed)) if said
    ]
    if faults:
        raise StudyError(f"engine streamed: {'; '.join(faults)}")
    return {m.name: _naming(recipes[m.name], needs_of(m).reference) for m in config.models}


def _too_wide(config: StudyConfig, tests: tuple[SignificanceTest, ...]) -> str:
    """Return where an event has more numbers than ranks are kept for, or an empty string."""
    ranked = [t.name for t in tests if t.name in POOLS or t.name in SINGLES]
    frame = config.frame
    wide = frame.estimation + 4 * len(frame.days) + len(frame.windows)
    if not ranked or wide <= WIDEST:
        return ""
    return (
        f"{', '.join(ranked)} rank {WIDEST} numbers an event at most, and estimation + 4 days of "
        f"the windows' hull + windows are {wide}: take shorter windows, or leave these tests out"
    )


def _naming(recipe: Recipe | None, reference: str | None) -> Recipe:
    """Return a recipe that names the series of its own reference."""
    if recipe is None:  # asked before
        raise ValueError("a model without a recipe cannot be streamed")
    if reference is None:
        return recipe
    own = REFERENCE + reference
    regressors = tuple(own if name == REFERENCE else name for name in recipe.regressors)
    offset = own if recipe.offset == REFERENCE else recipe.offset
    return replace(recipe, regressors=regressors, offset=offset)


def _common(
    config: StudyConfig, prices: PriceTable, returns: Floats, days: npt.NDArray[np.datetime64]
) -> dict[str, Floats]:
    """Return the series that recipes name, on the grid."""
    from eventstudy.study.panel import factor_series

    log = config.returns == "log"

    def series(ticker: str) -> Floats:
        found = returns[:, prices.column(ticker)]
        return np.log1p(found) if log else found.copy()

    needs = [needs_of(model) for model in config.models]
    found = dict(factor_series(sorted({f for n in needs for f in n.factors}), days, config))
    if config.benchmark is not None:
        found[BENCHMARK] = series(config.benchmark)
    for need in needs:
        if need.reference is not None:
            if need.reference not in prices:
                what = f"reference {need.reference}: ticker"
                raise UnknownNameError(what, need.reference, prices.tickers)
            found[REFERENCE + need.reference] = series(need.reference)
    return found


def _own_references(found: Observed, config: StudyConfig) -> tuple[Bools, list[Lost]]:
    """Return which observations are no reference themselves, and the others as lost."""
    keep, lost = np.ones(len(found), dtype=bool), []
    for model in config.models:
        reference = needs_of(model).reference
        if reference is None or reference not in found.labels:
            continue
        own = np.flatnonzero(found.label == found.labels.index(reference))
        keep[own] = False
        none = np.zeros(len(own), dtype=np.int64)
        lost.append(
            Lost(
                FAULTS[0], found.event[own], found.label[own], found.position[own], none, model.name
            )
        )
    return keep, lost


def _blocked(
    events: EventCalendar,
    config: StudyConfig,
    tickers: tuple[str, ...],
    days: npt.NDArray[np.datetime64],
) -> Bools | None:
    """Return the sessions that leave the estimation windows of each ticker, (S, N), if any."""
    if config.estimation_excludes == "none":
        return None
    columns = events.columns()
    place = {ticker: i for i, ticker in enumerate(tickers)}
    own = np.array([place.get(name, -1) for name in columns.names], dtype=np.int64)[columns.main]
    blocked = np.zeros((len(days) + 2, len(tickers)), dtype=bool)
    sessions = events.sessions
    if sessions is None:
        return None
    at = np.searchsorted(days, sessions.days)
    there = (at < len(days)) & (days[np.minimum(at, len(days) - 1)] == sessions.days)
    row = np.append(np.where(there, at, -1), -1)
    for reading in (columns.same, columns.next):
        here = row[reading]
        known = (here >= 0) & (own >= 0)
        for step in (0, 1, 2):  # one row of margin above
            blocked[here[known] + step, own[known]] = True
    return blocked[1:-1]


def _groups(
    hands: Hands[World],
    found: Observed,
    column: Ints,
    events: EventCalendar,
    config: StudyConfig,
    tests: tuple[SignificanceTest, ...],
) -> tuple[Counted, ...]:
    """Return the sums of every group under every alignment."""
    columns = events.study.columns()
    names = frozenset(test.name for test in tests)
    kind = columns.kind.astype(np.int64)
    listed = list(groups(found, config.observed, kind, columns.kinds))
    known: dict[bytes, Mapping[str, Totals]] = {}
    result = []
    for alignment in found.alignments:
        held = (found.held & BITS[alignment]) > 0
        for name, what, rows in listed:
            kept, left, stands = counted(rows[held[rows]], found)
            if not len(kept):
                continue
            order = kept[np.argsort(found.position[kept], kind="stable")]
            key = order.tobytes()
            if key not in known:
                known[key] = go_over(
                    hands, column[order], found.position[order], names,
                    what=f"{name} ({alignment})",
                )  # fmt: skip
            result.append(
                Counted(
                    name, what, alignment, known[key],
                    Lost("coincides", found.event[left], found.label[left],
                         found.position[left], found.event[stands]),
                )
            )  # fmt: skip
    return tuple(result)
