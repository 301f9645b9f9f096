"""event_study(): the one place where events meet prices and a model."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
import numpy.typing as npt

from eventstudy.abnormal import (
    AbnormalReturns,
    Panel,
    Places,
    abnormal_returns,
    faults_of,
    mean_squares,
)
from eventstudy.errors import StudyError
from eventstudy.models import ReturnModel, find_model
from eventstudy.models.contract import Progress, needs_of, unwatched
from eventstudy.models.linear import LARGEST_CONDITION
from eventstudy.prices.table import PriceTable
from eventstudy.significance import SignificanceTest, find_tests
from eventstudy.study.asked import (
    as_table,
    grid_of,
    observed_names,
    require_benchmark,
    require_calendar,
    require_engine,
    require_names,
    require_no_factors,
)
from eventstudy.study.config import StudyConfig
from eventstudy.study.groups import lead_spread
from eventstudy.study.joint import estimated_together, require_linear
from eventstudy.study.observed import (
    Drop,
    Observation,
    coverage,
    observations,
    readings,
)
from eventstudy.study.overlapping import apply_policy, chains, split_by_chain
from eventstudy.study.panel import donor_tickers, make_panel
from eventstudy.windows import Frame, Window, make_frame

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.events import EventCalendar
    from eventstudy.factors import FactorTable
    from eventstudy.study.large import LargeStudy
    from eventstudy.study.result import StudyResult

Floats = npt.NDArray[np.float64]
MOST = f"{LARGEST_CONDITION:.0e}"


@overload
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
    returns: str = "simple",
    engine: Literal["whole"] = "whole",
    out: str | Path | None = None,
    tables: Sequence[str] = ("cars",),
    jobs: int = 1,
    cluster: str | None = None,
    progress: Progress = unwatched,
) -> StudyResult: ...
@overload
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
    returns: str = "simple",
    engine: Literal["streamed"],
    out: str | Path | None = None,
    tables: Sequence[str] = ("cars",),
    jobs: int = 1,
    cluster: str | None = None,
    progress: Progress = unwatched,
) -> LargeStudy: ...
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
    returns: str = "simple",
    engine: str = "whole",
    out: str | Path | None = None,
    tables: Sequence[str] = ("cars",),
    jobs: int = 1,
    cluster: str | None = None,
    progress: Progress = unwatched,
) -> StudyResult | LargeStudy:
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
        Names or objects; all by default. They are computed when first asked for. Models that
        iterate are refitted for placebos, those of single events too, only where ``placebo``
        is among them.
    convention : {"scar", "sum_sar"}
    strict : bool
        Whether anything left out is an error.
    seed : int
    overlap : {"keep", "drop", "keep-first", "joint"}
        Events on one series whose windows share sessions: all kept, all dropped, the first
        kept, or estimated together with one dummy an event day (linear models only). What is
        dropped is no loss to `strict`.
    estimation_excludes : {"none", "own_events"}
        Whether a firm's own events, one session on either side included, leave its
        estimation windows.
    donors : sequence of str, optional
        Securities that may stand in for others (``placebo_space``, synthetic control);
        default: all of the price table but funds and the benchmark.
    factors : FactorTable, optional
        What `load_factors` returns, for models that need factors.
    returns : {"simple", "log"}
        Of which expected and abnormal returns are made; ``log`` takes ln(1 + R) of every
        series, benchmark, reference and donor, and no model of factors.
    engine : {"whole", "streamed"}
        ``streamed`` is for any number of events: it goes over them part by part and keeps
        sums, for securities (no baskets), linear models on common regressors and closed-form
        tests. Its numbers are those of ``whole``, but for the order of summation.
    out : path, optional
        With ``streamed``: a folder for the tables of single events, Parquet by parts.
    tables : sequence of {"cars", "abnormal"}
        Which of them are written there.
    jobs : int
        With ``streamed``: threads; -1 is one a processor.
    cluster : str, optional
        With ``streamed``: address of a Dask scheduler that does the work.
    progress : callable
        Told what is being done, how many are done and how many there are.

    Returns
    -------
    StudyResult, or LargeStudy with ``streamed``

    Raises
    ------
    StudyError
        Where windows contradict each other, nothing is left, or `strict` is given and
        something is left out.
    UnknownNameError
        For a model, test, basket or benchmark that does not exist.
    """
    prices = as_table(prices)
    require_calendar(events)
    frame = make_frame(window, estimation=estimation, gap=gap, min_estimation=min_estimation)
    require_engine(engine, out, jobs, cluster)
    names = [model] if isinstance(model, str | ReturnModel) else list(model)
    models = tuple(find_model(name) for name in names)
    if not models:
        raise StudyError("model is empty: name one at least, such as market")
    observed = (observed,) if isinstance(observed, str) else observed
    require_names(convention, overlap, estimation_excludes, returns)
    require_benchmark(models, benchmark, prices)
    if engine == "streamed":
        from eventstudy.study.large import closed_forms, large_study

        if donors is not None:
            raise StudyError("donors: engine streamed has no test or model that draws on them")
        if returns == "log":
            require_no_factors(models)
        config = StudyConfig(
            models, benchmark, frame, tuple(dict.fromkeys(observed or ())), None, convention,
            seed, overlap, estimation_excludes, (), factors, returns,
        )  # fmt: skip
        return large_study(
            events, prices, config, closed_forms(tests), strict=strict, out=out, tables=tables,
            jobs=jobs, cluster=cluster, progress=progress,
        )  # fmt: skip
    chosen = find_tests(tests)
    seen, notes = observed_names(observed, events, prices)
    lead = lead_spread(seen, events.baskets)
    config = StudyConfig(
        models, benchmark, frame, seen, str(lead) if lead else None, convention, seed,
        overlap, estimation_excludes, donor_tickers(donors, prices, benchmark), factors,
        returns,
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
    if config.overlap == "joint":
        require_linear(config.models)
    if config.returns == "log":
        require_no_factors(config.models)
    frame = config.frame
    grid = grid_of(events.sessions, prices)
    table = prices.on_sessions(grid.days)
    found, lost = readings(events.study.events, grid.days, frame)
    covered = coverage(table.tickers, table.returns, grid.days)
    whole, dropped = observations(found, config.observed, events.baskets, covered, frame)
    kept, left = apply_policy(whole, config.overlap, frame, grid.days)
    kept, panel, places, fits, unfit = _fit_all(kept, table, events, config, progress)
    dropped = list(dict.fromkeys([*lost, *dropped, *left, *unfit]))
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
        candidates=tuple(whole),
        observations=tuple(kept),
        fits=fits,
        drops=tuple(dropped),
        notes=tuple(notes),
        seconds=time.perf_counter() - started,
        progress=progress,
    )


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
        if config.overlap == "joint":
            kept = split_by_chain(kept, len(config.frame.days))
        panel, places = make_panel(kept, table, events, config)
        if not kept:
            return kept, panel, places, {}, dropped
        fits = {
            model.name: _fit(model, kept, panel, places, config, progress)
            for model in config.models
        }
        squares = mean_squares(panel, places, config.frame)
        faults = [
            fault
            for model in config.models
            for fault in _faults(kept, fits[model.name], model, squares, config.frame)
        ]
        if not faults:
            return kept, panel, places, fits, dropped
        bad = {index for index, _ in faults}
        dropped += [drop for _, drop in faults]
        kept = [o for i, o in enumerate(kept) if i not in bad]


