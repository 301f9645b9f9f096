"""Least and greatest values of the row groups of a Parquet file, from its footer.

Arrow's own reading of them ends the process where a footer is damaged: its C++ exceptions cross
Python code that does not catch them. The footer is a struct of Thrift's compact protocol
(parquet.thrift of the Parquet format), and the few fields of it that are needed are read here;
what does not fit states no bounds. The columns themselves are read by Arrow, whose errors there
are errors.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

EPOCH = date(1970, 1, 1)
Bounds = tuple[Any, Any]
_INT32, _INT64, _BYTES = 1, 2, 6
_STEPS = {"s": 10**6, "ms": 10**3, "us": 1}
"""Microseconds of a unit."""


class Thrift:
    """Values of the compact protocol, one after another; structs are dicts by field number.

    Parameters
    ----------
    data : bytes
    """

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        # By the protocol's number of a kind.
        self.of_kind: dict[int, Callable[[], Any]] = {
            1: lambda: True, 2: lambda: False, 3: self.byte, 4: self.number, 5: self.number,
            6: self.number, 7: self.double, 8: self.octets, 9: self.items, 10: self.items,
            12: self.fields,
        }  # fmt: skip

    def varint(self) -> int:
        """Return an unsigned number."""
        found, shift = 0, 0
        while (byte := self.data[self.at]) >= 0x80:
            self.at += 1
            found |= (byte & 0x7F) << shift
            shift += 7
        self.at += 1
        return found | byte << shift

    def number(self) -> int:
        """Return a signed number."""
        found = self.varint()
        return (found >> 1) ^ -(found & 1)

    def octets(self) -> bytes:
        """Return a string of bytes."""
        size = self.varint()
        self.at += size
        if self.at > len(self.data):
            raise IndexError("a string ends beyond the footer")
        return self.data[self.at - size : self.at]

    def byte(self) -> int:
        """Return a byte."""
        self.at += 1
        return self.data[self.at - 1]

    def double(self) -> float:
        """Return a number with a fraction."""
        self.at += 8
        found: float = struct.unpack("<d", self.data[self.at - 8 : self.at])[0]
        return found

    def items(self) -> list[Any]:
        """Return a list."""
        head = self.data[self.at]
        self.at += 1
        size = head >> 4 if head < 0xF0 else self.varint()
        kind = head & 0x0F
        if kind in (1, 2):  # in a list a truth takes a byte of its own
            self.at += size
            return list(self.data[self.at - size : self.at])
        read = self.of_kind[kind]
        return [read() for _ in range(size)]

    def fields(self) -> dict[int, Any]:
        """Return a struct."""
        found: dict[int, Any] = {}
        name = 0
        data, of_kind = self.data, self.of_kind
        while head := data[self.at]:
            self.at += 1
            name = name + (head >> 4) if head >> 4 else self.number()
            found[name] = of_kind[head & 0x0F]()
        self.at += 1
        return found


def stated_bounds(metadata: Any) -> list[list[tuple[int, bytes, bytes] | None]]:
    """Return what a footer states, by row group and leaf column.

    Parameters
    ----------
    metadata : pyarrow.parquet.FileMetaData

    Returns
    -------
    list of list
        Physical type, and least and greatest value as they are stored; None where not stated.
        Empty where the footer does not fit the format.
    """
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    try:
        metadata.write_metadata_file(sink)
        content = sink.getvalue().to_pybytes()
        (size,) = struct.unpack("<I", content[-8:-4])
        footer = Thrift(content[-8 - size : -8]).fields()
        if 7 not in footer:  # no order of the columns' values is stated
            return []
        return [[_stated(chunk) for chunk in group[1]] for group in footer[4]]
    except (OSError, IndexError, KeyError, TypeError, struct.error, RecursionError):
        return []


def _stated(chunk: dict[int, Any]) -> tuple[int, bytes, bytes] | None:
    about = chunk.get(3, {})
    kept = about.get(12, {})
    low, high = kept.get(6), kept.get(5)
    if about.get(1) in (_INT32, _INT64):  # signed: the older fields have the same order
        low, high = kept.get(2) if low is None else low, kept.get(1) if high is None else high
    return None if low is None or high is None else (about.get(1), low, high)


def decoded(stated: tuple[int, bytes, bytes] | None, kind: Any) -> Bounds | None:
    """Return bounds as text, dates or times, None where they are none of these or do not fit.

    Parameters
    ----------
    stated : tuple of int, bytes and bytes, optional
        Of `stated_bounds`.
    kind : pyarrow.DataType
        Of the column.
    """
    import pyarrow as pa

    if stated is None:
        return None
    physical, low, high = stated
    try:
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if physical == _BYTES and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            return low.decode(), high.decode()
        if physical == _INT32 and pa.types.is_date32(kind):
            return _day(low), _day(high)
        if physical == _INT64 and pa.types.is_timestamp(kind):
            return _stamp(low, kind), _stamp(high, kind)
    except (ValueError, OverflowError, struct.error):
        return None
    return None


def _day(stored: bytes) -> date:
    return EPOCH + timedelta(days=struct.unpack("<i", stored)[0])


def _stamp(stored: bytes, kind: Any) -> datetime:
    (count,) = struct.unpack("<q", stored)
    passed = timedelta(
        microseconds=count // 1000 if kind.unit == "ns" else count * _STEPS[kind.unit]
    )
    return datetime(1970, 1, 1, tzinfo=UTC if kind.tz else None) + passed
