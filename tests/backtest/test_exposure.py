"""Exposure is the share of sessions with a position: rounding of netted sleeves is none."""

import pytest

from eventstudy.backtest import FREE, EventStrategy, backtest


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
