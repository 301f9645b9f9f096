"""Random honest strategies on random worlds are never accused; the shipped ones are clean.

``EVENTSTUDY_WORLDS=240`` draws more of them.
"""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eventstudy as es
from eventstudy.backtest import Costs, EventStrategy, audit, bundled_strategies
from eventstudy.backtest.sizing import SIZINGS
from eventstudy.errors import BacktestError

COUNT = 30
EXAMPLES = int(os.environ.get("EVENTSTUDY_WORLDS", "12"))
SHIPPED = {
    "asic-gpu-rotation", "buy-and-hold", "capex-momentum", "overreaction-reversal",
    "post-event-drift", "pre-event-run-up",
}  # fmt: skip


class Honest(EventStrategy):
    """Weights from all that may be seen, so that any peek of the engine would change them."""

    depth: int = 5

    def targets(self, event, history):
        seen = np.nan_to_num(history.close[-self.depth :]).sum() * 1e6
        seen += np.nan_to_num(history.returns[-self.depth :]).sum() * 1e6
        seen += np.nan_to_num(history.volume[-self.depth :]).sum()
        rng = np.random.default_rng([int(abs(seen)) % 2**32, len(event.tickers)])
        self.asked = getattr(self, "asked", 0) + 1
        if rng.random() < 0.1:
            return self.skip(f"chance, {event.number}, {self.asked}, {history.dates[-1]}")
        drawn = {t: float(rng.uniform(-0.4, 0.4)) for t in event.tickers if rng.random() < 0.8}
        if self.limit is not None:
            return {"SPY": 0.3}
        drawn["SPY"] = float(self.rng.uniform(-0.2, 0.2)) + 0.1 * event.sign("A")
        return drawn


fractions = st.one_of(st.none(), st.floats(0.005, 0.1))


@st.composite
def worlds(draw):
    options = {
        "hold": draw(st.integers(1, 8)),
        "entry": draw(st.integers(-3, 3)),
        "gross": draw(st.sampled_from([0.3, 1.5])),
        "fill": draw(st.sampled_from(["open", "close"])),
        "size_of": draw(st.sampled_from(["capital", "equity"])),
        "stop_loss": draw(fractions),
        "take_profit": draw(fractions),
        "leg_stop": draw(fractions),
        "leg_target": draw(fractions),
        "participation": draw(st.one_of(st.none(), st.floats(0.001, 0.5))),
        "sizing": draw(st.sampled_from([*SIZINGS])),
    }
    if options["fill"] == "open":
        options["limit"] = draw(st.one_of(st.none(), st.none(), st.floats(0.001, 0.02)))
    rows = draw(st.lists(st.integers(1, COUNT), min_size=1, max_size=7))
    holes = st.tuples(st.integers(0, COUNT - 1), st.integers(0, 2), st.integers(1, 6))
    return {
        "seed": draw(st.integers(0, 2**32 - 1)),
        "rows": rows,
        "known": draw(st.lists(st.integers(-1, 6), min_size=len(rows), max_size=len(rows))),
        "holes": draw(st.lists(holes, max_size=5)),
        "ends": draw(st.one_of(st.none(), st.integers(8, COUNT - 2))),
        "starts": draw(st.one_of(st.none(), st.integers(1, 12))),
        "options": options,
    }


