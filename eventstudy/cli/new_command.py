"""new: a start for something of one's own, commented and with its test."""

from __future__ import annotations

import keyword
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from eventstudy.errors import EventStudyError

TEMPLATES = Path(__file__).parent / "templates"
SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_ ][A-Za-z0-9]+)*")

new_app = typer.Typer(help="Start a strategy of your own.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.add_typer(new_app, name="new")


@dataclass(frozen=True, slots=True)
class Names:
    """One name in its three spellings.

    Attributes
    ----------
    cls : str
        ``MyIdea``, of the class.
    name : str
        ``my-idea``, on the command line.
    file : str
        ``my_idea``, of the file, without its ending.
    """

    cls: str
    name: str
    file: str


@new_app.command("strategy")
def new_strategy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as my-idea or MyIdea.")],
    folder: Annotated[
        str, typer.Option("--dir", metavar="DIR", help="Folder; made where it is not there.")
    ] = "my-strategies",
) -> None:
    """Write a commented strategy and its test, ready to run."""
    names = names_of(name)
    place = Path(folder)
    files = {
        place / f"{names.file}.py": "strategy.txt",
        place / f"test_{names.file}.py": "strategy_test.txt",
    }
    _refuse_taken(names, place, files)
    _write(names, place, files)
    for file in files:
        typer.echo(str(file))
    test, where = shlex.quote(str(list(files)[1])), shlex.quote(folder)
    typer.echo(
        f"\nIts test:    python -m pytest {test}\n"
        "On events:   eventstudy backtest events.csv --prices sample "
        f"--strategies {where} --strategy {names.name}"
    )


def names_of(given: str) -> Names:
    """Return the spellings of a name given as ``my-idea``, ``my_idea`` or ``MyIdea``.

    Raises
    ------
    EventStudyError
        Where no class and no file can be called so.
    """
    from eventstudy import backtest
    from eventstudy.backtest.library import is_aside, kebab

    if not SHAPE.fullmatch(given):
        raise EventStudyError(
            f"strategy {given!r}: give letters and digits that begin with a letter, words apart by "
            "a hyphen, such as my-idea"
        )
    cls = "".join(word[0].upper() + word[1:] for word in re.split("[-_ ]", given))
    name = kebab(cls)
    file = name.replace("-", "_")
    if keyword.iskeyword(cls) or cls in dir(backtest):
        raise EventStudyError(f"strategy {given!r}: {cls} already means something else")
    if is_aside(f"{file}.py"):
        raise EventStudyError(
            f"strategy {given!r}: files called {file}.py are not looked at for strategies"
        )
    return Names(cls, name, file)


def _refuse_taken(names: Names, place: Path, files: dict[Path, str]) -> None:
    """Refuse what would be overwritten, or would be confused with a shipped strategy."""
    from eventstudy.backtest import bundled_strategies

    faults = [f"{file} is there already" for file in files if file.exists()]
    if names.name in bundled_strategies():
        faults.append(f"{names.name} is the name of a shipped strategy")
    if place.exists() and not place.is_dir():
        faults.append(f"{place} is no folder")
    if faults:
        raise EventStudyError(f"new strategy {names.name}: " + "; ".join(faults))


def _write(names: Names, place: Path, files: dict[Path, str]) -> None:
    title = names.name.replace("-", " ").capitalize()
    values = {"cls": names.cls, "name": names.name, "title": title}
    try:
        place.mkdir(parents=True, exist_ok=True)
        for file, template in files.items():
            text = Template((TEMPLATES / template).read_text(encoding="utf-8"))
            with file.open("x", encoding="utf-8") as opened:
                opened.write(text.substitute(values))
    except OSError as error:
        raise EventStudyError(
            f"{error.filename}: {error.strerror}; nothing is overwritten"
        ) from None
