"""audit: whether strategies decide on what they could not know."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from eventstudy.cli import complete, terminal
from eventstudy.cli import options as o
from eventstudy.cli.progress import Bar
from eventstudy.cli.run_commands import _config

if TYPE_CHECKING:
    from eventstudy.backtest import AuditResult
    from eventstudy.run.kept import Target

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="STRATEGY...",
        help="Such as asic-gpu-rotation or asic-gpu-rotation:hold=5; default all.",
        autocompletion=complete.strategies,
    ),
]
Events = Annotated[
    str | None,
    typer.Option("--events", metavar="FILE", help="Calendar of events, such as events.csv."),
]
Cuts = Annotated[
    int | None, typer.Option(help="Sessions to cut after, drawn at random (default: all).")
]
Draws = Annotated[int, typer.Option(help="Random futures.")]
Jobs = Annotated[int, typer.Option(help="Processes; -1 for one a processor.")]
PEEKS = 3
FILES = ("audit.csv",)
OWN = ("names", "cuts", "draws", "jobs")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(epilog=o.example("eventstudy audit first-move --config study.toml --cuts 3"))(audit)


def audit(
    names: Names = None,
    events: Events = None,
    prices: o.Prices = None,
    calendar: o.Calendar = None,
    start: o.Start = None,
    end: o.End = None,
    missing: o.Missing = None,
    benchmark: o.Benchmark = None,
    strategies: o.Strategies = None,
    capital: o.Capital = None,
    commission_bp: o.Commission = None,
    half_spread_bp: o.HalfSpread = None,
    borrow_bp: o.Borrow = None,
    risk_free: o.RiskFree = None,
    assume_known: o.AssumeKnown = None,
    cuts: Cuts = None,
    draws: Draws = 1,
    jobs: Jobs = -1,
    seed: o.Seed = None,
    config: o.Config = None,
    out: o.Out = None,
    runs: o.Runs = None,
    json_: o.Json = False,
) -> None:
    """Replay strategies on data cut at every event, and on a changed future; exit 3 for a peek."""
    given = {name: value for name, value in locals().items() if name not in OWN}
    asked = _config({**given, "strategy": names})
    from eventstudy.backtest import audit as verb
    from eventstudy.run.execute import strategies_of, trading_options, utc_now
    from eventstudy.run.inputs import read_inputs
    from eventstudy.run.kept import Target

    began, target = utc_now(), Target(out, runs)
    target.check(FILES)
    chosen = strategies_of(asked)
    options = trading_options(asked)
    found, table = read_inputs(asked)
    with Bar() as bar:
        result = verb(
            found.study,
            table,
            list(chosen),
            cuts=cuts,
            draws=draws,
            jobs=jobs,
            progress=bar.tell,
            **options,
        )
    written = _write(result, target, began)
    if json_:
        o.print_json(_dict(result, written))
    else:
        terminal.show(_text(result, written))
    if result.peeks:
        raise typer.Exit(PEEKS)
    if not result.clean:
        raise typer.Exit(2)


def _write(result: AuditResult, target: Target, began: str) -> list[Path]:
    """Write the checks and the manifest, where a place was given."""
    if target.out is None and target.runs is None:
        return []
    from eventstudy.exports.frames import csv_text

    content = csv_text(result.checks).encode()
    clock = {"started": began, "wall_time": round(result.seconds, 3)}
    return target.write({FILES[0]: partial(_put, content)}, {**result.manifest(), **clock})


def _put(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def _text(result: AuditResult, written: list[Path]) -> str:
    files = [f"{path.suffix[1:]}: {path.resolve()}" for path in written]
    return "\n".join([result.summary(), *files])


def _dict(result: AuditResult, written: list[Path]) -> dict[str, Any]:
    import json

    first = result.first_differences.to_json(orient="records", date_format="iso")
    return {
        "clean": result.clean,
        "verdicts": dict(result.verdicts),
        "first_differences": json.loads(first or "[]"),
        "sources": {name: list(reads) for name, reads in result.sources.items()},
        "notes": list(result.notes),
        "files": [str(path) for path in written],
    }
