"""The figures of a whole run, recomputed from its daily values by other software."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from eventstudy.backtest import EventStrategy, backtest

RATE = 0.036  # a basis point a day on 360


class Both(EventStrategy):
    """Long A, a third as much short B."""

    hold: int = 15
    gross: float = 0.6

    def targets(self, event, history):
        return {"A": 0.6, "B": -0.2}


@pytest.fixture(scope="module")
def found(make_event, make_table, make_days):
    """Sessions from 2024-01-02 to 2024-03-28: Good Friday, the 29th, is none."""
    rng = np.random.default_rng(4)
    days = make_days(90)
    days = days[days != np.datetime64("2024-03-29")]
    market = rng.normal(0, 0.01, len(days))
    close = {
        "SPY": 100 * np.exp(np.cumsum(market)),
        "A": 50 * np.exp(np.cumsum(1.2 * market + rng.normal(0, 0.02, len(days)))),
        "B": 20 * np.exp(np.cumsum(0.8 * market + rng.normal(0, 0.02, len(days)))),
    }
    table = make_table(days, {name: {"close": path} for name, path in close.items()})
    last = int(np.flatnonzero(days == np.datetime64("2024-03-28"))[0])
    # In on session row + 1, out 15 sessions later: the last leg leaves on the 28th of March.
    events = [make_event(f"e{row}", str(days[row]), row=row) for row in (4, 20, 35, last - 16)]
    return backtest(events, table, Both, capital=1e5, risk_free=RATE), close["SPY"], days


def series(frame, name):
    path = frame[frame["strategy"] == name]
    return pd.Series(path["value"].to_numpy(), index=pd.DatetimeIndex(path["date"]))


def test_alpha_and_beta_are_over_cash(found):
    result, spy, days = found
    value = series(result.equity, "both")
    cash = value.index.to_series().diff().dt.days.iloc[1:] * RATE / 360
    at = np.searchsorted(days, value.index.to_numpy().astype("datetime64[D]"))
    market = pd.Series(spy[at], index=value.index).pct_change().iloc[1:]
    excess, line = value.pct_change().iloc[1:] - cash, market - cash
    model = sm.OLS(excess.to_numpy(), sm.add_constant(line.to_numpy()))
    lags = int(4 * (len(line) / 100) ** (2 / 9))
    robust = model.fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    row = result.metrics.set_index("strategy").loc["both"]
    assert row["alpha"] == pytest.approx(252 * robust.params[0], rel=1e-8)
    assert row["beta"] == pytest.approx(robust.params[1], rel=1e-8)
    assert row["alpha_hac_se"] == pytest.approx(252 * robust.bse[0], rel=1e-8)
    assert row["beta_se"] == pytest.approx(model.fit().bse[1], rel=1e-8)
    without = sm.OLS(excess.to_numpy(), sm.add_constant(market.to_numpy())).fit()
    assert row["alpha"] != pytest.approx(252 * without.params[0], rel=1e-4)
    active = excess - line
    expected = active.mean() / active.std() * np.sqrt(252)
    assert row["information_ratio"] == pytest.approx(expected, rel=1e-8)
    below = np.sqrt((excess.clip(upper=0) ** 2).mean())
    assert row["sortino"] == pytest.approx(excess.mean() / below * np.sqrt(252), rel=1e-8)


def test_the_rest_of_the_path_by_pandas(found):
    result, _, _ = found
    for name, frame in (("both", result.equity), ("hold SPY", result.yardsticks)):
        value = series(frame, name)
        row = result.metrics.set_index("strategy").loc[name]
        returns = value.pct_change().iloc[1:]
        months = value.resample("ME").last()
        months = (months / months.shift(fill_value=value.iloc[0]) - 1).to_numpy()
        assert len(set(np.sign(months))) == 2  # some up, some down
        assert row["worst_month"] == pytest.approx(months.min(), rel=1e-10)
        assert row["positive_months"] == pytest.approx((months > 0).mean())
        assert row["worst_day"] == pytest.approx(returns.min(), rel=1e-10)
        apart = (returns - returns.mean()) / returns.std(ddof=0)
        assert row["skewness"] == pytest.approx((apart**3).mean(), rel=1e-8)
        assert row["kurtosis"] == pytest.approx((apart**4).mean(), rel=1e-8)
        depth = (value / value.cummax() - 1).min()
        assert row["calmar"] == pytest.approx(row["annual_return"] / -depth, rel=1e-10)


def test_the_dates_of_the_longest_drawdown(found):
    """From the running high by pandas: sessions since it, the longest run of them."""
    result, _, _ = found
    for name, frame in (("both", result.equity), ("hold SPY", result.yardsticks)):
        value = series(frame, name)
        row = result.metrics.set_index("strategy").loc[name]
        spell = (value >= value.cummax()).cumsum()
        longest = spell.value_counts().sort_index().idxmax()
        inside = value[spell == longest]  # the high, then all that lies under it
        after = value.index[spell > longest]
        assert row["drawdown_start"] == inside.index[0]
        assert row["drawdown_trough"] == inside.idxmin()
        assert inside.idxmin() not in (inside.index[0], inside.index[-1])
        recovered = len(after) > 0
        assert row["longest_drawdown"] == len(inside) - (not recovered)
        if recovered:
            assert row["drawdown_recovery"] == after[0]
        else:
            assert pd.isna(row["drawdown_recovery"])


def test_a_month_that_ends_before_a_holiday_is_whole(found):
    result, _, _ = found
    assert result.config["end"] == "2024-03-28"
    assert result.config["following"] == "2024-04-01"
    months = result.monthly[result.monthly["month"].notna()]
    for _, rows in months.groupby("strategy"):
        assert rows["month"].tolist() == [1, 2, 3]
        assert rows["partial"].tolist() == [True, False, False]
    assert set(months["strategy"]) == {"both", "hold SPY"}


def test_the_last_session_of_the_prices_is_followed_by_nothing_known(make_event, flat, make_table):
    days, prices = flat(10, A=10.0, B=20.0)  # to 2024-01-15
    table = make_table(days, prices)
    result = backtest([make_event("e", str(days[5]))], table, Both, capital=1e5)
    assert result.config["following"] is None
    assert result.monthly["partial"].all()
