"""Returns, positions and transactions as other packages take them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eventstudy.backtest import Costs, EventStrategy, backtest
from eventstudy.backtest.metrics import path_metrics
from eventstudy.backtest.relative import benchmark_line
from eventstudy.errors import UnknownNameError

CAPITAL = 10_000.0


class Pair(EventStrategy):
    """Long A, short B."""

    hold: int = 2
    gross: float = 1.0

    def targets(self, event, history):
        return {"A": 0.5, "B": -0.2}


@pytest.fixture
def run(make_event, make_table, make_days):
    """One event on session 3 and one on the last but one, whose legs stay open."""
    days = make_days(10)
    closes = {"A": 100.0 + np.arange(10), "B": 50.0 - np.arange(10), "SPY": np.full(10, 10.0)}
    prices = {name: {"open": close, "close": close} for name, close in closes.items()}
    table = make_table(days, prices)
    events = [make_event(f"e{row}", str(days[row]), tickers=("A", "B"), row=row) for row in (3, 8)]
    return backtest(events, table, Pair, costs=Costs(0, 0, 0), capital=CAPITAL), days


def test_positions_by_hand(run):
    """Decided at 103 and 47: 5,000 / 103 shares of A, 2,000 / 47 of B sold; held two sessions."""
    result, days = run
    found = result.positions("pair")
    assert list(found.columns) == ["A", "B", "cash"]
    a, b = 5000 / 103, -2000 / 47
    assert found["A"].iloc[:4].to_numpy() == pytest.approx([0, a * 104, a * 105, 0])
    assert found["B"].iloc[:4].to_numpy() == pytest.approx([0, b * 46, b * 45, 0])
    cash = CAPITAL - a * 104 - b * 46
    assert found["cash"].iloc[:3].to_numpy() == pytest.approx([CAPITAL, cash, cash])
    # The second pair is bought at the last open and is still there at its close.
    assert found["A"].iloc[-1] == pytest.approx(5000 / 108 * 109)
    assert found.index[0] == pd.Timestamp(days[3])


def test_transactions_by_hand(run):
    result, days = run
    found = result.transactions("pair")
    a, b = 5000 / 103, -2000 / 47
    first = found.loc[pd.Timestamp(days[4])].set_index("symbol")
    assert first["amount"].to_dict() == pytest.approx({"A": a, "B": b})
    assert first["price"].to_dict() == {"A": 104.0, "B": 46.0}
    out = found.loc[pd.Timestamp(days[6])].set_index("symbol")
    assert out["amount"].to_dict() == pytest.approx({"A": -a, "B": -b})
    assert len(found) == 6  # what is open at the end was not sold


def test_a_name_that_did_not_run_is_told(run):
    result, _ = run
    for ask in (result.returns, result.positions, result.transactions):
        with pytest.raises(UnknownNameError, match="did you mean 'pair'"):
            ask("pairs")
    assert result.returns("hold SPY").eq(0).all()


@pytest.mark.parametrize("over", [{}, {"leg_stop": 0.02}], ids=["vectorised", "cerebro"])
def test_positions_make_up_the_account(make_event, make_table, make_days, over):
    """Rows sum to the value that the engine kept, and their parts to its exposures."""
    rng = np.random.default_rng(5)
    days = make_days(120)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (120, 3)), axis=0))
    names = ("A", "B", "SPY")
    prices = {
        n: {"open": close[:, i], "close": close[:, i], "high": close[:, i] * 1.01,
            "low": close[:, i] * 0.99}
        for i, n in enumerate(names)
    }  # fmt: skip
    table = make_table(days, prices, {"A": {str(days[22]): 1.0}})
    events = [
        make_event(f"e{row}", str(days[row]), tickers=("A", "B"), row=row)
        for row in (10, 20, 21, 55, 118)
    ]
    result = backtest(events, table, (Pair, {"hold": 6, **over}), capital=CAPITAL)
    account = result.equity.set_index("date")
    held = result.positions(account["strategy"].iloc[0])
    legs = held.drop(columns="cash")
    np.testing.assert_allclose(held.sum(axis=1), account["value"], rtol=1e-13)
    np.testing.assert_allclose(legs.abs().sum(axis=1) / account["value"], account["gross"], rtol=0,
                               atol=1e-13)  # fmt: skip
    np.testing.assert_allclose(legs.sum(axis=1) / account["value"], account["net"], rtol=0,
                               atol=1e-13)  # fmt: skip


# Drawn once, rounded; what empyrical-reloaded 0.7.1 says of them is below.
OWN = [
    -0.0199, -0.015, -0.0153, -0.0032, -0.0268, -0.0013, -0.0105, 0.0117, 0.0125, 0.0177, 0.0102,
    0.0004, 0.0113, 0.0191, -0.0068, 0.0083, 0.0005, 0.0183, -0.009, -0.0026, 0.0053, 0.0041,
    -0.0187, 0.0053,
]  # fmt: skip
MARKET = [
    -0.0084, -0.0074, -0.0069, 0.001, -0.0248, 0.0124, -0.0106, -0.0128, 0.0048, 0.0192, 0.0004,
    0.0131, 0.0175, 0.0012, -0.0219, -0.0061, 0.0102, 0.0013, -0.0152, -0.0112, 0.0026, 0.0019,
    0.0, 0.0105,
]  # fmt: skip
EMPYRICAL = {
    "annual_return": -0.0643609723576889,
    "volatility": 0.2056120703613017,
    "sharpe": -0.224694979817174,
    "sortino": -0.30542021916053824,
    "max_drawdown": -0.08867866937014952,
    "calmar": -0.7257773804548503,
}
BETA, ALPHA = 0.6294435555630705, 0.15805822629362565


def test_figures_agree_with_empyrical():
    """Another program on the same returns; it compounds alpha, ours is a mean times 252."""
    own, market = np.array(OWN), np.array(MARKET)
    ours = path_metrics(np.concatenate([[1.0], np.cumprod(1 + own)]), np.zeros(len(own)))
    for name, value in EMPYRICAL.items():
        assert ours[name] == pytest.approx(value, rel=1e-12), name
    line = benchmark_line(own, market)
    assert line.beta == pytest.approx(BETA, rel=1e-12)
    assert (1 + line.alpha / 252) ** 252 - 1 == pytest.approx(ALPHA, rel=1e-12)