def _fit(
    model: ReturnModel,
    kept: Sequence[Observation],
    panel: Panel,
    places: Places,
    config: StudyConfig,
    progress: Progress,
) -> AbnormalReturns:
    """Fit one model to every observation, chains of overlapping events together if asked."""
    frame = config.frame
    found = abnormal_returns(panel, places, model, frame, progress)
    if config.overlap != "joint":
        return found
    of_each = [next(iter(held.values())) for held in chains(kept, len(frame.days))]
    return estimated_together(found, of_each, panel, places, model, frame, progress)


def _faults(
    kept: Sequence[Observation],
    found: AbnormalReturns,
    model: ReturnModel,
    squares: Floats,
    frame: Frame,
) -> list[tuple[int, Drop]]:
    """Return the observations that a model cannot use, and why."""
    faults = faults_of(found.fit, frame.min_estimation, squares)
    usable = found.fit.dof + found.fit.n_params
    what = _regressors(model)
    singular = f"{what} does not vary or repeats others, condition number above {MOST},"
    reasons = getattr(found.fit, "reasons", ()) or ("",) * len(kept)
    bad: list[tuple[int, Drop]] = []
    for i in np.flatnonzero(np.any(list(faults.values()), axis=0)).tolist():
        o, session = kept[i], kept[i].reading.session_0
        details = {
            "short_estimation": f"{o.label} has {usable[i]} sessions usable with the {model.name} "
            f"model before {session}, {frame.min_estimation} are needed",
            "singular_design": f"the {model.name} model: {reasons[i] or singular} before {session}",
            "missing_regressor": f"{what} has no return around {session}",
            "no_variance": f"returns of {o.label} do not vary about the {model.name} model",
        }
        reason = next(name for name, hit in faults.items() if hit[i])
        bad.append((i, Drop(o.reading.event.event_id, o.label, reason, details[reason])))
    return bad


def _regressors(model: ReturnModel) -> str:
    """Return what a model regresses on, for a reader."""
    needs = needs_of(model)
    if needs.factors:
        return f"one of the factors {', '.join(needs.factors)}"
    if needs.reference is not None:
        return f"the reference {needs.reference}"
    return "a donor" if needs.donors else "the benchmark"


def _require_something(kept: Sequence[Observation], drops: Sequence[Drop], strict: bool) -> None:
    # What an overlap policy drops was asked for: no loss that strict has to stop at.
    lost = [d for d in drops if d.reason != "overlap"]
    if kept and not (strict and lost):
        return
    lines = [
        f"  {d.event_id}{' ' + d.ticker if d.ticker else ''}: {d.reason}: {d.detail}"
        for d in (lost if kept else drops)
    ]
    shown = lines[:20] + ([f"  ... and {len(lines) - 20} more"] if len(lines) > 20 else [])
    head = "strict: something was left out" if kept else "no event is left to study"
    head += ":" if shown else ": the calendar has no study event"
    raise StudyError("\n".join([head, *shown]))
