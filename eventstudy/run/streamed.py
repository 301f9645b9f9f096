"""A study of any number of events: its tables, and those of single events by parts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from eventstudy.disk import MadeFolder, Writer, check_place, workshop, write_folder
from eventstudy.errors import StudyError
from eventstudy.exports.frames import writer_of
from eventstudy.models.contract import Progress, unwatched
from eventstudy.run.config import LONG_RUN, RunConfig
from eventstudy.run.execute import utc_now
from eventstudy.run.files import configuration_of
from eventstudy.run.inputs import Say, read_factors, read_inputs, silent

if TYPE_CHECKING:
    from eventstudy.study.large import LargeStudy

NOT_HERE = ("horizon", "case", "claims", "donors", *LONG_RUN)
"""What a run can be asked and this engine has not."""
FRAMES = ("tests", "effects", "dropped", "merged")


def streamed_run(
    config: RunConfig,
    out: str | Path | None,
    fmt: str,
    *,
    each: Sequence[str] = ("cars",),
    jobs: int = -1,
    cluster: str | None = None,
    say: Say = silent,
    progress: Progress = unwatched,
) -> tuple[LargeStudy, list[Path]]:
    """Study the events of a run with engine ``streamed`` and write its files.

    Parameters
    ----------
    config : RunConfig
    out : path or None
        Folder of the files; the tables of single events are folders in it.
    fmt : {"csv", "parquet"}
        Of the other tables.
    each : sequence of {"cars", "abnormal"}
    jobs, cluster
        See `eventstudy.study.event_study`.
    say, progress : callable

    Raises
    ------
    EventStudyError
        For any mistake in the input.
    """
    began, started = time.perf_counter(), utc_now()
    given = [name for name in NOT_HERE if name in config.model_fields_set]
    if given:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise StudyError(f"{flags}: engine streamed has no such thing; take engine whole")
    measured = partial(_measured, config, say, jobs=jobs, cluster=cluster, progress=progress)
    if out is None:
        return measured(None, ()), []
    check_place(out, [*(f"{name}.{fmt}" for name in FRAMES), "report.html", *each])
    with workshop(out) as shop:
        study = replace(measured(shop, each), folder=Path(out))
        files = _files(study, fmt, say)
        files |= {name: MadeFolder(shop / name) for name in each if (shop / name).is_dir()}
        manifest = {
            "configuration": configuration_of(config),
            **study.manifest(),
            "single_events": list(each),
            "started": started,
            "wall_time": round(time.perf_counter() - began, 3),
        }
        return study, write_folder(out, files, manifest)


def _measured(
    config: RunConfig,
    say: Say,
    folder: Path | None,
    each: Sequence[str],
    *,
    jobs: int,
    cluster: str | None,
    progress: Progress,
) -> LargeStudy:
    """Study the events, with the tables of single events in a folder."""
    from eventstudy.study import event_study

    events, prices = read_inputs(config, say)
    say(f"measuring abnormal returns of {len(events.study)} events")
    return event_study(
        events, prices, model=config.model, benchmark=config.benchmark, window=config.window,
        estimation=config.estimation, gap=config.gap, min_estimation=config.min_estimation,
        observed=config.observed, tests=config.test, convention=config.convention,
        returns=config.returns, overlap=config.overlap,
        estimation_excludes=config.estimation_excludes, factors=read_factors(config),
        strict=config.strict, seed=config.seed, engine="streamed",
        out=folder if each else None, tables=tuple(each), jobs=jobs, cluster=cluster,
        progress=progress,
    )  # fmt: skip


def _files(study: LargeStudy, fmt: str, say: Say) -> dict[str, Writer]:
    """Return what writes the tables of groups and the report, by file name."""
    from eventstudy.report import render_html

    say("testing")
    frames = (study.group_tests, study.effects, study.dropped, study.merged)
    named = zip(FRAMES, frames, strict=True)
    files: dict[str, Writer] = {f"{name}.{fmt}": writer_of(frame, fmt) for name, frame in named}
    say("drawing the report")
    page = render_html(study).encode()
    files["report.html"] = lambda file: file.write(page)
    return files
