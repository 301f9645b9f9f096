"""Entry point: commands, exit codes, and errors as one readable paragraph."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from traceback import walk_tb
from typing import Any, TextIO

import typer

from eventstudy.cli import (
    audit_command,
    calibrate_command,
    inspect_commands,
    new_command,
    run_commands,
    runs_command,
    sweep_command,
    terminal,
)
from eventstudy.cli import options as o
from eventstudy.errors import EventStudyError

OF_THE_SYSTEM = tuple(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "EIO")
    if hasattr(errno, name)
)
"""What the disk says of a full or forbidden place: no fault of ours, whoever met it."""
PRINTERS = ("rich", "typer", "click")
"""Packages that print for us, and write nothing else."""

app = typer.Typer(
    name="eventstudy",
    help="Event studies and event-driven backtests: aligned news, abnormal returns, "
    "significance, trades, one report.",
    epilog=o.example("eventstudy new my-study && cd my-study", "eventstudy run --config study.toml")
    + "\n\nExit codes: 0 done, 1 our fault, 2 the user's input, 3 audit found a peek, "
    "130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
run_commands.register(app)
inspect_commands.register(app)
calibrate_command.register(app)
audit_command.register(app)
sweep_command.register(app)
new_command.register(app)
runs_command.register(app)


@app.callback(invoke_without_command=True)
def _top(
    version: bool = typer.Option(False, "--version", help="Print version and place, and exit."),
) -> None:
    if version:
        from eventstudy.provenance import DISTRIBUTION
        from eventstudy.provenance import version as installed
        from eventstudy.run.places import PACKAGE

        terminal.echo(f"{DISTRIBUTION} {installed()} from {PACKAGE}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.

    Returns
    -------
    int
        0 done, 2 the user's input, 3 an audit that found a peek, 130 interrupted, 1 our own fault.
    """
    try:
        _commands()(args=arguments)
    except SystemExit as end:
        if isinstance(getattr(end.__context__, "__cause__", None), KeyboardInterrupt):
            terminal.complain("interrupted; files are written whole or not at all")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except EventStudyError as error:
        return _fail(str(error), 2)
    except BrokenPipeError:
        # The reader of our output has left: nothing is wrong, and nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OF_THE_SYSTEM:
            if error.filename is None and _in_print(error):
                return _fail(_unwritten(error), 2)
            named = error.filename or "a file"
            return _fail(f"{named}: cannot be read or written: {error.strerror}", 2)
        if os.environ.get("EVENTSTUDY_TRACEBACK"):
            raise
        return _fail(
            f"internal error: {type(error).__name__}: {error}\n"
            "This is a fault of eventstudy, not of the input. Run again with "
            "EVENTSTUDY_TRACEBACK=1 and report what it prints.",
            1,
        )
    return 0


def _in_print(error: OSError) -> bool:
    """Return whether what failed is a print of help or of a completion, which names no stream."""
    *_, (last, _) = walk_tb(error.__traceback__)
    return last.f_globals["__name__"].partition(".")[0] in PRINTERS


def _unwritten(error: OSError) -> str:
    return f"stdout cannot be written: {error.strerror or error}"


@cache
def _commands() -> Callable[..., Any]:
    """Return the commands, made once: typer reads every signature again at each call."""
    return typer.main.get_command(app)


def _fail(message: str, code: int) -> int:
    terminal.complain(message)
    return code


def script() -> None:
    """Run as a program."""
    _one_thread_a_product()
    # Processes that this one starts, workers among them, take no module from the folder they
    # stand in; what this one can import is sent to them.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    sys.exit(_with_all_written(main()))


def _with_all_written(code: int) -> int:
    """Return the exit code once stdout and stderr have written, or lost, what they hold.

    Python writes it when it ends, and where that fails it ends with 120 and a traceback.
    """
    error = _emptied(sys.stdout)
    if error and code == 0 and not isinstance(error, BrokenPipeError):
        code = _fail(_unwritten(error), 2)
    _emptied(sys.stderr)
    return code


def _emptied(stream: TextIO | None) -> OSError | None:
    """Write what a stream holds; where it takes no more, lose it and return why."""
    if stream is None:  # closed before the start
        return None
    try:
        stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return error
    return None


def _one_thread_a_product() -> None:
    """Keep BLAS to one thread, unless the user has said otherwise.

    The matrix products of a study are small and many. Threads that wait for each other at
    each of them cost more than they save, many times over where another program wants the
    processor; and with one, sums have one order on every machine. Read when numpy is loaded.
    """
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(name, "1")
