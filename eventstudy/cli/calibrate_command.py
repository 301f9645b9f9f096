"""calibrate: size and power of every test on the user's own prices."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from eventstudy.cli import complete, consent, terminal
from eventstudy.cli import options as o
from eventstudy.cli.progress import Bar

if TYPE_CHECKING:
    from eventstudy.calibration import CalibrationResult
    from eventstudy.events import EventCalendar
    from eventstudy.prices import PriceTable
    from eventstudy.run.config import RunConfig
    from eventstudy.run.kept import Target

Samples = Annotated[int, typer.Option(help="Random samples a design.")]
ResamplingSamples = Annotated[
    int | None,
    typer.Option(help="Samples for tests that resample (default: --samples, at most 1,000)."),
]
Effects = Annotated[
    str,
    typer.Option(metavar="LIST", help="Effects planted, in percent, separated by commas."),
]
Tests = Annotated[
    list[str] | None,
    typer.Option(
        "--test", metavar="NAME", help="Repeatable; default all.", autocompletion=complete.tests
    ),
]
Jobs = Annotated[int, typer.Option(help="Processes; -1 for one a processor.")]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="A Dask cluster, such as tcp://host:8786, instead of this machine."
    ),
]
FILES = ("calibration.csv", "calibration.html")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        epilog=o.example("eventstudy calibrate --prices sample --samples 50 --effects 0 --test bmp")
    )(calibrate)


def calibrate(
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
    convention: o.Convention = None,
    factors: o.Factors = None,
    factor_units: o.FactorUnits = None,
    test: Tests = None,
    samples: Samples = 1000,
    resampling_samples: ResamplingSamples = None,
    effects: Effects = "0,0.5,1,2",
    jobs: Jobs = -1,
    cluster: Cluster = None,
    seed: o.Seed = None,
    config: o.Config = None,
    out: o.Out = None,
    runs: o.Runs = None,
    json_: o.Json = False,
) -> None:
    """Size and power of every test on your own prices; of your own calendar with EVENTS.

    Random securities and sessions are taken as events (Brown and Warner 1985). What a test
    then rejects at 5% is its size; with an effect planted, its power.
    """
    from eventstudy.calibration import calibrate as verb
    from eventstudy.run.config import read_config
    from eventstudy.run.execute import utc_now
    from eventstudy.run.inputs import read_factors
    from eventstudy.run.kept import Target

    started = utc_now()
    own = (
        "test", "samples", "resampling_samples", "effects", "jobs", "cluster", "config", "out",
        "json_",
    )  # fmt: skip
    given = {name: value for name, value in locals().items() if name in _shared() - set(own)}
    asked = read_config(config, given)
    consent.tell(config, given, asked)
    planted = _effects(effects)
    chosen = _model(asked)
    calendar_of, table = _inputs(asked)
    windows = _windows(asked)
    target = Target(out, runs)
    target.check(FILES)
    with Bar() as bar:
        result = verb(
            table,
            events=calendar_of,
            model=chosen,
            benchmark=asked.benchmark,
            window=windows,
            estimation=asked.estimation,
            gap=asked.gap,
            min_estimation=asked.min_estimation,
            convention=asked.convention,
            factors=read_factors(asked),
            tests=test or None,
            effects=planted,
            samples=samples,
            resampling_samples=resampling_samples,
            seed=asked.seed,
            jobs=jobs,
            cluster=cluster,
            progress=bar.tell,
        )
    written = _write(result, target, started)
    _print(result, written, json_)


def _shared() -> set[str]:
    """Return the parameters that a run knows too."""
    from eventstudy.run.config import RunConfig

    return set(RunConfig.model_fields)


def _effects(text: str) -> list[float]:
    from eventstudy.errors import StudyError

    try:
        return [float(part.strip().removesuffix("%")) / 100.0 for part in text.split(",")]
    except ValueError:
        raise StudyError(
            f"effects {text!r}: write percents separated by commas, such as 0,0.5,1,2"
        ) from None


def _model(asked: RunConfig) -> str:
    from eventstudy.errors import StudyError

    if len(asked.model) > 1:
        raise StudyError(
            f"models {', '.join(asked.model)}: a calibration takes one at a time; name it with "
            "--model"
        )
    return asked.model[0]


def _windows(asked: RunConfig) -> Any:
    """Return the windows asked for; those of the verb where none were."""
    from eventstudy.calibration.verb import WINDOWS

    return asked.window if "window" in asked.model_fields_set else WINDOWS


def _inputs(asked: RunConfig) -> tuple[EventCalendar | None, PriceTable]:
    """Return the calendar, None without one, and prices of all securities that there are.

    A service is asked for the calendar's tickers, for it cannot be asked for everything.
    """
    from eventstudy.errors import EventStudyError
    from eventstudy.prices import load_prices
    from eventstudy.prices.load import SOURCES
    from eventstudy.run.inputs import read_inputs

    if asked.prices is None:
        raise EventStudyError(
            "where do prices come from? --prices sample, --prices yahoo or a folder of CSV or "
            "Parquet files"
        )
    everything = asked.prices == "sample" or asked.prices not in SOURCES
    if asked.events is None and not everything:
        raise EventStudyError(
            f"which securities? {asked.prices} cannot be asked for all there are: name a "
            "calendar, or give a folder of prices"
        )
    events, table = (None, None) if asked.events is None else read_inputs(asked)
    if everything or table is None:
        table = load_prices(
            None,
            source=asked.prices,
            start=asked.start,
            end=asked.end,
            calendar=asked.calendar,
            missing=asked.missing,
        )
    return events, table


def _write(result: CalibrationResult, target: Target, started: str) -> list[Path]:
    """Write the rates, the page and the manifest, where a place was given."""
    from eventstudy.calibration.page import calibration_html
    from eventstudy.exports.frames import csv_text

    if target.out is None and target.runs is None:
        return []
    texts = csv_text(result.rates), calibration_html(result)
    contents = [text.encode() for text in texts]
    files = {name: partial(_put, content) for name, content in zip(FILES, contents, strict=True)}
    clock = {"started": started, "wall_time": round(result.seconds, 3)}
    return target.write(files, {**result.manifest(), **clock})


def _put(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def _print(result: CalibrationResult, written: list[Path], as_json: bool) -> None:
    import json

    if as_json:
        found = {
            "rates": json.loads(result.rates.to_json(orient="records")),
            "recommended": {d.name: list(result.recommended_for(d.name)) for d in result.designs},
            "recommended_in_all": list(result.recommended),
            "cannot_say": {
                d.name: [name for part in result.cannot_say(d.name) for name in part]
                for d in result.designs
            },
            "notes": list(result.notes),
            "files": [str(path) for path in written],
        }
        o.print_json(found)
        return
    terminal.show(result.summary())
    for path in written:
        terminal.say(f"{path.suffix[1:]}: {path.resolve()}")
