"""Answers given again are those that asking again would have given."""

from __future__ import annotations

import numpy as np
import pytest

import eventstudy as es
from eventstudy.backtest import EventStrategy
from eventstudy.backtest.alike import Alike
from eventstudy.backtest.engines import run_desk
from eventstudy.backtest.library import bundled_strategies, resolve_strategies
from eventstudy.backtest.recall import Answer, Recall
from eventstudy.backtest.setup import desk_of, plans_of, set_up
from eventstudy.backtest.sweep.run import plan_of
from eventstudy.backtest.sweep.space import grid
from eventstudy.backtest.sweep.work import Bench

ASKED: list[str] = []


class Base(EventStrategy):
    """Counts how often it is asked."""

    k: float = 0.0
    other: int = 1

    SIDES = ("A", "B")

    def targets(self, event, history):
        ASKED.append(event.id)
        return self.answer(event, history)

    def answer(self, event, history):
        raise NotImplementedError


class Plain(Base):
    """Reads k, and `other` only where k is above zero."""

    def answer(self, event, history):
        rise = float(history.returns_of("A")[-1])
        if self.k > 0 and abs(rise) < self.k * self.other / 100:
            return self.skip(f"moved by {rise:.4f}")
        first, second = self.SIDES
        return {first: np.sign(rise) * 0.5, second: -np.sign(rise) * 0.5}


class Heir(Plain):
    """Asks its parent."""

    def answer(self, event, history):
        return {t: w / 2 for t, w in super().answer(event, history).items()}


class Drawing(Base):
    """Random numbers for every other event."""

    def answer(self, event, history):
        if event.id in ("e1", "e3"):
            return {"A": float(self.rng.uniform(-0.5, 0.5))}
        return {"A": 0.3}


class Counting(Base):
    """Keeps a number on itself."""

    def answer(self, event, history):
        self.seen = getattr(self, "seen", 0) + 1
        return {"A": 0.1 * self.seen}


class Drifting(Base):
    """Overwrites its own parameter after one event, and reads it at the next."""

    def answer(self, event, history):
        size = 0.1 + self.k
        if event.id == "e2" and self.other > 1:
            self.k = self.k + 0.2
        return {"A": size}


class Listing(Base):
    """Adds to a list of its class's instances."""

    def answer(self, event, history):
        if "seen" not in vars(self):
            vars(self)["seen"] = []
        self.seen.append(event.id)
        return {"A": 0.05 * len(self.seen)}


class Shared(Base):
    """A list on the class."""

    TABLE = [0.1, 0.2]  # noqa: RUF012  the fault that is looked for

    def answer(self, event, history):
        return {"A": self.TABLE[self.other % 2]}


@pytest.fixture(scope="module")
def setup(make_event, make_table, make_days):
    rng = np.random.default_rng(2)
    days = make_days(60)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (60, 3)), axis=0))
    prices = {n: {"close": close[:, i]} for i, n in enumerate(("A", "B", "SPY"))}
    events = [make_event(f"e{i}", str(days[5 + 8 * i])) for i in range(6)]
    return set_up(events, make_table(days, prices))


def both(setup, cls, space, recall=None):
    """Run all variants with and without memory; return results and how often each asked."""
    (strategy,) = resolve_strategies(cls)
    plan = plan_of(setup, strategy, grid(space))
    found = []
    for memory in (None, recall or Recall()):
        ASKED.clear()
        bench = Bench(setup, strategy, plan.first, plan.last, memory)
        ended = bench.run(list(enumerate(plan.variants)))
        found.append((ended, len(ASKED)))
    return found


def check(setup, cls, space):
    (asked_anew, first), (recalled, second) = both(setup, cls, space)
    assert not any(item.error for item in asked_anew)
    for one, other in zip(asked_anew, recalled, strict=True):
        np.testing.assert_array_equal(one.excess, other.excess)
        np.testing.assert_array_equal(one.earned, other.earned)
        assert one.figures == pytest.approx(other.figures, nan_ok=True, abs=0)
    return first, second


