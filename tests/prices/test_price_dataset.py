"""Data sets of Parquet: every way to lay one out, what is read of it, and its faults."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from eventstudy.errors import InputError, PriceError
from eventstudy.prices import PriceTable, load_prices
from eventstudy.prices.table import FIELDS

TICKERS = ("AAA", "BBB", "CCC", "DDD")
DAYS = np.arange("2019-11-04", "2021-02-27", dtype="datetime64[D]")
DAYS = DAYS[np.is_busday(DAYS)]


def long_frame(tickers: tuple[str, ...] = TICKERS) -> pd.DataFrame:
    """Prices whose digits tell ticker and day; BBB begins late and CCC has a hole."""
    frames = []
    for k, ticker in enumerate(tickers, start=1):
        days = (
            DAYS[40:] if ticker == "BBB" else np.delete(DAYS, [7, 8]) if ticker == "CCC" else DAYS
        )
        close = 100.0 * k + np.arange(len(days)) / 100
        frames.append(
            pd.DataFrame(
                {
                    "date": days.astype("datetime64[ms]"),
                    "ticker": ticker,
                    "open": close - 0.5,
                    "close": close,
                    "adj_close": close * 0.9,
                    "volume": np.arange(len(days)) + 1000,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def write(path: Path, frame: pd.DataFrame, rows: int | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, path, row_group_size=rows or max(len(frame), 1))
    return path


def laid_out(folder: Path, kind: str) -> str:
    """Write the prices in one of the ways in which data sets are kept; return the address."""
    frame = long_frame()
    year = frame["date"].dt.year
    if kind == "one file":
        write(folder / "prices.parquet", frame, rows=300)
        return str(folder / "prices.parquet")
    if kind == "unordered":
        write(folder / "all.parquet", frame.sample(frac=1, random_state=1), rows=300)
    elif kind == "folder":
        for i in range(3):
            write(folder / f"part-{i}.parquet", frame.iloc[i::3], rows=200)
    elif kind == "hive by ticker":
        for ticker, own in frame.groupby("ticker"):
            write(folder / f"ticker={ticker}" / "part-0.parquet", own.drop(columns="ticker"))
    elif kind == "hive by year":
        for n, own in frame.groupby(year):
            write(folder / f"year={n}" / "part-0.parquet", own)
    elif kind == "by ticker and year":
        for (ticker, n), own in frame.groupby(["ticker", year]):
            write(folder / str(ticker) / f"{n}.parquet", own.drop(columns="ticker"))
    elif kind == "a file a ticker":
        for ticker, own in frame.groupby("ticker"):
            write(folder / "daily" / f"{ticker}.parquet", own.drop(columns="ticker"))
    elif kind == "wide":
        by_ticker = [
            own.set_index("date").drop(columns="ticker").add_prefix(f"{ticker}_")
            for ticker, own in frame.groupby("ticker")
        ]
        wide = pd.concat(by_ticker, axis=1).sort_index().reset_index()
        write(folder / "wide.parquet", wide, rows=100)
    elif kind == "texts":
        texts = frame.assign(date=frame["date"].dt.strftime("%Y-%m-%d"))
        write(folder / "sub" / "texts.parquet", texts.astype({"ticker": "category"}))
    return f"parquet:{folder}"


KINDS = (
    "one file", "unordered", "folder", "hive by ticker", "hive by year", "by ticker and year",
    "a file a ticker", "wide", "texts",
)  # fmt: skip


def cell_by_cell(table: PriceTable) -> dict[tuple[str, str, str], float]:
    found = {}
    for name in FIELDS:
        rows, columns = np.nonzero(~np.isnan(getattr(table, name)))
        for r, c in zip(rows, columns, strict=True):
            found[name, table.tickers[c], str(table.dates[r])] = getattr(table, name)[r, c]
    return found


def expected(tickers: tuple[str, ...], first: str, last: str) -> dict[tuple[str, str, str], float]:
    frame = long_frame()
    days = frame["date"].dt.strftime("%Y-%m-%d")
    kept = frame["ticker"].isin(tickers) & (days >= first) & (days <= last)
    return {
        (name, ticker, day): value
        for name in ("open", "close", "adj_close", "volume")
        for ticker, day, value in zip(
            frame["ticker"][kept], days[kept], frame[name][kept], strict=True
        )
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_to_keep_them_gives_the_same_table(tmp_path: Path, kind: str) -> None:
    address = laid_out(tmp_path / "prices", kind)
    whole = load_prices(source=address)
    assert sorted(whole.tickers) == list(TICKERS)
    assert whole.dates.tolist() == DAYS.tolist()
    assert cell_by_cell(whole) == expected(TICKERS, "2019-01-01", "2022-01-01")
    some = load_prices(["ccc", "BBB", "ZZZ"], source=address, start="2019-12-30", end="2020-01-15")
    assert some.tickers == ("ccc", "BBB")
    assert list(some.missing) == ["ZZZ"]
    shown = {
        (name, "ccc" if ticker == "CCC" else ticker, day): value
        for (name, ticker, day), value in expected(
            ("BBB", "CCC"), "2019-12-30", "2020-01-15"
        ).items()
    }
    assert cell_by_cell(some) == shown
    assert some.dates[0] == np.datetime64("2019-12-30")
    assert some.dates[-1] == np.datetime64("2020-01-15")


class Counting(MemoryFileSystem):  # type: ignore[misc]
    """Files in memory that count the bytes which are read of them."""

    protocol = "counting"
    store: dict[str, Any] = {}  # noqa: RUF012 - as the base has it
    pseudo_dirs = [""]  # noqa: RUF012
    taken = 0
    opened: list[str] = []  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.replace("counting://", "memory://")))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode != "rb":
            return super()._open(path, mode, **options)
        Counting.opened.append(path)
        return _Counted(self.cat_file(path))


class _Counted(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        Counting.taken += len(found)
        return found

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        Counting.taken += count
        return count


@pytest.fixture
def counting() -> Iterator[type[Counting]]:
    fsspec.register_implementation("counting", Counting, clobber=True)
    Counting.store.clear()
    Counting.taken, Counting.opened = 0, []
    yield Counting
    Counting.store.clear()


def many(tickers: int, days: int) -> pa.Table:
    noise = np.random.default_rng(5).uniform(10, 90, size=(6, tickers * days))
    names = np.repeat([f"T{i:03d}" for i in range(tickers)], days)
    dates = np.tile(np.datetime64("2001-01-01") + np.arange(days), tickers)
    fields = ("open", "high", "low", "close", "adj_close", "volume")
    return pa.table({"date": dates, "ticker": names, **dict(zip(fields, noise, strict=True))})


def stored(counting: type[Counting], path: str, table: pa.Table, rows: int) -> int:
    """Write a table into memory; return its size in bytes."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=rows)
    counting().pipe_file(path, buffer.getvalue())
    return len(buffer.getvalue())


