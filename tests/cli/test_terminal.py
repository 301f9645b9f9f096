"""Width, colour and progress: a terminal gets them, a pipe gets plain lines."""

from __future__ import annotations

import errno
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eventstudy.cli import main
from eventstudy.cli.terminal import fitted, shortened

TABLE = """\
         name window  mean move   first   second
         long    0,0          1 +10.00%  -20.00%
        short    0,0             +1.00%   -2.00%
        short    1,5          3  +1.00%   -2.00%
(one line more)"""


def test_a_wide_table_is_shown_in_parts_that_name_their_rows() -> None:
    """By hand: name and window tell the rows apart; `mean move` is one header of two words."""
    assert fitted(TABLE, 40).split("\n") == [
        " name  window  mean move    first",
        " long     0,0          1  +10.00%",
        "short     0,0              +1.00%",
        "short     1,5          3   +1.00%",
        "",
        " name  window   second",
        " long     0,0  -20.00%",
        "short     0,0   -2.00%",
        "short     1,5   -2.00%",
        "(one line more)",
    ]


def test_a_header_without_gaps_belongs_to_its_table() -> None:
    table = "     hit rate turnover\nidea    50.0%     7.13"
    assert fitted(table, 16).split("\n") == [
        "      hit rate",
        "idea     50.0%",
        "",
        "      turnover",
        "idea      7.13",
    ]


def test_a_table_that_fits_is_left_as_it_is() -> None:
    assert fitted(TABLE, 60) == TABLE


def test_prose_is_wrapped_and_what_was_wrapped_is_joined_first() -> None:
    words = "word " * 21 + "words"
    text = f"{words}\n  that go on here.\nshort line\n  a list\n  another"
    assert fitted(text, 60).split("\n") == [
        "word " * 11 + "word",
        "  word word word word word word word word word words that go",
        "  on here.",
        "short line",
        "  a list",
        "  another",
    ]


def test_a_word_without_a_space_is_not_broken() -> None:
    path = "/a/very/long/path/" + "x" * 80
    assert fitted(f"Report: {path}", 60) == f"Report:\n  {path}"


def test_a_long_list_is_shortened_with_a_count() -> None:
    lines = [str(n) for n in range(30)]
    assert shortened(lines, 20) == [*lines[:19], "... and 11 more"]
    assert shortened(lines[:20], 20) == lines[:20]


def run(
    arguments: list[str], folder: Path, root: Path, *, terminal: bool, **more: str
) -> tuple[str, str]:
    """Return what a command writes to stdout and stderr, each a terminal of its own or a pipe."""
    hidden = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "GITHUB_ACTIONS")
    env = {k: v for k, v in os.environ.items() if k not in hidden}
    env |= {"PYTHONPATH": str(root), "TERM": "xterm", **more}
    command = [sys.executable, "-m", "eventstudy", *arguments]
    if not terminal:
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        return done.stdout, done.stderr
    ends = [pty.openpty(), pty.openpty()]
    child = subprocess.Popen(
        command, cwd=folder, env=env, stdout=ends[0][1], stderr=ends[1][1], stdin=subprocess.DEVNULL
    )
    for _, theirs in ends:
        os.close(theirs)
    texts = _read_all([ours for ours, _ in ends])
    child.wait()
    return texts[0], texts[1]


def _read_all(handles: list[int]) -> list[str]:
    import selectors

    chooser = selectors.DefaultSelector()
    found = dict.fromkeys(handles, b"")
    for handle in handles:
        chooser.register(handle, selectors.EVENT_READ)
    while chooser.get_map():
        for key, _ in chooser.select():
            try:
                data = os.read(key.fd, 65536)
            except OSError:
                data = b""
            found[key.fd] += data
            if not data:
                chooser.unregister(key.fd)
                os.close(key.fd)
    return [found[handle].decode().replace("\r\n", "\n") for handle in handles]


COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MISTAKE = ["list", "modles"]


def test_colour_is_for_terminals_and_for_those_who_ask(root: Path, tmp_path: Path) -> None:
    shown = run(MISTAKE, tmp_path, root, terminal=True)[1]
    assert COLOUR.search(shown)
    assert not COLOUR.search(run(MISTAKE, tmp_path, root, terminal=True, NO_COLOR="1")[1])
    assert not COLOUR.search(run(MISTAKE, tmp_path, root, terminal=False)[1])
    asked = run(MISTAKE, tmp_path, root, terminal=False, FORCE_COLOR="1")[1]
    assert COLOUR.search(asked)
    both = run(MISTAKE, tmp_path, root, terminal=False, FORCE_COLOR="1", NO_COLOR="1")[1]
    assert not COLOUR.search(both)


def test_progress_with_time_left_on_a_terminal_and_silence_in_a_pipe(
    root: Path, tmp_path: Path
) -> None:
    arguments = ["calibrate", "--prices", "sample", "--samples", "10", "--effects", "0",
                 "--test", "bmp", "--jobs", "1"]  # fmt: skip
    out, err = run(arguments, tmp_path, root, terminal=True, COLUMNS="80")
    assert re.search(r"\d+/\d+ +(-:--:--|\d+:\d\d:\d\d)", COLOUR.sub("", err))
    assert "━" not in out
    piped = run(arguments, tmp_path, root, terminal=False, FORCE_COLOR="1")
    assert piped[1] == ""
    assert "\x1b" not in piped[0]


def test_lines_fit_the_width_that_is_asked_for(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    events = str(root / "events.csv")
    study = ["study", events, "--prices", "sample", "--window", "0,0", "--model", "mean",
             "--test", "sign", "--test", "corrado"]  # fmt: skip
    check = ["events", "check", events]
    for arguments, width in ((study, 80), (["list"], 80), (check, 100), (check, 80)):
        monkeypatch.setenv("COLUMNS", str(width))
        assert main(arguments) == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= width, arguments
    monkeypatch.delenv("COLUMNS")
    assert main(["list", "tests"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) > 120  # a pipe breaks nothing


def test_an_interruption_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("eventstudy.run.execute.execute", interrupted)
    assert main(["demo"]) == 130
    assert capsys.readouterr().err == (
        "eventstudy: interrupted; files are written whole or not at all\n"
    )


def test_matrix_products_take_one_thread_unless_the_user_says_otherwise(monkeypatch) -> None:
    from eventstudy.cli import app

    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "6")
    monkeypatch.setattr(app, "main", lambda: 0)
    with pytest.raises(SystemExit):
        app.script()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert os.environ["MKL_NUM_THREADS"] == "6"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(
    "asked",
    [["list", "models"], ["--version"], ["--help"], ["run", "-h"], ["--show-completion", "bash"]],
    ids=" ".join,
)
def test_a_full_disk_behind_stdout_is_no_fault_of_ours(
    root: Path, unbuffered: str, both: bool, asked: list[str]
) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "eventstudy", *asked],
            stdout=full, stderr=full if both else subprocess.PIPE, text=True, check=False, cwd=root,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert done.returncode == 2
    told = "eventstudy: stdout cannot be written: No space left on device\n"
    assert done.stderr == (None if both else told)


def test_a_disk_that_names_neither_file_nor_stream_is_not_called_stdout(
    monkeypatch, capsys
) -> None:
    from eventstudy.cli import app

    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(app, "_commands", lambda: full)
    assert app.main(["list"]) == 2
    said = "eventstudy: a file: cannot be read or written: No space left on device\n"
    assert capsys.readouterr().err == said
