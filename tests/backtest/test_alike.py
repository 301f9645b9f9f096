"""Events that a strategy cannot tell apart are answered for; all others are asked about."""

from __future__ import annotations

import copy
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eventstudy as es
from eventstudy.backtest import EventStrategy, sizing
from eventstudy.backtest.alike import watch_event
from eventstudy.backtest.decisions import Appointment, Notebook, decide, seen_at
from eventstudy.backtest.fastpath import bare_author
from eventstudy.backtest.library import bundled_strategies, resolve_strategies
from eventstudy.backtest.paths import stacked
from eventstudy.backtest.setup import set_up
from eventstudy.backtest.sizing import Sized
from eventstudy.backtest.sleeves import _profits, placed_sleeves
from eventstudy.backtest.terms import Terms
from eventstudy.baskets import Baskets
from eventstudy.errors import BacktestError

ASKED: list[int] = []
BASKETS = Baskets({"@ONE": {"A": 0.5, "B": 0.5}, "@TWO": {"C": 1.0}})


class Base(EventStrategy):
    """Notes that it is asked."""

    hold: int = 2

    def targets(self, event, history):
        ASKED.append(len(history))
        return self.answer(event, history)

    def answer(self, event, history):
        raise NotImplementedError


class Signs(Base):
    """Reads the signs of the two baskets, and the last return."""

    def answer(self, event, history):
        sign = event.spread_sign("@ONE", "@TWO")
        rise = np.nan_to_num(history.returns_of("A")[-1])
        size = sign * (0.2 + min(abs(rise), 0.1))
        return {"A": size, "C": -size} if size else self.skip("no side")


class Branching(Base):
    """Reads the kind, then, of one kind, the subject, of another all that is expected."""

    def answer(self, event, history):
        if event.kind == "deal":
            return {event.main: 0.1}
        if event.kind == "talk":
            return {name: 0.1 * sign for name, sign in event.expects.items() if "@" not in name}
        return self.skip("another kind")


class First(Base):
    """Trades the first event only."""

    def answer(self, event, history):
        return {"B": 0.3} if event.number == 0 else {}


class Named(Base):
    """A size for each event."""

    def answer(self, event, history):
        return {"A": (hash(event.id) % 7 - 3) / 10}


class Dated(Base):
    """Reads when the date was known, which moves along."""

    def answer(self, event, history):
        if event.known_on is None:
            return {}
        return {"A": (event.known_on.day % 5) / 10, "B": 0.1}


class Copying(Base):
    """Reads through copies and as a mapping."""

    def answer(self, event, history):
        later = replace(event, number=event.number + 1)
        tickers = copy.copy(event).tickers
        return {"A": 0.01 * later.number, "B": -0.1 * len(tickers)}


class Compared(Base):
    """Reads all of it at once."""

    def answer(self, event, history):
        return {"A": 0.1 * len(vars(event)["kind"])}


class Drawing(Base):
    """Random numbers for news of one kind."""

    def answer(self, event, history):
        if event.kind == "deal":
            return {"A": float(self.rng.uniform(-0.5, 0.5))}
        return {"A": 0.3}


class Counting(Base):
    """Keeps a number on itself."""

    def answer(self, event, history):
        self.count = getattr(self, "count", 0) + 1
        return {"A": 0.001 * self.count}


ALL = (Signs, Branching, First, Named, Dated, Copying, Compared, Drawing, Counting)


def asked_anew(setup, strategy, events, needed) -> np.ndarray:
    """Return the sleeves of every event on every row, the strategy asked about each of them."""
    terms, market = Terms.of(strategy.parameters), setup.market
    stack = stacked(market.table, 0, setup.rates)
    fees = np.array([setup.costs.borrow_of(t) for t in market.table.tickers])
    found = np.full((*needed.shape, terms.hold + 1), np.nan)
    notebook = Notebook()
    author = bare_author(strategy, notebook, setup.seed)
    for number, event in enumerate(events):
        rows, decided = np.flatnonzero(needed[number]), []
        for row in rows.tolist():
            day, at = market.table.dates[row], row + terms.entry - 1
            known = event.known_on and event.known_on + (day - event.next).item()
            moved = replace(event, same=day, next=day, known_on=known, ambiguous=False)
            item = Appointment(moved, at, row + terms.entry + terms.hold, number)
            ask = (author, notebook, strategy.name, item, market, terms, market.capital)
            decided.append(decide(*ask) if 0 <= at < len(market.table.dates) else None)
        found[number, rows] = _profits(stack, decided, rows, 0, setup, terms, fees)
    return found


def world(make_event, make_table, make_days, seed: int, count: int = 7):
    """Events of three kinds, and prices with bars missing."""
    rng = np.random.default_rng(seed)
    days = make_days(40)
    prices = {}
    for ticker in ("A", "B", "C", "SPY"):
        close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 40)))
        if ticker != "SPY":
            close[rng.random(40) < 0.1] = np.nan
        prices[ticker] = {"close": close}
    events = []
    names = "@ONE", "@TWO", "B"
    for i in range(count):
        drawn = rng.integers(-1, 2, 3)
        sides = {n: int(s) for n, s in zip(names, drawn, strict=True) if s}
        known = str(days[3]) if rng.random() < 0.5 else None
        day, subject = str(days[rng.integers(5, 35)]), str(rng.choice(["A", "C", "somebody"]))
        one = make_event(f"e{i}", day, expects=sides, subject=subject, known_on=known)
        events.append(replace(one, kind=str(rng.choice(["deal", "talk", "rule"]))))
    needed = rng.random((count, 40)) < 0.7
    return set_up(events, make_table(days, prices), baskets=BASKETS), events, needed


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), entry=st.integers(-2, 3))
@pytest.mark.parametrize("cls", ALL)
def test_sleeves_are_those_of_a_strategy_asked_about_each(
    make_event, make_table, make_days, cls, seed, entry
) -> None:
    setup, events, needed = world(make_event, make_table, make_days, seed)
    (strategy,) = resolve_strategies((cls, {"entry": entry}))
    found = placed_sleeves(setup, strategy, events, needed, 0)
    np.testing.assert_array_equal(found, asked_anew(setup, strategy, events, needed))


