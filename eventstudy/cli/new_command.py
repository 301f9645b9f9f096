"""new: a study folder, or a strategy of one's own, commented and with its test."""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from eventstudy.cli import options as o
from eventstudy.cli import terminal
from eventstudy.errors import EventStudyError, did_you_mean

if TYPE_CHECKING:
    from eventstudy.disk import Planted

TEMPLATES = Path(__file__).parent / "templates"
SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_ ][A-Za-z0-9]+)*")

FIRST, LAST = "2024-08-01", "2025-02-14"
"""Announcements that the shipped prices can measure: 100 sessions before, 10 after."""

EXAMPLE = "first-move"
"""Name of the strategy in a new study."""


class StudyUnlessNamed(TyperGroup):
    """`new DIR` is `new study DIR`; a folder called as a command is written ``./strategy``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``study`` before the folder where no command is named."""
        words = [arg for arg in args if not arg.startswith("-")]
        if words and words[0] not in self.commands and not ctx.resilient_parsing:
            if len(words) > 1:
                near = did_you_mean(words[0], self.commands)
                ctx.fail(
                    f"{' '.join(words)!r} is no one folder, and {words[0]!r} no command{near}: "
                    "write new DIR, new study DIR or new strategy NAME"
                )
            args = ["study", *args]
        if args == ["strategy"] and not ctx.resilient_parsing:
            ctx.fail("new strategy needs a NAME; a folder called strategy is written ./strategy")
        return super().parse_args(ctx, args)


new_app = typer.Typer(
    help="Start a study folder, or a strategy of your own. `new DIR` is short for "
    "`new study DIR`; a folder called strategy is written ./strategy.",
    epilog=o.example("eventstudy new my-study"),
    no_args_is_help=True,
    cls=StudyUnlessNamed,
    subcommand_metavar="DIR | study DIR | strategy NAME",
)
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be written; write nothing.")
]
Force = Annotated[
    bool, typer.Option("--force", help="Replace files of these names; others stay as they are.")
]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.add_typer(new_app, name="new")


@new_app.command("study", epilog=o.example("eventstudy new study my-study"))
def new_study(
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="The folder; made where it is not there.")
    ],
    dry_run: DryRun = False,
    force: Force = False,
    json_: o.Json = False,
) -> None:
    """Make a folder with a calendar, a study.toml, a strategy and its test, ready to run."""
    files = _study_files(Path(folder))
    planted = _plant(folder, files, dry_run=dry_run, force=force)
    steps = [
        f"cd {shlex.quote(folder)}",
        "eventstudy run --config study.toml --out out",
    ]
    _tell(planted, {"The report": steps}, dry_run, json_)


def _study_files(folder: Path) -> dict[str, bytes]:
    """Return the files of a new study by their names in its folder."""
    names = names_of(EXAMPLE)
    title = folder.resolve().name.replace("-", " ").replace("_", " ").strip() or "study"
    values = {"strategy": names.name, "file": names.file, "title": title[0].upper() + title[1:]}
    return {
        "events.csv": _sample_events(),
        "study.toml": _filled("study/study.toml", values),
        "README.md": _filled("study/README.md", values),
        ".gitignore": _filled("study/gitignore.txt", {}),
        **{f"strategies/{name}": text for name, text in _strategy_files(names).items()},
    }


def _sample_events() -> bytes:
    """Return the rows of the shipped calendar that the shipped prices can measure."""
    import csv
    import io

    from eventstudy.run.places import bundled_events

    rows = list(csv.reader(io.StringIO(bundled_events().read_text(encoding="utf-8"))))
    at = rows[0].index("date")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [rows[0], *(row for row in rows[1:] if FIRST <= row[at] <= LAST)]
    )
    return text.getvalue().encode()


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


@new_app.command("strategy", epilog=o.example("eventstudy new strategy my-idea"))
def new_strategy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as my-idea or MyIdea.")],
    folder: Annotated[
        str, typer.Option("--dir", metavar="DIR", help="Folder; made where it is not there.")
    ] = "my-strategies",
    dry_run: DryRun = False,
    force: Force = False,
    json_: o.Json = False,
) -> None:
    """Write a commented strategy and its test, ready to run."""
    names = names_of(name)
    _refuse_shipped(names)
    planted = _plant(folder, _strategy_files(names), dry_run=dry_run, force=force)
    test, where = shlex.quote(str(planted.files[1])), shlex.quote(folder)
    steps = {
        "Its test": [*_needs_pytest(), f"python -m pytest {test}"],
        "On events": [
            f"eventstudy backtest events.csv --prices sample --strategies {where} "
            f"--strategy {names.name}"
        ],
    }
    _tell(planted, steps, dry_run, json_)


def _needs_pytest() -> list[str]:
    """Return how to get what runs tests, where it is not installed."""
    from importlib.util import find_spec

    return [] if find_spec("pytest") else ["python -m pip install pytest"]


def _strategy_files(names: Names) -> dict[str, bytes]:
    title = names.name.replace("-", " ").capitalize()
    values = {"cls": names.cls, "name": names.name, "title": title}
    return {
        f"{names.file}.py": _filled("strategy.txt", values),
        f"test_{names.file}.py": _filled("strategy_test.txt", values),
    }


def _filled(template: str, values: Mapping[str, str]) -> bytes:
    text = Template((TEMPLATES / template).read_text(encoding="utf-8"))
    return text.substitute(values).encode()


def _plant(folder: str, files: Mapping[str, bytes], *, dry_run: bool, force: bool) -> Planted:
    """Write the files, or find what would be written; what is there is not lost unasked."""
    from eventstudy.disk import plant

    return plant(folder, files, overwrite=force, dry_run=dry_run)


def _tell(planted: Planted, steps: Mapping[str, list[str]], dry_run: bool, as_json: bool) -> None:
    if as_json:
        o.print_json(
            {
                "written": not dry_run,
                "files": [str(path) for path in planted.files],
                "replaced": [str(path) for path in planted.replaced],
                "next": [line for lines in steps.values() for line in lines],
            }
        )
        return
    for path in planted.files:
        terminal.say(f"{path}{' (replaced)' if path in planted.replaced else ''}")
    if dry_run:
        terminal.say("\nNothing is written: --dry-run.")
        return
    terminal.say("")
    wide = max(map(len, steps)) + 1
    for what, lines in steps.items():
        for i, line in enumerate(lines):
            terminal.say(f"{what + ':' if not i else '':<{wide}}  {line}")


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


def _refuse_shipped(names: Names) -> None:
    """Refuse what would be confused with a shipped strategy."""
    from eventstudy.backtest import bundled_strategies

    if names.name in bundled_strategies():
        raise EventStudyError(f"{names.name} is the name of a shipped strategy; take another")
