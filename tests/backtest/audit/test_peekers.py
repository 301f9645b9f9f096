"""Strategies that look ahead are caught, and the first decision that shows it is named."""

import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from warm import warm_processes  # noqa: F401

from eventstudy.backtest import EventStrategy, audit, decisions, history
from eventstudy.backtest.broker import SleeveBroker
from eventstudy.backtest.replay import verb
from eventstudy.errors import BacktestError, UnknownNameError

BY_PRICES = ["future-bar", "full-sample", "fill-session", "desk", "behind-history"]


@pytest.mark.parametrize(
    ("name", "through", "shift", "held"),
    [*((name, "prices", 0, False) for name in BY_PRICES), ("later-event", "calendar", 0, False),
     ("insider", "calendar", -1, False), ("fill-session", "prices", 0, True),
     ("insider", "calendar", -1, True)],
)  # fmt: skip
def test_a_peek_is_caught_and_named(walk, rows, strategies, name, through, shift, held):
    events, table = walk
    strategy = strategies[name]
    result = audit(events, table, strategy.cls if held else strategy, jobs=1)
    assert not result.clean
    assert result.peeks == (name,)
    first = result.first_differences.iloc[0]
    # `first` is decided without a peek, `second` with one: on its session 0, or the one before.
    assert (first["first_event"], first["what"]) == ("second", "decision")
    day = pd.Timestamp(table.dates[rows["second"] + shift].item())
    assert first["first_session"] == first["cut"] == day
    assert first["through"] == through
    assert "buys" in first["full"] or "sells" in first["full"]
    checks = result.checks.set_index(["change", "event_id"])["same"]
    assert checks["cut", "first"]
    assert not checks["changed", "second"]
    assert f"{name}: peek. First to differ: event second" in result.summary()


def test_the_first_decision_is_the_earliest_and_not_the_first_in_the_table(walk):
    """The peek reaches back: `third` is decided by what `fourth` says, and so is `second`."""
    events, table = walk

    class Chain(EventStrategy):
        """Reads the next event."""

        def targets(self, event, history):
            agenda = [item.event for item in self._desk.agenda]
            later = [e for e in agenda if e.next > event.session_0]
            return {"A": 0.5 * later[0].expects.get("A", 0)} if later else {}

    result = audit(events, table, Chain, jobs=1)
    first = result.first_differences.iloc[0]
    assert first["first_event"] == "first"
    # "second" says A+, so `first` bought; in a calendar that ends there is nothing to follow.
    cut = result.checks.query("change == 'cut' and event_id == 'first'").iloc[0]
    assert cut["full"].startswith("buys")
    assert cut["changed"].startswith("no trade")
    # The last event has none after it: its decision is the same, and so is the check of it.
    assert result.checks.query("change == 'cut' and event_id == 'fourth'")["same"].all()


def test_the_history_hides_the_whole_array(walk, strategies, monkeypatch):
    events, table = walk
    assert audit(events, table, strategies["base"], jobs=1).clean
    monkeypatch.setattr(history, "_frozen", lambda values: values)
    result = audit(events, table, strategies["base"], jobs=1)
    assert result.peeks == ("base",)
    assert result.first_differences.iloc[0]["first_event"] == "second"


@pytest.mark.parametrize("held", [False, True], ids=["file", "class"])
def test_what_a_class_remembers_from_an_earlier_run_is_a_peek(walk, strategies, held):
    events, table = walk
    strategy = strategies["rememberer"]
    strategy.cls._told.clear()
    result = audit(events, table, strategy.cls if held else strategy, jobs=1)
    assert result.peeks == ("rememberer",)
    first = result.first_differences.iloc[0]
    assert (first["change"], first["first_event"]) == ("memory", "second")
    # "fourth" says A-, which only the second run knows when it comes to `second`.
    assert (first["full"][:4], first["changed"][:5]) == ("buys", "sells")


def test_only_another_run_on_the_same_inputs_tells_randomness(walk, strategies):
    events, table = walk
    for given in (strategies["unseeded"], strategies["unseeded"].cls):
        result = audit(events, table, given, jobs=1)
        assert dict(result.verdicts) == {"unseeded": "not reproducible"}
        assert not result.clean
        assert result.peeks == ()
        assert set(result.checks["change"]) == {"repeat"}


