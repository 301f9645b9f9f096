"""event_study(): the one place where events meet prices and a model."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import AbnormalReturns, abnormal_returns
from eventstudy.baskets import DEFAULT_BASKETS, DEFAULT_OBSERVED, Baskets, parse_spread
from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.models import ReturnModel, find_model
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
    series_of,
)
from eventstudy.windows import Frame, Window, make_frame

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.events import EventCalendar
    from eventstudy.study.result import StudyResult

Floats = npt.NDArray[np.float64]

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
) -> StudyResult:
    """Measure abnormal returns around events.

    Parameters
    ----------
    events : EventCalendar
        Aligned to sessions; rows of use ``context`` are not studied.
    prices : PriceTable or DataFrame
        A wide frame of adjusted closes, a column a ticker, is taken as `load_prices` takes it.
    model : str, ReturnModel or a sequence of them
        ``mean``, ``market-adjusted``, ``market``, or an object with the same contract.
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
    from eventstudy.study.result import StudyResult

    started = time.perf_counter()
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
    config = StudyConfig(
        models, benchmark, frame, seen, str(lead) if lead else None, convention, seed
    )
    grid = _grid(events.sessions, prices)
    table = prices.on_sessions(grid.days)
    found, lost = readings(events.study.events, grid.days, frame)
    covered = coverage(table.tickers, table.returns, grid.days)
    kept, dropped = observations(found, seen, events.baskets, covered, frame)
    kept, fits, unfit = _fit_all(kept, table, config)
    dropped = [*_unique(lost), *dropped, *unfit]
    _require_something(kept, dropped, strict)
    return StudyResult(
        events=events,
        prices=prices,
        config=config,
        tests_asked=chosen,
        days=grid.days,
        returns=table.returns,
        grid_tickers=table.tickers,
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
    kept: list[Observation], table: PriceTable, config: StudyConfig
) -> tuple[list[Observation], dict[str, AbnormalReturns], list[Drop]]:
    """Fit every model; an observation that one of them cannot use is dropped from all."""
    dropped: list[Drop] = []
    while kept:
        fits = {model.name: fit_model(kept, table, model, config) for model in config.models}
        faults = [
            fault
            for name, fit in fits.items()
            for fault in _faults(kept, fit, name, table, config.frame)
        ]
        if not faults:
            return kept, fits, dropped
        bad = {index for index, _ in faults}
        dropped += [drop for _, drop in faults]
        kept = [o for i, o in enumerate(kept) if i not in bad]
    return kept, {}, dropped


def fit_model(
    kept: Sequence[Observation], table: PriceTable, model: ReturnModel, config: StudyConfig
) -> AbnormalReturns:
    """Fit one model to all observations."""
    series, columns = series_of(kept, table.tickers, table.returns)
    market = None if config.benchmark is None else table.returns[:, table.column(config.benchmark)]
    return abnormal_returns(
        series,
        columns,
        np.array([o.reading.position for o in kept], dtype=np.int64),
        net_weights(kept),
        market,
        model,
        config.frame,
    )


def net_weights(kept: Sequence[Observation]) -> Floats:
    """Return 0 for a spread and 1 for anything else, shape (n,)."""
    return np.array([float(round(sum(w for _, w in o.weights))) for o in kept])


def _faults(
    kept: Sequence[Observation],
    found: AbnormalReturns,
    model: str,
    table: PriceTable,
    frame: Frame,
) -> list[tuple[int, Drop]]:
    """Return the observations that a model cannot use, and why."""
    fit = found.fit
    mean_square = np.nanmean(np.square(table.returns))
    bad: list[tuple[int, Drop]] = []
    for i, o in enumerate(kept):
        detail = None
        usable = int(fit.dof[i]) + fit.n_params
        if usable < frame.min_estimation:
            detail = (
                "short_estimation",
                f"{o.label} has {usable} sessions usable with the {model} model before "
                f"{o.reading.session_0}, {frame.min_estimation} are needed",
            )
        elif not np.isfinite(fit.condition[i]):
            detail = (
                "singular_design",
                f"the benchmark does not vary before {o.reading.session_0}",
            )
        elif not np.isfinite(fit.ar[i]).all():
            detail = (
                "missing_benchmark",
                f"the benchmark has no return around {o.reading.session_0}",
            )
        elif not fit.s2[i] > VANISHING * mean_square:
            detail = ("no_variance", f"returns of {o.label} do not vary about the {model} model")
        if detail:
            bad.append((i, Drop(o.reading.event.event_id, o.label, *detail)))
    return bad


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
