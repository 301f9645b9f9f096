"""The fuzzer: its targets answer seeds, bytes at random and nearly valid files; its rules bite.

``EVENTSTUDY_EXAMPLES=5000`` asks hypothesis for more.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstudy.errors import EventStudyError, Fault, InputError

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
EXAMPLES = int(os.environ.get("EVENTSTUDY_EXAMPLES", "8"))

sys.path.insert(0, str(BENCHMARKS))
try:
    fuzz: Any = importlib.import_module("fuzz")
    mutations: Any = importlib.import_module("fuzzing.mutations")
    oracle: Any = importlib.import_module("fuzzing.oracle")
    samples: Any = importlib.import_module("fuzzing.samples")
    targets: Any = importlib.import_module("fuzzing.targets")
finally:
    sys.path.pop(0)

NAMES = tuple(targets.TARGETS)
quick = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES < 100, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@quick
@given(data=st.binary(max_size=300))
def test_bytes_at_random_are_answered(name: str, data: bytes) -> None:
    targets.TARGETS[name].run(data)


@pytest.mark.parametrize("name", [n for n in NAMES if targets.TARGETS[n].text])
@quick
@given(seed=st.integers(0, 2**32), which=st.integers(0, 2**16))
def test_a_valid_file_after_some_changes_is_answered(name: str, seed: int, which: int) -> None:
    seeds = list(targets.TARGETS[name].seeds())
    targets.TARGETS[name].run(mutations.mutated(seeds[which % 8], seed))


tables = st.tuples(
    st.sampled_from(("calendar", "prices", "factors", "drafts")),
    st.lists(st.lists(st.sampled_from(mutations.WORDS), min_size=3, max_size=3), max_size=5),
    st.sampled_from(("\n", "\r\n", "\r")),
    st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "gbk")),
)
HEADS = {
    "calendar": "event_id,date,tickers", "prices": "date,close,volume",
    "factors": "date,mkt_rf,rf", "drafts": "Date,Symbol,Time",
}  # fmt: skip


@settings(quick, max_examples=4 * EXAMPLES)
@given(made=tables)
def test_a_table_of_odd_cells_is_answered(made: tuple[str, list[list[str]], str, str]) -> None:
    kind, rows, end, encoding = made
    text = end.join([HEADS[kind], *(",".join(row) for row in rows), ""])
    targets.TARGETS[kind].run(text.encode(encoding, "replace"))


@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_answered(name: str, tmp_path: Path) -> None:
    seeds = [data for data in targets.TARGETS[name].seeds() if len(data) < 20_000]
    tally = fuzz.replayed(name, tmp_path, seeds[:: 1 + len(seeds) // 25])
    assert not tally.found
    assert tally.executions >= 10
    assert tally.errors
    assert tally.results


# The rules ------------------------------------------------------------------------------------


def broken(error: EventStudyError, data: bytes = b"date,close\n2024-03-01,ten\n") -> str:
    with pytest.raises(oracle.PromiseError) as raised:
        oracle.check_error(error, ("A.csv",), data, rows=True)
    return str(raised.value)


def test_an_error_that_says_where_is_let_through() -> None:
    good = InputError([Fault("A.csv", "not a number", 2, "close", "ten")])
    oracle.check_error(good, ("A.csv",), b"date,close\n2024-03-01,ten\n", rows=True)


def test_an_error_that_does_not_say_where_is_a_finding() -> None:
    assert "names no file" in broken(EventStudyError("not a number"))
    assert "no row 9" in broken(InputError([Fault("A.csv", "no", 9, "close", "ten")]))
    assert "row 1 has no 'ten'" in broken(InputError([Fault("A.csv", "no", 1, "close", "ten")]))
    text = b'date,close\n"2024\n",ten\n'
    wrong = InputError([Fault("A.csv", "no", 3, "close", "ten")])
    assert "no record begins in row 3" in broken(wrong, text)


def test_what_is_no_answer_is_kept_once_with_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(data: bytes) -> None:
        if data != b"fine":
            raise KeyError(data)

    bad = targets.Target("bad", "", lambda: iter(()), run)
    monkeypatch.setitem(targets.TARGETS, "bad", bad)
    tally = fuzz.Tally("bad", tmp_path)
    tally.run(b"one")
    tally.run(b"two")
    assert len(tally.found) == 1
    (name,) = tally.found.values()
    assert (tmp_path / name).read_bytes() == b"one"
    assert "KeyError" in (tmp_path / f"{name}.txt").read_text()
    assert "| bad | 2 | 0 | 2 | 0 | not counted | 1 |" in fuzz.table_of([tally])


def test_a_row_that_is_passed_over_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that drops the last row of a calendar without a word."""
    import eventstudy as es

    whole = es.read_events

    def lossy(path: Path, **options: Any) -> Any:
        text = path.read_text()
        path.write_text(text[: text.rstrip("\n").rindex("\n") + 1])
        return whole(path, **options)

    monkeypatch.setattr(es, "read_events", lossy)
    with pytest.raises(oracle.PromiseError, match="2 events of the file's rows"):
        targets.TARGETS["calendar"].run(samples.CALENDAR.encode())


def test_mutations_are_the_same_for_the_same_seed() -> None:
    data = samples.CALENDAR.encode()
    made = [mutations.mutated(data, seed) for seed in range(40)]
    assert made == [mutations.mutated(data, seed) for seed in range(40)]
    assert len(set(made)) > 30
