"""Tables by parts: what a reader finds, what an error and a second writer leave."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eventstudy.disk import (
    FolderWriter,
    Writer,
    damage_of,
    read_seal,
    recover,
    write_folder,
)
from eventstudy.errors import EventStudyError
from eventstudy.exports.parts import PartWriter, open_parts, part_files, read_parts
from eventstudy.provenance import DISTRIBUTION


def rows(first: int, count: int) -> dict[str, object]:
    """Rows whose numbers tell their place."""
    at = np.arange(first, first + count)
    return {
        "event_id": np.array([f"e{i // 3}" for i in at]),
        "day": at.astype("int64"),
        "date": np.datetime64("2020-01-01", "D") + at,
        "ar": np.where(at % 5 == 0, np.nan, at / 7),
    }


def fail_after(writer: PartWriter, count: int, part: int | None = None) -> None:
    """Write rows, then meet an error that is not the writer's."""
    with pytest.raises(ZeroDivisionError), writer:
        _write_and_fail(writer, count, part)


def _write_and_fail(writer: PartWriter, count: int, part: int | None) -> None:
    writer.write(rows(0, count), part=part)
    raise ZeroDivisionError


def names_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())


def test_rows_come_back_in_order_from_parts_of_the_size_asked_for(tmp_path: Path) -> None:
    with PartWriter(tmp_path, "abnormal", rows=100) as writer:
        for first, count in ((0, 7), (7, 0), (7, 250), (257, 43)):
            writer.write(rows(first, count))
    assert names_in(tmp_path) == [f"abnormal/part-0000{i}.parquet" for i in range(3)]
    files = part_files(tmp_path, "abnormal")
    assert [pq.read_metadata(path).num_rows for path in files] == [100] * 3
    assert writer.rows_written == 300
    assert writer.parts == tuple(files)
    found = read_parts(tmp_path, "abnormal").to_pydict()
    assert found["day"] == list(range(300))
    assert found["event_id"] == [f"e{i // 3}" for i in range(300)]
    assert found["date"] == [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(300)]
    assert found["ar"] == [None if i % 5 == 0 else i / 7 for i in range(300)]


def test_pandas_reads_the_folder_as_one_table(tmp_path: Path) -> None:
    with PartWriter(tmp_path, "cars.parquet", rows=40) as writer:
        writer.write(pd.DataFrame(rows(0, 100)))
    frame = pd.read_parquet(tmp_path / "cars.parquet")
    assert frame["day"].tolist() == list(range(100))
    assert isinstance(frame["event_id"].dtype, pd.CategoricalDtype)
    assert frame["event_id"].astype(str).tolist() == [f"e{i // 3}" for i in range(100)]


def test_columns_alone_are_read(tmp_path: Path) -> None:
    with PartWriter(tmp_path, "abnormal") as writer:
        writer.write(rows(0, 10))
    assert read_parts(tmp_path, "abnormal", ["ar", "day"]).column_names == ["ar", "day"]
    with pytest.raises(EventStudyError, match="no column size; it has event_id, day, date, ar"):
        read_parts(tmp_path, "abnormal", ["size"])
    with pytest.raises(EventStudyError, match="holds no part-00000"):
        read_parts(tmp_path, "cars")


