"""The shipped strategies: their rule on a world by hand, then on the sample and real prices."""

import importlib
import itertools
from pathlib import Path

import numpy as np
import pytest

from eventstudy.backtest import FREE, Costs, backtest, standardised_jump
from eventstudy.backtest.history import StrategyEvent, cut
from eventstudy.backtest.library import find_strategy
from eventstudy.events import read_events
from eventstudy.prices import load_prices
from eventstudy.prices.table import PriceTable

PROJECT = Path(__file__).resolve().parents[2]
BOTH = ["asic-gpu-rotation", "post-event-drift"]
TICKERS = ("AVGO", "MRVL", "NVDA", "AMD", "SPY")


class Bare:
    """Stands in for a strategy object: its parameters, and `skip` that keeps the reason."""

    def __init__(self, strategy, **given):
        self.__dict__.update(strategy.with_parameters(given).parameters)
        self.cls, self.reason = strategy.cls, ""

    def skip(self, reason):
        self.reason = reason
        return {}

    def __getattr__(self, name):
        return getattr(self.cls, name).__get__(self)


def news(**signs):
    members = {"@ASIC": ("AVGO", "MRVL"), "@GPU": ("NVDA", "AMD")}
    return StrategyEvent(
        id="e",
        kind="test",
        subject="AVGO",
        session_0=np.datetime64("2024-12-31"),
        expects={f"@{name}": sign for name, sign in signs.items()},
        tickers=("AVGO", "NVDA"),
        baskets=members,
        weights={name: dict.fromkeys(two, 0.5) for name, two in members.items()},
    )


@pytest.mark.parametrize(
    ("signs", "sign"),
    [
        ({"ASIC": 1, "GPU": -1}, 1),
        ({"ASIC": -1, "GPU": 1}, -1),
        ({"ASIC": 1}, 1),
        ({"GPU": 1}, -1),
        ({"ASIC": 1, "GPU": 1}, 0),
        ({"ASIC": -1, "GPU": -1}, 0),
        ({}, 0),
    ],
)
def test_rotation_follows_the_sign_of_the_spread(signs, sign):
    bare = Bare(find_strategy("asic-gpu-rotation"))
    weights = bare.targets(news(**signs), None)
    if sign == 0:
        assert weights == {}
        assert bare.reason == "no direction between @ASIC and @GPU"
        return
    quarter = 0.25 * sign
    assert weights == {"AVGO": quarter, "MRVL": quarter, "NVDA": -quarter, "AMD": -quarter}


def history_with(jump, count=300):
    """AVGO = 2 x market + noise of exactly 1% up and down; then `jump` on the last session."""
    rng = np.random.default_rng(3)
    market = rng.normal(0, 0.01, count)
    noise = np.where(np.arange(count) % 2, 0.01, -0.01)
    returns = np.column_stack([2 * market + noise, market])
    returns[-1, 0] = 2 * market[-1] + jump
    days = np.busday_offset("2024-12-31", np.arange(-count + 1, 1))
    close = 100 * np.cumprod(1 + returns, axis=0)
    blank = np.full_like(close, np.nan)
    names = ("AVGO", "SPY")
    table = PriceTable(names, days, blank, blank, blank, close, blank, blank, blank, "made")
    return cut(table, count - 1, "SPY")


@pytest.mark.parametrize(("jump", "sign"), [(0.05, 1), (-0.05, -1), (0.015, 0), (-0.015, 0)])
def test_drift_follows_a_jump_above_two_standard_errors(jump, sign):
    """The residual s.d. is 1% by construction, so 5% stands out and 1.5% does not."""
    bare = Bare(find_strategy("post-event-drift"))
    weights = bare.targets(news(), history_with(jump))
    if sign == 0:
        assert weights == {}
        assert "not above 2" in bare.reason
    else:
        assert weights == {"AVGO": 0.5 * sign, "SPY": -0.5 * sign}
        unhedged = Bare(find_strategy("post-event-drift"), hedged=False)
        assert unhedged.targets(news(), history_with(jump)) == {"AVGO": float(sign)}


def test_drift_is_the_forecast_t_of_statsmodels():
    import statsmodels.api as sm

    history = history_with(0.05)
    found = standardised_jump(history, "AVGO", history.dates[-1])
    y, x = history.returns[-261:-11].T  # sessions -260 to -11
    model = sm.OLS(y, sm.add_constant(x)).fit()
    day = model.get_prediction([[1.0, history.returns[-1, 1]]])
    expected = (history.returns[-1, 0] - day.predicted_mean[0]) / day.se_obs[0]
    assert found == pytest.approx(expected, rel=1e-10)


