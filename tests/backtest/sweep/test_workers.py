"""Several processes give what one gives; what fails or ends its process is recorded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from warm import OWN, started, warm_processes  # noqa: F401

from eventstudy.backtest import EventStrategy
from eventstudy.backtest.sweep import Range, sweep
from eventstudy.errors import BacktestError, UnknownNameError

pytestmark = pytest.mark.usefixtures("warm_processes")
PROJECT = Path(__file__).resolve().parents[3]
OVER = {"k": [0.0, 0.01, 0.03], "hold": [2, 5, 9], "stop_loss": [None, 0.02]}


def same(one, other) -> None:
    """Every number of two sweeps, bit by bit."""
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    for name in ("excess", "earned", "closed", "dates", "rows"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.event_ids == other.event_ids
    assert dict(one.config) == dict(other.config)


def test_two_processes_give_exactly_what_one_gives(world, folder) -> None:
    """With a strategy of a user's folder outside the repository, and processes as users have them.

    Those import everything anew; a fork has what its parent had, such as a random state.
    """
    one = sweep(*world, "pair", OVER, folder=folder, jobs=1)
    two = sweep(*world, "pair", OVER, folder=folder, jobs=2)
    same(one, two)
    with started(OWN):
        same(one, sweep(*world, "pair", OVER, folder=folder, jobs=2))
    assert set(one.table["engine"]) == {"vectorised", "cerebro"}


def test_random_points_and_failures_are_the_same_too(world, folder) -> None:
    over = {"mode": ["fine", "raises", "wrong"], "hold": Range(1, 9), "gross": Range(0.1, 0.4)}
    options = {"folder": folder, "random": 40, "seed": 5}
    one = sweep(*world, "fragile", over, jobs=1, **options)
    two = sweep(*world, "fragile", over, jobs=2, **options)
    same(one, two)
    assert 3 < len(one.failed) < 40


def test_a_failed_variant_says_why_and_the_others_run(world, folder) -> None:
    over = {"mode": ["fine", "raises", "wrong", "quits"]}
    result = sweep(*world, "fragile", over, folder=folder, jobs=1)
    by = result.table.set_index("mode")["error"]
    assert by["fine"] == ""
    line = next(n for n, text in enumerate((folder / "mine.py").read_text().splitlines(), 1)
                if "no idea" in text)  # fmt: skip
    assert f"targets failed (mine.py, line {line}): ValueError: no idea" in by["raises"]
    assert str(folder) not in by["raises"]
    assert "weight 'much' of A: give a finite number" in by["wrong"]
    assert "SystemExit: enough" in by["quits"]
    assert result.table["error"].eq("").sum() == 1
    assert len(result.ran) == 1
    assert result.excess.shape[1] == 1
    fine = sweep(*world, "fragile", {"mode": ["fine"]}, folder=folder, jobs=1)
    assert fine.excess.shape[1] == 1


def test_a_variant_that_kills_its_process_is_recorded(world, folder) -> None:
    result = sweep(*world, "fragile", {"mode": ["fine", "kills", "raises"]}, folder=folder, jobs=2)
    fine = sweep(*world, "fragile", {"mode": ["fine"]}, folder=folder, jobs=1)
    by = result.table.set_index("mode")
    assert by["error"]["kills"].startswith("its process ended")
    assert by["error"]["fine"] == ""
    assert "no idea" in by["error"]["raises"]
    assert by["sharpe"]["fine"] == fine.table["sharpe"][0]
    np.testing.assert_array_equal(result.excess, fine.excess)


def test_processes_that_all_end_are_an_error(world, folder, monkeypatch) -> None:
    monkeypatch.setattr("eventstudy.workers.dispatch.MOST_LOST", 1)
    with pytest.raises(BacktestError, match="1 processes ended before any variant was done"):
        sweep(*world, "fragile:mode=kills", {"hold": [2, 3]}, folder=folder, jobs=2)


def test_a_strategy_of_a_session_is_refused_by_name(world) -> None:
    made: dict[str, object] = {}
    exec("from eventstudy.backtest import EventStrategy\n"  # noqa: S102
         "class Typed(EventStrategy):\n"
         "    def targets(self, event, history):\n"
         "        return {'A': 1.0}\n", {"__name__": "__nowhere__"}, made)  # fmt: skip
    said = "typed has no source file to send to workers.*put it into a file, or sweep with jobs=1"
    with pytest.raises(BacktestError, match=said):
        sweep(*world, made["Typed"], {"hold": [1, 2]}, jobs=2)
    assert len(sweep(*world, made["Typed"], {"hold": [1, 2]}, jobs=1).ran) == 2


def test_a_strategy_inside_a_function_is_refused_by_name(world) -> None:
    class Inside(EventStrategy):
        """Long A."""

        def targets(self, event, history):
            return {"A": 1.0}

    with pytest.raises(BacktestError, match="inside cannot be sent.*no strategy Inside at its top"):
        sweep(*world, Inside, {"hold": [1, 2]}, jobs=2)


class Outside(EventStrategy):
    """Long A: a class of this very file."""

    def targets(self, event, history):
        return {"A": 1.0}


def test_a_class_of_a_file_is_sent_as_its_text(world) -> None:
    two = sweep(*world, Outside, {"hold": [1, 2]}, jobs=2)
    same(sweep(*world, Outside, {"hold": [1, 2]}, jobs=1), two)
    assert len(two.ran) == 2


SCRIPT = '''
import pickle, sys
from eventstudy.backtest import EventStrategy
from eventstudy.backtest.sweep import sweep
from eventstudy.errors import BacktestError


class Mine(EventStrategy):
    """Long A."""

    def targets(self, event, history):
        return {{"A": 1.0}}


{guard}
    events, prices = pickle.load(open(sys.argv[1], "rb"))
    try:
        print(len(sweep(events, prices, Mine, {{"hold": [1, 2]}}, jobs=2).ran), "ran")
    except BacktestError as error:
        print(error)
'''


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ('if __name__ == "__main__":', "2 ran"),
        ("if True:", "mine cannot be sent to workers"),
    ],
)
def test_a_script_is_run_once_a_worker_and_must_not_sweep_there(
    world, tmp_path, guard, said
) -> None:
    import pickle

    (tmp_path / "world.pickle").write_bytes(pickle.dumps(world))
    script = tmp_path / "script.py"
    # The call stands outside a try, so that the refusal is the sweep's own.
    body = SCRIPT.format(guard=guard)
    if guard == "if True:":
        body = body.replace("    except BacktestError as error:\n        print(error)\n",
                            "    except ZeroDivisionError:\n        pass\n")  # fmt: skip
    script.write_text(body)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "world.pickle")],
        capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    told = done.stdout + done.stderr
    assert said in told
    if guard == "if True:":
        assert 'put the call under if __name__ == "__main__"' in told


@pytest.mark.parametrize("jobs", [0, -2])
def test_a_number_of_jobs_is_checked(world, folder, jobs) -> None:
    with pytest.raises(BacktestError, match=f"jobs {jobs}; allowed: 1 or more, or -1"):
        sweep(*world, "pair", {"hold": [1]}, folder=folder, jobs=jobs)


def test_names_are_checked_before_anything_is_run(world, folder) -> None:
    with pytest.raises(UnknownNameError, match=r"'hol' \(did you mean 'hold'\?\)"):
        sweep(*world, "pair", {"hol": [1]}, folder=folder)
    with pytest.raises(BacktestError, match=r"'hol' \(did you mean 'hold'\?\), 'tlt' \(did you"):
        sweep(*world, "pair", {"hol": [1], "tlt": [2], "k": [0.0]}, folder=folder)
    with pytest.raises(BacktestError, match="a sweep runs one strategy; 2 are given"):
        sweep(*world, ["pair", "random"], {"hold": [1]}, folder=folder)


def test_no_variant_at_all_says_why(world, folder) -> None:
    with pytest.raises(BacktestError, match="hold is 0: give at least 1 session"):
        sweep(*world, "pair", {"hold": [0, -1]}, folder=folder, jobs=1)
    with pytest.raises(BacktestError, match="no event can be traded.*entry 400"):
        sweep(*world, "pair", {"entry": [400, 500]}, folder=folder, jobs=1)


def test_values_that_no_variant_could_run_with_are_refused_all_at_once(world, folder) -> None:
    over = {"hold": [0, 3, 2.5, "abc"], "gross": Range(-0.1, 0.4)}
    with pytest.raises(BacktestError) as told:
        sweep(*world, "pair:tilt=0.2", {**over, "tilt": [0.1, 0.9]}, folder=folder, random=9)
    for part in ("hold is 0: give at least 1", "hold is 2.5: give a whole", "hold is 'abc': give",
                 "gross is -0.1: give a positive", "tilt is fixed at 0.2 and varied"):  # fmt: skip
        assert part in str(told.value), part


def test_values_that_do_not_go_together_fail_by_themselves(world, folder) -> None:
    over = {"limit": [0.01, None], "fill": ["close"]}
    result = sweep(*world, "pair", over, folder=folder, jobs=1)
    assert "limit with fill=close" in result.table["error"][0]
    assert result.table["error"][1] == ""


def test_a_parameter_called_like_a_figure_is_refused(world, tmp_path) -> None:
    (tmp_path / "s.py").write_text(
        "from eventstudy.backtest import EventStrategy\n"
        "class Odd(EventStrategy):\n    sharpe: float = 1.0\n"
        "    def targets(self, event, history):\n        return {'A': self.sharpe}\n"
    )
    with pytest.raises(BacktestError, match="sharpe is also the name of a figure"):
        sweep(*world, "odd", {"sharpe": [0.1, 0.2]}, folder=tmp_path, jobs=1)


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_is_told_to_the_end(world, folder, jobs) -> None:
    told: list[tuple[str, int, int]] = []
    sweep(*world, "pair", {"hold": [1, 2, 3, 4, 5]}, folder=folder, jobs=jobs,
          progress=lambda *said: told.append(said))  # fmt: skip
    assert told[0] == ("sweeping pair", 0, 5)
    assert told[-1] == ("sweeping pair", 5, 5)
    done = [said[1] for said in told]
    assert done == sorted(done)
