"""runs list, runs show and runs compare: looking at runs that were kept."""

from __future__ import annotations

from typing import Annotated

import typer

from eventstudy.cli import complete, terminal
from eventstudy.cli import options as o
from eventstudy.cli.terminal import print_frame, show

runs_app = typer.Typer(
    help="Runs that were kept with --runs.",
    epilog=o.example("eventstudy runs list"),
    no_args_is_help=True,
)

Folder = Annotated[
    str, typer.Option("--runs", metavar="DIR", help="Folder of kept runs, as given to --runs.")
]
Id = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="An ID, its beginning, the beginning of its hash, or a run's folder.",
        autocompletion=complete.runs,
    ),
]
DEFAULT = "eventstudy-runs"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(runs_app, name="runs")


@runs_app.command("list", epilog=o.example("eventstudy runs list --runs eventstudy-runs"))
def list_runs(runs: Folder = DEFAULT, json_: o.Json = False) -> None:
    """List the runs of a folder, the earliest first, with their main figures."""
    from eventstudy.run.kept import kept_runs
    from eventstudy.run.overview import overview_frame, overview_of

    found = [overview_of(run) for run in kept_runs(runs)]
    if json_:
        o.print_json(found)
        return
    if not found:
        terminal.say(f"No runs in {runs}.")
        return
    title = f"{len(found)} run{'s' if len(found) != 1 else ''} in {runs}"
    print_frame(overview_frame(found), title)


@runs_app.command("show", epilog=o.example("eventstudy runs show out"))
def show_run(run: Id, runs: Folder = DEFAULT, json_: o.Json = False) -> None:
    """Show a run: configuration, inputs with their hashes, versions, figures, files."""
    from eventstudy.run.kept import find_run
    from eventstudy.run.overview import shown_lines, whole_of

    found = find_run(run, runs)
    if json_:
        state = whole_of(found, digests=True)
        o.print_json({"id": found.id, "folder": str(found.folder), **state, **found.manifest})
        return
    show("\n".join(shown_lines(found)))


@runs_app.command("compare", epilog=o.example("eventstudy runs compare out out"))
def compare(a: Id, b: Id, runs: Folder = DEFAULT, json_: o.Json = False) -> None:
    """Compare two runs: what was asked, inputs, versions, and the numbers table by table."""
    from eventstudy.run.compare import compare_runs
    from eventstudy.run.kept import find_run

    found = compare_runs(find_run(a, runs), find_run(b, runs))
    if json_:
        o.print_json(found.as_dict())
        return
    show(found.summary())