def asks(setup, cls, events, needed, **parameters) -> int:
    (strategy,) = resolve_strategies((cls, parameters))
    ASKED.clear()
    placed_sleeves(setup, strategy, events, needed, 0)
    return len(ASKED)


def test_a_strategy_is_asked_once_a_session_for_what_it_reads(
    make_event, make_table, make_days
) -> None:
    setup, events, _ = world(make_event, make_table, make_days, 3, count=9)
    needed = np.ones((9, 40), dtype=bool)
    inside = 40
    # By hand from the events: the sign of one basket against the other.
    signs = {np.sign(e.expects.get("@ONE", 0) - e.expects.get("@TWO", 0)) for e in events}
    assert asks(setup, Signs, events, needed) == len(signs) * inside
    read = {
        {"deal": ("deal", "A"), "talk": ("talk", tuple(e.expects.items()))}.get(e.kind, e.kind)
        if e.kind != "deal"
        else ("deal", e.subject if e.subject in e.tickers else e.tickers[0])
        for e in events
    }
    assert asks(setup, Branching, events, needed) == len(read) * inside
    for cls in (First, Named, Dated, Copying, Compared, Counting):
        assert asks(setup, cls, events, needed) == 9 * inside


def test_before_the_event_nothing_expected_is_read(make_event, make_table, make_days) -> None:
    setup, events, _ = world(make_event, make_table, make_days, 3, count=9)
    needed = np.ones((9, 40), dtype=bool)
    # Decided one session ahead: row 0 has no decision, and all signs are 0.
    assert asks(setup, Signs, events, needed, entry=0) == 39


def test_the_shipped_strategies_place_the_same(root) -> None:
    events = es.read_events(root / "events.csv", assume_known={"earnings": 14})
    prices = es.load_prices(sorted(events.tickers | {"SPY"}), source="sample", missing="drop")
    setup, chosen = set_up(events, prices), list(events.study)[:30]
    needed = np.random.default_rng(0).random((30, len(setup.market.table.dates))) < 0.25
    for strategy in bundled_strategies().values():
        if strategy.parameters["hold"] > 252:
            continue
        found = placed_sleeves(setup, strategy, chosen, needed, 0)
        np.testing.assert_array_equal(found, asked_anew(setup, strategy, chosen, needed))


def test_another_packages_sizing_sees_every_event(
    make_event, make_table, make_days, monkeypatch
) -> None:
    class Package:
        def load(self):
            return lambda weights, event, history, target: Sized({"A": 0.1 * (event.number + 1)})

    monkeypatch.setattr(sizing, "_other_packages", lambda: {"by-number": Package()})
    setup, events, needed = world(make_event, make_table, make_days, 5)
    (strategy,) = resolve_strategies((Signs, {"sizing": "by-number"}))
    found = placed_sleeves(setup, strategy, events, needed, 0)
    np.testing.assert_array_equal(found, asked_anew(setup, strategy, events, needed))


class Failing(Base):
    """Misspells an attribute of one kind of events."""

    def answer(self, event, history):
        return {"A": 0.1} if event.kind == "rule" else {"A": event.subjekt}


def test_an_error_has_the_words_that_the_author_would_read(
    make_event, make_table, make_days
) -> None:
    setup, events, needed = world(make_event, make_table, make_days, 1)
    (strategy,) = resolve_strategies(Failing)
    with pytest.raises(BacktestError) as one:
        asked_anew(setup, strategy, events, needed)
    with pytest.raises(BacktestError) as other:
        placed_sleeves(setup, strategy, events, needed, 0)
    said = str(one.value), str(other.value)
    assert said[0] == said[1]
    assert "test_alike.py, line" in said[0]
    assert "StrategyEvent" in said[0]


@pytest.mark.parametrize(
    ("look", "whole"),
    [
        (lambda e: e.kind, True),
        (lambda e: (e.session_0, e.ambiguous, e.baskets, e.weights), True),
        (lambda e: isinstance(e, type(e)), True),
        (lambda e: e.known_on, False),
        (lambda e: vars(e), False),
        (lambda e: hasattr(e, "mood"), False),
        (lambda e: [getattr(e, field.name) for field in fields(e)], False),
        (lambda e: replace(e, number=3), False),
        (lambda e: repr(e), False),
        (lambda e: e == replace(e), False),
    ],
)
def test_what_is_read_past_the_events_own_is_noticed(
    make_event, make_table, make_days, look, whole
) -> None:
    setup, events, _ = world(make_event, make_table, make_days, 1)
    seen, notes = watch_event(seen_at(events[0], 10, setup.market, 0))
    look(seen)
    assert notes.whole is whole
