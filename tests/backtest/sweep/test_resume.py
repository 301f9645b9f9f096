"""An interrupted sweep goes on; what belongs to another one is not taken."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from warm import warm_processes  # noqa: F401

from eventstudy.backtest import Costs
from eventstudy.backtest.sweep import sweep
from eventstudy.backtest.sweep.work import Bench
from eventstudy.errors import BacktestError

PROJECT = Path(__file__).resolve().parents[3]
OVER = {"hold": [1, 2, 3, 4], "k": [0.0, 0.01, 0.02]}


@pytest.fixture
def counted(monkeypatch):
    """The numbers of the variants that were run, in order."""
    ran: list[int] = []
    own = Bench.ended

    def ended(self, number, given):
        ran.append(number)
        return own(self, number, given)

    monkeypatch.setattr(Bench, "ended", ended)
    return ran


class Stop(Exception):
    """Where a test interrupts."""


def until(count):
    def progress(what, done, total):
        if done >= count:
            raise Stop

    return progress


def test_finished_variants_are_not_run_again(world, folder, tmp_path, counted) -> None:
    whole = sweep(*world, "pair", OVER, folder=folder, jobs=1)
    counted.clear()
    with pytest.raises(Stop):
        sweep(*world, "pair", OVER, folder=folder, jobs=1, resume=tmp_path, progress=until(5))
    assert counted == [0, 1, 2, 3, 4]
    counted.clear()
    told = []
    again = sweep(*world, "pair", OVER, folder=folder, jobs=1, resume=tmp_path,
                  progress=lambda *said: told.append(said))  # fmt: skip
    assert counted == [5, 6, 7, 8, 9, 10, 11]
    assert told[0] == ("sweeping pair (5 were there)", 5, 12)
    assert again.found == 5
    pd.testing.assert_frame_equal(again.table, whole.table, check_exact=True)
    for name in ("excess", "earned", "closed"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    counted.clear()
    third = sweep(*world, "pair", OVER, folder=folder, jobs=1, resume=tmp_path)
    assert counted == []
    assert third.found == 12
    pd.testing.assert_frame_equal(third.table, whole.table, check_exact=True)


def test_failed_variants_are_finished_too(world, folder, tmp_path, counted) -> None:
    over = {"mode": ["raises", "fine"], "hold": [1, 2]}
    first = sweep(*world, "fragile", over, folder=folder, jobs=1, resume=tmp_path)
    counted.clear()
    second = sweep(*world, "fragile", over, folder=folder, jobs=1, resume=tmp_path)
    assert counted == []
    pd.testing.assert_frame_equal(first.table, second.table, check_exact=True)


@pytest.mark.usefixtures("warm_processes")
def test_a_sweep_begun_by_one_process_is_ended_by_two(world, folder, tmp_path) -> None:
    with pytest.raises(Stop):
        sweep(*world, "pair", OVER, folder=folder, jobs=1, resume=tmp_path, progress=until(7))
    two = sweep(*world, "pair", OVER, folder=folder, jobs=2, resume=tmp_path)
    assert two.found == 7
    whole = sweep(*world, "pair", OVER, folder=folder, jobs=1)
    pd.testing.assert_frame_equal(two.table, whole.table, check_exact=True)


def other_prices(world, folder):
    events, table = world
    close = table.close.copy()
    close[-1, 0] *= 1 + 1e-12
    return (events, replace(table, close=close)), {}, folder


def other_dividend(world, folder):
    events, table = world
    paid = table.dividends.copy()
    paid[3, 1] = 0.01
    return (events, replace(table, dividends=paid)), {}, folder


def other_events(world, folder):
    events, table = world
    return ([replace(events[0], expects={"A": 1}), *events[1:]], table), {}, folder


def other_file(world, folder):
    changed = folder.parent / "changed"
    changed.mkdir(exist_ok=True)
    (changed / "mine.py").write_text((folder / "mine.py").read_text() + "\n# a word more\n")
    return world, {}, changed


OTHERS = {
    "prices": other_prices,
    "dividend": other_dividend,
    "events": other_events,
    "file": other_file,
    "costs": lambda w, f: (w, {"costs": Costs(commission_bp=3)}, f),
    "capital": lambda w, f: (w, {"capital": 2e6}, f),
    "rates": lambda w, f: (w, {"risk_free": 0.01}, f),
    "shortable": lambda w, f: (w, {"shortable": {"A": False}}, f),
    "seed": lambda w, f: (w, {"seed": 1}, f),
    "strategy": lambda w, f: (w, {"strategy": "pair:tilt=0.4"}, f),
    "class": lambda w, f: (w, {"strategy": "fragile"}, f),
    "grid": lambda w, f: (w, {"over": {"hold": [1, 2], "k": [0.0]}}, f),
    "order": lambda w, f: (w, {"over": {"hold": [2, 1]}}, f),
}


@pytest.mark.parametrize("name", OTHERS)
def test_parts_of_another_sweep_are_not_taken(world, folder, tmp_path, counted, name) -> None:
    base = {"strategy": "pair", "over": {"hold": [1, 2]}}
    own = sweep(*world, **base, folder=folder, jobs=1, resume=tmp_path)
    counted.clear()
    changed, options, other = OTHERS[name](world, folder)
    result = sweep(*changed, **{**base, **options}, folder=other, jobs=1, resume=tmp_path)
    assert counted == [0, 1]
    assert result.found == 0
    assert result.key != own.key
    counted.clear()
    assert sweep(*world, **base, folder=folder, jobs=1, resume=tmp_path).found == 2


def test_other_versions_are_another_sweep(world, folder, tmp_path, monkeypatch) -> None:
    sweep(*world, "pair", {"hold": [1, 2]}, folder=folder, jobs=1, resume=tmp_path)
    monkeypatch.setattr("eventstudy.backtest.sweep.run.versions", lambda: {"numpy": "0"})
    assert sweep(*world, "pair", {"hold": [1, 2]}, folder=folder, jobs=1,
                 resume=tmp_path).found == 0  # fmt: skip


def test_where_prices_came_from_does_not_matter(world, folder, tmp_path) -> None:
    events, table = world
    sweep(*world, "pair", {"hold": [1, 2]}, folder=folder, jobs=1, resume=tmp_path)
    moved = replace(table, source="elsewhere")
    assert sweep(events, moved, "pair", {"hold": [1, 2]}, folder=folder, jobs=1,
                 resume=tmp_path).found == 2  # fmt: skip


def test_a_folder_that_cannot_be_written_fails_before_the_work(world, folder, tmp_path, counted):
    (tmp_path / "file").write_text("")
    with pytest.raises(BacktestError, match="cannot be written"):
        sweep(*world, "pair", OVER, folder=folder, jobs=1, resume=tmp_path / "file")
    assert counted == []


MANY = {"hold": list(range(1, 21)), "k": [0.0, 0.02]}
SCRIPT = """
import json, pickle, sys
from eventstudy.backtest.sweep import kept, sweep
kept.SHARE = 0.0
kept.Kept.__init__.__defaults__ = (0.0,)
events, prices = pickle.load(open(sys.argv[1], "rb"))

