"""Folders and files of prices: every layout, and every fault with its place."""

import sys
import textwrap
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.errors import EventStudyError, PriceError
from eventstudy.prices import FileSource, PriceInputError, load_prices

Write = Callable[..., Path]

ONE = """\
date,open,high,low,close,adj_close,volume
2024-01-02,9,11,8,10,5,100
2024-01-03,10,12,9,11,5.5,200
"""


def faults(folder: Path, tickers: list[str] | None = None) -> list[str]:
    with pytest.raises(PriceInputError) as caught:
        FileSource(folder).load(tickers, None, None)
    assert isinstance(caught.value, EventStudyError)
    return [str(fault) for fault in caught.value.faults]


def test_one_file_a_ticker(write: Write) -> None:
    table = FileSource(write(A=ONE)).load(["A"], None, None)
    assert table.dates.astype(str).tolist() == ["2024-01-02", "2024-01-03"]
    expected = {"open": [9, 10], "high": [11, 12], "low": [8, 9], "close": [10, 11]}
    expected |= {"adj_close": [5, 5.5], "volume": [100, 200]}
    for name, values in expected.items():
        assert getattr(table, name)[:, 0].tolist() == values
    assert np.isnan(table.dividends).all()
    assert table.origin == {"A": "A.csv"}
    assert table.source == "prices"


def test_headers_are_read_without_regard_to_case_and_blanks(write: Write) -> None:
    text = "Date,Open,Adj Close,Stock Splits,Dividends\n2024-01-02,9,5,0,0.25\n"
    table = FileSource(write(A=text)).load(["A"], None, None)
    assert table.adj_close[0, 0] == 5
    assert table.dividends[0, 0] == 0.25


@pytest.mark.parametrize(
    "text",
    [
        "date,close\n2024-01-02,10\n",
        "date,adj_close\n2024-01-02,10\n",
        "\ufeffdate,close\n2024-01-02,10\n",
        "date,close\r\n2024-01-02,10\r\n",
        '"date","close"\n"2024-01-02","10"\n\n',
        "close,date,note\n10,2024-01-02,fine\n",
        ",Close\n2024-01-02,1e1\n",
        "date,close\n2024-01-02 00:00:00, 10\n",
    ],
)
def test_ways_to_write_the_same_file(write: Write, text: str) -> None:
    table = FileSource(write(A=text)).load(["A"], None, None)
    assert table.dates_of("A").astype(str).tolist() == ["2024-01-02"]
    assert table.returns.shape == (1, 1)


@pytest.mark.parametrize(
    "stamp",
    [
        "2024-12-13 00:00:00-05:00",
        "2024-12-13T00:00:00+08:00",
        "2024-12-13 05:00:00+00:00",
        "2024-12-13T23:59:59.000Z",
        "2024-12-13 00:00",
    ],
)
def test_a_zoned_date_keeps_its_local_day(write: Write, stamp: str) -> None:
    table = FileSource(write(A=f"date,close\n{stamp},10\n")).load(["A"], None, None)
    assert table.dates.astype(str).tolist() == ["2024-12-13"]


def test_a_long_file(write: Write) -> None:
    text = "date,ticker,close\n2024-01-02,A,1\n2024-01-02,b,10\n2024-01-03,A,2\n2024-01-04,b,20\n"
    table = FileSource(write(all=text)).load(["A", "B"], None, None)
    assert table.close[:, 0].tolist()[:2] == [1, 2]
    assert table.dates_of("B").astype(str).tolist() == ["2024-01-02", "2024-01-04"]


def test_a_wide_file_of_adjusted_closes(write: Write) -> None:
    text = "date,A,LOW\n2024-01-02,1,10\n2024-01-03,,11\n"
    table = FileSource(write(wide=text)).load(["A", "LOW"], None, None)
    assert table.adj_close[:, 1].tolist() == [10, 11]
    assert np.isnan(table.close).all()
    assert table.dates_of("A").astype(str).tolist() == ["2024-01-02"]


def test_a_wide_file_with_fields(write: Write) -> None:
    header = "Date,brk.b_open,BRK.B_High,brk.b_low,brk.b_close,BRK.B_ADJ_CLOSE,brk.b_volume"
    table = FileSource(write(wide=f"{header}\n2024-01-02,2,4,1,3,1.5,7\n")).load(None, None, None)
    assert table.tickers == ("BRK.B",)
    found = [table.open, table.high, table.low, table.close, table.adj_close, table.volume]
    assert [float(values[0, 0]) for values in found] == [2, 4, 1, 3, 1.5, 7]


