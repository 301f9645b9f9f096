"""Files and answers made by an adversary: read as data, refused in words, and never run."""

from __future__ import annotations

import http.server
import io
import json
import os
import pickle
import resource
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import eventstudy as es
from eventstudy.cli import main
from eventstudy.errors import EventStudyError
from eventstudy.factors.french import DownloadError, download
from eventstudy.factors.text import LARGEST, read_content
from eventstudy.prices.cache import read_cached
from eventstudy.prices.yahoo_chart import ChartError, _about

DAYS = pa.array(np.arange("2024-01-01", "2024-01-11", dtype="datetime64[D]"))


class Runs:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def with_pickles(folder: Path) -> dict[bytes, bytes]:
    """Return metadata with a pickle wherever a reader has once unpickled one."""
    evil = pickle.dumps(Runs(folder))
    pandas = {
        "index_columns": [{"kind": "serialized", "name": evil.hex(), "pickle": evil.hex()}],
        "columns": [{"name": "close", "field_name": "close", "pandas_type": "object",
                     "numpy_type": "object", "metadata": {"encoding": "pickle"}}],
        "attributes": {"x": evil.hex()}, "column_indexes": [],
        "creator": {"library": "pyarrow", "version": "1"}, "pandas_version": "1",
    }  # fmt: skip
    return {b"pandas": json.dumps(pandas).encode(), b"eventstudy": evil}


@pytest.mark.filterwarnings("ignore:.*pyarrow.PyExtensionType")  # before 21 Arrow told of them
def test_metadata_of_parquet_is_not_unpickled(tmp_path: Path) -> None:
    """pyarrow before 14.0.1 unpickled types of its own kind (CVE-2023-47248)."""
    ran = tmp_path / "ran"
    about = {b"ARROW:extension:name": b"arrow.py_extension_type",
             b"ARROW:extension:metadata": pickle.dumps(Runs(ran))}  # fmt: skip
    close = pa.field("close", pa.float64(), metadata=about)
    schema = pa.schema([pa.field("date", pa.date32()), close], metadata=with_pickles(ran))
    table = pa.Table.from_arrays([DAYS, pa.array(np.arange(1.0, 11.0))], schema=schema)
    for folder in ("files", "yahoo"):
        (tmp_path / folder).mkdir()
        pq.write_table(table, tmp_path / folder / "AVGO.parquet")
    prices = es.load_prices(["AVGO"], source=tmp_path / "files", calendar="prices")
    assert prices.tickers == ("AVGO",)
    assert read_cached(tmp_path / "yahoo" / "AVGO.parquet")[0] is None
    events = pa.table({"event_id": ["a"], "date": ["2024-01-03"], "tickers": ["AVGO"]})
    pq.write_table(events.replace_schema_metadata(with_pickles(ran)), tmp_path / "events.parquet")
    assert len(es.read_events(tmp_path / "events.parquet")) == 1
    assert not ran.exists()


def test_a_cell_of_pickles_is_no_price(tmp_path: Path) -> None:
    cells = pa.array([pickle.dumps(Runs(tmp_path / "ran"))] * 10)
    pq.write_table(pa.table({"date": DAYS, "close": cells}), tmp_path / "AVGO.parquet")
    with pytest.raises(EventStudyError, match="where numbers are needed"):
        es.load_prices(["AVGO"], source=tmp_path / "AVGO.parquet")
    np.savez(tmp_path / "prices.npz", close=np.array([Runs(tmp_path / "ran")], dtype=object))
    with pytest.raises(EventStudyError, match="not a price file"):
        es.load_prices(["AVGO"], source=tmp_path / "prices.npz")
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    """A Parquet file of some hundred bytes that says it holds 10^12 rows."""
    path = tmp_path / "AVGO.parquet"
    table = pa.table({"date": DAYS.take(pa.array([0] * 1000)), "close": [1.0] * 1000})
    pq.write_table(table, path, write_statistics=False)
    content = path.read_bytes()
    # Thrift writes 1000 as the varint D0 0F; 2^36 takes six bytes, so the footer grows.
    size = int.from_bytes(content[-8:-4], "little")
    footer = content[-8 - size : -8]
    many = footer.replace(b"\xd0\x0f", b"\x80\x80\x80\x80\x80\x02")
    path.write_bytes(content[: -8 - size] + many + len(many).to_bytes(4, "little") + b"PAR1")
    assert pq.read_metadata(path).num_rows > 1e10
    return path


