"""events check, prices fetch, prices check and list: looking without running."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from eventstudy.cli import complete, consent, terminal
from eventstudy.cli import options as o
from eventstudy.cli.import_command import import_events
from eventstudy.cli.terminal import print_frame

if TYPE_CHECKING:
    import pandas as pd

events_app = typer.Typer(
    help="The calendar of events: check it, draft rows for it.",
    epilog=o.example("eventstudy events check events.csv"),
    no_args_is_help=True,
)
prices_app = typer.Typer(
    help="Prices: fetch and check.",
    epilog=o.example("eventstudy prices check --prices sample"),
    no_args_is_help=True,
)

Tickers = Annotated[
    list[str] | None, typer.Argument(metavar="[TICKER]...", help="Tickers; default: all.")
]
EventsOption = Annotated[
    str | None,
    typer.Option("--events", metavar="FILE", help="Take the tickers of this calendar."),
]


OF_THE_DOWNLOAD = ("adjusted", "revised", "lacking", "unfinished", "cache")
"""Notes of the yahoo source on its own answers and on what was kept."""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(events_app, name="events")
    app.add_typer(prices_app, name="prices")
    app.command("list", epilog=o.example("eventstudy list models"))(list_names)
    events_app.command(
        "import",
        epilog=o.example(
            "eventstudy events import events.csv --from other.csv --dry-run",
            "eventstudy events import events.csv --from yahoo --ticker AVGO",
        ),
    )(import_events)


@events_app.command("check", epilog=o.example("eventstudy events check events.csv"))
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
    from eventstudy.run.inputs import read_calendar, read_inputs
    from eventstudy.windows import make_frame

    flags = {
        "events": events, "calendar": calendar, "prices": prices, "benchmark": benchmark,
        "window": window, "estimation": estimation, "gap": gap,
    }  # fmt: skip
    asked = read_config(config, flags)
    if asked.calendar == "prices":
        consent.tell(config, flags, asked)
    found = read_inputs(asked)[0] if asked.calendar == "prices" else read_calendar(asked)
    frame = make_frame(asked.window, estimation=asked.estimation, gap=asked.gap)
    span = int(frame.estimation_days[0]), int(frame.estimation_days[-1])
    tickers = check_tickers(found, hull=frame.hull, estimation=span)
    aligned = check_frame(found)
    if json_:
        o.print_json(
            {
                "events": o.records(aligned),
                "tickers": o.records(tickers),
                "notes": [*separation_notes(found), *found.notes],
            }
        )
        return
    shown = _compact(aligned)
    if sys.stdout.isatty():
        shown = shown.drop(columns="why")  # it would fold every row over three lines
    print_frame(shown, f"{len(found)} events, {int(aligned['ambiguous'].sum())} of them ambiguous")
    print_frame(tickers, f"Per ticker, windows in [{frame.hull[0]}, {frame.hull[1]}]")
    for line in terminal.shortened([*separation_notes(found), *found.notes]):
        terminal.show(line)


@prices_app.command(
    "fetch", epilog=o.example("eventstudy prices fetch AVGO SPY --start 2023-01-01")
)
def fetch_prices(
    tickers: Tickers = None,
    events: EventsOption = None,
    start: o.Start = None,
    end: o.End = None,
    benchmark: o.Benchmark = None,
    refresh: Annotated[bool, typer.Option(help="Ask again, whatever the cache holds.")] = False,
    json_: o.Json = False,
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
    lost = [f"\n  {w.ticker}: {w.detail}" for w in table.warnings if w.check == "not_kept"]
    if lost:
        raise EventStudyError(f"{len(lost)} of {len(wanted)} tickers are not kept:{''.join(lost)}")
    coverage = coverage_frame(table)
    # What came of asking; doubts about the prices themselves are for `prices check`.
    notes = [f"{w.ticker}: {w.detail}" for w in table.warnings if w.check in OF_THE_DOWNLOAD]
    if json_:
        o.print_json({"coverage": o.records(coverage), "notes": notes})
        return
    print_frame(coverage, f"{len(table.tickers)} tickers in the cache")
    for line in terminal.shortened(notes):
        terminal.show(line)


@prices_app.command("check", epilog=o.example("eventstudy prices check --prices sample"))
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
        o.print_json({"coverage": o.records(coverage), "doubts": o.records(doubts)})
    else:
        held = coverage[~coverage["ticker"].isin(list(table.missing))]
        short = held.assign(sha256=held["sha256"].str[:12])
        print_frame(short, f"{len(held)} tickers from {table.source}")
        if len(doubts):
            print_frame(doubts, f"{len(doubts)} doubts", most=terminal.LIST)
        elif len(held):
            terminal.say("No doubt about any of them.")
        missing = [f"missing: {ticker}: {why}" for ticker, why in table.missing.items()]
        for line in terminal.shortened(missing):
            terminal.show(line)
    if len(doubts) and (doubts["severity"] == "error").any():
        raise typer.Exit(2)


def list_names(
    what: Annotated[
        str,
        typer.Argument(
            help="models, tests, baskets, strategies, sizings, sources, claims (kinds of), "
            "calendars, or all.",
            autocompletion=complete.fixed(*complete.FAMILIES),
        ),
    ] = "all",
    strategies: o.Strategies = None,
    json_: o.Json = False,
) -> None:
    """List what there is to choose from."""
    from eventstudy.cli.names import FAMILIES, describe
    from eventstudy.errors import UnknownNameError

    if what != "all" and what not in FAMILIES:
        raise UnknownNameError("list", what, [*FAMILIES, "all"])
    families = (what,) if what != "all" else tuple(f for f in FAMILIES if f != "calendars")
    found = {family: list(describe(family, strategies)) for family in families}
    if json_:
        o.print_json(
            {
                family: [{"name": name, "meaning": meaning} for name, meaning in rows]
                for family, rows in found.items()
            }
        )
        return
    for family, rows in found.items():
        terminal.say(f"{family}:")
        for name, meaning in rows:
            terminal.show_entry(name, meaning)
        terminal.say("")


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
