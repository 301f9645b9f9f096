"""The cache on disk: whole or absent, never half, never outside its folder."""

import os
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eventstudy.disk import cache_folder
from eventstudy.prices.cache import Cached, file_name, read_cached, write_cached

ABOUT = {"source": "yahoo", "fetched_at": "2025-01-02T00:00:00+00:00"}


def history(count: int = 300, value: float = 1.0) -> Cached:
    days = np.datetime64("2020-01-01") + np.arange(count)
    closes = np.full(count, value)
    return Cached(days, {"close": closes, "adj_close": closes * 0.5}, ABOUT)


def same(left: Cached, right: Cached) -> bool:
    return (
        left.dates.tobytes() == right.dates.tobytes()
        and list(left.fields) == list(right.fields)
        and all(left.fields[n].tobytes() == right.fields[n].tobytes() for n in left.fields)
        and left.about == right.about
    )


@settings(max_examples=40, deadline=None)
@given(
    values=hnp.arrays(np.float64, st.integers(0, 20), elements=st.floats(width=64)),
    first=st.dates(date(1900, 1, 1), date(2100, 1, 1)),
)
def test_what_is_written_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, values: np.ndarray, first: date
) -> None:
    path = tmp_path_factory.mktemp("cache") / "x.parquet"
    days = np.datetime64(first, "D") + np.arange(len(values))
    put = Cached(days, {"close": values, "dividends": values[::-1].copy()}, ABOUT)
    write_cached(path, put)
    got, trouble = read_cached(path)
    assert trouble == ""
    assert got is not None
    assert same(got, put)


def test_a_file_that_was_never_there_is_no_trouble(tmp_path: Path) -> None:
    assert read_cached(tmp_path / "none.parquet") == (None, "")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_half_written_file_counts_as_absent(tmp_path: Path, share: float) -> None:
    path = tmp_path / "x.parquet"
    write_cached(path, history())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    got, trouble = read_cached(path)
    assert got is None
    assert "damaged" in trouble


def test_no_flipped_byte_changes_a_price(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    put = history()
    write_cached(path, put)
    content = path.read_bytes()
    damaged = 0
    for at in range(0, len(content), 3):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x5A]) + content[at + 1 :])
        got, trouble = read_cached(path)
        # A byte of padding may flip unseen; a price, a date or a word about them never.
        assert (got is None and trouble) or (got is not None and same(got, put))
        damaged += got is None
    assert damaged > 0


def test_a_changed_word_about_the_prices_is_seen(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "x.parquet"
    write_cached(path, history())
    table = pq.read_table(path)
    words = table.schema.metadata[b"eventstudy"].replace(b"2025-01-02", b"2025-01-03")
    pq.write_table(table.replace_schema_metadata({b"eventstudy": words}), path)
    assert read_cached(path) == (None, "is damaged (ValueError)")


def test_parquet_of_another_program_counts_as_absent(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"date": [date(2024, 1, 2)], "close": [1.0]}), path)
    assert read_cached(path)[0] is None


def test_a_folder_in_the_files_place_counts_as_absent(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").mkdir()
    got, trouble = read_cached(tmp_path / "x.parquet")
    assert got is None
    assert "cannot be read" in trouble


def _write_often(path: str, value: float) -> None:
    for _ in range(15):
        write_cached(Path(path), history(value=value))


WRITES = """
import sys
from pathlib import Path
import numpy as np
from eventstudy.prices.cache import Cached, write_cached
days = np.datetime64("2020-01-01") + np.arange(300)
closes = np.full(300, float(sys.argv[2]))
for _ in range(15):
    write_cached(Path(sys.argv[1]), Cached(days, {"close": closes}, {"source": "yahoo"}))
"""


def test_readers_see_one_writer_or_the_other_among_processes(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write_cached(path, history(value=1.0))
    writers = [subprocess.Popen([sys.executable, "-c", WRITES, str(path), value]) for value in "12"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        got, trouble = read_cached(path)
        assert got is not None, trouble
        seen |= set(np.unique(got.fields["close"]).tolist())
        assert len(np.unique(got.fields["close"])) == 1
        time.sleep(0.002)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen <= {1.0, 2.0}
    assert os.listdir(tmp_path) == ["x.parquet"]  # nothing half-written is left


def test_readers_see_one_writer_or_the_other_among_threads(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    threads = [threading.Thread(target=_write_often, args=(str(path), v)) for v in (1.0, 2.0, 3.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got, _ = read_cached(path)
    assert got is not None
    assert len(np.unique(got.fields["close"])) == 1
    assert os.listdir(tmp_path) == ["x.parquet"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.parquet"
    write_cached(path, history(value=1.0))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_cached(path, history(value=2.0))
    monkeypatch.undo()
    got, _ = read_cached(path)
    assert got is not None
    assert got.fields["close"][0] == 1.0
    assert os.listdir(tmp_path) == ["x.parquet"]


@pytest.mark.parametrize(
    ("ticker", "name"),
    [
        ("AVGO", "AVGO.parquet"),
        ("brk-b", "BRK-B.parquet"),
        ("BRK.B", "BRK.B.parquet"),
        ("3661.TW", "3661.TW.parquet"),
        ("^GSPC", "%5EGSPC.parquet"),
        ("EURUSD=X", "EURUSD%3DX.parquet"),
        ("../../etc/passwd", "%2E.%2F..%2FETC%2FPASSWD.parquet"),
        ("..", "%2E..parquet"),
        ("C:\\X", "C%3A%5CX.parquet"),
        ("con", "%43ON.parquet"),
        ("NUL.TW", "%4EUL.TW.parquet"),
        ("A%2FB", "A%252FB.parquet"),
    ],
)
def test_file_names_are_safe_on_every_system(ticker: str, name: str) -> None:
    assert file_name(ticker) == name


@settings(deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_no_ticker_leaves_the_folder(ticker: str) -> None:
    try:
        ticker.encode()
    except UnicodeEncodeError:
        return
    name = file_name(ticker)
    assert Path("/cache", name).parent == Path("/cache")
    assert PureWindowsPath("C:/cache", name).parent == PureWindowsPath("C:/cache")
    assert not set(name) & set('/\\:*?"<>|\0')
    assert not name.startswith(".")
    assert len(name) < 140


@settings(deadline=None)
@given(
    st.text("aB./%^~-_\\ é", min_size=1, max_size=6),
    st.text("aB./%^~-_\\ é", min_size=1, max_size=6),
)
def test_two_tickers_never_share_a_name(left: str, right: str) -> None:
    assert (file_name(left) == file_name(right)) == (left.upper() == right.upper())


def test_the_folder_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("EVENTSTUDY_CACHE", raising=False)
    assert cache_folder() == tmp_path / "xdg" / "eventstudy"
    monkeypatch.setenv("EVENTSTUDY_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.delenv("EVENTSTUDY_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder() == Path.home() / ".cache" / "eventstudy"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder() == Path.home() / "Library" / "Caches" / "eventstudy"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "eventstudy"