def test_a_file_that_unpacks_without_end_is_refused(bomb: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EventStudyError, match="refused, for no real figures pack so small"):
        es.load_prices(["AVGO"], source=bomb)
    assert read_cached(bomb) == (None, "is damaged (ValueError)")
    with pytest.raises(EventStudyError, match="refused"):
        es.read_events(bomb)
    with pytest.raises(EventStudyError):
        es.load_prices(["AVGO"], source=f"parquet:{bomb}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def archive(*names: str, content: bytes = b"date,mkt\n2024-01-02,1\n") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            made.writestr(name, content)
    return stream.getvalue()


def test_archives_of_factors_are_not_unpacked_onto_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    assert read_content(archive("../out.csv"), "f.zip").faults == []
    assert [path.name for path in tmp_path.rglob("*")] == ["in"]
    bomb = archive("f.csv", content=bytes(LARGEST + 1))
    assert len(bomb) < 100_000
    assert "unpacks to more than" in read_content(bomb, "f.zip").faults[0].problem
    nested = archive("f.csv", content=archive("g.csv"))
    assert "UTF-16" in read_content(nested, "f.zip").faults[0].problem


DEEP = "x = " + "[" * 100_000
LONG = "seed = " + "9" * 100_000
CODE = 'events = "!!python/object/apply:os.system [id]"\n'


@pytest.mark.parametrize("text", [DEEP, LONG, "\x00", "a = {" * 5_000, CODE])
def test_a_study_file_is_data(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    assert main(["events", "check", "--config", str(path)]) == 2
    assert main(["study", "--prices", "sample", "--claims", str(path), "x.csv"]) == 2
    assert "internal error" not in capsys.readouterr().err


@pytest.fixture
def service() -> Iterator[Callable[[bytes, dict[str, str], int], str]]:
    """Return a function that sets a server's answer and gives its address."""
    answer: list[tuple[bytes, dict[str, str], int]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, headers, status = answer[-1]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def set_answer(body: bytes, headers: dict[str, str], status: int) -> str:
            answer.append((body, headers, status))
            return f"http://127.0.0.1:{server.server_address[1]}/"

        yield set_answer
        server.shutdown()


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,x", "//[", "gopher://x"]
)
def test_a_redirection_leads_to_the_web_alone(
    service: Callable[[bytes, dict[str, str], int], str], target: str
) -> None:
    with pytest.raises(DownloadError):
        download(service(b"", {"Location": target}, 302), 5)


def test_a_redirection_without_end_ends(
    service: Callable[[bytes, dict[str, str], int], str],
) -> None:
    with pytest.raises(DownloadError):
        download(service(b"", {"Location": "/again"}, 302), 10)


def test_https_is_not_left_for_http() -> None:
    """As the standard library asks its handler: before the next address is opened."""
    import urllib.request

    from eventstudy.factors.french import _Onwards

    asked = urllib.request.Request("https://a.example/")
    with pytest.raises(DownloadError, match="not followed"):
        _Onwards().redirect_request(asked, None, 302, "", {}, "http://a.example/")


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/passwd", "No/Where", "\x00", "x" * 999])
def test_an_answer_with_a_strange_zone_gives_no_prices(zone: str) -> None:
    with pytest.raises(ChartError, match="unknown zone"):
        _about({"exchangeTimezoneName": zone}, None, "1")


def test_the_code_holds_no_pickle_and_no_eval_but_those_that_are_told(root: Path) -> None:
    """By the words in the files: beside bandit, which looks at calls by their names."""
    words = ("pickle.load", "eval(", "exec(", "allow_pickle", "read_pickle", "yaml.", "marshal",
             "shelve", "os.system", "subprocess", "__import__(")  # fmt: skip
    found = {
        (path.relative_to(root).as_posix(), word)
        for folder in ("eventstudy", "strategies")
        for path in (root / folder).rglob("*.py")
        for word in words
        if any(
            word in line.partition("#")[0] and f'"{word.rstrip("(.")}' not in line
            for line in path.read_text(encoding="utf-8").splitlines()
        )
    }
    assert found == {
        ("eventstudy/backtest/library.py", "exec("),
        ("eventstudy/workers/batches.py", "pickle.load"),
        ("eventstudy/workers/parcel.py", "pickle.load"),
    }
