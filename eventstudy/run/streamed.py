"""A study of any number of events: its tables, and those of single events by parts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eventstudy.disk import check_place, read_seal, write_folder
from eventstudy.disk.parts import remove_parts
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
    from eventstudy.report import render_html
    from eventstudy.study import event_study

    began, started = time.perf_counter(), utc_now()
    given = [name for name in NOT_HERE if name in config.model_fields_set]
    if given:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise StudyError(f"{flags}: engine streamed has no such thing; take engine whole")
    if out is not None:
        check_place(out, [*(f"{name}.{fmt}" for name in FRAMES), "report.html"])
    events, prices = read_inputs(config, say)
    say(f"measuring abnormal returns of {len(events.study)} events")
    study = event_study(
        events, prices, model=config.model, benchmark=config.benchmark, window=config.window,
        estimation=config.estimation, gap=config.gap, min_estimation=config.min_estimation,
        observed=config.observed, tests=config.test, convention=config.convention,
        returns=config.returns, overlap=config.overlap,
        estimation_excludes=config.estimation_excludes, factors=read_factors(config),
        strict=config.strict, seed=config.seed, engine="streamed",
        out=out if each else None, tables=tuple(each), jobs=jobs, cluster=cluster,
        progress=progress,
    )  # fmt: skip
    say("testing")
    frames = dict(
        zip(FRAMES, (study.group_tests, study.effects, study.dropped, study.merged), strict=True)
    )
    if out is None:
        return study, []
    manifest = {
        "configuration": configuration_of(config),
        **study.manifest(),
        "single_events": list(each),
        "started": started,
        "wall_time": round(time.perf_counter() - began, 3),
    }
    earlier = _earlier(Path(out))
    files = {f"{name}.{fmt}": writer_of(frame, fmt) for name, frame in frames.items()}
    say("drawing the report")
    page = render_html(study).encode()
    files["report.html"] = lambda file: file.write(page)
    written = write_folder(out, files, manifest)
    for name in earlier.difference(each):
        remove_parts(out, name)
    return study, [*written, *(Path(out) / name for name in each)]


def _earlier(out: Path) -> set[str]:
    """Return the tables of single events that an earlier run left, by its manifest."""
    from eventstudy.study.large.each import TABLES

    named = (read_seal(out) or {}).get("single_events")
    return set(TABLES).intersection(named if isinstance(named, list) else ())
