"""What every command keeps to, found in the tree of commands: a new one is checked unlisted."""

from __future__ import annotations

import inspect
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from eventstudy.cli import complete, main
from eventstudy.cli.app import app
from eventstudy.run.config import RunConfig

EXAMPLE = re.compile(r"^eventstudy .*", re.M)
NETWORK = ("yahoo", "fetch")


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command that does something, by the words that call it."""
    if not getattr(command, "commands", None):
        yield path, command
        return
    for name, inner in command.commands.items():
        yield from leaves(inner, (*path, name))


def groups(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if getattr(command, "commands", None):
        yield path, command
        for name, inner in command.commands.items():
            yield from groups(inner, (*path, name))


TREE = typer.main.get_command(app)
COMMANDS = dict(leaves(TREE))
GROUPS = dict(groups(TREE))
IDS = [" ".join(path) for path in COMMANDS]


def examples(command: Any) -> list[str]:
    return EXAMPLE.findall(command.epilog or "")


def said(text: str) -> str:
    """Return the text of a message without its box and its line breaks."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new study, as the examples take it, and a run to look at."""
    folder = tmp_path_factory.mktemp("work")
    assert main(["new", str(folder), "--json"]) == 0
    settings = (folder / "study.toml").read_text()
    asked = settings.replace('# test = ["bmp", "corrado"]', 'test = ["bmp"]')
    asked = re.sub(r"(?m)^observed = .*$", 'observed = ["AVGO"]', asked)
    assert asked.count('"bmp"') == asked.count('["AVGO"]') == 1
    (folder / "study.toml").write_text(asked)
    (folder / "other.csv").write_text("Ticker,Date,Time\nORCL,2024-12-09,AMC\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        quick(patch)
        arguments = ["study", "events.csv", "--prices", "sample", "--window", "0,1", "--json"]
        arguments += ["--model", "mean", "--test", "sign", "--observed", "AVGO"]
        assert main([*arguments, "--out", "out"]) == 0
        assert main([*arguments, "--runs", "eventstudy-runs"]) == 0
    return folder


def quick(patch: pytest.MonkeyPatch) -> None:
    """Few draws, tests and strategies by default, and an empty page: tested elsewhere, and long."""
    few = {"placebo_draws": 9, "test": ("bmp",), "strategy": ("asic-gpu-rotation",)}
    for name, value in few.items():
        patch.setattr(RunConfig.model_fields[name], "default", value)
    RunConfig.model_rebuild(force=True)
    patch.setattr("eventstudy.report.render_html", lambda *_, **__: "<html></html>")


@pytest.fixture(scope="module", autouse=True)
def as_before() -> Iterator[None]:
    yield
    RunConfig.model_rebuild(force=True)


@pytest.mark.parametrize("path", COMMANDS, ids=IDS)
def test_its_example_runs_and_json_is_all_there_is_on_stdout(
    path: tuple[str, ...],
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    lines = examples(COMMANDS[path])
    assert lines, "a command's help shows an example"
    assert all(len(line) <= 78 for line in lines), "an example stays on one line of 80 columns"
    monkeypatch.chdir(workplace)
    quick(monkeypatch)
    capfd.readouterr()
    for line in lines:
        words = shlex.split(line)[1:]
        assert tuple(words[: len(path)]) == path
        if set(words) & set(NETWORK):
            assert parsed(path, words)
            continue
        if words[0] == "sweep":
            words += ["--jobs", "1"]
        assert main([*words, "--json"]) == 0, line
        json.loads(capfd.readouterr().out)


def parsed(path: tuple[str, ...], words: list[str]) -> bool:
    """Return whether a command takes these words, without carrying it out."""
    rest = words[len(path) :]
    return bool(COMMANDS[path].make_context(path[-1], rest).params)


@pytest.mark.parametrize("path", COMMANDS, ids=IDS)
def test_it_knows_json(path: tuple[str, ...]) -> None:
    options = {name for param in COMMANDS[path].params for name in param.opts}
    assert "--json" in options


@pytest.mark.parametrize("path", [*COMMANDS, *GROUPS], ids=" ".join)
def test_its_help_fits_80_columns(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*path, "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    for line in examples((COMMANDS | GROUPS)[path]):
        assert line in text, "the example can be copied in one piece"


@pytest.mark.parametrize("path", COMMANDS, ids=IDS)
def test_a_misspelt_option_is_told_the_right_one(path: tuple[str, ...]) -> None:
    for param in COMMANDS[path].params:
        for name in param.opts:
            if name.startswith("--"):
                wrong = name[:-1] + "q"
                with pytest.raises(Exception, match="No such option") as error:
                    COMMANDS[path].make_context(path[-1], [wrong, "x"])
                assert name in error.value.format_message(), wrong  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", [p for p in GROUPS if p != ("new",)], ids=" ".join)
def test_a_misspelt_command_is_told_the_right_one(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in GROUPS[path].commands:
        wrong = name[0] + name[1:].replace(name[1], "", 1) + "x"
        assert main([*path, wrong]) == 2
        assert "Did you mean" in said(capsys.readouterr().err), wrong


def test_the_exit_codes_stand_in_the_top_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for code in ("0 done", "1 our fault", "2 the user's input", "3 audit found a peek"):
        assert code in text


NAMES = [
    ("study E --prices sample --model markt", "'market'"),
    ("study E --prices sample --test patel", "'patell'"),
    ("study E --prices sample --benchmark SPYY", "'SPY'"),
    ("study E --prices sample --observed @ASIK", "'@ASIC'"),
    ("study E --prices sample --case avgo-earnings-2024-12-1", "'avgo-earnings-2024-12-12'"),
    ("study E --prices sample --case deep", "'deepseek-"),
    ("study E --prices sample --overlap jont", "'joint'"),
    ("study E --prices sample --returns lgo", "'log'"),
    ("study E --prices sample --convention scr", "'scar'"),
    ("study E --prices sample --format cvs", "'csv'"),
    ("study E --prices sampel", "'sample'"),
    ("study E --prices sample --calendar XNYX", "'XNYS'"),
    ("study evnts.csv --prices sample", "'events.csv'"),
    ("study --config stdy.toml", "'study.toml'"),
    ("study --config typo.toml", "'window'"),
    ("study E --prices sample --horizon 1,20 --matched AVG", "'AVGO'"),
    ("study E --prices sample --factors frnch", "'french'"),
    ("backtest E --prices sample --strategy asic-gpu-rotaton", "'asic-gpu-rotation'"),
    ("backtest E --prices sample --strategy asic-gpu-rotation:hodl=3", "'hold'"),
    ("backtest E --prices sample --assume-known earning=14d", "'earnings'"),
    ("sweep E --prices sample --strategy asic-gpu-rotation --over hld=2,3", "'hold'"),
    ("audit asic-gpu-rotatio --events E --prices sample", "'asic-gpu-rotation'"),
    ("calibrate --prices sample --samples 10 --test patel", "'patell'"),
    ("prices check NVDAA --prices sample", "'NVDA'"),
    ("list strateges", "'strategies'"),
    ("runs show ID", "'eventstudy"),
    ("events check typo.csv", "'tickers'"),
    ("events check typo.csv", "'session'"),
    ("events check typo.csv", "'regular'"),
    ("events import E --from other.csv --map tcikers=Ticker", "'tickers'"),
    ("events import E --from other.csv --map tickers=Tiker", "'Ticker'"),
    ("events import E --from yaho --ticker AVGO", "'yahoo'"),
    ("events import E --from other.csv --duplicates skp", "'skip'"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "near"), NAMES, ids=[line for line, _ in NAMES])
def test_a_misspelt_name_is_told_the_right_one(
    line: str,
    near: str,
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(workplace)
    (workplace / "typo.toml").write_text('windw = "0,1"\n')
    (workplace / "typo.csv").write_text(
        "event_id,date,tikers,sesion,session\na,2024-12-12,AVGO,,regulr\n"
        if near == "'regular'"
        else "event_id,date,tikers,sesion\na,2024-12-12,AVGO,\n"
    )
    run = next(p.name for p in (workplace / "eventstudy-runs").iterdir())
    wrong = run[:9] + "x" + run[10:]
    near = f"'{run}'" if near == "'eventstudy" else near
    words = {"E": "events.csv", "ID": wrong}
    assert main([words.get(word, word) for word in line.split()]) == 2
    assert near in said(capsys.readouterr().err)


def test_what_a_shell_completes_is_what_there_is() -> None:
    from eventstudy.backtest import bundled_strategies
    from eventstudy.cli.names import FAMILIES
    from eventstudy.drafts.headers import KNOWN
    from eventstudy.models import MODELS, SPECS
    from eventstudy.significance import TESTS

    assert set(complete.MODELS) == set(MODELS)
    assert set(complete.WITH_ARGUMENT) == {f"{name}:" for name in SPECS}
    assert set(complete.TESTS) == set(TESTS)
    assert set(complete.FAMILIES) == {*FAMILIES, "all"}
    assert set(complete.IMPORTED) == set(KNOWN)
    assert set(complete.strategies(FakeContext())) == set(bundled_strategies())  # type: ignore[arg-type]


class FakeContext:
    """A command line on which nothing has been given yet."""

    params: dict[str, Any] = {}  # noqa: RUF012


def test_choices_that_a_shell_completes_are_those_of_the_configuration() -> None:
    """`fixed` completions against the Literal types that check the same setting."""
    checked = 0
    for command in COMMANDS.values():
        for param in command.params:
            field = RunConfig.model_fields.get(param.name)
            allowed = literals(field.annotation) if field else set()
            if allowed:
                found = {item.value for item in param.shell_complete(typer.Context(command), "")}
                assert found == allowed, param.name
                checked += 1
    assert checked >= 15


def literals(annotation: Any) -> set[str]:
    inner = get_args(annotation)
    if not inner or inspect.isclass(annotation):
        return set()
    if all(isinstance(one, str) for one in inner):
        return set(inner)
    return {text for one in inner for text in literals(one)}
