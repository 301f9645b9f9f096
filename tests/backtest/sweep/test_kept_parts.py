"""Parts on disk: exact, whole or absent, never replaced by less, never another sweep's."""

from __future__ import annotations

import contextlib
import math
import os
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.backtest.sweep.kept import Kept, part_of, read_part
from eventstudy.backtest.sweep.work import Ended
from eventstudy.disk.unfinished import begun
from eventstudy.errors import BacktestError

KEY = "a" * 64
OTHER = "a" * 16 + "b" * 48  # the same beginning


def ended(number, seed=0, error=""):
    rng = np.random.default_rng([seed, number])
    if error:
        return Ended.failed(number, error)
    figures = {"sharpe": math.nan, "total_return": rng.normal(), "best": math.inf, "least": 5e-324}
    return Ended(number, rng.normal(size=7) * 1e-3, rng.normal(size=3), np.array([-1, 4, 9]),
                 figures, "cerebro")  # fmt: skip


def same(one, other) -> bool:
    """Every bit of two ends."""
    assert one.number == other.number
    for name in ("excess", "earned", "closed"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()
    assert (one.engine, one.error) == (other.engine, other.error)
    assert list(one.figures) == list(other.figures)
    assert np.array(list(one.figures.values())).tobytes() == (
        np.array(list(other.figures.values())).tobytes()
    )
    return True


def test_a_part_holds_every_figure_exactly(tmp_path) -> None:
    batch = [ended(3), ended(9, error='ValueError: "no", it says\nand more \u2713'), ended(1)]
    batch[0].excess[:3] = [math.nan, math.inf, -0.0]
    path = tmp_path / "part.parquet"
    path.write_bytes(part_of(batch, KEY))
    back = read_part(path, KEY)
    order = {item.number: item for item in back}
    expected = [
        Ended(i.number, i.excess, i.earned, i.closed, dict(sorted(i.figures.items())), i.engine,
              i.error)
        for i in batch
    ]  # fmt: skip
    assert all(same(item, order[item.number]) for item in expected)
    assert read_part(path, OTHER) == []


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_kills_and_resumes_lose_nothing_written_and_make_nothing_up(tmp_path_factory, data) -> None:
    """Runs that are killed after any number of batches of any size, two at once at times."""
    folder = tmp_path_factory.mktemp("parts")
    total = data.draw(st.integers(1, 30))
    written: set[int] = set()
    for _ in range(data.draw(st.integers(1, 5))):
        runs = [Kept(folder, KEY, every=60.0) for _ in range(data.draw(st.integers(1, 2)))]
        found = runs[0].found()
        assert set(found) == written
        assert all(same(sorted_figures(ended(number)), item) for number, item in found.items())
        left = [number for number in range(total) if number not in found]
        for kept in runs:  # each with batches of its own
            todo = list(left)
            data.draw(st.randoms(use_true_random=False)).shuffle(todo)
            for _ in range(data.draw(st.integers(0, 6))):
                size = data.draw(st.integers(1, 5))
                batch, todo = todo[:size], todo[size:]
                if batch:
                    kept.add([ended(number) for number in batch])
                    kept.flush()
                    written |= set(batch)
    assert set(Kept(folder, KEY).found()) == written


def sorted_figures(item):
    figures = dict(sorted(item.figures.items()))
    return Ended(item.number, item.excess, item.earned, item.closed, figures, item.engine)


def test_a_later_smaller_part_that_begins_alike_replaces_nothing(tmp_path) -> None:
    Kept(tmp_path, KEY, every=0.0).add([ended(n) for n in (4, 5, 6, 7)])
    Kept(tmp_path, KEY, every=0.0).add([ended(4)])
    assert sorted(Kept(tmp_path, KEY).found()) == [4, 5, 6, 7]


def test_results_wait_for_a_while_and_are_written_at_the_end(tmp_path) -> None:
    with Kept(tmp_path / "parts", KEY, every=60.0) as kept:
        kept.add([ended(0)])
        kept.add([ended(1)])
        assert kept.found() == {}
    assert sorted(kept.found()) == [0, 1]
    with contextlib.suppress(KeyboardInterrupt), Kept(tmp_path / "parts", KEY, every=60) as kept:
        kept.add([ended(2)])
        raise KeyboardInterrupt
    assert sorted(kept.found()) == [0, 1, 2]
    assert len(list((tmp_path / "parts").iterdir())) == 2


def test_other_sweeps_and_broken_files_are_passed_over(tmp_path) -> None:
    Kept(tmp_path, KEY, every=0.0).add([ended(0)])
    Kept(tmp_path, OTHER, every=0.0).add([ended(1)])
    whole = next(tmp_path.glob("*.parquet")).read_bytes()
    (tmp_path / f"part-{KEY[:16]}-0000.parquet").write_bytes(whole[: len(whole) // 2])
    (tmp_path / f"part-{KEY[:16]}-0001.parquet").write_bytes(b"")
    (tmp_path / f".writing-{KEY[:16]}").write_bytes(whole)
    assert sorted(Kept(tmp_path, KEY).found()) == [0]
    assert sorted(Kept(tmp_path, OTHER).found()) == [1]


def test_what_took_its_process_with_it_is_tried_again(tmp_path) -> None:
    with Kept(tmp_path, KEY) as kept:
        kept.add([ended(0), ended(1, error="its process ended (killed)"), ended(2, error="no")])
    assert sorted(kept.found()) == [0, 2]


@pytest.mark.skipif(sys.platform == "win32", reason="files have no locks there")
def test_clearing_takes_its_own_and_what_a_kill_left(tmp_path) -> None:
    folder = tmp_path / "parts"
    with Kept(folder, KEY) as kept:
        kept.add([ended(0)])
    (folder / ".writing-00000000").write_bytes(b"half")
    handle, at_work = begun(folder)
    Kept(folder, KEY).clear()
    assert [str(p) for p in folder.iterdir()] == [at_work]
    os.close(handle)
    Kept(folder, KEY).clear()
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(BacktestError, match="file: cannot be written"),
        Kept(tmp_path / "file", KEY),
    ):
        pass


def test_no_folder_keeps_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Kept(None, KEY, every=0.0) as kept:
        kept.add([ended(0)])
        assert kept.found() == {}
        kept.clear()
    assert list(tmp_path.iterdir()) == []
