"""Quality checks: each finds what it is for, and leaves ordinary prices alone."""

import math
from dataclasses import replace

import numpy as np
import pytest

from eventstudy.errors import PriceError
from eventstudy.prices import PriceTable, coverage_frame, load_prices, quality_frame
from eventstudy.prices.bars import Bars, date_faults, table_from_bars
from eventstudy.prices.quality import (
    checked,
    forgotten_splits,
    price_errors,
    price_warnings,
    structure_errors,
)
from eventstudy.prices.table import FIELDS

NAN = math.nan


def table(days: list[str] | None = None, **given: list[float]) -> PriceTable:
    count = len(next(iter(given.values())))
    dates = np.arange("2024-01-01", "2025-01-01", dtype="datetime64[D]")[:count]
    columns = {name: np.full((count, 1), NAN) for name in FIELDS}
    columns |= {name: np.array(values, dtype=float)[:, None] for name, values in given.items()}
    own = dates if days is None else np.array(days, dtype="datetime64[D]")
    return PriceTable(("A",), own, source="hand", **columns)


def checks(given: PriceTable) -> list[tuple[str, str | None]]:
    return [(w.check, w.date) for w in price_warnings(given)]


def test_ordinary_prices_raise_no_doubt() -> None:
    rng = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, 300)))
    own = table(close=close, open=close * 1.01, high=close * 1.02, low=close * 0.98)
    assert checks(replace(own, volume=np.full((300, 1), 5.0))) == []
    assert price_errors(own) == ()
    assert structure_errors(own) == ()


@pytest.mark.parametrize(
    ("field", "value", "check"),
    [
        ("close", 0.0, "non_positive"),
        ("open", -1.0, "non_positive"),
        ("adj_close", -1.0, "non_positive"),
        ("high", math.inf, "infinite"),
        ("volume", -1.0, "negative"),
        ("dividends", -0.1, "negative"),
        ("dividends", math.inf, "infinite"),
    ],
)
def test_errors_carry_the_first_date_and_the_count(field: str, value: float, check: str) -> None:
    given = {"close": [10.0, 10.0, 10.0, 10.0], field: [10.0, value, value, 10.0]}
    (error,) = price_errors(table(**given))
    assert (error.ticker, error.check, error.date) == ("A", check, "2024-01-02")
    assert error.detail == f"{field} is {value:g} on 2024-01-02 (and 1 more)"


def test_zero_volume_and_zero_dividends_are_no_errors() -> None:
    assert price_errors(table(close=[1, 2], volume=[0, 0], dividends=[0, 0])) == ()


@pytest.mark.parametrize(
    ("days", "word"),
    [
        (["2024-01-02", "2024-01-02", "2024-01-03"], "the date 2024-01-02 stands twice"),
        (["2024-01-02", "2024-01-04", "2024-01-03"], "2024-01-03 comes after 2024-01-04"),
        (["2024-01-02", "NaT", "2024-01-03"], "1 dates are missing"),
    ],
)
def test_dates_out_of_order_are_errors_with_the_date(days: list[str], word: str) -> None:
    dates = np.array(days, dtype="datetime64[D]")
    assert word in "; ".join(date_faults(dates))
    assert word in "; ".join(structure_errors(table(days, close=[1, 2, 3])))
    bars = Bars("A", dates, {"close": np.ones(3)}, "hand")
    with pytest.raises(PriceError, match=word):
        table_from_bars([bars], source="hand", missing={})


def test_high_below_low_and_closes_outside_are_doubts() -> None:
    own = table(open=[10, 10, 14], high=[11, 9, 13], low=[9, 10, 9], close=[10, 10, 10])
    found = price_warnings(own)
    assert [(w.check, w.date) for w in found] == [("range", "2024-01-02")] * 3
    assert "high is below low on 2024-01-02" in found[0].detail
    assert "open lies outside low to high on 2024-01-02 (and 1 more)" in found[1].detail


def test_rounding_is_no_doubt() -> None:
    own = table(open=[10.004], high=[10.0], low=[9.996], close=[9.992], volume=[1])
    assert checks(own) == []


@pytest.mark.parametrize("ratio", [2, 3, 4, 5, 7, 8, 10, 15, 20])
@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("opens", [False, True])
def test_a_forgotten_split_is_found_with_its_date(ratio: float, up: bool, opens: bool) -> None:
    factor = ratio if up else 1 / ratio
    close = [100, 101, 101 * factor * 1.01, 101 * factor]
    fields = {"close": close}
    if opens:
        fields["open"] = [100, 100.5, 101 * factor * 0.99, 101 * factor]
    (doubt,) = [w for w in price_warnings(table(**fields)) if w.check == "split"]
    assert doubt.date == "2024-01-03"
    assert (f"1 for {ratio:g}" if up else f"{ratio:g} for 1") in doubt.detail


def test_a_three_for_two_split_needs_the_open_to_fit() -> None:
    price = np.array([150.0, 100.0])
    assert forgotten_splits(price, np.array([150.0, 100.2])) == [(1, 1.5)]
    assert forgotten_splits(price, None) == []
    # A fall by a third over the day, from an open a fifth down: earnings, not a split.
    assert forgotten_splits(price, np.array([150.0, 120.0])) == []


