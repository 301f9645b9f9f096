"""Evidence on a run: sleeves at other places, sensitivity, capacity, placebo dates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eventstudy.backtest import Costs, EventStrategy, backtest
from eventstudy.backtest.library import resolve_strategies
from eventstudy.backtest.setup import set_up
from eventstudy.backtest.sleeves import placed_sleeves

COUNT, CAPITAL = 400, 1e6
NAMES = ("A", "B", "SPY")


class Pair(EventStrategy):
    """Long A, short B, in unequal parts."""

    hold: int = 4
    gross: float = 0.1

    def targets(self, event, history):
        return {"A": 0.6, "B": -0.4}


class Calm(EventStrategy):
    """The same, where A has not moved much."""

    hold: int = 4
    gross: float = 0.1

    def targets(self, event, history):
        last = history.returns_of("A")[-1]
        return {"A": 0.6, "B": -0.4} if abs(last) < 0.02 else self.skip("A has moved")


def made(make_event, make_table, make_days, *, rows, jump=0.0, seed=4):
    """Noise, and after each event's session A gains `jump` over the next three sessions."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.015, (COUNT, 3))
    for row in rows:
        moves[row + 2 : row + 5, 0] += jump / 3
    close = 100 * np.exp(np.cumsum(moves, axis=0))
    opens = close * np.exp(rng.normal(0, 0.002, (COUNT, 3)))
    days = make_days(COUNT)
    prices = {n: {"close": close[:, i], "open": opens[:, i]} for i, n in enumerate(NAMES)}
    dividends = {"A": {str(days[150]): 1.5}, "B": {str(days[153]): 0.7}}
    table = make_table(days, prices, dividends)
    table = replace(table, volume=rng.integers(50_000, 90_000, close.shape).astype(float))
    events = [
        make_event(f"e{i}", str(days[row]), tickers=("A", "B"), row=i) for i, row in enumerate(rows)
    ]
    return events, table, days


@pytest.fixture
def world(make_event, make_table, make_days):
    return made(make_event, make_table, make_days, rows=[120, 148, 200, 260])


@pytest.mark.parametrize("fill", ["open", "close"])
@pytest.mark.parametrize("strategy", [Pair, Calm])
def test_a_sleeve_earns_what_cerebro_earns_with_the_event_there(
    strategy, fill, world, make_event, make_days
):
    """One event at a time, moved to each of several sessions, through Cerebro."""
    events, table, days = world
    costs = Costs(5, 10, 300)
    chosen = (strategy, {"fill": fill})
    setup = set_up(events, table, costs=costs, capital=CAPITAL)
    (resolved,) = resolve_strategies([chosen])
    needed = np.zeros((1, COUNT), dtype=bool)
    places = [100, 147, 149, 151, 300, COUNT - 3]
    needed[0, places] = True
    found = placed_sleeves(setup, resolved, events[:1], needed, 0)
    for row in places:
        moved = make_event("e0", str(days[row]), tickers=("A", "B"))
        run = backtest([moved], table, [chosen], costs=costs, capital=CAPITAL, engine="cerebro")
        value = run.equity["value"].to_numpy()
        expected = np.zeros(5)
        steps = np.diff(value)[:5]
        expected[: len(steps)] = steps
        assert found[0, row] == pytest.approx(expected, abs=1e-8), row
    assert np.isnan(found[0, 50]).all()  # not asked for


def test_a_sleeve_without_a_bar_is_no_number(world):
    events, table, _ = world
    close = table.close.copy()
    close[202, 1] = np.nan
    setup = set_up(events, replace(table, close=close), capital=CAPITAL)
    needed = np.zeros((1, COUNT), dtype=bool)
    needed[0, [195, 200, 203]] = True
    (strategy,) = resolve_strategies([Pair])
    found = placed_sleeves(setup, strategy, events[:1], needed, 0)
    assert np.isnan(found[0, 200]).all()
    assert np.isfinite(found[0, [195, 203]]).all()


class Idle(Pair):
    """Trades nothing, whatever it sees."""

    def targets(self, event, history):
        return {}


def test_a_sleeve_of_nothing_earns_nothing(world):
    events, table, _ = world
    setup = set_up(events, table, capital=CAPITAL)
    needed = np.zeros((1, COUNT), dtype=bool)
    needed[0, [195, 203]] = True
    (strategy,) = resolve_strategies([Idle])
    found = placed_sleeves(setup, strategy, events[:1], needed, 0)
    assert found[0, [195, 203]].tolist() == [[0.0] * found.shape[2]] * 2
    assert np.isnan(found[0, 50]).all()


