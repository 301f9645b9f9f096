"""Options that several commands share."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from eventstudy.cli import complete, terminal
from eventstudy.letters import OBEYED

STUDY = "Study"
LONG_RUN = "Long run"
TRADING = "Trading"
OUTPUT = "Output"


def example(*lines: str) -> str:
    """Return the end of a help text: examples, each on a line of its own."""
    return "\n\n".join(["Example:" if len(lines) == 1 else "Examples:", *lines])


def records(frame: Any) -> Any:
    """Return a table as plain values, one mapping a row."""
    return json.loads(frame.to_json(orient="records", date_format="iso"))


def print_json(found: Any) -> None:
    """Print one JSON document, all that a command with --json puts on stdout."""
    text = json.dumps(found, indent=2, ensure_ascii=False, default=str)
    # JSON's own way of writing them: such letters stand in texts of it alone.
    terminal.echo(OBEYED.sub(lambda letter: f"\\u{ord(letter[0]):04x}", text))


EventsFile = Annotated[
    str | None, typer.Argument(metavar="EVENTS", help="Calendar of events, such as events.csv.")
]
Prices = Annotated[
    str | None,
    typer.Option(
        "--prices",
        metavar="SOURCE",
        help="sample, yahoo, a folder of CSV or Parquet, parquet:PATH or an address.",
        autocompletion=complete.price_sources,
    ),
]
Calendar = Annotated[
    str | None,
    typer.Option(help="Exchange calendar (default XNYS), or prices for the benchmark's own dates."),
]
Start = Annotated[str | None, typer.Option(metavar="DATE", help="First date of prices.")]
End = Annotated[str | None, typer.Option(metavar="DATE", help="Last date of prices.")]
Missing = Annotated[
    str | None,
    typer.Option(
        metavar="error|drop",
        help="A ticker without prices: stop, or leave it out and list it (default: stop for "
        "yahoo, list for the others).",
        autocompletion=complete.fixed("error", "drop"),
    ),
]
Model = Annotated[
    list[str] | None,
    typer.Option(
        help="Expected returns, such as market, ff5, garch or adjusted:SMH (eventstudy list "
        "models); repeatable.",
        rich_help_panel=STUDY,
        autocompletion=complete.models,
    ),
]
Benchmark = Annotated[
    str | None,
    typer.Option(
        metavar="TICKER", help="The market (default SPY).", autocompletion=complete.tickers
    ),
]
Window = Annotated[
    list[str] | None,
    typer.Option(
        metavar="A,B",
        help="Sessions from session 0, such as -1,1; repeatable.",
        rich_help_panel=STUDY,
    ),
]
Estimation = Annotated[
    int | None, typer.Option(help="Sessions of the estimation window.", rich_help_panel=STUDY)
]
Gap = Annotated[
    int | None,
    typer.Option(help="Sessions between estimation window and session 0.", rich_help_panel=STUDY),
]
MinEstimation = Annotated[
    int | None, typer.Option(help="Fewest usable sessions.", rich_help_panel=STUDY)
]
Observe = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Basket or spread on which every event is observed; repeatable.",
        rich_help_panel=STUDY,
        autocompletion=complete.observed,
    ),
]
Convention = Annotated[
    str | None,
    typer.Option(
        help="scar or sum_sar, for cumulative Patell and BMP.",
        rich_help_panel=STUDY,
        autocompletion=complete.fixed("scar", "sum_sar"),
    ),
]
Test = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Test over events (eventstudy list tests); repeatable; default all.",
        rich_help_panel=STUDY,
        autocompletion=complete.tests,
    ),
]
Returns = Annotated[
    str | None,
    typer.Option(
        metavar="simple|log",
        help="Returns from which abnormal ones are made (default simple).",
        rich_help_panel=STUDY,
        autocompletion=complete.fixed("simple", "log"),
    ),
]
Overlap = Annotated[
    str | None,
    typer.Option(
        metavar="keep|drop|keep-first|joint",
        help="Events of one series whose windows share sessions (default keep).",
        rich_help_panel=STUDY,
        autocompletion=complete.fixed("keep", "drop", "keep-first", "joint"),
    ),
]
Engine = Annotated[
    str | None,
    typer.Option(
        metavar="whole|streamed",
        help="streamed: any number of events, on securities, with closed-form tests "
        "(default whole).",
        rich_help_panel=STUDY,
        autocompletion=complete.fixed("whole", "streamed"),
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        help="Threads of engine streamed; -1 for one a processor (default -1).",
        rich_help_panel=STUDY,
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A Dask cluster that does the work of engine streamed, such as tcp://host:8786.",
        rich_help_panel=STUDY,
    ),
]
Each = Annotated[
    list[str] | None,
    typer.Option(
        metavar="cars|abnormal|none",
        help="Tables of single events that engine streamed writes, Parquet by parts; "
        "repeatable (default cars).",
        rich_help_panel=STUDY,
        autocompletion=complete.fixed("cars", "abnormal", "none"),
    ),
]
EstimationExcludes = Annotated[
    str | None,
    typer.Option(
        metavar="none|own_events",
        help="What leaves the estimation windows (default none).",
        rich_help_panel=STUDY,
        autocompletion=complete.fixed("none", "own_events"),
    ),
]
Donors = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TICKER",
        help="Security that may stand in for others; repeatable; default all but funds.",
        rich_help_panel=STUDY,
        autocompletion=complete.tickers,
    ),
]
Factors = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|french",
        help="Factor returns: a CSV, Ken French's files, or french for his library.",
        rich_help_panel=STUDY,
    ),
]
FactorUnits = Annotated[
    str | None,
    typer.Option(
        metavar="percent|decimal",
        help="Of a plain CSV of factors.",
        rich_help_panel=STUDY,
        autocompletion=complete.fixed("percent", "decimal"),
    ),
]
Horizon = Annotated[
    list[str] | None,
    typer.Option(
        metavar="A,B",
        help="Buy-and-hold over these sessions, such as 1,126 (126 alone is the same); repeatable.",
        rich_help_panel=LONG_RUN,
    ),
]
Matched = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TICKER",
        help="Candidate for a matched portfolio; repeatable.",
        rich_help_panel=LONG_RUN,
        autocompletion=complete.tickers,
    ),
]
HorizonOverlap = Annotated[
    str | None,
    typer.Option(
        metavar="keep|drop|keep-first",
        help="Horizons of one firm that share sessions (default: what --overlap says).",
        rich_help_panel=LONG_RUN,
        autocompletion=complete.fixed("keep", "drop", "keep-first"),
    ),
]
Rebalance = Annotated[
    str | None,
    typer.Option(
        metavar="never|session",
        help="Matched portfolio: bought once, or brought back to equal weights each session.",
        rich_help_panel=LONG_RUN,
        autocompletion=complete.fixed("never", "session"),
    ),
]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        metavar="equal|value|dollar_volume",
        help="Calendar-time portfolio (default equal); value needs --caps; repeatable.",
        rich_help_panel=LONG_RUN,
        autocompletion=complete.fixed("equal", "value", "dollar_volume"),
    ),
]
Caps = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Market capitalisations: a CSV with a column date and a column a ticker.",
        rich_help_panel=LONG_RUN,
    ),
]
MinFirms = Annotated[
    int | None,
    typer.Option(
        help="Fewest firms with which a session of calendar time counts (default 1).",
        rich_help_panel=LONG_RUN,
    ),
]
Lags = Annotated[
    int | None,
    typer.Option(
        help="Of the Newey-West errors (default: by the number of sessions).",
        rich_help_panel=LONG_RUN,
    ),
]
Case = Annotated[
    str | None,
    typer.Option(
        metavar="EVENT_ID",
        help="Event that the report treats at length.",
        autocompletion=complete.cases,
    ),
]
ClaimsFile = Annotated[
    str | None,
    typer.Option(
        "--claims",
        metavar="FILE|article",
        help="Claims of an article to test one by one: a TOML file, or article for those of the "
        "December 2024 one (docs/claims.md).",
    ),
]
AssumeKnown = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND=DAYS",
        help="Dates of this kind were public so many days before, such as earnings=14d.",
        rich_help_panel=TRADING,
        autocompletion=complete.kinds,
    ),
]
Strategy = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Strategy, such as asic-gpu-rotation or asic-gpu-rotation:hold=5; "
        "repeatable; default all.",
        rich_help_panel=TRADING,
        autocompletion=complete.strategies,
    ),
]
Strategies = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Folder of your own strategies.", rich_help_panel=TRADING),
]
Capital = Annotated[float | None, typer.Option(help="Initial cash.", rich_help_panel=TRADING)]
Variants = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="How many variants were tried to arrive at these, those of sweeps included: it "
        "deflates the Sharpe ratios (default: the strategies of this run).",
        rich_help_panel=TRADING,
    ),
]
Commission = Annotated[
    float | None,
    typer.Option("--commission-bp", help="Of traded value, each way.", rich_help_panel=TRADING),
]
HalfSpread = Annotated[
    float | None,
    typer.Option("--half-spread-bp", help="Slippage, each way.", rich_help_panel=TRADING),
]
Borrow = Annotated[
    float | None,
    typer.Option("--borrow-bp", help="Borrow fee a year.", rich_help_panel=TRADING),
]
RiskFree = Annotated[
    float | None,
    typer.Option(help="Annual rate on idle cash, such as 0.05.", rich_help_panel=TRADING),
]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.")]
Strict = Annotated[bool | None, typer.Option("--strict", help="Fail where anything is left out.")]
Config = Annotated[
    str | None, typer.Option(metavar="FILE", help="A study.toml; flags win over it.")
]
Out = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Folder for the files of the run.", rich_help_panel=OUTPUT),
]
Runs = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Keep the run under DIR, in a folder named by time and inputs, instead of --out; "
        "see eventstudy runs.",
        rich_help_panel=OUTPUT,
    ),
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        help="csv or parquet, for the tables.",
        rich_help_panel=OUTPUT,
        autocompletion=complete.fixed("csv", "parquet"),
    ),
]
Export = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FORMAT",
        help="Also md, tex, xlsx or json of the whole, and the figures as png, svg or pdf; "
        "repeatable.",
        rich_help_panel=OUTPUT,
    ),
]
Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh",
        envvar="EVENTSTUDY_FRESH",
        help="Compute again, even where an earlier run had the same events, prices, settings and "
        "program.",
        rich_help_panel=OUTPUT,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON instead of text.", rich_help_panel=OUTPUT)
]