def test_drift_needs_a_past():
    bare = Bare(find_strategy("post-event-drift"))
    assert bare.targets(news(), history_with(0.05, count=105)) == {}
    assert bare.reason == "too few returns of AVGO before the event"


def sane(result, events):
    told = set(result.config["strategies"])
    assert told == set(BOTH)
    for name in BOTH:
        row = result.metrics.set_index("strategy").loc[name]
        equity = result.equity[result.equity["strategy"] == name]
        trades = result.trades[result.trades["strategy"] == name]
        change = equity["value"].iloc[-1] - result.config["capital"]
        assert trades["pnl"].sum() + row["interest"] == pytest.approx(change, abs=1e-2)
        study = sum(event.use == "study" for event in events)
        assert row["events_traded"] + row["events_skipped"] == study
        assert np.isfinite(equity[["value", "gross", "net"]]).all().all()
        assert (trades["entry_date"] <= trades["exit_date"]).all()
    rotation = result.trades[result.trades["strategy"] == BOTH[0]]
    assert rotation.groupby("event_id")["side"].agg(sorted).map(tuple).unique().tolist() == [
        ("long", "long", "short", "short")
    ]


def test_on_the_sample():
    events = read_events(PROJECT / "events.csv")
    prices = load_prices(TICKERS, source="sample")
    result = backtest(events, prices, BOTH, risk_free=0.05)
    sane(result, events)
    # Broadcom's jump of 2024-12-13: decided after that close, filled on Monday's open.
    jump = result.trades[result.trades["event_id"].str.startswith("avgo-earnings-2024-12")]
    assert set(jump["entry_date"].astype(str)) == {"2024-12-16"}
    drift = jump[jump["strategy"] == "post-event-drift"].set_index("ticker")
    assert drift["side"].to_dict() == {"AVGO": "long", "SPY": "short"}
    opens = dict(
        zip(
            prices.tickers, prices.open[prices.dates == np.datetime64("2024-12-16")][0], strict=True
        )
    )
    assert drift.loc["AVGO", "entry_price"] == pytest.approx(opens["AVGO"] * 1.0002)
    closes = prices.close[prices.dates == np.datetime64("2024-12-13"), prices.column("AVGO")][0]
    assert drift.loc["AVGO", "size"] == pytest.approx(0.5 * 0.2 * 1_000_000 / closes)


def test_holding_spy_on_the_sample_is_its_total_return():
    """From the sample's own figures: closes and the dividends that fall in the window."""
    events = read_events(PROJECT / "events.csv")
    prices = load_prices(TICKERS, source="sample")
    result = backtest(events, prices, BOTH[:1])
    held = result.yardsticks.loc[result.yardsticks["strategy"] == "hold SPY", "date"]
    at = np.searchsorted(prices.dates, held.to_numpy().astype("datetime64[D]"))
    spy = prices.column("SPY")
    growth = 1.0
    for before, now in itertools.pairwise(at):
        growth *= (prices.close[now, spy] + prices.cash_dividends[now, spy]) / prices.close[
            before, spy
        ]
    held = result.metrics.set_index("strategy").loc["hold SPY", "total_return"]
    assert held == pytest.approx(growth - 1, rel=1e-12)


def test_costs_lessen_the_result_on_the_sample():
    events = read_events(PROJECT / "events.csv")
    prices = load_prices(TICKERS, source="sample")
    free, dear = (backtest(events, prices, BOTH[:1], costs=c) for c in (FREE, Costs(5, 10, 300)))
    gap = free.trades["pnl"].sum() - dear.trades["pnl"].sum()
    assert gap == pytest.approx(dear.trades["costs"].sum(), rel=1e-9)
    assert gap > 0


@pytest.mark.vendor
def test_on_the_real_folder():
    folder = PROJECT / "../shared/prices"
    if not folder.is_dir():
        pytest.skip("the folder of real vendor quotes (../shared/prices) is not there")
    events = read_events(PROJECT / "events.csv")
    prices = load_prices(events.tickers | {"SPY"}, source=folder)
    result = backtest(events, prices, BOTH, risk_free=0.05)
    sane(result, events)
    assert result.metrics.set_index("strategy").loc[BOTH, "events_traded"].min() > 20


def test_the_room_names_what_it_offers():
    room = importlib.import_module("eventstudy.backtest")
    assert {"EventStrategy", "backtest", "Costs", "Limits", "BacktestResult"} <= set(dir(room))
