"""events import: rows of a calendar drafted from Yahoo's dates or another file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstudy.cli import complete, terminal
from eventstudy.cli import options as o
from eventstudy.cli.progress import Bar

if TYPE_CHECKING:
    from eventstudy.drafts import Added, Drafts

Into = Annotated[
    str,
    typer.Argument(metavar="EVENTS", help="Calendar that takes the rows; made where it is new."),
]
From = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="yahoo|FILE",
        help="Yahoo's earnings dates of --ticker, or a CSV with headers of its own.",
        autocompletion=complete.draft_sources,
    ),
]
Ticker = Annotated[
    list[str] | None,
    typer.Option("--ticker", metavar="TICKER", help="For --from yahoo; repeatable."),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=HEADER",
        help="Which header of FILE is which column, such as date=Announced; others are guessed, "
        "COLUMN= forbids it; repeatable.",
        autocompletion=complete.draft_columns,
    ),
]
Dates = Annotated[
    str | None,
    typer.Option(metavar="mdy|dmy", help="How 03/04/2025 is read, where the file leaves a doubt."),
]
Zone = Annotated[
    str | None,
    typer.Option("--timezone", metavar="ZONE", help="Of times in FILE (default America/New_York)."),
]
Kind = Annotated[
    str | None, typer.Option(metavar="KIND", help="For rows of FILE that have none, such as deal.")
]
Duplicates = Annotated[
    str,
    typer.Option(
        metavar="skip|keep",
        help="Drafts about a company that has a row on that date: left out, or added again.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the rows; write nothing.")]
SHOWN = ("event_id", "date", "time", "session", "kind", "tickers", "use", "confidence")


def import_events(
    source: From,
    events: Into = "events.csv",
    ticker: Ticker = None,
    map_: Map = None,
    dates: Dates = None,
    timezone: Zone = None,
    kind: Kind = None,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="For yahoo.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DATE", help="For yahoo.")] = None,
    calendar: o.Calendar = None,
    duplicates: Duplicates = "skip",
    config: o.Config = None,
    dry_run: DryRun = False,
    json_: o.Json = False,
) -> None:
    """Draft rows of events.csv from Yahoo's earnings dates, or from a CSV with other headers.

    A draft is context with low confidence: shown, neither tested nor traded. Look date and hour
    up at the company, then set use to study.
    """
    from eventstudy.drafts import add_drafts
    from eventstudy.run.config import read_config

    asked = read_config(config, {"calendar": calendar})
    of_file = {"--map": map_, "--dates": dates, "--timezone": timezone, "--kind": kind}
    of_yahoo = {"--ticker": ticker, "--start": start, "--end": end}
    _check(source, duplicates, of_file if source == "yahoo" else of_yahoo, of_yahoo)
    exchange = "XNYS" if asked.calendar == "prices" else asked.calendar
    if source == "yahoo":
        drafts = _of_yahoo(ticker or [], start, end, exchange)
    else:
        drafts = _of_file(source, map_ or [], dates, timezone, kind, exchange, asked.all_baskets())
    added = add_drafts(
        drafts,
        events,
        keep_duplicates=duplicates == "keep",
        baskets=asked.all_baskets(),
        dry_run=dry_run,
    )
    if json_:
        o.print_json(_as_dict(drafts, added, dry_run))
        return
    _tell(drafts, added, dry_run)


def _check(source: str, duplicates: str, foreign: dict[str, Any], of_yahoo: dict[str, Any]) -> None:
    """Refuse at once what does not go together."""
    from eventstudy.errors import Fault, InputError, did_you_mean

    def fault(problem: str, setting: str, value: str | None = None) -> Fault:
        return Fault("command line", problem, value=value, setting=setting)

    other = "a FILE" if source == "yahoo" else "yahoo"
    faults = [
        fault(f"goes with --from {other}, not with --from {source}", name)
        for name, value in foreign.items()
        if value
    ]
    if duplicates not in ("skip", "keep"):
        near = did_you_mean(duplicates, ("skip", "keep"))
        faults.append(fault(f"allowed are skip, keep{near}", "--duplicates", duplicates))
    if source != "yahoo" and not Path(source).exists():
        near = did_you_mean(source, [*complete.draft_sources(""), "yahoo"])
        faults = [fault(f"no file of that name, and not yahoo{near}", "--from", source)]
    if source == "yahoo":
        if not of_yahoo["--ticker"]:
            faults.append(fault("which tickers? Name them, such as --ticker AVGO", "--ticker"))
        faults += [
            fault("write the date as YYYY-MM-DD", name, of_yahoo[name])
            for name in ("--start", "--end")
            if of_yahoo[name] and not _is_date(of_yahoo[name])
        ]
    if faults:
        raise InputError(faults)


def _is_date(text: str) -> bool:
    from eventstudy.events.cells import CellError, parse_date

    try:
        return bool(parse_date(text))
    except CellError:
        return False


def _of_yahoo(tickers: list[str], start: str | None, end: str | None, calendar: str) -> Drafts:
    from eventstudy.drafts import yahoo_drafts

    with Bar() as bar:
        return yahoo_drafts(tickers, start=start, end=end, calendar=calendar, progress=bar.tell)


def _of_file(
    source: str,
    told: list[str],
    dates: str | None,
    timezone: str | None,
    kind: str | None,
    calendar: str,
    baskets: Any,
) -> Drafts:
    from eventstudy.drafts import file_drafts
    from eventstudy.errors import EventStudyError
    from eventstudy.events import DEFAULT_TIMEZONE

    wrong = [text for text in told if "=" not in text]
    if wrong:
        raise EventStudyError(
            f"--map {', '.join(wrong)}: write COLUMN=HEADER, such as date=Announced"
        )
    columns = dict(text.split("=", 1) for text in told)
    return file_drafts(
        source,
        columns=columns,
        order=dates,
        timezone=timezone or DEFAULT_TIMEZONE,
        kind=kind or "",
        calendar=calendar,
        baskets=baskets,
    )


def _tell(drafts: Drafts, added: Added, dry_run: bool) -> None:
    """Print which columns were taken for which, then the rows, then what became of them."""
    for column, header, how in drafts.columns:
        terminal.say(f"{column:<10} from {header!r}{' (guessed)' if how == 'guessed' else ''}")
    if drafts.unused:
        terminal.show(f"not taken: {', '.join(map(repr, drafts.unused))}; --map takes them")
    if drafts.columns:
        terminal.say("")
    n = len(added.rows)
    if n:
        title = f"{n} draft{'s' if n != 1 else ''} from {drafts.source}"
        terminal.print_frame(added.rows[list(SHOWN)], title)
    if len(added.duplicates):
        terminal.print_frame(added.duplicates, "The same ticker and date", most=terminal.LIST)
    for note in drafts.notes:
        terminal.show(f"Note: {note}.")
    if dry_run:
        terminal.show(f"Nothing is written: --dry-run. Without it {added.file} gets {_rows(n)}.")
    elif not n:
        terminal.show(f"Nothing new for {added.file}.")
    else:
        place = "in the new" if added.created else "added to"
        terminal.show(
            f"{_rows(n)} {place} {added.file}. Confirm each: look date and hour up at the company, "
            "then set use to study and clear the note."
        )


def _rows(n: int) -> str:
    return f"{n} row{'s' if n != 1 else ''}"


def _as_dict(drafts: Drafts, added: Added, dry_run: bool) -> dict[str, Any]:
    return {
        "file": str(added.file),
        "created": added.created,
        "written": 0 if dry_run else len(added.rows),
        "columns": {c: {"header": header, "how": how} for c, header, how in drafts.columns},
        "unused": list(drafts.unused),
        "drafts": added.rows.to_dict("records"),
        "duplicates": added.duplicates.to_dict("records"),
        "notes": list(drafts.notes),
    }
