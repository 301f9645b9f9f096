"""`load_prices`: sources, options, frames and the checks on every load."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.errors import PriceError, UnknownNameError
from eventstudy.prices import (
    SOURCES,
    PriceSource,
    PriceTable,
    SampleSource,
    find_source,
    load_prices,
)

FRAME = pd.DataFrame(
    {"AVGO": [100.0, 110.0, 99.0], "SPY": [50.0, 50.5, 51.0]},
    index=pd.DatetimeIndex(["2024-12-12", "2024-12-13", "2024-12-16"]),
)


def test_the_sample_is_the_default() -> None:
    table = load_prices({"SPY", "AVGO"})
    assert table.source == "sample"
    assert table.tickers == ("AVGO", "SPY")  # a set has no order, so its names are sorted
    assert table.warnings == ()


def test_the_sample_holds_its_known_points() -> None:
    table = load_prices()
    assert table.tickers == ("AVGO", "MRVL", "NVDA", "AMD", "SPY")
    assert len(table.dates) == 250
    assert (str(table.dates[0]), str(table.dates[-1])) == ("2024-03-01", "2025-02-28")
    day = int(np.searchsorted(table.dates, np.datetime64("2024-12-13")))
    avgo = table.column("AVGO")
    assert table.close[day - 1 : day + 1, avgo].tolist() == [180.66, 224.80]
    assert table.returns[day, avgo] == pytest.approx(224.80 / 180.66 - 1, abs=1e-15)
    day = int(np.searchsorted(table.dates, np.datetime64("2025-01-27")))
    assert table.close[day - 1 : day + 1, table.column("NVDA")].tolist() == [142.62, 118.42]
    assert np.isfinite(table.open).all()
    assert np.isnan(table.high).all()
    assert np.isnan(table.volume).all()
    for closed in ("2025-01-09", "2024-11-28"):
        assert np.datetime64(closed) not in table.dates
    for half in ("2024-07-03", "2024-11-29", "2024-12-24"):
        assert np.datetime64(half) in table.dates


def test_the_samples_dividends_join_returns_on_ex_dates() -> None:
    table = load_prices()
    avgo = table.column("AVGO")
    # Read off the shipped files: close before, close on the ex-date, dividend.
    for day, before, after, cash in [
        ("2024-12-23", 220.79, 232.35, 0.59),
        ("2024-09-19", 161.67, 167.42, 0.53),
    ]:
        at = int(np.searchsorted(table.dates, np.datetime64(day)))
        assert table.close[at - 1 : at + 1, avgo].tolist() == [before, after]
        assert table.returns[at, avgo] == pytest.approx((after + cash) / before - 1, abs=1e-15)
    paid = table.cash_dividends.sum(axis=0)
    by_hand = [2 * 0.525 + 0.53 + 0.59, 4 * 0.06, 0.004 + 3 * 0.01, 0.0]
    assert paid[:4] == pytest.approx(by_hand, abs=1e-12)
    assert paid[4] == pytest.approx(1.595 + 1.759 + 1.746 + 1.966, abs=1e-12)


@pytest.mark.parametrize("given", [["SPY", "AVGO", "SPY"], ("SPY", "AVGO"), " SPY ", None])
def test_ways_to_ask(given: object) -> None:
    table = load_prices(given, start="2024-12-02", end=date(2024, 12, 31))  # type: ignore[arg-type]
    assert table.tickers[0] == ("SPY" if given else "AVGO")
    assert len(table.dates) == 21


def test_an_unknown_ticker_is_missing_by_default_and_an_error_if_wished() -> None:
    assert load_prices(["AVGO", "TSM"]).missing == {"TSM": "no file or column of sample holds it"}
    with pytest.raises(PriceError, match="sample lacks tickers:\n  TSM: "):
        load_prices(["AVGO", "TSM"], missing="error")
    with pytest.raises(PriceError, match=r"AVGX \(did you mean 'AVGO'\?\)"):
        load_prices(["AVGX"])


def test_a_frame_stands_for_itself() -> None:
    table = load_prices(FRAME)
    assert table.source == "frame"
    assert table.adj_close.tolist() == [[100, 50], [110, 50.5], [99, 51]]
    assert np.isnan(table.close).all()
    assert table.returns[1:, 0] == pytest.approx([0.10, -0.10], abs=1e-15)
    assert table.dates.astype(str).tolist() == ["2024-12-12", "2024-12-13", "2024-12-16"]


def test_a_frame_as_a_source_and_a_part_of_it() -> None:
    table = load_prices(["SPY", "QQQ"], source=FRAME, start="2024-12-13")
    assert table.tickers == ("SPY",)
    assert table.missing == {"QQQ": "no column of the frame"}
    assert len(table.dates) == 2


def test_a_frame_is_not_changed_and_not_shared() -> None:
    frame = FRAME.copy()
    table = load_prices(frame)
    table.adj_close[0, 0] = 1.0
    pd.testing.assert_frame_equal(frame, FRAME)


@pytest.mark.parametrize(
    "index",
    [
        ["2024-12-12", "2024-12-13", "2024-12-16"],
        [date(2024, 12, 12), date(2024, 12, 13), date(2024, 12, 16)],
        pd.DatetimeIndex(["2024-12-12", "2024-12-13", "2024-12-16"], tz="Asia/Taipei"),
        pd.DatetimeIndex(["2024-12-12", "2024-12-13", "2024-12-16"], tz="America/New_York"),
    ],
)
def test_an_index_keeps_its_local_dates(index: object) -> None:
    table = load_prices(FRAME.set_axis(index, axis=0))  # type: ignore[arg-type]
    assert table.dates.astype(str).tolist() == ["2024-12-12", "2024-12-13", "2024-12-16"]


def test_a_frame_with_a_date_column() -> None:
    assert load_prices(FRAME.rename_axis("Date").reset_index()).returns[1, 0] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        (FRAME.reset_index(drop=True), "dates are needed there or in a column 'date'"),
        (FRAME.iloc[::-1], "dates are not in order"),
        (FRAME.iloc[[0, 1, 1]], "the date 2024-12-13 stands twice"),
        (FRAME.set_axis(["A", "A"], axis=1), "columns of the frame stand twice: A"),
        (
            pd.concat({"Close": FRAME}, axis=1),
            r"give one field of it, such as frame\['Adj Close'\]",
        ),
        (FRAME.astype(object).replace(110.0, "ten"), "column AVGO: 'ten': not a number"),
        (FRAME.replace(110.0, -1.0), "AVGO: adj_close is -1 on 2024-12-13"),
        (FRAME.replace(110.0, np.inf), "AVGO: adj_close is inf on 2024-12-13"),
        (FRAME.set_axis(["2024-12-12", "2024-02-30", "x"], axis=0), "no such day"),
        (FRAME.iloc[:0], "no prices"),
        (FRAME[[]], "it has no column"),
    ],
)
def test_a_frame_that_is_not_fit(frame: pd.DataFrame, word: str) -> None:
    with pytest.raises(PriceError, match=word):
        load_prices(frame)


def test_a_frame_and_a_source_at_once_is_one_too_many() -> None:
    with pytest.raises(PriceError, match="one is allowed"):
        load_prices(FRAME, source="yahoo")


class Own:
    """A source of the user's own, as short as the contract lets it be."""

    def __init__(self, change: Callable[[PriceTable], object] = lambda table: table) -> None:
        self.change = change

    def load(
        self, tickers: Sequence[str] | None, start: date | None, end: date | None
    ) -> PriceTable:
        return self.change(SampleSource().load(["AVGO"], start, end))  # type: ignore[return-value]


