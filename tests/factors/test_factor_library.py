"""Downloads from French's library, served by a loopback: kept, refreshed, slow, broken."""

from __future__ import annotations

import io
import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from eventstudy.errors import InputError
from eventstudy.factors import FactorError, load_factors

FIVE = "F-F_Research_Data_5_Factors_2x3_daily_CSV.zip"
THREE = "F-F_Research_Data_Factors_daily_CSV.zip"
MOM = "F-F_Momentum_Factor_daily_CSV.zip"

Answer = Callable[[BaseHTTPRequestHandler], None]


def archive(header: str, *rows: str) -> bytes:
    text = "\r\n".join(["Made by hand.", "", header, *rows, "", "Copyright nobody"])
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("F-F.CSV", text)
    return made.getvalue()


FIVE_ROWS = ("20210104, -1.0, 0.5, 0.2, 0.1, -0.1, 0.001", "20210105, 0.5, 0.1, 0.2, 0.3, 0.4, 0")
FIVE_ZIP = archive(",Mkt-RF,SMB,HML,RMW,CMA,RF", *FIVE_ROWS)
MOM_ZIP = archive(",Mom   ", "20210104, 0.7", "20210105, -0.7")


def whole(content: bytes, status: int = 200) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


class LibraryService:
    """Answers by file name, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {FIVE: whole(FIVE_ZIP), MOM: whole(MOM_ZIP)}
        self.asked: list[str] = []
        self.agents: set[str] = set()
        self.closing = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.removeprefix("/ftp/")
                service.asked.append(name)
                service.agents.add(self.headers["User-Agent"])
                service.answers.get(name, whole(b"no such page", 404))(self)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/ftp/"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LibraryService]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("EVENTSTUDY_CACHE", str(tmp_path / "cache"))
    service = LibraryService()
    yield service
    service.close()


def test_two_files_become_one_table(library: LibraryService) -> None:
    table = load_factors("french", base_url=library.url)
    assert table.names == ("mkt_rf", "smb", "hml", "rmw", "cma", "rf", "mom")
    np.testing.assert_allclose(
        table.values,
        [[-0.01, 0.005, 0.002, 0.001, -0.001, 0.00001, 0.007],
         [0.005, 0.001, 0.002, 0.003, 0.004, 0.0, -0.007]],
        rtol=1e-14,
    )  # fmt: skip
    assert library.asked == [FIVE, MOM]
    assert all(agent.startswith("eventstudy-backtester/") for agent in library.agents)
    assert f"french: {FIVE}, french: {MOM}" == table.source
    assert f"{FIVE}: figures to 2021-01-05, downloaded 20" in table.notes[0]


def test_the_three_factor_set_has_its_own_smb(library: LibraryService) -> None:
    rows = ("20210104, -1.0, 0.6, 0.2, 0.001", "20210105, 0.5, 0.2, 0.2, 0")
    library.answers[THREE] = whole(archive(",Mkt-RF,SMB,HML,RF", *rows))
    table = load_factors("french-3", base_url=library.url)
    assert library.asked == [THREE, MOM]
    assert table.names == ("mkt_rf", "smb", "hml", "rf", "mom")
    # Both sets together contradict each other in SMB, and say so.
    with pytest.raises(InputError, match=r"smb: differs from french: .* on 2 of 2 shared dates"):
        load_factors(["french", "french-3"], base_url=library.url)


def test_a_kept_file_is_not_asked_for_again(library: LibraryService, tmp_path: Path) -> None:
    first = load_factors("french", base_url=library.url)
    kept = tmp_path / "cache" / "french"
    assert sorted(path.name for path in kept.iterdir()) == sorted([FIVE, MOM])
    library.answers.clear()  # 404 from here on
    again = load_factors("french", base_url=library.url)
    assert again.sha256 == first.sha256
    assert library.asked == [FIVE, MOM]


def test_refresh_and_age(library: LibraryService, tmp_path: Path) -> None:
    load_factors("french", base_url=library.url)
    later = archive(",Mkt-RF,SMB,HML,RMW,CMA,RF", *FIVE_ROWS, "20210106, 1, 1, 1, 1, 1, 0")
    library.answers[FIVE] = whole(later)
    assert len(load_factors("french", base_url=library.url).dates) == 2
    assert len(load_factors("french", base_url=library.url, refresh=True).dates) == 3
    assert len(library.asked) == 4
    month_ago = time.time() - 31 * 86400
    for name in (FIVE, MOM):
        os.utime(tmp_path / "cache" / "french" / name, (month_ago, month_ago))
    load_factors("french", base_url=library.url, max_age=None)
    assert len(library.asked) == 4
    library.answers.clear()
    with pytest.raises(FactorError, match="a file 31 days old is on disk: refresh=False and max_a"):
        load_factors("french", base_url=library.url)


def test_a_file_dated_in_the_future_is_not_young(library: LibraryService, tmp_path: Path) -> None:
    load_factors("french", base_url=library.url)
    ahead = time.time() + 365 * 86400
    for name in (FIVE, MOM):
        os.utime(tmp_path / "cache" / "french" / name, (ahead, ahead))
    load_factors("french", base_url=library.url)
    assert library.asked == [FIVE, MOM, FIVE, MOM]
    for name in (FIVE, MOM):
        os.utime(tmp_path / "cache" / "french" / name, (ahead, ahead))
    library.answers.clear()
    with pytest.raises(FactorError, match="a file dated in the future is on disk"):
        load_factors("french", base_url=library.url)
    assert len(load_factors("french", base_url=library.url, max_age=None).dates) == 2


def test_a_folder_of_ones_own(library: LibraryService, tmp_path: Path) -> None:
    load_factors("french", base_url=library.url, folder=tmp_path / "mine")
    assert (tmp_path / "mine" / "french" / FIVE).read_bytes() == FIVE_ZIP
    assert not (tmp_path / "cache").exists()


def test_a_damaged_kept_file_is_fetched_again_with_a_word(
    library: LibraryService, tmp_path: Path
) -> None:
    load_factors("french", base_url=library.url)
    path = tmp_path / "cache" / "french" / FIVE
    path.write_bytes(FIVE_ZIP[:-40])
    table = load_factors("french", base_url=library.url)
    assert f"{FIVE}: the kept file was damaged and was downloaded again." in table.notes
    assert path.read_bytes() == FIVE_ZIP
    assert library.asked == [FIVE, MOM, FIVE]


def test_a_missing_page(library: LibraryService, tmp_path: Path) -> None:
    del library.answers[MOM]
    with pytest.raises(FactorError, match=rf"{library.url}{MOM}: status 404 \(Not Found\)"):
        load_factors("french", base_url=library.url)
    assert [path.name for path in (tmp_path / "cache" / "french").iterdir()] == [FIVE]


def test_a_silent_server(library: LibraryService) -> None:
    library.answers[FIVE] = lambda handler: library.closing.wait(10) and None
    started = time.monotonic()
    with pytest.raises(FactorError, match=r"no whole answer within 0\.2 seconds"):
        load_factors("french", base_url=library.url, timeout=0.2)
    assert time.monotonic() - started < 3


def test_a_trickle_ends_in_time(library: LibraryService) -> None:
    """Every byte comes before the socket's time-out, the whole never would."""

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not library.closing.wait(0.05):
            try:
                handler.wfile.write(b"P")
            except OSError:
                return

    library.answers[FIVE] = trickle
    started = time.monotonic()
    with pytest.raises(FactorError, match=r"no whole answer within 0\.3 seconds"):
        load_factors("french", base_url=library.url, timeout=0.3)
    assert time.monotonic() - started < 3


