"""Real quotes, read where they stand: figures known from elsewhere, and late listings."""

import time
from pathlib import Path

import numpy as np
import pytest

from eventstudy.prices import PriceTable, load_prices

pytestmark = pytest.mark.vendor


@pytest.fixture
def prices(vendor: Path) -> PriceTable:
    return load_prices(source=vendor)


def test_all_of_them_load_without_a_doubt(prices: PriceTable) -> None:
    assert len(prices.tickers) == 22
    assert prices.warnings == ()
    assert prices.missing == {}
    assert (str(prices.dates[0]), str(prices.dates[-1])) == ("2019-01-02", "2025-06-30")


def test_known_moves(prices: PriceTable) -> None:
    for ticker, day, before, after in [
        ("AVGO", "2024-12-13", 180.66, 224.80),
        ("NVDA", "2025-01-27", 142.62, 118.42),
    ]:
        at = int(np.searchsorted(prices.dates, np.datetime64(day)))
        closes = prices.close[at - 1 : at + 1, prices.column(ticker)]
        assert closes == pytest.approx([before, after], abs=0.005)
        found = prices.returns[at, prices.column(ticker)]
        assert found == pytest.approx(after / before - 1, abs=1e-4)


def test_known_dividends_of_avgo(prices: PriceTable) -> None:
    avgo = prices.column("AVGO")
    for day, cash in [
        ("2024-03-20", 0.525),
        ("2024-06-24", 0.525),
        ("2024-09-19", 0.53),
        ("2024-12-23", 0.59),
    ]:
        at = int(np.searchsorted(prices.dates, np.datetime64(day)))
        assert prices.cash_dividends[at, avgo] == pytest.approx(cash, abs=0.002)
    year = (prices.dates >= np.datetime64("2024-01-01")) & (
        prices.dates < np.datetime64("2025-01-01")
    )
    assert (prices.cash_dividends[year, avgo] > 0).sum() == 4


def test_both_roads_to_a_total_return_agree(prices: PriceTable) -> None:
    both = np.isfinite(prices.close) & np.isfinite(prices.adj_close)
    cash = prices.cash_dividends[1:]
    before = prices.close[:-1]
    with np.errstate(invalid="ignore"):
        by_close = (prices.close[1:] + cash) / before - 1
    by_adjusted = prices.returns[1:]
    known = both[1:] & both[:-1]
    gap = np.abs(by_close - by_adjusted)[known]
    bound = (cash / before * np.abs(by_adjusted))[known]
    # Dividends under half a cent (NVDA's 0.004) are rounding by the contract: up to
    # 0.005 / P; six decimals of the quotes on the lowest prices leave about 1e-6.
    ignored = (0.005 / before)[known]
    assert (gap <= bound + ignored + 2e-6).all()
    off_ex_dates = gap[(cash[known] == 0)]
    assert np.quantile(off_ex_dates, 0.999) < 2e-6


def test_late_listings_start_where_they_start(prices: PriceTable) -> None:
    assert str(prices.dates_of("ALAB")[0]) == "2024-03-20"
    assert str(prices.dates_of("CRDO")[0]) == "2022-01-27"
    first = int(np.searchsorted(prices.dates, np.datetime64("2024-03-20")))
    alab = prices.returns[:, prices.column("ALAB")]
    assert np.isnan(alab[: first + 1]).all()
    assert np.isfinite(alab[first + 1 :]).all()


def test_what_has_adjusted_closes_alone_is_good_for_returns(prices: PriceTable) -> None:
    for ticker in ("ASML", "SMH", "SOXX"):
        i = prices.column(ticker)
        assert np.isnan(prices.close[:, i]).all()
        assert np.isnan(prices.open[:, i]).all()
        assert np.isfinite(prices.returns[1:, i]).all()
        assert (prices.cash_dividends[:, i] == 0).all()
    crdo = prices.column("CRDO")
    assert np.isnan(prices.open[:, crdo]).all()
    assert np.isfinite(prices.close[:, crdo]).sum() == len(prices.dates_of("CRDO"))


def test_the_sample_agrees_with_the_vendor_to_the_cent(prices: PriceTable) -> None:
    sample = load_prices()
    same = prices.select(sample.tickers).on_sessions(sample.dates)
    assert np.abs(same.close - sample.close).max() < 0.0051
    assert np.abs(same.open - sample.open).max() < 0.0051


def test_a_folder_of_22_files_loads_quickly(vendor: Path) -> None:
    load_prices(source=vendor)
    begun = time.perf_counter()
    load_prices(source=vendor)
    assert time.perf_counter() - begun < 3.0  # a tenth of that on two idle cores
