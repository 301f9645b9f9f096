"""Parquet files of every type that a column can have, made from bytes."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

NAMES = (
    "date", "ticker", "symbol", "open", "close", "adj_close", "volume", "dividends", "Date",
    "Close", "event_id", "tickers", "time", "session", "timezone", "AVGO", "BRK",
    "BRK.B", "brk.b_close",
    "^GSPC", "", "a.b.c", "__index_level_0__", "博通", "known_on", "title",
)  # fmt: skip
TEXTS = (
    "2024-03-01", "2024-03-04", "AVGO", "BRK.B", "", "nan", "post", "16:15", "America/New_York",
    "\u202eOGVA", "10.5", "x" * 200, "a1", "a2",
)  # fmt: skip
NUMBERS = (10.5, 11.5, 0.0, -1.0, 1e308, 1e-320, float("nan"), float("inf"), 2**52, 19_000)
NOTES = (
    b"{}", b"not json", b'{"index_columns": 3}', b'{"index_columns": [{}]}',
    b'{"index_columns": ["date"], "columns": [], "column_indexes": []}',
)  # fmt: skip
"""What stands where pandas notes which columns were an index."""
DAYS = (date(2024, 3, 1), date(2024, 3, 4), date(1, 1, 1), date(9999, 12, 31), date(1950, 6, 1))


class Source:
    """Numbers from bytes; zeros where there are no more."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def below(self, n: int) -> int:
        """Return a number from 0 to n - 1."""
        byte = self._data[self._at] if self._at < len(self._data) else 0
        self._at += 1
        return byte % n

    def one(self, choices: tuple[Any, ...]) -> Any:
        """Return one of these."""
        return choices[self.below(len(choices))]


def made_parquet(data: bytes) -> bytes:
    """Return a small table of Parquet that the bytes describe."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = Source(data)
    rows, groups = source.below(6), 1 + source.below(3)
    columns: list[Any] = []
    names: list[str] = []
    if source.below(2):  # a good beginning: what is odd stands behind it
        days = [date(2024, 3, 1) + timedelta(days=i) for i in range(rows)]
        names, columns = (
            ["date", "close"],
            [pa.array(days), pa.array([10.5 + i for i in range(rows)])],
        )
    if source.below(2):
        names += ["event_id", "tickers"]
        columns += [pa.array([f"a{i}" for i in range(rows)]), pa.array(["AVGO"] * rows)]
    for _ in range(source.below(5) + (not names)):
        names.append(source.one(NAMES))
        columns.append(_column(source, rows, pa))
    table = pa.Table.from_arrays(columns, names=names)
    if source.below(4) == 0:
        table = table.replace_schema_metadata({b"pandas": source.one(NOTES)})
    made = io.BytesIO()
    pq.write_table(table, made, row_group_size=max(1, rows // groups))
    return made.getvalue()


def _column(source: Source, rows: int, pa: Any) -> Any:
    kinds = _kinds(pa)
    kind, cell = kinds[source.below(len(kinds))]
    hole = source.below(4) == 0
    values = [None if hole and source.below(3) == 0 else cell(source) for _ in range(rows)]
    try:
        return pa.array(values, type=kind)
    except pa.ArrowInvalid:  # a number that the type does not hold
        return pa.nulls(rows, kind)


def _kinds(pa: Any) -> tuple[Any, ...]:
    def text(source: Source) -> Any:
        return source.one(TEXTS)

    def number(source: Source) -> Any:
        return source.one(NUMBERS)

    def whole(source: Source) -> Any:
        return source.one((0, 1, -1, 10, 2**31 - 1, 20240301))

    def day(source: Source) -> Any:
        return source.one(DAYS)

    def stamp(source: Source) -> Any:
        return datetime.combine(day(source), time(source.below(24), source.below(60)))

    def near(source: Source) -> Any:
        return datetime(2024, 3, 1 + source.below(28), source.below(24))

    return (
        (pa.date32(), day), (pa.date32(), day), (pa.string(), text), (pa.string(), text),
        (pa.float64(), number), (pa.float64(), number), (pa.int64(), whole), (pa.float32(), number),
        (pa.int32(), whole), (pa.bool_(), lambda s: bool(s.below(2))), (pa.large_string(), text),
        (pa.timestamp("us"), stamp), (pa.timestamp("s"), stamp), (pa.timestamp("ns"), near),
        (pa.timestamp("us", "Asia/Taipei"), near), (pa.timestamp("ms", "+05:00"), near),
        (pa.date64(), day), (pa.time32("s"), lambda s: time(s.below(24))),
        (pa.time64("ns"), lambda s: time(s.below(24))), (pa.duration("s"), lambda s: timedelta(1)),
        (pa.decimal128(12, 2), lambda s: Decimal(s.below(200)) / 4), (pa.null(), lambda s: None),
        (pa.dictionary(pa.int32(), pa.string()), text), (pa.binary(), lambda s: text(s).encode()),
        (pa.list_(pa.string()), lambda s: [text(s), text(s)]),
        (pa.list_(pa.int64()), lambda s: [whole(s)]),
        (pa.list_(pa.list_(pa.string())), lambda s: [[text(s)]]),
        (pa.struct([("a", pa.int64())]), lambda s: {"a": whole(s)}),
        (pa.map_(pa.string(), pa.int64()), lambda s: [(text(s), 1)]),
        (pa.list_(pa.float64(), 2), lambda s: [number(s), number(s)]),
    )  # fmt: skip