def test_an_object_with_load_is_a_source() -> None:
    assert isinstance(Own(), PriceSource)
    table = load_prices(["AVGO", "NVDA"], source=Own())
    assert table.tickers == ("AVGO",)
    assert table.missing == {"NVDA": "sample returned no prices for it"}  # never silent


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda t: replace(t, dates=t.dates[::-1]), "dates are not in order"),
        (lambda t: replace(t, dates=np.repeat(t.dates[:125], 2)), "stands twice"),
        (lambda t: replace(t, close=t.close[:-1]), r"close has shape \(249, 1\), not \(250, 1\)"),
        (lambda t: replace(t, dates=np.arange(250.0)), "dates must be a vector of datetime64"),
        (
            lambda t: replace(t, close=-t.close),
            "AVGO: close is -139.92 on 2024-03-01 .and 249 more",
        ),
        (lambda t: replace(t, close=t.close * np.nan), "AVGO: no price on any date"),
        (lambda t: None, "returned a NoneType, not a PriceTable"),
    ],
)
def test_a_table_of_the_users_own_is_held_to_the_same(
    change: Callable[[PriceTable], object], word: str
) -> None:
    with pytest.raises(PriceError, match=word):
        load_prices("AVGO", source=Own(change))


def test_all_errors_come_at_once() -> None:
    frame = FRAME.replace({110.0: -1.0, 51.0: 0.0})
    with pytest.raises(PriceError) as caught:
        load_prices(frame)
    assert "AVGO: adj_close is -1" in str(caught.value)
    assert "SPY: adj_close is 0 on 2024-12-16" in str(caught.value)