def test_dividends_beside_a_wide_file(write: Write) -> None:
    folder = write(
        wide="date,a_close,b_close\n2024-01-02,10,5\n2024-01-05,10,5\n2024-01-08,10,5\n",
        dividends_2024="ticker,ex_date,amount\nA,2024-01-05,0.5\nA,2024-01-06,0.25\nZ,2024-01-05,9\nA,2023-01-05,1\n",
    )
    table = FileSource(folder).load(["A", "B"], None, None)
    assert table.dividends[:, 0].tolist() == [0, 0.5, 0.25]
    assert table.dividends[:, 1].tolist() == [0, 0, 0]
    assert [(w.ticker, w.check, w.date) for w in table.warnings] == [
        ("A", "dividend", "2024-01-06")
    ]


def test_adjusted_closes_speak_where_no_dividend_is_listed(write: Write) -> None:
    folder = write(A=ONE, dividends="ticker,ex_date,amount\nB,2024-01-03,1\n")
    assert np.isnan(FileSource(folder).load(["A"], None, None).dividends).all()


def test_a_path_to_one_file(write: Write) -> None:
    folder = write(A=ONE, wide="date,X,Y\n2024-01-02,1,2\n")
    assert FileSource(folder / "A.csv").load(["a"], None, None).tickers == ("a",)
    assert FileSource(folder / "wide.csv").load(None, None, None).tickers == ("X", "Y")


@pytest.mark.parametrize("ticker", ["BRK.B", "^GSPC", "3661.TW", "EURUSD=X", "BRK-B"])
def test_tickers_with_marks_are_file_names(tmp_path: Path, ticker: str) -> None:
    (tmp_path / f"{ticker}.csv").write_text(ONE)
    assert FileSource(tmp_path).load([ticker.lower()], None, None).close[0, 0] == 10
    assert FileSource(tmp_path).load(None, None, None).tickers == (ticker,)


@pytest.mark.parametrize("ticker", ["../A", "a/b", "..\\A", "..", "A B", "", "@ASIC", 7])
def test_what_is_no_ticker_is_refused(write: Write, ticker: object) -> None:
    with pytest.raises(PriceError, match="these are no tickers"):
        load_prices([ticker, "A"], source=write(A=ONE))  # type: ignore[list-item]


def test_parquet_of_every_layout(tmp_path: Path) -> None:
    index = pd.DatetimeIndex(["2024-01-02", "2024-01-03"], tz="Asia/Taipei", name="Date")
    single = pd.DataFrame({"Close": [1.0, 2.0], "Volume": [5, 6]}, index=index)
    single.to_parquet(tmp_path / "ONE.parquet")
    pd.DataFrame({"date": [date(2024, 1, 2)], "W": [3]}).to_parquet(tmp_path / "wide.pq")
    long = pd.DataFrame({"date": ["2024-01-02"] * 2, "ticker": ["L", "M"], "close": [4.0, None]})
    long.astype({"ticker": "category"}).to_parquet(tmp_path / "long.parquet")
    table = FileSource(tmp_path).load(["ONE", "W", "L"], None, None)
    assert table.dates.astype(str).tolist() == ["2024-01-02", "2024-01-03"]
    assert table.close[:, 0].tolist() == [1, 2]
    assert table.volume[:, 0].tolist() == [5, 6]
    assert table.adj_close[0, 1] == 3
    assert table.close[0, 2] == 4


def test_parquet_faults_are_placed_too(tmp_path: Path) -> None:
    frame = pd.DataFrame({"date": pd.to_datetime(["2024-01-02", None]), "close": [True, False]})
    frame.to_parquet(tmp_path / "A.parquet")
    (tmp_path / "B.parquet").write_bytes(b"PAR1 half written")
    found = faults(tmp_path, ["A", "B"])
    assert "B.parquet: cannot be read" in found[0]
    assert any("row 3, column date" in fault and "no date" in fault for fault in found)
    assert any("column close: a column of bool" in fault for fault in found)


def test_parquet_dates_must_be_dates(tmp_path: Path) -> None:
    pd.DataFrame({"date": [20240102], "close": [1.0]}).to_parquet(tmp_path / "A.parquet")
    assert "column date: a column of numbers where dates are needed" in faults(tmp_path, ["A"])[0]


def test_a_file_that_may_not_be_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(A=ONE)

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "A.csv: may not be read" in faults(folder, ["A"])[0]