def test_costs_and_delays_are_those_of_whole_runs(world):
    events, table, _ = world
    costs = Costs(3, 4, 100, borrow={"B": 700.0})
    run = backtest(events, table, Pair, costs=costs, capital=CAPITAL)
    found = run.evidence.sensitivity.set_index(["what", "level"])["total_return"]
    double = Costs(6, 8, 200, borrow={"B": 1400.0})
    dear = backtest(events, table, Pair, costs=double, capital=CAPITAL)
    assert found["cost", 2.0] == pytest.approx(dear.metrics["total_return"][0], rel=1e-12)
    free = backtest(events, table, Pair, costs=Costs(0, 0, 0), capital=CAPITAL)
    assert found["cost", 0.0] == pytest.approx(free.metrics["total_return"][0], rel=1e-12)
    late = backtest(events, table, (Pair, {"entry": 3}), costs=costs, capital=CAPITAL)
    assert found["delay", 2.0] == pytest.approx(late.metrics["total_return"][0], abs=1e-12)
    assert found["cost", 1.0] == found["delay", 0.0] == run.metrics["total_return"][0]


def test_break_even_cost_leaves_nothing(make_event, make_table, make_days):
    """Charging the break-even cost as commission takes the profit, to the order of bp^2."""
    events, table, _ = made(make_event, make_table, make_days, rows=[120, 148, 200], jump=0.1)
    run = backtest(events, table, Pair, costs=Costs(0, 0, 50), capital=CAPITAL)
    level = run.evidence.luck["break_even_bp"][0]
    assert level > 100
    again = backtest(events, table, Pair, costs=Costs(level, 0, 50), capital=CAPITAL)
    profit = run.metrics["total_return"][0]
    assert abs(again.metrics["total_return"][0]) < 1e-6 < profit


def test_capacity_is_where_impact_takes_the_profit(make_event, make_table, make_days):
    """The square-root law through Cerebro at other capitals: the closed form holds."""
    events, table, _ = made(make_event, make_table, make_days, rows=[120, 148, 200], jump=0.03)
    run = backtest(events, table, Pair, costs=Costs(0, 0, 0), capital=CAPITAL)
    capacity = run.evidence.luck["capacity"][0]
    frame = run.evidence.sensitivity
    frame = frame[frame["what"] == "capital"].set_index("level")["total_return"]
    impact = Costs(0, 0, 0, impact=1.0)
    at = {
        c: backtest(events, table, Pair, costs=impact, capital=c).metrics["total_return"][0]
        for c in (1e6, 1e7, capacity)
    }
    profit = run.metrics["total_return"][0]
    # The closed form leaves out that impact is also paid on the price that it has moved.
    assert frame[1e6] == pytest.approx(at[1e6], abs=0.01 * profit)
    assert frame[1e7] == pytest.approx(at[1e7], abs=0.02 * profit)
    assert abs(at[capacity]) < 0.1 * profit


