"""events check, prices fetch, prices check and list: looking without running."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from eventstudy.cli import options as o

if TYPE_CHECKING:
    import pandas as pd

events_app = typer.Typer(help="The calendar of events.", no_args_is_help=True)
prices_app = typer.Typer(help="Prices: fetch and check.", no_args_is_help=True)

Tickers = Annotated[
    list[str] | None, typer.Argument(metavar="[TICKER]...", help="Tickers; default: all.")
]
EventsOption = Annotated[
    str | None,
    typer.Option("--events", metavar="FILE", help="Take the tickers of this calendar."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(events_app, name="events")
    app.add_typer(prices_app, name="prices")
    app.command("list")(list_names)


@events_app.command("check")
def check_events(
    events: o.EventsFile = None,
    calendar: o.Calendar = None,
    prices: o.Prices = None,
    benchmark: o.Benchmark = None,
    window: o.Window = None,
    estimation: o.Estimation = None,
    gap: o.Gap = None,
    config: o.Config = None,
    json_: o.Json = False,
) -> None:
    """Print the aligned calendar, overlaps and coincidences per ticker."""
    from eventstudy.events import check_frame, check_tickers, separation_notes
    from eventstudy.run.config import read_config
    from eventstudy.run.execute import read_calendar, read_inputs
    from eventstudy.windows import make_frame

    flags = {
        "events": events, "calendar": calendar, "prices": prices, "benchmark": benchmark,
        "window": window, "estimation": estimation, "gap": gap,
    }  # fmt: skip
    asked = read_config(config, flags)
    found = read_inputs(asked)[0] if asked.calendar == "prices" else read_calendar(asked)
    frame = make_frame(asked.window, estimation=asked.estimation, gap=asked.gap)
    span = int(frame.estimation_days[0]), int(frame.estimation_days[-1])
    tickers = check_tickers(found, hull=frame.hull, estimation=span)
    aligned = check_frame(found)
    if json_:
        _print_json({"events": aligned, "tickers": tickers})
        return
    shown = _compact(aligned)
    if sys.stdout.isatty():
        shown = shown.drop(columns="why")  # it would fold every row over three lines
    print_frame(shown, f"{len(found)} events, {int(aligned['ambiguous'].sum())} of them ambiguous")
    print_frame(tickers, f"Per ticker, windows in [{frame.hull[0]}, {frame.hull[1]}]")
    for line in (*separation_notes(found), *found.notes):
        typer.echo(line)


@prices_app.command("fetch")
def fetch_prices(
    tickers: Tickers = None,
    events: EventsOption = None,
    start: o.Start = None,
    end: o.End = None,
    benchmark: o.Benchmark = None,
    refresh: Annotated[bool, typer.Option(help="Ask again, whatever the cache holds.")] = False,
) -> None:
    """Download prices from Yahoo into the cache."""
    from eventstudy.errors import EventStudyError
    from eventstudy.prices import coverage_frame, load_prices

    wanted = set(tickers or []) | ({benchmark} if benchmark else set())
    if events:
        wanted |= set(_tickers_of(events)) | {benchmark or "SPY"}
    if not wanted:
        raise EventStudyError("which tickers? Name them, or a calendar with --events events.csv")
    table = load_prices(sorted(wanted), source="yahoo", start=start, end=end, refresh=refresh)
    print_frame(coverage_frame(table), f"{len(table.tickers)} tickers in the cache")


@prices_app.command("check")
def check_prices(
    tickers: Tickers = None,
    prices: o.Prices = None,
    events: EventsOption = None,
    calendar: o.Calendar = None,
    start: o.Start = None,
    end: o.End = None,
    json_: o.Json = False,
) -> None:
    """Print what a source holds and every doubt about it; exit 2 at an error."""
    from eventstudy.errors import EventStudyError
    from eventstudy.prices import coverage_frame, load_prices, quality_frame

    if prices is None:
        raise EventStudyError("which prices? --prices sample, --prices yahoo or a folder")
    wanted = sorted(set(tickers or []) | (set(_tickers_of(events)) if events else set()))
    exchange = calendar or "XNYS"
    table = load_prices(
        wanted or None, source=prices, start=start, end=end, calendar=exchange, check=False
    )
    coverage, doubts = coverage_frame(table), quality_frame(table, calendar=exchange)
    if json_:
        _print_json({"coverage": coverage, "doubts": doubts})
    else:
        held = coverage[~coverage["ticker"].isin(list(table.missing))]
        short = held.assign(sha256=held["sha256"].str[:12])
        print_frame(short, f"{len(held)} tickers from {table.source}")
        if len(doubts):
            print_frame(doubts, f"{len(doubts)} doubts")
        elif len(held):
            typer.echo("No doubt about any of them.")
        for ticker, why in table.missing.items():
            typer.echo(f"missing: {ticker}: {why}")
    if len(doubts) and (doubts["severity"] == "error").any():
        raise typer.Exit(2)


def list_names(
    what: Annotated[
        str,
        typer.Argument(
            help="models, tests, baskets, strategies, sizings, sources, claims (kinds of), "
            "calendars, or all."
        ),
    ] = "all",
    strategies: o.Strategies = None,
) -> None:
    """List what there is to choose from."""
    from eventstudy.cli.names import FAMILIES, describe
    from eventstudy.errors import UnknownNameError

    if what != "all" and what not in FAMILIES:
        raise UnknownNameError("list", what, [*FAMILIES, "all"])
    for family in FAMILIES if what == "all" else (what,):
        if what == "all" and family == "calendars":
            continue
        typer.echo(f"{family}:")
        for name, meaning in describe(family, strategies):
            typer.echo(f"  {name:<28} {meaning}".rstrip())
        typer.echo("")


def _compact(aligned: pd.DataFrame) -> pd.DataFrame:
    """Return the aligned calendar with one column for the moment and one for session 0."""
    same, later = (aligned[name].astype(str).str[:10] for name in ("same", "next"))
    moment = (aligned["date"].astype(str) + " " + aligned["time"].fillna("")).str.strip()
    session_0 = same.where(~aligned["ambiguous"], same + " or " + later)
    shown = aligned[["event_id", "session", "tickers", "expects", "use", "why"]].copy()
    shown.insert(1, "announced", moment)
    shown.insert(3, "session_0", session_0)
    return shown


def _tickers_of(events: str) -> frozenset[str]:
    from eventstudy.events import read_events

    return read_events(events, calendar=None).tickers


def print_frame(frame: pd.DataFrame, title: str) -> None:
    """Print a table: boxed and coloured for a person, plain for a pipe."""
    if not sys.stdout.isatty():
        typer.echo(f"{title}\n{frame.to_string(index=False)}\n")
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for i, column in enumerate(frame.columns):
        table.add_column(str(column), overflow="fold", no_wrap=i == 0)
    for row in frame.astype("string").fillna("").itertuples(index=False):
        table.add_row(*(Text(str(cell)) for cell in row))
    Console().print(table)


def _print_json(frames: dict[str, pd.DataFrame]) -> None:
    import json

    found = {
        name: json.loads(frame.to_json(orient="records", date_format="iso"))
        for name, frame in frames.items()
    }
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
