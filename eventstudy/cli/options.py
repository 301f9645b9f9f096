"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

STUDY = "Study"
TRADING = "Trading"
OUTPUT = "Output"

EventsFile = Annotated[
    Optional[str], typer.Argument(metavar="EVENTS", help="Calendar of events, such as events.csv.")
]
Prices = Annotated[
    Optional[str],
    typer.Option("--prices", metavar="SOURCE", help="sample, yahoo, or a folder of CSV or Parquet."),
]
Calendar = Annotated[
    Optional[str],
    typer.Option(help="Exchange calendar (default XNYS), or prices for the benchmark's own dates."),
]
Start = Annotated[Optional[str], typer.Option(metavar="DATE", help="First date of prices.")]
End = Annotated[Optional[str], typer.Option(metavar="DATE", help="Last date of prices.")]
Model = Annotated[
    Optional[list[str]],
    typer.Option(help="mean, market-adjusted or market; repeatable.", rich_help_panel=STUDY),
]
Benchmark = Annotated[
    Optional[str], typer.Option(metavar="TICKER", help="The market (default SPY).")
]
Window = Annotated[
    Optional[list[str]],
    typer.Option(
        metavar="A,B", help="Sessions from session 0, such as -1,1; repeatable.",
        rich_help_panel=STUDY,
    ),
]
Estimation = Annotated[
    Optional[int], typer.Option(help="Sessions of the estimation window.", rich_help_panel=STUDY)
]
Gap = Annotated[
    Optional[int],
    typer.Option(help="Sessions between estimation window and session 0.", rich_help_panel=STUDY),
]
MinEstimation = Annotated[
    Optional[int], typer.Option(help="Fewest usable sessions.", rich_help_panel=STUDY)
]
Observe = Annotated[
    Optional[list[str]],
    typer.Option(
        metavar="NAME", help="Basket or spread on which every event is observed; repeatable.",
        rich_help_panel=STUDY,
    ),
]
Convention = Annotated[
    Optional[str],
    typer.Option(help="scar or sum_sar, for cumulative Patell and BMP.", rich_help_panel=STUDY),
]
Case = Annotated[
    Optional[str],
    typer.Option(metavar="EVENT_ID", help="Event that the report treats at length."),
]
AssumeKnown = Annotated[
    Optional[list[str]],
    typer.Option(
        metavar="KIND=DAYS",
        help="Dates of this kind were public so many days before, such as earnings=14d.",
        rich_help_panel=TRADING,
    ),
]
Strategy = Annotated[
    Optional[list[str]],
    typer.Option(
        metavar="NAME", help="Strategy, such as asic-gpu-rotation or asic-gpu-rotation:hold=5; "
        "repeatable; default all.", rich_help_panel=TRADING,
    ),
]
Strategies = Annotated[
    Optional[str],
    typer.Option(metavar="DIR", help="Folder of your own strategies.", rich_help_panel=TRADING),
]
Capital = Annotated[
    Optional[float], typer.Option(help="Initial cash.", rich_help_panel=TRADING)
]
Commission = Annotated[
    Optional[float],
    typer.Option("--commission-bp", help="Of traded value, each way.", rich_help_panel=TRADING),
]
HalfSpread = Annotated[
    Optional[float],
    typer.Option("--half-spread-bp", help="Slippage, each way.", rich_help_panel=TRADING),
]
Borrow = Annotated[
    Optional[float],
    typer.Option("--borrow-bp", help="Borrow fee a year.", rich_help_panel=TRADING),
]
RiskFree = Annotated[
    Optional[float],
    typer.Option(help="Annual rate on idle cash, such as 0.05.", rich_help_panel=TRADING),
]
Seed = Annotated[Optional[int], typer.Option(help="Seed of everything random.")]
Strict = Annotated[Optional[bool], typer.Option("--strict", help="Fail where anything is left out.")]
Config = Annotated[
    Optional[str], typer.Option(metavar="FILE", help="A study.toml; flags win over it.")
]
Out = Annotated[
    Optional[str],
    typer.Option(metavar="DIR", help="Folder for the files of the run.", rich_help_panel=OUTPUT),
]
Format = Annotated[
    str, typer.Option(help="csv or parquet, for the tables.", rich_help_panel=OUTPUT)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON instead of text.", rich_help_panel=OUTPUT)
]
