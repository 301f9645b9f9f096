"""A run takes what an earlier one found only where nothing that it rests on has changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eventstudy as es
from eventstudy.cli.app import main
from eventstudy.run import digest, execute, reuse
from eventstudy.run.config import read_config
from eventstudy.run.digest import calendar_digest, digest_of
from eventstudy.run.reuse import Delivered, Inputs, Question

QUIET = ("--window", "0,0", "--test", "cross_sectional", "--observed", "AVGO", "--seed", "3")
EVENTS = ("avgo-earnings-2024-12", "nvda-earnings-2024-11", "mrvl-earnings-2024-12")
SAID = "Taken from the run of"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, root):
    """A folder with a calendar of three events and prices of the sample."""
    folder = tmp_path_factory.mktemp("inputs")
    lines = (root / "events.csv").read_text().splitlines()
    chosen = [one for one in lines[1:] if one.startswith(EVENTS)]
    (folder / "events.csv").write_text("\n".join([lines[0], *chosen]) + "\n")
    table = es.load_prices(["AVGO", "MRVL", "NVDA", "AMD", "SPY"], source="sample")
    (folder / "prices").mkdir()
    for i, ticker in enumerate(table.tickers):
        rows = zip(
            table.dates, table.open[:, i], table.close[:, i], table.adj_close[:, i], strict=True
        )
        text = "".join(f"{d},{a!r},{b!r},{c!r}\n" for d, a, b, c in (map(_plain, r) for r in rows))
        (folder / "prices" / f"{ticker}.csv").write_text("date,open,close,adj_close\n" + text)
    return folder


@pytest.fixture
def world(tmp_path, monkeypatch, inputs):
    """A copy of the inputs to stand in, and a cache of its own."""
    monkeypatch.delenv("EVENTSTUDY_FRESH", raising=False)
    monkeypatch.setenv("EVENTSTUDY_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(inputs, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def no_page(monkeypatch):
    """An empty page, where whether it is drawn anew is not what is looked at."""
    monkeypatch.setattr("eventstudy.report.render_html", lambda *_, **__: "<html></html>")


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """The cache of one who has asked the plain question once; see `asked`."""
    return tmp_path_factory.mktemp("answered") / "cache"


@pytest.fixture
def asked(world, answered, capsys):
    """The world, in which the plain question has been asked."""
    if answered.is_dir():
        shutil.copytree(answered, "cache")
    else:
        assert SAID not in go(capsys)
        shutil.copytree("cache", answered)
    return world


def _plain(value):
    return value if isinstance(value, np.datetime64) else float(value)


def go(capsys, *more: str, command: str = "study") -> str:
    """Run in this process; return what it printed."""
    assert main([command, "events.csv", "--prices", "prices", *QUIET, *more]) == 0
    return capsys.readouterr().out


def entries(world: Path) -> list[Path]:
    return sorted((world / "cache" / "results").glob("*.zip"))


def contents(folder: str) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in Path(folder).iterdir()}


def test_a_second_run_writes_and_prints_the_same_without_computing(
    world, capsys, monkeypatch
) -> None:
    first = go(capsys, "--out", "one")

    def never(*_args, **_options):
        raise AssertionError("computed again")

    monkeypatch.setattr(execute, "execute", never)
    second = go(capsys, "--out", "two")
    one, two = contents("one"), contents("two")
    old, new = (json.loads(held.pop("manifest.json")) for held in (one, two))
    assert one == two
    assert "report.html" in one
    changed = {k for k in {*old, *new} if old.get(k) != new.get(k)}
    assert changed <= {"started", "wall_time", "reused"}
    assert new["reused"] == old["started"]
    line = (
        f"{SAID} {old['started']}, which had the same events, prices, settings and program; "
        "--fresh computes again."
    )
    assert line not in first
    told = second.replace(str(world / "two"), str(world / "one")).replace("in two", "in one")
    assert told.replace(f"{line}\n", "") == first
    assert main(["runs", "compare", "one", "two"]) == 0
    assert "Identical" in capsys.readouterr().out


def test_json_tells_it_too(world, capsys) -> None:
    first = json.loads(go(capsys, "--json"))
    second = json.loads(go(capsys, "--json"))
    assert "reused" not in first
    assert second.pop("reused")
    assert {k: v for k, v in second.items() if k != "seconds"} == {
        k: v for k, v in first.items() if k != "seconds"
    }


def _event(_):
    text = Path("events.csv").read_text()
    Path("events.csv").write_text(text.replace(",study,", ",context,", 1))


def _price(_):
    path = Path("prices", "NVDA.csv")
    lines = path.read_text().splitlines()
    cells = lines[100].split(",")
    lines[100] = ",".join([*cells[:2], repr(float(cells[2]) * (1 + 1e-12)), cells[3]])
    path.write_text("\n".join(lines) + "\n")


def _program(monkeypatch):
    shutil.copytree(digest.PACKAGE / "significance", "package")
    monkeypatch.setattr(digest, "PACKAGE", Path("package").resolve())


def _library(monkeypatch):
    folder = Path("site", "numpy-99.0.dist-info")
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 99.0\n")
    monkeypatch.syspath_prepend("site")


def _threads(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")


@pytest.mark.parametrize("change", [_event, _price, _program, _library, _threads])
def test_any_change_of_what_it_rests_on_is_computed(asked, capsys, monkeypatch, change) -> None:
    assert SAID in go(capsys)
    change(monkeypatch)
    assert SAID not in go(capsys)
    assert SAID in go(capsys)


@pytest.mark.usefixtures("no_page")
@pytest.mark.parametrize(
    "more",
    [("--seed", "4"), ("--gap", "11"), ("--window", "1,1"), ("--out", "x"), ("--fresh",)],
)
def test_another_question_is_computed(asked, capsys, more) -> None:
    assert SAID not in go(capsys, *more)


def test_strategies_of_the_users_own_and_further_formats_are_never_kept(world) -> None:
    def digest_with(**settings):
        base = {"events": "events.csv", "prices": "prices"}
        return Question(read_config(None, {**base, **settings}), ()).digest()

    Path("mine").mkdir()
    Path("factors.csv").write_text("date,mkt\n2024-01-02,0.1\n")
    assert digest_with() == digest_with() is not None
    assert digest_with(strategies="mine") is None
    assert digest_with(factors="french") is None
    known = digest_with(factors="factors.csv")
    Path("factors.csv").write_text("date,mkt\n2024-01-02,0.2\n")
    assert None is not known != digest_with(factors="factors.csv")


def test_another_packages_models_are_never_kept(world, capsys, monkeypatch) -> None:
    folder = Path("site", "theirs-1.0.dist-info")
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_text("[eventstudy.models]\nmine = theirs:Mine\n")
    monkeypatch.syspath_prepend("site")
    go(capsys)
    assert SAID not in go(capsys)
    assert entries(world) == []


@pytest.mark.usefixtures("no_page")
def test_a_damaged_entry_is_computed_again(world, capsys) -> None:
    go(capsys, "--out", "one")
    (entry,) = entries(world)
    whole = entry.read_bytes()
    for place in (len(whole) // 4, len(whole) // 3, len(whole) // 2):
        entry.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert reuse._opened(entry) is None
    entry.write_bytes(whole[: len(whole) // 2])
    assert SAID not in go(capsys, "--out", "one")
    assert SAID in go(capsys, "--out", "one")


def test_what_changes_while_it_is_computed_is_not_kept(world, capsys, monkeypatch) -> None:
    plain = execute.execute

    def slow(*args, **options):
        monkeypatch.setenv("MKL_NUM_THREADS", "3")
        return plain(*args, **options)

    monkeypatch.setattr(execute, "execute", slow)
    go(capsys)
    assert entries(world) == []


def test_a_cache_that_cannot_be_written_is_no_fault(world, capsys) -> None:
    Path("cache").write_text("a file")
    go(capsys)
    assert SAID not in go(capsys)


@pytest.mark.usefixtures("no_page")
def test_a_run_whose_backtest_was_refused_is_not_kept(world, capsys) -> None:
    for path in Path("prices").iterdir():
        lines = [line.split(",") for line in path.read_text().splitlines()]
        path.write_text("\n".join(",".join([c[0], *c[2:]]) for c in lines) + "\n")
    asked = ["run", "events.csv", "--prices", "prices", *QUIET, "--strategy", "buy-and-hold"]
    assert main([*asked, "--out", "out"]) == 2
    assert "no backtest" in capsys.readouterr().err
    assert entries(world) == []


def test_a_backtest_is_taken_too(world, capsys) -> None:
    more = ("--strategy", "buy-and-hold")
    asked = ["backtest", "events.csv", "--prices", "prices", "--seed", "3", *more]
    assert main(asked) == 0
    first = capsys.readouterr().out
    assert main(asked) == 0
    second = capsys.readouterr().out
    assert second.startswith(first.rstrip("\n"))
    assert SAID in second


def made(size: int = 10) -> Delivered:
    return Delivered({"a.csv": b"x" * size}, {"started": "then"}, "text", {"n": 1})


def test_the_oldest_entries_go(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("EVENTSTUDY_CACHE", str(tmp_path))
    monkeypatch.setattr(reuse, "MOST_KEPT", 3)
    for number in range(5):
        path = reuse.results_folder() / f"{number}.zip"
        reuse.write_whole(path, lambda file: file.write(reuse._packed(made(), None)))
        os.utime(path, (number, number))
    reuse._prune()
    assert sorted(p.name for p in reuse.results_folder().iterdir()) == ["2.zip", "3.zip", "4.zip"]
    room = (reuse.results_folder() / "4.zip").stat().st_size
    monkeypatch.setattr(reuse, "MOST_BYTES", room)
    reuse._prune()
    assert [p.name for p in reuse.results_folder().iterdir()] == ["4.zip"]


WRITES = """
import sys
from eventstudy.run import reuse
for number in range(60):
    made = reuse.Delivered({"a.csv": b"x" * 200_000}, {"started": str(number)}, "text", {})
    content = reuse._packed(made, None)
    reuse.write_whole(reuse.results_folder() / "one.zip", lambda file: file.write(content))