def test_start_and_end_are_both_included(write: Write) -> None:
    text = "date,close\n2024-01-02,1\n2024-01-03,2\n2024-01-04,3\n2024-01-05,4\n"
    table = FileSource(write(A=text)).load(["A"], date(2024, 1, 3), date(2024, 1, 4))
    assert table.close[:, 0].tolist() == [2, 3]


def test_a_ticker_that_is_not_there_is_missing_and_said_so(write: Write) -> None:
    table = FileSource(write(A=ONE)).load(["A", "ZZZ"], None, None)
    assert table.missing == {"ZZZ": "no file or column of prices holds it"}


def test_a_ticker_without_prices_in_the_span_is_missing(write: Write) -> None:
    folder = write(A=ONE, B="date,close\n2023-01-03,7\n")
    table = FileSource(folder).load(["A", "B"], date(2024, 1, 1), None)
    assert "its prices run from 2023-01-03 to 2023-01-03" in table.missing["B"]
    with pytest.raises(PriceError, match="B: its prices run from 2023-01-03"):
        FileSource(folder).load(["B"], date(2024, 1, 1), None)


def test_only_the_files_needed_are_read(write: Write) -> None:
    folder = write(A=ONE, BROKEN="no prices here", notes="a,b\n1,2\n")
    assert FileSource(folder).load(["A"], None, None).missing == {}
    assert FileSource(folder).load(["A", "ZZZ"], None, None).tickers == ("A",)
    assert len(faults(folder)) == 2  # all files were asked for


def test_none_of_the_tickers_is_an_error_with_the_nearest(write: Write) -> None:
    with pytest.raises(PriceError, match=r"AVGX \(did you mean 'AVGO'\?\).*it holds: AVGO"):
        FileSource(write(AVGO=ONE)).load(["AVGX"], None, None)


def test_a_folder_that_is_not_there(write: Write) -> None:
    folder = write(A=ONE)
    with pytest.raises(PriceError, match=r"no such file or folder \(did you mean 'prices'\?\)"):
        load_prices("A", source=folder.parent / "price")


def test_a_folder_without_price_files(tmp_path: Path) -> None:
    (tmp_path / "dividends.csv").write_text("ticker,ex_date,amount\n")
    (tmp_path / "readme.md").write_text("x")
    with pytest.raises(PriceError, match=r"holds no price file \(\.csv"):
        load_prices("A", source=tmp_path)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("x")
    with pytest.raises(PriceError, match=r"not a price file; allowed are \.csv"):
        load_prices("A", source=tmp_path / "a.xlsx")


def test_all_faults_of_all_files_come_at_once(write: Write) -> None:
    folder = write(
        A=textwrap.dedent("""\
            date,open,close,volume
            2024-01-02,ten,10,1
            2024-02-30,10,10,1
            03/01/2024,10,10,1
            2024-01-05,10,-4,1
            2024-01-05,10,inf,-2
            2024-01-04,1_0,0,1
            2024-01-08,10,10
            """),
        B="day,close\n2024-01-02,1\n",
        C="date,open,high\n2024-01-02,1,2\n",
        D="date,close,Close\n2024-01-02,1,2\n",
        E="date,close,adj_clsoe\n2024-01-02,1,2\n",
        F="date;close\n2024-01-02;1\n",
        G="",
    )
    expected = [
        ("A.csv, row 2, column open: 'ten'", "not a number"),
        ("A.csv, row 3, column date: '2024-02-30'", "no such day"),
        ("A.csv, row 4, column date: '03/01/2024'", "write YYYY-MM-DD"),
        ("A.csv, row 5, column close: '-4'", "above zero"),
        ("A.csv, row 6, column date: '2024-01-05'", "stands twice"),
        ("A.csv, row 6, column close: 'inf'", "not finite"),
        ("A.csv, row 6, column volume: '-2'", "zero or more"),
        ("A.csv, row 7, column date: '2024-01-04'", "comes after 2024-01-05"),
        ("A.csv, row 7, column open: '1_0'", "not a number"),
        ("A.csv, row 7, column close: '0'", "above zero"),
        ("A.csv, row 8", "3 cells where the header has 4"),
        ("B.csv, row 1", "no column date; found day, close"),
        ("C.csv, row 1", "no column close nor adj_close"),
        ("D.csv, row 1, column close", "stands 2 times"),
        ("E.csv, row 1, column adj_clsoe", "did you mean 'adj_close'?"),
        ("F.csv, row 1", "separated by commas"),
        ("G.csv", "an empty file"),
    ]
    found = faults(folder)
    for place, problem in expected:
        assert any(place in fault and problem in fault for fault in found), (place, found)
    assert len(found) == len(expected)