def test_of_one_file_the_row_groups_in_question_are_read(counting: type[Counting]) -> None:
    """Fifty tickers of a thousand days, a row group each: two tickers are two groups."""
    table = many(50, 1000)
    size = stored(counting, "/prices.parquet", table, 1000)
    found = load_prices(["T007", "T031"], source="counting://prices.parquet", calendar="prices")
    at = {name: table.filter(pa.compute.equal(table["ticker"], name)) for name in found.tickers}
    for i, name in enumerate(found.tickers):
        np.testing.assert_array_equal(found.close[:, i], at[name]["close"].to_numpy())
        np.testing.assert_array_equal(found.dates, at[name]["date"].to_numpy())
    groups, footer = 2 / 50 * size, pq_footer(counting, "/prices.parquet")
    assert counting.taken < 1.1 * groups + 5 * footer
    assert counting.taken < size / 8


def pq_footer(counting: type[Counting], path: str) -> int:
    content = counting().cat_file(path)
    return int.from_bytes(content[-8:-4], "little") + 8


def test_of_a_long_history_the_dates_in_question_are_read(counting: type[Counting]) -> None:
    """Rows by date: a month of 5,000 days is a few row groups of two hundred."""
    table = many(10, 5000).sort_by("date")
    size = stored(counting, "/prices.parquet", table, 250)
    found = load_prices(
        source="counting://prices.parquet", start="2010-03-01", end="2010-03-31", calendar="prices"
    )
    assert found.close.shape == (31, 10)
    assert np.isfinite(found.close).all()
    assert counting.taken < 0.05 * size + 5 * pq_footer(counting, "/prices.parquet")


