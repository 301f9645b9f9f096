"""Two runs with the same inputs write the same files, but for two lines of the manifest."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FEW = ("event_id", "avgo-earnings-2024-12-12", "nvda-earnings-2024-11-20")
CLOCK = ("started", "wall_time")
FORMATS = ("csv", "parquet")
CODE = """
import sys
from pathlib import Path
from eventstudy.run.config import read_config
from eventstudy.run.execute import execute
from eventstudy.run.files import write_files

place = Path(sys.argv[1])
asked = {
    "events": str(place / "few.csv"), "prices": str(place / "prices"),
    "strategies": str(place / "mine"), "window": "0,0", "test": ["bmp", "corrado"],
    "horizon": "1,10", "claims": "article", "placebo_draws": 49,
}
outcome = execute(read_config(None, asked))
for fmt, exports in (("csv", ("md", "tex", "xlsx", "json")), ("parquet", ())):
    write_files(outcome, place / fmt, fmt, report=fmt == "csv", exports=exports)
"""


def start(root: Path, place: Path, *, reverse: bool) -> subprocess.Popen[bytes]:
    """Start the runs on a copy of the inputs, written to disk in one order or the other."""
    for folder in ("prices", "mine"):
        (place / folder).mkdir(parents=True)
    data = root / "eventstudy" / "prices" / "data"
    for name in sorted(["prices_2024_2025.csv", "dividends_2024_2025.csv"], reverse=reverse):
        shutil.copy(data / name, place / "prices")
    shutil.copy(root / "strategies" / "post_event_drift.py", place / "mine")
    lines = (root / "events.csv").read_text(encoding="utf-8").splitlines()
    few = [line for line in lines if line.split(",")[0] in FEW]
    # In lower case, and abroad without an hour: both make the calendar speak of its file.
    few.append(few[1].replace("nvda-", "other-").replace("avgo-", "other-"))
    header = few[0].split(",")
    for name, value in (("tickers", "AVGO;brk.b"), ("timezone", "Asia/Tokyo"), ("time", "")):
        cells = few[-1].split(",")
        cells[header.index(name)] = value
        few[-1] = ",".join(cells)
    (place / "few.csv").write_text("\n".join(few) + "\n", encoding="utf-8")
    environment = {
        **os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": "1" if reverse else "2",
        "TZ": "America/New_York" if reverse else "Asia/Tokyo",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", CODE, str(place)],
        cwd=place, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture(scope="module")
def places(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    base = tmp_path_factory.mktemp("twice")
    found = base / "one", base / "another" / "deeper"
    running = [start(root, place, reverse=bool(i)) for i, place in enumerate(found)]
    said = [process.communicate(timeout=300)[1].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    return found


def without_clock(manifest: Path) -> list[str]:
    mine = tuple(f'  "{key}": ' for key in CLOCK)
    return [line for line in manifest.read_text().splitlines() if not line.startswith(mine)]


@pytest.mark.parametrize("fmt", FORMATS)
def test_the_files_are_identical(places: tuple[Path, Path], fmt: str) -> None:
    one, other = (place / fmt for place in places)
    names = {path.name for path in one.iterdir()}
    assert names == {path.name for path in other.iterdir()}
    tables = {f"{name}.{fmt}" for name in ("cars", "tests", "trades", "equity", "bhar")}
    assert {*tables, "manifest.json"} <= names
    exported = {
        "report.html",
        "report.md",
        "report.tex",
        "report.xlsx",
        "report.json",
        "table-effects.tex",
    }
    assert (exported <= names) == (fmt == "csv")
    for name in names - {"manifest.json"}:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


@pytest.mark.parametrize("fmt", FORMATS)
def test_two_lines_of_the_manifest_are_the_clocks(places: tuple[Path, Path], fmt: str) -> None:
    one, other = (place / fmt / "manifest.json" for place in places)
    kept = without_clock(one)
    assert kept == without_clock(other)
    assert len(one.read_text().splitlines()) == len(kept) + len(CLOCK)
    manifest = json.loads(one.read_text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", manifest["started"])
    assert manifest["wall_time"] > 0


@pytest.mark.parametrize("fmt", FORMATS)
def test_no_file_tells_where_or_when_it_was_made(places: tuple[Path, Path], fmt: str) -> None:
    place = places[0]
    today = json.loads((place / fmt / "manifest.json").read_text())["started"][:10].encode()
    for path in (place / fmt).iterdir():
        content = path.read_bytes()
        assert str(place).encode() not in content, path.name
        assert (today in content) == (path.name == "manifest.json"), path.name


def test_the_calendar_spoke_of_its_file_by_name(places: tuple[Path, Path]) -> None:
    page = (places[0] / "csv" / "report.html").read_text()
    assert "few.csv: tickers with lower-case letters" in page
    assert "few.csv: a zone other than America/New_York and no time" in page
