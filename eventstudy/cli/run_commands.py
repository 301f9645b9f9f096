"""demo, run, study and backtest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import typer

from eventstudy.cli import consent, terminal
from eventstudy.cli import options as o
from eventstudy.cli.progress import Status
from eventstudy.errors import EventStudyError

if TYPE_CHECKING:
    from eventstudy.disk import Writer
    from eventstudy.run.config import RunConfig
    from eventstudy.run.execute import Outcome
    from eventstudy.run.kept import Target
    from eventstudy.run.reuse import Delivered, Question

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
    _deliver(order, json_, fresh)


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
    _deliver(Order(asked, target, format_, tuple(export or ())), json_, fresh)


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
        from eventstudy.cli.streamed import deliver

        if runs is not None or export:
            raise EventStudyError("engine streamed writes tables to --out; no --runs, no --export")
        deliver(asked, out, format_, json_, jobs=jobs, cluster=cluster, each=each)
        return
    named = {"--jobs": jobs, "--cluster": cluster, "--each": each}
    given = [flag for flag, value in named.items() if value is not None and value != []]
    if given:
        raise EventStudyError(f"{', '.join(given)}: only with --engine streamed")
    _deliver(Order(asked, target, format_, tuple(export or ()), trade=False), json_, fresh)


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
    _deliver(Order(asked, target, format_, tuple(export or ()), study=False), json_, fresh)


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


@dataclass(frozen=True, slots=True)
class Order:
    """What a command is to do, and where its files go.

    Attributes
    ----------
    config : RunConfig
    target : Target
    fmt : str
    exports : tuple of str
    study, trade : bool
        Which parts.
    first : callable or None
        What is printed ahead of the rest.
    """

    config: RunConfig
    target: Target
    fmt: str
    exports: tuple[str, ...] = ()
    study: bool = True
    trade: bool = True
    first: Callable[[Outcome], str] | None = None

    def question(self) -> Question | None:
        """Return what is asked, for an earlier run to answer; None with further formats."""
        from eventstudy.run.reuse import Question

        if self.exports:
            return None
        first = None if self.first is None else self.first.__name__
        what = (self.study, self.trade, self.fmt, self.target.wanted, first)
        return Question(self.config, what)


def _deliver(order: Order, as_json: bool, fresh: bool) -> None:
    """Run, write the files and print the summaries; exit 2 where the backtest was refused."""
    from eventstudy.run.execute import utc_now

    began, started = perf_counter(), utc_now()
    with Status() as status:
        found, refused = _found(order, fresh, status)
        if found.reused:
            found = found.taken(started, perf_counter() - began)
        target, written = order.target, list[Path]()
        if target.wanted:
            files = {name: _writer(held) for name, held in found.files.items()}
            written = target.write(files, found.manifest)
    if as_json:
        o.print_json(_json(found, written, perf_counter() - began))
    else:
        terminal.show("\n".join([found.text, *_taken(found), *_places(written)]))
    if refused:
        terminal.complain(f"no backtest: {refused}")
        raise typer.Exit(2)


def _found(order: Order, fresh: bool, status: Status) -> tuple[Delivered, str]:
    """Return what the run hands over, computed or of an earlier run, and why it did not trade."""
    from eventstudy.run import reuse
    from eventstudy.run.execute import execute

    question = None if fresh else order.question()
    asked = None if question is None else question.digest()
    inputs = None
    if question is not None and asked is not None:
        kept, inputs = reuse.find(question, asked, status.say)
        if kept is not None:
            return kept, ""
    outcome = execute(
        order.config,
        study=order.study,
        trade=order.trade,
        say=status.say,
        inputs=None if inputs is None else (inputs.events, inputs.prices),
    )
    made = _made(order, outcome, status)
    if question is not None and asked is not None:
        reuse.keep(question, asked, outcome, made)
    return made, outcome.refused


def _made(order: Order, outcome: Outcome, status: Status) -> Delivered:
    """Return the files of a run and what is said of it."""
    from eventstudy.disk import content_of
    from eventstudy.run.files import files_of, manifest_of
    from eventstudy.run.reuse import Delivered

    files: dict[str, bytes] = {}
    if order.target.wanted:
        status.say("drawing the report" if order.study else "writing the files")
        writers = files_of(outcome, order.fmt, exports=order.exports)
        files = {name: content_of(write) for name, write in writers.items()}
    status.say("summing up")
    text = _summaries(outcome)
    if order.first is not None:
        text = f"{order.first(outcome)}\n\n{text}"
    return Delivered(files, manifest_of(outcome), text, _figures(outcome))


def _writer(held: bytes) -> Writer:
    return lambda file: file.write(held)


def _taken(found: Delivered) -> list[str]:
    """Say that results are of an earlier run, and how to compute them again."""
    if not found.reused:
        return []
    return [
        f"Taken from the run of {found.reused}, which had the same events, prices, settings and "
        "program; --fresh computes again."
    ]


def _summaries(outcome: Outcome) -> str:
    evidence = None if outcome.backtest is None else outcome.backtest.evidence
    lines: list[str] = []
    parts = (outcome.study, outcome.claims, outcome.long_run, outcome.backtest, evidence)
    for part in parts:
        if part is not None:
            lines += [part.summary(), ""]
    return "\n".join([*lines, *terminal.shortened(outcome.notes)])


def _places(written: list[Path]) -> list[str]:
    """Say where the files are."""
    if not written:
        return []
    return [
        f"{len(written)} files in {written[0].parent}",
        *(f"Report: {path.resolve()}" for path in written if path.name == "report.html"),
        *(f"Export: {path.resolve()}" for path in _exported(written)),
    ]


def _exported(written: list[Path]) -> list[Path]:
    """Return the files that were asked for by --export: what a run writes of its own is known."""
    own = (".csv", ".parquet", ".html")
    return [p for p in written if p.suffix not in own and p.name != "manifest.json"]


def _json(found: Delivered, written: list[Path], seconds: float) -> dict[str, Any]:
    head: dict[str, Any] = {
        "seconds": round(seconds, 3),
        "files": [str(path) for path in written],
    }
    return head | ({"reused": found.reused} if found.reused else {}) | dict(found.figures)


def _figures(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if outcome.study is not None:
        found["study"] = o.records(outcome.study.summary_frame())
        found["dropped"] = o.records(outcome.study.dropped)
        found["notes"] = list(outcome.study.notes)
    if outcome.claims is not None:
        found["claims"] = o.records(outcome.claims.summary_frame())
    if outcome.backtest is not None:
        found["backtest"] = o.records(outcome.backtest.metrics)
        found["luck"] = o.records(outcome.backtest.evidence.luck)
    if outcome.refused:
        found["refused"] = outcome.refused
    return found
