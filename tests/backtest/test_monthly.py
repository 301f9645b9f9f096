"""Monthly returns: by hand, against pandas' own calendar, and compounding to the whole."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.backtest.monthly import (
    MONTHLY,
    month_is_over,
    monthly_table,
    monthly_text,
    period_returns,
)


def path_of(days, values, name="one"):
    return pd.DataFrame({"strategy": name, "date": pd.DatetimeIndex(days), "value": values})


def table_of(days, values, following=None):
    after = None if following is None else np.datetime64(following)
    return monthly_table(path_of(days, values), after)


def test_months_and_years_by_hand():
    days = ["2023-12-28", "2023-12-29", "2024-01-02", "2024-01-31", "2024-02-01"]
    found = table_of(days, [100.0, 110.0, 99.0, 121.0, 60.5], "2024-02-02")
    assert tuple(found.columns) == MONTHLY
    rows = [tuple(row) for row in found.fillna({"month": 0}).itertuples(index=False)]
    assert rows == [
        ("one", 2023, 12, pytest.approx(0.10), 1, True),
        ("one", 2023, 0, pytest.approx(0.10), 1, True),
        ("one", 2024, 1, pytest.approx(0.10), 2, False),
        ("one", 2024, 2, pytest.approx(-0.50), 1, True),
        ("one", 2024, 0, pytest.approx(-0.45), 3, True),
    ]


def test_a_base_at_the_end_of_a_month_opens_no_month():
    found = table_of(["2024-01-31", "2024-02-01", "2024-02-29"], [100.0, 101.0, 103.0], None)
    assert found["month"].dropna().tolist() == [2]
    assert found["partial"].tolist() == [False, True]  # the month is whole, its year is not


def test_a_whole_year_is_whole_and_a_month_less_is_not():
    days = pd.bdate_range("2023-12-29", "2024-12-31")
    whole = table_of(days, np.linspace(100, 200, len(days)), "2025-01-02")
    assert len(whole) == 13
    assert not whole["partial"].any()
    assert whole["return"].iloc[-1] == pytest.approx(1.0)
    less = table_of(days[days < "2024-12-01"], np.linspace(1, 2, (days < "2024-12-01").sum()))
    assert less["partial"].tolist() == [False] * 11 + [True]


@pytest.mark.parametrize(
    ("last", "following", "over"),
    [
        ("2024-03-28", "2024-04-01", True),  # Good Friday closes the exchange on the 29th
        ("2024-03-28", None, False),  # a weekday is left and nothing says it is a holiday
        ("2024-03-29", None, True),
        ("2024-03-27", "2024-03-28", False),
        ("2024-12-31", "2025-01-02", True),
        ("2024-02-28", None, False),  # the 29th is a Thursday
        ("2024-11-29", None, True),  # Saturday is the 30th
    ],
)
def test_when_a_month_is_over(last, following, over):
    after = None if following is None else np.datetime64(following)
    assert month_is_over(np.datetime64(last), after) is over


def test_a_ruined_account_has_no_return_from_then_on():
    days = ["2024-01-31", "2024-02-29", "2024-03-28", "2024-04-30"]
    found = table_of(days, [100.0, -10.0, 20.0, 30.0], "2024-05-01")
    months = found[found["month"].notna()]
    assert months["return"].tolist()[0] == pytest.approx(-1.1)
    assert np.isnan(months["return"].iloc[1])
    assert months["return"].iloc[2] == pytest.approx(0.5)


def test_no_session_no_row():
    found = table_of(["2024-01-31"], [100.0])
    assert found.empty
    assert tuple(found.columns) == MONTHLY
    assert found["month"].dtype == "Int64"
    assert monthly_text(found) == ""


@st.composite
def paths(draw):
    count = draw(st.integers(2, 400))
    start = np.datetime64("2023-01-02") + draw(st.integers(0, 400))
    days = np.busday_offset(start, np.arange(count), roll="forward")
    returns = np.random.default_rng(draw(st.integers(0, 10**6))).normal(0, 0.02, count - 1)
    return days, 100.0 * np.cumprod(np.concatenate([[1.0], 1.0 + returns]))


@settings(max_examples=40, deadline=None)
@given(paths())
def test_months_compound_to_the_whole_and_to_their_year(path):
    days, values = path
    found = table_of(days, values)
    months, years = found[found["month"].notna()], found[found["month"].isna()]
    whole = values[-1] / values[0]
    assert np.prod(1 + months["return"]) == pytest.approx(whole, rel=1e-12)
    assert np.prod(1 + years["return"]) == pytest.approx(whole, rel=1e-12)
    for year, rows in months.groupby("year"):
        own = years.loc[years["year"] == year]
        assert np.prod(1 + rows["return"]) - 1 == pytest.approx(own["return"].iloc[0], abs=1e-12)
        assert rows["sessions"].sum() == own["sessions"].iloc[0]
    assert months["sessions"].sum() == len(values) - 1


@settings(max_examples=40, deadline=None)
@given(paths())
def test_months_agree_with_resampling_by_pandas(path):
    days, values = path
    series = pd.Series(values, index=pd.DatetimeIndex(days)).resample("ME").last()
    base = pd.Series([values[0]], index=[pd.Timestamp("1900-01-31")])
    expected = pd.concat([base, series]).pct_change().iloc[1:]
    found = period_returns(values, days)
    if days[1].astype("datetime64[M]") > days[0].astype("datetime64[M]"):
        expected = expected.iloc[1:]  # the base alone is in its month
    assert found.returns == pytest.approx(expected.to_numpy(), abs=1e-12)


def test_the_text_by_hand():
    days = ["2023-12-28", "2023-12-29", "2024-01-02", "2024-01-31", "2024-02-01"]
    one = path_of(days, [100.0, 110.0, 99.0, 121.0, 60.5])
    flat = path_of(days[2:], [100.0, 99.99, 99.99], "two")
    text = monthly_text(monthly_table(pd.concat([one, flat]), np.datetime64("2024-02-02")))
    space = " " * 7
    assert text.splitlines() == [
        "one",
        "          Jan    Feb    Mar    Apr    May    Jun    Jul    Aug    Sep    Oct    Nov    Dec"
        "   year",
        "  2023" + space * 11 + "  10.0*  10.0*",
        "  2024  10.0  -50.0*" + space * 10 + " -45.0*",
        "",
        "two",
        text.splitlines()[1],
        "  2024   0.0*   0.0*" + space * 10 + "   0.0*",
        "",
        "Percent; * the window holds the month or year in part.",
    ]
