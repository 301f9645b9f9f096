"""sweep: one strategy at many parameters, and what the best of them is worth."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli import complete, terminal
from eventstudy.cli import options as o
from eventstudy.cli.progress import Bar
from eventstudy.cli.run_commands import _config, _exports

if TYPE_CHECKING:
    from eventstudy.backtest import Strategy, SweepResult
    from eventstudy.disk import Writer
    from eventstudy.run.config import RunConfig
    from eventstudy.run.kept import Target

Name = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Strategy; what is fixed may follow: asic-gpu-rotation:fill=close.",
        autocompletion=complete.strategies,
        rich_help_panel=o.TRADING,
    ),
]
Over = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUES",
        help="Parameter and its values, hold=5,10,20; with --random also a range, "
        "gross=0.1..0.4; repeatable.",
        rich_help_panel=o.TRADING,
    ),
]
Random = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="So many random points instead of the grid.", rich_help_panel=o.TRADING
    ),
]
Jobs = Annotated[int, typer.Option(help="Processes; -1 for one a processor.")]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        "--scheduler",
        metavar="ADDRESS",
        help="A Dask cluster, such as tcp://host:8786, instead of this machine.",
    ),
]
Folds = Annotated[int, typer.Option(help="Of the walk-forward over events.")]
OWN = ("over", "random", "jobs", "cluster", "folds")
TABLES = ("sweep", "walk", "sweep_returns")
PAGE = "sweep.html"
PARTS = ".parts"
STOPPED = 130
"""Exit code of a process that was interrupted, as shells have it."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        epilog=o.example(
            "eventstudy sweep --config study.toml --strategy first-move --over hold=2,5"
        )
    )(sweep)


def sweep(
    events: o.EventsFile = None,
    prices: o.Prices = None,
    calendar: o.Calendar = None,
    start: o.Start = None,
    end: o.End = None,
    missing: o.Missing = None,
    benchmark: o.Benchmark = None,
    strategy: Name = None,
    strategies: o.Strategies = None,
    over: Over = None,
    random: Random = None,
    folds: Folds = 4,
    capital: o.Capital = None,
    commission_bp: o.Commission = None,
    half_spread_bp: o.HalfSpread = None,
    borrow_bp: o.Borrow = None,
    risk_free: o.RiskFree = None,
    assume_known: o.AssumeKnown = None,
    jobs: Jobs = -1,
    cluster: Cluster = None,
    seed: o.Seed = None,
    config: o.Config = None,
    out: o.Out = None,
    runs: o.Runs = None,
    format_: o.Format = "csv",
    export: o.Export = None,
    json_: o.Json = False,
) -> None:
    """Run one strategy at many parameters and tell what the search leaves of the best.

    With --out or --runs an interrupted sweep goes on where it stopped: give the same command.
    """
    given = {name: value for name, value in locals().items() if name not in OWN}
    asked = _config(given)
    from eventstudy.backtest.sweep import parse_space
    from eventstudy.backtest.sweep import sweep as verb
    from eventstudy.run.execute import trading_options, utc_now
    from eventstudy.run.inputs import read_inputs

    began, clock = utc_now(), time.perf_counter()
    target = _target(out, runs, format_, export)
    space, options = parse_space(over or []), trading_options(asked)
    _check_folds(folds)
    chosen, parts = _strategy(asked), _parts(target)
    found, table = read_inputs(asked)
    with _resumable(parts), Bar() as bar:
        result = verb(
            found.study,
            table,
            chosen,
            space,
            random=random,
            jobs=jobs,
            cluster=cluster,
            resume=parts,
            progress=bar.tell,
            **options,
        )
    files = _files(result, folds, format_, export or ()) if parts else {}
    told = {
        **_manifest(result, asked, found, table, folds),
        "started": began,
        "wall_time": round(time.perf_counter() - clock, 3),
    }
    written = target.write(files, told)
    if json_:
        o.print_json(_dict(result, folds, written))
    else:
        terminal.show(_text(result, folds, written, parts))
    _clear(parts, result)
    if result.ran.empty:
        terminal.say("eventstudy: every variant failed", err=True)
        raise typer.Exit(2)


def _target(out: str | None, runs: str | None, fmt: str, export: list[str] | None) -> Target:
    from eventstudy.exports import export_names
    from eventstudy.run.files import check_format
    from eventstudy.run.kept import Target

    check_format(fmt)
    target = Target(out, runs)
    exported = export_names(_exports(export, target), "sweep")
    target.check([*(f"{name}.{fmt}" for name in TABLES), PAGE, *exported])
    return target


