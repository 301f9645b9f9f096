"""The study command with engine streamed: any number of events."""

from __future__ import annotations

from collections.abc import Sequence

from eventstudy.cli import options as o
from eventstudy.cli import terminal
from eventstudy.cli.progress import Bar
from eventstudy.run.config import RunConfig


def deliver(
    config: RunConfig,
    out: str | None,
    fmt: str,
    as_json: bool,
    *,
    jobs: int | None,
    cluster: str | None,
    each: Sequence[str] | None,
) -> None:
    """Study, write the files and print the summary."""
    from eventstudy.run.streamed import streamed_run

    tables = [name for name in each or ("cars",) if name != "none"]
    with Bar() as bar:
        study, written = streamed_run(
            config, out, fmt, each=tables, jobs=-1 if jobs is None else jobs, cluster=cluster,
            progress=bar.tell,
        )  # fmt: skip
    if as_json:
        o.print_json(
            {
                "seconds": round(study.seconds, 3),
                "files": [str(path) for path in written],
                "study": o.records(study.summary_frame()),
                "dropped": study.dropped["reason"].value_counts().to_dict(),
            }
        )
        return
    lines = [study.summary()]
    if written:
        lines += ["", f"{len(written)} files and folders in {written[0].parent}"]
        lines += [f"Report: {path.resolve()}" for path in written if path.name == "report.html"]
    terminal.show("\n".join(lines))