def build(world, make_event, make_table, make_days):
    rng = np.random.default_rng(world["seed"])
    days = make_days(COUNT + 8)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, (COUNT, 4)), axis=0))
    opened = close * np.exp(rng.normal(0, 0.01, (COUNT, 4)))
    high = np.maximum(opened, close) * 1.01
    low = np.minimum(opened, close) / 1.01
    gone = np.zeros(close.shape, dtype=bool)
    for row, column, length in world["holes"]:
        gone[row : row + length, column] = True
    if world["ends"] is not None:
        gone[world["ends"] :, 0] = True
    if world["starts"] is not None:
        gone[: world["starts"], 1] = True
    for values in (opened, close, high, low):
        values[gone] = np.nan
    names = ("A", "B", "C", "SPY")
    prices = {n: {"close": close[:, i], "open": opened[:, i]} for i, n in enumerate(names)}
    dividends = {n: {str(days[int(rng.integers(COUNT))]): float(rng.uniform(0, 2))} for n in names}
    events = [
        make_event(
            f"e{i}", str(days[row]), tickers=("A", "B", "C"), row=i,
            expects={"A": int(rng.choice((-1, 1)))},
            known_on=None if before < 0 else str(days[max(row - before, 0)]),
        )
        for i, (row, before) in enumerate(zip(world["rows"], world["known"], strict=True))
    ]  # fmt: skip
    table = make_table(days[:COUNT], prices, dividends)
    volume = np.where(gone, np.nan, rng.uniform(1e2, 1e4, close.shape))
    return events, replace(table, high=high, low=low, volume=volume)


@settings(max_examples=EXAMPLES, deadline=None)
@given(world=worlds())
def test_honest_strategies_are_never_accused(world, make_event, make_table, make_days):
    events, table = build(world, make_event, make_table, make_days)
    try:
        result = audit(
            events, table, (Honest, world["options"]), capital=1e5, risk_free=0.04,
            costs=Costs(5, 10, 300, impact=0.1), seed=world["seed"] % 1000, jobs=1,
        )  # fmt: skip
    except BacktestError as error:
        assert "decides on no event" in str(error)  # noqa: PT017 - nothing was in span or known
        return
    assert result.clean, result.summary()
    # Not even a suspicion: the run on a made-up future agrees as it stands.
    assert set(result.checks["change"]) == {"repeat", "revealed", "cut"}


def test_a_halt_on_the_cut_is_no_delisting(walk, make_event):
    """An exit meets a halt on the very session of a later decision, and is sent again."""
    _, table = walk
    table = replace(table, open=table.open.copy(), close=table.close.copy())
    table.open[9:11, 0] = table.close[9:11, 0] = np.nan
    days = table.dates
    pair = [
        make_event("held", str(days[5]), tickers=("A",), row=1),
        make_event("other", str(days[9]), tickers=("B",), row=2),
    ]

    class Simple(EventStrategy):
        """Buys the event's ticker; the exit of `held` falls due on 9."""

        hold: int = 3
        size_of: str = "equity"

        def targets(self, event, history):
            return {event.tickers[0]: 0.5}

    result = audit(pair, table, Simple, jobs=1)
    assert result.clean, result.summary()
    assert result.checks.query("change == 'cut'")["cut"].tolist() == [
        np.datetime64(days[5], "s"), np.datetime64(days[9], "s"),
    ]  # fmt: skip


def test_the_shipped_strategies_are_clean_on_the_sample(root):
    events = es.read_events(root / "events.csv", assume_known={"earnings": 14})
    prices = es.load_prices(source="sample")
    result = es.audit(events, prices, list(bundled_strategies()), cuts=3, jobs=1)
    assert result.clean, result.summary()
    assert set(result.verdicts) == SHIPPED
    assert set(result.verdicts.values()) == {"clean"}
    assert (result.summary_frame()["decisions"] > 5).all()


@pytest.mark.slow
@pytest.mark.vendor
def test_the_shipped_strategies_are_clean_on_real_prices(root, vendor):
    events = es.read_events(root / "events.csv", assume_known={"earnings": 14})
    prices = es.load_prices(
        events.tickers | {"SPY"}, source=str(vendor), start="2023-10-02", end="2024-12-31"
    )
    result = es.audit(events, prices, list(bundled_strategies()), cuts=2, jobs=1)
    assert set(result.verdicts.values()) == {"clean"}, result.summary()
    assert set(result.checks["change"]) == {"repeat", "revealed", "cut"}
    assert (result.summary_frame()["decisions"] > 10).all()
