"""Commands that stand in pages without code cells run as they are written."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from eventstudy.cli import main


def test_the_commands_of_the_page_on_sweeps(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(root / "events.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    text = (root / "docs" / "sweeps.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert len(lines) >= 2
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "eventstudy"
        assert main(arguments) == 0, line
    assert (tmp_path / "sweep" / "sweep.html").is_file()