@pytest.mark.parametrize(
    ("name", "held"),
    [("seeded", False), ("learner", False), ("early", False), ("learner", True)],
)
def test_fair_strategies_are_clean(walk, strategies, name, held):
    events, table = walk
    strategy = strategies[name]
    result = audit(events, table, strategy.cls if held else strategy, jobs=1, draws=3)
    assert result.clean
    assert dict(result.verdicts) == {name: "clean"}
    counts = result.checks["change"].value_counts().to_dict()
    assert counts == {"repeat": 1, "revealed": 3, "cut": 4}
    assert result.summary_frame().loc[name, "decisions"] == 4
    assert result.checks.query("change == 'cut'")["decisions"].tolist() == [1, 2, 3, 4]


def test_knowing_who_is_still_there_at_the_end_is_a_peek(walk):
    """B ends on 34: no price of the future is read, only that there is none."""
    events, table = walk
    table = replace(table, open=table.open.copy(), close=table.close.copy())
    table.open[35:, 1] = table.close[35:, 1] = np.nan

    class Survivors(EventStrategy):
        """Buys what has a price on the last day of all."""

        def targets(self, event, history):
            last = self._desk.market.table.close[-1]
            return {t: 0.3 for t in event.tickers if np.isfinite(last[history.column(t)])}

    result = audit(events, table, Survivors, jobs=1)
    assert result.peeks == ("survivors",)
    first = result.first_differences.iloc[0]
    assert (first["first_event"], first["first_ticker"]) == ("first", "B")
    assert ("B" in first["full"], "B" in first["changed"]) == (False, True)


def test_copies_of_what_has_come_are_no_peek(walk):
    """Rows copied before their time and read after it: a suspicion that replays take back."""
    events, table = walk

    class Hoarder(EventStrategy):
        """Copies all prices at its first event, reads only rows that are past."""

        def targets(self, event, history):
            if not hasattr(self, "copied"):
                self.copied = self._desk.market.table.close.copy()
                if len(self.copied) <= len(history):
                    return {"A": float(history.close[-1, 0] / 100)}
            known = self.copied if len(self.copied) >= len(history) else history.close
            return {"A": float(known[len(history) - 1, 0] / 100)}

    result = audit(events, table, Hoarder, jobs=1)
    assert result.clean
    assert set(result.checks["change"]) == {"repeat", "cut", "changed"}


def test_a_history_with_one_row_too_many_is_found_in_the_engine(walk, strategies, monkeypatch):
    events, table = walk
    right = decisions.cut
    monkeypatch.setattr(decisions, "cut", lambda table, last, name: right(table, last + 1, name))
    result = audit(events, table, strategies["learner"], jobs=1)
    assert result.peeks == ("learner",)
    assert result.first_differences.iloc[0]["first_event"] == "second"


def test_a_fill_at_a_later_price_is_found_in_the_engine(walk, rows, strategies, monkeypatch):
    events, table = walk

    def tomorrow(self, order):
        feed = order.data
        return float(feed.open[1] if len(feed) < feed.buflen() else feed.open[0])

    monkeypatch.setattr(SleeveBroker, "_quote", tomorrow)
    result = audit(events, table, strategies["seeded"], jobs=1)
    assert dict(result.verdicts) == {"seeded": "execution"}
    assert result.peeks == ("seeded",)
    first = result.first_differences.iloc[0]
    assert (first["what"], first["first_event"]) == ("fill", "first")
    assert first["first_session"] == pd.Timestamp(table.dates[rows["first"] + 1].item())
    assert first["through"] == "prices"


@pytest.mark.usefixtures("warm_processes")
def test_processes_change_nothing(walk, strategies, monkeypatch):
    events, table = walk
    several = [strategies[name] for name in ("seeded", "fill-session")]
    alone = audit(events, table, several, jobs=1)
    monkeypatch.setattr(verb, "FEWEST_TO_SPREAD", (1, 1))
    spread = audit(events, table, several, jobs=2)
    pd.testing.assert_frame_equal(alone.checks, spread.checks)
    assert alone.verdicts == spread.verdicts


def test_the_same_seed_gives_the_same_audit(walk, strategies):
    events, table = walk
    one, two, other = (
        audit(events, table, strategies["full-sample"], jobs=1, cuts=2, seed=seed)
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one.checks, two.checks)
    assert not one.checks["changed"].equals(other.checks["changed"])