def test_of_a_partitioned_set_other_files_are_not_opened(counting: type[Counting]) -> None:
    table = many(20, 1000)
    for i in range(20):
        part = table.slice(i * 1000, 1000).drop_columns("ticker")
        stored(counting, f"/set/ticker=T{i:03d}/part-0.parquet", part, 1000)
    found = load_prices(["T004"], source="counting://set", calendar="prices")
    np.testing.assert_array_equal(found.close[:, 0], table["close"].to_numpy()[4000:5000])
    assert {Path(path).parent.name for path in counting.opened} == {"ticker=T004"}


def test_columns_that_no_table_has_are_not_read(counting: type[Counting]) -> None:
    table = many(5, 1000)
    letters = np.random.default_rng(6).integers(97, 123, size=(5000, 200), dtype=np.uint8)
    words = pa.array([row.tobytes().decode() for row in letters])
    size = stored(counting, "/prices.parquet", table.append_column("name", words), 5000)
    alone = stored(counting, "/alone.parquet", table, 5000)
    load_prices(source="counting://prices.parquet", calendar="prices")
    assert alone < size / 2
    # Arrow looks for the footer in the last 64 KiB, once a file.
    assert counting.taken < alone + 65_536 + 5 * pq_footer(counting, "/prices.parquet")


def test_addresses_of_pyarrow_and_of_fsspec(tmp_path: Path) -> None:
    path = Path(laid_out(tmp_path, "one file"))
    fsspec.filesystem("memory").pipe_file("/kept/prices.parquet", path.read_bytes())
    for address in (path.as_uri(), "memory://kept/prices.parquet", "memory://kept"):
        table = load_prices(["DDD"], source=address)
        assert table.close[0, 0] == 400.0
        assert table.source in ("prices.parquet", "kept")


def test_places_where_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out(tmp_path, "one file")
    (tmp_path / "empty").mkdir()
    for address, why in (
        (f"parquet:{tmp_path}/price.parquet", "no such file or folder.*did you mean 'prices.parq"),
        (f"parquet:{tmp_path}/empty", "holds no Parquet file"),
        ("memory://nowhere", "no such file or folder"),
        ("ftpx://host/prices", "no place where files stand"),
    ):
        with pytest.raises(PriceError, match=why):
            load_prices(["AAA"], source=address)
    with pytest.raises(PriceError, match=r"holds none.*AAB \(did you mean 'AAA'\?\)"):
        load_prices(["AAB"], source=f"parquet:{tmp_path}/prices.parquet")
    for module in [name for name in sys.modules if name.partition(".")[0] == "fsspec"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PriceError, match=r"eventstudy-backtester\[remote\]"):
        load_prices(["AAA"], source="memory://kept")


def faults_of(address: str, **options: Any) -> list[str]:
    with pytest.raises(InputError) as told:
        load_prices(source=address, **options)
    return str(told.value).splitlines()[1:]


def test_faults_have_file_row_group_row_column_and_value(tmp_path: Path) -> None:
    frame = long_frame(("AAA",)).iloc[:12].reset_index(drop=True)
    frame.loc[7, "close"] = -1.5
    frame.loc[8, "open"] = np.inf
    frame.loc[9, "date"] = pd.NaT
    frame.loc[10, "ticker"] = None
    frame.loc[11, "date"] = frame.loc[3, "date"]
    write(tmp_path / "set" / "a" / "x.parquet", frame, rows=5)
    found = [line.strip() for line in faults_of(f"parquet:{tmp_path}/set")]
    file = "set/a/x.parquet, row group"
    # Row 2 is the first of the file; groups are counted from zero, as Parquet does.
    assert sorted(found) == sorted(
        [
            f"{file} 1, row 9, column close: '-1.5': close must be above zero",
            f"{file} 1, row 10, column open: 'inf': not finite",
            f"{file} 1, row 11, column date: '': no date",
            f"{file} 2, row 12, column ticker: '': no ticker",
            f"{file} 2, row 13, column date: '{DAYS[3]}': the date stands twice; one row a ticker "
            "and date is allowed",
        ]
    )