def test_checks_can_be_left_out() -> None:
    assert load_prices(FRAME.replace(110.0, -1.0), check=False).adj_close[1, 0] == -1.0


def test_doubts_are_warnings_and_the_calendar_decides_on_gaps() -> None:
    holed = FRAME.drop(index=pd.Timestamp("2024-12-13"))
    (first, second) = load_prices(holed).warnings
    assert (first.ticker, first.check, first.date) == ("AVGO", "gap", "2024-12-13")
    assert second.ticker == "SPY"
    assert load_prices(holed, calendar="prices").warnings == ()
    with pytest.raises(UnknownNameError, match="unknown calendar 'XNYZ'"):
        load_prices(holed, calendar="XNYZ")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"start": "2024-13-01"}, "start is '2024-13-01'; write a date as YYYY-MM-DD"),
        ({"end": 7}, "end is 7"),
        ({"start": "2025-01-01", "end": "2024-01-01"}, "start 2025-01-01 lies after end"),
        ({"missing": "ignore"}, "allowed are 'error' and 'drop'"),
        ({"source": "yaho"}, r"did you mean 'yahoo'\?"),
        ({"source": "no/such/folder"}, "no such file or folder"),
        ({"source": 7}, "allowed are a name"),
        ({"source": Own}, "allowed are a name"),
        ({"tickers": []}, "no tickers were asked for"),
        ({"tickers": ["AVGO", "NVDA", "avgo"]}, "'avgo': stands beside 'AVGO': write it one way"),
        ({"start": "2030-01-01"}, "its prices run from 2024-03-01 to 2025-02-28"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], word: str) -> None:
    with pytest.raises(PriceError, match=word):
        load_prices(**{"tickers": ["AVGO"], **options})  # type: ignore[arg-type]


def test_a_moment_counts_as_its_day() -> None:
    assert len(load_prices("SPY", start=datetime(2025, 2, 28, 16)).dates) == 1


def test_a_name_goes_before_a_folder_and_a_path_is_never_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sample").mkdir()
    Path("sample/AVGO.csv").write_text("date,close\n2020-01-02,1\n")
    assert load_prices("AVGO", source="sample").close.size == 250
    assert load_prices("AVGO", source="./sample").close.size == 1
    assert load_prices("AVGO", source=Path("sample")).close.size == 1


def test_a_real_source_is_never_replaced_by_another(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "none"):
        with pytest.raises(PriceError):
            load_prices("AVGO", source=source)


def test_names_are_a_plain_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(SOURCES) == ["sample", "yahoo"]
    monkeypatch.setitem(SOURCES, "own", lambda options: Own())
    assert load_prices("AVGO", source="own").tickers == ("AVGO",)
    assert isinstance(find_source("sample"), SampleSource)