def test_a_group_holds_no_labels_but_its_own(tmp_path: Path) -> None:
    labels = pa.array([f"event number {i}" for i in range(50_000)])
    with PartWriter(tmp_path, "abnormal", rows=1000) as writer:
        for first in range(0, 50_000, 1000):
            codes = pa.array(np.arange(first, first + 1000) // 2 * 2, pa.int32())
            writer.write({"event_id": pa.DictionaryArray.from_arrays(codes, labels)})
    # Fifty lists of fifty thousand labels would be some thirty megabytes.
    assert sum(path.stat().st_size for path in part_files(tmp_path, "abnormal")) < 1_000_000
    found = read_parts(tmp_path, "abnormal")["event_id"].to_pylist()
    assert found == [f"event number {i // 2 * 2}" for i in range(50_000)]


def test_labels_may_differ_from_piece_to_piece(tmp_path: Path) -> None:
    pieces = [["a", "b", "a"], [None, "c"], ["b", "d"]]
    with PartWriter(tmp_path, "cars") as writer:
        for piece in pieces:
            writer.write({"kind": pd.Categorical(piece)})
        writer.write({"kind": pa.array([None, None])})
    table = read_parts(tmp_path, "cars")
    assert table["kind"].to_pylist() == ["a", "b", "a", None, "c", "b", "d", None, None]
    assert len(part_files(tmp_path, "cars")) == 1


def test_a_table_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    schema = pa.schema({"event_id": pa.string(), "ar": pa.float64()})
    with PartWriter(tmp_path, "abnormal", schema):
        pass
    found = read_parts(tmp_path, "abnormal")
    assert (found.num_rows, found.schema.names) == (0, ["event_id", "ar"])


@pytest.mark.parametrize("earlier", [False, True])
def test_an_error_leaves_what_was_there_before(tmp_path: Path, earlier: bool) -> None:
    if earlier:
        with PartWriter(tmp_path, "cars") as writer:
            writer.write(rows(0, 5))
    fail_after(PartWriter(tmp_path, "cars", rows=10), 35)
    assert names_in(tmp_path) == (["cars/part-00000.parquet"] if earlier else [])
    if earlier:
        assert read_parts(tmp_path, "cars")["day"].to_pylist() == [0, 1, 2, 3, 4]


def test_a_shorter_set_replaces_a_longer_one(tmp_path: Path) -> None:
    for count in (95, 15):
        with PartWriter(tmp_path, "cars", rows=10) as writer:
            writer.write(rows(0, count))
            if count == 15:  # a reader still sees the old one, whole
                assert read_parts(tmp_path, "cars").num_rows == 95
    assert names_in(tmp_path) == ["cars/part-00000.parquet", "cars/part-00001.parquet"]
    assert read_parts(tmp_path, "cars").num_rows == 15


def test_several_writers_fill_one_set(tmp_path: Path) -> None:
    """Two processes at once, each with every other part."""
    code = (
        "import sys; from eventstudy.exports.parts import PartWriter\n"
        "k = int(sys.argv[2])\n"
        "with PartWriter(sys.argv[1], 'abnormal', first=k, step=2, rows=10) as writer:\n"
        "    for part in range(k, 40, 2):\n"
        "        writer.write({'day': list(range(part * 10, part * 10 + 10))})\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(k)]) for k in range(2)
    ]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert read_parts(tmp_path, "abnormal")["day"].to_pylist() == list(range(400))


def test_numbered_parts_replace_themselves_and_errors_spare_those_of_others(tmp_path: Path) -> None:
    with PartWriter(tmp_path, "abnormal") as writer:
        writer.write(rows(20, 10), part=2)
        writer.write(rows(0, 20), part=0)
    with PartWriter(tmp_path, "abnormal") as again:
        again.write(rows(20, 10), part=2)
        again.write(rows(30, 10), part=10)
    assert read_parts(tmp_path, "abnormal")["day"].to_pylist() == list(range(40))
    fail_after(PartWriter(tmp_path, "abnormal"), 10, part=11)
    assert [path.name for path in part_files(tmp_path, "abnormal")] == [
        f"part-{i:05d}.parquet" for i in (0, 2, 10)
    ]


def test_a_killed_writer_leaves_no_part_that_a_reader_takes(tmp_path: Path) -> None:
    """Killed in the middle of its second part; the next writer clears what it left."""
    code = (
        "import os, signal, sys; from eventstudy.disk import parts\n"
        "parts.ROWS_OF_A_GROUP = 10\n"
        "writer = parts.PartWriter(sys.argv[1], 'cars', rows=20)\n"
        "writer.write({'day': list(range(30))})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path)])
    assert died.returncode == -9
    left = names_in(tmp_path)
    assert any("part-00000" in name for name in left)
    assert part_files(tmp_path, "cars") == []
    with PartWriter(tmp_path, "cars") as writer:
        writer.write(rows(0, 5))
    assert names_in(tmp_path) == ["cars/part-00000.parquet"]


def test_a_set_moved_aside_by_a_killed_writer_comes_back(tmp_path: Path) -> None:
    with PartWriter(tmp_path, "cars") as writer:
        writer.write(rows(0, 5))
    (tmp_path / "cars").rename(tmp_path / ".cars.old-0123456789abcdef")
    fail_after(PartWriter(tmp_path, "cars", rows=2), 9)
    assert read_parts(tmp_path, "cars").num_rows == 5


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    with PartWriter(tmp_path, "cars") as writer:
        writer.write({"day": [1], "ar": [0.5]})
        writer.write({"ar": [1], "day": [2]})  # another order, whole numbers: fits
        with pytest.raises(EventStudyError, match="cars: these rows cannot be written beside"):
            writer.write({"day": [1]})
        with pytest.raises(EventStudyError, match="cars: .* 0.5"):
            writer.write({"day": [0.5], "ar": [0.5]})
    assert read_parts(tmp_path, "cars").to_pydict() == {"day": [1, 2], "ar": [0.5, 1.0]}


def test_files_of_the_users_own_are_not_lost(tmp_path: Path) -> None:
    (tmp_path / "cars").mkdir()
    (tmp_path / "cars" / "notes.md").write_text("mine")
    (tmp_path / "tests").write_text("mine too")
    for name, why in (("cars", "holds notes.md"), ("tests", "is a file")):
        for first in (None, 0):
            with (
                pytest.raises(EventStudyError, match=why),
                PartWriter(tmp_path, name, first=first) as writer,
            ):
                writer.write(rows(0, 5))
    assert names_in(tmp_path) == ["cars/notes.md", "tests"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with (
        pytest.raises(EventStudyError, match="cannot be written"),
        PartWriter(tmp_path, "cars") as writer,
    ):
        writer.write(rows(0, 5))


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    """Three million numbers are 24 MB; what is held at once is the piece and a row group."""
    before = pa.total_allocated_bytes()
    most = 0
    with PartWriter(tmp_path, "abnormal") as writer:
        for chunk in range(30):
            writer.write({"ar": np.random.default_rng(chunk).normal(size=100_000)})
            most = max(most, pa.total_allocated_bytes() - before)
    assert most < 8 * 1_000_000
    fragments = open_parts(tmp_path, "abnormal").get_fragments()
    assert [fragment.count_rows() for fragment in fragments] == [1_000_000] * 3


class Table(FolderWriter):
    """A table that a run writes in parts, told by its tag."""

    def __init__(self, tag: str, parts: int) -> None:
        self.tag, self.parts = tag, parts

    def __call__(self, file: BinaryIO) -> object:
        raise AssertionError("a run's folder takes it in parts")

    def into(self, folder: Path, name: str) -> None:
        with PartWriter(folder, name, rows=10) as writer:
            writer.write({"tag": [self.tag] * 10 * self.parts})


def run_into(place: Path, table: Writer) -> None:
    about = {"versions": {DISTRIBUTION: "0"}}
    write_folder(place, {"abnormal.parquet": table, "cars.csv": lambda f: f.write(b"x\n")}, about)


@pytest.mark.parametrize("shared", [False, True])
def test_a_run_with_a_table_in_parts_replaces_and_is_replaced(tmp_path: Path, shared: bool) -> None:
    place = tmp_path / "out"
    if shared:
        place.mkdir()
        (place / "notes.md").write_text("mine")
    own = ["notes.md"] if shared else []
    whole = ["abnormal.parquet", "cars.csv", "manifest.json", *own]
    for table, count in (
        (Table("a", 3), 3),
        (Table("b", 2), 2),
        (lambda file: file.write(b"one file"), 0),
        (Table("c", 1), 1),
    ):
        run_into(place, table)
        parts = [f"abnormal.parquet/part-{i:05d}.parquet" for i in range(count)]
        assert names_in(place) == (sorted([*parts, *whole[1:]]) if count else sorted(whole))
        manifest = read_seal(place)
        assert manifest is not None
        assert set(manifest["files"]) == {*(parts or ["abnormal.parquet"]), "cars.csv"}
        assert damage_of(place, manifest, digests=True) == []
        if isinstance(table, Table):
            tags = read_parts(place, "abnormal.parquet")["tag"].to_pylist()
            assert tags == [table.tag] * 10 * count
    (place / "abnormal.parquet" / "part-00000.parquet").write_bytes(b"")
    (damage,) = damage_of(place, manifest, digests=False)
    assert damage.startswith("abnormal.parquet/part-00000.parquet has 0 bytes")


def test_what_the_user_put_among_the_parts_stays(tmp_path: Path) -> None:
    place = tmp_path / "out"
    run_into(place, Table("a", 2))
    (place / "abnormal.parquet" / "mine.txt").write_text("mine")
    run_into(place, Table("b", 1))
    assert names_in(place) == [
        "abnormal.parquet/mine.txt",
        "abnormal.parquet/part-00000.parquet",
        "cars.csv",
        "manifest.json",
    ]
    with pytest.raises(EventStudyError, match="no run of eventstudy wrote the abnormal.parquet"):
        run_into(place, lambda file: file.write(b"one file"))
    assert (place / "abnormal.parquet" / "mine.txt").read_text() == "mine"
    other = tmp_path / "other"
    other.mkdir()
    (other / "abnormal.parquet").write_text("mine")
    with pytest.raises(EventStudyError, match="no run of eventstudy wrote the abnormal.parquet"):
        run_into(other, Table("a", 2))
    assert (other / "abnormal.parquet").read_text() == "mine"


@pytest.mark.parametrize("shared", [False, True])
def test_a_kill_at_any_change_leaves_the_old_run_or_the_new(tmp_path: Path, shared: bool) -> None:
    """As test_kills does for runs without parts: killed before each change of a folder."""
    place = tmp_path / "out"
    n, status = 0, -9
    while status:
        n += 1
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        run_into(place, Table("old", 2))
        if shared:
            (place / "notes.md").write_text("mine")
        status = killed_before(n, lambda: run_into(place, Table("new", 3)))
        assert status in (0, signal.SIGKILL)
        recover(place)
        manifest = read_seal(place)
        assert manifest is not None
        assert damage_of(place, manifest, digests=True) == []
        tags = read_parts(place, "abnormal.parquet")["tag"].to_pylist()
        assert tags in (["old"] * 20, ["new"] * 30)
        assert (place / "notes.md").exists() == shared
    assert tags == ["new"] * 30
    assert n > 8


def killed_before(n: int, work: Callable[[], None]) -> int:
    """Do something in a child that dies before its n-th change of a folder."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    calls = 0

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == n:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*args, **options)

        return wrapped

    for name in ("mkdir", "rename", "replace", "unlink", "rmdir"):
        setattr(os, name, counted(getattr(os, name)))
    os.fsync = lambda _: None
    try:
        work()
    except BaseException:
        os._exit(1)
    os._exit(0)
