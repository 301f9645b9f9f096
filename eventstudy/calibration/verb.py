"""calibrate(): from prices, and a calendar where there is one, to rates of rejection."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.calibration.attainable import LEVEL
from eventstudy.calibration.design import Design, calendar_designs, standard_designs
from eventstudy.calibration.draws import require_drawable
from eventstudy.calibration.experiment import Question, planting_day, run_experiments
from eventstudy.calibration.result import CalibrationResult, rates_frame
from eventstudy.calibration.world import World, fit_world
from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.models import ReturnModel, find_model
from eventstudy.models.contract import Progress, unwatched
from eventstudy.significance import CONVENTIONS, SignificanceTest, find_tests
from eventstudy.study.asked import as_table, require_benchmark
from eventstudy.study.config import StudyConfig
from eventstudy.study.panel import donor_tickers
from eventstudy.windows import Frame, Window, make_frame, window_name
from eventstudy.workers import processors

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.events import EventCalendar
    from eventstudy.factors import FactorTable
    from eventstudy.prices.table import PriceTable
    from eventstudy.study import StudyResult

Days = npt.NDArray[np.datetime64]

EFFECTS = (0.0, 0.005, 0.01, 0.02)
WINDOWS: tuple[Window, ...] = ((0, 0), (-1, 1))
STAGGERED, CLUSTERED = 50, 15
FEWEST_SECURITIES = 4
FEWEST_SESSIONS = 60
"""Sessions that can be session 0; fewer give the same events again and again."""
MOST_PLACES = 120_000
"""Securities times sessions that are held at once: 250 MB of residuals."""
MOST_RESAMPLING = 1000


def calibrate(
    prices: PriceTable | pd.DataFrame,
    *,
    events: EventCalendar | None = None,
    model: str | ReturnModel = "market",
    benchmark: str | None = "SPY",
    window: str | int | Window | Iterable[str | Window] = WINDOWS,
    estimation: int = 250,
    gap: int = 10,
    min_estimation: int = 100,
    securities: Sequence[str] | None = None,
    designs: Sequence[Design] | None = None,
    tests: Iterable[str | SignificanceTest] | None = None,
    effects: Sequence[float] = EFFECTS,
    samples: int = 1000,
    resampling_samples: int | None = None,
    convention: str = "scar",
    factors: FactorTable | None = None,
    first: str | None = None,
    last: str | None = None,
    seed: int = 0,
    jobs: int = -1,
    cluster: str | None = None,
    progress: Progress = unwatched,
) -> CalibrationResult:
    """Measure size and power of tests on one's own prices, by Brown and Warner's design.

    Random securities and sessions are taken as events, so that the null is true but for what
    is planted; the share of samples in which a test rejects at 5% is its size, and with an
    effect planted its power. A model is fitted once for every security and session.

    Parameters
    ----------
    prices : PriceTable or DataFrame
        A wide frame of adjusted closes, a column a ticker, is taken as `load_prices` takes it.
    events : EventCalendar, optional
        The study at hand: its sessions are moved as one block to random places, with random
        securities for its firms. Without it the four standard designs are run.
    model : str or ReturnModel
    benchmark : str or None
    window, estimation, gap, min_estimation
        As in `event_study`.
    securities : sequence of str, optional
        What events are drawn from; default all but funds and the benchmark.
    designs : sequence of Design, optional
        Instead of the designs that follow from `events`.
    tests : iterable, optional
        Names or objects; all by default.
    effects : sequence of float
        Decimals; 0 is always among them. Planted at session 0 of every event; for a window
        without session 0, on its first day.
    samples : int
        Random samples a design.
    resampling_samples : int, optional
        Samples for tests that resample; default `samples`, at most 1,000.
    convention : {"scar", "sum_sar"}
    factors : FactorTable, optional
    first, last : str, optional
        Dates between which sessions 0 are drawn.
    seed : int
        The result depends on it alone, not on `jobs` or `cluster`.
    jobs : int
        Processes of this machine; -1 for one a processor.
    cluster : str, optional
        Address of a Dask cluster, ``tcp://host:8786``, whose workers draw the samples instead;
        needs the packages of the extra `cluster`. The model is fitted here.
    progress : callable
        Told what is being done, how many are done and how many there are.

    Returns
    -------
    CalibrationResult

    Raises
    ------
    StudyError
        Where securities or sessions are too few, or a number is out of range.
    UnknownNameError
        For a model, test, benchmark, security or convention that does not exist.
    WorkersError
        Where the cluster does not answer, has no worker, or has other versions.

    Notes
    -----
    The Monte Carlo interval says how well the rate on these prices is known. It does not
    cover other prices: with one common date, a few hundred sessions are all there is. The
    sessions without a trade are drawn once, and all samples of thin trading share them.

    References
    ----------
    Brown, S. and Warner, J. (1985). Using daily stock returns: the case of event studies.
    Journal of Financial Economics 14, 3-31.
    """
    started = time.perf_counter()
    asked = as_table(prices)
    frame = make_frame(window, estimation=estimation, gap=gap, min_estimation=min_estimation)
    chosen = find_model(model)
    require_benchmark([chosen], benchmark, asked)
    found_tests = find_tests(tests)
    limit = min(samples, MOST_RESAMPLING) if resampling_samples is None else resampling_samples
    _check_numbers(effects, samples, limit, convention, jobs, found_tests)
    pool = donor_tickers(securities, asked, benchmark)
    config = StudyConfig(
        (chosen,), benchmark, frame, (), None, convention, seed,
        donors=donor_tickers(None, asked, benchmark), factors=factors,
    )  # fmt: skip
    table, drawn, notes = _setting(asked, events, designs, config)
    pool, more = _held(pool, table, seed)
    worlds = _worlds(table, pool, config, drawn or standard_designs(), (first, last), progress)
    drawn = drawn or _standard_for(worlds[0.0])
    require_drawable([worlds[design.thin] for design in drawn], drawn)
    question = Question(
        found_tests, tuple(sorted({0.0, *map(float, effects)})), frame.masks(frame.windows),
        tuple(planting_day(window) for window in frame.windows), samples, limit, convention, seed,
    )  # fmt: skip
    workers = processors() if jobs == -1 else jobs
    counts = run_experiments(
        [worlds[d.thin] for d in drawn], drawn, question, workers, progress, cluster
    )
    return CalibrationResult(
        rates_frame(drawn, counts, question, frame.windows),
        drawn,
        frame.windows,
        tuple(test.name for test in found_tests),
        _config_dict(config, question, worlds[min(worlds)], asked, events),
        (*notes, *more),
        time.perf_counter() - started,
    )


def _check_numbers(
    effects: Sequence[float],
    samples: int,
    resampling_samples: int,
    convention: str,
    jobs: int,
    tests: Sequence[SignificanceTest],
) -> None:
    if convention not in CONVENTIONS:
        raise UnknownNameError("convention", convention, CONVENTIONS)
    faults = [
        f"effect {effect:g}: a decimal below 1 in size, such as 0.01 for 1%"
        for effect in effects
        if not abs(effect) < 1.0
    ]
    if samples < 1:
        faults.append(f"samples {samples}: at least 1")
    if resampling_samples < 1:
        faults.append(f"resampling_samples {resampling_samples}: at least 1")
    if jobs == 0 or jobs < -1:
        faults.append(f"jobs {jobs}: a number of processes, or -1 for one a processor")
    if not tests:
        faults.append("no test was asked for")
    if faults:
        raise StudyError("; ".join(faults))


def _setting(
    prices: PriceTable,
    events: EventCalendar | None,
    designs: Sequence[Design] | None,
    config: StudyConfig,
) -> tuple[PriceTable, tuple[Design, ...], tuple[str, ...]]:
    """Return prices on the grid of sessions, the designs (none: the standard ones), notes."""
    if events is None:
        return prices.on_sessions(_own_sessions(prices, config.benchmark)), tuple(designs or ()), ()
    study = _study(events, prices, config)
    table = prices.on_sessions(study.days)
    if designs:
        return table, tuple(designs), ()
    group = next(g for g in study.groups if g.name == "all")
    lead = study.alignments[-1]
    rows = [i for i in group.rows if lead in study.observations[i].reading.alignments]
    kept = [study.observations[i] for i in rows]
    found = calendar_designs([o.reading.position for o in kept], [o.label for o in kept])
    asked = len(events.study)
    notes = (
        f"The calendar has {asked} study events; {len(kept)} of them, on "
        f"{len({o.reading.position for o in kept})} dates, have prices for a study of their own "
        f"tickers and give the designs their dates (alignment {lead}).",
    )
    return table, found, notes


def _study(events: EventCalendar, prices: PriceTable, config: StudyConfig) -> StudyResult:
    from eventstudy.study import event_study

    frame = config.frame
    return event_study(
        events,
        prices,
        model=config.models[0],
        benchmark=config.benchmark,
        window=frame.windows,
        estimation=frame.estimation,
        gap=frame.gap,
        min_estimation=frame.min_estimation,
        observed=(),
        factors=config.factors,
    )


def _own_sessions(prices: PriceTable, benchmark: str | None) -> Days:
    """Return the benchmark's dates; all dates without a benchmark."""
    return prices.dates if benchmark is None else prices.dates_of(benchmark)