def progress(what, done, total):
    print(done, flush=True)
    if done >= 36:
        sys.stdin.read()  # whoever kills may be slow

sweep(events, prices, "pair", json.loads(sys.argv[4]), folder=sys.argv[2], jobs=1,
      resume=sys.argv[3], progress=progress)
"""


def test_a_killed_process_leaves_whole_parts(world, folder, tmp_path) -> None:
    (tmp_path / "world.pickle").write_bytes(pickle.dumps(world))
    parts = tmp_path / "parts"
    given = [str(tmp_path / "world.pickle"), str(folder), str(parts), json.dumps(MANY)]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *given], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 11:
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    result = sweep(*world, "pair", MANY, folder=folder, jobs=1, resume=parts)
    assert 11 <= result.found < 40
    whole = sweep(*world, "pair", MANY, folder=folder, jobs=1)
    pd.testing.assert_frame_equal(result.table, whole.table, check_exact=True)
    np.testing.assert_array_equal(result.excess, whole.excess)


TYPED = """
from eventstudy.backtest import EventStrategy

class Typed(EventStrategy):
    def targets(self, event, history):
        return {"A": %s}
"""


def typed(weight):
    names = {"__name__": "a_session"}
    exec(TYPED % weight, names)  # noqa: S102  a session does so
    return names["Typed"]


def test_two_classes_of_one_name_typed_into_a_session_share_no_results(world, tmp_path) -> None:
    """Their text is not known: the second would be given what the first has earned."""
    over = {"hold": [2, 3]}
    for weight in (1.0, -1.0):
        with pytest.raises(BacktestError, match="typed into a session"):
            sweep(*world, typed(weight), over, jobs=1, resume=tmp_path)
    bought, sold = (sweep(*world, typed(w), over, jobs=1).table["total_return"] for w in (1, -1))
    assert (bought * sold < 0).all()


def test_a_class_derived_from_another_file_is_known_by_that_file_too(
    world, tmp_path, counted, monkeypatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "derived.py").write_text(
        "from a_base import Base\n\n\nclass Derived(Base):\n    pass\n"
    )
    found = []
    for weight in ("1.0", "-1.00"):
        (tmp_path / "a_base.py").write_text(TYPED.replace("Typed", "Base") % weight)
        for name in ("a_base", "derived"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        cls = importlib.import_module("derived").Derived
        found.append(sweep(*world, cls, {"hold": [2, 3]}, jobs=1, resume=tmp_path / "kept"))
    assert counted == [0, 1, 0, 1]
    assert (found[0].table["total_return"] * found[1].table["total_return"] < 0).all()
    assert found[0].key != found[1].key
