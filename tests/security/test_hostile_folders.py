"""What others left in a folder: other people's runs, caches, parts, modules and strategies."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from eventstudy.backtest.sweep.kept import part_of, read_part
from eventstudy.backtest.sweep.work import Ended
from eventstudy.cli import app, main, run_commands
from eventstudy.disk import damage_of, read_seal, write_folder
from eventstudy.disk.seal import LARGEST
from eventstudy.errors import EventStudyError
from eventstudy.prices.cache import file_name
from eventstudy.provenance import DISTRIBUTION
from eventstudy.run import reuse
from eventstudy.run.kept import Target
from eventstudy.workers.parcel import opened_file, packed


def a_run(folder: Path, files: object, **more: object) -> Path:
    """Write a folder that says it is a run with these files."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {"versions": {DISTRIBUTION: "0.1.0"}, "files": files, **more}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


OUTSIDE = ("../secret.csv", "/etc/passwd", "a/../../secret.csv", "..", "a/b/c.csv", "")


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_manifest_leads_nowhere_outside(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret.csv").write_text("event_id\nSECRET\n")
    runs = [a_run(tmp_path / at, {name: {"bytes": 1, "sha256": "0"}}) for at in "ab"]
    main(["runs", "compare", *map(str, runs)])
    main(["runs", "show", str(runs[0])])
    write_folder(runs[0], {"new.csv": lambda file: file.write(b"x")}, {})
    assert (tmp_path / "secret.csv").is_file()
    assert "SECRET" not in capsys.readouterr().out


def test_links_and_pipes_in_a_run_are_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret.csv").write_text("event_id,car\nSECRET,1\n")
    runs = [a_run(tmp_path / at, {"cars.csv": {"bytes": 23, "sha256": "0"}}) for at in "ab"]
    (runs[0] / "cars.csv").symlink_to(tmp_path / "secret.csv")
    (runs[1] / "cars.csv").write_text("event_id,car\none,1\n")
    assert main(["runs", "compare", *map(str, runs)]) == 2
    said = capsys.readouterr()
    assert "no run writes links or pipes" in said.err
    assert "SECRET" not in said.out + said.err
    manifest = read_seal(runs[0])
    assert manifest is not None
    assert damage_of(runs[0], manifest, digests=True) == ["cars.csv is a link to elsewhere"]
    (runs[0] / "cars.csv").unlink()
    os.mkfifo(runs[0] / "cars.csv")
    assert main(["runs", "compare", *map(str, runs)]) == 2


def test_a_manifest_may_be_a_pipe_too_large_or_too_deep(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.json")
    assert read_seal(tmp_path) is None
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").write_text("[" * 100_000)
    assert read_seal(tmp_path) is None
    with (tmp_path / "manifest.json").open("wb") as file:
        file.truncate(LARGEST + 1)
    assert read_seal(tmp_path) is None


def test_a_planted_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    """In a folder that all may write to, a link waits under the name of a run's file."""
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    run = a_run(tmp_path / "out", {"cars.csv": {}})
    (run / "cars.csv").symlink_to(mine)
    write_folder(run, {"cars.csv": lambda file: file.write(b"new")}, {})
    assert mine.read_text() == "mine"
    assert (run / "cars.csv").read_text() == "new"
    assert not (run / "cars.csv").is_symlink()


@pytest.mark.parametrize("name", OUTSIDE[:4])
def test_no_file_is_written_outside_a_run_s_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name of a file"):
        Target(out=str(tmp_path / "out")).write({name: lambda file: file.write(b"x")}, {})


@pytest.mark.parametrize(
    "ticker", ["../../etc/passwd", "/etc/passwd", "..", "a/b", "CON", "\x00", "C:\\x"]
)
def test_a_ticker_stays_in_the_cache(tmp_path: Path, ticker: str) -> None:
    path = (tmp_path / file_name(ticker)).resolve()
    assert path.parent == tmp_path.resolve()
    assert path.name.split(".")[0] not in ("", "CON")


def entry(folder: Path, name: str, content: bytes = b"x", mode: int = 0o600) -> Path:
    """Write an entry of kept results with a seal that fits."""
    digest = hashlib.sha256(content).hexdigest()
    about = json.dumps(
        {"sha256": {name: digest}, "manifest": {"started": ""}, "text": "", "figures": {}}
    ).encode()
    path = folder / "entry.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("about.json", about)
        archive.writestr("seal", hashlib.sha256(about).hexdigest())
        archive.writestr(f"files/{name}", content)
    path.chmod(mode)
    return path


def test_kept_results_are_taken_from_their_own_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = reuse._opened(entry(tmp_path, "cars.csv"))
    assert found is not None
    assert found.files == {"cars.csv": b"x"}
    assert reuse._opened(entry(tmp_path, "cars.csv", mode=0o666)) is None
    path = entry(tmp_path, "cars.csv")
    (tmp_path / "link.zip").symlink_to(path)
    assert reuse._opened(tmp_path / "link.zip") is None
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert reuse._opened(path) is None
    assert reuse._about(path) == {}


@pytest.mark.parametrize("name", ["../../../evil", "/tmp/evil"])  # noqa: S108 - nothing is written
def test_kept_results_name_no_file_outside(tmp_path: Path, name: str) -> None:
    assert reuse._opened(entry(tmp_path, name)) is None


def test_kept_results_do_not_unpack_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reuse, "LARGEST", 1_000_000)
    path = entry(tmp_path, "cars.csv", bytes(10_000_000))
    assert path.stat().st_size < 20_000
    assert reuse._opened(path) is None


def test_parts_of_a_sweep_that_are_none_are_run_again(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    one = Ended(0, np.zeros(2), np.zeros(2), np.zeros(1, dtype=np.int64), {"sharpe": 1.0}, "e", "")
    path = tmp_path / "part.parquet"
    path.write_bytes(part_of([one], "key"))
    assert [item.number for item in read_part(path, "key")] == [0]
    told = {"sweep": "key"}
    for column in ({"number": ["x"]}, {"number": [None]}, {"other": [1]}, {"number": [[1]]}):
        pq.write_table(pa.table(column).replace_schema_metadata(told), path)
        assert read_part(path, "key") == []


def test_a_payload_that_was_changed_is_not_unpickled(tmp_path: Path) -> None:
    found = packed({"a": np.arange(3)})
    path = tmp_path / "payload"
    found.write(path)
    assert list(opened_file(str(path), found.spans, found.seal)["a"]) == [0, 1, 2]

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "ran"),)

    forged = packed(Evil())
    forged.write(path)
    with pytest.raises(ValueError, match="not the payload"):
        opened_file(str(path), forged.spans, found.seal)
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def planted(tmp_path: Path, root: Path) -> Path:
    """A folder with a calendar, and modules that would tell if they were run."""
    folder = tmp_path / "prices-of-somebody"
    (folder / "strategies").mkdir(parents=True)
    told = f"open({str(tmp_path)!r} + '/ran-' + __name__.split('.')[-1], 'w')\n"
    for name in ("numpy", "pandas", "joblib", "pyarrow", "typer", "rich", "sitecustomize"):
        (folder / f"{name}.py").write_text(told)
    (folder / "strategies" / "idea.py").write_text(told)
    lines = (root / "events.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "events.csv").write_text("".join(lines[:40]), encoding="utf-8")
    return folder


def test_nothing_is_run_from_the_folder_one_stands_in(
    planted: Path, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by the program nor by processes that it starts: those of a sweep, for instance."""
    env = {**os.environ, "PYTHONPATH": str(root)}
    asked = ["events", "check", "events.csv", "--calendar", "prices", "--prices", "sample"]
    run = partial(subprocess.run, cwd=planted, timeout=120, check=True, stdout=subprocess.PIPE)
    run([sys.executable, "-m", "eventstudy", *asked], env=env)
    assert list(tmp_path.glob("ran-*")) == []
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    monkeypatch.setattr(app, "main", lambda: 0)
    with pytest.raises(SystemExit):
        app.script()
    run([sys.executable, "-c", "import joblib"], env={**os.environ, "PYTHONNOUSERSITE": "1"})
    assert list(tmp_path.glob("ran-*")) == []


def test_a_study_file_s_code_and_network_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, folder = tmp_path / "study.toml", tmp_path / "strategies"
    study.write_text('prices = "memory://me:secret@there/x"\nstrategies = "strategies"\n')
    given = {"config": str(study), "strategies": None, "prices": None}
    assert run_commands._config(given).strategies == str(folder)
    assert capsys.readouterr().err.splitlines() == [
        f"eventstudy: {study} runs the strategies in {folder}: they are programs",
        f"eventstudy: {study} takes prices from memory://...@there/x",
    ]
    run_commands._config({**given, "strategies": str(folder), "prices": "sample"})
    run_commands._config({"config": str(study)})  # a command that reads neither
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "address",
    [
        "reference::{0}/refs.json",
        "simplecache::file://{0}/p.parquet",
        "dask://x",
        "zip://a::file://b",
    ],
)
def test_addresses_that_stand_for_others_are_refused(tmp_path: Path, address: str) -> None:
    import eventstudy as es

    (tmp_path / "refs.json").write_text('{"version": 1, "refs": {"p.parquet": "x"}}')
    given = address.format(tmp_path)
    with pytest.raises(EventStudyError, match=r"no place where files stand|no such file"):
        es.load_prices(["AVGO"], source=given)