def test_capacity_ends_where_an_order_is_a_whole_days_volume(make_event, make_table, make_days):
    """One order of 600 shares at most against 1,200 a session: twice the capital and no more."""
    events, _, days = made(make_event, make_table, make_days, rows=[148])
    level = np.tile([[100.0], [101.0]], (COUNT // 2, 3))  # 100 at the close of the decision
    level[151:, 0] += 100.0
    prices = {n: {"close": level[:, i], "open": level[:, i]} for i, n in enumerate(NAMES)}
    table = replace(make_table(days, prices), volume=np.full(level.shape, 1200.0))
    run = backtest(events, table, Pair, costs=Costs(0, 0, 0), capital=CAPITAL)
    found = run.evidence.luck
    assert found["capacity"][0] == pytest.approx(2 * CAPITAL)
    assert "capacity ends where an order is a whole day's volume" in found["note"][0]
    capital = run.evidence.sensitivity.query("what == 'capital'")["level"]
    assert list(capital) == [1e6]


def test_planted_gains_stand_out_among_placebo_dates_and_noise_does_not(
    make_event, make_table, make_days
):
    rows = [120, 131, 148, 171, 200, 214]
    events, table, _ = made(make_event, make_table, make_days, rows=rows, jump=0.12)
    found = backtest(events, table, Pair, capital=CAPITAL).gather(draws=199)
    assert found.luck["placebo_total_p"][0] == pytest.approx(1 / 200)
    assert found.luck["placebo_draws"][0] == 199
    assert len(found.placebo) == 199
    events, table, _ = made(make_event, make_table, make_days, rows=rows, jump=0.0)
    idle = backtest(events, table, Pair, capital=CAPITAL).gather(draws=199)
    assert idle.luck["placebo_total_p"][0] > 0.05


def test_what_cannot_be_told_says_why(world):
    events, table, _ = world
    stopped = backtest(events, table, (Pair, {"stop_loss": 0.1}), capital=CAPITAL)
    assert "no placebo dates: stop or target" in stopped.evidence.luck["note"][0]
    assert np.isnan(stopped.evidence.luck["placebo_total_p"][0])
    blind = replace(table, volume=np.full(table.close.shape, np.nan))
    found = backtest(events, blind, Pair, capital=CAPITAL).evidence
    assert np.isnan(found.luck["capacity"][0])
    assert "volumes are missing" in found.luck["note"][0]
    assert not (found.sensitivity["what"] == "capital").any()


def test_more_trials_deflate_more(world):
    events, table, _ = world
    pair = [Pair, (Pair, {"hold": 9})]
    few = backtest(events, table, pair, capital=CAPITAL).gather(draws=19).luck
    many = backtest(events, table, pair, capital=CAPITAL, variants=500).gather(draws=19).luck
    assert few["trials"].tolist() == [2, 2]
    assert many["trials"].tolist() == [500, 500]
    assert (many["expected_max"] > few["expected_max"]).all()
    assert (many["dsr"] < few["dsr"]).all()


def test_events_before_which_a_strategy_trades_can_be_moved_too(make_event, make_table, make_days):
    """Entry five sessions before the event, out one before it: dates up to the last session."""
    rows = [120, 148, 200, 260]
    _, table, days = made(make_event, make_table, make_days, rows=rows)
    events = [
        make_event(f"e{i}", str(days[r]), tickers=("A", "B"), known_on=str(days[r - 20]), row=i)
        for i, r in enumerate(rows)
    ]
    early = (Pair, {"entry": -5, "hold": 4})
    found = backtest(events, table, [early], capital=CAPITAL).gather(draws=99)
    assert found.luck["placebo_draws"][0] == 99
    assert np.isfinite(found.luck["placebo_total_p"][0])
    assert not (found.sensitivity["what"] == "delay").any()


def test_capacity_leaves_out_what_idle_cash_earns(make_event, make_table, make_days):
    """``capital x (profit over cash / impact)^2``, the impact worked out here.

    Medians and deviations are of the 20 sessions before each trade.
    """
    events, table, days = made(make_event, make_table, make_days, rows=[120, 200], jump=0.015)
    run = backtest(events, table, Pair, costs=Costs(0, 0, 0), capital=CAPITAL, risk_free=0.05)
    at = {str(day): i for i, day in enumerate(days)}
    taken = 0.0
    for leg in run.trades.itertuples():
        column = NAMES.index(leg.ticker)
        for when, price in ((leg.entry_date, leg.entry_price), (leg.exit_date, leg.exit_price)):
            row = at[f"{when:%Y-%m-%d}"]
            close = table.close[row - 21 : row, column]
            sigma = (close[1:] / close[:-1] - 1).std(ddof=1)
            share = leg.size / np.median(table.volume[row - 20 : row, column])
            taken += leg.size * price * sigma * np.sqrt(share)
    held = days[at[run.config["start"]] : at[run.config["end"]] + 1]
    cash = CAPITAL * np.prod(1 + 0.05 * np.diff(held).astype(int) / 360)
    over = run.equity["value"].iloc[-1] - cash
    assert run.equity["value"].iloc[-1] - CAPITAL > 1.2 * over > 0
    assert run.evidence.luck["capacity"][0] == pytest.approx(CAPITAL * (over / taken) ** 2)


def test_capacity_is_the_same_where_impact_is_charged_already(make_event, make_table, make_days):
    events, table, _ = made(make_event, make_table, make_days, rows=[120, 148, 200], jump=0.02)
    found = [
        backtest(events, table, Pair, costs=Costs(0, 0, 0, impact=k), capital=1e7)
        .gather(draws=19)
        .luck["capacity"][0]
        for k in (0.0, 1.0, 2.0)
    ]
    assert found[1] == pytest.approx(found[0], rel=0.02)
    # Twice the coefficient takes the profit at a quarter of the capital.
    assert found[2] == pytest.approx(found[0] / 4, rel=0.02)


def test_a_stock_that_is_very_hard_to_borrow_has_its_costs_multiplied_too(world):
    """40% a year, times five, is beyond what `Costs` lets a user ask for."""
    events, table, _ = world
    free, dear = (
        backtest(events, table, Pair, costs=Costs(0, 0, 0, borrow={"B": rate}), capital=CAPITAL)
        for rate in (0.0, 4000.0)
    )
    fee = dear.metrics["borrow"][0] / CAPITAL
    frame = dear.gather(draws=19).sensitivity
    found = frame[frame["what"] == "cost"].set_index("level")["total_return"]
    assert fee > 0
    assert found[5.0] == pytest.approx(free.metrics["total_return"][0] - 5 * fee, abs=1e-12)


def test_placebo_dates_say_that_limits_took_part(make_event, make_table, make_days):
    """72% of equity in A, twice at a time: above the limit of a single name."""
    events, table, _ = made(make_event, make_table, make_days, rows=[120, 122, 200])
    tight, loose = (
        backtest(events, table, (Pair, {"gross": gross}), capital=CAPITAL) for gross in (1.2, 0.2)
    )
    assert tight.trades["event_id"].unique().tolist() == ["e0", "e2"]
    assert "limits took part: of 3 events 1 refused" in tight.gather(draws=19).luck["note"][0]
    assert "limits took part" not in loose.gather(draws=19).luck["note"][0]