SPACE = {"hold": [1, 2, 3], "gross": [0.1, 0.2], "k": [0.0, 0.5, 1.0], "other": [1, 2, 3]}


@pytest.mark.parametrize("cls", [Plain, Heir])
def test_a_plain_strategy_is_asked_once_for_what_it_reads(setup, cls) -> None:
    first, second = check(setup, cls, SPACE)
    assert first == 54 * 6
    # k = 0 never reads `other`: 1 + 2 x 3 different answers an event.
    assert second == 7 * 6


@pytest.mark.parametrize("cls", [Counting, Drifting, Listing, Drawing, Shared])
def test_a_strategy_with_a_memory_of_its_own_is_not_answered_for(setup, cls) -> None:
    check(setup, cls, SPACE)


def test_random_numbers_are_drawn_each_time_in_the_same_order(setup) -> None:
    first, second = check(setup, Drawing, {"gross": [0.1, 0.2, 0.3]})
    assert first == 18
    # The first event is pure; from the first draw on every event is asked.
    assert second == 6 + 5 + 5


def test_types_are_told_apart() -> None:
    recall = Recall()
    recall.keep(("e0", 6), {"k": 1.0}, Answer({"A": 0.25}, ""))
    assert recall.found(("e0", 6), {"k": 1.0, "other": 2}) == Answer({"A": 0.25}, "")
    assert recall.found(("e0", 6), {"k": True, "other": 2}) is None
    assert recall.found(("e0", 6), {"k": 1, "other": 2}) is None
    assert recall.found(("e0", 7), {"k": 1.0, "other": 2}) is None


def test_reasons_for_not_trading_are_remembered(setup) -> None:
    (strategy,) = resolve_strategies((Plain, {"k": 5.0}))
    (plan,) = plans_of(setup, [strategy])
    recall, skipped = Recall(), []
    for _ in range(2):
        desk = desk_of(setup, strategy, plan, plan[0][0].decision)
        desk.recall = recall
        run_desk(desk, strategy, setup.rates, 0, "vectorised")
        skipped.append(desk.skipped)
    assert skipped[0] == skipped[1]
    assert any(s.detail.startswith("moved by") for s in skipped[0])
    assert recall.asked == 6


def test_memory_has_an_end(setup, monkeypatch) -> None:
    monkeypatch.setattr("eventstudy.backtest.recall.MOST_KEPT", 10)
    first, second = check(setup, Plain, {"k": [0.1, 0.2, 0.3], "hold": [1, 2]})
    assert (first, second) == (36, 36 - 10)


def test_the_shipped_strategies_give_the_same_with_memory(root) -> None:
    events = es.read_events(root / "events.csv", assume_known={"earnings": 14})
    prices = es.load_prices(sorted(events.tickers | {"SPY"}), source="sample", missing="drop")
    known = set_up(events, prices)
    for strategy in bundled_strategies().values():
        plan = plan_of(known, strategy, grid({"hold": [2, 7], "gross": [0.05, 0.2]}))
        ended = [
            Bench(known, strategy, plan.first, plan.last, memory).run(
                list(enumerate(plan.variants))
            )
            for memory in (None, Recall())
        ]
        for one, other in zip(*ended, strict=True):
            assert one.error == other.error
            np.testing.assert_array_equal(one.excess, other.excess)


def test_memory_leaves_nothing_in_backtrader_however_often_a_strategy_runs(setup) -> None:
    """backtrader keeps in its own modules what it makes for each class that is derived."""
    from backtrader import lineseries, metabase

    both(setup, Plain, {"hold": [1, 2]})
    before = len(vars(metabase)), len(vars(lineseries))
    both(setup, Plain, {"hold": [1, 2]})
    Alike(resolve_strategies(Plain)[0], lambda strategy: object.__new__(strategy.cls))
    assert (len(vars(metabase)), len(vars(lineseries))) == before
