"""Carry out a run: events, prices, study and backtest in the order in which they feed on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from eventstudy.errors import BacktestError, StudyError, UnknownNameError
from eventstudy.run.config import LONG_RUN
from eventstudy.run.inputs import Say, prices_of, read_factors, read_inputs, silent

if TYPE_CHECKING:
    from eventstudy.activity import ActivityResult
    from eventstudy.backtest import BacktestResult, Strategy
    from eventstudy.claims import Claims, ClaimsResult
    from eventstudy.events import EventCalendar
    from eventstudy.longrun import LongRunResult
    from eventstudy.models.contract import Progress
    from eventstudy.prices import PriceTable
    from eventstudy.run.config import RunConfig
    from eventstudy.study import StudyResult


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of a run.

    Attributes
    ----------
    config : RunConfig
    events : EventCalendar
    prices : PriceTable
    study : StudyResult or None
    backtest : BacktestResult or None
    refused : str
        Why there is no backtest where one was asked for beside a study; else empty.
    activity : tuple of ActivityResult
        Abnormal volume and variance around the events, as far as the prices allow.
    long_run : LongRunResult or None
        Where a horizon was asked for.
    notes : tuple of str
        What could not be measured, and why.
    seconds : float
        Wall time of the whole run.
    started : str
        When it began, UTC, such as 2024-12-13T21:00:05Z.
    claims : ClaimsResult or None
        Where claims were named.
    claims_prices : PriceTable or None
        The prices that claims were tested on, where they name tickers that the study does not.
    """

    config: RunConfig
    events: EventCalendar
    prices: PriceTable
    study: StudyResult | None
    backtest: BacktestResult | None
    refused: str
    activity: tuple[ActivityResult, ...]
    long_run: LongRunResult | None
    notes: tuple[str, ...]
    seconds: float
    started: str
    claims: ClaimsResult | None = None
    claims_prices: PriceTable | None = None


