"""What a killed writer left in a folder goes with the next write; what is at work stays."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from eventstudy.disk import clear_unfinished, write_whole
from eventstudy.disk.unfinished import begun

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files have no locks there")


def left_by_a_kill(folder: Path) -> None:
    child = os.fork()
    if child == 0:
        write_whole(folder / "x", lambda file: os._exit(9))
    os.waitpid(child, 0)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_next_write_removes_what_a_kill_left(tmp_path: Path) -> None:
    left_by_a_kill(tmp_path)
    left = names(tmp_path)
    assert len(left) == 1
    assert left[0].startswith(".writing-")
    write_whole(tmp_path / "y", lambda file: file.write(b"whole"))
    assert names(tmp_path) == ["y"]


def test_what_another_process_is_writing_stays(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:

        def waits(file: object) -> None:
            os.write(writing, b".")
            time.sleep(30)

        write_whole(tmp_path / "x", waits)
    os.read(reading, 1)
    clear_unfinished(tmp_path)
    before = names(tmp_path)
    os.kill(child, 9)
    os.waitpid(child, 0)
    clear_unfinished(tmp_path)
    assert [name[:9] for name in before] == [".writing-"]
    assert names(tmp_path) == []


def test_other_names_links_and_pipes_stay(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("the user's")
    (tmp_path / ".writing-notes.md").write_text("the user's")
    (tmp_path / ".writing-aaaaaaaa").symlink_to(tmp_path / "own")
    os.mkfifo(tmp_path / ".writing-bbbbbbbb")
    (tmp_path / ".writing-cccccccc").mkdir()
    before = names(tmp_path)
    clear_unfinished(tmp_path)
    assert names(tmp_path) == before
    assert (tmp_path / "own").read_text() == "the user's"


def test_a_file_taken_for_a_dead_ones_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    make, made = tempfile.mkstemp, []

    def and_taken_away(**where: object) -> tuple[int, str]:
        handle, name = make(**where)  # type: ignore[call-overload]
        made.append(name)
        if len(made) == 1:  # another process clears the folder before this one has its lock
            os.unlink(name)
        return handle, name

    monkeypatch.setattr(tempfile, "mkstemp", and_taken_away)
    handle, name = begun(tmp_path)
    os.close(handle)
    assert made[1:] == [name]
    assert names(tmp_path) == [Path(name).name]
