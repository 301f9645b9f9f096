"""Exposure is the share of sessions with a position: rounding of netted sleeves is none."""

import pytest

from eventstudy.backtest import FREE, EventStrategy, Limits, backtest


class Overlapping(EventStrategy):
    """Long A in each event, in shares whose sum does not leave by parts without a rest."""

    hold: int = 3

    def targets(self, event, history):
        return {"A": {"first": 0.1, "second": 0.2}.get(event.id, 0.3)}


def test_what_netted_sleeves_leave_behind_is_no_exposure(make_event, make_table, flat):
    assert (0.1 + 0.2) - 0.1 - 0.2 != 0
    days, prices = flat(20, A=3.0)
    events = [
        make_event(name, str(days[row]), row=row)
        for name, row in (("first", 2), ("second", 3), ("last", 12))
    ]
    result = backtest(events, make_table(days, prices), Overlapping, costs=FREE)
    gross = result.equity["gross"].to_numpy()
    # Closes of rows 2 to 16; held at those of 3 to 6 and of 13 to 15.
    assert len(gross) == 15
    held = [1, 2, 3, 4, 11, 12, 13]
    assert [i for i, share in enumerate(gross) if share > 1e-6] == held
    assert result.metrics.set_index("strategy").loc["overlapping", "exposure"] == pytest.approx(
        len(held) / len(gross)
    )


class Unequal(EventStrategy):
    """Half a sleeve of A, then eight tenths of B."""

    gross: float = 1.0

    def targets(self, event, history):
        return {"A": 0.5} if event.main == "A" else {"B": 0.8}


@pytest.mark.parametrize("engine", ["cerebro", "auto"])
def test_a_name_above_its_limit_excuses_no_other(make_event, make_table, flat, engine):
    """A doubles after its entry: 100,000 of 150,000. B would be 80,000 of 150,000, limit 0.52."""
    assert 100 / 150 > 80 / 150 > 0.52 > 50 / 100
    days, prices = flat(20, {"A": dict.fromkeys(range(4, 20), 200.0)}, A=100.0, B=100.0)
    events = [
        make_event(ticker, str(days[row]), tickers=(ticker,), row=row)
        for ticker, row in (("A", 2), ("B", 5))
    ]
    limits = Limits(gross=9.0, net=9.0, single=0.52, initial=0.0)
    result = backtest(
        events, make_table(days, prices), Unequal, costs=FREE, capital=1e5, limits=limits,
        engine=engine,
    )  # fmt: skip
    assert result.trades["ticker"].tolist() == ["A"]
    (refused,) = result.orders.loc[result.orders["ticker"] == "B", "reason"]
    assert refused == "single-name exposure would be 0.533 of equity, limit 0.52"
