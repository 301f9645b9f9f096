"""Price files that no one would write: found by fuzzing, or on the list of bad inputs."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import eventstudy as es
from eventstudy.errors import EventStudyError

DAYS = np.array(["2024-03-01", "2024-03-04"], dtype="datetime64[D]")


def told(path: Path | str, **options: object) -> str:
    with pytest.raises(EventStudyError) as raised:
        es.load_prices(source=path, **options)  # type: ignore[arg-type]
    return str(raised.value)


def put(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_ticker_that_ends_in_a_zero_byte(tmp_path: Path) -> None:
    """NumPy takes such a text for the one without it: two companies became one."""
    path = put(tmp_path, "long.csv", "date,ticker,close\n2024-03-01,A\x00,1\n2024-03-01,A,2\n")
    assert "long.csv, row 2: a zero byte" in told(path)


def test_a_long_file_without_rows_and_one_without_tickers(tmp_path: Path) -> None:
    path = put(tmp_path, "long.csv", "date,ticker,close\n")
    assert "long.csv, row 1: there is no row under the header" in told(path)
    path = put(tmp_path, "long.csv", "date,ticker,close\n2024-03-01,,1\n2024-03-04,,2\n")
    assert "row 2, column ticker: '': no ticker" in told(path)
    assert "row 3, column ticker: '': no ticker" in told(path)


def test_figures_beyond_any_price(tmp_path: Path) -> None:
    """Their ratio is no float; a volume may be small."""
    path = put(tmp_path, "A.csv", "date,close,volume\n2024-03-01,1e-320,0\n2024-03-04,1e300,1e19\n")
    text = told(path)
    assert "row 2, column close: '1e-320': no close is so small" in text
    assert "row 3, column close: '1e300': no close is so large" in text
    assert "row 3, column volume: '1e19': no volume is so large" in text
    pq.write_table(pa.table({"date": DAYS, "ticker": ["A", "A"], "close": [1e-320, 1e300]}),
                   tmp_path / "long.parquet")  # fmt: skip
    text = told(f"parquet:{tmp_path / 'long.parquet'}")
    assert "row 2, column close" in text
    assert "so small" in text
    assert "row 3, column close" in text
    frame = pd.DataFrame({"A": [1e-320, 1.0]}, index=pd.DatetimeIndex(DAYS))
    with pytest.raises(EventStudyError, match="adj_close is 9.99989e-321 on 2024-03-01"):
        es.load_prices(frame)


def test_the_bounds_of_a_price_are_prices(tmp_path: Path) -> None:
    path = put(tmp_path, "A.csv", "date,close\n2024-03-01,1e-15\n2024-03-04,1e18\n")
    table = es.load_prices(source=path)
    assert table.close[:, 0].tolist() == [1e-15, 1e18]
    assert table.returns[1, 0] == pytest.approx(1e33)


def test_a_row_is_the_line_on_which_it_begins(tmp_path: Path) -> None:
    text = 'date,close,name\n"2024-03-01",1,"one\ntwo\nthree"\n2024-03-04,ten,\n2024-03-05,1\n'
    found = told(put(tmp_path, "A.csv", text))
    assert "A.csv, row 5, column close: 'ten'" in found
    assert "A.csv, row 6: 2 cells where the header has 3" in found


def test_many_rows_of_a_wrong_length_are_counted(tmp_path: Path) -> None:
    found = told(put(tmp_path, "A.csv", "date,close\n" + "2024-03-01,1,2\n" * 500))
    assert "500 faults" in found
    assert "480 more rows" in found
    assert len(found.splitlines()) == 22


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.struct([("a", pa.int64())]), [{"a": 1}, {"a": 2}]),
        (pa.list_(pa.string()), [["A"], ["B"]]),
        (pa.bool_(), [True, False]),
    ],
)
def test_a_column_of_parquet_that_is_no_ticker(tmp_path: Path, kind: object, values: list) -> None:
    columns = {"date": DAYS, "ticker": pa.array(values, kind), "close": [1.0, 2.0]}
    pq.write_table(pa.table(columns), tmp_path / "long.parquet")
    found = told(f"parquet:{tmp_path / 'long.parquet'}")
    assert "long.parquet, column ticker: a column of" in found
    assert "where tickers are needed" in found


def test_parquet_without_rows_and_with_days_beyond_pythons(tmp_path: Path) -> None:
    table = pa.table({"date": DAYS, "ticker": ["A", "A"], "close": [1.0, 2.0]})
    pq.write_table(table.slice(0, 0), tmp_path / "long.parquet")
    assert "holds no prices" in told(f"parquet:{tmp_path / 'long.parquet'}")
    far = pa.array([1_296_715_079, 19_783], pa.int32()).cast(pa.date32())
    pq.write_table(table.set_column(0, "date", far), tmp_path / "long.parquet")
    for asked in (None, ["A"]):
        found = told(f"parquet:{tmp_path / 'long.parquet'}", tickers=asked, end="2024-12-31")
        assert "row 2, column date" in found
        assert "the year must be from 1800 to 2200" in found


def test_names_with_a_dot_are_columns_of_their_own(tmp_path: Path) -> None:
    """Arrow reads ``BRK.B`` as B inside BRK where it is let."""
    columns = {"date": DAYS, "BRK": [1.0, 2.0], "BRK.B": [10.0, 20.0]}
    pq.write_table(pa.table(columns), tmp_path / "wide.parquet")
    for source in (tmp_path / "wide.parquet", f"parquet:{tmp_path / 'wide.parquet'}"):
        table = es.load_prices(["BRK", "BRK.B"], source=source)
        assert table.adj_close[:, table.column("BRK")].tolist() == [1.0, 2.0]
        assert table.adj_close[:, table.column("BRK.B")].tolist() == [10.0, 20.0]


def test_an_accent_is_one_letter_however_it_is_written(tmp_path: Path) -> None:
    """File systems and programs write é as one letter or as two."""
    one, two = (unicodedata.normalize(form, "É1") for form in ("NFC", "NFD"))
    assert one != two
    put(tmp_path, f"{two}.csv", "date,close\n2024-03-01,1\n2024-03-04,2\n")
    assert es.load_prices([one], source=tmp_path).close[:, 0].tolist() == [1.0, 2.0]
    with pytest.raises(EventStudyError, match="write it one way"):
        es.load_prices([one, two], source=tmp_path)


def test_tickers_that_cannot_be_told_from_others(tmp_path: Path) -> None:
    assert "longer than 64 letters" in told(tmp_path, tickers=["A" * 65])
    assert "holds a path separator" in told(tmp_path, tickers=["../../etc/passwd"])
    assert "cannot be printed" in told(tmp_path, tickers=["AV\u200bGO"])
    found = told(tmp_path, tickers=["\u202eOGVA"])
    assert "\u202e" not in found
