"""What a command was asked for, carried out: computed or taken, its files written, told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import typer

from eventstudy.cli import options as o
from eventstudy.cli import terminal
from eventstudy.cli.progress import Status

if TYPE_CHECKING:
    from eventstudy.disk import Writer
    from eventstudy.run.config import RunConfig
    from eventstudy.run.execute import Outcome
    from eventstudy.run.kept import Target
    from eventstudy.run.reuse import Delivered, Question


@dataclass(frozen=True, slots=True)
class Order:
    """What a command is to do, and where its files go.

    Attributes
    ----------
    config : RunConfig
    target : Target
    fmt : str
    exports : tuple of str
    study, trade : bool
        Which parts.
    first : callable or None
        What is printed ahead of the rest.
    """

    config: RunConfig
    target: Target
    fmt: str
    exports: tuple[str, ...] = ()
    study: bool = True
    trade: bool = True
    first: Callable[[Outcome], str] | None = None

    def question(self) -> Question | None:
        """Return what is asked, for an earlier run to answer; None with further formats."""
        from eventstudy.run.reuse import Question

        if self.exports:
            return None
        first = None if self.first is None else self.first.__name__
        what = (self.study, self.trade, self.fmt, self.target.wanted, first)
        return Question(self.config, what)


def deliver(order: Order, as_json: bool, fresh: bool) -> None:
    """Run, write the files and print the summaries; exit 2 where the backtest was refused."""
    from eventstudy.run.execute import utc_now

    began, started = perf_counter(), utc_now()
    with Status() as status:
        found, refused = _found(order, fresh, status)
        if found.reused:
            found = found.taken(started, perf_counter() - began)
        target, written = order.target, list[Path]()
        if target.wanted:
            files = {name: _writer(held) for name, held in found.files.items()}
            written = target.write(files, found.manifest)
    if as_json:
        o.print_json(_json(found, written, perf_counter() - began))
    else:
        terminal.show("\n".join([found.text, *_taken(found), *_places(written)]))
    if refused:
        terminal.complain(f"no backtest: {refused}")
        raise typer.Exit(2)


def _found(order: Order, fresh: bool, status: Status) -> tuple[Delivered, str]:
    """Return what the run hands over, computed or of an earlier run, and why it did not trade."""
    from eventstudy.run import reuse
    from eventstudy.run.execute import execute

    question = None if fresh else order.question()
    asked = None if question is None else question.digest()
    inputs = None
    if question is not None and asked is not None:
        kept, inputs = reuse.find(question, asked, status.say)
        if kept is not None:
            return kept, ""
    outcome = execute(
        order.config,
        study=order.study,
        trade=order.trade,
        say=status.say,
        inputs=None if inputs is None else (inputs.events, inputs.prices),
    )
    made = _made(order, outcome, status)
    if question is not None and asked is not None:
        reuse.keep(question, asked, outcome, made)
    return made, outcome.refused


def _made(order: Order, outcome: Outcome, status: Status) -> Delivered:
    """Return the files of a run and what is said of it."""
    from eventstudy.disk import content_of
    from eventstudy.run.files import files_of, manifest_of
    from eventstudy.run.reuse import Delivered

    files: dict[str, bytes] = {}
    if order.target.wanted:
        status.say("drawing the report" if order.study else "writing the files")
        writers = files_of(outcome, order.fmt, exports=order.exports)
        files = {name: content_of(write) for name, write in writers.items()}
    status.say("summing up")
    text = _summaries(outcome)
    if order.first is not None:
        text = f"{order.first(outcome)}\n\n{text}"
    return Delivered(files, manifest_of(outcome), text, _figures(outcome))


def _writer(held: bytes) -> Writer:
    return lambda file: file.write(held)


def _taken(found: Delivered) -> list[str]:
    """Say that results are of an earlier run, and how to compute them again."""
    if not found.reused:
        return []
    return [
        f"Taken from the run of {found.reused}, which had the same events, prices, settings and "
        "program; --fresh computes again."
    ]


def _summaries(outcome: Outcome) -> str:
    evidence = None if outcome.backtest is None else outcome.backtest.evidence
    lines: list[str] = []
    parts = (outcome.study, outcome.claims, outcome.long_run, outcome.backtest, evidence)
    for part in parts:
        if part is not None:
            lines += [part.summary(), ""]
    return "\n".join([*lines, *terminal.shortened(outcome.notes)])


def _places(written: list[Path]) -> list[str]:
    """Say where the files are."""
    if not written:
        return []
    return [
        f"{len(written)} files in {written[0].parent}",
        *(f"Report: {path.resolve()}" for path in written if path.name == "report.html"),
        *(f"Export: {path.resolve()}" for path in _exported(written)),
    ]


def _exported(written: list[Path]) -> list[Path]:
    """Return the files that were asked for by --export: what a run writes of its own is known."""
    own = (".csv", ".parquet", ".html")
    return [p for p in written if p.suffix not in own and p.name != "manifest.json"]


def _json(found: Delivered, written: list[Path], seconds: float) -> dict[str, Any]:
    head: dict[str, Any] = {
        "seconds": round(seconds, 3),
        "files": [str(path) for path in written],
    }
    return head | ({"reused": found.reused} if found.reused else {}) | dict(found.figures)


def _figures(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if outcome.study is not None:
        found["study"] = o.records(outcome.study.summary_frame())
        found["dropped"] = o.records(outcome.study.dropped)
        found["notes"] = list(outcome.study.notes)
    if outcome.claims is not None:
        found["claims"] = o.records(outcome.claims.summary_frame())
    if outcome.backtest is not None:
        found["backtest"] = o.records(outcome.backtest.metrics)
        found["luck"] = o.records(outcome.backtest.evidence.luck)
    if outcome.refused:
        found["refused"] = outcome.refused
    return found