"""


def test_a_reader_sees_whole_entries_while_two_processes_write(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("EVENTSTUDY_CACHE", str(tmp_path))
    writers = [subprocess.Popen([sys.executable, "-c", WRITES]) for _ in range(2)]
    entry, seen = reuse.results_folder() / "one.zip", 0
    while any(w.poll() is None for w in writers):
        if entry.is_file():
            found = reuse._opened(entry)
            assert found is not None
            assert found.files == {"a.csv": b"x" * 200_000}
            seen += 1
    assert [w.returncode for w in writers] == [0, 0]
    assert seen > 10
    assert [p.name for p in reuse.results_folder().iterdir()] == ["one.zip"]


def test_two_runs_at_once_do_not_disturb_each_other(world, root, capsys, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(root))
    program = [sys.executable, "-m", "eventstudy", "study"]
    asked = [*program, "events.csv", "--prices", "prices", *QUIET]
    both = [subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (one.communicate()[0] for one in both)
    assert [one.returncode for one in both] == [0, 0]
    assert first == second
    assert len(entries(world)) == 1
    assert SAID in go(capsys)


PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, -0.0, 1.0, np.nan]),
    st.sampled_from(["", "1", "a"]), st.binary(max_size=2),
)  # fmt: skip
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=6,
)


def told_apart(value) -> object:
    """A form in which equal means equal in type and content, written down by hand."""
    if isinstance(value, dict):
        return ("dict", *((told_apart(k), told_apart(v)) for k, v in value.items()))
    if isinstance(value, list | tuple):
        return (type(value).__name__, *map(told_apart, value))
    return (type(value).__name__, repr(value))


@settings(max_examples=300, deadline=None)
@given(VALUES, VALUES)
def test_digests_are_one_exactly_where_values_are(a, b) -> None:
    assert (digest_of(a) == digest_of(b)) == (told_apart(a) == told_apart(b))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_bit_of_an_array_makes_another_digest(data) -> None:
    values = np.random.default_rng(0).normal(size=(4, 3))
    other = values.copy()
    bits = other.view(np.uint64)
    bits[data.draw(st.integers(0, 3)), data.draw(st.integers(0, 2))] ^= np.uint64(
        1 << data.draw(st.integers(0, 63))
    )
    assert digest_of(values) != digest_of(other)
    assert digest_of(values) != digest_of(values.T)
    assert digest_of(values) != digest_of(values.astype(np.float32))
    assert digest_of(values) == digest_of(values.copy())


def test_what_has_no_digest_is_refused() -> None:
    for value in (object(), lambda: None, {1, 2}):
        with pytest.raises(TypeError):
            digest_of(value)


def test_a_calendar_has_another_digest_for_each_cell(root) -> None:
    events = es.read_events(root / "events.csv")
    known = {calendar_digest(events), calendar_digest(es.read_events(root / "events.csv"))}
    assert len(known) == 1
    for column in ("date", "time", "tickers", "expects", "use", "title", "note"):
        frame = events.frame.copy()
        frame.loc[50, column] = "other"
        changed = type(events)(events.file, frame, events.baskets, events.sessions)
        known.add(calendar_digest(changed))
    known.add(calendar_digest(es.read_events(root / "events.csv", assume_known={"earnings": 14})))
    known.add(calendar_digest(es.read_events(root / "events.csv", baskets={"@ASIC": ["AVGO"]})))
    assert len(known) == 10


def test_every_field_of_prices_counts() -> None:
    prices = es.load_prices(["AVGO", "SPY"], source="sample")
    base = digest_of(prices)
    for name in ("open", "high", "low", "close", "adj_close", "volume", "dividends"):
        values = getattr(prices, name).copy()
        values[7, 1] = 123.0
        assert digest_of(type(prices)(**{**_fields(prices), name: values})) != base
    assert digest_of(type(prices)(**{**_fields(prices), "origin": {"SPY": "elsewhere"}})) != base
    assert digest_of(type(prices)(**_fields(prices))) == base


def _fields(prices) -> dict:
    return {name: getattr(prices, name) for name in type(prices).__dataclass_fields__}


def test_inputs_hold_the_prices_of_claims(root) -> None:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(["AVGO", "SPY"], source="sample")
    assert Inputs(events, prices).digest() != Inputs(events, prices, prices).digest()