def test_a_wide_ticker_without_closes_is_a_fault_when_asked_for(write: Write) -> None:
    folder = write(wide="date,a_open,b_close\n2024-01-02,1,2\n")
    assert "A has open but no close nor adj_close" in faults(folder, ["A"])[0]
    assert FileSource(folder).load(["B"], None, None).close[0, 0] == 2


def test_a_ticker_in_two_files_is_a_fault(write: Write) -> None:
    folder = write(w1="date,A,B\n2024-01-02,1,2\n", w2="date,A,C\n2024-01-02,1,2\n")
    assert "A stands in w1.csv and w2.csv" in faults(folder, ["A"])[0]
    assert FileSource(folder).load(["B", "C"], None, None).missing == {}


def test_a_long_row_without_a_ticker_is_a_fault(write: Write) -> None:
    folder = write(long="date,ticker,close\n2024-01-02,A,1\n2024-01-03,,2\n")
    assert "row 3, column ticker" in faults(folder, ["A"])[0]


def test_faults_of_a_dividends_file(write: Write) -> None:
    text = "ticker,ex_date,amount\nA,2024-13-01,1\nA,2024-01-03,-1\nA,2024-01-03,x\n"
    found = faults(write(A=ONE, dividends=text), ["A"])
    assert any("row 2, column ex_date: '2024-13-01'" in fault for fault in found)
    assert any("row 3, column amount: '-1'" in fault for fault in found)
    assert any("row 4, column amount: 'x'" in fault for fault in found)
    assert any("row 4, column ex_date" in fault and "stands twice" in fault for fault in found)
    found = faults(write(A=ONE, dividends="ticker,date,amount\n"), ["A"])
    assert "needs the columns ticker, ex_date, amount" in found[0]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"date,close\n2024-01-02,\xff\n", "not UTF-8"),
        (b'date,close\n2024-01-02,"1\n', "cannot be read"),
    ],
)
def test_a_file_that_is_no_csv(tmp_path: Path, content: bytes, word: str) -> None:
    (tmp_path / "A.csv").write_bytes(content)
    assert word in faults(tmp_path, ["A"])[0]


def test_empty_cells_are_missing_prices(write: Write) -> None:
    text = (
        "date,close,volume\n2024-01-02,1,\n2024-01-03,NaN,5\n2024-01-04,null,\n2024-01-05,2,n/a\n"
    )
    table = FileSource(write(A=text)).load(["A"], None, None)
    assert table.dates_of("A").astype(str).tolist() == ["2024-01-02", "2024-01-05"]


positive = st.floats(min_value=1e-15, max_value=1e18, allow_nan=False)


@settings(max_examples=40, deadline=None)
@given(st.lists(positive, min_size=1, max_size=20), st.sampled_from(["csv", "parquet"]))
def test_prices_come_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], kind: str
) -> None:
    folder = tmp_path_factory.mktemp("prices")
    days = np.datetime64("2020-01-01") + np.arange(len(values))
    if kind == "csv":
        rows = [f"{day},{value!r}" for day, value in zip(days, values, strict=True)]
        (folder / "A.csv").write_text("\n".join(["date,close", *rows]))
    else:
        pd.DataFrame({"date": days.astype("datetime64[s]"), "close": values}).to_parquet(
            folder / "A.parquet"
        )
    table = FileSource(folder).load(["A"], None, None)
    assert table.close[:, 0].tolist() == values
    assert (table.dates == days).all()


def test_the_package_is_light_until_prices_are_read() -> None:
    import subprocess

    code = (
        "import sys, eventstudy.prices, eventstudy.prices.load;"
        "print([m for m in ('pandas','pyarrow','yfinance','rich','exchange_calendars','scipy')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_faults_of_one_kind_are_counted_from_the_21st_on(tmp_path: Path) -> None:
    rows = "".join(f"{d:02d}/03/2024,10\n" for d in range(1, 29))
    (tmp_path / "AAA.csv").write_text("date,close\n" + rows)
    with pytest.raises(PriceError) as error:
        load_prices({"AAA"}, source=tmp_path)
    assert str(error.value).count("not a date; write YYYY-MM-DD") == 21
    assert "not a date; write YYYY-MM-DD (8 more rows)" in str(error.value)


def test_a_calendar_of_events_is_no_price_file(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("event_id,date,tickers\na,2024-03-01,AVGO\n")
    with pytest.raises(PriceError, match="a calendar of events, not prices"):
        load_prices(source=tmp_path)
