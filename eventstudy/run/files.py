"""The files of a run: each whole or absent, written next to its place and moved there."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from eventstudy.disk import write_whole
from eventstudy.errors import EventStudyError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.activity import ActivityResult
    from eventstudy.run.execute import Outcome

FORMATS = ("csv", "parquet")
TABLES = (
    "abnormal", "cars", "tests", "effects", "dropped", "overlaps",
    "multiple", "identification", "merged", "readings", "survivors", "sensitivity",
    "volume", "variance", "activity_tests", "bhar", "bhar_tests", "calendar_time", "bhar_dropped",
    "trades", "orders", "equity", "metrics", "skipped",
)  # fmt: skip


def frames_of(outcome: Outcome) -> dict[str, pd.DataFrame]:
    """Return the tables of a run by file name."""
    from eventstudy.report.lead import lead_group

    found: dict[str, pd.DataFrame] = {}
    if outcome.study is not None:
        study = outcome.study
        found |= {
            "abnormal": study.abnormal,
            "cars": study.cars,
            "tests": study.tests,
            "effects": study.effects,
            "dropped": study.dropped,
            "overlaps": study.overlaps,
            "multiple": study.multiple,
            "identification": study.identification,
            "merged": study.merged,
            "readings": study.reading_verdicts,
            "survivors": study.survivors,
            "sensitivity": study.sensitivity(lead_group(study)),
        }
    if outcome.activity:
        found |= {result.what: result.events for result in outcome.activity}
        found["activity_tests"] = _activity_tests(outcome.activity)
    if outcome.long_run is not None:
        later = outcome.long_run
        found |= {
            "bhar": later.bhar,
            "bhar_tests": later.tests,
            "calendar_time": later.calendar_time,
            "bhar_dropped": later.dropped,
        }
    if outcome.backtest is not None:
        traded = outcome.backtest
        found |= {
            "trades": traded.trades,
            "orders": traded.orders,
            "equity": traded.equity,
            "metrics": traded.metrics,
            "skipped": traded.skipped,
        }
    return found


def _activity_tests(results: Sequence[ActivityResult]) -> pd.DataFrame:
    """Return the tests on volume and on variance as one table."""
    import pandas as pd

    parts = [result.tests.assign(measure=result.what) for result in results]
    frame = pd.concat(parts, ignore_index=True)
    return frame[["measure", *(c for c in frame.columns if c != "measure")]]


def manifest_of(outcome: Outcome) -> dict[str, object]:
    """Return the manifest of a run: configuration, hull, hashes, versions, seed, wall time."""
    from eventstudy.provenance import versions
    from eventstudy.study.summary import inputs_manifest

    manifest: dict[str, object] = {
        "configuration": outcome.config.model_dump(mode="json"),
        **inputs_manifest(outcome.events, outcome.prices),
    }
    if outcome.study is not None:
        manifest |= outcome.study.manifest()
    if outcome.backtest is not None:
        manifest["backtest"] = dict(outcome.backtest.config)
    if outcome.long_run is not None:
        manifest |= outcome.long_run.manifest()
    if outcome.notes:
        manifest["not_measured"] = list(outcome.notes)
    if outcome.refused:
        manifest["backtest"] = {"refused": outcome.refused}
    manifest["versions"] = versions()
    manifest["seed"] = outcome.config.seed
    manifest["wall_seconds"] = round(outcome.seconds, 3)
    return manifest


def check_format(fmt: str) -> None:
    """Refuse a format that tables cannot be written in.

    Raises
    ------
    UnknownNameError
    """
    if fmt not in FORMATS:
        raise UnknownNameError("format", fmt, FORMATS)


def _clear(out: Path) -> None:
    """Take away the tables of an earlier run in this folder: two runs must not mix.

    Only a folder with a manifest is one of ours.
    """
    if not (out / "manifest.json").is_file():
        return
    for name in (*TABLES, "report"):
        for ending in (*FORMATS, "html"):
            (out / f"{name}.{ending}").unlink(missing_ok=True)


def write_files(
    outcome: Outcome, out: Path, fmt: str = "csv", *, report: bool = True
) -> list[Path]:
    """Write every file that applies to a run.

    Parameters
    ----------
    outcome : Outcome
    out : Path
        Folder, made where it is missing; the files of an earlier run in it are replaced.
    fmt : {"csv", "parquet"}
        Of the tables.
    report : bool
        Whether to write report.html; it needs a study.

    Returns
    -------
    list of Path

    Raises
    ------
    UnknownNameError
        For another format.
    EventStudyError
        Where the folder cannot be written.
    """
    check_format(fmt)
    try:
        out.mkdir(parents=True, exist_ok=True)
        _clear(out)
        written = [
            write_whole(out / f"{name}.{fmt}", _writer(frame, fmt))
            for name, frame in frames_of(outcome).items()
        ]
        text = json.dumps(manifest_of(outcome), indent=2, ensure_ascii=False, default=str) + "\n"
        written.append(write_whole(out / "manifest.json", lambda file: file.write(text.encode())))
        if report and outcome.study is not None:
            from eventstudy.report import write_report

            path = out / "report.html"
            write_report(
                outcome.study,
                path,
                backtest=outcome.backtest,
                activity=outcome.activity,
                long_run=outcome.long_run,
                case=outcome.config.case,
            )
            written.append(path)
    except OSError as error:
        raise EventStudyError(f"{out}: cannot be written: {error.strerror or error}") from None
    return written


def _writer(frame: pd.DataFrame, fmt: str) -> Callable[[BinaryIO], object]:
    if fmt == "parquet":
        return lambda file: frame.to_parquet(file, index=False)
    return lambda file: frame.to_csv(file, index=False, lineterminator="\n")