def utc_now() -> str:
    """Return the time as manifests write it: UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def watched(say: Say) -> Progress:
    """Return a progress that is told as one line, with the time left."""
    began = time.perf_counter()

    def told(what: str, done: int, total: int) -> None:
        spent = time.perf_counter() - began
        left = f", about {spent / done * (total - done):.0f} s left" if done and spent > 2 else ""
        say(f"{what}: {done} of {total}{left}")

    return told


def execute(
    config: RunConfig,
    *,
    study: bool = True,
    trade: bool = True,
    say: Say = silent,
    inputs: tuple[EventCalendar, PriceTable] | None = None,
) -> Outcome:
    """Run the study, the backtest or both.

    Parameters
    ----------
    config : RunConfig
    study, trade : bool
        Which of the two.
    say : callable
        Told what is being done.
    inputs : tuple, optional
        What `read_inputs` gave, where it was read already.

    Raises
    ------
    EventStudyError
        For any mistake in the input.
    """
    began, started = time.perf_counter(), utc_now()
    if study:
        _require_horizon(config)
    if config.engine == "streamed":
        raise StudyError(
            "engine streamed measures events and nothing else: take eventstudy study for it"
        )
    chosen = strategies_of(config) if trade else ()
    asked = _read_claims(config) if study else None
    events, prices = inputs or read_inputs(config, say)
    studied = _study(config, events, prices, say) if study else None
    activity, notes = _activity(studied, say) if studied else ((), ())
    later = _long_run(config, events, prices, say) if study else None
    claims, claims_prices = _claims(config, asked, studied, say)
    traded, refused = None, ""
    if trade:
        try:
            traded = _backtest(config, chosen, events, prices, say)
        except BacktestError as error:
            # A study that is done is not thrown away because its prices cannot be traded.
            if studied is None:
                raise
            refused = str(error)
    seconds = time.perf_counter() - began
    return Outcome(
        config,
        events,
        prices,
        studied,
        traded,
        refused,
        activity,
        later,
        notes,
        seconds,
        started,
        claims,
        claims_prices,
    )


def _require_horizon(config: RunConfig) -> None:
    """Refuse settings of the long run where none was asked for."""
    given = [name for name in LONG_RUN if name in config.model_fields_set]
    if config.horizon is None and given:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise StudyError(f"{flags}: of the long run, which needs --horizon, such as 1,126")


def strategies_of(config: RunConfig) -> tuple[Strategy, ...]:
    """Find the strategies before any work is done: a misspelt name fails at once.

    Those named; else all of the user's folder, or all that ship with the project.
    """
    from eventstudy.backtest import bundled_strategies, load_strategies
    from eventstudy.backtest.library import resolve_strategies

    names = config.strategy
    if names is None:
        found = load_strategies(config.strategies) if config.strategies else bundled_strategies()
        names = tuple(found)
    return resolve_strategies(list(names), config.strategies)


def trading_options(config: RunConfig) -> dict[str, Any]:
    """Return what backtest, audit and sweep are told alike: costs, limits, capital and the rest.

    Raises
    ------
    BacktestError
        Where there is no benchmark.
    """
    from eventstudy.backtest import Costs, Limits

    if config.benchmark is None:
        raise BacktestError("a backtest needs a benchmark, which it holds as a yardstick")
    return {
        "costs": Costs(**config.costs.model_dump()),
        "limits": Limits(**config.limits.model_dump()),
        "shortable": config.shortable,
        "capital": config.capital,
        "benchmark": config.benchmark,
        "risk_free": config.risk_free,
        "seed": config.seed,
    }


def _study(config: RunConfig, events: EventCalendar, prices: PriceTable, say: Say) -> StudyResult:
    from eventstudy.study import event_study

    say(f"measuring abnormal returns of {len(events.study)} events")
    studied = event_study(
        events,
        prices,
        model=config.model,
        benchmark=config.benchmark,
        window=config.window,
        estimation=config.estimation,
        gap=config.gap,
        min_estimation=config.min_estimation,
        observed=config.observed,
        tests=config.test,
        convention=config.convention,
        returns=config.returns,
        overlap=config.overlap,
        estimation_excludes=config.estimation_excludes,
        donors=config.donors,
        factors=read_factors(config),
        progress=watched(say),
        strict=config.strict,
        seed=config.seed,
    )
    if config.case is not None and config.case not in studied.studied:
        raise UnknownNameError("case among the studied events", config.case, studied.studied)
    say("testing")
    studied.compute_tests(watched(say))
    return studied


def _activity(study: StudyResult, say: Say) -> tuple[tuple[ActivityResult, ...], tuple[str, ...]]:
    """Measure volume and variance for the windows asked for; what cannot be had is told."""
    from eventstudy.activity import abnormal_volume, variance_ratio

    say("measuring volume and variance")
    found, notes = [], []
    for measure in (abnormal_volume, variance_ratio):
        try:
            found.append(measure(study, every_day=False))
        except StudyError as error:
            notes.append(f"Not measured: {error}")
    return tuple(found), tuple(notes)


def _long_run(
    config: RunConfig, events: EventCalendar, prices: PriceTable, say: Say
) -> LongRunResult | None:
    if config.horizon is None:
        return None
    from eventstudy.longrun import long_run

    if config.benchmark is None:
        raise StudyError("the long run needs a benchmark: name its ticker")
    say("following events over the long run")
    return long_run(
        events,
        prices,
        benchmark=config.benchmark,
        horizon=list(config.horizon),
        matched=config.matched,
        rebalance=config.rebalance,
        weights=config.weights,
        caps=config.caps,
        factors=read_factors(config),
        overlap=config.horizon_overlap or config.overlap,
        min_firms=config.min_firms,
        lags=config.lags,
        estimation=config.estimation,
        gap=config.gap,
        min_estimation=config.min_estimation,
        seed=config.seed,
    )


def _read_claims(config: RunConfig) -> Claims | None:
    """Read the claims before any work is done: a fault in the file is told at once."""
    if config.claims is None:
        return None
    from eventstudy.claims import read_claims

    return read_claims(config.claims)


def _claims(
    config: RunConfig, claims: Claims | None, study: StudyResult | None, say: Say
) -> tuple[ClaimsResult | None, PriceTable | None]:
    """Test claims on prices of their own, so that what they name changes nothing in the study."""
    if claims is None or study is None:
        return None, None
    from eventstudy.claims import check_claims

    say(f"testing {len(claims.items)} claims")
    further = _claims_prices(config, claims, study)
    return check_claims(claims, study, study.prices if further is None else further), further


def _claims_prices(config: RunConfig, claims: Claims, study: StudyResult) -> PriceTable | None:
    """Return the prices of a study with those of what claims name; None where it has them."""
    known = (t for t in claims.tickers() if not t.startswith("@") or t in study.events.baskets)
    named = set(study.events.baskets.resolve(known))
    if named <= set(study.prices.tickers):
        return None
    return prices_of(config, sorted(named | set(study.prices.tickers)), "drop")


def _backtest(
    config: RunConfig,
    chosen: tuple[Strategy, ...],
    events: EventCalendar,
    prices: PriceTable,
    say: Say,
) -> BacktestResult:
    from eventstudy.backtest import backtest

    options = trading_options(config)
    say(f"trading {', '.join(strategy.name for strategy in chosen)}")
    traded = backtest(events.study, prices, list(chosen), variants=config.variants, **options)
    traded.gather(draws=config.placebo_draws, progress=watched(say))
    return traded