def test_a_broken_archive_is_not_kept(library: LibraryService, tmp_path: Path) -> None:
    damaged = bytearray(FIVE_ZIP)
    damaged[60] ^= 0xFF
    pages = {
        "not a zip archive": FIVE_ZIP[:100],
        "cannot be read: not a zip": bytes(damaged),
        "that can be unpacked": b"<html>Down for repairs</html>",
        "no header was found": archive("Words only"),
    }
    for problem, content in pages.items():
        library.answers[FIVE] = whole(content)
        with pytest.raises(FactorError, match=problem):
            load_factors("french", base_url=library.url)
    assert not (tmp_path / "cache").exists()


def test_an_answer_cut_short(library: LibraryService) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(FIVE_ZIP)))
        handler.end_headers()
        handler.wfile.write(FIVE_ZIP[:50])

    library.answers[FIVE] = cut
    with pytest.raises(FactorError, match=f"50 bytes of {len(FIVE_ZIP)} came"):
        load_factors("french", base_url=library.url)


def test_nobody_listens(library: LibraryService) -> None:
    library.close()
    with pytest.raises(FactorError, match=r"french factors: http://127.*refused"):
        load_factors("french", base_url=library.url)
    with pytest.raises(FactorError, match="begins with http:// or https://"):
        load_factors("french", base_url="file:///etc")


def test_a_folder_that_cannot_be_written_to(library: LibraryService, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, no folder")
    table = load_factors("french", base_url=library.url)
    assert len(table.dates) == 2
    assert sum("not kept on disk" in note for note in table.notes) == 2


def test_a_writer_that_dies_leaves_the_old_file(
    library: LibraryService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_factors("french", base_url=library.url)
    path = tmp_path / "cache" / "french" / FIVE

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", dies)
    library.answers[FIVE] = whole(archive(",Mkt-RF,SMB,HML,RMW,CMA,RF", FIVE_ROWS[0]))
    with pytest.raises(KeyboardInterrupt):
        load_factors("french", base_url=library.url, refresh=True)
    assert path.read_bytes() == FIVE_ZIP
    assert sorted(p.name for p in path.parent.iterdir()) == sorted([FIVE, MOM])
