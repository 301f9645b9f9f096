"""Folders of a run: what is replaced, what is kept, what is refused."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pytest
from made_runs import ABOUT, files_of, hidden_in, state_of, write

from eventstudy.disk import (
    FolderWriter,
    check_place,
    damage_of,
    keep_folder,
    lease,
    read_seal,
    recover,
    write_folder,
)
from eventstudy.errors import EventStudyError

MARK = "0123456789abcdef"


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_paths_are_returned_as_they_were_asked_for(tmp_path: Path) -> None:
    written = write_folder(tmp_path / "a" / "b", files_of("one"), ABOUT)
    names = ["cars.csv", "tests.csv", "only-one.csv", "manifest.json"]
    assert written == [tmp_path / "a" / "b" / name for name in names]
    assert all(path.is_file() for path in written)


def test_a_run_replaces_a_run_and_its_surplus_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, "old")
    before = out.stat().st_ino
    write(out, "new")
    assert state_of(out) == "new"
    assert not (out / "only-old.csv").exists()
    # As a whole: the folder is another one.
    assert out.stat().st_ino != before
    assert hidden_in(out) == []


def test_the_files_of_others_stay_as_they_are(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "deep").mkdir(parents=True)
    own = {"study.toml": b"a = 1", "cars-2.csv": b"mine", ".hidden": b"x"}
    for name, content in own.items():
        (out / name).write_bytes(content)
    (out / "deep" / "cars.csv").write_bytes(b"deep")
    before = out.stat().st_ino
    for tag in ("old", "new"):
        write(out, tag)
        assert state_of(out) == tag
        assert own.items() <= contents(out).items()
        assert contents(out / "deep") == {"cars.csv": b"deep"}
    assert not (out / "only-old.csv").exists()
    assert out.stat().st_ino == before
    assert hidden_in(out) == [".hidden"]


@pytest.mark.parametrize("name", ["cars.csv", "manifest.json"])
def test_a_file_that_no_run_wrote_is_not_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"name": "a web page of mine"}')
    with pytest.raises(EventStudyError, match=f"no run of eventstudy wrote the {name}"):
        write(tmp_path, "new")
    assert contents(tmp_path) == {name: b'{"name": "a web page of mine"}'}
    with pytest.raises(EventStudyError, match="name another folder"):
        check_place(tmp_path, ["cars.csv"])


def test_a_folder_with_the_name_of_a_file_is_not_taken_for_the_file(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, "old")
    (out / "cars.csv").unlink()
    (out / "cars.csv").mkdir()
    (out / "cars.csv" / "mine").write_text("mine")
    with pytest.raises(EventStudyError, match=r"cars\.csv"):
        write(out, "new")
    assert (out / "cars.csv" / "mine").read_text() == "mine"


def test_a_manifest_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "precious.csv"
    outside.write_text("precious")
    write(out, "old")
    manifest = json.loads((out / "manifest.json").read_text())
    for name in ("../precious.csv", str(outside)):
        manifest["files"][name] = manifest["files"]["cars.csv"]
    (out / "manifest.json").write_text(json.dumps(manifest))
    write(out, "new")
    assert state_of(out) == "new"
    assert outside.read_text() == "precious"


def test_runs_from_before_manifests_listed_files_are_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text(json.dumps(ABOUT))
    for name in ("bhar.csv", "report.html", "mine.csv"):
        (out / name).write_text("earlier")
    write(out, "new")
    assert state_of(out) == "new"
    assert (out / "mine.csv").read_text() == "earlier"
    assert not (out / "bhar.csv").exists()
    assert not (out / "report.html").exists()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "disk" / "real", tmp_path / "out"
    real.mkdir(parents=True)
    link.symlink_to(real, target_is_directory=True)
    for tag in ("old", "new"):
        write(link, tag)
        assert link.is_symlink()
        assert state_of(real) == tag


def test_the_folder_one_works_in_is_not_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write(out, "old")
    before = out.stat().st_ino
    monkeypatch.chdir(out)
    write(Path(), "new")
    assert state_of(out) == "new"
    assert out.stat().st_ino == before == Path().stat().st_ino
    assert hidden_in(out) == []


def test_mode_and_long_names_are_kept(tmp_path: Path) -> None:
    out = tmp_path / ("n" * 250)
    write(out, "old")
    out.chmod(0o750)
    write(out, "new")
    assert state_of(out) == "new"
    assert out.stat().st_mode & 0o777 == 0o750
    assert hidden_in(out) == []


@pytest.mark.parametrize("where", ["file", "file/out"])
def test_a_file_in_the_way_is_said_before_and_after_the_work(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("mine")
    for attempt in (lambda p: check_place(p, ()), lambda p: write(p, "new")):
        with pytest.raises(EventStudyError, match="cannot be written"):
            attempt(tmp_path / where)
    with pytest.raises(EventStudyError, match="file is a file, not a folder"):
        check_place(tmp_path / where, ())
    assert (tmp_path / "file").read_text() == "mine"


def test_a_check_makes_nothing(tmp_path: Path) -> None:
    check_place(tmp_path / "a" / "b", ["cars.csv"])
    check_place(tmp_path / "runs", None)
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_fails_leaves_the_old_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, "old")

    def broken(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_folder(out, {**files_of("new"), "z.csv": broken}, ABOUT)
    assert state_of(out) == "old"
    assert hidden_in(out) == []


@pytest.fixture
def someone() -> Iterator[Path]:
    """A folder for all, seen by a user who is not root."""
    if not hasattr(os, "geteuid"):
        pytest.skip("rights of another kind")
    # Not tmp_path: nobody but its owner may pass through that.
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        for path in folder.rglob("*"):
            path.chmod(0o777)
        shutil.rmtree(folder)


def test_a_folder_that_cannot_be_written_is_left_alone(someone: Path) -> None:
    out = someone / "out"
    write(out, "old")
    out.chmod(0o555)
    for attempt in (lambda: check_place(out, ()), lambda: write(out, "new")):
        with pytest.raises(EventStudyError, match="out: cannot be written: Permission denied"):
            attempt()
    assert state_of(out) == "old"
    out.chmod(0o755)
    check_place(out, ())
    write(out, "new")
    assert state_of(out) == "new"


def test_a_folder_whose_parent_cannot_be_written_is_filled_where_it_stands(someone: Path) -> None:
    out = someone / "parent" / "out"
    write(out, "old")
    out.parent.chmod(0o555)
    write(out, "new")
    assert state_of(out) == "new"
    with pytest.raises(EventStudyError, match="Permission denied"):
        write(out.parent / "other", "new")


def aside(out: Path) -> Path:
    return out.rename(out.parent / f".{out.name}.old-{MARK}")


def test_an_empty_folder_in_the_place_does_not_cost_the_old_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, "old")
    aside(out)
    out.mkdir()
    recover(out)
    assert state_of(out) == "old"


def test_files_in_the_place_do_not_cost_the_old_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, "old")
    kept = aside(out)
    out.mkdir()
    (out / "mine").write_text("mine")
    recover(out)
    assert state_of(kept) == "old"
    assert contents(out) == {"mine": b"mine"}


def test_what_was_put_beside_the_old_run_comes_along(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, "old")
    kept = aside(out)
    (kept / "mine").write_text("mine")
    write(out, "new")
    assert (out / "mine").read_text() == "mine"
    write(out, "next")
    assert state_of(out) == "next"
    assert (out / "mine").read_text() == "mine"
    assert hidden_in(out) == []


def test_what_was_put_beside_a_run_that_is_removed_goes_to_the_new_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, "old")
    kept = aside(out)
    (kept / "mine").write_text("mine")
    write(tmp_path / "made", "new")
    (tmp_path / "made").rename(out)
    recover(out)
    assert state_of(out) == "new"
    assert (out / "mine").read_text() == "mine"
    assert hidden_in(out) == []


def test_a_working_folder_is_removed_only_when_its_writer_is_dead(tmp_path: Path) -> None:
    out = tmp_path / "out"
    left = tmp_path / f".out.new-{MARK}"
    left.mkdir()
    (left / "cars.csv").write_text("half")
    with lease.claimed(left, wait=True) as held:
        assert held
        recover(out)
        assert left.is_dir()
    recover(out)
    assert not left.exists()


def test_a_lock_of_the_callers_own_does_not_stop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``flock . eventstudy run ...`` would hold it."""
    monkeypatch.setattr(lease, "PATIENCE", 0.1)
    write(tmp_path / "out", "old")
    with lease.claimed(tmp_path, wait=True), lease.claimed(tmp_path / "out", wait=True):
        write(tmp_path / "out", "new")
        (tmp_path / "out" / "mine").write_text("mine")
        write(tmp_path / "out", "next")
    assert state_of(tmp_path / "out") == "next"
    assert (tmp_path / "out" / "mine").read_text() == "mine"


