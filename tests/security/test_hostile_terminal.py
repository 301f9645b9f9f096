"""What others wrote into files is shown on a terminal and never obeyed by it."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path

import pytest

from eventstudy.cli import main
from eventstudy.letters import harmless
from eventstudy.told import as_text

# A title of the window, a link, the clipboard, erased lines, C1 controls, text turned around.
ORDERS = "\x1b]0;owned\x07\x1b]8;;http://bad.example\x1b\\\x1b]52;c;aGk=\x07\x1b[2K\x9b31m\u202etxt"
MARKUP = "[link=http://bad.example]here[/link] [bold red]x[/]"


@pytest.fixture
def calendar(tmp_path: Path) -> Path:
    path = tmp_path / "events.csv"
    rows = [
        "event_id,date,tickers,session,kind,title",
        f'"one{MARKUP}{ORDERS}",2024-06-12,AVGO,post,"{MARKUP}{ORDERS}","{ORDERS}"',
        "two,2024-06-13,NVDA,pre,k,t",
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


class Terminal(StringIO):
    """What a terminal is sent."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_is_sent_no_order_from_a_calendar(
    calendar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Terminal()
    for name, value in {"COLUMNS": "400", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", screen)
    assert main(["events", "check", str(calendar)]) == 0
    said = screen.getvalue()
    assert f"one{MARKUP}[U+001B]]0;owned" in said
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(said)


def test_errors_and_json_carry_no_order(calendar: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["study", str(calendar), "--prices", "sample", "--benchmark", f"X{ORDERS}"]) == 2
    assert main(["events", "check", str(calendar), "--json"]) == 0
    out, err = capfd.readouterr()
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(out + err)
    assert any(row["event_id"] == f"one{MARKUP}{ORDERS}" for row in find_rows(json.loads(out)))


def find_rows(value: object) -> list[dict[str, object]]:
    """Return every mapping with an event_id, wherever it stands."""
    if isinstance(value, dict):
        own = [value] if "event_id" in value else []
        return own + [row for part in value.values() for row in find_rows(part)]
    return [row for part in value for row in find_rows(part)] if isinstance(value, list) else []


def test_what_is_harmless_stays() -> None:
    text = "a line\n\tand a second: \u4e2d\u6587 \u05d0\u05d1 \u200d \U0001f600 \u2212 \u00e9"
    assert harmless(text) == text
    assert harmless("\x1b[31m\r\x85") == "[U+001B][31m[U+000D][U+0085]"


def test_summaries_carry_no_order() -> None:
    assert as_text([f"said {ORDERS}"]).startswith("said [U+001B]]0;owned[U+0007]")


def test_orders_of_rich_are_words_in_a_progress_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    from eventstudy.cli import progress
    from eventstudy.cli.progress import Bar, Status

    monkeypatch.setattr(progress, "watched", lambda: True)
    status = Status()
    status.__enter__()
    status.say(MARKUP + ORDERS)
    line = status.__rich__()
    status.__exit__(None, None, None)
    from rich.console import Console
    from rich.text import Text

    assert Text.from_markup(line).plain.startswith(MARKUP)
    assert "\x1b" not in line
    with Bar() as bar:
        bar.tell(MARKUP + ORDERS, 1, 2)
        out = StringIO()
        Console(file=out, width=300).print(bar._progress.make_tasks_table(bar._progress.tasks))
    assert MARKUP in out.getvalue()
    assert "\x1b" not in out.getvalue()
