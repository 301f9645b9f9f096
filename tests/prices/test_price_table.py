"""Returns, dividends and sessions of the price table, against loops and sums by hand."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.errors import UnknownNameError
from eventstudy.prices.table import (
    FIELDS,
    PriceTable,
    PriceWarning,
    implied_dividends,
    total_returns,
)

NAN = math.nan


def table(
    days: list[str], tickers: tuple[str, ...] = ("A",), **given: list[list[float]]
) -> PriceTable:
    shape = (len(days), len(tickers))
    columns = {name: np.full(shape, NAN) for name in FIELDS}
    columns |= {name: np.array(rows, dtype=float).reshape(shape) for name, rows in given.items()}
    return PriceTable(tickers, np.array(days, dtype="datetime64[D]"), source="hand", **columns)


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def loop_returns(price: list[float], paid: list[float]) -> list[float]:
    """Total returns of one ticker, one session after another."""
    found = []
    for t, now in enumerate(price):
        before = t - 1
        while before >= 0 and math.isnan(price[before]):
            before -= 1
        if before < 0 or math.isnan(now) or t - before > 10:
            found.append(NAN)
            continue
        cash = math.fsum(0.0 if math.isnan(d) else d for d in paid[before + 1 : t + 1])
        found.append((now + cash) / price[before] - 1)
    return found


prices = st.lists(st.one_of(st.just(NAN), st.floats(0.5, 500)), min_size=1, max_size=40)


@settings(deadline=None)
@given(prices, st.data())
def test_close_returns_equal_a_plain_loop(price: list[float], data: st.DataObject) -> None:
    cash = st.one_of(st.just(0.0), st.just(NAN), st.floats(0.0, 5.0))
    paid = data.draw(st.lists(cash, min_size=len(price), max_size=len(price)))
    found = total_returns(column(*price), np.full((len(price), 1), NAN), column(*paid))
    np.testing.assert_allclose(found[:, 0], loop_returns(price, paid), rtol=1e-9, atol=1e-9)


@settings(deadline=None)
@given(prices)
def test_adjusted_returns_equal_a_plain_loop(price: list[float]) -> None:
    if all(math.isnan(p) for p in price):
        return
    nothing = np.full((len(price), 1), NAN)
    found = total_returns(nothing, column(*price), nothing)
    expected = loop_returns(price, [0.0] * len(price))
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-12, atol=1e-12)


def test_adj_close_wins_where_it_exists() -> None:
    found = total_returns(column(100, 90), column(50, 55), column(0, 7))
    assert found[1, 0] == pytest.approx(0.10, abs=1e-15)


def test_a_dividend_joins_the_return_of_its_ex_date() -> None:
    found = total_returns(column(100, 99, 99), column(NAN, NAN, NAN), column(0, 2, 0))
    assert found[1:, 0].tolist() == [101 / 100 - 1, 0.0]


def test_a_return_over_a_gap_stands_on_the_next_price() -> None:
    found = total_returns(column(100, NAN, 110), column(NAN, NAN, NAN), column(0, 1, 0))
    assert math.isnan(found[1, 0])
    assert found[2, 0] == pytest.approx(111 / 100 - 1)


def test_a_gap_of_more_than_ten_sessions_has_no_return() -> None:
    for holes, known in ((9, True), (10, False)):
        price = column(100, *[NAN] * holes, 110)
        found = total_returns(price, np.full_like(price, NAN), np.zeros_like(price))
        assert math.isfinite(found[-1, 0]) is known


def test_empty_arrays_have_no_returns() -> None:
    nothing = np.empty((0, 2))
    assert total_returns(nothing, nothing, nothing).shape == (0, 2)
    assert implied_dividends(nothing, nothing).shape == (0, 2)


def test_implied_dividends_by_hand() -> None:
    # A dividend of 2 on a last close of 100 scales earlier adjusted closes by 0.98.
    found = implied_dividends(column(100, 99, 99), column(98, 99, 99))
    assert found[:, 0] == pytest.approx([0, 2, 0], abs=1e-12)


def test_an_implied_dividend_is_not_lost_over_a_missing_price() -> None:
    found = implied_dividends(column(100, NAN, 99), column(98, NAN, 99))
    assert found[:, 0] == pytest.approx([0, 0, 2], abs=1e-12)


def test_implied_dividends_under_half_a_cent_are_rounding() -> None:
    found = implied_dividends(column(100, 100), column(99.996, 100))
    assert found[:, 0].tolist() == [0, 0]


@settings(deadline=None)
@given(
    st.lists(st.floats(20, 500), min_size=2, max_size=25),
    st.lists(st.sampled_from([0.0, 0.0, 0.25, 1.5]), min_size=25, max_size=25),
)
def test_closes_with_dividends_agree_with_adjusted_closes(
    price: list[float], cash: list[float]
) -> None:
    paid = [0.0, *cash[1 : len(price)]]
    adjusted = list(price)
    for t in range(len(price) - 1, 0, -1):  # the vendors' rule, backwards in time
        adjusted[t - 1] = adjusted[t] * price[t - 1] * (1 - paid[t] / price[t - 1]) / price[t]
    plain = total_returns(column(*price), np.full((len(price), 1), NAN), column(*paid))[1:, 0]
    by_adjusted = total_returns(column(*price), column(*adjusted), column(*paid))[1:, 0]
    # (P + D)/P0 - 1 against P/(P0 - D) - 1: they differ by (D/P0) |r|, r the latter.
    bound = np.array(paid[1:]) / np.array(price[:-1]) * np.abs(by_adjusted)
    expected = [
        (p1 / p0 - 1) if d == 0 else p1 / (p0 - d) - 1
        for p0, p1, d in zip(price[:-1], price[1:], paid[1:], strict=True)
    ]
    assert by_adjusted[np.array(paid[1:]) == 0] == pytest.approx(
        plain[np.array(paid[1:]) == 0], abs=1e-9
    )
    assert (np.abs(plain - np.array(expected)) <= bound + 1e-9).all()


def test_stated_dividends_go_before_implied_ones() -> None:
    days = ["2024-01-02", "2024-01-03"]
    two = table(
        days,
        ("STATED", "IMPLIED"),
        close=[[100, 100], [99, 99]],
        adj_close=[[98, 98], [99, 99]],
        dividends=[[0, NAN], [1.75, NAN]],
    )
    assert two.cash_dividends[1] == pytest.approx([1.75, 2.0], abs=1e-12)


def test_on_sessions_fills_holes_with_nan_and_moves_dividends_on() -> None:
    days = ["2024-01-05", "2024-01-06", "2024-01-08"]
    own = table(days, close=[[10], [11], [12]], dividends=[[0], [0.5], [0]])
    sessions = np.array(["2024-01-05", "2024-01-08", "2024-01-09"], dtype="datetime64[D]")
    moved = own.on_sessions(sessions)
    assert moved.close[:2, 0].tolist() == [10, 12]
    assert math.isnan(moved.close[2, 0])
    assert moved.dividends[:, 0].tolist() == [0, 0.5, 0]
    assert moved.returns[1, 0] == pytest.approx(12.5 / 10 - 1)
    assert moved.digest("A") != own.digest("A")  # a bar was left out


def test_on_sessions_of_the_own_dates_changes_nothing() -> None:
    own = table(["2024-01-02", "2024-01-03"], close=[[10], [11]], dividends=[[0], [0.5]])
    assert own.on_sessions(own.dates).digest("A") == own.digest("A")


def test_a_longer_calendar_does_not_change_the_digest() -> None:
    own = table(["2024-01-02", "2024-01-04"], close=[[10], [11]], dividends=[[0], [0.5]])
    longer = np.arange("2024-01-01", "2024-01-08", dtype="datetime64[D]")
    assert own.on_sessions(longer).digest("A") == own.digest("A")


def test_on_sessions_of_an_empty_table_or_an_empty_calendar() -> None:
    empty = table([], close=[])
    days = np.array(["2024-01-02"], dtype="datetime64[D]")
    assert np.isnan(empty.on_sessions(days).close).tolist() == [[True]]
    one = table(["2024-01-02"], close=[[10]], dividends=[[0.0]])
    assert one.on_sessions(days[:0]).close.shape == (0, 1)


def test_the_digest_sees_one_changed_digit_and_not_the_bits_of_a_nan() -> None:
    own = table(["2024-01-02"], close=[[10]])
    assert table(["2024-01-02"], close=[[10.000000000000002]]).digest("A") != own.digest("A")
    assert table(["2024-01-03"], close=[[10]]).digest("A") != own.digest("A")
    other = table(["2024-01-02"], close=[[10]], volume=[[-NAN]])
    assert other.digest("A") == own.digest("A")


def test_select_keeps_order_warnings_and_origins() -> None:
    two = table(["2024-01-02"], ("A", "B"), close=[[1, 2]])
    picked = two.select(["B", "A"])
    assert picked.tickers == ("B", "A")
    assert picked.close.tolist() == [[2, 1]]
    with pytest.raises(UnknownNameError, match="unknown ticker 'AA'"):
        two.select(["AA"])


def test_select_leaves_other_tickers_warnings_out() -> None:
    from dataclasses import replace

    doubts = (PriceWarning("A", "gap", None, "x"), PriceWarning("B", "gap", None, "y"))
    two = replace(table(["2024-01-02"], ("A", "B"), close=[[1, 2]]), warnings=doubts)
    assert two.select(["B"]).warnings == (doubts[1],)


def test_a_table_survives_pickling() -> None:
    own = table(["2024-01-02", "2024-01-03"], close=[[10], [11]])
    back = pickle.loads(pickle.dumps(own))  # noqa: S301
    assert back.digest("A") == own.digest("A")
    assert back.returns[1, 0] == pytest.approx(0.1)


def test_a_table_shows_itself_in_a_line() -> None:
    own = table(["2024-01-02", "2024-01-03"], close=[[10], [11]])
    assert repr(own) == "<PriceTable hand: A; 2 dates, 2024-01-02 to 2024-01-03>"


def test_closes_stand_in_row_by_row_where_adjusted_closes_are_missing() -> None:
    """100 -> 110 -> 121 -> 133.1 is 10% a day, whichever column says so; none is counted twice."""
    close = np.array([[100.0], [110.0], [121.0], [133.1], [146.41]])
    adjusted = np.array([[50.0], [55.0], [np.nan], [np.nan], [73.205]])
    found = total_returns(close, adjusted, np.full_like(close, np.nan))
    np.testing.assert_allclose(found[1:, 0], 0.1, rtol=1e-12)
