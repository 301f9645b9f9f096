"""Break-even cost by hand."""

from __future__ import annotations

import math

import pytest

from eventstudy.backtest.luck import break_even_cost
from eventstudy.errors import BacktestError


def test_by_hand() -> None:
    # 30 + 10 - 15 = 25 earned on 10,000 + 6,000 + 4,000 traded: 25 / 20,000 is 12.5 bp.
    found = break_even_cost([30.0, 10.0, -15.0], [10_000.0, 6_000.0, 4_000.0])
    assert found.cost_bp == pytest.approx(12.5)
    assert (found.gross, found.traded, found.trades, found.why) == (25.0, 20_000.0, 3, "")


def test_a_round_trip_pays_it_on_both_ways() -> None:
    # 100 shares from 50 to 51: 100 earned, 5,000 bought and 5,100 sold.
    cost = break_even_cost(100.0, 10_100.0).cost_bp / 1e4
    assert 100 * 51 * (1 - cost) - 100 * 50 * (1 + cost) == pytest.approx(0.0, abs=1e-9)


def test_nothing_earned_bears_no_cost() -> None:
    assert break_even_cost([5.0, -5.0], [100.0, 100.0]).cost_bp == 0.0


def test_a_loser_and_an_idle_account_have_none() -> None:
    loser = break_even_cost([-20.0, 5.0], [100.0, 100.0])
    assert math.isnan(loser.cost_bp)
    assert loser.why == "gross profit is -15.00: it loses before any cost"
    for idle in (break_even_cost([], []), break_even_cost([0.0], [0.0])):
        assert math.isnan(idle.cost_bp)
        assert idle.why == "nothing was traded"


def test_users_mistakes_are_named_all_at_once() -> None:
    with pytest.raises(BacktestError, match=r"shape \(1,\), traded of shape \(2,\).*-3"):
        break_even_cost([1.0], [2.0, -3.0])
    with pytest.raises(BacktestError, match="1 values are not finite"):
        break_even_cost([math.nan], [1.0])
