"""Each row of a sweep is a backtest of those parameters, on the sessions of the sweep."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.backtest import Costs, backtest
from eventstudy.backtest.sweep import sweep

SAMPLE = {"hold": [1, 8], "gross": [0.1, 0.2], "stop_loss": [None, 0.03]}


@pytest.fixture(scope="module")
def sample(root):
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(sorted(events.tickers | {"SPY"}), source="sample", missing="drop")
    return events, prices


def spread_out(single, sweep_days, capital):
    """The account of a single backtest on the sweep's sessions: flat before and after it."""
    own = single.equity.set_index("date")["value"]
    whole = own.reindex(pd.DatetimeIndex(sweep_days))
    whole[: own.index[0]] = capital
    return whole.ffill().to_numpy()


def check_row(result, column, single):
    row, days = result.ran.loc[column], result.sessions
    first = int(np.searchsorted(days, np.datetime64(result.config["start"])))
    window = days[first : first + result.config["sessions"]]
    values = spread_out(single, window, result.config["capital"])
    returns = values[1:] / values[:-1] - 1
    np.testing.assert_allclose(result.excess[:, column], returns, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(result.dates, window[1:])
    n = len(returns)
    ratio = returns.mean() / returns.std(ddof=1) * math.sqrt(252)
    by_hand = {
        "total_return": values[-1] / 1e6 - 1,
        "annual_return": (values[-1] / 1e6) ** (252 / n) - 1,
        "volatility": returns.std(ddof=1) * math.sqrt(252),
        "sharpe": ratio,
        "sharpe_se": math.sqrt((1 + ratio**2 / 252 / 2) / n) * math.sqrt(252),
        "max_drawdown": min(v / values[: i + 1].max() - 1 for i, v in enumerate(values)),
    }
    for name, expected in by_hand.items():
        assert row[name] == pytest.approx(expected, rel=1e-11, abs=1e-14), name
    told = single.metrics[single.metrics["kind"] == "strategy"].iloc[0]
    assert row["events"] == told["events_traded"]
    assert row["hit_rate"] == pytest.approx(told["hit_rate"], nan_ok=True)
    assert row["total_return"] == pytest.approx(told["total_return"], abs=1e-14)
    by_event = single.attribution.set_index("event_id")
    places = {name: i for i, name in enumerate(result.event_ids)}
    traded = [places[name] for name in by_event.index]
    np.testing.assert_allclose(result.earned[traded, column], by_event["pnl"], atol=1e-8)
    rest = np.setdiff1d(np.arange(len(places)), traded)
    assert not result.earned[rest, column].any()
    assert (result.closed[rest, column] == -1).all()
    left = days[result.closed[traded, column]]
    np.testing.assert_array_equal(left, by_event["exit_date"].to_numpy("datetime64[D]"))


def test_rows_equal_single_backtests_on_the_sample(sample) -> None:
    result = sweep(*sample, "asic-gpu-rotation", SAMPLE, jobs=1)
    assert set(result.table["engine"]) == {"vectorised", "cerebro"}
    assert len(result.ran) == 8
    for column, row in result.ran.iterrows():
        given = {n: None if pd.isna(row[n]) else row[n] for n in result.parameters}
        given["hold"] = int(given["hold"])
        single = backtest(*sample, ("asic-gpu-rotation", given))
        assert row["engine"] == next(iter(single.config["engine"].values()))
        check_row(result, column, single)


def test_rows_equal_backtests_on_cerebro_of_a_made_world(world, folder) -> None:
    over = {"k": [0.0, 0.01, 0.03], "hold": [2, 9], "entry": [1, 3]}
    result = sweep(*world, "pair:gross=0.3", over, folder=folder, jobs=1)
    assert set(result.table["engine"]) == {"vectorised"}
    for column, row in result.ran.iterrows():
        given = {"k": row["k"], "hold": int(row["hold"]), "entry": int(row["entry"]), "gross": 0.3}
        single = backtest(*world, ("pair", given), folder=folder, engine="cerebro")
        check_row_loosely(result, column, single)


def check_row_loosely(result, column, single):
    """Engines agree to 1e-12 of the capital, not bit for bit."""
    row = result.ran.loc[column]
    told = single.metrics[single.metrics["kind"] == "strategy"].iloc[0]
    assert row["total_return"] == pytest.approx(told["total_return"], abs=2e-12)
    assert row["events"] == told["events_traded"]
    pnl = single.attribution.set_index("event_id")["pnl"]
    places = {name: i for i, name in enumerate(result.event_ids)}
    np.testing.assert_allclose(
        result.earned[[places[name] for name in pnl.index], column], pnl, atol=1e-5
    )


def test_interest_and_all_options_reach_every_variant(world, folder) -> None:
    options = {
        "costs": Costs(5, 10, 300, borrow={"B": 900.0}, rebate=0.5),
        "capital": 5e5,
        "risk_free": 0.05,
        "shortable": {"A": False},
        "seed": 3,
    }
    result = sweep(*world, "pair", {"tilt": [0.2, 0.8]}, folder=folder, jobs=1, **options)
    for column, tilt in enumerate((0.2, 0.8)):
        single = backtest(*world, ("pair", {"tilt": tilt}), folder=folder, **options)
        # One hold and one entry: both keep the same window, so the metrics are comparable.
        told = single.metrics[single.metrics["kind"] == "strategy"].iloc[0]
        row = result.ran.loc[column]
        assert 0 < row["events"] < len(world[0])
        for name in ("total_return", "annual_return", "sharpe", "sharpe_se", "max_drawdown"):
            assert row[name] == pytest.approx(told[name], rel=1e-12), name
        values = single.equity["value"].to_numpy()
        np.testing.assert_array_equal(single.equity["date"].to_numpy("datetime64[D]")[1:],
                                      result.dates)  # fmt: skip
        gaps = np.diff(single.equity["date"].to_numpy("datetime64[D]").astype(int))
        rates = 0.05 * gaps / 360
        np.testing.assert_allclose(
            result.excess[:, column], values[1:] / values[:-1] - 1 - rates, atol=1e-15
        )


def test_a_generator_begins_anew_for_every_variant(world, folder) -> None:
    result = sweep(*world, "random", {"gross": [0.1, 0.2, 0.3]}, folder=folder, jobs=1, seed=8)
    single = backtest(*world, ("random", {"gross": 0.3}), folder=folder, seed=8)
    told = single.metrics[single.metrics["kind"] == "strategy"].iloc[0]
    assert result.ran.loc[2, "total_return"] == pytest.approx(told["total_return"], rel=1e-12)
    # The same draws at three sizes: profits are in proportion.
    np.testing.assert_allclose(result.earned[:, 2], 3 * result.earned[:, 0], rtol=1e-9)


def test_a_variant_without_a_trade_stands_still_and_has_no_ratio(world, folder) -> None:
    over = {"k": [0.0, 9.0]}
    result = sweep(*world, "pair", over, folder=folder, jobs=1, risk_free=0.04)
    idle = result.ran.loc[1]
    assert idle["events"] == 0
    assert math.isnan(idle["sharpe"])
    assert math.isnan(idle["sharpe_se"])
    assert math.isnan(idle["hit_rate"])
    assert result.best == 0
    np.testing.assert_allclose(result.excess[:, 1], 0.0, atol=1e-15)


def test_an_event_that_breaks_even_counts_as_traded(make_event, make_table, flat, folder) -> None:
    """Flat prices without costs: every trade earns exactly nothing."""
    days, prices = flat(40, A=100.0, B=50.0)
    events = [make_event(f"e{i}", str(days[5 * i + 3])) for i in range(4)]
    free = Costs(0, 0, 0)
    result = sweep(events, make_table(days, prices), "pair", {"hold": [1, 2]}, folder=folder,
                   jobs=1, costs=free)  # fmt: skip
    assert result.ran["events"].tolist() == [4, 4]
    assert result.ran["hit_rate"].tolist() == [0.0, 0.0]
    assert result.best == -1


def test_text_is_read_as_the_parameters_type(world, folder) -> None:
    text = sweep(*world, "pair", {"hold": ["2", "9"]}, folder=folder, jobs=1)
    number = sweep(*world, "pair", {"hold": np.array([2, 9])}, folder=folder, jobs=1)
    np.testing.assert_array_equal(text.excess, number.excess)
    assert number.excess.shape[1] == 2


def test_halts_are_handled_as_in_a_backtest(world, folder) -> None:
    events, table = world
    close, opens = table.close.copy(), table.open.copy()
    close[60:64, 1] = opens[60:64, 1] = np.nan
    halted = replace(table, close=close, open=opens)
    result = sweep(events, halted, "pair", {"hold": [3, 7]}, folder=folder, jobs=1)
    assert "cerebro" in set(result.table["engine"])
    for column, hold in enumerate((3, 7)):
        check_row_loosely(
            result, column, backtest(events, halted, ("pair", {"hold": hold}), folder=folder)
        )