def _held(
    pool: Sequence[str], table: PriceTable, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the securities that are drawn from: a random part where there are very many."""
    if len(pool) < FEWEST_SECURITIES:
        raise StudyError(
            f"{len(pool)} securities to draw from ({', '.join(pool) or 'none'}): at least "
            f"{FEWEST_SECURITIES} are needed beside the benchmark and funds"
        )
    most = max(2 * STAGGERED, MOST_PLACES // max(len(table.dates), 1))
    if len(pool) <= most:
        return tuple(pool), ()
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    kept = sorted(rng.choice(len(pool), most, replace=False))
    note = f"{most} of {len(pool)} securities, drawn at random, stand for all of them."
    return tuple(pool[i] for i in kept), (note,)


def _worlds(
    table: PriceTable,
    pool: Sequence[str],
    config: StudyConfig,
    designs: Sequence[Design],
    dates: tuple[str | None, str | None],
    progress: Progress,
) -> dict[float, World]:
    """Fit one world for each share of sessions without trades.

    Raises
    ------
    StudyError
        Where there are too few sessions or securities with full windows.
    """
    worlds = {}
    begin, end = (_day(text) for text in dates)
    for thin in sorted({0.0, *(design.thin for design in designs)}):
        what = "fitting every session" + (", thin trading" if thin else "")
        tick = partial(progress, what)
        world = fit_world(table, pool, config, thin=thin, seed=config.seed, tick=tick)
        worlds[thin] = world = world.between(begin or table.dates[0], end or table.dates[-1])
        _require_room(world, config.frame)
    return worlds


def _require_room(world: World, frame: Frame) -> None:
    usable = world.at >= 0
    sessions, held = int(usable.any(axis=1).sum()), int(usable.any(axis=0).sum())
    before = frame.min_estimation + frame.gap
    if sessions < FEWEST_SESSIONS or held < FEWEST_SECURITIES:
        raise StudyError(
            f"{held} securities have full windows, on {sessions} sessions; {FEWEST_SECURITIES} "
            f"and {FEWEST_SESSIONS} are needed: a session 0 needs {before} sessions of prices "
            f"before it and {max(frame.hull[1], 0)} after it; the table has {len(world.days)} "
            "sessions"
        )


def _standard_for(world: World) -> tuple[Design, ...]:
    """Return the standard designs, one date with as many securities as there are."""
    most = int((world.at >= 0).sum(axis=1).max())
    return standard_designs(STAGGERED, min(CLUSTERED, most))


def _day(text: str | None) -> np.datetime64 | None:
    if text is None:
        return None
    try:
        return np.datetime64(text, "D")
    except ValueError:
        raise StudyError(f"date {text!r}: write YYYY-MM-DD") from None


def _config_dict(
    config: StudyConfig,
    question: Question,
    world: World,
    prices: PriceTable,
    events: EventCalendar | None,
) -> dict[str, object]:
    frame, sessions = config.frame, world.sessions
    return {
        "model": config.models[0].name,
        "benchmark": config.benchmark,
        "windows": [window_name(w) for w in frame.windows],
        "estimation": frame.estimation,
        "gap": frame.gap,
        "min_estimation": frame.min_estimation,
        "convention": config.convention,
        "level": LEVEL,
        "effects": list(question.effects),
        "samples": question.samples,
        "resampling_samples": question.resampling_samples,
        "seed": question.seed,
        "securities": int((world.at >= 0).any(axis=0).sum()),
        "sessions": len(sessions),
        "first": str(world.days[sessions[0]]),
        "last": str(world.days[sessions[-1]]),
        "events": None if events is None else Path(events.file).name,
        "prices": {
            "source": prices.source,
            "tickers": {ticker: prices.digest(ticker) for ticker in prices.tickers},
        },
    }