def test_some_cuts_can_be_drawn(walk, strategies):
    events, table = walk
    result = audit(events, table, strategies["seeded"], jobs=1, cuts=2)
    assert (result.checks["change"] == "cut").sum() == 2
    assert result.clean


@pytest.mark.parametrize(
    ("name", "seed"),
    [("fill-session", 0), ("fill-session", 1), ("later-event", 1), ("later-event", 2)],
)
def test_a_peek_is_named_whichever_cuts_are_drawn(walk, strategies, name, seed):
    events, table = walk
    result = audit(events, table, strategies[name], jobs=1, cuts=1, seed=seed)
    assert result.peeks == (name,)
    assert result.first_differences.iloc[0]["first_event"] == "second"


def test_a_result_is_told_in_every_form(walk, strategies):
    events, table = walk
    both = [strategies["seeded"], strategies["insider"]]
    result = audit(events, table, both, jobs=1)
    assert repr(result) == "AuditResult(seeded clean, insider peek)"
    frame = result.summary_frame()
    assert frame["verdict"].to_dict() == {"seeded": "clean", "insider": "peek"}
    assert frame["cuts"].tolist() == [4, 4]
    assert frame.loc["insider", "first_event"] == "second"
    assert frame.loc["seeded", "first_event"] == ""
    assert ">peek</td>" in result._repr_html_()
    assert str(result) == result.summary()
    assert result.manifest()["verdicts"] == {"seeded": "clean", "insider": "peek"}


def test_what_cannot_be_decided_is_told(walk, strategies):
    events, table = walk
    dark = [replace(event, known_on=None) for event in events]
    result = audit(dark, table, [strategies["early"], strategies["seeded"]], jobs=1)
    assert dict(result.verdicts) == {"early": "no decision", "seeded": "clean"}
    assert "early decides on no event: a decision on" in result.summary()
    with pytest.raises(BacktestError, match="early decides on no event"):
        audit(dark, table, strategies["early"], jobs=1)


def test_mistakes_are_told_at_once(walk, strategies):
    events, table = walk
    with pytest.raises(BacktestError, match=r"cuts is 0: .*draws is 0: .*jobs is 0: "):
        audit(events, table, strategies["seeded"], cuts=0, draws=0, jobs=0)
    with pytest.raises(UnknownNameError, match="unknown strategy 'none-such'"):
        audit(events, table, "none-such")

    class Faulty(EventStrategy):
        """Divides by zero."""

        def targets(self, event, history):
            return {"A": 1 / 0}

    with pytest.raises(BacktestError, match="event first: targets failed"):
        audit(events, table, Faulty, jobs=1)


def test_an_error_of_another_hook_on_cut_data_is_an_answer(walk):
    events, table = walk

    class Hooked(EventStrategy):
        """Looks four sessions ahead when an order is done: from 9, the exit, to 13."""

        hold: int = 3

        def targets(self, event, history):
            return {"A": getattr(self, "share", 0.5)}

        def notify_order(self, order):
            if order.status == order.Completed:
                self.share = float(self.data1.close[4] / self.data1.close[0])

    result = audit(events, table, Hooked, jobs=1)
    assert result.peeks == ("hooked",)
    assert result.first_differences.iloc[0]["first_event"] == "second"  # decided on 12
    cut = result.checks.query("change == 'cut' and event_id == 'second'").iloc[0]
    assert cut["changed"] == "the run breaks off: IndexError: array index out of range"


def test_the_random_generator_of_a_process_is_left_alone(walk, strategies):
    events, table = walk
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - that nobody touches it is the point
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    audit(events, table, strategies["seeded"], jobs=1)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_a_peek_for_the_vectorised_engine_alone_is_found(walk):
    """Cerebro, and so every replay, is given a fair answer; a backtest is not."""

    class Quick(EventStrategy):
        """Looks ahead where no backtrader stands behind it."""

        hold: int = 3

        def targets(self, event, history):
            if self.lines is not None:
                return {"A": 0.5}
            return {"A": 0.5 if history._table.close[len(history), 0] > 100 else -0.5}

    found = audit(*walk, Quick, jobs=1)
    assert not found.clean
    assert dict(found.verdicts) == {"quick": "not reproducible"}
    assert "Asked by the vectorised engine" in found.summary()
    (change,) = found.checks["change"]
    assert change == "engine"