@pytest.mark.parametrize(
    ("before", "opened", "after"),
    [
        (180.66, 213.90, 224.80),  # AVGO, 2024-12-13
        (142.62, 124.80, 118.42),  # NVDA, 2025-01-27
        (100.0, 75.0, 74.0),  # a quarter lost over night
        (100.0, 98.0, 50.0),  # halved during the day, not over night
        (100.0, 60.0, 50.0),
        (100.0, 130.0, 140.0),
    ],
)
def test_news_is_no_split(before: float, opened: float, after: float) -> None:
    close = np.array([before, after])
    assert forgotten_splits(close, np.array([before, opened])) == []


def test_a_stated_dividend_explains_a_fall() -> None:
    own = table(close=[100, 50, 50], dividends=[0, 50, 0], volume=[1, 1, 1])
    assert checks(own) == []


def test_closes_not_adjusted_where_adjusted_closes_are() -> None:
    own = table(close=[1000, 100, 101], adj_close=[100, 100, 101], volume=[1, 1, 1])
    (doubt,) = price_warnings(own)
    assert doubt.check == "split"
    assert "adj_close does not move with it" in doubt.detail


def test_adjusted_closes_alone_are_looked_at_too() -> None:
    assert checks(table(adj_close=[100, 10, 10.1]))[0] == ("split", "2024-01-02")


@pytest.mark.parametrize(("volume", "found"), [(0.0, True), (NAN, True), (7.0, False)])
def test_a_price_repeated_without_volume_is_stale(volume: float, found: bool) -> None:
    close = [9.0, 10.0, 10.0, 10.0, 10.0, 10.0, 11.0]
    expected = [("stale", "2024-01-02")] if found else []
    assert checks(table(close=close, volume=[volume] * 7)) == expected
    assert checks(table(close=[9.0, 10.0, 10.0, 10.0, 10.0, 11.0, 12.0], volume=[0.0] * 7)) == []


def test_adjusted_closes_that_take_back_a_dividend() -> None:
    own = table(close=[100, 100, 100], adj_close=[100, 98, 98], volume=[1, 1, 1])
    assert checks(own) == [("adjustment", "2024-01-02")]


def test_a_field_given_on_some_dates_only() -> None:
    own = table(close=[1, 1.1, 1.2], adj_close=[1, NAN, 1.2], volume=[1, 1, 1])
    (doubt,) = price_warnings(own)
    assert (doubt.check, doubt.date) == ("partial", "2024-01-02")
    assert "no adj_close" in doubt.detail


def test_gaps_and_foreign_dates_against_the_calendar() -> None:
    days = ["2024-12-20", "2024-12-21", "2024-12-27"]  # a Friday, a Saturday, a Friday
    found = checked(table(days, close=[1, 1.1, 1.2], volume=[1, 1, 1]), "XNYS")
    # By hand: sessions between are 23, 24 and 26 December; the 25th is Christmas.
    assert [(w.check, w.date) for w in found] == [
        ("gap", "2024-12-23"),
        ("off_calendar", "2024-12-21"),
    ]
    assert "3 sessions without a price" in found[0].detail
    assert checked(table(days, close=[1, 1.1, 1.2], volume=[1, 1, 1]), "prices") == ()


def test_a_late_listing_is_no_gap() -> None:
    own = table(["2024-12-23", "2024-12-24", "2024-12-26"], close=[NAN, 1, 1.1], volume=[NAN, 1, 1])
    assert checked(own, "XNYS") == ()


def test_a_calendar_that_does_not_reach_back_is_said_and_no_error() -> None:
    # The library knows Tokyo from 1997 on.
    own = table(["1990-01-04", "1990-01-05"], close=[1, 1.1], volume=[1, 1])
    (doubt,) = checked(own, "XTKS")
    assert doubt.check == "calendar"
    assert "gaps were not looked for" in doubt.detail


def test_the_quality_frame_lists_errors_first() -> None:
    own = table(["2024-12-20", "2024-12-24", "2024-12-26"], close=[1, -1, 1.1], volume=[1, 1, 1])
    frame = quality_frame(own)
    assert frame.columns.tolist() == ["ticker", "severity", "check", "date", "detail"]
    assert frame["severity"].tolist() == ["error", "warning"]
    assert frame["check"].tolist() == ["non_positive", "gap"]
    assert quality_frame(load_prices()).empty


def test_the_coverage_frame_counts_by_hand() -> None:
    prices = load_prices(["AVGO", "TSM"])
    frame = coverage_frame(prices)
    avgo, tsm = frame.to_dict("records")
    assert (avgo["first"], avgo["last"], avgo["sessions"]) == ("2024-03-01", "2025-02-28", 250)
    assert avgo["fields"] == "open close dividends"
    assert (avgo["gaps"], avgo["warnings"]) == (0, 0)
    assert avgo["sha256"] == prices.digest("AVGO")
    assert len(avgo["sha256"]) == 64
    assert (tsm["ticker"], tsm["sessions"]) == ("TSM", 0)
    assert "no file or column" in tsm["note"]
    holed = table(["2024-12-20", "2024-12-27"], close=[1, 1.1])
    assert coverage_frame(holed)["gaps"].tolist() == [0]
    assert coverage_frame(holed, calendar="XNYS")["gaps"].tolist() == [3]