def test_a_date_twice_in_two_files_or_in_one_group(tmp_path: Path) -> None:
    frame = long_frame(("AAA", "BBB"))
    write(tmp_path / "a.parquet", frame.iloc[:200])
    write(tmp_path / "b.parquet", frame.iloc[198:])
    found = faults_of(str(tmp_path))
    name = tmp_path.name
    assert [line.strip().partition(":")[0] for line in found] == [
        f"{name}/b.parquet, row group 0, row {row}, column date" for row in (2, 3)
    ]
    twice = pd.concat([frame.iloc[:5], frame.iloc[2:3], frame.iloc[5:]])
    write(tmp_path / "one" / "c.parquet", twice.sample(frac=1, random_state=2))
    (only,) = faults_of(f"parquet:{tmp_path}/one")
    assert str(DAYS[2]) in only


def test_many_faults_are_counted(tmp_path: Path) -> None:
    frame = long_frame()
    frame.loc[:, "close"] = 0.0
    write(tmp_path / "a.parquet", frame, rows=100)
    lines = faults_of(f"parquet:{tmp_path}")
    assert len(lines) == 21
    assert lines[-1] == (
        f"  {tmp_path.name}, column close: close must be above zero ({len(frame) - 20:,} more rows)"
    )


def test_columns_of_the_wrong_kind_and_broken_files_are_told_together(tmp_path: Path) -> None:
    frame = long_frame(("AAA",))
    write(tmp_path / "a.parquet", frame.assign(close="dear"), rows=50)
    write(tmp_path / "b.parquet", frame.drop(columns=["close", "adj_close"]))
    write(tmp_path / "c.parquet", frame.assign(date=20240102))
    (tmp_path / "d.parquet").write_bytes(b"PAR1 half written")
    text = "\n".join(faults_of(f"parquet:{tmp_path}"))
    assert "b.parquet, row 1: no column close nor adj_close" in text
    assert "c.parquet, column date: a column of int64 where dates are needed" in text
    assert "d.parquet: cannot be read" in text
    for name in ("b", "c", "d"):
        (tmp_path / f"{name}.parquet").unlink()
    (fault,) = faults_of(f"parquet:{tmp_path}")
    assert "a.parquet, column close: a column of string where numbers are needed" in fault.replace(
        "large_string", "string"
    )


def test_a_stamp_with_a_zone_is_its_own_day(tmp_path: Path) -> None:
    stamps = pd.to_datetime(["2024-01-02 00:00", "2024-01-03 00:00"]).tz_localize("Asia/Taipei")
    frame = pd.DataFrame({"date": stamps, "ticker": "2330.TW", "close": [590.0, 600.0]})
    write(tmp_path / "x.parquet", frame)
    found = load_prices(source=f"parquet:{tmp_path}", start="2024-01-02", end="2024-01-02")
    assert (found.dates.astype(str).tolist(), found.close.tolist()) == (["2024-01-02"], [[590.0]])


def test_no_row_is_looked_at_one_by_one(tmp_path: Path) -> None:
    counts = []
    for days in (300, 3000):
        pq.write_table(many(40, days), tmp_path / "x.parquet")
        calls = 0

        def note(frame: Any, event: str, argument: Any) -> None:
            nonlocal calls
            calls += event == "call"

        for profile in (None, note):  # once without, for what is imported and cached at first
            sys.setprofile(profile)
            load_prices(source=f"parquet:{tmp_path}", calendar="prices", check=False)
            sys.setprofile(None)
        counts.append(calls)
    assert counts[1] < counts[0] + 100
