"""What an author of a strategy meets: folders, parameters, and errors that name the line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eventstudy.backtest import (
    EventStrategy,
    backtest,
    bundled_folder,
    bundled_strategies,
    find_strategy,
    load_strategies,
)
from eventstudy.backtest.library import kebab, load_source, resolve_strategies
from eventstudy.backtest.parameters import checked, parameters_of, parse_spec
from eventstudy.errors import BacktestError, UnknownNameError

PROJECT = Path(__file__).resolve().parents[2]

GOOD = '''"""A strategy of a user."""

from eventstudy.backtest import EventStrategy


class MyIdea(EventStrategy):
    """Buys A after every event.

    More on it here.
    """

    hold: int = 2
    share: float = 0.5

    def targets(self, event, history):
        return {"A": self.share}
'''


class BuyA(EventStrategy):
    """Long A."""

    hold: int = 2
    depth: float | None = None

    def targets(self, event, history):
        return {"A": 1.0}


@pytest.fixture
def world(make_event, make_table, flat):
    days, prices = flat(10, A=100.0, B=50.0)
    return [make_event("news", str(days[2]))], make_table(days, prices)


def strategy_of(body, name="Faulty"):
    def targets(self, event, history):
        return body(self, event, history)

    return type(name, (EventStrategy,), {"targets": targets, "__module__": __name__})


def test_a_users_folder_outside_the_repository(tmp_path, world):
    (tmp_path / "my_idea.py").write_text(GOOD)
    (tmp_path / "_draft.py").write_text("this is not python")
    (tmp_path / "test_my_idea.py").write_text("this is not python either")
    found = load_strategies(tmp_path)
    assert list(found) == ["my-idea"]
    assert found["my-idea"].idea == "Buys A after every event."
    assert found["my-idea"].source == GOOD
    result = backtest(*world, ["my-idea", "my-idea:hold=3,share=0.25"], folder=tmp_path)
    assert result.trades["strategy"].tolist() == ["my-idea", "my-idea:hold=3,share=0.25"]
    assert result.trades["size"].tolist() == pytest.approx([1000.0, 500.0])
    told = result.config["strategies"]["my-idea"]
    assert told["file"] == "my_idea.py"
    assert len(told["sha256"]) == 64
    assert not (tmp_path / "__pycache__").exists()


def test_an_edited_file_is_read_again(tmp_path):
    file = tmp_path / "my_idea.py"
    file.write_text(GOOD)
    assert load_strategies(tmp_path)["my-idea"].parameters["hold"] == 2
    file.write_text(GOOD.replace("hold: int = 2", "hold: int = 7"))
    assert load_strategies(tmp_path)["my-idea"].parameters["hold"] == 7


def test_a_folder_called_strategies_is_not_picked_up(tmp_path):
    """The current folder holds a decoy; the shipped ones are found all the same."""
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "decoy.py").write_text(GOOD)
    code = "from eventstudy.backtest import bundled_strategies; print(*bundled_strategies())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == list(bundled_strategies())


def test_the_shipped_strategies_are_found_by_path():
    assert list(bundled_strategies()) == [
        "asic-gpu-rotation", "buy-and-hold", "capex-momentum", "overreaction-reversal",
        "post-event-drift", "pre-event-run-up",
    ]  # fmt: skip
    assert bundled_folder().name == "strategies"


def test_a_folder_wins_over_a_shipped_strategy_of_the_same_name(tmp_path):
    (tmp_path / "mine.py").write_text(GOOD.replace("MyIdea", "AsicGpuRotation"))
    assert find_strategy("asic-gpu-rotation", tmp_path).file == "mine.py"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("AsicGpuRotation", "asic-gpu-rotation"),
        ("CAPMDrift", "capm-drift"),
        ("Rotation2", "rotation2"),
    ],
)
def test_names_are_kebab_case(given, expected):
    assert kebab(given) == expected


def test_unknown_names_offer_the_nearest():
    with pytest.raises(UnknownNameError, match=r"did you mean 'asic-gpu-rotation'\?"):
        find_strategy("asic-gpu-rotaton")
    with pytest.raises(UnknownNameError, match=r"parameter of BuyA 'holds' \(did you mean 'hold'"):
        resolve_strategies((BuyA, {"holds": 3}))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.py": "def broken(:\n"}, "a.py, line 1: invalid syntax"),
        ({"a.py": "x = 1\ny = 1 / 0\n"}, "a.py, line 2: ZeroDivisionError"),
        ({"a.py": "import no_such_module\n"}, "a.py, line 1: ModuleNotFoundError"),
        ({"a.py": "x = 1\n"}, "no subclass of EventStrategy in .*; it holds a.py"),
        ({}, "it holds no .py file"),
        (
            {"a.py": GOOD.split("    def targets")[0]},
            r"MyIdea has no method targets\(self, event, history\)",
        ),
        ({"a.py": GOOD, "b.py": GOOD}, "my-idea is defined in a.py and in b.py"),
        (
            {"a.py": GOOD.replace("hold: int", "buy: int")},
            "a.py, line 6: MyIdea: 'buy' is a name that backtrader uses itself",
        ),
        (
            {"a.py": GOOD.replace("hold: int = 2", "holt = 2")},
            r"holt = 2 is no parameter \(did you mean 'hold'\?\); write holt: int = 2",
        ),
        ({"a.py": GOOD.replace("hold: int = 2", 'hold: int = "two"')}, "hold is 'two'"),
        ({"a.py": GOOD.replace("hold: int = 2", "params = (('x', 1),)")}, "declares params"),
        ({"a.py": GOOD.replace("def targets", "def next")}, "defines next, which the framework"),
    ],
)
def test_faulty_files_are_named_with_their_line(tmp_path, files, words):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(BacktestError, match=words):
        load_strategies(tmp_path)


def test_all_faulty_files_at_once(tmp_path):
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("1 / 0\n")
    with pytest.raises(BacktestError) as caught:
        load_strategies(tmp_path)
    assert "a.py" in str(caught.value)
    assert "b.py" in str(caught.value)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(BacktestError, match="there is no folder"):
        load_strategies(tmp_path / "nowhere")


def test_source_text_alone_makes_a_strategy():
    """As a worker of another process receives it."""
    (strategy,) = load_source(GOOD, "my_idea.py")
    again = load_source(strategy.source, "my_idea.py")[0]
    assert again.digest == strategy.digest
    assert again.cls is strategy.cls


def test_parameters_come_from_annotations_of_all_classes():
    found = parameters_of(BuyA)
    assert {name: found[name] for name in ("entry", "hold", "gross", "depth")} == {
        "entry": 1,
        "hold": 2,
        "gross": 0.2,
        "depth": None,
    }
    assert set(found) == set(EventStrategy.__annotations__) | {"depth"}


def test_text_is_read_as_the_parameters_type():
    values = checked(BuyA, {"hold": "5", "gross": "0.1", "stop_loss": "none", "depth": "0.3"})
    assert (values["hold"], values["gross"], values["stop_loss"], values["depth"]) == (
        5, 0.1, None, 0.3,
    )  # fmt: skip
    assert parse_spec("name:hold=5,gross=0.1") == ("name", {"hold": "5", "gross": "0.1"})
    with pytest.raises(BacktestError, match="write overrides as"):
        parse_spec("name:hold")


def test_values_of_the_wrong_kind_are_all_named():
    with pytest.raises(BacktestError) as caught:
        checked(BuyA, {"hold": 2.5, "gross": "much", "entry": True})
    text = str(caught.value)
    assert "hold is 2.5: give a whole number" in text
    assert "gross is 'much': give a number" in text
    assert "entry is True: give a whole number" in text
    with pytest.raises(BacktestError, match="hold is 10+: give 1,000,000 sessions at most"):
        checked(BuyA, {"hold": 10**22})
    with pytest.raises(BacktestError, match="hold is 0: give at least 1 session"):
        checked(BuyA, {"hold": 0})
    with pytest.raises(
        BacktestError, match=r"stop_loss is -0\.1: give a positive fraction or none"
    ):
        checked(BuyA, {"stop_loss": -0.1})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"AA": 1.0}, r"a weight for 'AA', which has no prices \(did you mean 'A'\?\)"),
        ({"A": float("nan")}, "weight nan of A: give a finite number"),
        ({"A": float("inf"), "Z": 1.0}, "weight inf of A: give a finite number; a weight for 'Z'"),
        ({"A": "half"}, "weight 'half' of A: give a finite number"),
        ([("A", 1.0)], "give weights by ticker"),
        (None, "targets returned None"),
    ],
)
def test_faulty_weights_name_strategy_and_event(world, answer, words):
    with pytest.raises(BacktestError, match=f"strategy faulty, event news: .*{words}"):
        backtest(*world, strategy_of(lambda *_: answer))


def test_an_exception_in_targets_names_strategy_event_and_line(tmp_path, world):
    text = GOOD.replace('return {"A": self.share}', "return undefined")
    (tmp_path / "my_idea.py").write_text(text)
    words = r"strategy my-idea, event news: targets failed \(.*my_idea.py, line 16\): NameError"
    with pytest.raises(BacktestError, match=words):
        backtest(*world, "my-idea", folder=tmp_path)


def test_an_unknown_ticker_in_targets_keeps_its_hint(world):
    faulty = strategy_of(lambda self, event, history: history.closes_of("SPX"))
    with pytest.raises(BacktestError, match=r"unknown ticker 'SPX' \(did you mean 'SPY'\?\)"):
        backtest(*world, faulty)


def test_targets_with_a_wrong_signature(world):
    class Short(EventStrategy):
        def targets(self, event):
            return {}

    with pytest.raises(BacktestError, match="takes 2 positional arguments but 3 were given"):
        backtest(*world, Short)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "no strategy is given"),
        ([BuyA, BuyA], "buy-a is asked for twice"),
        (3.5, "3.5 is no strategy"),
        (EventStrategy, "EventStrategy has no method targets"),
    ],
)
def test_things_that_are_no_strategy(given, words):
    given = [given] if isinstance(given, float) else given
    with pytest.raises(BacktestError, match=words):
        resolve_strategies(given)
