"""demo, run, study and backtest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from eventstudy.cli import options as o

if TYPE_CHECKING:
    from eventstudy.run.config import RunConfig
    from eventstudy.run.execute import Outcome
    from eventstudy.run.kept import Target

DEMO_WINDOWS = ("0,0", "-1,1", "2,10", "-5,-1")
COSTS = ("commission_bp", "half_spread_bp", "borrow_bp")
OUTPUTS = ("out", "runs", "format_", "export", "json_", "config")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(demo)
    app.command()(run)
    app.command()(study)
    app.command()(backtest)


def demo(
    out: o.Out = None,
    runs: o.Runs = None,
    format_: o.Format = "csv",
    export: o.Export = None,
    json_: o.Json = False,
) -> None:
    """Run study, backtest and report on the shipped sample; no network is needed.

    Files go to eventstudy-demo unless --out or --runs says otherwise.
    """
    from eventstudy.run.config import RunConfig
    from eventstudy.run.places import bundled_events

    target = _target(locals(), "eventstudy-demo")
    config = RunConfig(events=str(bundled_events()), prices="sample", window=DEMO_WINDOWS)
    outcome = _carry_out(config, True, True)
    if not json_:
        kept = {observation.reading.event.event_id for observation in outcome.study.observations}  # type: ignore[union-attr]
        typer.echo(
            f"The sample is small: 250 sessions of five tickers, which keep {len(kept)} of "
            f"{len(outcome.study.events.study)} study events. It shows how the tool works; "  # type: ignore[union-attr]
            "it cannot carry a conclusion of its own.\n"
        )
    _deliver(outcome, target, format_, json_, export)


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
    strategy: o.Strategy = None,
    strategies: o.Strategies = None,
    capital: o.Capital = None,
    commission_bp: o.Commission = None,
    half_spread_bp: o.HalfSpread = None,
    borrow_bp: o.Borrow = None,
    risk_free: o.RiskFree = None,
    assume_known: o.AssumeKnown = None,
    seed: o.Seed = None,
    strict: o.Strict = None,
    config: o.Config = None,
    out: o.Out = None,
    runs: o.Runs = None,
    format_: o.Format = "csv",
    export: o.Export = None,
    json_: o.Json = False,
) -> None:
    """Study, backtest and report: everything, written to --out (eventstudy-out) or --runs."""
    asked, target = _config(locals()), _target(locals(), "eventstudy-out")
    outcome = _carry_out(asked, True, True)
    _deliver(outcome, target, format_, json_, export)


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
    seed: o.Seed = None,
    strict: o.Strict = None,
    config: o.Config = None,
    out: o.Out = None,
    runs: o.Runs = None,
    format_: o.Format = "csv",
    export: o.Export = None,
    json_: o.Json = False,
) -> None:
    """Abnormal returns and their tests; files and report with --out or --runs."""
    asked, target = _config(locals()), _target(locals())
    outcome = _carry_out(asked, True, False)
    _deliver(outcome, target, format_, json_, export)


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
    assume_known: o.AssumeKnown = None,
    seed: o.Seed = None,
    config: o.Config = None,
    out: o.Out = None,
    runs: o.Runs = None,
    format_: o.Format = "csv",
    export: o.Export = None,
    json_: o.Json = False,
) -> None:
    """Trade strategies around the events; files with --out or --runs."""
    asked, target = _config(locals()), _target(locals())
    outcome = _carry_out(asked, False, True)
    _deliver(outcome, target, format_, json_, export)


def _config(given: dict[str, Any]) -> RunConfig:
    """Return the configuration of a command's parameters and its study.toml."""
    from eventstudy.run.config import read_config

    flags = {name: value for name, value in given.items() if name not in OUTPUTS}
    costs = {name: flags.pop(name) for name in COSTS if name in flags}
    flags["costs"] = {name: value for name, value in costs.items() if value is not None}
    if flags.get("assume_known"):
        flags["assume_known"] = _pairs(flags["assume_known"])
    return read_config(given["config"], flags)


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
            raise typer.BadParameter(f"{text!r}: write KIND=DAYS, such as earnings=14d")
    return dict(text.split("=", 1) for text in texts)


def _carry_out(config: RunConfig, with_study: bool, with_trades: bool) -> Outcome:
    """Run, with a line on stderr that tells what is being done where someone is watching."""
    from rich.console import Console

    from eventstudy.run.execute import execute

    console = Console(stderr=True)
    with console.status("starting") as status:
        return execute(config, study=with_study, trade=with_trades, say=status.update)


def _deliver(
    outcome: Outcome, target: Target, fmt: str, as_json: bool, exports: list[str] | None
) -> None:
    """Write the files and print the summaries; exit 2 where the backtest was refused."""
    from eventstudy.run.files import files_of, manifest_of

    written = []
    if target.wanted:
        files = files_of(outcome, fmt, exports=exports or ())
        written = target.write(files, manifest_of(outcome))
    if as_json:
        typer.echo(_json(outcome, written))
    else:
        _print_summaries(outcome, written)
    if outcome.refused:
        typer.echo(f"eventstudy: no backtest: {outcome.refused}", err=True)
        raise typer.Exit(2)


def _print_summaries(outcome: Outcome, written: list[Path]) -> None:
    evidence = None if outcome.backtest is None else outcome.backtest.evidence
    for part in (outcome.study, outcome.long_run, outcome.backtest, evidence):
        if part is not None:
            typer.echo(part.summary())
            typer.echo("")
    for note in outcome.notes:
        typer.echo(note)
    if written:
        report = [path for path in written if path.name == "report.html"]
        typer.echo(f"{len(written)} files in {written[0].parent}")
        for path in report:
            typer.echo(f"Report: {path.resolve()}")
        for path in _exported(written):
            typer.echo(f"Export: {path.resolve()}")


def _exported(written: list[Path]) -> list[Path]:
    """Return the files that were asked for by --export: what a run writes of its own is known."""
    own = (".csv", ".parquet", ".html")
    return [p for p in written if p.suffix not in own and p.name != "manifest.json"]


def _json(outcome: Outcome, written: list[Path]) -> str:
    import json

    def records(frame: Any) -> Any:
        return json.loads(frame.to_json(orient="records", date_format="iso"))

    found: dict[str, Any] = {
        "seconds": round(outcome.seconds, 3),
        "files": [str(p) for p in written],
    }
    if outcome.study is not None:
        found["study"] = records(outcome.study.summary_frame())
        found["dropped"] = records(outcome.study.dropped)
        found["notes"] = list(outcome.study.notes)
    if outcome.backtest is not None:
        found["backtest"] = records(outcome.backtest.metrics)
        found["luck"] = records(outcome.backtest.evidence.luck)
    return json.dumps(found, indent=2, ensure_ascii=False)
