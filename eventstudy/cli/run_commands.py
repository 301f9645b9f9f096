"""demo, run, study and backtest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from eventstudy.cli import consent
from eventstudy.cli import options as o
from eventstudy.cli.deliver import Order, deliver
from eventstudy.errors import EventStudyError

if TYPE_CHECKING:
    from eventstudy.run.config import RunConfig
    from eventstudy.run.execute import Outcome
    from eventstudy.run.kept import Target

DEMO_WINDOWS = ("0,0", "-1,1", "2,10", "-5,-1")
COSTS = ("commission_bp", "half_spread_bp", "borrow_bp")
OUTPUTS = (
    "out", "runs", "format_", "export", "fresh", "json_", "config", "jobs", "cluster", "each",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command, example in EXAMPLES.items():
        app.command(epilog=o.example(example))(command)


def demo(
    out: o.Out = None,
    runs: o.Runs = None,
    format_: o.Format = "csv",
    export: o.Export = None,
    fresh: o.Fresh = False,
    json_: o.Json = False,
) -> None:
    """Run study, backtest and report on the shipped sample; no network is needed.

    Files go to eventstudy-demo unless --out or --runs says otherwise.
    """
    from eventstudy.run.config import RunConfig
    from eventstudy.run.places import bundled_events

    target = _target(locals(), "eventstudy-demo")
    config = RunConfig(
        events=str(bundled_events()), prices="sample", window=DEMO_WINDOWS, claims="article"
    )
    order = Order(config, target, format_, tuple(export or ()), first=_how_small)
    deliver(order, json_, fresh)


def _how_small(outcome: Outcome) -> str:
    """Say what the shipped sample is good for."""
    if outcome.study is None:
        raise ValueError("a demo without a study")
    kept = {observation.reading.event.event_id for observation in outcome.study.observations}
    return (
        f"The sample is small: 250 sessions of five tickers, which keep {len(kept)} of "
        f"{len(outcome.study.events.study)} study events. It shows how the tool works; "
        "it cannot carry a conclusion of its own."
    )


def run(
    events: o.EventsFile = None,
    prices: o.Prices = None,
    calendar: o.Calendar = None,
    start: o.Start = None,
    end: o.End = None,
    missing: o.Missing = None,
    model: o.Model = None,
    benchmark: o.Benchmark = None,
    window: o.Window = None,
    estimation: o.Estimation = None,
    gap: o.Gap = None,
    min_estimation: o.MinEstimation = None,
    observed: o.Observe = None,
    convention: o.Convention = None,
    test: o.Test = None,
    returns: o.Returns = None,
    overlap: o.Overlap = None,
    estimation_excludes: o.EstimationExcludes = None,
    donors: o.Donors = None,
    factors: o.Factors = None,
    factor_units: o.FactorUnits = None,
    horizon: o.Horizon = None,
    matched: o.Matched = None,
    horizon_overlap: o.HorizonOverlap = None,
    rebalance: o.Rebalance = None,
    weights: o.Weights = None,
    caps: o.Caps = None,
    min_firms: o.MinFirms = None,
    lags: o.Lags = None,
    case: o.Case = None,
    claims: o.ClaimsFile = None,
    strategy: o.Strategy = None,
    strategies: o.Strategies = None,
    capital: o.Capital = None,
    commission_bp: o.Commission = None,
    half_spread_bp: o.HalfSpread = None,
    borrow_bp: o.Borrow = None,
    risk_free: o.RiskFree = None,
    variants: o.Variants = None,
    assume_known: o.AssumeKnown = None,
    seed: o.Seed = None,
    strict: o.Strict = None,
    config: o.Config = None,
    out: o.Out = None,
    runs: o.Runs = None,
    format_: o.Format = "csv",
    export: o.Export = None,
    fresh: o.Fresh = False,
    json_: o.Json = False,
) -> None:
    """Study, backtest and report: everything, written to --out (eventstudy-out) or --runs."""
    asked, target = _config(locals()), _target(locals(), "eventstudy-out")
    deliver(Order(asked, target, format_, tuple(export or ())), json_, fresh)


def study(
    events: o.EventsFile = None,
    prices: o.Prices = None,
    calendar: o.Calendar = None,
    start: o.Start = None,
    end: o.End = None,
    missing: o.Missing = None,
    model: o.Model = None,
    benchmark: o.Benchmark = None,
    window: o.Window = None,
    estimation: o.Estimation = None,
    gap: o.Gap = None,
    min_estimation: o.MinEstimation = None,
    observed: o.Observe = None,
    convention: o.Convention = None,
    test: o.Test = None,
    returns: o.Returns = None,
    overlap: o.Overlap = None,
    estimation_excludes: o.EstimationExcludes = None,
    donors: o.Donors = None,
    factors: o.Factors = None,
    factor_units: o.FactorUnits = None,
    horizon: o.Horizon = None,
    matched: o.Matched = None,
    horizon_overlap: o.HorizonOverlap = None,
    rebalance: o.Rebalance = None,
    weights: o.Weights = None,
    caps: o.Caps = None,
    min_firms: o.MinFirms = None,
    lags: o.Lags = None,
    case: o.Case = None,
    claims: o.ClaimsFile = None,
    engine: o.Engine = None,
    jobs: o.Threads = None,
    cluster: o.Cluster = None,
    each: o.Each = None,
    seed: o.Seed = None,
    strict: o.Strict = None,
    config: o.Config = None,
    out: o.Out = None,
    runs: o.Runs = None,
    format_: o.Format = "csv",
    export: o.Export = None,
    fresh: o.Fresh = False,
    json_: o.Json = False,
) -> None:
    """Abnormal returns and their tests; files and report with --out or --runs."""
    asked, target = _config(locals()), _target(locals())
    if asked.engine == "streamed":
        from eventstudy.cli import streamed

        if runs is not None or export:
            raise EventStudyError("engine streamed writes tables to --out; no --runs, no --export")
        streamed.deliver(asked, out, format_, json_, jobs=jobs, cluster=cluster, each=each)
        return
    named = {"--jobs": jobs, "--cluster": cluster, "--each": each}
    given = [flag for flag, value in named.items() if value is not None and value != []]
    if given:
        raise EventStudyError(f"{', '.join(given)}: only with --engine streamed")
    deliver(Order(asked, target, format_, tuple(export or ()), trade=False), json_, fresh)


def backtest(
    events: o.EventsFile = None,
    prices: o.Prices = None,
    calendar: o.Calendar = None,
    start: o.Start = None,
    end: o.End = None,
    missing: o.Missing = None,
    benchmark: o.Benchmark = None,
    strategy: o.Strategy = None,
    strategies: o.Strategies = None,
    capital: o.Capital = None,
    commission_bp: o.Commission = None,
    half_spread_bp: o.HalfSpread = None,
    borrow_bp: o.Borrow = None,
    risk_free: o.RiskFree = None,
    variants: o.Variants = None,
    assume_known: o.AssumeKnown = None,
    seed: o.Seed = None,
    config: o.Config = None,
    out: o.Out = None,
    runs: o.Runs = None,
    format_: o.Format = "csv",
    export: o.Export = None,
    fresh: o.Fresh = False,
    json_: o.Json = False,
) -> None:
    """Trade strategies around the events; files with --out or --runs."""
    asked, target = _config(locals()), _target(locals())
    deliver(Order(asked, target, format_, tuple(export or ()), study=False), json_, fresh)


EXAMPLES: Mapping[Callable[..., None], str] = {
    demo: "eventstudy demo --out eventstudy-demo",
    run: "eventstudy run --config study.toml --out out",
    study: "eventstudy study events.csv --prices sample --window -1,1",
    backtest: "eventstudy backtest --config study.toml --strategy first-move:hold=3",
}


def _config(given: dict[str, Any]) -> RunConfig:
    """Return the configuration of a command's parameters and its study.toml."""
    from eventstudy.run.config import read_config

    flags = {name: value for name, value in given.items() if name not in OUTPUTS}
    costs = {name: flags.pop(name) for name in COSTS if name in flags}
    flags["costs"] = {name: value for name, value in costs.items() if value is not None}
    if flags.get("assume_known"):
        flags["assume_known"] = _pairs(flags["assume_known"])
    asked = read_config(given["config"], flags)
    consent.tell(given["config"], given, asked)
    return asked


def _target(given: dict[str, Any], default: str | None = None) -> Target:
    """Return where the files go; what cannot be written there is refused before the work."""
    from eventstudy.run.files import check_format, names_of
    from eventstudy.run.kept import Target

    check_format(given["format_"])
    out, runs = given["out"], given["runs"]
    target = Target(default if out is None and runs is None else out or None, runs)
    exports = _exports(given["export"], target)
    target.check(names_of(given["format_"], exports))
    return target


def _exports(asked: list[str] | None, target: Target) -> tuple[str, ...]:
    """Return the formats beside the tables; refuse early what cannot be written."""
    from eventstudy.errors import EventStudyError
    from eventstudy.exports import check_formats

    if asked and not target.wanted:
        raise EventStudyError(
            f"--export {' '.join(asked)}: where do the files go? Give --out DIR or --runs DIR"
        )
    return check_formats(asked or ())


def _pairs(texts: list[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise EventStudyError(f"--assume-known {text!r}: write KIND=DAYS, such as earnings=14d")
    return dict(text.split("=", 1) for text in texts)
