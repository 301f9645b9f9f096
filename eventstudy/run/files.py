"""The files of a run, and its manifest."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from eventstudy.disk import Writer, write_folder
from eventstudy.errors import UnknownNameError
from eventstudy.exports import frames as export_frames

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.run.config import RunConfig
    from eventstudy.run.execute import Outcome

FORMATS = ("csv", "parquet")


def frames_of(outcome: Outcome) -> dict[str, pd.DataFrame]:
    """Return the tables of a run by file name."""
    return export_frames.frames_of(
        outcome.study, outcome.backtest, outcome.activity, outcome.long_run, outcome.claims
    )


def manifest_of(outcome: Outcome) -> dict[str, object]:
    """Return the manifest of a run: configuration, hull, hashes, versions, seed, figures.

    ``started`` and ``wall_time`` are all that differs between two runs with the same inputs.
    Files and folders stand in it by name: where they were does not make another run.
    """
    from eventstudy.provenance import versions
    from eventstudy.run.headline import headline_of
    from eventstudy.study.summary import inputs_manifest

    manifest: dict[str, object] = {
        "configuration": configuration_of(outcome.config),
        **inputs_manifest(outcome.events, outcome.prices),
    }
    if outcome.study is not None:
        manifest |= outcome.study.manifest()
    if outcome.backtest is not None:
        manifest["backtest"] = dict(outcome.backtest.config)
    if outcome.long_run is not None:
        manifest |= outcome.long_run.manifest()
    if outcome.claims is not None:
        manifest["claims"] = outcome.claims.manifest()
    if outcome.notes:
        manifest["not_measured"] = list(outcome.notes)
    if outcome.refused:
        manifest["backtest"] = {"refused": outcome.refused}
    manifest["versions"] = versions()
    manifest["seed"] = outcome.config.seed
    manifest["headline"] = headline_of(outcome)
    manifest["started"] = outcome.started
    manifest["wall_time"] = round(outcome.seconds, 3)
    return manifest


def configuration_of(config: RunConfig) -> dict[str, object]:
    """Return what a run was asked, in plain values; of a path its name alone."""
    found: dict[str, object] = config.model_dump(mode="json")
    for name in ("events", "prices", "strategies", "factors", "caps", "claims"):
        if isinstance(found[name], str):
            path = Path(str(found[name]))
            found[name] = path.name or path.resolve().name
    return found


def check_format(fmt: str) -> None:
    """Refuse a format that tables cannot be written in.

    Raises
    ------
    UnknownNameError
    """
    if fmt not in FORMATS:
        raise UnknownNameError("format", fmt, FORMATS)


def names_of(fmt: str, exports: Collection[str] = ()) -> list[str]:
    """Return the names of all files that a run may write."""
    from eventstudy.exports import export_names

    tables = [f"{name}.{fmt}" for name in export_frames.TABLES]
    return [*tables, "report.html", *export_names(exports)]


def files_of(
    outcome: Outcome, fmt: str = "csv", *, report: bool = True, exports: Collection[str] = ()
) -> dict[str, Writer]:
    """Return what writes each file that applies to a run, by file name.

    Parameters
    ----------
    outcome : Outcome
    fmt : {"csv", "parquet"}
        Of the tables.
    report : bool
        Whether there is to be a report.html; it needs a study.
    exports : collection of str
        Further formats; see `eventstudy.exports.FORMATS`.

    Raises
    ------
    UnknownNameError
        For another format.
    """
    check_format(fmt)
    found = {
        f"{name}.{fmt}": export_frames.writer_of(frame, fmt)
        for name, frame in frames_of(outcome).items()
    }
    if report and outcome.study is not None:
        from eventstudy.report import render_html

        page = render_html(
            outcome.study,
            outcome.backtest,
            activity=outcome.activity,
            long_run=outcome.long_run,
            claims=outcome.claims,
            case=outcome.config.case,
        ).encode()
        found["report.html"] = lambda file: file.write(page)
    return found | _exported(outcome, exports)


def _exported(outcome: Outcome, exports: Collection[str]) -> dict[str, Writer]:
    """Return what writes the further formats of a run."""
    if not exports:
        return {}
    from eventstudy.exports import check_formats, document_of, export_files

    document = document_of(
        outcome.study or outcome.backtest,
        backtest=outcome.backtest,
        activity=outcome.activity,
        long_run=outcome.long_run,
        claims=outcome.claims,
        case=outcome.config.case,
    )
    return export_files(document, check_formats(exports))


def write_files(
    outcome: Outcome,
    out: Path,
    fmt: str = "csv",
    *,
    report: bool = True,
    exports: Collection[str] = (),
) -> list[Path]:
    """Write every file that applies to a run into a folder, all of them or none.

    Parameters
    ----------
    outcome : Outcome
    out : Path
        Folder, made where it is missing; an earlier run in it is replaced as a whole, files
        that no run wrote are kept.
    fmt, report, exports
        See `files_of`.

    Returns
    -------
    list of Path

    Raises
    ------
    UnknownNameError
        For another format.
    EventStudyError
        Where the folder cannot be written, or a file of the user's own would be lost.
    """
    files = files_of(outcome, fmt, report=report, exports=exports)
    return write_folder(out, files, manifest_of(outcome))