@pytest.mark.parametrize("name", [".out.new-0123", ".out.new-backup", ".other.new-" + MARK])
def test_a_folder_of_another_name_is_no_working_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine").write_text("mine")
    write(tmp_path / "out", "new")
    assert contents(tmp_path / name) == {"mine": b"mine"}


def test_without_locks_age_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_locked", lambda *_: None)
    young, old = tmp_path / f".out.new-{MARK}", tmp_path / f".out.new-{MARK[::-1]}"
    for folder, days in ((young, 0.5), (old, 2)):
        folder.mkdir()
        then = folder.stat().st_mtime - days * 86_400
        os.utime(folder, (then, then))
    write(tmp_path / "out", "old")
    write(tmp_path / "out", "new")
    assert state_of(tmp_path / "out") == "new"
    assert hidden_in(tmp_path / "out") == [young.name]


def test_kept_runs_never_replace_one_another(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    (tmp_path / "run-3").mkdir()
    made = [keep_folder(tmp_path, "run", files_of(tag), {**ABOUT, "tag": tag}) for tag in "abc"]
    assert [path.name for path in made] == ["run-2", "run-4", "run-5"]
    assert list((tmp_path / "run-3").iterdir()) == []
    assert [state_of(path) for path in made] == ["a", "b", "c"]


def test_damage_is_told_file_by_file(tmp_path: Path) -> None:
    write(tmp_path, "one")
    manifest = read_seal(tmp_path)
    assert manifest is not None
    assert damage_of(tmp_path, manifest, digests=True) == []
    (tmp_path / "only-one.csv").unlink()
    (tmp_path / "tests.csv").write_text("short")
    cars = (tmp_path / "cars.csv").read_bytes()
    (tmp_path / "cars.csv").write_bytes(cars.replace(b"one", b"two"))
    size = len("one tests.csv\n") * 500
    lines = [f"tests.csv has 5 bytes, not {size}", "only-one.csv is missing"]
    assert damage_of(tmp_path, manifest, digests=False) == lines
    assert damage_of(tmp_path, manifest, digests=True) == ["cars.csv was changed", *lines]


def test_disk_needs_no_heavy_library(root: Path) -> None:
    code = "import eventstudy.disk, sys; sys.exit(bool({'numpy', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_the_file_that_a_full_disk_does_not_take_is_named(tmp_path: Path) -> None:
    def full(file: BinaryIO) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for out, name in ((tmp_path / "out", "out/tests.csv"), (tmp_path / "runs", "runs/tests.csv")):
        files = {"cars.csv": lambda file: file.write(b"x\n"), "tests.csv": full}
        kept = partial(keep_folder, name="run")
        words = f"{tmp_path}/{name}: cannot be written: No space left on device"
        with pytest.raises(EventStudyError) as caught:
            (kept if out.name == "runs" else write_folder)(out, files=files, manifest=ABOUT)
        assert str(caught.value) == words
        assert hidden_in(out) == []


def test_the_table_in_parts_that_a_full_disk_does_not_take_is_named(tmp_path: Path) -> None:
    class Parts(FolderWriter):
        def __call__(self, file: BinaryIO) -> None:
            raise AssertionError

        def into(self, folder: Path, name: str) -> None:
            try:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                raise EventStudyError(f"{folder / name}: cannot be written") from error

    with pytest.raises(EventStudyError) as caught:
        write_folder(tmp_path / "out", {"abnormal": Parts()}, ABOUT)
    words = f"{tmp_path}/out/abnormal: cannot be written: No space left on device"
    assert str(caught.value) == words