def _parts(target: Target) -> Path | None:
    """Return where results are kept until the sweep is whole."""
    folder = target.out if target.runs is None else target.runs
    return None if folder is None else Path(folder) / PARTS


def _check_folds(folds: int) -> None:
    from eventstudy.errors import BacktestError

    if folds < 2:
        raise BacktestError(f"folds {folds}; allowed: 2 or more")


def _strategy(asked: RunConfig) -> Strategy:
    """Return the one strategy that is named."""
    from eventstudy.backtest import bundled_strategies
    from eventstudy.errors import BacktestError
    from eventstudy.run.execute import strategies_of

    if not asked.strategy:
        known = ", ".join(sorted(bundled_strategies()))
        raise BacktestError(
            f"which strategy? Name one with --strategy: {known}, or one of --strategies DIR"
        )
    found = strategies_of(asked)
    if len(found) > 1:
        names = ", ".join(strategy.name for strategy in found)
        raise BacktestError(f"a sweep runs one strategy; {names} are given: name one")
    return found[0]


@contextmanager
def _resumable(parts: Path | None) -> Iterator[None]:
    """Say, where the sweep is interrupted, how it goes on."""
    try:
        yield
    except KeyboardInterrupt:
        after = (
            "what has been run is lost; with --out it would be kept"
            if parts is None
            else f"what has been run is kept in {parts}: the same command goes on from there"
        )
        terminal.say(f"eventstudy: interrupted; {after}", err=True)
        raise typer.Exit(STOPPED) from None


def _clear(parts: Path | None, result: SweepResult) -> None:
    """Remove the parts of a sweep that is written whole."""
    from eventstudy.backtest.sweep.kept import Kept

    Kept(parts, result.key).clear()
    if parts is not None and any(parts.glob("part-*")):
        terminal.say(
            f"{parts} still holds parts of another sweep that was interrupted; delete it unless "
            "that one is to go on",
            err=True,
        )


def _files(
    result: SweepResult, folds: int, fmt: str, exports: Collection[str]
) -> Mapping[str, Writer]:
    """Return what writes each file, by name."""
    from eventstudy.exports import document_of, export_files
    from eventstudy.exports.frames import writer_of
    from eventstudy.report.sweep import sweep_html

    document = document_of(result, folds=folds)
    found = {f"{name}.{fmt}": writer_of(f, fmt) for name, f in document.frames.items()}
    page = sweep_html(result, folds).encode()
    return {**found, PAGE: lambda file: file.write(page), **export_files(document, exports)}


def _manifest(
    result: SweepResult, asked: RunConfig, events: Any, prices: Any, folds: int
) -> dict[str, object]:
    from eventstudy.run.files import configuration_of
    from eventstudy.study.summary import inputs_manifest

    swept = result.manifest(folds)
    best = (swept["findings"]["best"] or {}).get("sharpe")
    return {
        "configuration": {**configuration_of(asked), "folds": folds},
        **inputs_manifest(events, prices),
        "sweep": {n: value for n, value in swept.items() if n not in ("versions", "findings")},
        "findings": swept["findings"],
        "versions": swept["versions"],
        "seed": asked.seed,
        "headline": {"sharpe": {f"{result.strategy}, best of {len(result.table):,}": best}},
    }


def _text(result: SweepResult, folds: int, written: list[Path], parts: Path | None) -> str:
    lines = [result.summary(folds)]
    if result.found:
        lines.append(
            f"{result.found:,} of {len(result.table):,} variants were found in {parts}, left by an "
            "interrupted sweep."
        )
    files = [f"{path.suffix[1:]}: {path.resolve()}" for path in written]
    return "\n".join([*lines, *files])


def _dict(result: SweepResult, folds: int, written: list[Path]) -> dict[str, Any]:
    import json

    from eventstudy.backtest.sweep.wording import facts_of

    def records(frame: Any) -> Any:
        return json.loads(frame.to_json(orient="records", date_format="iso"))

    return {
        "findings": facts_of(result, folds),
        "variants": records(result.summary_frame()),
        "failed": records(result.failed[["variant", *result.parameters, "error"]]),
        "found": result.found,
        "files": [str(path) for path in written],
    }
