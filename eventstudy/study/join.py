"""event_study(): the one place where events meet prices and a model."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import AbnormalReturns, Panel, Places, abnormal_returns
from eventstudy.baskets import DEFAULT_BASKETS, DEFAULT_OBSERVED, Baskets, parse_spread
from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.models import ReturnModel, find_model
from eventstudy.models.contract import Progress, iterates, needs_of, unwatched
from eventstudy.prices.table import PriceTable
from eventstudy.sessions import Sessions, exchange_sessions
from eventstudy.significance import CONVENTIONS, SignificanceTest, find_tests
from eventstudy.study.config import StudyConfig
from eventstudy.study.groups import lead_spread
from eventstudy.study.observed import (
    Drop,
    Observation,
    coverage,
    observations,
    readings,
)
from eventstudy.study.panel import EXCLUDES, donor_tickers, make_panel
from eventstudy.windows import Frame, Window, make_frame

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.events import EventCalendar
    from eventstudy.factors import FactorTable
    from eventstudy.study.result import StudyResult

Floats = npt.NDArray[np.float64]

OVERLAPS = ("keep", "drop", "keep-first", "joint")

VANISHING = 1e-20
"""Residual variance below this share of the mean squared return counts as none."""


def event_study(
    events: EventCalendar,
    prices: PriceTable | pd.DataFrame,
    *,
    model: str | ReturnModel | Sequence[str | ReturnModel] = "market",
    benchmark: str | None = "SPY",
    window: str | int | Window | Iterable[str | Window] = (-1, 1),
    estimation: int = 250,
    gap: int = 10,
    min_estimation: int = 100,
    observed: Sequence[str] | None = None,
    tests: Iterable[str | SignificanceTest] | None = None,
    convention: str = "scar",
    strict: bool = False,
    seed: int = 0,
    overlap: str = "keep",
    estimation_excludes: str = "none",
    donors: Sequence[str] | None = None,
    factors: FactorTable | None = None,
    progress: Progress = unwatched,
) -> StudyResult:
    """Measure abnormal returns around events.

    Parameters
    ----------
    events : EventCalendar
        Aligned to sessions; rows of use ``context`` are not studied.
    prices : PriceTable or DataFrame
        A wide frame of adjusted closes, a column a ticker, is taken as `load_prices` takes it.
    model : str, ReturnModel or a sequence of them
        Names of `eventstudy.models.MODELS`, such as ``market`` or ``ff5``, with an argument
        where one is taken (``adjusted:SMH``), or an object with the same contract.
    benchmark : str or None
        Ticker of the market; None only for models that need none.
    window : (int, int), str, or an iterable of them
        Event windows [a, b] in sessions from session 0, both ends included.
    estimation, gap, min_estimation : int
        Sessions: the estimation window has `estimation` of them and ends at
        ``-(gap + 1)``; it shrinks to no fewer than `min_estimation` usable ones.
    observed : sequence of str, optional
        Baskets, spreads or tickers on which every event is observed.
    tests : iterable, optional
        Names or objects; all by default. They are computed when first asked for.
    convention : {"scar", "sum_sar"}
    strict : bool
        Whether anything left out is an error.
    seed : int
    overlap : {"keep", "drop", "keep-first", "joint"}
        Events on one series whose windows share sessions.
    estimation_excludes : {"none", "own_events"}
        Whether a firm's own events, one session on either side included, leave its
        estimation windows.
    donors : sequence of str, optional
        Securities that may stand in for others (``placebo_space``, synthetic control);
        default: all of the price table but funds and the benchmark.
    factors : FactorTable, optional
        What `load_factors` returns, for models that need factors.
    progress : callable
        Told what is being done, how many are done and how many there are.

    Returns
    -------
    StudyResult

    Raises
    ------
    StudyError
        Where windows contradict each other, nothing is left, or `strict` is given and
        something is left out.
    UnknownNameError
        For a model, test, basket or benchmark that does not exist.
    """
    prices = _as_table(prices)
    _require_calendar(events)
    frame = make_frame(window, estimation=estimation, gap=gap, min_estimation=min_estimation)
    names = [model] if isinstance(model, str | ReturnModel) else list(model)
    models = tuple(find_model(name) for name in names)
    if convention not in CONVENTIONS:
        raise UnknownNameError("convention", convention, CONVENTIONS)
    chosen = find_tests(tests)
    _require_benchmark(models, benchmark, prices)
    seen, notes = _observed(observed, events, prices)
    lead = lead_spread(seen, events.baskets)
    for what, given, known in (
        ("overlap", overlap, OVERLAPS),
        ("estimation_excludes", estimation_excludes, EXCLUDES),
    ):
        if given not in known:
            raise UnknownNameError(what, given, known)
    config = StudyConfig(
        models, benchmark, frame, seen, str(lead) if lead else None, convention, seed,
        overlap, estimation_excludes, donor_tickers(donors, prices, benchmark), factors,
    )  # fmt: skip
    return study_of(events, prices, config, chosen, notes, strict=strict, progress=progress)


def study_of(
    events: EventCalendar,
    prices: PriceTable,
    config: StudyConfig,
    tests: tuple[SignificanceTest, ...],
    notes: Sequence[str] = (),
    *,
    strict: bool = False,
    progress: Progress = unwatched,
) -> StudyResult:
    """Answer a question that has been checked; see `event_study`."""
    from eventstudy.study.result import StudyResult

    started = time.perf_counter()
    frame = config.frame
    grid = _grid(events.sessions, prices)
    table = prices.on_sessions(grid.days)
    found, lost = readings(events.study.events, grid.days, frame)
    covered = coverage(table.tickers, table.returns, grid.days)
    kept, dropped = observations(found, config.observed, events.baskets, covered, frame)
    kept, panel, places, fits, unfit = _fit_all(kept, table, events, config, progress)
    dropped = [*_unique(lost), *dropped, *unfit]
    _require_something(kept, dropped, strict)
    return StudyResult(
        events=events,
        prices=prices,
        config=config,
        tests_asked=tests,
        days=grid.days,
        returns=table.returns,
        grid_tickers=table.tickers,
        panel=panel,
        places=places,
        observations=tuple(kept),
        fits=fits,
        drops=tuple(dropped),
        notes=tuple(notes),
        seconds=time.perf_counter() - started,
    )


def _as_table(prices: object) -> PriceTable:
    """Return a price table; a wide frame of adjusted closes is loaded as one."""
    if isinstance(prices, PriceTable):
        return prices
    import pandas as pd

    if not isinstance(prices, pd.DataFrame):
        raise StudyError(
            f"prices is a {type(prices).__name__}: give what load_prices returns, or a wide "
            "frame of adjusted closes"
        )
    from eventstudy.prices import load_prices

    return load_prices(prices)


def _require_calendar(events: object) -> None:
    from eventstudy.events import EventCalendar

    if not isinstance(events, EventCalendar):
        raise StudyError(
            f"events is a {type(events).__name__}: give what read_events returns; it reads a "
            "file or a frame"
        )


def _require_benchmark(
    models: Sequence[ReturnModel], benchmark: str | None, prices: PriceTable
) -> None:
    needing = [model.name for model in models if model.needs_benchmark]
    if benchmark is None and needing:
        raise StudyError(f"model {needing[0]} needs a benchmark: name its ticker")
    if benchmark is not None and benchmark not in prices:
        if benchmark in prices.missing:
            raise StudyError(f"benchmark {benchmark!r} has no prices: {prices.missing[benchmark]}")
        raise UnknownNameError("benchmark", benchmark, prices.tickers)


def _observed(
    asked: Sequence[str] | None, events: EventCalendar, prices: PriceTable
) -> tuple[tuple[str, ...], list[str]]:
    """Return what every event is observed on, and a note for each default left out.

    By default the user's own baskets, and the shipped ones where the calendar is about them:
    where an event lists a member or names the basket.
    """
    baskets = events.baskets
    if asked is not None:
        for name in asked:
            _basket_names(name, baskets)
        return tuple(dict.fromkeys(asked)), []
    own = [name for name in baskets if name not in DEFAULT_BASKETS]
    pairs = [f"{own[0]}-{own[1]}", f"{own[0]}-{own[1]}:ex"] if len(own) == 2 else []
    concerned = {t for event in events.study for t in baskets.resolve(event.tickers)}
    named = {token for event in events.study for token in (*event.tickers, *event.expects)}
    kept: list[str] = []
    left: dict[str, list[str]] = {}
    for name in (*own, *pairs, *DEFAULT_OBSERVED):
        sides = _basket_names(name, baskets)
        if not all(any(ticker in prices for ticker in baskets[side]) for side in sides):
            left.setdefault("the price table has none of the members", []).append(name)
        elif not own and not any(s in named or concerned & set(baskets[s]) for s in sides):
            left.setdefault("no event names it or lists a member", []).append(name)
        elif own and name in DEFAULT_OBSERVED and not any(s in named for s in sides):
            left.setdefault("there are baskets of one's own", []).append(name)
        else:
            kept.append(name)
    notes = [f"Not observed: {', '.join(names)}: {why}." for why, names in left.items()]
    return tuple(kept), notes


def _basket_names(name: str, baskets: Baskets) -> tuple[str, ...]:
    if not name.startswith("@"):
        return ()
    if "-" in name:
        spread = parse_spread(name, baskets)
        return spread.long, spread.short
    baskets[name]
    return (name,)


def _grid(sessions: Sessions | None, prices: PriceTable) -> Sessions:
    """Return the sessions from the first price to the last."""
    if sessions is None:
        raise StudyError("the events are not aligned: read them with a calendar")
    if not len(prices.dates):
        raise StudyError("the price table is empty")
    first, last = prices.dates[0], prices.dates[-1]
    if sessions.has_clock:
        return exchange_sessions(sessions.name, first.item(), last.item())
    return sessions.between(first, last)


def _fit_all(
    kept: list[Observation],
    table: PriceTable,
    events: EventCalendar,
    config: StudyConfig,
    progress: Progress,
) -> tuple[list[Observation], Panel, Places, dict[str, AbnormalReturns], list[Drop]]:
    """Fit every model; an observation that one of them cannot use is dropped from all."""
    dropped: list[Drop] = []
    while True:
        panel, places = make_panel(kept, table, events, config)
        if not kept:
            return kept, panel, places, {}, dropped
        fits = {
            model.name: abnormal_returns(panel, places, model, config.frame, progress)
            for model in config.models
        }
        faults = [
            fault
            for model in config.models
            for fault in _faults(kept, fits[model.name], model, table, config.frame)
        ]
        if not faults:
            return kept, panel, places, fits, dropped
        bad = {index for index, _ in faults}
        dropped += [drop for _, drop in faults]
        kept = [o for i, o in enumerate(kept) if i not in bad]


def _faults(
    kept: Sequence[Observation],
    found: AbnormalReturns,
    model: ReturnModel,
    table: PriceTable,
    frame: Frame,
) -> list[tuple[int, Drop]]:
    """Return the observations that a model cannot use, and why."""
    fit = found.fit
    mean_square = np.nanmean(np.square(table.returns))
    usable = fit.dof + fit.n_params
    what = _regressors(model)
    bad: list[tuple[int, Drop]] = []
    for i, o in enumerate(kept):
        session = o.reading.session_0
        detail = None
        if usable[i] < frame.min_estimation:
            detail = (
                "short_estimation",
                f"{o.label} has {usable[i]} sessions usable with the {model.name} model before "
                f"{session}, {frame.min_estimation} are needed",
            )
        elif not np.isfinite(fit.condition[i]):
            failing = "does not converge" if iterates(model) else f"{what} does not vary"
            detail = ("singular_design", f"the {model.name} model: {failing} before {session}")
        elif not np.isfinite(fit.ar[i]).all():
            detail = ("missing_regressor", f"{what} has no return around {session}")
        elif not fit.s2[i] > VANISHING * mean_square:
            why = f"returns of {o.label} do not vary about the {model.name} model"
            detail = ("no_variance", why)
        if detail:
            bad.append((i, Drop(o.reading.event.event_id, o.label, *detail)))
    return bad


def _regressors(model: ReturnModel) -> str:
    """Return what a model regresses on, for a reader."""
    needs = needs_of(model)
    if needs.factors:
        return f"one of the factors {', '.join(needs.factors)}"
    if needs.reference is not None:
        return f"the reference {needs.reference}"
    return "a donor" if needs.donors else "the benchmark"


def _unique(drops: Iterable[Drop]) -> list[Drop]:
    return list(dict.fromkeys(drops))


def _require_something(kept: Sequence[Observation], drops: Sequence[Drop], strict: bool) -> None:
    if kept and not (strict and drops):
        return
    lines = [
        f"  {d.event_id}{' ' + d.ticker if d.ticker else ''}: {d.reason}: {d.detail}" for d in drops
    ]
    shown = lines[:20] + ([f"  ... and {len(lines) - 20} more"] if len(lines) > 20 else [])
    head = "strict: something was left out" if kept else "no event is left to study"
    raise StudyError(
        "\n".join([head + (":" if shown else ": the calendar has no study event"), *shown])
    )
